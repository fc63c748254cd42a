//! The admission webhook over TLS, asked with `curl` as an API server asks.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Data, palisade};

/// A running webhook; ends with the test.
struct Webhook {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    _data: Data,
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has_curl() -> bool {
    let found = Command::new("curl").arg("--version").output().is_ok_and(|out| out.status.success());
    if !found {
        println!("skipped: no curl to ask the webhook with");
    }
    found
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

impl Webhook {
    fn start(config: &str, policies: &[(&str, &str)]) -> Self {
        let (folder, data) = (tempfile::tempdir().unwrap(), Data::empty());
        let out = folder.path().display().to_string();
        data.run(&["admission", "certificate", "--out", &out]).expect_code(0);
        std::fs::create_dir(folder.path().join("policies")).unwrap();
        for (name, text) in policies {
            write(&folder.path().join("policies"), name, text);
        }
        let config = format!("[policies]\npaths = [\"{out}/policies\"]\n{config}");
        let config = write(folder.path(), "palisade.toml", &config);
        let mut child = Command::new(palisade())
            .args([
                "--data-dir",
                &data.path().display().to_string(),
                "--config",
                &config.display().to_string(),
            ])
            .args(["admission", "serve", "--listen", "127.0.0.1:0", "--own-namespace", "palisade"])
            .args(["--certificate", &format!("{out}/tls.crt"), "--key", &format!("{out}/tls.key")])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().expect("the webhook ended").unwrap();
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = said.pointer("/fields/server.address").and_then(Value::as_str) {
                break address.rsplit(':').next().unwrap().parse().unwrap();
            }
        };
        // Whatever it says from now on must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port, folder, _data: data }
    }

    /// Posts a body, with the authority that the webhook configuration would name.
    fn post(&self, path: &str, body: &str) -> String {
        let name = "palisade-admission.palisade.svc";
        let file = write(self.folder.path(), "body.json", body);
        let out = Command::new("curl")
            .args(["--silent", "--show-error", "--cacert"])
            .arg(self.folder.path().join("ca.crt"))
            .args(["--resolve", &format!("{name}:{}:127.0.0.1", self.port)])
            .args(["--data-binary", &format!("@{}", file.display())])
            .arg(format!("https://{name}:{}{path}?timeout=5s", self.port))
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn review(&self, path: &str, namespace: &str, labels: Value) -> Value {
        let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u-1", "operation": "CREATE", "namespace": namespace, "name": "p",
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "userInfo": { "username": "ada" },
            "object": { "apiVersion": "v1", "kind": "Pod",
                "metadata": { "name": "p", "namespace": namespace, "labels": labels },
                "spec": { "containers": [{ "name": "c", "image": "registry.example/a:1" }] } },
        } });
        let told: Value = serde_json::from_str(&self.post(path, &review.to_string())).unwrap();
        assert_eq!(told["response"]["uid"], "u-1", "{told}");
        told["response"].clone()
    }
}

const TEAM: &str = "package team\n\nimport rego.v1\n\ndeny contains msg if {\n  not input.request.object.metadata.labels.team\n  msg := \"say whose this is\"\n}\n";
const ENDLESS: &str = "package endless\n\nimport rego.v1\n\ndeny contains msg if {\n  some i in numbers.range(1, 100000)\n  some j in numbers.range(1, 100000)\n  i * j == -1\n  msg := \"never\"\n}\n";

#[test]
fn policies_refuse_and_what_passes_passes() {
    if !has_curl() {
        return;
    }
    let webhook = Webhook::start("", &[("team.rego", TEAM)]);
    let refused = webhook.review("/validate", "shop", json!({}));
    assert_eq!(refused["allowed"], false, "{refused}");
    let message = refused["status"]["message"].as_str().unwrap();
    assert!(message.contains("team: say whose this is"), "{message}");
    assert_eq!(webhook.review("/validate", "shop", json!({ "team": "a" }))["allowed"], true);
    // Its own namespace is never refused anything, so that it cannot keep itself from being repaired.
    assert_eq!(webhook.review("/validate", "palisade", json!({}))["allowed"], true);
    // What is no review is told so, and nothing else happens.
    for body in ["", "[]", "{\"kind\":\"AdmissionReview\"}", "\u{0}"] {
        let told = webhook.post("/validate", body);
        assert!(told.contains("JSON") || told.contains("AdmissionReview"), "{body:?}: {told}");
    }
    assert_eq!(webhook.review("/validate", "shop", json!({}))["allowed"], false);
}

