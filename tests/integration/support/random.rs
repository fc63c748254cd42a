//! A small generator of our own, so that a failed run can be repeated by its seed.

/// The next number follows from the last one alone.
pub(crate) struct Random(u64);

impl Random {
    /// From a seed, which is not 0.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
