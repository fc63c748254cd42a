//! How bad a finding is, as a small ordered scale.

use serde::{Deserialize, Serialize};

/// Qualitative severity. The order is the order of attention: `Unknown` is below `None`, because "nobody rated this"
/// must never hide something that was rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody has rated it. Not the same as harmless.
    #[default]
    Unknown,
    /// Rated, and the rating says no impact (CVSS 0.0).
    None,
    /// Rated below low by a vendor (Debian "unimportant", Ubuntu "negligible").
    Negligible,
    /// CVSS 0.1–3.9.
    Low,
    /// CVSS 4.0–6.9.
    Medium,
    /// CVSS 7.0–8.9.
    High,
    /// CVSS 9.0–10.0.
    Critical,
}

impl Severity {
    /// Every value, lowest first.
    pub const ALL: [Self; 7] =
        [Self::Unknown, Self::None, Self::Negligible, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The qualitative rating of a CVSS base score (0.0–10.0), by the table that CVSS 3.1 and 4.0 share.
    #[must_use]
    pub fn from_cvss_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::None,
        }
    }

    /// The lower-case name used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads a rating word as feeds write it, in any case: also `important`, `moderate`, `unimportant`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        Some(match word.as_str() {
            "critical" => Self::Critical,
            "high" | "important" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" | "minor" => Self::Low,
            "negligible" | "unimportant" => Self::Negligible,
            "none" => Self::None,
            "unknown" | "untriaged" | "not yet assigned" => Self::Unknown,
            _ => return None,
        })
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn bands_follow_the_cvss_table() {
        let rated = [0.0, 0.1, 3.9, 4.0, 6.9, 7.0, 8.9, 9.0, 10.0].map(Severity::from_cvss_score);
        use Severity::{Critical, High, Low, Medium, None};
        assert_eq!(rated, [None, Low, Low, Medium, Medium, High, High, Critical, Critical]);
    }

    #[test]
    fn names_round_trip_and_unrated_sorts_below_rated() {
        for severity in Severity::ALL {
            assert_eq!(Severity::from_word(severity.as_str()), Some(severity));
        }
        assert!(Severity::Unknown < Severity::None);
        assert!(Severity::ALL.is_sorted());
    }
}
