use std::path::PathBuf;

use model::GapCode;
use model::graph::{Edge, Relation};
use serde_json::{Value, json};

use super::read_files;
use crate::{ClusterError, GroupKind, Snapshot};

fn object(api_version: &str, kind: &str, name: &str) -> Value {
    let namespace = if kind == "Namespace" { Value::Null } else { "n".into() };
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": namespace } })
}

fn with(mut value: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(more);
    value
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn read(&self) -> Snapshot {
        read_files(&[self.0.path().to_owned()], "test").unwrap()
    }
}

fn list(items: &[Value]) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

fn paths(snapshot: &Snapshot) -> Vec<String> {
    snapshot.objects().map(crate::Object::path).collect()
}

fn gaps(snapshot: &Snapshot) -> Vec<(GapCode, &str)> {
    snapshot.gaps().iter().map(|gap| (gap.code, gap.subject.as_str())).collect()
}

#[test]
fn lists_of_kubectl_answers_of_the_server_and_single_objects_are_read() {
    let raw = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"raw","namespace":"n"}}]}"#;
    let late = r#"{"items":[{"metadata":{"name":"late"}}],"apiVersion":"v1","kind":"NodeList"}"#;
    let two = format!("{}\n{}", object("v1", "Service", "one"), object("v1", "Service", "two"));
    let folder = Folder::new(&[
        ("a.json", list(&[object("apps/v1", "Deployment", "web")])),
        ("b.json", raw.to_owned()),
        ("c.json", late.to_owned()),
        ("d.json", two),
        ("ignored.yaml", "a: b".to_owned()),
    ]);
    let snapshot = folder.read();
    assert_eq!(
        paths(&snapshot),
        [
            "apps/Deployment/n/web",
            "core/Node/-/late",
            "core/Pod/n/raw",
            "core/Service/n/one",
            "core/Service/n/two"
        ]
    );
    assert!(snapshot.gaps().is_empty(), "{:?}", snapshot.gaps());
    assert_eq!(snapshot.cluster(), "test");
}

#[test]
fn of_a_kind_whose_list_was_empty_one_knows_that_there_are_none() {
    let typed = r#"{"kind":"NetworkPolicyList","apiVersion":"networking.k8s.io/v1","items":null}"#;
    let folder = Folder::new(&[
        ("some.json", typed.to_owned()),
        ("resourcequotas.json", list(&[])),
        ("whatever.json", list(&[])),
        ("pods.json", list(&[object("v1", "Pod", "p")])),
    ]);
    let snapshot = folder.read();
    let missing = snapshot.missing();
    for known in [
        GroupKind::new("", "Pod"),
        GroupKind::new("", "ResourceQuota"),
        GroupKind::new("networking.k8s.io", "NetworkPolicy"),
        GroupKind::new("security.istio.io", "PeerAuthentication"),
    ] {
        assert!(!missing.contains(&known), "{known}");
    }
    assert!(missing.contains(&GroupKind::new("", "Secret")));
}

#[test]
fn what_an_extension_brings_is_missing_only_where_the_extension_is() {
    let definition = with(
        object(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "peerauthentications.security.istio.io",
        ),
        json!({ "spec": { "group": "security.istio.io", "names": { "kind": "PeerAuthentication" } } }),
    );
    let folder = Folder::new(&[("customresourcedefinitions.json", list(&[definition]))]);
    let missing = folder.read().missing();
    assert!(missing.contains(&GroupKind::new("security.istio.io", "PeerAuthentication")));
    assert!(!missing.contains(&GroupKind::new("security.istio.io", "AuthorizationPolicy")));
}

#[test]
fn what_holds_no_objects_is_a_gap() {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "message": "pods is forbidden", "code": 403 });
    let partial = json!({ "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": [
        { "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": { "name": "p" } },
    ] });
    let folder = Folder::new(&[
        ("broken.json", "{\"items\": [".to_owned()),
        ("number.json", "7".to_owned()),
        ("partial.json", partial.to_string()),
        (
            "pods.json",
            list(&[object("v1", "Pod", "p"), json!({ "kind": "Pod", "apiVersion": "v1" }), json!(7)]),
        ),
        ("status.json", status.to_string()),
    ]);
    let snapshot = folder.read();
    assert_eq!(paths(&snapshot), ["core/Pod/n/p"]);
    let all = gaps(&snapshot);
    for gap in [
        (GapCode::Corrupt, "broken.json"),
        (GapCode::Corrupt, "number.json"),
        (GapCode::Unsupported, "partial.json"),
        (GapCode::Unreadable, "status.json"),
        (GapCode::ParseError, "pods.json"),
    ] {
        assert!(all.contains(&gap), "{gap:?} of {all:?}");
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let folder = Folder::new(&[
        ("deep.json", format!("{{\"a\":{}", "[".repeat(1_000_000))),
        ("pods.json", list(&[object("v1", "Pod", "p")])),
    ]);
    assert_eq!(gaps(&folder.read()), [(GapCode::Corrupt, "deep.json")]);
}

