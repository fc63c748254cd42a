//! The contract of the bus, run over both backends: an embedded log in a temporary directory, and JetStream on a real
//! nats-server started for each test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it like the test itself"
)]

mod backend;

use std::collections::BTreeSet;
use std::time::Duration;

use backend::{Backend, Limits};
use bus::{Bus, BusError, Consumer, ConsumerOptions, Delivery, Envelope};
use model::TenantId;
use tokio::time::{Instant, timeout};

/// Longer than anything here takes, so that a test that hangs says so.
const PATIENCE: Duration = Duration::from_secs(60);

macro_rules! contract {
    ($($name:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Backend::embedded()).await;
            })*
        }
        mod jetstream {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(backend) = super::Backend::jetstream() {
                    super::$name(backend).await;
                }
            })*
        }
    };
}

contract! {
    a_message_arrives_whole
    a_message_arrives_at_once_after_a_quiet_time
    the_same_id_is_one_message
    an_unanswered_delivery_comes_back
    an_acknowledged_message_does_not
    too_many_deliveries_park_a_message
    parking_keeps_the_message_and_the_reason
    retry_waits_as_long_as_asked
    keep_extends_the_ack_wait
    every_consumer_gets_what_its_filter_selects
    competing_handles_share_the_messages
    nothing_is_lost_over_a_restart
    a_full_bus_refuses_and_recovers
    deliveries_in_flight_are_bounded
    next_may_be_cancelled
    a_consumer_keeps_its_filter_until_forgotten
    what_cannot_be_carried_is_refused
    many_publishers_at_once
}

fn message(id: &str, subject: &str) -> Envelope {
    Envelope {
        id: id.to_owned(),
        subject: subject.to_owned(),
        tenant: TenantId::default_tenant(),
        body: format!("body of {id}").into_bytes(),
    }
}

fn options(name: &str, subject: &str) -> ConsumerOptions {
    ConsumerOptions { backoff: vec![], ..ConsumerOptions::new(name, subject) }
}

fn quick(name: &str, ack_wait_ms: u64, max_deliver: u32) -> ConsumerOptions {
    ConsumerOptions { ack_wait: Duration::from_millis(ack_wait_ms), max_deliver, ..options(name, "scan.*") }
}

async fn next(consumer: &Consumer) -> Delivery {
    timeout(PATIENCE, consumer.next()).await.expect("a message in time").expect("a message")
}

async fn publish(bus: &Bus, ids: &[&str]) {
    for id in ids {
        bus.publish(&message(id, "scan.requested")).await.unwrap();
    }
}

fn id(delivery: &Delivery) -> (String, u32) {
    (delivery.envelope().id.clone(), delivery.attempt())
}

async fn a_message_arrives_whole(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(options("worker", "scan.requested")).await.unwrap();
    let sent = Envelope {
        body: (0..=255).cycle().take(700_000).collect(),
        tenant: TenantId::parse("acme-2").unwrap(),
        ..message("!id:with~signs", "scan.requested")
    };
    bus.publish(&sent).await.unwrap();
    bus.publish(&Envelope { body: vec![], ..message("empty", "scan.requested") }).await.unwrap();
    let first = next(&consumer).await;
    assert_eq!((first.envelope(), first.attempt()), (&sent, 1));
    first.ack().await.unwrap();
    assert!(next(&consumer).await.envelope().body.is_empty());
}

async fn a_message_arrives_at_once_after_a_quiet_time(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(options("worker", "scan.*")).await.unwrap();
    // Longer than a client and a server need to have something to say to each other.
    assert!(timeout(Duration::from_secs(5), consumer.next()).await.is_err(), "nothing was published yet");
    publish(&bus, &["m1"]).await;
    let delivery = timeout(Duration::from_secs(5), consumer.next()).await.expect("at once").unwrap();
    assert_eq!((delivery.envelope().id.as_str(), delivery.attempt()), ("m1", 1));
    delivery.ack().await.unwrap();
}

