//! Against a channel of a few lines.

use std::cell::RefCell;
use std::rc::Rc;

use palisade_sdk::http::Request;
use palisade_sdk::testing::{Fakes, Installed, Reply};
use palisade_sdk::{Error, Notice, Receipt, notify};
use serde_json::{Value, json};

use super::Slack;

#[derive(Default)]
struct World {
    /// The oldest first; replies have `thread_ts`.
    messages: Vec<Value>,
    updates: usize,
    lose: bool,
}

type Channel = Rc<RefCell<World>>;

fn channel() -> (Channel, Installed) {
    let world = Channel::default();
    let seen = Rc::clone(&world);
    let installed =
        Fakes::new().server(move |request| Some(answer(&mut seen.borrow_mut(), request))).install();
    (world, installed)
}

fn answer(world: &mut World, request: &Request) -> Reply {
    assert_eq!(request.secret.as_deref(), Some("slack"));
    let rest = request.url.strip_prefix("https://slack.com/api/").unwrap();
    let (method, query) = rest.split_once('?').unwrap_or((rest, ""));
    let asked = |name: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let mut body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match method {
        "conversations.info" => Reply::json(
            &json!({ "ok": true, "channel": { "name": "sec", "is_member": asked("channel") == Some("C1") } }),
        ),
        "conversations.history" => {
            assert_eq!((asked("channel"), asked("include_all_metadata")), (Some("C1"), Some("true")));
            let limit: usize = asked("limit").unwrap().parse().unwrap();
            let skip: usize = asked("cursor").map_or(0, |cursor| cursor.parse().unwrap());
            let fits = |message: &&Value| {
                message["thread_ts"].is_null()
                    && asked("latest").is_none_or(|latest| message["ts"].as_str() <= Some(latest))
            };
            let all: Vec<&Value> = world.messages.iter().rev().filter(fits).collect();
            let page: Vec<&&Value> = all.iter().skip(skip).take(limit).collect();
            let next =
                if skip + page.len() < all.len() { (skip + page.len()).to_string() } else { String::new() };
            Reply::json(
                &json!({ "ok": true, "messages": page, "response_metadata": { "next_cursor": next } }),
            )
        }
        "chat.postMessage" => {
            check(&body);
            let ts = format!("17000.{:06}", world.messages.len());
            body["ts"] = ts.clone().into();
            world.messages.push(body);
            match std::mem::take(&mut world.lose) {
                true => Reply::status(502),
                false => Reply::json(&json!({ "ok": true, "channel": "C1", "ts": ts })),
            }
        }
        "chat.update" => {
            check(&body);
            world.updates += 1;
            let message = world.messages.iter_mut().find(|message| message["ts"] == body["ts"]).unwrap();
            *message = body;
            Reply::json(&json!({ "ok": true }))
        }
        _ => Reply::json(&json!({ "ok": false, "error": "unknown_method" })),
    }
}

/// What Slack refuses or would format.
fn check(body: &Value) {
    assert_eq!(body["channel"], "C1");
    let text = body["text"].as_str().unwrap();
    assert!(!text.is_empty() && !text.contains(['<', '>']), "{text}");
    if body["thread_ts"].is_null() {
        let blocks = body["blocks"].as_array().unwrap();
        assert_eq!(blocks[0]["text"]["type"], "plain_text");
        assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        let code = &blocks[1]["elements"][0];
        assert_eq!(
            (&code["type"], &code["elements"][0]["type"]),
            (&json!("rich_text_preformatted"), &json!("text"))
        );
        assert!(code["elements"][0]["text"].as_str().unwrap().chars().count() <= 3_000);
    }
}

const CONFIG: &str = r#"{"channel": "C1"}"#;

fn wanted(state: &str, ticket: Option<&str>) -> Value {
    let member = json!({ "rule": "CVE-1", "title": "<!channel> <@U1> *b* https://evil.example", "severity": "high", "asset": "image" });
    json!({
        "type": "ticket", "state": state, "marker": "palisade:0a1b", "title": "Update\n<!here> & openssl", "severity": "high",
        "total": 50, "owner": null, "ticket": ticket, "members": vec![member; 50],
    })
}

fn tell(body: &Value) -> Result<Receipt, Error> {
    notify::<Slack>(CONFIG, &Notice::new("n", body))
}

