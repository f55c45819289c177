//! A project of Prisma 1 on disk: `prisma.yml`, found and read as Prisma's own command line does.

mod variables;
mod yaml;

use super::sdl::{self, DataModel};
use crate::dotenv;
use crate::error::{Error, Result};
use crate::store::open_named;
use saphyr::Yaml;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use crate::hiding::Secret;

/// Where the definition lies below the folder of a project.
const PLACES: [&str; 2] = ["prisma.yml", "prisma/prisma.yml"];
/// How many bytes a definition or a file of variables may have.
const LONGEST: u64 = 64 << 10;

/// The first secret of a list with commas, as `prisma.yml` has it; blanks do not count.
pub fn first_secret(list: &str) -> Option<Secret> {
    let list: String = list.chars().filter(|it| !it.is_whitespace()).collect();
    let first = list.split(',').find(|it| !it.is_empty())?;
    Some(Secret::new(first))
}

/// What `prisma.yml` says.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The file.
    pub file: PathBuf,
    /// Where the service is, as it is written.
    pub endpoint: Option<String>,
    /// What tokens are made from.
    pub secret: Option<Secret>,
    /// The files of the data model.
    pub datamodel: Vec<PathBuf>,
}

impl Definition {
    /// The definition of the project in a folder; `None` where it has none.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        let mut places = PLACES.iter().map(|name| folder.join(name));
        // What is no file is not passed over: reading it says so.
        places.find(|path| path.symlink_metadata().is_ok())
    }

    /// Reads a definition. `${env:NAME}` is taken from these variables, and then from the `.env` file: the one that is
    /// named, or that of the project's `folder`.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): a file is no such file, or a variable is missing.
    pub fn load(
        file: &Path,
        folder: &Path,
        env_file: Option<&Path>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut known = variables.clone();
        let own = folder.join(".env");
        match env_file {
            Some(named) => add(&mut known, &text(named, "file of variables")?),
            // Some call a folder so that has nothing to do with variables.
            None if own.exists() && !own.is_dir() => {
                add(&mut known, &text(&own, "file of variables")?)
            }
            None => {}
        }
        let content = text(file, "definition")?;
        let fail = |why: &dyn fmt::Display| {
            Error::usage(format!("{} cannot be read: {why}", file.display()))
                .hint("see that it is the prisma.yml that the service was deployed with")
        };
        let documents = yaml::load(&content).map_err(|why| fail(&why))?;
        let Some(document) = documents.first().filter(|it| it.is_mapping()) else {
            return Err(fail(&"it has no keys"));
        };
        let filled = |key: &str, value: &Yaml<'_>| -> Result<String> {
            let Some(value) = value.as_str() else {
                let what = format_args!("`{key}` is no text, which stands between quotes");
                return Err(fail(&what));
            };
            let whole = variables::fill(key, value, &known, &|key| {
                document
                    .as_mapping_get(key)
                    .and_then(Yaml::as_str)
                    .map(str::to_owned)
            });
            whole.map_err(|why| {
                Error::usage(format!("`{key}` in {}: {why}", file.display()))
                    .hint("set the variable, or name a file that has it with --env-file")
            })
        };
        let read = |key: &str| -> Result<Option<String>> {
            let value = document.as_mapping_get(key);
            value.map(|value| filled(key, value)).transpose()
        };
        if read("databaseType")?.as_deref() == Some("document") {
            return Err(Error::usage(
                "the service is on MongoDB, for which Prisma 1 has neither export nor import",
            )
            .hint("use mongodump and mongorestore"));
        }
        let datamodel = document.as_mapping_get("datamodel");
        let datamodel = match datamodel.and_then(Yaml::as_sequence) {
            Some(files) => {
                let files = files.iter().map(|file| filled("datamodel", file));
                files.collect::<Result<Vec<String>>>()?
            }
            None => read("datamodel")?.into_iter().collect(),
        };
        let above = file.parent().unwrap_or(Path::new(""));
        Ok(Self {
            file: file.to_owned(),
            endpoint: read("endpoint")?,
            secret: read("secret")?.as_deref().and_then(first_secret),
            datamodel: datamodel.iter().map(|it| above.join(it)).collect(),
        })
    }
}

