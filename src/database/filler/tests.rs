use super::*;
use crate::database::{Sqlite, Timeouts};

fn database() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data.db");
    let connection = rusqlite::Connection::open(&path).expect("opened");
    connection
        .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        .expect("made");
    (folder, path)
}

fn filler(path: &std::path::Path) -> Filler {
    let mut connection = Sqlite::open_to_write(path, Timeouts::default()).expect("opened");
    connection.begin_write().expect("begun");
    Filler::new(Box::new(connection), &Effort::default())
}

fn add(filler: &mut Filler, id: i64, text: &str) -> Result<()> {
    filler.place(&format_args!("place {id}"));
    let inserter = filler.inserter("t", ["id", "text"].map(str::to_owned).into());
    filler.insert(inserter, &[id.into(), text.into()])
}

#[test]
fn rows_are_written_in_the_order_in_which_they_were_given() {
    let (_folder, path) = database();
    let mut filler = filler(&path);
    let rows = 3 * BATCH as i64 / 100;
    let long = "l".repeat(COPIED);
    for id in 1..=rows {
        let text = if id == rows / 2 { &long } else { "a text" };
        add(&mut filler, id, text).expect("added");
        let inserter = filler.inserter("t", ["id", "text"].map(str::to_owned).into());
        let changed = [Value::from("changed")];
        filler.update_row(inserter, id, &changed).expect("changed");
        if id % 2 == 0 {
            let again = [Value::Null, id.into()];
            filler.set("t", &["text"], &again).expect("set");
        }
    }
    let connection = filler.connection().expect("all rows are added");
    let sql = "SELECT count(*) FROM t WHERE text = 'changed' AND id % 2 = 1 OR text IS NULL AND \
               id % 2 = 0";
    assert_eq!(connection.number(sql, &[]).expect("a number"), rows);
    filler.flush().expect("nothing is left");
    let mut connection = filler.into_connection().expect("given back");
    connection.commit().expect("committed");
}

#[test]
fn what_is_wrong_with_a_row_is_told_with_its_place_and_nothing_follows_it() {
    let (_folder, path) = database();
    for text in ["short".to_owned(), "l".repeat(COPIED)] {
        let mut filler = filler(&path);
        add(&mut filler, 1, "first").expect("added");
        let wrong = add(&mut filler, 1, &text);
        let wrong = wrong.and_then(|()| add(&mut filler, 2, "never"));
        let error = wrong
            .and_then(|()| filler.flush())
            .expect_err("the id is taken");
        let told = "place 1: cannot add a row to t of";
        assert!(error.to_string().starts_with(told), "{error}");
        let error = filler.flush().expect_err("it has failed");
        assert!(error.to_string().contains("had failed"), "{error}");
    }
}

#[test]
fn what_waits_is_forgotten_with_it() {
    let (_folder, path) = database();
    let mut filler = filler(&path);
    for id in 1..BATCH as i64 {
        add(&mut filler, id, "a text").expect("added");
    }
    drop(filler);
    let mut reader = Sqlite::open_to_read(&path, Timeouts::default()).expect("opened");
    assert_eq!(reader.count("t").expect("a number"), 0);
}
