//! One record of evidence, and how an assessment becomes records.
//!
//! A record is about one thing that was read, one check, one control, one exception or one gap. A check is one record for all assets that it
//! looked at, and several where their ids have more than [`ASSET_BYTES_OF_RECORD`] bytes: so a cluster with a million observations has some
//! thousands of records, each small enough to be read whole.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::assessment::{Assessment, Collector, Framework, Gap, Input, Rule, Seen, Status};
use crate::canonical::{self, INTEGER_MAX};
use crate::error::EvidenceError;
use crate::exception::{Exception, Standing};
use crate::judged::{Judged, JudgedControl, JudgedRule, Proof, Summary};

/// Bytes of the ids of assets in one record.
pub(crate) const ASSET_BYTES_OF_RECORD: usize = 256 * 1024;

/// Bytes of one record as it is written.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The form of records that this version writes and reads.
pub(crate) const FORM: u32 = 1;

/// A record in its chain. Its fields, and those of everything in it, stand in canonical order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What is recorded.
    pub fact: Fact,
    /// The form of the record, 1.
    pub form: u32,
    /// Hash of the record before it; of the first one, what its chain goes on from.
    pub previous: String,
    /// Canonical id of the cluster, account or image.
    pub scope: String,
    /// Its place in the chain, from 0.
    pub sequence: u64,
    /// When the assessment was made, in UTC.
    pub time: Timestamp,
}

/// What can be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// Raw bytes that were read.
    Input(Input),
    /// What a check found, on some or all of the assets it looked at.
    Check(Check),
    /// What could not be looked at.
    Gap(Gap),
    /// An exception that there was, in force or not.
    Exception(ExceptionFact),
    /// Where a control stands.
    Control(ControlFact),
    /// What a framework comes to.
    Summary(SummaryFact),
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Assets on which it failed, with the id of the exception under which that is accepted.
    pub accepted: Vec<AcceptedAsset>,
    /// What did the check.
    pub collector: Collector,
    /// Controls that the rule speaks to, as `framework:control`.
    pub controls: Vec<String>,
    /// Assets on which it could not be done.
    pub error: Vec<String>,
    /// Assets on which it failed.
    pub fail: Vec<String>,
    /// What all checks of this assessment were done on.
    pub input: InputSet,
    /// What these assets come to.
    pub outcome: Outcome,
    /// Assets on which it passed.
    pub pass: Vec<String>,
    /// The rule.
    pub rule: Rule,
}

/// An asset whose failure is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedAsset {
    /// The asset.
    pub asset: String,
    /// Id of the exception.
    pub exception: String,
}

/// What a record of a check comes to, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It failed somewhere, and no exception accepts that.
    Fail,
    /// It failed only where exceptions accept it.
    Accepted,
    /// It failed nowhere, and could not be done somewhere.
    Error,
    /// It passed everywhere.
    Pass,
}

/// The raw inputs of an assessment together. Each has a record of its own before the first check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSet {
    /// Their bytes.
    pub bytes: u64,
    /// How many there are.
    pub count: u64,
    /// SHA-256 over their hashes (`sha256:` and 64 digits), each with a line feed, in the order of their records.
    pub sha256: String,
}

/// An exception and where it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionFact {
    /// Observations that it accepts because of their rule.
    pub accepts: u64,
    /// The exception.
    pub exception: Exception,
    /// Where it stood when the assessment was made.
    pub standing: Standing,
}

/// Where a control stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlFact {
    /// Whether every failure against it is accepted.
    pub accepted: bool,
    /// Hash of the plugin that holds the catalogue.
    pub catalogue: String,
    /// The framework's id of it.
    pub control: String,
    /// Ids of the exceptions that count here.
    pub exceptions: Vec<String>,
    /// The platform's id of the framework.
    pub framework: String,
    /// How many observations speak to it.
    pub proof: Proof,
    /// Why it stands there.
    pub rationale: String,
    /// Ids of the rules that speak to it and were observed.
    pub rules: Vec<String>,
    /// Where it stands, before any exception.
    pub status: Status,
    /// Version of the framework.
    pub version: String,
}

