//! Kind `notifier`: a notice in, a receipt out.

use serde::{Deserialize, Serialize};

/// A change to tell of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Id of the change. A notice may come twice; what it caused must not.
    pub id: String,
    /// The change, as JSON.
    #[serde(with = "crate::bytes_text")]
    pub body: Vec<u8>,
}

/// What the other system made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The other system's name for it.
    pub id: String,
    /// Where people find it there; always `http` or `https`.
    pub url: Option<String>,
}
