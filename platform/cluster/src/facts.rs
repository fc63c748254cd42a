//! What plugins are told of an object when they ask about it: its names, and the few facts that checks of other objects need.

use serde_json::{Map, Value, json};

use crate::id::GroupKind;
use crate::object::{each, text};

/// Attributes of an object; the id is added by whoever knows the cluster.
pub(crate) fn attributes(kind: &GroupKind, value: &Value) -> Value {
    let map = |pointer: &str| value.pointer(pointer).filter(|found| found.is_object()).cloned();
    json!({
        "kind": kind.to_string(),
        "api_version": text(value, "/apiVersion"),
        "namespace": text(value, "/metadata/namespace"),
        "name": text(value, "/metadata/name"),
        "labels": map("/metadata/labels").unwrap_or_else(|| json!({})),
        "annotations": map("/metadata/annotations").unwrap_or_else(|| json!({})),
        "facts": facts(kind, value),
    })
}

fn facts(kind: &GroupKind, value: &Value) -> Value {
    let one = |key: &str, found: Option<&Value>| {
        let mut facts = Map::new();
        facts.insert(key.to_owned(), found.cloned().unwrap_or(Value::Null));
        Value::Object(facts)
    };
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("networking.k8s.io", "NetworkPolicy") => network_policy(value),
        ("", "Service") => json!({ "type": text(value, "/spec/type").unwrap_or("ClusterIP") }),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => one("rules", value.pointer("/rules")),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            json!({ "group": text(value, "/spec/group"), "kind": text(value, "/spec/names/kind") })
        }
        ("", "ServiceAccount") => one("automount", value.pointer("/automountServiceAccountToken")),
        _ => json!({}),
    }
}

/// `policyTypes` decides which directions a policy is about; where it is missing, ingress always and egress if there are rules for it
/// (`networking.k8s.io/v1`, NetworkPolicySpec).
fn network_policy(value: &Value) -> Value {
    let named: Vec<&str> = each(value, "/spec/policyTypes").filter_map(Value::as_str).collect();
    let has_rules = |direction: &str| each(value, &format!("/spec/{direction}")).next().is_some();
    let ingress = named.is_empty() || named.contains(&"Ingress");
    let egress = if named.is_empty() { has_rules("egress") } else { named.contains(&"Egress") };
    let everybody = value
        .pointer("/spec/podSelector")
        .is_some_and(|selector| crate::selector::Selector::of(selector).is_empty());
    json!({
        "ingress": ingress,
        "egress": egress,
        "default_deny_ingress": everybody && ingress && !has_rules("ingress"),
        "default_deny_egress": everybody && egress && !has_rules("egress"),
    })
}
