//! Evidence of an object, before somebody destroys it: itself, its owners, what the cluster says happened to it, the ends of its logs.

use serde_json::{Value, json};

use crate::key::sha256;
use crate::object::{Kind, ObjectRef, shown, word};
use crate::plan::Act;
use crate::seams::{CallCause, CallError, Cluster, Kept, LOG_BYTES_MAX, Query};
use crate::survey::controller;

/// Most owners, and most containers of a pod whose logs are read.
const OWNERS_MAX: usize = 6;
const CONTAINERS_MAX: usize = 20;
/// Most events that are kept: a server keeps them for an hour.
const EVENTS_MAX: usize = 500;

/// Reads it all. What may not be read is told in the evidence, and hides nothing else.
pub(crate) async fn collect<C: Cluster>(
    cluster: &C,
    act: &Act,
    target: &ObjectRef,
    lines: u32,
) -> Result<Vec<Kept>, CallError> {
    let mut evidence = Evidence { key: act.key.to_string(), kept: Vec::new(), gaps: Vec::new() };
    let object = cluster.read(target).await?.filter(|object| target.is(object));
    let Some(object) = object else {
        let message = format!("{target} is gone");
        return Err(CallError { cause: CallCause::NotFound, message, retry_after: None });
    };
    let mut owners = Vec::new();
    let mut next = controller(&object);
    while let Some(owner) = next.filter(|_| owners.len() < OWNERS_MAX) {
        match evidence.or_gap(&owner.to_string(), cluster.read(&owner).await)?.flatten() {
            Some(found) => {
                next = controller(&found);
                owners.push(found);
            }
            None => break,
        }
    }
    let uid = word(&object, "/metadata/uid");
    let query = Query {
        fields: Some(format!("involvedObject.uid={uid}")),
        ..Query::of(Kind::Event, &target.namespace)
    };
    let events = evidence.or_gap("events", cluster.list(&query).await)?.unwrap_or_default();
    let events: Vec<Value> = events.into_iter().take(EVENTS_MAX).collect();
    let containers =
        ["initContainers", "containers"].into_iter().filter(|_| target.kind == Kind::Pod).flat_map(|list| {
            object
                .pointer(&format!("/spec/{list}"))
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|container| word(container, "/name").to_owned())
        });
    let containers: Vec<String> = containers.take(CONTAINERS_MAX).collect();
    evidence.json("object", &object);
    evidence.json("owners", &json!(owners));
    evidence.json("events", &json!(events));
    for container in containers.iter().filter(|_| lines > 0) {
        let log = cluster.log(target, container, lines).await;
        if let Some(mut log) = evidence.or_gap(&format!("log of {container}"), log)? {
            log.truncate(LOG_BYTES_MAX);
            evidence.keep(format!("log-{container}.txt"), log);
        }
    }
    if !evidence.gaps.is_empty() {
        let gaps = std::mem::take(&mut evidence.gaps);
        evidence.json("not-read", &json!(gaps));
    }
    Ok(evidence.kept)
}

struct Evidence {
    key: String,
    kept: Vec<Kept>,
    gaps: Vec<String>,
}

impl Evidence {
    /// What was read; nothing, and a gap that says so, where it never will be. What may be had later is waited for.
    fn or_gap<T>(&mut self, what: &str, read: Result<T, CallError>) -> Result<Option<T>, CallError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.is_passing() => Err(error),
            Err(error) => {
                self.gaps.push(format!("{}: {}", shown(what), error.message));
                Ok(None)
            }
        }
    }

    fn json(&mut self, name: &str, value: &Value) {
        self.keep(format!("{name}.json"), value.to_string().into_bytes());
    }

    fn keep(&mut self, name: String, bytes: Vec<u8>) {
        self.kept.push(Kept { key: self.key.clone(), name, digest: sha256(&bytes), bytes });
    }
}
