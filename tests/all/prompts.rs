//! What is asked at a terminal: keys, without showing them, and whether data may be deleted.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::support::archive::Archive;
use crate::support::cli::{KEY, Project, backup_through, strapi_archive, testdata};
use crate::support::files::listing;

/// A run at a terminal, and what stands on the screen.
pub struct Session {
    child: Child,
    terminal: File,
    screen: Vec<u8>,
}

impl Session {
    /// Runs the binary on a project, at a terminal of its own.
    fn start(project: &Project, verb: &str, options: &[&str]) -> Session {
        let mut starter = Command::new("setsid");
        starter.arg("--ctty");
        let mut command = backup_through(starter, [verb, "--project"]);
        command
            .arg(project.path())
            .args(options)
            .current_dir(project.archives());
        Session::of(command)
    }

    /// Runs a command that `setsid --ctty` begins, at a terminal of its own.
    pub fn of(command: Command) -> Session {
        Session::begin(command, false)
    }

    /// The same, and what it prints goes to the terminal as well.
    pub fn printing(command: Command) -> Session {
        Session::begin(command, true)
    }

    fn begin(mut command: Command, prints: bool) -> Session {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let mut inner = OpenOptions::new();
        let inner = inner.read(true).write(true);
        let inner = inner.open(name.to_str().unwrap()).unwrap();
        let stdout = match prints {
            true => inner.try_clone().unwrap().into(),
            false => Stdio::null(),
        };
        command
            .stdin(inner.try_clone().unwrap())
            .stderr(inner)
            .stdout(stdout);
        Session {
            child: command.spawn().unwrap(),
            terminal: terminal.into(),
            screen: Vec::new(),
        }
    }

    /// Waits for a question and answers it.
    pub fn answers(self, question: &str, answer: &str) -> Session {
        self.waits_for(question).types(answer)
    }

    /// Waits for a question and answers it once the terminal does not show what is typed.
    pub fn answers_unseen(self, question: &str, answer: &str) -> Session {
        let mut session = self.waits_for(question);
        while shows_what_is_typed(&session.terminal) {
            let ended = session.child.try_wait().unwrap();
            assert_eq!(ended, None, "{}", session.text());
            thread::yield_now();
        }
        session.types(answer)
    }

    fn waits_for(mut self, question: &str) -> Session {
        let seen = self.screen.len();
        while !String::from_utf8_lossy(&self.screen[seen..]).contains(question) {
            assert!(self.read(), "it never asks {question:?}\n{}", self.text());
        }
        self
    }

    fn types(mut self, answer: &str) -> Session {
        writeln!(self.terminal, "{answer}").unwrap();
        self
    }

    /// Waits for the end; gives the exit code and what stands on the screen. No key may stand there.
    #[track_caller]
    pub fn ends(mut self) -> (Option<i32>, String) {
        while self.read() {}
        let code = self.child.wait().unwrap().code();
        let text = self.text();
        assert!(!text.contains(KEY), "the key is on the screen\n{text}");
        (code, text)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }

    /// Reads some more; gives whether there was anything.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 1024];
        match self.terminal.read(&mut bytes) {
            Ok(0) => false,
            Ok(read) => {
                self.screen.extend_from_slice(&bytes[..read]);
                true
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => self.read(),
            // All who could write have closed it.
            Err(_) => false,
        }
    }
}

fn shows_what_is_typed(terminal: &File) -> bool {
    tcgetattr(terminal)
        .unwrap()
        .local_modes
        .contains(LocalModes::ECHO)
}

#[test]
fn an_export_asks_twice_for_a_key_and_does_not_show_it() {
    let project = Project::testdata();
    let (code, screen) = Session::start(&project, "export", &["-f", "site"])
        .answers_unseen("Key to encrypt the archive with: ", KEY)
        .answers_unseen("The same key again: ", KEY)
        .ends();
    assert_eq!(code, Some(0), "{screen}");
    let archive = Archive::open(&project.archive("site.tar.gz.enc"), Some(KEY));
    assert_eq!(archive.lines("entities").len(), 82);
}

#[test]
fn a_command_for_a_key_may_ask_at_the_terminal() {
    let project = Project::testdata();
    let command = "printf 'Passphrase: ' > /dev/tty; read -r line < /dev/tty; echo \"$line\"";
    let (code, screen) = Session::start(
        &project,
        "export",
        &["-f", "site", "--key-command", command],
    )
    .answers("Passphrase: ", "typed")
    .ends();
    assert_eq!(code, Some(0), "{screen}");
    let archive = Archive::open(&project.archive("site.tar.gz.enc"), Some("typed"));
    assert_eq!(archive.lines("entities").len(), 82);
}

