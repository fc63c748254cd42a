//! `cargo xtask bench admission`: what policies add to the latency of a webhook, against one without any in the same run.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::build::cargo;
use crate::toolchain::run;
use crate::{guests, prepare};

/// Where the policies of the measurement are: those that the plugin's own tests run.
const POLICIES: [&str; 4] = ["cel", "gatekeeper", "rego", "vap"];
/// What the issue asks.
const ASKED: &str = "asked: 30 policies or more, added p50 1.5 ms, p99 8 ms at 500 requests/s";

struct Webhook {
    child: Child,
    port: String,
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Measures `[RATE [SECONDS [ROUNDS]]]`: requests a second, 500 without it, for 10 seconds, three times.
pub(crate) fn admission(root: &Path, arguments: &[&str]) -> Result<()> {
    prepare::for_building()?;
    guests::build(None)?;
    run(cargo(root)
        .args(["build", "--release", "--locked", "--package", "palisade", "--package", "admission"])
        .args(["--bin", "palisade", "--example", "admission-load"]))?;
    let palisade = root.join("target/release/palisade");
    let folder = root.join("target/bench-admission");
    std::fs::create_dir_all(folder.join("none"))
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let tls = folder.join("tls");
    run(Command::new(&palisade)
        .args(["admission", "certificate", "--out"])
        .arg(&tls)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .stdout(Stdio::null()))?;
    let reviews = folder.join("reviews.jsonl");
    std::fs::write(&reviews, reviews_text())
        .with_context(|| format!("cannot write {}", reviews.display()))?;
    let policies: Vec<PathBuf> =
        POLICIES.iter().map(|kind| root.join("plugins/policy/fixtures").join(kind)).collect();
    let control = start(&palisade, &folder, "none", &[folder.join("none")])?;
    let webhook = start(&palisade, &folder, "policies", &policies)?;
    println!("{ASKED}");
    let of =
        |place: usize, default: &'static str| arguments.get(place).copied().unwrap_or(default).to_owned();
    run(Command::new(root.join("target/release/examples/admission-load"))
        .arg(tls.join("ca.crt"))
        .arg("palisade-admission.palisade.svc")
        .arg(&reviews)
        .args([of(0, "500"), of(1, "10"), of(2, "3")])
        .args([&control.port, &webhook.port]))
}

/// Starts a webhook and waits until it has said where it listens and how many policies it has.
fn start(palisade: &Path, folder: &Path, name: &str, policies: &[PathBuf]) -> Result<Webhook> {
    let config = folder.join(format!("{name}.toml"));
    let paths: Vec<String> = policies.iter().map(|path| path.display().to_string()).collect();
    std::fs::write(&config, format!("[policies]\npaths = {paths:?}\n"))
        .with_context(|| format!("cannot write {}", config.display()))?;
    let tls = folder.join("tls");
    let mut child = Command::new(palisade)
        .arg("--data-dir")
        .arg(folder.join(format!("data-{name}")))
        .arg("--config")
        .arg(&config)
        .args([
            "admission",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--own-namespace",
            "palisade",
            "--certificate",
        ])
        .arg(tls.join("tls.crt"))
        .arg("--key")
        .arg(tls.join("tls.key"))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", palisade.display()))?;
    let mut lines = BufReader::new(child.stderr.take().context("the webhook has no error output")?).lines();
    let port = loop {
        let Some(line) = lines.next() else {
            let status = child.wait().context("cannot wait for the webhook")?;
            bail!("the webhook ended before it listened: {status}");
        };
        let said: Value =
            serde_json::from_str(&line.context("cannot read the webhook's log")?).unwrap_or_default();
        if let Some(address) = said.pointer("/fields/server.address").and_then(Value::as_str) {
            println!("{name}: {}", said.get("fields").unwrap_or(&Value::Null));
            break address.rsplit(':').next().unwrap_or_default().to_owned();
        }
    };
    // Whatever it says from now on must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Ok(Webhook { child, port })
}

/// Pods as a deployment's controller makes them, each with another name and image, so that no two requests are alike.
fn reviews_text() -> String {
    (0..200).map(|number| format!("{}\n", review(number))).collect()
}

fn review(number: u32) -> Value {
    let name = format!("web-{number}");
    let container = |container: &str| {
        json!({
            "name": container, "image": format!("registry.example/team/{container}:1.{number}"),
            "ports": [{ "containerPort": 8080, "protocol": "TCP" }],
            "env": [{ "name": "NAMESPACE", "value": "shop" }, { "name": "LEVEL", "value": "info" }],
            "resources": { "limits": { "cpu": "500m", "memory": "256Mi" }, "requests": { "cpu": "100m", "memory": "64Mi" } },
            "securityContext": { "runAsNonRoot": true, "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            "volumeMounts": [{ "name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true }],
            "livenessProbe": { "httpGet": { "path": "/live", "port": 8080 } },
        })
    };
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": format!("00000000-0000-4000-8000-{number:012}"), "operation": "CREATE", "namespace": "shop", "name": name,
        "kind": { "group": "", "version": "v1", "kind": "Pod" },
        "resource": { "group": "", "version": "v1", "resource": "pods" },
        "userInfo": { "username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:serviceaccounts"] },
        "object": {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "namespace": "shop", "labels": { "app": "web", "team": "shop" },
                "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u", "controller": true }] },
            "spec": {
                "serviceAccountName": "web",
                "containers": [container("web"), container("proxy")],
                "volumes": [{ "name": "token", "projected": { "sources": [{ "serviceAccountToken": { "path": "token" } }] } }],
            },
        },
        "oldObject": null, "dryRun": false,
    } })
}
