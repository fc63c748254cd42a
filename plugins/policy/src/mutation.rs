//! All that policies change of one request, in their order.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::json_patch::{self, Refused};
use crate::mutating_policy::{Invocation, MutatingPolicy};
use crate::set::{Body, Policy, Set};
use crate::subject::Subject;
use crate::verdict::{Effect, Verdict};

/// Adds to the operations that policies in Rego ask for those that make what the MutatingAdmissionPolicies make, and gives what
/// could not be computed. As in the API server each sees what those before it made, and policies that ask for it
/// (`reinvocationPolicy: IfNeeded`) are asked once more where anything was changed.
pub(crate) fn mutate<'s>(
    set: &'s Set,
    subject: &Subject,
    patch: &mut Vec<Value>,
) -> Vec<(&'s Policy, Verdict)> {
    let mutating: Vec<(&Policy, &MutatingPolicy)> = set
        .policies
        .iter()
        .filter_map(|policy| match &policy.body {
            Ok(Body::Mutating(mutating)) => Some((policy, mutating)),
            _ => None,
        })
        .collect();
    if mutating.is_empty() || !subject.object().is_object() {
        return Vec::new();
    }
    let before = match json_patch::applied(subject.object(), patch) {
        Ok(object) => object,
        // The API server applies all operations or none.
        Err(Refused::Test) => subject.object().clone(),
        Err(Refused::Wrong(why)) => {
            let why = format!("the operations of policies in Rego do not fit the object: {why}");
            let told = |(policy, _)| {
                let mut verdict = Verdict::default();
                verdict.error(why.clone(), Effect::Deny);
                (policy, verdict)
            };
            return mutating.into_iter().map(told).collect();
        }
    };
    let mut current = subject.with_object(before.clone());
    let mut told = Vec::new();
    let mut first: Vec<BTreeSet<Invocation>> = Vec::new();
    for (policy, mutating) in &mutating {
        let (mut invoked, mut verdict) = (BTreeSet::new(), Verdict::default());
        current = one(policy, mutating, current, None, &mut invoked, &mut verdict);
        first.push(invoked);
        told.push((*policy, verdict));
    }
    if *current.object() != before {
        for ((policy, mutating), only) in mutating.iter().zip(&first).filter(|((_, one), _)| one.again) {
            let mut verdict = Verdict::default();
            current = one(policy, mutating, current, Some(only), &mut BTreeSet::new(), &mut verdict);
            told.push((*policy, verdict));
        }
    }
    patch.extend(json_patch::between(&before, current.object()));
    told
}

/// A policy on trial is computed, and what it made is dropped.
fn one(
    policy: &Policy,
    mutating: &MutatingPolicy,
    current: Subject,
    only: Option<&BTreeSet<Invocation>>,
    invoked: &mut BTreeSet<Invocation>,
    verdict: &mut Verdict,
) -> Subject {
    if policy.mutate {
        return mutating.mutate(current, only, invoked, verdict);
    }
    let object = current.object().clone();
    drop(mutating.mutate(current.with_object(object), only, invoked, verdict));
    current
}
