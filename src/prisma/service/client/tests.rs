//! Answers as they are understood.

use super::*;
use std::collections::BTreeMap;

fn service() -> Service {
    let endpoint = Endpoint::parse("http://127.0.0.1:1/a/b").expect("an endpoint");
    let access = Access::new(BTreeMap::new(), Interrupt::default());
    Service::new(&endpoint, None, &access).expect("a service")
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        retry_after: None,
        location: None,
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn an_error_that_repeats_a_text_of_the_data_does_not_say_that_nothing_was_taken() {
    let service = service();
    let denied = r#"{"errors":[{"message":"Your token is invalid. It might have expired."}]}"#;
    let outcome = service.taken(&answer(200, denied));
    assert!(matches!(outcome, Outcome::Unsent(error) if error.is_denied()));
    for (status, text) in [
        (500, "Deadlock while inserting 'your token is invalid'"),
        (500, "Your token is invalid"),
        (200, "Failure inserting 'Insufficient Permissions'"),
        (502, "a proxy says: Your token is invalid"),
    ] {
        let body = serde_json::json!({"errors": [{"message": text}]}).to_string();
        let outcome = service.taken(&answer(status, &body));
        assert!(
            matches!(outcome, Outcome::Lost(error) if !error.is_denied()),
            "{text}"
        );
    }
}

#[test]
fn texts_that_are_blank_are_refusals_all_the_same() {
    let outcome = service().taken(&answer(200, r#"["", " "]"#));
    assert!(matches!(outcome, Outcome::Refused(texts) if texts.len() == 1));
    assert!(matches!(
        service().taken(&answer(200, "[]")),
        Outcome::Taken
    ));
}

#[test]
fn a_redirect_says_where_it_leads_and_takes_nothing() {
    let mut moved = answer(308, "");
    moved.location = Some("https://new.example.com/a/b".to_owned());
    let Outcome::Unsent(error) = service().taken(&moved) else {
        panic!("nothing can have come of it");
    };
    assert!(
        error.to_string().contains("https://new.example.com/a/b"),
        "{error}"
    );
    assert!(
        error
            .advice()
            .is_some_and(|it| it.contains("the endpoint that it leads to"))
    );
}