async fn the_same_id_is_one_message(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(options("worker", "scan.*")).await.unwrap();
    publish(&bus, &["a", "a", "b", "a"]).await;
    let other = Envelope { tenant: TenantId::parse("other").unwrap(), ..message("a", "scan.requested") };
    bus.publish(&other).await.unwrap();
    let both = futures_util::future::join(bus.publish(&other), bus.publish(&other)).await;
    assert!(both.0.is_ok() && both.1.is_ok());
    publish(&bus, &["end"]).await;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(_, id)| id != "end") {
        let delivery = next(&consumer).await;
        seen.push((delivery.envelope().tenant.to_string(), delivery.envelope().id.clone()));
        delivery.ack().await.unwrap();
    }
    let expected = [("default", "a"), ("default", "b"), ("other", "a"), ("default", "end")];
    assert_eq!(seen, expected.map(|(tenant, id)| (tenant.to_owned(), id.to_owned())));
}

async fn an_unanswered_delivery_comes_back(backend: Backend) {
    let bus = backend.open().await;
    let mut asked = quick("worker", 300, 10);
    asked.backoff = vec![Duration::from_millis(200), Duration::from_millis(400)];
    let consumer = bus.consumer(asked).await.unwrap();
    publish(&bus, &["a"]).await;
    let start = Instant::now();
    assert_eq!(id(&next(&consumer).await), ("a".into(), 1));
    assert_eq!(id(&next(&consumer).await), ("a".into(), 2));
    assert!(start.elapsed() >= Duration::from_millis(450), "ack wait and backoff: {:?}", start.elapsed());
    let third = next(&consumer).await;
    assert!(start.elapsed() >= Duration::from_millis(1100), "and the second backoff: {:?}", start.elapsed());
    assert_eq!(id(&third), ("a".into(), 3));
    third.ack().await.unwrap();
}

async fn an_acknowledged_message_does_not(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(quick("worker", 300, 10)).await.unwrap();
    publish(&bus, &["a", "b"]).await;
    let a = next(&consumer).await;
    assert_eq!(id(&a), ("a".into(), 1));
    a.ack().await.unwrap();
    // That b comes back twice shows that the ack wait of a is over as well.
    for attempt in 1..=3 {
        assert_eq!(id(&next(&consumer).await), ("b".into(), attempt));
    }
}

async fn too_many_deliveries_park_a_message(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(quick("worker", 200, 2)).await.unwrap();
    publish(&bus, &["poison"]).await;
    for attempt in 1..=2 {
        assert_eq!(id(&next(&consumer).await), ("poison".into(), attempt));
    }
    let parked = tokio::select! {
        extra = next(&consumer) => panic!("delivered again: {extra:?}"),
        parked = until_parked(&bus) => parked,
    };
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].envelope.clone(), parked[0].attempts), (message("poison", "scan.requested"), 2));
    assert_eq!(
        (parked[0].consumer.as_str(), parked[0].reason.as_str()),
        ("worker", "not acknowledged after 2 deliveries")
    );
    publish(&bus, &["after"]).await;
    assert_eq!(id(&next(&consumer).await), ("after".into(), 1));
}

async fn until_parked(bus: &Bus) -> Vec<bus::Parked> {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        let parked = bus.parked(10).await.unwrap();
        if !parked.is_empty() {
            return parked;
        }
    }
}

async fn parking_keeps_the_message_and_the_reason(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(quick("worker", 30_000, 3)).await.unwrap();
    publish(&bus, &["a", "b", "c"]).await;
    next(&consumer).await.park("cannot parse:\nline 2 é").await.unwrap();
    next(&consumer).await.park("").await.unwrap();
    next(&consumer).await.ack().await.unwrap();
    let bus = backend.reopen(bus, consumer).await;
    let parked = bus.parked(10).await.unwrap();
    let said: Vec<(&str, &str, u32)> =
        parked.iter().map(|each| (each.envelope.id.as_str(), each.reason.as_str(), each.attempts)).collect();
    assert_eq!(said, [("a", "cannot parse: line 2 é", 1), ("b", "", 1)]);
    assert_eq!(bus.parked(1).await.unwrap().len(), 1);
    bus.discard_parked(parked[0].number).await.unwrap();
    bus.discard_parked(parked[0].number).await.unwrap();
    let left = bus.parked(10).await.unwrap();
    assert_eq!((left.len(), left[0].number), (1, parked[1].number));
}

