//! Units as systemd reads them, after systemd.syntax(7), systemd.service(5) and systemd.unit(5), and lines of cron after
//! crontab(5): written from these pages, not from what makes the files.

use std::collections::BTreeMap;

/// The settings of a unit: section and name, with every value they were given.
pub struct Unit(BTreeMap<(String, String), Vec<String>>);

impl Unit {
    /// Reads the text of a unit; a backslash at the end of a line goes on with the next one.
    pub fn read(text: &str) -> Unit {
        let mut settings: BTreeMap<_, Vec<String>> = BTreeMap::new();
        let mut section = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim_start().starts_with(['#', ';']) || line.trim().is_empty() {
                continue;
            }
            let mut line = line.to_owned();
            while line.ends_with('\\') {
                line.pop();
                line.push(' ');
                line.push_str(lines.next().expect("a line goes on"));
            }
            if let Some(name) = line.trim().strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
                continue;
            }
            let (name, value) = line.split_once('=').expect("a setting");
            let key = (section.clone(), name.trim().to_owned());
            settings
                .entry(key)
                .or_default()
                .push(value.trim().to_owned());
        }
        Unit(settings)
    }

    /// The only value of a setting.
    pub fn get(&self, section: &str, name: &str) -> &str {
        let values = self.all(section, name);
        assert_eq!(values.len(), 1, "{section} {name}: {values:?}");
        &values[0]
    }

    /// All values of a setting.
    pub fn all(&self, section: &str, name: &str) -> &[String] {
        let key = (section.to_owned(), name.to_owned());
        self.0.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The words of its command, with these variables.
    pub fn command(&self, variables: &[(&str, &str)]) -> Vec<String> {
        let mut words = words(self.get("Service", "ExecStart"), true).into_iter();
        // No variables are put into the program.
        let program = specifiers(&words.next().expect("a program"));
        let rest = words.map(|word| substituted(&specifiers(&word), variables));
        std::iter::once(program).chain(rest).collect()
    }

    /// The folders of a setting that holds a list of them.
    pub fn folders(&self, name: &str) -> Vec<String> {
        let folders = words(self.get("Service", name), false);
        folders.iter().map(|it| specifiers(it)).collect()
    }
}

/// Words between blanks, without their quotes; with C's escapes where they are escapes.
fn words(text: &str, escapes: bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if quote.is_none() && character.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        let out = word.get_or_insert_with(Vec::new);
        match character {
            '\\' if escapes => escaped(&mut characters, out),
            '"' | '\'' if quote == Some(character) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(character),
            _ => out.extend(character.to_string().bytes()),
        }
    }
    assert_eq!(quote, None, "a quote is open: {text}");
    words.extend(word);
    let words = words.into_iter();
    words.map(|it| String::from_utf8(it).unwrap()).collect()
}

fn escaped(characters: &mut std::str::Chars<'_>, out: &mut Vec<u8>) {
    match characters.next().expect("something behind a backslash") {
        'n' => out.push(b'\n'),
        't' => out.push(b'\t'),
        'r' => out.push(b'\r'),
        's' => out.push(b' '),
        'x' => {
            let digits: String = characters.by_ref().take(2).collect();
            out.push(u8::from_str_radix(&digits, 16).expect("two digits"));
        }
        it @ ('"' | '\'' | '\\') => out.push(it as u8),
        it => panic!("systemd knows no escape \\{it}"),
    }
}

/// `%%` is a percent sign; no other specifier is expected.
fn specifiers(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '%' {
            assert_eq!(characters.next(), Some('%'), "a specifier in {text}");
        }
        out.push(character);
    }
    out
}

/// `$$` is a dollar sign, `${NAME}` a variable.
fn substituted(text: &str, variables: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        rest = if let Some(behind) = behind.strip_prefix('$') {
            out.push('$');
            behind
        } else {
            let behind = behind.strip_prefix('{').expect("a variable in braces");
            let (name, behind) = behind.split_once('}').expect("a closing brace");
            let known = variables.iter().find(|(known, _)| *known == name);
            out.push_str(known.unwrap_or_else(|| panic!("{name} is not set")).1);
            behind
        };
    }
    out + rest
}

/// What cron hands to the shell of a line in `/etc/cron.d`, and the times and the user before it.
pub fn cron_command(text: &str) -> (String, String, String) {
    let line = text.lines().last().expect("a line");
    let fields: Vec<&str> = line.splitn(7, ' ').collect();
    let (times, user, command) = (fields[..5].join(" "), fields[5], fields[6]);
    let mut out = String::new();
    let mut is_escaped = false;
    for character in command.chars() {
        match (is_escaped, character) {
            (true, '%') => {
                out.pop();
                out.push('%');
            }
            (false, '%') => panic!("cron ends the command at a percent sign: {command}"),
            _ => out.push(character),
        }
        is_escaped = !is_escaped && character == '\\';
    }
    (times, user.to_owned(), out)
}
