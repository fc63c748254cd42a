//! Against a Redmine of a few lines.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use palisade_sdk::testing::{Fakes, Reply};
use palisade_sdk::{Error, Notice, Receipt, notify};
use serde_json::{Value, json};

use super::Redmine;

const CONFIG: &str = r#"{"url": "https://r.example/", "project": "sec", "custom-fields": {"7": "x"}, "priorities": {"high": 4}}"#;
const FIND: &str =
    "https://r.example/issues.json?project_id=sec&status_id=%2A&subject=~palisade%3Aabc&sort=id&limit=1";

fn wanted(state: &str, ticket: Option<&str>) -> Value {
    json!({
        "type": "ticket", "state": state, "marker": "palisade:abc", "title": "Update\nopenssl", "severity": "high",
        "total": 3, "owner": null, "ticket": ticket,
        "members": [{ "rule": "CVE-1", "title": "~~~~\n{{include(x)}}", "severity": "high", "asset": "image",
            "package": "openssl", "version": "1", "fixed": ["2"] }],
    })
}

fn tell(body: &Value) -> Result<Receipt, Error> {
    notify::<Redmine>(CONFIG, &Notice::new("n", body))
}

fn statuses(fakes: Fakes) -> Fakes {
    let all = json!({ "issue_statuses": [{ "id": 1, "is_closed": false }, { "id": 5, "is_closed": true }] });
    fakes.http("GET", "https://r.example/issue_statuses.json", Reply::json(&all))
}

fn issue(status: u64) -> Reply {
    Reply::json(&json!({ "issue": { "id": 12, "status": { "id": status } } }))
}

fn sent(body: &[u8]) -> Value {
    serde_json::from_slice::<Value>(body).unwrap()["issue"].take()
}

#[test]
fn an_issue_is_made_once_and_hostile_text_is_only_text() {
    let none = Reply::json(&json!({ "issues": [] }));
    let fakes = Fakes::new()
        .http("GET", FIND, none)
        .http("POST", "https://r.example/issues.json", issue(1))
        .install();
    let receipt = tell(&wanted("open", None)).unwrap();
    assert_eq!((receipt.id.as_str(), receipt.url.as_deref()), ("12", Some("https://r.example/issues/12")));
    let requests = fakes.requests();
    assert!(requests.iter().all(|request| request.secret.as_deref() == Some("redmine")));
    let made = sent(&requests[1].body);
    assert_eq!(made["subject"], "[high] Update openssl (palisade:abc)");
    assert_eq!(
        (&made["priority_id"], &made["custom_fields"]),
        (&json!(4), &json!([{ "id": 7, "value": "x" }]))
    );
    let text = made["description"].as_str().unwrap();
    assert_eq!(text.matches("~~~").count(), 2, "{text}");
    assert!(text.contains("and 2 more") && text.contains("mended in 2"), "{text}");
}

#[test]
fn a_lost_receipt_leads_to_the_issue_that_is_there() {
    let found = Reply::json(&json!({ "issues": [{ "id": 12, "status": { "id": 1 } }] }));
    let fakes = statuses(Fakes::new())
        .http("GET", FIND, found)
        .http("PUT", "https://r.example/issues/12.json", Reply::status(204))
        .install();
    assert_eq!(tell(&wanted("open", None)).unwrap().id, "12");
    assert!(fakes.requests().iter().all(|request| request.method != "POST"));
}

#[test]
fn an_issue_is_closed_and_reopened_by_its_number() {
    for (state, there, becomes) in
        [("resolved", 1, json!(5)), ("open", 5, json!(1)), ("open", 1, Value::Null)]
    {
        let fakes = statuses(Fakes::new())
            .http("GET", "https://r.example/issues/12.json", issue(there))
            .http("PUT", "https://r.example/issues/12.json", Reply::status(204))
            .install();
        tell(&wanted(state, Some("12"))).unwrap();
        let requests = fakes.requests();
        assert_eq!(sent(&requests.last().unwrap().body)["status_id"], becomes);
    }
}

#[test]
fn what_redmine_says_is_told_with_what_to_do() {
    let none = || Reply::json(&json!({ "issues": [] }));
    let error = |reply: Reply| {
        let _fakes = Fakes::new()
            .http("GET", FIND, none())
            .http("POST", "https://r.example/issues.json", reply)
            .install();
        tell(&wanted("open", None)).unwrap_err()
    };
    let refused = Reply::status(422).body(r#"{"errors": ["Team cannot be blank"]}"#);
    let Error::Host(text) = error(refused) else { panic!("no host error") };
    assert!(text.contains("Team cannot be blank") && text.contains("custom-fields"), "{text}");
    assert_eq!(error(Reply::status(503).header("retry-after", "7")), Error::RetryAfter(7_000));
    assert!(matches!(error(Reply::status(401)), Error::Host(text) if text.contains("check the secret")));
}
