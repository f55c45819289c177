//! Runs of imports, and sets for them.

use super::rdf::Facet;
use super::sets::{self, Contents};
use super::values::{Row, Said};
use super::{DgraphServer, Form, Held, rdf, schema};
use crate::support::cli::{Outcome, backup};
use crate::support::files::{copy_folder, repository};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the marker of an import begins with.
pub const MARKER: &str = "backup.import";

/// Where the uids of an import come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uids {
    /// They stay; `/admin` leases them.
    Kept,
    /// They stay; Zero leases them.
    KeptByZero,
    /// Others are leased.
    New,
    /// Nothing leases any.
    Blank,
}

impl Uids {
    pub const ALL: [Uids; 4] = [Uids::Kept, Uids::KeptByZero, Uids::New, Uids::Blank];

    /// A server where they come from there; of the time before namespaces where that is asked for.
    pub fn server(self, is_old: bool) -> DgraphServer {
        DgraphServer::empty(match (self, is_old) {
            (Uids::Blank, true) => Form::CloudAtOnce,
            (Uids::Blank, false) => Form::CloudTask,
            (_, true) => Form::V2011,
            (_, false) => Form::V2503,
        })
    }

    /// What an import is told.
    pub fn options(self, server: &DgraphServer) -> Vec<String> {
        let is_old = server.state().form.is_old();
        let mut options = Vec::new();
        if self == Uids::KeptByZero || is_old && self != Uids::Blank {
            options.extend(["--zero".to_owned(), server.zero()]);
        }
        if self == Uids::New {
            options.push("--new-uids".to_owned());
        }
        options
    }

    /// Whether what a server holds now is what a set holds, and nothing of the import is left.
    #[track_caller]
    pub fn is_same(self, held: &Held, namespace: u64, set: &Contents, told: &str) {
        let own = held.contents(namespace);
        let is_kept = matches!(self, Uids::Kept | Uids::KeptByZero);
        same(&own.shape(), &set.shape(), told);
        if is_kept {
            same(&own.lines(), &set.lines(), told);
        }
        for space in held.spaces.values() {
            assert!(!space.has_any(MARKER), "{told}: the marker is left");
        }
        if self == Uids::Blank {
            // No node was made twice, and none in vain.
            let nodes = nodes(&set.rows);
            assert!(
                held.made.len() >= nodes,
                "{told}: {} of {nodes} nodes",
                held.made.len()
            );
        }
    }
}

/// How many nodes there are in rows.
pub fn nodes(rows: &[Row]) -> usize {
    let targets = rows.iter().filter_map(|it| match &it.said {
        Said::Node(target) => Some(*target),
        Said::Value(..) => None,
    });
    let all = rows.iter().map(|it| it.uid).chain(targets);
    all.collect::<std::collections::BTreeSet<_>>().len()
}

/// That two lists are the same; says in few lines where they are not.
#[track_caller]
pub fn same(left: &[String], right: &[String], told: &str) {
    let only = |these: &[String], those: &[String]| {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        these
            .iter()
            .for_each(|it| *counts.entry(it).or_default() += 1);
        those
            .iter()
            .for_each(|it| *counts.entry(it).or_default() -= 1);
        let over = counts.into_iter().filter(|it| it.1 > 0);
        over.map(|it| it.0.to_owned()).collect::<Vec<_>>()
    };
    let (more, less) = (only(left, right), only(right, left));
    assert!(
        more.is_empty() && less.is_empty(),
        "{told}: {} too many, {} missing\n+ {:#?}\n- {:#?}",
        more.len(),
        less.len(),
        &more[..more.len().min(5)],
        &less[..less.len().min(5)]
    );
}

/// A copy of a set of a real server, beside which an import may write.
pub fn copied(place: &Path, name: &str) -> PathBuf {
    let copy = place.join(name);
    copy_folder(&repository("testdata/dgraph").join(name), &copy);
    let _ = std::fs::remove_file(copy.join("enc.key"));
    copy
}

/// The import of a set.
pub fn import(set: &Path, server: &DgraphServer, options: &[String]) -> Command {
    let mut command = backup(["dgraph", "import"]);
    command
        .arg(set)
        .args(["--endpoint", &server.endpoint()])
        .args(options);
    command
}

