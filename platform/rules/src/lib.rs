//! Rules over run-time events, without any I/O: files of rules to the configuration of the plugin that evaluates them, files of tests to
//! events, and what the plugin told to what was expected.
//!
//! Whoever reads files and runs the plugin uses it so: [`sigma::read`] every file, [`sigma::config`], or [`falco::rules`]; for tests [`TestFile::read`],
//! [`Case::events`], and [`Case::judge`] of the names of the rules that the plugin told of. README.md of `plugins/sigma` has the formats.

mod error;
pub mod falco;
pub mod sigma;
mod test_file;

pub use error::RulesError;
pub use test_file::{Case, TestEvent, TestFile};

/// Largest file of rules or tests, in bytes.
pub const FILE_BYTES_MAX: usize = 8 << 20;

/// What a file may hold: a pack of thousands of rules, but no bomb of aliases.
fn budget() -> yaml::Budget {
    yaml::Budget { bytes: FILE_BYTES_MAX, documents: 10_000, nodes: 1_000_000, ..yaml::Budget::default() }
}
