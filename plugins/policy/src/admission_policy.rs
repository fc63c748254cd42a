//! Kubernetes' ValidatingAdmissionPolicies and their bindings, as they are (`admissionregistration.k8s.io/v1`).
//!
//! `matchPolicy: Equivalent` asks the API server to convert an object to the version that a rule names. Nothing is converted
//! here: a rule is compared with the version that the object has.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cel::Program;
use crate::expressions::{Scene, Variable, compile};
use crate::gatekeeper::optional;
use crate::selector::Selector;
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
    bindings: Vec<Binding>,
    objects: Vec<Value>,
}

#[derive(Debug)]
struct Validation {
    expression: Program,
    message: String,
    message_expression: Option<Program>,
    reason: Option<String>,
}

#[derive(Debug)]
struct Binding {
    name: String,
    rules: Constraints,
    param: Option<ParamRef>,
    effect: Effect,
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
struct RawVariable {
    name: String,
    expression: String,
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParamKind {
    api_version: String,
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParamRef {
    name: Option<String>,
    namespace: Option<String>,
    selector: Option<Selector>,
    parameter_not_found_action: Option<String>,
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

/// What a policy or a binding is about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Constraints {
    resource_rules: Option<Vec<ResourceRule>>,
    exclude_resource_rules: Vec<ResourceRule>,
    namespace_selector: Option<Selector>,
    object_selector: Option<Selector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceRule {
    api_groups: Vec<String>,
    api_versions: Vec<String>,
    operations: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
    scope: Option<String>,
}

fn kind(document: &Value) -> &str {
    document.get("kind").and_then(Value::as_str).unwrap_or_default()
}

fn name(document: &Value) -> &str {
    document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

/// Compiles the policy among documents, with its bindings; all other documents may be parameters.
///
/// # Errors
/// What is wrong, for the policy's author.
pub(crate) fn load(documents: &[Value]) -> Result<AdmissionPolicy, String> {
    if documents.iter().any(|document| kind(document).starts_with("MutatingAdmissionPolicy")) {
        return Err("a MutatingAdmissionPolicy is not supported; write the patch in Rego".to_owned());
    }
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

fn compiled(raw: RawSpec, bindings: Vec<Binding>, objects: Vec<Value>) -> Result<AdmissionPolicy, String> {
    let mut variables: Vec<Variable> = Vec::new();
    for RawVariable { name, expression } in raw.variables {
        let program =
            compile(&format!("variables[{}] ({})", variables.len(), crate::shown(&name)), &expression)?;
        variables.push(Variable { name, program });
    }
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
    let conditions = raw.match_conditions.iter().enumerate();
    let conditions =
        conditions.map(|(place, c)| compile(&format!("matchConditions[{place}]"), &c.expression));
    Ok(AdmissionPolicy {
        conditions: conditions.collect::<Result<_, _>>()?,
        rules: raw.match_constraints,
        params: raw.param_kind,
        variables,
        validations,
        on_error: if raw.failure_policy.as_deref() == Some("Ignore") { Effect::Silent } else { Effect::Deny },
        bindings,
        objects,
    })
}

fn binding(name: &str, raw: RawBinding) -> Result<Binding, String> {
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
    Ok(Binding { name: name.to_owned(), rules: raw.match_resources, param: raw.param_ref, effect })
}

impl AdmissionPolicy {
    /// What it says of a subject under each of its bindings.
    pub(crate) fn judge(&self, subject: &Subject, verdict: &mut Verdict) {
        match self.rules.applies(subject) {
            Ok(true) => {}
            Ok(false) => return,
            Err(why) => return verdict.error(why, self.on_error),
        }
        for binding in &self.bindings {
            match binding.rules.applies(subject) {
                Ok(true) => self.bound(binding, subject, verdict),
                Ok(false) => {}
                Err(why) => {
                    let why = format!("binding {}: {why}", crate::shown(&binding.name));
                    verdict.error(why, self.on_error.max(binding.effect));
                }
            }
        }
    }

    fn bound(&self, binding: &Binding, subject: &Subject, verdict: &mut Verdict) {
        let found = match (&self.params, &binding.param) {
            (Some(kind), Some(reference)) => self.objects_of(kind, reference, subject),
            (Some(_), None) => {
                let why = format!("binding {}: it names no parameters", crate::shown(&binding.name));
                return verdict.error(why, self.on_error.max(binding.effect));
            }
            (None, _) => vec![&Value::Null],
        };
        if found.is_empty() {
            let action = binding.param.as_ref().and_then(|param| param.parameter_not_found_action.as_deref());
            if action != Some("Allow") {
                let why = format!("binding {}: none of its parameters is there", crate::shown(&binding.name));
                verdict.error(why, self.on_error.max(binding.effect));
            }
            return;
        }
        for params in found {
            if let Err(why) = self.with(params, binding, subject, verdict) {
                let why = format!("binding {}: {why}", crate::shown(&binding.name));
                verdict.error(why, self.on_error.max(binding.effect));
            }
        }
    }

    fn objects_of(&self, wanted: &ParamKind, reference: &ParamRef, subject: &Subject) -> Vec<&Value> {
        let text = |object: &Value, member: &str| {
            object.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let fits = |object: &&Value| {
            let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
            let here = match (reference.namespace.as_deref(), namespace) {
                (Some(wanted), found) => found == Some(wanted),
                (None, None) => true,
                // Without a namespace of its own, the reference is to the namespace of the request.
                (None, found) => found == subject.namespace(),
            };
            let labels = object.pointer("/metadata/labels").unwrap_or(&Value::Null);
            text(object, "apiVersion") == wanted.api_version
                && text(object, "kind") == wanted.kind
                && here
                && reference.name.as_deref().is_none_or(|wanted| name(object) == wanted)
                && reference.selector.as_ref().is_none_or(|selector| selector.matches(labels))
        };
        self.objects.iter().filter(fits).collect()
    }

    fn with(
        &self,
        params: &Value,
        binding: &Binding,
        subject: &Subject,
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let scene = Scene::new(subject, params, &self.variables);
        let mut unknown = None;
        for condition in &self.conditions {
            match scene.holds(condition) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(why) => unknown = Some(why),
            }
        }
        if let Some(why) = unknown {
            return Err(why);
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
                    verdict.messages.push(Message::new(text, binding.effect).details(details));
                }
                Err(why) => {
                    let why = format!("binding {}: {why}", crate::shown(&binding.name));
                    verdict.error(why, self.on_error.max(binding.effect));
                }
            }
        }
        Ok(())
    }
}

impl Constraints {
    fn applies(&self, subject: &Subject) -> Result<bool, String> {
        let any = |rules: &[ResourceRule]| rules.iter().any(|rule| rule.matches(subject));
        let named = self.resource_rules.as_deref().is_none_or(any);
        if !named || any(&self.exclude_resource_rules) {
            return Ok(false);
        }
        let labels = |object: &Value| object.pointer("/metadata/labels").cloned().unwrap_or(Value::Null);
        if let Some(selector) = &self.object_selector {
            let mut either =
                [subject.object(), subject.old_object()].into_iter().filter(|object| object.is_object());
            if !either.any(|object| selector.matches(&labels(object))) {
                return Ok(false);
            }
        }
        match &self.namespace_selector {
            None => Ok(true),
            Some(selector) if subject.is_namespace() => Ok(selector.matches(&labels(subject.thing()))),
            Some(_) if subject.namespace().is_none() => Ok(true),
            Some(selector) => selector.fulfilled(|key| subject.namespace_label(key)),
        }
    }
}

impl ResourceRule {
    fn matches(&self, subject: &Subject) -> bool {
        let among = |all: &[String], one: &str| all.iter().any(|name| name == "*" || name == one);
        let (resource, sub) = (subject.text("/resource/resource"), subject.text("/subResource"));
        let named = |pattern: &String| match pattern.split_once('/') {
            Some((first, second)) => (first == "*" || first == resource) && (second == "*" || second == sub),
            None => sub.is_empty() && (pattern == "*" || pattern == resource),
        };
        let scope = match self.scope.as_deref() {
            Some("Cluster") => subject.namespace().is_none(),
            Some("Namespaced") => subject.namespace().is_some(),
            _ => true,
        };
        among(&self.api_groups, subject.text("/resource/group"))
            && among(&self.api_versions, subject.text("/resource/version"))
            && among(&self.operations, subject.text("/operation"))
            && self.resources.iter().any(named)
            && (self.resource_names.is_empty() || among(&self.resource_names, subject.text("/name")))
            && scope
    }
}
