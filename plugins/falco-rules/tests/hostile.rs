//! Rules and events of strangers: bounded, and whoever is at fault is named.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::fmt::Write as _;

use falco_rules::{FalcoRules, load};
use palisade_sdk::Event;
use proptest::prelude::*;
use serde_json::{Value, json};

fn config(text: &str) -> String {
    json!({ "pack": false, "rules": [rules::falco::rules("f.yaml", text.as_bytes()).unwrap()] }).to_string()
}

fn rule(name: &str, condition: &str) -> String {
    let condition = serde_json::to_string(condition).unwrap();
    format!(
        "- rule: {name}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n  source: k8s_audit\n"
    )
}

/// The one error of a text.
fn error(text: &str) -> String {
    let errors = load(&config(text)).unwrap().errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].clone()
}

fn event(body: &[u8]) -> Event {
    Event { body: body.to_vec(), ..Event::new("e", 1, "kubernetes-audit", "", &()) }
}

#[test]
fn macros_and_lists_in_themselves() {
    let text = format!("- macro: a\n  condition: b\n- macro: b\n  condition: not a\n{}", rule("r", "a"));
    assert!(error(&text).contains("rule r: ") && error(&text).contains("is in itself"), "{}", error(&text));
    let text = format!("- list: a\n  items: [b]\n- list: b\n  items: [a]\n{}", rule("r", "ka.verb in (a)"));
    assert!(error(&text).contains("the list \"a\" is in itself"), "{}", error(&text));
}

#[test]
fn bombs_of_macros_and_lists() {
    let mut text = String::from("- macro: m0\n  condition: ka.verb = x\n- list: l0\n  items: [x]\n");
    for n in 1..40 {
        let below = n - 1;
        writeln!(
            text,
            "- macro: m{n}\n  condition: m{below} and m{below}\n- list: l{n}\n  items: [l{below}, l{below}]"
        )
        .unwrap();
    }
    assert!(error(&format!("{text}{}", rule("r", "m39"))).contains("rule r: with its macros it has"));
    assert!(
        error(&format!("{text}{}", rule("r", "ka.verb in (l39)"))).contains("has more than 100000 values")
    );
    let empty = text.replace("items: [x]", "items: []");
    assert!(
        error(&format!("{empty}{}", rule("r", "ka.verb in (l39)"))).contains("has more than 100000 values")
    );
}

#[test]
fn a_chain_of_macros_is_not_too_deep_for_the_stack() {
    let mut text = String::from("- macro: m0\n  condition: ka.verb = x\n");
    for n in 1..5_000 {
        writeln!(text, "- macro: m{n}\n  condition: not (m{} or ka.verb = y)", n - 1).unwrap();
    }
    assert!(error(&format!("{text}{}", rule("r", "m4999"))).contains("nested more than 250 deep"));
    // Also where each is known when the next is put in.
    let mut chained = text;
    for n in (0..5_000).step_by(100) {
        chained.push_str(&rule(&format!("r{n}"), &format!("m{n}")));
    }
    let errors = load(&config(&chained)).unwrap().errors;
    assert!(errors.iter().all(|error| error.contains("250 deep")) && errors.len() > 40, "{}", errors.len());
}

#[test]
fn regular_expressions_are_bounded() {
    assert!(error(&rule("r", "ka.uri regex '(a{1000}){1000}'")).contains("cannot be used"));
    assert!(error(&rule("r", &format!("ka.uri regex '{}'", "a".repeat(3_000)))).contains("bytes"));
    let catastrophic = rule("r", "ka.uri regex '(a+)+b' or ka.uri glob '*a*a*a*a*a*a*a*a*a*b'");
    let body = json!({ "raw": { "requestURI": "a".repeat(100_000) } }).to_string();
    let told =
        palisade_sdk::correlate::<FalcoRules>(&config(&catastrophic), &[event(body.as_bytes())], &[], 0)
            .unwrap();
    assert!(told.detections.is_empty() && told.problems.is_empty());
}

