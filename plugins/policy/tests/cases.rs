//! Every fixture as `palisade policy test` runs it, but natively: the platform's crate reads the files, makes the configuration and
//! judges the answers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};

use palisade_sdk::{CheckStatus, Resource};
use policy::{Answer, Call, Case, Content, Source, Suite, SuiteCase, TestFile, Told, assemble};
use serde_json::Value;
use user_policies::{POLICIES, Policies, REVIEW, TESTS};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixtures().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn answer(config: &str, case: &Case) -> Answer {
    match case.call() {
        Call::Review(request) => {
            let decision = palisade_sdk::review::<Policies>(config, request.to_string().as_bytes()).unwrap();
            Answer {
                violations: decision.violations.iter().map(|told| Told::of_decision(&told.message)).collect(),
                warnings: decision.warnings.iter().map(|told| Told::of_decision(&told.message)).collect(),
                patch: decision.patch.map_or(Value::Null, |patch| serde_json::from_slice(&patch).unwrap()),
            }
        }
        Call::Check { kind, body } => {
            let resource = Resource::new("k8s:c/core/Thing/n/x", kind, &body);
            let assessment = palisade_sdk::check::<Policies>(config, &[resource]).unwrap();
            assert!(assessment.problems.is_empty(), "{:?}", assessment.problems);
            let failed = assessment.results.iter().filter(|result| result.status != CheckStatus::Pass);
            let told = failed.map(|result| {
                let evidence: Value = serde_json::from_slice(&result.evidence).unwrap_or_default();
                let policy = evidence["policy"].as_str().unwrap_or_default().to_owned();
                Told { policy, message: result.message.clone() }
            });
            Answer { violations: told.collect(), ..Answer::default() }
        }
    }
}

/// The policies of a folder as one configuration.
fn config_of(folder: &str) -> String {
    let sources: Vec<Source> = files(folder)
        .iter()
        .filter(|path| !TestFile::is(path.to_str().unwrap()))
        .map(|path| Source::read(path.file_name().unwrap().to_str().unwrap(), text(path).as_bytes()).unwrap())
        .collect();
    let assembled = assemble(&sources);
    assert!(assembled.problems.is_empty(), "{:?}", assembled.problems);
    assembled.config(&Value::Null).to_string()
}

/// Runs every file of tests of a folder against the policies that it names; gives how many policies were tested.
fn run(folder: &str) -> usize {
    let mut tested = 0;
    for path in files(folder) {
        if !TestFile::is(path.to_str().unwrap()) {
            continue;
        }
        let file = TestFile::read(path.to_str().unwrap(), text(&path).as_bytes()).unwrap();
        let sources: Vec<Source> = file
            .policies
            .iter()
            .map(|name| Source::read(name, text(&path.with_file_name(name)).as_bytes()).unwrap())
            .collect();
        let assembled = assemble(&sources);
        assert!(assembled.problems.is_empty(), "{}: {:?}", path.display(), assembled.problems);
        tested += assembled.policies.len();
        let config = assembled.config(&file.parameters).to_string();
        let loaded = palisade_sdk::check::<Policies>(&config, &[Resource::new("p", POLICIES, &())]).unwrap();
        for result in &loaded.results {
            assert_eq!(result.status, CheckStatus::Pass, "{}: {}", path.display(), result.message);
        }
        let (mut passing, mut failing) = (0, 0);
        for case in &file.cases {
            let answer = answer(&config, case);
            let differences = case.judge(&answer);
            assert_eq!(differences, Vec::<String>::new(), "{}: {}", path.display(), case.name);
            if answer == Answer::default() { passing += 1 } else { failing += 1 }
        }
        assert!(
            passing > 0 && failing > 0,
            "{}: there must be cases that pass and that fail",
            path.display()
        );
    }
    tested
}

#[test]
fn gatekeeper_templates() {
    assert!(run("gatekeeper") >= 12);
}

#[test]
fn admission_policies() {
    assert!(run("vap") >= 12);
}

#[test]
fn mutating_policies() {
    assert!(run("map") >= 3);
}

