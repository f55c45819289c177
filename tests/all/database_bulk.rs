//! Many rows at once into tables of PostgreSQL that were emptied: indexes and foreign keys are away meanwhile, where that
//! disturbs nobody, and come back as they were.

use crate::support::archive::Archive;
use crate::support::databases::{Database, Server, Site, assert_same_values};
use strapi_backup::database::{Connection, Inserter, Value};

/// From how many rows on it is done.
const MANY: i64 = 5000;

/// A table as Strapi makes them for links, what it refers to, and whatever else somebody may have thought of.
const TABLES: &str = "CREATE TABLE tags (id int PRIMARY KEY, code int UNIQUE); CREATE TABLE users (id int PRIMARY KEY); \
    CREATE TABLE \"Links\" (id int PRIMARY KEY, tag int, author int, parent int, code int, ord float8, \
    CONSTRAINT \"Links_tag fk\" FOREIGN KEY (tag) REFERENCES tags (id) ON DELETE CASCADE, \
    CONSTRAINT of_itself FOREIGN KEY (parent) REFERENCES \"Links\" (id) ON UPDATE SET NULL, \
    CONSTRAINT of_codes FOREIGN KEY (code) REFERENCES tags (code), \
    CONSTRAINT of_users FOREIGN KEY (author) REFERENCES users (id), \
    CONSTRAINT noted FOREIGN KEY (tag) REFERENCES tags (id)); \
    CREATE INDEX \"Links tag\" ON \"Links\" (tag); \
    CREATE INDEX ord ON \"Links\" USING btree (ord DESC, author) WITH (fillfactor = 70); \
    CREATE UNIQUE INDEX uq ON \"Links\" (tag, id); \
    CREATE INDEX some_rows ON \"Links\" (ord) WHERE ord > 3; \
    CREATE INDEX of_words ON \"Links\" ((ord + 1)); \
    CREATE INDEX told ON \"Links\" (author); \
    COMMENT ON INDEX told IS 'kept'; COMMENT ON CONSTRAINT noted ON \"Links\" IS 'kept'; \
    INSERT INTO tags VALUES (1), (2); INSERT INTO users SELECT generate_series(1, 10000)";

/// What is away while many rows come.
const AWAY: [&str; 5] = ["Links tag", "Links_tag fk", "of_itself", "of_users", "ord"];

fn database() -> Option<Database> {
    let server = Server::Postgres;
    server.is_there().then(|| {
        let database = server.database();
        database.sql([TABLES]);
        database
    })
}

/// Names, definitions and comments of all indexes and keys of the table, in order of their names.
fn rules(connection: &mut dyn Connection) -> Vec<(String, String)> {
    let sql = "SELECT name, string_agg(rule, ' ' ORDER BY rule) FROM (SELECT c.relname::text, pg_get_indexdef(i.indexrelid) || \
               coalesce(obj_description(c.oid), '') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE \
               indrelid = '\"Links\"'::regclass UNION ALL SELECT conname::text, pg_get_constraintdef(oid) || \
               coalesce(obj_description(oid), '') FROM pg_constraint WHERE conrelid = '\"Links\"'::regclass) \
               AS rules (name, rule) GROUP BY 1 ORDER BY 1";
    let mut rules = Vec::new();
    let each = &mut |row: &dyn strapi_backup::database::Row| {
        let text = |at| row.value(at).unwrap().as_str().unwrap().to_owned();
        rules.push((text(0), text(1)));
        Ok(())
    };
    connection.query(sql, &[], each).unwrap();
    rules
}

/// The names of what is away now, of what there was.
fn away(connection: &mut dyn Connection, before: &[(String, String)]) -> Vec<String> {
    let now = rules(connection);
    let gone = before.iter().filter(|rule| !now.contains(rule));
    gone.map(|(name, _)| name.clone()).collect()
}

/// Begins to fill the emptied tables with so many rows.
fn fill(connection: &mut dyn Connection, rows: i64) -> Inserter {
    connection.begin_write().unwrap();
    for table in ["Links", "tags"] {
        connection.empty(table).unwrap();
    }
    let tags = connection.inserter("tags", &["id".into()]).unwrap();
    connection
        .insert(tags, &[1, 2].map(Value::Integer))
        .unwrap();
    let columns = ["id", "tag", "author", "parent"].map(String::from);
    let links = connection.inserter("Links", &columns).unwrap();
    for id in 1..=rows {
        let row = [id, 1 + id % 2, id, id].map(Value::Integer);
        connection.insert(links, &row).unwrap();
    }
    connection.flush().unwrap();
    links
}

#[test]
fn indexes_and_keys_come_back_as_they_were_after_many_rows() {
    let Some(database) = database() else { return };
    let mut connection = database.connect();
    let before = rules(connection.as_mut());
    for (rows, expected) in [(MANY - 1, &[][..]), (MANY, &AWAY)] {
        fill(connection.as_mut(), rows);
        assert_eq!(away(connection.as_mut(), &before), expected, "{rows} rows");
        connection.complete().unwrap();
        assert_eq!(rules(connection.as_mut()), before);
        connection.commit().unwrap();
        assert_eq!(rules(connection.as_mut()), before);
        assert_eq!(connection.count("Links").unwrap(), rows as u64);
    }
    // Also where nobody asked for it before the end.
    fill(connection.as_mut(), MANY);
    connection.commit().unwrap();
    assert_eq!(rules(connection.as_mut()), before);
}

