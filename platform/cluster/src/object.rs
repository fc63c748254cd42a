//! One Kubernetes object: what it is called, and its body as plugins get it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::facts::{about, facts};
use crate::id::{GroupKind, path};
use crate::links::{Link, links};

/// Largest body that is handed to plugins, in bytes. The API server itself takes no more than 3 MiB in one request.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Longest part of a name, in bytes. Kubernetes allows 253, and a few kinds somewhat more.
const NAME_BYTES_MAX: usize = 512;

/// Annotation in which `kubectl apply` keeps a copy of the whole object, of Secrets their values too.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// `apps/v1` or `v1`.
    pub api_version: String,
    /// Group and kind.
    pub kind: GroupKind,
    /// Namespace; nothing for objects of the cluster itself.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The controller that made it, if one did: group, kind and name.
    pub controller: Option<(GroupKind, String)>,
    /// The object as compact JSON, without what only the API server needs and without the values of Secrets. Empty for one that is
    /// larger than [`BODY_BYTES_MAX`], and for most of what a controller made: pods of a template above all.
    pub body: Arc<[u8]>,
    pub(crate) uid: String,
    pub(crate) pod_labels: Option<BTreeMap<String, String>>,
    pub(crate) links: Vec<Link>,
    /// What plugins are told of it: the fields of a JSON object, without braces.
    pub(crate) about: String,
    /// The few facts that checks of other objects need.
    pub(crate) facts: Map<String, Value>,
}

/// Why something is no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoObject(pub(crate) String);

impl Object {
    /// Path in the cluster; see [`path`].
    #[must_use]
    pub fn path(&self) -> String {
        path(&self.kind, self.namespace.as_deref(), &self.name)
    }

    /// `apiVersion/kind`, as plugins name the kind of a resource.
    #[must_use]
    pub fn resource_kind(&self) -> String {
        format!("{}/{}", self.api_version, self.kind.kind)
    }

    /// Takes an object apart and leaves out of it what nobody needs to see.
    pub(crate) fn of(mut value: Value) -> Result<Self, NoObject> {
        let api_version = required(&value, "/apiVersion")?;
        let kind = GroupKind::of(&api_version, &required(&value, "/kind")?);
        let name = required(&value, "/metadata/name")?;
        let namespace = text(&value, "/metadata/namespace").map(str::to_owned);
        let odd = |part: &str| part.len() > NAME_BYTES_MAX || part.chars().any(char::is_control);
        // A slash in a name would make it the path of another object, and a dash that of one without a namespace.
        let segment = |part: &str| !odd(part) && !part.contains('/');
        let group = segment(&kind.group) && !odd(&api_version) && api_version.matches('/').count() <= 1;
        let namespaced = namespace.as_deref().is_none_or(|part| segment(part) && part != "-");
        if !(group && segment(&kind.kind) && segment(&name) && namespaced) {
            return Err(NoObject("its name, namespace or kind is none that Kubernetes allows".to_owned()));
        }
        normalise(&mut value, &kind);
        let template = template(&kind, &value);
        let body = serde_json::to_vec(&value).unwrap_or_default();
        Ok(Self {
            labels: labels(&value, "/metadata/labels"),
            controller: controller(&value),
            uid: text(&value, "/metadata/uid").unwrap_or_default().to_owned(),
            pod_labels: template.map(|template| labels(template, "/metadata/labels")),
            links: links(&kind, namespace.as_deref(), &value, template),
            about: about(&kind, &value),
            facts: facts(&kind, &value),
            body: if body.len() > BODY_BYTES_MAX { Arc::default() } else { body.into() },
            api_version,
            kind,
            namespace,
            name,
        })
    }
}

