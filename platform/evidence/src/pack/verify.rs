//! Reads a pack from a stranger and believes nothing that is not proven.

use std::collections::BTreeSet;
use std::io::{BufReader, Read};

use distribution::PublicKey;
use sha2::{Digest as _, Sha256};

use super::manifest::{Manifest, Member, signed_by};
use super::{
    INPUTS, MANIFEST, MANIFEST_BYTES_MAX, RECORDS, SIGNATURES, SIGNATURES_BYTES_MAX, WINDOW_LOG_MAX, tar,
};
use crate::canonical::{self, digest, sha256};
use crate::chain::{Start, Verifier, lines};
use crate::error::{EvidenceError, shown};
use crate::record::Fact;

/// What is proven of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Hash of the manifest: one name for the whole content.
    pub manifest_sha256: String,
    /// Ids of the keys that signed it and are trusted; there is one at least.
    pub trusted: Vec<String>,
}

/// Verifies a pack: form, signatures, every member, every record. Signatures come before anything that is large or has to be unpacked.
/// Memory does not grow with the pack.
///
/// # Errors
/// The first thing that is wrong, each with a code of its own ([`EvidenceError::code`]).
pub fn verify(reader: impl Read, trusted: &[PublicKey]) -> Result<Verified, EvidenceError> {
    let mut reader = BufReader::new(reader);
    let bytes = small(&mut reader, MANIFEST, MANIFEST_BYTES_MAX)?;
    let manifest = Manifest::from_bytes(&bytes)?;
    let signatures = small(&mut reader, SIGNATURES, SIGNATURES_BYTES_MAX)?;
    let trusted = signed_by(&manifest, &bytes, &signatures, trusted)?;
    let mut names = BTreeSet::from([MANIFEST.to_owned(), SIGNATURES.to_owned()]);
    for member in &manifest.members {
        let found = tar::next(&mut reader)?;
        at_its_place(found, member, &mut names)?;
        let mut body = Body { reader: &mut reader, left: member.bytes, hash: Sha256::new(), ended: false };
        let inside = if member.name == RECORDS { records(&mut body, &manifest) } else { Ok(()) };
        body.finish(member)?;
        inside?;
        tar::pad(&mut reader, member.bytes, &member.name)?;
    }
    match tar::next(&mut reader)? {
        None => Ok(Verified { manifest_sha256: sha256(&bytes), manifest, trusted }),
        Some((name, _)) if names.contains(&name) => Err(EvidenceError::Duplicate { name }),
        Some((name, _)) => Err(EvidenceError::Unlisted { name, expected: "nothing more".to_owned() }),
    }
}

/// A member that is read whole, because what it says decides about the rest.
fn small(reader: &mut impl Read, name: &str, limit: u64) -> Result<Vec<u8>, EvidenceError> {
    let found = tar::next(&mut *reader)?;
    let Some((_, size)) = found.as_ref().filter(|(found, _)| found == name) else {
        let found = found.map_or("its end".to_owned(), |(found, _)| found);
        return Err(match name {
            SIGNATURES => EvidenceError::Unsigned { why: format!("after the manifest comes {found}") },
            _ => EvidenceError::form(format!("it begins with {found} and not with {name}")),
        });
    };
    if *size > limit {
        return Err(EvidenceError::TooLarge { why: format!("{name} has {size} bytes; {limit} are allowed") });
    }
    let mut bytes = vec![0; usize::try_from(*size).unwrap_or_default()];
    tar::fill(reader, &mut bytes, name)?;
    tar::pad(reader, *size, name)?;
    Ok(bytes)
}

fn at_its_place(
    found: Option<(String, u64)>,
    member: &Member,
    names: &mut BTreeSet<String>,
) -> Result<(), EvidenceError> {
    let Some((name, size)) = found else {
        return Err(EvidenceError::Truncated { why: format!("the member {} is missing", member.name) });
    };
    if name != member.name {
        return Err(match names.contains(&name) {
            true => EvidenceError::Duplicate { name },
            false => EvidenceError::Unlisted { name, expected: member.name.clone() },
        });
    }
    if size != member.bytes {
        let bytes = |bytes: u64| format!("{bytes} bytes");
        return Err(EvidenceError::Member { name, found: bytes(size), expected: bytes(member.bytes) });
    }
    names.insert(name);
    Ok(())
}

