//! Sources and their doors, incidents and what people make of them.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use model::Severity;
use serde_json::{Value, json};
use store::{EventCommit, NewDetection, NewIncident};

use super::Rig;

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(rig: &Rig, path: &str, body: &Value) -> super::Answer {
    let headers = [("authorization", rig.bearer()), (JSON.0, JSON.1.to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    rig.send(Method::POST, path, &headers, Some(&body.to_string())).await
}

/// A source, and the token that opens its door.
async fn source(rig: &Rig, name: &str) -> String {
    let made = post(rig, "/api/v1/runtime/sources", &json!({ "name": name, "format": "falco" })).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.text());
    made.json()["token"].as_str().unwrap().to_owned()
}

async fn ingest(rig: &Rig, name: &str, token: &str, body: &str) -> super::Answer {
    let bearer = format!("Bearer {token}");
    rig.send(Method::POST, &format!("/api/v1/ingest/{name}"), &[("authorization", &bearer)], Some(body)).await
}

#[tokio::test]
async fn a_door_opens_for_its_own_token_and_says_what_became_of_a_body() {
    let rig = Rig::new().await;
    let (one, two) = (source(&rig, "one").await, source(&rig, "two").await);
    let told = ingest(&rig, "one", &one, "a\nb").await;
    assert_eq!((told.status.as_u16(), &told.json()["events"]), (200, &json!(2)));
    ingest(&rig, "two", &one, "a").await.problem(403, "source-token-mismatch");
    ingest(&rig, "nobody", &one, "a").await.problem(403, "source-token-mismatch");
    let busy = ingest(&rig, "one", &one, "busy").await;
    assert!(busy.problem(429, "source-busy")["retryable"].as_bool().unwrap());
    assert!(!busy.header("retry-after").is_empty());
    ingest(&rig, "one", &one, "").await.problem(422, "events-unreadable");
    post(&rig, "/api/v1/runtime/sources/two/disable", &Value::Null).await;
    ingest(&rig, "two", &two, "a").await.problem(403, "source-disabled");
    let new = post(&rig, "/api/v1/runtime/sources/one/rotate", &Value::Null).await.json();
    ingest(&rig, "one", &one, "a").await.problem(401, "source-token-refused");
    assert_eq!(ingest(&rig, "one", new["token"].as_str().unwrap(), "a").await.status.as_u16(), 200);
    let basic = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("x:{}", new["token"].as_str().unwrap()),
    );
    let basic = format!("Basic {basic}");
    let otlp = [("authorization", basic.as_str()), JSON];
    let told = rig.send(Method::POST, "/api/v1/ingest/one/v1/logs", &otlp, Some("{}")).await;
    assert_eq!((told.status.as_u16(), told.text().as_str()), (200, "{}"));
}

/// A door that was open a moment ago is known to be, and no longer than until somebody says otherwise here.
#[tokio::test]
async fn a_source_that_is_changed_here_is_looked_up_anew_at_once() {
    let rig = Rig::new().await;
    let (one, two) = (source(&rig, "one").await, source(&rig, "two").await);
    for _ in 0..2 {
        assert_eq!(ingest(&rig, "one", &one, "a").await.status.as_u16(), 200);
        assert_eq!(ingest(&rig, "two", &two, "a").await.status.as_u16(), 200);
    }
    post(&rig, "/api/v1/runtime/sources/one/disable", &Value::Null).await;
    ingest(&rig, "one", &one, "a").await.problem(403, "source-disabled");
    assert_eq!(ingest(&rig, "two", &two, "a").await.status.as_u16(), 200);
    post(&rig, "/api/v1/runtime/sources/one/enable", &Value::Null).await;
    assert_eq!(ingest(&rig, "one", &one, "a").await.status.as_u16(), 200);
    post(&rig, "/api/v1/runtime/sources/one/rotate", &Value::Null).await;
    ingest(&rig, "one", &one, "a").await.problem(401, "source-token-refused");
    let bearer = rig.bearer();
    rig.send(Method::DELETE, "/api/v1/runtime/sources/two", &[("authorization", &bearer)], None).await;
    ingest(&rig, "two", &two, "a").await.problem(401, "source-token-refused");
}

