//! Backtests as clients see them.

use axum::http::Method;
use jiff::Timestamp;
use model::TenantId;
use serde_json::{Value, json};
use store::{Backtest, NewBacktest, Store};

use super::{Answer, Rig};
use crate::BacktestRefusal;

/// Accepts what a service would whose rules are all called `good.yml`.
pub(super) async fn submitted(
    store: &Store,
    tenant: &TenantId,
    new: &NewBacktest,
) -> Result<Backtest, BacktestRefusal> {
    if let Some(bad) = new.rules.iter().find(|file| file.name != "good.yml") {
        return Err(BacktestRefusal::Unusable(format!("{} is no YAML", bad.name)));
    }
    store.submit_backtest(tenant, new).await.map_err(BacktestRefusal::Store)
}

async fn post(rig: &Rig, path: &str, body: Option<&Value>) -> Answer {
    let bearer = rig.bearer();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    rig.send(Method::POST, path, &headers, body.map(Value::to_string).as_deref()).await
}

fn asked() -> Value {
    json!({ "rules": [{ "name": "good.yml", "text": "title: a" }], "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z" })
}

#[tokio::test]
async fn a_backtest_is_accepted_followed_and_read() {
    let rig = Rig::new().await;
    let accepted = post(&rig, "/api/v1/backtests", Some(&asked())).await;
    assert_eq!(accepted.status.as_u16(), 202, "{}", accepted.text());
    let path = accepted.header("location").to_owned();
    let row = accepted.json();
    assert_eq!((row["state"].as_str(), row["asked_by"].as_str()), (Some("queued"), Some("test")), "{row}");

    let id = row["id"].as_str().unwrap().parse().unwrap();
    assert!(rig.store.backtest_judged(&rig.tenant(), id, 2_000, Timestamp::now()).await.unwrap());
    let under_way = rig.get(&path).await.json();
    assert_eq!((under_way["state"].as_str(), under_way["events"].as_u64()), (Some("running"), Some(2_000)));
    assert_eq!(under_way["rules"][0]["text"], "title: a");

    let difference = json!({
        "events": 2_001, "cut": false,
        "before": { "detections": 0, "incidents": 0, "gaps": 0, "seconds": 0.5 },
        "after": { "detections": 1, "incidents": 1, "gaps": 0, "seconds": 0.5 },
        "rules": { "palisade.sigma/a": { "before": 0, "after": 1, "added": 1, "removed": 0 } },
        "added": [{ "rule": "palisade.sigma/a", "title": "a", "severity": "high", "asset": "",
            "at": "2026-11-01T10:00:00Z", "events": ["falco:1"] }],
        "removed": [],
    });
    let ended = rig.store.end_backtest(&rig.tenant(), id, Ok((2_001, &difference)), Timestamp::now()).await;
    assert!(ended.unwrap());
    assert_eq!(rig.get(&path).await.json()["difference"], difference);
    assert_eq!(rig.get("/api/v1/backtests").await.json()["items"][0]["state"], "finished");
    post(&rig, &format!("{path}/cancel"), None).await.problem(409, "backtest-over");
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused_before_it_is_accepted() {
    let rig = Rig::new().await;
    let with = |key: &str, value: Value| {
        let mut asked = asked();
        asked[key] = value;
        asked
    };
    let bad = with("rules", json!([{ "name": "bad.yml", "text": "{" }]));
    let problem = post(&rig, "/api/v1/backtests", Some(&bad)).await.problem(422, "backtest-refused");
    assert!(problem["detail"].as_str().unwrap().contains("bad.yml"), "{problem}");
    for (asked, pointer) in [
        (with("rules", json!([])), "/rules"),
        (with("to", json!("2026-10-01T00:00:00Z")), "/from"),
        (with("rules", json!([{ "name": " ", "text": "a" }])), "/rules"),
    ] {
        let problem = post(&rig, "/api/v1/backtests", Some(&asked)).await.problem(422, "backtest-refused");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(rig.get("/api/v1/backtests").await.json()["items"], json!([]));
    let missing = "/api/v1/backtests/0190a000-0000-7000-8000-000000000000";
    rig.get(missing).await.problem(404, "backtest-not-found");
}

#[tokio::test]
async fn one_that_is_called_off_does_not_go_on() {
    let rig = Rig::new().await;
    let row = post(&rig, "/api/v1/backtests", Some(&asked())).await.json();
    let id = row["id"].as_str().unwrap();
    let answer = post(&rig, &format!("/api/v1/backtests/{id}/cancel"), None).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    let id = id.parse().unwrap();
    assert!(!rig.store.backtest_judged(&rig.tenant(), id, 1, Timestamp::now()).await.unwrap());
    let failure = Err(("backtest-failed", "too late"));
    assert!(!rig.store.end_backtest(&rig.tenant(), id, failure, Timestamp::now()).await.unwrap());
    let row = rig.get("/api/v1/backtests").await.json()["items"][0].clone();
    assert_eq!((row["state"].as_str(), row["error"].is_null()), (Some("cancelled"), true), "{row}");
}
