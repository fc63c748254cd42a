//! What can go wrong with a signature.

use thiserror::Error;

/// A request that could not be signed. No message has a part of the credentials in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The file of credentials has none.
    #[error("the AWS credentials cannot be used: {why}")]
    Credentials {
        /// What is wrong with them.
        why: &'static str,
    },
    /// The scope is none.
    #[error("{text:?} is not a scope: write REGION/SERVICE, such as eu-west-1/ec2")]
    Scope {
        /// The text, cut to 100 characters.
        text: String,
    },
    /// The URL cannot be signed.
    #[error("the URL cannot be signed: it is not absolute or names no host")]
    Url,
    /// The clock stands where no calendar is.
    #[error("{seconds} seconds since 1970 is no time; set the clock of this machine")]
    Time {
        /// The time.
        seconds: i64,
    },
}

impl SignError {
    /// Stable code, for programs and for the pages of `platform/error-codes`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Credentials { .. } => "aws-credentials-invalid",
            Self::Scope { .. } => "aws-scope-invalid",
            Self::Url => "aws-url-invalid",
            Self::Time { .. } => "aws-time-invalid",
        }
    }
}
