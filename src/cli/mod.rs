//! The command line. The only room that knows clap, terminals, prompts, colours, signals and the
//! process environment.

mod beside;
mod child;
mod choices;
mod columns;
mod convert;
mod dgraph;
mod diff;
mod doctor;
mod drill;
mod effort;
mod environment;
mod export;
mod extract;
mod filter;
mod findings;
mod frame;
mod given;
mod identity;
mod import;
mod input;
mod inspect;
mod keep;
mod key;
mod length;
mod list;
mod media;
mod options;
mod origin;
mod place;
mod plan;
mod printing;
mod prisma;
mod progress;
mod project;
mod prompt;
mod prune;
mod recover;
mod remote;
mod report;
mod restore;
mod run;
mod safety;
mod schedule;
mod secret;
mod terminal;
mod token;
mod transfer;
mod verify;
mod waiting;

use crate::archive::{Archive, ArchiveSource, Demands, Unlock};
use crate::database::Stop;
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::resuming::HalfWay;
use crate::store::{Interrupt, Location};
use crate::threads::start;
use crate::transfer::summary::ArchiveFacts;
use crate::transfer::{OnFault, Source};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use environment::Environment;
use input::Input;
use key::KeyArguments;
use prompt::Prompt;
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often it is looked whether a signal came that has to wait.
const GLANCE: Duration = Duration::from_millis(100);

/// Exports and restores whole Strapi projects, in Strapi's own archive format
///
/// An export holds content, relations, media, schemas and configuration in one file. `strapi
/// import` reads what `backup export` writes, and `backup import` reads what `strapi export` writes.
/// Neither Node nor a running Strapi is needed; a running Strapi, near or far, can be either end all the same.
#[derive(Debug, Parser)]
#[command(
    name = "backup",
    version,
    max_term_width = 100,
    subcommand_required = true
)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 done but incomplete, 4 versions do \
not match, 5 schemas do not match, 6 the archive is damaged or not ours, 7 diff found differences, 11 locked, 12 wrong key, \
13 half-way, 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Take options from this profile of backup.toml; what is typed, or set in BACKUP_... variables, wins
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help_heading = "Profiles",
        display_order = 1000
    )]
    profile: Option<String>,
    /// The file with profiles [default: ~/.config/backup/backup.toml, else /etc/backup/backup.toml]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Profiles",
        display_order = 1001
    )]
    config: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    Export(export::Arguments),
    Import(import::Arguments),
    Transfer(transfer::Arguments),
    Verify(verify::Arguments),
    Inspect(inspect::Arguments),
    Extract(extract::Arguments),
    Convert(convert::Arguments),
    Drill(drill::Arguments),
    Diff(diff::Arguments),
    List(list::Arguments),
    Prune(prune::Arguments),
    Doctor(doctor::Arguments),
    Recover(recover::Arguments),
    Prisma(prisma::Arguments),
    Dgraph(dgraph::Arguments),
    Schedule(schedule::Arguments),
    /// Print completions for a shell
    ///
    /// For example: backup completions bash > /etc/bash_completion.d/backup
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What stands for stdin and stdout where an archive is named.
const STREAM: &str = "-";
/// The user interrupted the run; what shells use for SIGINT.
const INTERRUPTED: u8 = 130;

/// The command tree, for whoever makes man pages and completions from it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the command line, runs it, and turns the outcome into an exit code.
pub fn main() -> ExitCode {
    match dispatch() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::print_error(&error);
            terminal::let_go();
            ExitCode::from(exit_code(error.kind()))
        }
    }
}

fn dispatch() -> Result<u8> {
    let environment = Environment::of_process()?;
    let arguments = std::env::args_os().collect();
    let arguments = options::complete(&command(), arguments, &environment)?;
    let Cli {
        command: verb,
        profile,
        config,
    } = Cli::parse_from(arguments);
    match verb {
        Command::Export(arguments) => arguments.run(&environment),
        Command::Import(arguments) => arguments.run(&environment),
        Command::Transfer(arguments) => arguments.run(&environment),
        Command::Verify(arguments) => arguments.run(&environment),
        Command::Inspect(arguments) => arguments.run(&environment),
        Command::Extract(arguments) => arguments.run(&environment),
        Command::Convert(arguments) => arguments.run(&environment),
        Command::Drill(arguments) => arguments.run(&environment),
        Command::Diff(arguments) => arguments.run(&environment),
        Command::List(arguments) => arguments.run(&environment),
        Command::Prune(arguments) => arguments.run(&environment),
        Command::Doctor(arguments) => {
            let profile = profile.map(|name| format!("--profile={name}"));
            let config = config.map(|file| format!("--config={file}"));
            let chosen: Vec<OsString> = profile
                .into_iter()
                .chain(config)
                .map(OsString::from)
                .collect();
            arguments.run(&environment, &chosen)
        }
        Command::Recover(arguments) => arguments.run(&environment),
        Command::Prisma(arguments) => arguments.run(&environment),
        Command::Dgraph(arguments) => arguments.run(&environment),
        Command::Schedule(arguments) => arguments.run(&environment),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "backup", &mut script);
            io::Write::write_all(&mut io::stdout(), &script)
                .map_err(|error| Error::failed(format!("cannot print: {error}")))?;
            Ok(0)
        }
    }
}

