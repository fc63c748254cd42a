//! What a namespace sets for everything in it.

use palisade_sdk::HostError;
use palisade_sdk::Severity::{Low, Medium};
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::{Envelope, Metadata, system_namespace};

type Namespaces<'a> = Object<'a, Envelope>;

pub(crate) const CHECKS: &Table<Envelope> = &[
    ("namespace-network-policy", Medium, network_policy),
    ("namespace-default-deny-ingress", Medium, |object, found| default_deny(object, found, true)),
    ("namespace-default-deny-egress", Low, |object, found| default_deny(object, found, false)),
    ("namespace-pod-security", Medium, pod_security),
    ("namespace-pod-security-privileged", Medium, privileged),
    ("namespace-resource-quota", Low, |object, found| {
        holds(object, found, "ResourceQuota", "No resource quota bounds what the namespace may use up.")
    }),
    ("namespace-limit-range", Low, |object, found| {
        holds(object, found, "LimitRange", "No limit range gives containers of the namespace default limits.")
    }),
    ("istio-mtls-policy-missing", Medium, istio_mtls),
    ("istio-authorization-missing", Medium, istio_authorization),
    ("linkerd-injection-disabled", Medium, linkerd_injection),
    ("linkerd-default-policy", Medium, linkerd_default),
    ("linkerd-policy-missing", Low, linkerd_policy),
];

const POLICY: &str = "NetworkPolicy.networking.k8s.io";

/// Policies of a namespace that are looked at.
const POLICIES_MAX: u32 = 1_000;

fn policies(object: &Namespaces<'_>) -> Result<Vec<String>, HostError> {
    object.related(&format!("contains:{POLICY}"), POLICIES_MAX)
}

fn network_policy(object: &Namespaces<'_>, found: &mut Found<'_>) -> Verdict {
    if policies(object)?.is_empty() {
        let message = "No network policy is in the namespace: every pod of the cluster reaches its pods, and they reach everything.";
        found.add(Finding::at("", message).compared(Value::Null, json!("a NetworkPolicy")));
    }
    Ok(true)
}

fn default_deny(object: &Namespaces<'_>, found: &mut Found<'_>, ingress: bool) -> Verdict {
    let policies = policies(object)?;
    // A namespace without any policy has a rule of its own.
    if policies.is_empty() {
        return Ok(false);
    }
    for policy in &policies {
        let facts = object.graph.describe(policy)?.unwrap_or_default().facts;
        if if ingress { facts.default_deny_ingress } else { facts.default_deny_egress } {
            return Ok(true);
        }
    }
    let (direction, kind) = if ingress { ("incoming", "Ingress") } else { ("outgoing", "Egress") };
    let message = format!(
        "No network policy denies {direction} traffic of all pods; only pods that a policy selects are protected."
    );
    let wanted = json!({ "podSelector": {}, "policyTypes": [kind] });
    found.add(Finding::at("", message).compared(json!(format!("{} policies", policies.len())), wanted));
    Ok(true)
}

fn holds(object: &Namespaces<'_>, found: &mut Found<'_>, kind: &str, message: &str) -> Verdict {
    if !object.joined(&format!("contains:{kind}"))? {
        found.add(Finding::at("", message).compared(Value::Null, json!(kind)));
    }
    Ok(true)
}

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// Sets a label, whether or not there is any.
fn labelled(finding: Finding, meta: &Metadata, key: &str, value: &str) -> Finding {
    finding.set_in("/metadata/labels", !meta.labels.is_empty(), key, json!(value))
}

fn pod_security(object: &Namespaces<'_>, found: &mut Found<'_>) -> Verdict {
    if object.meta.labels.text(ENFORCE).is_none() {
        let message = "The namespace enforces no pod security standard: privileged pods are accepted.";
        let at = if object.meta.labels.is_empty() { "/metadata" } else { "/metadata/labels" };
        let finding = Finding::at(at, message).compared(Value::Null, json!({ ENFORCE: "restricted" }));
        found.add(labelled(finding, object.meta, ENFORCE, "restricted"));
    }
    Ok(true)
}

fn privileged(object: &Namespaces<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(level) = object.meta.labels.text(ENFORCE) else { return Ok(false) };
    if level == "privileged" {
        let at = "/metadata/labels/pod-security.kubernetes.io~1enforce";
        let message = "The namespace accepts privileged pods by its own label.";
        found.add(
            Finding::at(at, message).compared(quoted(level), json!("baseline")).set(at, json!("baseline")),
        );
    }
    Ok(true)
}

