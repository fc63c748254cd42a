//! From what was observed of its rules to where a control stands.
//!
//! | control | its rules | status |
//! |---|---|---|
//! | `manual` | | manual |
//! | any other | there are none, or none passes or fails | not-assessed |
//! | any other | all that pass or fail fail | not-met |
//! | any other | some fail, some pass | partly |
//! | `automated` | all that pass or fail pass | met |
//! | `partly` | all that pass or fail pass | partly |
//!
//! A rule fails if any asset fails it, and passes if some pass and none fails. A check that could not be done, or has nothing to
//! look at, neither proves nor refutes anything; the rationale tells of it.
//!
//! The last row is the strongest honest word. Of a `partly` control the rules see a part: where they pass, that part is as it
//! should be, and nobody looked at the rest. Met would claim the rest, not-assessed would hide that something was looked at.

use palisade_sdk::{ControlResult, ControlStatus, Item, Observation};

use crate::catalogue::{Assessment, Control, Mapping};
use crate::rationale::rationale;
use crate::seen::{RuleSeen, Seen, Verdict};

/// Most observations that one control names as its proof. Without a bound, a control of 90 rules in a scope of hundreds of
/// thousands of observations would fill the answer with numbers that nobody reads.
pub(crate) const PROOF_MAX: usize = 1_000;

/// A rule of a control with what was observed of it.
pub(crate) type Told<'c, 's, 'a> = (&'c Mapping<'c>, &'s RuleSeen<'a>);

/// The rules of a control, by what they say, each list in the order of the catalogue.
#[derive(Default)]
pub(crate) struct Rules<'c, 's, 'a> {
    pub(crate) fail: Vec<Told<'c, 's, 'a>>,
    pub(crate) pass: Vec<Told<'c, 's, 'a>>,
    pub(crate) untold: Vec<Told<'c, 's, 'a>>,
    pub(crate) inapplicable: Vec<Told<'c, 's, 'a>>,
    pub(crate) unseen: Vec<Told<'c, 's, 'a>>,
}

impl<'c, 's, 'a> Rules<'c, 's, 'a> {
    fn new(control: &'c Control<'_>, seen: &'s Seen<'_, 'a>) -> Self {
        let mut rules = Self::default();
        for map in &control.rules {
            let of = seen.of(&map.rule);
            let list = match of.verdict() {
                Verdict::Fails => &mut rules.fail,
                Verdict::Passes => &mut rules.pass,
                Verdict::Untold => &mut rules.untold,
                Verdict::Inapplicable => &mut rules.inapplicable,
                Verdict::Unseen => &mut rules.unseen,
            };
            list.push((map, of));
        }
        rules
    }

    fn status(&self, assessment: Assessment) -> ControlStatus {
        match (assessment, self.fail.is_empty(), self.pass.is_empty()) {
            (Assessment::Manual, _, _) => ControlStatus::Manual,
            (_, true, true) => ControlStatus::NotAssessed,
            (_, false, true) => ControlStatus::NotMet,
            (Assessment::Automated, true, false) => ControlStatus::Met,
            (Assessment::Automated, false, false) | (Assessment::Partly, _, false) => ControlStatus::Partly,
        }
    }

    /// The observations that decide, failures first: what passes besides failures of the same rule decides nothing. Where
    /// nothing decides, those that could not be told.
    fn proof(&self) -> Proof<'a> {
        let failed: Vec<_> = self.fail.iter().map(|(_, seen)| seen.failed.as_slice()).collect();
        let passed: Vec<_> = self.pass.iter().map(|(_, seen)| seen.passed.as_slice()).collect();
        let untold: Vec<_> = self.untold.iter().map(|(_, seen)| seen.untold.as_slice()).collect();
        let lists = if failed.is_empty() && passed.is_empty() { vec![untold] } else { vec![failed, passed] };
        Proof {
            all: lists.iter().flatten().map(|list| list.len()).sum(),
            named: lists.iter().flat_map(|lists| in_turn(lists)).take(PROOF_MAX).collect(),
        }
    }
}

/// Observations that prove where a control stands.
pub(crate) struct Proof<'a> {
    /// How many there are.
    pub(crate) all: usize,
    /// Those that are named, at most [`PROOF_MAX`].
    pub(crate) named: Vec<Item<'a, Observation>>,
}

/// One of each list, then the next of each, so that a rule of thousands of assets does not push the others out.
fn in_turn<'a>(lists: &[&[Item<'a, Observation>]]) -> impl Iterator<Item = Item<'a, Observation>> {
    let longest = lists.iter().map(|list| list.len()).max().unwrap_or_default();
    (0..longest).flat_map(move |turn| lists.iter().filter_map(move |list| list.get(turn).copied()))
}

/// Where one control stands, by which observations, and why.
pub(crate) fn judge(framework: &str, control: &Control<'_>, seen: &Seen<'_, '_>) -> ControlResult {
    let rules = Rules::new(control, seen);
    let proof = rules.proof();
    let name = format!("{framework}:{}", control.id);
    let why = rationale(control, &rules, &proof);
    ControlResult::new(name, rules.status(control.assessment), why).proof(proof.named)
}
