//! From an alert to its incident, as a person sees it: a real server under a steady flood, and alerts whose incidents are waited for.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::build::cargo;
use crate::http::Api;
use crate::server::Server;
use crate::toolchain::run;

/// Alerts of one request of the flood.
const BATCH: u64 = 200;
/// Rules of the flood by their share of a thousand, as a cluster of fourteen nodes was seen to send them.
const RULES: [(u64, &str); 3] = [
    (890, "Contact K8S API Server From Container"),
    (985, "Redirect STDOUT/STDIN to Network Connection in Container"),
    (1_000, "Read sensitive file untrusted"),
];
/// How long an incident is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// After which time the flood comes again when it was told to.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How often it is asked for.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// Measures `[EVENTS-A-SECOND [SECONDS]]`: 10,000 a second for 20 seconds without them, beside an idle server in the same run.
pub(crate) fn latency(root: &Path, numbers: &[&str]) -> Result<()> {
    let number = |place: usize, default: u64| match numbers.get(place) {
        Some(word) => word.parse().with_context(|| format!("{word:?} is no number")),
        None => Ok(default),
    };
    let (rate, seconds) = (number(0, 10_000)?, number(1, 20)?);
    run(cargo(root).args(["build", "--release", "--locked", "--package", "palisade", "--bin", "palisade"]))?;
    let data = root.join("target/bench-latency");
    if data.exists() {
        std::fs::remove_dir_all(&data).with_context(|| format!("cannot clear {}", data.display()))?;
    }
    let server = Server::start(&root.join("target/release/palisade"), &data, "127.0.0.1:0", &[])?;
    let source = |name: &str| -> Result<Api> {
        let made = server.api.post(
            "/api/v1/runtime/sources",
            &json!({ "name": name, "format": "falco", "cluster": "bench" }),
        )?;
        let token = made.get("token").and_then(Value::as_str).context("the source has no token")?;
        Api::new(&server.url, token)
    };
    let (flood, probe) = (source("flood")?, source("probe")?);
    println!(
        "asked: p99 under 500 ms at 10,000 events/s; embedded bus and SQLite, each fsynced before an answer"
    );
    let idle = waits(&server.api, &probe, Duration::from_secs(5), "idle")?;
    told("no other events", &idle);
    let (over, sent, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    let loaded = std::thread::scope(|scope| {
        scope.spawn(|| flooding(&flood, rate, &over, &sent, &refused));
        let loaded = waits(&server.api, &probe, Duration::from_secs(seconds), "loaded");
        over.store(true, Ordering::Relaxed);
        loaded
    })?;
    let took = began.elapsed().as_secs_f64();
    let sent = sent.load(Ordering::Relaxed);
    told(
        &format!(
            "{:.0} events/s taken, {} requests told to come again",
            f64::from(u32::try_from(sent)?) / took,
            refused.load(Ordering::Relaxed)
        ),
        &loaded,
    );
    Ok(())
}

/// Sends at a steady rate; what is told to come again comes again.
fn flooding(api: &Api, rate: u64, over: &AtomicBool, sent: &AtomicU64, refused: &AtomicU64) {
    let began = Instant::now();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let due = Duration::from_micros(number * 1_000_000 / rate.max(1));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let body: Vec<Value> = (number..number + BATCH).map(noise).collect();
        match api.post("/api/v1/ingest/flood", &Value::Array(body)) {
            Ok(_) => {
                sent.fetch_add(BATCH, Ordering::Relaxed);
                number += BATCH;
            }
            Err(_) => {
                refused.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(AGAIN_AFTER);
            }
        }
    }
}

/// How long each alert took to become an incident, one after the other.
fn waits(api: &Api, probe: &Api, lasting: Duration, name: &str) -> Result<Vec<Duration>> {
    let began = Instant::now();
    let mut all = Vec::new();
    while began.elapsed() < lasting {
        let pod = format!("{name}-{}", all.len());
        let at = Instant::now();
        probe.post("/api/v1/ingest/probe", &alert(&pod, "Terminal shell in container", "Critical", &pod))?;
        let path = format!("/api/v1/incidents?severity_min=critical&limit=1&q={pod}.");
        while api.get(&path)?.get("items").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            if at.elapsed() > PATIENCE {
                bail!("the alert of {pod} was no incident after {PATIENCE:?}");
            }
            std::thread::sleep(ASK_EVERY);
        }
        all.push(at.elapsed());
    }
    all.sort();
    Ok(all)
}

fn told(what: &str, sorted: &[Duration]) {
    let at =
        |share: usize| sorted.get(sorted.len() * share / 100).or(sorted.last()).copied().unwrap_or_default();
    println!(
        "alert to incident, {what}: {} alerts, p50 {:.0} ms, p99 {:.0} ms, worst {:.0} ms",
        sorted.len(),
        at(50).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3,
        at(100).as_secs_f64() * 1e3
    );
}

fn noise(number: u64) -> Value {
    let share = number * 7_919 % 1_000;
    let rule = RULES.iter().find(|(below, _)| share < *below).map_or("", |(_, rule)| rule);
    alert(&format!("noise-{number}"), rule, "Notice", &format!("worker-{}", number % 100))
}

/// An alert of Falco, 1.5 kB with what its fields usually hold.
fn alert(id: &str, rule: &str, priority: &str, pod: &str) -> Value {
    let now = jiff::Timestamp::now();
    let line = format!("sh -c {}", "run --with some --arguments ".repeat(20));
    let mut hasher = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(pod, &mut hasher);
    let container = format!("{:012x}", std::hash::Hasher::finish(&hasher) & 0xffff_ffff_ffff);
    json!({
        "uuid": id, "hostname": "node-1", "priority": priority, "rule": rule, "source": "syscall",
        "output": format!("{rule} (pod={pod} command={line})"), "tags": ["container", "T1059"],
        "time": now.to_string(),
        "output_fields": {
            "container.id": container, "container.name": "main", "k8s.ns.name": "bench", "k8s.pod.name": format!("{pod}.x"),
            "proc.cmdline": line, "proc.name": "sh", "proc.pname": "containerd-shim", "user.name": "root", "user.uid": 0,
            "evt.time": i64::try_from(now.as_nanosecond()).unwrap_or(0),
        },
    })
}
