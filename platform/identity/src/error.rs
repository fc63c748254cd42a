use egress::EgressError;
use thiserror::Error;

/// Why somebody was not signed in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The provider cannot be reached.
    #[error("the identity provider cannot be asked for {what}: {source}")]
    Unreachable {
        /// What was asked for.
        what: &'static str,
        /// Why.
        source: EgressError,
    },
    /// The provider could not be asked a moment ago, and is left alone for some seconds.
    #[error("the identity provider could not be asked a moment ago; it is asked again in some seconds")]
    Resting,
    /// What the provider answered is not what the standard asks for, or not what it should be here.
    #[error("the identity provider's {what} is of no use: {why}")]
    Answer {
        /// What was asked for.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The token that says who somebody is cannot be believed.
    #[error("the identity provider's token is not believed: {why}")]
    Token {
        /// What is wrong with it.
        why: String,
    },
    /// The settings cannot work.
    #[error("the sign-in is not set up: {setting} {why}")]
    Settings {
        /// Which.
        setting: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The operating system has no randomness.
    #[error("the operating system has no randomness: {0}")]
    Random(getrandom::Error),
}

impl IdentityError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } | Self::Resting => "identity-provider-unreachable",
            Self::Answer { .. } => "identity-provider-answer",
            Self::Token { .. } => "identity-token-refused",
            Self::Settings { .. } => "identity-settings-invalid",
            Self::Random(_) => "identity-no-randomness",
        }
    }
}
