//! How many events a second one core compares with profiles, natively: `cargo run --release -p baseline --example events [EVENTS]`.
//!
//! Forty workloads of five containers each, 1.5 kB an event; half are processes, the rest files and connections. Batches have 512 events,
//! and each reads its profiles from the state and writes what changed, as the platform has it.

#![expect(clippy::expect_used, reason = "a program for developers, which may stop at anything odd")]

use std::time::Instant;

use baseline::Baseline;
use palisade_sdk::testing::Fakes;
use palisade_sdk::{Event, correlate};
use serde_json::{Value, json};

fn event(number: usize) -> Event {
    let (workload, replica, what) = (number % 40, number / 40 % 5, number / 200);
    let shown = match what % 4 {
        0 | 1 => json!({ "kind": "process.exec", "process": { "execId": format!("n:{number}"), "pid": number,
            "binary": format!("/usr/bin/tool-{}", char::from(b'a' + (what % 20) as u8)), "uid": 0,
            "arguments": format!("-c run --level {number} --output /var/lib/app/{number}.json"),
            "parent": { "binary": "/usr/sbin/server", "pid": 1 } } }),
        2 => {
            json!({ "kind": "file.access", "file": { "path": format!("/var/lib/app/{number}/{}.json", what % 9) } })
        }
        _ => json!({ "kind": "network.connect", "network": { "protocol": "tcp", "destinationPort": 443,
            "destinationIp": format!("10.0.{}.{}", what % 12, number % 250) } }),
    };
    let mut body = json!({
        "source": "tetragon", "node": "node-1",
        "container": { "id": format!("{workload:06x}{replica:06x}"), "name": "web", "image": "r/web:1",
            "digest": format!("sha256:{workload:064x}") },
        "pod": { "namespace": "shop", "name": format!("web-{replica}"), "uid": "11111111-2222-3333-4444-555555555555",
            "workload": { "kind": "Deployment", "name": format!("web-{workload}") } },
        "joins": [format!("container:{workload:06x}{replica:06x}"), format!("workload:shop/Deployment/web-{workload}@c")],
        "raw": { "process_exec": { "process": { "flags": "x".repeat(700), "exec_id": "bm9kZTo=", "auid": 0 } } },
    });
    if let (Some(body), Value::Object(shown)) = (body.as_object_mut(), shown) {
        body.extend(shown);
    }
    Event::new(
        format!("e{number}"),
        1_793_577_600_000_000_000 + number as u64 * 5_000_000,
        "tetragon",
        "asset",
        &body,
    )
}

fn main() {
    let count = std::env::args().nth(1).map_or(200_000, |word| word.parse().expect("a number"));
    let events: Vec<Event> = (0..count).map(event).collect();
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    let fakes = Fakes::new().state(1 << 28).install();
    let start = Instant::now();
    let (mut detections, mut problems) = (0, 0);
    for batch in events.chunks(512) {
        let told = correlate::<Baseline>("{}", batch, &[], 0).expect("a batch");
        detections += told.detections.len();
        problems += told.problems.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    let state: usize = fakes.state().values().map(Vec::len).sum();
    println!(
        "{count} events of {} bytes, {detections} detections, {problems} problems, {state} bytes of state: {:.0} events/s",
        bytes / count.max(1),
        count as f64 / seconds
    );
}
