//! Suites of Gatekeeper's command `gator verify` (`test.gatekeeper.sh/v1alpha1`, kind `Suite`), as they are.
//!
//! Format: <https://open-policy-agent.github.io/gatekeeper/website/docs/gator#writing-test-suites>.

use regex::RegexBuilder;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::source::documents;
use crate::{PolicyError, inventory};

/// Longest compiled pattern of a message, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// A suite.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Suite {
    /// Its tests, each about one template and one constraint.
    #[serde(default)]
    pub tests: Vec<SuiteTest>,
    /// Whether all of it is left out.
    #[serde(default)]
    pub skip: bool,
}

/// A template and a constraint, and what they are to say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SuiteTest {
    /// For people.
    #[serde(default)]
    pub name: String,
    /// Path of the template, relative to the suite.
    #[serde(default)]
    pub template: String,
    /// Path of the constraint.
    #[serde(default)]
    pub constraint: String,
    /// Path of an ExpansionTemplate, which is not supported.
    #[serde(default)]
    pub expansion: String,
    /// Whether the constraint is expected not to fit the template's schema, which is not looked at.
    #[serde(default)]
    pub invalid: bool,
    /// Whether it is left out.
    #[serde(default)]
    pub skip: bool,
    /// Its cases.
    #[serde(default)]
    pub cases: Vec<SuiteCase>,
}

/// An object, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SuiteCase {
    /// For people.
    #[serde(default)]
    pub name: String,
    /// Path of a file with the object, or with an AdmissionReview.
    #[serde(default)]
    pub object: String,
    /// Paths of files with objects of the inventory.
    #[serde(default)]
    pub inventory: Vec<String>,
    /// What is to be said.
    #[serde(default)]
    pub assertions: Vec<Assertion>,
    /// Whether it is left out.
    #[serde(default)]
    pub skip: bool,
}

/// What is expected of the violations of a case.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Assertion {
    /// `yes` (what counts where nothing is said), `no`, or how many.
    #[serde(default)]
    pub violations: Value,
    /// A regular expression that messages must match to be counted.
    pub message: Option<String>,
}

impl Suite {
    /// Reads a suite; nothing for a file of something else.
    ///
    /// # Errors
    /// [`PolicyError`] for a file that cannot be read, or a suite that is not one.
    pub fn read(path: &str, bytes: &[u8]) -> Result<Option<Self>, PolicyError> {
        // Most files are none, and need not be parsed to be known as such.
        if !bytes.windows(19).any(|window| window == b"test.gatekeeper.sh/") {
            return Ok(None);
        }
        let documents = documents(path, bytes)?;
        let [document] = documents.as_slice() else { return Ok(None) };
        let text = |member: &str| document.value.get(member).and_then(Value::as_str).unwrap_or_default();
        if text("kind") != "Suite" || !text("apiVersion").starts_with("test.gatekeeper.sh/") {
            return Ok(None);
        }
        let read = serde_json::from_value(document.value.clone());
        read.map(Some).map_err(|error| PolicyError::Tests {
            path: path.to_owned(),
            line: document.lines.first(),
            why: error.to_string(),
        })
    }
}

impl SuiteTest {
    /// Why this test cannot be run here; nothing where it can.
    #[must_use]
    pub fn unsupported(&self) -> Option<&'static str> {
        if self.invalid {
            return Some("parameters are not compared with the template's schema (invalid: true)");
        }
        (!self.expansion.is_empty()).then_some("ExpansionTemplates are not supported (expansion)")
    }
}

impl SuiteCase {
    /// The request that the object of a case is judged as: one of nobody with no operation, as Gator has it, or that of an
    /// AdmissionReview. The namespace is that of the inventory.
    ///
    /// # Errors
    /// An AdmissionReview without a request.
    pub fn request(object: &Value, others: &[Value]) -> Result<Value, String> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (group, version) = text("/apiVersion").rsplit_once('/').unwrap_or(("", text("/apiVersion")));
        let mut request = if (group, text("/kind")) == ("admission.k8s.io", "AdmissionReview") {
            let request = object.get("request").filter(|request| request.is_object()).cloned();
            request.ok_or("the AdmissionReview has no request")?
        } else {
            let kind = json!({ "group": group, "version": version, "kind": text("/kind") });
            json!({
                "uid": "", "kind": kind, "resource": { "group": "", "version": "", "resource": "" },
                "name": text("/metadata/name"), "namespace": text("/metadata/namespace"), "operation": "",
                "userInfo": {}, "object": object,
            })
        };
        let namespace = request.get("namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_it = |other: &&Value| {
            let text = |pointer: &str| other.pointer(pointer).and_then(Value::as_str);
            text("/apiVersion") == Some("v1")
                && text("/kind") == Some("Namespace")
                && text("/metadata/name") == Some(namespace.as_str())
        };
        if let (Some(found), Some(members)) = (others.iter().find(is_it), request.as_object_mut()) {
            members.insert("namespaceObject".to_owned(), found.clone());
        }
        Ok(request)
    }

    /// The inventory of a case.
    #[must_use]
    pub fn inventory(others: &[Value]) -> Value {
        inventory(others)
    }

    /// Compares what was said with what is expected: one sentence for each difference.
    #[must_use]
    pub fn judge(&self, messages: &[String]) -> Vec<String> {
        if self.assertions.is_empty() {
            return vec!["the case has no assertions".to_owned()];
        }
        self.assertions.iter().filter_map(|assertion| assertion.judge(messages).err()).collect()
    }
}

