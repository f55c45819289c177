//! What `scripts/compare` is helped by: measures commands, and makes tables and a picture of the numbers.
//!
//! ```sh
//! cargo run --release --example compare -- --help
//! ```

mod check;
mod draw;
mod fill;
mod measure;
mod numbers;
mod table;

use clap::{Args, Parser, Subcommand};
use numbers::{Machine, Numbers, Record, Run};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

/// Measures commands, and makes tables and a picture of the numbers.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Begins a file of numbers with what they are measured on
    Machine {
        /// The file; what it holds is lost
        numbers: PathBuf,
        /// The version of a contender, as NAME=VERSION
        #[arg(long = "version", value_name = "NAME=VERSION")]
        versions: Vec<String>,
    },
    /// Runs a command and adds what it took to a file of numbers
    Measure(Measure),
    /// Adds where the time went: lines of what `--verbose` says
    Stages {
        /// The file of numbers
        numbers: PathBuf,
        /// The work
        work: String,
        /// What was said
        said: PathBuf,
    },
    /// Prints a file of numbers as tables
    Table {
        /// The file of numbers
        numbers: PathBuf,
    },
    /// Fails when `backup` took more memory than it may
    Check {
        /// The file of numbers
        numbers: PathBuf,
    },
    /// Draws time against size
    Draw {
        /// The file of numbers
        numbers: PathBuf,
        /// The picture, in SVG
        picture: PathBuf,
        /// Change nothing; fail when it would
        #[arg(long)]
        check: bool,
    },
    /// Fills the blocks of documents that stand between `<!-- numbers: NAME -->` and `<!-- end of numbers -->`
    Fill {
        /// The file of numbers
        numbers: PathBuf,
        /// The documents, in Markdown
        documents: Vec<PathBuf>,
        /// Change nothing; fail when it would
        #[arg(long)]
        check: bool,
    },
}

#[derive(Args)]
struct Measure {
    /// The file of numbers
    numbers: PathBuf,
    #[arg(long)]
    database: String,
    #[arg(long)]
    work: String,
    #[arg(long)]
    contender: String,
    #[arg(long)]
    documents: u64,
    #[arg(long)]
    images: u64,
    #[arg(long)]
    image_bytes: u64,
    /// Bytes of the site
    #[arg(long)]
    site: u64,
    /// What it writes, or reads: its size is among the numbers
    #[arg(long)]
    size_of: Option<PathBuf>,
    /// Where it writes what it says
    #[arg(long)]
    log: PathBuf,
    /// The command
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Measure {
    /// Whether the command succeeded; only then its numbers are kept.
    fn run(self) -> io::Result<bool> {
        let Some(usage) = measure::run(&self.command, &self.log)? else {
            return Ok(false);
        };
        let bytes = self.size_of.as_deref().map(size).transpose()?;
        Record::Run(Run {
            database: self.database,
            work: self.work,
            contender: self.contender,
            documents: self.documents,
            images: self.images,
            image_bytes: self.image_bytes,
            site: self.site,
            seconds: usage.seconds,
            cpu: usage.cpu,
            resident: usage.resident,
            anonymous: usage.anonymous,
            bytes,
        })
        .add_to(&self.numbers)?;
        Ok(true)
    }
}

/// The bytes of a file, or of all files in a folder.
fn size(path: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(path) {
        let metadata = entry?.metadata()?;
        if metadata.is_file() {
            bytes += metadata.len();
        }
    }
    Ok(bytes)
}

/// Writes a file, or looks whether that would change it.
fn put(path: &Path, text: &str, check: bool) -> io::Result<bool> {
    if !check {
        fs::write(path, text)?;
        return Ok(true);
    }
    let is_same = fs::read_to_string(path).is_ok_and(|before| before == text);
    if !is_same {
        say(&format!(
            "{}: it does not hold what the numbers say",
            path.display()
        ));
    }
    Ok(is_same)
}

#[allow(clippy::print_stderr, reason = "it is a program of its own")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[allow(clippy::print_stdout, reason = "it is a program of its own")]
fn print(text: &str) {
    print!("{text}");
}

impl Verb {
    /// Whether all is well.
    fn run(self) -> io::Result<bool> {
        match self {
            Verb::Machine { numbers, versions } => {
                fs::write(&numbers, "")?;
                Record::Machine(Machine::here(&versions)?).add_to(&numbers)?;
                Ok(true)
            }
            Verb::Measure(measure) => measure.run(),
            Verb::Stages {
                numbers,
                work,
                said,
            } => {
                let lines = measure::stages(&fs::read_to_string(said)?);
                Record::Stages { work, lines }.add_to(&numbers)?;
                Ok(true)
            }
            Verb::Table { numbers } => {
                print(&table::all(&Numbers::read(&numbers)?));
                Ok(true)
            }
            Verb::Check { numbers } => {
                let faults = check::memory(&Numbers::read(&numbers)?);
                for fault in &faults {
                    say(fault);
                }
                Ok(faults.is_empty())
            }
            Verb::Draw {
                numbers,
                picture,
                check,
            } => put(&picture, &draw::picture(&Numbers::read(&numbers)?), check),
            Verb::Fill {
                numbers,
                documents,
                check,
            } => {
                let numbers = Numbers::read(&numbers)?;
                let mut is_well = true;
                for path in documents {
                    let text =
                        fill::fill(&fs::read_to_string(&path)?, &numbers).map_err(|error| {
                            io::Error::other(format!("{}: {error}", path.display()))
                        })?;
                    is_well &= put(&path, &text, check)?;
                }
                Ok(is_well)
            }
        }
    }
}

fn main() -> ExitCode {
    match Options::parse().verb.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
