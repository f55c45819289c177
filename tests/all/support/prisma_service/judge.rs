//! The real command line of Prisma 1, which imports what this program writes, and exports what this program reads.

use crate::support::skip;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

/// The version that is installed.
pub const VERSION: &str = "1.34.12";

/// An installation of it.
pub struct Judge {
    folder: PathBuf,
    home: tempfile::TempDir,
}

impl Judge {
    /// The one that `BACKUP_TEST_PRISMA1` names; `None`, and the test is skipped, where there is none.
    #[track_caller]
    pub fn find() -> Option<Judge> {
        let Some(folder) = env::var_os("BACKUP_TEST_PRISMA1").map(PathBuf::from) else {
            skip("BACKUP_TEST_PRISMA1 does not name a folder with prisma1");
            return None;
        };
        let package = folder.join("node_modules/prisma1/package.json");
        let text = fs::read_to_string(&package)
            .unwrap_or_else(|error| panic!("{}: {error}", package.display()));
        assert!(
            text.contains(&format!("\"version\": \"{VERSION}\"")),
            "{text}"
        );
        let home = tempfile::tempdir().expect("a folder");
        Some(Judge { folder, home })
    }

    /// Runs it in the folder of a project. It asks nobody but the service, and tells nobody of it.
    pub fn run(&self, project: &Path, endpoint: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("node");
        command
            .arg(self.folder.join("node_modules/prisma1/dist/index.js"))
            .args(arguments)
            .current_dir(project)
            .env("HOME", self.home.path())
            .env("NO_UPDATE_NOTIFIER", "1")
            .env("STATS_ENDPOINT", format!("{endpoint}/stats"))
            .stdin(Stdio::null());
        told(command.output().expect("node"))
    }

    /// Whether its validator takes the files of a data set; what it says where it does not.
    pub fn validates(&self, data: &Path, model: &Path) -> Result<(), String> {
        let script = r"
            const { Validator } = require('prisma-cli-core/dist/commands/import/Validator');
            const fs = require('fs');
            const [data, model] = process.argv.slice(1);
            const validator = new Validator(fs.readFileSync(model, 'utf8'));
            for (const kind of ['nodes', 'lists', 'relations'])
                for (const name of fs.readdirSync(`${data}/${kind}`))
                    validator.validateImportData(JSON.parse(fs.readFileSync(`${data}/${kind}/${name}`, 'utf8')));
        ";
        let output = Command::new("node")
            .args(["-e", script])
            .args([data, model])
            .current_dir(&self.folder)
            .output()
            .expect("node");
        match output.status.success() {
            true => Ok(()),
            false => Err(told(output)),
        }
    }
}

fn told(output: Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
