//! Every case beside the packs, natively, as `palisade rules test` runs it: the platform's crate reads the files and judges the answers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use palisade_sdk::testing::Fakes;
use palisade_sdk::{Correlation, Event, correlate};
use rules::sigma::{Document, alone, config, read, source_of};
use rules::{Case, TestFile};
use serde_json::Value;
use sigma::{RULES, Sigma};

fn files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn documents() -> Vec<Document> {
    let of = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        if TestFile::is(name) { Vec::new() } else { read(name, &std::fs::read(path).unwrap()).unwrap() }
    };
    files().iter().flat_map(of).collect()
}

fn cases() -> Vec<Case> {
    let of = |path: &PathBuf| {
        let name = path.to_str().unwrap();
        if TestFile::is(name) {
            TestFile::read(name, &std::fs::read(path).unwrap()).unwrap().cases
        } else {
            Vec::new()
        }
    };
    files().iter().flat_map(of).collect()
}

fn source(documents: &[&Document]) -> &'static str {
    documents.iter().find_map(|document| source_of(&document.value)).unwrap_or("tetragon")
}

fn run(config: &str, case: &Case, source: &str) -> Vec<String> {
    let _fakes = Fakes::new().state(1 << 20).install();
    let events: Vec<Event> = case
        .events(source)
        .into_iter()
        .map(|event| Event::new(event.id, event.time, event.source, "asset", &event.body))
        .collect();
    let told: Correlation = correlate::<Sigma>(config, &events, &[], u64::MAX).unwrap();
    assert!(told.problems.is_empty(), "{}: {:?}", case.rule, told.problems);
    let name = |evidence: &[u8]| {
        let evidence: Value = serde_json::from_slice(evidence).unwrap();
        evidence["ruleName"].as_str().unwrap().to_owned()
    };
    told.detections.iter().map(|detection| name(&detection.evidence)).collect()
}

#[test]
fn every_case_comes_out_as_it_says() {
    let documents = documents();
    let mut wrong = Vec::new();
    for case in cases() {
        let needed = alone(&documents, &case.rule);
        assert!(!needed.is_empty(), "no rule is named {}", case.rule);
        let config = config(needed.iter().copied(), false).to_string();
        let told = run(&config, &case, source(&needed));
        wrong.extend(case.judge(told.iter().map(String::as_str)));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_rule_has_cases_that_fit_and_that_do_not() {
    let cases = cases();
    for document in documents() {
        let name = document.value["name"].as_str().unwrap();
        for wanted in [true, false] {
            let there = cases.iter().any(|case| case.rule == name && case.matches == wanted);
            assert!(there, "{name} has no case with matches: {wanted}");
        }
    }
}

#[test]
fn the_packs_are_whole_and_tagged() {
    let documents = documents();
    assert!(documents.len() >= 80, "{}", documents.len());
    let mut ids = BTreeSet::new();
    let mut techniques = BTreeSet::new();
    for document in &documents {
        let value = &document.value;
        assert!(ids.insert(value["id"].as_str().unwrap().to_owned()), "{}", value["id"]);
        let tags = value["tags"].as_array().unwrap();
        let own: Vec<&str> =
            tags.iter().filter_map(Value::as_str).filter(|tag| tag.starts_with("attack.t1")).collect();
        assert!(!own.is_empty(), "{} names no technique", value["name"]);
        techniques.extend(own.iter().map(|tag| (*tag).to_owned()));
        for key in ["description", "level", "title"] {
            assert!(value[key].as_str().is_some_and(|text| !text.is_empty()), "{}: {key}", value["name"]);
        }
    }
    for wanted in [
        "t1609",
        "t1610",
        "t1611",
        "t1612",
        "t1613",
        "t1525",
        "t1552.007",
        "t1053.007",
        "t1543.005",
        "t1204.003",
        "t1098.006",
    ] {
        assert!(techniques.contains(&format!("attack.{wanted}")), "no rule is about {wanted}");
    }
}

#[test]
fn what_is_built_in_can_all_be_used() {
    let _fakes = Fakes::new().state(1 << 20).install();
    let asked = Event::new("a", 1, "palisade", "", &serde_json::json!({ "kind": RULES }));
    let told = correlate::<Sigma>("{}", &[asked], &[], 1).unwrap();
    assert!(told.problems.is_empty(), "{:?}", told.problems);
}

#[test]
fn all_rules_together_tell_what_each_tells_alone() {
    let documents = documents();
    let silent: BTreeSet<String> = documents
        .iter()
        .filter(|document| document.value.pointer("/correlation/generate") != Some(&Value::Bool(true)))
        .filter_map(|document| document.value.pointer("/correlation/rules"))
        .flat_map(|rules| rules.as_array().unwrap().iter().map(|rule| rule.as_str().unwrap().to_owned()))
        .collect();
    for case in cases().iter().filter(|case| !silent.contains(&case.rule)) {
        let told = run("{}", case, source(&alone(&documents, &case.rule)));
        assert_eq!(case.judge(told.iter().map(String::as_str)), None);
    }
}
