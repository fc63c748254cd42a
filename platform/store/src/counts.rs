//! Findings counted by severity.

use model::Severity;
use serde::{Deserialize, Serialize};

/// How many findings there are of each severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SeverityCounts {
    /// CVSS 9.0–10.0.
    pub critical: u64,
    /// CVSS 7.0–8.9.
    pub high: u64,
    /// CVSS 4.0–6.9.
    pub medium: u64,
    /// CVSS 0.1–3.9.
    pub low: u64,
    /// Rated below low by a vendor.
    pub negligible: u64,
    /// Rated as without impact.
    pub none: u64,
    /// Not rated.
    pub unknown: u64,
}

impl SeverityCounts {
    /// Counts one more.
    pub fn add(&mut self, severity: Severity) {
        self.add_many(severity, 1);
    }

    /// Counts so many more.
    pub fn add_many(&mut self, severity: Severity, number: u64) {
        let slot = match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Negligible => &mut self.negligible,
            Severity::None => &mut self.none,
            Severity::Unknown => &mut self.unknown,
        };
        *slot = slot.saturating_add(number);
    }

    /// How many have this severity.
    #[must_use]
    pub fn of(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Negligible => self.negligible,
            Severity::None => self.none,
            Severity::Unknown => self.unknown,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        Severity::ALL.iter().map(|severity| self.of(*severity)).sum()
    }
}

impl FromIterator<Severity> for SeverityCounts {
    fn from_iter<I: IntoIterator<Item = Severity>>(severities: I) -> Self {
        let mut counts = Self::default();
        severities.into_iter().for_each(|severity| counts.add(severity));
        counts
    }
}

/// Place of a severity in columns that sort: worse is higher.
pub(crate) fn rank(severity: Severity) -> i64 {
    match severity {
        Severity::Unknown => 0,
        Severity::None => 1,
        Severity::Negligible => 2,
        Severity::Low => 3,
        Severity::Medium => 4,
        Severity::High => 5,
        Severity::Critical => 6,
    }
}

/// Reads [`rank`].
pub(crate) fn from_rank(rank_value: i64) -> Option<Severity> {
    Severity::ALL.into_iter().find(|severity| rank(*severity) == rank_value)
}

#[cfg(test)]
mod tests {
    use model::Severity;

    use super::{SeverityCounts, from_rank, rank};

    #[test]
    fn ranks_follow_the_order_of_severities_and_read_back() {
        assert!(Severity::ALL.is_sorted_by_key(|severity| rank(*severity)));
        for severity in Severity::ALL {
            assert_eq!(from_rank(rank(severity)), Some(severity));
        }
        assert_eq!(from_rank(7), None);
    }

    #[test]
    fn every_severity_has_its_own_count() {
        let counts: SeverityCounts = Severity::ALL.into_iter().collect();
        assert_eq!(counts.total(), 7);
        assert!(Severity::ALL.iter().all(|severity| counts.of(*severity) == 1));
    }
}
