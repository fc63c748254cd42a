//! The way to an identity provider and back, as far as it goes without one; the whole of it is walked by the browser checks.

use std::sync::Arc;

use axum::http::Method;
use identity::Person;

use super::Rig;
use crate::{Role, SignInWith};

fn with_provider() -> SignInWith {
    // Nothing answers at port 1.
    let allow = vec![egress::AllowRule::parse("127.0.0.1:1").unwrap()];
    let client = egress::Client::new(egress::Policy { allow, ..egress::Policy::default() }).unwrap();
    let settings = identity::Settings {
        issuer: "http://127.0.0.1:1".to_owned(),
        client_id: "palisade".to_owned(),
        client_secret: None,
        redirect_uri: "http://127.0.0.1:2/api/v1/session/oidc/callback".to_owned(),
        scopes: Vec::new(),
        groups_claim: "groups".to_owned(),
        name_claims: Vec::new(),
    };
    let provider = Arc::new(identity::Provider::new(settings, client).unwrap());
    let roles = vec![("sec".to_owned(), Role::Analyst), ("ops".to_owned(), Role::Operator)];
    SignInWith { label: "Company".to_owned(), provider, roles, everybody: None }
}

#[tokio::test]
async fn without_a_provider_there_is_a_token_alone() {
    let rig = Rig::new().await;
    let ways = rig.send(Method::GET, "/api/v1/session/ways", &[], None).await;
    assert_eq!(ways.json(), serde_json::json!({ "provider": null }));
    for path in ["/api/v1/session/oidc", "/api/v1/session/oidc/callback?code=x&state=y"] {
        rig.send(Method::GET, path, &[], None).await.problem(404, "sign-in-not-set-up");
    }
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_to_whoever_wants_in() {
    let rig = Rig::with_sign_in(with_provider()).await;
    let ways = rig.send(Method::GET, "/api/v1/session/ways", &[], None).await.json();
    assert_eq!(ways["provider"]["label"], "Company");
    let begun = rig.send(Method::GET, ways["provider"]["href"].as_str().unwrap(), &[], None).await;
    assert_eq!(
        (begun.status.as_u16(), begun.header("location")),
        (303, "/?sign-in=identity-provider-unreachable")
    );
}

#[tokio::test]
async fn nobody_comes_back_who_was_not_sent() {
    let rig = Rig::with_sign_in(with_provider()).await;
    let long = format!("?code={}&state=x", "c".repeat(5_000));
    for query in [
        "",
        "?code=c",
        "?code=c&state=s&session_state=theirs",
        "?error=access_denied&state=s",
        "?code=a&code=b",
        &long,
    ] {
        for cookie in ["", "palisade_sign_in=forged"] {
            let path = format!("/api/v1/session/oidc/callback{query}");
            let back = rig.send(Method::GET, &path, &[("cookie", cookie)], None).await;
            assert_eq!(
                (back.status.as_u16(), back.header("location")),
                (303, "/?sign-in=sign-in-expired"),
                "{query}"
            );
            let cookies: Vec<&str> =
                back.headers.get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
            assert_eq!(
                cookies,
                ["palisade_sign_in=; Path=/api/v1/session/oidc; Max-Age=0; HttpOnly; SameSite=Lax; Secure"]
            );
        }
    }
}

#[test]
fn groups_give_roles_and_nothing_else_does() {
    let with = with_provider();
    let person = |groups: &[&str]| Person {
        subject: "7".to_owned(),
        name: "dan".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    assert_eq!(with.roles(&person(&["sec", "sec", "all"])), [Role::Analyst]);
    assert_eq!(with.roles(&person(&["ops", "sec"])), [Role::Analyst, Role::Operator]);
    assert_eq!(with.roles(&person(&["Sec", "admin", "*"])), []);
    let open = SignInWith { everybody: Some(Role::Viewer), ..with };
    assert_eq!(open.roles(&person(&[])), [Role::Viewer]);
}
