//! The filter language: which detections and incidents something is about.
//!
//! ```text
//! filter  = and *( "or" and )
//! and     = not *( [ "and" ] not )            two terms beside each other are joined by "and"
//! not     = "not" not / "(" filter ")" / term
//! term    = field ":" value                   equal; a bare value may hold `*` for any characters
//!         / field ":" "(" value *( "," value ) ")"    one of these
//!         / field ( "=" / "!=" ) value        the same without, and its opposite
//!         / field ( "<" / "<=" / ">" / ">=" ) value   a number, or a severity word
//! field   = name *( "." name )                letters, digits, `_`, `-`
//! value   = 1*( any but white space, quotes, parentheses, commas ) / quoted
//! ```
//!
//! - Quoted text (`"…"` with `\"` and `\\`) is meant literally, words and `*` too. Case counts, but for `and`, `or`, `not` and severities.
//! - A field is a path into JSON. Of a list any element may fit. `field:*` holds where there is any value but null.
//! - A term about a field that is not there does not hold; so `not field:x` and `field!=x` do.
//! - Nothing is coerced, but that numbers and booleans are compared with what they are written as.
//!
//! A filter has at most [`BYTES_MAX`] bytes, [`TERMS_MAX`] terms and [`DEPTH_MAX`] levels; asking it costs at most [`STEPS_MAX`]
//! steps, whatever the value is. It knows nothing of what the fields mean, so that anything that is JSON can be filtered, and whoever knows
//! them can ask a database instead ([`Filter::root`]).

mod eval;
mod parse;
#[cfg(test)]
mod tests;

use model::Severity;
use thiserror::Error;

/// Longest filter, in bytes: more than a page of text.
pub const BYTES_MAX: usize = 4096;
/// Most terms of a filter.
pub const TERMS_MAX: usize = 128;
/// Most levels of parentheses and `not`.
pub const DEPTH_MAX: usize = 32;
/// Most steps of one question: values that are visited and characters that are compared with `*`.
pub const STEPS_MAX: usize = 200_000;

/// A parsed filter. As a text in every wire form.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

impl Filter {
    /// What it says.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.0
    }
}

/// What holds of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// All of these.
    All(Vec<Node>),
    /// One of these at least.
    Any(Vec<Node>),
    /// Not this.
    Not(Box<Node>),
    /// This.
    Term(Term),
}

/// What holds of a field.
#[derive(Debug, Clone)]
pub struct Term {
    /// Its path.
    pub field: Vec<String>,
    /// What holds of it.
    pub test: Test,
    /// Where it stands in the text, in characters from 1.
    pub at: usize,
}

/// Where it stands says nothing of what it means.
impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field && self.test == other.test
    }
}

/// What holds of the value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// One of these.
    Is(Vec<Pattern>),
    /// Not this.
    IsNot(Pattern),
    /// It stands so to that.
    Compare(Order, Bound),
}

/// A text to be compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// Letter by letter.
    Exact(String),
    /// With `*` for any characters.
    Wild(String),
}

/// How two values stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Less than.
    Less,
    /// At most.
    LessOrEqual,
    /// More than.
    More,
    /// At least.
    MoreOrEqual,
}

/// What a field is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// A number.
    Number(f64),
    /// A severity.
    Severity(Severity),
}

impl serde::Serialize for Filter {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Filter {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterError {
    /// It is none.
    #[error("at character {at} of the filter: {what}")]
    Syntax {
        /// Where, in characters from 1.
        at: usize,
        /// What is wrong there.
        what: String,
    },
    /// It is larger than filters may be.
    #[error("at character {at} of the filter: it has more than {limit} {what}")]
    TooLarge {
        /// Where, in characters from 1.
        at: usize,
        /// How much there may be.
        limit: usize,
        /// Of what there is too much.
        what: &'static str,
    },
    /// The value that it was asked about costs too much.
    #[error("the filter was not answered within {STEPS_MAX} steps; use fewer terms, or fewer asterisks")]
    TooCostly,
}

impl FilterError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "filter-syntax",
            Self::TooLarge { .. } => "filter-too-large",
            Self::TooCostly => "filter-too-costly",
        }
    }

    /// Where it is wrong, in characters from 1; nothing where that is no matter of its text.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        match self {
            Self::Syntax { at, .. } | Self::TooLarge { at, .. } => Some(*at),
            Self::TooCostly => None,
        }
    }
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}
