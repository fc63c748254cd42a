//! Nothing answers without credentials, and every way of showing them does what it says.

use axum::http::Method;
use jiff::Timestamp;
use model::TenantId;

use super::{Rig, content, options};
use crate::auth::{PUBLIC, is_door, is_public};
use crate::{Scheme, bootstrap_token, create_token};

/// Every operation of the document, with its parameters filled in.
fn operations() -> Vec<(Method, String, String)> {
    let mut document = crate::openapi();
    let mut all = Vec::new();
    for (path, item) in &mut document.paths.paths {
        for (method, _) in crate::document::operations(item) {
            let filled: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
            all.push((method, path.clone(), filled.join("/")));
        }
    }
    assert!(all.len() >= 20, "{all:?}");
    all
}

/// The paths that the router itself has, read from its debug output: the only list it gives.
fn routed_paths(rig: &Rig) -> Vec<String> {
    let text = format!("{:?}", rig.router);
    // `paths: {RouteId(0): "/livez", …}`; the list ends where something else than a route id follows.
    let (_, list) = text.split_once("paths: {").unwrap();
    let mut paths = Vec::new();
    for entry in list.split("RouteId(").skip(1) {
        let mut parts = entry.split('"');
        paths.push(parts.nth(1).unwrap().to_owned());
        if parts.next().unwrap() != ", " {
            break;
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

#[tokio::test]
async fn no_operation_answers_without_credentials_except_the_public_ones() {
    let rig = Rig::new().await;
    let wrong = format!("Bearer {}", create_token_text());
    let credentials: [&[(&str, &str)]; 6] = [
        &[],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic cGFsOnBhbA==")],
        &[("authorization", &wrong)],
        &[("cookie", "palisade_session=")],
        &[("cookie", "palisade_session=abc; palisade_session=def")],
    ];
    for (method, route, path) in operations() {
        for headers in credentials {
            let answer = rig.send(method.clone(), &path, headers, None).await;
            if is_public(&method, &route) {
                // Signing in without a body is refused for its body, not for its credentials.
                assert_ne!(answer.status.as_u16(), 401, "{method} {path}");
            } else {
                let door = is_door(&method, &route);
                answer.problem(401, if door { "source-token-refused" } else { "unauthenticated" });
                assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{method} {path}");
            }
        }
    }
}

/// A well-formed token that no store knows.
fn create_token_text() -> String {
    crate::Secret::generate().unwrap().expose().to_owned()
}

#[tokio::test]
async fn the_document_has_exactly_the_routes_of_the_router() {
    let rig = Rig::new().await;
    let mut documented: Vec<String> = operations().into_iter().map(|(_, route, _)| route).collect();
    // Another protocol, which has a document of its own.
    documented.push(crate::assistants::PATH.to_owned());
    documented.sort();
    documented.dedup();
    assert_eq!(routed_paths(&rig), documented);
}

#[tokio::test]
async fn a_path_has_exactly_the_methods_of_the_document() {
    let rig = Rig::new().await;
    let operations = operations();
    for (_, route, path) in &operations {
        let documented: Vec<&Method> =
            operations.iter().filter(|(_, other, _)| other == route).map(|(method, ..)| method).collect();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        {
            if documented.contains(&&method) {
                continue;
            }
            let answer = rig.send(method.clone(), path, &[("authorization", &rig.bearer())], None).await;
            answer.problem(405, "method-not-allowed");
            let allowed: Vec<&str> =
                answer.header("allow").split(',').filter(|name| *name != "HEAD").collect();
            assert_eq!(allowed.len(), documented.len(), "{route}: {allowed:?}");
            assert!(
                documented.iter().all(|method| allowed.contains(&method.as_str())),
                "{route}: {allowed:?}"
            );
        }
    }
}

#[tokio::test]
async fn unknown_paths_below_the_api_tell_nothing_to_strangers() {
    let rig = Rig::new().await;
    for path in ["/api", "/api/", "/api/v1", "/api/v2/scans", "/api/v1/scans/"] {
        rig.send(Method::GET, path, &[], None).await.problem(401, "unauthenticated");
        rig.get(path).await.problem(404, "route-not-found");
    }
    assert!(PUBLIC.iter().all(|(_, path)| !path.contains('{')));
}

#[tokio::test]
async fn a_session_is_made_used_and_ended() {
    let rig = Rig::new().await;
    let body = format!("{{\"token\":\"{}\"}}", rig.token);
    let json = ("content-type", "application/json");
    let signed_in = rig.send(Method::POST, "/api/v1/session", &[json], Some(&body)).await;
    assert_eq!(signed_in.status.as_u16(), 204);
    let cookie = signed_in.header("set-cookie").to_owned();
    assert!(cookie.starts_with("palisade_session="), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains(&rig.token[4..]), "{cookie}");
    let pair = cookie.split(';').next().unwrap().to_owned();
    let cookie = ("cookie", pair.as_str());

    let who = rig.send(Method::GET, "/api/v1/session", &[("cookie", &format!("a=b; {pair}"))], None).await;
    assert_eq!(who.json()["tenant"], "default");
    assert_eq!(who.json()["token_name"], "test");
    assert_eq!(who.json()["version"], "0.1.0-test");

    let scan = r#"{"kind":"image","reference":"alpine"}"#;
    let refused = rig.send(Method::POST, "/api/v1/scans", &[cookie, json], Some(scan)).await;
    refused.problem(403, "request-header-missing");
    let wrong = ("x-palisade-request", "0");
    let refused = rig.send(Method::POST, "/api/v1/scans", &[cookie, json, wrong], Some(scan)).await;
    refused.problem(403, "request-header-missing");
    let ours = ("x-palisade-request", "1");
    let taken = rig.send(Method::POST, "/api/v1/scans", &[cookie, json, ours], Some(scan)).await;
    assert_eq!(taken.status.as_u16(), 202);

    let signed_out = rig.send(Method::DELETE, "/api/v1/session", &[cookie, ours], None).await;
    assert_eq!(signed_out.status.as_u16(), 204);
    assert!(signed_out.header("set-cookie").contains("Max-Age=0"));
    rig.send(Method::GET, "/api/v1/session", &[cookie], None).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let rig = Rig::new().await;
    let body = format!("{{\"token\":\"{}\"}}", rig.token);
    let json = ("content-type", "application/json");
    let signed_in = rig.send(Method::POST, "/api/v1/session", &[json], Some(&body)).await;
    let pair = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(rig.store.revoke_token(&rig.tenant(), "test").await.unwrap());
    rig.send(Method::GET, "/api/v1/session", &[("cookie", &pair)], None)
        .await
        .problem(401, "unauthenticated");
    rig.get("/api/v1/scans").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_bad_header_is_not_saved_by_a_good_cookie() {
    let rig = Rig::new().await;
    let body = format!("{{\"token\":\"{}\"}}", rig.token);
    let json = ("content-type", "application/json");
    let signed_in = rig.send(Method::POST, "/api/v1/session", &[json], Some(&body)).await;
    let pair = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let both = [("cookie", pair.as_str()), ("authorization", "Bearer pal_nonsense")];
    rig.send(Method::GET, "/api/v1/session", &both, None).await.problem(401, "unauthenticated");
    let twice = [("authorization", rig.bearer()), ("authorization", rig.bearer())];
    let twice = twice.each_ref().map(|(name, value)| (*name, value.as_str()));
    rig.send(Method::GET, "/api/v1/session", &twice, None).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_wrong_token_cannot_sign_in() {
    let rig = Rig::new().await;
    let json = ("content-type", "application/json");
    for token in ["", "pal_x", &create_token_text()] {
        let body = serde_json::json!({ "token": token }).to_string();
        let answer = rig.send(Method::POST, "/api/v1/session", &[json], Some(&body)).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn over_tls_cookies_are_secure_and_browsers_are_told_to_insist() {
    let rig = Rig::with_scheme(Scheme::Https).await;
    let body = format!("{{\"token\":\"{}\"}}", rig.token);
    let answer =
        rig.send(Method::POST, "/api/v1/session", &[("content-type", "application/json")], Some(&body)).await;
    assert!(answer.header("set-cookie").ends_with("; Secure"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn the_bootstrap_token_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = options(dir.path(), vec![], Scheme::Http).await.store;
    let first = bootstrap_token(&store, Timestamp::now()).await.unwrap().unwrap();
    assert!(first.expose().starts_with("pal_"));
    assert!(bootstrap_token(&store, Timestamp::now()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_of_another_tenant_sees_none_of_this_ones_things() {
    let rig = Rig::new().await;
    let image = format!("sha256:{}", "ab".repeat(32));
    let scan = content::scanned(&rig.store, &rig.tenant(), &image).await;
    let finding = rig.get("/api/v1/findings?limit=1").await.json()["items"][0]["fingerprint"].clone();
    let finding = finding.as_str().unwrap();
    let other = TenantId::parse("other").unwrap();
    let secret = create_token(&rig.store, &other, "theirs", Timestamp::now()).await.unwrap();
    let bearer = format!("Bearer {}", secret.expose());
    let ask = async |path: String| rig.send(Method::GET, &path, &[("authorization", &bearer)], None).await;

    ask(format!("/api/v1/scans/{scan}")).await.problem(404, "scan-not-found");
    ask(format!("/api/v1/scans/{scan}/events")).await.problem(404, "scan-not-found");
    ask(format!("/api/v1/findings/{finding}")).await.problem(404, "finding-not-found");
    ask(format!("/api/v1/images/{image}")).await.problem(404, "image-not-found");
    ask(format!("/api/v1/images/{image}/packages")).await.problem(404, "image-not-found");
    for list in ["scans", "findings", "images"] {
        assert_eq!(ask(format!("/api/v1/{list}")).await.json()["items"], serde_json::json!([]), "{list}");
    }
    assert_eq!(ask("/api/v1/findings/facets".to_owned()).await.json()["matching"], 0);
    assert_eq!(ask("/api/v1/overview".to_owned()).await.json()["images"], 0);
    assert_eq!(rig.get("/api/v1/overview").await.json()["images"], 1);
}
