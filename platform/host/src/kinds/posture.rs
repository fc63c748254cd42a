//! Kind `posture`: resources in, check results out.

use model::Severity;
use serde::{Deserialize, Serialize};

use crate::analysis::Problem;

/// A resource of a cluster, a cloud account or a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Canonical asset id.
    pub asset: String,
    /// Kind of resource.
    pub kind: String,
    /// The resource as JSON.
    #[serde(with = "crate::bytes_text")]
    pub body: Vec<u8>,
}

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStatus {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Nothing to say about this resource.
    NotApplicable,
    /// Could not be done.
    Error,
}

/// The outcome of one check on one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Index of the resource; always within the batch.
    pub item: usize,
    /// A rule of the manifest.
    pub rule: String,
    /// What the check says.
    pub status: CheckStatus,
    /// How bad a failure is here.
    pub severity: Severity,
    /// What was found and what to do.
    pub message: String,
    /// Where inside the resource, as a JSON Pointer.
    pub location: String,
    /// What was compared with what, as JSON; empty for none.
    #[serde(with = "crate::bytes_text")]
    pub evidence: Vec<u8>,
}

/// What the checks say of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Assessment {
    /// Results.
    pub results: Vec<CheckResult>,
    /// Resources that could not be understood.
    pub problems: Vec<Problem>,
}
