//! The answer does not depend on how events are cut into batches, and is what the definition of each correlation says.

use palisade_sdk::testing::Fakes;
use palisade_sdk::{Event, Timer, correlate};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{RULES, Sigma};

const SECOND: u64 = 1_000_000_000;

/// Two rules over actions, and correlations of every type over them.
fn config() -> String {
    let rule = |name: &str| json!({ "name": name, "logsource": { "product": "github" }, "detection": { "s": { "action": name }, "condition": "s" } });
    let correlation = |name: &str, said: Value| json!({ "name": name, "correlation": said });
    let said = |kind: &str, rules: &[&str], condition: Value| json!({ "type": kind, "rules": rules, "group-by": ["who"], "timespan": "10s", "condition": condition });
    let rules = json!([
        rule("a"),
        rule("b"),
        correlation("many", said("event_count", &["a"], json!({ "gte": 3 }))),
        correlation("few", said("event_count", &["a"], json!({ "lt": 3 }))),
        correlation("just", said("event_count", &["a"], json!({ "eq": 2 }))),
        correlation("values", said("value_count", &["a", "b"], json!({ "gte": 3, "field": "what" }))),
        correlation("few-values", said("value_count", &["b"], json!({ "lte": 1, "field": "what" }))),
        correlation(
            "both",
            json!({ "type": "temporal", "rules": ["a", "b"], "group-by": ["who"], "timespan": "5s" })
        ),
        correlation(
            "a-not-b",
            json!({ "type": "temporal", "rules": ["a", "b"], "group-by": ["who"], "timespan": "5s", "condition": "a and not b" })
        ),
        correlation(
            "first-a",
            json!({ "type": "temporal_ordered", "rules": ["a", "b"], "group-by": ["who"], "timespan": "5s", "generate": true })
        ),
        correlation(
            "of-many",
            json!({ "type": "temporal_ordered", "rules": ["many", "few"], "group-by": ["who"], "timespan": "1m", "generate": true })
        ),
    ]);
    json!({ "packs": [], "rules": rules }).to_string()
}

fn event(place: usize, time: u64, action: &str, who: &str, what: u8) -> Event {
    let body = json!({ "kind": "api.call", "raw": { "action": action, "who": who, "what": what } });
    Event::new(format!("e{place}"), time * SECOND, "github", "asset", &body)
}

/// Runs events cut into batches of these sizes; gives what was told, without where in its batch the proof stands.
fn told(events: &[Event], sizes: &[usize]) -> Vec<String> {
    told_in("everything", events, sizes)
}

fn told_in(lane: &str, events: &[Event], sizes: &[usize]) -> Vec<String> {
    // Single events need no state, so that none is granted.
    let _fakes = Fakes::new().state(if lane == "single-events" { 0 } else { 1 << 24 }).install();
    let mut config: Value = serde_json::from_str(&config()).unwrap();
    config["lane"] = json!(lane);
    let config = config.to_string();
    let mut timers: Vec<Timer> = Vec::new();
    let mut all = Vec::new();
    let mut rest = events;
    let mut sizes = sizes.iter().cycle();
    loop {
        let size = (*sizes.next().unwrap()).clamp(1, rest.len().max(1)).min(rest.len());
        let (batch, after) = rest.split_at(size);
        // Nothing earlier than the next event follows.
        let watermark = after.first().map_or(1_000_000 * SECOND, |next| next.time);
        let (mut due, later): (Vec<Timer>, Vec<Timer>) =
            timers.into_iter().partition(|timer| timer.time <= watermark);
        due.sort_by(|a, b| (a.time, &a.key).cmp(&(b.time, &b.key)));
        timers = later;
        let answer = correlate::<Sigma>(&config, batch, &due, watermark).unwrap();
        assert!(answer.problems.is_empty(), "{:?}", answer.problems);
        for timer in answer.timers {
            timers.retain(|known| known.key != timer.key);
            timers.push(timer);
        }
        all.extend(answer.detections.iter().map(|detection| {
            let evidence = String::from_utf8(detection.evidence.clone()).unwrap();
            format!("{} {} {evidence}", detection.asset, detection.title)
        }));
        rest = after;
        if rest.is_empty() && !timers.iter().any(|timer| timer.time <= watermark) {
            break;
        }
    }
    all.sort();
    all
}

