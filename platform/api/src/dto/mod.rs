//! The wire form of every resource: what a client sees, decided here and not by the tables behind it.
//!
//! Field names are snake_case, times RFC 3339 in UTC, sizes bytes as integers. Answers may grow members and words;
//! requests refuse members they do not know.

mod accounts;
mod advisories;
mod attack_map;
mod audit;
mod backtests;
mod clusters;
mod compliance;
mod destinations;
mod evidence;
mod findings;
mod images;
mod imports;
mod incidents;
mod inventory;
mod job;
mod overview;
mod page;
mod plugins;
mod responses;
mod runtime;
mod scans;
mod session;
mod triage;

pub use accounts::{
    AccountAdministrator, AccountAttackAnswer, AccountExposureAnswer, AccountWhoCanAnswer, UnusedRightsAnswer,
};
pub use advisories::{AdvisoryStatus, EcosystemRecords};
pub use attack_map::{AttackMap, AttackPlatform, AttackPlatformCounts, AttackTechnique};
pub use audit::{AuditCheck, AuditLine};
pub use backtests::{
    Backtest, BacktestCandidate, BacktestDetail, BacktestDetection, BacktestDifference, BacktestRule,
    BacktestRules, BacktestSide, NewBacktest,
};
pub use clusters::{AttackAnswer, Cluster, Clusters, ExposureAnswer, FollowState, Follower, WhoCanAnswer};
pub use compliance::{
    AssessmentDetail, AssessmentRow, Assessments, Control, ControlCounts, ControlProof, ControlStatus,
    TrendPoint,
};
pub use destinations::{
    Destination, DestinationTest, Destinations, FindingTicket, NewDestination, Ticket, TicketDeliveries,
    TicketDelivery, TicketPer, TicketReplay, Tickets,
};
pub use evidence::{
    BrokenRecord, EvidenceCheck, EvidenceRow, Exception, ExceptionBook, ExceptionLabel, ExceptionScope,
    ExceptionStanding, NewException,
};
pub use findings::{
    Asset, Facet, Facets, FindingDetail, FindingGroup, FindingGroups, FindingRow, RiskOrigin, Why,
};
pub use images::{ImageDetail, ImageRow, PackageRow};
pub use imports::{Import, ImportOutcome, ImportedTarget};
pub use incidents::{
    IncidentChange, IncidentDetail, IncidentDisposition, IncidentEdge, IncidentEntry, IncidentGraph,
    IncidentNode, IncidentRow, IncidentStatus, IncidentStep, IncidentTimeline, TimelineStep,
};
pub use inventory::{Neighbour, ResourceDetail, ResourceFacets, ResourceRow};
pub use job::JobState;
pub use overview::Overview;
pub use page::{Page, Plugins, SeverityCounts};
pub use plugins::{
    ApprovedRights, AskedCapability, FaultCount, LastFault, Magic, NoContent, Plugin, PluginComparison,
    PluginCost, PluginDigest, PluginInterest, PluginLog, PluginRule, PluginState, PluginVersion,
};
pub use responses::{
    ActDryRun, CallOff, FieldChange, JournalLine, KillSwitch, KillSwitches, LedgerBreak, LedgerCheck,
    LedgerPage, LedgerRecord, NewDecision, NewResponse, PlannedAct, PlannedDisruption, PlannedReplicas,
    Playbook, PlaybookStep, Playbooks, ResponseDecision, ResponseDetail, ResponsePlan, ResponseRow,
    Responses, SkippedStep, TurnKillSwitch,
};
pub(crate) use runtime::moment;
pub use runtime::{
    Detection, DetectionDetail, EventSource, EventSourceToken, EventSources, IngestProblem, IngestReceipt,
    NewEventSource, NewSuppression, ProcessNode, ProcessTree, RuntimeEvent, RuntimeEventDetail, RuntimeRule,
    RuntimeRules, Sensor, Sensors, Suppression, Suppressions,
};
pub use scans::{NewScan, Scan, ScanFailure, ScanKind, ScanState, ScanSummary};
pub use session::{Health, Session, SignIn, SignInProvider, SignInWays, Version};
pub use triage::{
    FindingChange, FindingDecision, FindingJob, FindingJobPreview, FindingSelection, NewFindingJob,
};
