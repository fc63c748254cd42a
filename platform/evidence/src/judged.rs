//! An assessment and exceptions, put together: what reports, OSCAL and the chain of evidence all say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use model::Severity;
use serde::{Deserialize, Serialize};

use crate::assessment::{Assessment, Control, Framework, Observation, Rule, Seen, Status};
use crate::error::EvidenceError;
use crate::exception::{Applied, Exception, Exceptions, apply, under};

/// An assessment as exceptions leave it.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The assessment.
    pub assessment: &'a Assessment,
    /// What exceptions make of its observations.
    pub applied: Applied<'a>,
    /// Its frameworks, in its order.
    pub frameworks: Vec<JudgedFramework<'a>>,
    /// Its rules by their ids, each with its observations, sorted by asset.
    pub rules: BTreeMap<&'a str, JudgedRule<'a>>,
}

/// A rule and what was seen by it.
#[derive(Debug)]
pub struct JudgedRule<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Places in the assessment's observations, sorted by asset.
    pub observations: Vec<usize>,
    /// How many there are of each kind.
    pub proof: Proof,
}

/// One framework.
#[derive(Debug)]
pub struct JudgedFramework<'a> {
    /// Which.
    pub framework: &'a Framework,
    /// Where its controls stand.
    pub summary: Summary,
    /// Its controls, in its own order.
    pub controls: Vec<JudgedControl<'a>>,
}

/// One control.
#[derive(Debug)]
pub struct JudgedControl<'a> {
    /// The control, with its status before any exception.
    pub control: &'a Control,
    /// Whether it is not met, or partly, and every failure that speaks against it is accepted.
    pub accepted: bool,
    /// Exceptions under which its failures are accepted, by id.
    pub exceptions: Vec<&'a Exception>,
    /// Observations of its rules. Those under exceptions count as accepted.
    pub proof: Proof,
    /// How bad its worst failure is that nobody accepted; of all its failures where all are accepted.
    pub severity: Severity,
}

impl JudgedControl<'_> {
    /// Whether something could be told of it.
    #[must_use]
    pub fn told(&self) -> bool {
        !matches!(self.control.status, Status::Manual | Status::NotAssessed)
    }
}

/// How many observations there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Failures under an exception.
    pub accepted: u64,
    /// Checks that could not be done.
    pub error: u64,
    /// Failures.
    pub fail: u64,
    /// Passes.
    pub pass: u64,
}

/// How many controls of a framework stand where, and the score.
///
/// `score` is `100 * (met + partly / 2) / (met + partly + not met)`, rounded down: the same whether there are exceptions or not, because
/// a risk that is borne is still there. `score_without_accepted` is the same formula over the controls that are not accepted. Controls that nobody could tell
/// anything of are in neither; how many those are stands beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Of the partly met and not met ones: those whose every failure is accepted.
    pub accepted: u32,
    /// Only people can tell.
    pub manual: u32,
    /// All as it should be.
    pub met: u32,
    /// Nothing was seen that could tell.
    pub not_assessed: u32,
    /// None of it.
    pub not_met: u32,
    /// Some of it.
    pub partly: u32,
    /// 0 to 100; nothing where no control could be told anything of.
    pub score: Option<u32>,
    /// The score over the controls that are not accepted.
    pub score_without_accepted: Option<u32>,
}

impl Summary {
    /// Of controls, each with whether it is accepted.
    #[must_use]
    pub fn of(controls: impl IntoIterator<Item = (Status, bool)>) -> Self {
        let mut all = Self::default();
        let mut accepted_partly = 0;
        for (status, accepted) in controls {
            let count = match status {
                Status::Met => &mut all.met,
                Status::Partly => &mut all.partly,
                Status::NotMet => &mut all.not_met,
                Status::Manual => &mut all.manual,
                Status::NotAssessed => &mut all.not_assessed,
            };
            *count += 1;
            if accepted && status.open() {
                all.accepted += 1;
                accepted_partly += u32::from(status == Status::Partly);
            }
        }
        let score = |partly: u32, told: u32| (told > 0).then(|| (100 * all.met + 50 * partly) / told);
        all.score = score(all.partly, all.told());
        all.score_without_accepted = score(all.partly - accepted_partly, all.told() - all.accepted);
        all
    }

    /// Controls that something could be told of.
    #[must_use]
    pub fn told(&self) -> u32 {
        self.met + self.partly + self.not_met
    }

    /// All controls.
    #[must_use]
    pub fn all(&self) -> u32 {
        self.told() + self.manual + self.not_assessed
    }

