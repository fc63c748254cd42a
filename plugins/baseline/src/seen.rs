//! When, where and how often one item was seen: a summary of fixed size whose union does not depend on order or repetition.
//!
//! Every part is a join: the least first time, the greatest last time, the union of days, the union of two sets of hashes of which
//! the smallest are kept (bottom-k sketch: Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007). Two summaries of
//! the same events are one.

use crate::codec::{Input, Output};
use crate::text::hash;

/// Hashes that a set keeps. Up to here its count is exact; beyond, the relative standard error is 1/√(k − 2), a half.
const KEPT: usize = 6;
/// Seconds of a day.
const DAY: u64 = 86_400;
/// Days that are told apart, back from the newest.
const DAYS: u32 = 64;

/// The smallest hashes of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Few(Vec<u32>);

impl Few {
    /// Adds a hash; false where it changes nothing.
    pub(crate) fn add(&mut self, hash: u32) -> bool {
        match self.0.binary_search(&hash) {
            Ok(_) => false,
            Err(place) if place >= KEPT => false,
            Err(place) => {
                self.0.insert(place, hash);
                self.0.truncate(KEPT);
                true
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for hash in &other.0 {
            self.add(*hash);
        }
    }

    /// How many different ones there were: exact below `KEPT`, else (k − 1) over the share of all hashes that lie below the k-th.
    pub(crate) fn count(&self) -> u64 {
        match self.0.last() {
            Some(last) if self.0.len() == KEPT => {
                let share = f64::from(last.saturating_add(1)) / 4_294_967_296.0;
                ((KEPT - 1) as f64 / share).round().max(KEPT as f64) as u64
            }
            _ => self.0.len() as u64,
        }
    }

    pub(crate) fn hashes(&self) -> &[u32] {
        &self.0
    }

    pub(crate) fn of(hashes: impl IntoIterator<Item = u32>) -> Self {
        let mut few = Self::default();
        for hash in hashes {
            few.add(hash);
        }
        few
    }

    fn write(&self, output: &mut Output) {
        output.number(self.0.len() as u64);
        for hash in &self.0 {
            output.0.extend_from_slice(&hash.to_le_bytes());
        }
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let mut few = Self::default();
        for _ in 0..input.count()? {
            let (bytes, rest) = input.0.split_first_chunk::<4>()?;
            input.0 = rest;
            few.add(u32::from_le_bytes(*bytes));
        }
        Some(few)
    }
}

/// One look at an item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Seconds since 1970.
    pub(crate) time: u64,
    /// Hash of the container.
    pub(crate) replica: u32,
    /// Within the first minute of the container: what every container does once says nothing about how much is still to come.
    pub(crate) start: bool,
}

/// What is known of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// First and last time in seconds since 1970; the last one by the minute. No time is 0.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The newest day since 1970, and the days before it as bits, itself the lowest.
    pub(crate) day: u32,
    pub(crate) days: u64,
    /// Minutes of containers, but for their starts.
    pub(crate) occasions: Few,
    pub(crate) replicas: Few,
}

impl Seen {
    /// Counts a look; false where it changes nothing.
    pub(crate) fn look(&mut self, look: Look) -> bool {
        let minute = look.time / 60;
        let mut changed = self.replicas.add(look.replica);
        if !look.start {
            let occasion = hash(&[&look.replica.to_le_bytes(), &minute.to_le_bytes()]);
            changed |= self.occasions.add(occasion as u32);
        }
        let first = if self.days == 0 { look.time } else { self.first.min(look.time) };
        let last = self.last.max(minute * 60);
        changed |= first != self.first || last != self.last || self.days == 0;
        (self.first, self.last) = (first, last);
        let days = self.days;
        self.add_days(u32::try_from(look.time / DAY).unwrap_or(u32::MAX), 1);
        changed || days != self.days
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.first = match (self.days, other.days) {
            (0, _) => other.first,
            (_, 0) => self.first,
            _ => self.first.min(other.first),
        };
        self.last = self.last.max(other.last);
        self.add_days(other.day, other.days);
        self.occasions.merge(&other.occasions);
        self.replicas.merge(&other.replicas);
    }

    fn add_days(&mut self, day: u32, days: u64) {
        let newest = self.day.max(day);
        let moved = |days: u64, from: u32| {
            let by = newest - from;
            if by < DAYS { days.checked_shl(by).unwrap_or(0) } else { 0 }
        };
        self.days = moved(self.days, self.day) | moved(days, day);
        self.day = newest;
    }

    /// Different days of the last 64.
    pub(crate) fn day_count(&self) -> u32 {
        self.days.count_ones()
    }

    pub(crate) fn write(&self, output: &mut Output) {
        output.number(self.first);
        output.number(self.last);
        output.number(u64::from(self.day));
        output.number(self.days);
        self.occasions.write(output);
        self.replicas.write(output);
    }

    pub(crate) fn read(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            first: input.number()?,
            last: input.number()?,
            day: u32::try_from(input.number()?).ok()?,
            days: input.number()?,
            occasions: Few::read(input)?,
            replicas: Few::read(input)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Few, Look, Seen};
    use crate::text::hash;

    #[test]
    fn a_count_is_exact_while_small_and_near_when_large() {
        for wanted in [0u64, 1, 5, 6, 1_000, 100_000] {
            let few = Few::of((0..wanted).map(|n| hash(&[&n.to_le_bytes()]) as u32));
            let count = few.count();
            assert!(
                if wanted < 6 { count == wanted } else { count > wanted / 4 && count < wanted * 4 },
                "{wanted} {count}"
            );
        }
    }

    #[test]
    fn days_fall_out_at_the_end() {
        let mut seen = Seen::default();
        for day in [0u64, 1, 3, 70] {
            seen.look(Look { time: day * 86_400, replica: 1, start: false });
        }
        assert_eq!((seen.first, seen.day, seen.days), (0, 70, 1));
        assert!(!seen.look(Look { time: 70 * 86_400 + 59, replica: 1, start: false }));
        assert!(seen.look(Look { time: 70 * 86_400 + 60, replica: 1, start: false }));
    }
}
