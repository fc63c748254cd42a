//! What files cannot answer, said once.

use std::collections::BTreeSet;

use model::{Gap, GapCode};

/// Names that a folded gap gives.
const NAMED_MAX: usize = 12;

/// Folds the gaps of judging a tree's objects: each check that could not be done on some objects, as it asks about objects of
/// kinds that no file describes, becomes part of one gap. `unanswered` says whether a gap is of that sort; the others stay as they are.
/// A check is what stands behind `!/` in a gap's subject.
#[must_use]
pub fn fold_gaps(gaps: BTreeSet<Gap>, unanswered: impl Fn(&Gap) -> bool) -> BTreeSet<Gap> {
    let of_check = |gap: &Gap| {
        let check = gap.subject.rsplit_once("!/").map(|(_, check)| check.to_owned());
        check.filter(|_| gap.code == GapCode::CheckError && unanswered(gap))
    };
    let (mut kept, mut checks, mut times) = (BTreeSet::new(), BTreeSet::new(), 0_usize);
    for gap in gaps {
        match of_check(&gap) {
            Some(check) => {
                times += 1;
                checks.insert(check);
            }
            None => drop(kept.insert(gap)),
        }
    }
    if !checks.is_empty() {
        let named: Vec<&str> = checks.iter().take(NAMED_MAX).map(String::as_str).collect();
        let more = checks.len().saturating_sub(NAMED_MAX);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let reason = format!(
            "files do not say what else is in a cluster: {} checks ask about objects of kinds that no file describes, and were not done \
             ({times} times): {}{more}; scan the cluster for them",
            checks.len(),
            named.join(", ")
        );
        kept.insert(Gap { code: GapCode::NotCollected, subject: "kubernetes".to_owned(), reason });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unanswered_questions_become_one_gap_and_other_gaps_stay() {
        let gap = |code, subject: &str, reason: &str| crate::text::gap(code, subject, reason);
        let other = gap(GapCode::CheckError, "a!/p/other", "it failed");
        let fault = gap(GapCode::PluginFault, "a!/p/x", "unanswered");
        let mut gaps: BTreeSet<Gap> = [other.clone(), fault.clone()].into();
        for object in ["a", "b", "c"] {
            gaps.insert(gap(GapCode::CheckError, &format!("{object}!/p/x"), "unanswered"));
            gaps.insert(gap(GapCode::CheckError, &format!("{object}!/p/y"), "unanswered"));
        }
        let folded = fold_gaps(gaps, |gap| gap.reason == "unanswered");
        assert_eq!(folded.len(), 3);
        assert!(folded.contains(&other) && folded.contains(&fault));
        let one = folded.iter().find(|gap| gap.code == GapCode::NotCollected).unwrap();
        assert!(
            one.reason.contains("2 checks") && one.reason.contains("(6 times): p/x, p/y;"),
            "{}",
            one.reason
        );
        assert!(fold_gaps(BTreeSet::new(), |_| true).is_empty());
    }
}
