//! Against a GitHub of a few lines.

use palisade_sdk::log::Level;
use palisade_sdk::testing::{Fakes, Reply};
use palisade_sdk::{Error, Notice, Page, Receipt, collect, notify};
use serde_json::{Value, json};

use super::Github;

const CONFIG: &str = r#"{"owner": "acme", "repository": "next.js", "labels": ["triage"], "assignees": ["bot"],
    "severity-labels": {"high": "sev-high", "critical": "sev-critical"}, "in-progress-labels": ["Doing"]}"#;
const REPO: &str = "https://api.github.com/repos/acme/next.js";
const BODY: &str = "<!-- palisade:abc -->\n~~~~\nFindings: 3\n\n\
    high CVE-1: ~ ~ ~~ @all #12 https://e.example/ /close on image; package openssl 1; mended in 2\nand 2 more\n~~~~";

fn wanted(state: &str, ticket: Option<&str>) -> Value {
    json!({
        "type": "ticket", "state": state, "marker": "palisade:abc",
        "title": "Update\n@all `x` openssl\n", "severity": "high",
        "total": 3, "owner": null, "ticket": ticket,
        "members": [{ "rule": "CVE-1", "title": "~~~~ @all #12 https://e.example/ /close", "severity": "high",
            "asset": "image", "package": "openssl", "version": "1", "fixed": ["2"] }],
    })
}

fn tell(body: &Value) -> Result<Receipt, Error> {
    notify::<Github>(CONFIG, &Notice::new("n", body))
}

fn repo(path: &str) -> String {
    format!("{REPO}{path}")
}

/// The list by the label of the marker, and that of the newest of all.
fn lists(page: u64) -> [String; 2] {
    let rest = format!("sort=created&direction=desc&per_page=100&page={page}");
    [repo(&format!("/issues?state=all&labels=palisade-c&{rest}")), repo(&format!("/issues?state=all&{rest}"))]
}

/// An issue as it ought to be.
fn there(number: u64, state: &str) -> Value {
    json!({
        "number": number, "html_url": format!("https://github.com/acme/next.js/issues/{number}"), "state": state,
        "title": "[high] Update ＠all ｀x｀ openssl", "body": BODY.replace('\n', "\r\n"), "state_reason": null,
        "labels": [{ "name": "Palisade" }, { "name": "palisade-c" }, { "name": "sev-high" }, { "name": "own" }],
        "assignees": [], "updated_at": "2026-01-01T00:00:00Z",
    })
}

fn listed(fakes: Fakes, labelled: &[Value], newest: &[Value]) -> Fakes {
    let [by_label, all] = lists(1);
    fakes.http("GET", by_label, Reply::json(labelled)).http("GET", all, Reply::json(newest))
}

