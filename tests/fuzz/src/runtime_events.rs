//! Runtime events: whatever a body holds, each event of it is JSON that is read again as the same, ids are functions of bytes, and
//! what a sensor says of itself is never handed out as a threat.

use ingest::limits;
use ingest::runtime::{Flow, Format, Record, Source, decode, otlp_protobuf, stream};
use model::event::{Event, EventKind};
use serde_json::Value;

use crate::must::must;

/// 2026-06-10.
const OBSERVED: u64 = 1_781_079_400_000_000_000;

fn run(formats: &[Format], data: &[u8]) {
    let _ = Format::guess(data);
    for format in formats {
        body(*format, data);
    }
}

pub(crate) fn sensors(data: &[u8]) {
    run(&[Format::Falco, Format::Tetragon, Format::KubeArmor, Format::Ocsf], data);
}

pub(crate) fn clouds(data: &[u8]) {
    let formats =
        [Format::CloudTrail, Format::EventBridge, Format::GuardDuty, Format::GcpAudit, Format::AzureActivity];
    run(&formats, data);
}

pub(crate) fn audits(data: &[u8]) {
    run(&[Format::KubernetesAudit, Format::Okta, Format::GitHub], data);
}

pub(crate) fn logs(data: &[u8]) {
    run(&[Format::Otlp], data);
    if let Ok(json) = otlp_protobuf::to_json(data) {
        let _: Value = must(serde_json::from_str(&json), "the JSON form of a binary request");
        body(Format::Otlp, json.as_bytes());
    }
}

fn body(format: Format, data: &[u8]) {
    let source = Source { cluster: Some("c".into()), observed_at: Some(OBSERVED) };
    let decoded = decode(format, data, &source);
    let again = decode(format, data, &source);
    assert!(
        decoded.events == again.events && decoded.problems == again.problems,
        "another answer to the same bytes"
    );
    for one in &decoded.events {
        assert_ne!(one.event.kind, EventKind::SensorHealth);
        record(one);
    }
    for health in &decoded.health {
        assert_eq!(health.record.event.kind, EventKind::SensorHealth);
        record(&health.record);
    }
    let mut streamed = 0;
    stream(format, data, &source, &mut |_| {
        streamed += 1;
        Flow::On
    });
    let told = decoded.events.len() + decoded.health.len() + decoded.problems.len() + decoded.repeats;
    assert!(decoded.refused() || decoded.problems_unlisted > 0 || streamed == told);
}

fn record(record: &Record<'_>) {
    let body = must(record.clone().into_body(), "an event as JSON");
    let value: Value = must(serde_json::from_slice(&body), "an event as any reader sees it");
    assert!(value.get("raw").is_some_and(Value::is_object));
    let event: Event<'static> = must(serde_json::from_slice(&body), "an event that was written");
    assert!(event == record.event, "an event is read otherwise than it was written");
    assert!(event.joins.iter().all(|key| key.len() <= limits::EVENT_KEY_BYTES));
    assert!(record.id.starts_with(event.source.as_str()));
}
