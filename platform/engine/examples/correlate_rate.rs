//! How many events a second a correlator judges in the sandbox, as the service runs it: `cargo run --release --package engine --example
//! correlate_rate -- COMPONENT FOLDER`. The folder has `events.jsonl`, one event a line (`id`, `time`, `source`, `asset`, `body`), and maybe
//! `config.json`. Prints as JSON how long that took; the first batch, in which a plugin reads its configuration, is not timed.

#![allow(missing_docs, reason = "an example")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use engine::correlate::{CorrelatorPlugin, Correlators, EmptyState};
use host::kinds::Event;
use host::{Host, HostOptions};
use model::TenantId;
use serde_json::{Value, json};

/// Events that are judged together, as many as the service does.
const BATCH: usize = 4_096;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let component = arguments.next().ok_or("the component is missing")?;
    let folder = arguments.next().ok_or("the folder is missing")?;
    let host = Host::new(HostOptions { kept_instances: 1, ..HostOptions::default() })?;
    let plugin = host.load(&std::fs::read(component)?)?;
    let rights = plugin.manifest().asked();
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap_or_else(|_| "{}".to_owned());
    let one = CorrelatorPlugin { plugin, rights, config: Arc::from(config) };
    let mut correlators = Correlators::new(vec![one], &TenantId::default_tenant(), Arc::new(EmptyState));
    let events = events(&folder)?;
    let (first, rest) = events.split_at(BATCH.min(events.len()));
    let warm = judge(&mut correlators, first);
    let start = Instant::now();
    let told = rest.chunks(BATCH).map(|batch| judge(&mut correlators, batch));
    let (detections, problems) = told.fold(warm, |all, one| (all.0 + one.0, all.1 + one.1));
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "events": rest.len(), "seconds": seconds, "detections": detections, "problems": problems })
    );
    Ok(())
}

/// Detections of a batch, and gaps.
fn judge(correlators: &mut Correlators, batch: &[Event]) -> (usize, usize) {
    let watermark = batch.last().map_or(0, |event| event.time);
    let came = correlators.judge(batch, watermark);
    (came.detections.len(), came.gaps.len())
}

fn events(folder: &Path) -> Result<Vec<Event>, Box<dyn Error>> {
    let lines = std::fs::read_to_string(folder.join("events.jsonl"))?;
    lines.lines().map(event).collect()
}

fn event(line: &str) -> Result<Event, Box<dyn Error>> {
    let read: Value = serde_json::from_str(line)?;
    let text = |name: &str| read.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Event {
        id: text("id"),
        time: read.get("time").and_then(Value::as_u64).ok_or("an event has no time")?,
        source: text("source"),
        asset: text("asset"),
        body: serde_json::to_vec(read.get("body").unwrap_or(&Value::Null))?,
    })
}
