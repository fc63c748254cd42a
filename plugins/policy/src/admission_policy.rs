//! Kubernetes' ValidatingAdmissionPolicies and their bindings, as they are (`admissionregistration.k8s.io/v1`).
//!
//! `matchPolicy: Equivalent` asks the API server to convert an object to the version that a rule names. Nothing is converted
//! here: a rule is compared with the version that the object has.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::bindings::{Binding, Constraints, ParamKind, ParamRef, kind, name};
use crate::cel::Program;
use crate::expressions::{Scene, Variable, compile};
use crate::gatekeeper::optional;
use crate::subject::Subject;
use crate::verdict::{Effect, Message, Verdict};

/// A policy, its bindings and the objects that may be its parameters.
#[derive(Debug)]
pub(crate) struct AdmissionPolicy {
    rules: Constraints,
    params: Option<ParamKind>,
    conditions: Vec<Program>,
    variables: Vec<Variable>,
    validations: Vec<Validation>,
    on_error: Effect,
    bindings: Vec<(Binding, Effect)>,
    objects: Vec<Value>,
}

#[derive(Debug)]
struct Validation {
    expression: Program,
    message: String,
    message_expression: Option<Program>,
    reason: Option<String>,
}

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
    validations: Vec<RawValidation>,
    #[serde(default)]
    audit_annotations: Vec<RawAnnotation>,
    failure_policy: Option<String>,
    param_kind: Option<ParamKind>,
}

