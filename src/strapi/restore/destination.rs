//! A project before it is restored: looked at, and told what comes.

use super::entities::ComponentIds;
use super::limits::Limits;
use super::load::ProjectLoad;
use super::outside::Outside;
use super::staging::{Intake, Staging};
use super::{OwnSchema, Restore, emptied_tables, in_place, recovered, recovery, replaced, staying};
use crate::database::{Connection, Filler, LockMode};
use crate::effort::Work;
use crate::error::{Error, Result};
use crate::model::Stage;
use crate::room::wanted;
use crate::store::{folder_of, real_path};
use crate::strapi::catalogue::Catalogue;
use crate::strapi::core_store::{CORE_STORE, SCHEMA_KEY, WEBHOOKS, read_value};
use crate::strapi::description::description;
use crate::strapi::lock::{LockWait, ProjectLock};
use crate::strapi::project::Project;
use crate::strapi::uploads::Staged;
use crate::strapi::{media, running, schema};
use crate::transfer::{
    Deletion, Description, Destination, Filter, Inspection, Load, Plan, Sink, Spool, Subject,
    Survey, UPLOAD_TYPES, Warning, WarningKind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A project as a destination.
pub struct ProjectDestination {
    project: Project,
    database: Box<dyn Connection>,
    catalogue: Catalogue,
    lock: ProjectLock,
    /// Whether nothing is going to be loaded.
    only_looks: bool,
    /// Where lines are spooled.
    spool_folder: PathBuf,
    staged: Option<Staging>,
    loses_references: bool,
    rewrites_urls: bool,
}

impl ProjectDestination {
    /// Opens a project to restore into it, and keeps all other runs away. Nothing is changed before the
    /// restore begins, but that an earlier one which did not end is finished or undone. Lines that
    /// come are spooled in `spool_folder`.
    ///
    /// # Errors
    /// Another run holds it; its database cannot be opened, or does not fit its schemas.
    pub fn open(project: Project, wait: &LockWait, spool_folder: &Path) -> Result<Self> {
        Self::after(project, wait, spool_folder, recovery::recover)
    }

    /// Opens a project to see what a restore into it would do. An earlier restore that did not end is
    /// told of, and left as it is.
    ///
    /// # Errors
    /// As those of [`open`](Self::open).
    pub fn look(project: Project, wait: &LockWait, spool_folder: &Path) -> Result<Self> {
        let mut own = Self::after(project, wait, spool_folder, recovery::describe)?;
        own.only_looks = true;
        Ok(own)
    }

    fn after(
        project: Project,
        wait: &LockWait,
        spool_folder: &Path,
        see_to_earlier: fn(&Project, &mut dyn Connection) -> Result<Vec<String>>,
    ) -> Result<Self> {
        let effort = project.effort.clone();
        let _watch = effort.start(Work::Database);
        let mut database = project.connect_to_write()?;
        let (lock, _) = ProjectLock::take(&project, database.as_mut(), LockMode::Exclusive, wait)?;
        let told = see_to_earlier(&project, database.as_mut())?;
        let mut catalogue = schema::load(&project, database.as_mut())?;
        catalogue.notices.extend(told.into_iter().map(recovered));
        catalogue.notices.extend(running::others(database.as_mut()));
        Ok(Self {
            lock,
            project,
            database,
            catalogue,
            only_looks: false,
            spool_folder: spool_folder.to_owned(),
            loses_references: false,
            rewrites_urls: false,
            staged: None,
        })
    }

    /// Says whether rows of tables that are not Strapi's may be deleted, or lose their reference, with
    /// rows that do not come back.
    #[must_use]
    pub fn allow_reference_loss(mut self, allow: bool) -> Self {
        self.loses_references = allow;
        self
    }

    /// Says whether urls in content are replaced where those of files change.
    #[must_use]
    pub fn rewrite_urls(mut self, rewrite: bool) -> Self {
        self.rewrites_urls = rewrite;
        self
    }

    /// Sees that what was staged can be loaded at all. Servers look after their disks themselves.
    ///
    /// # Errors
    /// The project keeps its files elsewhere; there is no room for what its database needs meanwhile.
    fn check_staged(&mut self, filter: &Filter) -> Result<()> {
        let Some(staged) = &mut self.staged else {
            return Ok(());
        };
        staged.restore.files.written()?;
        staged.restore.rewriting.check()?;
        if filter.includes(Stage::Assets) {
            staged.restore.uploads.check_takes_files()?;
        }
        let Some(file) = self.project.database_file() else {
            return Ok(());
        };
        // SQLite follows a link to the file before it puts its journal beside it. All of it goes into the rollback journal, at the most, and what comes is no smaller than its
        // lines by much.
        let now = file.metadata().map_or(0, |file| file.len());
        wanted(
            folder_of(&real_path(file)),
            now.max(staged.lines),
            "the database's own journal and new rows",
        )
    }

    /// What is known of the project that its user should know as well.
    pub fn notices(&self) -> &[Warning] {
        &self.catalogue.notices
    }

    /// Where the database is, for messages.
    pub fn database(&self) -> &str {
        self.database.target()
    }
}

impl Destination for ProjectDestination {
    fn name(&self) -> String {
        self.project.root().display().to_string()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        Ok(Some(description(&self.project, &self.catalogue)))
    }

    fn survey(&mut self, filter: &Filter, coming: &Inspection) -> Result<Survey> {
        self.check_staged(filter)?;
        // What may not be written to is to be known before anybody is asked.
        self.database.check_writable()?;
        let mut tables: Vec<(String, String)> = replaced(&self.catalogue, filter)
            .into_iter()
            .map(|model| (model.uid.clone(), model.table.clone()))
            .collect();
        for table in emptied_tables(self.database.as_mut(), filter)? {
            tables.push((table.into(), table.into()));
        }
        if filter.includes(Stage::Configuration) {
            tables.push(("core-store".into(), CORE_STORE.into()));
            tables.push(("webhook".into(), WEBHOOKS.into()));
        }
        let mut deletions = Vec::new();
        for (what, table) in tables {
            let count = Some(self.database.count(&table)?);
            deletions.push(Deletion { what, count });
        }
        if filter.includes(Stage::Assets) && comes_with_rows(filter) {
            let uploads = self.project.uploads();
            let database = self.database.as_mut();
            let names = media::paths(database, &self.catalogue, uploads.as_ref())?;
            deletions.push(Deletion {
                count: Some(uploads.count(&names)),
                what: format!("files of the media library in {}", uploads.place()),
            });
        }
        let mut left = BTreeMap::new();
        if filter.includes(Stage::Assets) && comes_with_rows(filter) {
            let uploads = self.project.uploads();
            if !uploads.keeps_urls() {
                let database = self.database.as_mut();
                left = media::elsewhere(database, &self.catalogue, uploads.as_ref())?;
            }
        }
        deletions.retain(|deletion| deletion.count != Some(0));
        let outside = Outside::find(self.database.as_mut(), &self.catalogue)?;
        let (losses, mut notices) =
            outside.survey(self.database.as_mut(), &self.catalogue, filter, coming)?;
        notices.extend(left.into_iter().map(|(provider, count)| {
            let reason = format!(
                "{count} that rows of the project name lie there, and stay there: no restore deletes them"
            );
            Warning::new(WarningKind::Notice, Subject::FilesOf(provider), reason).times(count)
        }));
        let remark = self
            .staged
            .as_ref()
            .and_then(|it| it.restore.files.remark());
        notices.extend(remark.map(|it| Warning::new(WarningKind::Notice, Subject::Files, it)));
        let placed = self.staged.as_ref();
        let placed = placed.map_or_else(Arc::default, |staged| Arc::clone(&staged.restore.placed));
        let database = self.database.as_mut();
        let links = staying::survey(database, &self.catalogue, filter, coming, placed)?;
        Ok(Survey {
            deletions,
            links,
            losses,
            notices,
        })
    }

    fn stage(&mut self, filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        // Also where nothing is kept in it: that it can be made is looked at as well.
        let spool = Spool::new(&self.spool_folder)?;
        let (spool, how) = match self.only_looks {
            false => (Some(spool), Staged::Kept),
            true => (None, Staged::Counted),
        };
        let mut restore = Restore::new(&self.project, how, &self.spool_folder);
        if filter.includes(Stage::Assets) && restore.uploads.keeps_urls() {
            restore.uploads.check_takes_files()?;
        }
        restore.rewriting.is_wanted = self.rewrites_urls;
        restore.limits = Limits::find(self.database.as_mut(), &self.catalogue)?;
        if filter.includes(Stage::Assets) && !comes_with_rows(filter) {
            let Restore {
                uploads, placement, ..
            } = &mut restore;
            let database = self.database.as_mut();
            let mut outcome = Ok(());
            media::each_file(
                database,
                &self.catalogue,
                uploads.as_ref(),
                &mut |name, path| {
                    if outcome.is_ok() {
                        outcome = placement.staying(&name, path.as_deref());
                    }
                },
            )?;
            outcome?;
        }
        let staging = self.staged.insert(Staging {
            restore,
            spool,
            lines: 0,
        });
        Ok(Some(Box::new(Intake {
            database: self.database.as_mut(),
            catalogue: &self.catalogue,
            spool_folder: &self.spool_folder,
            staging,
        })))
    }

    fn remarks(&mut self) -> Vec<Warning> {
        match &mut self.staged {
            Some(staged) => staged.restore.remarks(),
            None => Vec::new(),
        }
    }

    fn staged(&mut self) -> Option<Spool> {
        self.staged.as_mut()?.spool.take()
    }

    fn begin(self: Box<Self>, plan: &Plan) -> Result<Box<dyn Load>> {
        let Self {
            project,
            mut database,
            catalogue,
            lock,
            staged,
            loses_references,
            ..
        } = *self;
        let effort = project.effort.clone();
        let _watch = effort.start(Work::Database);
        let nothing = || Error::failed("nothing was staged that could be restored");
        let mut restore = staged.ok_or_else(nothing)?.restore;
        database.begin_write()?;
        // First, for MySQL's transaction sees what there was when it first read.
        let outside = Outside::hold(database.as_mut(), &catalogue, &plan.filter)?;
        staying::hold(database.as_mut(), &catalogue, &plan.filter)?;
        if plan.filter.includes(Stage::Assets) {
            let mut paths = BTreeSet::new();
            // Where the rows stay, their files do, but for those that come.
            if comes_with_rows(&plan.filter) {
                let uploads = restore.uploads.as_ref();
                paths = media::paths(database.as_mut(), &catalogue, uploads)?;
                // The archive has a row for it and not the file: better that one than none.
                let lacks = |name: &str| plan.inspection.lacks_file(name);
                paths.retain(|path| !lacks(path) && !restore.placement.waits_for(path));
            }
            restore.files.replace(paths)?;
        }
        restore.only_checks = false;
        restore.shared_links.forget();
        restore.limits = Limits::default();
        restore.own_schema = OwnSchema {
            row: read_value(database.as_mut(), SCHEMA_KEY)?,
            is_needed: plan.filter.includes(Stage::Configuration),
        };
        let (in_place, staying) = in_place::clear(
            outside,
            database.as_mut(),
            &catalogue,
            plan,
            loses_references,
            Arc::clone(&restore.placed),
        )?;
        restore.in_place = in_place;
        restore.staying = Some(staying);
        restore.component_ids = ComponentIds::find(
            database.as_mut(),
            &catalogue,
            &plan.inspection,
            &plan.filter,
        )?;
        Ok(Box::new(ProjectLoad {
            project,
            lock,
            filler: Filler::new(database, &effort),
            catalogue,
            restore,
        }))
    }
}

/// Whether the rows that describe files are replaced.
fn comes_with_rows(filter: &Filter) -> bool {
    filter.includes(Stage::Entities) && filter.includes_type(UPLOAD_TYPES[0])
}
