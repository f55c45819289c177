//! Where identities come from, which open archives that are encrypted to recipients; and the recipients themselves.
//!
//! The first of these that is there counts: `--identity`, `BACKUP_IDENTITY`, the credential `backup-identity`. A file that
//! is encrypted itself takes a passphrase, which is asked for.

use super::environment::Environment;
use super::prompt::Prompt;
use super::secret::{SecretFile, Sort, is_identity, secret_file, tell_open};
use super::{STREAM, terminal};
use crate::archive::{Cipher, Identities, IdentityFile, Password, Recipient};
use crate::error::{Error, Result};
use crate::store::Interrupt;
use clap::{Args, ValueEnum};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What the credential of systemd is called that holds identities.
const CREDENTIAL: &str = "backup-identity";
/// How many bytes a file with recipients may have.
const LONGEST: u64 = 1 << 20;

/// The identities for archives that are read.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct IdentityArguments {
    /// File with an identity, as age-keygen writes it, for archives that are encrypted to recipients. May be repeated
    #[arg(short, long, value_name = "FILE")]
    identity: Vec<PathBuf>,
}

impl IdentityArguments {
    /// Whether an option names one.
    pub fn is_named(&self) -> bool {
        !self.identity.is_empty()
    }

    /// The files that options and the environment name.
    pub fn files(&self, environment: &Environment) -> Vec<PathBuf> {
        let place = place(environment).map(|(path, _)| path);
        self.identity.iter().cloned().chain(place).collect()
    }

    /// The identities, where an option or the environment gives some. Where they are encrypted, their passphrase is asked
    /// for.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else; or there is nobody to ask.
    pub fn given(&self, environment: &Environment, prompt: &Prompt) -> Result<Option<Identities>> {
        let named = !self.identity.is_empty();
        let files = match named {
            true => self.identity.clone(),
            false => place(environment)
                .into_iter()
                .map(|(path, _)| path)
                .collect(),
        };
        if files.is_empty() {
            return Ok(None);
        }
        let mut all = Identities::default();
        for path in &files {
            all.extend(of_file(path, prompt)?);
        }
        Ok(Some(all))
    }

    /// The same where they may not be needed: those of the environment that are encrypted are left out where nobody can be
    /// asked.
    ///
    /// # Errors
    /// As [`given`](Self::given).
    pub fn if_given(
        &self,
        environment: &Environment,
        interrupt: &Interrupt,
    ) -> Result<Option<Identities>> {
        let prompt = Prompt::new(interrupt.clone());
        if !self.is_named()
            && !prompt.is_possible()
            && let Some((path, _)) = place(environment)
            && let IdentityFile::Locked(_) = read(&path, interrupt)?
        {
            terminal::tell(&format!(
                "note: the identity in {} is encrypted, and there is no terminal to ask for its passphrase: archives that \
                 are encrypted to recipients are not opened",
                path.display()
            ));
            return Ok(None);
        }
        self.given(environment, &prompt)
    }
}

/// Where the environment has identities: a file, and in words what names it.
fn place(environment: &Environment) -> Option<(PathBuf, &'static str)> {
    if let Some(path) = environment.identity() {
        return Some((path.into(), "BACKUP_IDENTITY"));
    }
    let credential = environment.credentials().map(|it| it.join(CREDENTIAL));
    let credential = credential.filter(|path| path.exists());
    credential.map(|path| (path, "a credential of systemd"))
}

/// Where the environment has identities, in words; `None` where it has none.
pub(super) fn told(environment: &Environment) -> Option<String> {
    let (path, named) = place(environment)?;
    if is_identity(&path) {
        return Some(format!(
            "{named}, which names no file, but is an identity itself"
        ));
    }
    Some(format!("the file {} ({named})", path.display()))
}

fn read(path: &Path, interrupt: &Interrupt) -> Result<IdentityFile> {
    if path == Path::new(STREAM) {
        return Err(Error::usage("identities are not read from stdin")
            .hint("write them into a file, and name that with --identity"));
    }
    let SecretFile { bytes, is_open } = secret_file(path, Sort::Identity, interrupt)?;
    let file = IdentityFile::read(bytes).map_err(|error| error.within(path.display()))?;
    // One that is encrypted is no secret as it lies there.
    if is_open && matches!(file, IdentityFile::Open(_)) {
        tell_open(path, Sort::Identity);
    }
    Ok(file)
}

/// The identities in a file.
fn of_file(path: &Path, prompt: &Prompt) -> Result<Identities> {
    let within = |error: Error| error.within(path.display());
    match read(path, prompt.interrupt())? {
        IdentityFile::Open(identities) => Ok(identities),
        IdentityFile::Locked(locked) => {
            locked.check().map_err(within)?;
            let passphrase = passphrase(path, prompt)?;
            locked.open(&passphrase).map_err(within)
        }
    }
}

