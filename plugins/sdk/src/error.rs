//! What can go wrong: for a part of the input, for a call to the platform, for a call as a whole.

use std::fmt;
use std::time::Duration;

use crate::Error;

/// A part of the input could not be understood; the text is for the person who has to look into it. It costs that part alone
/// and becomes a gap in the coverage statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl<T: Into<String>> From<T> for Unreadable {
    fn from(message: T) -> Self {
        Self(message.into())
    }
}

impl From<HostError> for Unreadable {
    fn from(error: HostError) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a call to the platform did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// The operator has not granted it; the text names the capability.
    Denied(String),
    /// A limit of this call is used up; the text names the limit. Answer with what there is: a plugin that goes on asking
    /// is stopped.
    Limit(String),
    /// The argument is not usable; the text says why.
    Invalid(String),
    /// The thing asked for does not exist.
    NotFound,
    /// It failed outside; trying again later may help.
    Unavailable(String),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(what) => write!(f, "not granted: {what}"),
            Self::Limit(what) => write!(f, "limit used up: {what}"),
            Self::Invalid(what) => write!(f, "refused: {what}"),
            Self::NotFound => f.write_str("it does not exist"),
            Self::Unavailable(what) => write!(f, "unavailable: {what}"),
        }
    }
}

impl std::error::Error for HostError {}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        Self::Host(error.to_string())
    }
}

impl From<Unreadable> for Error {
    fn from(problem: Unreadable) -> Self {
        Self::InvalidInput(problem.0)
    }
}

impl Error {
    /// Asks for the same call again, not before this time has passed.
    #[must_use]
    pub fn retry_after(pause: Duration) -> Self {
        Self::RetryAfter(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(target_arch = "wasm32")]
impl From<crate::bindings::palisade::host::errors::HostError> for HostError {
    fn from(error: crate::bindings::palisade::host::errors::HostError) -> Self {
        use crate::bindings::palisade::host::errors::HostError as Bound;
        match error {
            Bound::Denied(what) => Self::Denied(what),
            Bound::Limit(what) => Self::Limit(what),
            Bound::Invalid(what) => Self::Invalid(what),
            Bound::NotFound => Self::NotFound,
            Bound::Unavailable(what) => Self::Unavailable(what),
        }
    }
}
