//! Every rule against its fixture, and hostile bodies.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dockerfile_posture::{DockerfilePosture, MANIFEST};
use palisade_sdk::{Assessment, CheckResult, CheckStatus, Resource, Severity};
use serde_json::{Value, json};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    title: String,
    severity: String,
    description: String,
    risk: String,
    remediation: String,
    references: Vec<String>,
    tags: Vec<String>,
}

#[derive(serde::Deserialize)]
struct Manifest {
    rules: Vec<Rule>,
}

/// Dockerfiles that pass, and those that fail with the place.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    #[serde(default)]
    config: Option<Value>,
    pass: Vec<Case>,
    fail: Vec<Case>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    text: String,
    #[serde(default)]
    ignored: Option<Vec<String>>,
    #[serde(default)]
    at: Option<String>,
}

fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn rules() -> Vec<Rule> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(own_folder().join("rules")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    let text: String = std::iter::once(MANIFEST.to_owned()).chain(texts).collect::<Vec<_>>().join("\n");
    toml::from_str::<Manifest>(&text).unwrap().rules
}

fn judge(config: &Value, body: &Value) -> Assessment {
    let resource = Resource::new("dockerfile:x", "dockerfile", body);
    palisade_sdk::check::<DockerfilePosture>(&config.to_string(), &[resource]).unwrap()
}

fn results(rule: &str, fixture: &Fixture, case: &Case) -> (Value, Vec<CheckResult>) {
    let (body, _) = iac::parse_dockerfile(case.text.as_bytes(), case.ignored.clone())
        .unwrap_or_else(|error| panic!("{rule}: {error}"));
    let config = fixture.config.clone().unwrap_or_else(|| json!({}));
    let assessment = judge(&config, &body);
    assert_eq!(assessment.problems, [], "{rule}");
    let of_rule = assessment.results.into_iter().filter(|result| result.rule == rule).collect();
    (body, of_rule)
}

fn faults(rule: &Rule, fixture: &Fixture) -> Vec<String> {
    let mut faults = Vec::new();
    for case in &fixture.pass {
        let (_, results) = results(&rule.id, fixture, case);
        if results.iter().map(|result| result.status).collect::<Vec<_>>() != [CheckStatus::Pass] {
            faults.push(format!("{}: should pass: {:?} gives {results:?}", rule.id, case.text));
        }
    }
    for case in &fixture.fail {
        let (body, results) = results(&rule.id, fixture, case);
        let at = case.at.as_deref().unwrap_or("(none)");
        let right = |result: &CheckResult| {
            let word = match result.severity {
                Severity::Low => "low",
                Severity::Medium => "medium",
                Severity::High => "high",
                _ => "other",
            };
            let evidence: Value = serde_json::from_slice(&result.evidence).unwrap();
            result.status == CheckStatus::Fail
                && word == rule.severity
                && body.pointer(&result.location).is_some()
                && evidence["wanted"] != ""
        };
        if !results.iter().any(|result| result.location == at) || !results.iter().all(right) {
            faults.push(format!("{}: should fail at {at}: {:?} gives {results:?}", rule.id, case.text));
        }
        let secret = results.iter().any(|result| {
            format!("{} {}", result.message, String::from_utf8_lossy(&result.evidence)).contains("hunter2")
        });
        if secret {
            faults.push(format!("{}: the secret is shown", rule.id));
        }
    }
    if fixture.pass.is_empty() || fixture.fail.is_empty() {
        faults.push(format!("{}: at least one case of each is needed", rule.id));
    }
    faults
}

#[test]
fn every_rule_passes_and_fails_as_its_fixture_says() {
    let rules = rules();
    assert!(rules.len() >= 20, "{}", rules.len());
    let mut found = Vec::new();
    for rule in &rules {
        let path = own_folder().join(format!("fixtures/{}.json", rule.id));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
        found.extend(faults(rule, &serde_json::from_str(&text).unwrap()));
    }
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
    let ids: BTreeSet<String> = rules.iter().map(|rule| format!("{}.json", rule.id)).collect();
    let fixtures = std::fs::read_dir(own_folder().join("fixtures")).unwrap();
    let fixtures: BTreeSet<String> =
        fixtures.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(ids, fixtures);
    assert_eq!(ids.len(), rules.len());
}

#[test]
fn every_rule_says_what_it_is_for() {
    for rule in rules() {
        let texts = [&rule.title, &rule.description, &rule.risk, &rule.remediation];
        assert!(texts.iter().all(|text| text.len() > 10 && text.len() < 400), "{}", rule.id);
        assert!(
            !rule.references.is_empty() && rule.references.iter().all(|link| link.starts_with("https://")),
            "{}",
            rule.id
        );
        assert!(!rule.tags.is_empty(), "{}", rule.id);
    }
}

#[test]
fn a_good_file_has_no_failure() {
    let text = "FROM golang:1.25@sha256:00 AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nFROM gcr.io/distroless/static:nonroot@sha256:11\nCOPY --from=build /src/app /app\nUSER 65532\nEXPOSE 8080\nHEALTHCHECK CMD [\"/app\", \"check\"]\nENTRYPOINT [\"/app\"]\n";
    let (body, _) = iac::parse_dockerfile(text.as_bytes(), None).unwrap();
    let assessment = judge(&json!({}), &body);
    let failed: Vec<_> =
        assessment.results.iter().filter(|result| result.status != CheckStatus::Pass).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn hostile_bodies_are_problems_or_nothing() {
    for body in [
        json!(null),
        json!([]),
        json!({ "stages": 5 }),
        json!({ "stages": [{ "instructions": [{ "op": [] }] }] }),
    ] {
        assert_eq!(judge(&json!({}), &body).problems.len(), 1, "{body}");
    }
    // Stages that build on each other in a circle, and on what is not there.
    let circle = json!({ "stages": [{ "from": "a", "base": 1 }, { "from": "b", "base": 0 }, { "from": "c", "base": 9 }] });
    assert_eq!(judge(&json!({}), &circle).problems, []);
    let run = json!({ "op": "RUN", "form": "shell", "text": "curl x | ".repeat(20_000) });
    let long = json!({ "stages": [{ "from": "a", "instructions": [run] }] });
    assert_eq!(judge(&json!({}), &long).problems, []);
}
