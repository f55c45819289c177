//! Secrets in files, and those that commands print.

use super::child;
use super::terminal;
use crate::error::{Error, Result};
use crate::store::Interrupt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many bytes a file with a secret may have.
const LONGEST: u64 = 64 << 10;
/// How identities begin: those of age itself, and those of its plugins.
const IDENTITIES: [&str; 2] = ["age-secret-key-", "age-plugin-"];
/// How many characters the secret of one has at the least, cut short or not.
const SHORTEST: usize = 20;

/// How many hexadecimal digits in a row may be a token, cut short or not: a whole one of Strapi has 256.
const TOKEN: usize = 32;

/// The secret in a file: its only line.
///
/// # Errors
/// Those of [`secret_file`]; or it is no text, holds several lines, or is empty.
pub(super) fn line_of_file(path: &Path, sort: Sort, interrupt: &Interrupt) -> Result<String> {
    let SecretFile { bytes, is_open } = secret_file(path, sort, interrupt)?;
    if is_open {
        tell_open(path, sort);
    }
    let shown = path.display();
    let text = text(bytes, sort, &shown.to_string())?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.contains('\n') {
        let what = format!("{shown} holds more than one line");
        return Err(Error::usage(what).hint(format!(
            "a file for {} holds that alone, in one line",
            sort.with_article()
        )));
    }
    not_empty(
        line.to_owned(),
        &format!("the {} in {shown}", sort.as_str()),
    )
}

/// What a file holds that is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Key,
    Identity,
    /// A transfer token of a running Strapi.
    Token,
    /// The secret of a service of Prisma 1.
    Secret,
    /// The token of a server of Dgraph.
    ServerToken,
    /// The password of a user of such a server.
    Password,
}

impl Sort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Identity => "identity",
            Self::Token => "token",
            Self::Secret => "secret",
            Self::ServerToken => "token",
            Self::Password => "password",
        }
    }

    fn with_article(self) -> &'static str {
        match self {
            Self::Key => "a key",
            Self::Identity => "an identity",
            Self::Token => "a token",
            Self::Secret => "a secret",
            Self::ServerToken => "a token",
            Self::Password => "a password",
        }
    }
}

/// A file with a secret.
pub(super) struct SecretFile {
    pub bytes: Vec<u8>,
    /// Whether everybody may read it.
    pub is_open: bool,
}

/// Whether what was given as the name of a file is an identity itself, which is secret.
pub(super) fn is_identity(path: &Path) -> bool {
    let text = path.as_os_str().to_string_lossy().to_ascii_lowercase();
    // Names of files begin so as well: what is secret stands behind a 1, and is long.
    let is_long = |(_, secret): (&str, &str)| {
        let digits = secret.bytes().take_while(u8::is_ascii_alphanumeric);
        digits.count() >= SHORTEST
    };
    let holds = |begin: &str| {
        let mut rests = text
            .match_indices(begin)
            .map(|(at, it)| &text[at + it.len()..]);
        rests.any(|rest| rest.split_once('1').is_some_and(is_long))
    };
    IDENTITIES.iter().any(|begin| holds(begin))
}

/// Whether text holds a transfer token, which is secret, or most of one.
pub(super) fn holds_token(text: &str) -> bool {
    let mut runs = text.split(|it: char| !it.is_ascii_hexdigit());
    runs.any(|run| run.len() >= TOKEN)
}

/// Notes that everybody may read a secret.
pub(super) fn tell_open(path: &Path, sort: Sort) {
    terminal::tell(&format!(
        "note: everybody may read the {} in {}; keep it to its owner with chmod 600",
        sort.as_str(),
        path.display()
    ));
}

