//! The commands of docs/PIECES.md, as they stand there, against real Strapi: a page and a picture that were deleted are
//! there again, with what they held.

use std::fs;

use crate::support::files::repository;
use crate::support::strapi::{Project, Version};
use crate::{strapi4, strapi5};

/// The blocks of commands of the page that are marked so, in their order, for this content of the test: an expedition is a
/// page there.
fn blocks(mark: &str) -> Vec<String> {
    let page = fs::read_to_string(repository("docs/PIECES.md")).unwrap();
    let begin = format!("<!-- tried{mark} -->\n```sh\n");
    let blocks: Vec<String> = page
        .split(&begin)
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .map(|block| block.replace("api::page.page", "api::expedition.expedition"))
        .map(|block| block.replace("/api/pages", "/api/expeditions"))
        .collect();
    assert!(!blocks.is_empty(), "blocks marked {begin}");
    blocks
}

/// What stands before each script: the program of the tests, and functions for what the page does not need.
fn prelude(major: u32) -> String {
    let backup = env!("CARGO_BIN_EXE_backup");
    let populate = "populate[cover]=true&populate[card][populate]=*&populate[route]=true&populate[panels][populate]=*";
    let status = if major == 5 {
        "&status=draft"
    } else {
        "&publicationState=preview"
    };
    format!(
        r#"
        backup() {{ verb=$1; shift; case $verb in import) set -- --force "$@";; esac; {backup} "$verb" "$@"; }}
        if [ -e here ]; then . ./here; fi
        api() {{ curl -fsSg -H "Authorization: Bearer $token" "$@"; }}
        pages() {{ api "$url/api/expeditions?{populate}{status}" | jq -S '.data | map(.attributes // .)'; }}
        # What a page holds, without what every one has of its own.
        held() {{ jq -S 'map(walk(if type == "object" then
            del(.id, .documentId, .createdAt, .updatedAt, .publishedAt) else . end))'; }}
        archive=$PWD/site.tar.gz
        "#
    )
}

/// A site with a picture and a page that shows it, made through the API, and its archive. Then both are gone.
const MAKE: &str = r#"
    base64 -d > hero.png <<END
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
END
    file=$(api "$url/api/upload" -F "files=@hero.png;type=image/png" \
        -F 'fileInfo={"name":"hero.png","alternativeText":"a hero","caption":"who?"}' | jq '.[0].id')
    page=$(api "$url/api/expeditions?locale=en$draft" -H "Content-Type: application/json" -d '{"data": {
        "title": "About us", "slug": "about-us", "distanceInMm": "12", "extra": {"a": [1, null]},
        "card": {"heading": "Head", "pins": [{"label": "one"}, {"label": "two"}]},
        "route": [{"title": "a", "mode": "sea"}, {"title": "b", "mode": "ice"}],
        "panels": [{"__component": "panels.banner"}, {"__component": "parts.coordinate", "label": "x"}],
        "cover": '"$file"'}}')
    document=$(echo "$page" | jq -r '.data.documentId // empty')
    id=$(echo "$page" | jq .data.id)
    printf 'document=%s id=%s file=%s\n' "$document" "$id" "$file" > here
    pages > before.json
    [ "$(jq length before.json)" = 1 ]
    jq -e '.[0].card.pins | length == 2' before.json
    jq -e '.[0].cover | .. | .hash? // empty' before.json
    name=$(basename "$(ls public/uploads/hero*.png)")
    sha256sum "public/uploads/$name" > sum
    backup export --project . -f "$archive" --no-encrypt
"#;