#[test]
fn a_suite_of_gator_with_an_inventory() {
    let folder = fixtures().join("gator");
    let read = |name: &str| Source::read(name, text(&folder.join(name)).as_bytes()).unwrap();
    let objects = |name: &str| match read(name).content {
        Content::Documents(documents) => {
            documents.into_iter().map(|document| document.value).collect::<Vec<_>>()
        }
        Content::Rego(_) => panic!(),
    };
    let suite = Suite::read("suite.yaml", text(&folder.join("suite.yaml")).as_bytes()).unwrap().unwrap();
    for test in &suite.tests {
        let assembled = assemble(&[read(&test.template), read(&test.constraint)]);
        assert_eq!(assembled.policies[0].inventory, Some(vec!["networking.k8s.io/v1/Ingress".to_owned()]));
        for case in &test.cases {
            let others: Vec<Value> = case.inventory.iter().flat_map(|name| objects(name)).collect();
            let config = assembled.config_with(&Value::Null, Some(SuiteCase::inventory(&others))).to_string();
            let request = SuiteCase::request(&objects(&case.object)[0], &others).unwrap();
            let resource = Resource::new("r", REVIEW, &request);
            let assessment = palisade_sdk::check::<Policies>(&config, &[resource]).unwrap();
            let messages: Vec<String> = assessment.results.into_iter().map(|result| result.message).collect();
            assert_eq!(case.judge(&messages), Vec::<String>::new(), "{}", case.name);
        }
        // Without other objects it is refused when it is loaded.
        let config = assembled.config(&Value::Null).to_string();
        let loaded = palisade_sdk::check::<Policies>(&config, &[Resource::new("p", POLICIES, &())]).unwrap();
        assert!(
            loaded.results[0].message.contains("asks for data.inventory"),
            "{}",
            loaded.results[0].message
        );
    }
}

#[test]
fn policies_that_change_an_object_see_what_those_before_them_made() {
    let map = |name: &str, condition: &str, expression: &str, again: &str| {
        let spec = serde_json::json!({ "reinvocationPolicy": again, "matchConditions": [{ "name": "c", "expression": condition }],
            "mutations": [{ "patchType": "JSONPatch", "jsonPatch": { "expression": expression } }] });
        serde_json::json!({ "name": name, "format": "map", "documents": [
            { "kind": "MutatingAdmissionPolicy", "metadata": { "name": name }, "spec": spec },
            { "kind": "MutatingAdmissionPolicyBinding", "metadata": { "name": "b" }, "spec": { "policyName": name } },
        ] })
    };
    let count = |again: &str| {
        map("count", "true", "[JSONPatch{op: 'replace', path: '/n', value: object.n + object.by}]", again)
    };
    let by = map("by", "object.n > 1", "[JSONPatch{op: 'replace', path: '/by', value: 10}]", "Never");
    let rego = serde_json::json!({ "name": "rego", "format": "rego", "text": "package r\npatch contains {\"op\": \"replace\", \"path\": \"/n\", \"value\": 1} if { true }" });
    let request = serde_json::json!({ "operation": "CREATE", "object": { "n": 0, "by": 1 } }).to_string();
    for (again, trial, expected) in [("Never", false, 2), ("IfNeeded", false, 12), ("Never", true, 1)] {
        let mut count = count(again);
        count["mutate"] = (!trial).into();
        let config = serde_json::json!({ "policies": [rego, count, by] }).to_string();
        let decision = palisade_sdk::review::<Policies>(&config, request.as_bytes()).unwrap();
        assert!(decision.violations.is_empty(), "{:?}", decision.violations);
        let patch: Value = serde_json::from_slice(&decision.patch.unwrap()).unwrap();
        let last = patch.as_array().unwrap().iter().rfind(|operation| operation["path"] == "/n").unwrap();
        assert_eq!(last["value"], expected, "{again} {patch}");
    }
}

#[test]
fn plain_rego() {
    assert!(run("rego") >= 8);
}

#[test]
fn our_own_cel() {
    assert!(run("cel") >= 6);
}

#[test]
fn rules_of_tests_are_run() {
    let config = config_of("rego");
    let assessment = palisade_sdk::check::<Policies>(&config, &[Resource::new("p", TESTS, &())]).unwrap();
    let told: Vec<(&str, CheckStatus)> =
        assessment.results.iter().map(|result| (result.location.as_str(), result.status)).collect();
    assert_eq!(
        told,
        [
            ("/replicas/test_one_replica_is_denied", CheckStatus::Pass),
            ("/replicas/test_two_replicas_pass", CheckStatus::Pass)
        ]
    );
}

