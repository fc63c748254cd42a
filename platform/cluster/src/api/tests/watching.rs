//! Watches: changes, and everything that ends them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kubernetes::{Answer, ApiServer, Request, body, status};
use super::{connect, secrets, settings, wanted};
use crate::Object;
use crate::api::{Collected, Connection, Following, Watch, WatchOptions, collect};
use crate::change::Change;
use crate::fixture::{object, small};
use crate::id::GroupKind;
use crate::snapshot::Snapshot;

fn watches(path: &'static str) -> impl Fn(&Request) -> bool + Send + Sync + Copy + 'static {
    move |request| request.is_watch() && request.path == path
}

const SECRETS: &str = "/api/v1/secrets";

fn secret(name: &str) -> Value {
    object("v1", "Secret", &format!("shop/{name}"), json!({}))
}

async fn begin(server: &ApiServer) -> (Connection, Collected, Watch) {
    let connection = connect(server).await;
    let collected = collect(&connection, &wanted()).await.unwrap();
    let watch = Watch::start(&connection, &collected, WatchOptions::default());
    (connection, collected, watch)
}

/// The next change of a watch in one word.
async fn word(watch: &mut Watch) -> String {
    match watch.next().await.unwrap() {
        Change::Applied(object) => format!("applied {}", object.name),
        Change::Deleted(path) => format!("deleted {path}"),
        Change::Relisted { kind, objects } => format!("relisted {} {kind}", objects.len()),
        Change::Lost { kind, .. } => format!("lost {kind}"),
        Change::Unused(gap) => format!("unused {}", gap.subject),
    }
}

fn lines(events: &[Value]) -> Vec<u8> {
    events.iter().flat_map(|event| format!("{event}\n").into_bytes()).collect()
}

fn event(kind: &str, mut object: Value, version: u64) -> Value {
    object["metadata"]["resourceVersion"] = version.to_string().into();
    json!({ "type": kind, "object": object })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_with_the_position_after_it() {
    let server = ApiServer::start(&small());
    let (connection, collected, mut watch) = begin(&server).await;
    server.apply(secret("a"));
    assert_eq!(word(&mut watch).await, "applied a");
    let after_a = watch.positions().clone();
    assert!(after_a[&secrets()] > collected.positions[&secrets()]);
    server.delete(&secret("a"));
    assert_eq!(word(&mut watch).await, "deleted core/Secret/shop/a");
    drop(watch);
    // Whoever comes back with these positions hears what it has missed.
    server.apply(secret("b"));
    let mut watch = Watch::resume(&connection, &collected.resources, after_a, WatchOptions::default());
    assert_eq!(word(&mut watch).await, "deleted core/Secret/shop/a");
    assert_eq!(word(&mut watch).await, "applied b");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_is_forgotten_means_a_new_list() {
    let gone = body(410, "Expired", "too old resource version");
    let answers = [
        status(410, "Expired", "too old resource version"),
        Answer::Lines(lines(&[json!({ "type": "ERROR", "object": gone })]), false),
        Answer::Lines(b"{\"type\":\"SURPRISE\",\"object\":{}}\n".to_vec(), false),
        Answer::Lines(b"nonsense\n".to_vec(), false),
        Answer::Lines(lines(&[json!({ "type": "DELETED", "object": { "metadata": {} } })]), false),
        Answer::Lines(lines(&[json!({ "type": "ERROR", "object": 7 })]), false),
    ];
    for answer in answers {
        let server = ApiServer::start(&small());
        server.fault(1, answer, watches(SECRETS));
        let (_connection, _collected, mut watch) = begin(&server).await;
        assert_eq!(word(&mut watch).await, "relisted 1 Secret");
        server.apply(secret("a"));
        assert_eq!(word(&mut watch).await, "applied a");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_early_is_begun_where_it_ended() {
    let first = event("ADDED", secret("first"), 5_000);
    let second = lines(&[event("ADDED", secret("second"), 5_001)]);
    let half: Vec<u8> = [lines(&[first.clone(), first]), second[..second.len() / 2].to_vec()].concat();
    for answer in [Answer::Lost(half.clone()), Answer::Lines(half, false)] {
        let server = ApiServer::start(&small());
        server.fault(1, answer, watches(SECRETS));
        server.fault(1, Answer::Lines(second.clone(), true), |request| {
            watches(SECRETS)(request) && request.query["resourceVersion"] == "5000"
        });
        let (_connection, _collected, mut watch) = begin(&server).await;
        for expected in ["applied first", "applied first", "applied second"] {
            assert_eq!(word(&mut watch).await, expected);
        }
        assert_eq!(watch.positions()[&secrets()], "5001");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_a_stream_and_before_it_pass() {
    let broken = body(500, "InternalError", "etcd event received with PrevKv=nil");
    let answers = [
        Answer::Lines(lines(&[json!({ "type": "ERROR", "object": broken })]), false),
        status(500, "InternalError", "x"),
        status(429, "TooManyRequests", "x"),
        Answer::Lines(Vec::new(), false),
    ];
    for answer in answers {
        let server = ApiServer::start(&small());
        server.fault(1, answer, watches(SECRETS));
        let (_connection, _collected, mut watch) = begin(&server).await;
        server.apply(secret("a"));
        assert_eq!(word(&mut watch).await, "applied a");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_taken_away_are_told_and_come_back() {
    let server = ApiServer::start(&small());
    let refused = status(403, "Forbidden", "secrets is forbidden");
    server.fault(usize::MAX, refused, watches(SECRETS));
    let (_connection, _collected, mut watch) = begin(&server).await;
    let Some(Change::Lost { kind, gap }) = watch.next().await else { panic!("rights are gone") };
    assert_eq!((kind, gap.subject.as_str()), (secrets(), "Secret"));
    assert!(gap.reason.contains("forbidden"));
    assert!(!watch.positions().contains_key(&secrets()));
    server.no_faults();
    assert_eq!(word(&mut watch).await, "relisted 1 Secret");
    // What was refused once more after that list is told once more.
    server.apply(secret("a"));
    while word(&mut watch).await != "applied a" {}
    assert!(watch.positions().contains_key(&secrets()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_could_not_be_listed_is_tried_again() {
    let server = ApiServer::start(&small());
    let connection = connect(&server).await;
    server.fault(usize::MAX, status(403, "Forbidden", "no"), |request| request.path == SECRETS);
    let collected = collect(&connection, &wanted()).await.unwrap();
    assert!(collected.snapshot.missing().contains(&secrets()));
    let mut following = Following::start(&connection, collected, "test", WatchOptions::default());
    server.no_faults();
    while following.live().snapshot().missing().contains(&secrets()) {
        following.next().await.unwrap();
    }
    assert!(following.live().snapshot().object("core/Secret/shop/web-key").is_some());
    assert!(following.live().snapshot().gaps().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_while_watching_is_read_again() {
    let server = ApiServer::start(&small());
    server.fault(1, status(401, "Unauthorized", "Unauthorized"), watches(SECRETS));
    let (_connection, _collected, mut watch) = begin(&server).await;
    server.apply(secret("a"));
    assert_eq!(word(&mut watch).await, "applied a");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_nothing_is_waited_for() {
    let server = ApiServer::start(&small());
    let connection = connect(&server).await;
    let collected = collect(&connection, &wanted()).await.unwrap();
    let options = WatchOptions { waiting_max: 1, ..WatchOptions::default() };
    let mut watch = Watch::start(&connection, &collected, options);
    for value in settings(300) {
        server.apply(value);
    }
    for number in 0..300 {
        assert_eq!(word(&mut watch).await, format!("applied s-{number:05}"));
    }
}

/// What a real server sent while pods were made and deleted.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_real_server_are_read() {
    let Some(folder) = crate::fixture::shared_folder() else { return };
    let sent = std::fs::read(folder.join("raw/watch-pods.jsonl")).unwrap();
    let server = ApiServer::start(&[]);
    server.fault(1, Answer::Lines(sent.clone(), true), watches("/api/v1/pods"));
    let (_connection, _collected, mut watch) = begin(&server).await;
    let mut pods: BTreeMap<String, ()> = BTreeMap::new();
    let changes = sent.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let changes: Vec<Value> = changes.map(|line| serde_json::from_slice(line).unwrap()).collect();
    for _ in changes.iter().filter(|event| event["type"] != "BOOKMARK") {
        match watch.next().await.unwrap() {
            Change::Applied(object) => drop(pods.insert(object.path(), ())),
            Change::Deleted(path) => assert!(pods.remove(&path).is_some()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pods.len(), 8);
}

/// The whole of it: whatever happens on the server, the graph here becomes that of its objects.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_followed_becomes_what_is_there() {
    let server = ApiServer::start(&small());
    let connection = connect(&server).await;
    let collected = collect(&connection, &wanted()).await.unwrap();
    let mut following = Following::start(&connection, collected, "test", WatchOptions::default());
    let set = small().into_iter().find(|value| value["kind"] == "ReplicaSet").unwrap();
    let policy = small().into_iter().find(|value| value["kind"] == "NetworkPolicy").unwrap();
    server.delete(&set);
    server.fault(1, Answer::Lost(b"{\"type\":".to_vec()), watches("/apis/apps/v1/deployments"));
    server.delete(&policy);
    server.apply(secret("late"));
    let there = |server: &ApiServer| {
        let objects = server.objects().into_iter().map(|value| Object::of(value).unwrap()).collect();
        let listed = crate::kinds::built_in().chain(wanted().wanted).collect();
        Snapshot::new(objects, listed, std::collections::BTreeSet::new(), "test")
    };
    // The pods of the set are read again, as nothing else tells what is in them.
    while *following.live().snapshot() != there(&server) {
        following.next().await.unwrap();
    }
    assert_eq!(following.live().graph(), there(&server).graph());
    let asked = server
        .requests()
        .into_iter()
        .filter(|request| request.path.starts_with("/api/v1/namespaces/shop/pods/"));
    assert_eq!(asked.count(), 2);
    assert!(following.watch().positions().contains_key(&GroupKind::new("", "Pod")));
}
