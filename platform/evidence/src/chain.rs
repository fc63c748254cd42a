//! The hash chain: each record names the hash of the one before it, so that none can be changed, taken out, put in or moved
//! without every later hash, and with them the head, becoming another.
//!
//! - The hash of a record is the SHA-256 of its canonical JSON ([`canonical`](crate::canonical)), as `sha256:` and 64 digits.
//! - `previous` of the first record is [`genesis`], or the head of a chain that this one goes on from.
//! - The head is the hash of the last record; of no records, what the chain goes on from.

use std::io::{BufRead, Read as _};

use jiff::Timestamp;

use crate::canonical::{is_digest, sha256};
use crate::error::EvidenceError;
use crate::record::{FORM, Fact, Inputs, RECORD_BYTES_MAX, Record};

/// Before the first record of the first chain: the SHA-256 of `palisade evidence chain 1`.
#[must_use]
pub fn genesis() -> String {
    sha256(b"palisade evidence chain 1")
}

/// Where a chain begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// What the first record names as the one before it.
    pub previous: String,
    /// The place of the first record.
    pub sequence: u64,
}

impl Default for Start {
    fn default() -> Self {
        Self { previous: genesis(), sequence: 0 }
    }
}

/// A chain that grows.
#[derive(Debug, Clone)]
pub struct Chain {
    head: String,
    next: u64,
}

impl Default for Chain {
    fn default() -> Self {
        Self::from(Start::default())
    }
}

impl From<Start> for Chain {
    fn from(start: Start) -> Self {
        Self { head: start.previous, next: start.sequence }
    }
}

impl Chain {
    /// The next record, as it is written, without a line feed.
    ///
    /// # Errors
    /// [`EvidenceError::Record`] where it cannot be one ([`Record::to_bytes`]).
    pub fn append(&mut self, scope: &str, time: Timestamp, fact: Fact) -> Result<Vec<u8>, EvidenceError> {
        let record = Record {
            fact,
            form: FORM,
            previous: self.head.clone(),
            scope: scope.to_owned(),
            sequence: self.next,
            time,
        };
        let bytes = record.to_bytes()?;
        self.head = sha256(&bytes);
        self.next += 1;
        Ok(bytes)
    }

    /// Hash of the last record.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The place of the next record.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }
}

/// Reads a chain record by record, and believes none that does not follow.
pub(crate) struct Verifier {
    chain: Chain,
    first: u64,
    /// Inputs of the assessment that the records are about.
    inputs: Inputs,
    about: Option<(String, Timestamp)>,
}

impl Verifier {
    pub(crate) fn new(start: Start) -> Self {
        Self { first: start.sequence, chain: Chain::from(start), inputs: Inputs::default(), about: None }
    }

    /// Takes the next line.
    pub(crate) fn take(&mut self, line: &[u8]) -> Result<Record, EvidenceError> {
        let sequence = self.chain.next;
        let record = Record::from_bytes(line, sequence)?;
        let broken = |why: String| EvidenceError::Chain { sequence, why };
        if record.sequence != sequence {
            return Err(broken(format!("it says that it is record {}", record.sequence)));
        }
        if record.previous != self.chain.head {
            return Err(broken(format!(
                "the one before it has the hash {}, and it names {}",
                self.chain.head, record.previous
            )));
        }
        self.inputs(&record).map_err(|why| broken(why.to_owned()))?;
        self.chain.head = sha256(line);
        self.chain.next += 1;
        Ok(record)
    }

