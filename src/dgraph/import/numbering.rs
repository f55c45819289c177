//! Which uid a node gets.
//!
//! A server takes a uid only where it was leased before, and leases are in the order of numbers: whoever leases past the
//! greatest uid of a set may use all of them. Where nothing is leased, the server makes the nodes, and says which uids they
//! got: see [`marker`](super::marker).

use super::survey::Survey;
use super::table::Ranked;
use crate::dgraph::row::{Node, Object, Row};
use crate::dgraph::server::{Lease, Server, Zero};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The greatest uid that is leased. Zero adds to numbers of 64 bits without a look at their end (`lease` of its source), and
/// a server whose lease is at that end leases nothing any more, for anybody.
const GREATEST: u64 = u64::MAX >> 1;

/// How nodes get their uids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// They keep them; those with a name get uids from this one on, in the order of their ranks.
    Kept(u64),
    /// All get uids from this one on, in the order of their ranks.
    Leased(u64),
    /// The server makes them.
    Made,
}

/// Who leases uids.
pub enum Leaser<'a> {
    /// Zero, at its own port.
    Zero(&'a Zero),
    /// The server, which asks it; where it does not, that is no error.
    Server(&'a Server),
}

impl Leaser<'_> {
    /// So many uids; or why there are none.
    fn lease(&self, count: u64) -> Result<Result<Lease, String>> {
        match self {
            Self::Zero(zero) => zero.lease(count).map(Ok),
            Self::Server(server) => server.lease(count),
        }
    }

    /// So many, which are behind each other.
    fn whole(&self, count: u64) -> Result<Result<u64, String>> {
        let lease = match self.lease(count)? {
            Ok(lease) => lease,
            Err(why) => return Ok(Err(why)),
        };
        match lease.last - lease.first >= count - 1 {
            true => Ok(Ok(lease.first)),
            false => Err(
                Error::failed(format!("{count} uids were asked for, and fewer leased"))
                    .hint("see what the log of Zero says: it may hold a limit"),
            ),
        }
    }

    /// The way for what there is; and why it is none with leases, where it is none.
    ///
    /// # Errors
    /// Who leases does not answer, or Zero leases nothing; or the user wants the run to stop.
    pub(super) fn way(&self, survey: &Survey, has_new_uids: bool) -> Result<(Way, Option<String>)> {
        let table = &survey.table;
        if table.count == 0 {
            return Ok((Way::Kept(0), None));
        }
        if has_new_uids {
            return Ok(match self.whole(table.count)? {
                Ok(first) => (Way::Leased(first), None),
                Err(why) => (Way::Made, Some(why)),
            });
        }
        let lease = match self.lease(1)? {
            Ok(lease) => lease,
            Err(why) => return Ok((Way::Made, Some(why))),
        };
        let refuse = |why: String| {
            Error::failed(format!(
                "uids up to {:#x} cannot be leased: {why}",
                survey.greatest
            ))
            .hint("run it again; with --new-uids the nodes get others")
        };
        if let Some(more) = survey.greatest.checked_sub(lease.last).filter(|it| *it > 0) {
            if survey.greatest > GREATEST {
                let what = format!(
                    "the set has the uid {:#x}, and no server should lease uids beyond {GREATEST:#x}",
                    survey.greatest
                );
                return Err(Error::failed(what).hint(
                    "a server that did would have none left: --new-uids gives the nodes others",
                ));
            }
            self.whole(more)?.map_err(refuse)?;
        }
        let names = table.count - table.uids;
        let first = match names {
            0 => 0,
            names => self.whole(names)?.map_err(refuse)?,
        };
        Ok((Way::Kept(first), None))
    }
}

/// Gives nodes their uids.
pub(super) struct Numbering<'a> {
    pub way: Way,
    pub survey: &'a Survey,
    /// Those of nodes that the server made, once it has.
    pub made: Option<Ranked>,
}

impl Numbering<'_> {
    /// The uid of a node of the set.
    pub fn uid(&self, node: &Node) -> Result<u64> {
        let table = &self.survey.table;
        let rank = |node| {
            let rank = table.rank(node)?;
            rank.ok_or_else(super::changed)
        };
        match (self.way, node) {
            (Way::Kept(_), Node::Uid(uid)) => Ok(*uid),
            (Way::Kept(first), node) => Ok(first + (rank(node)? - table.uids)),
            (Way::Leased(first), node) => Ok(first + rank(node)?),
            (Way::Made, node) => match &self.made {
                Some(made) => made.get(rank(node)?),
                None => Err(super::changed()),
            },
        }
    }

    /// A row with the uids that its nodes get.
    pub fn apply(&self, mut row: Row) -> Result<Row> {
        row.subject = Node::Uid(self.uid(&row.subject)?);
        if let Object::Edge(target) = &mut row.object {
            *target = Node::Uid(self.uid(target)?);
        }
        Ok(row)
    }
}
