//! What can go wrong with advisory data, one variant per operation.

use std::path::PathBuf;

use thiserror::Error;

/// An operation on advisory data failed.
#[derive(Debug, Error)]
pub enum AdvisoryError {
    /// A file or folder could not be read.
    #[error("cannot read {path}; check that it exists and may be read")]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {path}; check free space and permissions")]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The input is none of the forms that can be imported.
    #[error(
        "{path} is no advisory feed: {reason}; give a folder or zip of OSV records, a KEV file or an EPSS file"
    )]
    Unsupported {
        /// The input.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
    /// A feed contradicts its own form or exceeds a bound.
    #[error("the feed {feed} is broken: {reason}; fetch it again or leave it out")]
    BrokenFeed {
        /// File or address.
        feed: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The inputs hold no usable record at all.
    #[error("no usable advisory record in {feed}; {skipped} were skipped, the first because {first}")]
    NothingUsable {
        /// Inputs, joined by commas.
        feed: String,
        /// Records that were read but not used.
        skipped: u64,
        /// Reason of the first.
        first: String,
    },
    /// More data than the index form can address.
    #[error("the {what} of the index would exceed {limit}; import fewer ecosystems")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// The bound, for people.
        limit: &'static str,
    },
    /// The file is no index of this version.
    #[error("{path} is not an advisory index that this version reads ({reason}); import the feeds again")]
    IndexForm {
        /// The file.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
    /// The index contradicts itself.
    #[error("the advisory index is damaged ({what}); import the feeds again")]
    IndexDamaged {
        /// Which part.
        what: &'static str,
    },
    /// A remote file could not be fetched.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// Its address.
        url: String,
        /// Why not, in the words of the client.
        reason: String,
    },
    /// Not one of the feeds of an update could be used.
    #[error("none of the {feeds} feeds could be updated; {first}")]
    UpdateFailed {
        /// Feeds that were asked for.
        feeds: usize,
        /// What went wrong with the first, with its name.
        first: String,
    },
    /// The data directory's own record of its advisories cannot be read.
    #[error("the state file {path} is damaged: {reason}; remove it and import the feeds again")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another process is changing the same data directory.
    #[error("another process is importing advisories into {path}; wait for it to finish")]
    Busy {
        /// The data directory.
        path: PathBuf,
    },
}

impl AdvisoryError {
    /// Stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "advisory-read-failed",
            Self::Write { .. } => "advisory-write-failed",
            Self::Unsupported { .. } => "advisory-input-unsupported",
            Self::BrokenFeed { .. } => "advisory-feed-broken",
            Self::NothingUsable { .. } => "advisory-feed-empty",
            Self::TooLarge { .. } => "advisory-index-too-large",
            Self::IndexForm { .. } => "advisory-index-form",
            Self::IndexDamaged { .. } => "advisory-index-damaged",
            Self::Fetch { .. } => "advisory-fetch-failed",
            Self::UpdateFailed { .. } => "advisory-update-failed",
            Self::State { .. } => "advisory-state-damaged",
            Self::Busy { .. } => "advisory-import-busy",
        }
    }
}
