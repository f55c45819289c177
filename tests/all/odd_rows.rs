//! Rows that no Strapi makes, and that its database takes: what becomes of them in exports and restores.

use std::fs;

use crate::support::archive::Archive;
use crate::support::cli::{PLAIN, Project, backup, run, strapi_archive};
use crate::support::databases::{Server, Site, on_each_server};
use crate::support::restore::assert_same_lines;
use crate::support::tarball::{Entry, LINKS, Tarball};

on_each_server!(
    rows_with_ids_that_are_not_positive_come_back_from_a_server,
    a_table_with_no_positive_ids_is_restored,
);

// ------------------------------------------------------------------ links without an end

#[test]
fn a_link_that_lacks_an_end_is_named_by_its_table_and_row() {
    let project = Project::testdata();
    let whole = project.exported(&[]);
    project.sql(
        "INSERT INTO articles_tags_lnk (id, article_id, tag_id, tag_ord, article_ord)
            VALUES (901, NULL, 1, 1, 1), (902, 1, NULL, 1, 1), (903, NULL, NULL, 1, 1), (904, NULL, 2, 1, 1);
        INSERT INTO files_related_mph (id, file_id, related_id, related_type, field, \"order\")
            VALUES (905, NULL, 1, 'api::article.article', 'cover', 1), (906, 1, NULL, NULL, NULL, NULL)",
    );
    let name = project.archive("without-ends");
    let options = ["--no-encrypt", "-f", name.to_str().unwrap()];
    let outcome = project.run("export", options).ends_with(0);
    outcome.says([
        "the table articles_tags_lnk: 4 left out: article_id of row 901 is null; tag_id of row 902 is \
         null; article_id of row 903 is null; ...",
        "the table files_related_mph: 2 left out: file_id of row 905 is null; related_id of row 906 is null",
    ]);
    assert_eq!(whole.differences(&project.exported(&[])), [""; 0]);
}

#[test]
fn half_a_link_in_a_row_is_named_by_its_table_and_row() {
    let project = Project::testdata();
    project.sql("UPDATE bookmarks SET target_id = NULL, target_type = NULL");
    let whole = project.exported(&[]);
    project.sql("UPDATE bookmarks SET target_type = 'api::tag.tag' WHERE id = 2");
    let name = project.archive("halves");
    let options = ["--no-encrypt", "-f", name.to_str().unwrap()];
    let outcome = project.run("export", options).ends_with(0);
    outcome.says(["the table bookmarks: 1 left out: target_id of row 2 is null"]);
    assert_eq!(whole.differences(&project.exported(&[])), [""; 0]);
}

#[test]
fn a_join_of_a_component_that_lacks_something_is_named_by_its_table_and_row() {
    let project = Project::testdata();
    let whole = project.exported(&[]);
    project.sql(
        "INSERT INTO articles_cmps (id, entity_id, cmp_id, component_type, field)
            VALUES (901, NULL, 1, 'shared.seo', 'seo'), (902, 1, NULL, 'shared.seo', 'seo'), (903, 1, 1, NULL, 'seo'),
            (904, 1, 1, 'shared.seo', NULL)",
    );
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(0).says([
        "note: the table articles_cmps: 4 left out: entity_id of row 901 is null; cmp_id of row 902 is null; \
         component_type of row 903 is null; ...",
    ]);
    assert_eq!(whole.differences(&project.exported(&[])), [""; 0]);
}

// ------------------------------------------------------------------ bytes where texts belong

#[test]
fn bytes_in_a_link_or_a_join_are_listed() {
    let project = Project::testdata();
    let whole = project.exported(&[]);
    project.sql(
        "UPDATE files_related_mph SET field = CAST(field AS BLOB) WHERE id = 1;
         INSERT INTO files_related_mph (file_id, related_id, related_type, field)
            VALUES (1, 1, CAST('api::article.article' AS BLOB), 'gallery');
         INSERT INTO articles_cmps (id, entity_id, cmp_id, component_type, field)
            VALUES (901, 1, 1, CAST('shared.seo' AS BLOB), 'seo'), (902, 1, 1, 'shared.seo', CAST('seo' AS BLOB)),
            (903, 1, 1, 'shared.seo', CAST(X'61ff' AS TEXT))",
    );
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    let outcome = project.run("export", options).ends_with(3).says([
        "warning: links of `related` of plugin::upload.file: 1 left out: plugin::upload.file 1 (related) -> ? 1 (gallery): \
         its type is no text",
        "warning: links of `related` of plugin::upload.file: 1 not kept: ",
        "its field is no text",
        "warning: a component in attribute `seo` of api::article.article: 1 left out: row 901 of articles_cmps: its \
         component_type is no text",
        "warning: a component in attribute `?` of api::article.article: 2 left out: row 902 of articles_cmps: its field is no \
         text; row 903 of articles_cmps: its field is no text",
    ]);
    assert_eq!(outcome.lines("note: ").len(), 0, "{}", outcome.all());
    let path = project.archive("site.incomplete.tar");
    run(&mut backup(["verify", path.to_str().unwrap()])).ends_with(3);
    // The field is what the bytes say.
    assert_eq!(Archive::open(&path, None).differences(&whole), [""; 0]);
}

// ------------------------------------------------------------------ ids of 0 and below

/// An article with this id, components and a tag that have it as well, and a file.
fn rows_with_id(id: i64, order: &str) -> Vec<String> {
    [
        "INSERT INTO tags (id, document_id, name) VALUES (ID, 'odd ID', 'odd ID')",
        "INSERT INTO articles (id, document_id, title, locale) VALUES (ID, 'odd ID', 'odd ID', 'en')",
        "INSERT INTO articles_tags_lnk (article_id, tag_id, tag_ord, article_ord) VALUES (ID, ID, 1, 1)",
        "INSERT INTO components_shared_seos (id, meta_title) VALUES (ID, 'odd ID')",
        "INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field) VALUES (ID, ID, 'shared.seo', 'seo')",
        "INSERT INTO files (id, document_id, name, hash, ext, mime, size, url, provider) VALUES
         (ID, 'odd ID', 'odd', 'oddID', '.txt', 'text/plain', 1, '/uploads/oddID.txt', 'local')",
        "INSERT INTO files_related_mph (file_id, related_id, related_type, field, ORDER) VALUES
         (ID, ID, 'shared.seo', 'shareImage', 1)",
    ]
    .map(|sql| sql.replace("ID", &id.to_string()).replace("ORDER", order))
    .into()
}

/// Fails unless an export holds these rows, is whole, and is all there after a restore.
#[track_caller]
fn assert_round_trip(project: &Project, ids: &[i64]) {
    let path = project.export("odd", &[]);
    let archive = Archive::open(&path, None);
    for id in ids {
        for (stage, texts) in [
            (
                "entities",
                [
                    r#"{"type":"api::article.article","id":ID,"#,
                    r#""seo":{"id":ID,"#,
                ],
            ),
            (
                "links",
                [
                    r#""left":{"type":"api::article.article","field":"tags","ref":ID,"#,
                    r#""ref":ID,"#,
                ],
            ),
            (
                "links",
                [
                    r#""left":{"type":"plugin::upload.file","field":"related","ref":ID}"#,
                    r#""ref":ID,"#,
                ],
            ),
        ] {
            let texts = texts.map(|text| text.replace("ID", &id.to_string()));
            let lines = archive.lines(stage);
            let holds = |line: &String| texts.iter().all(|text| line.contains(text));
            assert!(lines.iter().any(holds), "no {texts:?}");
        }
        assert!(archive.assets().contains_key(&format!("odd{id}.txt")));
    }
    run(&mut backup(["verify", path.to_str().unwrap()])).ends_with(0);
    project.import(&path, &[]).ends_with(0);
    assert_eq!(archive.differences(&project.exported(&[])), [""; 0]);
    // Rows that stay lose their links to articles; the articles and their components come back.
    let articles = ["--only-content-types", "api::article.article"];
    project.import(&path, &articles).ends_with(0);
    assert_eq!(
        archive.lines("entities"),
        project.exported(&[]).lines("entities")
    );
}

#[test]
fn rows_with_ids_that_are_not_positive_come_back() {
    let project = Project::testdata();
    for id in [0, -4] {
        project.sql(&rows_with_id(id, "\"order\"").join(";"));
        fs::write(project.uploads().join(format!("odd{id}.txt")), "odd").unwrap();
    }
    assert_round_trip(&project, &[0, -4]);
}

fn rows_with_ids_that_are_not_positive_come_back_from_a_server(server: Server) {
    // Strapi makes unsigned ids on MySQL, and there 0 stands for the next one unless the session says otherwise.
    let ids = server.pick(&[0, -4][..], &[0]);
    let order = server.pick("\"order\"", "`order`");
    let site = Site::new(server);
    for &id in ids {
        let session = server.pick("", "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
        let rows = rows_with_id(id, order);
        site.database
            .sql([session].into_iter().chain(rows.iter().map(String::as_str)));
        fs::write(site.uploads().join(format!("odd{id}.txt")), "odd").unwrap();
    }
    assert_round_trip(&site, ids);
}

fn a_table_with_no_positive_ids_is_restored(server: Server) {
    let site = Site::emptied(server);
    site.database.sql([
        server.pick(
            "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
            "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
        ),
        "INSERT INTO tags (id, document_id, name) VALUES (0, 'odd', 'odd')",
    ]);
    let archive = site.export("odd", &[]);
    site.import(&archive, &[]).ends_with(0);
    site.database
        .sql(["INSERT INTO tags (document_id, name) VALUES ('next', 'next')"]);
    let tags = site.exported(&[]).lines("entities");
    let tags = tags.iter().filter(|line| line.contains("api::tag.tag"));
    assert_eq!(tags.count(), 2);
}

// ------------------------------------------------------------------ components and their owners

/// A hero of an article that is not there, a link in it, and relations and media of both.
const WITHOUT_OWNER: &str = "
    PRAGMA foreign_keys = OFF;
    INSERT INTO components_blocks_heroes (id, title) VALUES (910, 'without an owner');
    INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field) VALUES (901, 910, 'blocks.hero', 'zone');
    INSERT INTO components_shared_links (id, label) VALUES (911, 'without an owner');
    INSERT INTO components_blocks_heroes_cmps (entity_id, cmp_id, component_type, field)
        VALUES (910, 911, 'shared.link', 'cta');
    INSERT INTO components_shared_links_tags_lnk (link_id, tag_id, tag_ord) VALUES (911, 1, 1);
    INSERT INTO files_related_mph (file_id, related_id, related_type, field) VALUES (1, 910, 'blocks.hero', 'image');
";

#[test]
fn links_of_components_without_an_owner_stay_out_as_a_note() {
    let project = Project::testdata();
    // Rows are read by ranges of ids, of which this is the end of one.
    project.sql(
        "INSERT INTO articles (id, document_id, title, locale) VALUES (902, 'last', 'last', 'en')",
    );
    let clean = project.exported(&[]).lines("links");
    project.sql(WITHOUT_OWNER);
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    let outcome = project.run("export", options).ends_with(0);
    outcome.says([
        "note: links of `tags` of shared.link: 1 left out: shared.link 911 (tags) -> api::tag.tag 1: a component at an \
         end has no owner",
        "note: links of `related` of plugin::upload.file: 1 left out",
    ]);
    let path = project.archive("site.tar");
    assert_same_lines(&Archive::open(&path, None).lines("links"), &clean);
    run(&mut backup(["verify", path.to_str().unwrap()])).ends_with(0);
    let outcome = project.import(&path, &[]).ends_with(0);
    assert!(!outcome.stderr.contains("left out"), "{}", outcome.all());
}

#[test]
fn links_that_stay_out_say_what_an_end_lacks() {
    let project = Project::testdata();
    project.sql(WITHOUT_OWNER);
    project.sql(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO components_shared_links_tags_lnk (link_id, tag_id) VALUES (911, 7777), (7777, 1), (911, 2);
         INSERT INTO files_related_mph (file_id, related_id, related_type, field) VALUES
            (7777, 910, 'blocks.hero', 'image'), (1, 1, 'blocks.gone', 'image')",
    );
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    let outcome = project.run("export", options).ends_with(0);
    outcome.says([
        "note: links of `tags` of shared.link: 4 left out: shared.link 911 (tags) -> api::tag.tag 1: a component at an \
         end has no owner; shared.link 911 (tags) -> api::tag.tag 7777: one of the two does not exist; shared.link 7777 \
         (tags) -> api::tag.tag 1: one of the two does not exist; ...",
        "note: links of `related` of plugin::upload.file: 3 left out: plugin::upload.file 1 (related) -> blocks.hero 910 \
         (image): a component at an end has no owner; plugin::upload.file 7777 (related) -> blocks.hero 910 (image): one \
         of the two does not exist; plugin::upload.file 1 (related) -> blocks.gone 1 (image): one of the two does not \
         exist",
    ]);
}

/// The seo of an article, with a component and an image in it, becomes that of a second one as well.
const WITH_TWO_OWNERS: &str = "
    INSERT INTO articles (id, document_id, title, locale) VALUES (901, 'one', 'one', 'en'), (902, 'two', 'two', 'en');
    INSERT INTO components_shared_seos (id, meta_title) VALUES (900, 'shared');
    INSERT INTO components_shared_kvs (id, \"key\") VALUES (900, 'shared');
    INSERT INTO components_shared_seos_cmps (entity_id, cmp_id, component_type, field)
        VALUES (900, 900, 'shared.kv', 'meta');
    INSERT INTO files_related_mph (file_id, related_id, related_type, field) VALUES (1, 900, 'shared.seo', 'shareImage');
    INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field)
        VALUES (901, 900, 'shared.seo', 'seo'), (902, 900, 'shared.seo', 'seo');
";

#[test]
fn a_component_with_two_owners_comes_back_as_two() {
    let original = Project::testdata();
    original.sql(WITH_TWO_OWNERS);
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    let told = "note: the component shared.seo: 1 of its rows stand in a second place, and a restore gives each place \
                its own row: 900";
    original.run("export", options).ends_with(0).says([told]);
    let path = original.archive("site.tar");
    run(&mut backup(["verify", path.to_str().unwrap()]))
        .ends_with(0)
        .says([told]);
    let some = "api::article.article,plugin::upload.file";
    for options in [&[][..], &["--only-content-types", some]] {
        let project = Project::testdata();
        project.import(&path, options).ends_with(0).says([told]);
        let sql = "SELECT a.entity_id, s.meta_title, k.\"key\", f.file_id FROM articles_cmps a
            JOIN components_shared_seos s ON s.id = a.cmp_id
            JOIN components_shared_seos_cmps n ON n.entity_id = s.id JOIN components_shared_kvs k ON k.id = n.cmp_id
            JOIN files_related_mph f ON f.related_id = s.id AND f.related_type = 'shared.seo'
            WHERE a.entity_id > 900 AND a.field = 'seo' ORDER BY 1";
        let connection = project.connect();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        let rows: Vec<(i64, String, String, i64)> = rows.unwrap().map(Result::unwrap).collect();
        let expected = [901, 902].map(|id| (id, "shared".to_owned(), "shared".to_owned(), 1));
        assert_eq!(rows, expected, "{options:?}");
        // Each has its own, and the first has kept its id.
        let ids = "SELECT count(DISTINCT cmp_id) || ' ' || min(cmp_id) FROM articles_cmps WHERE entity_id > 900";
        let ids: String = connection.query_row(ids, [], |row| row.get(0)).unwrap();
        assert_eq!(ids, "2 900", "{options:?}");
        let again = project.export("again", &[]);
        let outcome = run(&mut backup(["verify", again.to_str().unwrap()])).ends_with(0);
        assert!(
            !outcome.stderr.contains("second place"),
            "{}",
            outcome.all()
        );
    }
}

// ------------------------------------------------------------------ names of files

/// A row of the media library with a file of this name, which is there.
fn add_file(project: &Project, name: &str) {
    project.sql(&format!(
        "INSERT INTO files (document_id, name, hash, ext, mime, size, url, provider)
         VALUES ('odd', 'odd', '{name}', '', 'text/plain', 1, '/uploads/{name}', 'local')"
    ));
    fs::write(project.uploads().join(name), "odd").unwrap();
}

#[test]
fn a_file_whose_name_begins_with_dots_comes_back() {
    let project = Project::testdata();
    add_file(&project, "..odd");
    let archive = project.export("site", &[]);
    run(&mut backup(["verify", archive.to_str().unwrap()])).ends_with(0);
    fs::write(project.uploads().join("..odd"), "changed").unwrap();
    project.import(&archive, &[]).ends_with(0);
    assert_eq!(fs::read(project.uploads().join("..odd")).unwrap(), b"odd");
}

#[test]
fn what_is_called_like_a_staging_folder_is_no_file_of_the_media_library() {
    let project = Project::testdata();
    let clean = project.export("clean", &[]);
    let name = ".backup-restore-odd";
    add_file(&project, name);
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project
        .run("export", options)
        .ends_with(3)
        .says(["its hash and extension make no file name"]);
    let mut tarball = Tarball::read(&clean);
    let place = tarball.position("assets/uploads/notes_36b3257a18.txt");
    let entry = Entry::file(&format!("assets/uploads/{name}"), "odd");
    tarball.entries.insert(place, entry);
    let path = tarball.write(project.archive("hostile.tar"));
    let before = project.state();
    let told = "no file of a media library can have its name";
    project.import(&path, &[]).ends_with(6).says([told]);
    before.assert_untouched(&project);
    // The row of that name goes; the file was never the media library's.
    project.import(&clean, &[]).ends_with(0);
    assert_eq!(fs::read(project.uploads().join(name)).unwrap(), b"odd");
}

// ------------------------------------------------------------------ texts where ids belong

#[test]
fn a_text_where_an_id_belongs_is_listed_by_an_export() {
    let project = Project::testdata();
    let clean = project.exported(&[]);
    project.sql(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO articles_tags_lnk (article_id, tag_id) VALUES (1, 'abc');
         INSERT INTO files_related_mph (file_id, related_id, related_type, field)
            VALUES (1, 'abc', 'api::article.article', 'gallery');
         INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field) VALUES (1, 'abc', 'shared.seo', 'seo');
         INSERT INTO tags (document_id, name, inline_category_id) VALUES ('x', 'x', 1.5)",
    );
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(3).says([
        "warning: links of `tags` of api::article.article: 1 left out: api::article.article 1 (tags) -> api::tag.tag abc",
        "warning: links of `related` of plugin::upload.file: 1 left out: plugin::upload.file 1 (related) -> \
         api::article.article abc (gallery): this is no id",
        "warning: links of `inlineCategory` of api::tag.tag: 1 left out: api::tag.tag 7 (inlineCategory) -> \
         api::category.category (no integer): this is no id",
        "warning: a component in attribute `seo` of api::article.article: 1 left out: api::article.article 1: abc is no id",
        "incomplete: 4 rows cannot be read",
    ]);
    let path = project.archive("site.incomplete.tar");
    let added = Archive::open(&path, None).lines("links");
    let added = added
        .iter()
        .filter(|line| !clean.lines("links").contains(line));
    // The localizations of the tag that came with the row.
    assert_eq!(added.count(), 1);
    run(&mut backup(["verify", path.to_str().unwrap()])).ends_with(3);
    project.import(&path, &[]).ends_with(0);
}

#[test]
fn a_text_where_an_id_belongs_is_refused_in_an_archive() {
    let project = Project::testdata();
    let before = project.state();
    for (left, right, said) in [
        (
            "1",
            r#""abc""#,
            "api::tag.tag abc (articles): \"abc\" is no id",
        ),
        (r#""abc""#, "1", "\"abc\" is no id"),
        ("1", "1.5", "links_00001.jsonl, line 552"),
        ("1", "{}", "links_00001.jsonl, line 552"),
    ] {
        let line = format!(
            r#"{{"kind":"relation.basic","relation":"manyToMany","left":{{"type":"api::article.article","field":"tags","ref":{left},"pos":1}},"right":{{"type":"api::tag.tag","field":"articles","ref":{right},"pos":1}}}}"#
        );
        let tarball = Tarball::read(&strapi_archive()).edit_lines(LINKS, |lines| lines.push(line));
        let path = tarball.write(project.archive("odd.tar"));
        for outcome in [
            project.import(&path, &[]),
            run(&mut backup(["verify", path.to_str().unwrap()])),
        ] {
            outcome.ends_with(6).says([said]);
        }
        before.assert_untouched(&project);
    }
}
