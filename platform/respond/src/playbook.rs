//! Playbooks: what is done when something happens, with what care.
//!
//! ```yaml
//! name: isolate-a-shell
//! description: A shell in a container of a shop.
//! trigger: rule.id:"Terminal shell in container" and severity>=medium
//! parameters:
//!   channel: { type: text, default: security }
//! budget: { max-pods-percent: 5, max-actions: { count: 3, per: 10m } }
//! approval: { of: [responder], need: 1, expires: 15m }
//! lease: 30m
//! on-error: stop
//! steps:
//!   - collect-evidence: { target: pod, logs: 200 }
//!   - id: isolate
//!     when: severity>=high
//!     quarantine: { target: pod, allow: [{ cidr: 192.0.2.0/24 }] }
//!   - notify: { channel: "${parameters.channel}", text: "isolated ${event.pod.name} for ${incident}" }
//! ```
//!
//! `${parameters.NAME}`, `${event.PATH}` and `${incident}` stand for values, within texts; a text that is nothing but one parameter becomes
//! its value, whatever type that has. What an event says is text of strangers: it is cut and escaped, and cannot become structure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::PlaybookError;
use crate::filter::Filter;
use crate::key::sha256;
use crate::members::Members;
use crate::object::Kind;
use crate::step::{Class, Step};

/// Most steps.
pub const STEPS_MAX: usize = 32;
/// Largest playbook, in bytes.
pub const BYTES_MAX: usize = 64 * 1024;

/// A playbook as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    /// Its name, like that of a Kubernetes object.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// SHA-256 of its bytes. Runs and keys are of exactly these bytes.
    pub digest: String,
    /// Which detections and incidents it is for.
    pub trigger: Filter,
    /// What may be given.
    pub parameters: BTreeMap<String, Parameter>,
    /// How much it may touch.
    pub budget: Budget,
    /// Who has to agree.
    pub approval: Option<Approval>,
    /// Seconds after which what steps did is taken back, unless they say otherwise.
    pub lease: Option<i64>,
    /// What becomes of the rest when a step fails, unless it says otherwise.
    pub on_error: OnError,
    /// What becomes of objects that a reconciler owns; nothing: what the operator says.
    pub gitops: Option<Gitops>,
    /// Protected namespaces that it is allowed in.
    pub allow_protected: Vec<String>,
    /// Its steps.
    pub steps: Vec<PlannedStep>,
    /// What is allowed and not wise.
    pub warnings: Vec<String>,
}

/// A step as it is written: its texts may hold places for values.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStep {
    /// Its id; without one, its place from 1.
    pub id: String,
    /// When it is done; nothing: always.
    pub when: Option<Filter>,
    /// Its own lease, in seconds.
    pub lease: Option<i64>,
    /// What becomes of the rest when it fails.
    pub on_error: OnError,
    /// The step with every parameter at its default, and without an event.
    pub sample: Step,
    action: String,
    body: Value,
    line: u32,
}

/// What may be given to a playbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its type.
    pub of: ParameterType,
    /// Its value when it is not given; nothing: it has to be given.
    pub default: Option<Value>,
}

/// Types of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they say themselves what they are")]
pub enum ParameterType {
    Text,
    Number,
    Boolean,
    /// A list of texts.
    List,
}

/// How much a playbook may touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// Of all pods of the cluster at most this part, in percent, rounded down; one pod may always be touched.
    pub max_pods_percent: Option<u64>,
    /// Actions that change something.
    pub max_actions: Option<Rate>,
}

/// So many in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In how many seconds.
    pub seconds: i64,
}

/// Who has to agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Roles, of which an approver needs one.
    pub of: Vec<String>,
    /// How many different people.
    pub need: u32,
    /// Seconds after which the question is void.
    pub expires: i64,
}

/// What becomes of the rest when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// It is not done. What was done stays until its lease ends.
    Stop,
    /// It is done nevertheless.
    Continue,
}

/// What becomes of objects that a reconciler owns, and would put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gitops {
    /// They are not changed.
    Refuse,
    /// They are changed, and the plan says who will put them back.
    Warn,
    /// They are objects like others.
    Ignore,
}

