//! What plugins are told of an object when they ask about it: its names, and the few facts that checks of other objects need.

use serde_json::{Map, Value, json};

use crate::id::GroupKind;
use crate::object::{each, text};

/// Names of an object as the fields of a JSON object, without braces: whoever knows the cluster adds the id.
pub(crate) fn about(kind: &GroupKind, value: &Value) -> String {
    let map = |pointer: &str| value.pointer(pointer).filter(|found| found.is_object()).cloned();
    let fields = json!({
        "kind": kind.to_string(),
        "api_version": text(value, "/apiVersion"),
        "namespace": text(value, "/metadata/namespace"),
        "name": text(value, "/metadata/name"),
        "labels": map("/metadata/labels").unwrap_or_else(|| json!({})),
        "annotations": map("/metadata/annotations").unwrap_or_else(|| json!({})),
    });
    let text = fields.to_string();
    text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default().to_owned()
}

/// Facts by kind.
pub(crate) fn facts(kind: &GroupKind, value: &Value) -> Map<String, Value> {
    let one = |key: &str, found: Option<&Value>| json!({ key: found });
    let facts = match (kind.group.as_str(), kind.kind.as_str()) {
        ("networking.k8s.io", "NetworkPolicy") => network_policy(value),
        ("", "Service") => json!({ "type": text(value, "/spec/type").unwrap_or("ClusterIP") }),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => one("rules", value.pointer("/rules")),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            json!({ "group": text(value, "/spec/group"), "kind": text(value, "/spec/names/kind") })
        }
        ("", "Pod") => running(value),
        ("", "ServiceAccount") => one("automount", value.pointer("/automountServiceAccountToken")),
        _ => Value::Null,
    };
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// Images of a pod's containers as the kubelet pulled them, `REPOSITORY@sha256:…`; nothing where it tells none.
fn running(value: &Value) -> Value {
    let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let statuses =
        lists.into_iter().flat_map(|list| each(value, &format!("/status/{list}")).collect::<Vec<_>>());
    let ids = statuses.filter_map(|status| text(status, "/imageID"));
    // Older runtimes write `docker-pullable://` in front; what has no digest names no image for certain.
    let pulled = ids.map(|id| id.rsplit_once("://").map_or(id, |(_, rest)| rest));
    let mut images: Vec<&str> = pulled.filter(|id| id.contains("@sha256:")).collect();
    images.sort_unstable();
    images.dedup();
    if images.is_empty() { Value::Null } else { json!({ "images": images }) }
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
