//! What one changed object costs in a cluster of 2,000 pods and 500 deployments: `cargo run --release -p cluster --example live_change`.
//!
//! Once with 25 namespaces and once with everything in one, where every change concerns the most.

#![allow(clippy::indexing_slicing, reason = "the JSON objects are made here")]

use std::error::Error;
use std::time::{Duration, Instant};

use cluster::{Change, Live, read_bytes};
use serde_json::{Value, json};

const DEPLOYMENTS: usize = 500;
const PODS_EACH: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    for namespaces in [25, 1] {
        let all = everything(namespaces);
        let bytes = serde_json::to_vec(&json!({ "apiVersion": "v1", "kind": "List", "items": all }))?;
        let start = Instant::now();
        let snapshot = read_bytes(&bytes, "example", "example")?;
        println!("{namespaces} namespaces: {} objects read in {:?}", all.len(), start.elapsed());
        let start = Instant::now();
        drop(snapshot.graph());
        println!("  graph anew: {:?}", start.elapsed());
        let start = Instant::now();
        let mut live = Live::new(snapshot, "example");
        println!("  kept graph, made once: {:?}", start.elapsed());
        for kind in [
            "Pod",
            "Deployment",
            "ReplicaSet",
            "Service",
            "NetworkPolicy",
            "Namespace",
            "HTTPRoute",
            "Gateway",
        ] {
            let (mut worst, mut total, mut count) = (Duration::ZERO, Duration::ZERO, 0_u32);
            for value in all.iter().filter(|value| value["kind"] == kind).take(100) {
                for change in changes(value)? {
                    let start = Instant::now();
                    let changed = live.apply(change);
                    let took = start.elapsed();
                    assert!(!changed.is_empty());
                    (worst, total, count) = (worst.max(took), total + took, count + 1);
                }
            }
            println!(
                "  {kind}: {count} changes, mean {:?}, worst {worst:?}; asked: 50 ms",
                total / count.max(1)
            );
        }
    }
    Ok(())
}

/// The object with another label, gone, and back.
fn changes(value: &Value) -> Result<Vec<Change>, Box<dyn Error>> {
    let mut varied = value.clone();
    varied["metadata"]["labels"] = json!({ "varied": "yes" });
    let apply = |value: &Value| -> Result<(Change, String), Box<dyn Error>> {
        let snapshot = read_bytes(&serde_json::to_vec(value)?, "object", "example")?;
        let object = snapshot.objects().next().ok_or("no object")?.clone();
        let path = object.path();
        Ok((Change::Applied(Box::new(object)), path))
    };
    let ((varied, path), (back, _)) = (apply(&varied)?, apply(value)?);
    Ok(vec![varied, Change::Deleted(path), back])
}

fn object(api_version: &str, kind: &str, (namespace, name): (Option<&str>, &str), rest: Value) -> Value {
    let mut value = rest;
    value["apiVersion"] = api_version.into();
    value["kind"] = kind.into();
    value["metadata"]["name"] = name.into();
    if let Some(namespace) = namespace {
        value["metadata"]["namespace"] = namespace.into();
    }
    value
}

fn everything(namespaces: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for number in 0..namespaces {
        let namespace = format!("team-{number}");
        let at = Some(namespace.as_str());
        all.push(object("v1", "Namespace", (None, &namespace), json!({})));
        all.push(object("v1", "ServiceAccount", (at, "default"), json!({})));
        let deny = json!({ "spec": { "podSelector": {}, "policyTypes": ["Ingress"] } });
        all.push(object("networking.k8s.io/v1", "NetworkPolicy", (at, "deny"), deny));
        let listeners = json!([{ "name": "http", "port": 80, "protocol": "HTTP" }]);
        let gateway = json!({ "spec": { "listeners": listeners } });
        all.push(object("gateway.networking.k8s.io/v1", "Gateway", (at, "front"), gateway));
    }
    for number in 0..50 {
        all.push(object("v1", "Node", (None, &format!("node-{number}")), json!({})));
    }
    for number in 0..DEPLOYMENTS {
        application(number, &format!("team-{}", number % namespaces), &mut all);
    }
    all
}

/// A deployment with its ReplicaSet and pods, a service, a route, and settings.
fn application(number: usize, namespace: &str, all: &mut Vec<Value>) {
    let name = format!("app-{number}");
    let at = Some(namespace);
    let container = json!({
        "name": "c", "image": format!("registry.example.org/app-{}:1", number % 100),
        "ports": [{ "name": "http", "containerPort": 8080 }], "envFrom": [{ "configMapRef": { "name": name } }],
        "resources": { "requests": { "cpu": "10m", "memory": "20Mi" }, "limits": { "memory": "40Mi" } },
        "securityContext": { "runAsNonRoot": true, "capabilities": { "drop": ["ALL"] } },
    });
    let spec = json!({ "containers": [container] });
    let template = json!({ "metadata": { "labels": { "app": name } }, "spec": spec });
    let owned = |version: &str, kind: &str, owner: &str| json!([{ "apiVersion": version, "kind": kind, "name": owner, "controller": true }]);
    all.push(object("v1", "ConfigMap", (at, &name), json!({})));
    all.push(object("apps/v1", "Deployment", (at, &name), json!({ "spec": { "template": template } })));
    let set = format!("{name}-1");
    let metadata = json!({ "ownerReferences": owned("apps/v1", "Deployment", &name) });
    all.push(object(
        "apps/v1",
        "ReplicaSet",
        (at, &set),
        json!({ "metadata": metadata, "spec": { "template": template } }),
    ));
    let service = json!({ "type": "LoadBalancer", "selector": { "app": name }, "ports": [{ "port": 80, "targetPort": "http" }] });
    all.push(object("v1", "Service", (at, &name), json!({ "spec": service })));
    let route = json!({ "parentRefs": [{ "name": "front" }], "rules": [{ "backendRefs": [{ "name": name, "port": 80 }] }] });
    all.push(object("gateway.networking.k8s.io/v1", "HTTPRoute", (at, &name), json!({ "spec": route })));
    for pod in 0..PODS_EACH {
        let mut spec = spec.clone();
        spec["nodeName"] = format!("node-{}", (number * PODS_EACH + pod) % 50).into();
        let metadata =
            json!({ "ownerReferences": owned("apps/v1", "ReplicaSet", &set), "labels": { "app": name } });
        all.push(object(
            "v1",
            "Pod",
            (at, &format!("{set}-{pod}")),
            json!({ "metadata": metadata, "spec": spec }),
        ));
    }
}
