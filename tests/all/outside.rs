//! Tables that are not Strapi's and refer to its rows: a restore neither loses their rows nor leaves them behind
//! without what they refer to.

use std::fs;
use std::ops::Deref;
use std::path::Path;

use crate::support::anywhere::{Anywhere, on_each_database};
use crate::support::cli::{Outcome, run};
use crate::support::databases::{Server, Site, our_archive};

/// The columns of a foreign key, and the end of its definition.
const TO_ARTICLES: &str = "FOREIGN KEY (article_id) REFERENCES articles (id)";

/// A project with tables of somebody else.
struct Shop(Anywhere);

impl Deref for Shop {
    type Target = Anywhere;

    fn deref(&self) -> &Anywhere {
        &self.0
    }
}

impl From<Anywhere> for Shop {
    fn from(anywhere: Anywhere) -> Shop {
        Shop(anywhere)
    }
}

impl Shop {
    /// Adds a table whose rows, with ids from 1, refer to these ids.
    #[track_caller]
    fn refer(&self, table: &str, column: &str, key: &str, ids: &[i64]) -> &Shop {
        let of_id = self.id();
        self.sql([&format!(
            "CREATE TABLE {table} (id integer PRIMARY KEY, {column} {of_id}, {key})"
        )]);
        for (index, id) in ids.iter().enumerate() {
            self.sql([&format!("INSERT INTO {table} VALUES ({}, {id})", index + 1)]);
        }
        self
    }

    /// Adds an article that no archive has, and a table `orders`: three for article 1, two for that one.
    #[track_caller]
    fn order(&self, rule: &str) -> &Shop {
        self.sql([
            "INSERT INTO articles (id, document_id, title) VALUES (900, 'stranger', 'stranger')",
        ]);
        self.refer(
            "orders",
            "article_id",
            &format!("{TO_ARTICLES} {rule}"),
            &[1, 1, 1, 900, 900],
        )
    }

    /// Which row refers to which.
    fn references(&self, table: &str, column: &str) -> Vec<(i64, Option<i64>)> {
        let number = |text: &String| {
            let digits = text.strip_prefix("Integer(")?.strip_suffix(')')?;
            digits.parse().ok()
        };
        let rows = self.rows(table, ["id", column]);
        rows.iter()
            .map(|(id, other)| (number(id).unwrap(), number(other)))
            .collect()
    }

    /// Fails unless an import with these options is refused and changes nothing.
    #[track_caller]
    fn refuses<const N: usize>(&self, archive: &Path, options: &[&str], texts: [&str; N]) {
        let before = self.tables();
        for more in [&[][..], &["--dry-run"]] {
            let outcome = self.import(archive, &[options, more].concat());
            outcome
                .ends_with(1)
                .says(texts)
                .says(["nothing was changed"]);
            assert!(before == self.tables());
        }
    }
}

on_each_database!(
    rows_that_come_back_keep_what_refers_to_them,
    rows_that_are_deleted_with_others_are_counted_and_kept_unless_that_is_allowed,
    references_that_are_emptied_are_counted_and_kept_unless_that_is_allowed,
    rows_that_forbid_a_deletion_are_named_in_the_plan,
    a_partial_restore_looks_at_its_own_types_alone,
    unique_values_may_come_back_in_other_rows,
    values_that_are_put_into_rows_in_place_are_those_of_the_archive,
    components_that_come_back_keep_what_refers_to_them,
    rows_that_join_others_do_not_come_back,
    keys_of_other_columns_are_not_lost_silently,
    triggers_are_named,
);

fn rows_that_come_back_keep_what_refers_to_them(shop: Shop) {
    let archive = shop.export();
    shop.refer(
        "orders",
        "article_id",
        &format!("{TO_ARTICLES} ON DELETE CASCADE"),
        &[1, 2, 30],
    );
    shop.refer(
        "notes",
        "article_id",
        &format!("{TO_ARTICLES} ON DELETE SET NULL"),
        &[1, 30],
    );
    shop.refer("bills", "article_id", TO_ARTICLES, &[3]);
    shop.sql([
        "UPDATE articles SET title = 'changed', views = NULL WHERE id < 10",
        "INSERT INTO articles (id, document_id, title) VALUES (900, 'stranger', 'stranger')",
        // A row of the archive that is not there.
        "DELETE FROM articles WHERE id = 29",
    ]);
    let outcome = shop.import(&archive, &[]).ends_with(0);
    assert!(
        !outcome.stderr.contains("not Strapi's"),
        "{}",
        outcome.all()
    );
    shop.assert_exports(&archive);
    let kept = [(1, Some(1)), (2, Some(2)), (3, Some(30))];
    assert_eq!(shop.references("orders", "article_id"), kept);
    assert_eq!(
        shop.references("notes", "article_id"),
        [(1, Some(1)), (2, Some(30))]
    );
    assert_eq!(shop.references("bills", "article_id"), [(1, Some(3))]);
}

