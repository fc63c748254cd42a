//! Gatekeeper's ConstraintTemplates and constraints, as they are.
//!
//! Formats: <https://open-policy-agent.github.io/gatekeeper/website/docs/constrainttemplates>, with the matching of
//! `pkg/mutation/match`. A template's Rego sees `input.review` and `input.parameters`; its CEL (`K8sNativeValidation`) sees
//! `variables.params` and `variables.anyObject`. What asks for `data.inventory` is refused where no other objects are given.

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cel::Program;
use crate::expressions::{Scene, Variable, compile};
use crate::rego::{Module, Rules, Version, data_for, value_of};
use crate::selector::Selector;
use crate::subject::Subject;
use crate::verdict::{Effect, Message, Verdict};

/// A template and its constraints.
#[derive(Debug)]
pub(crate) struct Template {
    code: Code,
    constraints: Vec<Constraint>,
}

#[derive(Debug)]
enum Code {
    Rego(Rules),
    Cel(Native),
}

/// CEL of a template.
#[derive(Debug)]
struct Native {
    variables: Vec<Variable>,
    conditions: Vec<Program>,
    validations: Vec<Validation>,
    on_error: Effect,
}

#[derive(Debug)]
struct Validation {
    expression: Program,
    message: String,
    message_expression: Option<Program>,
}

#[derive(Debug)]
struct Constraint {
    name: String,
    rule: Match,
    parameters: Value,
    parameters_rego: regorus::Value,
    effect: Effect,
}

#[derive(Deserialize)]
struct RawTemplate {
    metadata: RawName,
    spec: RawTemplateSpec,
}

#[derive(Deserialize)]
struct RawName {
    name: String,
}

#[derive(Deserialize)]
struct RawTemplateSpec {
    crd: Value,
    targets: Vec<RawTarget>,
}

#[derive(Deserialize)]
struct RawTarget {
    target: String,
    #[serde(default)]
    rego: String,
    #[serde(default)]
    libs: Vec<String>,
    #[serde(default)]
    code: Vec<RawCode>,
}

#[derive(Deserialize)]
struct RawCode {
    engine: String,
    source: Value,
}

