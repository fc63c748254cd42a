//! Why a file cannot be used.

use thiserror::Error;

/// A file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RulesError {
    /// It is larger than a file of rules may be.
    #[error("{path} has {bytes} bytes; a file of rules may have at most {allowed}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: usize,
        /// The largest.
        allowed: usize,
    },
    /// It is not YAML, or too much of it.
    #[error("{path}: {error}")]
    Yaml {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        error: yaml::YamlError,
    },
    /// A document that is no rule.
    #[error("{path} line {line}: it is not a rule: {why}")]
    Rule {
        /// The file.
        path: String,
        /// Where the document begins.
        line: u32,
        /// What is wrong.
        why: String,
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

impl RulesError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "rules-file-too-large",
            Self::Yaml { error, .. } => error.code(),
            Self::Rule { .. } => "rules-document-invalid",
            Self::Tests { .. } => "rules-tests-invalid",
        }
    }
}
