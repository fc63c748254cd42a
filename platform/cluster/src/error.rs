//! Why a cluster could not be read at all. Whatever is less than that is a gap in the coverage statement.

use std::path::PathBuf;

use thiserror::Error;

/// A cluster of which nothing is known.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is nothing in what was named.
    #[error(
        "no Kubernetes object was found in {places}; expected is what `kubectl get KIND --all-namespaces --output json` prints, or an \
         answer of the API server, in files that end in .json"
    )]
    Empty {
        /// What was looked into.
        places: String,
    },
    /// Kept bytes are no snapshot of this version.
    #[error("a kept snapshot cannot be read: {0}; scan the cluster again")]
    Packed(String),
}

impl ClusterError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "cluster-unreadable",
            Self::Empty { .. } => "cluster-empty",
            Self::Packed(_) => "cluster-snapshot-unreadable",
        }
    }
}