impl Assertion {
    fn judge(&self, messages: &[String]) -> Result<(), String> {
        let count = match &self.message {
            None => messages.len(),
            Some(pattern) => {
                let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
                let regex =
                    built.map_err(|error| format!("the pattern {pattern:?} cannot be used: {error}"))?;
                messages.iter().filter(|message| regex.is_match(message)).count()
            }
        };
        let (expected, right) = match &self.violations {
            Value::Null => ("at least one".to_owned(), count > 0),
            Value::String(word) if word == "yes" => ("at least one".to_owned(), count > 0),
            Value::String(word) if word == "no" => ("none".to_owned(), count == 0),
            // What YAML 1.1 takes the bare words for.
            Value::Bool(some) => {
                (if *some { "at least one" } else { "none" }.to_owned(), (count > 0) == *some)
            }
            other => match other.as_u64() {
                Some(number) => (format!("exactly {number}"), usize::try_from(number) == Ok(count)),
                None => return Err("violations must be yes, no or a number".to_owned()),
            },
        };
        let of = self.message.as_ref().map(|pattern| format!(" that match {pattern:?}")).unwrap_or_default();
        if right {
            return Ok(());
        }
        Err(format!("expected {expected} of the violations{of}, found {count} in {messages:?}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Suite, SuiteCase};

    const SUITE: &str = "kind: Suite\napiVersion: test.gatekeeper.sh/v1alpha1\nmetadata: {name: s}\ntests:\n- name: t\n  template: template.yaml\n  constraint: constraint.yaml\n  cases:\n  - name: c\n    object: object.yaml\n    inventory: [other.yaml]\n    assertions:\n    - violations: 2\n      message: ^no\n    - violations: no\n      message: 'yes'\n    - {}\n";

    #[test]
    fn a_suite_is_read_and_its_assertions_are_counted() {
        let suite = Suite::read("suite.yaml", SUITE.as_bytes()).unwrap().unwrap();
        let case = &suite.tests[0].cases[0];
        assert_eq!((case.object.as_str(), case.inventory.len()), ("object.yaml", 1));
        let messages = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert_eq!(case.judge(&messages(&["no a", "no b", "else"])), Vec::<String>::new());
        assert_eq!(case.judge(&messages(&["no a", "yes no"])).len(), 2);
        assert_eq!(case.judge(&[]).len(), 2);
        for other in [
            "kind: Pod\n",
            "kind: Suite\napiVersion: other/v1\n# test.gatekeeper.sh/\n",
            "a: 1\n---\nb: test.gatekeeper.sh/\n",
        ] {
            assert_eq!(Suite::read("x.yaml", other.as_bytes()).unwrap(), None, "{other}");
        }
        assert!(
            Suite::read("x.yaml", b"kind: Suite\napiVersion: test.gatekeeper.sh/v1alpha1\ntests: 1\n")
                .is_err()
        );
    }

    #[test]
    fn an_object_becomes_a_request_without_an_operation() {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "n" } });
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "n", "labels": { "a": "b" } } });
        let request = SuiteCase::request(&pod, &[pod.clone(), namespace.clone()]).unwrap();
        assert_eq!((&request["operation"], &request["namespace"]), (&json!(""), &json!("n")));
        assert_eq!(request["namespaceObject"], namespace);
        let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": { "uid": "u", "operation": "DELETE" } });
        assert_eq!(SuiteCase::request(&review, &[]).unwrap()["operation"], "DELETE");
        assert!(SuiteCase::request(&json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": Value::Null }), &[]).is_err());
    }
}
