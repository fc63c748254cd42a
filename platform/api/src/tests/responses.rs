//! Responses as clients see them.

use std::collections::BTreeMap;

use axum::http::Method;
use jiff::Timestamp;
use respond::{Begin, Driver, Nowhere, Settings};
use serde_json::json;

use super::Rig;
use crate::dto::{Playbook, PlaybookStep};
use crate::{ResponseAnswer, ResponseFigures, ResponseOrder, ResponseRefusal};

const PLAYBOOK: &str =
    "name: mark\ntrigger: \"severity>=low\"\nsteps:\n  - label: { target: pod, labels: { a: b } }\n";

/// What a service would answer that offers one playbook and knows no incident.
pub(super) fn ordered(order: ResponseOrder) -> Result<ResponseAnswer, ResponseRefusal> {
    let refuse = |detail: &str, unknown| Err(ResponseRefusal { detail: detail.to_owned(), unknown });
    match order {
        ResponseOrder::Playbooks => Ok(ResponseAnswer::Playbooks(vec![Playbook {
            name: "mark".to_owned(),
            digest: "sha256:0".to_owned(),
            description: String::new(),
            trigger: "severity>=low".to_owned(),
            enabled: true,
            origin: "built-in".to_owned(),
            steps: vec![PlaybookStep {
                id: "1".to_owned(),
                action: "label".to_owned(),
                class: "reversible".to_owned(),
            }],
            approvals: 0,
            lease_seconds: Some(60),
        }])),
        ResponseOrder::Start { dry_run: true, .. } => {
            Ok(ResponseAnswer::Plan(Box::new(respond::Plan { pods_total: 3, ..respond::Plan::default() })))
        }
        ResponseOrder::Start { .. } => refuse("there is no such incident", true),
        ResponseOrder::Decide { .. } => refuse("the plan is another one", false),
        ResponseOrder::Cancel { .. } => refuse("there is nothing to take back", false),
    }
}

#[tokio::test]
async fn runs_are_listed_and_shown_with_their_plan_and_their_records() {
    let rig = Rig::new().await;
    let settings = Settings::default();
    let driver = Driver::new(&Nowhere, &rig.store, &settings);
    let begin = Begin {
        tenant: rig.tenant(),
        playbook: PLAYBOOK.to_owned(),
        incident: "i-1".to_owned(),
        event: json!({ "pod": { "namespace": "shop", "name": "web" } }),
        parameters: BTreeMap::new(),
        by: Some("ann".to_owned()),
        round: 1,
        cluster: String::new(),
        approval: None,
    };
    let mut run = driver.begin(begin, Timestamp::now()).await.unwrap();
    let id = run.id.to_string();
    let listed = rig.get("/api/v1/responses?open=true&incident=i-1").await.json();
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["phase"]), (&json!(id), &json!("planning")));
    assert_eq!(rig.get("/api/v1/responses?incident=i-2").await.json()["items"], json!([]));
    // The cluster cannot be asked, so that the plan is refused in words.
    driver.advance(&mut run, Timestamp::now()).await.unwrap();
    let shown = rig.get(&format!("/api/v1/responses/{id}")).await.json();
    assert_eq!((&shown["phase"], &shown["outcome"]), (&json!("over"), &json!("refused")), "{shown}");
    assert_eq!(shown["startedBy"], "ann");
    assert_eq!(shown["plan"]["refusals"].as_array().unwrap().len(), 1);
    assert_eq!(shown["journal"].as_array().unwrap().len(), 3);
    let ledger = rig.get(&format!("/api/v1/responses/ledger?run={id}&limit=1")).await.json();
    assert_eq!((&ledger["items"][0]["what"], &ledger["next"]), (&json!("planned"), &json!("1")));
    let rest = rig.get("/api/v1/responses/ledger?cursor=1").await.json();
    let check = rig.get("/api/v1/responses/ledger/verify").await.json();
    assert_eq!((&check["records"], &check["head"]), (&json!(2), &rest["items"][0]["hash"]), "{rest}");
    rig.get("/api/v1/responses/ledger?cursor=x").await.problem(400, "invalid-cursor");
    rig.get("/api/v1/responses/none").await.problem(404, "response-not-found");
}

