//! Kind `admission`: a request in, a decision out.

use serde::{Deserialize, Serialize};

/// A rule that speaks against the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// A rule of the manifest.
    pub rule: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decision {
    /// What speaks against it; one is enough to refuse it.
    pub violations: Vec<Violation>,
    /// What is told to the user although it passes.
    pub warnings: Vec<Violation>,
    /// Changes to the object as a JSON Patch.
    #[serde(with = "crate::bytes_text::optional")]
    pub patch: Option<Vec<u8>>,
}
