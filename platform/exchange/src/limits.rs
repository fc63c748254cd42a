//! The bounds of every reader. A bound on the file is an error; a bound within it is a gap.

/// Largest file, in bytes. Reports of whole accounts have some ten megabytes.
pub const FILE_BYTES: usize = 64 << 20;

/// Most JSON objects of a file. An object takes about 700 bytes of memory however short its text is.
pub const OBJECTS: usize = 1_000_000;

/// Most JSON values of a file, as counted by their commas and brackets.
pub const VALUES: usize = 8_000_000;

/// Most findings of a file.
pub const FINDINGS: usize = 100_000;

/// Most bytes of the texts of all results. One text of a file may stand in many results: a rule's in each of its own.
pub const RESULT_BYTES: usize = 256 << 20;

/// Most gaps that are told one by one; the others are counted.
pub const GAPS: usize = 1_000;

/// Longest title, name or reason, in characters.
pub const TITLE_CHARS: usize = 300;

/// Longest description, in bytes; the bound that plugins have.
pub const BODY_BYTES: usize = 64 << 10;

/// Longest rule, id or word that others are found by, in bytes. The store takes keys of 1,024.
pub const ID_BYTES: usize = 512;

/// Longest path, package URL, version or link, in bytes.
pub const TEXT_BYTES: usize = 4_096;

/// Most places, ids, links, ratings or versions of one finding.
pub const LIST: usize = 100;
