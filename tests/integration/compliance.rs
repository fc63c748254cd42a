//! `palisade compliance` over files of a cluster.

use serde_json::{Value, json};

use crate::support::layout::{Layout, Tar};
use crate::support::{Data, Server, fixture};

fn from() -> String {
    fixture("cluster").display().to_string()
}

fn assess(framework: &str) -> Value {
    let words = ["compliance", "assess", "--framework", framework, "--from", &from(), "--format", "json"];
    Data::shared().run(&words).expect_code(0).json()
}

fn control<'a>(assessed: &'a Value, id: &str) -> &'a Value {
    let controls = assessed["controls"].as_array().unwrap();
    controls.iter().find(|control| control["control"] == id).unwrap_or_else(|| panic!("no control {id}"))
}

#[test]
fn a_failed_check_fails_the_controls_that_it_speaks_of_and_is_their_proof() {
    let assessed = assess("nsa-cisa-kubernetes-1.2");
    let privileged = control(&assessed, "pods.privileged-containers");
    assert!(matches!(privileged["status"].as_str(), Some("not-met" | "partly")), "{privileged}");
    let proof = &privileged["proof"][0];
    assert_eq!(proof["rule"], "palisade.kube-posture/privileged-container");
    assert!(proof["asset"].as_str().unwrap().ends_with("/apps/Deployment/store/checkout"), "{proof}");
    assert_eq!(proof["failed"], true);
    assert!(privileged["rationale"].as_str().unwrap().contains("privileged"));
}

#[test]
fn what_nobody_saw_is_not_assessed_and_stands_beside_the_score() {
    let assessed = assess("nist-800-53-r5");
    let summary = &assessed["summary"];
    let count = |key: &str| summary[key].as_u64().unwrap();
    let told = count("met") + count("partly") + count("not_met");
    assert_eq!(summary["score"].as_u64().unwrap(), (100 * count("met") + 50 * count("partly")) / told);
    let controls = assessed["controls"].as_array().unwrap();
    assert_eq!(told + count("manual") + count("not_assessed"), controls.len() as u64);
    assert!(count("manual") > 200, "most of it is for people: {summary}");
    for control in controls {
        let told = !matches!(control["status"].as_str(), Some("manual" | "not-assessed"));
        let proved = control["proof"].as_array().unwrap().iter().any(|proof| !proof["failed"].is_null());
        assert_eq!(told, proved, "{control}");
    }
    assert!(!assessed["coverage"]["gaps"].as_array().unwrap().is_empty());
    // Nothing here speaks of a cloud account: no score is not a score of a hundred.
    let cloud = self::assess("cis-aws-foundations-7.0");
    assert!(cloud["summary"]["score"].is_null(), "{}", cloud["summary"]);
}

#[test]
fn every_framework_that_is_listed_can_be_assessed() {
    let listed = Data::shared().run(&["compliance", "frameworks"]).expect_code(0).stdout;
    let frameworks: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(frameworks.len() >= 13, "{listed}");
    for framework in frameworks {
        let assessed = assess(framework);
        assert!(!assessed["controls"].as_array().unwrap().is_empty(), "{framework}");
    }
    let words = ["compliance", "assess", "--framework", "nothing", "--from", &from()];
    let unknown = Data::shared().run(&words).expect_code(2);
    assert!(unknown.stderr.contains("palisade compliance frameworks"), "{}", unknown.stderr);
    let words =
        ["compliance", "assess", "--framework", "nist-csf-2.0", "--from", &from(), "--fail-under", "99"];
    Data::shared().run(&words).expect_code(1);
}

/// A pod that runs one image, as the kubelet tells of it.
fn pod(name: &str, digest: &str) -> Value {
    let image = format!("registry.example/app@{digest}");
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "shop" },
        "spec": { "containers": [{ "name": "app", "image": "registry.example/app:1" }] },
        "status": { "containerStatuses": [{ "name": "app", "imageID": image }] },
    })
}

/// What a framework says of running images: how many of them fail, pass, and could not be told of.
fn of_images(server: &Server, folder: &std::path::Path, digests: &[&str]) -> Option<[u64; 3]> {
    let pods = digests.iter().enumerate().map(|(number, digest)| pod(&format!("p{number}"), digest));
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": pods.collect::<Vec<_>>() });
    std::fs::write(folder.join("pods.json"), list.to_string()).unwrap();
    let reference = folder.canonicalize().unwrap().display().to_string();
    let scan = server.api().scan("cluster", &reference);
    assert_eq!(scan["state"], "finished", "{scan}");
    let scope = scan["asset"].as_str().unwrap().replace('/', "%2F");
    let assessed = server.api().get(&format!("/api/v1/compliance/nist-800-53-r5/{scope}"));
    let proof =
        assessed["controls"].as_array().unwrap().iter().flat_map(|one| one["proof"].as_array().unwrap());
    let told = proof.into_iter().find(|proof| proof["rule"] == "class:vulnerability")?;
    Some(["failed", "passed", "unknown"].map(|key| told[key].as_u64().unwrap()))
}

/// The finding of an image with the highest risk, in full.
fn riskiest(server: &Server, image: &str) -> Value {
    let list = server.api().get(&format!("/api/v1/findings?asset={image}&sort=risk&limit=1"));
    let fingerprint = list["items"][0]["fingerprint"].as_str().unwrap();
    server.api().get(&format!("/api/v1/findings/{fingerprint}"))
}

#[test]
fn the_images_that_a_cluster_runs_count_by_what_their_own_scans_found() {
    let data = Data::with_sample();
    let server = Server::embedded(&data);
    let folder = tempfile::tempdir().unwrap();
    let scan = |layout: &Layout| {
        let scan = server.api().scan("image", &layout.reference());
        assert_eq!(scan["state"], "finished", "{scan}");
        scan["asset"].as_str().unwrap().to_owned()
    };
    let vulnerable = scan(&Layout::plain(&Tar::default().vulnerable_package().end()));
    let mended = Tar::default()
        .file("srv/node_modules/minimist/package.json", r#"{"name":"minimist","version":"1.2.8"}"#);
    let mended = scan(&Layout::plain(&mended.end()));
    let unscanned = format!("sha256:{}", "5".repeat(64));
    let nowhere = riskiest(&server, &vulnerable);
    assert!(nowhere["risk_origin"].is_null(), "{nowhere}");
    assert_eq!(of_images(&server, folder.path(), &[&vulnerable, &mended, &unscanned]), Some([1, 1, 1]));
    let running = riskiest(&server, &vulnerable);
    assert_eq!(running["risk_origin"]["path"], "core/Pod/shop/p0", "{running}");
    assert_eq!(running["risk_origin"]["place"]["in-use"], true);
    assert!(running["risk"].as_u64() > nowhere["risk"].as_u64(), "{running}");
    assert_eq!(of_images(&server, folder.path(), &[&mended]), Some([0, 1, 0]));
    assert_eq!(riskiest(&server, &vulnerable)["risk"], nowhere["risk"], "it runs nowhere any more");
    // An image of which nobody knows anything is no proof of anything, and is not passed over either.
    assert_eq!(of_images(&server, folder.path(), &[&unscanned]), Some([0, 0, 1]));
    let verified = server.api().get("/api/v1/evidence/verify");
    assert_eq!(verified["sound"], true, "{verified}");
}
