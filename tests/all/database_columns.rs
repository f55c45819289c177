//! Names, values and rows that databases treat in ways of their own, through the connection alone.

use strapi_backup::database::{Connection, Value};

use crate::support::databases::{ODD, Server, on_each_server};

on_each_server!(
    names_may_hold_anything,
    every_type_of_column_is_read_and_loaded,
    rows_wait_and_are_written_parents_first,
    rows_longer_than_a_statement_are_loaded,
    what_is_refused_without_asking_the_server_is_what_it_refuses,
);

fn read_all(connection: &mut dyn Connection, sql: &str) -> Vec<Vec<Value<'static>>> {
    let mut rows = Vec::new();
    connection
        .query(sql, &[], &mut |row| {
            let mut values = Vec::new();
            while let Ok(value) = row.value(values.len()) {
                values.push(match value {
                    Value::Null => Value::Null,
                    Value::Integer(number) => Value::Integer(number),
                    Value::Real(number) => Value::Real(number),
                    Value::Timestamp(time) => Value::Timestamp(time),
                    Value::Text(text) => Value::Text(text.into_owned().into()),
                    Value::Json(text) => Value::Json(text.into_owned().into()),
                    Value::Bytes(bytes) => Value::Bytes(bytes.into_owned().into()),
                });
            }
            rows.push(values);
            Ok(())
        })
        .unwrap();
    rows
}

fn names_may_hold_anything(server: Server) {
    let database = server.database();
    let mut connection = database.connect();
    let table = "A \"Table\" with `quotes`, ? and ÜPPER case".to_owned();
    let columns = [
        "id".to_owned(),
        "select".to_owned(),
        "A \"b\" `c` ? '".to_owned(),
        // PostgreSQL has 63 bytes for a name, MySQL 64 letters.
        "l".repeat(63),
    ];
    let quoted: Vec<String> = columns.iter().map(|name| connection.quote(name)).collect();
    database.sql([format!(
        "CREATE TABLE {} ({} int primary key, {} text, {} text, {} text)",
        connection.quote(&table),
        quoted[0],
        quoted[1],
        quoted[2],
        quoted[3]
    )]);
    assert!(connection.tables().unwrap().contains(&table));
    let found = connection.columns(&table).unwrap();
    assert!(found.iter().map(|column| &column.name).eq(&columns));

    connection.begin_write().unwrap();
    let row = [1.into(), ODD.into(), "b".into(), "c".into()];
    let inserter = connection.inserter(&table, &columns).unwrap();
    connection.insert(inserter, &row).unwrap();
    connection.commit().unwrap();
    let sql = format!(
        "SELECT {} FROM {} WHERE {} = ? AND {} = 'b'",
        quoted.join(", "),
        connection.quote(&table),
        quoted[1],
        quoted[2]
    );
    let mut rows = 0;
    connection
        .query(&sql, &[ODD.into()], &mut |row| {
            rows += 1;
            assert_eq!(row.value(1)?.as_str(), Some(ODD));
            Ok(())
        })
        .unwrap();
    assert_eq!(rows, 1);
    connection.begin_write().unwrap();
    connection.empty(&table).unwrap();
    connection.commit().unwrap();
    let count = format!("SELECT count(*) FROM {}", connection.quote(&table));
    assert_eq!(connection.number(&count, &[]).unwrap(), 0);
}

