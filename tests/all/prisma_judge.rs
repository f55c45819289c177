//! The real command line of Prisma 1 as judge: it imports what this program exports, and this program imports what it
//! exports.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::{Map, Value, json};
use strapi_backup::prisma::ndf::{Form, ValueType, Writer};

use crate::support::cli::{backup, run};
use crate::support::dice::Dice;
use crate::support::prisma_service::data::{Place, comment, expected, link, post, sample, tags};
use crate::support::prisma_service::judge::Judge;
use crate::support::prisma_service::{Held, PrismaService};

/// A service with a little of everything.
fn filled(service: &PrismaService) -> Held {
    service.hold(|held| {
        for at in 0..300 {
            let (one, other) = (format!("p{at}"), format!("c{at}"));
            held.nodes
                .insert(one.clone(), post(&one, "naïve — 日本語 🎉 \"\\\n"));
            held.nodes.insert(other.clone(), comment(&other));
            let row = tags(&one, &["a", "b"]);
            let values = row["tags"].as_array().expect("tags").clone();
            held.lists
                .insert((one.clone(), "tags".into()), ("Post".into(), values));
            held.relations.push(link(&one, &other));
        }
    });
    service.held()
}

/// The bodies of the imports that a service has seen.
fn bodies(service: &PrismaService) -> Vec<String> {
    let seen = service.seen().into_iter();
    seen.filter(|it| it.what == "import")
        .map(|it| it.body)
        .collect()
}

fn own(place: &Place, arguments: &[&str]) -> Command {
    let mut command = backup(["prisma"].iter().chain(arguments));
    command
        .arg("--project")
        .arg(place.path(""))
        .current_dir(place.path(""));
    command
}

#[test]
fn what_is_exported_is_imported_by_the_real_cli_byte_for_byte() {
    let Some(judge) = Judge::find() else { return };
    let service = PrismaService::new()
        .with_secret("my-secret")
        .with_pages(10_000);
    let held = filled(&service);
    let place = Place::new(&service.endpoint());
    fs::write(place.path(".env"), "SECRET=my-secret\n").expect("written");
    run(&mut own(&place, &["export", "--file", "own.zip"])).ends_with(0);
    run(&mut own(
        &place,
        &["export", "--file", "own", "--format", "dir"],
    ))
    .ends_with(0);
    let other = PrismaService::new().with_secret("my-secret");
    place.points_to(&other.endpoint());
    let told = judge.run(
        &place.path(""),
        &other.endpoint(),
        &["import", "--data", "own.zip"],
    );
    other.held().is_same(&held, &told);
    let mut files = Vec::new();
    for kind in ["nodes", "lists", "relations"] {
        let mut paths: Vec<_> = fs::read_dir(place.path("own").join(kind))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        files.extend(
            paths
                .into_iter()
                .map(|path| fs::read_to_string(path).expect("read")),
        );
    }
    assert!(files.len() > 10);
    assert!(
        bodies(&other) == files,
        "the bodies are not the files\n{told}"
    );
    judge
        .validates(&place.path("own"), &place.path("datamodel.prisma"))
        .expect("valid");
}

#[test]
fn what_the_real_cli_exports_is_imported() {
    let Some(judge) = Judge::find() else { return };
    let service = PrismaService::new()
        .with_secret("my-secret")
        .with_pages(10_000);
    let held = filled(&service);
    let place = Place::new(&service.endpoint());
    let told = judge.run(
        &place.path(""),
        &service.endpoint(),
        &["export", "--path", "theirs.zip"],
    );
    assert!(place.path("theirs.zip").exists(), "{told}");
    let other = PrismaService::new().with_secret("my-secret");
    place.points_to(&other.endpoint());
    run(&mut own(&place, &["import", "--data", "theirs.zip"])).ends_with(0);
    other.held().is_same(&held, "their export");
}

#[test]
fn both_import_the_sample_to_the_same_end_and_its_bad_zip_is_refused() {
    let Some(judge) = Judge::find() else { return };
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    fs::copy(sample("import/import.zip"), place.path("good.zip")).expect("copied");
    fs::copy(sample("import.zip"), place.path("bad.zip")).expect("copied");
    let told = judge.run(
        &place.path(""),
        &service.endpoint(),
        &["import", "--data", "good.zip"],
    );
    service.held().is_same(&expected(&sample("import")), &told);
    let theirs = bodies(&service);
    service.hold(|held| *held = Held::default());
    run(&mut own(&place, &["import", "--data", "good.zip"])).ends_with(0);
    let parsed = |bodies: Vec<String>| -> Vec<serde_json::Value> {
        bodies
            .iter()
            .map(|it| serde_json::from_str(it).expect("JSON"))
            .collect()
    };
    assert_eq!(parsed(bodies(&service)), parsed(theirs));
    run(&mut own(&place, &["import", "--data", "bad.zip"]))
        .ends_with(6)
        .says(["within the folder import", "unpack it"]);
    assert_eq!(bodies(&service).len(), 0);
}

