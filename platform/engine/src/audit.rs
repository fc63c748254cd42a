//! What plugins were denied, and what they sent out of the machine: for the audit log of whoever keeps one.
//!
//! A collection sends the same request thousands of times, but for its body. Equal entries are counted, so that a log stays readable and
//! nothing of it is lost.

use std::collections::BTreeMap;

use host::Audit;

/// Different entries that are kept. What goes over is counted.
const ENTRIES_MAX: usize = 10_000;

/// What became of asks that an operator wants to read about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trail {
    /// By plugin and ask: how often.
    entries: BTreeMap<(String, Audit), u64>,
    /// Asks that are in no entry.
    beyond: u64,
}

impl Trail {
    /// Adds what one call of a plugin left: its entries, and how many of them the host did not keep.
    pub fn note(&mut self, plugin: &str, entries: Vec<Audit>, dropped: u64) {
        for entry in entries {
            self.count((plugin.to_owned(), entry), 1);
        }
        self.beyond = self.beyond.saturating_add(dropped);
    }

    /// Adds another trail.
    pub fn add(&mut self, other: Self) {
        for (entry, times) in other.entries {
            self.count(entry, times);
        }
        self.beyond = self.beyond.saturating_add(other.beyond);
    }

    fn count(&mut self, entry: (String, Audit), times: u64) {
        let full = self.entries.len() >= ENTRIES_MAX;
        match self.entries.get_mut(&entry) {
            Some(known) => *known = known.saturating_add(times),
            None if full => self.beyond = self.beyond.saturating_add(times),
            None => drop(self.entries.insert(entry, times)),
        }
    }

    /// Plugin, ask, and how often, in a fixed order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Audit, u64)> {
        self.entries.iter().map(|((plugin, entry), times)| (plugin.as_str(), entry, *times))
    }

    /// How many asks there were beside the entries.
    #[must_use]
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.beyond == 0
    }
}

#[cfg(test)]
mod tests {
    use host::Capability;

    use super::*;

    fn entry(what: &str, allowed: bool) -> Audit {
        Audit { capability: Capability::Http, what: what.to_owned(), allowed }
    }

    #[test]
    fn equal_entries_are_counted_and_none_is_lost() {
        let mut trail = Trail::default();
        assert!(trail.is_empty());
        trail.note("a", vec![entry("x", true), entry("x", true), entry("x", false)], 3);
        let mut other = Trail::default();
        other.note("a", vec![entry("x", true)], 0);
        other.note("b", vec![entry("x", true)], 1);
        trail.add(other);
        let told: Vec<_> =
            trail.entries().map(|(plugin, entry, times)| (plugin, entry.allowed, times)).collect();
        assert_eq!(told, [("a", false, 1), ("a", true, 3), ("b", true, 1)]);
        assert_eq!(trail.beyond(), 4);
    }

    #[test]
    fn a_flood_of_different_entries_is_counted_beyond_the_bound() {
        let mut trail = Trail::default();
        let flood = (0..ENTRIES_MAX + 7).map(|number| entry(&format!("{number:06}"), false)).collect();
        trail.note("a", flood, 0);
        trail.note("a", vec![entry("000000", false)], 0);
        assert_eq!((trail.entries().count(), trail.beyond()), (ENTRIES_MAX, 7));
        assert_eq!(trail.entries().next().map(|(_, _, times)| times), Some(2));
    }
}
