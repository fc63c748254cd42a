//! Every operation of the document for every role, and the table of permissions against the document.

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use model::TenantId;

use super::Rig;
use crate::auth::{OPEN, OPERATIONS, is_door, is_public};
use crate::{Permission, Role, Secret, TokenGrant, create_token_with};

/// The operations that a caller is authenticated for, as (method, route, path with its parameters filled in).
fn guarded() -> Vec<(Method, String, String)> {
    let mut document = crate::openapi();
    let mut all = Vec::new();
    for (route, item) in &mut document.paths.paths {
        for (method, _) in crate::document::operations(item) {
            if !is_public(&method, route) && !is_door(&method, route) {
                let parts = route.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
                all.push((method, route.clone(), parts.collect::<Vec<_>>().join("/")));
            }
        }
    }
    assert!(all.len() > 50, "{all:?}");
    all
}

fn listed(method: &Method, route: &str) -> Option<Permission> {
    let found = OPERATIONS.iter().find(|(other, path, _)| other == method && *path == route);
    found.map(|(_, _, permission)| *permission)
}

async fn token(rig: &Rig, name: &str, roles: &[Role], expires_at: Option<Timestamp>) -> Secret {
    let grant = TokenGrant { roles: roles.to_vec(), expires_at, created_by: "test".to_owned() };
    create_token_with(&rig.store, &rig.tenant(), name, &grant, Timestamp::now()).await.unwrap()
}

#[test]
fn every_guarded_operation_is_in_the_table_once_and_nothing_else_is() {
    let guarded = guarded();
    for (method, route, _) in &guarded {
        let times = OPERATIONS.iter().filter(|(m, path, _)| m == method && path == route).count()
            + OPEN.iter().filter(|(m, path)| m == method && path == route).count();
        assert_eq!(times, 1, "{method} {route}");
    }
    assert_eq!(OPERATIONS.len() + OPEN.len(), guarded.len(), "the table has an operation that is none");
    for permission in Permission::ALL {
        assert!(OPERATIONS.iter().any(|(_, _, used)| used == permission), "{permission} is of no use");
    }
}

#[test]
fn who_only_reads_can_change_nothing() {
    for (method, route, permission) in OPERATIONS {
        assert_eq!(method.is_safe(), permission.word().ends_with(":read"), "{method} {route}");
    }
    for role in [Role::Viewer, Role::Auditor] {
        assert!(role.permissions().iter().all(|permission| permission.word().ends_with(":read")), "{role}");
    }
    assert_eq!(Role::Admin.permissions().len(), Permission::ALL.len());
    assert!(!Role::Analyst.permissions().contains(&Permission::ResponsesApprove));
    assert!(!Role::Operator.permissions().contains(&Permission::FindingsWrite));
}

/// The path has no thing that exists, and no body is sent: who may is told so, and nothing is changed by asking.
#[tokio::test]
async fn every_operation_asks_every_role_for_its_permission() {
    let rig = Rig::new().await;
    let (mut let_in, mut kept_out) = (0, 0);
    for role in Role::ALL {
        let secret = token(&rig, role.word(), &[*role], None).await;
        let bearer = format!("Bearer {}", secret.expose());
        for (method, route, path) in guarded() {
            let answer = rig.send(method.clone(), &path, &[("authorization", &bearer)], None).await;
            match listed(&method, &route).filter(|needed| !role.permissions().contains(needed)) {
                Some(missing) => {
                    let problem = answer.problem(403, "forbidden");
                    let detail = problem["detail"].as_str().unwrap();
                    assert!(detail.contains(&format!("`{missing}`")), "{role} {method} {route}: {detail}");
                    kept_out += 1;
                }
                None => {
                    let status = answer.status.as_u16();
                    assert!(![401, 403].contains(&status), "{role} {method} {route}: {}", answer.text());
                    let_in += 1;
                }
            }
        }
    }
    assert!(let_in > 200 && kept_out > 80, "{let_in} {kept_out}");
}

