//! Why resources of a cloud cannot be read again.

use thiserror::Error;

/// Resources of which nothing is known.
#[derive(Debug, Error)]
pub enum CloudError {
    /// Kept bytes are none that this version wrote.
    #[error("kept resources of a cloud cannot be read: {0}; collect them again")]
    Packed(String),
    /// A document is no collection.
    #[error(
        "it is no collection of an account: {0}; `palisade account collect NAME` writes one, and `palisade explain collection-unreadable` \
         shows its form"
    )]
    Collection(String),
}

impl CloudError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Packed(_) => "cloud-snapshot-unreadable",
            Self::Collection(_) => "collection-unreadable",
        }
    }
}
