//! The long-lived parts behind the handlers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use model::{Digest, FindingState, Severity, TenantId};
use respond::RunId;
use store::{Store, StoredFinding};
use tokio::sync::{Semaphore, broadcast, watch};
use uuid::Uuid;

use crate::auth::{KnownSources, Sessions, SignInWith, SignIns};
use crate::crowd::Crowd;
use crate::door::Receive;
use crate::dto::{AdvisoryStatus, Plugin};
use crate::error::ApiError;
use crate::figures::HttpFigures;
use crate::reference::Places;
use crate::snapshots::Snapshots;

/// Requests in work at once. A request holds a page of rows at most, so this bounds memory, and it is far beyond what
/// the store's pool serves at a time; whoever comes on top is told to come back.
const REQUESTS_MAX: usize = 256;
/// Reports read at once. Each may take some hundred megabytes while it is looked at.
const IMPORTS_MAX: usize = 2;
/// Event streams open at once. Each holds one connection and asks the store once a second at most.
const STREAMS_MAX: usize = 256;

/// A scan was accepted, started, finished or failed. Sent so that nobody has to wait for the next look at the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanChange {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its id.
    pub scan: Uuid,
}

/// How browsers reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// In clear, on a loopback address or a trusted network.
    #[default]
    Http,
    /// Through TLS, here or at a proxy: cookies are marked `Secure` and browsers are told to insist on TLS.
    Https,
}

/// Whether the user interface is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ui {
    /// The files compiled in; without them a page that says how to build them.
    #[default]
    Embedded,
    /// The API alone.
    None,
}

/// Answers a question about the running process. Called on a request's thread: it must not block.
pub type Ask<T> = Arc<dyn Fn() -> T + Send + Sync>;

/// What an operator decides about a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginDecision {
    /// Grant exactly these rights to a version, and put it in force where it waits.
    Approve {
        /// Which version.
        digest: Digest,
        /// The rights, one a line.
        rights: Vec<String>,
    },
    /// Put the version that runs beside in force.
    Promote,
    /// Put a version in force that was decided about before.
    Activate {
        /// Which.
        digest: Digest,
    },
    /// Let the plugin be called again after quarantine.
    Release,
    /// Take a version out of use.
    Retire {
        /// Which.
        digest: Digest,
    },
}

/// Why a decision about a plugin was not carried out, in words for the person who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginRefusal {
    /// What is wrong and what to do.
    pub detail: String,
    /// Whether there is no such plugin or version.
    pub unknown: bool,
}

/// A decision that is under way.
pub type Deciding = Pin<Box<dyn Future<Output = Result<(), PluginRefusal>> + Send>>;

/// Carries decisions about plugins out: who decides, about which plugin, what.
pub type Decide = Arc<dyn Fn(String, String, PluginDecision) -> Deciding + Send + Sync>;

/// Writes a signed evidence pack of assessments of one scope, the oldest first. Called on a thread that may block.
pub type EvidencePack = Arc<
    dyn Fn(&[evidence::Assessment], &evidence::Exceptions) -> Result<Vec<u8>, evidence::EvidenceError>
        + Send
        + Sync,
>;

/// What is asked about responses that takes more than the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseOrder {
    /// The playbooks on offer.
    Playbooks,
    /// Start a playbook for an incident.
    Start {
        /// Its name.
        playbook: String,
        /// Id of the incident.
        incident: String,
        /// Plan and try it only.
        dry_run: bool,
    },
    /// Decide about a plan.
    Decide {
        /// The run.
        run: RunId,
        /// Whether the caller agrees.
        agree: bool,
        /// Digest of the plan.
        plan: String,
    },
    /// Call a run off, or take back what it did.
    Cancel {
        /// The run.
        run: RunId,
    },
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum ResponseAnswer {
    /// The playbooks on offer.
    Playbooks(Vec<crate::dto::Playbook>),
    /// The run as it stands.
    Run(Box<respond::Run>),
    /// What was only tried.
    Plan(Box<respond::Plan>),
}

/// Why it was not done, in words for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseRefusal {
    /// What is wrong and what to do.
    pub detail: String,
    /// Whether there is no such run, playbook or incident.
    pub unknown: bool,
}

/// An order about responses that is under way.
pub type Responding = Pin<Box<dyn Future<Output = Result<ResponseAnswer, ResponseRefusal>> + Send>>;

