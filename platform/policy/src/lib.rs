//! Policy as code, without any I/O: files of policies to the configuration of the plugin `palisade.policy`, files of tests to calls
//! of it, and what it answered to what was expected.
//!
//! Whoever reads files and runs the plugin uses it so: [`Source::read`] every file, [`assemble`] the sources, [`Assembled::config`];
//! for tests [`TestFile::read`], [`Case::call`], and [`Case::judge`] of the plugin's [`Answer`]. README.md of `plugins/policy` has the
//! formats.

mod answer;
mod assemble;
mod error;
mod inventory;
mod source;
mod suite;
mod test_file;

pub use answer::{Answer, Told};
pub use assemble::{Assembled, Policy, Problem, assemble};
pub use error::PolicyError;
pub use inventory::inventory;
pub use source::{Content, FILE_BYTES_MAX, Source};
pub use suite::{Assertion, Suite, SuiteCase, SuiteTest};
pub use test_file::{Call, Case, Expect, Expected, JudgedAs, TestFile};