#[test]
fn a_policy_that_does_not_work_costs_only_itself() {
    let config = serde_json::json!({ "policies": [
        { "name": "broken", "format": "rego", "source": "b.rego", "text": "package b\ndeny contains x if {" },
        { "name": "endless", "format": "rego", "text": "package e\ndeny contains x if { some x in numbers.range(1, 1000000000) }" },
        { "name": "circle", "format": "rego", "text": "package c\ndeny if { a }\na if { deny }" },
        { "name": "cel", "format": "cel", "documents": [{ "expression": "object.nothing == 1", "message": "m" }] },
        { "name": "lenient", "format": "cel", "on-error": "warn", "documents": [{ "expression": "object.nothing == 1" }] },
        { "name": "works", "format": "rego", "text": "package w\ndeny contains \"no\" if { input.request.object.kind == \"Pod\" }\ndeny contains \"no\" if { input.kind == \"Pod\" }" },
    ] })
    .to_string();
    let pod = serde_json::json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "n" } });
    let request = serde_json::json!({ "object": pod, "operation": "CREATE" });
    let decision = palisade_sdk::review::<Policies>(&config, request.to_string().as_bytes()).unwrap();
    let told: Vec<&str> = decision.violations.iter().map(|violation| violation.message.as_str()).collect();
    let begins = ["[broken] ", "[endless] ", "[circle] ", "[cel] ", "[works] no"];
    assert_eq!(told.len(), begins.len(), "{told:?}");
    for (message, begin) in told.iter().zip(begins) {
        assert!(message.starts_with(begin), "{message}");
    }
    assert!(told[0].contains("b.rego line 2"), "{}", told[0]);
    assert_eq!(decision.warnings.len(), 1);

    let resource = Resource::new("k8s:c/core/Pod/n/p", "v1/Pod", &pod);
    let assessment = palisade_sdk::check::<Policies>(&config, &[resource]).unwrap();
    let statuses: Vec<CheckStatus> = assessment.results.iter().map(|result| result.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == CheckStatus::Error).count(), 5);
    assert_eq!(statuses.iter().filter(|status| **status == CheckStatus::Fail).count(), 1);
}

#[test]
fn what_a_real_api_server_has_loads_unchanged() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("PALISADE_SHARED").map_or_else(beside, PathBuf::from).join("fixtures/k8s");
    if !folder.exists() {
        eprintln!("skipped: no fixtures; set PALISADE_SHARED to the folder that has fixtures/k8s");
        return;
    }
    let read = |name: &str| Source::read(name, &std::fs::read(folder.join(name)).unwrap()).unwrap();
    let assembled =
        assemble(&[read("validatingadmissionpolicies.json"), read("validatingadmissionpolicybindings.json")]);
    assert_eq!(assembled.policies.len(), 1);
    let config = assembled.config(&Value::Null).to_string();
    for line in text(&folder.join("admission-review.jsonl")).lines() {
        let review: Value = serde_json::from_str(line).unwrap();
        let decision =
            palisade_sdk::review::<Policies>(&config, review["request"].to_string().as_bytes()).unwrap();
        assert!(decision.violations.is_empty() && decision.warnings.is_empty(), "it is about deployments");
    }
    let deployments: Value =
        serde_json::from_slice(&std::fs::read(folder.join("deployments.json")).unwrap()).unwrap();
    for object in deployments["items"].as_array().unwrap() {
        let resource = Resource::new("k8s:c/apps/Deployment/n/d", "apps/v1/Deployment", object);
        let assessment = palisade_sdk::check::<Policies>(&config, &[resource]).unwrap();
        let latest = object["spec"]["template"]["spec"]["containers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|container| container["image"].as_str().unwrap().ends_with(":latest"));
        let expected = if latest { CheckStatus::Fail } else { CheckStatus::Pass };
        assert_eq!(assessment.results.iter().map(|r| r.status).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn requests_that_are_none_are_refused() {
    for request in ["", "[]", "1", "{", "\"x\""] {
        assert!(palisade_sdk::review::<Policies>("{}", request.as_bytes()).is_err(), "{request}");
    }
    let empty = palisade_sdk::review::<Policies>(&config_of("gatekeeper"), b"{}").unwrap();
    assert!(empty.violations.is_empty());
    for config in ["{\"policies\": [{\"name\": \"a b\", \"format\": \"rego\"}]}", "{\"other\": 1}"] {
        assert!(palisade_sdk::review::<Policies>(config, b"{}").is_err(), "{config}");
    }
}