/// The bytes of one member, hashed while they are read.
struct Body<'a, R> {
    reader: &'a mut R,
    left: u64,
    hash: Sha256,
    /// Whether the file ended before the member did.
    ended: bool,
}

impl<R: Read> Read for Body<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(into) = into.get_mut(..most).filter(|into| !into.is_empty()) else { return Ok(0) };
        let count = self.reader.read(into)?;
        self.ended |= count == 0;
        self.left -= count as u64;
        self.hash.update(into.get(..count).unwrap_or_default());
        Ok(count)
    }
}

impl<R: Read> Body<'_, R> {
    /// Reads what is left, and compares.
    fn finish(mut self, member: &Member) -> Result<(), EvidenceError> {
        std::io::copy(&mut self, &mut std::io::sink()).map_err(EvidenceError::Read)?;
        if self.ended {
            return Err(EvidenceError::Truncated {
                why: format!("{} bytes of {} are missing", self.left, member.name),
            });
        }
        let found = digest(&self.hash.finalize());
        if found != member.sha256 {
            return Err(EvidenceError::Member {
                name: member.name.clone(),
                found,
                expected: member.sha256.clone(),
            });
        }
        Ok(())
    }
}

/// Unpacks the records and verifies their chain, and that `inputs.json` is what they say of inputs.
fn records(body: &mut impl Read, manifest: &Manifest) -> Result<(), EvidenceError> {
    let unpack =
        |error: std::io::Error| EvidenceError::form(format!("its records cannot be unpacked: {error}"));
    let mut decoder = zstd::stream::read::Decoder::new(body).map_err(unpack)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(unpack)?;
    let ends = &manifest.chain;
    let start = Start { previous: ends.previous.clone(), sequence: ends.sequence };
    let mut verifier = Verifier::new(start);
    let (mut bytes, mut inputs) = (0_u64, InputList::default());
    // One byte more than announced is read, and is too many.
    let text = BufReader::with_capacity(1 << 16, decoder.take(ends.bytes.saturating_add(1)));
    let read = lines(text, |line| {
        bytes += line.len() as u64 + 1;
        let record = verifier.take(line)?;
        let period = &manifest.period;
        if record.scope != manifest.scope || record.time < period.from || record.time > period.to {
            let why =
                format!("it is about {:?} at {}, as the pack is not", shown(&record.scope), record.time);
            return Err(EvidenceError::Chain { sequence: record.sequence, why });
        }
        if let Fact::Input(input) = &record.fact {
            inputs.add(input)?;
        }
        Ok(())
    });
    match read {
        Err(EvidenceError::Read(error)) => return Err(unpack(error)),
        other => other?,
    }
    if bytes > ends.bytes {
        return Err(EvidenceError::TooLarge {
            why: format!("its records have more than the {} bytes announced", ends.bytes),
        });
    }
    let records = verifier.finish(&ends.head)?;
    if (records, bytes) != (ends.records, ends.bytes) {
        let why = format!(
            "it announces {} records of {} bytes, and has {records} of {bytes}",
            ends.records, ends.bytes
        );
        return Err(EvidenceError::manifest(why));
    }
    inputs.compare(manifest)
}

/// `inputs.json`, by the records: it is hashed while it is made.
pub(super) struct InputList {
    hash: Sha256,
    any: bool,
}

impl Default for InputList {
    fn default() -> Self {
        Self { hash: Sha256::new_with_prefix(b"["), any: false }
    }
}

impl InputList {
    fn add(&mut self, input: &crate::assessment::Input) -> Result<(), EvidenceError> {
        if std::mem::replace(&mut self.any, true) {
            self.hash.update(b",");
        }
        self.hash.update(canonical::bytes(input).map_err(EvidenceError::manifest)?);
        Ok(())
    }

    fn compare(mut self, manifest: &Manifest) -> Result<(), EvidenceError> {
        self.hash.update(b"]");
        let expected = digest(&self.hash.finalize());
        let member = manifest.members.iter().find(|member| member.name == INPUTS);
        match member {
            Some(member) if member.sha256 == expected => Ok(()),
            _ => {
                Err(EvidenceError::manifest(format!("{INPUTS} is not the list of the inputs in its records")))
            }
        }
    }
}
