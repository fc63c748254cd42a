//! Calls of posture plugins, what they said of each object, and the findings that follow.

use std::collections::HashMap;
use std::sync::Arc;

use host::kinds::{Assessment, CheckResult, CheckStatus, Resource};
use host::manifest::Rule;
use host::{Answer, CallContext, Fault, Input};
use model::{
    Confidence, Evidence, Finding, FindingClass, Fix, FixState, Gap, GapCode, Severity, finding_key,
};
use serde_json::Value;

use crate::audit::Trail;
use crate::location::by_content;
use crate::posture::{Collected, Observation, PosturePlugin, Subject, object_name};

/// A resource of this kind is answered with a result that says whether the policy can be used: an error is why not.
const LOADED: &str = "palisade/v1/Policies";

/// What a plugin said of one object, without what only follows from it: a large cluster has a million of passed checks, and descriptions
/// are the manifest's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// Checks that failed or could not be done.
    failed: Vec<CheckResult>,
    /// Checks that passed: the rule by its place in the manifest, and how bad a failure would be.
    passed: Vec<(usize, Severity)>,
    /// What could not be understood of it, or why the call failed.
    gaps: Vec<Gap>,
    /// The call failed, which another time it may not.
    pub(crate) is_fault: bool,
}

/// A plugin as it is called for objects.
pub(crate) struct Work<'a> {
    plugin: &'a PosturePlugin,
    /// By the plugin's own id of a rule: its place in the manifest. The host lets no other pass.
    places: HashMap<&'a str, usize>,
    /// The id of each rule among all plugins, and what the manifest says of it.
    rules: Vec<(Arc<str>, &'a Rule)>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(plugin: &'a PosturePlugin) -> Self {
        let manifest = plugin.plugin.manifest();
        let rules = manifest.rules.iter().map(|rule| {
            let rule = plugin.policy.as_ref().map_or(rule, |policy| &policy.rule);
            (Arc::from(format!("{}/{}", manifest.id, rule.id)), rule)
        });
        Self {
            plugin,
            places: manifest.rules.iter().map(|rule| rule.id.as_str()).zip(0..).collect(),
            rules: rules.collect(),
        }
    }

    /// What the plugin says of each object of a batch. A call that fails is repeated object by object, so that one bad object costs only
    /// itself.
    pub(crate) fn heard(&self, context: &CallContext, batch: &[&Subject], audit: &mut Trail) -> Vec<Heard> {
        match self.call(context, batch, audit) {
            Ok(assessment) => self.sorted(batch, assessment),
            Err(fault) if batch.len() == 1 => {
                let subject = batch.first().map(|subject| self.doubted(subject)).unwrap_or_default();
                let plugin = &self.plugin.plugin.manifest().id;
                tracing::warn!(plugin.id = %plugin, object = %subject, fault = %fault.message, "an object could not be judged");
                let reason = format!("{plugin}: {} ({})", fault.message, fault.kind.as_str());
                // Of this object nothing is known; the others were judged.
                let gap = Gap { code: GapCode::CheckError, subject, reason };
                vec![Heard { gaps: vec![gap], is_fault: true, ..Heard::default() }]
            }
            Err(_) => batch.iter().flat_map(|subject| self.heard(context, &[subject], audit)).collect(),
        }
    }

    /// What a failure at an object makes doubtful: one policy of it, where the plugin runs one, so that all other checks still count.
    fn doubted(&self, subject: &Subject) -> String {
        match &self.plugin.policy {
            Some(policy) => {
                format!("{}!/{}/{}", subject.path, self.plugin.plugin.manifest().id, policy.rule.id)
            }
            None => subject.path.clone(),
        }
    }

    /// The plugin that is called.
    pub(crate) fn plugin(&self) -> &'a PosturePlugin {
        self.plugin
    }

    /// Why the one policy that the plugin runs cannot be used; nothing where it can, and for plugins of checks.
    pub(crate) fn unusable(&self, context: &CallContext, audit: &mut Trail) -> Option<String> {
        self.plugin.policy.as_ref()?;
        let resource = Resource { asset: String::new(), kind: LOADED.to_owned(), body: b"null".to_vec() };
        match self.ask(context, vec![resource], audit) {
            Ok(assessment) => {
                let error = |result: &CheckResult| result.status == CheckStatus::Error;
                let error = assessment.results.into_iter().find(error).map(|result| result.message);
                error.or_else(|| assessment.problems.into_iter().next().map(|problem| problem.message))
            }
            Err(fault) => Some(format!("{} ({})", fault.message, fault.kind.as_str())),
        }
    }

    fn call(
        &self,
        context: &CallContext,
        batch: &[&Subject],
        audit: &mut Trail,
    ) -> Result<Assessment, Fault> {
        let resource = |subject: &&Subject| Resource {
            asset: subject.asset.as_ref().to_owned(),
            kind: subject.kind.clone(),
            body: subject.body.to_vec(),
        };
        self.ask(context, batch.iter().map(resource).collect(), audit)
    }

    fn ask(
        &self,
        context: &CallContext,
        resources: Vec<Resource>,
        audit: &mut Trail,
    ) -> Result<Assessment, Fault> {
        let outcome = self.plugin.plugin.call(context, Input::Posture { resources });
        audit.note(&self.plugin.plugin.manifest().id, outcome.audit, outcome.audit_dropped);
        match outcome.result? {
            Answer::Posture(assessment) => Ok(assessment),
            other => Err(other.unexpected()),
        }
    }

    fn sorted(&self, batch: &[&Subject], assessment: Assessment) -> Vec<Heard> {
        let id = &self.plugin.plugin.manifest().id;
        let mut all = vec![Heard::default(); batch.len()];
        for problem in assessment.problems {
            let (Some(subject), Some(heard)) = (batch.get(problem.item), all.get_mut(problem.item)) else {
                continue;
            };
            let reason = format!("{id}: {}", problem.message);
            heard.gaps.push(Gap { code: GapCode::ParseError, subject: self.doubted(subject), reason });
        }
        for result in assessment.results {
            let (Some(heard), Some(place)) =
                (all.get_mut(result.item), self.places.get(result.rule.as_str()))
            else {
                continue;
            };
            match result.status {
                CheckStatus::NotApplicable => {}
                CheckStatus::Pass => heard.passed.push((*place, result.severity)),
                CheckStatus::Fail | CheckStatus::Error => heard.failed.push(result),
            }
        }
        all
    }

    /// Makes findings, observations and gaps of what was said of an object.
    pub(crate) fn tell(&self, subject: &Subject, heard: &Heard, collected: &mut Collected) {
        collected.gaps.extend(heard.gaps.iter().cloned());
        let seen = |rule: &Arc<str>, failed, severity| Observation {
            rule: Arc::clone(rule),
            asset: Arc::clone(&subject.asset),
            failed,
            severity,
        };
        let passed = heard.passed.iter();
        let passed = passed.filter_map(|(place, severity)| Some((&self.rules.get(*place)?.0, *severity)));
        collected.observations.extend(passed.map(|(rule, severity)| seen(rule, Some(false), severity)));
        for result in &heard.failed {
            let place = self.places.get(result.rule.as_str());
            let Some((rule, declared)) = place.and_then(|place| self.rules.get(*place)) else { continue };
            let is_failed = result.status == CheckStatus::Fail;
            collected.observations.push(seen(rule, is_failed.then_some(true), result.severity));
            if is_failed {
                let finding = finding(subject, &self.plugin.plugin.manifest().id, rule, declared, result);
                collected.findings.insert(finding.key.clone(), finding);
            } else {
                // The rule is named so that the other checks of this object still count.
                let place = format!("{}!/{rule}", subject.path);
                let gap = Gap { code: GapCode::CheckError, subject: place, reason: result.message.clone() };
                collected.gaps.insert(gap);
            }
        }
    }
}