/// The content of a file with a secret of this sort. It may be a pipe.
///
/// # Errors
/// It cannot be read, or is too long; or the name is the secret itself, which is not shown.
pub(super) fn secret_file(path: &Path, sort: Sort, interrupt: &Interrupt) -> Result<SecretFile> {
    let name = sort.as_str();
    if is_identity(path) {
        let what = format!("an identity itself stands where a file with the {name} is named");
        return Err(Error::usage(what).hint(
            "write it into a file that only its owner may read, and name that; and make another one, because this one \
             showed in the list of processes or the environment",
        ));
    }
    let shown = path.display();
    let own = path.to_owned();
    let read = child::meanwhile(interrupt, move || -> io::Result<(Metadata, Vec<u8>)> {
        let file = File::open(&own)?;
        let metadata = file.metadata()?;
        let mut bytes = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut bytes)?;
        Ok((metadata, bytes))
    })?;
    let (metadata, bytes) = read.map_err(|error| {
        if sort == Sort::Token && holds_token(&path.as_os_str().to_string_lossy()) {
            let what = "a token itself stands where a file with the token is named";
            return Error::usage(what).hint(
                "write it into a file that only its owner may read, and name that; and make another one, because this \
                 one showed in the list of processes or the environment",
            );
        }
        Error::io(format!("read the {name} from"), path, error)
    })?;
    if bytes.len() as u64 > LONGEST {
        let what = format!("{shown} is too long for {}", sort.with_article());
        return Err(Error::usage(what).hint(format!(
            "name the file that holds the {name}, and nothing else"
        )));
    }
    Ok(SecretFile {
        bytes,
        is_open: metadata.is_file() && metadata.mode() & 0o004 != 0,
    })
}

/// The secret that a command prints: its first line. The command may hold a secret, and is not shown.
///
/// # Errors
/// It fails, or prints no text, or nothing.
pub(super) fn line_of_command(command: &str, sort: Sort, interrupt: &Interrupt) -> Result<String> {
    let name = format!("the command for the {}", sort.as_str());
    let line =
        child::first_line(child::shell(command), interrupt).map_err(|error| error.within(&name))?;
    let printed = format!("what {name} printed");
    let line = text(line, sort, &printed)?;
    not_empty(line, &printed)
}

fn text(bytes: Vec<u8>, sort: Sort, what: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        let hint = match sort {
            Sort::Token => "a token is text, as the admin panel shows it",
            Sort::Secret => "a secret is text, as prisma.yml has it",
            Sort::ServerToken => "a token is text, as the server takes it in a header",
            Sort::Password => "a password is text, as the user types it",
            Sort::Key | Sort::Identity => "a key is text, as Strapi takes it",
        };
        Error::usage(format!("{what} is not UTF-8")).hint(hint)
    })
}

/// The secret, unless it is empty. `what` says where it comes from.
pub(super) fn not_empty(secret: String, what: &str) -> Result<String> {
    if secret.is_empty() {
        return Err(Error::usage(format!("{what} is empty")).hint("give one that is not"));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_named_like_an_identity_is_none() {
        let secret = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SJVLZ0W";
        for text in [
            secret.to_owned(),
            secret.to_lowercase(),
            format!("# public key: age1x\n{secret}"),
            format!("/srv/{}", &secret[..40]),
            "AGE-PLUGIN-YUBIKEY-1QQQQQQQQQQQQQQQQQQQQQQQQ".into(),
        ] {
            assert!(is_identity(Path::new(&text)), "{text}");
        }
        for name in [
            "age-secret-key-1.txt",
            "/etc/backup/age-secret-key-of-the-production-site-2026.txt",
            "age-plugin-yubikey-identity-11.txt",
            "identity",
        ] {
            assert!(!is_identity(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_token_is_told_from_the_name_of_a_file() {
        let token = "0123456789abcdef".repeat(16);
        for text in [
            token.clone(),
            format!("/srv/{token}"),
            token[..80].to_owned(),
        ] {
            assert!(holds_token(&text), "{text}");
        }
        for name in [
            "/etc/backup/token",
            "token-of-site-2026-11-22",
            "deadbeef.token",
        ] {
            assert!(!holds_token(name), "{name}");
        }
    }
}