impl Playbook {
    /// Reads a playbook.
    ///
    /// # Errors
    /// [`PlaybookError`] with the line.
    pub fn read(bytes: &[u8]) -> Result<Self, PlaybookError> {
        let budget =
            yaml::Budget { bytes: BYTES_MAX, documents: 1, nodes: 4096, text: 2 * BYTES_MAX, depth: 16 };
        let mut documents = yaml::read(bytes, &budget)?;
        let Some(document) = documents.pop() else {
            return Err(PlaybookError::at(1, "there is nothing in the file"));
        };
        if let Some(twice) = document.duplicates.first() {
            return Err(PlaybookError::at(document.lines.of(twice), format!("{twice} stands there twice")));
        }
        let members = Members::of(&document.value, "", &document.lines)?;
        members.only(&[
            "name",
            "description",
            "trigger",
            "parameters",
            "budget",
            "approval",
            "lease",
            "on-error",
            "gitops",
            "allow-protected",
            "steps",
        ])?;
        let mut playbook = Self {
            name: name(&members)?,
            description: members.text("description")?.unwrap_or_default(),
            digest: sha256(bytes),
            trigger: members.filter("trigger")?.ok_or_else(|| members.missing("trigger"))?,
            parameters: parameters(&members)?,
            budget: read_budget(&members)?,
            approval: approval(&members)?,
            lease: members.duration("lease")?,
            on_error: on_error(&members)?.unwrap_or(OnError::Stop),
            gitops: gitops(&members)?,
            allow_protected: members.texts("allow-protected")?,
            steps: Vec::new(),
            warnings: Vec::new(),
        };
        playbook.steps = playbook.read_steps(&members)?;
        playbook.warnings = playbook.order();
        Ok(playbook)
    }

    fn read_steps(&self, members: &Members<'_>) -> Result<Vec<PlannedStep>, PlaybookError> {
        let items = members.items("steps")?;
        if items.is_empty() || items.len() > STEPS_MAX {
            return Err(members.wrong("steps", &format!("there are 1 to {STEPS_MAX} steps")));
        }
        let mut steps: Vec<PlannedStep> = Vec::new();
        for (place, item) in items.into_iter().enumerate() {
            let step = self.read_step(place, &item)?;
            if steps.iter().any(|other| other.id == step.id) {
                return Err(item.wrong("id", "there is another step with this id"));
            }
            steps.push(step);
        }
        Ok(steps)
    }

    fn read_step(&self, place: usize, members: &Members<'_>) -> Result<PlannedStep, PlaybookError> {
        let settings = ["id", "when", "lease", "on-error"];
        let mut actions = members.names().filter(|name| !settings.contains(name));
        let (Some(action), None) = (actions.next(), actions.next()) else {
            return Err(PlaybookError::at(
                members.line(),
                "a step has one action, and nothing else but id, when, lease and on-error",
            ));
        };
        let body = members.get(action).cloned().unwrap_or_default();
        let line = members.line_of(action);
        let id = members.text("id")?.unwrap_or_else(|| (place + 1).to_string());
        if !is_label(&id) {
            return Err(members.wrong("id", "an id has letters, digits, `-`, `_` and `.`, at most 63"));
        }
        let defaults = self.parameters.iter().map(|(name, parameter)| {
            let sample = parameter.default.clone().unwrap_or_else(|| parameter.of.sample());
            (name.clone(), sample)
        });
        let values = Values { parameters: defaults.collect(), event: None, incident: "incident" };
        let sample = Step::read(action, &values.put(&body, line)?, line)?;
        let lease = members.duration("lease")?;
        if lease.is_some() && sample.class() != Class::Reversible {
            return Err(
                members.wrong("lease", &format!("{action} cannot be taken back, so it cannot have a lease"))
            );
        }
        Ok(PlannedStep {
            id,
            when: members.filter("when")?,
            lease: lease.or(self.lease).filter(|_| sample.class() == Class::Reversible),
            on_error: on_error(members)?.unwrap_or(self.on_error),
            sample,
            action: action.to_owned(),
            body,
            line,
        })
    }

    /// Whether what can be taken back comes before what cannot, and evidence before it is destroyed.
    fn order(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let place = |class: Class| self.steps.iter().position(|step| step.sample.class() == class);
        let Some(first) = place(Class::Destructive) else { return warnings };
        let destructive = self.steps.get(first).map_or("", |step| step.id.as_str());
        if let Some(late) =
            self.steps.iter().skip(first).find(|step| step.sample.class() == Class::Reversible)
        {
            warnings.push(format!(
                "step {:?} cannot be taken back and comes before step {:?}, which can: put what can be taken back first",
                destructive, late.id
            ));
        }
        let kept = |step: &PlannedStep| matches!(step.sample, Step::CollectEvidence { .. });
        if !self.steps.iter().take(first).any(kept) {
            warnings
                .push(format!("step {destructive:?} destroys what no step before it collects evidence of"));
        }
        warnings
    }

