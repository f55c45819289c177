//! What requests are called in messages.

use super::wire::{Action, Request};

/// A request, as half a sentence: "the start of the assets".
pub(super) fn of_request(request: &Request<'_>) -> String {
    match request {
        Request::InitPull | Request::InitPush(_) => "the start of the transfer".into(),
        Request::Action(action) => of_action(*action).into(),
        Request::Start(stage) => format!("the start of the {stage}"),
        Request::Stream(stage, _) => format!("a part of the {stage}"),
        Request::EndStage(stage) => format!("the end of the {stage}"),
        Request::End(_) => "the end of the transfer".into(),
    }
}

fn of_action(action: Action) -> &'static str {
    match action {
        Action::Bootstrap => "getting ready (bootstrap)",
        Action::GetMetadata => "the question for its version (getMetadata)",
        Action::GetSchemas => "the question for its schemas (getSchemas)",
        Action::BeforeTransfer => "the deletion of what is replaced (beforeTransfer)",
        Action::Close => "the confirmation (close)",
        Action::Rollback => "the rollback",
    }
}
