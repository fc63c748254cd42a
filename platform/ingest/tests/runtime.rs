//! Every body under `tests/runtime/<format>/` gives what stands beside it, and promises that hold for all bytes.
//!
//! `<case>.input` is a body as it comes; `<case>.json` is what is read from it. There `raw` is told only where it is not a piece
//! of the body as it stands. `PALISADE_WRITE_EXPECTED=1` writes what is read now; look at the difference before keeping it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use ingest::limits;
use ingest::runtime::{Decoded, Flow, Format, Record, Source, decode, stream};
use model::event::{Event, EventKind};
use proptest::prelude::*;
use serde_json::{Value, json};

const CLUSTER: &str = "0c9d6f1e-6a55-4f3b-9d2e-6a1f3f0b7c11";

/// 2026-06-10T08:16:40Z.
const OBSERVED: u64 = 1_781_079_400_000_000_000;

fn source() -> Source<'static> {
    Source { cluster: Some(CLUSTER.into()), observed_at: Some(OBSERVED) }
}

/// Every body with its format.
fn bodies() -> Vec<(Format, PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runtime");
    let mut all = Vec::new();
    for (format, name) in Format::ALL {
        let before = all.len();
        for entry in std::fs::read_dir(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")) {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "input") {
                let body = std::fs::read(&path).unwrap();
                all.push((format, path, body));
            }
        }
        assert!(all.len() > before, "{name} has no body");
    }
    all.sort_by(|a, b| a.1.cmp(&b.1));
    all
}

fn show(record: &Record<'_>, body: &[u8]) -> Value {
    let raw = record.event.raw.as_str().to_owned();
    let mut event: Value = serde_json::from_slice(&record.clone().into_body().unwrap()).unwrap();
    assert_eq!(event["source"], record.event.source.as_str());
    let verbatim = body.windows(raw.len().max(1)).any(|part| part == raw.as_bytes());
    if verbatim {
        event.as_object_mut().unwrap().remove("raw");
    }
    json!({ "id": record.id, "time": record.time, "asset": record.asset, "body": event })
}

fn show_all(decoded: &Decoded<'_>, body: &[u8]) -> Value {
    let health = decoded.health.iter().map(|health| {
        json!({
            "record": show(&health.record, body),
            "state": health.state.as_str(),
            "drops": health.drops,
            "seen": health.seen,
            "periodNs": health.period_ns,
        })
    });
    let problems = decoded.problems.iter().map(
        |problem| json!({ "index": problem.index, "code": problem.code.code(), "detail": problem.detail }),
    );
    json!({
        "events": decoded.events.iter().map(|record| show(record, body)).collect::<Vec<_>>(),
        "health": health.collect::<Vec<_>>(),
        "problems": problems.collect::<Vec<_>>(),
        "repeats": decoded.repeats,
    })
}

#[test]
fn bodies_give_what_stands_beside_them() {
    let write = std::env::var_os("PALISADE_WRITE_EXPECTED").is_some();
    for (format, path, body) in bodies() {
        let shown = show_all(&decode(format, &body, &source()), &body);
        let beside = path.with_extension("json");
        if write {
            std::fs::write(&beside, format!("{shown:#}\n")).unwrap();
        }
        let expected: Value = serde_json::from_slice(&std::fs::read(&beside).unwrap()).unwrap();
        assert_eq!(shown, expected, "{}", path.display());
    }
}

#[test]
fn formats_are_guessed_by_their_bodies() {
    for (format, path, body) in bodies() {
        // Nothing in an empty or wholly broken body tells what it is.
        if decode(format, &body, &source()).events.is_empty() {
            continue;
        }
        assert_eq!(Format::guess(&body), Some(format), "{}", path.display());
    }
    for (format, name) in Format::ALL {
        assert_eq!((Format::from_word(name), format.as_str()), (Some(format), name));
    }
}

/// What holds for every body.
fn check(format: Format, body: &[u8]) {
    let (one, two) = (decode(format, body, &source()), decode(format, body, &source()));
    assert_eq!((&one.events, &one.health, &one.problems), (&two.events, &two.health, &two.problems));
    for record in one.events.iter().chain(one.health.iter().map(|health| &health.record)) {
        assert!(record.id.starts_with(record.event.source.as_str()));
        let bytes = record.clone().into_body().unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(value["raw"].is_object());
        assert_eq!(&serde_json::from_slice::<Event<'static>>(&bytes).unwrap(), &record.event);
        assert!(record.event.joins.iter().all(|key| key.len() <= limits::EVENT_KEY_BYTES));
    }
    assert!(one.events.iter().all(|record| record.event.kind != EventKind::SensorHealth));
    assert!(one.health.iter().all(|health| health.record.event.kind == EventKind::SensorHealth));
    let mut streamed = 0;
    stream(format, body, &source(), &mut |_| {
        streamed += 1;
        Flow::On
    });
    assert_eq!(streamed, one.events.len() + one.health.len() + one.problems.len() + one.repeats);
}

#[test]
fn every_format_keeps_its_promises_for_the_bodies_of_all() {
    let bodies = bodies();
    for (format, _) in Format::ALL {
        for (_, _, body) in &bodies {
            check(format, body);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_bodies_keep_the_promises(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), 0..6u8, any::<u8>()), 1..5),
    ) {
        let bodies = bodies();
        let (format, _, body) = &bodies[which.index(bodies.len())];
        let mut body = body.clone();
        for (place, kind, byte) in damages {
            let at = place.index(body.len().max(1));
            match kind {
                _ if body.is_empty() => body.push(byte),
                0 => body[at] = byte,
                1 => body[at] ^= 1 << (byte & 7),
                2 => body.truncate(at),
                3 => drop(body.drain(at..(at + usize::from(byte)).min(body.len()))),
                4 => body.insert(at, b"\"\\{}[],:\n"[usize::from(byte) % 9]),
                _ => {
                    let piece = body[at..(at + usize::from(byte)).min(body.len())].to_vec();
                    body.splice(at..at, piece);
                }
            }
        }
        check(*format, &body);
    }

    #[test]
    fn order_is_kept_and_broken_lines_leave_the_others(broken in prop::collection::vec(0..4u8, 1..40)) {
        let mut body = String::new();
        let mut expected = Vec::new();
        for (number, kind) in broken.iter().enumerate() {
            match kind {
                0 => body.push_str("{\"rule\":\"x\",\n"),
                1 => body.push_str("{\"rule\":tru}\n"),
                _ => {
                    expected.push(format!("falco:u{number}"));
                    body.push_str(&format!("{{\"rule\":\"r\",\"time\":\"2026-06-10T08:15:24Z\",\"uuid\":\"u{number}\"}}\n"));
                }
            }
        }
        let decoded = decode(Format::Falco, body.as_bytes(), &source());
        let ids: Vec<String> = decoded.events.iter().map(|record| record.id.clone()).collect();
        prop_assert_eq!(ids, expected);
    }
}