#[test]
fn nothing_is_an_error_and_not_a_clean_cluster() {
    let folder = Folder::new(&[("pods.json", list(&[]))]);
    let error = read_files(&[folder.0.path().to_owned()], "test").unwrap_err();
    assert_eq!(error.code(), "cluster-empty");
    let missing = read_files(&[PathBuf::from("/nowhere")], "test").unwrap_err();
    assert!(matches!(missing, ClusterError::Unreadable { .. }));
}

#[test]
fn a_cluster_is_known_by_the_uid_of_its_oldest_namespace() {
    let mut system = object("v1", "Namespace", "kube-system");
    *system.pointer_mut("/metadata").unwrap() = json!({ "name": "kube-system", "uid": "9f3" });
    let folder = Folder::new(&[("namespaces.json", list(&[system]))]);
    let snapshot = folder.read();
    assert_eq!(snapshot.cluster(), "9f3");
    let ids: Vec<String> = snapshot.objects().map(|object| snapshot.id(object)).collect();
    assert_eq!(ids, ["k8s:9f3/core/Namespace/-/kube-system"]);
}

fn labelled(kind: &str, name: &str, label: &str) -> Value {
    let template = json!({ "metadata": { "labels": { "app": label } }, "spec": {
        "serviceAccountName": "robot",
        "containers": [{ "name": "c", "image": "registry.example/app:1", "envFrom": [{ "secretRef": { "name": "s" } }] }],
        "volumes": [{ "name": "v", "secret": { "secretName": "s" } }],
    } });
    with(object("apps/v1", kind, name), json!({ "spec": { "template": template } }))
}

#[test]
fn objects_are_joined_by_what_they_say_of_each_other() {
    let mut replica_set = labelled("ReplicaSet", "web-1", "web");
    replica_set.pointer_mut("/metadata").unwrap().as_object_mut().unwrap().insert(
        "ownerReferences".to_owned(),
        json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true }]),
    );
    let binding = with(
        object("rbac.authorization.k8s.io/v1", "RoleBinding", "b"),
        json!({
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "gone" },
            "subjects": [{ "kind": "ServiceAccount", "name": "robot", "namespace": "n" }],
        }),
    );
    let service = with(
        object("v1", "Service", "door"),
        json!({ "spec": { "type": "LoadBalancer", "selector": { "app": "web" }, "ports": [{ "port": 80 }] } }),
    );
    let policy = with(
        object("networking.k8s.io/v1", "NetworkPolicy", "all"),
        json!({ "spec": { "podSelector": {}, "policyTypes": ["Ingress"] } }),
    );
    let folder = Folder::new(&[(
        "all.json",
        list(&[
            labelled("Deployment", "web", "web"),
            replica_set,
            labelled("Deployment", "api", "api"),
            object("v1", "Namespace", "n"),
            object("v1", "Secret", "s"),
            object("v1", "ServiceAccount", "robot"),
            binding,
            service,
            policy,
        ]),
    )]);
    let snapshot = folder.read();
    let subjects: Vec<String> = snapshot.subjects().map(crate::Object::path).collect();
    assert!(!subjects.contains(&"apps/ReplicaSet/n/web-1".to_owned()), "{subjects:?}");
    let (nodes, relations) = snapshot.graph();
    let has = |from: &str, edge: Edge, to: &str| {
        let id = |path: &str| {
            if path.starts_with("image:") { path.to_owned() } else { format!("k8s:test/{path}") }
        };
        relations.contains(&Relation { from: id(from), edge, to: id(to) })
    };
    let web = "apps/Deployment/n/web";
    assert!(has(web, Edge::Uses, "core/ServiceAccount/n/robot"));
    assert!(has(web, Edge::Uses, "core/Secret/n/s") && has(web, Edge::Mounts, "core/Secret/n/s"));
    assert!(has(web, Edge::Runs, "image:registry.example/app:1"));
    assert!(has(web, Edge::Owns, "apps/ReplicaSet/n/web-1"));
    assert!(has("core/Namespace/-/n", Edge::Contains, web));
    assert!(has("core/Service/n/door", Edge::Exposes, web));
    assert!(!has("core/Service/n/door", Edge::Exposes, "apps/Deployment/n/api"));
    assert!(has("networking.k8s.io/NetworkPolicy/n/all", Edge::Selects, "apps/Deployment/n/api"));
    let binding = "rbac.authorization.k8s.io/RoleBinding/n/b";
    assert!(has(binding, Edge::GrantsTo, "core/ServiceAccount/n/robot"));
    assert!(!relations.iter().any(|relation| relation.edge == Edge::Binds), "the role does not exist");
    let attributes = |path: &str| {
        let node = nodes.iter().find(|node| node.id.ends_with(path)).unwrap();
        serde_json::from_str::<Value>(&node.attributes).unwrap()
    };
    assert_eq!(attributes(web)["facts"]["exposure"], "filtered", "the policy keeps everybody out");
    assert_eq!(attributes("Deployment/n/api")["facts"]["exposure"], Value::Null, "it has no door");
    let policy = &attributes("NetworkPolicy/n/all")["facts"];
    assert_eq!((&policy["default_deny_ingress"], &policy["egress"]), (&json!(true), &json!(false)));
}
