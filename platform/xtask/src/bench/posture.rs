//! `cargo xtask bench posture`: a whole process over a large cluster, which is made of the fixtures' real objects; what one changed object
//! of such a cluster costs; and attack paths.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::scan::measure;
use crate::build::{binary, cargo};
use crate::toolchain::run;
use crate::{guests, prepare};

/// Pods, Deployments and Nodes of each cluster that is measured, and what the issue asks of it.
const CLUSTERS: [(usize, usize, usize, &str); 2] =
    [(2_000, 500, 50, "asked: 3 s, 300 MiB"), (20_000, 5_000, 5_000, "asked: 20 s, 1,024 MiB")];

/// Measures clusters of growing size. The fixtures are those beside the checkout.
pub(crate) fn posture(root: &Path) -> Result<()> {
    prepare::for_building()?;
    guests::build(None)?;
    let palisade = binary(root)?;
    let fixtures = root.join("../shared/fixtures/k8s");
    println!("median of three runs after a warm-up, two threads: wall s / CPU s / peak MiB");
    for (pods, deployments, nodes, asked) in CLUSTERS {
        let folder = root.join(format!("target/bench-posture/{pods}"));
        generate(&fixtures, &folder, (pods, deployments, nodes))?;
        let command = [
            palisade.display().to_string(),
            "--data-dir".to_owned(),
            root.join("target/bench-posture/data").display().to_string(),
            "scan".to_owned(),
            "k8s".to_owned(),
            "--from".to_owned(),
            folder.display().to_string(),
            "--threads".to_owned(),
            "2".to_owned(),
            "--format".to_owned(),
            "json".to_owned(),
            "--output".to_owned(),
            root.join("target/bench-posture/report.json").display().to_string(),
        ];
        let figures = measure(&command)?;
        println!(
            "{pods} pods, {deployments} deployments, {nodes} nodes: {:.2} / {:.2} / {:.0}; {asked}",
            figures.wall_s, figures.cpu_s, figures.peak_mib
        );
    }
    let component = root.join("target/guests/kube-posture.wasm");
    for (pods, ..) in CLUSTERS {
        println!("\none changed object of {pods} pods:");
        let folder = root.join(format!("target/bench-posture/{pods}"));
        let mut cargo = example(root, "palisade", "changed_object");
        run(cargo.arg("--").arg(&folder).arg(&component))?;
    }
    println!("\nall paths by rights of 25,000 pods; asked: 10 s:");
    run(&mut example(root, "cluster", "rbac_paths"))
}

fn example(root: &Path, package: &str, name: &str) -> Command {
    let mut cargo = cargo(root);
    cargo.args(["run", "--locked", "--release", "--quiet", "--package", package, "--example", name]);
    cargo
}

/// Writes one file for every kind. Every Deployment has a ReplicaSet, and that its share of the pods.
fn generate(fixtures: &Path, folder: &Path, (pods, deployments, nodes): (usize, usize, usize)) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for file in files(fixtures)? {
        let name = file.file_name().unwrap_or_default();
        std::fs::copy(&file, folder.join(name)).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    let sources = items(&fixtures.join("deployments.json"))?;
    let replica_sets = items(&fixtures.join("replicasets.json"))?;
    let all_pods = items(&fixtures.join("pods.json"))?;
    let all_nodes = items(&fixtures.join("nodes.json"))?;
    ensure!(!sources.is_empty() && !all_nodes.is_empty(), "the fixtures have no deployments or no nodes");
    let owned = |list: &[Value], owner: &Value| -> Option<Value> {
        list.iter()
            .find(|object| {
                object.pointer("/metadata/ownerReferences/0/uid") == owner.pointer("/metadata/uid")
            })
            .cloned()
    };
    let (mut made, mut made_sets, mut made_pods) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..deployments {
        let Some(source) = sources.get(number % sources.len()) else { continue };
        let Some(set) = owned(&replica_sets, source) else { continue };
        let pod = owned(&all_pods, &set);
        let (name, set_name) = (format!("app-{number}"), format!("app-{number}-1"));
        made.push(renamed(source, &name, None));
        made_sets.push(renamed(&set, &set_name, Some(("Deployment", &name))));
        for share in 0..pods / deployments {
            let node = format!("node-{}", (number + share) % nodes);
            let Some(mut pod) = pod
                .as_ref()
                .map(|pod| renamed(pod, &format!("{set_name}-{share}"), Some(("ReplicaSet", &set_name))))
            else {
                continue;
            };
            set_at(&mut pod, "/spec/nodeName", json!(node));
            made_pods.push(pod);
        }
    }
    let made_nodes: Vec<Value> = (0..nodes)
        .filter_map(|number| {
            Some(renamed(all_nodes.get(number % all_nodes.len())?, &format!("node-{number}"), None))
        })
        .collect();
    write(folder, "deployments.json", made)?;
    write(folder, "replicasets.json", made_sets)?;
    write(folder, "pods.json", made_pods)?;
    write(folder, "nodes.json", made_nodes)
}

fn renamed(object: &Value, name: &str, owner: Option<(&str, &str)>) -> Value {
    let mut object = object.clone();
    set_at(&mut object, "/metadata/name", json!(name));
    set_at(&mut object, "/metadata/uid", json!(format!("uid-{name}")));
    if let Some((kind, owner)) = owner {
        let reference = json!([{ "apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": format!("uid-{owner}"), "controller": true }]);
        set_at(&mut object, "/metadata/ownerReferences", reference);
    }
    object
}

fn set_at(object: &mut Value, pointer: &str, value: Value) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    if let Some(map) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        map.insert(key.to_owned(), value);
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(found)
}

fn items(file: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut list: Value = serde_json::from_slice(&text)?;
    Ok(match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    })
}

fn write(folder: &Path, name: &str, items: Vec<Value>) -> Result<()> {
    let path = folder.join(name);
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    std::fs::write(&path, list.to_string()).with_context(|| format!("cannot write {}", path.display()))
}