#[tokio::test]
async fn orders_are_handed_on_and_refusals_are_told_in_words() {
    let rig = Rig::new().await;
    let bearer = rig.bearer();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let post = |path: &'static str, body: serde_json::Value| {
        let body = body.to_string();
        let rig = &rig;
        let headers = &headers;
        async move { rig.send(Method::POST, path, headers, Some(&body)).await }
    };
    assert_eq!(rig.get("/api/v1/playbooks").await.json()["items"][0]["steps"][0]["class"], "reversible");
    let tried =
        post("/api/v1/responses", json!({ "playbook": "mark", "incident": "i", "dryRun": true })).await;
    let tried = tried.json();
    assert_eq!((&tried["dryRun"], &tried["plan"]["podsTotal"]), (&json!(true), &json!(3)), "{tried}");
    let started = post("/api/v1/responses", json!({ "playbook": "mark", "incident": "i" })).await;
    started.problem(404, "response-not-found");
    let decided = post("/api/v1/responses/x/decide", json!({ "agree": true, "digest": "sha256:1" })).await;
    decided.problem(409, "response-refused");
    post("/api/v1/responses/x/cancel", json!({ "why": "enough" })).await.problem(409, "response-refused");
    let put = |body: serde_json::Value| {
        let body = body.to_string();
        let rig = &rig;
        let headers = &headers;
        async move { rig.send(Method::PUT, "/api/v1/kill-switch", headers, Some(&body)).await }
    };
    put(json!({ "playbook": "", "why": " " })).await.problem(422, "invalid-body");
    assert_eq!(put(json!({ "playbook": "", "why": "a test" })).await.status.as_u16(), 200);
    let on = rig.get("/api/v1/kill-switch").await.json();
    assert_eq!((&on["items"][0]["why"], &on["items"][0]["by"]), (&json!("a test"), &json!("test")), "{on}");
    assert_eq!(put(json!({ "playbook": "", "why": null })).await.status.as_u16(), 200);
    assert_eq!(rig.get("/api/v1/kill-switch").await.json()["items"], json!([]));
}

/// What responses came to.
pub(crate) fn figures() -> ResponseFigures {
    let count = |of: &str, outcome: &str, count: u64| ((of.to_owned(), outcome.to_owned()), count);
    ResponseFigures {
        runs: [count("p", "succeeded", 2)].into(),
        steps: [count("notify", "failed", 1)].into(),
    }
}

#[tokio::test]
async fn runs_come_in_pages_and_each_once() {
    let rig = Rig::new().await;
    let settings = Settings::default();
    let driver = Driver::new(&Nowhere, &rig.store, &settings);
    let now = Timestamp::now();
    let mut all = Vec::new();
    for number in 0..5 {
        let begin = Begin {
            tenant: rig.tenant(),
            playbook: PLAYBOOK.to_owned(),
            incident: format!("i-{number}"),
            event: json!({}),
            parameters: BTreeMap::new(),
            by: None,
            round: 1,
            cluster: String::new(),
            approval: None,
        };
        // Two of them at the same moment.
        let at = now + jiff::SignedDuration::from_secs(i64::from(number / 2));
        all.push(driver.begin(begin, at).await.unwrap().id.to_string());
    }
    let (mut seen, mut path) = (Vec::new(), "/api/v1/responses?limit=2".to_owned());
    loop {
        let page = rig.get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(!items.is_empty() && items.len() <= 2, "{page}");
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/responses?limit=2&cursor={next}");
    }
    assert_eq!(seen[0], all[4], "the newest first");
    let mut sorted = seen.clone();
    sorted.sort();
    all.sort();
    assert_eq!(sorted, all);
    rig.get("/api/v1/responses?cursor=x").await.problem(400, "invalid-cursor");
}

#[tokio::test]
async fn figures_say_what_responses_came_to() {
    let rig = Rig::new().await;
    let text = rig.get("/api/v1/metrics").await.text();
    assert!(text.contains("palisade_responses_total{playbook=\"p\",outcome=\"succeeded\"} 2\n"), "{text}");
    rig.get("/api/v1/findings/0123456789abcdef0123456789abcdef").await.problem(404, "finding-not-found");
    let text = rig.get("/api/v1/metrics").await.text();
    for line in [
        "palisade_findings_open{severity=\"critical\"} 0",
        "palisade_scans_queued 0",
        "palisade_scans_failed_total 0",
        "palisade_http_requests_total{method=\"GET\",route=\"/api/v1/findings/{fingerprint}\",status=\"4xx\"} 1",
        "palisade_http_requests_total{method=\"GET\",route=\"/api/v1/metrics\",status=\"2xx\"} 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
}
