//! Loads links.

use super::{Goal, Restore};
use crate::database::Value;
use crate::error::Result;
use crate::model::{Link, LinkEnd, LinkRef, is_component};
use crate::strapi::catalogue::Catalogue;
use crate::strapi::relations::{Sharing, Storage, StoredRelation};
use crate::strapi::tables::Model;
use crate::transfer::Subject;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// The links that came for tables that two attributes share, by table: Strapi exports each of them
/// twice, once from either side. Few projects have such tables; a link takes some 30 bytes.
#[derive(Default)]
pub(super) struct SharedLinks(HashMap<String, HashSet<(i64, i64)>>);

impl SharedLinks {
    /// Whether a link comes for the first time. `ids` are those of its ends, left and right.
    fn is_new(&mut self, relation: &StoredRelation, table: &str, ids: &[Value<'_>; 2]) -> bool {
        let [Some(left), Some(right)] = ids.each_ref().map(Value::as_i64) else {
            return true;
        };
        let pair = match relation.sharing {
            Sharing::Alone => return true,
            Sharing::Read => (left, right),
            Sharing::Repeated => (right, left),
        };
        match self.0.get_mut(table) {
            Some(known) => known.insert(pair),
            None => {
                self.0.insert(table.to_owned(), HashSet::from([pair]));
                true
            }
        }
    }

    /// Forgets what came, before it comes again.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

impl Restore {
    pub(super) fn link(
        &mut self,
        goal: &mut Goal<'_>,
        catalogue: &Catalogue,
        link: &Link<'_>,
    ) -> Result<()> {
        let stored = catalogue.models.get(&link.left.model).and_then(|model| {
            let relation = model.relation(link.left.field.as_deref()?)?;
            Some((model, relation))
        });
        let stored = stored.filter(|(_, relation)| fits(catalogue, relation, link));
        let has_place = [&link.left, &link.right]
            .iter()
            .all(|end| match end.reference {
                LinkRef::Id(id) if is_component(&end.model) => self.placed.has(&end.model, id),
                _ => true,
            });
        let Some((model, relation)) = stored.filter(|_| has_place) else {
            self.count_lost(Subject::LinksOf {
                uid: link.left.model.to_string(),
                attribute: link.left.field.as_deref().unwrap_or("?").to_owned(),
            });
            return Ok(());
        };
        if let Goal::Fill(filler) = goal {
            filler.place(&Place(link));
        }
        let rights = self.ids(&link.right);
        for left in self.ids(&link.left) {
            for right in &rights {
                let ids = [left.clone(), right.clone()];
                self.store(goal, model, relation, link, ids)?;
            }
        }
        Ok(())
    }

    /// Stores a link between the rows that have these ids here.
    fn store(
        &mut self,
        goal: &mut Goal<'_>,
        model: &Model,
        relation: &StoredRelation,
        link: &Link<'_>,
        [left_id, right_id]: [Value<'static>; 2],
    ) -> Result<()> {
        match &relation.storage {
            // The row holds the document id itself.
            Storage::JoinColumn { referenced, .. } if referenced != "id" => Ok(()),
            Storage::JoinColumn { column, .. } => {
                set(goal, &model.table, &[column], &[right_id, left_id])
            }
            Storage::MorphColumns { id, type_ } => {
                let target = Value::from(link.right.model.as_ref());
                set(
                    goal,
                    &model.table,
                    &[id, type_],
                    &[right_id, target, left_id],
                )
            }
            Storage::JoinTable {
                table,
                left,
                right,
                left_order,
                right_order,
                has_id: _,
            } => {
                let ids = [left_id, right_id];
                if !self.shared_links.is_new(relation, table, &ids) {
                    return Ok(());
                }
                let places = [(left_order, &link.left), (right_order, &link.right)];
                let columns = || {
                    let orders = places.iter().filter_map(|(order, _)| order.column());
                    [left, right].into_iter().chain(orders).cloned().collect()
                };
                let mut row = Vec::from(ids);
                for (order, end) in places {
                    if order.column().is_some() {
                        row.push(end.pos.into());
                    }
                }
                self.add_link(goal, (model, relation, link), table, columns, &row)
            }
            Storage::MorphTable {
                table,
                left,
                id,
                type_,
                has_id: _,
            } => {
                let columns = || {
                    [left, id, type_, "field", "order"]
                        .map(str::to_owned)
                        .into()
                };
                let field = link.right.field.as_deref();
                let row = [
                    left_id,
                    right_id,
                    Value::from(link.right.model.as_ref()),
                    field.map_or(Value::Null, Value::from),
                    link.right.pos.into(),
                ];
                self.add_link(goal, (model, relation, link), table, columns, &row)
            }
        }
    }

    /// Adds a link that is a row of `table`, or says why the database would not take it.
    fn add_link(
        &mut self,
        goal: &mut Goal<'_>,
        (model, relation, link): (&Model, &StoredRelation, &Link<'_>),
        table: &str,
        columns: impl FnOnce() -> Vec<String>,
        row: &[Value<'_>],
    ) -> Result<()> {
        match goal {
            Goal::Check(database) => {
                let attribute = (model.uid.as_str(), relation.attribute.as_str());
                self.limits
                    .link(*database, attribute, table, columns, row)
                    .map_err(|error| error.within(Place(link)))
            }
            Goal::Fill(filler) => {
                let inserter = self
                    .inserters
                    .links(filler, model, relation, table, columns);
                filler.insert(inserter, row)
            }
        }
    }

    /// The ids that an end has here: several where the archive has a component with several owners.
    fn ids(&self, end: &LinkEnd<'_>) -> Vec<Value<'static>> {
        match &end.reference {
            LinkRef::Id(id) => {
                let ids = self.component_ids.resolve(&end.model, id);
                ids.iter().copied().map(Value::Integer).collect()
            }
            LinkRef::Document(document) => vec![Value::Text(document.to_string().into())],
        }
    }
}

/// A link that is being loaded, for messages.
struct Place<'a>(&'a Link<'a>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {} -> {}", self.0.left, self.0.right)
    }
}

/// Changes a row, unless it is only checked. The last value is its id.
fn set(goal: &mut Goal<'_>, table: &str, columns: &[&str], values: &[Value<'_>]) -> Result<()> {
    match goal {
        Goal::Check(_) => Ok(()),
        Goal::Fill(filler) => filler.set(table, columns, values),
    }
}

/// Whether a link fits the relation it is of.
fn fits(catalogue: &Catalogue, relation: &StoredRelation, link: &Link<'_>) -> bool {
    // By document ids rows are joined in a column for them alone.
    let by_document = |end: &LinkEnd<'_>| matches!(end.reference, LinkRef::Document(_));
    let takes_documents = matches!(
        &relation.storage,
        Storage::JoinColumn { referenced, .. } if referenced != "id"
    );
    if by_document(&link.left) || (by_document(&link.right) && !takes_documents) {
        return false;
    }
    match &relation.target {
        Some(target) => *target == link.right.model,
        None => catalogue.models.get(&link.right.model).is_some(),
    }
}
