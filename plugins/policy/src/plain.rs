//! Policies in forms of our own: plain Rego, and CEL with a few words around it.

use palisade_sdk::Severity;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cel::Program;
use crate::expressions::{Scene, compile};
use crate::gatekeeper::optional;
use crate::rego::{Module, Rules, Version, data_for};
use crate::subject::Subject;
use crate::verdict::{Effect, Message, Verdict, severity};

/// The rules of a package that are read, and what their messages do.
const RULES: [(&str, Effect); 3] =
    [("deny", Effect::Deny), ("violation", Effect::Deny), ("warn", Effect::Warn)];

/// A package of Rego. For an object that is there `input` is the object, for a request the AdmissionReview.
#[derive(Debug)]
pub(crate) struct Rego {
    rules: Rules,
}

impl Rego {
    /// Compiles a module: Rego as of OPA 1.0, or where it is none, as before.
    ///
    /// # Errors
    /// What is wrong, for the policy's author.
    pub(crate) fn load(
        name: &str,
        text: &str,
        parameters: &Value,
        inventory: Option<&Value>,
    ) -> Result<Self, String> {
        let module = Module { name: name.to_owned(), text: text.to_owned() };
        let wanted = |rule: &str| {
            rule == "patch" || rule.starts_with("test_") || RULES.iter().any(|(name, _)| *name == rule)
        };
        let data = json!({ "parameters": parameters });
        let data = data_for(std::slice::from_ref(&module), data, inventory)?;
        let compile = |version| Rules::compile(std::slice::from_ref(&module), version, &data, wanted);
        let rules = match compile(Version::V1) {
            // What was written for the newer version may mean something else in the older one.
            Err(error) if is_new(text) => return Err(error),
            // Where neither version compiles, the newer one says why.
            Err(error) => compile(Version::V0).map_err(|_| error)?,
            Ok(rules) => rules,
        };
        if rules.names.is_empty() {
            return Err("the package has no rule `deny`, `violation`, `warn` or `patch`".to_owned());
        }
        Ok(Self { rules })
    }

    /// What its rules say of a subject. `whole` is the AdmissionReview; without it the object is the input.
    pub(crate) fn judge(&self, subject: &Subject, whole: bool, on_error: Effect, verdict: &mut Verdict) {
        verdict.applies = true;
        let input = match whole {
            true => subject.review().map(|review| {
                let mut input = regorus::Value::new_object();
                if let Ok(members) = input.as_object_mut() {
                    members.insert("apiVersion".into(), "admission.k8s.io/v1".into());
                    members.insert("kind".into(), "AdmissionReview".into());
                    members.insert("request".into(), review.clone());
                }
                input
            }),
            false => subject.review().map(|review| review["object"].clone()),
        };
        let input = match input {
            Ok(input) => input,
            Err(why) => return verdict.error(why, on_error),
        };
        for (rule, effect) in RULES {
            match self.rules.value(rule, &input) {
                Ok(found) => verdict.messages.extend(messages(found, effect)),
                Err(why) => verdict.error(format!("{rule}: {why}"), on_error),
            }
        }
        match self.rules.value("patch", &input) {
            Ok(Some(Value::Array(operations))) => verdict.patch.extend(operations),
            Ok(_) => {}
            Err(why) => verdict.error(format!("patch: {why}"), on_error),
        }
    }

    /// Runs the rules whose names begin with `test_`: those that are true pass.
    pub(crate) fn tests(&self) -> Vec<(String, Result<bool, String>)> {
        let names = self.rules.names.iter().filter(|name| name.starts_with("test_"));
        let run = |name: &String| {
            let value = self.rules.value(name, &regorus::Value::new_object());
            (name.clone(), value.map(|value| value == Some(Value::Bool(true))))
        };
        names.map(run).collect()
    }
}

/// Whether a head of a rule has the words of OPA 1.0. Bodies are indented, heads are not.
fn is_new(text: &str) -> bool {
    let head = |line: &&str| !line.starts_with([' ', '\t', '#', '}']);
    let word = |line: &str| line.split_whitespace().any(|word| matches!(word, "if" | "contains"));
    text.lines().filter(head).any(word) || text.contains("import rego.v1")
}

