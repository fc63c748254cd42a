//! Against a Jira of a few lines that is as strict as the real one about what these plugins send.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use palisade_sdk::http::Request;
use palisade_sdk::testing::{Fakes, Installed, Reply};
use palisade_sdk::{Error, Notice, Receipt, collect, notify};
use serde_json::{Map, Value, json};

use super::Jira;

/// A Jira with a project `SEC` and a workflow of four statuses.
#[derive(Default)]
struct World {
    cloud: bool,
    issues: Vec<Value>,
    comments: usize,
    /// How often an answer to a new issue is lost.
    lose: usize,
    /// Fields that closing asks for.
    closing: Map<String, Value>,
    /// Fields that new issues have beside the usual ones.
    asked: Vec<Value>,
    /// Issues of a page.
    page: usize,
}

type Jiras = Rc<RefCell<World>>;

const STATUSES: [(&str, &str, &str); 4] = [
    ("1", "To Do", "new"),
    ("2", "Doing", "indeterminate"),
    ("3", "Closed", "done"),
    ("4", "Rejected", "done"),
];

fn status(id: &str) -> Value {
    let (_, name, category) = STATUSES.into_iter().find(|(known, ..)| *known == id).unwrap();
    json!({ "name": name, "statusCategory": { "key": category } })
}

fn jira(cloud: bool) -> (Jiras, Installed) {
    let world: Jiras = Rc::new(RefCell::new(World { cloud, page: 100, ..World::default() }));
    let seen = Rc::clone(&world);
    let installed = Fakes::new()
        .now(1_800_000_000 * 1_000_000_000)
        .server(move |request| Some(answer(&mut seen.borrow_mut(), request)))
        .install();
    (world, installed)
}

fn answer(world: &mut World, request: &Request) -> Reply {
    assert_eq!(request.secret.as_deref(), Some("jira"), "{request:?}");
    let base = format!("https://jira.example/rest/api/{}", if world.cloud { 3 } else { 2 });
    let rest = request.url.strip_prefix(&base).unwrap_or_else(|| panic!("{}", request.url));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query: BTreeMap<String, String> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), plain(value)))
        .collect();
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["search", "jql"]) if world.cloud => search(world, &query),
        ("GET", ["search"]) if !world.cloud => search(world, &query),
        ("POST", ["issue"]) => create(world, &body),
        ("GET", ["issue", "createmeta", "SEC", "issuetypes"]) => types(world),
        ("GET", ["issue", "createmeta", "SEC", "issuetypes", "7"]) => asked(world),
        ("GET", ["issue", "createmeta", ..]) => Reply::status(404),
        ("GET", ["issue", id]) => match find(world, id) {
            Some(issue) => Reply::json(issue),
            None => Reply::status(404),
        },
        ("PUT", ["issue", id]) => {
            let fields = checked(world.cloud, &body);
            let issue = find(world, id).unwrap();
            issue["fields"].as_object_mut().unwrap().extend(fields);
            Reply::status(204)
        }
        ("GET", ["issue", _, "transitions"]) => transitions(world, &query),
        ("POST", ["issue", id, "transitions"]) => go(world, id, &body),
        ("POST", ["issue", id, "comment"]) => {
            check_text(world.cloud, &body["body"]);
            assert!(find(world, id).is_some());
            world.comments += 1;
            Reply::status(201)
        }
        _ => panic!("{} {}", request.method, request.url),
    }
}

fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                at += 2;
            }
            b'+' => out.push(b' '),
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap()
}

fn find<'a>(world: &'a mut World, id: &str) -> Option<&'a mut Value> {
    world.issues.iter_mut().find(|issue| issue["id"] == id || issue["key"] == id)
}

fn check_text(cloud: bool, text: &Value) {
    assert_eq!(text.is_object(), cloud, "{text}");
    if cloud {
        assert_eq!((text["type"].as_str(), text["version"].as_u64()), (Some("doc"), Some(1)), "{text}");
    }
}

fn checked(cloud: bool, body: &Value) -> Map<String, Value> {
    let fields = body["fields"].as_object().unwrap().clone();
    let summary = fields["summary"].as_str().unwrap();
    assert!(summary.chars().count() <= 255 && !summary.contains('\n'));
    check_text(cloud, &fields["description"]);
    fields
}

