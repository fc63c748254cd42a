//! What one changed object of a followed cluster costs, with what is judged again: `cargo run --release --package palisade --example
//! changed_object -- FOLDER COMPONENT...`, with the objects of a cluster and the components that judge it. Asked: less than 50 ms.

#![allow(missing_docs, reason = "an example")]
#![allow(dead_code, reason = "of the module that it shares with the program it uses what it measures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::{Change, Live, read_files, read_object};
use engine::posture::PosturePlugin;
use host::{Host, HostOptions, Kind};
use serde_json::{Value, json};

#[path = "../src/followed.rs"]
mod followed;

/// Threads that judge.
const THREADS: usize = 2;
/// Objects of a kind that are changed, each three times.
const OF_KIND: usize = 25;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("the folder of the objects is missing")?;
    let host = Host::new(HostOptions::default())?;
    let mut plugins = Vec::new();
    for component in arguments {
        let plugin = host.load(&std::fs::read(component)?)?;
        let rights = plugin.manifest().asked();
        if plugin.manifest().declares(Kind::Posture) {
            plugins.push(PosturePlugin { plugin, rights, config: Arc::from("{}"), policy: None });
        }
    }
    let start = Instant::now();
    let snapshot = read_files(std::slice::from_ref(&folder), "example")?;
    println!("read {} objects: {:.2} s", snapshot.objects().count(), start.elapsed().as_secs_f64());
    let start = Instant::now();
    let mut live = Live::new(snapshot, "example");
    let mut standing = followed::begin(&live, plugins);
    println!("graph: {:.2} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let judged = standing.judge_again(THREADS);
    println!("judged {} objects: {:.2} s; peak {} MiB", judged.len(), start.elapsed().as_secs_f64(), peak());
    println!("{:<40} {:>8} {:>9} {:>9} {:>13}", "kind", "changes", "p50 ms", "worst ms", "judged, most");
    let mut all: Vec<Duration> = Vec::new();
    for (kind, values) in sources(&folder)? {
        let (mut times, mut most) = (Vec::new(), 0);
        for value in &values {
            for change in changes(value)? {
                let start = Instant::now();
                let changed = live.apply(change);
                followed::hand_on(&live, &changed, &mut standing);
                let judged = standing.judge_again(THREADS);
                times.push(start.elapsed());
                most = most.max(judged.len());
            }
        }
        times.sort();
        all.extend(&times);
        let (half, worst) = (at(&times, 50), times.last().copied().unwrap_or_default());
        println!("{kind:<40} {:>8} {:>9.1} {:>9.1} {most:>13}", times.len(), ms(half), ms(worst));
    }
    all.sort();
    let worst = all.last().copied().unwrap_or_default();
    println!(
        "all: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms; asked: 50 ms",
        ms(at(&all, 50)),
        ms(at(&all, 99)),
        ms(worst)
    );
    Ok(())
}

/// Some objects of every kind, as they stand in the files.
fn sources(folder: &Path) -> Result<BTreeMap<String, Vec<Value>>, Box<dyn Error>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let mut list: Value = serde_json::from_slice(&std::fs::read(path)?)?;
        let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) else { continue };
        let step = (items.len() / OF_KIND).max(1);
        for value in items.into_iter().step_by(step).take(OF_KIND) {
            if let Ok(object) = read_object(value.clone()) {
                all.entry(object.kind.to_string()).or_default().push(value);
            }
        }
    }
    Ok(all)
}

/// An object with another label, gone, and back.
fn changes(value: &Value) -> Result<[Change; 3], Box<dyn Error>> {
    let mut varied = value.clone();
    if let Some(metadata) = varied.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        metadata.insert("labels".to_owned(), json!({ "varied": "yes" }));
    }
    let (varied, back) = (read_object(varied)?, read_object(value.clone())?);
    let path = back.path();
    Ok([Change::Applied(Box::new(varied)), Change::Deleted(path), Change::Applied(Box::new(back))])
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len().saturating_mul(percent) / 100).or(sorted.last()).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The most memory that this process has held, in MiB, where the kernel tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() / 1_024
}
