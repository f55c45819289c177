//! What a pull from a running Strapi, or a push into it, would meet: looked at without changing anything there.

use super::super::environment::Environment;
use super::super::prompt::Prompt;
use super::super::remote::RemoteArguments;
use super::super::token::TokenSource;
use crate::error::{Error, Kind, Result};
use crate::model::Metadata;
use crate::remote::wire::{Action, Request, Restore};
use crate::remote::{Address, Direction, Site, Trouble};
use crate::strapi::{Examination, Finding, Strapi};

/// Looks at a site.
///
/// # Errors
/// That is to stop. Whatever else goes wrong is found.
pub(super) fn examine(
    address: Address,
    remote: &RemoteArguments,
    token: &TokenSource,
    environment: &Environment,
    prompt: &Prompt,
) -> Result<Examination> {
    let mut found = Examination::default();
    found.findings.push(of_address(&address));
    let access = remote.access(environment, prompt);
    let Some(access) = had("authorities", access, &mut found)? else {
        return Ok(found);
    };
    let place = token.told(environment);
    let token = token.token(&address, environment, prompt);
    let Some(token) = had("token", token, &mut found)? else {
        return Ok(found);
    };
    let place = place.unwrap_or_else(|| "as it was typed".into());
    found.findings.push(Finding::ok("token", place));
    let site = remote.reached(address, token, access, environment);
    let Some(site) = had("site", site, &mut found)? else {
        return Ok(found);
    };
    let pulls = pull(&site, &mut found)?;
    // A second look would end as the first did.
    if pulls
        .as_ref()
        .is_err_and(|trouble| !is_of_direction(trouble))
    {
        return Ok(found);
    }
    let pushes = push(&site, &mut found)?;
    if pulls.is_err() && pushes.is_err() {
        let error = Error::failed("the token may neither pull nor push")
            .hint("make one that may, in the admin panel under Settings, Transfer Tokens");
        found.findings.push(Finding::problem("token", &error));
    }
    Ok(found)
}

/// What a look needs; where it cannot be had, that is found.
///
/// # Errors
/// That is to stop.
fn had<T>(subject: &'static str, thing: Result<T>, found: &mut Examination) -> Result<Option<T>> {
    match thing {
        Ok(thing) => Ok(Some(thing)),
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        Err(error) => {
            found.findings.push(Finding::problem(subject, &error));
            Ok(None)
        }
    }
}

fn of_address(address: &Address) -> Finding {
    let remarks = address.remarks();
    match remarks.is_empty() {
        true => Finding::ok("address", address.to_string()),
        false => Finding::note("address", remarks.join("; ")),
    }
}

/// Whether it is the token that does not allow one of the two directions.
fn is_of_direction(error: &Error) -> bool {
    matches!(Trouble::of(error), Some(Trouble::OtherKind(_)))
}

/// Looks whether it can be pulled from, and what it is.
fn pull(site: &Site, found: &mut Examination) -> Result<Result<()>> {
    let look = || -> Result<Metadata> {
        let mut session = site.pull()?;
        session.ask(Request::Action(Action::Bootstrap))?;
        let answer = session.ask(Request::Action(Action::GetMetadata))?;
        session.leave();
        serde_json::from_str(answer.data()).map_err(|_| {
            Error::failed(format!(
                "{site} does not tell its version",
                site = site.name()
            ))
            .hint("see whether this is a Strapi of version 4 or 5")
        })
    };
    let (subject, able) = (
        "pull",
        "the token may pull: exports, and safety copies before a push",
    );
    match look() {
        Ok(metadata) => {
            let version = metadata.strapi.version;
            found.findings.push(Finding::ok("Strapi", version.clone()));
            found.facts.strapi = Some(Strapi {
                version,
                from: site.name(),
            });
            found.findings.push(Finding::ok(subject, able));
            Ok(Ok(()))
        }
        Err(error) => refused(error, subject, Direction::Pull, found),
    }
}

/// Looks whether it could be pushed into. Nothing begins there before a push says what it is to replace, and then more.
fn push(site: &Site, found: &mut Examination) -> Result<Result<()>> {
    let nothing = Restore {
        include: Some(Vec::new()),
        ..Restore::default()
    };
    let subject = "push";
    match site.push(&nothing) {
        Ok(session) => {
            session.leave();
            let able = "the token may push: imports and transfers into it";
            found.findings.push(Finding::ok(subject, able));
            Ok(Ok(()))
        }
        Err(error) => refused(error, subject, Direction::Push, found),
    }
}

/// Tells what is in the way: a token for the other direction alone may be meant so.
fn refused(
    error: Error,
    subject: &'static str,
    direction: Direction,
    found: &mut Examination,
) -> Result<Result<()>> {
    if error.kind() == Kind::Interrupted {
        return Err(error);
    }
    found.findings.push(match is_of_direction(&error) {
        true => Finding::note(
            subject,
            match direction {
                Direction::Pull => {
                    "the token may not pull: no exports, no safety copies, no counts in a plan"
                }
                Direction::Push => "the token may not push: no imports and transfers into it",
            },
        ),
        false => Finding::problem(subject, &error),
    });
    Ok(Err(error))
}
