//! The wire form of every resource: what a client sees, decided here and not by the tables behind it.
//!
//! Field names are snake_case, times RFC 3339 in UTC, sizes bytes as integers. Answers may grow members and words;
//! requests refuse members they do not know.

mod accounts;
mod advisories;
mod clusters;
mod compliance;
mod evidence;
mod findings;
mod images;
mod inventory;
mod overview;
mod page;
mod plugins;
mod scans;
mod session;

pub use accounts::{
    AccountAdministrator, AccountAttackAnswer, AccountExposureAnswer, AccountWhoCanAnswer, UnusedRightsAnswer,
};
pub use advisories::{AdvisoryStatus, EcosystemRecords};
pub use clusters::{AttackAnswer, Cluster, Clusters, ExposureAnswer, FollowState, Follower, WhoCanAnswer};
pub use compliance::{
    AssessmentDetail, AssessmentRow, Assessments, Control, ControlCounts, ControlProof, ControlStatus,
    TrendPoint,
};
pub use evidence::{
    BrokenRecord, EvidenceCheck, EvidenceRow, Exception, ExceptionBook, ExceptionScope, ExceptionStanding,
    NewException,
};
pub use findings::{Asset, Facet, Facets, FindingDetail, FindingRow, Why};
pub use images::{ImageDetail, ImageRow, PackageRow};
pub use inventory::{Neighbour, ResourceDetail, ResourceFacets, ResourceRow};
pub use overview::Overview;
pub use page::{Page, Plugins, SeverityCounts};
pub use plugins::{
    ApprovedRights, AskedCapability, FaultCount, LastFault, Magic, NoContent, Plugin, PluginComparison,
    PluginCost, PluginDigest, PluginInterest, PluginLog, PluginRule, PluginState, PluginVersion,
};
pub use scans::{NewScan, Scan, ScanFailure, ScanKind, ScanState, ScanSummary};
pub use session::{Health, Session, SignIn, Version};
