//! What can go wrong with the server itself. What can go wrong with a request is a problem: see [`crate::Code`].

use std::io;

use store::StoreError;
use thiserror::Error;

/// The server could not do what its owner asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The store refused or did not answer.
    #[error("could not {operation} in the store")]
    Store {
        /// Verb and object.
        operation: &'static str,
        /// What the store said.
        #[source]
        source: StoreError,
    },
    /// No randomness for a token.
    #[error(
        "the operating system gave no randomness for a token: {0}; check that getrandom or /dev/urandom works"
    )]
    Random(getrandom::Error),
    /// A token that was just made does not pass its own check; it was not kept.
    #[error("a new token does not pass its own checksum; this is a fault of the program, please report it")]
    TokenSelfCheck,
    /// The OpenAPI document could not be written; it is plain data, so this is a fault of the program.
    #[error("could not write the OpenAPI document; this is a fault of the program, please report it")]
    Document(#[source] serde_json::Error),
    /// The address that the listener is bound to cannot be read.
    #[error("could not read the address of the listener")]
    Listener(#[source] io::Error),
    /// A directory that scans may read does not exist or cannot be read.
    #[error("cannot open the scan root {path}; create it or take it out of the configuration")]
    ScanRoot {
        /// The path as configured.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl ApiError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store { source, .. } => source.code(),
            Self::Random(_) => "randomness-unavailable",
            Self::TokenSelfCheck | Self::Document(_) => "internal-error",
            Self::Listener(_) => "listener-unusable",
            Self::ScanRoot { .. } => "scan-root-unusable",
        }
    }
}
