//! The segment files: created, read back, appended to, deleted from the front.
//!
//! A segment is `log-<first sequence, 20 digits>.seg`: the magic, the first sequence, a CRC of both, then records. Each
//! opens with the consumers of that moment, so that the segments before it can be deleted whole. Everything here is
//! plain blocking file work for the writer thread.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::record::{self, Record};
use crate::BusError;

const MAGIC: &[u8; 8] = b"PALBUS01";
const HEADER: usize = 20;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// First sequence of its segment.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

#[derive(Debug)]
struct Segment {
    first: u64,
    length: u64,
    /// Publication time of its newest message, Unix milliseconds.
    newest_ms: u64,
}

#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    /// Oldest first; the last is the one written to.
    segments: Vec<Segment>,
    active: File,
    active_path: PathBuf,
    /// Bytes of the active segment that are known to be on disk.
    synced: u64,
}

impl Journal {
    /// Opens the log of a directory, handing every record to `replay` in order; gives the next sequence.
    pub(crate) fn open(dir: &Path, replay: &mut dyn FnMut(Place, Record)) -> Result<(Self, u64), BusError> {
        let mut firsts = list(dir)?;
        if firsts.is_empty() {
            create(dir, 1, &[])?;
            firsts.push(1);
        }
        let mut segments = Vec::with_capacity(firsts.len());
        let mut next = 1;
        let last = firsts.last().copied().unwrap_or(1);
        for first in firsts {
            let (segment, after) = load(dir, first, first == last, replay)?;
            next = after.max(next);
            segments.push(segment);
        }
        let active_path = path(dir, last);
        let active = open_for_append(&active_path)?;
        // What a killed process wrote may still be in memory only; from here on it is relied upon.
        active.sync_data().map_err(BusError::storage("sync", &active_path))?;
        let synced = segments.last().map_or(0, |segment| segment.length);
        Ok((Self { dir: dir.to_owned(), segments, active, active_path, synced }, next))
    }

    /// Bytes of all segments.
    pub(crate) fn length(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    pub(crate) fn active_length(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.length)
    }

    /// Where the next byte goes: the segment and the offset.
    pub(crate) fn position(&self) -> (u64, u64) {
        self.segments.last().map_or((1, 0), |segment| (segment.first, segment.length))
    }

    /// How much of the active segment is on disk; records carry it.
    pub(crate) fn synced(&self) -> u64 {
        self.synced
    }

    /// Appends encoded records. After a failed write the file is as before.
    pub(crate) fn append(&mut self, bytes: &[u8], newest_ms: u64) -> Result<(), BusError> {
        let before = self.active_length();
        if let Err(error) = self.active.write_all(bytes) {
            self.active.set_len(before).map_err(BusError::storage("cut back", &self.active_path))?;
            return Err(BusError::storage("append to", &self.active_path)(error));
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            segment.newest_ms = segment.newest_ms.max(newest_ms);
        }
        Ok(())
    }

    /// Makes all that was appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), BusError> {
        self.active.sync_data().map_err(BusError::storage("sync", &self.active_path))?;
        self.synced = self.active_length();
        Ok(())
    }

    /// Starts a new segment that opens with these records.
    pub(crate) fn roll(&mut self, first: u64, opening: &[Record]) -> Result<(), BusError> {
        if self.segments.last().is_some_and(|segment| segment.first == first) {
            // Nothing was published into this one: it would be replaced by its twin.
            return Ok(());
        }
        self.sync()?;
        let length = create(&self.dir, first, opening)?;
        self.active_path = path(&self.dir, first);
        self.active = open_for_append(&self.active_path)?;
        self.segments.push(Segment { first, length, newest_ms: 0 });
        self.synced = length;
        Ok(())
    }

    /// Deletes segments from the front whose messages are all below `floor` and older than `before_ms`.
    pub(crate) fn trim(&mut self, floor: u64, before_ms: u64) -> Result<(), BusError> {
        while let [oldest, next, ..] = self.segments.as_slice()
            && next.first <= floor
            && oldest.newest_ms < before_ms
        {
            let path = path(&self.dir, oldest.first);
            std::fs::remove_file(&path).map_err(BusError::storage("delete", &path))?;
            self.segments.remove(0);
        }
        Ok(())
    }
}