    /// The score, what it is over and what it leaves out, in sentences.
    #[must_use]
    pub fn words(&self) -> String {
        let score = self.score.map_or("No score".to_owned(), |score| format!("Score {score} of 100"));
        let mut out = format!(
            "{score} over {} of {} controls: {} met, {} partly met, {} not met. {} are for people to judge, and of {} nothing was seen that \
             could tell.",
            self.told(),
            self.all(),
            self.met,
            self.partly,
            self.not_met,
            self.manual,
            self.not_assessed
        );
        if self.accepted > 0 {
            let without = self
                .score_without_accepted
                .map_or("there is no score".to_owned(), |score| format!("the score is {score}"));
            out.push_str(&format!(
                " {} of those partly met or not met are accepted by exceptions, which changes nothing in this score; without them {without}.",
                self.accepted
            ));
        }
        out
    }
}

/// Puts an assessment and exceptions together, at the time of the assessment.
///
/// # Errors
/// [`EvidenceError::Assessment`] where the assessment does not hold together ([`Assessment::check`]).
pub fn judge<'a>(
    assessment: &'a Assessment,
    exceptions: &'a Exceptions,
) -> Result<Judged<'a>, EvidenceError> {
    assessment.check()?;
    let applied = apply(&assessment.observations, &assessment.labels, exceptions, assessment.time);
    let rules = by_rule(assessment, &applied);
    let mut frameworks = Vec::new();
    for result in &assessment.frameworks {
        let context = Context {
            assessment,
            applied: &applied,
            rules: &rules,
            exceptions,
            framework: &result.framework.id,
            now: assessment.time,
        };
        let controls: Vec<JudgedControl<'_>> =
            result.controls.iter().map(|control| context.control(control)).collect();
        let summary = Summary::of(controls.iter().map(|control| (control.control.status, control.accepted)));
        frameworks.push(JudgedFramework { framework: &result.framework, summary, controls });
    }
    Ok(Judged { assessment, applied, frameworks, rules })
}

fn by_rule<'a>(assessment: &'a Assessment, applied: &Applied<'a>) -> BTreeMap<&'a str, JudgedRule<'a>> {
    let judged = |rule: &'a Rule| JudgedRule { rule, observations: Vec::new(), proof: Proof::default() };
    let mut rules: HashMap<&str, JudgedRule<'a>> =
        assessment.rules.iter().map(|rule| (rule.id.as_str(), judged(rule))).collect();
    for (place, (seen, accepted)) in assessment.observations.iter().zip(&applied.accepted).enumerate() {
        if let Some(rule) = rules.get_mut(seen.rule.as_str()) {
            rule.observations.push(place);
            rule.proof.count(seen.outcome, accepted.is_some());
        }
    }
    let mut sorted: BTreeMap<&str, JudgedRule<'a>> = rules.into_iter().collect();
    let asset = |place: &usize| assessment.observations.get(*place).map(|seen| seen.asset.as_str());
    for rule in sorted.values_mut() {
        rule.observations.sort_by(|a, b| asset(a).cmp(&asset(b)));
    }
    sorted
}

impl Proof {
    fn count(&mut self, outcome: Seen, accepted: bool) {
        let count = match outcome {
            Seen::Pass => &mut self.pass,
            Seen::Error => &mut self.error,
            Seen::Fail if accepted => &mut self.accepted,
            Seen::Fail => &mut self.fail,
        };
        *count += 1;
    }
}

/// What a control is judged by.
struct Context<'a, 'b> {
    assessment: &'a Assessment,
    applied: &'b Applied<'a>,
    rules: &'b BTreeMap<&'a str, JudgedRule<'a>>,
    exceptions: &'a Exceptions,
    framework: &'a str,
    now: Timestamp,
}

