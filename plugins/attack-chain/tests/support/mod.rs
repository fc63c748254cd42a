//! A cluster to ask about, detections as the platform hands them over, and the platform's way with timers.

#![allow(dead_code, reason = "each test uses its own part")]

use std::collections::{BTreeMap, BTreeSet};

use attack_chain::AttackChain;
use palisade_sdk::testing::Fakes;
use palisade_sdk::{Correlation, Detection, Event, Timer};
use serde_json::{Value, json};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
/// 2026-11-20 in the morning.
pub(crate) const START: u64 = 1_795_161_600 * SECOND;

pub(crate) fn deployment(name: &str) -> String {
    format!("k8s:c1/apps/Deployment/shop/{name}")
}

pub(crate) fn workload(name: &str) -> String {
    format!("workload:shop/Deployment/{name}@c1")
}

pub(crate) fn pod(name: &str) -> String {
    format!("k8s:c1/core/Pod/shop/{name}")
}

/// A platform whose graph knows the pod `NAME-0` of each of these workloads.
pub(crate) fn cluster(workloads: &[&str]) -> Fakes {
    let mut fakes = Fakes::new().state(64 << 20).asset("k8s:c1/core/Namespace/-/shop", &json!({}));
    for name in workloads {
        fakes = fakes.related(pod(&format!("{name}-0")), "workload", [deployment(name)]).related(
            deployment(name),
            "workload",
            [deployment(name)],
        );
    }
    fakes
}

/// A detection with the members of its event laid over.
pub(crate) fn detection(
    id: &str,
    time: u64,
    severity: &str,
    key: &str,
    asset: &str,
    members: Value,
) -> Event {
    let mut body = json!({
        "source": "palisade", "kind": "detection", "title": format!("title of {id}"), "severity": severity,
        "techniques": [], "joins": [key], "cluster": "c1",
        "detection": { "id": id, "rule": "palisade.sigma/rule", "plugin": "sha256:00", "title": format!("title of {id}"),
            "severity": severity, "asset": asset, "key": key, "first": time, "last": time, "events": ["e"], "evidence": null },
    });
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    Event::new(format!("palisade:{id}"), time, "palisade", asset, &body)
}

/// Something in a container, as Falco tells it: the pod by name, not who made it.
pub(crate) fn in_pod(id: &str, time: u64, severity: &str, name: &str, techniques: &[&str]) -> Event {
    let (uid, container) = (format!("pod:uid-{name}"), format!("container:{:0>12}", hex(name)));
    detection(
        id,
        time,
        severity,
        &uid,
        &pod(&format!("{name}-0")),
        json!({ "techniques": techniques, "node": "n1", "joins": [container, uid],
            "pod": { "namespace": "shop", "name": format!("{name}-0"), "uid": format!("uid-{name}") } }),
    )
}

/// Somebody enters a pod, as the audit log tells it.
pub(crate) fn exec(id: &str, time: u64, who: &str, name: &str) -> Event {
    let key = format!("principal:{who}");
    detection(
        id,
        time,
        "medium",
        &key,
        &pod(&format!("{name}-0")),
        json!({ "techniques": ["T1609"], "actor": { "kind": "user", "name": who },
            "pod": { "namespace": "shop", "name": format!("{name}-0") },
            "api": { "service": "kubernetes", "verb": "create", "resource": "pods", "subresource": "exec", "namespace": "shop",
                "name": format!("{name}-0"), "code": 101, "outcome": "success" } }),
    )
}

/// Somebody makes or changes a Deployment, as the audit log tells it. `caller` is the uid of the pod whose token it is.
pub(crate) fn made(id: &str, time: u64, verb: &str, who: &str, caller: Option<&str>, name: &str) -> Event {
    let key = workload(name);
    let mut joins = vec![key.clone(), format!("principal:{who}")];
    joins.extend(caller.map(|uid| format!("pod:{uid}")));
    detection(
        id,
        time,
        "medium",
        &key,
        &deployment(name),
        json!({ "techniques": ["T1610"], "joins": joins, "actor": { "name": who },
            "pod": { "namespace": "shop", "workload": { "kind": "Deployment", "name": name } },
            "api": { "service": "kubernetes", "verb": verb, "resource": "deployments", "group": "apps", "namespace": "shop",
                "name": name, "code": 201, "outcome": "success" } }),
    )
}