#[test]
fn indexes_and_keys_are_there_after_a_load_that_was_given_up() {
    let Some(database) = database() else { return };
    let mut connection = database.connect();
    let before = rules(connection.as_mut());
    fill(connection.as_mut(), MANY);
    connection.rollback();
    assert_eq!(rules(connection.as_mut()), before);
    // And the next one begins anew.
    fill(connection.as_mut(), 10);
    assert_eq!(away(connection.as_mut(), &before), [""; 0]);
    drop(connection);
    assert_eq!(rules(database.connect().as_mut()), before);
}

#[test]
fn a_row_that_refers_to_none_is_found_when_its_key_comes_back() {
    let Some(database) = database() else { return };
    let mut connection = database.connect();
    // Those that stay would find it first.
    connection
        .execute("ALTER TABLE \"Links\" DROP CONSTRAINT noted", &[])
        .unwrap();
    let before = rules(connection.as_mut());
    let links = fill(connection.as_mut(), MANY);
    connection
        .insert(links, &[MANY + 1, 77, 1, 1].map(Value::Integer))
        .unwrap();
    let error = connection.complete().unwrap_err().to_string();
    for part in ["Links", "Links_tag fk", "(tag)=(77)"] {
        assert!(error.contains(part), "{error}");
    }
    connection.rollback();
    assert_eq!(rules(connection.as_mut()), before);
    assert_eq!(connection.count("tags").unwrap(), 2);
}

#[test]
fn a_table_with_rules_for_the_end_of_the_transaction_is_left_alone() {
    let Some(database) = database() else { return };
    database.sql([
        "ALTER TABLE \"Links\" ADD CONSTRAINT later FOREIGN KEY (tag) REFERENCES tags (id) DEFERRABLE INITIALLY DEFERRED",
    ]);
    let mut connection = database.connect();
    let before = rules(connection.as_mut());
    fill(connection.as_mut(), MANY);
    assert_eq!(away(connection.as_mut(), &before), [""; 0]);
    connection.complete().unwrap();
    connection.commit().unwrap();
    assert_eq!(rules(connection.as_mut()), before);
}

#[test]
fn nobody_who_reads_waits_for_a_load() {
    let Some(database) = database() else { return };
    let mut reader = database.connect();
    let mut connection = database.connect();
    let before = rules(connection.as_mut());
    fill(connection.as_mut(), MANY);
    assert_eq!(away(connection.as_mut(), &before), [""; 0]);
    assert_eq!(reader.count("tags").unwrap(), 2);
    connection.commit().unwrap();
}

#[test]
fn a_table_of_somebody_else_keeps_its_indexes_and_keys() {
    let Some(database) = database() else { return };
    let role = format!("{}_guest", database.name);
    database.sql([
        format!("CREATE ROLE {role} LOGIN"),
        format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"),
    ]);
    let mut settings = Server::Postgres.settings(&database.name);
    settings.user.clone_from(&role);
    let mut connection = Server::Postgres.connect(&settings).unwrap();
    let before = rules(connection.as_mut());
    fill(connection.as_mut(), MANY);
    assert_eq!(away(connection.as_mut(), &before), [""; 0]);
    connection.commit().unwrap();
    assert_eq!(connection.count("Links").unwrap(), MANY as u64);
    drop(connection);
    database.sql([format!("DROP OWNED BY {role}"), format!("DROP ROLE {role}")]);
}

#[test]
fn a_key_to_rows_that_stay_is_seen_to_as_well() {
    let Some(database) = database() else { return };
    let mut connection = database.connect();
    let before = rules(connection.as_mut());
    connection.begin_write().unwrap();
    connection.empty("Links").unwrap();
    let columns = ["id", "author"].map(String::from);
    let links = connection.inserter("Links", &columns).unwrap();
    for id in 0..MANY {
        let row = [id, 20_000].map(Value::Integer);
        connection.insert(links, &row).unwrap();
    }
    connection.flush().unwrap();
    assert_eq!(away(connection.as_mut(), &before), AWAY);
    let error = connection.complete().unwrap_err().to_string();
    assert!(error.contains("of_users"), "{error}");
}

/// All indexes and constraints of a database, as they would be made again.
fn all_rules(site: &Site) -> Vec<String> {
    let sql = "SELECT relname || ': ' || pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON oid = indexrelid WHERE \
               relnamespace = 'public'::regnamespace UNION ALL SELECT conrelid::regclass || ' ' || conname || ': ' || \
               pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1";
    site.database.connect().names(sql, &[]).unwrap()
}

#[test]
fn a_large_restore_brings_the_rows_and_leaves_the_rules_as_they_were() {
    if !Server::Postgres.is_there() {
        return;
    }
    let site = Site::new(Server::Postgres);
    site.database.sql([
        "INSERT INTO tags (id, document_id, name, created_by_id) SELECT n, 'many' || n, 'tag ' || n, 1 FROM \
         generate_series(10001, 18000) n",
        "INSERT INTO articles_tags_lnk (article_id, tag_id, tag_ord, article_ord) SELECT (SELECT min(id) FROM articles), n, n, 1 \
         FROM generate_series(10001, 18000) n",
    ]);
    let archive = site.export("site", &[]);
    let target = Site::emptied(Server::Postgres);
    let before = all_rules(&target);
    assert!(before.len() > 100, "{}", before.len());
    target.import(&archive, &[]).ends_with(0);
    assert_eq!(all_rules(&target), before);
    let again = target.export("again", &[]);
    assert_same_values(&Archive::open(&again, None), &Archive::open(&archive, None));
    // And over what is there already.
    target.import(&archive, &[]).ends_with(0);
    assert_eq!(all_rules(&target), before);
}
