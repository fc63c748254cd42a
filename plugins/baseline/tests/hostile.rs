//! Events of strangers: bounded, and told of where something was lost.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use baseline::Baseline;
use palisade_sdk::testing::Fakes;
use palisade_sdk::{Correlation, Event, correlate};
use proptest::prelude::*;
use serde_json::{Value, json};

const BEGIN: u64 = 1_793_577_600;

fn run(events: &[Event]) -> Correlation {
    correlate::<Baseline>("{}", events, &[], events.last().map_or(0, |event| event.time)).unwrap()
}

fn exec(time: u64, container: &str, digest: &str, binary: &str) -> Event {
    let body = json!({ "source": "tetragon", "kind": "process.exec", "container": { "id": container, "digest": digest },
        "process": { "binary": binary, "parent": { "binary": "/init" } } });
    Event::new(format!("e{time}"), time * 1_000_000_000, "tetragon", "", &body)
}

#[test]
fn random_names_end_in_a_mark_that_is_told_of() {
    let fakes = Fakes::new().state(1 << 28).install();
    let mut problems = Vec::new();
    for batch in 0..40u64 {
        let events: Vec<Event> = (0..500u64)
            .map(|n| {
                let name: String = (0..8)
                    .map(|at| char::from(b'a' + (((batch * 500 + n) * 7_919) >> at) as u8 % 26))
                    .collect();
                exec(
                    BEGIN + batch,
                    "0123456789ab",
                    "sha256:a",
                    &format!("/{name}{}/{name}", ["a", "b", "c"][n as usize % 3]),
                )
            })
            .collect();
        problems.extend(run(&events).problems);
    }
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].message.contains("too many different items of the class process"),
        "{}",
        problems[0].message
    );
    let largest = fakes.state().values().map(Vec::len).max().unwrap();
    assert!(largest < 64 << 10, "{largest}");
}

#[test]
fn many_images_and_containers_are_bounded_and_the_oldest_go() {
    let fakes = Fakes::new().state(1 << 28).install();
    let mut forgotten = 0;
    for batch in 0..8u64 {
        let events: Vec<Event> = (0..500u64)
            .map(|n| {
                let number = batch * 500 + n;
                exec(BEGIN + number * 60, &format!("{number:012x}"), &format!("sha256:{number}"), "/a")
            })
            .collect();
        forgotten +=
            run(&events).problems.iter().filter(|problem| problem.message.contains("were forgotten")).count();
    }
    let profiles = fakes.state().keys().filter(|key| key.starts_with("p/")).count();
    let marks = fakes.state().keys().filter(|key| key.starts_with("p!")).count();
    assert_eq!((profiles, marks), (3_000, 3_000));
    assert!(forgotten >= 2 && fakes.counter("profiles-forgotten") == 1_000);
}

#[test]
fn a_small_grant_forgets_instead_of_failing() {
    let fakes = Fakes::new().state(20_000).install();
    for n in 0..500u64 {
        run(&[exec(BEGIN + n * 3_600, &format!("{n:012x}"), &format!("sha256:{n}"), "/a")]);
    }
    assert!(fakes.state().iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() <= 20_000);
}

#[test]
fn odd_bodies_are_told_of_and_the_others_count() {
    let _fakes = Fakes::new().state(1 << 20).install();
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{\"kind\":5}",
        b"{\"kind\":\"process.exec\",\"process\":[]}",
        b"{\"kind\":\"network.connect\",\"network\":{\"destinationPort\":70000}}",
        b"{\"kind\":\"process.exec\",\"kind\":\"alert\"}",
        b"\xff\xfe",
    ];
    let events: Vec<Event> = bodies
        .iter()
        .map(|body| Event { body: body.to_vec(), ..Event::new("e", 1, "tetragon", "", &()) })
        .chain([Event::new(
            "e",
            1,
            "tetragon",
            "",
            &json!({ "kind": "log", "process": null, "joins": [null] }),
        )])
        .collect();
    let told = run(&events);
    let odd: Vec<_> = told.problems.iter().map(|problem| problem.item).collect();
    assert_eq!(odd, [0, 1, 3, 4, 6, 7, 8], "{:?}", told.problems);
    assert!(told.detections.is_empty());
}

#[test]
fn hostile_texts_never_steer_a_terminal_or_break_a_key() {
    let fakes = Fakes::new().state(1 << 20).install();
    let nasty = ["a/b\u{1b}[31m", "é".repeat(4_000).leak(), "\u{0}", "../../x", " < ", "*"];
    let mut time = BEGIN;
    let mut told = Vec::new();
    for _ in 0..3 {
        for text in nasty {
            time += 4_000;
            let body = json!({ "source": "falco", "kind": "process.exec",
                "container": { "id": text, "digest": text, "image": text, "name": text },
                "pod": { "namespace": text, "name": text, "uid": text, "workload": { "kind": text, "name": text } },
                "process": { "binary": format!("/bin/{time}z{text}"), "arguments": text, "parent": { "binary": text } },
                "file": { "path": text }, "network": { "destinationName": text, "destinationIp": text, "protocol": text } });
            told.extend(run(&[Event::new("e", time * 1_000_000_000, "falco", text, &body)]).detections);
        }
    }
    assert!(!told.is_empty());
    for detection in &told {
        assert!(!detection.title.contains(['\u{1b}', '\u{0}']), "{}", detection.title);
        let evidence: Value = serde_json::from_slice(&detection.evidence).unwrap();
        assert!(evidence["profile"]["key"].as_str().unwrap().len() < 600, "{evidence}");
    }
    assert!(fakes.state().keys().all(|key| key.len() < 100));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_event_and_no_state_makes_it_panic(
        body in prop::collection::vec(any::<u8>(), 0..200), state in prop::collection::vec(any::<u8>(), 0..200),
        time in any::<u64>(), binary in any::<String>(), severity in "[a-z]{0,8}",
    ) {
        let fakes = Fakes::new().state(1 << 20).install();
        let normal = json!({ "kind": "alert", "severity": severity, "rule": { "id": binary }, "container": { "id": binary },
            "process": { "binary": binary, "arguments": binary }, "file": { "path": binary },
            "network": { "destinationName": binary, "destinationPort": 5 } });
        let image = Event::new("i", time, "falco", "", &json!({ "kind": "process.exec", "container": { "digest": "d", "id": "c" },
            "process": { "binary": "/a" } }));
        let events = [image, Event::new("n", time, "falco", "", &normal), Event { body, ..Event::new("b", time, "falco", "", &()) }];
        run(&events);
        let mut again = Fakes::new().state(1 << 20);
        for (key, _) in fakes.state() {
            again = again.entry(key, state.clone());
        }
        let _fakes = again.install();
        run(&events);
    }
}
