//! Why a file cannot be used.

use thiserror::Error;

/// A file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is larger than a file of policies may be.
    #[error("{path} has {bytes} bytes; a file of policies may have at most {allowed}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: usize,
        /// The largest.
        allowed: usize,
    },
    /// It is not UTF-8.
    #[error("{path} is not UTF-8 text")]
    NotText {
        /// The file.
        path: String,
    },
    /// It is not YAML, or too much of it.
    #[error("{path}: {error}")]
    Yaml {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        error: yaml::YamlError,
    },
    /// A file of tests that is not one.
    #[error("{path} line {line}: it is not a file of tests: {why}")]
    Tests {
        /// The file.
        path: String,
        /// Where the document begins.
        line: u32,
        /// What is wrong.
        why: String,
    },
}

impl PolicyError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "policy-file-too-large",
            Self::NotText { .. } => "policy-file-not-text",
            Self::Yaml { error, .. } => error.code(),
            Self::Tests { .. } => "policy-tests-invalid",
        }
    }
}