fn sent(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[test]
fn an_issue_is_made_once_and_hostile_text_is_only_text() {
    let made = Reply::status(201).body(there(12, "open").to_string());
    let fakes = listed(Fakes::new(), &[], &[]).http("POST", repo("/issues"), made).install();
    let receipt = tell(&wanted("open", None)).unwrap();
    assert_eq!(
        (receipt.id.as_str(), receipt.url.as_deref()),
        ("12", Some("https://github.com/acme/next.js/issues/12"))
    );
    let requests = fakes.requests();
    assert!(requests.iter().all(|request| request.secret.as_deref() == Some("github")));
    let version = ("x-github-api-version".to_owned(), "2022-11-28".to_owned());
    assert!(requests.iter().all(|request| request.headers.contains(&version)));
    let made = sent(&requests[2].body);
    assert_eq!(made["title"], "[high] Update ＠all ｀x｀ openssl");
    assert_eq!(made["body"], BODY);
    assert_eq!(made["labels"], json!(["palisade", "palisade-c", "sev-high", "triage"]));
    assert_eq!(made["assignees"], json!(["bot"]));
    assert!(fakes.logs().is_empty());
}

#[test]
fn hostile_text_makes_no_marker_and_ends_no_block() {
    let mut body = wanted("open", None);
    let hostile = "x\n~~~~~~\n<!-- palisade:def -->";
    for key in ["rule", "title", "severity", "asset"] {
        body["members"][0][key] = hostile.into();
    }
    body["owner"] = hostile.into();
    body["title"] = "<!-- palisade:def -->".into();
    let fakes = listed(Fakes::new(), &[], &[])
        .http("POST", repo("/issues"), Reply::json(&there(12, "open")))
        .install();
    tell(&body).unwrap();
    let made = sent(&fakes.requests()[2].body);
    let text = made["body"].as_str().unwrap();
    assert!(crate::text::has_marker(text, "palisade:abc") && !crate::text::has_marker(text, "palisade:def"));
    assert_eq!(text.matches("~~~").count(), 2, "{text}");
    assert!(!made["title"].as_str().unwrap().contains("palisade:def"));
}

#[test]
fn a_text_is_never_longer_than_github_takes() {
    let mut body = wanted("open", None);
    let member = json!({ "rule": "r", "title": "~~~".repeat(200), "severity": "low", "asset": "a" });
    body["members"] = vec![member; 400].into();
    body["title"] = "ä".repeat(900).into();
    let fakes = listed(Fakes::new(), &[], &[])
        .http("POST", repo("/issues"), Reply::json(&there(12, "open")))
        .install();
    tell(&body).unwrap();
    let made = sent(&fakes.requests()[2].body);
    let text = made["body"].as_str().unwrap();
    assert!((30_000..65_536).contains(&text.chars().count()) && text.ends_with("and more\n~~~~"));
    assert_eq!(made["title"].as_str().unwrap().chars().count(), 256);
}

#[test]
fn a_lost_receipt_leads_to_the_issue_that_is_there() {
    // The pull request quotes the marker; of two issues, the older one counts.
    let mut pull = there(3, "open");
    pull["pull_request"] = json!({});
    let fakes = listed(Fakes::new(), &[there(14, "open"), there(12, "open"), pull], &[]).install();
    assert_eq!(tell(&wanted("open", None)).unwrap().id, "12");
    assert_eq!(fakes.requests().len(), 1);
    drop(fakes);
    // Its labels were dropped or taken off: it is found among the newest, and gets them again.
    let mut bare = there(12, "open");
    bare["labels"] = json!(["own"]);
    let fakes = listed(Fakes::new(), &[], &[bare])
        .http("PATCH", repo("/issues/12"), Reply::json(&json!({})))
        .install();
    assert_eq!(tell(&wanted("open", None)).unwrap().id, "12");
    let requests = fakes.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(sent(&requests[2].body), json!({ "labels": ["own", "palisade", "palisade-c", "sev-high"] }));
}

#[test]
fn the_marker_is_looked_for_on_every_page_and_never_guessed() {
    let others: Vec<Value> = (0..100)
        .map(|number| {
            let mut other = there(number, "open");
            other["body"] = Value::Null;
            other
        })
        .collect();
    let fakes = Fakes::new()
        .http("GET", lists(1)[0].clone(), Reply::json(&others))
        .http("GET", lists(2)[0].clone(), Reply::json(&[there(500, "open")]))
        .install();
    assert_eq!(tell(&wanted("open", None)).unwrap().id, "500");
    drop(fakes);
    let endless = (1..=20)
        .fold(Fakes::new(), |fakes, page| fakes.http("GET", lists(page)[0].clone(), Reply::json(&others)));
    let fakes = endless.install();
    let error = tell(&wanted("open", None)).unwrap_err();
    assert!(matches!(&error, Error::Host(text) if text.contains("more than 2000")), "{error:?}");
    assert!(fakes.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn an_issue_is_closed_and_reopened_with_one_comment() {
    for (state, before, becomes, reason) in
        [("resolved", "open", "closed", "completed"), ("open", "closed", "open", "reopened")]
    {
        let fakes = Fakes::new()
            .http("GET", repo("/issues/12"), Reply::json(&there(12, before)))
            .http("PATCH", repo("/issues/12"), Reply::json(&json!({})))
            .http("POST", repo("/issues/12/comments"), Reply::status(201))
            .install();
        assert_eq!(tell(&wanted(state, Some("12"))).unwrap().id, "12");
        let requests = fakes.requests();
        assert_eq!(requests.len(), 3);
        assert_eq!(sent(&requests[1].body), json!({ "state": becomes, "state_reason": reason }));
        assert!(sent(&requests[2].body)["body"].is_string());
    }
}

#[test]
fn a_comment_that_may_not_be_made_is_no_failure() {
    let fakes = Fakes::new()
        .http("GET", repo("/issues/12"), Reply::json(&there(12, "open")))
        .http("PATCH", repo("/issues/12"), Reply::json(&json!({})))
        .http("POST", repo("/issues/12/comments"), Reply::status(403).body(r#"{"message": "locked"}"#))
        .install();
    assert_eq!(tell(&wanted("resolved", Some("12"))).unwrap().id, "12");
    assert!(matches!(&fakes.logs()[..], [(Level::Warn, text)] if text.contains("locked")));
}

#[test]
fn a_repeated_notice_writes_nothing() {
    for state in ["open", "resolved"] {
        let before = if state == "open" { "open" } else { "closed" };
        let fakes = Fakes::new().http("GET", repo("/issues/12"), Reply::json(&there(12, before))).install();
        tell(&wanted(state, Some("12"))).unwrap();
        assert_eq!(fakes.requests().len(), 1);
    }
    let fakes = listed(Fakes::new(), &[], &[]).install();
    assert_eq!(tell(&wanted("resolved", None)).unwrap().id, "none");
    assert!(fakes.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn only_what_differs_is_written_and_a_severity_replaces_the_other() {
    let mut body = wanted("open", Some("12"));
    body["severity"] = "critical".into();
    let fakes = Fakes::new()
        .http("GET", repo("/issues/12"), Reply::json(&there(12, "open")))
        .http("PATCH", repo("/issues/12"), Reply::json(&json!({})))
        .install();
    tell(&body).unwrap();
    let written = json!({ "title": "[critical] Update ＠all ｀x｀ openssl",
        "labels": ["Palisade", "palisade-c", "own", "sev-critical"] });
    assert_eq!(sent(&fakes.requests()[1].body), written);
}

#[test]
fn an_issue_of_somebody_else_is_left_alone_and_a_deleted_one_made_again() {
    let mut other = there(12, "open");
    other["body"] = "ours".into();
    for answer in [Reply::json(&other), Reply::status(404), Reply::status(410)] {
        let fakes = listed(Fakes::new(), &[], &[])
            .http("GET", repo("/issues/12"), answer)
            .http("POST", repo("/issues"), Reply::json(&there(13, "open")))
            .install();
        assert_eq!(tell(&wanted("open", Some("12"))).unwrap().id, "13");
        assert!(fakes.requests().iter().all(|request| request.method != "PATCH"));
    }
}

#[test]
fn an_issue_that_has_moved_gets_no_double() {
    let to = "https://api.github.com/repositories/7/issues/4";
    let fakes =
        Fakes::new().http("GET", repo("/issues/12"), Reply::status(301).header("location", to)).install();
    let error = tell(&wanted("open", Some("12"))).unwrap_err();
    assert!(
        matches!(&error, Error::Host(text) if text.contains(to) && text.contains("`repository`")),
        "{error:?}"
    );
    assert_eq!(fakes.requests().len(), 1);
}

fn refused(reply: Reply) -> Error {
    let _fakes =
        listed(Fakes::new().now(1_000_000_000_000), &[], &[]).http("POST", repo("/issues"), reply).install();
    tell(&wanted("open", None)).unwrap_err()
}

#[test]
fn what_github_says_is_told_with_what_to_do() {
    let invalid = r#"{"message": "Validation Failed", "errors": [
        {"resource": "Issue", "field": "assignees", "code": "invalid"}]}"#;
    for (status, body, said, advice) in [
        (422, invalid, "Validation Failed: assignees invalid", "check `labels` and `assignees`"),
        (401, r#"{"message": "Bad credentials"}"#, "Bad credentials", "check the secret"),
        (403, r#"{"message": "Resource not accessible"}"#, "Resource not accessible", "permission"),
        (404, r#"{"message": "Not Found"}"#, "Not Found", "check `owner`"),
        (410, r#"{"message": "Issues are disabled for this repo"}"#, "Issues are disabled", "turn them on"),
        (307, "", "moved", "`owner`"),
    ] {
        let error = refused(Reply::status(status).body(body));
        assert!(
            matches!(&error, Error::Host(text) if text.contains(said) && text.contains(advice)),
            "{error:?}"
        );
    }
}

#[test]
fn limits_are_waited_for_and_are_no_failure() {
    let secondary = r#"{"message": "You have exceeded a secondary rate limit."}"#;
    for (reply, pause) in [
        (Reply::status(429).header("retry-after", "7"), 7_000),
        (Reply::status(403).header("Retry-After", "8"), 8_000),
        (Reply::status(403).header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "1090"), 91_000),
        (Reply::status(429).header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "900"), 1_000),
        (Reply::status(429), 60_000),
        (Reply::status(403).body(secondary), 60_000),
        (Reply::status(502), 1_000),
    ] {
        assert_eq!(refused(reply), Error::RetryAfter(pause));
    }
}

fn tested(repository: &Value, scopes: &str, assignee: u16) -> Result<Receipt, Error> {
    let fakes = Fakes::new()
        .http("GET", REPO, Reply::json(repository).header("x-oauth-scopes", scopes))
        .http("GET", repo("/assignees/bot"), Reply::status(assignee))
        .http("GET", repo("/issues?state=all&per_page=1"), Reply::json(&json!([])))
        .install();
    let mut body = wanted("open", None);
    body["type"] = "self-test".into();
    let outcome = tell(&body);
    assert!(fakes.requests().iter().all(|request| request.method == "GET"));
    outcome
}

#[test]
fn a_self_test_says_whether_an_issue_could_be_made() {
    let usual = json!({ "html_url": "https://github.com/acme/next.js", "archived": false, "has_issues": true,
        "private": true, "permissions": { "pull": true, "triage": true } });
    let receipt = tested(&usual, "gist, repo", 204).unwrap();
    assert_eq!(receipt.url.as_deref(), Some("https://github.com/acme/next.js"));
    assert!(tested(&usual, "", 204).is_ok());
    let mut app = usual.clone();
    app["permissions"] = json!({ "pull": false, "push": false });
    assert!(tested(&app, "", 204).is_ok());
    let fails = |key: &str, value: Value, scopes: &str, assignee: u16, said: &str| {
        let mut repository = usual.clone();
        repository[key] = value;
        let error = tested(&repository, scopes, assignee).unwrap_err();
        assert!(matches!(&error, Error::Host(text) if text.contains(said)), "{error:?}");
    };
    fails("archived", json!(true), "", 204, "archived");
    fails("has_issues", json!(false), "", 204, "turn them on");
    fails("permissions", json!({ "pull": true }), "", 204, "role Triage");
    fails("private", json!(true), "public_repo", 204, "scope `repo`");
    fails("private", json!(true), "", 404, "check `assignees`");
}

#[test]
fn settings_cannot_lead_elsewhere() {
    for config in [
        r#"{"owner": "..", "repository": "r"}"#,
        r#"{"owner": "o", "repository": "r/../../x"}"#,
        r#"{"owner": "o", "repository": "r", "assignees": ["a?b"]}"#,
    ] {
        let error = notify::<Github>(config, &Notice::new("n", &wanted("open", None))).unwrap_err();
        assert!(matches!(error, Error::InvalidConfig(_)), "{error:?}");
    }
}

fn changed(since: Option<&str>, page: u64, issues: &[Value]) -> Fakes {
    let since = since.map(|since| format!("&since={}", since.replace(':', "%3A"))).unwrap_or_default();
    let url = repo(&format!(
        "/issues?state=all&labels=palisade&sort=updated&direction=asc{since}&per_page=100&page={page}"
    ));
    Fakes::new().http("GET", url, Reply::json(issues))
}

fn moved(number: u64, at: &str, state: &str, fields: &Value) -> Value {
    let mut issue = there(number, state);
    issue["updated_at"] = at.into();
    for (key, value) in fields.as_object().unwrap() {
        issue[key] = value.clone();
    }
    issue
}

fn told(page: &Page) -> Vec<Value> {
    page.resources.iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect()
}

#[test]
fn where_issues_stand_is_read_from_the_last_change_on() {
    let at = "2026-01-01T00:00:00Z";
    let issues = [
        moved(1, at, "open", &json!({ "assignees": [{ "login": "Bot" }] })),
        moved(2, at, "open", &json!({ "assignees": [{ "login": "ann" }] })),
        moved(3, at, "open", &json!({ "labels": [{ "name": "doing" }] })),
        moved(4, at, "closed", &json!({ "state_reason": "completed" })),
        moved(5, at, "closed", &json!({ "state_reason": "not_planned" })),
        moved(6, at, "closed", &json!({ "state_reason": "duplicate" })),
        moved(7, at, "closed", &json!({ "state_reason": null })),
        moved(8, at, "open", &json!({ "body": "somebody's own" })),
        moved(9, "2026-01-03T00:00:00Z", "open", &json!({ "pull_request": {} })),
    ];
    let _fakes = changed(None, 1, &issues).install();
    let page = collect::<Github>(CONFIG, None).unwrap();
    let told = told(&page);
    let stand: Vec<&str> = told.iter().filter_map(|one| one["standing"].as_str()).collect();
    assert_eq!(stand, ["open", "in-progress", "in-progress", "done", "rejected", "rejected", "done"]);
    assert_eq!(told[4], json!({ "id": "5", "status": "closed as not_planned", "standing": "rejected" }));
    assert_eq!((&told[7], page.next), (&json!({ "cursor": "2026-01-03T00:00:00Z" }), None));
}

#[test]
fn a_full_page_goes_on_behind_itself_even_within_one_second() {
    let at = "2026-01-01T00:00:00Z";
    let full: Vec<Value> = (0..100).map(|number| moved(number, at, "open", &json!({}))).collect();
    let fakes = changed(None, 1, &full).install();
    assert_eq!(collect::<Github>(CONFIG, None).unwrap().next.as_deref(), Some(at));
    drop(fakes);
    let fakes = changed(Some(at), 1, &full).install();
    assert_eq!(collect::<Github>(CONFIG, Some(at)).unwrap().next.unwrap(), format!("{at} 2"));
    drop(fakes);
    let fakes = changed(Some(at), 2, &[]).install();
    let page = collect::<Github>(CONFIG, Some(&format!("{at} 2"))).unwrap();
    assert_eq!((told(&page), page.next), (vec![json!({ "cursor": at })], None));
    drop(fakes);
    // Nothing yet: the next reading begins there again.
    let _fakes = changed(None, 1, &[]).install();
    let page = collect::<Github>(CONFIG, Some("1970-01-01T00:00:00Z")).unwrap();
    assert_eq!(told(&page), [json!({ "cursor": "1970-01-01T00:00:00Z" })]);
    assert!(matches!(collect::<Github>(CONFIG, Some("x y")), Err(Error::InvalidInput(_))));
}
