//! The tar bytes of one layer: gzip, zstd or plain underneath, told apart by their first bytes as container runtimes
//! do, under caps for total size, expansion and time.

use std::io::{self, BufRead, Read};
use std::time::Instant;

use flate2::bufread::MultiGzDecoder;
use model::GapCode;
use sha2::{Digest as _, Sha256};

use crate::limits::Limits;
use crate::packed::Packed;

/// Unpacked in steps of this size; see the note at `packed::BUFFER_BYTES`.
const BUFFER_BYTES: usize = 256 * 1024;

/// Frame magic of zstd (RFC 8878) and the sixteen of its skippable frames share this shape.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why a stream stopped before its end, as a gap will tell it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub(crate) struct Cut {
    pub(crate) code: GapCode,
    pub(crate) why: String,
}

impl Cut {
    pub(crate) fn new(code: GapCode, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }

    pub(crate) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// The cut inside an error, or the error of a decoder told as one.
    pub(crate) fn of(error: &io::Error) -> Self {
        let known = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        known
            .cloned()
            .unwrap_or_else(|| Self::new(GapCode::Corrupt, format!("the stream cannot be unpacked: {error}")))
    }
}

enum Decoder {
    Plain(Packed),
    Gzip(Box<MultiGzDecoder<Packed>>),
    Zstd(Box<zstd::stream::zio::Reader<Packed, zstd::stream::raw::Decoder<'static>>>),
}

/// A buffered reader of unpacked bytes.
pub(crate) struct Unpacked {
    decoder: Decoder,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    total: u64,
    hasher: Option<Sha256>,
    /// `None`: further away than the clock can tell.
    deadline: Option<Instant>,
    layer_bytes: u64,
    ratio: u64,
    ratio_floor: u64,
}

impl Unpacked {
    /// Looks at the first bytes and chooses. `hashed`: compute the digest of the unpacked bytes. On
    /// failure the packed stream comes back, since its digest is still to be checked.
    pub(crate) fn new(
        mut packed: Packed,
        hashed: bool,
        limits: &Limits,
    ) -> Result<Self, Box<(io::Error, Packed)>> {
        let magic = match packed.peek(6) {
            Ok(bytes) => bytes.to_vec(),
            Err(error) => return Err(Box::new((error, packed))),
        };
        let decoder = if magic.starts_with(&[0x1f, 0x8b]) {
            Decoder::Gzip(Box::new(MultiGzDecoder::new(packed)))
        } else if magic.starts_with(&ZSTD_MAGIC) || is_skippable(&magic) {
            match zstd_decoder(limits.zstd_window_log) {
                Ok(decoder) => Decoder::Zstd(Box::new(zstd::stream::zio::Reader::new(packed, decoder))),
                Err(error) => return Err(Box::new((error, packed))),
            }
        } else if let Some(name) = other_format(&magic) {
            let cut = Cut::new(GapCode::Unsupported, format!("the layer is packed with {name}"));
            return Err(Box::new((cut.into_io(), packed)));
        } else {
            Decoder::Plain(packed)
        };
        Ok(Self {
            decoder,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            total: 0,
            hasher: hashed.then(Sha256::new),
            deadline: Instant::now().checked_add(limits.layer_time),
            layer_bytes: limits.layer_bytes,
            ratio: limits.ratio,
            ratio_floor: limits.ratio_floor,
        })
    }

    /// Unpacked bytes so far.
    pub(crate) fn total(&self) -> u64 {
        self.total - (self.end - self.start) as u64
    }

    /// The packed stream below, and the digest of what was unpacked so far.
    pub(crate) fn into_parts(self) -> (Packed, Option<[u8; 32]>) {
        let packed = match self.decoder {
            Decoder::Plain(packed) => packed,
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.into_inner(),
        };
        (packed, self.hasher.map(|hasher| hasher.finalize().into()))
    }

    fn packed(&self) -> &Packed {
        match &self.decoder {
            Decoder::Plain(packed) => packed,
            Decoder::Gzip(decoder) => decoder.get_ref(),
            Decoder::Zstd(decoder) => decoder.reader(),
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.check()?;
        (self.start, self.end) = (0, 0);
        let count = match &mut self.decoder {
            Decoder::Plain(packed) => packed.read(&mut self.buffer),
            Decoder::Gzip(decoder) => decoder.read(&mut self.buffer),
            Decoder::Zstd(decoder) => decoder.read(&mut self.buffer),
        };
        self.end = count.map_err(explain)?;
        self.total += self.end as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(self.buffer.get(..self.end).unwrap_or_default());
        }
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        if self.total > self.layer_bytes {
            let why = format!("the layer unpacks to more than {} bytes", self.layer_bytes);
            return Err(Cut::new(GapCode::SizeLimit, why).into_io());
        }
        let packed = self.packed().taken().max(1);
        if self.total > self.ratio_floor && self.total / packed > self.ratio {
            let why = format!("the layer unpacks to more than {} times its packed size", self.ratio);
            return Err(Cut::new(GapCode::RatioLimit, why).into_io());
        }
        if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(Cut::new(GapCode::TimeLimit, "reading the layer took too long").into_io());
        }
        Ok(())
    }
}

/// Names the one decoder error that is a cap of ours.
fn explain(error: io::Error) -> io::Error {
    if error.to_string().contains("requires too much memory") {
        return Cut::new(GapCode::SizeLimit, "a zstd frame asks for a larger window than the limit")
            .into_io();
    }
    error
}

impl BufRead for Unpacked {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.refill()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }
}

impl Read for Unpacked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

fn zstd_decoder(window_log_max: u32) -> io::Result<zstd::stream::raw::Decoder<'static>> {
    let mut decoder = zstd::stream::raw::Decoder::new()?;
    decoder.set_parameter(zstd::stream::raw::DParameter::WindowLogMax(window_log_max))?;
    Ok(decoder)
}

fn is_skippable(magic: &[u8]) -> bool {
    matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

fn other_format(magic: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 4] =
        [(b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x04\x22\x4d\x18", "lz4"), (b"PK\x03\x04", "zip")];
    KNOWN.iter().find(|(bytes, _)| magic.starts_with(bytes)).map(|(_, name)| *name)
}
