//! Counters by hash, in the bytes in which they are kept: nothing is parsed and nothing is written out.
//!
//! An open table of 16-byte cells (8 bytes hash, 4 bytes count, 4 bytes of nothing), a power of two of them, at most half
//! of them used; an empty cell has the hash 0. Two pairs of one hash would share a counter: among a million pairs one such
//! is found in some thirty million tables, which a counter of events bears.

const CELL: usize = 16;
const CELLS_MIN: usize = 256;
/// Half a mebibyte, which the manifest's state has room for. A table that is half full of it counts no new pairs.
const CELLS_MAX: usize = 32_768;

/// Counters by hash.
pub(crate) struct Table {
    cells: Vec<u8>,
    used: usize,
}

impl Table {
    /// The table that [`Table::into_bytes`] made; an empty one from anything else.
    pub(crate) fn from_bytes(cells: Vec<u8>) -> Self {
        let count = cells.len() / CELL;
        if cells.len() % CELL != 0 || !(CELLS_MIN..=CELLS_MAX).contains(&count) || !count.is_power_of_two() {
            return Self { cells: vec![0; CELLS_MIN * CELL], used: 0 };
        }
        let used = cells.chunks_exact(CELL).filter(|cell| hash_of(cell) != 0).count();
        Self { cells, used }
    }

    /// The table as it is kept.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.cells
    }

    /// Adds one to the counter of a hash, and says what it is now; 0 where there is no room for another counter.
    pub(crate) fn add(&mut self, hash: u64) -> u32 {
        let half_full = self.used * 2 >= self.cells.len() / CELL;
        let growing = half_full && self.cells.len() / CELL < CELLS_MAX;
        if growing {
            self.grow();
        }
        let mask = self.cells.len() / CELL - 1;
        let mut place = hash as usize & mask;
        loop {
            let Some(cell) = self.cells.get_mut(place * CELL..(place + 1) * CELL) else { return 0 };
            let found = hash_of(cell);
            if found == 0 {
                if half_full && !growing {
                    return 0;
                }
                cell[..8].copy_from_slice(&hash.to_le_bytes());
                self.used += 1;
            }
            if found == 0 || found == hash {
                let count = count_of(cell).saturating_add(1);
                cell[8..12].copy_from_slice(&count.to_le_bytes());
                return count;
            }
            place = (place + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.cells);
        self.cells = vec![0; old.len() * 2];
        let mask = self.cells.len() / CELL - 1;
        for cell in old.chunks_exact(CELL).filter(|cell| hash_of(cell) != 0) {
            let mut place = hash_of(cell) as usize & mask;
            while hash_of(&self.cells[place * CELL..]) != 0 {
                place = (place + 1) & mask;
            }
            self.cells[place * CELL..(place + 1) * CELL].copy_from_slice(cell);
        }
    }
}

fn hash_of(cell: &[u8]) -> u64 {
    cell.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn count_of(cell: &[u8]) -> u32 {
    cell.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// A hash of two texts that is never 0, eight bytes a step: multiply, and fold the upper half down.
pub(crate) fn hash(first: &[u8], second: &[u8]) -> u64 {
    let mixed = [first, second].into_iter().fold(0x9e37_79b9_7f4a_7c15, |seed: u64, text| {
        let (words, rest) = text.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let words = words.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
        words.fold(seed ^ text.len() as u64, |mixed, word| fold(mixed ^ word))
    });
    mixed.max(1)
}

fn fold(word: u64) -> u64 {
    let word = word.wrapping_mul(0xff51_afd7_ed55_8ccd);
    word ^ (word >> 32)
}

#[cfg(test)]
mod tests {
    use super::{Table, hash};

    #[test]
    fn every_pair_has_its_own_counter_and_keeps_it() {
        let mut table = Table::from_bytes(Vec::new());
        for turn in 1..=3 {
            for number in 0..1_000_u32 {
                let asset = format!("host:{number}");
                assert_eq!(table.add(hash(b"falco", asset.as_bytes())), turn, "{asset}");
            }
            table = Table::from_bytes(table.into_bytes());
        }
        assert_eq!(table.used, 1_000);
        assert_eq!(table.cells.len(), 2_048 * 16);
    }

    #[test]
    fn texts_are_told_apart_by_where_one_ends_and_the_other_begins() {
        let pairs = [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("abcdefgh", ""), ("", "abcdefgh")];
        let mut seen: Vec<u64> = pairs.iter().map(|(a, b)| hash(a.as_bytes(), b.as_bytes())).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), pairs.len());
    }

    #[test]
    fn a_full_table_counts_on_what_it_has() {
        let mut table = Table::from_bytes(Vec::new());
        for number in 0..20_000_u64 {
            assert_eq!(table.add(number + 1), u32::from(number < 16_384), "{number}");
        }
        assert_eq!((table.add(7), table.add(19_000)), (2, 0));
        assert_eq!(Table::from_bytes(table.into_bytes()).add(7), 3);
    }

    #[test]
    fn bytes_that_are_no_table_start_an_empty_one() {
        for bytes in [vec![1; 7], vec![1; 16], vec![1; 300 * 16]] {
            assert_eq!(Table::from_bytes(bytes).used, 0);
        }
    }
}
