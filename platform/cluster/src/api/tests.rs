//! The collector against a strict API server: `tests/integration/support/kubernetes.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CollectOptions, Collected, ConnectOptions, Connection, Patience, collect};
use crate::error::ClusterError;
use crate::fixture::{object, small, with_shared};
use crate::id::GroupKind;
use crate::snapshot::Snapshot;

#[allow(dead_code, reason = "whole-program tests use what these do not")]
#[path = "../../../../tests/integration/support/kubernetes.rs"]
pub(crate) mod kubernetes;

mod acting;
mod faults;
mod transport;
mod watching;

use kubernetes::{ApiServer, TOKEN};

const GATEWAY: &str = "gateway.networking.k8s.io";

/// Three attempts without much of a pause between them.
fn patience() -> Patience {
    let pause = Duration::from_millis(1);
    Patience { attempts: 3, pause, pause_max: pause * 4, idle: Duration::from_secs(20) }
}

fn options(folder: &TempDir, kubeconfig: &str) -> ConnectOptions {
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig).unwrap();
    ConnectOptions { kubeconfig: Some(path), patience: patience(), ..ConnectOptions::default() }
}

async fn connect(server: &ApiServer) -> Connection {
    let folder = TempDir::new().unwrap();
    let kubeconfig = server.kubeconfig("http", &json!({}), &json!({ "token": TOKEN }));
    Connection::open(&options(&folder, &kubeconfig)).await.unwrap()
}

fn wanted() -> CollectOptions {
    let kinds = ["Gateway", "HTTPRoute"].map(|kind| GroupKind::new(GATEWAY, kind));
    CollectOptions { wanted: kinds.into(), cluster: "test".to_owned(), ..CollectOptions::default() }
}

async fn read(server: &ApiServer) -> Result<Collected, ClusterError> {
    collect(&connect(server).await, &wanted()).await
}

/// The objects of a server as they are read from files that `kubectl` wrote, one for every kind.
fn from_files(server: &ApiServer, kinds: &BTreeSet<GroupKind>) -> Snapshot {
    let folder = TempDir::new().unwrap();
    let objects = server.objects();
    for kind in kinds {
        let is = |value: &&Value| {
            GroupKind::of(value["apiVersion"].as_str().unwrap(), value["kind"].as_str().unwrap()) == *kind
        };
        let items: Vec<&Value> = objects.iter().filter(is).collect();
        let version = if kind.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", kind.group) };
        let list = json!({ "apiVersion": version, "kind": format!("{}List", kind.kind), "items": items });
        std::fs::write(folder.path().join(format!("{kind}.json")), list.to_string()).unwrap();
    }
    crate::read_files(&[folder.path().to_owned()], "test").unwrap()
}

fn secrets() -> GroupKind {
    GroupKind::new("", "Secret")
}

