//! What stops a plugin from being made, moved or read. That a policy refuses one is no error but a
//! [`Refusal`](crate::Refusal).

use thiserror::Error;

/// Something about a plugin's distribution that failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DistributionError {
    /// A key that cannot be used.
    #[error("the key cannot be used: {why}")]
    Key {
        /// What is wrong with it. Never any part of the key.
        why: String,
    },
    /// A manifest or component that is no plugin.
    #[error("{what} is not a plugin artifact: {why}")]
    Artifact {
        /// Which part.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Signatures in a form that nobody can read.
    #[error("the signatures of {what} cannot be read: {why}")]
    Signatures {
        /// Of what.
        what: String,
        /// What is wrong with them.
        why: String,
    },
    /// A bundle that is not one.
    #[error("the bundle cannot be used: {why}")]
    Bundle {
        /// What is wrong with it.
        why: String,
    },
    /// A revocation list that cannot be read. Without it nothing is judged.
    #[error("the revocation list cannot be used: {why}")]
    Revocations {
        /// What is wrong with it.
        why: String,
    },
    /// A policy that contradicts itself or names what is not there.
    #[error("the trust policy cannot be used: {why}")]
    Policy {
        /// What is wrong with it.
        why: String,
    },
    /// The registry or the file gave no content, or not the content it promised.
    #[error(transparent)]
    Image(#[from] image::ImageError),
}

impl DistributionError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key { .. } => "plugin-key-invalid",
            Self::Artifact { .. } => "plugin-artifact-invalid",
            Self::Signatures { .. } => "plugin-signatures-unreadable",
            Self::Bundle { .. } => "plugin-bundle-invalid",
            Self::Revocations { .. } => "plugin-revocations-invalid",
            Self::Policy { .. } => "plugin-policy-invalid",
            Self::Image(error) => error.code(),
        }
    }

    pub(crate) fn key(why: impl Into<String>) -> Self {
        Self::Key { why: why.into() }
    }

    pub(crate) fn artifact(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Artifact { what: what.into(), why: why.into() }
    }

    pub(crate) fn bundle(why: impl Into<String>) -> Self {
        Self::Bundle { why: why.into() }
    }
}

/// A stranger's text for a message: what moves a cursor or turns text around is escaped, and it is cut to 200
/// characters.
pub(crate) fn shown(text: &str) -> String {
    let escaped = |letter: char| match letter {
        '\'' | '"' | '\\' => letter.to_string(),
        other => other.escape_debug().to_string(),
    };
    text.chars().take(200).map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn words_of_strangers_stay_words() {
        assert_eq!(shown("it's \"größe\" 漢字"), "it's \"größe\" 漢字");
        assert_eq!(shown("a\u{1b}[2J\u{202e}\n\u{200b}"), "a\\u{1b}[2J\\u{202e}\\n\\u{200b}");
        assert_eq!(shown(&"x".repeat(1000)).len(), 200);
    }
}
