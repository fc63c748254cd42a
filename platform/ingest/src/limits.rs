//! The bounds of every reader. A bound on the document is an error; a bound within it is a coverage gap.

/// Largest document, in bytes. The largest bills of materials that common tools write for real images are near 100 MB,
/// nearly all of it file lists that are skipped while reading.
pub const DOCUMENT_BYTES: usize = 256 << 20;

/// Most components of one document. Large application images hold some ten thousand.
pub const COMPONENTS: usize = 500_000;

/// Deepest nesting of components in components. Tools that nest at all use two or three levels.
pub const COMPONENT_DEPTH: usize = 16;

/// Largest list of properties, licences or references of one component, in bytes of JSON.
pub const COMPONENT_PART_BYTES: usize = 1 << 20;

/// Longest package URL, name, version, licence or path, in bytes.
pub const TEXT_BYTES: usize = 4096;

/// Most places of evidence taken over for one foreign component; our own documents are read whole, up to
/// [`COMPONENT_PART_BYTES`].
pub const FOREIGN_EVIDENCE: usize = 16;

/// Most gaps taken over from a document's own coverage statement.
pub const DECLARED_GAPS: usize = 10_000;

/// Largest list of properties, annotations or licence texts of a whole document, in bytes of JSON.
pub const DOCUMENT_PART_BYTES: usize = 16 << 20;
