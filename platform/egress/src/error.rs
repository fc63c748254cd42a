//! What can go wrong on the way out.

use thiserror::Error;

/// A request that brought no response.
///
/// The message of [`Blocked`](Self::Blocked), [`Timeout`](Self::Timeout) and [`Failed`](Self::Failed) is the same on
/// purpose: whoever named the URL must not learn from it what stands in our network. Operators read
/// [`code`](Self::code) and [`detail`](Self::detail).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EgressError {
    /// The text is not a URL that may be asked for.
    #[error("{url:?} is not a URL to ask for: {why}")]
    Url {
        /// The text, cut to 200 characters.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The text is not an allow rule.
    #[error("{rule:?} is not an allow rule: write host, host:port or address/bits")]
    Rule {
        /// The text, cut to 200 characters.
        rule: String,
    },
    /// A header that cannot be sent.
    #[error("the header {name:?} cannot be sent: its name or value has characters that HTTP forbids")]
    Header {
        /// Name of the header.
        name: String,
    },
    /// The guard refused the target.
    #[error("cannot reach {target}")]
    Blocked {
        /// Scheme, host and port.
        target: String,
        /// Which rule refused it, for operators.
        reason: String,
    },
    /// A time limit ran out.
    #[error("cannot reach {target}")]
    Timeout {
        /// Scheme, host and port.
        target: String,
        /// Which limit, for operators.
        phase: String,
    },
    /// The network, TLS or the other side failed.
    #[error("cannot reach {target}")]
    Failed {
        /// Scheme, host and port.
        target: String,
        /// What failed, for operators; never any part of a response.
        reason: String,
    },
    /// More redirects than the policy follows, or one that leads nowhere.
    #[error("{target} redirects without end or to nowhere ({hops} followed)")]
    Redirects {
        /// Scheme, host and port of the last hop.
        target: String,
        /// Hops made.
        hops: u32,
    },
    /// An extra certificate authority cannot be read.
    #[error("an extra certificate authority cannot be read: it must be PEM")]
    Roots,
}

impl EgressError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "egress-url-invalid",
            Self::Rule { .. } => "egress-rule-invalid",
            Self::Header { .. } => "egress-header-invalid",
            Self::Blocked { .. } => "egress-blocked",
            Self::Timeout { .. } => "egress-timeout",
            Self::Failed { .. } => "egress-failed",
            Self::Redirects { .. } => "egress-redirects",
            Self::Roots => "egress-roots-invalid",
        }
    }

    /// What an operator needs to know beyond the message: the rule that refused, the limit that ran out.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Blocked { reason, .. } | Self::Failed { reason, .. } => Some(reason),
            Self::Timeout { phase, .. } => Some(phase),
            _ => None,
        }
    }

    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn passing(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Failed { .. })
    }
}
