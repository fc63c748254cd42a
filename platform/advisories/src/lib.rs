//! Published vulnerabilities: reading the feeds, ordering versions, and judging installed packages.
//!
//! Feeds in the OSV form, CISA's catalogue of exploited vulnerabilities and EPSS scores become one immutable, memory-mapped
//! index; packages and a distribution go in and findings come out, each with the sentence that says what was compared.
//! Pure apart from files: no network (the caller hands in a fetch function), no clock (but in [`bench`]), no threads.

pub mod bench;
mod error;
pub mod exploitation;
mod feed;
pub mod index;
mod json;
mod judge;
pub mod library;
pub mod osv;
pub mod version;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod shared;

pub use error::AdvisoryError;
pub use feed::build_index;
pub use index::{BuildReport, Index, IndexInfo, Origin};
pub use judge::{Judgement, judge};
pub use library::{Failure, FeedStatus, ImportReport, Library, Status, UpdateOptions};
