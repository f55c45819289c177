//! A service that may do what an export does and nothing else, and the timer that starts it.

use super::Job;
use crate::cli::terminal;
use crate::error::{Error, Result};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Options with secrets of root's, which the user of the service need not be able to read, and the names under which the
/// service finds these.
const HANDED: [(&str, &str, &str); 2] = [
    ("key_file", "--key-file", "backup-key"),
    ("token_file", "--token-file", "backup-token"),
];
/// Where systemd puts what it hands to a service. Only there a `$` means something to us.
const FOLDER: &str = "${CREDENTIALS_DIRECTORY}";
/// The databases that a project may need.
const DATABASES: &str = " postgresql.service mariadb.service mysql.service";

/// The folders for temporary files.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// What a service cannot do that runs as a user of its own.
const CAGE: &str = "\
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
";

/// What root has to keep to read and write what belongs to others; without these it is a user like any.
const CAGE_OF_ROOT: &str = "\
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_CHOWN CAP_FOWNER
AmbientCapabilities=
";

/// The same for both.
const WALLS: &str = "\
ProtectSystem=strict
ProtectHome=read-only
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
";

/// The text of the service.
///
/// # Errors
/// Something in it cannot be written so that systemd understands it.
pub(super) fn service(job: &Job) -> Result<String> {
    let mut out = String::new();
    let (what, databases) = match (job.order.site(), job.order.project()) {
        (None, Some(project)) => (format!("Strapi project {}", project.display()), DATABASES),
        (site, _) => (format!("Strapi at {}", site.unwrap_or_default()), ""),
    };
    let what = terminal::safe(&what);
    let _ = write!(
        out,
        "# Made by `backup schedule`.
[Unit]
Description=Backup of the {} ({})
Documentation=man:backup-export(1) man:backup-schedule(1)
Wants=network-online.target
After=network-online.target{databases}

[Service]
Type=oneshot
User={}
ExecStart={}
",
        specifiers(&what),
        job.name,
        job.user,
        command(job)?,
    );
    if let Some(file) = &job.environment_file {
        let _ = writeln!(out, "EnvironmentFile={}", itself(&plain(file)?));
    }
    for (id, _, credential) in HANDED {
        let Some(file) = job.order.value(id) else {
            continue;
        };
        let load = match job.encrypted_key && id == "key_file" {
            true => "LoadCredentialEncrypted",
            false => "LoadCredential",
        };
        let _ = writeln!(out, "{load}={credential}:{}", plain(Path::new(file))?);
    }
    out.push_str(
        "# A run that hangs must not keep the following ones away for ever.
TimeoutStartSec=12h
# The site goes first.
Nice=10
IOSchedulingClass=idle
UMask=0077

# What has to wait on a disk waits in a folder of its own that no memory limits.
Environment=TMPDIR=/var/tmp
",
    );
    // Folders of its own would hide what lies in the machine's.
    let mut writable = job.writable.clone();
    let has_own = !job
        .paths()
        .any(|it| TEMPORARY.iter().any(|folder| it.starts_with(folder)));
    if !has_own {
        writable.extend(TEMPORARY.map(PathBuf::from));
    }
    let writable = super::without_nested(writable);
    let folders: Result<Vec<String>> = writable.iter().map(|it| folder(it)).collect();
    out.push_str(match job.order.project() {
        Some(_) => {
            "# The archives, the lock of the project, and what SQLite keeps beside its database.\n"
        }
        None => "# The archives.\n",
    });
    let _ = writeln!(out, "ReadWritePaths={}", folders?.join(" "));
    if has_own {
        out.push_str("PrivateTmp=yes\n");
    }
    out.push_str(match job.is_root() {
        true => CAGE_OF_ROOT,
        false => CAGE,
    });
    out.push_str(WALLS);
    if !job.is_root() {
        // A lock file gets the group of its folder, as far as this user may give it.
        out.push_str("SystemCallFilter=~@privileged @resources\nSystemCallFilter=@chown\n");
    }
    match job.order.runs_programs() {
        true => out.push_str("# No MemoryDenyWriteExecute=yes: programs such as Node need that.\n"),
        false => out.push_str("MemoryDenyWriteExecute=yes\n"),
    }
    Ok(out)
}

