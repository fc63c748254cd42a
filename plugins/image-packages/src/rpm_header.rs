//! The header of one rpm package, as its database keeps it (rpm, "RPM v4 header format"): an index of tags and a store of
//! values, big-endian, without the magic number that it has in package files.

use crate::bytes::{Order, c_string};

pub(crate) const NAME: u32 = 1000;
pub(crate) const VERSION: u32 = 1001;
pub(crate) const RELEASE: u32 = 1002;
pub(crate) const EPOCH: u32 = 1003;
pub(crate) const LICENSE: u32 = 1014;
pub(crate) const ARCH: u32 = 1022;
pub(crate) const SOURCE_RPM: u32 = 1044;
pub(crate) const DIRECTORY_INDEXES: u32 = 1116;
pub(crate) const BASE_NAMES: u32 = 1117;
pub(crate) const DIRECTORY_NAMES: u32 = 1118;

const ENTRY: usize = 16;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// A header whose index and store lie inside the given bytes.
pub(crate) struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

impl<'a> Header<'a> {
    pub(crate) fn parse(blob: &'a [u8]) -> Option<Self> {
        let entries = usize::try_from(Order::Big.u32(blob, 0)?).ok()?;
        let size = usize::try_from(Order::Big.u32(blob, 4)?).ok()?;
        let (index, rest) = blob.get(8..)?.split_at_checked(entries.checked_mul(ENTRY)?)?;
        Some(Self { index, store: rest.get(..size)? })
    }

    /// The values of a tag of one of these types, and how many there are.
    fn values(&self, tag: u32, types: &[u32]) -> Option<(&'a [u8], usize)> {
        let entry = self.index.chunks_exact(ENTRY).find(|entry| Order::Big.u32(entry, 0) == Some(tag))?;
        types.contains(&Order::Big.u32(entry, 4)?).then_some(())?;
        let offset = usize::try_from(Order::Big.u32(entry, 8)?).ok()?;
        let count = usize::try_from(Order::Big.u32(entry, 12)?).ok()?;
        Some((self.store.get(offset..)?, count))
    }

    /// A text that is not empty; of translations the first.
    pub(crate) fn string(&self, tag: u32) -> Option<String> {
        let (bytes, _) = self.values(tag, &[STRING, STRING_ARRAY, I18N_STRING])?;
        Some(c_string(bytes)).filter(|text| !text.is_empty())
    }

    pub(crate) fn strings(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> {
        let (bytes, count) = self.values(tag, &[STRING_ARRAY]).unwrap_or_default();
        bytes.split(|byte| *byte == 0).take(count)
    }

    pub(crate) fn integers(&self, tag: u32) -> impl Iterator<Item = u32> {
        let (bytes, count) = self.values(tag, &[INT32]).unwrap_or_default();
        bytes.chunks_exact(4).take(count).filter_map(|chunk| Order::Big.u32(chunk, 0))
    }
}