fn rows_that_are_deleted_with_others_are_counted_and_kept_unless_that_is_allowed(shop: Shop) {
    let archive = shop.export();
    shop.order("ON DELETE CASCADE");
    // Rows of a table that refers to those, and of one that refers to these.
    let to_orders = "FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE";
    let lines = "CREATE TABLE order_lines (id integer PRIMARY KEY, order_id integer, ";
    shop.sql([
        &format!("{lines}{to_orders})"),
        "INSERT INTO order_lines VALUES (1, 1), (2, 4), (3, 4), (4, 5)",
        "CREATE TABLE remarks (id integer PRIMARY KEY, line_id integer, FOREIGN KEY (line_id) REFERENCES \
         order_lines (id) ON DELETE SET NULL)",
        "INSERT INTO remarks VALUES (1, 1), (2, 2)",
    ]);
    let plan = [
        "2  of orders (article_id): deleted with rows of articles that do not come back",
        "3  of order_lines (order_id): deleted with rows of orders",
        "1  of remarks (line_id): lose their reference to rows of order_lines",
        "--allow-reference-loss",
    ];
    shop.refuses(&archive, &[], plan);
    let dry = shop.import(&archive, &["--dry-run", "--allow-reference-loss"]);
    dry.ends_with(0).says(["2  of orders"]);
    assert_eq!(shop.references("orders", "article_id").len(), 5);
    shop.import(&archive, &["--allow-reference-loss"])
        .ends_with(0);
    shop.assert_exports(&archive);
    let kept = [(1, Some(1)), (2, Some(1)), (3, Some(1))];
    assert_eq!(shop.references("orders", "article_id"), kept);
    assert_eq!(shop.references("order_lines", "order_id"), [(1, Some(1))]);
    assert_eq!(
        shop.references("remarks", "line_id"),
        [(1, Some(1)), (2, None)]
    );
}

fn references_that_are_emptied_are_counted_and_kept_unless_that_is_allowed(shop: Shop) {
    let archive = shop.export();
    shop.order("ON DELETE SET NULL");
    let plan = ["2  of orders (article_id): lose their reference to rows of articles"];
    shop.refuses(&archive, &[], plan);
    shop.import(&archive, &["--allow-reference-loss"])
        .ends_with(0);
    shop.assert_exports(&archive);
    let kept = [
        (1, Some(1)),
        (2, Some(1)),
        (3, Some(1)),
        (4, None),
        (5, None),
    ];
    assert_eq!(shop.references("orders", "article_id"), kept);
}

fn rows_that_forbid_a_deletion_are_named_in_the_plan(shop: Shop) {
    let archive = shop.export();
    shop.order("ON DELETE RESTRICT");
    shop.refer("bills", "article_id", TO_ARTICLES, &[1, 900]);
    let plan = [
        "2  of orders (article_id): forbid to delete rows of articles that do not come back",
        "1  of bills (article_id): forbid to delete rows of articles",
        "rows of bills, orders refer to rows that do not come back",
    ];
    shop.refuses(&archive, &[], plan);
    shop.refuses(&archive, &["--allow-reference-loss"], plan);
    shop.sql([
        "DELETE FROM orders WHERE article_id = 900",
        "DELETE FROM bills WHERE article_id = 900",
    ]);
    shop.import(&archive, &[]).ends_with(0);
    shop.assert_exports(&archive);
    assert_eq!(shop.references("bills", "article_id"), [(1, Some(1))]);
}

