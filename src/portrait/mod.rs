//! What an archive is, as one document: `backup inspect` prints it for programs, in words, and as a [page](self::html)
//! for a browser. docs/output.schema.json describes it.

mod facts;
mod hearing;
pub mod html;
mod told;

pub use facts::{
    BesideFacts, EntityFacts, FileFacts, FilterFacts, MakerFacts, Opener, OutcomeFacts, PlaceFacts,
    ProtectionFacts, ScopeFacts, ShardFacts, State, ToldFacts,
};

use hearing::Hearing;
pub use told::{Fact, Remarks, size};

use crate::archive::{ArchiveSource, Outcome};
use crate::error::{Kind, Result};
use crate::inventory::Outside;
use crate::model::Stage;
use crate::transfer::summary::{Failure, GroupFacts, StageFacts};
use crate::transfer::{
    Contents, Extent, Filter, Noting, Nowhere, Observer, OnFault, Plan, SchemaStrategy, Source,
    Transfer, VersionStrategy,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What an archive is.
#[derive(Debug, Clone, Serialize)]
pub struct Portrait {
    /// The archive itself.
    pub archive: PlaceFacts,
    /// What is to be said of it in a word.
    pub state: State,
    /// When the data was read: as the archive has it.
    pub made: Option<String>,
    /// The version of Strapi.
    pub strapi: Option<String>,
    /// Who wrote it, where it says so: those of Strapi do not.
    pub maker: Option<MakerFacts>,
    /// The kind of database the data was read from.
    pub database: Option<String>,
    /// Whether all of it is from one moment.
    pub consistent: Option<bool>,
    /// The time zone of the system it comes from.
    pub time_zone: Option<String>,
    /// What it was made from, where it says so.
    pub scope: Option<ScopeFacts>,
    /// What protects its bytes.
    pub protection: Option<ProtectionFacts>,
    /// What came of the export, where the archive says it.
    pub outcome: Option<OutcomeFacts>,
    /// How much there is of each stage, and of which types.
    pub stages: BTreeMap<String, StageFacts>,
    /// Files by media type.
    pub media_types: BTreeMap<String, GroupFacts>,
    /// Rows of each component.
    pub components: BTreeMap<String, u64>,
    /// All entries.
    pub entries: Option<GroupFacts>,
    /// The files of lines.
    pub shards: Vec<ShardFacts>,
    /// How many more of them there are.
    pub shards_left_out: u64,
    /// The largest entities, the largest first.
    pub largest_entities: Vec<EntityFacts>,
    /// The largest files, the largest first.
    pub largest_files: Vec<FileFacts>,
    /// What was seen while it was read: what is missing, and what should be known.
    pub warnings: Vec<ToldFacts>,
    /// How many more there were.
    pub warnings_left_out: u64,
    /// What is wrong with it.
    pub faults: Vec<Failure>,
    /// How many more there were.
    pub faults_left_out: u64,
    /// What the summary beside it says, where the archive was not opened.
    pub beside: Option<BesideFacts>,
}

impl Portrait {
    fn of(archive: PlaceFacts, state: State) -> Self {
        Self {
            archive,
            state,
            made: None,
            strapi: None,
            maker: None,
            database: None,
            consistent: None,
            time_zone: None,
            scope: None,
            protection: None,
            outcome: None,
            stages: BTreeMap::new(),
            media_types: BTreeMap::new(),
            components: BTreeMap::new(),
            entries: None,
            shards: Vec::new(),
            shards_left_out: 0,
            largest_entities: Vec::new(),
            largest_files: Vec::new(),
            warnings: Vec::new(),
            warnings_left_out: 0,
            faults: Vec::new(),
            faults_left_out: 0,
            beside: None,
        }
    }

    /// Of an archive that is not opened: what shows without its key.
    pub fn sealed(archive: PlaceFacts, outside: Outside) -> Self {
        let mut portrait = Self::of(archive, State::Sealed);
        if outside.summary.is_some() || outside.doubt.is_some() {
            portrait.beside = Some(BesideFacts {
                fits: outside.summary.is_some() && outside.doubt.is_none(),
                doubt: outside.doubt,
                summary: outside.summary,
            });
        }
        portrait
    }

    /// Of an archive that is read, to its end if it has one; that is a plan against nothing, as a check is. What is wrong with
    /// the archive stands in the portrait.
    ///
    /// # Errors
    /// It cannot be read, the key does not open it, or the run was interrupted.
    pub fn read(
        archive: PlaceFacts,
        source: &mut ArchiveSource,
        observer: &dyn Observer,
    ) -> Result<Self> {
        source.list_shards();
        let watch = Hearing::new(observer);
        let mut contents = Contents::default();
        let planned = plan(source, &mut contents, &watch);
        let mut ended = None;
        let plan = match planned {
            Ok(plan) => Some(plan),
            Err(error) if error.kind() == Kind::Archive => {
                ended = Some(error);
                None
            }
            Err(error) => return Err(error),
        };
        // What cannot be described is told as far as it can be followed.
        if plan.is_none() {
            let mut noting = Noting::new(source, &mut contents);
            let streamed = noting.stream(&Filter::default(), &mut Nowhere::default());
            streamed.or_else(|error| match error.kind() {
                Kind::Archive => Ok(()),
                _ => Err(error),
            })?;
        }
        let mut portrait = Self::of(archive, State::Complete);
        portrait.take_source(source);
        portrait.take_contents(contents);
        (portrait.warnings, portrait.warnings_left_out) = watch.into_parts();
        if let Some(plan) = plan {
            portrait.take_plan(&plan);
        }
        portrait.faults.extend(ended.iter().map(Failure::from));
        let when_made = source.protection().and_then(|it| it.outcome.as_ref());
        portrait.state = match () {
            () if !portrait.faults.is_empty() => State::Damaged,
            () if when_made.is_some_and(Outcome::is_incomplete) => State::Incomplete,
            () if portrait.warnings.iter().any(|it| it.incomplete) => State::Incomplete,
            () => State::Complete,
        };
        Ok(portrait)
    }

    fn take_source(&mut self, source: &ArchiveSource) {
        self.maker = source.maker().map(MakerFacts::from);
        self.protection = source.protection().map(ProtectionFacts::from);
        let outcome = source.protection().and_then(|it| it.outcome.as_ref());
        self.outcome = outcome.map(OutcomeFacts::from);
        if let Some(listing) = source.listing() {
            self.entries = Some(GroupFacts {
                count: listing.entries,
                bytes: listing.bytes,
            });
            self.shards = listing.shards.iter().map(ShardFacts::from).collect();
            self.shards_left_out = listing.more_shards;
        }
    }

    fn take_contents(&mut self, contents: Contents) {
        let stages = contents.stages.iter();
        self.stages = stages
            .map(|(stage, report)| (stage.to_string(), StageFacts::from(report)))
            .collect();
        let kinds = contents.media_types.iter();
        self.media_types = kinds
            .map(|(kind, count)| (kind.clone(), GroupFacts::from(*count)))
            .collect();
        let entities = contents.largest_entities.into_iter();
        self.largest_entities = entities.map(EntityFacts::from).collect();
        let files = contents.largest_files.into_iter();
        self.largest_files = files.map(FileFacts::from).collect();
    }

    fn take_plan(&mut self, plan: &Plan) {
        let source = &plan.source;
        if let Some(metadata) = &source.metadata {
            self.made.clone_from(&metadata.created_at);
            self.strapi = Some(metadata.strapi.version.clone());
        }
        if let Some(provenance) = &source.provenance {
            self.database.clone_from(&provenance.database);
            self.consistent = Some(provenance.is_consistent);
            self.time_zone.clone_from(&provenance.time_zone);
        }
        self.scope = source.scope.as_ref().map(ScopeFacts::from);
        let components = plan.inspection.components();
        self.components = components
            .map(|(uid, rows)| (uid.to_owned(), rows))
            .collect();
        self.faults = plan.faults.iter().map(Failure::from).collect();
        self.faults_left_out = plan.faults.more();
    }

    /// Whether it was read, and is not what it was when it was made.
    pub fn is_damaged(&self) -> bool {
        self.state == State::Damaged
    }
}

/// Stages in the order in which they stand in an archive; what is no stage comes last.
pub fn in_order(stages: &BTreeMap<String, StageFacts>) -> Vec<(&str, &StageFacts)> {
    let mut list: Vec<_> = stages
        .iter()
        .map(|(name, it)| (name.as_str(), it))
        .collect();
    list.sort_by_key(|(name, _)| {
        Stage::ALL
            .iter()
            .position(|stage| stage.as_str() == *name)
            .unwrap_or(usize::MAX)
    });
    list
}

/// Reads all of an archive, and notes what is in it.
fn plan(
    source: &mut ArchiveSource,
    contents: &mut Contents,
    observer: &dyn Observer,
) -> Result<Plan> {
    let mut noting = Noting::new(source, contents);
    let mut transfer = Transfer {
        source: &mut noting,
        destination: Box::new(Nowhere::default()),
        filter: Filter::default(),
        extent: Extent::default(),
        versions: VersionStrategy::default(),
        schemas: SchemaStrategy::default(),
        on_fault: OnFault::GoOn,
        observer,
    };
    transfer.plan()
}
