//! The user's own policies: Rego, CEL, Gatekeeper's templates and Kubernetes' admission policies, over objects that are
//! there (kind `posture`) and over requests (kind `admission`).
//!
//! The platform reads the files and hands over JSON; nothing is parsed here but the policies' own languages. A policy that does
//! not compile, runs on or answers nonsense costs only itself: every evaluation counts its steps. README.md has the formats.

mod admission_policy;
mod bindings;
mod cel;
mod expressions;
mod gatekeeper;
mod json_patch;
mod merge;
mod mutating_policy;
mod mutation;
mod plain;
mod rego;
mod selector;
mod set;
mod subject;
mod verdict;

use std::collections::BTreeMap;
use std::rc::Rc;

use palisade_sdk::{
    Admission, AdmissionRequest, CheckResult, Checks, Config, Decision, Error, Posture, Resource, Unreadable,
};
use serde_json::{Value, json};

use crate::set::{Body, Policy, Set};
use crate::subject::Subject;
use crate::verdict::{Effect, Message, Verdict};

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// A resource of this kind is answered with one result for each policy: whether it could be loaded.
pub const POLICIES: &str = "palisade/v1/Policies";
/// A resource of this kind is answered with one result for each rule `test_…` of policies in Rego.
pub const TESTS: &str = "palisade/v1/PolicyTests";

/// A resource of this kind is the request of an AdmissionReview, answered with one result for each message of each policy,
/// whatever the policy does at admission.
pub const REVIEW: &str = "palisade/v1/PolicyReview";

/// Messages of one policy about one place that are told.
const MESSAGES_MAX: usize = 20;
/// Messages of one policy about one request that tests see.
const MESSAGES_TOLD_MAX: usize = 1_000;
/// Places of one object that one policy may complain of.
const PLACES_MAX: usize = 100;
/// Operations that all policies together may ask for.
const PATCH_MAX: usize = 1_000;
/// Longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// The plugin.
#[derive(Debug)]
pub struct Policies {
    set: Rc<Set>,
}

#[palisade_sdk::posture]
impl Posture for Policies {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { set: Set::of(config)? })
    }

    fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        match resource.kind.as_str() {
            POLICIES => self.loaded(checks),
            TESTS => self.tests(checks),
            REVIEW => self.reviewed(resource, checks)?,
            _ => {
                let subject = Subject::of_resource(resource)?;
                for policy in &self.set.policies {
                    results(policy, policy.judge(&subject, false), checks);
                }
            }
        }
        Ok(())
    }
}

#[palisade_sdk::admission]
impl Admission for Policies {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { set: Set::of(config)? })
    }

    fn review(&self, request: &AdmissionRequest<'_>) -> Result<Decision, Error> {
        let subject = Subject::of_request(request)?;
        let mut decision = Decision::allow();
        let mut patch = Vec::new();
        for policy in &self.set.policies {
            let verdict = policy.judge(&subject, true);
            decision = decide(policy, &verdict, decision);
            if policy.mutate {
                patch.extend(verdict.patch);
            }
        }
        for (policy, verdict) in mutation::mutate(&self.set, &subject, &mut patch) {
            decision = decide(policy, &verdict, decision);
        }
        if !patch.is_empty() && patch.len() <= PATCH_MAX {
            decision.patch = Some(Value::Array(patch).to_string().into_bytes());
        } else if !patch.is_empty() {
            return Err(Error::Other(format!(
                "the policies ask for {} changes; at most {PATCH_MAX} are made",
                patch.len()
            )));
        }
        Ok(decision)
    }
}

impl Policies {
    fn loaded(&self, checks: &mut Checks<'_>) {
        for policy in &self.set.policies {
            let result = match &policy.body {
                Ok(_) => CheckResult::pass(&policy.rule),
                Err(why) => CheckResult::error(&policy.rule, format!("{}: {why}", named(policy))),
            };
            checks.add(
                result.location(format!("/{}", policy.name)).evidence(&json!({ "policy": policy.name })),
            );
        }
    }

    fn reviewed(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        let subject = Subject::of_review(resource.json()?)?;
        for policy in &self.set.policies {
            let verdict = policy.judge(&subject, true);
            let evidence = json!({ "policy": policy.name });
            for (number, message) in verdict.messages.iter().enumerate().take(MESSAGES_TOLD_MAX) {
                let result = CheckResult::fail(&policy.rule, policy.severity, cut(&message.text));
                checks.add(result.location(format!("/{}/{number}", policy.name)).evidence(&evidence));
            }
            for (why, _) in verdict.errors.iter().take(MESSAGES_MAX) {
                checks.add(CheckResult::error(&policy.rule, cut(why)).evidence(&evidence));
            }
        }
        Ok(())
    }

