//! Why a tree could not be read at all. Whatever is less than that is a gap.

use std::path::PathBuf;

use thiserror::Error;

/// A tree of which nothing is known.
#[derive(Debug, Error)]
pub enum IacError {
    /// The root is no readable folder.
    #[error("cannot read the folder {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl IacError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "iac-unreadable",
        }
    }
}
