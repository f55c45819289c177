//! What object stores answer, as errors that say what to do.

mod secrets;

use self::secrets::without_secrets;
use crate::error::{Error, Kind};
use crate::store::net::Distrust;
use crate::store::{ObjectName, StoreKind};
use object_store::Error as Answer;

/// How much of a text of the store is told.
const LONGEST: usize = 300;

/// Whose settings lead to a store: where it is seen to that they are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Settings {
    /// Variables and files of the cloud's own tools, for archives.
    Variables,
    /// The configuration of a project, for its media library.
    Project,
}

/// What a store said no with: its own word for it, where it has one, and a sentence.
#[derive(Debug)]
pub(in crate::store) struct Refusal {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    text: String,
}

impl Refusal {
    /// What stands in an answer.
    pub fn of(answer: &Answer) -> Self {
        let whole = answer.to_string();
        let status = whole
            .split_once("status code: ")
            .and_then(|(_, rest)| rest.get(..3)?.parse().ok());
        let status = status.or(match answer {
            Answer::NotFound { .. } => Some(404),
            Answer::Precondition { .. } | Answer::AlreadyExists { .. } => Some(412),
            Answer::PermissionDenied { .. } => Some(403),
            _ => None,
        });
        Self::told(status, &whole, innermost(answer))
    }

    /// What stands in the body of an answer with this status. `text` is told where there is no status.
    pub fn told(status: Option<u16>, body: &str, text: String) -> Self {
        let element = |name: &str| {
            let (_, rest) = body.split_once(&format!("<{name}>"))?;
            let (inside, _) = rest.split_once(&format!("</{name}>"))?;
            // Some add what they signed and when, a line each.
            let line = inside.lines().next().unwrap_or_default().trim();
            (!line.is_empty()).then(|| shortened(line))
        };
        Self {
            status,
            code: element("Code"),
            message: element("Message"),
            text,
        }
    }

    /// No answer at all, for this reason.
    pub fn silent(error: &dyn std::error::Error) -> Self {
        Self::told(None, "", innermost(error))
    }

    /// The status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether the store's own word is one of these.
    pub fn is(&self, codes: &[&str]) -> bool {
        let code = self.code.as_deref();
        code.is_some_and(|code| codes.contains(&code))
    }

    /// Whether the bucket is not there.
    pub fn lacks_bucket(&self) -> bool {
        self.is(&["NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"])
            || self
                .message
                .as_deref()
                .is_some_and(|message| message.contains("bucket does not exist"))
    }

    /// Whether the credentials are good, and not for this.
    pub fn is_forbidden(&self) -> bool {
        let known = [
            "AccessDenied",
            "AuthorizationPermissionMismatch",
            "AuthorizationFailure",
            "InsufficientAccountPermissions",
            "AllAccessDisabled",
            "AccountProblem",
        ];
        self.is(&known) || (self.code.is_none() && self.status == Some(403))
    }

    /// Whether there was no answer at all.
    pub fn is_silence(&self) -> bool {
        self.status.is_none()
    }

    fn is_unknown(&self) -> bool {
        self.status == Some(401)
            || self.is(&[
                "InvalidAccessKeyId",
                "SignatureDoesNotMatch",
                "InvalidToken",
                "ExpiredToken",
                "TokenRefreshRequired",
                "InvalidSecurity",
                "AuthenticationFailed",
                "InvalidAuthenticationInfo",
                "NoAuthenticationInformation",
                "AuthenticationRequired",
                "UnauthorizedAccess",
            ])
    }

    /// Whether the store sends whoever asks elsewhere. Nobody goes there with credentials.
    fn is_redirection(&self) -> bool {
        matches!(self.status, Some(301 | 302 | 303 | 307 | 308))
            || self.text.contains("redirect without LOCATION")
    }

    /// The words of the store.
    fn words(&self) -> String {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => format!("the store says {code}: {message}"),
            (Some(code), None) => format!("the store says {code}"),
            (None, _) if self.is_redirection() => {
                let status = self.status.map(|status| format!(" (status {status})"));
                let status = status.unwrap_or_default();
                format!("the store sends elsewhere{status}, and that is not followed")
            }
            (None, _) => match self.status {
                Some(status) => format!("the store answers with status {status}"),
                None => self.text.clone(),
            },
        }
    }
}

