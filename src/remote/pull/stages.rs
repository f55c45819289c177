//! Stages of a pull, together on one connection: each frame is acknowledged when it comes, so that the next one is on
//! its way while this one is put away.

use super::super::session::Session;
use super::super::socket::Stopped;
use super::super::trouble::Trouble;
use super::super::wire::Request;
use super::fault::Fault;
use crate::model::Stage;
use serde::Deserialize;

/// How many files will come, as the server says it: only 5.x does. Of what it says of their bytes nothing is believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Totals {
    pub total_count: Option<u64>,
}

#[derive(Deserialize)]
struct Started {
    id: String,
    #[serde(default)]
    totals: Option<Totals>,
}

/// A stage that was started.
struct Open {
    stage: Stage,
    id: String,
    ended: bool,
}

/// What takes what comes.
pub(super) trait Taker {
    /// A stage was started.
    fn started(&mut self, _stage: Stage, _totals: Totals) -> Result<(), Stopped> {
        Ok(())
    }

    /// Takes what a frame of a stage brings, a JSON array. Whoever needs long for it calls `keep` now and then, so that
    /// the connection is kept.
    fn take(&mut self, stage: Stage, data: &str, keep: &mut dyn FnMut()) -> Result<(), Stopped>;

    /// A stage has ended, by its own account.
    fn ended(&mut self, _stage: Stage) -> Result<(), Stopped> {
        Ok(())
    }
}

/// Pulls these stages to their ends.
pub(super) fn pull(
    session: &mut Session,
    stages: &[Stage],
    taker: &mut dyn Taker,
) -> Result<(), Fault> {
    let mut open: Vec<Open> = Vec::with_capacity(stages.len());
    for &stage in stages {
        let during = format!("the start of the {stage}");
        let answer = session.ask(Request::Start(stage)).map_err(Fault::there)?;
        let started: Started = match answer.read(&during) {
            Ok(started) => started,
            Err(trouble) => return Err(Fault::of(trouble.into(), session, &during)),
        };
        if open.iter().any(|other| other.id == started.id) {
            let why = Trouble::malformed("it gives two stages one id");
            return Err(Fault::of(why.into(), session, &during));
        }
        let totals = started.totals.unwrap_or_default();
        let took = taker.started(stage, totals);
        took.map_err(|stopped| Fault::of(stopped, session, &during))?;
        open.push(Open {
            stage,
            id: started.id,
            ended: false,
        });
    }
    let names: Vec<&str> = stages.iter().map(|stage| stage.as_str()).collect();
    let during = format!("reading its {}", names.join(", "));
    while open.iter().any(|open| !open.ended) {
        let cargo = session.cargo(&during).map_err(Fault::there)?;
        let of = open.iter_mut().find(|open| open.id == cargo.id);
        let Some(of) = of.filter(|open| !open.ended) else {
            let why =
                Trouble::malformed("it sends rows of a stage that was not started, or has ended");
            return Err(Fault::of(why.into(), session, &during));
        };
        let stage = of.stage;
        of.ended = cargo.ended;
        session.acknowledge(&cargo, &during).map_err(Fault::there)?;
        let during = format!("reading its {stage}");
        let took = match (cargo.failed, cargo.data()) {
            (true, _) => Err(Trouble::Stage(stage).into()),
            (false, Some(data)) => taker.take(stage, data, &mut || session.keep()),
            (false, None) => Ok(()),
        };
        let took = took.and_then(|()| match cargo.ended {
            true => taker.ended(stage),
            false => Ok(()),
        });
        took.map_err(|stopped| Fault::of(stopped, session, &during))?;
    }
    for &stage in stages {
        session
            .ask(Request::EndStage(stage))
            .map_err(Fault::there)?;
    }
    Ok(())
}
