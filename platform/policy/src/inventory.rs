//! Other objects beside the one that is judged: what policies in Rego find as `data.inventory`.
//!
//! As Gatekeeper has it (<https://open-policy-agent.github.io/gatekeeper/website/docs/sync>): objects of the cluster stand at
//! `cluster[groupVersion][kind][name]`, objects of namespaces at `namespace[namespace][groupVersion][kind][name]`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The objects of an inventory, by their places in it.
#[must_use]
pub fn inventory<'o>(objects: impl IntoIterator<Item = &'o Value>) -> Value {
    let mut made = json!({ "cluster": {}, "namespace": {} });
    for object in objects {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        let mut place = match text("/metadata/namespace") {
            "" => member(&mut made, "cluster"),
            namespace => member(member(&mut made, "namespace"), namespace),
        };
        for step in [version, kind] {
            place = member(place, step);
        }
        if let Value::Object(members) = place {
            members.insert(name.to_owned(), object.clone());
        }
    }
    made
}

/// The member of an object, made where it is not there.
fn member<'v>(value: &'v mut Value, name: &str) -> &'v mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let entry = json!({});
    match value {
        Value::Object(members) => members.entry(name.to_owned()).or_insert(entry),
        other => other,
    }
}

/// Whether Rego asks for other objects. A test that brings its own (`with data.inventory as …`) asks for none.
pub(crate) fn asks(text: &str) -> bool {
    let own = text.matches("with data.inventory").count();
    text.matches("data.inventory").count() > own || text.contains("data[\"inventory\"]")
}

/// Whether any text of a document asks for other objects.
pub(crate) fn document_asks(value: &Value) -> bool {
    match value {
        Value::String(text) => asks(text),
        Value::Array(items) => items.iter().any(document_asks),
        Value::Object(members) => members.values().any(document_asks),
        _ => false,
    }
}

/// The kinds that a document wants to be in the inventory, such as `apps/v1/Deployment`: those of a template's annotation
/// `metadata.gatekeeper.sh/requires-sync-data`, of a `SyncSet` and of Gatekeeper's `Config`.
pub(crate) fn synced(document: &Value) -> BTreeSet<String> {
    let list = |value: Option<&Value>, name: &str, names: &str| -> Vec<String> {
        let all = value.and_then(|value| value.get(names)).and_then(Value::as_array);
        let one = value.and_then(|value| value.get(name));
        all.into_iter().flatten().chain(one).filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let entries: Vec<Value> = match document.get("kind").and_then(Value::as_str) {
        Some("SyncSet") => array(document.pointer("/spec/gvks")),
        Some("Config") => array(document.pointer("/spec/sync/syncOnly")),
        _ => {
            let annotations = document.pointer("/metadata/annotations");
            let text = annotations.and_then(|all| all.get("metadata.gatekeeper.sh/requires-sync-data"));
            // The annotation is JSON, in quotes of its own in Gatekeeper's library.
            let text = text.and_then(Value::as_str).unwrap_or_default().trim();
            let bare = text.trim_matches('"').replace("\\\"", "\"");
            let sets: Value = serde_json::from_str(&bare).unwrap_or_default();
            array(Some(&sets)).iter().flat_map(|set| array(Some(set))).collect()
        }
    };
    let mut all = BTreeSet::new();
    for entry in &entries {
        for group in list(Some(entry), "group", "groups") {
            for version in list(Some(entry), "version", "versions") {
                for kind in list(Some(entry), "kind", "kinds") {
                    let slash = if group.is_empty() { "" } else { "/" };
                    all.insert(format!("{group}{slash}{version}/{kind}"));
                }
            }
        }
    }
    all
}

fn array(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_array).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{asks, inventory, synced};

    #[test]
    fn objects_stand_where_gatekeeper_has_them() {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "n" } });
        let deployment = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "d", "namespace": "n" } });
        let made = inventory([&namespace, &deployment]);
        assert_eq!(made["cluster"]["v1"]["Namespace"]["n"], namespace);
        assert_eq!(made["namespace"]["n"]["apps/v1"]["Deployment"]["d"], deployment);
        assert_eq!(inventory([]), json!({ "cluster": {}, "namespace": {} }));
    }

    #[test]
    fn kinds_are_named_in_three_ways() {
        let annotation = "\"[[{\"groups\":[\"extensions\"],\"versions\":[\"v1beta1\"],\"kinds\":[\"Ingress\"]},\
             {\"groups\":[\"networking.k8s.io\"],\"versions\":[\"v1beta1\",\"v1\"],\"kinds\":[\"Ingress\"]}]]\"\n";
        let template = json!({ "kind": "ConstraintTemplate", "metadata": { "annotations": {
            "metadata.gatekeeper.sh/requires-sync-data": annotation } } });
        let kinds: Vec<String> = synced(&template).into_iter().collect();
        assert_eq!(
            kinds,
            [
                "extensions/v1beta1/Ingress",
                "networking.k8s.io/v1/Ingress",
                "networking.k8s.io/v1beta1/Ingress"
            ]
        );
        let set = json!({ "kind": "SyncSet", "spec": { "gvks": [{ "group": "", "version": "v1", "kind": "Service" }] } });
        assert!(synced(&set).contains("v1/Service"));
        let config = json!({ "kind": "Config", "spec": { "sync": { "syncOnly": [{ "group": "apps", "version": "v1", "kind": "Deployment" }] } } });
        assert!(synced(&config).contains("apps/v1/Deployment"));
    }

    #[test]
    fn a_test_that_brings_its_own_objects_asks_for_none() {
        assert!(asks("x := data.inventory.cluster") && asks("data[\"inventory\"]"));
        assert!(!asks("test_a if { deny with data.inventory as {} }"));
    }
}