fn a_partial_restore_looks_at_its_own_types_alone(shop: Shop) {
    let archive = shop.export();
    shop.order("ON DELETE CASCADE");
    let to_tags = "FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE";
    shop.refer("labels", "tag_id", to_tags, &[1, 6]);
    shop.sql(["UPDATE tags SET name = 'changed'"]);
    let only = ["--only-content-types", "api::tag.tag"];
    shop.import(&archive, &only).ends_with(0);
    assert_eq!(shop.references("orders", "article_id").len(), 5);
    assert_eq!(
        shop.references("labels", "tag_id"),
        [(1, Some(1)), (2, Some(6))]
    );
    let changed = shop.rows("tags", ["id", "name"]);
    assert!(!format!("{changed:?}").contains("changed"), "{changed:?}");
    let only = ["--only-content-types", "api::article.article"];
    shop.refuses(&archive, &only, ["2  of orders (article_id): deleted"]);
}

fn unique_values_may_come_back_in_other_rows(shop: Shop) {
    shop.sql(["CREATE UNIQUE INDEX tags_name ON tags (name)"]);
    let archive = shop.export();
    let to_tags = "FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE";
    shop.refer("labels", "tag_id", to_tags, &[1, 2, 3]);
    shop.sql([
        "UPDATE tags SET name = 'none' WHERE id = 1",
        "UPDATE tags SET name = 'tag-0' WHERE id = 2",
        "UPDATE tags SET name = 'tag-1' WHERE id = 1",
    ]);
    shop.import(&archive, &[]).ends_with(0);
    shop.assert_exports(&archive);
    let kept = [(1, Some(1)), (2, Some(2)), (3, Some(3))];
    assert_eq!(shop.references("labels", "tag_id"), kept);
}

fn values_that_are_put_into_rows_in_place_are_those_of_the_archive(shop: Shop) {
    let environment = shop.project().path().join(".env");
    let mut text = fs::read_to_string(&environment).unwrap();
    text.push_str("\nTZ=America/New_York\n");
    fs::write(&environment, text).unwrap();
    let names = [
        "articles",
        "authors",
        "categories",
        "tags",
        "up_users",
        "files",
        "bookmarks",
    ];
    for name in names {
        let key = format!("FOREIGN KEY (other_id) REFERENCES {name} (id) ON DELETE CASCADE");
        shop.refer(&format!("of_{name}"), "other_id", &key, &[1]);
    }
    let before = shop.tables();
    let archive = shop.export();
    for name in names {
        shop.sql([&format!(
            "UPDATE {name} SET created_at = NULL, document_id = 'changed'"
        )]);
    }
    shop.import(&archive, &[]).ends_with(0);
    let after = shop.tables();
    for name in names {
        assert!(!before[name].is_empty(), "{name}");
        assert_eq!(before[name], after[name], "{name}");
        assert_eq!(shop.references(&format!("of_{name}"), "other_id").len(), 1);
    }
}

fn components_that_come_back_keep_what_refers_to_them(shop: Shop) {
    let archive = shop.export();
    let key = "FOREIGN KEY (seo_id) REFERENCES components_shared_seos (id) ON DELETE CASCADE";
    shop.sql([
        "UPDATE components_shared_seos SET meta_title = 'changed'",
        "INSERT INTO components_shared_seos (id, meta_title) VALUES (900, 'stranger')",
    ]);
    shop.refer("ratings", "seo_id", key, &[1, 2]);
    shop.import(&archive, &[]).ends_with(0);
    shop.assert_exports(&archive);
    assert_eq!(
        shop.references("ratings", "seo_id"),
        [(1, Some(1)), (2, Some(2))]
    );
    // With some types alone, components get ids that are free.
    let only = ["--only-content-types", "api::article.article"];
    shop.refuses(&archive, &only, ["of ratings (seo_id): deleted"]);
}

fn rows_that_join_others_do_not_come_back(shop: Shop) {
    let archive = shop.export();
    let key = "FOREIGN KEY (link_id) REFERENCES articles_tags_lnk (id) ON DELETE CASCADE";
    shop.refer("weights", "link_id", key, &[1]);
    shop.refuses(
        &archive,
        &[],
        ["1  of weights (link_id): deleted with rows of articles_tags_lnk"],
    );
    shop.import(&archive, &["--allow-reference-loss"])
        .ends_with(0);
    shop.assert_exports(&archive);
    assert_eq!(shop.references("weights", "link_id"), []);
}