    /// A check was done on the inputs that stand before it.
    fn inputs(&mut self, record: &Record) -> Result<(), &'static str> {
        let about = (record.scope.clone(), record.time);
        if self.about.as_ref() != Some(&about) {
            self.about = Some(about);
            self.inputs = Inputs::default();
        }
        match &record.fact {
            Fact::Input(input) if !is_digest(&input.sha256) => Err("its input has no SHA-256 hash"),
            Fact::Input(input) => {
                self.inputs.add(input);
                Ok(())
            }
            Fact::Check(check) if check.input != self.inputs.set() => {
                Err("its check was done on other inputs than those recorded before it")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn finish(self, expected: &str) -> Result<u64, EvidenceError> {
        let records = self.chain.next - self.first;
        if self.chain.head != expected {
            return Err(EvidenceError::Head {
                records,
                found: self.chain.head,
                expected: expected.to_owned(),
            });
        }
        Ok(records)
    }
}

/// Verifies a chain, one record a line, against the head that it must have, and says how many records there are.
///
/// # Errors
/// The first record that is wrong: [`EvidenceError::Record`] where it is none, [`EvidenceError::Chain`] where it does not follow the one before it;
/// [`EvidenceError::Head`] where records are missing at the end or were added; [`EvidenceError::Read`].
pub fn verify(records: impl BufRead, start: Start, expected: &str) -> Result<u64, EvidenceError> {
    let mut verifier = Verifier::new(start);
    lines(records, |line| verifier.take(line).map(|_| ()))?;
    verifier.finish(expected)
}

/// Gives every line without its line feed. No line is longer than a record may be, and the last one ends too.
pub(crate) fn lines(
    mut records: impl BufRead,
    mut take: impl FnMut(&[u8]) -> Result<(), EvidenceError>,
) -> Result<(), EvidenceError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = RECORD_BYTES_MAX as u64 + 1;
        records.by_ref().take(limit).read_until(b'\n', &mut line).map_err(EvidenceError::Read)?;
        if line.is_empty() {
            return Ok(());
        }
        if line.pop() != Some(b'\n') {
            return Err(EvidenceError::Truncated { why: "a record has no end".to_owned() });
        }
        take(&line)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::Gap;
    use crate::exception::Exceptions;
    use crate::fixture::{assessment, at};
    use crate::judged::judge;
    use crate::record::facts;

    fn chain() -> (Vec<Vec<u8>>, String) {
        let assessment = assessment();
        let mut chain = Chain::default();
        let facts = facts(&judge(&assessment, &Exceptions::default()).unwrap());
        let lines =
            facts.into_iter().map(|fact| chain.append(&assessment.scope, assessment.time, fact).unwrap());
        (lines.collect(), chain.head().to_owned())
    }

    fn verified(lines: &[Vec<u8>], head: &str) -> Result<u64, EvidenceError> {
        let text: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        verify(text.as_slice(), Start::default(), head)
    }

    #[test]
    fn the_genesis_value_never_changes() {
        assert_eq!(genesis(), "sha256:f3dba0c0141051d1de7a129b8fb4ae4c09c4a0ebfd0d47a511edde3df7123c4b");
    }

    #[test]
    fn a_chain_verifies_and_goes_on_from_another() {
        let (lines, head) = chain();
        assert_eq!(verified(&lines, &head).unwrap(), lines.len() as u64);
        assert_eq!(verified(&[], &genesis()).unwrap(), 0);
        let start = Start { previous: head, sequence: lines.len() as u64 };
        let mut later = Chain::from(start.clone());
        let gap = Gap { code: "c".to_owned(), reason: "r".to_owned(), subject: "s".to_owned() };
        let mut line = later.append("k8s:u", at("2026-07-01T00:00:00Z"), Fact::Gap(gap)).unwrap();
        line.push(b'\n');
        assert_eq!(verify(line.as_slice(), start, later.head()).unwrap(), 1);
        let error = verify(line.as_slice(), Start::default(), later.head()).unwrap_err();
        assert_eq!(error.code(), "evidence-chain-broken");
    }

    #[test]
    fn the_first_record_that_is_wrong_is_named() {
        let (lines, head) = chain();
        let changed = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
            let mut lines = lines.clone();
            change(&mut lines);
            verified(&lines, &head).unwrap_err()
        };
        let replace = |from: &'static str, to: &'static str| {
            move |lines: &mut Vec<Vec<u8>>| {
                let text = String::from_utf8(lines[3].clone()).unwrap();
                assert!(text.contains(from));
                lines[3] = text.replace(from, to).into_bytes();
            }
        };
        // What record 3 says is changed: record 4 no longer follows.
        let error = changed(&replace("Title of", "title of"));
        assert_eq!(error.code(), "evidence-chain-broken");
        assert!(error.to_string().contains("at record 4"), "{error}");
        let error = changed(&replace("\"count\":2", "\"count\":3"));
        assert!(error.to_string().contains("at record 3: its check was done on other inputs"), "{error}");
        for (error, place) in [
            (changed(&|lines| drop(lines.remove(2))), "at record 2"),
            (changed(&|lines| lines.swap(1, 2)), "at record 1"),
            (changed(&|lines| lines.insert(2, lines[1].clone())), "at record 2"),
            (changed(&|lines| drop(lines.remove(0))), "at record 0"),
        ] {
            assert_eq!(error.code(), "evidence-chain-broken");
            assert!(error.to_string().contains(place), "{error}");
        }
        assert_eq!(changed(&|lines| drop(lines.pop())).code(), "evidence-chain-cut");
        assert_eq!(changed(&|lines| lines.clear()).code(), "evidence-chain-cut");
        assert_eq!(changed(&|lines| lines[2].push(b'\n')).code(), "evidence-record-invalid");
    }

    #[test]
    fn lines_without_end_are_not_read_to_their_end() {
        let endless = std::io::BufReader::new(std::io::repeat(b'x'));
        let error = verify(endless, Start::default(), &genesis()).unwrap_err();
        assert_eq!(error.code(), "evidence-pack-truncated");
    }
}
