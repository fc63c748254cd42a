//! The same code compiled natively, over the events of a folder: `cargo run --release -p stateful-correlator --example events -- FOLDER`
//! with `events.jsonl`, one event a line. Prints as JSON how long that took.

use std::path::PathBuf;
use std::time::Instant;

use palisade_sdk::testing::Fakes;
use palisade_sdk::{Event, correlate};
use serde_json::{Value, json};
use stateful_correlator::Counters;

fn event(line: &str) -> Event {
    let read: Value = serde_json::from_str(line).expect("JSON");
    let text = |name: &str| read[name].as_str().expect("text").to_owned();
    Event::new(
        text("id"),
        read["time"].as_u64().expect("a time"),
        &text("source"),
        &text("asset"),
        &read["body"],
    )
}

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("a folder"));
    let lines = std::fs::read_to_string(folder.join("events.jsonl")).expect("events");
    let events: Vec<Event> = lines.lines().map(event).collect();
    let _fakes = Fakes::new().state(1 << 20).install();
    let start = Instant::now();
    let mut detections = 0;
    for batch in events.chunks(512) {
        detections += correlate::<Counters>("{}", batch, &[], 0).expect("a batch").detections.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "events": events.len(), "seconds": seconds, "detections": detections, "problems": 0 })
    );
}
