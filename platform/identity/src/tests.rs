//! Against a small, strict provider with a key of its own.

mod fake;

use serde_json::{Value, json};

use self::fake::{CLIENT, CODE, Fake, SECRET};
use crate::{IdentityError, Pending, Person, Provider, Returned};

fn sign_in(fake: &Fake, provider: &Provider) -> Result<Person, IdentityError> {
    let begun = provider.begin().unwrap();
    fake.visited(&begun.url);
    finish(provider, &begun.pending)
}

fn finish(provider: &Provider, pending: &Pending) -> Result<Person, IdentityError> {
    provider.finish(pending, &Returned { code: CODE, issuer: None })
}

fn why(result: Result<Person, IdentityError>) -> String {
    match result.unwrap_err() {
        IdentityError::Token { why } => why,
        other => panic!("{other}"),
    }
}

#[test]
fn somebody_signs_in_with_the_groups_of_the_token_or_of_the_provider() {
    let fake = Fake::start();
    let provider = fake.provider(Some(SECRET));
    let person = sign_in(&fake, &provider).unwrap();
    let expected = Person {
        subject: "7".to_owned(),
        name: "dan@example.org".to_owned(),
        groups: vec!["sec".to_owned(), "all".to_owned()],
    };
    assert_eq!(person, expected);

    fake.change(|claims| drop(claims.remove("groups")));
    fake.describes(&json!({ "sub": "7", "groups": "sec", "email": "eve@example.org" }));
    let person = sign_in(&fake, &provider).unwrap();
    assert_eq!((person.name.as_str(), person.groups), ("dan@example.org", vec!["sec".to_owned()]));

    fake.describes(&json!({ "sub": "8", "groups": "admins" }));
    assert!(why(sign_in(&fake, &provider)).contains("somebody else"));
}

#[test]
fn a_client_without_a_secret_and_one_by_form_are_known_too() {
    let fake = Fake::start();
    sign_in(&fake, &fake.provider(None)).unwrap();
    fake.wants_form();
    sign_in(&fake, &fake.provider(Some(SECRET))).unwrap();
    let refused = sign_in(&fake, &fake.provider(Some("wrong"))).unwrap_err();
    assert!(
        matches!(&refused, IdentityError::Answer { what: "token", why } if why == "status 401, invalid_client"),
        "{refused}"
    );
}

#[test]
fn an_address_that_nobody_has_proven_names_nobody() {
    let fake = Fake::start();
    fake.change(|claims| drop(claims.insert("email_verified".to_owned(), false.into())));
    assert_eq!(sign_in(&fake, &fake.provider(Some(SECRET))).unwrap().name, "7");
}

#[test]
fn tokens_that_are_for_others_old_or_of_another_sign_in_are_refused() {
    let set = |name: &'static str, value: Value| {
        move |claims: &mut serde_json::Map<String, Value>| drop(claims.insert(name.to_owned(), value))
    };
    for (name, value, says) in [
        ("iss", json!("https://other.example"), "InvalidIssuer"),
        ("aud", json!("another"), "InvalidAudience"),
        ("aud", json!([CLIENT, "another"]), "several parties"),
        ("azp", json!("another"), "several parties"),
        ("exp", json!(1_000_000_000), "ExpiredSignature"),
        ("nbf", json!(9_000_000_000_u64), "ImmatureSignature"),
        ("nonce", json!("guessed"), "another sign-in"),
        ("nonce", Value::Null, "another sign-in"),
        ("sub", json!(""), "nobody"),
        ("exp", Value::Null, "exp"),
    ] {
        let fake = Fake::start();
        fake.change(set(name, value.clone()));
        let why = why(sign_in(&fake, &fake.provider(Some(SECRET))));
        assert!(why.contains(says), "{name} {value}: {why}");
    }
}

#[test]
fn signatures_that_anybody_can_make_are_refused() {
    let fake = Fake::start();
    for (kind, says) in [
        ("none", "unknown variant `none`"),
        ("HS256 with the public key", "anybody"),
        ("foreign key of the same name", "InvalidSignature"),
        ("foreign key of another name", "no key"),
        ("cut", "InvalidSignature"),
    ] {
        fake.signs(kind);
        let why = why(sign_in(&fake, &fake.provider(Some(SECRET))));
        assert!(why.contains(says), "{kind}: {why}");
    }
    fake.signs("well");
    sign_in(&fake, &fake.provider(Some(SECRET))).unwrap();
}

#[test]
fn a_code_belongs_to_the_one_who_began() {
    let fake = Fake::start();
    let provider = fake.provider(Some(SECRET));
    let mine = provider.begin().unwrap();
    let theirs = provider.begin().unwrap();
    fake.visited(&mine.url);
    let refused = finish(&provider, &theirs.pending).unwrap_err();
    assert!(
        matches!(&refused, IdentityError::Answer { why, .. } if why.contains("invalid_grant")),
        "{refused}"
    );
    let mixed =
        provider.finish(&mine.pending, &Returned { code: CODE, issuer: Some("https://evil.example") });
    assert!(why(mixed).contains("another provider"));
    for secret in [&mine.pending.state, &mine.pending.nonce, &mine.pending.verifier] {
        assert!(
            secret.len() >= 43 && !format!("{mine:?}{provider:?}").contains("verifier\": \""),
            "{secret}"
        );
    }
    assert!(!format!("{provider:?}").contains(SECRET));
}

#[test]
fn a_provider_that_lies_about_itself_or_is_away_signs_nobody_in() {
    let fake = Fake::start();
    fake.calls_itself("https://other.example");
    let refused = fake.provider(Some(SECRET)).begin().unwrap_err();
    assert!(refused.to_string().contains("calls itself"), "{refused}");
    let provider = fake.provider(Some(SECRET));
    drop(fake);
    assert!(matches!(
        provider.begin().unwrap_err(),
        IdentityError::Unreachable { what: "configuration", .. }
    ));
    let rested = provider.begin().unwrap_err();
    assert!(
        matches!(rested, IdentityError::Resting) && rested.code() == "identity-provider-unreachable",
        "{rested}"
    );
}
