//! Policies of the operator's own: their tests, their place in a scan, and what becomes of those that never end.

use std::path::Path;

use serde_json::Value;

use crate::support::{Data, fixture, root};

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn the_policies_of_the_fixtures_pass_their_tests_in_the_sandbox() {
    let folder = root().join("plugins/policy/fixtures").display().to_string();
    let ran = Data::shared().run(&["policy", "test", &folder]).expect_code(0);
    let told = ran.stdout;
    assert!(told.contains(" passed, 0 failed"), "{told}");
    for format in ["gatekeeper", "vap", "rego", "cel", "map", "gator"] {
        assert!(told.contains(&format!("/{format}/")), "{format}: {told}");
    }
}

#[test]
fn a_test_that_expects_something_else_fails_and_says_what() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "package labels\n\nimport rego.v1\n\ndeny contains msg if {\n  not input.request.object.metadata.labels.team\n  msg := \"say whose this is\"\n}\n";
    write(folder.path(), "labels.rego", policy);
    let tests = "policies: [labels.rego]\ncases:\n  - name: no label\n    object: {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: n1}}\n";
    write(folder.path(), "labels_test.yaml", tests);
    let path = folder.path().display().to_string();
    let ran = Data::shared().run(&["policy", "test", &path]).expect_code(1);
    assert!(ran.stdout.contains("FAILED") && ran.stdout.contains("say whose this is"), "{}", ran.stdout);
    let fits = tests.to_owned() + "    expect: {violations: [{message: say whose}]}\n";
    write(folder.path(), "labels_test.yaml", &fits);
    Data::shared().run(&["policy", "test", &path]).expect_code(0);
}

#[test]
fn a_policy_that_never_ends_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "endless.rego",
        "package endless\n\nimport rego.v1\n\ndeny contains msg if {\n  some i in numbers.range(1, 100000)\n  some j in numbers.range(1, 100000)\n  i * j == -1\n  msg := \"never\"\n}\n",
    );
    write(
        folder.path(),
        "team.rego",
        "package team\n\nimport rego.v1\n\ndeny contains msg if {\n  input.kind == \"Deployment\"\n  not input.metadata.labels.team\n  msg := \"say whose this is\"\n}\n",
    );
    let config = write(
        folder.path(),
        "palisade.toml",
        &format!("[policies]\npaths = [\"{}\"]\n", folder.path().display()),
    );
    let data = Data::empty();
    let cluster = fixture("cluster").display().to_string();
    let words = ["--config", &config, "scan", "k8s", "--from", &cluster, "--format", "json"];
    let report: Value = data.run(&words).expect_code(0).json();
    let rules: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert!(rules.contains(&"palisade.policy/team"), "{rules:?}");
    assert!(!rules.contains(&"palisade.policy/endless"), "{rules:?}");
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    let of_endless =
        gaps.iter().filter(|gap| gap["subject"].as_str().unwrap().ends_with("!/palisade.policy/endless"));
    assert!(of_endless.count() > 0, "{gaps:#?}");
}

#[test]
fn a_policy_that_does_not_compile_is_one_gap_however_many_objects_there_are() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "broken.rego", "package broken\n\nimport rego.v1\n\ndeny contains msg if {\n");
    let config = write(
        folder.path(),
        "palisade.toml",
        &format!("[policies]\npaths = [\"{}\"]\n", folder.path().display()),
    );
    let cluster = fixture("cluster").display().to_string();
    let words = ["--config", &config, "scan", "k8s", "--from", &cluster, "--format", "json"];
    let report: Value = Data::empty().run(&words).expect_code(0).json();
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    let broken: Vec<&Value> = gaps
        .iter()
        .filter(|gap| gap["subject"].as_str().unwrap().contains("palisade.policy/broken"))
        .collect();
    assert_eq!(broken.len(), 1, "{broken:#?}");
    assert_eq!(broken[0]["subject"], "!/palisade.policy/broken");
    assert!(broken[0]["reason"].as_str().unwrap().contains("broken.rego line"), "{broken:#?}");
}
