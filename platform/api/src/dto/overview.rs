//! The first page: where things stand.

use serde::Serialize;
use utoipa::ToSchema;

use super::{FindingRow, SeverityCounts};

/// Where things stand. Counts are of findings that are open and not suppressed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Overview {
    /// Findings by severity.
    pub findings_by_severity: SeverityCounts,
    /// Findings that are known to be exploited.
    pub kev_open: u64,
    /// Findings with a fixed version.
    pub fixable_open: u64,
    /// Images and directories; the rows of `/images`.
    pub images: u64,
    /// Packages, counted once per image.
    pub packages: u64,
    /// Scans that are queued or running.
    pub scans_running: u64,
    /// Coverage gaps of the latest scans.
    pub gaps: u64,
    /// The findings seen last, newest first.
    pub newest: Vec<FindingRow>,
}

impl Overview {
    /// The wire form of a tenant's figures.
    pub(crate) fn new(counts: &store::Overview, ledger: &store::Ledger, newest: Vec<FindingRow>) -> Self {
        Self {
            findings_by_severity: counts.findings.into(),
            kev_open: counts.kev_open,
            fixable_open: counts.fixable_open,
            images: counts.assets,
            packages: counts.packages,
            scans_running: ledger.in_flight(),
            gaps: counts.gaps,
            newest,
        }
    }
}
