//! The advisory index: one immutable file that is built once, then mapped by any number of readers.
//!
//! Why a form of its own: opening must cost nothing (no decoding, no database, no lock), a look-up must touch a few cache lines,
//! and a damaged file must give an error instead of a wrong verdict or a crash. See [`format`] for the layout.

pub(crate) mod aliases;
pub(crate) mod builder;
pub(crate) mod format;
pub(crate) mod mapping;
pub(crate) mod reader;
pub(crate) mod text;

pub(crate) use builder::moment;
pub use builder::{BuildReport, Builder, Origin, Skipped};
pub use reader::{Class, Entries, Entry, EventKind, Index, IndexInfo, RecordView, Texts};
