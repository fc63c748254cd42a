//! Clusters through their API server: a strict server of our own, with a kubeconfig as people have it.

use serde_json::{Value, json};

use crate::support::kubernetes::{ApiServer, Request, TOKEN, status};
use crate::support::{Data, root};

fn objects() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("tests/fixtures/kubernetes/small.json")).unwrap();
    let list: Value = serde_json::from_str(&text).unwrap();
    list["items"].as_array().unwrap_or_else(|| list.as_array().unwrap()).clone()
}

struct World {
    folder: tempfile::TempDir,
    server: ApiServer,
}

impl World {
    fn new() -> Self {
        let server = ApiServer::start(&objects());
        let folder = tempfile::tempdir().unwrap();
        let config = server.kubeconfig("http", &json!({}), &json!({ "token": TOKEN }));
        std::fs::write(folder.path().join("kubeconfig"), config).unwrap();
        Self { folder, server }
    }

    fn kubeconfig(&self) -> String {
        self.folder.path().join("kubeconfig").display().to_string()
    }

    fn scan(&self) -> Value {
        let config = self.kubeconfig();
        let words = ["scan", "k8s", "--kubeconfig", &config, "--context", "test", "--format", "json"];
        Data::shared().run(&words).expect_code(0).json()
    }
}

#[test]
fn what_a_server_says_is_judged_as_what_files_say() {
    let world = World::new();
    let live = world.scan();
    let file = world.folder.path().join("objects.json");
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects() });
    std::fs::write(&file, list.to_string()).unwrap();
    let words = ["scan", "k8s", "--from", &file.display().to_string(), "--format", "json"];
    let files: Value = Data::shared().run(&words).expect_code(0).json();
    let rules = |report: &Value| -> Vec<(String, String)> {
        let findings = report["findings"].as_array().unwrap().iter();
        let mut all: Vec<(String, String)> =
            findings.map(|one| (one["rule"].to_string(), one["evidence"][0]["path"].to_string())).collect();
        all.sort();
        all
    };
    assert!(!rules(&files).is_empty());
    // The server says of every kind that these are all its objects, so that absence counts; nothing that files show is lost.
    for finding in rules(&files) {
        assert!(rules(&live).contains(&finding), "{finding:?}");
    }
    let lists = world.server.requests().into_iter().filter(|request: &Request| !request.is_watch()).count();
    assert!(lists > 10, "{lists}");
}

#[test]
fn what_may_not_be_listed_is_a_gap_and_never_none() {
    let world = World::new();
    let path = "/apis/networking.k8s.io/v1/networkpolicies";
    let forbidden = status(403, "Forbidden", "networkpolicies is forbidden: User \"u\" cannot list");
    world.server.fault(usize::MAX, forbidden, move |request: &Request| request.path == path);
    let report = world.scan();
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    let told = gaps.iter().find(|gap| gap["reason"].as_str().unwrap().contains("cannot list"));
    assert_eq!(told.unwrap()["code"], "not-collected", "{gaps:#?}");
    let claims = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|finding| finding["rule"] == "palisade.kube-posture/namespace-network-policy");
    assert!(!claims, "nobody knows whether there are policies");
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let world = World::new();
    let config = world.server.kubeconfig("http", &json!({}), &json!({ "token": "another" }));
    std::fs::write(world.folder.path().join("kubeconfig"), config).unwrap();
    let path = world.kubeconfig();
    let ran = Data::shared().run(&["scan", "k8s", "--kubeconfig", &path]).expect_code(2);
    assert!(ran.stderr.contains("does not accept the credentials"), "{}", ran.stderr);
    let ran = Data::shared().run(&["scan", "k8s", "--kubeconfig", "/nonexistent/kubeconfig"]).expect_code(2);
    assert!(
        ran.stderr.contains("kubeconfig") || ran.stderr.contains("settings of the connection"),
        "{}",
        ran.stderr
    );
}
