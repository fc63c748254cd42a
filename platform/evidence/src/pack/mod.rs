//! Evidence packs: everything that an audit of a period needs in one file that proves itself, without this platform and without a network.
//!
//! A pack is a tar archive (POSIX ustar) of plain files, without times and owners, with nothing after its two blocks of zeros:
//!
//! | member | what it is |
//! |---|---|
//! | `manifest.json` | [`Manifest`]: period, scope, producer, chain, size and SHA-256 of every member below the second, ids of the keys that sign |
//! | `signatures.json` | one signature of the manifest for each of these keys, with the key |
//! | `index.html` | the report for people, with trend; complete in itself |
//! | `inputs.json` | hashes of all raw inputs |
//! | `oscal/*.json` | OSCAL component definition, assessment results, and, where controls failed, plan of action and milestones |
//! | `records.ndjson.zst` | the chain, one record a line, compressed with Zstandard |
//! | `report.pdf` | the report on paper |
//!
//! The first two come first, the others in the order of their names. The same assessments, exceptions, times and keys give the same bytes, but for
//! signatures by ECDSA, which are different every time; those by Ed25519 are not. No byte is without meaning: whatever is changed is refused.
//!
//! What is signed is the text `palisade-evidence-pack-v1:` with the SHA-256 of `manifest.json` behind it (`sha256:` and 64 digits), no line feed.

mod manifest;
mod tar;
#[cfg(test)]
mod tests;
mod verify;
mod write;

pub use manifest::{ChainEnds, Manifest, Member, Period};
pub use verify::{Verified, verify};
pub use write::{Contents, Written, write};

/// Members of a pack beside manifest and signatures.
pub(crate) const MEMBERS_MAX: usize = 64;
/// Bytes of the manifest.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of the signatures.
pub(crate) const SIGNATURES_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of one other member.
pub(crate) const MEMBER_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes of all records, unpacked.
pub(crate) const RECORDS_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// Memory that unpacking may take: 2 to this power.
pub(crate) const WINDOW_LOG_MAX: u32 = 23;

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SIGNATURES: &str = "signatures.json";
pub(crate) const RECORDS: &str = "records.ndjson.zst";
pub(crate) const INPUTS: &str = "inputs.json";
