//! The names of the files that pieces go to.

use crate::error::{Error, Result};
use crate::model::{Short, is_file_name};

/// A name for a file that is made from one that a user gave, which may be anything.
pub(super) fn file_name(given: &str, otherwise: &str) -> String {
    /// How long names may be, in bytes, with a number behind.
    const LONGEST: usize = 240;
    let is_odd = |character: char| character.is_control() || matches!(character, '/' | '\\');
    let plain: String = given
        .trim()
        .chars()
        .map(|it| if is_odd(it) { '_' } else { it })
        .collect();
    let plain = match plain.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => plain,
    };
    if plain.is_empty() {
        return otherwise.to_owned();
    }
    let (stem, ending) = parts(&plain);
    let room = LONGEST.saturating_sub(ending.len());
    match plain.len() > LONGEST && room > 0 {
        true => format!("{}{ending}", &stem[..stem.floor_char_boundary(room)]),
        false => plain[..plain.floor_char_boundary(LONGEST)].to_owned(),
    }
}

/// A name with a number in it.
pub(super) fn numbered(name: &str, number: u32) -> String {
    let (stem, ending) = parts(name);
    format!("{stem}-{number}{ending}")
}

/// A name, and its extension with the dot.
fn parts(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// A file of the name of a content type.
pub(super) fn of_type(uid: &str, ending: &str) -> Result<String> {
    let name = format!("{uid}{ending}");
    match is_file_name(&name) && !name.starts_with('.') {
        true => Ok(name),
        false => Err(Error::failed(format!(
            "no file can have the name of the content type {}",
            Short(uid)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_call_files_becomes_a_name_that_leads_nowhere() {
        for (given, name) in [
            ("Ferien 2024.jpg", "Ferien 2024.jpg"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("a\\b\0c\n.png", "a_b_c_.png"),
            (".htaccess", "_htaccess"),
            ("  ", "a_1.png"),
            ("..", "_."),
        ] {
            assert_eq!(file_name(given, "a_1.png"), name, "{given}");
        }
        let long = file_name(&format!("{}.jpeg", "ä".repeat(300)), "x");
        assert!(long.len() <= 240 && long.ends_with("ä.jpeg"), "{long}");
        assert_eq!(numbered("a.tar.gz", 2), "a.tar-2.gz");
        assert_eq!(numbered("a", 3), "a-3");
    }
}