#[derive(Deserialize)]
pub(crate) struct RawVariable {
    pub(crate) name: String,
    pub(crate) expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAnnotation {
    value_expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawValidation {
    expression: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    message_expression: String,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBinding {
    policy_name: String,
    #[serde(default)]
    match_resources: Constraints,
    param_ref: Option<ParamRef>,
    #[serde(default)]
    validation_actions: Vec<String>,
}

/// Compiles the policy among documents, with its bindings; all other documents may be parameters.
///
/// # Errors
/// What is wrong, for the policy's author.
pub(crate) fn load(documents: &[Value]) -> Result<AdmissionPolicy, String> {
    let mut policies = documents.iter().filter(|document| kind(document) == "ValidatingAdmissionPolicy");
    let (Some(policy), None) = (policies.next(), policies.next()) else {
        return Err("there must be one ValidatingAdmissionPolicy in a policy".to_owned());
    };
    let raw: RawSpec =
        serde_json::from_value(policy.get("spec").cloned().unwrap_or_default()).map_err(|error| {
            format!("the ValidatingAdmissionPolicy is not as expected: {}", crate::shown(&error.to_string()))
        })?;
    let mut bindings = Vec::new();
    for document in documents.iter().filter(|document| kind(document) == "ValidatingAdmissionPolicyBinding") {
        let bound: RawBinding = serde_json::from_value(document.get("spec").cloned().unwrap_or_default())
            .map_err(|error| {
                format!("the binding {}: {}", crate::shown(name(document)), crate::shown(&error.to_string()))
            })?;
        if bound.policy_name == name(policy) {
            bindings.push(binding(name(document), bound)?);
        }
    }
    if bindings.is_empty() {
        return Err(format!("no binding names the policy {}: it checks nothing", crate::shown(name(policy))));
    }
    let of_no_policy = |document: &&Value| !kind(document).starts_with("ValidatingAdmissionPolicy");
    let objects = documents.iter().filter(of_no_policy).cloned().collect();
    compiled(raw, bindings, objects)
}

fn compiled(
    raw: RawSpec,
    bindings: Vec<(Binding, Effect)>,
    objects: Vec<Value>,
) -> Result<AdmissionPolicy, String> {
    let variables = variables(raw.variables, compile)?;
    let mut validations = Vec::new();
    for (place, validation) in raw.validations.into_iter().enumerate() {
        let at = format!("validations[{place}].expression");
        let message = match validation.message.trim() {
            "" => format!("failed expression: {}", crate::shown(validation.expression.trim())),
            message => message.to_owned(),
        };
        validations.push(Validation {
            expression: compile(&at, &validation.expression)?,
            message,
            message_expression: optional(
                &format!("validations[{place}].messageExpression"),
                &validation.message_expression,
            )?,
            reason: validation.reason,
        });
    }
    for (place, annotation) in raw.audit_annotations.iter().enumerate() {
        compile(&format!("auditAnnotations[{place}]"), &annotation.value_expression)?;
    }
    Ok(AdmissionPolicy {
        conditions: conditions(&raw.match_conditions)?,
        rules: raw.match_constraints,
        params: raw.param_kind,
        variables,
        validations,
        on_error: if raw.failure_policy.as_deref() == Some("Ignore") { Effect::Silent } else { Effect::Deny },
        bindings,
        objects,
    })
}

/// Compiles the variables of a policy.
pub(crate) fn variables(
    raw: Vec<RawVariable>,
    compile: fn(&str, &str) -> Result<Program, String>,
) -> Result<Vec<Variable>, String> {
    let mut variables: Vec<Variable> = Vec::with_capacity(raw.len());
    for RawVariable { name, expression } in raw {
        let place = format!("variables[{}] ({})", variables.len(), crate::shown(&name));
        variables.push(Variable { program: compile(&place, &expression)?, name });
    }
    Ok(variables)
}

/// Compiles the conditions under which a policy is about a request at all.
pub(crate) fn conditions(raw: &[RawVariable]) -> Result<Vec<Program>, String> {
    let one = |(place, condition): (usize, &RawVariable)| {
        compile(&format!("matchConditions[{place}]"), &condition.expression)
    };
    raw.iter().enumerate().map(one).collect()
}

fn binding(name: &str, raw: RawBinding) -> Result<(Binding, Effect), String> {
    let mut effect = None;
    for action in &raw.validation_actions {
        let its = match action.as_str() {
            "Deny" => Effect::Deny,
            "Warn" => Effect::Warn,
            "Audit" => Effect::Silent,
            _ => return Err(format!("the binding {} has an unknown action", crate::shown(name))),
        };
        effect = Some(effect.map_or(its, |before: Effect| before.min(its)));
    }
    let effect =
        effect.ok_or_else(|| format!("the binding {} has no validationActions", crate::shown(name)))?;
    Ok((Binding { name: name.to_owned(), rules: raw.match_resources, param: raw.param_ref }, effect))
}

impl AdmissionPolicy {
    /// What it says of a subject under each of its bindings.
    pub(crate) fn judge(&self, subject: &Subject, verdict: &mut Verdict) {
        match self.rules.applies(subject) {
            Ok(true) => {}
            Ok(false) => return,
            Err(why) => return verdict.error(why, self.on_error),
        }
        for (binding, effect) in &self.bindings {
            match binding.rules.applies(subject) {
                Ok(true) => self.bound(binding, *effect, subject, verdict),
                Ok(false) => {}
                Err(why) => {
                    let why = format!("binding {}: {why}", crate::shown(&binding.name));
                    verdict.error(why, self.on_error.max(*effect));
                }
            }
        }
    }

    fn bound(&self, binding: &Binding, effect: Effect, subject: &Subject, verdict: &mut Verdict) {
        let found = match binding.parameters(self.params.as_ref(), &self.objects, subject) {
            Ok(found) => found,
            Err(why) => return verdict.error(why, self.on_error.max(effect)),
        };
        for params in found {
            if let Err(why) = self.with(params, binding, effect, subject, verdict) {
                let why = format!("binding {}: {why}", crate::shown(&binding.name));
                verdict.error(why, self.on_error.max(effect));
            }
        }
    }

    fn with(
        &self,
        params: &Value,
        binding: &Binding,
        effect: Effect,
        subject: &Subject,
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let scene = Scene::new(subject, params, &self.variables);
        if !scene.all_hold(&self.conditions)? {
            return Ok(());
        }
        verdict.applies = true;
        for validation in &self.validations {
            match scene.holds(&validation.expression) {
                Ok(true) => {}
                Ok(false) => {
                    let made = validation.message_expression.as_ref().and_then(|program| scene.text(program));
                    let text = made.unwrap_or_else(|| validation.message.clone());
                    let mut details = json!({ "binding": binding.name });
                    if let (Some(reason), Some(members)) = (&validation.reason, details.as_object_mut()) {
                        members.insert("reason".to_owned(), json!(reason));
                    }
                    verdict.messages.push(Message::new(text, effect).details(details));
                }
                Err(why) => {
                    let why = format!("binding {}: {why}", crate::shown(&binding.name));
                    verdict.error(why, self.on_error.max(effect));
                }
            }
        }
        Ok(())
    }
}
