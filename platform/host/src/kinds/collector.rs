//! Kind `collector`: a cursor in, a page of resources out.

use serde::{Deserialize, Serialize};

use super::Resource;

/// A part that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What is missing.
    pub subject: String,
    /// Why.
    pub message: String,
}

/// A page of resources.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Page {
    /// The resources.
    pub resources: Vec<Resource>,
    /// What could not be fetched.
    pub missing: Vec<Missing>,
    /// Where to go on; nothing when this was the last page. Never the cursor that was asked for.
    pub next: Option<String>,
}
