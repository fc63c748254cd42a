//! Bytes lent to a guest: a window over a file that the host holds.

use std::sync::Arc;

use crate::analysis::SharedBytes;

/// What a `content` handle stands for. Slicing shares the bytes and copies nothing.
#[expect(unreachable_pub, reason = "the generated bindings re-export it, in a private module")]
pub struct Stored {
    bytes: SharedBytes,
    start: usize,
    length: usize,
}

impl Stored {
    /// All of the bytes.
    pub(crate) fn whole(bytes: SharedBytes) -> Self {
        let length = (*bytes).as_ref().len();
        Self { bytes, start: 0, length }
    }

    /// Length of the window.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Length of what a read of `length` at `offset` would give: fewer only at the end.
    pub(crate) fn available(&self, offset: u64, length: u64) -> usize {
        let left = usize::try_from(offset).ok().and_then(|offset| self.length.checked_sub(offset));
        left.unwrap_or(0).min(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Up to `length` bytes from `offset`.
    pub(crate) fn read(&self, offset: u64, length: u64) -> &[u8] {
        let take = self.available(offset, length);
        let from = self.start.saturating_add(usize::try_from(offset).unwrap_or(usize::MAX));
        // The lender may hand out fewer bytes than it said first; then there are none.
        (*self.bytes).as_ref().get(from..from.saturating_add(take)).unwrap_or_default()
    }

    /// A part as a window of its own; nothing if it does not lie within this one.
    pub(crate) fn slice(&self, offset: u64, length: u64) -> Option<Self> {
        let offset = usize::try_from(offset).ok()?;
        let length = usize::try_from(length).ok()?;
        if offset.checked_add(length)? > self.length {
            return None;
        }
        Some(Self { bytes: Arc::clone(&self.bytes), start: self.start.checked_add(offset)?, length })
    }
}

#[cfg(test)]
mod tests {
    use super::Stored;
    use std::sync::Arc;

    #[test]
    fn windows_never_leave_their_file() {
        let whole = Stored::whole(Arc::new(b"0123456789".to_vec()));
        assert_eq!(whole.read(8, 100), b"89");
        assert_eq!(whole.read(10, 1), b"");
        assert_eq!(whole.read(u64::MAX, u64::MAX), b"");
        let part = whole.slice(2, 5).unwrap();
        assert_eq!((part.len(), part.read(0, 100)), (5, b"23456".as_slice()));
        let inner = part.slice(1, 2).unwrap();
        assert_eq!(inner.read(0, 9), b"34");
        for (offset, length) in [(0, 6), (6, 0), (u64::MAX, 1), (1, u64::MAX)] {
            assert!(part.slice(offset, length).is_none(), "{offset} {length}");
        }
        assert_eq!(part.slice(5, 0).unwrap().read(0, 9), b"");
    }
}