/// Reads a data model out of one file, or several that belong together.
///
/// # Errors
/// One of them cannot be read; or kind [`Usage`](crate::error::Kind::Usage): they are no data model.
pub fn data_model(files: &[PathBuf]) -> Result<DataModel> {
    let mut whole = String::new();
    for file in files {
        let room = sdl::LONGEST.saturating_sub(whole.len() as u64);
        whole.push_str(&limited(file, "data model", room)?);
        whole.push('\n');
    }
    let names: Vec<String> = files.iter().map(|it| it.display().to_string()).collect();
    DataModel::parse(&whole, &names.join(" and "))
}

fn add(known: &mut BTreeMap<String, String>, text: &str) {
    for (name, value) in dotenv::parse(text) {
        known.entry(name).or_insert(value);
    }
}

fn text(path: &Path, what: &str) -> Result<String> {
    limited(path, what, LONGEST)
}

/// The text of a file that has at most so many bytes.
fn limited(path: &Path, what: &str, longest: u64) -> Result<String> {
    let mut bytes = Vec::new();
    let read = open_named(path, what)?
        .take(longest + 1)
        .read_to_end(&mut bytes);
    read.map_err(|error| Error::io(format_args!("read the {what}"), path, error))?;
    if bytes.len() as u64 > longest {
        let what = format!("{} is too long for a {what}", path.display());
        return Err(Error::usage(what).hint("see that it is the right file"));
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::usage(format!("{} is not UTF-8", path.display())).hint("save it as UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn load(yml: &str, env: &str) -> Result<Definition> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("prisma")).expect("made");
        fs::write(folder.path().join("prisma/prisma.yml"), yml).expect("written");
        fs::write(folder.path().join(".env"), env).expect("written");
        let file = Definition::find(folder.path()).expect("a definition");
        let variables = [("HOST".to_owned(), "from-process".to_owned())].into();
        let mut read = Definition::load(&file, folder.path(), None, &variables)?;
        let below = folder.path().join("prisma");
        for path in &mut read.datamodel {
            *path = path.strip_prefix(&below).expect("below").to_owned();
        }
        Ok(read)
    }

    #[test]
    fn a_definition_is_read_with_its_variables_and_the_process_wins_over_the_file() {
        let read = load(
            "# comment\nendpoint: http://${env:HOST}:4466/svc/${env:STAGE}\ndatamodel: datamodel.prisma\nsecret: ${env:SECRET} , old\nhooks:\n  post-deploy:\n    - prisma generate\n",
            "HOST=from-file\nSTAGE=dev\nSECRET='my secret'\n",
        )
        .expect("a definition");
        assert_eq!(
            read.endpoint.as_deref(),
            Some("http://from-process:4466/svc/dev")
        );
        assert_eq!(read.secret, Some(Secret::new("mysecret")));
        assert_eq!(read.datamodel, [PathBuf::from("datamodel.prisma")]);
        assert!(!format!("{read:?}").contains("mysecret"));
        let read = load("datamodel:\n  - types.graphql\n  - enums.graphql\nendpoint: ${self:base}/x\nbase: http://a", "").expect("read");
        assert_eq!(
            read.datamodel,
            ["types.graphql", "enums.graphql"].map(PathBuf::from)
        );
        assert_eq!(read.endpoint.as_deref(), Some("http://a/x"));
        assert_eq!(read.secret, None);
    }

    #[test]
    fn variables_are_filled_in_among_the_files_of_a_data_model_as_well() {
        let yml = "datamodel:\n  - ${env:HOST}.graphql\n  - ${self:more}\nmore: enums.graphql";
        let read = load(yml, "").expect("read");
        let expected = ["from-process.graphql", "enums.graphql"].map(PathBuf::from);
        assert_eq!(read.datamodel, expected);
        let error = load("datamodel:\n  - ${env:NOWHERE}", "").expect_err("not set");
        assert!(error.to_string().contains("NOWHERE"), "{error}");
        assert!(load("datamodel: [a, 1]", "").is_err());
    }

    #[test]
    fn what_a_variable_of_the_environment_holds_is_not_filled_in_again() {
        let yml = "endpoint: http://a/${self:name}\nname: ${env:NAME}\nsecret: ${env:SECRET}";
        let read = load(yml, "NAME='x${env:HOST}'\nSECRET='a${b}c'\n").expect("read");
        assert_eq!(read.endpoint.as_deref(), Some("http://a/x${env:HOST}"));
        assert_eq!(read.secret, Some(Secret::new("a${b}c")));
    }

    #[test]
    fn no_message_tells_of_a_secret_whose_variables_cannot_be_filled_in() {
        for yml in [
            "secret: ${hunter2}",
            "secret: a${env:hunter2}b",
            "secret: ${self:hunter2}",
            "secret: ${self:other}\nother: ${env:hunter2}",
            "endpoint: ${self:secret}\nsecret: ${hunter2}",
            "secret: hunter2${",
        ] {
            let error = load(yml, "").expect_err(yml);
            let told = format!("{error} {:?}", error.advice());
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_value_that_brings_itself_many_times_takes_no_memory() {
        let twice = |name: &str| format!("${{self:{name}}}").repeat(900);
        let text = "x".repeat(900);
        for last in ["", text.as_str()] {
            let yml = format!(
                "endpoint: {}\nb: {}\nc: \"{last}\"\n",
                twice("b"),
                twice("c")
            );
            let error = load(&yml, "").expect_err("too much");
            assert!(error.to_string().contains("too "), "{error}");
        }
    }

    #[test]
    fn pipes_and_folders_in_the_place_of_files_are_refused_and_not_waited_for() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let folder = tempfile::tempdir().expect("a folder");
        let [yml, env, own, model] = ["prisma.yml", "variables", ".env", "datamodel.prisma"]
            .map(|it| folder.path().join(it));
        let pipe = |path: &Path| {
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
        };
        let refused = |error: Error, why: &str| {
            assert!(error.to_string().contains(why), "{error}");
            assert!(error.advice().is_some_and(|it| it.contains("name a file")));
        };
        let load = |env: Option<&Path>| {
            let file = Definition::find(folder.path()).expect("a definition");
            Definition::load(&file, folder.path(), env, &BTreeMap::new())
        };
        pipe(&yml);
        refused(
            load(None).expect_err("yml"),
            "is a pipe, and no file for a definition",
        );
        fs::remove_file(&yml).expect("removed");
        fs::create_dir(&yml).expect("made");
        refused(load(None).expect_err("yml"), "is a folder");
        fs::remove_dir(&yml).expect("removed");
        fs::write(&yml, "endpoint: http://a").expect("written");
        pipe(&env);
        refused(load(Some(&env)).expect_err("env"), "variables is a pipe");
        pipe(&own);
        refused(load(None).expect_err("env"), ".env is a pipe");
        fs::remove_file(&own).expect("removed");
        fs::create_dir(&own).expect("made");
        assert!(load(None).is_ok());
        pipe(&model);
        refused(data_model(&[model]).expect_err("model"), "is a pipe");
        let device = PathBuf::from("/dev/null");
        refused(data_model(&[device]).expect_err("model"), "is a device");
    }

    #[test]
    fn a_data_model_is_not_longer_in_several_files_than_in_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ["a", "b"].map(|name| folder.path().join(name));
        for file in &files {
            let line = "# a comment of a line\n";
            let count = (sdl::LONGEST as usize).div_ceil(2) / line.len() + 1;
            fs::write(file, line.repeat(count)).expect("written");
        }
        let error = data_model(&files).expect_err("too long");
        assert!(
            error.to_string().contains("too long for a data model"),
            "{error}"
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_and_says_what_to_do() {
        for (yml, why) in [
            ("endpoint: http://${env:NOWHERE}/", "NOWHERE"),
            ("endpoint: [1]", "`endpoint` is no text"),
            ("databaseType: document", "MongoDB"),
            ("endpoint: \"http", "cannot be read"),
            ("- a", "no keys"),
        ] {
            let error = load(yml, "").expect_err(yml);
            assert!(error.to_string().contains(why), "{error}");
            assert!(error.advice().is_some(), "{error}");
        }
    }
}