/// The pod template of a workload: what has `metadata` and a pod's `spec`.
pub(crate) fn template<'a>(kind: &GroupKind, value: &'a Value) -> Option<&'a Value> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => Some(value),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("", "ReplicationController")
        | ("batch", "Job") => value.pointer("/spec/template"),
        ("batch", "CronJob") => value.pointer("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

fn normalise(value: &mut Value, kind: &GroupKind) {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    if *kind == GroupKind::new("", "Secret") {
        for key in ["data", "stringData"] {
            if let Some(values) = value.get_mut(key).and_then(Value::as_object_mut) {
                values.values_mut().for_each(|value| *value = Value::String(String::new()));
            }
        }
    }
}

fn controller(value: &Value) -> Option<(GroupKind, String)> {
    let owners = value.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    let (version, kind) = (text(owner, "/apiVersion")?, text(owner, "/kind")?);
    Some((GroupKind::of(version, kind), text(owner, "/name")?.to_owned()))
}

fn required(value: &Value, pointer: &str) -> Result<String, NoObject> {
    let found = text(value, pointer).filter(|found| !found.is_empty());
    found.map(str::to_owned).ok_or_else(|| NoObject(format!("it has no {pointer}")))
}

/// A text in an object.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// Every element of a list in an object; none where there is no list.
pub(crate) fn each<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// Labels, or anything else that maps words to words.
pub(crate) fn labels(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    let found = value.pointer(pointer).and_then(Value::as_object);
    let pair = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    found.map(Map::iter).into_iter().flatten().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{BODY_BYTES_MAX, Object};

    #[test]
    fn what_the_server_keeps_for_itself_and_what_is_secret_is_left_out() {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "data": { "password": "aHVudGVyMg==" },
            "stringData": { "more": "hunter2" },
            "metadata": {
                "name": "s", "namespace": "n", "managedFields": [{ "manager": "kubectl" }],
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "hunter2", "kept": "yes" },
            },
        });
        let object = Object::of(secret).unwrap();
        let body = String::from_utf8(object.body.to_vec()).unwrap();
        assert!(body.contains("password") && body.contains("kept"), "{body}");
        for gone in ["hunter2", "aHVudGVyMg", "managedFields"] {
            assert!(!body.contains(gone), "{body}");
        }
        assert_eq!(object.path(), "core/Secret/n/s");
        assert_eq!(object.resource_kind(), "v1/Secret");
    }

    #[test]
    fn the_controller_is_the_owner_that_says_so() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "p", "namespace": "n", "ownerReferences": [
                { "apiVersion": "v1", "kind": "ConfigMap", "name": "c" },
                { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": true },
            ] },
        });
        let (kind, name) = Object::of(pod).unwrap().controller.unwrap();
        assert_eq!((kind.to_string(), name), ("ReplicaSet.apps".to_owned(), "r".to_owned()));
    }

    #[test]
    fn a_body_that_is_too_large_is_left_out_and_the_object_stays() {
        let large = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": { "k": "x".repeat(BODY_BYTES_MAX) },
            "metadata": { "name": "c", "namespace": "n" },
        });
        assert!(Object::of(large).unwrap().body.is_empty());
    }

    #[test]
    fn what_is_no_object_says_what_it_lacks() {
        for (value, lack) in [
            (json!({}), "/apiVersion"),
            (json!({ "apiVersion": "v1" }), "/kind"),
            (json!({ "apiVersion": "v1", "kind": "Pod", "metadata": [] }), "/metadata/name"),
            (json!([1]), "/apiVersion"),
            (json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a\nb" } }), "none that"),
            (json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a/b" } }), "none that"),
            (json!({ "apiVersion": "v1", "kind": "P/od", "metadata": { "name": "a" } }), "none that"),
            (json!({ "apiVersion": "a/b/c", "kind": "Pod", "metadata": { "name": "a" } }), "none that"),
            (
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a", "namespace": "-" } }),
                "none that",
            ),
            (
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "x".repeat(10_000) } }),
                "none that",
            ),
        ] {
            assert!(Object::of(value).unwrap_err().0.contains(lack), "{lack}");
        }
    }
}
