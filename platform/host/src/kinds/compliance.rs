//! Kind `compliance`: observations in, control statuses out.

use model::Severity;
use serde::{Deserialize, Serialize};

use super::CheckStatus;

/// What a check or a scan says of one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The rule.
    pub rule: String,
    /// Canonical asset id.
    pub asset: String,
    /// What it says.
    pub status: CheckStatus,
    /// How bad.
    pub severity: Severity,
}

/// Where a control stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlStatus {
    /// All of it is as it should be.
    Met,
    /// None of it is.
    NotMet,
    /// Some of it is.
    Partly,
    /// Only people can tell.
    Manual,
    /// Nothing was seen that could tell.
    NotAssessed,
}

/// The status of one control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlResult {
    /// Framework and control.
    pub control: String,
    /// Where it stands.
    pub status: ControlStatus,
    /// Indices of the observations that prove it; always within the batch.
    pub items: Vec<usize>,
    /// Why.
    pub rationale: String,
}
