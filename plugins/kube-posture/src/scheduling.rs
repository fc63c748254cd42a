//! Where and under whose care pods run.

use palisade_sdk::Severity::{Low, Medium};
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::system_namespace;
use crate::workload::{Kind, Workload};

type Pods<'a> = Object<'a, Workload>;

pub(crate) const CHECKS: &Table<Workload> = &[
    ("tolerates-everything", Medium, tolerates_everything),
    ("control-plane-toleration", Medium, control_plane),
    ("scheduler-bypassed", Low, node_name),
    ("system-priority-class", Medium, priority),
    ("bare-pod", Low, bare_pod),
    ("default-namespace", Low, default_namespace),
    ("cronjob-overlap", Low, overlap),
];

fn tolerates_everything(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, toleration) in pods.body.pod.tolerations.iter().enumerate() {
        let any_key = toleration.key.as_deref().unwrap_or_default().is_empty();
        if any_key && toleration.operator.as_deref() == Some("Exists") {
            let at = format!("{}/tolerations/{index}", pods.body.at);
            let message =
                "The pod tolerates every taint, those of the control plane and of broken nodes too.";
            found.add(
                Finding::at(&at, message)
                    .compared(json!({ "operator": "Exists" }), json!("the taints it has to bear"))
                    .remove(at),
            );
        }
    }
    Ok(true)
}

const CONTROL_PLANE: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

fn control_plane(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    // What has to run on every node runs there too.
    if pods.body.kind == Kind::DaemonSet || system_namespace(pods.meta.namespace()) {
        return Ok(false);
    }
    for (index, toleration) in pods.body.pod.tolerations.iter().enumerate() {
        if let Some(key) = toleration.key.as_deref().filter(|key| CONTROL_PLANE.contains(key)) {
            let at = format!("{}/tolerations/{index}", pods.body.at);
            let message = "The pod may be scheduled to the nodes of the control plane.";
            found.add(Finding::at(&at, message).compared(quoted(key), Value::Null).remove(at));
        }
    }
    Ok(true)
}

fn node_name(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    // The scheduler writes the same field into a pod.
    if pods.body.kind == Kind::Pod {
        return Ok(false);
    }
    if let Some(node) = pods.body.pod.node_name.as_deref().filter(|node| !node.is_empty()) {
        let at = format!("{}/nodeName", pods.body.at);
        let message =
            format!("The template names the node {}, past the scheduler and its taints.", shown(node));
        found.add(Finding::at(&at, message).compared(quoted(node), Value::Null).remove(at));
    }
    Ok(true)
}

fn priority(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if system_namespace(pods.meta.namespace()) {
        return Ok(false);
    }
    let class = pods.body.pod.priority_class_name.as_deref().unwrap_or_default();
    if matches!(class, "system-node-critical" | "system-cluster-critical") {
        let at = format!("{}/priorityClassName", pods.body.at);
        let message = format!("The pod has the priority class {class} and can push out everything else.");
        found.add(Finding::at(&at, message).compared(json!(class), json!("a class of its own")).remove(at));
    }
    Ok(true)
}

fn bare_pod(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.kind != Kind::Pod {
        return Ok(false);
    }
    if !pods.meta.controlled() {
        let message = "No controller owns the pod: nothing replaces it when its node fails, and nothing says where it came from.";
        found.add(
            Finding::at("/metadata", message).compared(Value::Null, json!("an owner with controller: true")),
        );
    }
    Ok(true)
}

fn default_namespace(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.meta.namespace() == "default" {
        let message =
            "The workload runs in the namespace default, which cannot be bounded by team or purpose.";
        found.add(
            Finding::at("/metadata/namespace", message)
                .compared(json!("default"), json!("a namespace of its own")),
        );
    }
    Ok(true)
}

fn overlap(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.kind != Kind::CronJob {
        return Ok(false);
    }
    if !matches!(pods.body.concurrency.as_deref(), Some("Forbid" | "Replace")) {
        let at = "/spec/concurrencyPolicy";
        let message = "A run may start while the last one still runs; a job that hangs piles up.";
        found.add(
            Finding::at(if pods.body.concurrency.is_some() { at } else { "/spec" }, message)
                .compared(json!(pods.body.concurrency.as_deref().map(shown)), json!("Forbid"))
                .set(at, json!("Forbid")),
        );
    }
    Ok(true)
}
