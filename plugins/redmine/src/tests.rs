//! Against a Redmine of a few lines.

use palisade_sdk::testing::{Fakes, Reply};
use palisade_sdk::{Error, Notice, Page, Receipt, collect, notify};
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

fn changed(since: &str, offset: u64, issues: &[Value]) -> Fakes {
    let url = format!(
        "https://r.example/issues.json?project_id=sec&status_id=%2A&subject=~palisade%3A&updated_on=%3E%3D{}\
         &sort=updated_on%2Cid&offset={offset}&limit=100",
        since.replace(':', "%3A")
    );
    let all = json!([
        { "id": 1, "name": "New", "is_closed": false }, { "id": 2, "name": "Doing", "is_closed": false },
        { "id": 5, "name": "Closed", "is_closed": true }, { "id": 6, "name": "No", "is_closed": true },
    ]);
    let statuses = json!({ "issue_statuses": all });
    Fakes::new().http("GET", &url, Reply::json(&json!({ "issues": issues }))).http(
        "GET",
        "https://r.example/issue_statuses.json",
        Reply::json(&statuses),
    )
}

fn moved(id: u64, status: u64, name: &str, at: &str) -> Value {
    json!({ "id": id, "status": { "id": status, "name": name }, "updated_on": at })
}

fn told(page: &Page) -> Vec<Value> {
    page.resources.iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect()
}

#[test]
fn where_issues_stand_is_read_from_the_last_change_on() {
    let mut config: Value = serde_json::from_str(CONFIG).unwrap();
    config["rejected-statuses"] = json!([6]);
    let issues = [
        moved(12, 1, "New", "2026-01-01T00:00:00Z"),
        moved(13, 2, "Doing", "2026-01-01T00:00:00Z"),
        moved(14, 5, "Closed", "2026-01-02T00:00:00Z"),
        moved(15, 6, "No", "2026-01-03T00:00:00Z"),
    ];
    let _fakes = changed("1970-01-01T00:00:00Z", 0, &issues).install();
    let page = collect::<Redmine>(&config.to_string(), None).unwrap();
    let told = told(&page);
    let stand: Vec<&str> = told.iter().take(4).map(|one| one["standing"].as_str().unwrap()).collect();
    assert_eq!(stand, ["open", "in-progress", "done", "rejected"]);
    assert_eq!(told[1], json!({ "id": "13", "status": "Doing", "standing": "in-progress" }));
    assert_eq!((&told[4], page.next), (&json!({ "cursor": "2026-01-03T00:00:00Z" }), None));
}

#[test]
fn a_full_page_goes_on_behind_itself_even_within_one_second() {
    let at = "2026-01-01T00:00:00Z";
    let full: Vec<Value> = (0..100).map(|id| moved(id, 1, "New", at)).collect();
    let fakes = changed("1970-01-01T00:00:00Z", 0, &full).install();
    assert_eq!(collect::<Redmine>(CONFIG, None).unwrap().next.as_deref(), Some(at));
    drop(fakes);
    let fakes = changed(at, 0, &full).install();
    assert_eq!(collect::<Redmine>(CONFIG, Some(at)).unwrap().next.unwrap(), format!("{at} 100"));
    drop(fakes);
    let _fakes = changed(at, 100, &[]).install();
    let page = collect::<Redmine>(CONFIG, Some(&format!("{at} 100"))).unwrap();
    assert_eq!((told(&page), page.next), (vec![json!({ "cursor": at })], None));
    assert!(matches!(collect::<Redmine>(CONFIG, Some("x y")), Err(Error::InvalidInput(_))));
}
