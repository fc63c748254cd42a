//! Small worlds for tests, and the cluster beside the checkout.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::object::Object;
use crate::snapshot::Snapshot;

/// An object; what `rest` has is added, its `metadata` to the name and namespace. The namespace `-` is none.
pub(crate) fn object(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let (namespace, name) = name.split_once('/').unwrap_or(("-", name));
    let mut value = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name } });
    if namespace != "-" {
        value["metadata"]["namespace"] = namespace.into();
    }
    for (key, more) in rest.as_object().unwrap() {
        match (key.as_str(), more) {
            ("metadata", Value::Object(more)) => {
                value["metadata"].as_object_mut().unwrap().extend(more.clone())
            }
            _ => value[key] = more.clone(),
        }
    }
    value
}

pub(crate) fn snapshot(values: impl IntoIterator<Item = Value>) -> Snapshot {
    let objects = values.into_iter().map(|value| Object::of(value).unwrap()).collect();
    Snapshot::new(objects, BTreeSet::new(), BTreeSet::new(), "test")
}

/// A role or cluster role.
pub(crate) fn role(name: &str, rules: Value) -> Value {
    let kind = if name.contains('/') { "Role" } else { "ClusterRole" };
    object("rbac.authorization.k8s.io/v1", kind, name, json!({ "rules": rules }))
}

/// A binding of the kind that its name asks for, to a role that is called `Kind:name`.
pub(crate) fn binding(name: &str, role: &str, subjects: Value) -> Value {
    let kind = if name.contains('/') { "RoleBinding" } else { "ClusterRoleBinding" };
    let (role_kind, role) = role.split_once(':').unwrap();
    let reference = json!({ "kind": role_kind, "name": role, "apiGroup": "rbac.authorization.k8s.io" });
    object("rbac.authorization.k8s.io/v1", kind, name, json!({ "roleRef": reference, "subjects": subjects }))
}

/// The folder of the cluster of the fixtures; nothing, and a line that says so, where it is not.
pub(crate) fn shared_folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("PALISADE_SHARED").map_or_else(beside, PathBuf::from).join("fixtures/k8s");
    if !folder.is_dir() {
        eprintln!("skipped: no fixtures; set PALISADE_SHARED to the folder that has fixtures/k8s");
        return None;
    }
    Some(folder)
}

/// The cluster of the fixtures; nothing, and a line that says so, where they are not.
pub(crate) fn shared() -> Option<Snapshot> {
    Some(crate::read_files(&[shared_folder()?], "fixtures").unwrap())
}

/// A dozen kinds of objects of one namespace.
pub(crate) fn small() -> Vec<Value> {
    let list: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/kubernetes/small.json")).unwrap();
    list["items"].as_array().unwrap().clone()
}

/// Every object of the cluster of the fixtures, as it was sent.
pub(crate) fn with_shared() -> Option<Vec<Value>> {
    let folder = shared_folder()?;
    let mut all = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "json") {
            let list: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            all.extend(list["items"].as_array().unwrap().iter().cloned());
        }
    }
    Some(all)
}
