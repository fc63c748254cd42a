//! Against a GitLab of a few lines.

use palisade_sdk::log::Level;
use palisade_sdk::testing::{Fakes, Reply};
use palisade_sdk::{Error, Notice, Page, Receipt, collect, notify};
use serde_json::{Value, json};

use super::Gitlab;

const CONFIG: &str = r#"{"url": "https://tools.example/gitlab/", "project": 42, "labels": ["security", "team::web"],
    "severity-labels": {"high": "severity::2", "critical": "severity::1"}, "in-progress-labels": ["doing"],
    "rejected-labels": ["wontfix"]}"#;
const PROJECT: &str = "https://tools.example/gitlab/api/v4/projects/42";
const TITLE: &str = "[high] Update ＠all openssl ＃1 (palisade:abc)";
const TEXT: &str = "<!-- palisade:abc -->\n\n~~~~\nFindings: 3\n\n\
    high CVE-1: /close @all #12 !3 on image; package openssl 1; mended in 2\nand 2 more\n~~~~";

fn wanted(state: &str, ticket: Option<&str>) -> Value {
    json!({
        "type": "ticket", "state": state, "marker": "palisade:abc",
        "title": "Update\n@all openssl #1", "severity": "high",
        "total": 3, "owner": null, "ticket": ticket,
        "members": [{ "rule": "CVE-1", "title": "/close @all #12 !3", "severity": "high", "asset": "image",
            "package": "openssl", "version": "1", "fixed": ["2"] }],
    })
}

fn tell(body: &Value) -> Result<Receipt, Error> {
    notify::<Gitlab>(CONFIG, &Notice::new("n", body))
}

fn project(path: &str) -> String {
    format!("{PROJECT}{path}")
}

/// An issue as it ought to be.
fn there(iid: u64, state: &str) -> Value {
    json!({
        "id": 9000 + iid, "iid": iid, "web_url": format!("https://tools.example/gitlab/a/b/-/issues/{iid}"),
        "state": state, "title": TITLE, "description": TEXT.replace('\n', "\r\n"),
        "labels": ["own", "severity::2"], "assignees": [],
        "updated_at": "2026-01-01T00:00:00.000Z", "moved_to_id": null,
    })
}

fn found(fakes: Fakes, issues: &[Value]) -> Fakes {
    let url = project(
        "/issues?scope=all&state=all&search=palisade%3Aabc&in=title&order_by=created_at&sort=asc&per_page=100",
    );
    fakes.http("GET", url, Reply::json(issues))
}

