//! What the AWS tools keep in `~/.aws/config` and `~/.aws/credentials`.

use crate::error::{Error, Result};
use crate::store::Access;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The profile where none is named.
const DEFAULT: &str = "default";

/// The settings of a profile, by name; those within `s3 =` have that and a dot before theirs.
#[derive(Debug, Default)]
pub(in crate::store) struct Profile {
    settings: BTreeMap<String, String>,
}

impl Profile {
    /// The profile that `AWS_PROFILE` names, or the default one where it is there.
    ///
    /// # Errors
    /// A profile is named that is not there, or a file cannot be read.
    pub fn of(access: &Access) -> Result<Self> {
        let named = access
            .get("AWS_PROFILE")
            .or(access.get("AWS_DEFAULT_PROFILE"));
        let name = named.unwrap_or(DEFAULT);
        let file = |variable: &str, usual: &str| -> Option<PathBuf> {
            let home = || Some(Path::new(access.get("HOME")?).join(".aws").join(usual));
            access.get(variable).map(PathBuf::from).or_else(home)
        };
        let mut settings = BTreeMap::new();
        let mut found = false;
        let files = [
            (file("AWS_CONFIG_FILE", "config"), true),
            (file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), false),
        ];
        for (path, prefixed) in files {
            let Some(path) = path else { continue };
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("read the credentials in", &path, error)),
            };
            let section = match prefixed && name != DEFAULT {
                true => format!("profile {name}"),
                false => name.to_owned(),
            };
            found |= read(&text, &section, &mut settings);
        }
        if !found && named.is_some() {
            return Err(Error::usage(format!("there is no profile `{name}` of AWS"))
                .hint("check AWS_PROFILE, and the names in ~/.aws/config and ~/.aws/credentials"));
        }
        Ok(Self { settings })
    }

    /// The value of a setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// How it gives credentials, where this program does not know that way.
    pub fn unknown_way(&self) -> Option<&'static str> {
        [
            "credential_process",
            "sso_session",
            "sso_start_url",
            "role_arn",
            "login_session",
        ]
        .into_iter()
        .find(|name| self.settings.contains_key(*name))
    }
}

/// Takes the settings of a section in; gives whether it is there.
fn read(text: &str, section: &str, settings: &mut BTreeMap<String, String>) -> bool {
    let (mut inside, mut found) = (false, false);
    let mut group = None;
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let words: Vec<&str> = name.0.split_whitespace().collect();
            inside = words.join(" ") == section;
            found |= inside;
            group = None;
            continue;
        }
        let Some((name, value)) = bare.split_once('=').filter(|_| inside) else {
            continue;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let is_nested = line.starts_with([' ', '\t']);
        if !is_nested {
            group = value.is_empty().then(|| name.clone());
        }
        let name = match group.as_ref().filter(|_| is_nested) {
            Some(group) => format!("{group}.{name}"),
            None => name,
        };
        if !value.is_empty() {
            settings.insert(name, value.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
# a comment
[default]
region = eu-west-1
[profile  site]
region=eu-central-1
endpoint_url = http://127.0.0.1:9000
s3 =
  addressing_style = virtual
output = json
[sso-session x]
sso_start_url = https://example.com
";

    #[test]
    fn a_section_is_told_from_others_and_what_is_nested_from_what_is_not() {
        let mut settings = BTreeMap::new();
        assert!(read(CONFIG, "profile site", &mut settings));
        let expected = [
            ("endpoint_url", "http://127.0.0.1:9000"),
            ("output", "json"),
            ("region", "eu-central-1"),
            ("s3.addressing_style", "virtual"),
        ];
        let settings = settings.iter().map(|(name, value)| (&**name, &**value));
        assert!(settings.eq(expected));
        assert!(!read(CONFIG, "profile other", &mut BTreeMap::new()));
    }

    #[test]
    fn credentials_come_from_their_own_file_and_a_missing_profile_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let aws = folder.path().join(".aws");
        std::fs::create_dir(&aws).expect("made");
        std::fs::write(aws.join("config"), CONFIG).expect("written");
        let keys = "[site]\naws_access_key_id = id\naws_secret_access_key = secret=with=signs\n";
        std::fs::write(aws.join("credentials"), keys).expect("written");
        let of = |name: &str| {
            let home = folder.path().display().to_string();
            let mut variables = BTreeMap::from([("HOME".to_owned(), home)]);
            if !name.is_empty() {
                variables.insert("AWS_PROFILE".into(), name.into());
            }
            Profile::of(&Access::new(variables, Default::default()))
        };
        let site = of("site").expect("a profile");
        assert_eq!(site.get("aws_secret_access_key"), Some("secret=with=signs"));
        assert_eq!(site.get("region"), Some("eu-central-1"));
        let default = of("").expect("a profile");
        assert_eq!(default.get("region"), Some("eu-west-1"));
        let error = of("nobody").expect_err("no such profile");
        assert!(error.to_string().contains("nobody"), "{error}");
    }
}
