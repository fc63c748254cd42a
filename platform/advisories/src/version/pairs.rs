//! Checks an order against a text of known pairs: the command `palisade advisories compare`.

use std::cmp::Ordering;

use super::Order;

/// More mismatches than this are counted but not kept.
const MISMATCHES_KEPT: usize = 1000;

/// A line whose verdict differs from ours, or that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Line number, from 1.
    pub line: usize,
    /// The line, shortened to 300 characters.
    pub text: String,
    /// What we say: `<`, `=`, `>`, or why we cannot say.
    pub ours: String,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairsReport {
    /// The order that was used.
    pub order: Order,
    /// Pairs read.
    pub pairs: usize,
    /// Pairs that differ.
    pub wrong: usize,
    /// The first thousand of them.
    pub mismatches: Vec<Mismatch>,
}

/// Compares every line `A < B`, `A = B` or `A > B` of a text with the order of an ecosystem. Empty lines and lines that begin
/// with `#` are skipped. Returns nothing where the ecosystem has no order here.
#[must_use]
pub fn compare_pairs(ecosystem: &str, text: &str) -> Option<PairsReport> {
    let order = Order::for_ecosystem(ecosystem)?;
    let mut report = PairsReport { order, pairs: 0, wrong: 0, mismatches: Vec::new() };
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with("# ") || trimmed == "#" {
            continue;
        }
        report.pairs += 1;
        if let Some(ours) = disagreement(order, trimmed) {
            report.wrong += 1;
            if report.mismatches.len() < MISMATCHES_KEPT {
                let text = line.chars().take(300).collect();
                report.mismatches.push(Mismatch { line: index + 1, text, ours });
            }
        }
    }
    Some(report)
}

/// Our verdict, if it is not the line's.
fn disagreement(order: Order, line: &str) -> Option<String> {
    let parsed = [(" < ", Ordering::Less), (" = ", Ordering::Equal), (" > ", Ordering::Greater)]
        .into_iter()
        .find_map(|(sign, expected)| line.split_once(sign).map(|(a, b)| (a, b, expected)));
    let Some((a, b, expected)) = parsed else {
        return Some("the line is not `A < B`, `A = B` or `A > B`".to_owned());
    };
    match order.compare(a, b) {
        Ok(ours) if ours == expected => None,
        Ok(Ordering::Less) => Some("<".to_owned()),
        Ok(Ordering::Equal) => Some("=".to_owned()),
        Ok(Ordering::Greater) => Some(">".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::compare_pairs;

    /// Every published pair, where the reference data is at hand.
    #[test]
    fn every_known_pair_is_ordered_as_its_package_manager_does() {
        let Some(folder) = crate::shared::folder("data/version-pairs") else { return };
        let mut total = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let ecosystem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let report = compare_pairs(&ecosystem, &std::fs::read_to_string(&path).unwrap()).unwrap();
            assert!(report.pairs > 0, "{ecosystem} has no pairs");
            let sample = report.mismatches.iter().take(20).collect::<Vec<_>>();
            assert!(
                report.wrong == 0,
                "{ecosystem}: {} of {} differ: {sample:#?}",
                report.wrong,
                report.pairs
            );
            total += report.pairs;
        }
        println!("{total} pairs");
    }

    #[test]
    fn a_wrong_pair_is_reported_with_our_verdict() {
        let report = compare_pairs("debian", "# note\n1.0 < 1.1\n1.0 > 1.1\nnonsense\n").unwrap();
        assert_eq!((report.pairs, report.wrong), (3, 2));
        assert_eq!((report.mismatches[0].line, report.mismatches[0].ours.as_str()), (3, "<"));
        assert!(compare_pairs("atlantis", "1 < 2").is_none());
    }
}