/// The cause behind all others.
fn innermost(answer: &dyn std::error::Error) -> String {
    let mut error = answer;
    while let Some(source) = error.source() {
        error = source;
    }
    let text = error.to_string();
    shortened(text.lines().next().unwrap_or_default())
}

fn shortened(text: &str) -> String {
    let mut text = without_secrets(text);
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push_str("...");
    }
    text
}

/// Where the credentials of a store come from.
pub(super) fn where_credentials_come_from(store: StoreKind) -> &'static str {
    match store {
        StoreKind::S3 => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; and AWS_ENDPOINT_URL \
             where it is not Amazon's: see docs/STORES.md"
        }
        StoreKind::Google => {
            "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account: see docs/STORES.md"
        }
        StoreKind::Azure => {
            "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or \
             AZURE_STORAGE_SAS_TOKEN: see docs/STORES.md"
        }
    }
}

/// An answer that is none, in words: `doing` is a verb phrase such as "read".
pub(super) fn explain(doing: &str, name: &ObjectName, answer: &Answer) -> Error {
    explain_to(Settings::Variables, doing, name, answer)
}

/// The same for whoever has these settings.
pub(in crate::store) fn explain_to(
    settings: Settings,
    doing: &str,
    name: &ObjectName,
    answer: &Answer,
) -> Error {
    let whole = answer.to_string();
    let asks_the_machine = ["169.254.169.254", "metadata.google.internal"];
    if asks_the_machine.iter().any(|host| whole.contains(host)) {
        let why = "there are no credentials, and this machine has none for its programs";
        return Error::failed(format!("cannot {doing} {name}: {why}"))
            .hint(settings.credentials(name.store))
            .denied();
    }
    refused(settings, doing, name, &Refusal::of(answer))
}

impl Settings {
    /// Where credentials come from.
    fn credentials(self, store: StoreKind) -> &'static str {
        match self {
            Self::Variables => where_credentials_come_from(store),
            Self::Project => {
                "see the credentials of the upload provider in config/plugins, and the variables that it takes \
                 them from: docs/MEDIA.md"
            }
        }
    }

    /// What to do where a store says that it is another one.
    fn elsewhere(self, store: StoreKind) -> &'static str {
        match (self, store) {
            (Self::Variables, StoreKind::S3) => {
                "the bucket is in another region: set AWS_REGION to it; or AWS_ENDPOINT_URL is not the \
                 address of the store itself"
            }
            (Self::Project, StoreKind::S3) => {
                "the bucket is in another region, or the endpoint is not the address of the store itself: see \
                 region and endpoint of the upload provider in config/plugins"
            }
            (_, StoreKind::Google | StoreKind::Azure) => {
                "see that the endpoint that is set is the address of the store itself"
            }
        }
    }

    /// Where it is written what must be allowed.
    fn document(self) -> &'static str {
        match self {
            Self::Variables => "docs/STORES.md",
            Self::Project => "docs/MEDIA.md",
        }
    }
}