fn keys_of_other_columns_are_not_lost_silently(shop: Shop) {
    shop.sql(["CREATE UNIQUE INDEX tags_id_name ON tags (id, name)"]);
    let archive = shop.export();
    let of_id = shop.id();
    let key = "FOREIGN KEY (tag_id, name) REFERENCES tags (id, name) ON UPDATE";
    for (table, rule) in [("followed", "CASCADE"), ("emptied", "SET NULL")] {
        let sql = format!(
            "CREATE TABLE {table} (id integer PRIMARY KEY, tag_id {of_id}, name varchar(255), {key} {rule})"
        );
        shop.sql([&sql, &format!("INSERT INTO {table} VALUES (1, 1, 'tag-0')")]);
    }
    let plan = [
        "1  of emptied (tag_id, name): lose their reference where rows of tags come back with another key",
    ];
    shop.refuses(&archive, &[], plan);
    shop.sql(["DELETE FROM emptied"]);
    // Whoever follows a change of the name does so here.
    let mut connection = shop.connect();
    connection
        .execute("UPDATE tags SET name = 'changed' WHERE id = 1", &[])
        .unwrap();
    drop(connection);
    shop.import(&archive, &[]).ends_with(0);
    shop.assert_exports(&archive);
    let followed = shop.rows("followed", ["tag_id", "name"]);
    assert_eq!(followed, [("Integer(1)".into(), "Text(\"tag-0\")".into())]);
}

fn triggers_are_named(shop: Shop) {
    let archive = shop.export();
    shop.sql(["CREATE TABLE seen (id integer)"]);
    match &shop.0 {
        Anywhere::Sqlite(_) => shop.sql([
            "CREATE TRIGGER spy AFTER DELETE ON tags BEGIN INSERT INTO seen VALUES (old.id); END",
        ]),
        Anywhere::Server(site) if site.server() == Server::Mysql => {
            shop.sql(["CREATE TRIGGER spy AFTER DELETE ON tags FOR EACH ROW INSERT INTO seen VALUES (old.id)"])
        }
        Anywhere::Server(_) => shop.sql([
            "CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen VALUES (old.id); \
             RETURN old; END $$",
            "CREATE TRIGGER spy AFTER DELETE ON tags FOR EACH ROW EXECUTE FUNCTION spy()",
        ]),
    };
    let named = "the table tags: the trigger spy";
    for options in [&["--dry-run"][..], &[]] {
        shop.import(&archive, options).ends_with(0).says([named]);
    }
    let only = ["--only-content-types", "api::author.author"];
    let outcome = shop.import(&archive, &only).ends_with(0);
    assert!(!outcome.stderr.contains(named), "{}", outcome.all());
}

#[test]
fn a_component_that_was_to_come_back_and_has_no_place_is_not_left_behind() {
    let shop = Shop(Anywhere::new(None));
    let archive = shop.export();
    let key = "FOREIGN KEY (seo_id) REFERENCES components_shared_seos (id) ON DELETE CASCADE";
    shop.refer("ratings", "seo_id", key, &[1]);
    shop.project().edit_content_types(|types| {
        let article = types["api::article.article"]["attributes"]
            .as_object_mut()
            .unwrap();
        article.remove("seo").unwrap();
    });
    let before = shop.tables();
    let ignore = ["--schema-strategy", "ignore"];
    shop.import(&archive, &ignore)
        .ends_with(1)
        .says(["rows of ratings"]);
    assert!(before == shop.tables());
    let allowed = [&ignore[..], &["--allow-reference-loss"]].concat();
    shop.import(&archive, &allowed).ends_with(3);
    assert_eq!(shop.references("ratings", "seo_id"), []);
    // Those of the home page.
    let left = shop.rows("components_shared_seos", ["id", "meta_title"]);
    assert!(
        left.iter().all(|(_, title)| title.contains("home")),
        "{left:?}"
    );
}

