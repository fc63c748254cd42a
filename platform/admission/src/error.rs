//! Why the webhook cannot be served.

use std::path::PathBuf;

use thiserror::Error;

/// A webhook that cannot be served, or a certificate that cannot be made.
#[derive(Debug, Error)]
pub enum AdmissionError {
    /// A file of the certificate cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate or key is not usable.
    #[error("the certificate in {} with the key in {} cannot be used: {reason}", certificate.display(), key.display())]
    Certificate {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Files cannot be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate for {names}: {reason}")]
    Issue {
        /// For whom.
        names: String,
        /// Why not.
        reason: String,
    },
    /// The listener has no address.
    #[error("cannot listen")]
    Listener(#[source] std::io::Error),
}

impl AdmissionError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "admission-file-unreadable",
            Self::Certificate { .. } => "admission-certificate-unusable",
            Self::Unwritable { .. } => "admission-file-unwritable",
            Self::Issue { .. } => "admission-certificate-not-made",
            Self::Listener(_) => "admission-listener-unusable",
        }
    }
}