#[test]
fn the_same_event_has_one_id_by_whichever_way_it_comes() {
    let event = r#"{"rule":"r","time":"2026-06-10T08:15:24Z","output":"ä"}"#;
    let id = |body: &[u8]| decode(Format::Falco, body, &source()).events[0].id.clone();
    let alone = id(event.as_bytes());
    assert!(alone.starts_with("falco:sha256:") && alone.len() == "falco:sha256:".len() + 32);
    assert_eq!(id(format!(" [ {event} ,\n{event}]").as_bytes()), alone);
    // A neighbour that is no UTF-8 changes nothing.
    assert_eq!(id(&[event.as_bytes(), b"\n{\"rule\":\"\xff\"}"].concat()), alone);
    assert_ne!(id(event.replace("\"r\"", "\"s\"").as_bytes()), alone);
}

#[test]
fn bounds_hold() {
    let huge = vec![b' '; limits::EVENT_BATCH_BYTES + 1];
    let decoded = decode(Format::Falco, &huge, &source());
    assert_eq!(decoded.problems[0].code.code(), "event-batch-too-large");
    assert!(decoded.refused());

    let many = "{}\n".repeat(limits::EVENTS + 2);
    let decoded = decode(Format::Falco, many.as_bytes(), &source());
    assert!(decoded.refused());
    assert_eq!(decoded.problems.len() + decoded.problems_unlisted, limits::EVENTS + 1);

    let long = "x".repeat(limits::EVENT_BYTES);
    let event = |rule: &str| format!("{{\"rule\":\"{rule}\",\"time\":\"2026-06-10T08:15:24Z\"}}\n");
    let body = [event(&long), event("a"), event(&long[..limits::EVENT_TEXT_BYTES + 1])].concat();
    let decoded = decode(Format::Falco, body.as_bytes(), &source());
    assert_eq!((decoded.problems[0].index, decoded.problems[0].code.code()), (0, "event-too-large"));
    assert_eq!(decoded.events.len(), 2);
    let title = decoded.events[1].event.title.as_deref().unwrap();
    assert_eq!(
        (title.len(), title.ends_with(limits::CUT_MARK)),
        (limits::EVENT_TEXT_BYTES + "…".len(), true)
    );

    let deep = format!("{}\n{}", event("a").replace("\"a\"", &"[".repeat(200_000)), event("b"));
    let decoded = decode(Format::Falco, deep.as_bytes(), &source());
    assert_eq!((decoded.problems[0].code.code(), decoded.events.len()), ("event-too-deep", 1));

    // Nothing takes more than one look at each byte, or this would not end.
    for piece in [
        "tru,",
        "{x} ",
        "{\"a\":[}\n",
        "[1 2]",
        "}",
        "{\"rule\":\"\\x\"} ",
        "\"",
        "[{\"a\":\"\\x\"},",
        "{\"items\":[{},",
    ] {
        let body = piece.repeat(2_000_000 / piece.len());
        for format in [Format::Falco, Format::KubernetesAudit, Format::Otlp] {
            assert!(decode(format, body.as_bytes(), &source()).events.len() <= limits::EVENTS);
        }
    }

    // A resource that is repeated in every record costs no more than a small multiple of the body.
    let records = "{\"timeUnixNano\":\"1781079327000000001\"},".repeat(50_000);
    let resource = format!(
        "{{\"attributes\":[{{\"key\":\"x\",\"value\":{{\"stringValue\":\"{}\"}}}}]}}",
        &long[..500_000]
    );
    let body = format!(
        "{{\"resourceLogs\":[{{\"resource\":{resource},\"scopeLogs\":[{{\"scope\":{{}},\"logRecords\":[{}]}}]}}]}}",
        records.trim_end_matches(',')
    );
    let decoded = decode(Format::Otlp, body.as_bytes(), &source());
    let bytes: usize = decoded.events.iter().map(|record| record.event.raw.as_str().len()).sum();
    assert!(bytes <= body.len() * (limits::REPEATED_TIMES + 2), "{bytes}");
    assert!(decoded.problems.iter().all(|problem| problem.code.code() == "event-too-large"));
}
