//! Proofs of imports: what goes in comes out again, whatever happens on the way.

use crate::support::dgraph_server::held::Variables;
use crate::support::dgraph_server::{Form, Held, rdf, sets};
use crate::support::files::repository;

/// The sets of real servers, and the formats that they have.
const SETS: [(&str, &[&str]); 7] = [
    ("v20.11.3-dql.r21", &["json", "rdf"]),
    ("v20.11.3-graphql.r36", &["json"]),
    ("v21.03.2-graphql.r8", &["json"]),
    ("v25.3.0-acl-two-namespaces", &["json"]),
    ("v25.3.0-dql-facets-lang", &["json"]),
    ("v25.3.0-encrypted", &["json"]),
    ("v25.3.0-scalars-inf", &["json"]),
];

#[test]
fn what_the_modelled_server_takes_it_exports_again() {
    let place = tempfile::tempdir().expect("a folder");
    let testdata = repository("testdata/dgraph");
    let old = testdata.join(SETS[0].0);
    // Both formats of one export hold the same rows.
    assert_eq!(sets::read(&old, "json"), sets::read(&old, "rdf"));
    for (name, formats) in SETS {
        let set = sets::read(&testdata.join(name), formats[0]);
        for (form, format) in [
            (Form::V2011, "json"),
            (Form::V2011, "rdf"),
            (Form::V2503, "json"),
            (Form::V2503, "rdf"),
        ] {
            let mut held = Held::new(form);
            held.lease = u64::MAX >> 1;
            if form.is_old() && set.len() > 1 {
                continue;
            }
            for (namespace, contents) in &set {
                let lines = contents.lines();
                assert!(!lines.is_empty(), "{name}");
                let quads = lines.iter().filter_map(|it| rdf::read(it).expect("a row"));
                let quads: Vec<_> = quads.collect();
                held.spaces.entry(*namespace).or_default().schema = contents.schema.clone();
                let taken = held.take(*namespace, &quads, &Variables::new());
                assert!(taken.is_ok(), "{name}");
                held.spaces.entry(*namespace).or_default().graphql = contents.graphql.clone();
            }
            let folder = place.path().join(format!("{name}-{form:?}-{format}"));
            held.export(&folder, format);
            let again = sets::read(&folder, format);
            for (namespace, contents) in &set {
                let again = &again[namespace];
                assert_eq!(again.lines(), contents.lines(), "{name} {form:?} {format}");
                assert_eq!(again.shape(), contents.shape(), "{name}");
                assert_eq!(again.schema, contents.schema, "{name}");
                assert_eq!(again.graphql, contents.graphql, "{name}");
            }
        }
    }
}
