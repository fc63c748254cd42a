//! What is wrong with evidence, an exception or a pack.

use thiserror::Error;

/// Why evidence cannot be written, or must not be believed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A record that is not in the form that this version writes.
    #[error("record {sequence} is not a record of evidence: {why}")]
    Record {
        /// Its place in the chain, where the first one has 0.
        sequence: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A record that does not follow the one before it.
    #[error("the chain of evidence is broken at record {sequence}: {why}")]
    Chain {
        /// The first record that does not fit.
        sequence: u64,
        /// What does not fit.
        why: String,
    },
    /// Records in order, but not those that the head stands for: some are missing at the end, or too many.
    #[error("the chain of evidence ends after {records} records at {found}, and its head is {expected}")]
    Head {
        /// Records that were read.
        records: u64,
        /// Hash of the last of them.
        found: String,
        /// The head that was expected.
        expected: String,
    },
    /// A file that is no pack, or one with bytes in it that no pack has.
    #[error("the file is not an evidence pack as this version writes it: {why}")]
    Form {
        /// Where and what.
        why: String,
    },
    /// A name that must not be in a pack.
    #[error("the pack has a member named {name:?}, which no pack has")]
    Path {
        /// The name, escaped and cut.
        name: String,
    },
    /// A member that is there twice.
    #[error("the pack has the member {name:?} twice")]
    Duplicate {
        /// The name, escaped and cut.
        name: String,
    },
    /// A member of which the manifest knows nothing, or at a place that is another's.
    #[error("the pack has the member {name:?}, where its manifest has {expected}")]
    Unlisted {
        /// The name, escaped and cut.
        name: String,
        /// What belongs there.
        expected: String,
    },
    /// A pack that ends too early.
    #[error("the pack ends in the middle: {why}")]
    Truncated {
        /// What is missing.
        why: String,
    },
    /// More than a pack may have.
    #[error("the pack is too large: {why}")]
    TooLarge {
        /// What is too large, and the limit.
        why: String,
    },
    /// A manifest that cannot be read.
    #[error("the manifest of the pack cannot be used: {why}")]
    Manifest {
        /// What is wrong with it.
        why: String,
    },
    /// A member that is not what the manifest says.
    #[error("the member {name} is not the one that was signed: it has {found}, and the manifest {expected}")]
    Member {
        /// Its name.
        name: String,
        /// Hash or size of what is there.
        found: String,
        /// Hash or size by the manifest.
        expected: String,
    },
    /// A pack that nobody signed.
    #[error("the pack has no signature: {why}")]
    Unsigned {
        /// What is missing.
        why: String,
    },
    /// A signature that is not of this manifest by the key beside it.
    #[error("a signature of the pack is wrong: {why}")]
    Signature {
        /// Which, and how.
        why: String,
    },
    /// Signatures that hold, by keys that were not asked for.
    #[error("the pack is signed by {signers}, and by no key that is trusted here")]
    Signer {
        /// Ids of the keys that signed.
        signers: String,
    },
    /// A key that does not sign.
    #[error(transparent)]
    Key(#[from] distribution::DistributionError),
    /// An exception that nobody may rely on.
    #[error("the exception {id:?} is refused: {why}")]
    Exception {
        /// Its id.
        id: String,
        /// What is missing or contradicts itself.
        why: String,
    },
    /// Data that cannot become evidence.
    #[error("the assessment cannot be put into evidence: {why}")]
    Assessment {
        /// What is wrong with it.
        why: String,
    },
    /// A report that could not be laid out.
    #[error("the report cannot be made: {why}")]
    Report {
        /// What failed.
        why: String,
    },
    /// The file gave no bytes.
    #[error("the pack cannot be read: {0}")]
    Read(std::io::Error),
    /// The file took no bytes.
    #[error("the pack cannot be written: {0}")]
    Write(std::io::Error),
}

impl EvidenceError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Record { .. } => "evidence-record-invalid",
            Self::Chain { .. } => "evidence-chain-broken",
            Self::Head { .. } => "evidence-chain-cut",
            Self::Form { .. } => "evidence-pack-form",
            Self::Path { .. } => "evidence-pack-path",
            Self::Duplicate { .. } => "evidence-pack-duplicate",
            Self::Unlisted { .. } => "evidence-pack-unlisted",
            Self::Truncated { .. } => "evidence-pack-truncated",
            Self::TooLarge { .. } => "evidence-pack-too-large",
            Self::Manifest { .. } => "evidence-pack-manifest",
            Self::Member { .. } => "evidence-pack-member",
            Self::Unsigned { .. } => "evidence-pack-unsigned",
            Self::Signature { .. } => "evidence-signature-invalid",
            Self::Signer { .. } => "evidence-signer-unknown",
            Self::Key(error) => error.code(),
            Self::Exception { .. } => "evidence-exception-refused",
            Self::Assessment { .. } => "evidence-assessment-invalid",
            Self::Report { .. } => "evidence-report-failed",
            Self::Read(_) => "evidence-read-failed",
            Self::Write(_) => "evidence-write-failed",
        }
    }

    pub(crate) fn form(why: impl Into<String>) -> Self {
        Self::Form { why: why.into() }
    }

    pub(crate) fn manifest(why: impl Into<String>) -> Self {
        Self::Manifest { why: why.into() }
    }

    pub(crate) fn assessment(why: impl Into<String>) -> Self {
        Self::Assessment { why: why.into() }
    }
}

/// A stranger's text for a message: escaped, and cut to 200 characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}