/// Reads one message back, checking it.
pub(crate) fn read(dir: &Path, place: Place) -> Result<Record, BusError> {
    let path = path(dir, place.segment);
    let mut file = File::open(&path).map_err(BusError::storage("open", &path))?;
    file.seek(SeekFrom::Start(place.offset)).map_err(BusError::storage("read", &path))?;
    let mut bytes = Vec::with_capacity(usize::try_from(place.size).unwrap_or_default());
    file.take(place.size).read_to_end(&mut bytes).map_err(BusError::storage("read", &path))?;
    record::decode(&bytes)
        .map(|decoded| decoded.record)
        .ok_or(BusError::Corrupt { path, offset: place.offset })
}

/// Makes names in a directory durable. Windows cannot open directories, and does not need to.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), BusError> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(BusError::storage("sync", dir))
}

fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("log-{first:020}.seg"))
}

fn open_for_append(path: &Path) -> Result<File, BusError> {
    OpenOptions::new().append(true).open(path).map_err(BusError::storage("open", path))
}

/// The first sequences of all segments, in order; leftovers of unfinished creations are removed.
fn list(dir: &Path) -> Result<Vec<u64>, BusError> {
    let mut firsts = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(BusError::storage("list", dir))? {
        let entry = entry.map_err(BusError::storage("list", dir))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(".tmp") {
            std::fs::remove_file(entry.path()).map_err(BusError::storage("delete", &entry.path()))?;
        }
        let first = name.strip_prefix("log-").and_then(|rest| rest.strip_suffix(".seg"));
        firsts.extend(first.and_then(|first| first.parse::<u64>().ok()));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// Writes a new segment, whole or not at all; gives its length.
fn create(dir: &Path, first: u64, opening: &[Record]) -> Result<u64, BusError> {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    for each in opening {
        record::encode(each, 0, &mut bytes);
    }
    let path = path(dir, first);
    let temporary = path.with_extension("tmp");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()
    });
    written.map_err(BusError::storage("write", &temporary))?;
    std::fs::rename(&temporary, &path).map_err(BusError::storage("create", &path))?;
    sync_dir(dir)?;
    Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}

/// Reads a segment; a torn tail of the last one is cut off.
fn load(
    dir: &Path,
    first: u64,
    is_last: bool,
    replay: &mut dyn FnMut(Place, Record),
) -> Result<(Segment, u64), BusError> {
    let path = path(dir, first);
    let bytes = std::fs::read(&path).map_err(BusError::storage("read", &path))?;
    check_header(&bytes, first).ok_or_else(|| BusError::Corrupt { path: path.clone(), offset: 0 })?;
    let (records, end) = record::scan(&bytes, HEADER);
    if end < bytes.len() {
        let offset = u64::try_from(end).unwrap_or(u64::MAX);
        if !is_last || record::was_durable(&bytes, end) {
            return Err(BusError::Corrupt { path, offset });
        }
        tracing::warn!(file = %path.display(), offset, "bus log had a torn record at its end, which was cut off");
        let file = OpenOptions::new().write(true).open(&path).map_err(BusError::storage("open", &path))?;
        file.set_len(offset).and_then(|()| file.sync_all()).map_err(BusError::storage("cut", &path))?;
    }
    let mut segment = Segment { first, length: u64::try_from(end).unwrap_or(u64::MAX), newest_ms: 0 };
    let mut next = first;
    for (offset, decoded) in records {
        if let Record::Message { sequence, at_ms, .. } = &decoded.record {
            next = sequence + 1;
            segment.newest_ms = segment.newest_ms.max(*at_ms);
        }
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        let size = u64::try_from(decoded.size).unwrap_or(u64::MAX);
        replay(Place { segment: first, offset, size }, decoded.record);
    }
    Ok((segment, next))
}

fn check_header(bytes: &[u8], first: u64) -> Option<()> {
    let fields = bytes.get(..HEADER - 4)?;
    let crc = u32::from_le_bytes(bytes.get(HEADER - 4..HEADER)?.try_into().ok()?);
    let sound = fields.get(..8)? == MAGIC
        && fields.get(8..)? == first.to_le_bytes()
        && crc32fast::hash(fields) == crc;
    sound.then_some(())
}
