//! Time of one review: thirty policies (ten in Rego, ten of Gatekeeper, ten admission policies) over one Pod, natively.
//!
//! `cargo run --release -p user-policies --example review`

use std::path::Path;
use std::time::{Duration, Instant};

use policy::{Assembled, Source, TestFile, assemble};
use serde_json::{Value, json};
use user_policies::Policies;

const ROUNDS: usize = 2_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut policies = Vec::new();
    for (folder, count) in [("rego", 10), ("gatekeeper", 10), ("vap", 10)] {
        let mut files: Vec<_> =
            std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder))?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()?;
        files.sort();
        let mut sources = Vec::new();
        for file in files.iter().filter(|file| !TestFile::is(&file.to_string_lossy())) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            sources.push(Source::read(&name, &std::fs::read(file)?)?);
        }
        let made = assemble(&sources).policies;
        // Where a folder has fewer, some stand twice under other names.
        let mut ten: Vec<_> = made.iter().cycle().take(count).cloned().collect();
        for (place, policy) in ten.iter_mut().enumerate() {
            policy.name = format!("{folder}-{place}");
        }
        policies.extend(ten);
    }
    let count = policies.len();
    let config = Assembled { policies, problems: Vec::new() }.config(&Value::Null).to_string();
    let containers: Vec<Value> = (0..3).map(|n| json!({
        "name": format!("c{n}"), "image": "registry.example.org/app:1.2.3",
        "env": [{ "name": "A", "value": "b" }, { "name": "C", "value": "d" }],
        "resources": { "limits": { "cpu": "200m", "memory": "256Mi" }, "requests": { "cpu": "100m" } },
        "securityContext": { "privileged": false, "capabilities": { "drop": ["ALL"] } },
        "volumeMounts": [{ "name": "v", "mountPath": "/data" }],
    })).collect();
    let pod = json!({ "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "p", "namespace": "n", "labels": { "team": "web", "app": "a" } },
        "spec": { "containers": containers, "volumes": [{ "name": "v", "emptyDir": {} }] } });
    let of_kind = json!({ "group": "", "version": "v1", "kind": "Pod" });
    let request = json!({ "uid": "u", "kind": of_kind, "resource": { "group": "", "version": "v1", "resource": "pods" },
        "name": "p", "namespace": "n", "operation": "CREATE", "userInfo": { "username": "u", "groups": [] },
        "object": pod, "oldObject": null, "namespaceObject": { "metadata": { "name": "n", "labels": {} } } })
    .to_string();
    let first = Instant::now();
    let decision = palisade_sdk::review::<Policies>(&config, request.as_bytes())
        .map_err(|error| format!("{error:?}"))?;
    let first = first.elapsed();
    let mut times: Vec<Duration> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        palisade_sdk::review::<Policies>(&config, request.as_bytes())
            .map_err(|error| format!("{error:?}"))?;
        times.push(start.elapsed());
    }
    times.sort();
    let at = |part: usize| times.get(ROUNDS * part / 100).copied().unwrap_or_default();
    println!(
        "{count} policies, {} violations, {} warnings",
        decision.violations.len(),
        decision.warnings.len()
    );
    println!("first review with compiling: {first:?}");
    println!("review after that: p50 {:?}, p99 {:?}", at(50), at(99));
    Ok(())
}