#[tokio::test]
async fn what_is_denied_is_not_done() {
    let rig = Rig::new().await;
    let json = ("content-type", "application/json");
    let scan = Some(r#"{"kind":"image","reference":"alpine"}"#);
    let viewer = format!("Bearer {}", token(&rig, "viewer", &[Role::Viewer], None).await.expose());
    let denied = rig.send(Method::POST, "/api/v1/scans", &[("authorization", &viewer), json], scan).await;
    denied.problem(403, "forbidden");
    assert_eq!(rig.get("/api/v1/scans").await.json()["items"], serde_json::json!([]));
    let analyst = format!("Bearer {}", token(&rig, "analyst", &[Role::Analyst], None).await.expose());
    let taken = rig.send(Method::POST, "/api/v1/scans", &[("authorization", &analyst), json], scan).await;
    assert_eq!(taken.status.as_u16(), 202, "{}", taken.text());
    assert_eq!(rig.get("/api/v1/scans").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_may_do_what_its_token_may_and_ends_with_it() {
    let rig = Rig::new().await;
    let secret = token(&rig, "viewer", &[Role::Viewer], None).await;
    let body = format!("{{\"token\":\"{}\"}}", secret.expose());
    let json = ("content-type", "application/json");
    let signed_in = rig.send(Method::POST, "/api/v1/session", &[json], Some(&body)).await;
    let pair = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let headers = [("cookie", pair.as_str()), ("x-palisade-request", "1")];
    assert_eq!(rig.send(Method::GET, "/api/v1/findings", &headers, None).await.status.as_u16(), 200);
    let session = rig.send(Method::GET, "/api/v1/session", &headers, None).await.json();
    let read = ["findings:read", "plugins:read", "responses:read", "runtime:read"];
    assert_eq!(session["permissions"], serde_json::json!(read), "{session}");
    let denied = rig.send(Method::POST, "/api/v1/plugins/x/approve", &headers, None).await;
    denied.problem(403, "forbidden");
}

#[tokio::test]
async fn a_token_opens_nothing_after_its_end_or_with_scopes_that_are_not_known() {
    let rig = Rig::new().await;
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    for (name, roles, end, status) in [
        ("over", &[Role::Admin][..], Some(now - hour), 401),
        ("lasting", &[Role::Admin][..], Some(now + hour), 200),
        ("empty", &[][..], None, 401),
    ] {
        let secret = token(&rig, name, roles, end).await;
        let bearer = format!("Bearer {}", secret.expose());
        let answer = rig.send(Method::GET, "/api/v1/scans", &[("authorization", &bearer)], None).await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
        let body = format!("{{\"token\":\"{}\"}}", secret.expose());
        let json = ("content-type", "application/json");
        let session = rig.send(Method::POST, "/api/v1/session", &[json], Some(&body)).await;
        assert_eq!(session.status.as_u16(), if status == 200 { 204 } else { 401 }, "{name}");
    }
}

#[tokio::test]
async fn a_role_of_another_tenant_reaches_nothing_of_this_one() {
    let rig = Rig::new().await;
    let other = TenantId::parse("other").unwrap();
    let image = format!("sha256:{}", "cd".repeat(32));
    let scan = super::content::scanned(&rig.store, &rig.tenant(), &image).await;
    for role in Role::ALL {
        let grant = TokenGrant { roles: vec![*role], expires_at: None, created_by: "test".to_owned() };
        let made =
            create_token_with(&rig.store, &other, role.word(), &grant, Timestamp::now()).await.unwrap();
        let bearer = format!("Bearer {}", made.expose());
        for (path, code) in [
            (format!("/api/v1/scans/{scan}"), "scan-not-found"),
            (format!("/api/v1/images/{image}"), "image-not-found"),
            (format!("/api/v1/images/{image}/packages"), "image-not-found"),
        ] {
            assert_eq!(rig.get(&path).await.status.as_u16(), 200, "{path}");
            let answer = rig.send(Method::GET, &path, &[("authorization", &bearer)], None).await;
            answer.problem(404, code);
        }
    }
}