fn settings(count: usize) -> Vec<Value> {
    let one =
        |number| object("v1", "ConfigMap", &format!("shop/s-{number:05}"), json!({ "data": { "n": "1" } }));
    (0..count).map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_the_same_by_its_server_and_from_files() {
    for classic in [false, true] {
        let server = ApiServer::start(&small());
        if classic {
            server.classic();
        }
        let collected = read(&server).await.unwrap();
        let kinds = crate::kinds::built_in().chain(wanted().wanted).collect();
        assert_eq!(collected.snapshot, from_files(&server, &kinds));
        assert!(collected.snapshot.missing().is_empty() && collected.snapshot.gaps().is_empty());
        assert_eq!(collected.resources.len(), 39);
        assert_eq!(collected.positions.len(), 39);
        let body =
            |path: &str| String::from_utf8(collected.snapshot.object(path).unwrap().body.to_vec()).unwrap();
        assert!(!body("core/Secret/shop/web-key").contains("ZXhhbXBsZS1ub3QtYS1zZWNyZXQ="));
        assert!(!body("apps/Deployment/shop/web").contains("managedFields"));
        assert!(body("gateway.networking.k8s.io/Gateway/shop/front").contains("listeners"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_of_the_fixtures_is_the_same_by_its_server_and_from_files() {
    let Some(objects) = with_shared() else { return };
    let server = ApiServer::start(&objects);
    let collected = read(&server).await.unwrap();
    let files = from_files(&server, &crate::kinds::built_in().collect());
    assert!(collected.snapshot.objects().count() > 200);
    assert!(collected.snapshot.objects().eq(files.objects()));
    assert_eq!(collected.snapshot.graph(), files.graph());
}

/// What a real server sent, byte by byte.
#[tokio::test(flavor = "multi_thread")]
async fn lists_and_discovery_of_a_real_server_are_read() {
    let Some(folder) = crate::fixture::shared_folder() else { return };
    let raw = |name: &str| std::fs::read(folder.join("raw").join(name)).unwrap();
    let server = ApiServer::start(&[]);
    let lists = [
        ("/api/v1/pods", "api_v1_pods.json"),
        ("/apis/apps/v1/deployments", "apis_apps_v1_deployments.json"),
        ("/apis/networking.k8s.io/v1/networkpolicies", "apis_networking.k8s.io_v1_networkpolicies.json"),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            "apis_rbac.authorization.k8s.io_v1_clusterrolebindings.json",
        ),
        ("/apis", "discovery-aggregated.json"),
    ];
    for (path, file) in lists {
        server.fault(9, kubernetes::Answer::Body(raw(file)), move |request| request.path == path);
    }
    let collected = read(&server).await.unwrap();
    assert!(collected.snapshot.gaps().is_empty(), "{:?}", collected.snapshot.gaps());
    for (_, file) in &lists[..4] {
        let alone = crate::read_bytes(&raw(file), file, "test").unwrap();
        let kind = &alone.objects().next().unwrap().kind;
        let both = |snapshot: &Snapshot| {
            snapshot
                .objects()
                .filter(|object| object.kind == *kind)
                .map(crate::Object::path)
                .collect::<Vec<_>>()
        };
        assert_eq!(both(&collected.snapshot), both(&alone), "{file}");
        assert_eq!(
            collected.positions[kind],
            serde_json::from_slice::<Value>(&raw(file)).unwrap()["metadata"]["resourceVersion"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_come_in_pages() {
    let server = ApiServer::start(&settings(1203));
    let collected = read(&server).await.unwrap();
    assert_eq!(collected.snapshot.objects().count(), 1203);
    let asked = server.requests().into_iter().filter(|request| request.path == "/api/v1/configmaps");
    assert_eq!(asked.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_too_large_are_asked_for_with_less_on_them() {
    // 14 objects of 10 MB: more than one page may have, and less than a smaller page does.
    let mut objects = settings(14);
    for object in &mut objects {
        object["data"]["k"] = "x".repeat(10 * 1024 * 1024).into();
    }
    let server = ApiServer::start(&objects);
    let collected = read(&server).await.unwrap();
    assert_eq!(collected.snapshot.objects().count(), 14);
    assert!(collected.snapshot.objects().all(|object| object.body.is_empty()));
}

#[test]
fn whoever_has_no_runtime_waits() {
    let server = ApiServer::start(&small());
    let folder = TempDir::new().unwrap();
    let kubeconfig = server.kubeconfig("http", &json!({}), &json!({ "token": TOKEN }));
    let snapshot = super::collect_blocking(&options(&folder, &kubeconfig), &wanted()).unwrap();
    assert_eq!(snapshot.objects().count(), small().len());
}

/// The role that the documentation asks for is the one that is needed: every kind that is read, and nothing else.
#[test]
fn the_role_has_what_is_read_and_nothing_else() {
    let role = include_str!("../../collector-role.yaml");
    let mut allowed: BTreeSet<(String, String)> = BTreeSet::new();
    let mut group = String::new();
    for line in role.lines() {
        let words = |line: &str| {
            let inside = line.split_once('[').unwrap().1.split_once(']').unwrap().0.to_owned();
            inside.split(',').map(|word| word.trim().trim_matches('"').to_owned()).collect::<Vec<_>>()
        };
        if line.contains("apiGroups:") {
            group = words(line).join("");
        } else if let Some(name) = line.strip_prefix("      - ") {
            allowed.insert((group.clone(), name.to_owned()));
        } else if line.contains("verbs:") {
            assert_eq!(words(line), ["get", "list", "watch"]);
        }
    }
    let needed =
        crate::kinds::built_in_resources().map(|(plural, group)| (group.to_owned(), plural.to_owned()));
    assert_eq!(allowed, needed.collect());
}