#[tokio::test]
async fn a_body_that_is_too_large_or_packed_otherwise_is_told_apart() {
    let rig = Rig::new().await;
    let token = source(&rig, "one").await;
    let bearer = format!("Bearer {token}");
    let path = "/api/v1/ingest/one";
    let large = [("authorization", bearer.as_str()), ("content-length", "16777217")];
    rig.send(Method::POST, path, &large, Some("a")).await.problem(413, "body-too-large");
    let packed = [("authorization", bearer.as_str()), ("content-encoding", "gzip")];
    rig.send(Method::POST, path, &packed, Some("no gzip")).await.problem(400, "body-unreadable");
    let packed = [("authorization", bearer.as_str()), ("content-encoding", "zstd")];
    rig.send(Method::POST, path, &packed, Some("a")).await.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn sources_are_checked_before_they_are_made() {
    let rig = Rig::new().await;
    for (name, format) in [("", "falco"), ("A", "falco"), ("a/b", "falco"), ("a", "nothing")] {
        let body = json!({ "name": name, "format": format });
        post(&rig, "/api/v1/runtime/sources", &body).await.problem(422, "source-invalid");
    }
    source(&rig, "one").await;
    let body = json!({ "name": "one", "format": "falco" });
    post(&rig, "/api/v1/runtime/sources", &body).await.problem(409, "source-name-taken");
    assert_eq!(rig.get("/api/v1/runtime/sources").await.json()["items"][0]["name"], "one");
    rig.get("/api/v1/runtime/sources/two").await.problem(404, "source-not-found");
    let gone = rig
        .send(Method::DELETE, "/api/v1/runtime/sources/one", &[("authorization", &rig.bearer())], None)
        .await;
    assert_eq!(gone.status.as_u16(), 204);
}

/// An incident of one detection.
async fn incident(rig: &Rig) -> String {
    incident_of(rig, 1).await
}

/// One whose step was detected so often, at 5, 6 and so on; it has the id of the first detection.
async fn incident_of(rig: &Rig, count: u64) -> String {
    let (tenant, now) = (rig.tenant(), Timestamp::now());
    let until = now + SignedDuration::from_mins(1);
    assert!(rig.store.correlator_lease(&tenant, "test", now, until).await.unwrap());
    let id = "0".repeat(32);
    let commit = EventCommit {
        tenant,
        holder: "test".into(),
        messages: Vec::new(),
        now,
        events: Vec::new(),
        late: BTreeSet::new(),
        problems: BTreeMap::new(),
        repeated: BTreeMap::new(),
        sensors: Vec::new(),
        detections: (5..5 + count)
            .map(|time| NewDetection {
                id: if time == 5 { id.clone() } else { format!("{time:032}") },
                rule: "sensor/falco/shell".into(),
                plugin: "sensor".into(),
                title: "shell".into(),
                severity: Severity::High,
                asset: "a".into(),
                key: "k".into(),
                first: time,
                last: time,
                late: false,
                techniques: vec!["T1059".into()],
                events: Vec::new(),
                evidence: json!({}),
                subject: json!({ "pod": { "namespace": "shop", "name": "web-1" }, "node": "n1" }),
                suppressed_by: None,
            })
            .collect(),
        links: Vec::new(),
        incidents: vec![NewIncident {
            id: id.clone(),
            first: 5,
            last: 4 + count,
            severity: Severity::High,
            title: "shell".into(),
            assets: vec!["a".into()],
            techniques: vec!["T1059".into()],
            detections: count,
            left_out: 0,
            steps: json!([{ "rule": "sensor/falco/shell", "asset": "a", "title": "shell", "severity": "high", "first": 5,
                "last": 4 + count, "count": count, "detection": id, "techniques": ["T1059"] }]),
            source_count: 1,
        }],
        merged: Vec::new(),
        state: BTreeMap::new(),
        timers: json!({}),
        watermark: 0,
        gaps: Vec::new(),
    };
    rig.store.commit_events(&commit).await.unwrap();
    id
}

async fn change(rig: &Rig, id: &str, body: &Value) -> super::Answer {
    let bearer = rig.bearer();
    let path = format!("/api/v1/incidents/{id}");
    rig.send(Method::PATCH, &path, &[("authorization", &bearer), JSON], Some(&body.to_string())).await
}

#[tokio::test]
async fn an_incident_tells_its_story_and_keeps_what_people_say() {
    let rig = Rig::new().await;
    let id = incident(&rig).await;
    let list = rig.get("/api/v1/incidents?status=open,investigating&severity_min=high").await.json();
    assert_eq!((list["items"][0]["id"].as_str(), &list["items"][0]["steps"]), (Some(id.as_str()), &json!(1)));
    let changed = change(
        &rig,
        &id,
        &json!({ "status": "investigating", "assignee": "ann", "note": "mine", "version": 1 }),
    )
    .await;
    assert_eq!(changed.json()["incident"]["version"], 2, "{}", changed.text());
    change(&rig, &id, &json!({ "status": "closed", "version": 1 })).await.problem(409, "version-stale");
    change(&rig, "nobody", &json!({})).await.problem(404, "incident-not-found");
    let after = change(&rig, &id, &json!({ "assignee": null, "disposition": "benign" })).await.json();
    assert_eq!(
        (&after["incident"]["assignee"], &after["incident"]["disposition"]),
        (&Value::Null, &json!("benign"))
    );
    assert_eq!(after["history"].as_array().unwrap().len(), 2);
    let timeline = rig.get(&format!("/api/v1/incidents/{id}/timeline")).await.json();
    assert_eq!(timeline["items"][0]["detections"][0]["rule"], "sensor/falco/shell");
    let graph = rig.get(&format!("/api/v1/incidents/{id}/graph")).await.json();
    assert_eq!(graph["edges"][0]["edge"], "on", "{graph}");
    assert_eq!((&graph["edges"][0]["proof"], &graph["cut"]), (&json!([id]), &json!(false)));
    for (asked, found) in [(id.as_str(), 1), ("nobody", 0)] {
        let listed = rig.get(&format!("/api/v1/runtime/detections?incident={asked}")).await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), found, "{asked}");
        let listed = rig.get(&format!("/api/v1/runtime/events?incident={asked}")).await.json();
        assert_eq!(listed["items"], json!([]), "it has no events");
    }
    let detail = rig.get(&format!("/api/v1/runtime/detections/{id}")).await.json();
    assert_eq!(detail["detection"]["techniques"], json!(["T1059"]));
}

