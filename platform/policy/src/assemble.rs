//! Documents to policies: which belong together, what they are called, how bad it is to violate them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::inventory::{asks, document_asks, synced};
use crate::{Content, Source};

/// Longest name of a policy: it becomes the id of a rule.
const NAME_MAX: usize = 100;

/// A policy, as the plugin's configuration has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Letters, digits, `.`, `-` and `_`; unique among the policies of a configuration.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What it looks at; empty where the policy does not say.
    pub description: String,
    /// What to do; empty where the policy does not say.
    pub remediation: String,
    /// How bad a violation is, where the policy says so.
    pub severity: Option<String>,
    /// `rego`, `gatekeeper`, `vap`, `map` or `cel`.
    pub format: &'static str,
    /// The file of its first document.
    pub source: String,
    /// The module, for `rego`.
    pub text: String,
    /// The documents, for all others.
    pub documents: Vec<Value>,
    /// The kinds of objects that it finds as `data.inventory`, such as `apps/v1/Deployment`; nothing where it does not ask for
    /// others, and an empty list where it asks and nobody says for which.
    pub inventory: Option<Vec<String>>,
    /// Whether what it would change at admission is changed.
    pub mutate: bool,
}

/// Something in the files that no policy could be made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// Where in it; 0 for the whole.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// The policies of some files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assembled {
    /// In the order of the files.
    pub policies: Vec<Policy>,
    /// Sorted.
    pub problems: Vec<Problem>,
}

/// A document and where it stands.
struct Placed<'a> {
    path: &'a str,
    line: u32,
    value: &'a Value,
}

impl Placed<'_> {
    fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn group(&self) -> &str {
        self.text("/apiVersion").split_once('/').map_or("", |(group, _)| group)
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { path: self.path.to_owned(), line: self.line, message: message.into() }
    }
}

/// Makes policies of sources: each module of Rego, each ConstraintTemplate with the constraints of its kind, each
/// ValidatingAdmissionPolicy and MutatingAdmissionPolicy with its bindings and the objects that may be its parameters, each policy of our own CEL form.
#[must_use]
pub fn assemble(sources: &[Source]) -> Assembled {
    let mut made = Assembled::default();
    let mut placed = Vec::new();
    for source in sources {
        match &source.content {
            // Modules of tests have rules for other modules.
            Content::Rego(text) => made.policies.push(rego(&source.path, text)),
            Content::Documents(documents) => placed.extend(documents.iter().map(|document| Placed {
                path: &source.path,
                line: document.lines.first(),
                value: &document.value,
            })),
        }
    }
    for document in &placed {
        one(document, &placed, &mut made);
    }
    inventories(&placed, &mut made.policies);
    unique_names(&mut made.policies);
    made.problems.sort();
    made
}

fn one(document: &Placed<'_>, all: &[Placed<'_>], made: &mut Assembled) {
    let kind = document.text("/kind");
    match (document.group(), kind) {
        ("templates.gatekeeper.sh", "ConstraintTemplate") => {
            let wanted = document.text("/spec/crd/spec/names/kind");
            let own = |other: &&Placed<'_>| {
                other.group() == "constraints.gatekeeper.sh" && other.text("/kind") == wanted
            };
            let constraints: Vec<&Placed<'_>> = all.iter().filter(own).collect();
            if constraints.is_empty() {
                made.problems.push(document.problem(format!(
                    "no constraint of kind {wanted:?} is there: the template checks nothing"
                )));
                return;
            }
            let documents = std::iter::once(document).chain(constraints).map(|placed| placed.value.clone());
            made.policies.push(of(document, "gatekeeper", documents.collect()));
        }
        ("constraints.gatekeeper.sh", _) => {
            let template = |other: &Placed<'_>| {
                other.group() == "templates.gatekeeper.sh" && other.text("/spec/crd/spec/names/kind") == kind
            };
            if !all.iter().any(template) {
                made.problems.push(
                    document.problem(format!("the constraint's template of kind {kind:?} is not there")),
                );
            }
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => {
            with_bindings(document, "vap", all, made);
        }
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => {
            with_bindings(document, "map", all, made);
        }
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding",
        ) => {
            let policy = |other: &Placed<'_>| {
                kind.strip_suffix("Binding") == Some(other.text("/kind"))
                    && other.text("/metadata/name") == document.text("/spec/policyName")
            };
            if !all.iter().any(policy) {
                made.problems.push(document.problem("the policy that the binding names is not there"));
            }
        }
        _ if document.value.get("expression").is_some() => {
            made.policies.push(of(document, "cel", vec![document.value.clone()]));
        }
        // What may be parameters of a policy is nothing by itself.
        (_, kind) if !kind.is_empty() => {}
        _ => made.problems.push(document.problem("it is not a policy of a known form")),
    }
}

