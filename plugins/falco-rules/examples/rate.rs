//! How many audit events of Kubernetes one core judges with the built-in rules, natively.
//!
//! `cargo run --release -p falco-rules --example rate`. The events are made here: reads of controllers for the most part, some writes of
//! people, a few that rules match; 1.5 kB each on average. Batches have 512 events, and each is judged as by a new instance, so that
//! reading and compiling the rules counts, and then as by one that lives on.

use std::time::{Duration, Instant};

use falco_rules::FalcoRules;
use palisade_sdk::{Event, correlate};
use serde_json::{Value, json};

const BATCH: usize = 512;
const BATCHES: usize = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let events: Vec<Event> = (0..BATCH).map(event).collect();
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    let mut detections = 0;
    let mut anew = Duration::ZERO;
    let mut living = Duration::ZERO;
    for round in 0..BATCHES {
        // Another configuration is read anew, whatever was read before.
        let config = json!({ "okta-organization": round.to_string() }).to_string();
        for time in [&mut anew, &mut living] {
            let start = Instant::now();
            let told =
                correlate::<FalcoRules>(&config, &events, &[], 0).map_err(|error| format!("{error:?}"))?;
            *time += start.elapsed();
            detections += told.detections.len();
        }
    }
    let count = u32::try_from(BATCH * BATCHES)?;
    let rate = |time: Duration| f64::from(count) / time.as_secs_f64();
    println!(
        "{} bytes an event, {} detections in a batch of {BATCH}",
        bytes / BATCH,
        detections / BATCHES / 2
    );
    println!("rules read for every batch: {:.0} events/s ({:?} an event)", rate(anew), anew / count);
    println!("rules read once: {:.0} events/s ({:?} an event)", rate(living), living / count);
    Ok(())
}

fn event(place: usize) -> Event {
    let (verb, resource, user, code) = match place % 64 {
        0..=40 => ("get", "leases", "system:node:n1", 200),
        41..=55 => ("list", "pods", "system:kube-scheduler", 200),
        56..=60 => ("create", "pods", "system:serviceaccount:kube-system:replicaset-controller", 201),
        61 => ("patch", "deployments", "alice", 200),
        62 => ("create", "pods", "alice", 201),
        _ => ("get", "secrets", "system:serviceaccount:shop:web", 200),
    };
    let privileged = place % 64 == 62 && place % 128 == 62;
    let container = |n: usize| {
        json!({ "name": format!("c{n}"), "image": "registry.example.org/shop/web:1.2.3",
        "env": [{ "name": "A", "value": "b" }], "resources": { "limits": { "cpu": "200m", "memory": "256Mi" } },
        "securityContext": { "privileged": privileged, "capabilities": { "drop": ["ALL"] } } })
    };
    let object = match resource {
        "pods" if verb == "create" => {
            json!({ "kind": "Pod", "metadata": { "name": "web-1", "ownerReferences": [{ "kind": "ReplicaSet" }],
            "labels": { "app": "web" } }, "spec": { "containers": [container(0), container(1)] } })
        }
        _ => json!({ "metadata": { "annotations": { "padding": "x".repeat(240) } } }),
    };
    let raw = json!({ "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": format!("a-{place}"),
        "stage": "ResponseComplete", "requestURI": format!("/api/v1/namespaces/shop/{resource}/web-{place}?timeout=10s"), "verb": verb,
        "user": { "username": user, "uid": "u-1", "groups": ["system:authenticated", "dev"] }, "sourceIPs": ["10.0.0.9"],
        "userAgent": "kubelet/v1.31.0 (linux/amd64) kubernetes/0000000", "objectRef": { "resource": resource, "namespace": "shop",
            "name": format!("web-{place}"), "apiVersion": "v1" },
        "responseStatus": { "metadata": {}, "code": code }, "requestObject": object, "requestReceivedTimestamp": "2026-06-10T08:16:00.000000Z",
        "stageTimestamp": "2026-06-10T08:16:00.010000Z", "annotations": { "authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": "RBAC: allowed by ClusterRoleBinding \"x\" of ClusterRole \"y\"" } });
    let body: Value = json!({ "source": "kubernetes-audit", "kind": "api.call", "cluster": "0c9d6f1e-6a55-4f3b-9d2e-6a1f3f0b7c11",
        "actor": { "kind": "user", "name": user, "groups": ["system:authenticated", "dev"], "sourceIps": ["10.0.0.9"] },
        "api": { "service": "kubernetes", "verb": verb, "resource": resource, "namespace": "shop", "code": code, "outcome": "success" },
        "joins": ["workload:shop/Deployment/web@c", format!("principal:{user}")], "raw": raw });
    Event::new(
        format!("e{place}"),
        1_781_079_360_000_000_000,
        "kubernetes-audit",
        "k8s:c/apps/Deployment/shop/web",
        &body,
    )
}
