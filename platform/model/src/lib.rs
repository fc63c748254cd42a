//! The words of the product as types: packages, findings, coverage, identity, severity.
//!
//! Pure by rule: no I/O, no async, no clock. Everything here is plain data that any other crate may hold, plus the
//! arithmetic that must give the same answer wherever it runs (fingerprints, purls, severity order). Values that
//! arrive from plugins, feeds or clients become these types only after the crate at that edge has checked them.

pub mod coverage;
pub mod event;
pub mod finding;
pub mod fingerprint;
pub mod graph;
pub mod id;
pub mod lifecycle;
pub mod package;
pub mod purl;
pub mod report;
pub mod risk;
pub mod severity;

pub use coverage::{AdvisoryData, AnalyzerCoverage, Coverage, EcosystemCoverage, Gap, GapCode};
pub use finding::{
    Cvss, Epss, FeedRecord, Finding, FindingClass, Fix, FixState, Kev, PackageRef, Suppression,
};
pub use fingerprint::{Fingerprint, finding_key};
pub use id::{AssetId, Digest, DigestError, TenantId, TenantIdError};
pub use lifecycle::{FindingState, HistoryEvent, Justification, Transition, Triage};
pub use package::{Confidence, Evidence, OperatingSystem, Package, PackageOwner, PackageType, SourcePackage};
pub use report::{ScanReport, Target, TargetKind};
pub use risk::{Power, Reached, Risk, RiskPlace, RiskTerm, RiskTermName};
pub use severity::Severity;
