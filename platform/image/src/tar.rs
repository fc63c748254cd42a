//! A strict, streaming tar reader.
//!
//! Two programs that read one archive differently are the root of a family of attacks: what the scanner takes for
//! file content, the runtime takes for a header. The container runtimes unpack with Go's `archive/tar`, so where the
//! formats (POSIX.1-2024 pax, GNU tar manual, "Basic Tar Format") leave room, this reader decides as that one does: a
//! pax size beats the header's, GNU long names beat pax names, entries that are only a header have no body whatever
//! their size field says, and global pax headers are no part of an entry.
//!
//! Memory: one header, and names up to [`EXTENSION_BYTES_MAX`]. Bodies are never held here.

use std::io::{self, BufRead, Read, Seek as _};

use model::GapCode;

use crate::unpacked::Cut;

const BLOCK: usize = 512;

/// Bytes of one pax or GNU extension, as in Go's reader. Real ones have a few hundred.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// Extensions before one entry; four kinds exist.
const EXTENSIONS_MAX: usize = 16;

/// What an entry is, as far as a scanner cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    /// A file whose holes are described aside; its content is not laid out as bytes.
    Sparse,
    Directory,
    Symlink,
    HardLink,
    /// Devices, pipes and types nobody defined: present, without content.
    Other,
}

/// One entry; names as they stand in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) kind: Kind,
    /// Bytes of the body in the archive.
    pub(crate) size: u64,
}

/// Entries in order. The body of the current entry is read through [`Read`]; what is left of it is skipped.
pub(crate) struct TarReader<R> {
    input: R,
    body: u64,
    padding: u64,
    /// Whether an end-of-archive mark was met.
    ended: bool,
}

