//! Processes of a container as a tree, made of the events that name them.

use std::collections::BTreeMap;

use serde_json::Value;
use store::StoredEvent;

use crate::dto::{ProcessNode, moment};

/// Most processes of a tree, and most events of a process that are named.
const PROCESSES_MAX: usize = 500;
const EVENTS_MAX: usize = 50;
/// Most processes between one and its farthest known ancestor.
const DEPTH_MAX: usize = 64;

#[derive(Default)]
struct Known {
    parent: Option<String>,
    binary: String,
    arguments: String,
    user: Option<String>,
    pid: Option<u64>,
    first: Option<u64>,
    events: Vec<String>,
    asked: bool,
}

/// The processes that these events name, whoever made another before it, and whether there were more. Events of one process are those
/// with one key: that of the sensor where it has one, else the process id with the program.
pub(crate) fn tree(events: &[StoredEvent], asked: &StoredEvent) -> (Vec<ProcessNode>, bool) {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut cut = false;
    let own = (!events.iter().any(|event| event.row.id == asked.row.id)).then_some(asked);
    for event in events.iter().chain(own) {
        let Some(process) = event.body.get("process") else { continue };
        let Some(key) = key(process) else { continue };
        if known.len() >= PROCESSES_MAX && !known.contains_key(&key) {
            cut = true;
            continue;
        }
        note_ancestors(&mut known, process);
        let one = known.entry(key).or_default();
        describe(one, process);
        one.first = Some(one.first.map_or(event.row.time, |first| first.min(event.row.time)));
        if one.events.len() < EVENTS_MAX {
            one.events.push(event.row.id.clone());
        } else {
            cut = true;
        }
        one.asked |= event.row.id == asked.row.id;
    }
    (ordered(known), cut)
}

fn key(process: &Value) -> Option<String> {
    if let Some(exec) = process.get("execId").and_then(Value::as_str) {
        return Some(exec.to_owned());
    }
    let pid = process.get("pid").and_then(Value::as_u64);
    let binary = process.get("binary").and_then(Value::as_str);
    match (pid, binary) {
        (None, None) => None,
        (pid, binary) => Some(format!(
            "{}:{}",
            pid.map_or_else(String::new, |pid| pid.to_string()),
            binary.unwrap_or_default()
        )),
    }
}

fn describe(one: &mut Known, process: &Value) {
    let text = |name: &str| process.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(binary) = text("binary") {
        one.binary = binary;
    }
    if let Some(arguments) = text("arguments") {
        one.arguments = arguments;
    }
    one.user = text("user").or(one.user.take());
    one.pid = process.get("pid").and_then(Value::as_u64).or(one.pid);
    one.parent = process.get("parent").and_then(key).or(one.parent.take());
}

/// Parents that no event of their own tells of are known by their children.
fn note_ancestors(known: &mut BTreeMap<String, Known>, process: &Value) {
    let mut next = process.get("parent");
    for _ in 0..DEPTH_MAX {
        let Some(parent) = next else { return };
        let Some(key) = key(parent) else { return };
        if known.len() >= PROCESSES_MAX && !known.contains_key(&key) {
            return;
        }
        describe(known.entry(key).or_default(), parent);
        next = parent.get("parent");
    }
}

/// Whoever made another comes before it; siblings in the order of their first events. A circle, which hostile events can make, is cut.
fn ordered(mut known: BTreeMap<String, Known>) -> Vec<ProcessNode> {
    let mut children: BTreeMap<Option<String>, Vec<(Option<u64>, String)>> = BTreeMap::new();
    for (key, one) in &known {
        let parent = one.parent.clone().filter(|parent| parent != key && known.contains_key(parent));
        children.entry(parent).or_default().push((one.first, key.clone()));
    }
    children.values_mut().for_each(|list| list.sort());
    let mut nodes = Vec::with_capacity(known.len());
    let mut open: Vec<(Option<String>, String)> = Vec::new();
    let push = |open: &mut Vec<(Option<String>, String)>, of: Option<String>| {
        let list = children.get(&of).map(Vec::as_slice).unwrap_or_default();
        open.extend(list.iter().rev().map(|(_, key)| (of.clone(), key.clone())));
    };
    push(&mut open, None);
    loop {
        let Some((parent, key)) = open.pop() else {
            // What is left belongs to circles: one of each becomes a root.
            let Some(key) = known.keys().next().cloned() else { return nodes };
            open.push((None, key));
            continue;
        };
        let Some(one) = known.remove(&key) else { continue };
        push(&mut open, Some(key.clone()));
        nodes.push(ProcessNode {
            key,
            parent,
            binary: one.binary,
            arguments: one.arguments,
            user: one.user,
            pid: one.pid,
            first: one.first.map(moment),
            events: one.events,
            asked: one.asked,
        });
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::Severity;
    use serde_json::{Value, json};
    use store::{EventRow, StoredEvent};

    use super::tree;

    fn event(id: &str, time: u64, process: Value) -> StoredEvent {
        let row = EventRow {
            id: id.into(),
            time,
            received_at: Timestamp::UNIX_EPOCH,
            source: "s".into(),
            origin: "tetragon".into(),
            kind: "process.exec".into(),
            severity: Severity::Unknown,
            title: String::new(),
            asset: String::new(),
            cluster: None,
            node: None,
            namespace: None,
            workload: None,
            pod: None,
            container: None,
            image: None,
            principal: None,
            exec: None,
            parent_exec: None,
            late: false,
        };
        StoredEvent { row, body: json!({ "process": process }), detections: Vec::new() }
    }

    #[test]
    fn children_stand_behind_their_parents_and_events_of_one_process_together() {
        let bash = json!({ "execId": "b", "binary": "/bin/bash", "parent": { "execId": "n", "binary": "/usr/sbin/nginx" } });
        let curl = json!({ "execId": "c", "binary": "/usr/bin/curl", "arguments": "evil", "parent": { "execId": "b" } });
        let events = [event("1", 10, bash.clone()), event("2", 20, curl), event("3", 30, bash)];
        let (nodes, cut) = tree(&events, &events[1]);
        let told: Vec<(&str, Option<&str>, usize, bool)> = nodes
            .iter()
            .map(|node| (node.key.as_str(), node.parent.as_deref(), node.events.len(), node.asked))
            .collect();
        assert_eq!(told, [("n", None, 0, false), ("b", Some("n"), 2, false), ("c", Some("b"), 1, true)]);
        assert!(!cut);
    }

    #[test]
    fn a_circle_ends() {
        let a = json!({ "execId": "a", "parent": { "execId": "b" } });
        let b = json!({ "execId": "b", "parent": { "execId": "a" } });
        let events = [event("1", 10, a), event("2", 20, b)];
        let (nodes, _) = tree(&events, &events[0]);
        assert_eq!(nodes.len(), 2);
    }
}
