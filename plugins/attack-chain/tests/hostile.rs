//! Detections made of strangers' events: bounded, told of, and never a way to join what does not belong together.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

mod support;

use palisade_sdk::Event;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{HOUR, Lane, START, cluster, deployment, detection, exec, in_pod, told, workload};

#[test]
fn what_is_no_detection_is_told_of() {
    let _fakes = cluster(&["web"]).install();
    let raw = |body: &[u8]| Event { body: body.to_vec(), ..Event::new("e", START, "palisade", "", &()) };
    let bodies: [&[u8]; 5] = [b"", b"{", b"null", b"{\"detection\": 7}", b"\xff\xfe"];
    let told = told(&bodies.map(raw));
    assert_eq!(told.problems.len(), 5, "{:?}", told.problems);
    let _fakes = cluster(&["web"]).install();
    let other = support::told(&[Event { source: "falco".to_owned(), ..raw(b"{") }]);
    assert!(other.problems.is_empty() && other.links.is_empty());
}

#[test]
fn nulls_are_not_known() {
    let _fakes = cluster(&["web"]).install();
    let members = ["techniques", "joins", "cluster", "node", "pod", "actor", "api"];
    let nulls: serde_json::Map<String, Value> =
        members.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let told = told(&[detection("a", START, "high", "", "", Value::Object(nulls))]);
    assert_eq!((told.links.len(), told.detections.len(), told.problems.len()), (0, 0, 0));
}

#[test]
fn its_own_detections_are_no_news() {
    let _fakes = cluster(&["web"]).install();
    let mut own = in_pod("a", START, "critical", "web", &["T1611"]);
    own.body = String::from_utf8(own.body)
        .unwrap()
        .replace("palisade.sigma/", "palisade.attack-chain/")
        .into_bytes();
    assert_eq!(told(&[own]), support::Told::default());
}

#[test]
fn names_that_could_be_taken_for_others_join_nothing() {
    let _fakes = cluster(&["web"]).install();
    for name in ["../web", "web@c2", "a/b", "", "x\u{0}y"] {
        let pod = json!({ "pod": { "namespace": name, "name": name, "workload": { "kind": "Deployment", "name": name } }, "joins": [] });
        let told = told(&[detection("a", START, "high", "principal:x", "", pod)]);
        assert!(told.links.is_empty(), "{name:?}: {:?}", told.links);
    }
    let long = "p".repeat(5_000);
    let told = told(&[exec("a", START, &long, "web")]);
    assert!(!told.links.iter().any(|(one, other)| one.len() > 500 || other.len() > 500));
}

#[test]
fn a_flood_of_names_is_forgotten_again_and_ends_in_no_giant() {
    let names: Vec<String> = (0..300).map(|number| format!("w{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fakes = cluster(&names).install();
    let mut lane = Lane::default();
    for (number, name) in names.iter().enumerate() {
        let at = START + number as u64 * support::SECOND;
        lane.run(
            &[
                in_pod(&format!("e{number}"), at, "high", name, &["T1611"]),
                exec(&format!("x{number}"), at, "alice", name),
            ],
            at,
        );
    }
    lane.run(&[], START + 100 * HOUR);
    let joined = names.iter().filter(|name| lane.told.joins(&workload("w0"), &workload(name))).count();
    assert_eq!(joined, 1, "one person and one node joined {joined} workloads");
    assert_eq!(lane.told.of_rule("shared-key").len(), 3);
    assert!(fakes.state().is_empty(), "{} keys are left", fakes.state().len());
}

#[test]
fn an_answer_of_any_size_is_cut() {
    let image = json!({ "id": "x".repeat(5_000), "worst": vec![json!({ "rule": "\u{7}CVE", "exploited": true }); 900] });
    let attributes = json!({ "exposure": { "verdict": "open", "entries": vec![json!({ "path": vec!["a"; 900] }); 900] },
        "image-findings": { "images": vec![image; 100] }, "rights": { "reach": "cluster-admin", "path": vec![json!({ "why": "w" }); 900] } });
    let _fakes = cluster(&["web"]).asset(deployment("web"), &attributes).install();
    let told = told(&[in_pod("a", START, "high", "web", &[])]);
    assert_eq!(told.detections.len(), 2);
    for row in &told.detections {
        assert!(row.5.len() < 60_000 && !row.5.contains("left-out"), "{} bytes", row.5.len());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("kubernetes")),
        Just(json!("pods")),
        Just(json!("principal:a"))
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![
            Just("name".to_owned()),
            Just("uid".to_owned()),
            Just("namespace".to_owned()),
            ".{0,8}"
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect()))
        ]
    })
}

proptest! {
    /// Whatever the members are, there is an answer.
    #[test]
    fn nothing_makes_it_fail(
        members in proptest::collection::btree_map(
            proptest::sample::select(vec!["techniques", "joins", "cluster", "node", "pod", "actor", "api", "detection"]), any_json(), 0..5),
        time in any::<u64>(),
    ) {
        let _fakes = cluster(&["web"]).install();
        let members: Value = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into();
        let mut lane = Lane::default();
        lane.run(&[detection("a", time, "high", "principal:a", "", members)], 0);
        lane.run(&[], u64::MAX);
    }
}
