//! The words of a name, and the cases made of them, exactly as lodash does it: Strapi names its tables
//! and columns with `snakeCase`, and components with `camelCase`.
//!
//! Latin letters lose their marks first and apostrophes are dropped; what is then left is cut by the
//! regular expression of lodash's `words`, which is followed here alternative by alternative.

/// Snake case: `heroImage2x` becomes `hero_image_2_x`, `ÉtatCivil` becomes `etat_civil`.
///
/// ```
/// assert_eq!(strapi_backup::strapi::identifiers::snake_case("Größe2x"), "grosse_2_x");
/// ```
pub fn snake_case(name: &str) -> String {
    let plain = deburr(name);
    let words: Vec<String> = words(&plain)
        .iter()
        .map(|word| word.to_lowercase())
        .collect();
    words.join("_")
}

/// Camel case with a capital in front: `component_shared.seo` becomes `ComponentSharedSeo`.
pub(super) fn pascal_case(name: &str) -> String {
    let mut case = String::new();
    for word in words(&deburr(name)) {
        let letters: Vec<char> = word.to_lowercase().chars().collect();
        // What is joined to a picture is one symbol with it, but a colour of skin before another.
        let first = match letters[..] {
            [one, other, ..] if is_skin(one) && is_skin(other) => 1,
            [one, ..] if Class::of(one) == Class::Picture => picture(&letters),
            _ => 1,
        };
        let (first, rest) = letters.split_at(first);
        case.push_str(&first.iter().collect::<String>().to_uppercase());
        case.extend(rest);
    }
    case
}

/// Latin letters in ASCII, without combining marks and apostrophes.
fn deburr(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '\'' | '’' => {}
            '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}' => {}
            'À'..='ÿ' | 'Ā'..='ſ' => match latin(letter) {
                Some(ascii) => plain.push_str(ascii),
                None => plain.push(letter),
            },
            _ => plain.push(letter),
        }
    }
    plain
}

/// A letter of Latin-1 or Latin Extended-A in ASCII.
fn latin(letter: char) -> Option<&'static str> {
    Some(match letter {
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'Æ' => "Ae",
        'æ' => "ae",
        'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'Ð' | 'Ď' | 'Đ' => "D",
        'ð' | 'ď' | 'đ' => "d",
        'È'..='Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => "E",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'Ĥ' | 'Ħ' => "H",
        'ĥ' | 'ħ' => "h",
        'Ì'..='Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => "I",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'Ĵ' => "J",
        'ĵ' => "j",
        'Ķ' => "K",
        'ķ' | 'ĸ' => "k",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ŀ' | 'Ł' => "L",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'Ñ' | 'Ń' | 'Ņ' | 'Ň' | 'Ŋ' => "N",
        // lodash has an apostrophe before ŉ, and drops it with the others.
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ŋ' | 'ŉ' => "n",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ŏ' | 'Ő' => "O",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'Œ' => "Oe",
        'œ' => "oe",
        'Ŕ' | 'Ŗ' | 'Ř' => "R",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' => "S",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ſ' => "s",
        'ß' => "ss",
        'Ţ' | 'Ť' | 'Ŧ' => "T",
        'ţ' | 'ť' | 'ŧ' => "t",
        'Þ' => "Th",
        'þ' => "th",
        'Ù'..='Ü' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'Ŵ' => "W",
        'ŵ' => "w",
        'Ý' | 'Ŷ' | 'Ÿ' => "Y",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// What a character is to the words of a name without marks and apostrophes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A-Z.
    Upper,
    /// a-z.
    Lower,
    /// 0-9.
    Digit,
    /// Stands between words: punctuation, spaces, most signs of Latin-1.
    Break,
    /// A picture: dingbats, and all beyond U+FFFF.
    Picture,
    /// Anything else: letters of other scripts, symbols.
    Other,
}

impl Class {
    fn of(letter: char) -> Self {
        match letter {
            'A'..='Z' => Self::Upper,
            'a'..='z' => Self::Lower,
            '0'..='9' => Self::Digit,
            '\0'..='\u{bf}' | '×' | '÷' => Self::Break,
            '\u{1680}' | '\u{180e}' | '\u{2000}'..='\u{206f}' | '\u{3000}' | '\u{feff}' => {
                Self::Break
            }
            '\u{2700}'..='\u{27bf}' | '\u{10000}'.. => Self::Picture,
            _ => Self::Other,
        }
    }
}

/// The words of a name that went through [`deburr`].
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        match word(&letters[at..]) {
            0 => at += 1,
            length => {
                words.push(letters[at..at + length].iter().collect());
                at += length;
            }
        }
    }
    words
}