#[test]
fn tables_in_other_databases_of_mysql_count() {
    if !Server::Mysql.is_there() {
        return;
    }
    let shop = Shop(Anywhere::new(Some(Server::Mysql)));
    let archive = shop.export();
    let Anywhere::Server(site) = &shop.0 else {
        unreachable!("it is on a server");
    };
    let other = Server::Mysql.database();
    let (here, orders) = (&site.database.name, format!("{}.orders", other.name));
    shop.sql([
        "INSERT INTO articles (id, document_id, title) VALUES (900, 'stranger', 'stranger')",
    ]);
    let key = format!("FOREIGN KEY (article_id) REFERENCES {here}.articles (id) ON DELETE CASCADE");
    shop.refer(&orders, "article_id", &key, &[1, 900]);
    let counted = format!("1  of {orders} (article_id): deleted");
    shop.refuses(&archive, &[], [&counted]);
    shop.import(&archive, &["--allow-reference-loss"])
        .ends_with(0);
    assert_eq!(shop.references(&orders, "article_id"), [(1, Some(1))]);
}

#[test]
fn tables_in_other_schemas_of_postgresql_count() {
    if !Server::Postgres.is_there() {
        return;
    }
    let shop = Shop(Anywhere::new(Some(Server::Postgres)));
    let archive = shop.export();
    shop.sql(["CREATE SCHEMA shop"]);
    shop.sql([
        "INSERT INTO articles (id, document_id, title) VALUES (900, 'stranger', 'stranger')",
    ]);
    shop.refer(
        "shop.orders",
        "article_id",
        &format!("{TO_ARTICLES} ON DELETE CASCADE"),
        &[1, 900],
    );
    shop.refuses(&archive, &[], ["1  of shop.orders (article_id): deleted"]);
    shop.import(&archive, &["--allow-reference-loss"])
        .ends_with(0);
    assert_eq!(shop.references("shop.orders", "article_id"), [(1, Some(1))]);
}

/// A site on PostgreSQL whose tables are those of a user without other rights, and an article that no archive has, to
/// which rows of a table of somebody else refer; the name of the user.
fn of_a_poor_user() -> Option<(Site, String)> {
    if !Server::Postgres.is_there() {
        return None;
    }
    let site = Site::new(Server::Postgres);
    let user = format!("poor_{}", site.database.name);
    let tables = site.database.connect().tables().unwrap();
    let owned = tables
        .iter()
        .map(|table| format!("ALTER TABLE \"{table}\" OWNER TO {user}"));
    let first = [
        format!("CREATE ROLE {user} LOGIN"),
        format!("GRANT CREATE, USAGE ON SCHEMA public TO {user}"),
    ];
    let last = [
        "INSERT INTO articles (id, document_id, title) VALUES (900, 'stranger', 'stranger')",
        "CREATE TABLE orders (id integer PRIMARY KEY, article_id integer REFERENCES articles (id) ON DELETE CASCADE)",
        "INSERT INTO orders VALUES (1, 900), (2, 900)",
    ];
    let all: Vec<String> = first
        .into_iter()
        .chain(owned)
        .chain(last.map(str::to_owned))
        .collect();
    site.database.sql(all);
    Some((site, user))
}

/// An import as another user.
fn import_as(site: &Site, user: &str, options: &[&str]) -> Outcome {
    let mut command = site.import_command(our_archive(Server::Postgres), options);
    let url = site
        .url()
        .replace("postgres://postgres@", &format!("postgres://{user}@"));
    assert_ne!(url, site.url());
    run(command.args(["--database-url", &url]))
}

#[test]
fn rows_outside_that_row_level_security_hides_are_not_lost() {
    let Some((site, user)) = of_a_poor_user() else {
        return;
    };
    site.database.sql([
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY".to_owned(),
        "CREATE POLICY none ON orders USING (false)".to_owned(),
        format!("GRANT SELECT ON orders TO {user}"),
    ]);
    let before = site.database.tables();
    for options in [&["--dry-run"][..], &[], &["--allow-reference-loss"]] {
        let outcome = import_as(&site, &user, options).ends_with(1);
        outcome.says(["row-level security", "orders", "BYPASSRLS"]);
        assert!(before == site.database.tables());
    }
}

#[test]
fn a_table_outside_that_may_not_be_read_is_named_with_what_helps() {
    let Some((site, user)) = of_a_poor_user() else {
        return;
    };
    let outcome = import_as(&site, &user, &[]).ends_with(1);
    let outcome = outcome.says([
        "permission denied for table orders",
        "(GRANT)",
        "not Strapi's",
    ]);
    assert!(!outcome.stderr.contains("the user that Strapi uses"));
    site.database
        .sql([format!("GRANT SELECT ON orders TO {user}")]);
    import_as(&site, &user, &[])
        .ends_with(1)
        .says(["2  of orders (article_id): deleted"]);
}

