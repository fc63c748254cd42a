//! Observations, sorted out by the rules of a framework.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use palisade_sdk::{CheckStatus, Item, Observation, Observations};

use crate::catalogue::Framework;

/// How the platform begins the names of the rules that the catalogues name bare. No two of these plugins have a rule of the same id.
const PUBLISHERS: [&str; 2] = ["palisade.kube-posture/", "palisade.cloud-posture/"];

/// How the names of classes of findings begin, in the catalogues and from the platform alike.
const CLASS: &str = "class:";

/// What one rule says of a scope as a whole. One asset that fails is enough for a rule to fail, and then many that pass mean
/// nothing; so a rule counts once, however many assets it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An asset fails it.
    Fails,
    /// No asset fails it, and some pass.
    Passes,
    /// It could not be checked anywhere.
    Untold,
    /// There is nothing in the scope that it looks at.
    Inapplicable,
    /// Nothing was observed of it.
    Unseen,
}

/// All that was observed of one rule. Lists begin with the gravest; equally grave ones are in the order of their assets, so
/// that the order of the input decides nothing.
#[derive(Debug, Default)]
pub(crate) struct RuleSeen<'a> {
    pub(crate) failed: Vec<Item<'a, Observation>>,
    pub(crate) passed: Vec<Item<'a, Observation>>,
    pub(crate) untold: Vec<Item<'a, Observation>>,
    inapplicable: bool,
}

impl<'a> RuleSeen<'a> {
    pub(crate) fn verdict(&self) -> Verdict {
        if !self.failed.is_empty() {
            Verdict::Fails
        } else if !self.passed.is_empty() {
            Verdict::Passes
        } else if !self.untold.is_empty() {
            Verdict::Untold
        } else if self.inapplicable {
            Verdict::Inapplicable
        } else {
            Verdict::Unseen
        }
    }

    fn add(&mut self, observation: Item<'a, Observation>) {
        match observation.status {
            CheckStatus::Fail => self.failed.push(observation),
            CheckStatus::Pass => self.passed.push(observation),
            CheckStatus::Error => self.untold.push(observation),
            CheckStatus::NotApplicable => self.inapplicable = true,
        }
    }

    fn sort(&mut self) {
        for list in [&mut self.failed, &mut self.passed, &mut self.untold] {
            list.sort_by(|left, right| {
                Reverse(left.severity)
                    .cmp(&Reverse(right.severity))
                    .then_with(|| left.asset.cmp(&right.asset))
            });
        }
    }
}

/// What was observed of each rule of a framework.
#[derive(Debug)]
pub(crate) struct Seen<'f, 'a> {
    rules: BTreeMap<&'f str, RuleSeen<'a>>,
    nothing: RuleSeen<'a>,
}

impl<'f, 'a> Seen<'f, 'a> {
    pub(crate) fn new(framework: &'f Framework<'_>, observations: &Observations<'a>) -> Self {
        let mappings = framework.controls.iter().flat_map(|control| &control.rules);
        let mut rules: BTreeMap<&str, RuleSeen<'_>> =
            mappings.map(|map| (map.rule.as_ref(), RuleSeen::default())).collect();
        for observation in observations.iter() {
            if let Some(seen) = catalogue_name(&observation.rule).and_then(|name| rules.get_mut(name)) {
                seen.add(observation);
            }
        }
        rules.values_mut().for_each(RuleSeen::sort);
        Self { rules, nothing: RuleSeen::default() }
    }

    pub(crate) fn of(&self, rule: &str) -> &RuleSeen<'a> {
        self.rules.get(rule).unwrap_or(&self.nothing)
    }
}

/// How the catalogues call a rule of the platform, if they can mean it at all: a rule of another publisher is never one of
/// ours that happens to have the same id, and no publisher's rule is a class of findings.
fn catalogue_name(rule: &str) -> Option<&str> {
    match PUBLISHERS.iter().find_map(|publisher| rule.strip_prefix(publisher)) {
        Some(bare) => (!bare.starts_with(CLASS)).then_some(bare),
        None => rule.starts_with(CLASS).then_some(rule),
    }
}

#[cfg(test)]
mod tests {
    use super::catalogue_name;

    #[test]
    fn only_our_rules_and_the_classes_have_names_in_the_catalogues() {
        assert_eq!(catalogue_name("palisade.kube-posture/host-pid"), Some("host-pid"));
        assert_eq!(
            catalogue_name("palisade.cloud-posture/s3-bucket-acl-public"),
            Some("s3-bucket-acl-public")
        );
        assert_eq!(catalogue_name("class:secret"), Some("class:secret"));
        for other in [
            "host-pid",
            "org.example.posture/host-pid",
            "palisade.kube-posture2/host-pid",
            "palisade.posture/host-pid",
            "Palisade.kube-posture/host-pid",
            "palisade.kube-posture/class:secret",
            "org.example.posture/class:secret",
            "",
        ] {
            assert_eq!(catalogue_name(other), None, "{other}");
        }
        let twice = "palisade.kube-posture/palisade.kube-posture/host-pid";
        assert_eq!(catalogue_name(twice), Some("palisade.kube-posture/host-pid"), "no catalogue names this");
    }
}
