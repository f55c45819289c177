//! Random rows: they come back from both formats in both dialects.

use super::super::row::{Facet, FacetKind, Node, Object, Row, Scalar, Value, is_time};
use super::super::schema::Schema;
use super::super::{Dialect, Format};
use super::{DIALECTS, FORMATS, endure, read, written};
use proptest::prelude::*;

/// A schema with a predicate of each type, in two namespaces.
fn typed() -> Schema {
    let names = [
        "default",
        "string",
        "int",
        "float",
        "bool",
        "datetime",
        "geo",
        "binary",
        "password",
        "bigfloat",
        "float32vector",
        "uid",
    ];
    let line =
        |namespace: u64, name: &str| format!("[{namespace:#x}] <p.{name}>:[{name}] @lang .\n");
    let text: String = names
        .iter()
        .flat_map(|it| [0, 0x1f].map(|of| line(of, it)))
        .collect();
    Schema::parse(&text, "x").expect("a schema")
}

fn value() -> impl Strategy<Value = (Value, &'static str)> {
    let of = |scalar: Scalar, name: &'static str, text: BoxedStrategy<String>| {
        text.prop_map(move |text| (Value { scalar, text }, name))
            .boxed()
    };
    let text = || prop_oneof![any::<String>(), ".*", "[\"\\\\\\n\\t<>&'{}\\[\\], ]*"].boxed();
    let float = || {
        any::<f64>()
            .prop_filter("finite", |it| it.is_finite())
            .prop_map(|it| format!("{it:E}").replace("E0", ""))
            .boxed()
    };
    prop_oneof![
        of(Scalar::Default, "default", text()),
        of(Scalar::String, "string", text()),
        of(
            Scalar::Int,
            "int",
            any::<i64>().prop_map(|it| it.to_string()).boxed()
        ),
        of(
            Scalar::Float,
            "float",
            prop_oneof![float(), Just("+Inf".to_owned()), Just("1E-09".to_owned())].boxed()
        ),
        of(
            Scalar::Bool,
            "bool",
            any::<bool>().prop_map(|it| it.to_string()).boxed()
        ),
        of(
            Scalar::DateTime,
            "datetime",
            "2[0-9]{3}-0[1-9]-[0-2][1-8]T00:00:00Z".boxed()
        ),
        of(
            Scalar::Geo,
            "geo",
            Just("{'type':'Point','coordinates':[-3.25,12.5]}".to_owned()).boxed()
        ),
        of(Scalar::Binary, "binary", "[a-zA-Z0-9+/]{0,16}".boxed()),
        of(Scalar::Password, "password", "[$a-zA-Z0-9./]{1,60}".boxed()),
        of(
            Scalar::BigFloat,
            "bigfloat",
            "[0-9]{1,40}\\.[0-9]{1,40}".boxed()
        ),
        of(
            Scalar::Vector,
            "float32vector",
            "\\[[0-9](,[0-9]){0,3}\\]".boxed()
        ),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        (1..=u64::MAX).prop_map(Node::Uid),
        "[a-zA-Z_][a-zA-Z0-9._-]{0,8}[a-z]".prop_map(Node::Blank),
    ]
}

fn facets() -> impl Strategy<Value = Vec<Facet>> {
    let of = |kind: FacetKind, text: BoxedStrategy<String>| {
        text.prop_map(move |text| (kind, text)).boxed()
    };
    let held = prop_oneof![
        // In JSON a text that looks like a time is one.
        of(
            FacetKind::String,
            any::<String>()
                .prop_filter("no time", |it| !is_time(it))
                .boxed()
        ),
        of(
            FacetKind::Int,
            any::<i64>().prop_map(|it| it.to_string()).boxed()
        ),
        of(
            FacetKind::Float,
            "-?[1-9][0-9]{0,5}\\.[0-9]{1,5}(E[+-]?[0-9]{1,2})?".boxed()
        ),
        of(
            FacetKind::Bool,
            any::<bool>().prop_map(|it| it.to_string()).boxed()
        ),
        of(
            FacetKind::DateTime,
            "2[0-9]{3}-0[1-9]-[0-2][1-8](T00:00:00Z)?".boxed()
        ),
    ];
    proptest::collection::btree_map("[a-zA-Z_ë|@.]{1,6}", held, 0..4).prop_map(|map| {
        let facets = map
            .into_iter()
            .map(|(key, (kind, text))| Facet { key, kind, text });
        facets.collect()
    })
}

fn row() -> impl Strategy<Value = Row> {
    let language = proptest::option::of("[a-z]{2}(-[A-Z][a-z]{3})?");
    let object = prop_oneof![
        (value(), language).prop_map(|((value, name), language)| {
            let language = language.filter(|_| value.scalar == Scalar::String);
            (Object::Value { value, language }, name)
        }),
        node().prop_map(|node| (Object::Edge(node), "uid")),
    ];
    let namespace = prop_oneof![Just(0), Just(0x1f)];
    (node(), namespace, object, facets()).prop_map(
        |(subject, namespace, (object, name), facets)| Row {
            subject,
            namespace,
            predicate: format!("p.{name}"),
            object,
            facets,
        },
    )
}

proptest! {
    #[test]
    fn random_rows_come_back_from_both_formats_and_dialects(rows in proptest::collection::vec(row(), 0..8)) {
        let schema = typed();
        for dialect in DIALECTS {
            let rows: Vec<Row> = rows.iter().cloned().map(|mut row| {
                if dialect == Dialect::Before2103 {
                    row.namespace = 0;
                }
                row
            }).collect();
            let mut through = rows.clone();
            for format in [Format::Json, Format::Rdf, Format::Json] {
                let text = written(&through, format, dialect).expect("written");
                through = read(&text, format, &schema, dialect).expect("rows");
                prop_assert_eq!(&through, &rows);
            }
        }
    }

    #[test]
    fn random_text_is_read_or_refused(text in ".{0,60}") {
        let schema = typed();
        for dialect in DIALECTS {
            for text in [text.clone(), format!("[{text}]"), format!("[{{\"uid\":\"0x1\",{text}}}]"), format!("<0x1> <a> {text}")] {
                for format in FORMATS {
                    endure(text.as_bytes(), format, &schema, dialect);
                }
                let _ = Schema::parse(&text, "x");
            }
        }
    }
}