fn create(world: &mut World, body: &Value) -> Reply {
    let mut fields = checked(world.cloud, body);
    assert_eq!((&fields["project"]["key"], &fields["issuetype"]["name"]), (&json!("SEC"), &json!("Task")));
    if !fields.contains_key("customfield_1") && !world.asked.is_empty() {
        return Reply::status(400)
            .body(r#"{"errorMessages": [], "errors": {"customfield_1": "Team is required."}}"#);
    }
    fields.insert("status".to_owned(), status("1"));
    let number = world.issues.len() + 1;
    world.issues.push(
        json!({ "id": (10_000 + number).to_string(), "key": format!("SEC-{number}"), "fields": fields }),
    );
    if world.lose > 0 {
        world.lose -= 1;
        return Reply::status(502);
    }
    Reply::json(&world.issues[number - 1])
}

fn search(world: &World, query: &BTreeMap<String, String>) -> Reply {
    let jql = &query["jql"];
    assert!(jql.starts_with("project = \"SEC\" AND labels = \""), "{jql}");
    let label = jql.split('"').nth(3).unwrap();
    let fits = |issue: &&Value| issue["fields"]["labels"].as_array().unwrap().iter().any(|one| one == label);
    let all: Vec<&Value> = world.issues.iter().filter(fits).collect();
    let most = world.page.min(query["maxResults"].parse().unwrap());
    let place = if world.cloud { "nextPageToken" } else { "startAt" };
    let start: usize = query.get(place).map_or(0, |start| start.parse().unwrap());
    let page: Vec<&&Value> = all.iter().skip(start).take(most).collect();
    let mut found = json!({ "issues": page });
    if world.cloud && start + most < all.len() {
        found["nextPageToken"] = (start + most).to_string().into();
    }
    if !world.cloud {
        found["total"] = all.len().into();
    }
    Reply::json(&found)
}

fn transitions(world: &World, query: &BTreeMap<String, String>) -> Reply {
    assert_eq!(query["expand"], "transitions.fields");
    let all: Vec<Value> = STATUSES
        .iter()
        .map(|(id, name, _)| {
            let fields = if *id == "3" { world.closing.clone() } else { Map::new() };
            json!({ "id": id, "name": format!("to {name}"), "to": status(id), "fields": fields })
        })
        .collect();
    Reply::json(&json!({ "transitions": all }))
}

fn go(world: &mut World, id: &str, body: &Value) -> Reply {
    let to = body["transition"]["id"].as_str().unwrap().to_owned();
    let given = body["fields"].as_object().cloned().unwrap_or_default();
    if to == "3" {
        assert_eq!(given.keys().collect::<Vec<_>>(), world.closing.keys().collect::<Vec<_>>());
    }
    let issue = find(world, id).unwrap();
    issue["fields"]["status"] = status(&to);
    issue["fields"]["resolution"] = given.get("resolution").cloned().unwrap_or_default();
    Reply::status(204)
}

fn types(world: &World) -> Reply {
    let all = json!([{ "id": "6", "name": "Bug" }, { "id": "7", "name": "Task" }]);
    Reply::json(&json!({ if world.cloud { "issueTypes" } else { "values" }: all }))
}

fn asked(world: &World) -> Reply {
    let mut all = vec![
        json!({ "fieldId": "summary", "name": "Summary", "required": true }),
        json!({ "fieldId": "labels", "name": "Labels", "required": false }),
        json!({ "fieldId": "reporter", "name": "Reporter", "required": true }),
    ];
    all.extend(world.asked.iter().cloned());
    Reply::json(&json!({ if world.cloud { "fields" } else { "values" }: all }))
}

fn config(cloud: bool, more: &Value) -> String {
    let deployment = if cloud { "cloud" } else { "data-center" };
    let mut config = json!({ "url": "https://jira.example/", "deployment": deployment, "project": "SEC" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config.to_string()
}

fn wanted(state: &str, ticket: Option<&str>) -> Value {
    json!({
        "type": "ticket", "state": state, "marker": "palisade:0a1b", "title": "Update\nopenssl", "severity": "high",
        "total": 3, "owner": null, "ticket": ticket,
        "members": [{ "rule": "CVE-1", "title": "{noformat} h1. [~admin] !x.png! @all", "severity": "high", "asset": "image",
            "package": "openssl", "version": "1", "fixed": ["2"] }],
    })
}

fn tell(cloud: bool, more: &Value, body: &Value) -> Result<Receipt, Error> {
    notify::<Jira>(&config(cloud, more), &Notice::new("n", body))
}

fn stands(world: &Jiras, number: usize) -> String {
    world.borrow().issues[number]["fields"]["status"]["name"].as_str().unwrap().to_owned()
}

#[test]
fn an_issue_is_made_once_and_hostile_text_is_only_text() {
    for cloud in [true, false] {
        let (world, _fakes) = jira(cloud);
        let more = json!({ "priorities": { "high": "Highest" }, "labels": ["team-a"], "fields": { "customfield_9": 1 } });
        let receipt = tell(cloud, &more, &wanted("open", None)).unwrap();
        assert_eq!(
            (receipt.id.as_str(), receipt.url.as_deref()),
            ("10001", Some("https://jira.example/browse/SEC-1"))
        );
        tell(cloud, &more, &wanted("open", None)).unwrap();
        tell(cloud, &more, &wanted("open", Some("10001"))).unwrap();
        let world = world.borrow();
        assert_eq!((world.issues.len(), world.comments), (1, 0));
        let fields = &world.issues[0]["fields"];
        assert_eq!(fields["summary"], "[high] Update openssl");
        assert_eq!(fields["labels"], json!(["palisade", "palisade-0a1b", "team-a"]));
        assert_eq!((&fields["priority"]["name"], &fields["customfield_9"]), (&json!("Highest"), &json!(1)));
        if cloud {
            let block = &fields["description"]["content"][0];
            assert_eq!((&block["type"], &block["content"][0]["type"]), (&json!("codeBlock"), &json!("text")));
            assert_eq!(block["content"].as_array().unwrap().len(), 1);
        } else {
            let text = fields["description"].as_str().unwrap();
            assert!(text.starts_with("{noformat}\n") && text.ends_with("\n{noformat}"), "{text}");
            assert_eq!(text.matches("{noformat").count(), 2, "{text}");
        }
    }
}

#[test]
fn a_lost_answer_is_waited_for_and_leads_to_the_issue_that_is_there() {
    let (world, _fakes) = jira(true);
    world.borrow_mut().lose = 1;
    assert_eq!(tell(true, &json!({}), &wanted("open", None)), Err(Error::RetryAfter(30_000)));
    assert_eq!(tell(true, &json!({}), &wanted("open", None)).unwrap().id, "10001");
    assert_eq!(world.borrow().issues.len(), 1);
}

#[test]
fn an_issue_is_closed_and_reopened_by_the_category_of_statuses() {
    for cloud in [true, false] {
        let (world, _fakes) = jira(cloud);
        world.borrow_mut().closing.insert("resolution".to_owned(), json!({ "required": true }));
        tell(cloud, &json!({}), &wanted("open", None)).unwrap();
        for (state, after, comments) in
            [("resolved", "Closed", 1), ("resolved", "Closed", 1), ("open", "To Do", 2), ("open", "To Do", 2)]
        {
            tell(cloud, &json!({}), &wanted(state, Some("10001"))).unwrap();
            assert_eq!((stands(&world, 0).as_str(), world.borrow().comments), (after, comments));
        }
        // Deleted by people: nothing is left to close, and what is open is made again.
        world.borrow_mut().issues.clear();
        assert_eq!(tell(cloud, &json!({}), &wanted("resolved", Some("10001"))).unwrap().id, "10001");
        assert!(world.borrow().issues.is_empty());
    }
}

#[test]
fn what_a_workflow_or_project_asks_for_is_named() {
    let said = |result: Result<Receipt, Error>| match result.unwrap_err() {
        Error::Host(text) => text,
        other => panic!("{other:?}"),
    };
    let (world, _fakes) = jira(true);
    tell(true, &json!({}), &wanted("open", None)).unwrap();
    let asked = json!({ "required": true, "name": "Reason" });
    world.borrow_mut().closing.insert("customfield_5".to_owned(), asked);
    let text = said(tell(true, &json!({}), &wanted("resolved", Some("10001"))));
    assert!(
        text.contains("to Closed") && text.contains("customfield_5") && text.contains("`fields`"),
        "{text}"
    );
    tell(true, &json!({ "fields": { "customfield_5": "x" } }), &wanted("resolved", Some("10001"))).unwrap();

    let test = json!({ "type": "self-test", "state": "open", "marker": "m", "title": "", "severity": "low", "total": 0, "members": [], "owner": null, "ticket": null });
    for cloud in [true, false] {
        let (world, _fakes) = jira(cloud);
        assert_eq!(tell(cloud, &json!({}), &test).unwrap().id, "an issue of the type Task in SEC");
        let text = said(tell(cloud, &json!({ "issue-type": "Story" }), &test));
        assert!(text.contains("Bug, Task"), "{text}");
        world.borrow_mut().asked =
            vec![json!({ "fieldId": "customfield_1", "name": "Team", "required": true })];
        let text = said(tell(cloud, &json!({}), &test));
        assert!(text.contains("customfield_1 (Team)"), "{text}");
        let text = said(tell(cloud, &json!({}), &wanted("open", None)));
        assert!(text.contains("Team is required.") && text.contains("`fields`"), "{text}");
        tell(cloud, &json!({ "fields": { "customfield_1": "a" } }), &test).unwrap();
        assert!(world.borrow().issues.is_empty());
        assert!(said(tell(cloud, &json!({ "project": "OPS" }), &test)).contains("check `url`"));
    }
}

#[test]
fn a_jira_that_is_busy_away_or_does_not_know_us_is_told_apart() {
    for (reply, expected) in [
        (Reply::status(429).header("retry-after", "7"), Err(7_000)),
        (Reply::status(503).header("retry-after", "9"), Err(9_000)),
        (Reply::status(504), Err(1_000)),
        (Reply::status(401), Ok("check the secret")),
        (Reply::status(403), Ok("permissions")),
    ] {
        let _fakes = Fakes::new().server(move |_| Some(reply.clone())).install();
        match (tell(true, &json!({}), &wanted("open", None)).unwrap_err(), expected) {
            (Error::RetryAfter(after), Err(wait)) => assert_eq!(after, wait),
            (Error::Host(text), Ok(says)) => assert!(text.contains(says), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn where_issues_stand_is_read_in_pages_and_from_then_on() {
    for cloud in [true, false] {
        let (world, fakes) = jira(cloud);
        let more = json!({ "rejected-resolutions": ["Won't Do"] });
        for _ in 0..4 {
            let number = world.borrow().issues.len();
            let mut body = wanted("open", None);
            body["marker"] = format!("palisade:{number}").into();
            tell(cloud, &more, &body).unwrap();
        }
        {
            let mut world = world.borrow_mut();
            world.page = 3;
            for (number, at, resolution) in
                [(1, "2", None), (2, "3", Some("Done")), (3, "4", Some("Won't Do"))]
            {
                world.issues[number]["fields"]["status"] = status(at);
                world.issues[number]["fields"]["resolution"] =
                    resolution.map_or(Value::Null, |name| json!({ "name": name }));
            }
        }
        let config = config(cloud, &more);
        let first = collect::<Jira>(&config, None).unwrap();
        let next = first.next.clone().unwrap();
        assert_eq!(next, "- 1800000000 3");
        let second = collect::<Jira>(&config, Some(&next)).unwrap();
        assert_eq!(second.next, None);
        let told: Vec<Value> = first
            .resources
            .iter()
            .chain(&second.resources)
            .map(|one| serde_json::from_slice(&one.body).unwrap())
            .collect();
        let expected: Vec<Value> = [("To Do", "open"), ("Doing", "in-progress"), ("Closed", "done"), ("Rejected", "rejected")]
            .iter()
            .zip(10_001..)
            .map(|((status, standing), id)| json!({ "id": id.to_string(), "status": status, "standing": standing }))
            .chain([json!({ "cursor": "1800000000" })])
            .collect();
        assert_eq!(told, expected);
        collect::<Jira>(&config, Some("1799999000")).unwrap();
        let asked = plain(&fakes.requests().last().unwrap().url);
        assert!(asked.contains("updated >= \"-22m\" ORDER BY key ASC"), "{asked}");
        for cursor in ["x", "1 2", "1 x 3", ""] {
            assert!(
                matches!(collect::<Jira>(&config, Some(cursor)), Err(Error::InvalidInput(_))),
                "{cursor}"
            );
        }
    }
}