/// Somebody calls an API.
pub(crate) fn call(id: &str, time: u64, who: &str, techniques: &[&str]) -> Event {
    let key = format!("principal:{who}");
    detection(id, time, "medium", &key, "", json!({ "techniques": techniques, "actor": { "name": who } }))
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().chars().take(12).collect()
}

/// Rule, severity, key, asset, title, evidence, ids of the events that prove it.
pub(crate) type Row = (String, String, String, String, String, String, Vec<String>);

/// What came of detections.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) links: BTreeSet<(String, String)>,
    pub(crate) detections: BTreeSet<Row>,
    pub(crate) problems: Vec<String>,
}

impl Told {
    pub(crate) fn of_rule(&self, rule: &str) -> Vec<(String, Value)> {
        let found = self.detections.iter().filter(|one| one.0 == rule);
        found.map(|one| (one.1.clone(), serde_json::from_str(&one.5).unwrap())).collect()
    }

    /// Whether links lead from one key to another.
    pub(crate) fn joins(&self, one: &str, other: &str) -> bool {
        let mut reached = BTreeSet::from([one]);
        loop {
            let before = reached.len();
            for (a, b) in &self.links {
                if reached.contains(a.as_str()) || reached.contains(b.as_str()) {
                    reached.extend([a.as_str(), b.as_str()]);
                }
            }
            if reached.len() == before {
                return reached.contains(other);
            }
        }
    }
}

/// The platform: batches, a watermark, timers.
#[derive(Default)]
pub(crate) struct Lane {
    pub(crate) config: Option<String>,
    pub(crate) timers: BTreeMap<String, u64>,
    pub(crate) told: Told,
}

impl Lane {
    pub(crate) fn run(&mut self, events: &[Event], watermark: u64) {
        self.call(events, watermark);
        while self.timers.values().any(|time| *time <= watermark) {
            self.call(&[], watermark);
        }
    }

    fn call(&mut self, events: &[Event], watermark: u64) {
        let due = self.timers.iter().filter(|(_, time)| **time <= watermark);
        let due: Vec<Timer> = due.map(|(key, time)| Timer { key: key.clone(), time: *time }).collect();
        let config = self.config.as_deref().unwrap_or("{}");
        let answer: Correlation =
            palisade_sdk::correlate::<AttackChain>(config, events, &due, watermark).unwrap();
        for timer in due {
            self.timers.remove(&timer.key);
        }
        self.timers.extend(answer.timers.into_iter().map(|timer| (timer.key, timer.time)));
        self.told.links.extend(answer.links.into_iter().map(|link| (link.kept, link.merged)));
        self.told.problems.extend(answer.problems.into_iter().map(|problem| problem.message));
        for one in answer.detections {
            self.told.detections.insert(row(one, events));
        }
    }
}

fn row(one: Detection, events: &[Event]) -> Row {
    let proof = one.items.iter().map(|item| events[*item as usize].id.clone()).collect();
    let evidence = String::from_utf8(one.evidence).unwrap();
    (one.rule, format!("{:?}", one.severity), one.incident_key, one.asset, one.title, evidence, proof)
}

/// All at once, and then the end of time.
pub(crate) fn told(events: &[Event]) -> Told {
    told_with(events, "{}")
}

pub(crate) fn told_with(events: &[Event], config: &str) -> Told {
    let mut lane = Lane { config: Some(config.to_owned()), ..Lane::default() };
    lane.run(events, 0);
    lane.run(&[], START + 10_000 * HOUR);
    lane.told
}
