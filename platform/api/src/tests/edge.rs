//! What every response has, and what holds when a handler fails.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, header};
use axum::routing::get;
use tower::ServiceExt as _;

use super::{Rig, options};
use crate::Scheme;
use crate::app::Parts;
use crate::router::layered;

#[tokio::test]
async fn every_response_carries_the_headers_that_keep_browsers_careful() {
    let rig = Rig::new().await;
    for path in ["/api/v1/scans", "/api/v1/nothing", "/livez", "/", "/findings", "/assets/none.js"] {
        let answer = rig.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    assert_eq!(rig.get("/api/v1/scans").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_is_replaced() {
    let rig = Rig::new().await;
    let ask = async |id: &str| {
        let headers = [("x-request-id", id)];
        rig.send(Method::GET, "/livez", &headers, None).await.header("x-request-id").to_owned()
    };
    assert_eq!(ask("trace-1_a.b").await, "trace-1_a.b");
    for bad in ["", "a b", "<script>", &"a".repeat(65)] {
        let given = ask(bad).await;
        assert!(given != bad && given.len() == 36, "{bad}: {given}");
    }
}

#[tokio::test]
async fn an_unchanged_answer_is_not_sent_twice() {
    let rig = Rig::new().await;
    let first = rig.get("/api/v1/plugins").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    let bearer = rig.bearer();
    for known in [tag.clone(), format!("W/{tag}, \"x\""), "*".to_owned()] {
        let headers = [("authorization", bearer.as_str()), ("if-none-match", &known)];
        let again = rig.send(Method::GET, "/api/v1/plugins", &headers, None).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), tag);
    }
    let headers = [("authorization", bearer.as_str()), ("if-none-match", "\"other\"")];
    assert_eq!(rig.send(Method::GET, "/api/v1/plugins", &headers, None).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_panic_is_a_problem_and_tells_the_client_nothing() {
    async fn panics() -> &'static str {
        panic!("secret detail")
    }
    let dir = tempfile::tempdir().unwrap();
    let app = Arc::new(Parts::new(options(dir.path(), vec![], Scheme::Http).await, String::new()).unwrap());
    // Outside the API's own routes, so the guard must be told to let it through: it is the fallback of a UI path.
    let router = layered(Router::new().fallback(get(panics)), &app);
    let request = Request::builder().uri("/boom").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status().as_u16(), 500);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("\"internal-error\"") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_route_that_nobody_declared_public_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let app = Arc::new(Parts::new(options(dir.path(), vec![], Scheme::Http).await, String::new()).unwrap());
    let router = layered(Router::new().route("/new", get(|| async { "open" })), &app);
    let request = Request::builder().uri("/new").body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status().as_u16(), 401);
}

#[tokio::test]
async fn more_requests_than_the_server_takes_are_told_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let app = Arc::new(Parts::new(options(dir.path(), vec![], Scheme::Http).await, String::new()).unwrap());
    let router = layered(Router::new().route("/livez", get(|| async { "ok" })), &app);
    let ask = async || {
        let request = Request::builder().uri("/livez").body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let all =
        app.requests.try_acquire_many(u32::try_from(app.requests.available_permits()).unwrap()).unwrap();
    let refused = ask().await;
    assert_eq!(refused.status().as_u16(), 503);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "2");
    drop(all);
    assert_eq!(ask().await.status().as_u16(), 200);
}

#[tokio::test]
async fn health_answers_strangers_and_follows_the_store() {
    let rig = Rig::new().await;
    for path in ["/livez", "/readyz"] {
        let answer = rig.send(Method::GET, path, &[], None).await;
        assert_eq!(answer.json()["status"], "ok", "{path}");
    }
    rig.store.close().await;
    assert_eq!(rig.send(Method::GET, "/livez", &[], None).await.status.as_u16(), 200);
    rig.send(Method::GET, "/readyz", &[], None).await.problem(503, "not-ready");
}