    /// The worst that it may do.
    #[must_use]
    pub fn class(&self) -> Class {
        self.steps.iter().map(|step| step.sample.class()).max().unwrap_or(Class::Observing)
    }

    /// Whether it does nothing but hand messages over, so that it needs no cluster.
    #[must_use]
    pub fn tells_only(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.sample, Step::Tell { .. }))
    }

    /// The parameters with their defaults.
    ///
    /// # Errors
    /// [`PlaybookError::Parameter`].
    pub fn parameters(
        &self,
        given: &BTreeMap<String, Value>,
    ) -> Result<BTreeMap<String, Value>, PlaybookError> {
        let wrong = |name: &str, what: &str| PlaybookError::Parameter {
            name: name.to_owned(),
            what: what.to_owned(),
        };
        if let Some(name) = given.keys().find(|name| !self.parameters.contains_key(*name)) {
            return Err(wrong(name, "the playbook has no such parameter"));
        }
        let mut all = BTreeMap::new();
        for (name, parameter) in &self.parameters {
            let value = given.get(name).or(parameter.default.as_ref());
            let value = value.ok_or_else(|| wrong(name, "it has no default and has to be given"))?;
            if !parameter.of.fits(value) {
                return Err(wrong(name, &format!("a {} is expected", parameter.of.word())));
            }
            all.insert(name.clone(), value.clone());
        }
        Ok(all)
    }
}

impl PlannedStep {
    /// The step with these values.
    ///
    /// # Errors
    /// [`PlaybookError`] where a value does not fit its place.
    pub fn with(&self, values: &Values<'_>) -> Result<Step, PlaybookError> {
        Step::read(&self.action, &values.put(&self.body, self.line)?, self.line)
    }

    /// What stands behind its action, with these values.
    ///
    /// # Errors
    /// [`PlaybookError`] where a value does not fit its place.
    pub fn body_with(&self, values: &Values<'_>) -> Result<Value, PlaybookError> {
        self.with(values)?;
        values.put(&self.body, self.line)
    }

    /// The word of its action.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }
}

impl ParameterType {
    fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.as_str().is_some_and(|text| text.len() <= 1024),
            Self::Number => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.as_array().is_some_and(|items| {
                items.len() <= 64
                    && items.iter().all(|item| item.as_str().is_some_and(|item| item.len() <= 1024))
            }),
        }
    }

    fn sample(self) -> Value {
        match self {
            Self::Text => "sample".into(),
            Self::Number => 1.into(),
            Self::Boolean => false.into(),
            Self::List => Value::Array(Vec::new()),
        }
    }
}

/// What the places in texts stand for.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    /// Parameters.
    pub parameters: BTreeMap<String, Value>,
    /// The normalised event or incident; nothing while a playbook is only read, when whatever it says is `event`.
    pub event: Option<&'a Value>,
    /// Id of the incident.
    pub incident: &'a str,
}

