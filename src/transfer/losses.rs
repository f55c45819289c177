//! What a transfer does to rows that it is not about: those that refer to rows which do not come
//! back.

use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fmt;

/// What becomes of a row that refers to one that does not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossKind {
    /// It is deleted as well.
    Deleted,
    /// It loses its reference.
    Emptied,
    /// It loses its reference where the row that it refers to comes back with another key.
    MayBeEmptied,
    /// It stays as it is, and so that row cannot be deleted.
    Forbidden,
}

/// Rows that a transfer is not about, and that it would change, or that stand in its way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReferenceLoss {
    /// The table they are in.
    pub table: String,
    /// The columns that hold the reference.
    pub columns: Vec<String>,
    /// The table that they refer to.
    pub referenced: String,
    /// What becomes of them.
    pub kind: LossKind,
    /// How many there are.
    pub count: u64,
}

impl fmt::Display for ReferenceLoss {
    /// Without the count, which stands in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table, referenced, ..
        } = self;
        let columns = self.columns.join(", ");
        match self.kind {
            LossKind::Deleted => write!(
                f,
                "of {table} ({columns}): deleted with rows of {referenced} that do not come back"
            ),
            LossKind::Emptied => write!(
                f,
                "of {table} ({columns}): lose their reference to rows of {referenced} that do not \
                 come back"
            ),
            LossKind::MayBeEmptied => write!(
                f,
                "of {table} ({columns}): lose their reference where rows of {referenced} come back \
                 with another key"
            ),
            LossKind::Forbidden => write!(
                f,
                "of {table} ({columns}): forbid to delete rows of {referenced} that do not come back"
            ),
        }
    }
}

/// Refuses losses that nobody allowed, and what a database would refuse in any case.
///
/// # Errors
/// Names the tables.
pub fn check_losses(losses: &[ReferenceLoss], allowed: bool) -> Result<()> {
    let tables = |forbidden: bool| {
        let these = losses
            .iter()
            .filter(|loss| (loss.kind == LossKind::Forbidden) == forbidden)
            .map(|loss| loss.table.as_str());
        let names: BTreeSet<&str> = these.collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let forbidding = tables(true);
    if !forbidding.is_empty() {
        return Err(Error::failed(format!(
            "rows of {forbidding} refer to rows that do not come back, and forbid to delete them; \
             nothing was changed"
        ))
        .hint("delete those rows, or have them refer to rows that the archive holds, and run it again"));
    }
    let lost = tables(false);
    if !lost.is_empty() && !allowed {
        return Err(Error::failed(format!(
            "rows of {lost}, which are not Strapi's, refer to rows that do not come back, and would \
             be deleted or lose their reference; nothing was changed"
        ))
        .hint(
            "have them refer to rows that the archive holds, or accept the loss with \
             --allow-reference-loss",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(kind: LossKind) -> ReferenceLoss {
        ReferenceLoss {
            table: "orders".into(),
            columns: vec!["article_id".into()],
            referenced: "articles".into(),
            kind,
            count: 3,
        }
    }

    #[test]
    fn what_a_database_forbids_nobody_can_allow() {
        check_losses(&[], false).expect("nothing is lost");
        for kind in [LossKind::Deleted, LossKind::Emptied, LossKind::MayBeEmptied] {
            check_losses(&[loss(kind)], false).expect_err("not allowed");
            check_losses(&[loss(kind)], true).expect("allowed");
        }
        let error = check_losses(&[loss(LossKind::Forbidden)], true).expect_err("forbidden");
        assert!(error.to_string().contains("orders"), "{error}");
    }
}
