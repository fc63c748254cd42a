//! Why a playbook cannot be read, and why a run does not go on.

use thiserror::Error;

/// What is wrong with a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlaybookError {
    /// It is no YAML within the budget.
    #[error("the playbook cannot be read: {0}")]
    Yaml(#[from] yaml::YamlError),
    /// It says something that no playbook says, or leaves something out.
    #[error("line {line}: {what}")]
    Invalid {
        /// Line, from 1.
        line: u32,
        /// What is wrong there.
        what: String,
    },
    /// A parameter was given that it does not have, or not as it wants it.
    #[error("parameter {name:?}: {what}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong with it.
        what: String,
    },
}

impl PlaybookError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Yaml(error) => error.code(),
            Self::Invalid { .. } => "playbook-invalid",
            Self::Parameter { .. } => "playbook-parameter",
        }
    }

    pub(crate) fn at(line: u32, what: impl Into<String>) -> Self {
        Self::Invalid { line, what: what.into() }
    }
}

/// Why a run does not go on. What a run cannot do is no error but an entry of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RespondError {
    /// The playbook.
    #[error(transparent)]
    Playbook(#[from] PlaybookError),
    /// The journal.
    #[error(transparent)]
    Book(#[from] BookError),
    /// There is no such run.
    #[error("there is no run {0}")]
    Unknown(String),
    /// The journal says something that cannot be.
    #[error("the journal of run {run} cannot be read at entry {sequence}: {what}")]
    Journal {
        /// The run.
        run: String,
        /// Which entry, from 0.
        sequence: u64,
        /// What is wrong.
        what: String,
    },
    /// A decision that nobody may make.
    #[error("the decision does not count: {0}")]
    Decision(String),
    /// A request that does not fit the state of the run.
    #[error("run {run} is {phase}: {what}")]
    Phase {
        /// The run.
        run: String,
        /// Where it stands.
        phase: &'static str,
        /// Why that does not fit.
        what: &'static str,
    },
}

impl RespondError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Playbook(error) => error.code(),
            Self::Book(error) => error.code(),
            Self::Unknown(_) => "response-run-unknown",
            Self::Journal { .. } => "response-journal-invalid",
            Self::Decision(_) => "response-decision-refused",
            Self::Phase { .. } => "response-phase",
        }
    }
}

/// Why something was not written down. Nothing of it was then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BookError {
    /// Somebody else went on with the run.
    #[error("another process went on with the run; read its journal again")]
    Fenced,
    /// There would be more actions than there may be.
    #[error("the budget allows {max} {what} in {seconds} s, and they were used up")]
    OverBudget {
        /// How many there may be.
        max: u64,
        /// Which ones.
        what: String,
        /// Within how many seconds.
        seconds: i64,
    },
    /// The database.
    #[error("the journal cannot be written: {0}")]
    Unavailable(String),
}

impl BookError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fenced => "response-fenced",
            Self::OverBudget { .. } => "response-over-budget",
            Self::Unavailable(_) => "response-journal-unavailable",
        }
    }
}
