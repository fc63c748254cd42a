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

/// The cluster of the fixtures; nothing, and a line that says so, where they are not.
pub(crate) fn shared() -> Option<Snapshot> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("PALISADE_SHARED").map_or_else(beside, PathBuf::from).join("fixtures/k8s");
    if !folder.is_dir() {
        eprintln!("skipped: no fixtures; set PALISADE_SHARED to the folder that has fixtures/k8s");
        return None;
    }
    Some(crate::read_files(&[folder], "fixtures").unwrap())
}
