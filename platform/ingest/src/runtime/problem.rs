//! What is wrong with an element of a batch, or with the batch.

use model::event::Text;

use super::reader::{Fault, Why};

/// An element that gave no event, or the end of what could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The element's number in the body, from 0.
    pub index: usize,
    /// What sort of problem.
    pub code: ProblemCode,
    /// What is wrong, for people; in words of this product, never of the element.
    pub detail: String,
}

/// What sort of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemCode {
    /// The element is not JSON, nor could it be made so.
    Malformed,
    /// A member that its format always has is missing.
    Incomplete,
    /// It is of a kind that this format has, or could have, and that is not read here.
    Unsupported,
    /// Nested deeper than [`crate::limits::EVENT_DEPTH`].
    TooDeep,
    /// Larger than [`crate::limits::EVENT_BYTES`].
    TooLarge,
    /// The rest of the body cannot be told apart into elements.
    BatchCut,
    /// The body is larger than [`crate::limits::EVENT_BATCH_BYTES`].
    BatchTooLarge,
    /// The body has more than [`crate::limits::EVENTS`] elements; those behind were not read.
    BatchTooLong,
}

impl ProblemCode {
    /// The stable code; `platform/error-codes/` has a page for each.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "event-malformed",
            Self::Incomplete => "event-incomplete",
            Self::Unsupported => "event-unsupported",
            Self::TooDeep => "event-too-deep",
            Self::TooLarge => "event-too-large",
            Self::BatchCut => "event-batch-cut",
            Self::BatchTooLarge => "event-batch-too-large",
            Self::BatchTooLong => "event-batch-too-long",
        }
    }

    /// Whether more than one element is concerned.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::BatchCut | Self::BatchTooLarge | Self::BatchTooLong)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "element {}: {} ({})", self.index, self.detail, self.code.code())
    }
}

impl Problem {
    pub(super) fn new(index: usize, code: ProblemCode, detail: impl Into<Text<'static>>) -> Self {
        Self { index, code, detail: detail.into().into_owned() }
    }

    pub(super) fn of(index: usize, fault: Fault, from: usize) -> Self {
        let code = if fault.why == Why::Deep { ProblemCode::TooDeep } else { ProblemCode::Malformed };
        Self::new(
            index,
            code,
            format!("{}, {} bytes into it", fault.why.as_str(), fault.at.saturating_sub(from)),
        )
    }
}
