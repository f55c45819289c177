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
const MODELS: usize = 40;

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

/// How many nodes each type of a random data set has.
const NODES: usize = 5;

/// A type of a random data model: its lines in there, and what its fields with values hold.
struct Type {
    lines: Vec<String>,
    fields: Vec<(String, &'static str, &'static str)>,
    has_uuids: bool,
    has_times: bool,
}

impl Type {
    fn random(dice: &mut Dice) -> Self {
        const KINDS: [&str; 7] = ["String", "Int", "Float", "Boolean", "DateTime", "Json", "E"];
        let [has_uuids, has_times] = [(); 2].map(|()| dice.below(3) == 0);
        let id = if has_uuids { "UUID" } else { "ID" };
        let mut lines = vec![format!("id: {id}! @id")];
        if has_times {
            lines.push("createdAt: DateTime! @createdAt".into());
            lines.push("updatedAt: DateTime! @updatedAt".into());
        }
        let mut fields = Vec::new();
        for field in 0..dice.below(8) {
            let (name, kind) = (format!("f{field}"), KINDS[dice.below(7)]);
            let shape = ["", "!", "[]"][dice.below(3)];
            lines.push(match shape {
                "[]" => format!("{name}: [{kind}!]! @scalarList(strategy: RELATION)"),
                shape => format!("{name}: {kind}{shape}"),
            });
            fields.push((name, kind, shape));
        }
        Self {
            lines,
            fields,
            has_uuids,
            has_times,
        }
    }

    fn id(&self, own: usize, number: usize) -> String {
        match self.has_uuids {
            true => format!("{own:08x}-0000-4000-8000-{number:012x}"),
            false => format!("t{own}n{number}"),
        }
    }

    /// Writes the nodes and lists.
    fn write(&self, own: usize, dice: &mut Dice, writer: &mut Writer) {
        for number in 0..NODES {
            let id = self.id(own, number);
            let mut node = Map::new();
            node.insert("_typeName".into(), json!(format!("T{own}")));
            node.insert("id".into(), json!(id));
            if self.has_times {
                for name in ["createdAt", "updatedAt"] {
                    node.insert(name.into(), value(dice, "DateTime"));
                }
            }
            for (name, kind, shape) in &self.fields {
                if *shape == "[]" {
                    let values: Vec<Value> =
                        (0..1 + dice.below(3)).map(|_| value(dice, kind)).collect();
                    let row =
                        json!({"_typeName": format!("T{own}"), "id": id, name.as_str(): values});
                    let pushed = writer.push(ValueType::Lists, &row.to_string());
                    pushed.expect("written");
                } else if *shape == "!" || dice.below(2) == 1 {
                    node.insert(name.clone(), value(dice, kind));
                }
            }
            let pushed = writer.push(ValueType::Nodes, &Value::from(node).to_string());
            pushed.expect("written");
        }
    }
}

/// Adds a relation of any kind to the types, and writes its links.
fn relate(number: usize, types: &mut [Type], dice: &mut Dice, writer: &mut Writer) {
    let (owner, target) = (dice.below(types.len()), dice.below(types.len()));
    let (field, back) = (format!("r{number}"), format!("r{number}Of"));
    let [many, many_back] = [(); 2].map(|()| dice.below(2) == 1);
    // A type is linked with itself by one field or by two.
    let is_mutual = owner == target && dice.below(2) == 1;
    let has_back = !is_mutual && (owner == target || dice.below(2) == 1);
    let kept = match many || dice.below(2) == 1 {
        true => ", link: TABLE",
        false => "",
    };
    let line = |name: &str, to: usize, many: bool, kept: &str| {
        let kind = if many {
            format!("[T{to}!]!")
        } else {
            format!("T{to}")
        };
        format!("{name}: {kind} @relation(name: \"R{number}\"{kept})")
    };
    types[owner].lines.push(line(&field, target, many, kept));
    if has_back {
        types[target].lines.push(line(&back, owner, many_back, ""));
    }
    for one in 0..NODES {
        for other in 0..NODES {
            let is_linked = match (is_mutual, many, !has_back || many_back) {
                (true, true, _) => one < other && dice.below(2) == 1,
                (true, false, _) => one % 2 == 0 && other == one + 1,
                (false, true, true) => dice.below(3) == 0,
                (false, false, true) => other == one / 2,
                (false, true, false) => one == other / 2,
                (false, false, false) => other == (one + 1) % NODES,
            };
            if !is_linked {
                continue;
            }
            let end = |own: usize, number: usize, field: Option<&str>| {
                let mut end =
                    json!({"_typeName": format!("T{own}"), "id": types[own].id(own, number)});
                if let Some(field) = field {
                    end["fieldName"] = field.into();
                }
                end
            };
            let back = match is_mutual {
                true => Some(field.as_str()),
                false => has_back.then_some(back.as_str()),
            };
            let mut ends = [end(owner, one, Some(&field)), end(target, other, back)];
            if dice.below(2) == 1 {
                ends.reverse();
            }
            let pushed = writer.push(ValueType::Relations, &json!(ends).to_string());
            pushed.expect("written");
        }
    }
}

/// A random data model, and a data set for it, which is written to this path.
fn random(dice: &mut Dice, path: &std::path::Path) -> String {
    let mut writer = Writer::create(path, Form::Dir, false).expect("begun");
    let mut types: Vec<Type> = (0..1 + dice.below(4)).map(|_| Type::random(dice)).collect();
    for (own, it) in types.iter().enumerate() {
        it.write(own, dice, &mut writer);
    }
    for number in 0..dice.below(7) {
        relate(number, &mut types, dice, &mut writer);
    }
    writer.finish().expect("finished");
    let mut model = "enum E { A B }\n".to_owned();
    for (own, it) in types.iter().enumerate() {
        let lines = it.lines.join("\n  ");
        let _ = writeln!(model, "type T{own} {{\n  {lines}\n}}");
    }
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