/// What a store says no with, in words: `doing` is a verb phrase such as "read".
pub(in crate::store) fn refused(
    settings: Settings,
    doing: &str,
    name: &ObjectName,
    refusal: &Refusal,
) -> Error {
    let (store, bucket) = (name.store, &name.bucket);
    let holder = store.holder();
    let failed = |why: &str| Error::failed(format!("cannot {doing} {name}: {why}"));
    if refusal.lacks_bucket() {
        return failed(&format!("there is no {holder} `{bucket}`")).hint(format!(
            "check its name, and the endpoint and region that are set; or make the {holder} first"
        ));
    }
    if refusal.is(&["RequestTimeTooSkewed", "RequestExpired"]) {
        return failed(&refusal.words()).hint("set the clock of this machine: it is wrong");
    }
    if refusal.is_unknown() {
        let hint = format!(
            "the credentials are wrong or have expired; {}",
            settings.credentials(store)
        );
        return failed(&refusal.words()).hint(hint).denied();
    }
    if refusal.is(&["AccessControlListNotSupported"]) {
        return failed(&refusal.words()).hint(
            "the bucket takes no lists of who may read: see ACL in the params of the upload provider in config/plugins, \
             or let the bucket take them",
        );
    }
    let is_elsewhere = refusal.is(&[
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    ]) || refusal.is_redirection();
    if is_elsewhere {
        return failed(&refusal.words()).hint(settings.elsewhere(store));
    }
    if refusal.is_forbidden() || refusal.status == Some(403) {
        return failed(&refusal.words())
            .hint(format!(
                "give these credentials the permission to {doing} there; {} lists what is needed",
                settings.document()
            ))
            .denied();
    }
    if refusal.text.contains("peer certificate") {
        let distrust = Distrust::of(&refusal.text);
        let advice = distrust.advice("AWS_CA_BUNDLE or SSL_CERT_FILE");
        return failed(&distrust.to_string()).hint(advice);
    }
    match (refusal.status, settings) {
        (Some(404), _) => Error::failed(format!("there is nothing at {name}"))
            .hint("check the name that was given"),
        (Some(409 | 412), Settings::Variables) => exists(name),
        (None, _) => {
            failed(&refusal.words()).hint("see that the store can be reached, and run it again")
        }
        _ => failed(&refusal.words()).hint("see what the store says, and run it again"),
    }
}

/// Something has the name that an archive was to get.
pub(super) fn exists(name: &ObjectName) -> Error {
    Error::new(Kind::Usage, format!("{name} is there already"))
        .hint("choose another name with --file, or replace it with --overwrite")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: &str, body: &str) -> Error {
        let name = ObjectName {
            store: StoreKind::S3,
            bucket: "bucket".into(),
            key: "site.tar".into(),
        };
        let answer = Answer::Generic {
            store: "S3",
            source: format!("Server returned non-2xx status code: {status}: {body}").into(),
        };
        explain("write", &name, &answer)
    }

    #[test]
    fn what_a_store_gives_back_of_a_request_is_not_told() {
        let body = "<Error><Code>X</Code><Message>got Credential=AKIDSECRET/x, Signature=c0ffee</Message></Error>";
        let told = told("400 Bad Request", body).to_string();
        assert!(told.contains("Credential=..."), "{told}");
        assert!(
            !told.contains("AKIDSECRET") && !told.contains("c0ffee"),
            "{told}"
        );
    }

    #[test]
    fn what_a_store_says_no_with_leads_to_what_can_be_done() {
        let xml =
            |code: &str| format!("<Error><Code>{code}</Code><Message>Why.\nMore</Message></Error>");
        for (status, body, advice) in [
            ("403 Forbidden", xml("RequestTimeTooSkewed"), "clock"),
            (
                "403 Forbidden",
                xml("SignatureDoesNotMatch"),
                "credentials are wrong",
            ),
            ("403 Forbidden", xml("AccessDenied"), "permission to write"),
            ("403 Forbidden", String::new(), "permission to write"),
            ("401 Unauthorized", String::new(), "credentials are wrong"),
            (
                "404 Not Found",
                xml("NoSuchBucket"),
                "make the bucket first",
            ),
            (
                "400 Bad Request",
                xml("AuthorizationHeaderMalformed"),
                "AWS_REGION",
            ),
            (
                "301 Moved Permanently",
                xml("PermanentRedirect"),
                "AWS_REGION",
            ),
            ("307 Temporary Redirect", String::new(), "AWS_REGION"),
            (
                "507 Insufficient Storage",
                xml("QuotaExceeded"),
                "what the store says",
            ),
        ] {
            let error = told(status, &body);
            let text = error.to_string();
            assert!(
                text.starts_with("cannot write s3://bucket/site.tar: "),
                "{text}"
            );
            assert!(!text.contains("More"), "{text}");
            let told = error.advice().expect("advice");
            assert!(told.contains(advice), "{status} {body}: {told}");
        }
    }
}
