use super::*;

fn parsed(text: &str) -> Frame {
    Frame::parse(text.into()).expect("a frame")
}

#[test]
fn requests_are_those_of_the_recorded_sessions() {
    let frame = Request::Action(Action::Bootstrap).frame("u", "t");
    assert_eq!(
        frame,
        r#"{"type":"transfer","kind":"action","action":"bootstrap","uuid":"u","transferID":"t"}"#
    );
    let frame = Request::Start(Stage::Entities).frame("u", "t");
    assert_eq!(
        frame,
        r#"{"type":"transfer","kind":"step","action":"start","step":"entities","uuid":"u","transferID":"t"}"#
    );
    let restore = Restore {
        exclude: vec!["admin::user".into()],
        assets: true,
        webhook: true,
        core_store: true,
        include: None,
    };
    for request in [
        Request::InitPull,
        Request::InitPush(&restore),
        Request::Stream(Stage::Links, r#"[{"kind":1}]"#),
        Request::EndStage(Stage::Links),
        Request::End("a\"b"),
    ] {
        let frame = request.frame("u", "t\"t");
        let value: serde_json::Value = serde_json::from_str(&frame).expect("JSON");
        assert_eq!(value["uuid"], "u");
    }
    let frame = Request::InitPush(&restore).frame("u", "");
    let value: serde_json::Value = serde_json::from_str(&frame).expect("JSON");
    let asked = &value["params"]["options"]["restore"];
    assert_eq!(asked["entities"]["exclude"][0], "admin::user");
    assert!(asked["entities"].get("include").is_none());
    assert_eq!(asked["configuration"]["coreStore"], true);
}

#[test]
fn answers_cargo_and_diagnostics_are_told_apart() {
    let Frame::Answer { uuid, result } = parsed(
        r#"{"uuid":"a","data":{"ok":true,"stats":{"started":2,"finished":1}},"error":null}"#,
    ) else {
        panic!("an answer");
    };
    let answer = result.expect("no error");
    assert_eq!(uuid, "a");
    assert_eq!(
        answer
            .stats(true)
            .ok()
            .flatten()
            .map(|it| (it.started, it.finished)),
        Some((2, 1))
    );
    let Frame::Cargo(cargo) = parsed(
        r#"{"uuid":"b","data":{"type":"transfer","data":[ {"id":1} ],"ended":false,"error":null,"id":"s"}}"#,
    ) else {
        panic!("cargo");
    };
    assert_eq!(cargo.data(), Some(r#"[ {"id":1} ]"#));
    assert!(!cargo.ended && !cargo.failed && cargo.id == "s");
    let Frame::Cargo(last) = parsed(
        r#"{"uuid":"c","data":{"type":"transfer","data":null,"ended":true,"error":{},"id":"s"}}"#,
    ) else {
        panic!("cargo");
    };
    assert!(last.ended && last.failed && last.data().is_none());
    let Frame::Diagnostic(Some(said)) =
        parsed(r#"{"diagnostic":{"kind":"warning","details":{"message":"gone"}},"uuid":"x"}"#)
    else {
        panic!("a diagnostic");
    };
    assert_eq!((said.is_error, said.message.as_str()), (false, "gone"));
    assert!(matches!(
        parsed(r#"{"diagnostic":{"kind":"info","details":{"message":"m"}},"uuid":"x"}"#),
        Frame::Diagnostic(None)
    ));
}

#[test]
fn errors_of_a_server_are_told_in_its_words_and_no_parsers() {
    let told = |error: &str| {
        let frame = format!(r#"{{"uuid":"a","data":null,"error":{error}}}"#);
        let Frame::Answer { result, .. } = parsed(&frame) else {
            panic!("an answer");
        };
        result.expect_err("an error")
    };
    let Trouble::Server { message, code } = told(
        r#"{"code":"Error","message":"no","details":{"details":{"code":"ASSETS_DIRECTORY_ERR"}}}"#,
    ) else {
        panic!("the server's own");
    };
    assert_eq!(
        (message.as_str(), code.as_deref()),
        ("no", Some("ASSETS_DIRECTORY_ERR"))
    );
    assert_eq!(
        told(r#"{"code":"UnauthorizedError","message":"Token expired"}"#),
        Trouble::Expired
    );
    for odd in [
        "{}",
        "[]",
        "1",
        r#""text""#,
        &"[".repeat(300).replace('[', "[[").to_string(),
    ] {
        if serde_json::from_str::<&RawValue>(odd).is_ok() {
            assert!(matches!(told(odd), Trouble::Server { .. }), "{odd}");
        }
    }
    for text in ["", "[]", "{", "nonsense", "{\"uuid\":1}"] {
        let error = Frame::parse(text.into()).expect_err("no frame");
        let told = error.to_string();
        assert!(
            !told.contains("column") && !told.contains("expected"),
            "{told}"
        );
    }
}
