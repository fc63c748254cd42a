//! Answers that may be unknown.

use serde::Serialize;

/// Whether something holds. Sorted: what holds is last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Truth {
    No,
    /// That depends on something that was not collected.
    Maybe,
    Yes,
}

impl Truth {
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }

    /// Never surer than this.
    pub(crate) fn at_most(self, other: Self) -> Self {
        self.min(other)
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountDecision))]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The policies that were collected allow it.
    Allowed,
    /// They may: that depends on a condition, or on a policy that was not collected.
    Possible,
    /// A statement denies it, or none allows it.
    Denied,
}

/// A decision of what allows and what denies: an explicit deny always wins.
pub(crate) fn decide(allow: Truth, deny: Truth) -> Decision {
    match (allow, deny) {
        (Truth::No, _) | (_, Truth::Yes) => Decision::Denied,
        (Truth::Yes, Truth::No) => Decision::Allowed,
        _ => Decision::Possible,
    }
}
