//! What checks found, as the controls of a framework see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use host::kinds::{CheckStatus, ControlStatus, Observation as Given};
use host::{Answer, CallContext, Fault, Input, Plugin};
use model::TenantId;
use serde::Serialize;

use crate::audit::Trail;
use crate::posture::Observation;

/// Observations of one rule that are handed over, failures first. Controls are judged by rule and not by how many assets there are, and
/// a large cluster has a million.
const OBSERVATIONS_OF_RULE_MAX: usize = 500;

/// Where the controls of one framework stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessed {
    /// Id of the framework, such as `nist-800-53-r5`.
    pub framework: String,
    /// What it comes to.
    pub summary: Summary,
    /// Every control, in the framework's order.
    pub controls: Vec<Control>,
}

/// One control.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Control {
    /// The framework's id of it.
    pub control: String,
    /// Where it stands.
    pub status: ControlStatus,
    /// Why.
    pub rationale: String,
    /// What proves it.
    pub proof: Vec<Proof>,
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Plugin and rule.
    pub rule: String,
    /// Canonical id of the asset.
    pub asset: String,
    /// Whether the check failed there; nothing where it could not be done.
    pub failed: Option<bool>,
}

/// How many controls stand where, and the score.
///
/// The score is `100 * (met + partly / 2) / (met + partly + not met)`, rounded down. Controls that nobody could tell anything of are not
/// in it; how many those are stands beside it, because a score over three controls says little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// All as it should be.
    pub met: u32,
    /// Some of it.
    pub partly: u32,
    /// None of it.
    pub not_met: u32,
    /// Only people can tell.
    pub manual: u32,
    /// Nothing was seen that could tell.
    pub not_assessed: u32,
    /// 0 to 100; nothing where no control could be told anything of.
    pub score: Option<u32>,
}

impl Summary {
    fn of(controls: &[Control]) -> Self {
        let mut all = Self::default();
        for control in controls {
            let count = match control.status {
                ControlStatus::Met => &mut all.met,
                ControlStatus::Partly => &mut all.partly,
                ControlStatus::NotMet => &mut all.not_met,
                ControlStatus::Manual => &mut all.manual,
                ControlStatus::NotAssessed => &mut all.not_assessed,
            };
            *count += 1;
        }
        let told = all.told();
        all.score = (told > 0).then(|| (100 * all.met + 50 * all.partly) / told);
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
}

/// The frameworks that a plugin of kind `compliance` can be asked about: those that its configuration schema names.
#[must_use]
pub fn frameworks(plugin: &Plugin) -> Vec<String> {
    let schema = serde_json::Value::Object(plugin.manifest().config.clone());
    let named = schema.pointer("/properties/framework/enum").and_then(serde_json::Value::as_array);
    named.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Asks a plugin where the controls of a framework stand. `audit` gets what it was denied.
///
/// # Errors
/// The plugin's fault, such as a framework that it does not know.
pub fn assess(
    plugin: &Plugin,
    framework: &str,
    observations: &[Observation],
    audit: &mut Trail,
) -> Result<Assessed, Fault> {
    let handed = handed_over(observations);
    let given = handed.iter().map(|seen| Given {
        rule: seen.rule.as_ref().to_owned(),
        asset: seen.asset.as_ref().to_owned(),
        status: match seen.failed {
            Some(true) => CheckStatus::Fail,
            Some(false) => CheckStatus::Pass,
            None => CheckStatus::Error,
        },
        severity: seen.severity,
    });
    let config = serde_json::json!({ "framework": framework }).to_string();
    let context = CallContext::new(TenantId::default_tenant(), Arc::from(config));
    let input = Input::Compliance { observations: given.collect() };
    let outcome = plugin.call(&context, input);
    audit.note(&plugin.manifest().id, outcome.audit, outcome.audit_dropped);
    let results = match outcome.result? {
        Answer::Compliance(results) => results,
        other => return Err(other.unexpected()),
    };
    let prefix = format!("{framework}:");
    let controls: Vec<Control> = results
        .into_iter()
        .map(|result| Control {
            control: result.control.strip_prefix(&prefix).unwrap_or(&result.control).to_owned(),
            status: result.status,
            rationale: result.rationale,
            proof: result.items.iter().filter_map(|item| handed.get(*item)).map(|seen| proof(seen)).collect(),
        })
        .collect();
    Ok(Assessed { framework: framework.to_owned(), summary: Summary::of(&controls), controls })
}

fn proof(seen: &Observation) -> Proof {
    Proof { rule: seen.rule.as_ref().to_owned(), asset: seen.asset.as_ref().to_owned(), failed: seen.failed }
}

/// The observations in the order of their rules, failures first.
fn handed_over(observations: &[Observation]) -> Vec<&Observation> {
    let mut by_rule: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for seen in observations {
        by_rule.entry(&seen.rule).or_default().push(seen);
    }
    let mut all = Vec::new();
    for mut of_rule in by_rule.into_values() {
        let rank = |failed: Option<bool>| match failed {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        };
        of_rule.sort_by_key(|seen| {
            (rank(seen.failed), std::cmp::Reverse(seen.severity), Arc::clone(&seen.asset))
        });
        // One that passed is kept even where many fail: some of the rule is as it should be.
        let passed = of_rule.iter().position(|seen| seen.failed == Some(false));
        if let Some(passed) = passed.filter(|place| *place >= OBSERVATIONS_OF_RULE_MAX) {
            of_rule.swap(passed, OBSERVATIONS_OF_RULE_MAX - 1);
        }
        of_rule.truncate(OBSERVATIONS_OF_RULE_MAX);
        all.extend(of_rule);
    }
    all
}

#[cfg(test)]
mod tests {
    use model::Severity;

    use super::*;

    fn seen(rule: &str, asset: usize, failed: bool) -> Observation {
        Observation {
            rule: rule.into(),
            asset: format!("k8s:u/core/Pod/n/{asset:06}").into(),
            failed: Some(failed),
            severity: Severity::Low,
        }
    }

    #[test]
    fn many_assets_are_cut_and_neither_side_of_a_rule_is_lost() {
        let mut all: Vec<Observation> = (0..2_000).map(|number| seen("a/b", number, true)).collect();
        all.push(seen("a/b", 5_000, false));
        all.push(seen("a/c", 1, false));
        let handed = handed_over(&all);
        assert_eq!(handed.len(), OBSERVATIONS_OF_RULE_MAX + 1);
        let of_rule =
            |failed| handed.iter().filter(|seen| &*seen.rule == "a/b" && seen.failed == Some(failed)).count();
        assert_eq!((of_rule(true), of_rule(false)), (OBSERVATIONS_OF_RULE_MAX - 1, 1));
    }

    #[test]
    fn the_score_is_over_what_could_be_told() {
        let control =
            |status| Control { control: String::new(), status, rationale: String::new(), proof: Vec::new() };
        use ControlStatus::{Manual, Met, NotAssessed, NotMet, Partly};
        let summary = Summary::of(&[Met, Partly, NotMet, Manual, NotAssessed, Manual].map(control));
        assert_eq!((summary.score, summary.told(), summary.all()), (Some(50), 3, 6));
        assert_eq!(Summary::of(&[Manual].map(control)).score, None);
    }
}
