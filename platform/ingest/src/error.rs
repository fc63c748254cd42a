//! Why a document was refused as a whole.

use thiserror::Error;

/// A document, or a part of one, that cannot be read. What can be skipped is a gap instead.
#[derive(Debug, Error)]
pub enum IngestError {
    /// Larger than [`crate::limits::DOCUMENT_BYTES`].
    #[error(
        "the document has {bytes} bytes; at most {limit} are read; split it, or leave out its file lists"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// Not JSON, cut off, or not shaped as its format asks.
    #[error("the {format} document is not readable JSON of that shape; export it again as JSON")]
    Json {
        /// What it was read as.
        format: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// Neither CycloneDX nor SPDX.
    #[error(
        "the document declares no known format; expected JSON with `bomFormat` (CycloneDX) or `spdxVersion` (SPDX)"
    )]
    UnknownFormat,
    /// A version of the format that is not read here.
    #[error("{format} {found:?} is not read; supported: {supported}")]
    Version {
        /// The format.
        format: &'static str,
        /// What the document says, shortened.
        found: String,
        /// What is read.
        supported: &'static str,
    },
    /// Not a package URL.
    #[error("{purl:?} is not a package URL: {reason}")]
    Purl {
        /// The text, shortened.
        purl: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl IngestError {
    /// The stable code; `platform/error-codes/` has a page for each.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "document-too-large",
            Self::Json { .. } => "document-malformed",
            Self::UnknownFormat => "document-format-unknown",
            Self::Version { .. } => "document-version-unsupported",
            Self::Purl { .. } => "purl-malformed",
        }
    }
}