async fn retry_waits_as_long_as_asked(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(quick("worker", 30_000, 3)).await.unwrap();
    publish(&bus, &["a"]).await;
    let start = Instant::now();
    next(&consumer).await.retry(Duration::from_millis(500)).await.unwrap();
    let second = next(&consumer).await;
    assert!(start.elapsed() >= Duration::from_millis(450), "{:?}", start.elapsed());
    assert_eq!(id(&second), ("a".into(), 2));
    second.retry(Duration::ZERO).await.unwrap();
    let last = next(&consumer).await;
    assert_eq!(id(&last), ("a".into(), 3));
    last.retry(Duration::ZERO).await.unwrap();
    assert_eq!(bus.parked(10).await.unwrap()[0].reason, "not acknowledged after 3 deliveries");
}

async fn keep_extends_the_ack_wait(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(quick("worker", 600, 20)).await.unwrap();
    publish(&bus, &["long", "clock"]).await;
    let long = next(&consumer).await;
    let start = Instant::now();
    // The second message comes back again and again and so tells the time.
    while start.elapsed() < Duration::from_millis(1500) {
        let clock = next(&consumer).await;
        assert_eq!(clock.envelope().id, "clock");
        clock.retry(Duration::from_millis(200)).await.unwrap();
        long.keep().await.unwrap();
    }
    assert_eq!(long.attempt(), 1);
    long.ack().await.unwrap();
}

async fn every_consumer_gets_what_its_filter_selects(backend: Backend) {
    let bus = backend.open().await;
    let all = bus.consumer(options("all", "scan.*")).await.unwrap();
    let exact = bus.consumer(options("exact", "scan.finished")).await.unwrap();
    for (id, subject) in [
        ("a", "scan.requested"),
        ("b", "scan.finished"),
        ("c", "scan.x.y"),
        ("d", "changed.x"),
        ("e", "scan.finished"),
    ] {
        bus.publish(&message(id, subject)).await.unwrap();
    }
    for (consumer, expected) in [(&all, vec!["a", "b", "e"]), (&exact, vec!["b", "e"])] {
        for wanted in expected {
            let delivery = next(consumer).await;
            assert_eq!(delivery.envelope().id, wanted);
            delivery.ack().await.unwrap();
        }
    }
}

