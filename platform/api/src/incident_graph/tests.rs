//! One thing is one node, however it is named, and every join says what it was made of.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::Severity;
use proptest::prelude::proptest;
use serde_json::{Value, json};

use super::{NODES_MAX, PROOF_MAX, of};
use crate::dto::{Detection, IncidentEdge, IncidentGraph, IncidentNode};

const WEB: &str = "k8s:u/apps/Deployment/shop/web";
const POD: &str = "k8s:u/core/Pod/shop/web-1";
const ACCOUNT: &str = "k8s:u/core/ServiceAccount/shop/web";
const UID: &str = "4e0b5c1e-0000-4000-8000-000000000001";

/// Ids that something leads to and nobody is.
fn loose(graph: &IncidentGraph) -> BTreeSet<&str> {
    let nodes: BTreeSet<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
    let ends = graph.edges.iter().flat_map(|edge| [edge.from.as_str(), edge.to.as_str()]);
    ends.filter(|end| !nodes.contains(end)).collect()
}

fn detection(number: usize, subject: Value, evidence: Value) -> Detection {
    Detection {
        id: format!("d{number}"),
        rule: "r".into(),
        plugin: "sensor".into(),
        title: "t".into(),
        severity: Severity::High,
        asset: WEB.into(),
        key: "k".into(),
        first: Timestamp::UNIX_EPOCH,
        last: Timestamp::UNIX_EPOCH,
        found_at: Timestamp::UNIX_EPOCH,
        late: false,
        techniques: Vec::new(),
        evidence,
        subject,
        suppressed_by: None,
    }
}

/// A shell in a pod, as Tetragon tells it.
fn shell() -> Value {
    json!({
        "cluster": "u", "node": "n1",
        "container": { "id": "0123456789abcdef", "image": "web:1", "digest": "sha256:aa" },
        "pod": { "namespace": "shop", "name": "web-1", "uid": UID, "workload": { "kind": "Deployment", "name": "web" } },
        "process": { "execId": "e2", "binary": "/bin/sh", "parent": { "execId": "e1", "binary": "/usr/bin/node",
            "parent": { "binary": "/sbin/init" } } },
        "network": { "destinationIp": "192.0.2.1" },
    })
}

/// A call with the pod's own token, as the audit log of an API server tells it.
fn call() -> Value {
    json!({
        "cluster": "u", "actor": { "name": "system:serviceaccount:shop:web", "sourceIps": ["10.0.0.7"] },
        "api": { "service": "kubernetes", "resource": "secrets", "namespace": "shop", "name": "db" },
    })
}

fn path(steps: &[(&str, &str, &str)]) -> Value {
    let step = |(from, to, proof): &(&str, &str, &str)| json!({ "from": from, "to": to, "edge": "leads", "why": "it does", "proof": proof });
    json!({ "path": steps.iter().map(step).collect::<Vec<_>>() })
}

fn edges(graph: &IncidentGraph) -> Vec<String> {
    graph.edges.iter().map(|edge| format!("{} {} {}", edge.from, edge.edge, edge.to)).collect()
}

fn node<'g>(graph: &'g IncidentGraph, id: &str) -> &'g IncidentNode {
    graph.nodes.iter().find(|node| node.id == id).unwrap_or_else(|| panic!("{id}: {graph:#?}"))
}

fn edge<'g>(graph: &'g IncidentGraph, from: &str, to: &str) -> &'g IncidentEdge {
    let found = graph.edges.iter().find(|edge| edge.from == from && edge.to == to);
    found.unwrap_or_else(|| panic!("{from} to {to}: {:#?}", edges(graph)))
}

