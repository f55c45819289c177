//! What a site holds, counted by a pull: its rows by type, and how many files there are. Rows are read as they come and
//! kept nowhere; of files the server tells the number before it sends any.

use super::described::Described;
use super::rules::{Deleting, Rules};
use crate::error::Result;
use crate::model::{
    Component, ConfigItem, ConfigKind, Entity, Fields, IdSet, Link, LinkEnd, LinkRef, Misfit,
    Schema, Schemas, Stage, Visitor, elements, is_component, walk,
};
use crate::remote::wire::{Action, Request};
use crate::remote::{Session, Site, Trouble};
use crate::transfer::{Deletion, UPLOAD_TYPES, is_ignored};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How often, and after how long, it is looked again whether a commit is through.
const LOOKS: usize = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// What a site holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The ids of its rows by content type, those that never travel aside.
    pub rows: BTreeMap<String, IdSet>,
    /// How many files of the media library there are, where the server tells.
    pub files: Option<u64>,
    /// What its rows say of its files.
    pub described: Described,
    /// Links that go from rows that stay to rows that are replaced, by type and attribute.
    links: BTreeMap<(String, String), u64>,
}

/// What is said at the start of a stage.
#[derive(Deserialize)]
struct Started {
    id: String,
    #[serde(default)]
    totals: Option<Totals>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    total_count: u64,
}

impl Held {
    /// Counts what a site holds. With schemas and what is going to be deleted, links are counted too that this cuts.
    ///
    /// # Errors
    /// It cannot be pulled from, or the user wants the run to stop.
    pub fn count(site: &Site, rules: Rules, cut: Option<(&Schemas, &Deleting)>) -> Result<Self> {
        let mut session = site.pull()?;
        session.ask(Request::Action(Action::Bootstrap))?;
        let mut held = Self::default();
        let mut staying = HashMap::new();
        each_item(&mut session, Stage::Entities, &mut |item| {
            let Ok(parsed) = Entity::parse(item) else {
                return false;
            };
            let entity = parsed.entity();
            held.entity(&entity);
            if let Some((schemas, deleting)) = cut
                && !deleting.deletes(entity.content_type)
            {
                note_components(schemas, &entity, &mut staying);
            }
            true
        })?;
        if let Some((_, deleting)) = cut {
            each_item(&mut session, Stage::Links, &mut |item| {
                let link = Link::parse(item);
                link.is_ok_and(|link| {
                    held.link(&link, deleting, &staying);
                    true
                })
            })?;
        }
        // Strapi 4 tells no number, and fails where a file is missing.
        if !rules.is_fragile() {
            held.files = files(&mut session)?;
        }
        session.ask(Request::Action(Action::Close))?;
        session.leave();
        Ok(held)
    }

    /// Counts the files of a site alone.
    ///
    /// # Errors
    /// As [`count`](Self::count).
    pub fn count_files(site: &Site) -> Result<Option<u64>> {
        let mut session = site.pull()?;
        session.ask(Request::Action(Action::Bootstrap))?;
        let files = files(&mut session)?;
        session.ask(Request::Action(Action::Close))?;
        session.leave();
        Ok(files)
    }