#[test]
fn each_policy_fails_open_or_closed_by_itself_and_may_only_be_tried() {
    if !has_curl() {
        return;
    }
    let config =
        "[admission.policies.team]\nmode = \"dry-run\"\n[admission.policies.endless]\nfail-closed = false\n";
    let webhook = Webhook::start(config, &[("team.rego", TEAM), ("endless.rego", ENDLESS)]);
    let told = webhook.review("/validate", "shop", json!({}));
    assert_eq!(told["allowed"], true, "{told}");
    let annotations = &told["auditAnnotations"];
    assert!(annotations["dry-run"].as_str().unwrap().contains("say whose this is"), "{told}");
    let closed = "[admission.policies.endless]\nfail-closed = true\n";
    let webhook = Webhook::start(closed, &[("endless.rego", ENDLESS)]);
    let told = webhook.review("/validate", "shop", json!({ "team": "a" }));
    assert_eq!(told["allowed"], false, "{told}");
}

const SIDECAR: &str = include_str!("../../plugins/policy/fixtures/map/sidecar.yaml");
const LABEL: &str = "package label\n\nimport rego.v1\n\npatch contains {\"op\": \"add\", \"path\": \"/metadata/labels/env\", \"value\": \"test\"} if {\n  not input.request.object.metadata.labels.env\n}\n";

/// The object of an answer's patch: applies what the tests' policies ask for, additions below objects and to lists.
fn patched(mut object: Value, response: &Value) -> Value {
    use base64::Engine as _;
    assert_eq!(response["patchType"], "JSONPatch", "{response}");
    let patch =
        base64::engine::general_purpose::STANDARD.decode(response["patch"].as_str().unwrap()).unwrap();
    let operations: Vec<Value> = serde_json::from_slice(&patch).unwrap();
    for operation in operations {
        assert_eq!(operation["op"], "add", "{operation}");
        let (above, name) = operation["path"].as_str().unwrap().rsplit_once('/').unwrap();
        object.pointer_mut(above).unwrap()[name] = operation["value"].clone();
    }
    object
}

#[test]
fn policies_change_a_pod_and_those_on_trial_do_not() {
    if !has_curl() {
        return;
    }
    let policies = [("sidecar.yaml", SIDECAR), ("label.rego", LABEL)];
    let webhook = Webhook::start("", &policies);
    let told = webhook.review("/mutate", "shop", json!({ "team": "a" }));
    assert_eq!(told["allowed"], true, "{told}");
    let pod = json!({ "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "p", "namespace": "shop", "labels": { "team": "a" } },
        "spec": { "containers": [{ "name": "c", "image": "registry.example/a:1" }] } });
    let mut expected = pod.clone();
    expected["metadata"]["labels"]["env"] = json!("test");
    expected["spec"]["initContainers"] = json!([
        { "name": "mesh-proxy", "image": "mesh/proxy:v1.0.0", "args": ["proxy", "sidecar"], "restartPolicy": "Always" }
    ]);
    assert_eq!(patched(pod, &told), expected);
    assert!(webhook.review("/validate", "shop", json!({ "team": "a" })).get("patch").is_none());
    let trial =
        "[admission.policies.sidecar]\nmode = \"dry-run\"\n[admission.policies.label]\nmode = \"dry-run\"\n";
    let webhook = Webhook::start(trial, &policies);
    let told = webhook.review("/mutate", "shop", json!({ "team": "a" }));
    assert!(told["allowed"] == true && told.get("patch").is_none(), "{told}");
}

#[test]
fn images_are_let_in_by_what_is_known_of_their_digest() {
    if !has_curl() {
        return;
    }
    let webhook = Webhook::start("[admission.images]\nunknown = \"refuse\"\n", &[("team.rego", TEAM)]);
    let told = webhook.review("/validate", "shop", json!({ "team": "a" }));
    assert_eq!(told["allowed"], false, "{told}");
    let message = told["status"]["message"].as_str().unwrap();
    assert!(message.contains("registry.example/a:1") && message.contains("tags move"), "{message}");
}