/// Runs a command that the server does something to.
pub fn killed(server: &DgraphServer, command: &mut Command) -> Outcome {
    // Nothing may be done to the one before it, which is gone.
    server.state().victim = None;
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    server.interrupts(child.id());
    Outcome::of(child.wait_with_output().expect("ended"))
}

/// What a server answers to a request of a test.
pub fn posted(server: &DgraphServer, path: &str, kind: &str, body: &str) -> Value {
    let endpoint = server.endpoint();
    let mut client = TcpStream::connect(endpoint.trim_start_matches("http://")).expect("connected");
    let length = body.len();
    write!(
        client,
        "POST {path} HTTP/1.1\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .expect("sent");
    client.shutdown(std::net::Shutdown::Write).expect("sent");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

/// The schema of sets that tests make.
pub const SCHEMA: &str = "<key>:string @index(exact) . \n<name>:string @lang . \n<age>:int . \n<tags>:[string] . \n\
    <secret>:password . \n<friend>:[uid] @reverse . \n<best>:uid . \ntype <Person> {\n\tkey\n\tname\n\tfriend\n}\n";

/// Makes a set of so many nodes that holds what there is: links in circles, facets, languages, lists, passwords.
pub fn made(folder: &Path, count: u64) -> Contents {
    let mut server = Held::new(Form::V2503);
    let mut rows = Vec::new();
    for at in 0..count {
        // There are gaps, and the rows are not in the order of the uids.
        let uid_of = |at: u64| 0x10 + (at % count) * 3;
        let row = |predicate: &str, lang: &str, said: Said, facets: &[(&str, Facet)]| Row {
            uid: uid_of(at * 7 % count.max(1)),
            predicate: predicate.to_owned(),
            lang: lang.to_owned(),
            said,
            facets: facets
                .iter()
                .map(|(key, it)| ((*key).to_owned(), it.clone()))
                .collect(),
        };
        let text = |kind: &str, text: String| Said::Value(kind.to_owned(), text);
        rows.push(row("key", "", text("string", format!("k{at}")), &[]));
        rows.push(row(
            "name",
            "",
            text("string", format!("Node \"{at}\"\n\u{2028}")),
            &[],
        ));
        rows.push(row("name", "en", text("string", format!("node {at}")), &[]));
        rows.push(row("dgraph.type", "", text("string", "Person".into()), &[]));
        let since = Facet::Text("2020-01-02T00:00:00Z".into());
        rows.push(row(
            "friend",
            "",
            Said::Node(uid_of(at + 1)),
            &[("since", since)],
        ));
        rows.push(row("friend", "", Said::Node(uid_of(at * 31 + 5)), &[]));
        if at % 3 == 0 {
            rows.push(row(
                "age",
                "",
                text("int", (9_007_199_254_740_993 + at).to_string()),
                &[],
            ));
            rows.push(row(
                "tags",
                "",
                text("string", format!("t{}", at % 5)),
                &[("w", Facet::Number("3".into()))],
            ));
            rows.push(row("tags", "", text("string", "last".into()), &[]));
            rows.push(row("best", "", Said::Node(uid_of(at + 2)), &[]));
        }
        if at % 100 == 0 {
            let hash = "$2a$10$E0qDAAwf2ZPpIE/D6hcB5.FMYeTJ8OcAozZPiSqrj16JDF50TCVkq";
            rows.push(row("secret", "", text("password", hash.into()), &[]));
        }
    }
    server.lease = u64::MAX >> 1;
    let lines = rows
        .iter()
        .map(|it| rdf::read(&it.line()).expect("a row").expect("a row"));
    let quads: Vec<_> = lines.collect();
    let space = server.spaces.entry(0).or_default();
    space.schema = schema::read(SCHEMA, Form::V2503).expect("a schema");
    if server.take(0, &quads, &BTreeMap::new()).is_err() {
        panic!("not taken");
    }
    server.export(folder, "rdf");
    let mut all = sets::read(folder, "rdf");
    all.remove(&0).expect("a namespace")
}