#[test]
fn a_rule_that_matches_everything_is_bounded() {
    let mut text = String::new();
    for n in 0..150 {
        text.push_str(&rule(&format!("r{n}"), "evt.num > 0"));
    }
    let events: Vec<Event> = (0..512).map(|_| event(b"{\"raw\":{}}")).collect();
    let told = palisade_sdk::correlate::<FalcoRules>(&config(&text), &events, &[], 0).unwrap();
    assert_eq!(told.detections.len(), 8_000);
    assert_eq!(told.problems.len(), 1_000);
    assert!(told.problems[0].message.contains("50 more rules"), "{}", told.problems[0].message);
    assert!(told.problems[999].message.contains("more problems than are told"));
}

#[test]
fn what_is_no_event_is_told_and_the_others_count() {
    let config = config(&rule("r", "ka.verb = get"));
    let bodies: [&[u8]; 7] = [
        b"",
        b"{",
        b"[]",
        b"{\"raw\":null}",
        b"{\"raw\":\"text\"}",
        b"\xff",
        b"{\"raw\":{\"verb\":\"get\"}}",
    ];
    let events: Vec<Event> = bodies.iter().map(|body| event(body)).collect();
    let told = palisade_sdk::correlate::<FalcoRules>(&config, &events, &[], 0).unwrap();
    assert_eq!(told.problems.iter().map(|problem| problem.item).collect::<Vec<_>>(), [0, 1, 2, 3, 5]);
    assert_eq!(told.detections[0].items, [6]);
}

#[test]
fn values_of_strangers_are_cut_and_cannot_steer_a_terminal() {
    let text = rule("r", "ka.verb exists").replace("output: o", "output: '%ka.verb %ka.uri'");
    let body = json!({ "raw": { "verb": "\u{1b}[2J", "requestURI": "é".repeat(100_000) } }).to_string();
    let told =
        palisade_sdk::correlate::<FalcoRules>(&config(&text), &[event(body.as_bytes())], &[], 0).unwrap();
    assert!(told.detections[0].evidence.len() < 16_000);
    let evidence: Value = serde_json::from_slice(&told.detections[0].evidence).unwrap();
    assert!(evidence["output"].as_str().unwrap().starts_with("\u{fffd}[2J éé"));
}

#[test]
fn configurations_that_are_none_are_refused() {
    for config in [
        "",
        "7",
        "{\"other\": 1}",
        "{\"rules\": [{\"items\": [{}]}]}",
        "{\"minimum-priority\": \"loud\"}",
        "{\"rule-ids\": 1}",
    ] {
        assert!(palisade_sdk::correlate::<FalcoRules>(config, &[], &[], 0).is_err(), "{config}");
    }
    // Items that are no mapping, and keys of wrong types, are told.
    let odd = json!({ "pack": false, "rules": [{ "path": "p", "items": [
        { "item": 1 }, { "item": { "rule": 1 } }, { "item": { "list": "l", "items": { } } }, { "item": { "macro": [] } },
        { "item": { "rule": "r", "desc": "d", "condition": [], "output": 1, "priority": "INFO", "source": "okta" } },
        { "item": { "rule": "r", "override": 1 } }, { "item": { "list": "l", "items": [[]] } } ] }] });
    assert!(load(&odd.to_string()).unwrap().errors.len() >= 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_condition_and_no_event_makes_it_panic(
        parts in prop::collection::vec(prop::sample::select(vec!["and", "or", "not", "(", ")", " ", "m", "ka.verb", "ka.user.groups",
            "=", " in ", " glob ", " regex ", "exists", "\"", "'", "\\x41", ",", "tolower(", "val(", " anyof ", "é", "1", "<=", "[a*", "*"]), 0..20),
        body in "[\\[\\]{}:,\"a-c0-2 ]{0,40}",
    ) {
        let text = format!("- macro: m\n  condition: ka.verb exists\n{}", rule("r", &parts.concat()));
        let config = config(&text);
        prop_assert!(load(&config).unwrap().errors.len() <= 1);
        let bodies = [body.clone(), format!("{{\"raw\":{body}}}"), format!("{{\"raw\":{{\"verb\":{body}}}}}")];
        let events: Vec<Event> = bodies.iter().map(|body| event(body.as_bytes())).collect();
        palisade_sdk::correlate::<FalcoRules>(&config, &events, &[], 0).unwrap();
    }
}
