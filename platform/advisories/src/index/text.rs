//! Summaries, details and links, packed in blocks: they are most of a feed's bytes and are read only for findings.

use std::io::{Read as _, Write as _};

use super::format::{Cursor, put};
use crate::osv::Record;

/// A block is packed when it has grown to this many bytes. Larger blocks pack better but cost more for each finding.
const BLOCK: usize = 32 << 10;
/// No block can be longer than a block plus the longest record text (details, summary and 32 links).
pub(crate) const BLOCK_MAX: u32 = 256 << 10;

/// The texts of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// One line.
    pub summary: String,
    /// Text.
    pub details: String,
    /// Links.
    pub references: Vec<String>,
}

/// Collects texts into packed blocks.
#[derive(Debug, Default)]
pub(super) struct TextWriter {
    /// Packed blocks end to end.
    pub(super) packed: Vec<u8>,
    /// Start, packed length and unpacked length of each block.
    pub(super) blocks: Vec<(u64, u32, u32)>,
    open: Vec<u8>,
}

impl TextWriter {
    /// Adds the texts of a record and says where they went: block and position in it.
    pub(super) fn add(&mut self, record: &Record) -> (u32, u32) {
        let place = (u32::try_from(self.blocks.len()).unwrap_or(u32::MAX), length(&self.open));
        put_text(&mut self.open, &record.summary);
        put_text(&mut self.open, &record.details);
        put(&mut self.open, u32::try_from(record.references.len()).unwrap_or(0));
        for reference in &record.references {
            put_text(&mut self.open, reference);
        }
        if self.open.len() >= BLOCK {
            self.close();
        }
        place
    }

    /// Packs what is left.
    pub(super) fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let start = self.packed.len();
        let mut encoder =
            flate2::write::DeflateEncoder::new(std::mem::take(&mut self.packed), flate2::Compression::new(6));
        // Writing to memory cannot fail; if it could, the unpacked length below would tell the reader.
        let _ = encoder.write_all(&self.open);
        self.packed = encoder.finish().unwrap_or_default();
        let packed = u32::try_from(self.packed.len().saturating_sub(start)).unwrap_or(0);
        self.blocks.push((start as u64, packed, length(&self.open)));
        self.open.clear();
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, length(text.as_bytes()));
    out.extend_from_slice(text.as_bytes());
}

/// Unpacks a block of known length.
pub(super) fn unpack(packed: &[u8], length: u32) -> Option<Vec<u8>> {
    if length > BLOCK_MAX {
        return None;
    }
    let mut block = Vec::with_capacity(length as usize);
    flate2::read::DeflateDecoder::new(packed).take(u64::from(length) + 1).read_to_end(&mut block).ok()?;
    (block.len() == length as usize).then_some(block)
}

/// Reads the texts at a position of an unpacked block.
pub(crate) fn read(block: &[u8], position: u32) -> Option<Texts> {
    let mut cursor = Cursor(block.get(position as usize..)?);
    let summary = read_text(&mut cursor)?;
    let details = read_text(&mut cursor)?;
    let count = cursor.number()?;
    let references = (0..count).map(|_| read_text(&mut cursor)).collect::<Option<Vec<_>>>()?;
    Some(Texts { summary, details, references })
}

fn read_text(cursor: &mut Cursor<'_>) -> Option<String> {
    let length = cursor.number()?;
    String::from_utf8(cursor.bytes(length)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::{TextWriter, read, unpack};
    use crate::osv::Record;

    #[test]
    fn texts_come_back_from_their_place() {
        let mut writer = TextWriter::default();
        let record = |n: usize| Record {
            summary: format!("summary {n}"),
            details: format!("details {n} ").repeat(200),
            references: vec![format!("https://e.org/{n}")],
            ..Record::default()
        };
        let places: Vec<_> = (0..100).map(|n| writer.add(&record(n))).collect();
        writer.close();
        assert!(writer.blocks.len() > 3);
        for (n, (block, position)) in places.into_iter().enumerate() {
            let (start, packed, length) = writer.blocks[block as usize];
            let bytes = &writer.packed[start as usize..][..packed as usize];
            let texts = read(&unpack(bytes, length).unwrap(), position).unwrap();
            assert_eq!((texts.summary, texts.references), (record(n).summary, record(n).references));
            assert!(unpack(bytes, length + 1).is_none(), "a wrong length is damage");
        }
    }
}
