//! Why a stream was not read to its end.

use thiserror::Error;

/// Longest text of the parser that an error repeats, in bytes.
const SHOWN_MAX: usize = 160;

/// What is wrong with a stream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum YamlError {
    /// It is no text that YAML allows.
    #[error("line {line}: {what}; YAML is read as UTF-8 text")]
    Encoding {
        /// Line, from 1.
        line: u32,
        /// What stands there.
        what: String,
    },
    /// It is no YAML, or none that is a JSON value.
    #[error("line {line}: {what}")]
    Syntax {
        /// Line, from 1.
        line: u32,
        /// What is wrong, escaped and cut.
        what: String,
    },
    /// It would cost more than it may.
    #[error("line {line}: more than {limit} {what}, with what aliases copy; nothing from there on was read")]
    Budget {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
        /// Line, from 1.
        line: u32,
    },
}

impl YamlError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Encoding { .. } => "yaml-encoding",
            Self::Syntax { .. } => "yaml-syntax",
            Self::Budget { .. } => "yaml-budget",
        }
    }

    /// Line of the first thing that is wrong, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        match self {
            Self::Encoding { line, .. } | Self::Syntax { line, .. } | Self::Budget { line, .. } => *line,
        }
    }

    pub(crate) fn syntax(line: u32, what: &str) -> Self {
        let cut = what.get(..what.floor_char_boundary(SHOWN_MAX)).unwrap_or_default();
        Self::Syntax { line, what: cut.escape_debug().to_string() }
    }
}