/// Carries orders about responses out: who, of which tenant, what.
pub type Respond = Arc<dyn Fn(String, TenantId, ResponseOrder) -> Responding + Send + Sync>;

/// What responses came to, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseFigures {
    /// Runs that are over, by playbook and outcome.
    pub runs: BTreeMap<(String, String), u64>,
    /// What became of steps, by the word of their action and outcome.
    pub steps: BTreeMap<(String, String), u64>,
}

/// Why a backtest was not accepted.
#[derive(Debug)]
pub enum BacktestRefusal {
    /// Rules that cannot be read, or a version that is not there: what is wrong and where.
    Unusable(String),
    /// The store.
    Store(store::StoreError),
}

/// A backtest that is being accepted.
pub type Submitting = Pin<Box<dyn Future<Output = Result<store::Backtest, BacktestRefusal>> + Send>>;

/// Accepts a backtest of a tenant after it has looked at its rules.
pub type SubmitBacktest = Arc<dyn Fn(TenantId, store::NewBacktest) -> Submitting + Send + Sync>;

/// A report of another tool as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingImport {
    /// Name of the source.
    pub source: String,
    /// How to read it.
    pub ask: store::ImportAsk,
    /// The report.
    pub body: Vec<u8>,
    /// Who sent it.
    pub by: String,
    /// Only say what would become of it.
    pub dry_run: bool,
}

/// The answer to a report.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportAnswer {
    /// It is kept, and will be merged.
    Accepted(Box<store::Submission>),
    /// What would become of it.
    Tried(store::ImportOutcome),
}

/// Why a report is not taken.
#[derive(Debug)]
pub enum ImportRefusal {
    /// It cannot be read, or nobody can tell what it is about: a stable word, and what is wrong and what to do.
    Unusable(&'static str, String),
    /// The store.
    Store(store::StoreError),
    /// Something of the process; for the log.
    Internal(String),
}

/// A report that is being accepted.
pub type Importing = Pin<Box<dyn Future<Output = Result<ImportAnswer, ImportRefusal>> + Send>>;

/// Accepts a report of a tenant after it has looked at it, or tries it.
pub type SubmitImport = Arc<dyn Fn(TenantId, IncomingImport) -> Importing + Send + Sync>;

/// A destination that is being tested: what it would make and where, or what is wrong and what to do.
pub type Testing = Pin<Box<dyn Future<Output = Result<(String, Option<String>), String>> + Send>>;

/// Tests a destination of a tenant; nothing is made there.
pub type TestDestination = Arc<dyn Fn(TenantId, store::NewDestination) -> Testing + Send + Sync>;

/// Days within which a finding of a severity has to be gone, from when it was first seen. A severity that is not named has no end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sla(pub Vec<(Severity, u32)>);

impl Sla {
    /// When a finding is due; nothing for one that is fixed or does not count.
    pub(crate) fn due(&self, stored: &StoredFinding) -> Option<Timestamp> {
        let finding = &stored.finding;
        let aside = finding.suppressed.is_some() || stored.triage.status.is_aside();
        if stored.state != FindingState::Open || aside {
            return None;
        }
        let (_, days) = self.0.iter().find(|(known, _)| *known == finding.severity)?;
        stored.first_seen_at.checked_add(hours(*days)).ok()
    }

    /// What was first seen before then is overdue.
    pub(crate) fn overdue(&self, now: Timestamp) -> Vec<(Severity, Timestamp)> {
        let of = |(severity, days): &(Severity, u32)| Some((*severity, now.checked_sub(hours(*days)).ok()?));
        self.0.iter().filter_map(of).collect()
    }
}

fn hours(days: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(days).saturating_mul(24))
}

