//! Tests of the fakes: they must not be kinder than the platform.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

use super::{Fakes, Reply};
use crate::http::Request;
use crate::{Advisory, Error, HostError, advisories, assets, blob, clock, config, log, metrics, state};

fn denied<T>(outcome: Result<T, HostError>) -> bool {
    matches!(outcome, Err(HostError::Denied(_)))
}

#[test]
fn what_is_not_set_is_denied_with_and_without_fakes() {
    let everything = || {
        assert!(denied(state::get("a")) && denied(state::set("a", b"")) && denied(state::delete("a")));
        assert!(denied(state::keys("", None, 1)) && denied(state::all_keys("")));
        assert!(denied(assets::describe("a")) && denied(assets::related("a", "b", 1)));
        assert!(denied(advisories::matching("pkg:npm/a@1")) && denied(blob::open("r", "sha256:00")));
        assert!(denied(Request::get("https://a.example/").send()));
        assert_eq!((clock::now(), config::get().text().to_owned()), (0, "{}".to_owned()));
    };
    everything();
    let _fakes = Fakes::new().entry("a", "b").install();
    everything();
}

#[test]
fn state_has_bounds() {
    let fakes = Fakes::new().state(10).entry("ab", "1").install();
    assert!(matches!(state::get(""), Err(HostError::Invalid(_))));
    assert!(matches!(state::set(&"k".repeat(513), b""), Err(HostError::Invalid(_))));
    assert_eq!(state::get(&"k".repeat(512)), Ok(None));
    assert_eq!(state::set("ab", b"12345678"), Ok(()));
    assert!(matches!(state::set("c", b""), Err(HostError::Limit(_))));
    assert_eq!(state::set("ab", b"1234567"), Ok(()));
    assert_eq!(state::set("c", b""), Ok(()));
    assert_eq!(state::delete("ab"), Ok(()));
    assert_eq!(fakes.state().into_keys().collect::<Vec<_>>(), ["c"]);
}

#[test]
fn keys_come_sorted_and_in_pages() {
    let mut fakes = Fakes::new().state(1 << 20);
    for number in 0..2_500 {
        fakes = fakes.entry(format!("n/{number:04}"), "");
    }
    let _fakes = fakes.entry("m", "").entry("o", "").install();
    assert_eq!(state::keys("n/", Some("n/0007"), 2).unwrap(), ["n/0008", "n/0009"]);
    assert_eq!(state::keys("n/", None, 5_000).unwrap().len(), 1_000);
    let all = state::all_keys("n/").unwrap();
    assert_eq!((all.len(), all[2_499].as_str()), (2_500, "n/2499"));
}

#[test]
fn a_call_that_fails_leaves_the_state_as_it_was() {
    let fakes = Fakes::new().state(100).entry("a", "1").install();
    let failed: Result<(), Error> = super::settled(|| {
        state::set("a", b"2")?;
        assert_eq!(state::get("a")?.as_deref(), Some(b"2".as_slice()));
        Err(Error::Other("no".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!(fakes.state()["a"], b"1");
    super::settled(|| Ok(state::set("a", b"2")?)).unwrap();
    assert_eq!(fakes.state()["a"], b"2");
}

#[test]
fn answers_come_in_turn_and_the_last_stays() {
    let url = "https://a.example/";
    let busy = Reply::failure(HostError::Unavailable("busy".to_owned()));
    let fakes = Fakes::new().http("GET", url, busy).http("GET", url, Reply::status(204)).install();
    assert_eq!(Request::get(url).send(), Err(HostError::Unavailable("busy".to_owned())));
    assert_eq!(Request::get(url).send().unwrap().status, 204);
    assert_eq!(Request::get(url).send().unwrap().status, 204);
    assert!(denied(Request::post(url).send()));
    assert_eq!(fakes.requests().len(), 4);
}

#[test]
fn the_rest_answers_as_it_was_told() {
    let advisory = Advisory { id: "A-1".to_owned(), aliases: Vec::new(), fixed: vec!["2".to_owned()] };
    let fakes = Fakes::new()
        .config(r#"{"a": 1}"#)
        .asset("host:a", &serde_json::json!({ "owner": "me" }))
        .related("host:a", "runs", ["image:b", "image:c"])
        .advisories("pkg:npm/a@1", vec![advisory.clone()])
        .blob("registry.example/a", "sha256:00", "bytes")
        .install();
    assert_eq!(config::get().text(), r#"{"a": 1}"#);
    assert_eq!(assets::describe("host:a").unwrap(), br#"{"owner":"me"}"#);
    assert_eq!(assets::describe_json::<u8>("host:b"), Ok(None));
    assert_eq!(assets::related("host:a", "runs", 1).unwrap(), ["image:b"]);
    assert_eq!(advisories::matching("pkg:npm/a@1").unwrap(), [advisory]);
    assert_eq!(advisories::matching("pkg:npm/b@1").unwrap(), []);
    assert_eq!(blob::open("registry.example/a", "sha256:00").unwrap().text(9).unwrap(), "bytes");
    assert!(matches!(blob::open("registry.example/a", "sha256:11"), Err(HostError::NotFound)));
    log::warn("careful");
    metrics::add("files", 2);
    metrics::add("files", u64::MAX);
    assert_eq!(fakes.logs(), [(log::Level::Warn, "careful".to_owned())]);
    assert_eq!(fakes.counter("files"), u64::MAX);
    drop(fakes);
    assert!(denied(assets::describe("host:a")));
}