/// How long the word is that begins here; 0 where none does.
fn word(letters: &[char]) -> usize {
    use Class::{Break, Digit, Lower, Other, Picture, Upper};
    let class = |at: usize| letters.get(at).copied().map(Class::of);
    let run = |from: usize, of: &[Class]| {
        let rest = letters[from..].iter();
        rest.take_while(|letter| of.contains(&Class::of(**letter)))
            .count()
    };
    let ends = |at: usize| matches!(class(at), None | Some(Break));
    let first = match class(0) {
        None | Some(Break) => return 0,
        Some(Digit) => return number(letters),
        Some(Picture) => return picture(letters),
        Some(first) => first,
    };
    let capital = usize::from(first == Upper);
    // Perhaps a capital, then small letters, up to the end of a word or the next capital.
    let small = run(capital, &[Lower]);
    let end = capital + small;
    if small > 0 && (ends(end) || class(end) == Some(Upper)) {
        return end;
    }
    // Capitals and letters of other scripts, up to the end of a word or a capital that begins the next.
    let big = run(0, &[Upper, Other]);
    if big > 0 && ends(big) {
        return big;
    }
    let begins =
        |at: &usize| class(*at) == Some(Upper) && matches!(class(*at + 1), Some(Lower | Other));
    if let Some(end) = (1..big).rev().find(begins) {
        return end;
    }
    // Perhaps a capital, then small letters and those of other scripts; else capitals alone.
    match run(capital, &[Lower, Other]) {
        0 => run(0, &[Upper]),
        length => capital + length,
    }
}

/// Digits, with the `st`, `nd`, `rd` or `th` after them where that is all in one case and another word
/// comes after it.
fn number(letters: &[char]) -> usize {
    let digits = letters.iter().take_while(|it| it.is_ascii_digit()).count();
    let suffix: String = letters.iter().skip(digits).take(2).collect();
    let is_ordinal = match (letters[digits - 1], suffix.to_ascii_lowercase().as_str()) {
        ('1', "st") | ('2', "nd") | ('3', "rd") => true,
        ('1' | '2' | '3', _) => false,
        (_, suffix) => suffix == "th",
    };
    let all = |is: fn(&u8) -> bool| suffix.bytes().all(|byte| is(&byte));
    let (is_lower, is_upper) = (all(u8::is_ascii_lowercase), all(u8::is_ascii_uppercase));
    let another = match letters.get(digits + 2) {
        None | Some('_') => true,
        Some(next) => {
            !next.is_ascii_alphanumeric()
                || (is_lower && next.is_ascii_uppercase())
                || (is_upper && next.is_ascii_lowercase())
        }
    };
    if is_ordinal && (is_lower || is_upper) && another {
        digits + 2
    } else {
        digits
    }
}

/// Whether it gives a picture the colour of its skin.
fn is_skin(letter: char) -> bool {
    matches!(letter, '\u{1f3fb}'..='\u{1f3ff}')
}

/// A picture with its variation, its skin, and what is joined to it.
fn picture(letters: &[char]) -> usize {
    let is = |at: usize, what: fn(char) -> bool| letters.get(at).copied().is_some_and(what);
    let flag = |letter| matches!(letter, '\u{1f1e6}'..='\u{1f1ff}');
    let variation = |letter| matches!(letter, '\u{fe0e}' | '\u{fe0f}');
    let joiner = |letter| letter == '\u{200d}';
    let one = |at: usize| {
        if is(at, flag) && is(at + 1, flag) {
            2
        } else {
            1
        }
    };
    let dressed = |at: usize| {
        let at = at + usize::from(is(at, variation));
        at + usize::from(is(at, is_skin))
    };
    let mut end = dressed(one(0));
    while is(end, joiner) && end + 1 < letters.len() {
        end = dressed(end + 1 + one(end + 1));
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_ascii_are_named_as_lodash_names_them() {
        for (name, snake) in [
            ("heroImage2x", "hero_image_2_x"),
            ("HTMLParser", "html_parser"),
            ("userID", "user_id"),
            ("extraordinarily-long-name", "extraordinarily_long_name"),
            ("my1stField", "my_1st_field"),
            ("the11thHour", "the_11_th_hour"),
            ("the4thHour", "the_4th_hour"),
            ("21STCentury", "21_st_century"),
            ("21ST", "21st"),
            ("__x__", "x"),
            ("ABc", "a_bc"),
            ("straße", "strasse"),
            ("l'adresse", "ladresse"),
            ("l\u{2019}adresse", "ladresse"),
            ("ÉtatCivil", "etat_civil"),
            ("Größe2x", "grosse_2_x"),
            ("œuvre", "oeuvre"),
            ("ŁódźCity", "lodz_city"),
            ("ŉame", "name"),
            ("имяФамилия", "имяфамилия"),
            ("x²", "x"),
            ("año", "ano"),
            ("an\u{303}o", "ano"),
            ("ΟΔΟΣ", "οδος"),
            ("日本語Title", "日本語_title"),
            ("5日", "5_日"),
            ("a😀b", "a_😀_b"),
            ("👩‍👩‍👧🇩🇪🇫🇷", "👩‍👩‍👧_🇩🇪_🇫🇷"),
            ("👍🏽✂️x", "👍🏽_✂️_x"),
            ("中ABc", "中a_bc"),
            ("ABДе", "abде"),
        ] {
            assert_eq!(snake_case(name), snake, "{name}");
        }
    }
}