#[test]
fn a_message_is_posted_once_and_told_nothing_twice() {
    let (world, _fakes) = channel();
    world
        .borrow_mut()
        .messages
        .push(json!({ "ts": "16999.000001", "metadata": { "event_type": "other", "event_payload": 1 } }));
    world.borrow_mut().lose = true;
    assert_eq!(tell(&wanted("open", None)), Err(Error::RetryAfter(1_000)));
    let receipt = tell(&wanted("open", None)).unwrap();
    assert_eq!(receipt.id, "C1:17000.000001");
    tell(&wanted("open", Some(&receipt.id))).unwrap();
    assert_eq!((world.borrow().messages.len(), world.borrow().updates), (2, 0));
    let mut more = wanted("open", Some(&receipt.id));
    more["total"] = 51.into();
    tell(&more).unwrap();
    assert_eq!((world.borrow().messages.len(), world.borrow().updates), (2, 1));
    assert!(world.borrow().messages[1]["text"].as_str().unwrap().contains("&lt;!here&gt; &amp; openssl"));
}

#[test]
fn what_is_resolved_and_comes_back_is_said_in_the_thread() {
    let (world, _fakes) = channel();
    let id = tell(&wanted("open", None)).unwrap().id;
    for (state, messages, updates) in [("resolved", 2, 1), ("resolved", 2, 1), ("open", 3, 2), ("open", 3, 2)]
    {
        assert_eq!(tell(&wanted(state, Some(&id))).unwrap().id, id);
        assert_eq!((world.borrow().messages.len(), world.borrow().updates), (messages, updates), "{state}");
    }
    let world = world.borrow();
    assert_eq!(world.messages[1]["thread_ts"], "17000.000000");
    assert_eq!(world.messages[2]["text"], "It is back.");
}

#[test]
fn a_message_that_people_deleted_is_posted_again_only_while_it_is_open() {
    let (world, _fakes) = channel();
    let id = tell(&wanted("open", None)).unwrap().id;
    world.borrow_mut().messages.clear();
    assert_eq!(tell(&wanted("resolved", Some(&id))).unwrap().id, id);
    assert!(world.borrow().messages.is_empty());
    tell(&wanted("open", Some(&id))).unwrap();
    assert_eq!(world.borrow().messages.len(), 1);
}

#[test]
fn a_lost_message_is_found_among_many_and_the_oldest_counts() {
    let (world, _fakes) = channel();
    let first = tell(&wanted("open", None)).unwrap().id;
    for number in 0..450 {
        world.borrow_mut().messages.push(json!({ "ts": format!("17001.{number:06}") }));
    }
    assert_eq!(tell(&wanted("open", None)).unwrap().id, first);
    for number in 0..200 {
        world.borrow_mut().messages.push(json!({ "ts": format!("17002.{number:06}") }));
    }
    assert_ne!(tell(&wanted("open", None)).unwrap().id, first, "beyond what is looked through");
}

#[test]
fn what_slack_says_is_told_with_what_to_do() {
    let said = |reply: Reply| {
        let _fakes = Fakes::new().server(move |_| Some(reply.clone())).install();
        tell(&wanted("open", None)).unwrap_err()
    };
    for (word, says) in [
        ("not_in_channel", "invite the bot"),
        ("channel_not_found", "check `channel`"),
        ("invalid_auth", "check the secret"),
        ("missing_scope", "channels:history"),
        ("some_new_word", "some_new_word"),
    ] {
        let Error::Host(text) = said(Reply::json(&json!({ "ok": false, "error": word }))) else {
            panic!("{word}")
        };
        assert!(text.contains(says), "{text}");
    }
    assert_eq!(said(Reply::status(429).header("retry-after", "12")), Error::RetryAfter(12_000));
    assert_eq!(said(Reply::json(&json!({ "ok": false, "error": "ratelimited" }))), Error::RetryAfter(30_000));
}

#[test]
fn a_test_writes_nothing_and_says_whether_the_bot_is_there() {
    let (world, _fakes) = channel();
    let test = json!({ "type": "self-test", "state": "open", "marker": "m", "title": "", "severity": "low", "total": 0, "members": [], "owner": null, "ticket": null });
    assert_eq!(tell(&test).unwrap().id, "a message in #sec");
    let elsewhere = notify::<Slack>(r#"{"channel": "C2"}"#, &Notice::new("n", &test)).unwrap_err();
    assert!(matches!(elsewhere, Error::Host(text) if text.contains("invite it")));
    assert!(world.borrow().messages.is_empty());
}