/// A policy of `admissionregistration.k8s.io` with its bindings and the objects that may be its parameters.
fn with_bindings(document: &Placed<'_>, format: &'static str, all: &[Placed<'_>], made: &mut Assembled) {
    let name = document.text("/metadata/name");
    let binding = |other: &&Placed<'_>| {
        other.text("/kind").strip_suffix("Binding") == Some(document.text("/kind"))
            && other.text("/spec/policyName") == name
    };
    let (version, kind) =
        (document.text("/spec/paramKind/apiVersion"), document.text("/spec/paramKind/kind"));
    let parameter = |other: &&Placed<'_>| {
        !kind.is_empty() && other.text("/apiVersion") == version && other.text("/kind") == kind
    };
    let bindings: Vec<&Placed<'_>> = all.iter().filter(binding).collect();
    if bindings.is_empty() {
        made.problems
            .push(document.problem(format!("no binding names the policy {name:?}: it checks nothing")));
        return;
    }
    let others = bindings.into_iter().chain(all.iter().filter(parameter));
    let documents = std::iter::once(document).chain(others).map(|placed| placed.value.clone());
    made.policies.push(of(document, format, documents.collect()));
}

fn of(document: &Placed<'_>, format: &'static str, documents: Vec<Value>) -> Policy {
    let annotations = document.value.pointer("/metadata/annotations");
    let said = |names: &[&str]| -> String {
        let annotated = names.iter().find_map(|name| annotations?.get(*name)?.as_str());
        let own = names.iter().find_map(|name| document.value.get(*name)?.as_str());
        annotated.or(own).unwrap_or_default().to_owned()
    };
    let stem = document.path.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or_default();
    let name = [document.text("/metadata/name"), document.text("/name"), stem]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    let title = said(&["title", "metadata.gatekeeper.sh/title", "policies.palisade.dev/title"]);
    let severity = said(&["severity", "policies.palisade.dev/severity"]);
    Policy {
        name: word(name),
        title: if title.is_empty() { name.to_owned() } else { title },
        description: said(&["description"]),
        remediation: said(&["remediation", "policies.palisade.dev/remediation"]),
        severity: (!severity.is_empty()).then_some(severity),
        format,
        source: document.path.to_owned(),
        text: String::new(),
        documents,
        inventory: None,
        mutate: true,
    }
}

/// A module. Its metadata is that of the package or of the first rule that has any
/// (<https://www.openpolicyagent.org/docs/policy-language#metadata>).
fn rego(path: &str, text: &str) -> Policy {
    let stem = path.rsplit('/').next().map_or(path, |file| file.strip_suffix(".rego").unwrap_or(file));
    let metadata = metadata(text);
    let said =
        |pointer: &str| metadata.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let title = said("/title");
    let severity = said("/custom/severity");
    Policy {
        name: word(stem),
        title: if title.is_empty() { stem.to_owned() } else { title },
        description: said("/description"),
        remediation: said("/custom/remediation"),
        severity: (!severity.is_empty()).then_some(severity),
        format: "rego",
        source: path.to_owned(),
        text: text.to_owned(),
        documents: Vec::new(),
        inventory: None,
        mutate: true,
    }
}