fn sent(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

fn made(body: &Value, config: &str) -> Value {
    let answer = Reply::status(201).body(there(12, "opened").to_string());
    let fakes = found(Fakes::new(), &[]).http("POST", project("/issues"), answer).install();
    let receipt = notify::<Gitlab>(config, &Notice::new("n", body)).unwrap();
    let url = Some("https://tools.example/gitlab/a/b/-/issues/12");
    assert_eq!((receipt.id.as_str(), receipt.url.as_deref()), ("12", url));
    let requests = fakes.requests();
    assert!(requests.iter().all(|request| request.secret.as_deref() == Some("gitlab")));
    assert_eq!(requests.len(), 2);
    sent(&requests[1].body)
}

#[test]
fn an_issue_is_made_once_and_hostile_text_is_only_text() {
    let issue = made(&wanted("open", None), CONFIG);
    let labels = "severity::2,security,team::web";
    let expected = json!({ "title": TITLE, "description": TEXT, "confidential": true, "labels": labels });
    assert_eq!(issue, expected);
    let public = CONFIG.replacen('{', r#"{"confidential": false, "#, 1);
    assert_eq!(made(&wanted("open", None), &public)["confidential"], false);
}

#[test]
fn hostile_text_runs_no_quick_action_makes_no_marker_and_ends_no_block() {
    let mut body = wanted("open", None);
    let hostile = "/close\n/assign @all\n~~~~~~\n```\n<!-- palisade:def -->";
    for key in ["rule", "title", "severity", "asset", "package", "version"] {
        body["members"][0][key] = hostile.into();
    }
    body["members"][0]["fixed"] = json!([hostile]);
    body["owner"] = hostile.into();
    body["title"] = format!("{hostile} (palisade:def)").into();
    body["severity"] = hostile.into();
    let issue = made(&body, CONFIG);
    let text = issue["description"].as_str().unwrap();
    assert!(text.contains("- /close"), "{text}");
    assert!(text.lines().all(|line| !line.trim_start().starts_with('/')), "{text}");
    assert_eq!(text.matches("~~~").count(), 2, "{text}");
    assert!(crate::text::has_marker(text, "palisade:abc") && !crate::text::has_marker(text, "palisade:def"));
    let title = issue["title"].as_str().unwrap();
    assert!(!title.contains(['@', '#', '!', '`', '~', '<']) && !title.contains("palisade:def"), "{title}");
    assert!(title.ends_with(" (palisade:abc)") && title.chars().count() <= 255);
}

#[test]
fn a_title_is_never_longer_than_gitlab_takes() {
    let mut body = wanted("open", None);
    body["title"] = "ä".repeat(900).into();
    let issue = made(&body, CONFIG);
    let title = issue["title"].as_str().unwrap();
    assert!(title.chars().count() == 255 && title.ends_with("… (palisade:abc)"), "{title}");
}

#[test]
fn a_lost_receipt_leads_to_the_issue_that_is_there() {
    // A search for words finds others, too.
    let mut other = there(3, "opened");
    other["title"] = "palisade abc".into();
    other["description"] = Value::Null;
    let fakes = found(Fakes::new(), &[other, there(12, "opened"), there(14, "opened")]).install();
    assert_eq!(tell(&wanted("open", None)).unwrap().id, "12");
    assert_eq!(fakes.requests().len(), 1);
}

#[test]
fn an_issue_is_closed_and_reopened_with_one_comment() {
    for (state, before, event) in [("resolved", "opened", "close"), ("open", "closed", "reopen")] {
        let fakes = Fakes::new()
            .http("GET", project("/issues/12"), Reply::json(&there(12, before)))
            .http("PUT", project("/issues/12"), Reply::json(&json!({})))
            .http("POST", project("/issues/12/notes"), Reply::status(201))
            .install();
        assert_eq!(tell(&wanted(state, Some("12"))).unwrap().id, "12");
        let requests = fakes.requests();
        assert_eq!(requests.len(), 3);
        assert_eq!(sent(&requests[1].body), json!({ "state_event": event }));
        assert!(sent(&requests[2].body)["body"].is_string());
    }
}

#[test]
fn a_comment_that_may_not_be_made_is_no_failure() {
    let fakes = Fakes::new()
        .http("GET", project("/issues/12"), Reply::json(&there(12, "opened")))
        .http("PUT", project("/issues/12"), Reply::json(&json!({})))
        .http("POST", project("/issues/12/notes"), Reply::status(403).body(r#"{"message": "403 Forbidden"}"#))
        .install();
    assert_eq!(tell(&wanted("resolved", Some("12"))).unwrap().id, "12");
    assert!(matches!(&fakes.logs()[..], [(Level::Warn, text)] if text.contains("403 Forbidden")));
}

#[test]
fn a_repeated_notice_writes_nothing() {
    for (state, before) in [("open", "opened"), ("resolved", "closed")] {
        let fakes =
            Fakes::new().http("GET", project("/issues/12"), Reply::json(&there(12, before))).install();
        tell(&wanted(state, Some("12"))).unwrap();
        assert_eq!(fakes.requests().len(), 1);
    }
    let fakes = found(Fakes::new(), &[]).install();
    assert_eq!(tell(&wanted("resolved", None)).unwrap().id, "none");
    assert_eq!(fakes.requests().len(), 1);
}

#[test]
fn only_what_differs_is_written_and_a_severity_replaces_the_other() {
    let mut body = wanted("open", Some("12"));
    body["severity"] = "critical".into();
    let mut issue = there(12, "opened");
    issue["title"] = "Retitled".into();
    let fakes = Fakes::new()
        .http("GET", project("/issues/12"), Reply::json(&issue))
        .http("PUT", project("/issues/12"), Reply::json(&json!({})))
        .install();
    tell(&body).unwrap();
    let written = json!({ "title": TITLE.replace("high", "critical"), "add_labels": "severity::1",
        "remove_labels": "severity::2" });
    assert_eq!(sent(&fakes.requests()[1].body), written);
}

#[test]
fn an_issue_of_somebody_else_is_left_alone_and_a_deleted_one_made_again() {
    let mut other = there(12, "opened");
    other["title"] = "own".into();
    other["description"] = "own".into();
    for answer in [Reply::json(&other), Reply::status(404)] {
        let fakes = found(Fakes::new(), &[])
            .http("GET", project("/issues/12"), answer)
            .http("POST", project("/issues"), Reply::json(&there(13, "opened")))
            .install();
        assert_eq!(tell(&wanted("open", Some("12"))).unwrap().id, "13");
        assert!(fakes.requests().iter().all(|request| request.method != "PUT"));
    }
}

#[test]
fn an_issue_that_was_moved_gets_no_double_and_may_come_back() {
    let mut moved = there(12, "closed");
    moved["moved_to_id"] = json!(77);
    let there_and = |others: &[Value]| {
        let all: Vec<Value> = std::iter::once(&moved).chain(others).cloned().collect();
        found(Fakes::new(), &all).http("GET", project("/issues/12"), Reply::json(&moved)).install()
    };
    let fakes = there_and(&[]);
    let error = tell(&wanted("open", Some("12"))).unwrap_err();
    assert!(matches!(&error, Error::Host(text) if text.contains("moved to another project")), "{error:?}");
    assert_eq!(tell(&wanted("resolved", Some("12"))).unwrap().id, "12");
    assert!(fakes.requests().iter().all(|request| request.method == "GET"));
    drop(fakes);
    let _fakes = there_and(&[there(15, "opened")]);
    assert_eq!(tell(&wanted("open", Some("12"))).unwrap().id, "15");
}

fn refused(reply: Reply) -> Error {
    let _fakes = found(Fakes::new(), &[]).http("POST", project("/issues"), reply).install();
    tell(&wanted("open", None)).unwrap_err()
}

#[test]
fn what_gitlab_says_is_told_with_what_to_do() {
    let invalid = r#"{"message": {"title": ["is too long"]}}"#;
    for (status, body, said, advice) in [
        (400, invalid, "is too long", "check `labels`"),
        (401, r#"{"message": "401 Unauthorized"}"#, "401 Unauthorized", "check the secret"),
        (403, r#"{"error": "insufficient_scope", "scope": "api"}"#, "insufficient_scope", "scope `api`"),
        (404, r#"{"message": "404 Project Not Found"}"#, "404 Project Not Found", "check `project`"),
        (301, "", "moved", "set `url`"),
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
    assert_eq!(refused(Reply::status(429).header("Retry-After", "7")), Error::RetryAfter(7_000));
    assert_eq!(refused(Reply::status(429)), Error::RetryAfter(60_000));
    assert_eq!(refused(Reply::status(502)), Error::RetryAfter(1_000));
}

fn tested(project_there: &Value, token: Reply) -> Result<Receipt, Error> {
    let own = "https://tools.example/gitlab/api/v4/personal_access_tokens/self";
    let fakes = Fakes::new()
        .http("GET", PROJECT, Reply::json(project_there))
        .http("GET", own, token)
        .http("GET", project("/issues?per_page=1"), Reply::json(&json!([])))
        .install();
    let mut body = wanted("open", None);
    body["type"] = "self-test".into();
    let outcome = tell(&body);
    assert!(fakes.requests().iter().all(|request| request.method == "GET"));
    outcome
}

#[test]
fn a_self_test_says_whether_an_issue_could_be_made() {
    let usual = json!({ "path_with_namespace": "a/b", "web_url": "https://tools.example/gitlab/a/b", "archived": false,
        "issues_enabled": true, "issues_access_level": "private",
        "permissions": { "project_access": null, "group_access": { "access_level": 20 } } });
    let token = |scope: &str| Reply::json(&json!({ "scopes": [scope] }));
    let receipt = tested(&usual, token("api")).unwrap();
    assert_eq!(receipt.url.as_deref(), Some("https://tools.example/gitlab/a/b"));
    // An OAuth token, and an administrator's.
    let mut administered = usual.clone();
    administered["permissions"] = json!({ "project_access": null, "group_access": null });
    assert!(tested(&administered, Reply::status(404)).is_ok());
    let fails = |key: &str, value: Value, scope: &str, said: &str| {
        let mut there = usual.clone();
        there[key] = value;
        let error = tested(&there, token(scope)).unwrap_err();
        assert!(matches!(&error, Error::Host(text) if text.contains(said)), "{error:?}");
    };
    fails("archived", json!(true), "api", "archived");
    fails("issues_enabled", json!(false), "api", "turn them on");
    fails("issues_access_level", json!("disabled"), "api", "turn them on");
    fails("permissions", json!({ "project_access": { "access_level": 10 } }), "api", "role Planner");
    fails("archived", json!(false), "read_api", "scope `api`");
}

#[test]
fn a_label_with_a_comma_is_no_label() {
    let config = r#"{"project": 42, "labels": ["a,b"]}"#;
    let error = notify::<Gitlab>(config, &Notice::new("n", &wanted("open", None))).unwrap_err();
    assert!(matches!(error, Error::InvalidConfig(_)), "{error:?}");
}

fn changed(since: &str, page: u64, issues: &[Value]) -> Fakes {
    let url = project(&format!(
        "/issues?scope=all&state=all&search=palisade&in=title&updated_after={}&order_by=updated_at&sort=asc\
         &per_page=100&page={page}",
        since.replace(':', "%3A")
    ));
    Fakes::new().http("GET", url, Reply::json(issues))
}

fn moved(iid: u64, at: &str, state: &str, fields: &Value) -> Value {
    let mut issue = there(iid, state);
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
    let at = "2026-01-01T00:00:00.000Z";
    let issues = [
        moved(1, at, "opened", &json!({})),
        moved(2, at, "opened", &json!({ "assignees": [{ "id": 1 }] })),
        moved(3, at, "opened", &json!({ "labels": ["doing"] })),
        moved(4, at, "closed", &json!({ "assignees": [{ "id": 1 }] })),
        moved(5, at, "closed", &json!({ "labels": ["wontfix"] })),
        moved(6, at, "closed", &json!({ "moved_to_id": 77 })),
        moved(7, "2026-01-03T00:00:00.123Z", "opened", &json!({ "title": "our palisade" })),
    ];
    let _fakes = changed("1970-01-01T00:00:00Z", 1, &issues).install();
    let page = collect::<Gitlab>(CONFIG, None).unwrap();
    let told = told(&page);
    let stand: Vec<&str> = told.iter().filter_map(|one| one["standing"].as_str()).collect();
    assert_eq!(stand, ["open", "in-progress", "in-progress", "done", "rejected"]);
    assert_eq!(told[4], json!({ "id": "5", "status": "closed", "standing": "rejected" }));
    assert_eq!((&told[5], page.next), (&json!({ "cursor": "2026-01-03T00:00:00.123Z" }), None));
}

#[test]
fn a_full_page_goes_on_behind_itself_even_within_one_moment() {
    let at = "2026-01-01T00:00:00.123Z";
    let full: Vec<Value> = (0..100).map(|iid| moved(iid, at, "opened", &json!({}))).collect();
    let fakes = changed("1970-01-01T00:00:00Z", 1, &full).install();
    assert_eq!(collect::<Gitlab>(CONFIG, None).unwrap().next.as_deref(), Some(at));
    drop(fakes);
    let fakes = changed(at, 1, &full).install();
    assert_eq!(collect::<Gitlab>(CONFIG, Some(at)).unwrap().next.unwrap(), format!("{at} 2"));
    drop(fakes);
    let _fakes = changed(at, 2, &[]).install();
    let page = collect::<Gitlab>(CONFIG, Some(&format!("{at} 2"))).unwrap();
    assert_eq!((told(&page), page.next), (vec![json!({ "cursor": at })], None));
    assert!(matches!(collect::<Gitlab>(CONFIG, Some("x y")), Err(Error::InvalidInput(_))));
}