#[test]
fn an_export_whose_keys_differ_writes_nothing() {
    let project = Project::testdata();
    let (code, screen) = Session::start(&project, "export", &["-f", "site"])
        .answers_unseen("Key to encrypt the archive with: ", KEY)
        .answers_unseen("The same key again: ", "kitchen-sing")
        .ends();
    assert_eq!(code, Some(2), "{screen}");
    assert!(screen.contains("the two keys differ"), "{screen}");
    let (code, screen) = Session::start(&project, "export", &["-f", "site"])
        .answers_unseen("Key to encrypt the archive with: ", "")
        .ends();
    assert_eq!(code, Some(2), "{screen}");
    assert!(screen.contains("no key was entered"), "{screen}");
    assert!(listing(&project.archives()).is_empty());
}

#[test]
fn an_import_shows_what_it_deletes_and_takes_silence_for_a_no() {
    let project = Project::testdata();
    let before = project.state();
    let archive = strapi_archive();
    for answer in ["", "n", "what?"] {
        let (code, screen) = Session::start(&project, "import", &["-f", archive.to_str().unwrap()])
            .answers("Delete this and load the archive? [y/N] ", answer)
            .ends();
        assert_eq!(code, Some(1), "{screen}");
        let database = project.database().canonicalize().unwrap();
        let database = database.to_str().unwrap();
        for text in [
            database,
            "30  api::article.article",
            "not confirmed; nothing was changed",
        ] {
            assert!(screen.contains(text), "{text}\n{screen}");
        }
    }
    before.assert_untouched(&project);
}

#[test]
fn an_import_loses_no_more_of_others_than_was_confirmed() {
    let project = Project::testdata();
    project.sql(
        "INSERT INTO articles (id) VALUES (900);
         CREATE TABLE orders (article_id REFERENCES articles (id) ON DELETE CASCADE);
         INSERT INTO orders VALUES (900)",
    );
    let archive = strapi_archive();
    let options = ["--allow-reference-loss", "-f", archive.to_str().unwrap()];
    let session = Session::start(&project, "import", &options).waits_for("[y/N] ");
    project.sql("INSERT INTO orders VALUES (900)");
    let (code, screen) = session.types("y").ends();
    assert_eq!(code, Some(1), "{screen}");
    for text in [
        "1  of orders (article_id): deleted",
        "changed since",
        "run it again",
    ] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    assert_eq!(project.state().tables["orders"].len(), 2);
    assert_eq!(project.state().tables["articles"].len(), 31);
}

#[test]
fn an_import_asks_once_for_the_key_of_an_encrypted_archive() {
    let project = Project::empty();
    let archive = testdata("strapi-export.tar.gz.enc");
    let (code, screen) = Session::start(&project, "import", &["-f", archive.to_str().unwrap()])
        .answers_unseen("Key of the archive: ", KEY)
        .answers("Delete this and load the archive? [y/N] ", "y")
        .ends();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(project.state().tables["articles"].len(), 30);
}

#[test]
fn an_import_with_force_asks_nothing() {
    let project = Project::empty();
    let archive = strapi_archive();
    let options = ["--force", "-f", archive.to_str().unwrap()];
    let (code, screen) = Session::start(&project, "import", &options).ends();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("[y/N]"), "{screen}");
}

#[test]
fn an_interrupt_at_a_question_leaves_the_terminal_as_it_was() {
    let archive = testdata("strapi-export.tar.gz.enc");
    let plain = strapi_archive();
    for (file, question, hidden) in [
        (&archive, "Key of the archive: ", true),
        (&plain, "[y/N] ", false),
    ] {
        let project = Project::testdata();
        let before = project.state();
        let mut session = Session::start(&project, "import", &["-f", file.to_str().unwrap()]);
        session = session.waits_for(question);
        assert_eq!(shows_what_is_typed(&session.terminal), !hidden);
        session.terminal.write_all(&[3]).unwrap();
        session = session.waits_for("error: interrupted");
        assert!(shows_what_is_typed(&session.terminal));
        let (code, screen) = session.ends();
        assert_eq!(code, Some(130), "{screen}");
        before.assert_untouched(&project);
    }
}

#[test]
fn inspect_asks_for_a_key_and_tells_what_shows_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let archive = testdata("strapi-export.tar.gz.enc");
    fn started<const N: usize>(arguments: [&str; N]) -> Command {
        let mut starter = Command::new("setsid");
        starter.arg("--ctty");
        backup_through(starter, arguments)
    }
    for (answer, state) in [("", "sealed"), (KEY, "complete")] {
        let page = folder.path().join(format!("{state}.html"));
        let (page, archive) = (page.to_str().unwrap(), archive.to_str().unwrap());
        let (code, screen) = Session::of(started(["inspect", archive, "--html", page]))
            .answers_unseen("Key of the archive (none: what shows without it): ", answer)
            .ends();
        assert_eq!(code, Some(0), "{screen}");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(
            page.contains(&format!("class=\"badge {state}\"")),
            "{state}"
        );
    }
    // Where nothing is to be asked, it is not.
    let arguments = ["inspect", archive.to_str().unwrap(), "--no-key"];
    let (code, screen) = Session::of(started(arguments)).ends();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("Key of the archive"), "{screen}");
}
