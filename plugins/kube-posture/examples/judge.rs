//! Judges the objects of Kubernetes lists, as `kubectl get KIND -A -o json` writes them, and prints every failure:
//! `cargo run --example judge FILE...`. What needs the platform's graph is an error here. With `--times N` the objects are judged
//! N times over in one call, and the time is printed instead.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for developers, which may stop at anything odd"
)]

use std::time::Instant;

use kube_posture::KubePosture;
use palisade_sdk::{CheckStatus, Resource, check};
use serde_json::Value;

fn main() {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let times = files.iter().position(|word| word == "--times").map(|place| {
        files.remove(place);
        files.remove(place).parse::<usize>().expect("a number")
    });
    let mut resources: Vec<Resource> = Vec::new();
    for file in &files {
        let list: Value = serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON");
        resources.extend(list["items"].as_array().expect("items").iter().map(resource));
    }
    if let Some(times) = times {
        let many: Vec<Resource> = std::iter::repeat_n(&resources, times).flatten().cloned().collect();
        let bytes: usize = many.iter().map(|resource| resource.body.len()).sum();
        let start = Instant::now();
        let assessment = check::<KubePosture>("{}", &many).expect("an assessment");
        let (objects, results) = (many.len(), assessment.results.len());
        println!("{objects} objects, {bytes} bytes, {results} results: {:?}", start.elapsed());
        return;
    }
    let assessment = check::<KubePosture>("{}", &resources).expect("an assessment");
    for result in assessment.results.iter().filter(|result| result.status == CheckStatus::Fail) {
        let asset = &resources[result.item as usize].asset;
        println!("{asset} {} {:?} {}: {}", result.rule, result.severity, result.location, result.message);
    }
    for problem in &assessment.problems {
        println!("{} problem: {}", resources[problem.item as usize].asset, problem.message);
    }
}

fn resource(object: &Value) -> Resource {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let version = text(&object["apiVersion"]);
    let group = version.rsplit_once('/').map_or("core", |(group, _)| group);
    let (kind, meta) = (text(&object["kind"]), &object["metadata"]);
    let asset = format!("k8s:local/{group}/{kind}/{}/{}", text(&meta["namespace"]), text(&meta["name"]));
    Resource::new(asset, format!("{version}/{kind}"), object)
}
