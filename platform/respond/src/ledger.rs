//! The ledger: what was done, by whom it was allowed and what became of it, in a hash chain.
//!
//! A record is canonical JSON as evidence has it: members in the order of their names, no white space, whole numbers. Its hash is the
//! SHA-256 of these bytes, written `sha256:` and 64 digits; `previous` of the first record is [`genesis`]. So no record can be changed, taken out,
//! put in or moved without every later hash, and with them the head, becoming another. Whoever keeps the head elsewhere sees that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::key::sha256;

/// The form of records that this version writes and reads.
const FORM: u32 = 1;

/// Before the first record: the SHA-256 of `palisade response ledger 1`.
#[must_use]
pub fn genesis() -> String {
    sha256(b"palisade response ledger 1")
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The action of its step; empty where it is about the whole run.
    pub action: String,
    /// Who: people by their names; empty: nobody but the playbook.
    pub by: Vec<String>,
    /// More about it, in words.
    pub detail: String,
    /// The incident.
    pub incident: String,
    /// The key of the act; empty where it is about the whole run.
    pub key: String,
    /// Digest of the playbook.
    pub playbook: String,
    /// The run.
    pub run: String,
    /// The step.
    pub step: String,
    /// What it was done to; empty where it is about the whole run.
    pub target: String,
    /// What happened: `planned`, `refused`, `approved`, `denied`, `expired`, `intended`, `applied`, `found`, `already`, `failed`, `verified`,
    /// `not-verified`, `stopped`, `undone`, `left`, `finished`.
    pub what: String,
}

/// A record. Its members, and those of its fact, stand in canonical order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// When, in UTC.
    pub at: Timestamp,
    /// What happened.
    pub fact: Fact,
    /// The form of the record, 1.
    pub form: u32,
    /// Hash of the record before it.
    pub previous: String,
    /// Its place, from 0.
    pub sequence: u64,
    /// Whose ledger it is.
    pub tenant: String,
}

/// The end of a ledger, where it grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Hash of the last record.
    pub hash: String,
    /// Place of the next one.
    pub next: u64,
}

impl Default for Head {
    fn default() -> Self {
        Self { hash: genesis(), next: 0 }
    }
}

impl Head {
    /// The next record as it is written.
    ///
    /// # Errors
    /// What serde says where it cannot be written.
    pub fn append(&mut self, tenant: &str, at: Timestamp, fact: Fact) -> Result<Vec<u8>, serde_json::Error> {
        let record = Record {
            at,
            fact,
            form: FORM,
            previous: self.hash.clone(),
            sequence: self.next,
            tenant: tenant.to_owned(),
        };
        let bytes = serde_json::to_vec(&record)?;
        self.hash = sha256(&bytes);
        self.next += 1;
        Ok(bytes)
    }

    /// Takes a record that was read, if it is the next one.
    ///
    /// # Errors
    /// [`LedgerError`] with what is wrong with it.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Record, LedgerError> {
        let broken = |why: String| LedgerError { sequence: self.next, why };
        let record: Record =
            serde_json::from_slice(bytes).map_err(|error| broken(format!("it is none: {error}")))?;
        let again = serde_json::to_vec(&record).map_err(|error| broken(error.to_string()))?;
        if again != bytes || record.form != FORM {
            return Err(broken("it is not in the form of this version".to_owned()));
        }
        if record.sequence != self.next {
            return Err(broken(format!("it says that it is record {}", record.sequence)));
        }
        if record.previous != self.hash {
            return Err(broken("it does not name the hash of the record before it".to_owned()));
        }
        self.hash = sha256(bytes);
        self.next += 1;
        Ok(record)
    }
}

/// The first record that does not follow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the ledger is broken at record {sequence}: {why}")]
pub struct LedgerError {
    /// Its place, from 0.
    pub sequence: u64,
    /// What is wrong with it.
    pub why: String,
}

impl LedgerError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "response-ledger-broken"
    }
}

/// Verifies a ledger from its beginning against the head that it must have.
///
/// # Errors
/// [`LedgerError`] with the first record that is wrong; records missing at the end are one too.
pub fn verify<'a>(
    records: impl IntoIterator<Item = &'a [u8]>,
    expected: &str,
) -> Result<Vec<Record>, LedgerError> {
    let mut head = Head::default();
    let records = records.into_iter().map(|bytes| head.take(bytes)).collect::<Result<Vec<_>, _>>()?;
    if head.hash != expected {
        return Err(LedgerError {
            sequence: head.next,
            why: "the ledger does not end with the expected head".to_owned(),
        });
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Fact, Head, genesis, verify};

    fn ledger() -> (Vec<Vec<u8>>, String) {
        let mut head = Head::default();
        let record = |place: i64| {
            let text = |text: &str| text.to_owned();
            let fact = Fact {
                action: text("label"),
                by: vec![],
                detail: format!("number {place}"),
                incident: text("i"),
                key: text("k"),
                playbook: text("p"),
                run: text("r"),
                step: text("1"),
                target: text("Pod shop/web"),
                what: text("applied"),
            };
            head.append("default", Timestamp::from_second(place).unwrap(), fact).unwrap()
        };
        let lines = (0..5).map(record).collect();
        (lines, head.hash)
    }

    fn verified(lines: &[Vec<u8>], head: &str) -> Result<usize, u64> {
        verify(lines.iter().map(Vec::as_slice), head)
            .map(|records| records.len())
            .map_err(|error| error.sequence)
    }

    #[test]
    fn the_genesis_value_never_changes() {
        assert_eq!(genesis(), "sha256:930950a2b7b90c5f6190faa19c0a19ec9ee688537a363bf8491ffd982a8f4a20");
    }

    #[test]
    fn records_are_canonical() {
        let (lines, _) = ledger();
        let value: serde_json::Value = serde_json::from_slice(&lines[0]).unwrap();
        // Maps of this crate are sorted.
        assert_eq!(value.to_string().into_bytes(), lines[0]);
    }

    #[test]
    fn the_first_record_that_is_wrong_is_named() {
        let (lines, head) = ledger();
        assert_eq!(verified(&lines, &head), Ok(5));
        assert_eq!(verified(&[], &genesis()), Ok(0));
        let changed = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
            let mut lines = lines.clone();
            change(&mut lines);
            verified(&lines, &head)
        };
        let reword = |lines: &mut Vec<Vec<u8>>| {
            lines[2] =
                String::from_utf8(lines[2].clone()).unwrap().replace("number 2", "number 3").into_bytes();
        };
        assert_eq!(changed(&reword), Err(3));
        assert_eq!(changed(&|lines| drop(lines.remove(1))), Err(1));
        assert_eq!(changed(&|lines| lines.swap(3, 4)), Err(3));
        assert_eq!(changed(&|lines| drop(lines.pop())), Err(4));
        assert_eq!(changed(&|lines| lines.insert(0, lines[0].clone())), Err(1));
        assert_eq!(changed(&|lines| lines[2].push(b' ')), Err(2));
    }
}