impl<R: BufRead> TarReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, body: 0, padding: 0, ended: false }
    }

    pub(crate) fn into_inner(self) -> R {
        self.input
    }

    /// Bytes left of the current body.
    #[cfg(test)]
    pub(crate) fn body_left(&self) -> u64 {
        self.body
    }

    /// The next entry, or `None` at the end.
    ///
    /// # Errors
    /// A [`Cut`] inside an [`io::Error`] when the archive contradicts itself or ends early.
    pub(crate) fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        let mut extensions = Extensions::default();
        for _ in 0..=EXTENSIONS_MAX {
            self.skip_body()?;
            let Some(header) = self.header()? else {
                return if extensions.any {
                    Err(corrupt("it ends after an extension header"))
                } else {
                    Ok(None)
                };
            };
            let flag = field(&header, 156, 1).first().copied().unwrap_or_default();
            match flag {
                b'x' | b'g' | b'L' | b'K' => {
                    let size = number(field(&header, 124, 12))?;
                    let content = self.extension(size)?;
                    extensions.any |= flag != b'g';
                    match flag {
                        b'x' => extensions.pax(&content)?,
                        b'L' => extensions.long_path = Some(until_nul(&content).to_vec()),
                        b'K' => extensions.long_link = Some(until_nul(&content).to_vec()),
                        _ => {}
                    }
                }
                _ => return self.entry(&header, flag, extensions).map(Some),
            }
        }
        Err(corrupt("too many extension headers before one entry"))
    }

    fn entry(&mut self, header: &[u8; BLOCK], flag: u8, extensions: Extensions) -> io::Result<Entry> {
        let size = match extensions.size {
            Some(size) => size,
            None => number(field(header, 124, 12))?,
        };
        let path = extensions.long_path.or(extensions.path).unwrap_or_else(|| header_path(header));
        let link = extensions
            .long_link
            .or(extensions.link)
            .unwrap_or_else(|| until_nul(field(header, 157, 100)).to_vec());
        let kind = match flag {
            0 if path.ends_with(b"/") => Kind::Directory,
            b'S' => Kind::Sparse,
            0 | b'0' | b'7' if extensions.sparse => Kind::Sparse,
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'5' => Kind::Directory,
            _ => Kind::Other,
        };
        // Links, devices, directories and pipes have no body, whatever the size field says.
        let size = if matches!(flag, b'1'..=b'6') || kind == Kind::Directory { 0 } else { size };
        if flag == b'S' {
            self.skip_sparse_map(header)?;
        }
        self.body = size;
        self.padding = padding(size);
        Ok(Entry { path: extensions.sparse_path.unwrap_or(path), link, kind, size })
    }

    /// The next header block with a right checksum, or `None` at the end-of-archive mark or the end of the stream.
    fn header(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        if self.ended {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        if !self.block(&mut block)? {
            return Err(corrupt("it ends without an end-of-archive mark"));
        }
        if block.iter().all(|byte| *byte == 0) {
            self.ended = true;
            // The mark is two blocks of zeroes; one at the very end of the stream is common and harmless.
            if self.block(&mut block)? && block.iter().any(|byte| *byte != 0) {
                return Err(corrupt("data follows half an end-of-archive mark"));
            }
            return Ok(None);
        }
        let (unsigned, signed) = checksums(&block);
        let stated = number(field(&block, 148, 8))?;
        if stated != unsigned && i64::try_from(stated) != Ok(signed) {
            return Err(corrupt("a header has a wrong checksum"));
        }
        Ok(Some(block))
    }

    /// Reads one block; false at a clean end of the stream.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < BLOCK {
            let available = self.input.fill_buf()?;
            let count = available.len().min(BLOCK - filled);
            let (Some(from), Some(to)) = (available.get(..count), block.get_mut(filled..filled + count))
            else {
                break;
            };
            if from.is_empty() {
                return if filled == 0 { Ok(false) } else { Err(corrupt("it ends inside a header")) };
            }
            to.copy_from_slice(from);
            self.input.consume(count);
            filled += count;
        }
        Ok(true)
    }

    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > EXTENSION_BYTES_MAX {
            let why = format!("an extension header of {size} bytes; the limit is {EXTENSION_BYTES_MAX}");
            return Err(Cut::new(GapCode::NameLimit, why).into_io());
        }
        (self.body, self.padding) = (size, padding(size));
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        self.read_to_end(&mut content)?;
        Ok(content)
    }

    fn skip_sparse_map(&mut self, header: &[u8; BLOCK]) -> io::Result<()> {
        let mut more = field(header, 482, 1) != [0];
        let mut block = [0; BLOCK];
        while more {
            if !self.block(&mut block)? {
                return Err(corrupt("it ends inside a sparse map"));
            }
            more = field(&block, 504, 1) != [0];
        }
        Ok(())
    }

    fn skip_body(&mut self) -> io::Result<()> {
        let mut left = self.body.saturating_add(self.padding);
        while left > 0 {
            let available = self.input.fill_buf()?.len();
            if available == 0 {
                return Err(corrupt("it ends inside a file"));
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(available);
            self.input.consume(step);
            left -= step as u64;
        }
        (self.body, self.padding) = (0, 0);
        Ok(())
    }
}

impl TarReader<io::BufReader<std::fs::File>> {
    /// Jumps over the body of the current entry and says where in the file it begins.
    pub(crate) fn seek_past_body(&mut self) -> io::Result<u64> {
        let offset = self.input.stream_position()?;
        let length = i64::try_from(self.body.saturating_add(self.padding)).map_err(io::Error::other)?;
        self.input.seek_relative(length)?;
        (self.body, self.padding) = (0, 0);
        Ok(offset)
    }
}

/// The body of the current entry. An archive that ends inside it is an error, never a short file.
impl<R: BufRead> Read for TarReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.body).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..wanted).filter(|into| !into.is_empty()) else { return Ok(0) };
        let count = self.input.read(into)?;
        if count == 0 {
            return Err(corrupt("it ends inside a file"));
        }
        self.body -= count as u64;
        Ok(count)
    }
}

/// What extension headers said about the entry that follows.
#[derive(Default)]
struct Extensions {
    any: bool,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    long_path: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    sparse: bool,
    sparse_path: Option<Vec<u8>>,
}

