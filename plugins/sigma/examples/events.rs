//! Evaluates 3,000 generated rules, in the shape of the public corpus, over generated events, and prints as JSON how long that took:
//! `cargo run --release -p sigma --example events [--write FOLDER] [RULES [EVENTS]]`. With `--write` the same rules and events are left
//! in a folder for others to judge: `config.json`, and `events.jsonl` with one event a line.

#![expect(clippy::expect_used, reason = "a program for developers, which may stop at anything odd")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use palisade_sdk::testing::Fakes;
use palisade_sdk::{Event, correlate};
use serde_json::{Value, json};
use sigma::Sigma;

/// A rule as most of the corpus are: some ends of an image, some parts of a command line, a filter; some of a cloud's calls.
fn rule(number: usize) -> Value {
    let word = |salt: usize| format!("{:x}", (number * 7_919 + salt * 104_729) % 1_000_003 + 65_536);
    let (log_source, detection) = match number % 10 {
        0..=5 => (
            json!({ "product": "linux", "category": "process_creation" }),
            json!({
                "image": { "Image|endswith": [format!("/tool-{}", number % 400), format!("/{}", word(1))] },
                "line": { "CommandLine|contains": [format!(" --{}", word(2)), format!("{}.sh", word(3)), word(4)] },
                "filter": { "ParentImage|endswith": "/systemd" },
                "condition": "image and line and not filter",
            }),
        ),
        6 => (
            json!({ "product": "linux", "category": "process_creation" }),
            json!({
                "s": { "CommandLine|contains|all": [word(5), " -c "] },
                "t": { "CommandLine|re": format!("(?i){}\\s+[0-9a-f]{{8}}", word(6)) },
                "condition": "1 of them",
            }),
        ),
        7 | 8 => (
            json!({ "product": "aws", "service": "cloudtrail" }),
            json!({
                "s": { "eventSource": "iam.amazonaws.com", "eventName": [format!("Put{}", word(7)), format!("Set{}", word(8))] },
                "filter": { "errorCode|exists": true },
                "condition": "s and not filter",
            }),
        ),
        _ => (
            json!({ "product": "kubernetes", "service": "audit" }),
            json!({
                "s": { "verb": ["create", "patch"], "objectRef.resource": format!("things-{}", word(9)) },
                "condition": "s",
            }),
        ),
    };
    json!({ "name": format!("generated-{number}"), "level": "medium", "logsource": log_source, "detection": detection })
}

fn event(number: usize) -> Event {
    let padding = "x".repeat(600);
    let (source, body) = match number % 4 {
        0 | 1 => (
            "tetragon",
            json!({
                "source": "tetragon", "kind": "process.exec", "node": "node-1",
                "container": { "id": "0123456789ab", "name": "web", "image": "registry.example/web:1" },
                "pod": { "namespace": "shop", "name": "web-1", "uid": "11111111-2222-3333-4444-555555555555" },
                "process": { "binary": format!("/usr/bin/tool-{}", number % 400), "uid": 0, "pid": number,
                    "arguments": format!("-c run --level {number} --output /var/lib/app/{number}.json --name worker"),
                    "parent": { "binary": "/usr/bin/containerd-shim", "pid": 1 } },
                "raw": { "process_exec": { "process": { "flags": padding, "exec_id": "bm9kZTo=", "auid": 0 } } },
                "joins": ["container:0123456789ab", "pod:11111111-2222-3333-4444-555555555555"],
            }),
        ),
        2 => (
            "cloudtrail",
            json!({ "source": "cloudtrail", "kind": "api.call", "raw": {
                "eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "awsRegion": "eu-west-1",
                "userIdentity": { "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/app/i" },
                "requestParameters": { "text": padding }, "sourceIPAddress": "198.51.100.4" } }),
        ),
        _ => (
            "kubernetes-audit",
            json!({ "source": "kubernetes-audit", "kind": "api.call", "raw": {
                "verb": "create", "objectRef": { "resource": "leases", "namespace": "kube-system", "name": "n" },
                "user": { "username": "system:node:n1" }, "responseStatus": { "code": 200 },
                "requestObject": { "spec": { "text": padding } } } }),
        ),
    };
    Event::new(format!("e{number}"), number as u64 * 1_000_000, source, "asset", &body)
}

/// Leaves what is judged for others to judge.
fn write(folder: &Path, config: &str, events: &[Event]) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("config.json"), config).expect("room for the configuration");
    let lines = events.iter().fold(String::new(), |mut lines, event| {
        let body: Value = serde_json::from_slice(&event.body).expect("JSON of our own");
        let line = json!({ "id": event.id, "time": event.time, "source": event.source, "asset": event.asset, "body": body });
        writeln!(lines, "{line}").expect("a string has room");
        lines
    });
    std::fs::write(folder.join("events.jsonl"), lines).expect("room for the events");
}

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = (arguments.first().map(String::as_str) == Some("--write"))
        .then(|| arguments.drain(..2).nth(1))
        .flatten();
    let mut numbers = arguments.iter().map(|word| word.parse::<usize>().expect("a number"));
    let (rules, count) = (numbers.next().unwrap_or(3_000), numbers.next().unwrap_or(100_000));
    let config = json!({ "rules": (0..rules).map(rule).collect::<Vec<_>>() }).to_string();
    let events: Vec<Event> = (0..count).map(event).collect();
    if let Some(folder) = folder {
        write(Path::new(&folder), &config, &events);
    }
    let _fakes = Fakes::new().state(1 << 28).install();
    correlate::<Sigma>(&config, &[], &[], 0).expect("rules");
    let start = Instant::now();
    let (mut detections, mut problems) = (0, 0);
    for batch in events.chunks(512) {
        let told = correlate::<Sigma>(&config, batch, &[], 0).expect("a batch");
        detections += told.detections.len();
        problems += told.problems.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "events": count, "seconds": seconds, "detections": detections, "problems": problems })
    );
}
