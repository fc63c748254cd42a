//! Why kept resources of a cloud cannot be read again.

use thiserror::Error;

/// Kept resources of which nothing is known.
#[derive(Debug, Error)]
pub enum CloudError {
    /// Kept bytes are none that this version wrote.
    #[error("kept resources of a cloud cannot be read: {0}; collect them again")]
    Packed(String),
}

impl CloudError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Packed(_) => "cloud-snapshot-unreadable",
        }
    }
}
