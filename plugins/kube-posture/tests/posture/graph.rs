//! A small graph of a cluster's objects that answers what the platform would.

use palisade_sdk::testing::Fakes;
use serde_json::{Value, json};

use crate::common::{CLUSTER, group_kind, id};

/// Whether a label selector without expressions matches labels.
fn matches(selector: &Value, labels: &Value) -> bool {
    selector.as_object().into_iter().flatten().all(|(key, value)| labels.get(key) == Some(value))
}

fn workload(object: &Value) -> bool {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"];
    kinds.contains(&object["kind"].as_str().unwrap())
}

/// Labels of the pods of a workload.
fn pod_labels(object: &Value) -> &Value {
    match object["kind"].as_str() {
        Some("Pod") => &object["metadata"]["labels"],
        Some("CronJob") => &object["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"],
        _ => &object["spec"]["template"]["metadata"]["labels"],
    }
}

fn selector(object: &Value) -> Option<&Value> {
    match group_kind(object).as_str() {
        "Service" => Some(&object["spec"]["selector"]).filter(|selector| selector.is_object()),
        "NetworkPolicy.networking.k8s.io" => Some(&object["spec"]["podSelector"]["matchLabels"]),
        "PodDisruptionBudget.policy" => Some(&object["spec"]["selector"]["matchLabels"]),
        _ => None,
    }
}

fn facts(object: &Value) -> Value {
    let types =
        |name: &str| object["spec"]["policyTypes"].as_array().is_some_and(|all| all.contains(&json!(name)));
    match group_kind(object).as_str() {
        "NetworkPolicy.networking.k8s.io" => {
            let all = object["spec"]["podSelector"] == json!({});
            let denies = |name: &str, rules: &str| all && types(name) && object["spec"].get(rules).is_none();
            json!({
                "ingress": types("Ingress"),
                "egress": types("Egress"),
                "default_deny_ingress": denies("Ingress", "ingress"),
                "default_deny_egress": denies("Egress", "egress"),
            })
        }
        "Role.rbac.authorization.k8s.io" | "ClusterRole.rbac.authorization.k8s.io" => {
            json!({ "rules": object["rules"] })
        }
        "ServiceAccount" => json!({ "automount": object["automountServiceAccountToken"] }),
        _ => json!({}),
    }
}

/// Everything that may be asked of these objects.
pub(crate) fn fakes(objects: &[Value]) -> Fakes {
    let mut edges: Vec<(String, String, String)> = Vec::new();
    let mut fakes = Fakes::new();
    for object in objects {
        let (own, kind) = (id(object), group_kind(object));
        let namespace = object["metadata"]["namespace"].as_str();
        fakes = fakes.asset(
            &own,
            &json!({
                "id": own, "kind": kind, "namespace": namespace, "name": object["metadata"]["name"],
                "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"],
                "facts": facts(object),
            }),
        );
        if let Some(namespace) = namespace {
            let parent = format!("{CLUSTER}/core/Namespace/-/{namespace}");
            edges.push((parent, format!("contains:{kind}"), own.clone()));
        }
        if let Some(selector) = selector(object) {
            let (out, back) =
                if kind == "Service" { ("exposes", "exposed-by") } else { ("selects", "selected-by") };
            for other in objects.iter().filter(|other| workload(other)) {
                let same = other["metadata"]["namespace"] == object["metadata"]["namespace"];
                if same && matches(selector, pod_labels(other)) {
                    edges.push((own.clone(), out.to_owned(), id(other)));
                    edges.push((id(other), format!("{back}:{kind}"), own.clone()));
                }
            }
        }
        if kind.ends_with("Binding.rbac.authorization.k8s.io") {
            let role = object["roleRef"]["kind"].as_str().unwrap();
            let of = if role == "Role" { namespace.unwrap() } else { "-" };
            let role = format!(
                "{CLUSTER}/rbac.authorization.k8s.io/{role}/{of}/{}",
                object["roleRef"]["name"].as_str().unwrap()
            );
            if objects.iter().any(|other| id(other) == role) {
                edges.push((own.clone(), "binds".to_owned(), role));
            }
            for subject in object["subjects"].as_array().into_iter().flatten() {
                if let Some(of) = subject["namespace"].as_str() {
                    let account =
                        format!("{CLUSTER}/core/ServiceAccount/{of}/{}", subject["name"].as_str().unwrap());
                    edges.push((account, "granted-by".to_owned(), own.clone()));
                }
            }
        }
    }
    edges.sort();
    for group in edges.chunk_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1)) {
        fakes = fakes.related(&group[0].0, &group[0].1, group.iter().map(|edge| edge.2.clone()));
    }
    fakes
}