/// Finds the archive that was named on the command line, and who can be asked for its key.
fn locate_archive(
    path: &Path,
    cancellation: &Cancellation,
    environment: &Environment,
) -> Result<(Archive, Prompt)> {
    let spool_folder = &environment.temporary;
    let interrupt = cancellation.interrupt();
    let location = Location::parse(path.as_os_str())?;
    if location.is_stream() && io::stdin().is_terminal() {
        return Err(Error::usage("stdin is a terminal, and gives no archive")
            .hint("send an archive to it, or name a file"));
    }
    let input = Input::new(io::stdin(), interrupt.clone());
    let access = environment.access(interrupt.clone());
    let archive = Archive::locate(&location, input, &access, spool_folder)?;
    Ok((archive, Prompt::beside(path, interrupt)))
}

/// Opens the archive that was named on the command line; asks for its key if it needs one.
fn open_archive(
    path: &Path,
    key: &KeyArguments,
    on_fault: OnFault,
    cancellation: &Cancellation,
    effort: &Effort,
    environment: &Environment,
) -> Result<ArchiveSource> {
    let opened = open_archive_and_key(path, key, on_fault, cancellation, effort, environment);
    opened.map(|(archive, _)| archive)
}

/// The same, with what opened it.
fn open_archive_and_key(
    path: &Path,
    key: &KeyArguments,
    on_fault: OnFault,
    cancellation: &Cancellation,
    effort: &Effort,
    environment: &Environment,
) -> Result<(ArchiveSource, Option<Unlock>)> {
    let (archive, prompt) = locate_archive(path, cancellation, environment)?;
    let unlock = key.unlock(&archive, &prompt, environment)?;
    let demands = Demands {
        authentic: key.require_authentication,
        tolerant: on_fault == OnFault::GoOn,
        interrupt: cancellation.interrupt(),
        effort: effort.clone(),
    };
    let archive = archive.open_with(unlock.clone(), demands)?;
    Ok((archive, unlock))
}

/// What a summary says of an archive that is read.
fn archive_facts(archive: &ArchiveSource) -> ArchiveFacts {
    let name = archive.name();
    ArchiveFacts {
        name: name.rsplit('/').next().unwrap_or(&name).to_owned(),
        size: archive.length(),
        sha256: None,
        id: None,
        encrypted: archive.is_encrypted(),
        cipher: archive.lock().map(|lock| lock.cipher().to_string()),
        recipients: None,
        compressed: archive.is_compressed(),
    }
}

/// The exit codes of docs/SCRIPTING.md.
fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Failed => 1,
        Kind::Usage => 2,
        Kind::Version => 4,
        Kind::Schema => 5,
        Kind::Archive => 6,
        Kind::Locked => 11,
        Kind::WrongKey => 12,
        Kind::HalfWay => 13,
        Kind::Interrupted => INTERRUPTED,
    }
}

/// Whether SIGHUP was ignored when the program started, as under `nohup`. Only Linux tells.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|signals| signals & (1 << (SIGHUP - 1)) != 0)
}

fn deaf(error: io::Error) -> Error {
    Error::failed(format!("cannot listen for signals: {error}"))
}

/// Has signals set this flag, and end the process with this code where it is set already. Gives what does the latter, and the former.
fn register(requested: &Arc<AtomicBool>, code: u8) -> Result<(Vec<SigId>, Vec<SigId>)> {
    let mut signals = vec![SIGINT, SIGTERM];
    if !ignores_hangups() {
        signals.push(SIGHUP);
    }
    let (mut exits, mut flags) = (Vec::new(), Vec::new());
    for signal in signals {
        let second = Arc::clone(requested);
        let exit = signal_hook::flag::register_conditional_shutdown(signal, code.into(), second);
        exits.push(exit.map_err(deaf)?);
        let flag = signal_hook::flag::register(signal, Arc::clone(requested));
        flags.push(flag.map_err(deaf)?);
    }
    Ok((exits, flags))
}

