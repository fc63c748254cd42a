//! Kubernetes' MutatingAdmissionPolicies and their bindings, as they are (`admissionregistration.k8s.io/v1`, and the versions
//! before it).
//!
//! As in the API server, mutations of a policy are made one after the other, each on what those before it made. Objects are not
//! given the defaults of their kind in between: no schemas are here.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::admission_policy::{RawVariable, conditions, variables};
use crate::bindings::{Binding, Constraints, ParamKind, ParamRef, kind, name};
use crate::cel::Program;
use crate::expressions::{Scene, Variable, compile_making};
use crate::json_patch::{self, Refused};
use crate::merge;
use crate::subject::Subject;
use crate::verdict::{Effect, Verdict};

/// A policy, its bindings and the objects that may be its parameters.
#[derive(Debug)]
pub(crate) struct MutatingPolicy {
    rules: Constraints,
    params: Option<ParamKind>,
    conditions: Vec<Program>,
    variables: Vec<Variable>,
    mutations: Vec<Mutation>,
    on_error: Effect,
    /// Whether it is asked again where others changed the object after it (`reinvocationPolicy: IfNeeded`).
    pub(crate) again: bool,
    bindings: Vec<Binding>,
    objects: Vec<Value>,
}

#[derive(Debug)]
enum Mutation {
    Apply(Program),
    Patch(Program),
}