#[derive(Deserialize, Default)]
struct RawRego {
    #[serde(default)]
    rego: String,
    #[serde(default)]
    libs: Vec<String>,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawNative {
    #[serde(default)]
    variables: Vec<RawVariable>,
    #[serde(default)]
    match_conditions: Vec<RawVariable>,
    #[serde(default)]
    validations: Vec<RawValidation>,
    #[serde(default)]
    failure_policy: String,
}

#[derive(Deserialize)]
struct RawVariable {
    name: String,
    expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawValidation {
    expression: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    message_expression: String,
}

/// Whether a document belongs to this format.
pub(crate) fn is_template(document: &Value) -> bool {
    group(document) == "templates.gatekeeper.sh"
}

fn is_constraint(document: &Value) -> bool {
    group(document) == "constraints.gatekeeper.sh"
}

fn group(document: &Value) -> &str {
    let version = document.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    version.split('/').next().unwrap_or_default()
}

/// Compiles the template among documents, with those constraints that are of its kind.
///
/// # Errors
/// What is wrong, for the policy's author.
pub(crate) fn load(documents: &[Value], inventory: Option<&Value>) -> Result<Template, String> {
    let mut templates = documents.iter().filter(|document| is_template(document));
    let (Some(template), None) = (templates.next(), templates.next()) else {
        return Err("there must be one ConstraintTemplate in a policy".to_owned());
    };
    let raw: RawTemplate = serde_json::from_value(template.clone()).map_err(|error| {
        format!("the ConstraintTemplate is not as expected: {}", crate::shown(&error.to_string()))
    })?;
    let kind =
        raw.spec.crd.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let target = raw.spec.targets.into_iter().find(|target| target.target == "admission.k8s.gatekeeper.sh");
    let target = target.ok_or("the ConstraintTemplate has no target admission.k8s.gatekeeper.sh")?;
    let code = compiled(&raw.metadata.name, target, inventory)?;
    let mut constraints = Vec::new();
    for document in documents.iter().filter(|document| is_constraint(document)) {
        let its = document.get("kind").and_then(Value::as_str).unwrap_or_default();
        if its != kind {
            return Err(format!("a constraint of kind {} has no template here", crate::shown(its)));
        }
        constraints.push(constraint(document)?);
    }
    if constraints.is_empty() {
        return Err(format!(
            "no constraint of kind {} is there: the template checks nothing",
            crate::shown(&kind)
        ));
    }
    Ok(Template { code, constraints })
}

fn compiled(name: &str, target: RawTarget, inventory: Option<&Value>) -> Result<Code, String> {
    let of_engine = |engine: &str| target.code.iter().find(|code| code.engine == engine);
    if let Some(code) = of_engine("K8sNativeValidation") {
        let raw: RawNative = serde_json::from_value(code.source.clone())
            .map_err(|error| format!("K8sNativeValidation: {}", crate::shown(&error.to_string())))?;
        return native(raw).map(Code::Cel);
    }
    let source = match of_engine("Rego") {
        Some(code) => serde_json::from_value(code.source.clone())
            .map_err(|error| format!("Rego: {}", crate::shown(&error.to_string())))?,
        None => RawRego { rego: target.rego, libs: target.libs, version: String::new() },
    };
    if source.rego.trim().is_empty() {
        return Err("the ConstraintTemplate has neither Rego nor K8sNativeValidation".to_owned());
    }
    let version = if source.version == "v1" { Version::V1 } else { Version::V0 };
    let mut modules = vec![Module { name: format!("{name}.rego"), text: source.rego }];
    for (place, text) in source.libs.into_iter().enumerate() {
        modules.push(Module { name: format!("{name}-lib-{place}.rego"), text });
    }
    let data = data_for(&modules, json!({}), inventory)?;
    let rules = Rules::compile(&modules, version, &data, |rule| rule == "violation")?;
    if rules.names.is_empty() {
        return Err("the template's Rego has no rule `violation`".to_owned());
    }
    Ok(Code::Rego(rules))
}

fn native(raw: RawNative) -> Result<Native, String> {
    let mut variables = Vec::new();
    for (name, expression) in [
        (
            "anyObject",
            "has(request.operation) && request.operation == 'DELETE' && object == null ? oldObject : object",
        ),
        ("params", "params"),
    ] {
        variables.push(Variable { name: name.to_owned(), program: compile(name, expression)? });
    }
    for RawVariable { name, expression } in raw.variables {
        let program = compile(&format!("variable {}", crate::shown(&name)), &expression)?;
        variables.push(Variable { name, program });
    }
    let conditions = raw.match_conditions.iter().map(|c| compile("matchConditions", &c.expression));
    let validations = raw.validations.iter().map(|validation| {
        let message = match validation.message.is_empty() {
            true => format!("failed expression: {}", crate::shown(&validation.expression)),
            false => validation.message.clone(),
        };
        Ok(Validation {
            expression: compile("validations", &validation.expression)?,
            message,
            message_expression: optional("messageExpression", &validation.message_expression)?,
        })
    });
    Ok(Native {
        conditions: conditions.collect::<Result<_, String>>()?,
        validations: validations.collect::<Result<_, String>>()?,
        on_error: if raw.failure_policy == "Ignore" { Effect::Silent } else { Effect::Deny },
        variables,
    })
}

/// Compiles an expression that may be left out.
pub(crate) fn optional(place: &str, text: &str) -> Result<Option<Program>, String> {
    if text.trim().is_empty() { Ok(None) } else { compile(place, text).map(Some) }
}

fn constraint(document: &Value) -> Result<Constraint, String> {
    let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let wrong = |error: serde_json::Error| {
        format!("the constraint {}: match: {}", crate::shown(&name), crate::shown(&error.to_string()))
    };
    let rule = match document.pointer("/spec/match") {
        None | Some(Value::Null) => Match::default(),
        Some(rule) => serde_json::from_value(rule.clone()).map_err(wrong)?,
    };
    let parameters = document.pointer("/spec/parameters").cloned().unwrap_or_else(|| json!({}));
    let parameters_rego = value_of(&parameters)?;
    let effect = effect(document)
        .ok_or_else(|| format!("the constraint {} has an unknown enforcementAction", crate::shown(&name)))?;
    Ok(Constraint { name, rule, parameters, parameters_rego, effect })
}

/// What a constraint does at admission.
fn effect(document: &Value) -> Option<Effect> {
    let of = |action: &str| match action {
        "deny" | "" => Some(Effect::Deny),
        "warn" => Some(Effect::Warn),
        "dryrun" => Some(Effect::Silent),
        _ => None,
    };
    let action = document.pointer("/spec/enforcementAction").and_then(Value::as_str).unwrap_or_default();
    if action != "scoped" {
        return of(action);
    }
    let scoped = document.pointer("/spec/scopedEnforcementActions").and_then(Value::as_array)?;
    let mut strongest = Effect::Silent;
    for entry in scoped {
        let action = of(entry.get("action").and_then(Value::as_str).unwrap_or_default())?;
        let points = entry.get("enforcementPoints").and_then(Value::as_array)?;
        let here = points.iter().filter_map(|point| point.get("name").and_then(Value::as_str));
        if here.into_iter().any(|name| matches!(name, "*" | "validation.gatekeeper.sh")) {
            strongest = strongest.min(action);
        }
    }
    Some(strongest)
}

/// What a constraint is about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Match {
    kinds: Vec<Kinds>,
    scope: Option<Scope>,
    namespaces: Vec<Wildcard>,
    excluded_namespaces: Vec<Wildcard>,
    label_selector: Option<Selector>,
    namespace_selector: Option<Selector>,
    name: Option<Wildcard>,
    source: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kinds {
    api_groups: Vec<String>,
    kinds: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Scope {
    #[serde(rename = "*", alias = "")]
    All,
    Cluster,
    Namespaced,
}

/// A name in which `*` stands for anything.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Wildcard(GlobMatcher);

impl TryFrom<String> for Wildcard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'*' | b':' | b'_')) {
            return Err(format!("{} is not a name with wildcards", crate::shown(&text)));
        }
        let glob = GlobBuilder::new(&text).literal_separator(false).build();
        glob.map(|glob| Self(glob.compile_matcher())).map_err(|error| error.to_string())
    }
}

