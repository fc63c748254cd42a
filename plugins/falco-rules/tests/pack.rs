//! The built-in rules: all of them load, each has events that it matches and events that it does not, and the manifest knows them.
//!
//! `PALISADE_WRITE_MANIFEST=1 cargo test -p falco-rules --test pack` writes `rules/pack.toml` anew.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use falco_rules::{FalcoRules, MANIFEST, event_source, load, rule_id};
use palisade_sdk::{Event, Severity};
use rules::{TestEvent, TestFile};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

/// Files of rules, or of tests, by name.
fn files(tests: bool) -> Vec<(String, Vec<u8>)> {
    let names =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| name.ends_with(".yaml") && rules::TestFile::is(name) == tests).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), std::fs::read(folder().join(name)).unwrap())).collect()
}

/// The rules as they are written, by name.
fn written() -> BTreeMap<String, Value> {
    let mut rules = BTreeMap::new();
    for (name, bytes) in files(false) {
        let file = rules::falco::rules(&name, &bytes).unwrap();
        for item in file["items"].as_array().unwrap() {
            let item = item["item"].clone();
            if let Some(rule) = item["rule"].as_str().map(str::to_owned) {
                assert!(rules.insert(rule.clone(), item).is_none(), "{rule} is there twice");
            }
        }
    }
    rules
}

fn told(event: &TestEvent) -> Vec<(String, Severity, Value)> {
    let event = Event::new(&event.id, event.time, &event.source, "asset", &event.body);
    let correlation = palisade_sdk::correlate::<FalcoRules>("{}", &[event], &[], 0).unwrap();
    assert!(correlation.problems.is_empty(), "{:?}", correlation.problems);
    let told = correlation.detections.into_iter();
    told.map(|detection| {
        (detection.rule, detection.severity, serde_json::from_slice(&detection.evidence).unwrap())
    })
    .collect()
}

#[test]
fn every_rule_loads() {
    let loaded = load("{}").unwrap();
    assert_eq!((loaded.errors, loaded.warnings, loaded.elsewhere), (Vec::new(), Vec::new(), Vec::new()));
    assert!(loaded.rules.len() >= 60, "{}", loaded.rules.len());
    for source in ["k8s_audit", "aws_cloudtrail", "gcp_auditlog", "okta", "github"] {
        assert!(loaded.rules.iter().filter(|(_, of)| of == source).count() >= 8, "{source}");
    }
}

#[test]
fn every_rule_matches_what_it_should_and_nothing_else() {
    let rules = written();
    let mut tested: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for (name, bytes) in files(true) {
        for case in TestFile::read(&name, &bytes).unwrap().cases {
            let rule = rules.get(&case.rule).unwrap_or_else(|| panic!("{name}: no rule {}", case.rule));
            let events = case.events(event_source(rule["source"].as_str().unwrap()).unwrap());
            for event in &events {
                let told = told(event);
                let found = told.iter().find(|(_, _, evidence)| evidence["rule"] == case.rule.as_str());
                assert_eq!(found.is_some(), case.matches, "{name}: {}: {}", case.rule, event.body);
                let Some((id, _, evidence)) = found else { continue };
                assert_eq!(*id, rule_id(&case.rule));
                let output = evidence["output"].as_str().unwrap();
                assert!(!output.is_empty() && !output.contains('%'), "{output}");
                assert!(!evidence["techniques"].as_array().unwrap().is_empty(), "{}", case.rule);
                assert!(!evidence["fields"].as_object().unwrap().is_empty(), "{}", case.rule);
            }
            *tested.entry((case.rule, case.matches)).or_default() += events.len();
        }
    }
    for rule in rules.keys() {
        for matches in [true, false] {
            assert!(
                tested.contains_key(&(rule.clone(), matches)),
                "{rule}: no event with matches: {matches}"
            );
        }
    }
}

fn severity(priority: &str) -> &'static str {
    match priority {
        "CRITICAL" => "critical",
        "ERROR" => "high",
        "WARNING" => "medium",
        "NOTICE" => "low",
        other => panic!("{other}"),
    }
}

/// The manifest's part about the pack.
fn manifest() -> String {
    let mut text = String::from("# Written by the test `pack` out of rules/*.yaml.\n");
    for (name, rule) in written() {
        let severity = severity(rule["priority"].as_str().unwrap());
        let quoted = |value: &Value| value.to_string();
        text.push_str(&format!(
            "\n[[rules]]\nid = {:?}\ntitle = {}\nseverity = {severity:?}\ndescription = {}\ntags = {}\n",
            rule_id(&name),
            quoted(&rule["rule"]),
            quoted(&json!(rule["desc"].as_str().unwrap().trim())),
            quoted(&rule["tags"]),
        ));
    }
    text
}

#[test]
fn the_manifest_has_every_rule_of_the_pack() {
    let path = folder().join("pack.toml");
    let text = manifest();
    if std::env::var_os("PALISADE_WRITE_MANIFEST").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "rules/pack.toml is out of date");
    let whole: toml::Table = toml::from_str(&format!("{MANIFEST}\n{text}")).unwrap();
    let ids: Vec<&str> =
        whole["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "two rules have one id");
    for id in ["k8s-audit", "aws-cloudtrail", "gcp-auditlog", "okta", "github"] {
        assert!(ids.contains(&id));
    }
}
