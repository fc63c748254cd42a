//! Measures attack paths of a large cluster that it makes up: `cargo run --release --package cluster --example rbac_paths`. Asked: all
//! RBAC paths of 25,000 pods in less than 10 s.

#![allow(clippy::indexing_slicing, reason = "a key of a JSON object that is not there is added")]

use std::time::Instant;

use cluster::{Access, Attack, Exposure, Goal, Limits, Sources, read_files};
use serde_json::{Value, json};

const NAMESPACES: usize = 100;
const NODES: usize = 250;
const DEPLOYMENTS: usize = 5_000;
const PODS_EACH: usize = 5;
const ACCOUNTS: usize = 2_000;
const ROLES: usize = 500;
const BINDINGS: usize = 3_000;
const RBAC: &str = "rbac.authorization.k8s.io";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let objects: Vec<Value> =
        [nodes(), accounts(), deployments(), services(), roles(), bindings()].into_iter().flatten().collect();
    let count = objects.len();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    std::fs::write(folder.path().join("all.json"), serde_json::to_vec(&list)?)?;
    drop(list);

    let start = Instant::now();
    let snapshot = read_files(&[folder.path().to_owned()], "made-up")?;
    println!("read {count} objects: {:.2} s", start.elapsed().as_secs_f64());

    let start = Instant::now();
    let access = Access::of(&snapshot);
    println!("access of {} subjects: {:.3} s", access.subjects().count(), start.elapsed().as_secs_f64());

    let start = Instant::now();
    let exposure = Exposure::of(&snapshot);
    println!(
        "exposure, {} workloads with a door: {:.3} s",
        exposure.workloads.len(),
        start.elapsed().as_secs_f64()
    );

    let start = Instant::now();
    let attack = Attack::of(&snapshot);
    let build_s = start.elapsed().as_secs_f64();
    println!(
        "attack graph of {} places and {} edges: {build_s:.3} s",
        attack.place_count(),
        attack.edge_count()
    );

    let start = Instant::now();
    let found = attack.paths(Sources::All, &Limits::default());
    let paths_s = start.elapsed().as_secs_f64();
    println!("{} paths of {} workloads: {paths_s:.3} s", found.paths.len(), found.sources);
    for goal in Goal::ALL {
        let count = found.paths.iter().filter(|path| path.goal == goal).count();
        println!("  {goal:?}: {count}");
    }

    let start = Instant::now();
    let points = attack.choke_points(10);
    println!("{} choke points: {:.3} s", points.len(), start.elapsed().as_secs_f64());
    for point in points.iter().take(3) {
        println!(
            "  cuts {} on {} {:?} {:?}",
            point.cuts, point.on_shortest, point.step.technique, point.step.from
        );
    }
    println!("graph and all paths: {:.2} s; asked: 10 s", build_s + paths_s);
    Ok(())
}

fn object(api_version: &str, kind: &str, (namespace, name): (Option<&str>, &str), rest: Value) -> Value {
    let mut value = rest;
    value["apiVersion"] = api_version.into();
    value["kind"] = kind.into();
    value["metadata"]["name"] = name.into();
    value["metadata"]["namespace"] = namespace.into();
    value
}

fn namespace(number: usize) -> String {
    format!("team-{}", number % NAMESPACES)
}

fn nodes() -> Vec<Value> {
    let one = |number: usize| {
        let role = if number == 0 { "node-role.kubernetes.io/control-plane" } else { "zone" };
        object(
            "v1",
            "Node",
            (None, &format!("node-{number}")),
            json!({ "metadata": { "labels": { role: "" } } }),
        )
    };
    (0..NODES).map(one).collect()
}

fn account(number: usize) -> String {
    format!("account-{number}")
}

fn accounts() -> Vec<Value> {
    (0..ACCOUNTS)
        .map(|number| object("v1", "ServiceAccount", (Some(&namespace(number)), &account(number)), json!({})))
        .collect()
}