impl Extensions {
    /// Records of the form `length key=value\n`, where the length counts the whole record. An empty value takes a key
    /// back.
    fn pax(&mut self, mut content: &[u8]) -> io::Result<()> {
        while !content.is_empty() {
            let (key, value, rest) =
                pax_record(content).ok_or_else(|| corrupt("a pax record is malformed"))?;
            content = rest;
            let text = (!value.is_empty()).then(|| value.to_vec());
            match key {
                b"path" => self.path = text,
                b"linkpath" => self.link = text,
                b"size" => self.size = text.map(|digits| pax_size(&digits)).transpose()?,
                b"GNU.sparse.name" => self.sparse_path = text,
                _ => self.sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
        Ok(())
    }
}

fn pax_record(content: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = content.iter().position(|byte| *byte == b' ')?;
    let digits = content.get(..space)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let record = content.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
    let cut_name = matches!(key, b"path" | b"linkpath") && value.contains(&0);
    let bad = key.is_empty() || key.contains(&0) || cut_name;
    (!bad).then_some((key, value, content.get(length..)?))
}

fn pax_size(digits: &[u8]) -> io::Result<u64> {
    let plain = digits.iter().all(u8::is_ascii_digit);
    let size = std::str::from_utf8(digits).ok().filter(|_| plain).and_then(|text| text.parse::<i64>().ok());
    size.and_then(|size| u64::try_from(size).ok()).ok_or_else(|| corrupt("a pax size is not a number"))
}

/// Octal digits between spaces and NULs, or GNU's base-256 where the top bit is set. Never negative.
fn number(raw: &[u8]) -> io::Result<u64> {
    let wrong = || corrupt("a header has a number that cannot be read");
    if raw.first().is_some_and(|first| first & 0x80 != 0) {
        let mut value: u64 = 0;
        for (position, byte) in raw.iter().enumerate() {
            let byte = if position == 0 { byte & 0x7f } else { *byte };
            // A negative number starts with 0xff; after the mask it overflows here like any other too large one.
            value = value.checked_mul(256).and_then(|v| v.checked_add(u64::from(byte))).ok_or_else(wrong)?;
        }
        return i64::try_from(value).map(|_| value).map_err(|_| wrong());
    }
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = raw.iter().position(|byte| !padding(byte)).unwrap_or(raw.len());
    let text = raw.get(start..).unwrap_or_default();
    let end = text.iter().position(padding).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end).unwrap_or_default();
    if !rest.iter().all(padding) {
        return Err(wrong());
    }
    digits.iter().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'7' if value < 1 << 59 => Ok(value * 8 + u64::from(byte - b'0')),
        _ => Err(wrong()),
    })
}

fn header_path(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(field(header, 0, 100));
    // The prefix field exists in POSIX headers alone; GNU's old headers keep times there. Schily's star shortens it.
    if field(header, 257, 6) != b"ustar\0" {
        return name.to_vec();
    }
    let width = if field(header, 508, 4) == b"tar\0" { 131 } else { 155 };
    let prefix = until_nul(field(header, 345, width));
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}

fn field(header: &[u8; BLOCK], offset: usize, length: usize) -> &[u8] {
    header.get(offset..offset + length).unwrap_or_default()
}

fn until_nul(raw: &[u8]) -> &[u8] {
    raw.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Sums of all bytes with the checksum field read as spaces; ancient tars summed signed bytes.
fn checksums(block: &[u8; BLOCK]) -> (u64, i64) {
    let mut unsigned = 0;
    let mut signed = 0;
    for (position, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&position) { b' ' } else { *byte };
        unsigned += u64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    (unsigned, signed)
}

fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

fn corrupt(why: &str) -> io::Error {
    Cut::new(GapCode::Corrupt, format!("the archive is damaged: {why}")).into_io()
}

#[cfg(test)]
#[path = "tar_tests.rs"]
mod tests;
