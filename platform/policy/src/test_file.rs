//! Files of tests: `*_test.yaml` and `policy-test.yaml`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::PolicyError;
use crate::source::documents;

/// A file of tests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// Paths of the policies, relative to the file; empty for all files of policies beside it.
    #[serde(default)]
    pub policies: Vec<String>,
    /// What policies in Rego find as `data.parameters`, and those in our own CEL form as `params`.
    #[serde(default)]
    pub parameters: Value,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One case: something to judge, and what is expected.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// For people.
    pub name: String,
    /// The object, or the path of a file that has it, relative to the file of tests.
    #[serde(default)]
    pub object: Value,
    /// The object before an update, or that is deleted.
    #[serde(rename = "oldObject", default)]
    pub old_object: Value,
    /// Instead of an object: a whole AdmissionReview or its request, or the path of a file that has one.
    #[serde(default)]
    pub request: Value,
    /// Members of the request that differ from those made of the object, such as `operation` or `userInfo`.
    #[serde(default)]
    pub with: serde_json::Map<String, Value>,
    /// The object of the namespace, for policies that choose by its labels.
    #[serde(default)]
    pub namespace: Value,
    /// Other objects, or paths of files that have some: what policies find as `data.inventory`.
    #[serde(default)]
    pub inventory: Vec<Value>,
    /// Whether the object is judged as one that is there (`object`), or as one that is asked for (`request`).
    #[serde(rename = "as", default)]
    pub judged_as: JudgedAs,
    /// What is expected; nothing said expects that nothing is wrong.
    #[serde(default)]
    pub expect: Expect,
}

/// How an object is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JudgedAs {
    /// By the kind `admission`.
    #[default]
    Request,
    /// By the kind `posture`.
    Object,
}

/// What a case expects.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// What must speak against it, and nothing else may.
    #[serde(default)]
    pub violations: Vec<Expected>,
    /// What must be told although it passes, and nothing else may.
    #[serde(default)]
    pub warnings: Vec<Expected>,
    /// The whole JSON Patch; not looked at where nothing is said.
    pub patch: Option<Value>,
}

/// A message that is expected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Of which policy; empty for any.
    #[serde(default)]
    pub policy: String,
    /// What its words must contain.
    #[serde(default)]
    pub message: String,
}

/// How to call the plugin for a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// The kind `admission`, with this request.
    Review(Value),
    /// The kind `posture`, with an object of this kind.
    Check {
        /// As manifests name it, such as `apps/v1/Deployment`.
        kind: String,
        /// The object.
        body: Value,
    },
}

impl TestFile {
    /// Whether a file is one of tests, by its name.
    #[must_use]
    pub fn is(path: &str) -> bool {
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = ["yaml", "yml", "json"].iter().find_map(|end| file.strip_suffix(end)?.strip_suffix('.'));
        stem.is_some_and(|stem| stem == "policy-test" || stem.ends_with("_test"))
    }

    /// Reads a file of tests.
    ///
    /// # Errors
    /// [`PolicyError`] for what is not one document of this form.
    pub fn read(path: &str, bytes: &[u8]) -> Result<Self, PolicyError> {
        let documents = documents(path, bytes)?;
        let wrong = |line, why: String| PolicyError::Tests { path: path.to_owned(), line, why };
        let [document] = documents.as_slice() else {
            return Err(wrong(1, format!("it has {} documents and not one", documents.len())));
        };
        let line = document.lines.first();
        let file: Self =
            serde_json::from_value(document.value.clone()).map_err(|error| wrong(line, error.to_string()))?;
        for (place, case) in file.cases.iter().enumerate() {
            let line = document.lines.of(&format!("/cases/{place}"));
            if case.object.is_null() == case.request.is_null() && case.old_object.is_null() {
                return Err(wrong(line, format!("the case {:?} needs an object or a request", case.name)));
            }
        }
        Ok(file)
    }
}