/// With which binding and which parameters a policy was computed.
pub(crate) type Invocation = (usize, usize);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpec {
    #[serde(default)]
    match_constraints: Constraints,
    #[serde(default)]
    match_conditions: Vec<RawVariable>,
    #[serde(default)]
    variables: Vec<RawVariable>,
    #[serde(default)]
    mutations: Vec<RawMutation>,
    failure_policy: Option<String>,
    param_kind: Option<ParamKind>,
    #[serde(default)]
    reinvocation_policy: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMutation {
    patch_type: String,
    apply_configuration: Option<RawExpression>,
    json_patch: Option<RawExpression>,
}

#[derive(Deserialize)]
struct RawExpression {
    expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBinding {
    policy_name: String,
    #[serde(default)]
    match_resources: Constraints,
    param_ref: Option<ParamRef>,
}

/// Compiles the policy among documents, with its bindings; all other documents may be parameters.
///
/// # Errors
/// What is wrong, for the policy's author.
pub(crate) fn load(documents: &[Value]) -> Result<MutatingPolicy, String> {
    let mut policies = documents.iter().filter(|document| kind(document) == "MutatingAdmissionPolicy");
    let (Some(policy), None) = (policies.next(), policies.next()) else {
        return Err("there must be one MutatingAdmissionPolicy in a policy".to_owned());
    };
    let spec = |document: &Value| document.get("spec").cloned().unwrap_or_default();
    let raw: RawSpec = serde_json::from_value(spec(policy)).map_err(|error| {
        format!("the MutatingAdmissionPolicy is not as expected: {}", crate::shown(&error.to_string()))
    })?;
    let mut bindings = Vec::new();
    for document in documents.iter().filter(|document| kind(document) == "MutatingAdmissionPolicyBinding") {
        let bound: RawBinding = serde_json::from_value(spec(document)).map_err(|error| {
            format!("the binding {}: {}", crate::shown(name(document)), crate::shown(&error.to_string()))
        })?;
        if bound.policy_name == name(policy) {
            let name = name(document).to_owned();
            bindings.push(Binding { name, rules: bound.match_resources, param: bound.param_ref });
        }
    }
    if bindings.is_empty() {
        return Err(format!(
            "no binding names the policy {}: it changes nothing",
            crate::shown(name(policy))
        ));
    }
    if raw.mutations.is_empty() {
        return Err("the policy has no mutations".to_owned());
    }
    let of_no_policy = |document: &&Value| !kind(document).starts_with("MutatingAdmissionPolicy");
    Ok(MutatingPolicy {
        conditions: conditions(&raw.match_conditions)?,
        rules: raw.match_constraints,
        params: raw.param_kind,
        variables: variables(raw.variables, compile_making)?,
        mutations: raw.mutations.iter().enumerate().map(mutation).collect::<Result<_, _>>()?,
        on_error: if raw.failure_policy.as_deref() == Some("Ignore") { Effect::Silent } else { Effect::Deny },
        again: raw.reinvocation_policy == "IfNeeded",
        bindings,
        objects: documents.iter().filter(of_no_policy).cloned().collect(),
    })
}

fn mutation((place, raw): (usize, &RawMutation)) -> Result<Mutation, String> {
    let needed = |expression: &Option<RawExpression>, member: &str| match expression {
        Some(raw) => compile_making(&format!("mutations[{place}].{member}.expression"), &raw.expression),
        None => Err(format!("mutations[{place}] has no {member}")),
    };
    match raw.patch_type.as_str() {
        "ApplyConfiguration" => needed(&raw.apply_configuration, "applyConfiguration").map(Mutation::Apply),
        "JSONPatch" => needed(&raw.json_patch, "jsonPatch").map(Mutation::Patch),
        other => Err(format!("mutations[{place}]: {} is not a patchType", crate::shown(other))),
    }
}

impl MutatingPolicy {
    /// The object as the policy makes it, and what could not be computed. `invoked` is filled with what was computed; where `only`
    /// names invocations, only those are.
    pub(crate) fn mutate(
        &self,
        subject: Subject,
        only: Option<&BTreeSet<Invocation>>,
        invoked: &mut BTreeSet<Invocation>,
        verdict: &mut Verdict,
    ) -> Subject {
        match self.rules.applies(&subject) {
            Ok(true) if subject.object().is_object() => {}
            Ok(_) => return subject,
            Err(why) => {
                verdict.error(why, self.on_error);
                return subject;
            }
        }
        let mut current = subject;
        for (place, binding) in self.bindings.iter().enumerate() {
            let found = match binding.rules.applies(&current) {
                Ok(false) => continue,
                Ok(true) => binding.parameters(self.params.as_ref(), &self.objects, &current),
                Err(why) => Err(format!("binding {}: {why}", crate::shown(&binding.name))),
            };
            match found {
                Err(why) => verdict.error(why, self.on_error),
                Ok(found) => {
                    for (number, params) in found.into_iter().enumerate() {
                        let invocation = (place, number);
                        if only.is_none_or(|only| only.contains(&invocation)) {
                            current = self.with(params, binding, current, invocation, invoked, verdict);
                        }
                    }
                }
            }
        }
        current
    }

    fn with(
        &self,
        params: &Value,
        binding: &Binding,
        subject: Subject,
        invocation: Invocation,
        invoked: &mut BTreeSet<Invocation>,
        verdict: &mut Verdict,
    ) -> Subject {
        let mut fails = |why: String| {
            verdict.error(format!("binding {}: {why}", crate::shown(&binding.name)), self.on_error);
        };
        match Scene::new(&subject, params, &self.variables).all_hold(&self.conditions) {
            Ok(true) => {}
            Ok(false) => return subject,
            Err(why) => {
                fails(why);
                return subject;
            }
        }
        invoked.insert(invocation);
        let mut current = subject;
        for (place, mutation) in self.mutations.iter().enumerate() {
            match self.one(mutation, params, &current) {
                Ok(Some(made)) => current = current.with_object(made),
                Ok(None) => {}
                Err(why) => fails(format!("mutations[{place}]: {why}")),
            }
        }
        current
    }

    /// What one mutation makes of the object; nothing where an operation `test` says that it is not meant.
    fn one(&self, mutation: &Mutation, params: &Value, subject: &Subject) -> Result<Option<Value>, String> {
        let scene = Scene::new(subject, params, &self.variables);
        match mutation {
            Mutation::Apply(program) => {
                let configuration = scene.object(program)?;
                merge::applied(subject.text("/kind/group"), subject.object(), &configuration).map(Some)
            }
            Mutation::Patch(program) => {
                match json_patch::applied(subject.object(), &scene.operations(program)?) {
                    Ok(made) => Ok(Some(made)),
                    Err(Refused::Test) => Ok(None),
                    Err(Refused::Wrong(why)) => Err(why),
                }
            }
        }
    }
}