/// Everything the API needs from its owner.
pub struct ApiOptions {
    /// The truth.
    pub store: Store,
    /// The plugins with their health, for the plugin pages.
    pub plugins: Ask<Vec<Plugin>>,
    /// Carries decisions about plugins out.
    pub decide: Decide,
    /// Carries orders about responses out.
    pub respond: Respond,
    /// Accepts backtests.
    pub backtest: SubmitBacktest,
    /// Accepts reports of other tools.
    pub import: SubmitImport,
    /// Tests destinations.
    pub test_destination: TestDestination,
    /// What responses came to since the server started.
    pub response_figures: Ask<ResponseFigures>,
    /// Writes evidence packs.
    pub evidence_pack: EvidencePack,
    /// Takes run-time events in.
    pub receive: Receive,
    /// Formats that sources of events can have.
    pub event_formats: Vec<String>,
    /// Rung when a source of events was made, changed or removed.
    pub sources_changed: Ask<()>,
    /// Rung when something was written down that the bus has to hear of.
    pub outbox_changed: Ask<()>,
    /// When findings are due.
    pub sla: Sla,
    /// The advisories in use; `None` inside means that none are loaded.
    pub advisories: Ask<AdvisoryStatus>,
    /// Which techniques of ATT&CK the rules name, and what tests prove of that.
    pub attack: Ask<Arc<attack::Map>>,
    /// Directories below which a scan may read files of this machine. Empty: scans of files are refused.
    pub scan_roots: Vec<PathBuf>,
    /// Names of clusters with an API server that may be scanned.
    pub clusters: Vec<String>,
    /// Names of accounts of clouds that may be scanned.
    pub accounts: Vec<String>,
    /// Whether to serve the user interface.
    pub ui: Ui,
    /// How browsers reach the server.
    pub scheme: Scheme,
    /// How people sign in beside a token.
    pub sign_in: Option<SignInWith>,
    /// Version of the product, for people.
    pub version: String,
    /// Changes of scans: the API sends one for every scan it accepts, the workers for everything after that.
    pub progress: broadcast::Sender<ScanChange>,
}

/// What every handler can reach. Cheap to clone.
pub(crate) type App = Arc<Parts>;

/// The parts themselves.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) plugins: Ask<Vec<Plugin>>,
    pub(crate) decide: Decide,
    pub(crate) respond: Respond,
    pub(crate) backtest: SubmitBacktest,
    pub(crate) import: SubmitImport,
    pub(crate) imports: Semaphore,
    pub(crate) test_destination: TestDestination,
    pub(crate) response_figures: Ask<ResponseFigures>,
    pub(crate) evidence_pack: EvidencePack,
    pub(crate) receive: Receive,
    pub(crate) crowd: Crowd,
    pub(crate) event_formats: Vec<String>,
    pub(crate) sources_changed: Ask<()>,
    pub(crate) outbox_changed: Ask<()>,
    pub(crate) sla: Sla,
    pub(crate) advisories: Ask<AdvisoryStatus>,
    pub(crate) attack: Ask<Arc<attack::Map>>,
    pub(crate) places: Places,
    pub(crate) ui: Ui,
    pub(crate) scheme: Scheme,
    pub(crate) sign_in: Option<SignInWith>,
    pub(crate) sign_ins: SignIns,
    pub(crate) version: String,
    pub(crate) progress: broadcast::Sender<ScanChange>,
    pub(crate) sessions: Sessions,
    pub(crate) known_sources: KnownSources,
    pub(crate) snapshots: Snapshots,
    pub(crate) requests: Semaphore,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) http: HttpFigures,
    /// Turns true once, when the server stops taking work.
    pub(crate) draining: watch::Sender<bool>,
    /// The OpenAPI document as served.
    pub(crate) document: String,
}

impl Parts {
    /// Checks the options and wraps them.
    pub(crate) fn new(options: ApiOptions, document: String) -> Result<Self, ApiError> {
        let scan_roots = options
            .scan_roots
            .iter()
            .map(|root| {
                std::fs::canonicalize(root)
                    .map_err(|source| ApiError::ScanRoot { path: root.display().to_string(), source })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            store: options.store,
            plugins: options.plugins,
            decide: options.decide,
            respond: options.respond,
            backtest: options.backtest,
            import: options.import,
            imports: Semaphore::new(IMPORTS_MAX),
            test_destination: options.test_destination,
            response_figures: options.response_figures,
            evidence_pack: options.evidence_pack,
            receive: options.receive,
            crowd: Crowd::default(),
            event_formats: options.event_formats,
            sources_changed: options.sources_changed,
            outbox_changed: options.outbox_changed,
            sla: options.sla,
            advisories: options.advisories,
            attack: options.attack,
            places: Places { roots: scan_roots, clusters: options.clusters, accounts: options.accounts },
            ui: options.ui,
            scheme: options.scheme,
            sign_in: options.sign_in,
            sign_ins: SignIns::default(),
            version: options.version,
            progress: options.progress,
            sessions: Sessions::default(),
            known_sources: KnownSources::default(),
            snapshots: Snapshots::default(),
            requests: Semaphore::new(REQUESTS_MAX),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            http: HttpFigures::default(),
            draining: watch::Sender::new(false),
            document,
        })
    }
}