/// Whether Istio puts the pods of a namespace into the mesh (istio.io, "Installing the Sidecar", "Add workloads to the mesh").
fn in_istio(meta: &Metadata) -> bool {
    let labels = &meta.labels;
    let revision = labels.text("istio.io/rev").is_some() && !labels.is("istio-injection", "disabled");
    labels.is("istio-injection", "enabled") || revision || labels.is("istio.io/dataplane-mode", "ambient")
}

/// Namespace whose policies hold for a whole mesh, unless the mesh was told another.
const ISTIO_ROOT: &str = "istio-system";

fn istio_has(object: &Namespaces<'_>, kind: &str) -> Result<bool, HostError> {
    let edge = format!("contains:{kind}.security.istio.io");
    let root = object.id()?.of_namespace(ISTIO_ROOT);
    Ok(object.joined(&edge)? || !object.graph.related(&root, &edge, 1)?.is_empty())
}

fn istio_mtls(object: &Namespaces<'_>, found: &mut Found<'_>) -> Verdict {
    if !in_istio(object.meta) {
        return Ok(false);
    }
    if !istio_has(object, "PeerAuthentication")? {
        let message =
            "No peer authentication holds for the namespace: its sidecars take plain text beside mutual TLS.";
        found.add(Finding::at("", message).compared(Value::Null, json!({ "mtls": { "mode": "STRICT" } })));
    }
    Ok(true)
}

fn istio_authorization(object: &Namespaces<'_>, found: &mut Found<'_>) -> Verdict {
    if !in_istio(object.meta) {
        return Ok(false);
    }
    if !istio_has(object, "AuthorizationPolicy")? {
        let message = "No authorization policy holds for the namespace: everything in the mesh may call it.";
        found.add(Finding::at("", message).compared(Value::Null, json!("an AuthorizationPolicy")));
    }
    Ok(true)
}

fn in_linkerd(meta: &Metadata) -> bool {
    matches!(meta.annotations.text("linkerd.io/inject"), Some("enabled" | "ingress"))
}

fn linkerd_injection(object: &Namespaces<'_>, found: &mut Found<'_>) -> Verdict {
    let key = "linkerd.io/inject";
    let Some(value) = object.meta.annotations.text(key) else { return Ok(false) };
    if value == "disabled" {
        let at = "/metadata/annotations/linkerd.io~1inject";
        let message = "The namespace keeps its pods out of the Linkerd mesh.";
        found.add(
            Finding::at(at, message).compared(quoted(value), json!("enabled")).set(at, json!("enabled")),
        );
    }
    Ok(true)
}

pub(crate) const LINKERD_POLICY: &str = "config.linkerd.io/default-inbound-policy";

/// Default policies of Linkerd that admit what did not authenticate (linkerd.io, "Authorization Policy").
pub(crate) fn open_policy(value: &str) -> bool {
    matches!(value, "all-unauthenticated" | "cluster-unauthenticated" | "audit")
}

fn linkerd_default(object: &Namespaces<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(value) = object.meta.annotations.text(LINKERD_POLICY) else { return Ok(false) };
    if open_policy(value) {
        let at = format!("/metadata/annotations/{}", palisade_sdk::pointer_part(LINKERD_POLICY));
        let message =
            format!("The namespace's pods admit unauthenticated traffic by default: {}.", shown(value));
        found.add(
            Finding::at(&at, message)
                .compared(quoted(value), json!("all-authenticated"))
                .set(at, json!("all-authenticated")),
        );
    }
    Ok(true)
}

fn linkerd_policy(object: &Namespaces<'_>, found: &mut Found<'_>) -> Verdict {
    if !in_linkerd(object.meta) {
        return Ok(false);
    }
    let own = object.meta.annotations.text(LINKERD_POLICY).is_some();
    if !own
        && !object.joined("contains:Server.policy.linkerd.io")?
        && !object.joined("contains:AuthorizationPolicy.policy.linkerd.io")?
    {
        let message = "The namespace is in the Linkerd mesh and says nothing of who may call its pods.";
        found.add(
            Finding::at("/metadata/annotations", message)
                .compared(Value::Null, json!({ LINKERD_POLICY: "all-authenticated" }))
                .set_in("/metadata/annotations", true, LINKERD_POLICY, json!("all-authenticated")),
        );
    }
    Ok(true)
}

/// Whether the namespace belongs to Kubernetes.
pub(crate) fn skipped(meta: &Metadata) -> bool {
    system_namespace(meta.name())
}