#[tokio::test]
async fn the_story_of_a_busy_rule_begins_with_its_first_detection() {
    let rig = Rig::new().await;
    let id = incident_of(&rig, 14).await;
    let timeline = rig.get(&format!("/api/v1/incidents/{id}/timeline")).await.json();
    let told = timeline["items"][0]["detections"].as_array().unwrap();
    assert_eq!(
        (told.len(), &told[10]["id"], &told[0]["id"]),
        (11, &json!(id), &json!(format!("{:032}", 18)))
    );
}

#[tokio::test]
async fn a_suppression_needs_somebody_who_answers_for_it_and_an_end() {
    let rig = Rig::new().await;
    let path = "/api/v1/runtime/suppressions";
    let soon = (Timestamp::now() + SignedDuration::from_hours(1)).to_string();
    let good =
        json!({ "rule": "sensor/*", "asset": "a", "reason": "known", "owner": "ann", "expires_at": soon });
    for (member, value) in [
        ("rule", json!(" ")),
        ("reason", json!("")),
        ("owner", json!("")),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
        ("expires_at", json!("2099-01-01T00:00:00Z")),
        ("filter", json!("a:(")),
    ] {
        let mut body = good.clone();
        body[member] = value;
        post(&rig, path, &body).await.problem(422, "suppression-refused");
    }
    for (rule, asset, filter) in [
        ("*", "*", Value::Null),
        ("**", "*", Value::Null),
        ("*", "***", Value::Null),
        ("*/*", "*:*", Value::Null),
        ("*", "*", json!("severity>=unknown or kind:*")),
        ("**", "*", json!("not pod.namespace:shop")),
    ] {
        let all = json!({ "rule": rule, "asset": asset, "filter": filter, "reason": "r", "owner": "ann", "expires_at": soon });
        post(&rig, path, &all).await.problem(422, "suppression-refused");
    }
    for (rule, asset, filter) in [
        ("**", "k8s:u/*", Value::Null),
        ("sensor/**", "**", Value::Null),
        ("**", "**", json!("pod.namespace:shop")),
        ("**", "**", json!("severity<=low")),
    ] {
        let some = json!({ "rule": rule, "asset": asset, "filter": filter, "reason": "r", "owner": "ann", "expires_at": soon });
        let made = post(&rig, path, &some).await;
        assert_eq!(made.status.as_u16(), 201, "{}", made.text());
    }
    let made = post(&rig, path, &good).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let ended = post(&rig, &format!("{path}/{id}/end"), &Value::Null).await.json();
    assert_eq!(ended["active"], false);
}