impl Match {
    /// Whether it is about a subject.
    ///
    /// # Errors
    /// What is not known but decides.
    fn applies(&self, subject: &Subject) -> Result<bool, String> {
        let (group, kind) = (subject.text("/kind/group"), subject.text("/kind/kind"));
        let among =
            |all: &[String], one: &str| all.is_empty() || all.iter().any(|name| name == "*" || name == one);
        let of_kind = |kinds: &Kinds| among(&kinds.api_groups, group) && among(&kinds.kinds, kind);
        if !self.kinds.is_empty() && !self.kinds.iter().any(of_kind) {
            return Ok(false);
        }
        let namespaced = subject.namespace().is_some();
        if match self.scope {
            Some(Scope::Cluster) => namespaced,
            Some(Scope::Namespaced) => !namespaced,
            _ => false,
        } {
            return Ok(false);
        }
        // What is made where is not told by a request, and all that is judged here is what users made.
        if self.source.as_deref() == Some("Generated") {
            return Ok(false);
        }
        let name = match subject.text("/name") {
            "" => subject.thing().pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default(),
            name => name,
        };
        if self.name.as_ref().is_some_and(|wanted| !wanted.0.is_match(name)) {
            return Ok(false);
        }
        if let Some(namespace) = subject.namespace().or_else(|| subject.is_namespace().then_some(name)) {
            let any = |names: &[Wildcard]| names.iter().any(|wildcard| wildcard.0.is_match(namespace));
            if !self.namespaces.is_empty() && !any(&self.namespaces) || any(&self.excluded_namespaces) {
                return Ok(false);
            }
        }
        let labels = |object: &Value| object.pointer("/metadata/labels").cloned().unwrap_or(Value::Null);
        if let Some(selector) = &self.label_selector {
            let either =
                [subject.object(), subject.old_object()].into_iter().filter(|object| object.is_object());
            if !either.into_iter().any(|object| selector.matches(&labels(object))) {
                return Ok(false);
            }
        }
        match &self.namespace_selector {
            None => Ok(true),
            Some(selector) if subject.is_namespace() => Ok(selector.matches(&labels(subject.thing()))),
            Some(_) if !namespaced => Ok(true),
            Some(selector) => selector.fulfilled(|key| subject.namespace_label(key)),
        }
    }
}