    fn tests(&self, checks: &mut Checks<'_>) {
        for policy in &self.set.policies {
            let Ok(Body::Rego(rego)) = &policy.body else { continue };
            for (test, outcome) in rego.tests() {
                let result = match outcome {
                    Ok(true) => CheckResult::pass(&policy.rule),
                    Ok(false) => {
                        CheckResult::fail(&policy.rule, policy.severity, format!("{test} is not true"))
                    }
                    Err(why) => CheckResult::error(&policy.rule, why),
                };
                let evidence = json!({ "policy": policy.name, "test": test });
                checks.add(result.location(format!("/{}/{test}", policy.name)).evidence(&evidence));
            }
        }
    }
}

/// A policy's name as people know it: with its file, where it has one.
fn named(policy: &Policy) -> String {
    match policy.source.as_str() {
        "" => policy.name.clone(),
        source => format!("{} ({})", policy.name, shown(source)),
    }
}

/// One result for every place of an object that a policy complains of; a pass where it complains of none.
fn results(policy: &Policy, verdict: Verdict, checks: &mut Checks<'_>) {
    if !verdict.applies {
        return;
    }
    for (why, _) in verdict.errors.iter().take(MESSAGES_MAX) {
        checks.add(CheckResult::error(&policy.rule, format!("{}: {why}", named(policy))));
    }
    if verdict.messages.is_empty() {
        if verdict.errors.is_empty() {
            checks.add(CheckResult::pass(&policy.rule).evidence(&json!({ "policy": policy.name })));
        }
        return;
    }
    let mut places: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    for message in verdict.messages {
        places.entry(message.location.clone()).or_default().push(message);
    }
    let more = places.len().saturating_sub(PLACES_MAX);
    if more > 0 {
        checks.problem(format!("{} complains of {more} more places than are reported", policy.name));
    }
    for (place, messages) in places.into_iter().take(PLACES_MAX) {
        let severity = messages.iter().filter_map(|m| m.severity).max_by_key(|s| *s as u8);
        let told: Vec<String> = messages.iter().take(MESSAGES_MAX).map(|m| cut(&m.text)).collect();
        let mut text = told.join("\n");
        if messages.len() > MESSAGES_MAX {
            text.push_str(&format!("\n… and {} more", messages.len() - MESSAGES_MAX));
        }
        let details: Vec<&Value> =
            messages.iter().map(|m| &m.details).filter(|d| !d.is_null()).take(MESSAGES_MAX).collect();
        let evidence = json!({ "policy": policy.name, "messages": told, "details": details });
        checks.add(
            CheckResult::fail(&policy.rule, severity.unwrap_or(policy.severity), text)
                .location(place)
                .evidence(&evidence),
        );
    }
}

/// The rules of policies that say themselves what becomes of what they could not judge.
const OWN_FAILURES: [&str; 2] = ["vap-violation", "map-failed"];
/// The rule of a request that a policy could not judge.
const FAILED: &str = "policy-failed";

/// Adds to a decision what a policy says. Its name stands before its words, as webhooks have it.
fn decide(policy: &Policy, verdict: &Verdict, mut decision: Decision) -> Decision {
    // Policies of `admissionregistration.k8s.io` say themselves what becomes of a request that they could not judge; for the others
    // the platform does.
    let failed = OWN_FAILURES.into_iter().find(|rule| *rule == policy.rule).unwrap_or(FAILED);
    let of_messages =
        verdict.messages.iter().map(|message| (&message.text, message.effect, policy.rule.as_str()));
    let of_errors = verdict.errors.iter().map(|(why, effect)| (why, *effect, failed));
    for (text, effect, rule) in of_messages.chain(of_errors).take(MESSAGES_MAX) {
        let text = format!("[{}] {}", policy.name, cut(text));
        decision = match effect {
            Effect::Deny => decision.violation(rule, text),
            Effect::Warn => decision.warning(&policy.rule, text),
            Effect::Silent => decision,
        };
    }
    decision
}

/// A message, cut where it is too long, without what would steer a terminal.
fn cut(text: &str) -> String {
    let text = text.get(..text.floor_char_boundary(MESSAGE_BYTES_MAX)).unwrap_or_default();
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// A stranger's text, escaped and cut.
pub(crate) fn shown(text: &str) -> String {
    let cut = text.get(..text.floor_char_boundary(300)).unwrap_or_default();
    let more = if cut.len() < text.len() { "…" } else { "" };
    let escaped: String = cut
        .chars()
        .flat_map(|c| if matches!(c, '"' | '\'') { vec![c] } else { c.escape_debug().collect() })
        .collect();
    format!("{escaped}{more}")
}