impl Values<'_> {
    fn put(&self, value: &Value, line: u32) -> Result<Value, PlaybookError> {
        Ok(match value {
            Value::String(text) => self.text(text, line)?,
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.put(item, line)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let put = |(name, value): (&String, &Value)| Ok((name.clone(), self.put(value, line)?));
                Value::Object(members.iter().map(put).collect::<Result<_, PlaybookError>>()?)
            }
            other => other.clone(),
        })
    }

    fn text(&self, text: &str, line: u32) -> Result<Value, PlaybookError> {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let Some((place, after)) = after.split_once('}') else {
                return Err(PlaybookError::at(line, format!("`${{` in {text:?} is never closed")));
            };
            let value = self.value(place.trim(), line)?;
            if before.is_empty()
                && after.is_empty()
                && out.is_empty()
                && place.trim().starts_with("parameters.")
            {
                return Ok(value);
            }
            out.push_str(before);
            match &value {
                Value::String(text) => out.push_str(text),
                other => out.push_str(&other.to_string()),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(Value::String(out))
    }

    fn value(&self, place: &str, line: u32) -> Result<Value, PlaybookError> {
        if place == "incident" {
            return Ok(crate::object::shown(self.incident).into());
        }
        if let Some(name) = place.strip_prefix("parameters.") {
            let value = self.parameters.get(name).cloned();
            return value.ok_or_else(|| PlaybookError::at(line, format!("there is no parameter {name:?}")));
        }
        let Some(path) = place.strip_prefix("event.") else {
            let what = format!("{place:?} is neither `parameters.NAME`, `event.PATH` nor `incident`");
            return Err(PlaybookError::at(line, what));
        };
        let Some(event) = self.event else { return Ok("event".into()) };
        let found = path.split('.').try_fold(event, |value, name| value.get(name));
        Ok(match found {
            Some(Value::String(text)) => crate::object::shown(text).into(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string().into(),
            _ => "unknown".into(),
        })
    }
}

fn name(members: &Members<'_>) -> Result<String, PlaybookError> {
    let name = members.text("name")?.ok_or_else(|| members.missing("name"))?;
    match is_label(&name) && name.bytes().all(|byte| !byte.is_ascii_uppercase()) {
        true => Ok(name),
        false => {
            Err(members.wrong("name", "a name has lower-case letters, digits, `-`, `_` and `.`, at most 63"))
        }
    }
}

fn parameters(members: &Members<'_>) -> Result<BTreeMap<String, Parameter>, PlaybookError> {
    let Some(all) = members.inner("parameters")? else { return Ok(BTreeMap::new()) };
    let mut parameters = BTreeMap::new();
    for name in all.names() {
        let one = all.inner(name)?.ok_or_else(|| all.missing(name))?;
        one.only(&["type", "default", "description"])?;
        let of = match one.text("type")?.as_deref() {
            None | Some("text") => ParameterType::Text,
            Some("number") => ParameterType::Number,
            Some("boolean") => ParameterType::Boolean,
            Some("list") => ParameterType::List,
            Some(_) => return Err(one.wrong("type", "one of text, number, boolean, list is expected")),
        };
        let default = one.get("default").cloned();
        if default.as_ref().is_some_and(|default| !of.fits(default)) {
            return Err(one.wrong("default", &format!("a {} is expected", of.word())));
        }
        parameters.insert(name.to_owned(), Parameter { of, default });
    }
    Ok(parameters)
}

fn read_budget(members: &Members<'_>) -> Result<Budget, PlaybookError> {
    let Some(budget) = members.inner("budget")? else { return Ok(Budget::default()) };
    budget.only(&["max-pods-percent", "max-actions"])?;
    let max_pods_percent = budget.number("max-pods-percent", 0, 100)?;
    let max_actions = match budget.inner("max-actions")? {
        None => None,
        Some(rate) => {
            rate.only(&["count", "per"])?;
            let count = rate.number("count", 1, 10_000)?.ok_or_else(|| rate.missing("count"))?;
            let seconds = rate.duration("per")?.ok_or_else(|| rate.missing("per"))?;
            Some(Rate { count, seconds })
        }
    };
    Ok(Budget { max_pods_percent, max_actions })
}

fn approval(members: &Members<'_>) -> Result<Option<Approval>, PlaybookError> {
    let Some(approval) = members.inner("approval")? else { return Ok(None) };
    approval.only(&["of", "need", "expires"])?;
    let of = approval.texts("of")?;
    if of.is_empty() {
        return Err(approval.missing("of"));
    }
    let need = approval.number("need", 1, 16)?.unwrap_or(1);
    let need = u32::try_from(need).unwrap_or(1);
    // Longer than somebody needs to be woken, shorter than the situation stays the same.
    Ok(Some(Approval { of, need, expires: approval.duration("expires")?.unwrap_or(3600) }))
}

fn on_error(members: &Members<'_>) -> Result<Option<OnError>, PlaybookError> {
    match members.text("on-error")?.as_deref() {
        None => Ok(None),
        Some("stop") => Ok(Some(OnError::Stop)),
        Some("continue") => Ok(Some(OnError::Continue)),
        Some(_) => Err(members.wrong("on-error", "stop or continue is expected")),
    }
}

fn gitops(members: &Members<'_>) -> Result<Option<Gitops>, PlaybookError> {
    match members.text("gitops")?.as_deref() {
        None => Ok(None),
        Some("refuse") => Ok(Some(Gitops::Refuse)),
        Some("warn") => Ok(Some(Gitops::Warn)),
        Some("ignore") => Ok(Some(Gitops::Ignore)),
        Some(_) => Err(members.wrong("gitops", "refuse, warn or ignore is expected")),
    }
}

/// Whether a text may be the value of a label, and be more than nothing.
pub(crate) fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let ends = [text.bytes().next(), text.bytes().last()];
    text.len() <= 63
        && text.bytes().all(inner)
        && ends.iter().all(|byte| byte.is_some_and(|byte| byte.is_ascii_alphanumeric()))
}

/// Kinds that a step may name.
pub(crate) const NAMEABLE: [Kind; 10] = [
    Kind::Pod,
    Kind::Node,
    Kind::Namespace,
    Kind::ServiceAccount,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::ReplicaSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
];
