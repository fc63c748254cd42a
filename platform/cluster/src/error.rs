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
    /// The kubeconfig, or what a pod is given to speak with its cluster, cannot be used.
    #[error(
        "the settings of the connection to the cluster cannot be used: {reason}; check them with `kubectl config view`"
    )]
    Kubeconfig {
        /// What of it.
        reason: String,
    },
    /// Nobody answers, or something that is no Kubernetes API.
    #[error("the API server at {server} cannot be reached: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        reason: String,
    },
    /// The API server does not know the user.
    #[error(
        "the API server at {server} does not accept the credentials: {reason}; check them with `kubectl auth whoami`"
    )]
    Unauthorized {
        /// Its address.
        server: String,
        /// Why.
        reason: String,
    },
    /// Not one kind may be listed.
    #[error(
        "the API server at {server} does not let us list anything: {reason}; bind the ClusterRole of \
         platform/cluster/collector-role.yaml to the user"
    )]
    Forbidden {
        /// Its address.
        server: String,
        /// What it said to the first question.
        reason: String,
    },
}

impl ClusterError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "cluster-unreadable",
            Self::Empty { .. } => "cluster-empty",
            Self::Packed(_) => "cluster-snapshot-unreadable",
            Self::Kubeconfig { .. } => "kubeconfig-invalid",
            Self::Unreachable { .. } => "cluster-unreachable",
            Self::Unauthorized { .. } => "cluster-unauthorized",
            Self::Forbidden { .. } => "cluster-forbidden",
        }
    }
}