impl Case {
    /// Paths of files that the case names, relative to the file of tests. Whoever reads them puts what they hold in their place:
    /// see [`Case::fill`].
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        [&self.object, &self.old_object, &self.request, &self.namespace]
            .into_iter()
            .chain(&self.inventory)
            .filter_map(|value| value.as_str())
            .collect()
    }

    /// Puts the content of a file in the place of its path.
    pub fn fill(&mut self, path: &str, content: &Value) {
        let one = [&mut self.object, &mut self.old_object, &mut self.request, &mut self.namespace];
        for value in one.into_iter().chain(&mut self.inventory) {
            if value.as_str() == Some(path) {
                value.clone_from(content);
            }
        }
    }

    /// How to call the plugin.
    #[must_use]
    pub fn call(&self) -> Call {
        if self.judged_as == JudgedAs::Object {
            let text = |member: &str| self.object.get(member).and_then(Value::as_str).unwrap_or_default();
            return Call::Check {
                kind: format!("{}/{}", text("apiVersion"), text("kind")),
                body: self.object.clone(),
            };
        }
        let mut request = match self.request.get("request") {
            Some(request) => request.clone(),
            None if self.request.is_null() => made(&self.object, &self.old_object),
            None => self.request.clone(),
        };
        if let Some(members) = request.as_object_mut() {
            members.extend(self.with.clone());
            if !self.namespace.is_null() {
                members.insert("namespaceObject".to_owned(), self.namespace.clone());
            }
        }
        Call::Review(request)
    }
}

/// The request that asks for an object, or for a change of one.
fn made(object: &Value, old: &Value) -> Value {
    let thing = if object.is_null() { old } else { object };
    let text = |pointer: &str| thing.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").rsplit_once('/').unwrap_or(("", text("/apiVersion")));
    let kind = text("/kind");
    let operation = match (object.is_null(), old.is_null()) {
        (true, _) => "DELETE",
        (false, false) => "UPDATE",
        (false, true) => "CREATE",
    };
    let of_kind = json!({ "group": group, "version": version, "kind": kind });
    let resource = json!({ "group": group, "version": version, "resource": plural(kind) });
    json!({
        "uid": "test", "kind": of_kind, "requestKind": of_kind, "resource": resource, "requestResource": resource,
        "name": text("/metadata/name"),
        "namespace": if kind == "Namespace" && group.is_empty() { text("/metadata/name") } else { text("/metadata/namespace") },
        "operation": operation, "userInfo": { "username": "test", "groups": ["system:authenticated"] },
        "object": object, "oldObject": old, "dryRun": false,
    })
}

/// The resource of a kind, as the API server derives it from the name where nothing says otherwise.
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if kind == "endpoints" {
        return kind;
    }
    let vowel_before = |c: char| {
        kind.strip_suffix(c).and_then(|rest| rest.chars().next_back()).is_some_and(|c| "aeiou".contains(c))
    };
    if let Some(stem) = kind.strip_suffix('y')
        && !vowel_before('y')
    {
        return format!("{stem}ies");
    }
    if kind.ends_with(['s', 'x', 'z']) || kind.ends_with("ch") || kind.ends_with("sh") {
        return format!("{kind}es");
    }
    format!("{kind}s")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Call, TestFile};

    #[test]
    fn files_of_tests_are_known_by_their_names() {
        for (path, expected) in [
            ("a/labels_test.yaml", true),
            ("policy-test.yml", true),
            ("a_test.json", true),
            ("a_test.rego", false),
            ("test.yaml", false),
            ("a.yaml", false),
        ] {
            assert_eq!(TestFile::is(path), expected, "{path}");
        }
    }

    #[test]
    fn a_case_becomes_a_request_or_an_object() {
        let text = "cases:\n- name: a\n  object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: ns}}\n  namespace: {metadata: {name: ns}}\n  with: {operation: UPDATE}\n- name: b\n  as: object\n  object: pod.yaml\n- name: c\n  request: {request: {uid: u}}\n";
        let mut file = TestFile::read("a_test.yaml", text.as_bytes()).unwrap();
        let Call::Review(request) = file.cases[0].call() else { panic!() };
        assert_eq!(
            request["resource"],
            json!({ "group": "apps", "version": "v1", "resource": "deployments" })
        );
        assert_eq!((&request["operation"], &request["namespace"]), (&json!("UPDATE"), &json!("ns")));
        assert_eq!(request["namespaceObject"]["metadata"]["name"], "ns");
        assert_eq!(file.cases[1].files(), ["pod.yaml"]);
        file.cases[1].fill("pod.yaml", &json!({ "apiVersion": "v1", "kind": "Pod" }));
        let Call::Check { kind, .. } = file.cases[1].call() else { panic!() };
        assert_eq!(kind, "v1/Pod");
        assert_eq!(file.cases[2].call(), Call::Review(json!({ "uid": "u" })));
    }

    #[test]
    fn what_is_not_a_file_of_tests_says_where() {
        for (text, why) in [
            ("cases:\n- name: a\n", "needs an object"),
            ("cases: []\nother: 1\n", "other"),
            ("a: 1\n---\nb: 2\n", "2 documents"),
            ("cases: [\n", "a_test.yaml"),
        ] {
            let error = TestFile::read("a_test.yaml", text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }
}
