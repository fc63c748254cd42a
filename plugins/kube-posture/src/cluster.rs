//! Nodes and storage, as far as objects show them.

use palisade_sdk::Severity::{Low, Medium};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::{List, Map};

/// A node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Node {
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    taints: List<Taint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Taint {
    key: String,
    effect: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    addresses: List<Address>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

pub(crate) const NODE_CHECKS: &Table<Node> = &[
    ("node-control-plane-schedulable", Medium, control_plane),
    ("node-external-address", Low, external_address),
];

const ROLES: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

fn control_plane(object: &Object<'_, Node>, found: &mut Found<'_>) -> Verdict {
    if !ROLES.iter().any(|role| object.meta.labels.contains_key(*role)) {
        return Ok(false);
    }
    let taints = &object.body.spec.taints;
    let kept = |taint: &Taint| {
        ROLES.contains(&taint.key.as_str()) && matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute")
    };
    if !taints.iter().any(kept) {
        let message = "The node runs the control plane and takes ordinary pods: one that breaks out is in the control plane.";
        let wanted = json!({ "key": ROLES[0], "effect": "NoSchedule" });
        let finding = Finding::at("/spec", message).compared(Value::Null, wanted.clone());
        found.add(if taints.is_empty() {
            finding.set("/spec/taints", json!([wanted]))
        } else {
            finding.set("/spec/taints/-", wanted)
        });
    }
    Ok(true)
}

fn external_address(object: &Object<'_, Node>, found: &mut Found<'_>) -> Verdict {
    for (index, address) in
        object.body.status.addresses.iter().enumerate().filter(|(_, own)| own.kind == "ExternalIP")
    {
        let at = format!("/status/addresses/{index}");
        let message = format!(
            "The node has the external address {}: kubelet and node ports may be reached from outside.",
            shown(&address.address)
        );
        found.add(Finding::at(at, message).compared(quoted(&address.address), Value::Null));
    }
    Ok(true)
}

/// A storage class.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StorageClass {
    provisioner: String,
    parameters: Map<String>,
}

pub(crate) const STORAGE_CLASS_CHECKS: &Table<StorageClass> =
    &[("storage-class-unencrypted", Medium, |object, found| {
        if !matches!(
            object.body.provisioner.as_str(),
            "ebs.csi.aws.com" | "ebs.csi.eks.amazonaws.com" | "kubernetes.io/aws-ebs"
        ) {
            return Ok(false);
        }
        let value = object.body.parameters.text("encrypted");
        if value != Some("true") {
            let at = if value.is_some() { "/parameters/encrypted" } else { "" };
            let message = "Volumes of the class are encrypted only where the account does so by default.";
            let finding = Finding::at(at, message).compared(json!(value.map(shown)), json!("true"));
            found.add(finding.set_in(
                "/parameters",
                !object.body.parameters.is_empty(),
                "encrypted",
                json!("true"),
            ));
        }
        Ok(true)
    })];
