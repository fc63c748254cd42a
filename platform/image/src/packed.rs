//! The packed bytes of one layer: counted, hashed and bounded while they stream.

use std::io::{self, BufRead, Read};

use sha2::{Digest as _, Sha256};

/// Big enough that system calls and hash set-up vanish, small enough for the cache of a small core.
const BUFFER_BYTES: usize = 256 * 1024;

/// A buffered reader that hashes what it takes from its source and stops at the announced size.
pub(crate) struct Packed {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    hasher: Option<Sha256>,
    taken: u64,
    /// Bytes the source may still give.
    left: u64,
    /// What went wrong below us, as opposed to in a decoder above.
    failed: Option<io::Error>,
}

/// How a packed stream ended.
pub(crate) struct End {
    /// SHA-256 of everything, where it was asked for.
    pub(crate) sha256: Option<[u8; 32]>,
    /// Bytes read.
    pub(crate) bytes: u64,
}

impl Packed {
    /// `size` is the announced size, where there is one: nothing beyond it is read.
    pub(crate) fn new(source: Box<dyn Read + Send>, size: Option<u64>, hashed: bool) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            hasher: hashed.then(Sha256::new),
            taken: 0,
            left: size.unwrap_or(u64::MAX),
            failed: None,
        }
    }

    /// Bytes handed to whoever decodes.
    pub(crate) fn taken(&self) -> u64 {
        self.taken - (self.end - self.start) as u64
    }

    /// The error of the source, if it was the source that failed.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Up to `count` bytes from the current position, without moving it. Fewer only at the end.
    pub(crate) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count && self.more()? {}
        let end = self.end.min(self.start + count);
        Ok(self.buffer.get(self.start..end).unwrap_or_default())
    }

    /// Reads whatever is left, for the digest's sake.
    pub(crate) fn finish(&mut self) -> io::Result<End> {
        loop {
            self.start = self.end;
            if !self.more()? {
                break;
            }
        }
        let sha256 = self.hasher.take().map(|hasher| hasher.finalize().into());
        Ok(End { sha256, bytes: self.taken })
    }

    /// Whether the source has bytes beyond the announced size.
    pub(crate) fn overlong(&mut self) -> bool {
        let mut byte = [0];
        self.left == 0 && matches!(self.source.read(&mut byte), Ok(1))
    }

    /// Adds bytes to the buffer; false at the end of the source.
    fn more(&mut self) -> io::Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX);
        let spare = self.buffer.get_mut(self.end..).unwrap_or_default();
        let length = spare.len().min(room);
        let spare = spare.get_mut(..length).unwrap_or_default();
        if spare.is_empty() {
            return Ok(false);
        }
        let count = loop {
            match self.source.read(spare) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let told = io::Error::new(error.kind(), error.to_string());
                    self.failed = Some(error);
                    return Err(told);
                }
            }
        };
        if let Some(hasher) = &mut self.hasher {
            hasher.update(spare.get(..count).unwrap_or_default());
        }
        self.end += count;
        self.taken += count as u64;
        self.left -= count as u64;
        Ok(count > 0)
    }
}

impl BufRead for Packed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.more()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }
}

impl Read for Packed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(into)?;
        self.consume(count);
        Ok(count)
    }
}
