//! Layout of the index file, version 1. All numbers are little-endian; nothing is aligned.
//!
//! ```text
//! header    magic "PALADVIX", version u32, section count u32,
//!           per section: offset u64, length u64, blake3 of its bytes (32 bytes),
//!           blake3 of everything above (32 bytes)
//! meta      JSON: source, age, counts
//! offsets   u32 per string and one more: where it starts in `strings`
//! strings   UTF-8, end to end; string 0 is empty
//! keys      per (ecosystem, name), sorted: ecosystem string u32, name string u32, start u32 and length u32 in `entries`
//! slots     hash table, a power of two: tag u32, key number + 1 as u32 (0 = free); linear probing
//! entries   per key: varint count, then the entries of that key, each with its length in front
//! records   u32 per record and one more: where it starts in `details`
//! details   per record: varints, see `builder`
//! classes   u32 per alias class and one more: where it starts in `members`
//! members   per class: varints: ids, the primary one first; records
//! blocks    per text block: start u64, packed length u32, unpacked length u32
//! texts     deflated blocks of at most about 64 KiB
//! kev       per entry, sorted: CVE number u64, day added string u32, day due string u32, ransomware u32
//! epss      per entry, sorted: CVE number u64, score u32, percentile u32
//! ```
//! The header is verified when the file is opened; sections are verified by [`super::Index::verify`], which the importer calls
//! once before it publishes a file. After that every read checks its bounds.

/// First bytes of the file.
pub(crate) const MAGIC: &[u8; 8] = b"PALADVIX";
/// Version of this layout.
pub(crate) const VERSION: u32 = 1;
/// Sections, in the order of the file.
pub(crate) const SECTIONS: usize = 14;
/// Bytes of one line of the section table.
pub(crate) const SECTION_LINE: usize = 48;
/// Bytes of the whole header.
pub(crate) const HEADER: usize = 16 + SECTIONS * SECTION_LINE + 32;

/// A section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Meta,
    Offsets,
    Strings,
    Keys,
    Slots,
    Entries,
    Records,
    Details,
    Classes,
    Members,
    Blocks,
    Texts,
    Kev,
    Epss,
}

pub(crate) const KEY_LINE: usize = 16;
pub(crate) const SLOT_LINE: usize = 8;
pub(crate) const BLOCK_LINE: usize = 16;
pub(crate) const KEV_LINE: usize = 20;
pub(crate) const EPSS_LINE: usize = 16;

/// Hash of a key: FNV-1a with the finisher of MurmurHash3, fixed because it is part of the file form.
pub(crate) fn key_hash(ecosystem: &str, name: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in ecosystem.bytes().chain(std::iter::once(0xff)).chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The part of a hash that is stored in a slot.
pub(crate) fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Appends a number, seven bits a byte, lowest first.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a list of numbers with its length.
pub(crate) fn put_list(out: &mut Vec<u8>, values: impl ExactSizeIterator<Item = u32>) {
    put(out, u32::try_from(values.len()).unwrap_or(u32::MAX));
    for value in values {
        put(out, value);
    }
}

/// Reads what [`put`] wrote. Every method gives nothing at the end of the bytes or on a number that does not fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn number(&mut self) -> Option<u32> {
        let mut value: u64 = 0;
        for shift in (0..35).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    pub(crate) fn bytes(&mut self, length: u32) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(head)
    }

    /// Reads a list; it cannot be longer than the bytes that are left.
    pub(crate) fn list(&mut self) -> Option<Vec<u32>> {
        let count = usize::try_from(self.number()?).ok()?;
        if count > self.0.len() {
            return None;
        }
        (0..count).map(|_| self.number()).collect()
    }
}

/// The `u32` at a position counted in lines of four bytes.
pub(crate) fn u32_at(bytes: &[u8], position: usize) -> Option<u32> {
    let start = position.checked_mul(4)?;
    u32_in(bytes, start)
}

pub(crate) fn u32_in(bytes: &[u8], start: usize) -> Option<u32> {
    let raw = bytes.get(start..start.checked_add(4)?)?;
    Some(u32::from_le_bytes(raw.try_into().ok()?))
}

pub(crate) fn u64_in(bytes: &[u8], start: usize) -> Option<u64> {
    let raw = bytes.get(start..start.checked_add(8)?)?;
    Some(u64::from_le_bytes(raw.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cursor, put_list};

    proptest! {
        #[test]
        fn numbers_round_trip(values in prop::collection::vec(any::<u32>(), 0..50)) {
            let mut bytes = Vec::new();
            put_list(&mut bytes, values.iter().copied());
            let mut cursor = Cursor(&bytes);
            prop_assert_eq!(cursor.list(), Some(values));
            prop_assert!(cursor.0.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
            let _ = Cursor(&bytes).list();
        }
    }
}