#[test]
fn rows_of_tables_that_inherit_are_not_deleted() {
    if !Server::Postgres.is_there() {
        return;
    }
    let shop = Shop(Anywhere::new(Some(Server::Postgres)));
    let archive = shop.export();
    shop.sql([
        "CREATE TABLE special () INHERITS (articles)",
        "INSERT INTO special (id, document_id, title) VALUES (901, 'stranger', 'stranger')",
    ]);
    let named = "the table special, which is not Strapi's, inherits from articles";
    shop.refuses(&archive, &[], [named, "NO INHERIT"]);
    shop.refuses(&archive, &["--allow-reference-loss"], [named]);
    // What stays as it is may be inherited from.
    let only = ["--only-content-types", "api::author.author"];
    shop.import(&archive, &only).ends_with(0);
    shop.sql(["ALTER TABLE special NO INHERIT articles"]);
    shop.import(&archive, &[]).ends_with(0);
    shop.assert_exports(&archive);
    assert_eq!(shop.rows("special", ["id", "title"]).len(), 1);
}

#[test]
fn tables_that_refer_to_each_other_in_many_ways_are_counted() {
    let shop = Shop(Anywhere::new(None));
    let archive = shop.export();
    shop.sql([
        "INSERT INTO articles (id, document_id, title) VALUES (900, 'stranger', 'stranger')",
    ]);
    // Six tables, and each row refers to one of each: there are 6^12 ways from the first to the last.
    let columns: Vec<String> = (0..6)
        .map(|n| format!("c{n} integer REFERENCES r{n} (id) ON DELETE CASCADE"))
        .collect();
    for n in 0..6 {
        shop.sql([
            &format!(
                "CREATE TABLE r{n} (id integer PRIMARY KEY, article_id integer REFERENCES articles (id) ON DELETE \
                 CASCADE, {})",
                columns.join(", ")
            ),
            // Of the fourth row nothing is lost.
            &format!(
                "INSERT INTO r{n} VALUES (1, 900, 1, 1, 1, 1, 1, 1), (2, NULL, 1, 1, 1, 1, 1, 1), (3, NULL, 2, 2, 2, \
                 2, 2, 2), (4, 1, NULL, NULL, NULL, NULL, NULL, NULL)"
            ),
        ]);
    }
    let plan = [
        "  of r0 (article_id): deleted with rows of articles that do not come back",
        "3  of r0 (c5): deleted with rows of r5",
        "3  of r5 (c5): deleted with rows of r5",
    ];
    shop.refuses(&archive, &[], plan);
    shop.import(&archive, &["--allow-reference-loss"])
        .ends_with(0);
    assert_eq!(shop.references("r3", "article_id"), [(4, Some(1))]);
}

#[test]
fn rows_that_are_deleted_at_the_end_of_a_long_chain_are_counted() {
    let shop = Shop(Anywhere::new(None));
    let archive = shop.export();
    shop.order("ON DELETE CASCADE");
    shop.sql(["CREATE TABLE chain (id integer PRIMARY KEY, order_id integer REFERENCES orders (id) ON DELETE \
               CASCADE, before integer REFERENCES chain (id) ON DELETE CASCADE)"]);
    shop.sql(["INSERT INTO chain VALUES (1, 4, NULL)"]);
    for id in 2..=30 {
        shop.sql([&format!(
            "INSERT INTO chain VALUES ({id}, NULL, {})",
            id - 1
        )]);
    }
    let plan = ["29  of chain (before): deleted with rows of chain"];
    shop.refuses(&archive, &[], plan);
}

#[test]
fn rules_are_named_like_triggers() {
    if !Server::Postgres.is_there() {
        return;
    }
    let shop = Shop(Anywhere::new(Some(Server::Postgres)));
    let archive = shop.export();
    shop.sql([
        "CREATE TABLE seen (id integer)",
        "CREATE RULE spy AS ON DELETE TO tags DO ALSO INSERT INTO seen VALUES (old.id)",
    ]);
    let named = "the table tags: the rule spy, which is not Strapi's";
    for options in [&["--dry-run"][..], &[]] {
        shop.import(&archive, options).ends_with(0).says([named]);
    }
    assert!(!shop.rows("seen", ["id", "id"]).is_empty());
}
