//! Against a table of a few lines.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use palisade_sdk::http::Request;
use palisade_sdk::testing::{Fakes, Installed, Reply};
use palisade_sdk::{Error, Notice, Receipt, collect, notify};
use serde_json::{Map, Value, json};

use super::ServiceNow;

#[derive(Default)]
struct World {
    records: Vec<Map<String, Value>>,
    /// Writes to each record, in all.
    writes: usize,
    lose: bool,
}

type Table = Rc<RefCell<World>>;

fn table() -> (Table, Installed) {
    let world = Table::default();
    let seen = Rc::clone(&world);
    let installed = Fakes::new()
        .now(1_800_000_000 * 1_000_000_000)
        .server(move |request| Some(answer(&mut seen.borrow_mut(), request)))
        .install();
    (world, installed)
}

fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex =
            |rest: &mut std::str::Bytes<'_>| char::from(rest.next().unwrap()).to_digit(16).unwrap() as u8;
        bytes.push(if byte == b'%' { hex(&mut rest) * 16 + hex(&mut rest) } else { byte });
    }
    String::from_utf8(bytes).unwrap()
}

fn shown(record: &Map<String, Value>) -> Value {
    let both = |name: &str| json!({ "value": record[name], "display_value": format!("is {}", record[name].as_str().unwrap()) });
    json!({ "sys_id": both("sys_id"), "state": both("state") })
}

fn answer(world: &mut World, request: &Request) -> Reply {
    assert_eq!(request.secret.as_deref(), Some("servicenow"));
    let rest = request.url.strip_prefix("https://now.example/api/now/table/incident").unwrap();
    let (path, query) = rest.split_once('?').unwrap();
    let query: BTreeMap<String, String> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), plain(value)))
        .collect();
    assert_eq!(
        (query["sysparm_fields"].as_str(), query["sysparm_display_value"].as_str()),
        ("sys_id,state", "all")
    );
    let body: Map<String, Value> = serde_json::from_slice(&request.body).unwrap_or_default();
    let place = world.records.iter().position(|record| path.trim_start_matches('/') == record["sys_id"]);
    match (request.method.as_str(), path, place) {
        ("GET", "", _) => list(world, &query),
        ("POST", "", _) => {
            let number = world.records.len();
            let mut record = body;
            record.insert("sys_id".to_owned(), format!("id{number}").into());
            record.insert("state".to_owned(), "1".into());
            world.records.push(record);
            match std::mem::take(&mut world.lose) {
                true => Reply::status(504),
                false => Reply::json(&json!({ "result": shown(&world.records[number]) })),
            }
        }
        ("GET", _, Some(place)) => Reply::json(&json!({ "result": shown(&world.records[place]) })),
        ("PATCH", _, Some(place)) => {
            let record = &mut world.records[place];
            assert!(record["state"] != "7", "a closed record is read only");
            if body.get("state") == Some(&json!("6"))
                && !(body.contains_key("close_code") && body.contains_key("close_notes"))
            {
                return Reply::status(403).body(r#"{"error":{"message":"Operation Failed","detail":"Data Policy Exception: Resolution code is mandatory"},"status":"failure"}"#);
            }
            record.extend(body);
            world.writes += 1;
            Reply::json(&json!({ "result": shown(record) }))
        }
        ("GET", _, None) => Reply::status(404),
        other => panic!("{other:?}"),
    }
}

fn list(world: &World, query: &BTreeMap<String, String>) -> Reply {
    let (limit, offset): (usize, usize) =
        (query["sysparm_limit"].parse().unwrap(), query["sysparm_offset"].parse().unwrap());
    let conditions: Vec<&str> = query["sysparm_query"].split('^').collect();
    let fits = |record: &&Map<String, Value>| {
        conditions.iter().all(|condition| match condition.split_once('=') {
            Some((name, value)) => record[name] == value,
            None => true,
        })
    };
    let mut all: Vec<&Map<String, Value>> = world.records.iter().filter(fits).collect();
    if conditions.contains(&"ORDERBYDESCsys_created_on") {
        all.reverse();
    }
    let page: Vec<Value> = all.into_iter().skip(offset).take(limit).map(shown).collect();
    Reply::json(&json!({ "result": page }))
}

const CONFIG: &str = r#"{"url": "https://now.example/", "fields": {"assignment_group": "g"}}"#;

fn wanted(state: &str, ticket: Option<&str>) -> Value {
    json!({
        "type": "ticket", "state": state, "marker": "palisade:0a1b^state=1", "title": "Update\nopenssl", "severity": "high",
        "total": 3, "owner": null, "ticket": ticket,
        "members": [{ "rule": "CVE-1", "title": "x".repeat(9_000), "severity": "high", "asset": "image" }],
    })
}

fn tell(body: &Value) -> Result<Receipt, Error> {
    notify::<ServiceNow>(CONFIG, &Notice::new("n", body))
}