    /// Counts the rows of the configuration: core store and webhooks.
    ///
    /// # Errors
    /// As [`count`](Self::count).
    pub fn count_settings(site: &Site) -> Result<[(&'static str, u64); 2]> {
        let mut session = site.pull()?;
        session.ask(Request::Action(Action::Bootstrap))?;
        let kinds = [ConfigKind::CoreStore, ConfigKind::Webhook];
        let mut counts = kinds.map(|kind| (kind.as_str(), 0));
        each_item(&mut session, Stage::Configuration, &mut |item| {
            let parsed = ConfigItem::parse(item);
            parsed.is_ok_and(|item| {
                let mut counts = counts.iter_mut();
                let count = counts.find(|(kind, _)| *kind == item.kind.as_str());
                count.is_some_and(|(_, count)| {
                    *count += 1;
                    true
                })
            })
        })?;
        session.ask(Request::Action(Action::Close))?;
        session.leave();
        Ok(counts)
    }

    /// The same after a commit, for which the site may take a moment more than its answer says. `None` where rows are
    /// there to the end that a commit deletes: an answer alone commits nothing.
    ///
    /// # Errors
    /// As [`count`](Self::count).
    pub fn count_committed(
        site: &Site,
        rules: Rules,
        before: &Self,
        deleting: &Deleting,
    ) -> Result<Option<Self>> {
        for look in 0..=LOOKS {
            if look > 0 {
                site.access().interrupt().stop()?;
                std::thread::sleep(PAUSE);
            }
            let held = Self::count(site, rules, None)?;
            if !held.has_rows_of(before, deleting) {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    /// Whether a site whose answer was lost is seen to have committed, now or within some seconds. Where it is not, it
    /// may do so later.
    ///
    /// # Errors
    /// As [`count`](Self::count).
    pub fn has_replaced(
        site: &Site,
        rules: Rules,
        before: &Self,
        deleting: &Deleting,
        sent: &BTreeMap<String, u64>,
    ) -> Result<bool> {
        for _ in 0..LOOKS {
            let held = Self::count(site, rules, None)?;
            match held.replaces(before, deleting, sent) {
                Some(false) => std::thread::sleep(PAUSE),
                decided => return Ok(decided == Some(true)),
            }
        }
        Ok(false)
    }

    /// Whether a site that held `before` has committed a push that deletes this and sends these rows: every row of a
    /// push gets an id that there was not before. `None` where there is no row to tell by.
    pub fn replaces(
        &self,
        before: &Self,
        deleting: &Deleting,
        sent: &BTreeMap<String, u64>,
    ) -> Option<bool> {
        let of = |held: &Self| {
            let rows = held.rows.iter().filter(|(uid, _)| deleting.deletes(uid));
            rows.map(|(_, ids)| ids.len()).sum::<u64>()
        };
        if of(before) > 0 {
            return Some(!self.has_rows_of(before, deleting));
        }
        (sent.values().sum::<u64>() > 0).then(|| of(self) > 0)
    }

    /// Whether rows are there that there were before, and should be gone.
    fn has_rows_of(&self, before: &Self, deleting: &Deleting) -> bool {
        let mut rows = before.rows.iter().filter(|(uid, _)| deleting.deletes(uid));
        rows.any(|(uid, ids)| {
            let now = self.rows.get(uid);
            now.is_some_and(|now| ids.iter().any(|id| now.contains(id)))
        })
    }

    /// The links that go from rows that stay, for the plan.
    pub fn cut_links(&self) -> Vec<Deletion> {
        let links = self.links.iter();
        links
            .map(|((uid, attribute), count)| Deletion {
                what: format!("{uid}, {attribute}"),
                count: Some(*count),
            })
            .collect()
    }

    /// How many rows of a content type there are.
    pub fn rows(&self, uid: &str) -> u64 {
        self.rows.get(uid).map_or(0, IdSet::len)
    }

    fn entity(&mut self, entity: &Entity<'_>) {
        let uid = entity.content_type;
        if is_ignored(uid) {
            return;
        }
        if uid == UPLOAD_TYPES[0] {
            self.described.row(entity.data);
        }
        match self.rows.get_mut(uid) {
            Some(ids) => {
                ids.insert(entity.id);
            }
            None => {
                let mut ids = IdSet::default();
                ids.insert(entity.id);
                self.rows.insert(uid.to_owned(), ids);
            }
        }
    }

    fn link(&mut self, link: &Link<'_>, deleting: &Deleting, staying: &HashMap<String, IdSet>) {
        let stays = |end: &LinkEnd<'_>| match &end.reference {
            LinkRef::Id(id) if is_component(&end.model) => staying
                .get(end.model.as_ref())
                .is_some_and(|ids| ids.contains(*id)),
            _ => !deleting.deletes(&end.model),
        };
        let is_ours = ![&link.left, &link.right]
            .iter()
            .any(|end| is_ignored(&end.model));
        let (left, right) = (stays(&link.left), stays(&link.right));
        let stays = if left { &link.left } else { &link.right };
        // At an end without an attribute nothing is seen of the link.
        if is_ours
            && left != right
            && let Some(attribute) = &stays.field
        {
            let key = (stays.model.to_string(), attribute.to_string());
            *self.links.entry(key).or_default() += 1;
        }
    }
}

/// Reads a stage of rows to its end. `take` says whether an item is one.
fn each_item(
    session: &mut Session,
    stage: Stage,
    take: &mut dyn FnMut(&str) -> bool,
) -> Result<()> {
    let during = format!("counting the {stage}");
    let started = start(session, stage)?;
    loop {
        let cargo = session.cargo(&during)?;
        session.acknowledge(&cargo, &during)?;
        // Of a stage that was left before its end, a frame may still be on its way.
        if cargo.id != started.id {
            continue;
        }
        if cargo.failed {
            return Err(session.error(Trouble::Stage(stage), None));
        }
        let items = cargo.data().filter(|data| *data != "null").map(elements);
        let is_fine = match items {
            None => true,
            Some(Ok(mut items)) => items.all(&mut *take),
            Some(Err(_)) => false,
        };
        if !is_fine {
            let why = "a row is not as it should be";
            return Err(session.error(Trouble::malformed(why), Some(&during)));
        }
        if cargo.ended {
            break;
        }
    }
    session.ask(Request::EndStage(stage)).map(drop)
}

fn start(session: &mut Session, stage: Stage) -> Result<Started> {
    let during = format!("the start of the {stage}");
    let answer = session.ask(Request::Start(stage))?;
    let started = answer.read(&during);
    started.map_err(|trouble| session.error(trouble, None))
}

/// The number that the server tells of its files before it sends any, which it then need not do.
fn files(session: &mut Session) -> Result<Option<u64>> {
    let started = start(session, Stage::Assets)?;
    session.ask(Request::EndStage(Stage::Assets))?;
    Ok(started.totals.map(|totals| totals.total_count))
}

/// Notes the components of a row.
fn note_components(schemas: &Schemas, entity: &Entity<'_>, noted: &mut HashMap<String, IdSet>) {
    struct Noting<'a>(&'a mut HashMap<String, IdSet>);
    impl Visitor for Noting<'_> {
        type Owner = ();
        type Error = std::convert::Infallible;

        fn component(
            &mut self,
            _owner: (&Schema, ()),
            component: &Component<'_, '_>,
        ) -> Result<Option<()>, Self::Error> {
            let id = component.fields.get("id").and_then(|id| id.parse().ok());
            if let Some(id) = id {
                let ids = self.0.entry(component.schema.uid.clone()).or_default();
                ids.insert(id);
            }
            Ok(Some(()))
        }

        fn go_on(&mut self) -> Result<(), Self::Error> {
            Ok(())
        }

        fn misfit(&mut self, _: &Schema, _: &str, _: Misfit<'_>) -> Result<(), Self::Error> {
            Ok(())
        }
    }
    if let (Some(schema), Ok(fields)) =
        (schemas.get(entity.content_type), Fields::parse(entity.data))
    {
        let Ok(()) = walk(schemas, schema, &fields, (), &mut Noting(noted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_counted_at_the_end_that_stays() {
        let deleting = Deleting {
            include: Some(vec!["api::article.article".to_owned()]),
            exclude: Vec::new(),
            files: false,
            settings: false,
        };
        let line = |left: &str, right: &str| {
            let end = |(uid, field): (&str, &str)| match field {
                "" => format!(r#"{{"type":"{uid}","ref":1}}"#),
                _ => format!(r#"{{"type":"{uid}","ref":1,"field":"{field}"}}"#),
            };
            let [left, right] = [left, right].map(|one| end(one.split_once(' ').expect("two")));
            format!(
                r#"{{"kind":"relation.basic","relation":"manyToOne","left":{left},"right":{right}}}"#
            )
        };
        let mut held = Held::default();
        for line in [
            line("api::article.article tags", "api::tag.tag articles"),
            line("api::page.page articles", "api::article.article "),
            line("api::article.article author", "api::author.author "),
            line("api::article.article next", "api::article.article "),
        ] {
            let link = Link::parse(&line).expect("a link");
            held.link(&link, &deleting, &HashMap::new());
        }
        let told: Vec<String> = held.cut_links().into_iter().map(|it| it.what).collect();
        assert_eq!(told, ["api::page.page, articles", "api::tag.tag, articles"]);
    }
}
