//! Why a file was refused as a whole. What can be skipped is a gap instead.

use thiserror::Error;

use crate::Format;

/// A report that cannot be read.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// Larger than [`crate::limits::FILE_BYTES`].
    #[error("the report has {bytes} bytes; at most {limit} are read; split it by target")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// More parts than are read of one file.
    #[error("the report has more than {limit} {what}; split it by target")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// Not JSON, or cut off.
    #[error("the report is not readable JSON; export it again as JSON in UTF-8, into a file")]
    Json(#[from] serde_json::Error),
    /// No format has this name.
    #[error("no format is called {name:?}; there are {known}")]
    FormatName {
        /// The name, shortened.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// None of the formats, by its content.
    #[error("the report is of no known format; say which it is, or export it as one of {known}")]
    FormatUnknown {
        /// The names that there are.
        known: String,
    },
    /// Another format than was said.
    #[error(
        "the report was said to be {claimed}, and is {found}; say the format that it has, or none",
        found = found_name(.found)
    )]
    FormatMismatch {
        /// What was said.
        claimed: Format,
        /// What the content tells; nothing where it tells none.
        found: Option<Format>,
    },
    /// A version of the format that is not read here.
    #[error("{format} {found:?} is not read; supported: {supported}; export it again in one of these")]
    Version {
        /// The format.
        format: Format,
        /// What the file says, shortened.
        found: String,
        /// What is read.
        supported: &'static str,
    },
    /// A part that everything else hangs on is not there, or not of its kind.
    #[error("the {format} report has no usable {pointer}: {reason}; export it again")]
    Shape {
        /// The format.
        format: Format,
        /// JSON pointer of the part.
        pointer: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It has results, and not one of them can be used.
    #[error(
        "none of the {skipped} results of the {format} report can be used; the first is {pointer}: {reason}"
    )]
    NothingUsable {
        /// The format.
        format: Format,
        /// How many.
        skipped: u64,
        /// JSON pointer of the first.
        pointer: String,
        /// What is wrong with the first.
        reason: String,
    },
}

fn found_name(found: &Option<Format>) -> &'static str {
    found.map_or("none that is known", Format::as_str)
}

impl ExchangeError {
    /// The stable code; `platform/error-codes/` has a page for each.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "exchange-too-large",
            Self::TooMany { .. } => "exchange-too-many",
            Self::Json(_) => "exchange-malformed",
            Self::FormatName { .. } => "exchange-format-name",
            Self::FormatUnknown { .. } => "exchange-format-unknown",
            Self::FormatMismatch { .. } => "exchange-format-mismatch",
            Self::Version { .. } => "exchange-version-unsupported",
            Self::Shape { .. } => "exchange-shape",
            Self::NothingUsable { .. } => "exchange-nothing-usable",
        }
    }
}