/// What a framework comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryFact {
    /// Hash of the plugin that holds the catalogue.
    pub catalogue: String,
    /// The platform's id of the framework.
    pub framework: String,
    /// The counts and the score.
    pub summary: Summary,
    /// Version of the framework.
    pub version: String,
}

impl Record {
    /// The record as it is hashed and written, without a line feed.
    ///
    /// # Errors
    /// [`EvidenceError::Record`] where it is larger than [`RECORD_BYTES_MAX`], or has a number that readers of JSON lose.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EvidenceError> {
        let wrong = |why: String| EvidenceError::Record { sequence: self.sequence, why };
        self.check().map_err(|why| wrong(why.to_owned()))?;
        let bytes = canonical::bytes(self).map_err(wrong)?;
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(wrong(format!("it has more than {RECORD_BYTES_MAX} bytes")));
        }
        Ok(bytes)
    }

    /// Reads a record as [`Record::to_bytes`] writes it; `place` is for errors.
    ///
    /// # Errors
    /// [`EvidenceError::Record`] for anything else.
    pub fn from_bytes(line: &[u8], place: u64) -> Result<Self, EvidenceError> {
        let wrong = |why: String| EvidenceError::Record { sequence: place, why };
        if line.len() > RECORD_BYTES_MAX {
            return Err(wrong(format!("it has more than {RECORD_BYTES_MAX} bytes")));
        }
        let record: Self = canonical::read(line).map_err(wrong)?;
        record.check().map_err(|why| wrong(why.to_owned()))?;
        Ok(record)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.form != FORM {
            return Err("it has another form than 1");
        }
        let numbers = match &self.fact {
            Fact::Input(input) => vec![input.bytes],
            Fact::Check(check) => vec![check.input.bytes, check.input.count],
            Fact::Exception(fact) => vec![fact.accepts],
            Fact::Control(fact) => {
                vec![fact.proof.accepted, fact.proof.error, fact.proof.fail, fact.proof.pass]
            }
            Fact::Gap(_) | Fact::Summary(_) => Vec::new(),
        };
        if numbers.into_iter().chain([self.sequence]).any(|number| number > INTEGER_MAX) {
            return Err("it has a number above 2^53 - 1");
        }
        match &self.fact {
            Fact::Check(check) if check.outcome != check.told() => {
                Err("its outcome is not what its assets come to")
            }
            _ => Ok(()),
        }
    }
}

impl Check {
    fn told(&self) -> Outcome {
        match (self.fail.is_empty(), self.accepted.is_empty(), self.error.is_empty()) {
            (false, _, _) => Outcome::Fail,
            (true, false, _) => Outcome::Accepted,
            (true, true, false) => Outcome::Error,
            (true, true, true) => Outcome::Pass,
        }
    }

    fn put(&mut self, asset: &str, outcome: Seen, exception: Option<&Exception>) {
        let asset = asset.to_owned();
        match (outcome, exception) {
            (Seen::Pass, _) => self.pass.push(asset),
            (Seen::Error, _) => self.error.push(asset),
            (Seen::Fail, None) => self.fail.push(asset),
            (Seen::Fail, Some(exception)) => {
                self.accepted.push(AcceptedAsset { asset, exception: exception.id.clone() });
            }
        }
    }
}

/// Adds up inputs in the order of their records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inputs {
    bytes: u64,
    count: u64,
    hash: Sha256,
}

impl Inputs {
    pub(crate) fn add(&mut self, input: &Input) {
        self.bytes = self.bytes.saturating_add(input.bytes);
        self.count += 1;
        self.hash.update(input.sha256.as_bytes());
        self.hash.update(b"\n");
    }

    pub(crate) fn set(&self) -> InputSet {
        let sha256 = canonical::digest(&self.hash.clone().finalize());
        InputSet { bytes: self.bytes, count: self.count, sha256 }
    }
}

