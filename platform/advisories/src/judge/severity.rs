//! How bad a vulnerability is, and who says so.
//!
//! Several publishers rate the same vulnerability. The choice is by rank, and the finding names it: the distribution's word, then
//! CVSS of the record that matched, then GitHub's review, then any other record of the same vulnerability. Within a rank
//! the newest CVSS version counts, then the record's id. Nobody rated it: unknown, which is not "none".

use std::str::FromStr;

use model::{Cvss, Severity};

/// A rating with its origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Opinion {
    rank: u8,
    /// Higher is preferred within a rank: 5 for a word, else the CVSS version.
    weight: u8,
    source: String,
    severity: Severity,
}

/// Collects ratings of one finding.
#[derive(Debug, Default)]
pub(crate) struct Opinions {
    opinions: Vec<Opinion>,
    cvss: Vec<Cvss>,
}

/// Where a rating stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A record of the distribution that matched.
    Vendor,
    /// A record of a language's database that matched.
    Matched,
    /// Another record of the same vulnerability.
    Other,
}

impl Opinions {
    /// Adds the word and ratings of a record.
    pub(crate) fn add(
        &mut self,
        standing: Standing,
        record: &str,
        words: [&str; 2],
        ratings: &[(&str, &str)],
    ) {
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            self.add_word(standing, record, "severity", word);
        }
        for (kind, score) in ratings {
            match cvss(record, score) {
                Some(cvss) => self.add_cvss(standing, record, cvss),
                None if kind.starts_with("CVSS") => {}
                None => self.add_word(standing, record, kind, score),
            }
        }
    }

    fn add_word(&mut self, standing: Standing, record: &str, field: &str, word: &str) {
        let Some(severity) = Severity::from_word(word).filter(|severity| *severity != Severity::Unknown)
        else {
            return;
        };
        let rank = match standing {
            Standing::Vendor => 0,
            Standing::Matched | Standing::Other if record.starts_with("GHSA-") => 2,
            Standing::Matched => 1,
            Standing::Other => 3,
        };
        self.opinions.push(Opinion { rank, weight: 5, source: format!("{record} {field}"), severity });
    }

    fn add_cvss(&mut self, standing: Standing, record: &str, cvss: Cvss) {
        let rank = match standing {
            Standing::Vendor => 1,
            Standing::Matched | Standing::Other if record.starts_with("GHSA-") => 2,
            Standing::Matched => 1,
            Standing::Other => 3,
        };
        let weight = match cvss.version.as_str() {
            "4.0" => 4,
            "3.1" => 3,
            "3.0" => 2,
            _ => 1,
        };
        let source = format!("{record} CVSS {}", cvss.version);
        self.opinions.push(Opinion { rank, weight, source, severity: Severity::from_cvss_score(cvss.score) });
        if !self.cvss.contains(&cvss) {
            self.cvss.push(cvss);
        }
    }

    /// The severity, who said it, and every CVSS rating, newest version first.
    pub(crate) fn decide(mut self) -> (Severity, String, Vec<Cvss>) {
        self.cvss.sort_by(|a, b| (&b.version, &a.source, &a.vector).cmp(&(&a.version, &b.source, &b.vector)));
        let best = self.opinions.into_iter().min_by(|a, b| {
            (a.rank, std::cmp::Reverse(a.weight), &a.source).cmp(&(
                b.rank,
                std::cmp::Reverse(b.weight),
                &b.source,
            ))
        });
        match best {
            Some(opinion) => (opinion.severity, opinion.source, self.cvss),
            None => (Severity::Unknown, "not rated by any record".to_owned(), self.cvss),
        }
    }
}

/// Metrics of the base group; the score is of these alone, whatever else a vector carries.
const BASE_METRICS: [&str; 19] = [
    "AV", "AC", "AT", "Au", "PR", "UI", "S", "C", "I", "A", "VC", "VI", "VA", "SC", "SI", "SA", "CVSS:3.0",
    "CVSS:3.1", "CVSS:4.0",
];

/// Reads a vector of CVSS 2.0, 3.0, 3.1 or 4.0 and computes its base score.
pub(crate) fn cvss(source: &str, vector: &str) -> Option<Cvss> {
    if vector.len() > 400 {
        return None;
    }
    let text = vector.trim().trim_start_matches('(').trim_end_matches(')');
    let (version, prefix) = match text.get(..8) {
        Some(prefix @ "CVSS:4.0") => ("4.0", prefix),
        Some(prefix @ "CVSS:3.1") => ("3.1", prefix),
        Some(prefix @ "CVSS:3.0") => ("3.0", prefix),
        _ => ("2.0", ""),
    };
    let metrics = text.strip_prefix(prefix)?.trim_start_matches('/').split('/');
    let base =
        metrics.filter(|metric| metric.split(':').next().is_some_and(|name| BASE_METRICS.contains(&name)));
    let base: Vec<&str> = Some(prefix).filter(|prefix| !prefix.is_empty()).into_iter().chain(base).collect();
    let parsed = cvss::Cvss::from_str(&base.join("/")).ok()?;
    let score = (parsed.score() * 10.0).round() / 10.0;
    let sound = score.is_finite() && (0.0..=10.0).contains(&score);
    sound.then(|| Cvss {
        version: version.to_owned(),
        vector: vector.to_owned(),
        score,
        source: source.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use model::Severity;

    use super::{Opinions, Standing, cvss};

    #[test]
    fn base_scores_of_published_vectors() {
        for (vector, version, score) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "3.1", 10.0),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", "3.1", 9.8),
            ("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", "3.0", 5.9),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "3.1", 7.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "3.1", 0.0),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", "2.0", 7.5),
            ("AV:N/AC:M/Au:N/C:N/I:P/A:N", "2.0", 4.3),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "4.0", 9.3),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", "4.0", 10.0),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N/E:X/CR:X/S:X/AU:X/R:X/V:X/RE:X/U:X",
                "4.0",
                4.8,
            ),
        ] {
            let read = cvss("X", vector).unwrap_or_else(|| panic!("{vector} is not read"));
            assert_eq!((read.version.as_str(), read.score), (version, score), "{vector}");
        }
        for broken in ["", "HIGH", "7.5", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N", "AV:N/AC:L", "CVSS:3.1/é"] {
            assert!(cvss("X", broken).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn the_distribution_decides_then_the_matching_record_then_github_then_others() {
        let critical = [("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")];
        let mut opinions = Opinions::default();
        opinions.add(Standing::Other, "PYSEC-1", ["", ""], &critical);
        assert_eq!(opinions.decide().1, "PYSEC-1 CVSS 3.1");
        let mut opinions = Opinions::default();
        opinions.add(Standing::Other, "PYSEC-1", ["", ""], &critical);
        opinions.add(Standing::Matched, "GHSA-1", ["MODERATE", ""], &critical);
        opinions.add(Standing::Vendor, "UBUNTU-CVE-1", ["", ""], &[("Ubuntu", "negligible")]);
        let (severity, source, all) = opinions.decide();
        assert_eq!((severity, source.as_str()), (Severity::Negligible, "UBUNTU-CVE-1 Ubuntu"));
        assert_eq!(all.len(), 2, "both ratings are shown");
        let mut opinions = Opinions::default();
        opinions.add(Standing::Vendor, "DEBIAN-1", ["", "not yet assigned"], &[]);
        assert_eq!(opinions.decide().0, Severity::Unknown, "not yet assigned is no rating");
    }
}
