//! The configuration: which policies there are, compiled.

use std::cell::RefCell;
use std::rc::Rc;

use palisade_sdk::{Config, Error, Severity};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admission_policy::{self, AdmissionPolicy};
use crate::gatekeeper::{self, Template};
use crate::mutating_policy::{self, MutatingPolicy};
use crate::plain::{Cel, Rego};
use crate::subject::Subject;
use crate::verdict::{Effect, Verdict, severity};

/// Policies of one configuration. The platform sets the same bound.
const POLICIES_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    policies: Vec<RawPolicy>,
    #[serde(default)]
    parameters: Value,
    #[serde(default)]
    rule_ids: RuleIds,
    inventory: Option<Value>,
}

/// Under which rule a policy's results stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RuleIds {
    /// One of the four rules of the manifest; the policy is named in the evidence.
    #[default]
    Format,
    /// One named like the policy, where the platform takes rules from the configuration.
    Policy,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawPolicy {
    name: String,
    format: Format,
    #[serde(default)]
    source: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    documents: Vec<Value>,
    #[serde(default)]
    parameters: Value,
    severity: Option<String>,
    #[serde(default)]
    on_error: OnError,
    #[serde(default = "yes")]
    mutate: bool,
    #[serde(rename = "title", default)]
    _title: String,
    #[serde(rename = "description", default)]
    _description: String,
    #[serde(rename = "remediation", default)]
    _remediation: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Rego,
    Cel,
    Gatekeeper,
    Vap,
    Map,
}

fn yes() -> bool {
    true
}

impl Format {
    fn rule(self) -> &'static str {
        match self {
            Self::Rego => "rego-violation",
            Self::Cel => "cel-violation",
            Self::Gatekeeper => "gatekeeper-violation",
            Self::Vap => "vap-violation",
            Self::Map => "map-failed",
        }
    }
}

/// What becomes of a request that a policy cannot judge. Policies of `admissionregistration.k8s.io` say so themselves once they are loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnError {
    #[default]
    Deny,
    Warn,
}

/// A policy.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) rule: String,
    pub(crate) severity: Severity,
    on_error: Effect,
    /// Whether what it would change is changed: a policy on trial changes nothing.
    pub(crate) mutate: bool,
    /// What it compiled to, or why it did not.
    pub(crate) body: Result<Body, String>,
}

/// What a policy compiled to.
#[derive(Debug)]
pub(crate) enum Body {
    Rego(Rego),
    Cel(Cel),
    Gatekeeper(Template),
    Admission(AdmissionPolicy),
    Mutating(MutatingPolicy),
}

/// All policies of a configuration.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) policies: Vec<Policy>,
}

thread_local! {
    static LAST: RefCell<Option<(Config, Rc<Set>)>> = const { RefCell::new(None) };
}

impl Set {
    /// The policies of a configuration. Compiled once as long as the configuration stays the same and the instance lives.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for what is not a configuration. A policy that does not compile is none: it costs itself.
    pub(crate) fn of(config: &Config) -> Result<Rc<Self>, Error> {
        LAST.with(|last| {
            if let Some((known, set)) = &*last.borrow()
                && known == config
            {
                return Ok(Rc::clone(set));
            }
            let set = Rc::new(Self::compile(config)?);
            *last.borrow_mut() = Some((config.clone(), Rc::clone(&set)));
            Ok(set)
        })
    }

    fn compile(config: &Config) -> Result<Self, Error> {
        let raw: RawConfig = config.parse()?;
        if raw.policies.len() > POLICIES_MAX {
            let count = raw.policies.len();
            return Err(Error::InvalidConfig(format!(
                "policies: {count} are there; at most {POLICIES_MAX} are allowed"
            )));
        }
        let mut policies: Vec<Policy> = Vec::with_capacity(raw.policies.len());
        for policy in raw.policies {
            let word =
                policy.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
            if policy.name.is_empty() || policy.name.len() > 100 || !word {
                let name = crate::shown(&policy.name);
                return Err(Error::InvalidConfig(format!(
                    "policies: the name {name:?} is not a word of letters, digits, '.', '-' and '_'"
                )));
            }
            if policies.iter().any(|other| other.name == policy.name) {
                return Err(Error::InvalidConfig(format!(
                    "policies: the name {:?} is there twice",
                    policy.name
                )));
            }
            policies.push(compiled(policy, &raw.parameters, raw.rule_ids, raw.inventory.as_ref()));
        }
        Ok(Self { policies })
    }
}

fn compiled(raw: RawPolicy, common: &Value, rule_ids: RuleIds, inventory: Option<&Value>) -> Policy {
    let parameters = match &raw.parameters {
        Value::Null if common.is_null() => json!({}),
        Value::Null => common.clone(),
        own => own.clone(),
    };
    let file = if raw.source.is_empty() { &raw.name } else { &raw.source };
    let body = match raw.format {
        Format::Rego => Rego::load(file, &raw.text, &parameters, inventory).map(Body::Rego),
        Format::Cel => Cel::load(&raw.documents, &parameters).map(Body::Cel),
        Format::Gatekeeper => gatekeeper::load(&raw.documents, inventory).map(Body::Gatekeeper),
        Format::Vap => admission_policy::load(&raw.documents).map(Body::Admission),
        Format::Map => mutating_policy::load(&raw.documents).map(Body::Mutating),
    };
    Policy {
        rule: match rule_ids {
            RuleIds::Format => raw.format.rule().to_owned(),
            RuleIds::Policy => raw.name.clone(),
        },
        severity: raw.severity.as_deref().and_then(severity).unwrap_or(Severity::Medium),
        on_error: if raw.on_error == OnError::Warn { Effect::Warn } else { Effect::Deny },
        mutate: raw.mutate,
        name: raw.name,
        source: raw.source,
        body,
    }
}

impl Policy {
    /// What it says of a subject. `whole`: of a request, and not of an object that is there.
    pub(crate) fn judge(&self, subject: &Subject, whole: bool) -> Verdict {
        let mut verdict = Verdict::default();
        match &self.body {
            Ok(Body::Rego(rego)) => rego.judge(subject, whole, self.on_error, &mut verdict),
            Ok(Body::Cel(cel)) => cel.judge(subject, self.on_error, &mut verdict),
            Ok(Body::Gatekeeper(template)) => template.judge(subject, &mut verdict),
            Ok(Body::Admission(policy)) => policy.judge(subject, &mut verdict),
            // What it would change is computed where all changes are: see `mutation`.
            Ok(Body::Mutating(_)) => {}
            Err(why) => verdict.error(format!("the policy cannot be used: {why}"), self.on_error),
        }
        verdict
    }
}
