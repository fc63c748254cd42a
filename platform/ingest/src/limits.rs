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

/// Largest batch of runtime events, in bytes. API servers send at most 10 MiB by their defaults.
pub const EVENT_BATCH_BYTES: usize = 15 << 20;

/// Most elements of one batch. A batch of the largest size has as many when each has 150 bytes, fewer than any real event.
pub const EVENTS: usize = 100_000;

/// Largest single event, in bytes. API servers cut an event at 100 KiB where they are told to.
pub const EVENT_BYTES: usize = 1 << 20;

/// Deepest nesting of a batch. Common readers stop at 128, and must be able to read the event inside another object.
pub const EVENT_DEPTH: usize = 100;

/// Longest text of a normalised event, in bytes; what is longer is cut and ends with [`CUT_MARK`]. `raw` has it whole.
pub const EVENT_TEXT_BYTES: usize = 4096;

/// What stands where a text was cut.
pub const CUT_MARK: &str = "…";

/// Most entries of a list of a normalised event, such as groups or resources.
pub const EVENT_LIST: usize = 64;

/// Longest value of a join key, and longest id that is taken over from a source, in bytes.
pub const EVENT_KEY_BYTES: usize = 512;

/// Most problems of one batch that are told one by one; the others are counted.
pub const EVENT_PROBLEMS: usize = 1_000;

/// Nanoseconds that an event may lie ahead of the receiver's clock before it counts as skewed.
pub const SKEW_AHEAD_NS: u64 = 600 * 1_000_000_000;

/// Nanoseconds that an event may lie behind it. Outboxes that held events for a week over a broken line are no skew.
pub const SKEW_BEHIND_NS: u64 = 30 * 86_400 * 1_000_000_000;

/// How many times its own size a body may cost by parts that are repeated in every event of it, besides [`REPEATED_BYTES`].
pub const REPEATED_TIMES: usize = 16;

/// What any body may cost by repeated parts, in bytes.
pub const REPEATED_BYTES: usize = 1 << 20;
