use serde_json::{Value, json};

use super::{DoorKind, Exposure, Verdict};
use crate::fixture::{object, shared, snapshot};

fn web(pod: Value) -> Value {
    let mut spec =
        json!({ "containers": [{ "name": "c", "ports": [{ "name": "http", "containerPort": 8080 }] }] });
    spec.as_object_mut().unwrap().extend(pod.as_object().unwrap().clone());
    let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": spec });
    object("apps/v1", "Deployment", "n/web", json!({ "spec": { "template": template } }))
}

fn service(kind: &str, more: Value) -> Value {
    let mut spec = json!({ "type": kind, "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": "http", "nodePort": 30080 }] });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("v1", "Service", "n/door", json!({ "spec": spec }))
}

fn policy(name: &str, ingress: Value) -> Value {
    let spec = json!({ "podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress });
    object("networking.k8s.io/v1", "NetworkPolicy", name, json!({ "spec": spec }))
}

fn ingress() -> Value {
    let backend = json!({ "service": { "name": "door", "port": { "number": 80 } } });
    object(
        "networking.k8s.io/v1",
        "Ingress",
        "n/front",
        json!({ "spec": { "defaultBackend": backend, "tls": [{}] } }),
    )
}

/// A door, the port outside and the port of the pod.
type Way = (DoorKind, u16, u16);

/// Verdict on the one workload, with the ways to it.
fn judged(objects: Vec<Value>) -> Option<(Verdict, Vec<Way>)> {
    let exposure = Exposure::of(&snapshot(objects));
    assert!(exposure.problems.is_empty(), "{:?}", exposure.problems);
    let exposed = exposure.workload("apps/Deployment/n/web")?;
    Some((
        exposed.verdict,
        exposed.entries.iter().map(|entry| (entry.door, entry.port, entry.target)).collect(),
    ))
}

#[test]
fn every_door_leads_to_the_port_behind_it() {
    for (objects, doors) in [
        (vec![service("LoadBalancer", json!({}))], vec![(DoorKind::LoadBalancer, 80, 8080)]),
        (vec![service("NodePort", json!({}))], vec![(DoorKind::NodePort, 30080, 8080)]),
        (
            vec![service("ClusterIP", json!({ "externalIPs": ["8.8.8.8"] }))],
            vec![(DoorKind::ExternalIp, 80, 8080)],
        ),
        (
            vec![service("ClusterIP", json!({})), ingress()],
            vec![(DoorKind::Ingress, 80, 8080), (DoorKind::Ingress, 443, 8080)],
        ),
    ] {
        let all = objects.into_iter().chain([web(json!({}))]).collect();
        assert_eq!(judged(all), Some((Verdict::Open, doors)));
    }
    assert_eq!(judged(vec![web(json!({})), service("ClusterIP", json!({}))]), None);
    let elsewhere = json!({ "ports": [{ "port": 80, "targetPort": "metrics" }] });
    assert_eq!(judged(vec![web(json!({})), service("LoadBalancer", elsewhere)]), None);
    assert_eq!(
        judged(vec![web(json!({ "hostNetwork": true }))]),
        Some((Verdict::Open, vec![(DoorKind::HostNetwork, 8080, 8080)]))
    );
    let host_port = |ip: &str| json!({ "containers": [{ "ports": [{ "containerPort": 1, "hostPort": 2, "hostIP": ip }] }] });
    assert_eq!(
        judged(vec![web(host_port("0.0.0.0"))]),
        Some((Verdict::Open, vec![(DoorKind::HostPort, 2, 1)]))
    );
    assert_eq!(judged(vec![web(host_port("127.0.0.1"))]), None);
}

#[test]
fn routes_of_a_gateway_lead_through_the_listeners_that_they_attach_to() {
    let gateway = |namespace: &str, class: &str| {
        let listeners = json!([{ "name": "a", "port": 443, "protocol": "HTTPS" }, { "name": "b", "port": 53, "protocol": "UDP" }]);
        let spec = json!({ "gatewayClassName": class, "listeners": listeners });
        object("gateway.networking.k8s.io/v1", "Gateway", &format!("{namespace}/g"), json!({ "spec": spec }))
    };
    let route = |namespace: &str| {
        let backends = json!([{ "backendRefs": [{ "name": "door", "port": 80 }] }]);
        let spec = json!({ "parentRefs": [{ "name": "g", "namespace": namespace }], "rules": backends });
        object("gateway.networking.k8s.io/v1", "HTTPRoute", "n/r", json!({ "spec": spec }))
    };
    let door = vec![(DoorKind::Gateway, 443, 8080)];
    for (namespace, class, verdict) in [
        ("n", "envoy", Verdict::Open),
        ("infra", "envoy", Verdict::Possible),
        ("n", "gke-l7-rilb", Verdict::Internal),
    ] {
        let all = vec![
            web(json!({})),
            service("ClusterIP", json!({})),
            gateway(namespace, class),
            route(namespace),
        ];
        assert_eq!(judged(all), Some((verdict, door.clone())), "{namespace} {class}");
    }
}

#[test]
fn doors_for_inside_are_not_of_the_internet() {
    let annotated = |key: &str, value: &str| {
        let mut door = service("LoadBalancer", json!({}));
        door["metadata"]["annotations"] = json!({ key: value });
        judged(vec![web(json!({})), door]).unwrap().0
    };
    for (key, value, verdict) in [
        ("networking.gke.io/load-balancer-type", "Internal", Verdict::Internal),
        ("service.beta.kubernetes.io/aws-load-balancer-internal", "true", Verdict::Internal),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal", Verdict::Internal),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internet-facing", Verdict::Open),
        ("service.beta.kubernetes.io/azure-load-balancer-internal", "true", Verdict::Internal),
        ("service.beta.kubernetes.io/azure-load-balancer-internal", "false", Verdict::Open),
    ] {
        assert_eq!(annotated(key, value), verdict, "{key}: {value}");
    }
    for (ranges, verdict) in [
        (json!(["10.0.0.0/8"]), Verdict::Internal),
        (json!(["8.8.8.0/24"]), Verdict::Internal),
        (json!(["10.0.0.0/8", "0.0.0.0/0"]), Verdict::Open),
    ] {
        let door = service("LoadBalancer", json!({ "loadBalancerSourceRanges": ranges }));
        assert_eq!(judged(vec![web(json!({})), door]).unwrap().0, verdict, "{ranges}");
    }
}

#[test]
fn policies_decide_what_gets_to_the_pods() {
    let pods = json!({ "namespaceSelector": {} });
    let block = |block: &str| json!({ "ipBlock": { "cidr": block } });
    for (rules, direct, proxied) in [
        (json!([]), Verdict::Filtered, Verdict::Filtered),
        (json!([{}]), Verdict::Open, Verdict::Open),
        (json!([{ "from": [pods] }]), Verdict::Filtered, Verdict::Possible),
        (json!([{ "from": [block("0.0.0.0/0")] }]), Verdict::Open, Verdict::Possible),
        (json!([{ "from": [block("10.0.0.0/8")] }]), Verdict::Filtered, Verdict::Possible),
        (json!([{ "ports": [{ "port": "http" }] }]), Verdict::Open, Verdict::Open),
        (json!([{ "ports": [{ "port": 8000, "endPort": 9000 }] }]), Verdict::Open, Verdict::Open),
        (json!([{ "ports": [{ "port": 80 }] }]), Verdict::Filtered, Verdict::Filtered),
        (json!([{ "ports": [{ "port": 8080, "protocol": "UDP" }] }]), Verdict::Filtered, Verdict::Filtered),
        (json!([{ "ports": [{ "protocol": "TCP" }] }]), Verdict::Open, Verdict::Open),
    ] {
        let balanced = service("LoadBalancer", json!({ "externalTrafficPolicy": "Local" }));
        let all = |door: Vec<Value>| {
            door.into_iter().chain([web(json!({})), policy("n/p", rules.clone())]).collect()
        };
        assert_eq!(judged(all(vec![balanced])).unwrap().0, direct, "direct {rules}");
        assert_eq!(
            judged(all(vec![service("ClusterIP", json!({})), ingress()])).unwrap().0,
            proxied,
            "proxied {rules}"
        );
    }
    let translated = json!([{ "from": [block("10.0.0.0/8")] }]);
    let all = vec![web(json!({})), service("LoadBalancer", json!({})), policy("n/p", translated)];
    assert_eq!(judged(all).unwrap().0, Verdict::Possible);
    let host = vec![web(json!({ "hostNetwork": true })), policy("n/p", json!([]))];
    assert_eq!(judged(host).unwrap().0, Verdict::Open);
    let elsewhere = vec![web(json!({})), service("LoadBalancer", json!({})), policy("m/p", json!([]))];
    assert_eq!(judged(elsewhere).unwrap().0, Verdict::Open);
}

#[test]
fn one_policy_that_admits_is_enough_and_the_ones_that_decide_are_named() {
    let door = || service("LoadBalancer", json!({}));
    let exposure = Exposure::of(&snapshot([
        web(json!({})),
        door(),
        policy("n/deny", json!([])),
        policy("n/open", json!([{}])),
    ]));
    let entry = &exposure.workloads[0].entries[0];
    assert_eq!(
        (entry.verdict, entry.policies.as_slice()),
        (Verdict::Open, &["networking.k8s.io/NetworkPolicy/n/open".to_owned()][..])
    );
    let exposure = Exposure::of(&snapshot([web(json!({})), door(), policy("n/deny", json!([]))]));
    assert_eq!(exposure.workloads[0].entries[0].policies, ["networking.k8s.io/NetworkPolicy/n/deny"]);
}

#[test]
fn what_cannot_be_read_is_a_problem_and_the_rest_counts() {
    let broken = object("v1", "Service", "n/broken", json!({ "spec": { "ports": 7 } }));
    let exposure = Exposure::of(&snapshot([web(json!({})), service("NodePort", json!({})), broken]));
    assert_eq!((exposure.workloads.len(), exposure.problem_count), (1, 1));
    assert_eq!(exposure.problems[0].object, "core/Service/n/broken");
}

#[test]
fn of_very_many_ways_the_best_are_kept_and_it_is_said() {
    let ports = |count: u16| {
        (1..=count).map(|port| json!({ "port": port, "targetPort": 8080 })).collect::<Vec<Value>>()
    };
    for (count, kept, problems) in [(200, 200, 0), (1_000, 200, 1)] {
        let door = service("LoadBalancer", json!({ "ports": ports(count) }));
        let exposure = Exposure::of(&snapshot([web(json!({})), door]));
        assert_eq!((exposure.workloads[0].entries.len(), exposure.problem_count), (kept, problems));
        assert_eq!(exposure.workloads[0].entries[0].port, 1);
    }
}

#[test]
fn doors_of_the_fixtures_are_found_with_their_objects() {
    let Some(snapshot) = shared() else { return };
    let exposure = Exposure::of(&snapshot);
    assert!(exposure.problems.is_empty(), "{:?}", exposure.problems);
    assert!(exposure.workloads.iter().all(|exposed| !exposed.workload.contains("/payments/")));
    let api = exposure.workload("apps/Deployment/shop/api").unwrap();
    assert_eq!(api.verdict, Verdict::Open);
    let ports: Vec<(u16, u16)> = api.entries.iter().map(|entry| (entry.port, entry.target)).collect();
    assert_eq!(ports, [(80, 8080), (9000, 9000)]);
    assert_eq!(api.entries[0].path, ["core/Service/shop/api", "apps/Deployment/shop/api"]);
    let web = exposure.workload("apps/Deployment/shop/web").unwrap();
    let doors: Vec<DoorKind> = web.entries.iter().map(|entry| entry.door).collect();
    assert_eq!(doors, [DoorKind::NodePort, DoorKind::Ingress, DoorKind::HostNetwork]);
    let through =
        ["networking.k8s.io/Ingress/shop/shop", "core/Service/shop/web", "apps/Deployment/shop/web"];
    assert_eq!(web.entries[1].path, through);
}