/// What there is to record of an assessment, in the order in which it is recorded: inputs, checks, gaps, exceptions, and each framework with its
/// controls and what it comes to. Rules without an observation have no record.
#[must_use]
pub fn facts(judged: &Judged<'_>) -> Vec<Fact> {
    let assessment = judged.assessment;
    let mut inputs = Inputs::default();
    let mut all = Vec::new();
    for input in &assessment.inputs {
        inputs.add(input);
        all.push(Fact::Input(input.clone()));
    }
    let controls = controls_of_rules(judged);
    for rule in judged.rules.values() {
        let of_rule = controls.get(rule.rule.id.as_str()).cloned().unwrap_or_default();
        checks(judged, rule, &of_rule, &inputs.set(), &mut all);
    }
    all.extend(assessment.gaps.iter().cloned().map(Fact::Gap));
    all.extend(exceptions(judged));
    for framework in &judged.frameworks {
        let controls = framework.controls.iter().map(|control| control_fact(framework.framework, control));
        all.extend(controls);
        all.push(Fact::Summary(SummaryFact {
            catalogue: framework.framework.catalogue.clone(),
            framework: framework.framework.id.clone(),
            summary: framework.summary,
            version: framework.framework.version.clone(),
        }));
    }
    all
}

fn controls_of_rules<'a>(judged: &Judged<'a>) -> std::collections::BTreeMap<&'a str, Vec<String>> {
    let mut controls: std::collections::BTreeMap<&str, Vec<String>> = Default::default();
    for framework in &judged.frameworks {
        for control in &framework.controls {
            let name = format!("{}:{}", framework.framework.id, control.control.control);
            for rule in &control.control.rules {
                controls.entry(rule).or_default().push(name.clone());
            }
        }
    }
    for names in controls.values_mut() {
        names.sort();
        names.dedup();
    }
    controls
}

fn checks(
    judged: &Judged<'_>,
    rule: &JudgedRule<'_>,
    controls: &[String],
    input: &InputSet,
    all: &mut Vec<Fact>,
) {
    let assessment: &Assessment = judged.assessment;
    let empty = || Check {
        accepted: Vec::new(),
        collector: assessment.collector.clone(),
        controls: controls.to_vec(),
        error: Vec::new(),
        fail: Vec::new(),
        input: input.clone(),
        outcome: Outcome::Pass,
        pass: Vec::new(),
        rule: rule.rule.clone(),
    };
    let finished = |mut check: Check| {
        check.outcome = check.told();
        Fact::Check(check)
    };
    let (mut check, mut bytes) = (empty(), 0);
    for place in &rule.observations {
        let Some(seen) = assessment.observations.get(*place) else { continue };
        if bytes > 0 && bytes + seen.asset.len() > ASSET_BYTES_OF_RECORD {
            all.push(finished(std::mem::replace(&mut check, empty())));
            bytes = 0;
        }
        // What stands around an id counts too, or a million empty ones would be one record.
        bytes += seen.asset.len() + 3;
        check.put(&seen.asset, seen.outcome, judged.applied.accepted.get(*place).copied().flatten());
    }
    if bytes > 0 {
        all.push(finished(check));
    }
}

fn exceptions<'a>(judged: &'a Judged<'_>) -> impl Iterator<Item = Fact> + 'a {
    let mut used: std::collections::BTreeMap<&str, u64> = Default::default();
    for exception in judged.applied.accepted.iter().flatten() {
        *used.entry(&exception.id).or_default() += 1;
    }
    judged.applied.standings.iter().map(move |(exception, standing)| {
        Fact::Exception(ExceptionFact {
            accepts: used.get(exception.id.as_str()).copied().unwrap_or_default(),
            exception: (*exception).clone(),
            standing: *standing,
        })
    })
}

fn control_fact(framework: &Framework, control: &JudgedControl<'_>) -> Fact {
    Fact::Control(ControlFact {
        accepted: control.accepted,
        catalogue: framework.catalogue.clone(),
        control: control.control.control.clone(),
        exceptions: control.exceptions.iter().map(|exception| exception.id.clone()).collect(),
        framework: framework.id.clone(),
        proof: control.proof,
        rationale: control.control.rationale.clone(),
        rules: control.control.rules.clone(),
        status: control.control.status,
        version: framework.version.clone(),
    })
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