fn state(world: &Table, number: usize) -> String {
    world.borrow().records[number]["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_record_is_made_once_even_where_the_answer_is_lost() {
    let (world, _fakes) = table();
    world.borrow_mut().lose = true;
    assert_eq!(tell(&wanted("open", None)), Err(Error::RetryAfter(1_000)));
    let receipt = tell(&wanted("open", None)).unwrap();
    assert_eq!(receipt.id, "id0");
    assert_eq!(receipt.url.unwrap(), "https://now.example/nav_to.do?uri=incident.do%3Fsys_id%3Did0");
    let world = world.borrow();
    assert_eq!(world.records.len(), 1);
    let record = &world.records[0];
    for (name, value) in [
        ("short_description", "[high] Update openssl"),
        ("correlation_id", "palisade:0a1bstate1"),
        ("correlation_display", "Palisade"),
        ("assignment_group", "g"),
        ("impact", "2"),
        ("urgency", "1"),
    ] {
        assert_eq!(record[name], value, "{name}");
    }
    assert!(record["description"].as_str().unwrap().chars().count() < 1_000, "lines are bounded");
}

#[test]
fn a_record_is_resolved_and_reopened_and_told_nothing_twice() {
    let (world, _fakes) = table();
    tell(&wanted("open", None)).unwrap();
    for (told, after, writes) in [("resolved", "6", 1), ("resolved", "6", 1), ("open", "1", 2)] {
        tell(&wanted(told, Some("id0"))).unwrap();
        assert_eq!((state(&world, 0).as_str(), world.borrow().writes), (after, writes));
    }
    assert_eq!(world.borrow().records[0]["work_notes"], "It is back.");
}

#[test]
fn a_closed_record_stays_closed_and_what_comes_back_gets_another() {
    let (world, _fakes) = table();
    tell(&wanted("open", None)).unwrap();
    world.borrow_mut().records[0].insert("state".to_owned(), "7".into());
    tell(&wanted("resolved", Some("id0"))).unwrap();
    assert_eq!(tell(&wanted("open", Some("id0"))).unwrap().id, "id1");
    // The receipt was lost: the newest is found, not the closed one.
    assert_eq!(tell(&wanted("open", Some("id0"))).unwrap().id, "id1");
    assert_eq!(
        (world.borrow().records.len(), state(&world, 0).as_str(), state(&world, 1).as_str()),
        (2, "7", "1")
    );
    world.borrow_mut().records.clear();
    assert_eq!(tell(&wanted("resolved", Some("id0"))).unwrap().id, "id0");
    assert!(world.borrow().records.is_empty());
}

#[test]
fn what_servicenow_says_is_told_with_what_to_do() {
    let refuse = |status: u16, body: &'static str| {
        let _fakes = Fakes::new().server(move |_| Some(Reply::status(status).body(body))).install();
        tell(&wanted("open", None)).unwrap_err()
    };
    let policy =
        r#"{"error":{"message":"Operation Failed","detail":"Data Policy Exception: Caller is mandatory"}}"#;
    for (status, body, says) in [
        (403, policy, "Caller is mandatory"),
        (400, r#"{"error":{"message":"Invalid table x","detail":null}}"#, "Invalid table x"),
        (401, "", "check the secret"),
    ] {
        let Error::Host(text) = refuse(status, body) else { panic!("no host error") };
        assert!(text.contains(says), "{text}");
    }
    assert_eq!(refuse(500, ""), Error::RetryAfter(1_000));
    let _fakes = Fakes::new().server(|_| Some(Reply::json(&json!({ "result": [] })))).install();
    let test = json!({ "type": "self-test", "state": "open", "marker": "m", "title": "", "severity": "low", "total": 0, "members": [], "owner": null, "ticket": null });
    assert_eq!(tell(&test).unwrap().id, "a record in incident");
}

#[test]
fn where_records_stand_is_read_in_pages_and_from_then_on() {
    let (world, fakes) = table();
    for number in 0..101 {
        let mut body = wanted("open", None);
        body["marker"] = format!("palisade:{number}").into();
        tell(&body).unwrap();
    }
    for (number, to) in [(1, "2"), (2, "6"), (3, "7"), (4, "8")] {
        world.borrow_mut().records[number].insert("state".to_owned(), to.into());
    }
    let first = collect::<ServiceNow>(CONFIG, None).unwrap();
    assert_eq!(first.next.as_deref(), Some("- 1800000000 100"));
    let second = collect::<ServiceNow>(CONFIG, first.next.as_deref()).unwrap();
    let told = |page: &palisade_sdk::Page| -> Vec<Value> {
        page.resources.iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect()
    };
    let stand: Vec<Value> = told(&first).iter().take(5).map(|one| one["standing"].clone()).collect();
    assert_eq!(stand, ["open", "in-progress", "done", "done", "rejected"]);
    assert_eq!(told(&first)[0], json!({ "id": "id0", "status": "is 1", "standing": "open" }));
    assert_eq!(told(&second)[1], json!({ "cursor": "1800000000" }));
    assert_eq!((second.next, told(&first).len()), (None, 100));
    collect::<ServiceNow>(CONFIG, Some("1799999940")).unwrap();
    let asked = plain(&fakes.requests().last().unwrap().url);
    assert!(
        asked.contains("correlation_display=Palisade^sys_updated_onRELATIVEGT@minute@ago@7^ORDERBY"),
        "{asked}"
    );
    for cursor in ["x", "1 2", "1 x 3", ""] {
        assert!(
            matches!(collect::<ServiceNow>(CONFIG, Some(cursor)), Err(Error::InvalidInput(_))),
            "{cursor}"
        );
    }
}