/// Has signals do these things no more.
fn forget(ids: &Mutex<Vec<SigId>>) {
    let mut ids = ids.lock().unwrap_or_else(PoisonError::into_inner);
    for id in ids.drain(..) {
        signal_hook::low_level::unregister(id);
    }
}

/// What Ctrl-C, SIGTERM and SIGHUP do: they set a flag, so that the work stops and cleans up. The
/// second one ends the process at once.
#[derive(Clone)]
struct Cancellation {
    requested: Arc<AtomicBool>,
    /// What ends the process at the second signal.
    exits: Arc<Mutex<Vec<SigId>>>,
    /// What sets the flag.
    flags: Arc<Mutex<Vec<SigId>>>,
    /// Whether it was said that a signal waits.
    told: Arc<AtomicBool>,
}

impl Cancellation {
    fn listen() -> Result<Self> {
        // Without this, a limit of this user (ulimit -f) would end the program on the spot; with it, writing fails.
        let limit = rustix::process::Signal::XFSZ.as_raw();
        signal_hook::flag::register(limit, Arc::default()).map_err(deaf)?;
        let requested: Arc<AtomicBool> = Arc::default();
        let (exits, flags) = register(&requested, INTERRUPTED)?;
        Ok(Self {
            requested,
            exits: Arc::new(Mutex::new(exits)),
            flags: Arc::new(Mutex::new(flags)),
            told: Arc::default(),
        })
    }

    /// The work is done, and signals mean what follows it: what they meant before is forgotten.
    ///
    /// # Errors
    /// The system takes no handlers.
    fn afresh(&self) -> Result<Interrupt> {
        forget(&self.exits);
        forget(&self.flags);
        let requested: Arc<AtomicBool> = Arc::default();
        register(&requested, INTERRUPTED)?;
        Ok(Interrupt::new(requested))
    }

    /// From now on a second signal ends the process with the code of what is half-way, or again with that of one that
    /// changed nothing.
    fn half_way(&self, is_half_way: bool) {
        let code = match is_half_way {
            true => exit_code(Kind::HalfWay),
            false => INTERRUPTED,
        };
        // Both anew: what ends the process must look at the flag before the same signal sets it.
        forget(&self.exits);
        forget(&self.flags);
        // Where the system takes no handlers, signals do what they do to any process.
        if let Ok((exits, flags)) = register(&self.requested, code) {
            *self.exits.lock().unwrap_or_else(PoisonError::into_inner) = exits;
            *self.flags.lock().unwrap_or_else(PoisonError::into_inner) = flags;
        }
    }

    /// What tells of an import that its other side is half-way.
    fn when_half_way(&self) -> HalfWay {
        let own = self.clone();
        HalfWay::new(move |is_half_way| own.half_way(is_half_way))
    }

    /// From now on the process ends when its work is done, and says so to whoever wants to stop it:
    /// what it moves must not be left half-way.
    fn hold(&self) {
        forget(&self.exits);
        let own = self.clone();
        // Without it, it is said at the end alone.
        let _ = start(move || {
            while !own.tell_held() {
                thread::sleep(GLANCE);
            }
        });
    }

    /// Says once that a signal has to wait, if one came; gives whether it was said.
    fn tell_held(&self) -> bool {
        if !self.requested.load(Ordering::Relaxed) {
            return false;
        }
        if !self.told.swap(true, Ordering::Relaxed) {
            terminal::tell(
                "a signal came while files are being moved into their places and the database commits: waiting for the end of that",
            );
        }
        true
    }

    /// What stops waiting for a database. When it is shut out, signals are held as well.
    fn stop(&self) -> Stop {
        let own = self.clone();
        Stop::new(Arc::clone(&self.requested))
            .when_shut_out(move || own.hold())
            .when_slow(|what| terminal::tell(&terminal::safe(what)))
            .when_kept_waiting(|| {
                terminal::tell(
                    "interrupted: waiting for the database to answer; a second signal ends the program at once",
                );
            })
    }

    /// What stops reading.
    fn interrupt(&self) -> Interrupt {
        Interrupt::new(Arc::clone(&self.requested))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_tree_is_sound() {
        super::command().debug_assert();
    }
}