#[test]
fn who_acted_what_it_touched_and_where_that_runs_are_joined() {
    let graph = of(&[detection(1, shell(), json!({})), detection(2, call(), json!({}))]);
    let edges = edges(&graph);
    for wanted in [
        "k8s:u/apps/Deployment/shop/web runs k8s:u/core/Pod/shop/web-1",
        "k8s:u/core/Pod/shop/web-1 runs container:0123456789ab",
        "k8s:u/core/Pod/shop/web-1 on k8s:u/core/Node/-/n1",
        "container:0123456789ab uses sha256:aa",
        "container:0123456789ab ran process:e2",
        "process:e1 started process:e2",
        "process:0123456789ab /sbin/init started process:e1",
        "process:e2 connects address:192.0.2.1",
        "k8s:u/core/ServiceAccount/shop/web acts k8s:u/core/Secret/shop/db",
        "address:10.0.0.7 from k8s:u/core/ServiceAccount/shop/web",
    ] {
        assert!(edges.iter().any(|edge| edge == wanted), "{wanted}: {edges:#?}");
    }
    assert_eq!(edges.len(), 10, "{edges:#?}");
    assert!(loose(&graph).is_empty() && !graph.cut);
    let process = node(&graph, "process:e2");
    assert_eq!((process.kind.as_str(), process.label.as_str()), ("process", "/bin/sh"));
    let account = node(&graph, ACCOUNT);
    assert_eq!(
        (account.kind.as_str(), account.name.as_str()),
        ("principal", "system:serviceaccount:shop:web")
    );
    assert_eq!(account.asset.as_deref(), Some(ACCOUNT));
}

/// Every way in which attack chains, sensors and audit logs name things, and the one node that it must be.
#[test]
fn a_thing_is_one_node_however_it_is_named() {
    let uid = format!("pod:{UID}");
    for (name, wanted) in [
        ("workload:shop/Deployment/web", WEB),
        ("workload:shop/Deployment/web@u", WEB),
        (WEB, WEB),
        ("workload:shop/Pod/web-1@u", POD),
        ("pod:shop/web-1", POD),
        (uid.as_str(), POD),
        (POD, POD),
        ("node:n1", "k8s:u/core/Node/-/n1"),
        ("k8s:u/core/Node/-/n1", "k8s:u/core/Node/-/n1"),
        ("principal:system:serviceaccount:shop:web", ACCOUNT),
        (ACCOUNT, ACCOUNT),
        ("principal:ann@example.org", "principal:ann@example.org"),
        ("container:0123456789ab", "container:0123456789ab"),
        ("exec:e2", "process:e2"),
        ("image:web:1", "sha256:aa"),
        ("image:sha256:aa", "sha256:aa"),
        ("k8s:u/core/Secret/shop/db", "k8s:u/core/Secret/shop/db"),
        ("resource:shop/Secret/db", "k8s:u/core/Secret/shop/db"),
        ("arn:aws:iam::1:role/web", "arn:aws:iam::1:role/web"),
        ("principal:arn:aws:iam::1:role/web", "arn:aws:iam::1:role/web"),
    ] {
        let evidence = path(&[("internet", name, "")]);
        let graph = of(&[detection(1, shell(), evidence), detection(2, call(), json!({}))]);
        assert_eq!(edge(&graph, "place:internet", wanted).edge, "leads", "{name}");
        assert!(loose(&graph).is_empty());
        let ids: BTreeSet<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(ids.len(), graph.nodes.len());
    }
}

#[test]
fn words_are_places_and_no_assets() {
    for words in ["internet", "attacker", "every right in the cluster", "the group a:b", "unknown:thing"] {
        let graph = of(&[detection(1, json!({}), path(&[(words, WEB, "")]))]);
        let place = node(&graph, &format!("place:{words}"));
        assert_eq!((place.kind.as_str(), &place.asset), ("place", &None), "{words}");
        // Nothing was detected there.
        assert_eq!(place.severity, Severity::Unknown);
        assert_eq!(node(&graph, WEB).severity, Severity::High);
    }
}

