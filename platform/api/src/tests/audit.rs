//! What people do is written down before it is done.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Rig;
use crate::{Role, TokenGrant, create_token_with};

async fn lines(rig: &Rig, query: &str) -> Vec<Value> {
    rig.get(&format!("/api/v1/audit{query}")).await.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_changes_something_is_in_the_log_and_what_reads_is_not() {
    let rig = Rig::new().await;
    rig.get("/api/v1/findings").await;
    assert_eq!(lines(&rig, "").await, Vec::<Value>::new());
    let (bearer, json) = (rig.bearer(), ("content-type", "application/json"));
    let scan = Some(r#"{"kind":"image","reference":"alpine"}"#);
    rig.send(Method::POST, "/api/v1/scans", &[("authorization", &bearer), json], scan).await;
    let grant = TokenGrant { roles: vec![Role::Viewer], expires_at: None, created_by: "test".to_owned() };
    let viewer =
        create_token_with(&rig.store, &rig.tenant(), "viewer", &grant, Timestamp::now()).await.unwrap();
    let viewer = format!("Bearer {}", viewer.expose());
    let denied = rig.send(Method::POST, "/api/v1/scans", &[("authorization", &viewer), json], scan).await;
    denied.problem(403, "forbidden");
    let sign_in = format!(r#"{{"token":"{}"}}"#, rig.token);
    rig.send(Method::POST, "/api/v1/session", &[json], Some(&sign_in)).await;
    let path = "/api/v1/findings/0123456789abcdef0123456789abcdef?x=1";
    rig.send(Method::PATCH, path, &[("authorization", &bearer), json], Some(r#"{"comment":"secret words"}"#))
        .await;

    let log = lines(&rig, "").await;
    let told: Vec<(&str, &str, &str, &str)> = log
        .iter()
        .rev()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap();
            (text("actor"), text("action"), text("subject"), text("detail"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("test", "POST /api/v1/scans", "/api/v1/scans", "with a token"),
            ("viewer", "POST /api/v1/scans", "/api/v1/scans", "denied; with a token"),
            ("test", "signed-in", "token:test", "scopes: role:admin"),
            (
                "test",
                "PATCH /api/v1/findings/{fingerprint}",
                "/api/v1/findings/0123456789abcdef0123456789abcdef",
                "with a token; x=1"
            ),
        ]
    );
    assert!(log.iter().all(|line| line["chained"] == true));
    assert_eq!(lines(&rig, "?actor=viewer").await.len(), 1);
    assert_eq!(lines(&rig, "?action=signed-in&subject=token:test").await.len(), 1);
    assert_eq!(lines(&rig, "?to=2020-01-01T00:00:00Z").await.len(), 0);

    let check = rig.get("/api/v1/audit/verify").await.json();
    assert_eq!(
        (&check["sound"], &check["records"], &check["broken"]),
        (&true.into(), &4.into(), &Value::Null)
    );
    let file = rig.get("/api/v1/audit/export").await;
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    let mut head = Value::Null;
    for line in file.text().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(head.is_null() || record["previous"] == head, "{line}");
        assert!(!line.contains("secret words"));
        head = format!("sha256:{}", hex::encode(Sha256::digest(line.as_bytes()))).into();
    }
    assert_eq!(check["head"], head, "the file ends at the head");
}