/// The text of the timer.
pub(super) fn timer(job: &Job) -> String {
    format!(
        "# Made by `backup schedule`.
[Unit]
Description=Backup of a Strapi project ({})

[Timer]
OnCalendar={}
RandomizedDelaySec={}
# A run that the machine slept through is made up for.
Persistent=true

[Install]
WantedBy=timers.target
",
        job.name,
        job.when.calendar(),
        job.when.delay(),
    )
}

/// What stands behind `ExecStart=`: an option a line.
fn command(job: &Job) -> Result<String> {
    let mut order = job.order.clone();
    let handed = HANDED.map(|(id, option, credential)| {
        let is_given = order.take(id).is_some();
        is_given.then(|| format!("{option} {FOLDER}/{credential}"))
    });
    let mut lines = vec![program(&job.program)?];
    for (index, group) in order.words().into_iter().enumerate() {
        let words: Vec<String> = group.iter().map(|word| self::word(word)).collect();
        match index {
            0 => lines[0] = format!("{} {}", lines[0], words.join(" ")),
            _ => lines.push(words.join(" ")),
        }
    }
    lines.extend(handed.into_iter().flatten());
    Ok(lines.join(" \\\n    "))
}

/// The program itself: no variables are put into it, and signs before it mean something.
fn program(path: &Path) -> Result<String> {
    let text = utf8(path)?;
    // In quotes a dollar sign stands for itself here, and two stand for two.
    Ok(quoted(&specifiers(text)))
}

/// A word of a command.
pub(super) fn word(text: &str) -> String {
    quoted(&specifiers(text).replace('$', "$$"))
}

/// Text in which a percent sign is one.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word in quotes where it needs them, as C writes them.
fn quoted(text: &str) -> String {
    let is_bare = |it: char| it.is_alphanumeric() || "-_./:=,@+%$".contains(it);
    if !text.is_empty() && text.chars().all(is_bare) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            it if it.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(it));
            }
            it => out.push(it),
        }
    }
    out.push('"');
    out
}

/// A path where systemd takes the rest of the line as it is.
fn plain(path: &Path) -> Result<String> {
    let text = utf8(path)?;
    let speaks = text.chars().any(|it| it.is_control() || it == '\\');
    if speaks || text.trim() != text {
        return Err(unspeakable(path));
    }
    Ok(specifiers(text))
}

/// A path where systemd takes a pattern, and reads all files that match: signs of patterns in brackets are themselves.
fn itself(path: &str) -> String {
    let mut out = String::new();
    for character in path.chars() {
        match character {
            '*' | '?' | '[' => out.extend(['[', character, ']']),
            it => out.push(it),
        }
    }
    out
}

/// A folder in a list of them: quotes hold it together, and a backslash is one.
fn folder(path: &Path) -> Result<String> {
    let text = specifiers(utf8(path)?);
    if text.chars().any(char::is_control) {
        return Err(unspeakable(path));
    }
    if !text.contains([' ', '"', '\'', '\\']) {
        return Ok(text);
    }
    let mut out = String::new();
    for piece in text.split_inclusive('"') {
        let (piece, quote) = match piece.strip_suffix('"') {
            Some(piece) => (piece, "'\"'"),
            None => (piece, ""),
        };
        if !piece.is_empty() {
            let _ = write!(out, "\"{piece}\"");
        }
        out.push_str(quote);
    }
    Ok(out)
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| unspeakable(path))
}

fn unspeakable(path: &Path) -> Error {
    Error::usage(format!(
        "systemd's files cannot name {} at this place",
        path.display()
    ))
    .hint("rename it, or lead a link to it")
}