#[test]
fn the_same_name_in_two_clusters_is_two_things_and_means_neither() {
    let within = |cluster: &str| json!({ "cluster": cluster, "pod": { "namespace": "shop", "name": "web-1" }, "node": "n1" });
    let named = path(&[("pod:shop/web-1", "node:n2", "")]);
    let one = detection(1, within("u"), named);
    let graph = of(std::slice::from_ref(&one));
    assert_eq!(edge(&graph, POD, "node:n2").proof, ["d1"]);
    let graph = of(&[one, detection(2, within("v"), json!({}))]);
    node(&graph, POD);
    node(&graph, "k8s:v/core/Pod/shop/web-1");
    assert_eq!(edge(&graph, "pod:shop/web-1", "node:n2").edge, "leads");
}

#[test]
fn without_a_cluster_things_are_joined_by_their_names() {
    let mut bare = shell();
    bare.as_object_mut().unwrap().remove("cluster");
    let mut one = detection(1, bare, path(&[("workload:shop/Deployment/web", "internet", "")]));
    one.asset = String::new();
    let graph = of(&[one]);
    assert_eq!(edge(&graph, "workload:shop/Deployment/web", "pod:shop/web-1").edge, "runs");
    assert_eq!(edge(&graph, "workload:shop/Deployment/web", "place:internet").edge, "leads");
    assert_eq!(node(&graph, "node:n1").asset, None);
}

#[test]
fn a_join_names_the_detections_that_it_was_made_of() {
    let all: Vec<Detection> = (0..PROOF_MAX + 5)
        .map(|number| {
            detection(number, shell(), path(&[("internet", WEB, "d7"), ("internet", POD, "no detection")]))
        })
        .collect();
    let graph = of(&all);
    let runs = edge(&graph, WEB, POD);
    assert_eq!((runs.proof.len(), runs.proof[0].as_str()), (PROOF_MAX, "d0"));
    assert_eq!(edge(&graph, "place:internet", WEB).proof[..2], ["d0", "d7"]);
    assert_eq!(edge(&graph, "place:internet", POD).proof[..2], ["d0", "d1"]);
    assert!(!graph.cut);
}

#[test]
fn what_is_left_out_is_said_and_what_fits_is_not() {
    let of_people = |number: usize| {
        let all: Vec<Detection> = (0..number)
            .map(|n| detection(n, json!({ "actor": { "name": format!("u{n}") } }), json!({})))
            .collect();
        of(&all)
    };
    // One node is what they all touched.
    let graph = of_people(NODES_MAX - 1);
    assert!(!graph.cut && graph.nodes.len() == NODES_MAX, "{}", graph.nodes.len());
    let graph = of_people(300);
    assert!(graph.cut && graph.nodes.len() == NODES_MAX && loose(&graph).is_empty());
    let mut deep = json!({ "execId": "e0", "binary": "b" });
    for level in 1..20 {
        deep = json!({ "execId": format!("e{level}"), "binary": "b", "parent": deep });
    }
    assert!(of(&[detection(1, json!({ "process": deep }), json!({}))]).cut);
}

proptest! {
    /// Whatever a plugin writes as names, the graph has no loose end and does not depend on the order.
    #[test]
    fn any_names_in_any_order_make_the_same_whole_graph(
        names in proptest::collection::vec(
            "((k8s|workload|pod|node|principal|image|exec|arn|sha256|[a-z]{0,3}):)?[a-c/@:]{0,8}", 2..12),
        turn in 0..12_usize,
    ) {
        let detections: Vec<Detection> = names.windows(2).enumerate()
            .map(|(number, pair)| {
                let subject = json!({ "cluster": pair[0], "node": pair[1], "actor": { "name": pair[0] },
                    "pod": { "namespace": pair[1], "name": pair[0], "uid": pair[1] } });
                detection(number, subject, path(&[(pair[0].as_str(), pair[1].as_str(), "d0")]))
            })
            .collect();
        let mut turned = detections.clone();
        turned.rotate_left(turn % detections.len());
        let graph = of(&detections);
        assert!(loose(&graph).is_empty());
        assert_eq!(of(&turned), graph);
    }
}