fn names(events: &[Event]) -> Vec<String> {
    let mut names: Vec<String> =
        told(events, &[1_000]).iter().map(|told| told.split(' ').nth(1).unwrap().to_owned()).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_cut_changes_the_answer(
        steps in prop::collection::vec((0u64..6, 0..2usize, 0..2usize, 0u8..4), 1..60),
        sizes in prop::collection::vec(1usize..9, 1..6),
    ) {
        let mut time = 100;
        let events: Vec<Event> = steps.iter().enumerate().map(|(place, (pause, action, who, what))| {
            time += pause;
            event(place, time, ["a", "b"][*action], ["x", "y"][*who], *what)
        }).collect();
        let whole = told(&events, &[1_000]);
        prop_assert_eq!(&told(&events, &sizes), &whole);
        prop_assert_eq!(&told(&events, &[1]), &whole);
    }

    #[test]
    fn two_lanes_together_are_the_whole(
        steps in prop::collection::vec((0u64..6, 0..2usize, 0..2usize, 0u8..4), 1..60),
    ) {
        let mut time = 100;
        let events: Vec<Event> = steps.iter().enumerate().map(|(place, (pause, action, who, what))| {
            time += pause;
            event(place, time, ["a", "b"][*action], ["x", "y"][*who], *what)
        }).collect();
        let mut parts = told_in("single-events", &events, &[7]);
        parts.extend(told_in("correlations", &events, &[7]));
        parts.sort();
        prop_assert_eq!(parts, told(&events, &[7]));
    }

    /// A window is the span up to an event: what is told first is told at the first event at which a recount of all events says so.
    #[test]
    fn a_recount_says_the_same(steps in prop::collection::vec((0u64..6, 0u8..4), 1..40)) {
        let mut time = 100;
        let mut events = Vec::new();
        for (place, (pause, what)) in steps.iter().enumerate() {
            time += pause;
            events.push((event(place, time, "a", "x", *what), time, *what));
        }
        let full = |upto: usize, distinct: bool| {
            let now = events[upto].1;
            let within: Vec<u8> = events[..=upto].iter().filter(|e| e.1 + 10 >= now).map(|e| e.2).collect();
            let values: std::collections::BTreeSet<u8> = within.iter().copied().collect();
            if distinct { values.len() >= 3 } else { within.len() >= 3 }
        };
        let plain: Vec<Event> = events.iter().map(|e| e.0.clone()).collect();
        for (name, distinct) in [("many", false), ("values", true)] {
            let mut wanted = 0;
            let mut last: Option<u64> = None;
            for (place, one) in events.iter().enumerate() {
                let now = one.1;
                if full(place, distinct) && last.is_none_or(|last| last + 10 < now) {
                    wanted += 1;
                    last = Some(now);
                }
            }
            // "many" is only heard by another correlation, which is told of through generate.
            prop_assert_eq!(names(&plain).iter().filter(|told| *told == name).count(), wanted, "{}", name);
        }
    }
}

#[test]
fn each_type_tells_when_it_should() {
    let at = |steps: &[(u64, &str)]| -> Vec<Event> {
        steps.iter().enumerate().map(|(place, (time, action))| event(place, *time, action, "x", 1)).collect()
    };
    let has = |steps: &[(u64, &str)], name: &str| names(&at(steps)).iter().any(|told| told == name);
    assert!(has(&[(0, "a"), (5, "a"), (10, "a")], "many"));
    assert!(!has(&[(0, "a"), (5, "a"), (11, "a")], "many"));
    assert!(has(&[(0, "a"), (5, "a")], "just") && !has(&[(0, "a")], "just"));
    assert!(has(&[(0, "a")], "few") && !has(&[(0, "a"), (1, "a"), (2, "a")], "few"));
    assert!(has(&[(0, "b"), (5, "a")], "both") && !has(&[(0, "b"), (6, "a")], "both"));
    assert!(has(&[(0, "a"), (5, "b")], "first-a") && !has(&[(0, "b"), (5, "a")], "first-a"));
    assert!(has(&[(0, "a")], "a-not-b") && !has(&[(0, "b"), (1, "a")], "a-not-b"));
    assert!(has(&[(0, "a"), (1, "a"), (2, "a"), (20, "a")], "of-many"));
}

#[test]
fn what_cannot_be_used_is_told_by_name() {
    let _fakes = Fakes::new().state(1 << 20).install();
    let said = |name: &str, detection: Value| json!({ "name": name, "logsource": { "product": "okta" }, "detection": detection });
    let values: Vec<Value> = (0..20_000).map(|n| json!(n.to_string())).collect();
    let rules = json!([
        said("modifier", json!({ "s": { "a|nonsense": 1 }, "condition": "s" })),
        said("regex", json!({ "s": { "a|re": "(a{1000}){1000}" }, "condition": "s" })),
        said(
            "deep",
            json!({ "s": { "a": 1 }, "condition": format!("{}s{}", "(".repeat(500), ")".repeat(500)) })
        ),
        said("million", json!({ "s": { "a": values }, "condition": "s" })),
        said("missing", json!({ "s": { "a": 1 }, "condition": "t" })),
        json!({ "name": "nowhere", "logsource": { "product": "windows", "category": "registry_set" }, "detection": { "s": { "a": 1 }, "condition": "s" } }),
        json!({ "name": "circle", "correlation": { "type": "temporal", "rules": ["circle"], "timespan": "1m" } }),
        json!({ "name": "fine", "logsource": { "product": "okta" }, "detection": { "s": { "a": "*" }, "condition": "s" } }),
        json!(7),
    ]);
    let config = json!({ "packs": [], "rules": rules }).to_string();
    let asked = Event::new("q", 1, "palisade", "", &json!({ "kind": RULES }));
    let hit = Event::new("h", 1, "okta", "", &json!({ "kind": "api.call", "raw": { "a": 5 } }));
    let answer = correlate::<Sigma>(&config, &[asked, hit], &[], 1).unwrap();
    for name in ["modifier", "regex", "deep", "million", "missing", "nowhere", "circle"] {
        let told = answer.problems.iter().any(|problem| problem.message.contains(&format!("{name:?}")));
        assert!(told, "{name}: {:?}", answer.problems);
    }
    assert_eq!(answer.problems.len(), 8);
    assert_eq!(answer.detections.len(), 1, "a rule that cannot be used costs only itself");
}