/// A project of a version with that site.
#[track_caller]
fn site(version: &'static Version, name: &str) -> Option<Project<'static>> {
    let project = version.harness()?.new_project(name, None);
    // The template serves none of its types.
    for (folder, factory) in [
        ("routes", "Router"),
        ("controllers", "Controller"),
        ("services", "Service"),
    ] {
        let folder = project.dir.join("src/api/expedition").join(folder);
        fs::create_dir_all(&folder).unwrap();
        let code = format!(
            "module.exports = require('@strapi/strapi').factories.createCore{factory}('api::expedition.expedition');\n"
        );
        fs::write(folder.join("expedition.js"), code).unwrap();
    }
    project.seed("boot");
    serve(&project, version, MAKE);
    Some(project)
}

fn serve(project: &Project<'_>, version: &Version, script: &str) -> String {
    let draft = if version.major == 5 {
        "draft='&status=draft'\n"
    } else {
        "draft=\n"
    };
    let prelude = prelude(version.major);
    project.serve(&format!("{prelude}{draft}{script}"))
}

fn stopped(project: &Project<'_>, version: &Version, script: &str) -> String {
    project.shell(&format!("{}{script}", prelude(version.major)))
}

fn the_file_of_a_picture_comes_back(version: &'static Version) {
    let Some(project) = site(version, "picture-file") else {
        return;
    };
    stopped(&project, version, "rm public/uploads/*hero*.png");
    let extract = &blocks("")[0];
    serve(
        &project,
        version,
        &format!(
            "{extract}\nsha256sum -c sum\napi \"$url/uploads/$(basename $(cut -c67- sum))\" | cmp - \"$(cut -c67- sum)\""
        ),
    );
}

fn a_deleted_picture_is_uploaded_again(version: &'static Version) {
    let Some(project) = site(version, "picture-again") else {
        return;
    };
    let upload = &blocks("")[1];
    let script = format!(
        r#"
        api -X DELETE "$url/api/upload/files/$file"
        {upload}
        api "$url/api/upload/files" | jq -e 'length == 1 and .[0].name == "hero.png"
            and .[0].alternativeText == "a hero" and .[0].caption == "who?"'
        cmp "public$(api "$url/api/upload/files" | jq -r '.[0].url')" "$file"
        "#
    );
    serve(&project, version, &script);
}

fn the_media_library_is_restored_alone(version: &'static Version) {
    let Some(project) = site(version, "library") else {
        return;
    };
    serve(
        &project,
        version,
        r#"api -X DELETE "$url/api/upload/files/$file"; [ ! -e "$(cut -c67- sum)" ]"#,
    );
    stopped(&project, version, &blocks(" stopped")[0]);
    serve(
        &project,
        version,
        r#"sha256sum -c sum; api "$url/api/upload/files/$file" | jq -e '.name == "hero.png"'"#,
    );
}

fn a_deleted_page_comes_back_through_the_api(version: &'static Version) {
    let Some(project) = site(version, "page") else {
        return;
    };
    let mark = format!(" {}", version.major);
    let commands = blocks(&mark).join("\n");
    let script = format!(
        r#"
        api -X DELETE "$url/api/expeditions/${{document:-$id}}"
        [ "$(pages | jq length)" = 0 ]
        {commands}
        held < before.json > expected.json
        pages | held > found.json
        diff expected.json found.json
        "#
    );
    serve(&project, version, &script);
}

fn a_whole_type_is_restored(version: &'static Version) {
    let Some(project) = site(version, "type") else {
        return;
    };
    serve(
        &project,
        version,
        r#"api -X DELETE "$url/api/expeditions/${document:-$id}"; [ "$(pages | jq length)" = 0 ]"#,
    );
    let blocks = blocks(" stopped");
    stopped(&project, version, &blocks[1]);
    let without = "jq -S 'map(.cover = null)'";
    serve(
        &project,
        version,
        &format!(
            "{without} before.json > expected.json; pages > found.json; {without} found.json | diff expected.json -"
        ),
    );
    stopped(&project, version, &blocks[2]);
    serve(
        &project,
        version,
        "pages > after.json; diff before.json after.json",
    );
}

macro_rules! of_each_version {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn strapi4() {
                super::$name(&super::strapi4::STRAPI);
            }

            #[test]
            fn strapi5() {
                super::$name(&super::strapi5::STRAPI);
            }
        })+
    };
}

of_each_version!(
    the_file_of_a_picture_comes_back,
    a_deleted_picture_is_uploaded_again,
    the_media_library_is_restored_alone,
    a_deleted_page_comes_back_through_the_api,
    a_whole_type_is_restored,
);