impl Template {
    /// What its constraints say of a subject.
    pub(crate) fn judge(&self, subject: &Subject, verdict: &mut Verdict) {
        for constraint in &self.constraints {
            match constraint.rule.applies(subject) {
                Ok(false) => continue,
                Ok(true) => verdict.applies = true,
                Err(why) => {
                    verdict.error(
                        format!("constraint {}: {why}", crate::shown(&constraint.name)),
                        constraint.effect,
                    );
                    continue;
                }
            }
            let before = verdict.messages.len();
            let judged = match &self.code {
                Code::Rego(rules) => rego(rules, constraint, subject, verdict),
                Code::Cel(native) => native.judge(constraint, subject, verdict),
            };
            for message in verdict.messages.iter_mut().skip(before) {
                message.details = with_constraint(message.details.take(), &constraint.name);
            }
            if let Err((why, effect)) = judged {
                let why = format!("constraint {}: {why}", crate::shown(&constraint.name));
                verdict.error(why, effect.max(constraint.effect));
            }
        }
    }
}

fn with_constraint(details: Value, constraint: &str) -> Value {
    let mut members = Map::new();
    members.insert("constraint".to_owned(), json!(constraint));
    if !details.is_null() {
        members.insert("details".to_owned(), details);
    }
    Value::Object(members)
}

fn rego(
    rules: &Rules,
    constraint: &Constraint,
    subject: &Subject,
    verdict: &mut Verdict,
) -> Result<(), (String, Effect)> {
    let failed = |why: String| (why, Effect::Deny);
    let mut input = regorus::Value::new_object();
    let members = input.as_object_mut().map_err(|error| failed(error.to_string()))?;
    members.insert("review".into(), subject.review().map_err(failed)?.clone());
    members.insert("parameters".into(), constraint.parameters_rego.clone());
    let violations = rules.value("violation", &input).map_err(failed)?;
    for violation in violations.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let text = violation.get("msg").and_then(Value::as_str).unwrap_or("the constraint is violated");
        let details = violation.get("details").cloned().unwrap_or_default();
        let details = if details.as_object().is_some_and(Map::is_empty) { Value::Null } else { details };
        verdict.messages.push(Message::new(text, constraint.effect).details(details));
    }
    Ok(())
}

impl Native {
    fn judge(
        &self,
        constraint: &Constraint,
        subject: &Subject,
        verdict: &mut Verdict,
    ) -> Result<(), (String, Effect)> {
        let scene = Scene::new(subject, &constraint.parameters, &self.variables);
        for condition in &self.conditions {
            if !scene.holds(condition).map_err(|why| (why, self.on_error))? {
                return Ok(());
            }
        }
        for validation in &self.validations {
            if !scene.holds(&validation.expression).map_err(|why| (why, self.on_error))? {
                let made = validation.message_expression.as_ref().and_then(|program| scene.text(program));
                let text = made.unwrap_or_else(|| validation.message.clone());
                verdict.messages.push(Message::new(text, constraint.effect));
            }
        }
        Ok(())
    }
}