async fn competing_handles_share_the_messages(backend: Backend) {
    let bus = backend.open().await;
    let handles = [
        bus.consumer(options("pool", "scan.*")).await.unwrap(),
        bus.consumer(options("pool", "scan.*")).await.unwrap(),
        bus.consumer(options("pool", "scan.*")).await.unwrap(),
    ];
    let (done, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let workers: Vec<_> = handles
        .into_iter()
        .enumerate()
        .map(|(worker, consumer)| {
            let done = done.clone();
            tokio::spawn(async move {
                loop {
                    let delivery = next(&consumer).await;
                    let seen = id(&delivery);
                    delivery.ack().await.unwrap();
                    done.send((worker, seen)).unwrap();
                }
            })
        })
        .collect();
    for number in 0..60 {
        publish(&bus, &[&format!("m{number}")]).await;
    }
    let mut all = Vec::new();
    while all.len() < 60 {
        all.push(timeout(PATIENCE, seen.recv()).await.unwrap().unwrap());
    }
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    let unique: BTreeSet<_> = all.iter().map(|(_, seen)| seen.clone()).collect();
    assert_eq!(unique.len(), 60);
    assert!(unique.iter().all(|(_, attempt)| *attempt == 1));
    let busy: BTreeSet<usize> = all.iter().map(|(worker, _)| *worker).collect();
    assert!(busy.len() > 1, "one handle took everything");
}

async fn nothing_is_lost_over_a_restart(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(quick("worker", 1000, 5)).await.unwrap();
    publish(&bus, &["a", "b", "c"]).await;
    next(&consumer).await.ack().await.unwrap();
    assert_eq!(id(&next(&consumer).await), ("b".into(), 1));
    let bus = backend.reopen(bus, consumer).await;
    publish(&bus, &["a", "c", "d"]).await;
    let consumer = bus.consumer(quick("worker", 1000, 5)).await.unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 3 {
        let delivery = next(&consumer).await;
        assert!(seen.insert(id(&delivery)), "{delivery:?}");
        delivery.ack().await.unwrap();
    }
    // The delivery that died with the restart counts; what was acknowledged or published twice does not come.
    assert_eq!(seen, BTreeSet::from([("b".into(), 2), ("c".into(), 1), ("d".into(), 1)]));
    publish(&bus, &["end"]).await;
    assert_eq!(id(&next(&consumer).await), ("end".into(), 1));
}

async fn a_full_bus_refuses_and_recovers(backend: Backend) {
    let limits = Limits { bytes_max: 256 << 10, dedupe_window: Duration::from_millis(200) };
    let bus = backend.open_with(limits).await;
    let big =
        |number: u32| Envelope { body: vec![7; 8 << 10], ..message(&format!("m{number}"), "scan.requested") };
    let mut accepted = 0;
    let refused = loop {
        match bus.publish(&big(accepted)).await {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 100, "never full");
    };
    assert!(matches!(refused, BusError::Full { .. }), "{refused:?}");
    let consumer = bus.consumer(options("late", "scan.*")).await.unwrap();
    for number in 0..accepted {
        let delivery = next(&consumer).await;
        assert_eq!(delivery.envelope().id, format!("m{number}"), "nothing was dropped");
        delivery.ack().await.unwrap();
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = bus.publish(&big(1000)).await {
        assert!(matches!(error, BusError::Full { .. }), "{error:?}");
        assert!(Instant::now() < deadline, "still full");
        ticks.tick().await;
    }
    assert_eq!(id(&next(&consumer).await), ("m1000".into(), 1));
}

async fn deliveries_in_flight_are_bounded(backend: Backend) {
    let bus = backend.open().await;
    let consumer =
        bus.consumer(ConsumerOptions { in_flight_max: 2, ..options("worker", "scan.*") }).await.unwrap();
    publish(&bus, &["a", "b", "c"]).await;
    let first = next(&consumer).await;
    let _second = next(&consumer).await;
    assert!(
        timeout(Duration::from_millis(300), consumer.next()).await.is_err(),
        "a third delivery in flight"
    );
    first.ack().await.unwrap();
    assert_eq!(id(&next(&consumer).await), ("c".into(), 1));
}

async fn next_may_be_cancelled(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(options("worker", "scan.*")).await.unwrap();
    let mut seen = Vec::new();
    for number in 0..40u32 {
        publish(&bus, &[&format!("m{number}")]).await;
        if let Ok(delivery) = timeout(Duration::from_micros(u64::from(number) * 40), consumer.next()).await {
            let delivery = delivery.unwrap();
            seen.push(id(&delivery));
            delivery.ack().await.unwrap();
        }
    }
    while seen.len() < 40 {
        let delivery = next(&consumer).await;
        seen.push(id(&delivery));
        delivery.ack().await.unwrap();
    }
    let expected: Vec<(String, u32)> = (0..40).map(|number| (format!("m{number}"), 1)).collect();
    assert_eq!(seen, expected);
}

async fn a_consumer_keeps_its_filter_until_forgotten(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(options("worker", "scan.*")).await.unwrap();
    let refused = bus.consumer(options("worker", "changed.*")).await.unwrap_err();
    assert!(matches!(&refused, BusError::Conflict { existing, .. } if existing == "scan.*"), "{refused:?}");
    drop(consumer);
    bus.forget_consumer("worker").await.unwrap();
    bus.forget_consumer("worker").await.unwrap();
    let consumer = bus.consumer(options("worker", "changed.*")).await.unwrap();
    bus.publish(&message("a", "changed.findings")).await.unwrap();
    assert_eq!(id(&next(&consumer).await), ("a".into(), 1));
}

async fn what_cannot_be_carried_is_refused(backend: Backend) {
    let bus = backend.open().await;
    let bad = [
        message("", "scan.requested"),
        message("a b", "scan.requested"),
        message("a\r\nNats-Msg-Id: b", "scan.requested"),
        message("a", "scan.*"),
        message("a", "scan..x"),
        message("a", "Scan"),
    ];
    for envelope in bad {
        assert_eq!(bus.publish(&envelope).await.unwrap_err().code(), "bus-name-invalid", "{envelope:?}");
    }
    let large = Envelope { body: vec![0; bus::BODY_BYTES_MAX + 1], ..message("a", "scan.requested") };
    assert_eq!(bus.publish(&large).await.unwrap_err().code(), "bus-message-too-large");
    let largest = Envelope { body: vec![0; bus::BODY_BYTES_MAX], ..message("a", "scan.requested") };
    bus.publish(&largest).await.unwrap();
    for name in ["", "a.b", "A", "a*", &"a".repeat(65)] {
        assert_eq!(bus.consumer(options(name, "scan.*")).await.unwrap_err().code(), "bus-name-invalid");
    }
    assert_eq!(bus.consumer(options("a", "scan.>")).await.unwrap_err().code(), "bus-name-invalid");
    assert_eq!(bus.consumer(quick("a", 0, 1)).await.unwrap_err().code(), "bus-options-invalid");
}

async fn many_publishers_at_once(backend: Backend) {
    let bus = backend.open().await;
    let consumer = bus.consumer(options("worker", "scan.*")).await.unwrap();
    let publishers: Vec<_> = (0..64)
        .map(|publisher| {
            let bus = bus.clone();
            tokio::spawn(async move {
                for number in 0..10 {
                    publish(&bus, &[&format!("{publisher}-{number}")]).await;
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let mut seen = BTreeSet::new();
    while seen.len() < 640 {
        let delivery = next(&consumer).await;
        assert_eq!(delivery.attempt(), 1);
        assert!(seen.insert(delivery.envelope().id.clone()));
        delivery.ack().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_operations_outlast_a_server_restart() {
    let Some(backend) = Backend::jetstream() else { return };
    let bus = backend.open().await;
    let consumer = bus.consumer(options("worker", "scan.*")).await.unwrap();
    publish(&bus, &["before"]).await;
    let first = next(&consumer).await;
    backend.stop_server();
    let publishing = tokio::spawn({
        let bus = bus.clone();
        async move { publish(&bus, &["while-down"]).await }
    });
    let acknowledging = tokio::spawn(first.ack());
    backend.start_server();
    timeout(PATIENCE, publishing).await.unwrap().unwrap();
    timeout(PATIENCE, acknowledging).await.unwrap().unwrap().unwrap();
    assert_eq!(id(&next(&consumer).await), ("while-down".into(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_killed_loses_nothing_published() {
    let Some(backend) = Backend::jetstream() else { return };
    let bus = backend.open().await;
    let consumer = bus.consumer(quick("worker", 1000, 100)).await.unwrap();
    let mut owed = BTreeSet::new();
    for round in 0..5 {
        for number in 0..20 {
            let id = format!("{round}-{number}");
            publish(&bus, &[&id]).await;
            owed.insert(id);
        }
        backend.kill_server();
        backend.start_server();
        // Some are taken between kills; the server may forget that, and then they come again.
        for _ in 0..10 {
            let delivery = next(&consumer).await;
            let id = delivery.envelope().id.clone();
            delivery.ack().await.unwrap();
            owed.remove(&id);
        }
    }
    while !owed.is_empty() {
        let delivery = next(&consumer).await;
        let id = delivery.envelope().id.clone();
        delivery.ack().await.unwrap();
        owed.remove(&id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_installations_do_not_meet() {
    let Some(backend) = Backend::jetstream() else { return };
    let (one, two) = (backend.open().await, backend.open_installation("two").await);
    let consumer = two.consumer(options("worker", "scan.*")).await.unwrap();
    publish(&one, &["a"]).await;
    publish(&two, &["b"]).await;
    assert_eq!(id(&next(&consumer).await), ("b".into(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_that_is_not_there_is_named_without_its_password() {
    let options = bus::JetStreamOptions::new("test");
    let error = Bus::jetstream("nats://user:secret@127.0.0.1:9", options).await.unwrap_err();
    assert_eq!(error.code(), "bus-connect-failed");
    assert!(error.to_string().contains("127.0.0.1:9") && !error.to_string().contains("secret"), "{error}");
}