fn finding(subject: &Subject, plugin: &str, rule: &str, declared: &Rule, result: &CheckResult) -> Finding {
    let location = by_content(&subject.body, &result.location);
    let class = FindingClass::Misconfiguration;
    Finding {
        key: finding_key(class, rule, &[&subject.path, &location]),
        class,
        ids: vec![rule.to_owned()],
        rule: rule.to_owned(),
        title: format!("{}: {}", object_name(&subject.path), result.message),
        description: described(declared),
        severity: result.severity,
        severity_source: plugin.to_owned(),
        cvss: Vec::new(),
        kev: None,
        epss: None,
        package: None,
        fix: Fix { state: FixState::Unknown, versions: Vec::new() },
        evidence: vec![Evidence {
            path: subject.path.clone(),
            inner: (!result.location.is_empty()).then(|| result.location.clone()),
            method: plugin.to_owned(),
            confidence: Confidence::High,
            plugin: Some(plugin.to_owned()),
            line: None,
        }],
        records: Vec::new(),
        references: declared.references.clone(),
        proof: serde_json::from_slice::<Value>(&result.evidence).ok(),
        suppressed: None,
    }
}

/// What the rule is about, what it is for, and what to do.
fn described(rule: &Rule) -> String {
    let parts = [&rule.description, &rule.risk, &rule.remediation, &rule.patch];
    let said = parts.into_iter().filter(|part| !part.is_empty()).map(|part| part.trim());
    let paragraphs: Vec<&str> = std::iter::once(rule.title.as_str()).chain(said).collect();
    paragraphs.join("\n\n")
}