/// How many random data models are tried.
const MODELS: usize = 12;

/// A value of a type, as the server would export it; an enum has the values A and B.
fn value(dice: &mut Dice, kind: &str) -> Value {
    let texts = [
        "",
        "x",
        "naïve — 日本語 🎉",
        "a\"b\\c\n\u{0}",
        "null",
        "${env:HOME}",
    ];
    match kind {
        "String" => json!(texts[dice.below(texts.len())]),
        "Int" => json!([0, 1, -1, i32::MAX, i32::MIN][dice.below(5)]),
        "Float" => json!([0.5, -1e20, 3.0, 1e-7][dice.below(4)]),
        "Boolean" => json!(dice.below(2) == 1),
        "DateTime" => {
            json!(["2017-11-29T14:35:13.000Z", "1969-12-31T23:59:59.999Z"][dice.below(2)])
        }
        "Json" => [json!({"a": [1, null, {"b": "c"}]}), json!([])][dice.below(2)].clone(),
        _ => json!(["A", "B"][dice.below(2)]),
    }
}

/// A random data model, and a data set for it, which is written to this path.
fn random(dice: &mut Dice, path: &std::path::Path) -> String {
    const KINDS: [&str; 7] = ["String", "Int", "Float", "Boolean", "DateTime", "Json", "E"];
    let mut model = "enum E { A B }\n".to_owned();
    let mut writer = Writer::create(path, Form::Dir, false).expect("begun");
    let types = 1 + dice.below(4);
    for own in 0..types {
        let mut fields = Vec::new();
        for field in 0..dice.below(8) {
            let shape = ["", "!", "[]"][dice.below(3)];
            fields.push((format!("f{field}"), KINDS[dice.below(7)], shape));
        }
        let target = dice.below(types);
        let _ = writeln!(model, "type T{own} {{\n  id: ID! @id");
        for (name, kind, shape) in &fields {
            let _ = match *shape {
                "[]" => writeln!(
                    model,
                    "  {name}: [{kind}!]! @scalarList(strategy: RELATION)"
                ),
                shape => writeln!(model, "  {name}: {kind}{shape}"),
            };
        }
        let _ = writeln!(
            model,
            "  to: [T{target}!]! @relation(name: \"R{own}\", link: TABLE)\n}}"
        );
        for number in 0..5 {
            let id = format!("t{own}n{number}");
            let mut node = Map::new();
            node.insert("_typeName".into(), json!(format!("T{own}")));
            node.insert("id".into(), json!(id));
            for (name, kind, shape) in &fields {
                if *shape == "[]" {
                    let values: Vec<Value> =
                        (0..1 + dice.below(3)).map(|_| value(dice, kind)).collect();
                    let row =
                        json!({"_typeName": format!("T{own}"), "id": id, name.as_str(): values});
                    writer
                        .push(ValueType::Lists, &row.to_string())
                        .expect("written");
                } else if *shape == "!" || dice.below(2) == 1 {
                    node.insert(name.clone(), value(dice, kind));
                }
            }
            writer
                .push(ValueType::Nodes, &Value::from(node).to_string())
                .expect("written");
            let ends = json!([
                {"_typeName": format!("T{target}"), "id": format!("t{target}n{number}")},
                {"_typeName": format!("T{own}"), "id": id, "fieldName": "to"}
            ]);
            writer
                .push(ValueType::Relations, &ends.to_string())
                .expect("written");
        }
    }
    writer.finish().expect("finished");
    model
}

#[test]
fn random_data_sets_are_whole_for_this_program_and_for_the_real_validator() {
    let Some(judge) = Judge::find() else { return };
    let mut dice = Dice::new();
    let seed = dice.seed;
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("datamodel.prisma");
    for number in 0..MODELS {
        let data = folder.path().join(format!("data{number}"));
        let text = random(&mut dice, &data);
        fs::write(&model, &text).expect("written");
        let mut verify = backup(["prisma", "verify"]);
        let outcome = run(verify.arg(&data).arg("--datamodel").arg(&model));
        assert_eq!(
            outcome.code,
            Some(0),
            "seed {seed}, number {number}\n{text}{}",
            outcome.all()
        );
        let judged = judge.validates(&data, &model);
        assert_eq!(judged, Ok(()), "seed {seed}, number {number}\n{text}");
    }
}