/// Messages of a rule: a set or a list of texts or objects, or as a single value a text or `true`.
fn messages(found: Option<Value>, effect: Effect) -> Vec<Message> {
    match found {
        None | Some(Value::Bool(false) | Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().map(|item| message(item, effect)).collect(),
        // A partial object: its keys are the messages.
        Some(Value::Object(members)) if !members.contains_key("msg") && !members.contains_key("message") => {
            members.keys().map(|text| Message::new(text.clone(), effect)).collect()
        }
        Some(other) => vec![message(&other, effect)],
    }
}

fn message(value: &Value, effect: Effect) -> Message {
    let Value::Object(members) = value else {
        return match value {
            Value::String(text) => Message::new(text.clone(), effect),
            Value::Bool(true) => Message::new("the policy is violated", effect),
            other => Message::new(other.to_string(), effect),
        };
    };
    let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name)).and_then(Value::as_str);
    let rest = members
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "msg" | "message" | "severity" | "location"));
    let rest: Map<String, Value> = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
    let location = text(&["location"]).filter(|location| location.starts_with('/')).unwrap_or_default();
    Message {
        text: text(&["msg", "message"]).unwrap_or("the policy is violated").to_owned(),
        effect,
        severity: text(&["severity"]).and_then(severity),
        location: location.to_owned(),
        details: if rest.is_empty() { Value::Null } else { Value::Object(rest) },
    }
}

/// CEL with a few words around it: `{name, match: {kinds}, expression, message | messageExpression}`.
#[derive(Debug)]
pub(crate) struct Cel {
    kinds: Vec<String>,
    expression: Program,
    message: String,
    message_expression: Option<Program>,
    severity: Option<Severity>,
    parameters: Value,
    remediation: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawCel {
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "title")]
    _title: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    severity: Option<String>,
    #[serde(rename = "match", default)]
    about: RawMatch,
    expression: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    message_expression: String,
    #[serde(default)]
    remediation: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMatch {
    #[serde(default)]
    kinds: Vec<String>,
}

impl Cel {
    /// Compiles the one document of a policy.
    ///
    /// # Errors
    /// What is wrong, for the policy's author.
    pub(crate) fn load(documents: &[Value], parameters: &Value) -> Result<Self, String> {
        let [document] = documents else { return Err("there must be one document in a policy".to_owned()) };
        let raw: RawCel = serde_json::from_value(document.clone()).map_err(|error| {
            format!("the policy is not as expected: {}", crate::shown(&error.to_string()))
        })?;
        let message = match raw.message.trim() {
            "" => format!("failed expression: {}", crate::shown(raw.expression.trim())),
            message => message.to_owned(),
        };
        let level = match raw.severity.as_deref() {
            None => None,
            Some(name) => {
                Some(severity(name).ok_or_else(|| format!("{} is not a severity", crate::shown(name)))?)
            }
        };
        Ok(Self {
            kinds: raw.about.kinds,
            expression: compile("expression", &raw.expression)?,
            message,
            message_expression: optional("messageExpression", &raw.message_expression)?,
            severity: level,
            parameters: parameters.clone(),
            remediation: raw.remediation,
        })
    }

    /// What it says of a subject. A kind is written as `Deployment`, `apps/Deployment` or `apps/v1/Deployment`.
    pub(crate) fn judge(&self, subject: &Subject, on_error: Effect, verdict: &mut Verdict) {
        let (group, version, kind) =
            (subject.text("/kind/group"), subject.text("/kind/version"), subject.text("/kind/kind"));
        let whole =
            if group.is_empty() { format!("{version}/{kind}") } else { format!("{group}/{version}/{kind}") };
        let short = format!("{group}/{kind}");
        let named = |name: &String| name == "*" || *name == kind || *name == whole || *name == short;
        if !self.kinds.is_empty() && !self.kinds.iter().any(named) || subject.object().is_null() {
            return;
        }
        verdict.applies = true;
        let scene = Scene::new(subject, &self.parameters, &[]);
        match scene.holds(&self.expression) {
            Ok(true) => {}
            Ok(false) => {
                let made = self.message_expression.as_ref().and_then(|program| scene.text(program));
                let mut text = made.unwrap_or_else(|| self.message.clone());
                if !self.remediation.is_empty() {
                    text = format!("{text} {}", self.remediation);
                }
                verdict
                    .messages
                    .push(Message { severity: self.severity, ..Message::new(text, Effect::Deny) });
            }
            Err(why) => verdict.error(why, on_error),
        }
    }
}
