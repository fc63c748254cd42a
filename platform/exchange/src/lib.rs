//! Reports of other tools in; CycloneDX VEX out, which is read again with the same keys.
//!
//! Pure by rule: no I/O, no async, no clock. The same bytes always give the same
//! targets and findings, in the same order and with the same keys.
//!
//! A report is a stranger's: its texts are bounded and cleaned of what would change how they are shown, its secrets
//! stay in the reader, and what cannot be used becomes a [`model::Gap`] with a JSON pointer, never silence.

mod draft;
mod error;
mod format;
mod import;
pub mod limits;
mod purl;
mod read;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod write;

pub use error::ExchangeError;
pub use format::Format;
pub use import::{Imported, Target, TargetKind, Tool};
pub use read::read;
pub use write::{Asset, Bom, Exported, Heading, State};
