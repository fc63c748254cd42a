//! What an assessment is, as plain data: whoever has one hands it over in these types.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::Severity;
use serde::{Deserialize, Serialize};

use crate::canonical::{INTEGER_MAX, is_digest};
use crate::error::{EvidenceError, shown};

/// One assessment of one scope: what was read, which checks were done, and where the controls of frameworks stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// When it was made.
    pub time: Timestamp,
    /// Canonical id of the asset that was assessed: a cluster, an account, an image.
    pub scope: String,
    /// What read the inputs and ran the checks.
    pub collector: Collector,
    /// What was read, in the order in which it was read.
    pub inputs: Vec<Input>,
    /// Every rule that `observations` or `controls` name.
    pub rules: Vec<Rule>,
    /// What checks said.
    pub observations: Vec<Observation>,
    /// Labels of assets, which exceptions may select by.
    #[serde(default)]
    pub labels: BTreeMap<String, BTreeMap<String, String>>,
    /// Frameworks, each with all its controls.
    pub frameworks: Vec<FrameworkResult>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
}

/// A program that collects evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collector {
    /// `sha256:` of the program, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Raw bytes that were read. Evidence holds their hash and not the bytes: they stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// How many there were.
    pub bytes: u64,
    /// What they are and where they came from, for people.
    pub description: String,
    /// `sha256:` of them.
    pub sha256: String,
}

/// A check and the plugin that did it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `sha256:` of the plugin.
    pub digest: String,
    /// Plugin and rule, as findings name it.
    pub id: String,
    /// How bad a failure is at most.
    pub severity: Severity,
    /// What it is about, in a line.
    pub title: String,
    /// Version of the plugin.
    pub version: String,
}

/// What one check said of one asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Id of the rule.
    pub rule: String,
    /// Canonical id of the asset.
    pub asset: String,
    /// What it said.
    pub outcome: Seen,
}

/// What a check can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// It could not be done.
    Error,
}

/// A version of a framework, by the catalogue that the platform has of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// The platform's id of it, such as `nist-800-53-r5`.
    pub id: String,
    /// As its publisher calls it.
    pub name: String,
    /// Version by its publisher.
    pub version: String,
    /// `sha256:` of the plugin that holds the catalogue: rationale and mapping are those of this plugin.
    pub catalogue: String,
}

/// Where the controls of one framework stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameworkResult {
    /// Which.
    pub framework: Framework,
    /// Its controls, in its own order.
    pub controls: Vec<Control>,
}

/// One control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The framework's id of it.
    pub control: String,
    /// Where it stands, before any exception.
    pub status: Status,
    /// Why.
    pub rationale: String,
    /// Ids of the rules that speak to it and were observed.
    pub rules: Vec<String>,
}

/// Where a control stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All that could be checked is as it should be.
    Met,
    /// Some of it.
    Partly,
    /// None of it.
    NotMet,
    /// Only people can tell.
    Manual,
    /// Nothing was seen that could tell.
    NotAssessed,
}

impl Status {
    /// The words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Partly => "partly met",
            Self::NotMet => "not met",
            Self::Manual => "for people to judge",
            Self::NotAssessed => "not assessed",
        }
    }

    /// Whether some check spoke against it.
    pub(crate) fn open(self) -> bool {
        matches!(self, Self::Partly | Self::NotMet)
    }
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Stable code.
    pub code: String,
    /// Why.
    pub reason: String,
    /// What was not looked at.
    pub subject: String,
}

impl Assessment {
    /// Whether it holds together: every hash is one, no rule, framework or control is there twice, no framework is without controls, every named rule is described,
    /// and no observation is said twice.
    ///
    /// # Errors
    /// [`EvidenceError::Assessment`] with the first thing that does not.
    pub fn check(&self) -> Result<(), EvidenceError> {
        let wrong = |why: String| Err(EvidenceError::assessment(why));
        let year = self.time.to_zoned(jiff::tz::TimeZone::UTC).year();
        if !(1970..3000).contains(&year) {
            return wrong(format!("it was made in the year {year}"));
        }
        let rules: BTreeSet<&str> = self.rules.iter().map(|rule| rule.id.as_str()).collect();
        if rules.len() != self.rules.len() {
            return wrong("a rule is described twice".to_owned());
        }
        let digests = (self.inputs.iter().map(|input| &input.sha256))
            .chain(self.rules.iter().map(|rule| &rule.digest))
            .chain(self.frameworks.iter().map(|result| &result.framework.catalogue))
            .chain(&self.collector.digest);
        if let Some(bad) = digests.into_iter().find(|digest| !is_digest(digest)) {
            return wrong(format!("{:?} is no SHA-256 hash", shown(bad)));
        }
        let total = self.inputs.iter().try_fold(0_u64, |sum, input| sum.checked_add(input.bytes));
        if total.is_none_or(|sum| sum > INTEGER_MAX) {
            return wrong("the inputs have more bytes than JSON can count".to_owned());
        }
        let named = (self.observations.iter().map(|seen| &seen.rule)).chain(
            self.frameworks.iter().flat_map(|result| &result.controls).flat_map(|control| &control.rules),
        );
        if let Some(unknown) = named.into_iter().find(|rule| !rules.contains(rule.as_str())) {
            return wrong(format!("the rule {:?} is named and not described", shown(unknown)));
        }
        let pairs: BTreeSet<_> = self.observations.iter().map(|seen| (&seen.rule, &seen.asset)).collect();
        if pairs.len() != self.observations.len() {
            return wrong("a rule says two things of one asset".to_owned());
        }
        self.check_frameworks()
    }

    fn check_frameworks(&self) -> Result<(), EvidenceError> {
        let mut frameworks = BTreeSet::new();
        for result in &self.frameworks {
            let id = &result.framework.id;
            if !frameworks.insert(id) {
                return Err(EvidenceError::assessment(format!(
                    "the framework {:?} is there twice",
                    shown(id)
                )));
            }
            if result.controls.is_empty() {
                return Err(EvidenceError::assessment(format!(
                    "the framework {:?} has no controls",
                    shown(id)
                )));
            }
            let controls: BTreeSet<&String> =
                result.controls.iter().map(|control| &control.control).collect();
            if controls.len() != result.controls.len() {
                return Err(EvidenceError::assessment(format!(
                    "a control of {:?} is there twice",
                    shown(id)
                )));
            }
        }
        Ok(())
    }
}