/// Deployments of which every 50th is privileged, each with a ReplicaSet and its pods.
fn deployments() -> Vec<Value> {
    let mut all = Vec::new();
    for number in 0..DEPLOYMENTS {
        let (namespace, name) = (namespace(number), format!("app-{number}"));
        let at = Some(namespace.as_str());
        // Its account is of its namespace: their numbers are the same modulo the number of namespaces.
        let spec = json!({
            "serviceAccountName": account(number % ACCOUNTS),
            "containers": [{ "name": "c", "securityContext": { "privileged": number.is_multiple_of(50) } }],
        });
        let template = json!({ "metadata": { "labels": { "app": name } }, "spec": spec });
        all.push(object("apps/v1", "Deployment", (at, &name), json!({ "spec": { "template": template } })));
        let owned = |version: &str, kind: &str, owner: &str| json!([{ "apiVersion": version, "kind": kind, "name": owner, "controller": true }]);
        let set = format!("{name}-1");
        let metadata = json!({ "ownerReferences": owned("apps/v1", "Deployment", &name) });
        let rest = json!({ "metadata": metadata, "spec": { "template": template } });
        all.push(object("apps/v1", "ReplicaSet", (at, &set), rest));
        for pod in 0..PODS_EACH {
            let mut spec = spec.clone();
            spec["nodeName"] = format!("node-{}", (number * PODS_EACH + pod * 7) % NODES).into();
            let metadata = json!({ "ownerReferences": owned("apps/v1", "ReplicaSet", &set) });
            let rest = json!({ "metadata": metadata, "spec": spec });
            all.push(object("v1", "Pod", (at, &format!("{set}-{pod}")), rest));
        }
    }
    all
}

/// A service for every Deployment, of which every tenth is a door.
fn services() -> Vec<Value> {
    let one = |number: usize| {
        let (namespace, name) = (namespace(number), format!("app-{number}"));
        let kind = if number.is_multiple_of(10) { "LoadBalancer" } else { "ClusterIP" };
        let spec = json!({ "type": kind, "selector": { "app": name }, "ports": [{ "port": 80 }] });
        object("v1", "Service", (Some(&namespace), &name), json!({ "spec": spec }))
    };
    (0..DEPLOYMENTS).map(one).collect()
}

/// ClusterRoles of several kinds; one of a hundred writes bindings of roles that it may bind.
fn roles() -> Vec<Value> {
    let kinds = [
        ("", "configmaps", "get"),
        ("", "pods", "list"),
        ("", "secrets", "get"),
        ("", "pods/exec", "create"),
        ("apps", "deployments", "patch"),
        ("", "services", "watch"),
        ("", "events", "create"),
        ("", "serviceaccounts/token", "create"),
        ("batch", "jobs", "create"),
        ("", "endpoints", "get"),
    ];
    let one = |number: usize| {
        let (group, resource, verb) = kinds.get(number % kinds.len()).copied().unwrap_or_default();
        let mut rules = vec![json!({ "apiGroups": [group], "resources": [resource], "verbs": [verb] })];
        if number % 100 == 99 {
            rules.push(json!({ "apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["bind"] }));
            rules.push(
                json!({ "apiGroups": [RBAC], "resources": ["clusterrolebindings"], "verbs": ["create"] }),
            );
        }
        object(
            &format!("{RBAC}/v1"),
            "ClusterRole",
            (None, &format!("role-{number}")),
            json!({ "rules": rules }),
        )
    };
    (0..ROLES).map(one).collect()
}

/// Bindings in the namespace of their account; one of twenty is for the whole cluster.
fn bindings() -> Vec<Value> {
    let one = |number: usize| {
        let (of_cluster, who) = (number % 20 == 19, number * 7 % ACCOUNTS);
        let place = namespace(who);
        let rest = json!({
            "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": format!("role-{}", number % ROLES) },
            "subjects": [{ "kind": "ServiceAccount", "namespace": place, "name": account(who) }],
        });
        let (kind, at) =
            if of_cluster { ("ClusterRoleBinding", None) } else { ("RoleBinding", Some(place.as_str())) };
        object(&format!("{RBAC}/v1"), kind, (at, &format!("binding-{number}")), rest)
    };
    (0..BINDINGS).map(one).collect()
}
