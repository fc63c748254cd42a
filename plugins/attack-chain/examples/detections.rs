//! Detections a second, natively: batches of 512 of forty workloads, every tenth an entered pod.

use std::time::Instant;

use attack_chain::AttackChain;
use palisade_sdk::testing::Fakes;
use palisade_sdk::{Error, Event, Timer};
use serde_json::json;

const BATCHES: u64 = 100;
const BATCH: u64 = 512;
const SECOND: u64 = 1_000_000_000;

fn main() -> Result<(), Error> {
    let mut fakes = Fakes::new().state(64 << 20);
    for number in 0..40 {
        let (pod, workload) =
            (format!("k8s:c/core/Pod/shop/w{number}-0"), format!("k8s:c/apps/Deployment/shop/w{number}"));
        fakes = fakes.related(pod, "workload", [workload.clone()]).asset(workload, &json!({}));
    }
    let _fakes = fakes.install();
    let batches: Vec<Vec<Event>> =
        (0..BATCHES).map(|batch| (0..BATCH).map(|of| event(batch * BATCH + of)).collect()).collect();
    let (mut links, mut detections) = (0, 0);
    let mut timers: Vec<Timer> = Vec::new();
    let start = Instant::now();
    for batch in &batches {
        let watermark = batch.last().map_or(0, |event| event.time).saturating_sub(10 * SECOND);
        let (due, later) = timers.into_iter().partition(|timer: &Timer| timer.time <= watermark);
        let due: Vec<Timer> = due;
        timers = later;
        let answer = palisade_sdk::correlate::<AttackChain>("{}", batch, &due, watermark)?;
        timers.retain(|timer| answer.timers.iter().all(|new| new.key != timer.key));
        timers.extend(answer.timers);
        links += answer.links.len();
        detections += answer.detections.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = (BATCHES * BATCH) as f64 / seconds;
    println!("{rate:.0} detections/s; {links} links, {detections} detections");
    Ok(())
}

fn event(number: u64) -> Event {
    let pod = format!("w{}-0", number % 40);
    let time = 1_795_161_600 * SECOND + number * SECOND / 100;
    let entered = number.is_multiple_of(10);
    let key = if entered { "principal:alice".to_owned() } else { format!("pod:{pod}") };
    let api =
        json!({ "service": "kubernetes", "resource": "pods", "subresource": "exec", "outcome": "success" });
    let body = json!({
        "source": "palisade", "kind": "detection", "techniques": ["T1059"], "cluster": "c", "node": "n", "joins": [key],
        "pod": { "namespace": "shop", "name": pod, "uid": pod },
        "actor": if entered { json!({ "name": "alice" }) } else { json!(null) },
        "api": if entered { api } else { json!(null) },
        "detection": { "id": format!("d{number}"), "rule": "palisade.sigma/r", "title": "t", "severity": "medium",
            "asset": format!("k8s:c/core/Pod/shop/{pod}"), "key": key, "first": time, "last": time, "events": [] },
    });
    Event::new(format!("palisade:d{number}"), time, "palisade", "", &body)
}