/// A type, what is stored, and what comes back.
type Column = (&'static str, Value<'static>, Value<'static>);

fn same(type_: &'static str, value: Value<'static>) -> Column {
    (type_, value.clone(), value)
}

fn every_type_of_column_is_read_and_loaded(server: Server) {
    let text = Value::from;
    let mut types = vec![
        same("smallint", Value::Integer(-32768)),
        same("integer", Value::Integer(i32::MIN.into())),
        same("bigint", Value::Integer(i64::MIN)),
        same("bigint", Value::Integer(i64::MAX)),
        same("boolean", Value::Integer(1)),
        same("boolean", Value::Integer(0)),
        same("double precision", Value::Real(0.1 + 0.2)),
        same("double precision", Value::Real(-1.7e308)),
        ("double precision", Value::Integer(3), Value::Real(3.0)),
        (
            "decimal(10,2)",
            Value::Real(12_345_678.91),
            text("12345678.91"),
        ),
        ("decimal(10,2)", Value::Integer(-3), text("-3.00")),
        same(
            "decimal(40,10)",
            text("-123456789012345678901234567890.0123456789"),
        ),
        same("varchar(255)", text(ODD)),
        same("char(3)", text("abc")),
        same("text", text("")),
        same("date", text("1969-12-31")),
        same("date", text("0999-01-02")),
        same("date", text("9999-12-31")),
        same("varchar(20)", Value::Null),
    ];
    types.extend(server.pick(
        vec![
            same("timestamp(6)", Value::Timestamp(-1)),
            same("timestamp(6)", Value::Timestamp(-62_198_755_200_000_000)),
            same("timestamp(6)", Value::Timestamp(253_402_300_800_001_000)),
            same("timestamp(6)", text("infinity")),
            same("timestamptz", Value::Timestamp(1_709_208_000_123_456)),
            same("date", text("0044-03-15 BC")),
            same("date", text("10000-01-01")),
            same("time", text("13:45:00")),
            same("time", text("00:00:00.123")),
            same("real", Value::Real(0.1)),
            same("numeric", text("NaN")),
            ("json", Value::Json("{\"a\": 1}".into()), text("{\"a\": 1}")),
            (
                "jsonb",
                Value::Json("{\"a\":[1.50]}".into()),
                text("{\"a\": [1.50]}"),
            ),
            ("jsonb", Value::Json("no JSON".into()), text("\"no JSON\"")),
            same("uuid", text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
            same("bytea", Value::Bytes(vec![0, 255, 92].into())),
            same("mood", text("happy")),
            same("small", Value::Integer(7)),
        ],
        vec![
            same("datetime(6)", Value::Timestamp(-1)),
            same("datetime(6)", Value::Timestamp(253_402_300_799_999_999)),
            same("datetime(3)", Value::Timestamp(1_709_208_000_123_000)),
            (
                "datetime(6)",
                text("0000-00-00 00:00:00"),
                text("0000-00-00 00:00:00"),
            ),
            same("date", text("0000-00-00")),
            same("date", text("2024-00-00")),
            same("time(3)", text("13:45:00.000")),
            same("time", text("-838:59:59")),
            same("float", Value::Real(0.1)),
            same("bigint unsigned", text("18446744073709551615")),
            same("int unsigned", Value::Integer(4_294_967_295)),
            ("json", Value::Json("{\"a\":1}".into()), text("{\"a\":1}")),
            ("json", Value::Json("no JSON".into()), text("\"no JSON\"")),
            same("longtext", text(ODD)),
            same("blob", Value::Bytes(vec![0, 255, 92, 39].into())),
            same("enum('happy','sad')", text("happy")),
        ],
    ));
    let database = server.database();
    if server == Server::Postgres {
        database.sql([
            "CREATE TYPE mood AS ENUM ('happy', 'sad')",
            "CREATE DOMAIN small AS integer CHECK (value < 10)",
        ]);
    }
    let mut connection = database.connect();
    for (number, (type_, stored, expected)) in types.into_iter().enumerate() {
        let table = format!("t{number}");
        database.sql([format!("CREATE TABLE {table} (value {type_})")]);
        connection.begin_write().unwrap();
        let columns = ["value".to_owned()];
        let inserter = connection.inserter(&table, &columns).unwrap();
        connection
            .insert(inserter, std::slice::from_ref(&stored))
            .unwrap();
        connection.commit().unwrap();
        let rows = read_all(connection.as_mut(), &format!("SELECT value FROM {table}"));
        assert_eq!(rows, [[expected]], "{type_} from {stored:?}");
    }
}

fn rows_wait_and_are_written_parents_first(server: Server) {
    let database = server.database();
    database.sql([
        "CREATE TABLE parents (id int PRIMARY KEY)",
        "CREATE TABLE children (id int PRIMARY KEY, parent int NOT NULL, FOREIGN KEY (parent) REFERENCES parents (id))",
    ]);
    let mut connection = database.connect();
    connection.begin_write().unwrap();
    let columns = ["id".to_owned(), "parent".to_owned()];
    // The order is that of the first rows, not that in which the inserters were made.
    let children = connection.inserter("children", &columns).unwrap();
    let parents = connection.inserter("parents", &columns[..1]).unwrap();
    for id in 1..=1000 {
        connection.insert(parents, &[id.into()]).unwrap();
        connection
            .insert(children, &[id.into(), id.into()])
            .unwrap();
        connection.flush_if_full().unwrap();
    }
    // Whoever asks sees what was added.
    assert_eq!(
        connection
            .number("SELECT count(*) FROM children", &[])
            .unwrap(),
        1000
    );
    connection
        .insert(children, &[1001.into(), 1001.into()])
        .unwrap();
    let error = connection.flush().unwrap_err();
    assert!(error.to_string().contains("children"), "{error}");
    connection.rollback();
    assert_eq!(
        connection
            .number("SELECT count(*) FROM parents", &[])
            .unwrap(),
        0
    );
}

fn rows_longer_than_a_statement_are_loaded(server: Server) {
    let database = server.database();
    database.sql([format!(
        "CREATE TABLE texts (id int PRIMARY KEY, value {})",
        server.pick("text", "longtext")
    )]);
    let mut connection = database.connect();
    let packet = match server {
        Server::Postgres => 1 << 20,
        Server::Mysql => connection
            .number("SELECT @@max_allowed_packet", &[])
            .unwrap(),
    };
    let packet = usize::try_from(packet).unwrap();
    let columns = ["id".to_owned(), "value".to_owned()];
    let texts = connection.inserter("texts", &columns).unwrap();
    // Two of these do not fit into one statement; all of the small ones would not either.
    let long = "é'".repeat(packet / 5);
    connection.begin_write().unwrap();
    for id in 0..3 {
        let row = [id.into(), long.as_str().into()];
        connection.insert(texts, &row).unwrap();
    }
    let short = "x".repeat(packet / 100);
    for id in 10..250 {
        let row = [id.into(), short.as_str().into()];
        connection.insert(texts, &row).unwrap();
        connection.flush_if_full().unwrap();
    }
    connection.commit().unwrap();
    assert_eq!(
        connection
            .number("SELECT count(*) FROM texts", &[])
            .unwrap(),
        243
    );
    let sql = "SELECT count(*) FROM texts WHERE value = ?";
    assert_eq!(connection.number(sql, &[long.as_str().into()]).unwrap(), 3);

    if server == Server::Mysql {
        let longer = "x".repeat(packet);
        connection.begin_write().unwrap();
        let row = [300.into(), longer.as_str().into()];
        connection.insert(texts, &row).unwrap();
        let error = connection.flush().unwrap_err();
        assert!(error.to_string().contains("row 300 of texts"), "{error}");
        assert!(
            error.advice().unwrap().contains("max_allowed_packet"),
            "{error:?}"
        );
    }
}

fn what_is_refused_without_asking_the_server_is_what_it_refuses(server: Server) {
    let integers = |values: &[i64]| -> Vec<Value<'static>> {
        values
            .iter()
            .map(|&number| Value::Integer(number))
            .collect()
    };
    let texts = |values: &[&'static str]| -> Vec<Value<'static>> {
        values.iter().map(|&text| Value::from(text)).collect()
    };
    let reals = [
        0.0,
        3.0,
        -3.0,
        1e20,
        -1e20,
        1e21,
        1e300,
        2_147_483_648.0,
        9.223_372_036_854_776e18,
    ]
    .map(Value::Real);
    let mut whole = integers(&[
        0,
        -1,
        127,
        -128,
        128,
        -129,
        32_767,
        -32_768,
        32_768,
        -32_769,
        2_147_483_647,
        -2_147_483_648,
        2_147_483_648,
        -2_147_483_649,
        4_294_967_295,
        4_294_967_296,
        i64::MAX,
        i64::MIN,
    ]);
    whole.extend(reals.clone());
    let mut decimals = whole.clone();
    decimals.extend(texts(&[
        "99999999.99",
        "99999999.994999",
        "99999999.995",
        "-99999999.995",
        "100000000",
        "0.000001",
        "00000000000012345678.5",
        "-99999999.991",
    ]));
    decimals.extend([0.1, 1e-7, 99_999_999.99, 99_999_999.995, 1e8].map(Value::Real));
    let letters = texts(&[
        "",
        "abc",
        "éé🎉",
        "abc  ",
        "    ",
        "abc d",
        "abcd",
        "éé🎉é",
        "abc\t",
        "abc\n \r",
    ]);
    let dates = texts(&[
        "2024-02-29",
        "2023-02-29",
        "1900-02-29",
        "2000-02-29",
        "2024-02-31",
        "2024-13-01",
        "2024-12-32",
        "2024-04-31",
        "0000-00-00",
        "2024-00-00",
        "2024-01-00",
        "9999-12-31",
        "0001-01-01",
    ]);
    let times = texts(&[
        "00:00:00",
        "23:59:59.999",
        "24:00:00",
        "24:00:00.000",
        "24:00:01",
        "25:00:00",
        "12:60:00",
        "12:00:60",
        "12:00:61",
        "99:00:00",
    ]);
    let moments = [
        0,
        -1,
        -62_135_596_800_000,
        -62_135_596_800_001,
        253_402_300_799_999,
        253_402_300_800_000,
        9_000_000_000_000_000,
        -9_000_000_000_000_000,
        10_000_000_000_000_000,
        i64::MAX / 2,
        i64::MIN / 2,
    ]
    .map(Value::Timestamp)
    .to_vec();
    let mut cases = vec![
        ("smallint", whole.clone()),
        ("integer", whole.clone()),
        ("bigint", whole.clone()),
        ("decimal(10,2)", decimals.clone()),
        (
            "decimal(2,2)",
            texts(&["0.99", "0.994", "0.995", "1", "-0.9949", "0.0995"]),
        ),
        ("decimal(20,0)", decimals),
        ("varchar(3)", letters.clone()),
        ("char(3)", letters.clone()),
        ("text", letters.clone()),
        ("date", dates),
        ("time", times),
    ];
    cases.extend(server.pick(
        vec![
            ("timestamp(6)", moments.clone()),
            ("timestamptz", moments.clone()),
        ],
        vec![
            ("tinyint", whole.clone()),
            ("mediumint", whole.clone()),
            ("tinyint unsigned", whole.clone()),
            ("int unsigned", whole.clone()),
            ("bigint unsigned", whole),
            ("datetime(6)", moments),
            ("tinytext", vec!["x".repeat(255), "é".repeat(127) + "  ", "é".repeat(128)]
                .into_iter()
                .map(|text| Value::Text(text.into()))
                .collect()),
            ("tinytext", vec![
                Value::Json("[1]".into()),
                Value::Json(("\"".repeat(127)).into()),
                Value::Json(("\"".repeat(126)).into()),
            ]),
            ("varchar(3) CHARACTER SET utf8mb3", letters),
        ],
    ));
    let database = server.database();
    let mut connection = database.connect();
    for (number, (type_, values)) in cases.into_iter().enumerate() {
        let table = format!("t{number}");
        database.sql([format!("CREATE TABLE {table} (value {type_})")]);
        let column = connection.columns(&table).unwrap().remove(0);
        for value in values {
            let known = column.holds.refusal(&value);
            connection.begin_write().unwrap();
            let columns = ["value".to_owned()];
            let inserter = connection.inserter(&table, &columns).unwrap();
            let added = connection
                .insert(inserter, std::slice::from_ref(&value))
                .and_then(|()| connection.flush());
            connection.rollback();
            let told = added.err().map(|error| error.to_string());
            assert_eq!(
                known.is_some(),
                told.is_some(),
                "{type_} {value:?}: {known:?}, {told:?}"
            );
        }
    }
}
