//! Positioned reads and integers out of untrusted bytes. Whatever is not there is an error, never a panic.

use std::io::{Read, Seek, SeekFrom};

use palisade_sdk::Unreadable;

/// A file, an archive in memory, or anything else that is read at positions.
pub(crate) trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// Exactly `length` bytes from `offset`. Memory grows with what is read and not with what a header claims.
pub(crate) fn read_at(source: &mut dyn Source, offset: u64, length: u64) -> Result<Vec<u8>, Unreadable> {
    let bytes = read_up_to(source, offset, length)?;
    if (bytes.len() as u64) < length {
        return Err("the file ends early".into());
    }
    Ok(bytes)
}

/// Up to `length` bytes from `offset`; fewer only at the end.
pub(crate) fn read_up_to(source: &mut dyn Source, offset: u64, length: u64) -> Result<Vec<u8>, Unreadable> {
    let failed = |error: std::io::Error| format!("cannot read: {error}");
    source.seek(SeekFrom::Start(offset)).map_err(failed)?;
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// `N` bytes at an offset.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Order of the bytes of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let array = array(bytes, at)?;
        Some(if self == Self::Little { u16::from_le_bytes(array) } else { u16::from_be_bytes(array) })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let array = array(bytes, at)?;
        Some(if self == Self::Little { u32::from_le_bytes(array) } else { u32::from_be_bytes(array) })
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let array = array(bytes, at)?;
        Some(if self == Self::Little { u64::from_le_bytes(array) } else { u64::from_be_bytes(array) })
    }

    /// An integer of four or eight bytes.
    pub(crate) fn word(self, wide: bool, bytes: &[u8], at: usize) -> Option<u64> {
        if wide { self.u64(bytes, at) } else { self.u32(bytes, at).map(u64::from) }
    }
}

/// Text up to the first NUL.
pub(crate) fn c_string(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}