impl<'a> Context<'a, '_> {
    fn control(&self, control: &'a Control) -> JudgedControl<'a> {
        let own: Vec<&Exception> =
            self.exceptions.of_control(self.framework, &control.control, self.now).collect();
        let mut proof = Proof::default();
        let mut used: BTreeMap<&str, &'a Exception> = BTreeMap::new();
        let (mut open, mut any) = (Severity::Unknown, Severity::Unknown);
        let named: BTreeSet<&str> = control.rules.iter().map(String::as_str).collect();
        for rule in named.into_iter().filter_map(|rule| self.rules.get(rule)) {
            for (seen, accepted) in self.observations(rule) {
                let accepted = accepted.or_else(|| self.accepted_here(&own, seen));
                proof.count(seen.outcome, accepted.is_some());
                if let Some(exception) = accepted {
                    used.insert(&exception.id, exception);
                }
                if seen.outcome == Seen::Fail {
                    any = any.max(rule.rule.severity);
                    open = if accepted.is_none() { open.max(rule.rule.severity) } else { open };
                }
            }
        }
        JudgedControl {
            control,
            accepted: control.status.open() && proof.fail == 0 && proof.accepted > 0,
            exceptions: used.into_values().collect(),
            proof,
            severity: if proof.fail > 0 { open } else { any },
        }
    }

    fn observations(
        &self,
        rule: &JudgedRule<'a>,
    ) -> impl Iterator<Item = (&'a Observation, Option<&'a Exception>)> {
        let places = rule.observations.iter();
        places.filter_map(|place| {
            Some((self.assessment.observations.get(*place)?, *self.applied.accepted.get(*place)?))
        })
    }

    fn accepted_here(&self, own: &[&'a Exception], seen: &Observation) -> Option<&'a Exception> {
        if own.is_empty() || seen.outcome != Seen::Fail {
            return None;
        }
        under(own.iter().copied(), &seen.asset, &self.assessment.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exception::Scope;
    use crate::fixture::{assessment, exception};

    #[test]
    fn the_score_is_over_what_could_be_told_and_no_exception_raises_it() {
        use Status::{Manual, Met, NotAssessed, NotMet, Partly};
        let all = [(Met, false), (Partly, false), (NotMet, false), (Manual, false), (NotAssessed, false)];
        let summary = Summary::of(all);
        assert_eq!((summary.score, summary.told(), summary.all()), (Some(50), 3, 5));
        assert_eq!(summary.score_without_accepted, Some(50));
        let accepted = Summary::of(all.map(|(status, _)| (status, true)));
        assert_eq!(
            (accepted.score, accepted.accepted, accepted.score_without_accepted),
            (Some(50), 2, Some(100))
        );
        assert!(
            accepted.words().contains("2 of those partly met or not met are accepted"),
            "{}",
            accepted.words()
        );
        assert_eq!(Summary::of([(Manual, false)]).score, None);
        assert_eq!(Summary::of([(NotMet, true)]).score_without_accepted, None);
    }

    #[test]
    fn a_control_is_accepted_when_nothing_speaks_against_it_but_accepted_failures() {
        let assessment = assessment();
        let none = Exceptions::default();
        let judged = judge(&assessment, &none).unwrap();
        let control = &judged.frameworks[0].controls[1];
        assert_eq!((control.control.control.as_str(), control.accepted), ("AC-3", false));
        assert_eq!(control.proof, Proof { accepted: 0, error: 1, fail: 2, pass: 1 });
        assert_eq!(control.severity, Severity::High);
        for (prefix, accepted, fail) in [("k8s:u/a", true, 0), ("k8s:u/a/1", false, 1), ("k8s:v", false, 2)] {
            for by_rule in [true, false] {
                let mut one = exception("e1");
                one.scope = Scope::Asset(prefix.to_owned());
                if !by_rule {
                    one.rule = None;
                    one.framework = Some("nist-800-53-r5".to_owned());
                    one.control = Some("AC-3".to_owned());
                }
                let exceptions = Exceptions::new(vec![one]).unwrap();
                let judged = judge(&assessment, &exceptions).unwrap();
                let control = &judged.frameworks[0].controls[1];
                assert_eq!((control.accepted, control.proof.fail), (accepted, fail), "{prefix}");
                assert_eq!(control.exceptions.len(), usize::from(fail < 2));
                assert_eq!(judged.rules["p/r"].proof.accepted, if by_rule { 2 - fail } else { 0 });
                assert_eq!(judged.frameworks[0].summary.score, Some(50));
            }
        }
    }

    #[test]
    fn what_does_not_hold_together_is_refused() {
        let spoilt: [fn(&mut Assessment); 9] = [
            |a| a.frameworks[0].controls.clear(),
            |a| a.time = "3000-01-01T00:00:00Z".parse().unwrap(),
            |a| a.rules.clear(),
            |a| a.rules.push(a.rules[0].clone()),
            |a| a.inputs[0].sha256 = "sha256:0".to_owned(),
            |a| a.inputs[0].bytes = u64::MAX,
            |a| a.observations.push(Observation { outcome: Seen::Pass, ..a.observations[0].clone() }),
            |a| a.frameworks.push(a.frameworks[0].clone()),
            |a| {
                let control = a.frameworks[0].controls[0].clone();
                a.frameworks[0].controls.push(control);
            },
        ];
        for spoil in spoilt {
            let mut bad = assessment();
            spoil(&mut bad);
            assert_eq!(
                judge(&bad, &Exceptions::default()).unwrap_err().code(),
                "evidence-assessment-invalid"
            );
        }
    }
}