/// The first block of comments that begins with `METADATA`, which is YAML; null where there is none or it is not YAML.
fn metadata(text: &str) -> Value {
    let mut lines = text.lines().map(str::trim_start).skip_while(|line| line.trim_end() != "# METADATA");
    lines.next();
    let comment =
        |line: &str| line.strip_prefix('#').map(|rest| rest.strip_prefix(' ').unwrap_or(rest).to_owned());
    let block: Vec<String> = lines.map_while(comment).collect();
    let budget = yaml::Budget { bytes: 64 << 10, documents: 1, nodes: 1_000, ..yaml::Budget::default() };
    let read = yaml::read(block.join("\n").as_bytes(), &budget).unwrap_or_default();
    read.into_iter().next().map(|document| document.value).unwrap_or_default()
}

/// Notes which objects policies ask for: those that they name themselves, and those that a SyncSet or a Config names for all.
fn inventories(all: &[Placed<'_>], policies: &mut [Policy]) {
    let for_all =
        |placed: &&Placed<'_>| matches!(placed.group(), "syncset.gatekeeper.sh" | "config.gatekeeper.sh");
    let common: BTreeSet<String> =
        all.iter().filter(for_all).flat_map(|placed| synced(placed.value)).collect();
    for policy in policies {
        let asked = match policy.format {
            "rego" => asks(&policy.text),
            "gatekeeper" => policy.documents.iter().any(document_asks),
            _ => false,
        };
        if asked {
            let own = policy.documents.iter().flat_map(synced);
            policy.inventory =
                Some(common.iter().cloned().chain(own).collect::<BTreeSet<_>>().into_iter().collect());
        }
    }
}

/// A name as the id of a rule may be.
fn word(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let word: String = name.chars().take(NAME_MAX - 5).map(allowed).collect();
    if word.is_empty() { "policy".to_owned() } else { word }
}

/// Two policies of one name are told apart by a number.
fn unique_names(policies: &mut [Policy]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for policy in policies.iter() {
        *seen.entry(policy.name.clone()).or_default() += 1;
    }
    let mut given: BTreeMap<String, usize> = BTreeMap::new();
    for policy in policies {
        let count = given.entry(policy.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            let mut number = *count;
            while seen.contains_key(&format!("{}-{number}", policy.name)) {
                number += 1;
            }
            let name = format!("{}-{number}", policy.name);
            seen.insert(name.clone(), 1);
            policy.name = name;
        }
    }
}

impl Assembled {
    /// The configuration of the plugin `palisade.policy`. `parameters` is what policies in Rego find as `data.parameters`, and those
    /// in our own CEL form as `params`.
    #[must_use]
    pub fn config(&self, parameters: &Value) -> Value {
        self.config_with(parameters, None)
    }

    /// The same with other objects, for policies that ask for them.
    #[must_use]
    pub fn config_with(&self, parameters: &Value, inventory: Option<Value>) -> Value {
        let policies: Vec<Value> = self.policies.iter().map(Policy::config).collect();
        let mut config = Map::new();
        config.insert("policies".to_owned(), Value::Array(policies));
        if !parameters.is_null() {
            config.insert("parameters".to_owned(), parameters.clone());
        }
        if let Some(inventory) = inventory {
            config.insert("inventory".to_owned(), inventory);
        }
        Value::Object(config)
    }
}

impl Policy {
    fn config(&self) -> Value {
        let mut members = Map::new();
        let mut put = |key: &str, value: Value| {
            let empty = match &value {
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                other => other.is_null(),
            };
            if !empty {
                members.insert(key.to_owned(), value);
            }
        };
        put("name", json!(self.name));
        put("title", json!(self.title));
        put("description", json!(self.description));
        put("remediation", json!(self.remediation));
        put("severity", json!(self.severity));
        put("format", json!(self.format));
        put("source", json!(self.source));
        put("text", json!(self.text));
        put("documents", Value::Array(self.documents.clone()));
        if !self.mutate {
            put("mutate", json!(false));
        }
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests;
