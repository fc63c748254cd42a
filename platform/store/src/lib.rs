//! The truth of an installation: scans, assets, packages, findings with their history, tokens, inbox and outbox.
//!
//! The only crate that speaks SQL. Two databases keep one promise: SQLite, embedded and the default, and Postgres from 15
//! on; one contract suite (`tests/contract.rs`) runs over both. Statements are shared where the dialects agree; what
//! differs stands side by side in `dialect/`.
//!
//! What holds everywhere:
//! - the tenant is in every key and first in every condition;
//! - times come from the caller, never from the database's clock, and are kept to the microsecond;
//! - lists are paged by key, never by offset, and every page is bounded;
//! - an effect, the record of the message that caused it and the messages it causes commit together, so that a message
//!   delivered twice has one effect (see [`Store::finish_scan`]);
//! - hostile text is data: statements are static text with bound parameters ([`sql`]), and U+0000, which Postgres cannot
//!   hold, becomes U+FFFD in both databases.

mod assessments;
mod assets;
mod audit;
mod audit_chain;
mod backtests;
mod bulk;
mod clean;
mod connection;
mod counts;
mod destinations;
mod dialect;
mod error;
mod event_lists;
mod events;
mod evidence;
mod exceptions;
mod facets;
mod filter;
mod finding_groups;
mod finding_query;
mod findings;
mod finish;
mod follow;
mod followers;
mod gaps;
mod imports;
mod inbox;
mod incident_members;
mod incidents;
mod job;
mod ledger;
mod merge;
mod migrate;
mod outbox;
mod packages;
mod page;
mod plugin_state;
mod plugins;
mod prepare;
mod response_lists;
mod responses;
mod risk_places;
mod row;
mod scans;
mod scopes;
mod sensors;
mod sources;
mod sql;
mod suppressions;
mod ticket_reads;
mod tickets;
mod tokens;
mod triage;
mod triage_jobs;

pub use assessments::Assessment;
pub use assets::{AssetDetail, AssetFilter, AssetRow, AssetSort, Overview};
pub use audit::{AuditEvent, AuditFilter, AuditLine};
pub use audit_chain::AuditCheck;
pub use backtests::{Backtest, BacktestWork, Candidate, NewBacktest, RuleFile};
pub use clean::KEY_MAX;
pub use counts::SeverityCounts;
pub use destinations::{Destination, NewDestination, Per, PutRefusal};
pub use error::StoreError;
pub use event_lists::{
    DetectionFilter, DetectionRow, EventFilter, EventRow, RuleFigures, StoredEvent, WaitingEvent,
};
pub use events::{
    CORRELATOR_CONSUMER, Checkpoint, Committed, EventCommit, NewDetection, NewEvent, SensorReport,
};
pub use evidence::{EvidenceCheck, EvidenceRecord};
pub use exceptions::StoredException;
pub use facets::{FACET_ROWS_MAX, FACET_VALUES_MAX, Facet, Facets};
pub use filter::{FindingFilter, FindingSort};
pub use finding_groups::{FindingGroup, FindingGroups, GROUPS_MAX, GroupBy};
pub use finding_query::FindingQuery;
pub use findings::{AssetRef, FindingRow, HISTORY_EVENTS_MAX, StoredFinding};
pub use finish::{Applied, SCAN_CONSUMER, ScanOutcome, Summary};
pub use follow::ScopeChange;
pub use followers::{FollowReport, FollowState, Follower};
pub use gaps::could_hide;
pub use imports::{
    Import, ImportAsk, ImportOutcome, ImportPart, ImportedTarget, NewImport, Submission, source_name,
};
pub use incidents::{
    Disposition, Incident, IncidentChange, IncidentEntry, IncidentFilter, IncidentStatus, NewIncident,
};
pub use job::JobState;
pub use ledger::Ledger;
pub use merge::OWN;
pub use outbox::OutboxMessage;
pub use page::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Page, PageRequest};
pub use plugins::{NewPluginVersion, PluginVersion, VersionChange, VersionState};
pub use response_lists::{KillSwitch, ResponseRow};
pub use responses::{LedgerCheck, ResponseEvidence};
pub use risk_places::{KnownPlace, NewPlace};
pub use scans::{NewScan, Scan, ScanFailure, ScanFilter, ScanRequest, ScanState, Submitted};
pub use scopes::{
    Counted, NewAssessment, NewResource, Resource, ResourceFacets, ResourceFilter, Scope, ScopeState,
};
pub use sensors::{Sensor, SensorState};
pub use sources::{EventSource, NewSource};
pub use suppressions::{NewSuppression, Suppression};
pub use ticket_reads::{Standing, TicketRead};
pub use tickets::{Delivery, Failure, LinkedTicket, Ticket, Wanted};
pub use tokens::{NewToken, Token, TokenHash};
pub use triage::{By, Decision, TriageChange, TriageState};
pub use triage_jobs::{Ask, FindingJob, UndoRefusal};

use connection::Backend;

/// What every operation of the store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A handle to the database; cheap to clone, safe to share between tasks and between processes.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Backend,
}

impl Store {
    /// Opens the database at `sqlite:PATH` or `postgres://…` and brings its tables up to date.
    ///
    /// The SQLite file is created if it is missing; its directory is not. Several processes may start at once: one
    /// migrates, the others wait for it.
    ///
    /// # Errors
    /// [`StoreError::Url`], [`StoreError::Connect`], [`StoreError::Unsuitable`], [`StoreError::Migrate`], and
    /// [`StoreError::TooNew`] when a later release has already changed the tables.
    pub async fn connect(url: &str) -> Result<Self> {
        let backend = Backend::open(url).await?;
        migrate::run(&backend).await?;
        Ok(Self { backend })
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn ping(&self) -> Result<()> {
        self.backend.rows("reach the store", sql::sql("SELECT 1", [])).await.map(drop)
    }

    /// Closes every connection after its present work; later calls fail. SQLite then leaves one file without a journal.
    pub async fn close(&self) {
        self.backend.close().await;
    }
}