fn passphrase(path: &Path, prompt: &Prompt) -> Result<Password> {
    let shown = terminal::safe(&path.display().to_string());
    if !prompt.is_possible() {
        let what = format!(
            "the identity in {shown} is encrypted, and there is no terminal to ask for its passphrase"
        );
        return Err(Error::usage(what).hint(
            "decrypt it with age, and give what comes out: where nobody can be asked, its file has to protect it",
        ));
    }
    let passphrase = prompt.secret(&format!("Passphrase of the identity in {shown}: "))?;
    if passphrase.is_empty() {
        return Err(Error::usage("no passphrase was entered").hint("run it again"));
    }
    Ok(Password::new(passphrase))
}

/// How an archive is encrypted that is written.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct CipherArguments {
    /// The cipher [default: strapi, or age where there are recipients]
    ///
    /// strapi import reads the one and not the other; only age proves each byte. docs/SECURITY.md
    /// compares them. Without recipients the key is the passphrase of age.
    #[arg(long, value_enum, conflicts_with = "no_encrypt")]
    cipher: Option<CipherChoice>,
    /// Encrypt to this public key of age (age1...), instead of with a key. May be repeated
    ///
    /// Whoever has the identity that belongs to it opens the archive: it need not be on this machine,
    /// and nothing here can read the archive again.
    #[arg(long, value_name = "RECIPIENT", value_delimiter = ',')]
    #[arg(conflicts_with_all = ["key", "key_file", "key_command", "no_encrypt"])]
    recipient: Vec<String>,
    /// The same, with a file that has one a line, and comments behind #. May be repeated
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["key", "key_file", "key_command", "no_encrypt"])]
    recipients_file: Vec<PathBuf>,
}

/// See [`Cipher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CipherChoice {
    /// Strapi's own (AES-128-ECB), which strapi import reads
    Strapi,
    /// The age format, which age and backup read
    Age,
}

impl CipherArguments {
    /// Whether the archive is encrypted to recipients, and takes no key.
    pub fn has_recipients(&self) -> bool {
        !(self.recipient.is_empty() && self.recipients_file.is_empty())
    }

    /// The cipher.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it knows no recipients, and there are some.
    pub fn cipher(&self) -> Result<Cipher> {
        match self.cipher {
            Some(CipherChoice::Strapi) if self.has_recipients() => {
                Err(Error::usage("Strapi's cipher knows no recipients")
                    .hint("leave --cipher out, or give it as age; or leave the recipients out"))
            }
            None if self.has_recipients() => Ok(Cipher::Age),
            Some(CipherChoice::Strapi) | None => Ok(Cipher::Strapi),
            Some(CipherChoice::Age) => Ok(Cipher::Age),
        }
    }

    /// Sees that the options fit together, without looking into files.
    ///
    /// # Errors
    /// They do not, or a recipient is none.
    pub fn check(&self) -> Result<()> {
        self.cipher()?;
        self.named().map(|_| ())
    }

    /// The recipients that options name themselves.
    fn named(&self) -> Result<Vec<Recipient>> {
        let within = |error: Error| error.within("--recipient");
        let all = self
            .recipient
            .iter()
            .map(|text| Recipient::parse(text).map_err(within));
        all.collect()
    }

    /// The recipients: those that are given, and those in files. None where there are no such options.
    ///
    /// # Errors
    /// One is none, or a file cannot be read.
    pub fn recipients(&self) -> Result<Vec<Recipient>> {
        let mut all = self.named()?;
        for path in &self.recipients_file {
            all.extend(recipients_in(path)?);
        }
        // Each is told of once.
        let mut once: Vec<Recipient> = Vec::with_capacity(all.len());
        for recipient in all {
            if !once.contains(&recipient) {
                once.push(recipient);
            }
        }
        Ok(once)
    }
}

/// The recipients in a file.
///
/// # Errors
/// It cannot be read, or holds something else.
pub(super) fn recipients_in(path: &Path) -> Result<Vec<Recipient>> {
    if is_identity(path) {
        let what = "an identity itself stands where a file with recipients is named";
        return Err(Error::usage(what).hint(
            "name a file with the public key that belongs to it, which age-keygen -y FILE prints (age1...)",
        ));
    }
    if path == Path::new(STREAM) {
        return Err(Error::usage("recipients are not read from stdin")
            .hint("write them into a file, and name that with --recipients-file"));
    }
    let fail = |error| Error::io("read the recipients in", path, error);
    let file = File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    let text = String::from_utf8(bytes).ok();
    let text = text.filter(|text| text.len() as u64 <= LONGEST);
    let Some(text) = text else {
        return Err(
            Error::usage(format!("{} is no file of recipients", path.display()))
                .hint("name a text with one a line, as age-keygen prints them (age1...)"),
        );
    };
    Recipient::parse_file(&text).map_err(|error| error.within(path.display()))
}
