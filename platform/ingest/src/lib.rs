//! Foreign formats, in and out: bills of materials (CycloneDX, SPDX), package URLs, SARIF reports, runtime events
//! ([`runtime`]), and stored findings ([`export`]).
//!
//! Pure decoding and encoding: bytes in, words of the model out, and back. No file, network or clock is touched here; a
//! time that should stand in a document is handed in, and without one the same report always gives the same bytes.
//!
//! Documents that come in are hostile until read: every list is bounded ([`limits`]), no document can make a reader
//! recurse or allocate more than a small multiple of its own size, and what could not be understood becomes a coverage
//! gap in [`Bom::gaps`] instead of vanishing. What is read from a document of our own is exactly what was written into it.

mod assemble;
pub mod cyclonedx;
mod distribution;
mod error;
pub mod export;
mod licence;
pub mod limits;
pub mod purl;
pub mod runtime;
pub mod sarif;
mod serial;
pub mod spdx;

use model::{Gap, OperatingSystem, Package};
use serde::Deserialize;

pub use error::IngestError;

/// What a bill of materials says is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bom {
    /// Format and version of the document, such as `CycloneDX 1.6`.
    pub format: String,
    /// The distribution, where the document names one or its package URLs agree on one.
    pub os: Option<OperatingSystem>,
    /// Sorted by the order of [`Package`]; the same package stated twice is one, with the evidence of both.
    pub packages: Vec<Package>,
    /// What the document says but nobody here could use, and the gaps that its author declared; sorted.
    pub gaps: Vec<Gap>,
}

/// Reads a bill of materials in whichever format it declares itself to be.
///
/// # Errors
/// [`IngestError::UnknownFormat`] when it declares none that is read here; otherwise as [`cyclonedx::read`] and
/// [`spdx::read`].
pub fn read(document: &[u8]) -> Result<Bom, IngestError> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "bomFormat")]
        bom_format: Option<serde::de::IgnoredAny>,
        #[serde(rename = "spdxVersion")]
        spdx_version: Option<serde::de::IgnoredAny>,
        #[serde(rename = "@context")]
        context: Option<serde::de::IgnoredAny>,
    }
    let head: Head = json::document(document, "bill of materials")?;
    if head.bom_format.is_some() {
        cyclonedx::read(document)
    } else if head.spdx_version.is_some() {
        spdx::read(document)
    } else if head.context.is_some() {
        Err(IngestError::Version { format: "SPDX", found: "3 (JSON-LD)".into(), supported: "2.2 and 2.3" })
    } else {
        Err(IngestError::UnknownFormat)
    }
}

/// The first step of every reader: size, encoding, outer shape.
mod json {
    use serde::de::DeserializeOwned;

    use crate::{IngestError, limits};

    pub(crate) fn check_size(bytes: &[u8]) -> Result<(), IngestError> {
        if bytes.len() > limits::DOCUMENT_BYTES {
            return Err(IngestError::TooLarge { bytes: bytes.len(), limit: limits::DOCUMENT_BYTES });
        }
        Ok(())
    }

    pub(crate) fn document<T: DeserializeOwned>(
        bytes: &[u8],
        format: &'static str,
    ) -> Result<T, IngestError> {
        check_size(bytes)?;
        serde_json::from_slice(strip_mark(bytes)).map_err(|source| IngestError::Json { format, source })
    }

    /// Without the UTF-8 byte order mark that some Windows tools put in front of JSON.
    pub(crate) fn strip_mark(bytes: &[u8]) -> &[u8] {
        bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
    }
}
