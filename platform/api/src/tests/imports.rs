//! Reports of other tools: taken, tried, refused, followed.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::json;
use store::{ImportOutcome, NewImport, Store};
use uuid::Uuid;

use super::*;
use crate::{ImportAnswer, ImportRefusal, IncomingImport};

fn outcome() -> ImportOutcome {
    ImportOutcome {
        format: "sarif".into(),
        tool: "CodeQL".into(),
        tool_version: Some("2.1".into()),
        made_at: None,
        targets: Vec::new(),
        skipped: 0,
        gaps: Vec::new(),
    }
}

/// What the service does, without a reader: a report of this name cannot be read.
pub(super) async fn submitted(
    store: &Store,
    tenant: &TenantId,
    new: IncomingImport,
) -> Result<ImportAnswer, ImportRefusal> {
    assert_eq!(new.by, "test");
    if new.body == b"unreadable" {
        return Err(ImportRefusal::Unusable("exchange-malformed", "the report is not readable".into()));
    }
    if new.dry_run {
        return Ok(ImportAnswer::Tried(outcome()));
    }
    let IncomingImport { source, ask, body, by, .. } = new;
    let (id, digest) = (Uuid::now_v7(), "00".to_owned());
    let new = NewImport { id, source, ask, digest, body, by, at: Timestamp::now() };
    let submitted = store.submit_import(tenant, new).await.map_err(ImportRefusal::Store)?;
    Ok(ImportAnswer::Accepted(Box::new(submitted)))
}

async fn send(rig: &Rig, query: &str, body: &str) -> Answer {
    let bearer = rig.bearer();
    let headers = [("content-type", "application/octet-stream"), ("authorization", bearer.as_str())];
    rig.send(Method::POST, &format!("/api/v1/imports?{query}"), &headers, Some(body)).await
}

#[tokio::test]
async fn a_report_is_accepted_and_followed() {
    let rig = Rig::new().await;
    let accepted = send(&rig, "source=codeql&kind=repository&target=github.com/a/b", "{}").await;
    assert_eq!(accepted.status.as_u16(), 202, "{}", accepted.text());
    let path = accepted.header("location").to_owned();
    let import = accepted.json();
    assert_eq!((&import["state"], &import["source"]), (&json!("queued"), &json!("codeql")));
    assert_eq!(import["bytes"], 2);
    assert_eq!(rig.get(&path).await.json(), import);
    let again = send(&rig, "source=codeql&kind=repository&target=github.com/a/b", "{}").await;
    assert_eq!(again.json()["id"], import["id"], "it waits already");
    let id = import["id"].as_str().unwrap().parse().unwrap();
    let at = Timestamp::now();
    let (begun, _) = rig.store.begin_import(&rig.tenant(), id, at).await.unwrap().unwrap();
    assert_eq!(begun.ask.kind, Some(model::TargetKind::Repository));
    assert!(rig.store.end_import(&rig.tenant(), id, Ok(&outcome()), at).await.unwrap());
    let listed = rig.get("/api/v1/imports").await.json();
    assert_eq!(listed["items"][0]["outcome"]["tool"], "CodeQL");
    rig.get("/api/v1/imports/0190a000-0000-7000-8000-000000000000").await.problem(404, "import-not-found");
}

#[tokio::test]
async fn a_report_is_tried_without_a_trace() {
    let rig = Rig::new().await;
    let tried = send(&rig, "source=codeql&dry_run=true", "{}").await;
    assert_eq!((tried.status.as_u16(), tried.json()["format"].clone()), (200, json!("sarif")));
    assert_eq!(rig.get("/api/v1/imports").await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_with_a_reason() {
    let rig = Rig::new().await;
    let problem = send(&rig, "source=x", "unreadable").await.problem(422, "import-refused");
    assert!(problem["detail"].as_str().unwrap().contains("exchange-malformed"), "{problem}");
    for query in ["source=palisade", "source=", "source=a%20b", "source=x&kind=planet"] {
        send(&rig, query, "{}").await.problem(422, "import-refused");
    }
    send(&rig, "", "{}").await.problem(400, "invalid-parameter");
    let large = " ".repeat(crate::routes::imports::BODY_BYTES_MAX + 1);
    send(&rig, "source=x", &large).await.problem(413, "body-too-large");
}

#[tokio::test]
async fn no_more_reports_are_read_at_once_than_there_is_memory_for() {
    let rig = Rig::new().await;
    let slow = || {
        let body = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let request = Request::builder().method(Method::POST).uri("/api/v1/imports?source=slow");
        let request = request.header("authorization", rig.bearer()).body(body).unwrap();
        tokio::spawn(rig.router.clone().oneshot(request))
    };
    // One that comes while others have all the room is sent away, so that another one has to follow it.
    let mut reading = Vec::new();
    let busy = loop {
        reading.push(slow());
        let answer = send(&rig, "source=x", "{}").await;
        if answer.status.as_u16() != 202 {
            break answer;
        }
    };
    assert!(!busy.header("retry-after").is_empty());
    busy.problem(429, "import-busy");
    // Who goes away leaves room.
    for request in reading {
        request.abort();
        // Those that were sent away have ended already.
        drop(request.await);
    }
    assert_eq!(send(&rig, "source=x", "{}").await.status.as_u16(), 202);
}
