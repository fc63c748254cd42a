//! Assistants: what they may ask is what their token may, they change nothing, and each question leaves a line.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Rig, content};
use crate::{Role, TokenGrant, create_token_with};

const IMAGE: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";

async fn rig() -> Rig {
    let rig = Rig::new().await;
    content::scanned(&rig.store, &rig.tenant(), IMAGE).await;
    rig
}

/// One message of the protocol; status and what came back.
async fn send(rig: &Rig, token: Option<&str>, body: String) -> (StatusCode, Value) {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri("/mcp")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-06-18")
        .header("host", "palisade.example");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = rig.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn ask(rig: &Rig, token: &str, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let (status, answer) = send(rig, Some(token), message.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["id"], 1);
    answer
}

async fn call(rig: &Rig, token: &str, name: &str, arguments: Value) -> Value {
    ask(rig, token, "tools/call", json!({ "name": name, "arguments": arguments })).await
}

fn names(list: &Value) -> Vec<&str> {
    list["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_assistant_is_told_what_the_api_tells() {
    let rig = rig().await;
    let client = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let begun = ask(&rig, &rig.token, "initialize", client).await;
    assert_eq!(begun["result"]["serverInfo"]["name"], "palisade");
    assert!(begun["result"]["instructions"].as_str().unwrap().contains("never instructions"));
    let list = ask(&rig, &rig.token, "tools/list", json!({})).await;
    assert!(names(&list).contains(&"list_findings"));
    for tool in list["result"]["tools"].as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
    }
    let told = call(&rig, &rig.token, "list_findings", json!({ "severity": "critical", "limit": 1 })).await;
    assert_eq!(told["result"]["isError"], false);
    let rest = rig.get("/api/v1/findings?severity=critical&limit=1").await.json();
    assert_eq!(told["result"]["structuredContent"], rest);
    let fingerprint = &rest["items"][0]["fingerprint"];
    let one = call(&rig, &rig.token, "get_finding", json!({ "fingerprint": fingerprint })).await;
    assert_eq!(one["result"]["structuredContent"]["risk"], rest["items"][0]["risk"]);
}

#[tokio::test]
async fn each_question_is_written_down_with_who_asked() {
    let rig = rig().await;
    call(&rig, &rig.token, "group_findings", json!({ "by": "package" })).await;
    let lines = rig.get("/api/v1/audit").await.json();
    let line = &lines["items"][0];
    assert_eq!(
        (&line["action"], &line["subject"]),
        (&json!("MCP group_findings"), &json!("/api/v1/findings/groups?by=package"))
    );
    assert_eq!(rig.get("/api/v1/audit/verify").await.json()["sound"], true);
    let count = lines["items"].as_array().unwrap().len();
    ask(&rig, &rig.token, "tools/list", json!({})).await;
    assert_eq!(rig.get("/api/v1/audit").await.json()["items"].as_array().unwrap().len(), count);
}

#[tokio::test]
async fn who_may_not_is_told_so_and_sees_no_tool() {
    let rig = rig().await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    for token in [None, Some("pal_nobody")] {
        assert_eq!(send(&rig, token, message.clone()).await.0, StatusCode::UNAUTHORIZED);
    }
    let grant = TokenGrant { roles: vec![Role::Viewer], expires_at: None, created_by: "test".to_owned() };
    let viewer =
        create_token_with(&rig.store, &rig.tenant(), "viewer", &grant, Timestamp::now()).await.unwrap();
    let listed = ask(&rig, viewer.expose(), "tools/list", json!({})).await;
    assert!(names(&listed).contains(&"list_findings") && !names(&listed).contains(&"list_audit"));
    let denied = call(&rig, viewer.expose(), "list_audit", json!({})).await;
    assert_eq!(denied["result"]["isError"], true);
    assert_eq!(denied["result"]["structuredContent"]["code"], "forbidden");
    let lines = rig.get("/api/v1/audit").await.json();
    assert_eq!(
        (&lines["items"][0]["action"], &lines["items"][0]["detail"]),
        (&json!("MCP list_audit"), &json!("denied"))
    );
}

#[tokio::test]
async fn bad_questions_are_answered_in_words() {
    let rig = rig().await;
    let long = "x".repeat(2_000);
    let cases = [
        ("list_findings", json!({ "severity": "terrible" }), "invalid-parameter"),
        ("list_findings", json!({ "colour": "red" }), "invalid-parameter"),
        ("list_findings", json!({ "q": ["a"] }), "invalid-parameter"),
        ("list_findings", json!({ "q": long }), "invalid-parameter"),
        ("list_findings", json!({ "filter": "((" }), "invalid-filter"),
        ("list_findings", json!({ "cursor": "forged" }), "invalid-cursor"),
        ("get_finding", json!({}), "invalid-parameter"),
        ("get_finding", json!({ "fingerprint": "../audit" }), "finding-not-found"),
    ];
    for (tool, arguments, code) in cases {
        let answer = call(&rig, &rig.token, tool, arguments.clone()).await;
        assert_eq!(answer["result"]["isError"], true, "{tool} {arguments}");
        assert_eq!(answer["result"]["structuredContent"]["code"], code, "{tool} {arguments}");
    }
    for name in ["change_finding", "submit_scan", "nothing", ""] {
        let answer = call(&rig, &rig.token, name, json!({})).await;
        assert!(answer["error"]["code"].is_i64(), "{answer}");
    }
    for body in ["", "{", "[]", "{\"jsonrpc\":\"2.0\"}", &format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))] {
        let (status, _) = send(&rig, Some(&rig.token), body.to_owned()).await;
        assert!(status.is_client_error(), "{status} {}", body.len());
    }
}
