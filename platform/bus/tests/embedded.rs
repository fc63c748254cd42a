//! What only the embedded log must show: kills, torn and damaged files, deletion of old segments, time under control.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bus::{Bus, BusError, ConsumerOptions, EmbeddedOptions, Envelope};
use model::TenantId;
use tokio::time::Instant;

fn message(id: &str) -> Envelope {
    Envelope {
        id: id.to_owned(),
        subject: "scan.requested".into(),
        tenant: TenantId::default_tenant(),
        body: vec![b'x'; 500],
    }
}

fn small() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 4096, dedupe_window: Duration::ZERO, ..EmbeddedOptions::default() }
}

fn worker() -> ConsumerOptions {
    ConsumerOptions::new("worker", "scan.*")
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    found.sort();
    found
}

/// Everything the log still holds for the worker.
async fn drain(bus: &Bus, count: usize) -> Vec<String> {
    let consumer = bus.consumer(worker()).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < count {
        let delivery =
            tokio::time::timeout(Duration::from_secs(30), consumer.next()).await.expect("a message").unwrap();
        seen.push(delivery.envelope().id.clone());
        delivery.ack().await.unwrap();
    }
    let rest = tokio::time::timeout(Duration::from_millis(50), consumer.next()).await;
    assert!(rest.is_err(), "more than expected: {rest:?}");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_it_loses_nothing_acknowledged() {
    let program = std::env::current_exe().unwrap();
    let program = program.parent().unwrap().parent().unwrap().join("examples/publish_and_consume");
    assert!(program.exists(), "cargo test builds {}", program.display());
    let dir = tempfile::tempdir().unwrap();
    let (mut published, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..12u32 {
        let mut child = Command::new(&program)
            .arg(dir.path())
            .arg(round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        // A different point in each round and each run.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let kill_after = 1 + now.subsec_nanos() / 1000 % 400 * (round + 1) / 4;
        let mut said = String::new();
        for _ in 0..kill_after {
            assert!(output.read_line(&mut said).unwrap() > 0, "the child ended by itself:\n{said}");
        }
        child.kill().unwrap();
        // What it confirmed before it died may still be in the pipe.
        output.read_to_string(&mut said).unwrap();
        for line in said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line.split_once(' ').unwrap() {
                ("published", id) => assert!(published.insert(id.to_owned())),
                ("acknowledged", id) => {
                    assert!(acknowledged.insert(id.to_owned()), "acknowledged twice: {id}")
                }
                other => panic!("{other:?}"),
            }
        }
        child.wait().unwrap();
    }
    assert!(published.len() > 50 && !acknowledged.is_empty(), "{} {}", published.len(), acknowledged.len());
    let bus = Bus::embedded_with(dir.path(), small()).await.unwrap();
    let consumer = bus
        .consumer(ConsumerOptions { max_deliver: 1000, in_flight_max: 1_000_000, ..worker() })
        .await
        .unwrap();
    let mut left = BTreeSet::new();
    while let Ok(delivery) = tokio::time::timeout(Duration::from_millis(500), consumer.next()).await {
        let delivery = delivery.unwrap();
        assert!(left.insert(delivery.envelope().id.clone()), "twice: {delivery:?}");
        delivery.ack().await.unwrap();
    }
    // The child acknowledges one by one: a kill can come between one acknowledgement and its line.
    let gone: Vec<&String> =
        published.iter().filter(|id| !left.contains(*id) && !acknowledged.contains(*id)).collect();
    assert!(gone.iter().all(|id| id.ends_with(['0', '2', '4', '6', '8'])), "lost: {gone:?}");
    assert!(gone.len() <= 12, "lost: {gone:?}");
    let again: Vec<&String> = acknowledged.intersection(&left).collect();
    assert!(again.is_empty(), "delivered after the acknowledgement: {again:?}");
    assert!(bus.parked(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::embedded(dir.path()).await.unwrap();
    let error = Bus::embedded(dir.path()).await.unwrap_err();
    assert!(matches!(error, BusError::InUse { .. }), "{error:?}");
    drop(bus);
    Bus::embedded(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::embedded(dir.path()).await.unwrap();
    bus.consumer(worker()).await.unwrap();
    for id in ["a", "b", "c"] {
        bus.publish(&message(id)).await.unwrap();
    }
    drop(bus);
    let segment = segments(dir.path()).pop().unwrap();
    let whole = std::fs::read(&segment).unwrap();
    // A power cut in the middle of a write that nobody was told about.
    std::fs::write(&segment, [&whole[..], &[40, 0, 0, 0, 1, 2, 3]].concat()).unwrap();
    let bus = Bus::embedded(dir.path()).await.unwrap();
    assert_eq!(std::fs::read(&segment).unwrap(), whole);
    drop(bus);
    // One bit in the middle, below what later records say was synced.
    let mut damaged = whole.clone();
    let at = whole.windows(3).position(|bytes| bytes == b"xxx").unwrap();
    damaged[at] ^= 1;
    std::fs::write(&segment, &damaged).unwrap();
    let error = Bus::embedded(dir.path()).await.unwrap_err();
    assert_eq!(error.code(), "bus-log-corrupt");
    assert!(error.to_string().contains(segment.to_str().unwrap()), "{error}");
    std::fs::write(&segment, &whole[..10]).unwrap();
    assert_eq!(Bus::embedded(dir.path()).await.unwrap_err().code(), "bus-log-corrupt");
    std::fs::write(&segment, &whole).unwrap();
    let bus = Bus::embedded(dir.path()).await.unwrap();
    assert_eq!(drain(&bus, 3).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn segments_go_when_every_consumer_is_past() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::embedded_with(dir.path(), small()).await.unwrap();
    let slow = bus.consumer(ConsumerOptions::new("slow", "scan.*")).await.unwrap();
    bus.consumer(worker()).await.unwrap();
    for number in 0..40 {
        bus.publish(&message(&format!("m{number}"))).await.unwrap();
    }
    drain(&bus, 40).await;
    assert!(segments(dir.path()).len() > 4, "the slow consumer still wants them");
    for _ in 0..40 {
        slow.next().await.unwrap().ack().await.unwrap();
    }
    bus.publish(&message("end")).await.unwrap();
    assert!(segments(dir.path()).len() <= 2, "{:?}", segments(dir.path()));
    drop((slow, bus));
    let bus = Bus::embedded_with(dir.path(), small()).await.unwrap();
    assert_eq!(drain(&bus, 1).await, ["end"]);
}

#[tokio::test]
async fn forgetting_a_consumer_lets_go_of_its_messages() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::embedded_with(dir.path(), small()).await.unwrap();
    let gone = bus.consumer(ConsumerOptions::new("gone", "scan.*")).await.unwrap();
    bus.consumer(worker()).await.unwrap();
    for number in 0..40 {
        bus.publish(&message(&format!("m{number}"))).await.unwrap();
    }
    drain(&bus, 40).await;
    bus.forget_consumer("gone").await.unwrap();
    assert!(matches!(gone.next().await.unwrap_err(), BusError::Forgotten { .. }));
    bus.publish(&message("end")).await.unwrap();
    assert!(segments(dir.path()).len() <= 2);
}

#[tokio::test]
async fn a_message_that_kills_its_consumer_is_parked() {
    let dir = tempfile::tempdir().unwrap();
    let twice = ConsumerOptions { max_deliver: 2, ..worker() };
    for attempt in 1..=2 {
        let bus = Bus::embedded(dir.path()).await.unwrap();
        let consumer = bus.consumer(twice.clone()).await.unwrap();
        bus.publish(&message("poison")).await.unwrap();
        assert_eq!(consumer.next().await.unwrap().attempt(), attempt);
    }
    let bus = Bus::embedded(dir.path()).await.unwrap();
    let consumer = bus.consumer(twice).await.unwrap();
    bus.publish(&message("fine")).await.unwrap();
    assert_eq!(consumer.next().await.unwrap().envelope().id, "fine");
    let parked = bus.parked(10).await.unwrap();
    assert_eq!((parked.len(), parked[0].envelope.id.as_str(), parked[0].attempts), (1, "poison", 2));
}

#[tokio::test(start_paused = true)]
async fn the_waits_are_exactly_as_configured() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Bus::embedded(dir.path()).await.unwrap();
    let seconds = Duration::from_secs;
    let options = ConsumerOptions {
        ack_wait: seconds(30),
        max_deliver: 5,
        backoff: vec![seconds(1), seconds(100)],
        ..worker()
    };
    let consumer = bus.consumer(options).await.unwrap();
    bus.publish(&message("a")).await.unwrap();
    let start = Instant::now();
    let mut at = Vec::new();
    for _ in 0..4 {
        let delivery = consumer.next().await.unwrap();
        at.push(start.elapsed().as_secs());
        drop(delivery);
    }
    assert_eq!(at, [0, 31, 161, 291]);
    let last = consumer.next().await.unwrap();
    assert_eq!((last.attempt(), start.elapsed().as_secs()), (5, 421));
    tokio::time::advance(seconds(29)).await;
    last.keep().await.unwrap();
    tokio::time::advance(seconds(129)).await;
    assert!(bus.parked(1).await.unwrap().is_empty());
    tokio::time::advance(seconds(1)).await;
    assert_eq!(bus.parked(1).await.unwrap()[0].attempts, 5);
}
