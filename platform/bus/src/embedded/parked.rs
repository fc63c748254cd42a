//! The messages that were given up, in a file of their own (`parked.log`): a poisoned message must neither get lost nor
//! keep the log in front of which it stands from being deleted. Rewritten at opening without what was dealt with.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::journal;
use super::record::{self, Record};
use crate::{BusError, Envelope, Parked};

/// A message to be parked; its number comes with it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) consumer: String,
    pub(crate) sequence: u64,
    pub(crate) attempts: u32,
    pub(crate) reason: String,
    pub(crate) envelope: Envelope,
}

#[derive(Debug)]
pub(crate) struct ParkedFile {
    path: PathBuf,
    file: File,
    length: u64,
    next: u64,
    /// Consumer and sequence of what is parked, by number.
    entries: BTreeMap<u64, Entry>,
}

impl ParkedFile {
    pub(crate) fn open(dir: &Path) -> Result<Self, BusError> {
        let path = dir.join("parked.log");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(BusError::storage("read", &path)(error)),
        };
        let (records, end) = record::scan(&bytes, 0);
        if record::was_durable(&bytes, end) {
            return Err(BusError::Corrupt { path, offset: u64::try_from(end).unwrap_or(u64::MAX) });
        }
        let (mut entries, mut next) = (BTreeMap::new(), 1);
        for (_, decoded) in records {
            match decoded.record {
                Record::Parked { number, consumer, sequence, attempts, reason, envelope } => {
                    next = number + 1;
                    entries.insert(number, Entry { consumer, sequence, attempts, reason, envelope });
                }
                Record::Discarded { number } => {
                    next = next.max(number + 1);
                    entries.remove(&number);
                }
                _ => {}
            }
        }
        let (file, length) = rewrite(dir, &path, &entries, next)?;
        Ok(Self { path, file, length, next, entries })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Whether this consumer has given up that message; true after a crash between the two files.
    pub(crate) fn holds(&self, consumer: &str, sequence: u64) -> bool {
        self.entries.values().any(|entry| entry.consumer == consumer && entry.sequence == sequence)
    }

    /// The consumers and sequences of all entries.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, u64)> {
        self.entries.values().map(|entry| (entry.consumer.as_str(), entry.sequence))
    }

    /// Adds one; durable on return.
    pub(crate) fn add(&mut self, entry: Entry) -> Result<(), BusError> {
        let number = self.next;
        self.write(&encoded(number, &entry))?;
        self.next += 1;
        self.entries.insert(number, entry);
        Ok(())
    }

    /// Removes one; durable on return.
    pub(crate) fn discard(&mut self, number: u64) -> Result<(), BusError> {
        if self.entries.contains_key(&number) {
            self.write(&Record::Discarded { number })?;
            self.entries.remove(&number);
        }
        Ok(())
    }

    pub(crate) fn list(&self, limit: usize) -> Vec<Parked> {
        let all = self.entries.iter().take(limit).map(|(number, entry)| Parked {
            number: *number,
            consumer: entry.consumer.clone(),
            envelope: entry.envelope.clone(),
            attempts: entry.attempts,
            reason: entry.reason.clone(),
        });
        all.collect()
    }

    fn write(&mut self, record: &Record) -> Result<(), BusError> {
        let mut bytes = Vec::new();
        record::encode(record, self.length, &mut bytes);
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.file.set_len(self.length).map_err(BusError::storage("cut back", &self.path))?;
            return Err(BusError::storage("append to", &self.path)(error));
        }
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

fn encoded(number: u64, entry: &Entry) -> Record {
    let Entry { consumer, sequence, attempts, reason, envelope } = entry.clone();
    Record::Parked { number, consumer, sequence, attempts, reason, envelope }
}

/// Writes the file anew, whole or not at all. The highest number ever given stays on record as discarded.
fn rewrite(
    dir: &Path,
    path: &Path,
    entries: &BTreeMap<u64, Entry>,
    next: u64,
) -> Result<(File, u64), BusError> {
    let mut bytes = Vec::new();
    if next > 1 && !entries.contains_key(&(next - 1)) {
        record::encode(&Record::Discarded { number: next - 1 }, 0, &mut bytes);
    }
    for (number, entry) in entries {
        record::encode(&encoded(*number, entry), 0, &mut bytes);
    }
    let temporary = path.with_extension("tmp");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()
    });
    written.map_err(BusError::storage("write", &temporary))?;
    std::fs::rename(&temporary, path).map_err(BusError::storage("create", path))?;
    journal::sync_dir(dir)?;
    let file = OpenOptions::new().append(true).open(path).map_err(BusError::storage("open", path))?;
    Ok((file, u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
}
