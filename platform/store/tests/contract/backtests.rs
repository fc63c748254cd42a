//! Backtests: accepted together with their message, followed, ended once.

use model::TenantId;
use serde_json::json;
use store::{Candidate, JobState, NewBacktest, RuleFile};
use uuid::Uuid;

use crate::Place;
use crate::world::*;

fn new(second: i64) -> NewBacktest {
    NewBacktest {
        id: Uuid::now_v7(),
        rules: vec![RuleFile { name: "a\u{0}.yml".into(), text: "title: b\u{0}".into() }],
        instead: true,
        candidate: Some(Candidate { plugin: "palisade.sigma".into(), digest: "sha256:1".into() }),
        from: at(0),
        to: at(60),
        by: "ann".into(),
        at: at(second),
    }
}

pub(crate) async fn a_backtest_is_accepted_with_its_message_and_ends_once(place: Place) {
    let store = place.store().await;
    let other = TenantId::parse("other").unwrap();
    let asked = new(1);
    let accepted = store.submit_backtest(&tenant(), &asked).await.unwrap();
    let messages = store.outbox(10).await.unwrap();
    assert_eq!((messages.len(), messages[0].subject.as_str()), (1, "backtest.requested"));
    assert!(String::from_utf8_lossy(&messages[0].body).contains(&asked.id.to_string()));
    let kept = store.backtest(&tenant(), asked.id).await.unwrap().unwrap();
    assert_eq!(kept.backtest, accepted, "what is answered is what is kept");
    assert_eq!(
        (accepted.files.as_slice(), accepted.state),
        (["a\u{fffd}.yml".to_owned()].as_slice(), JobState::Queued)
    );
    assert_eq!((kept.rules[0].text.as_str(), accepted.candidate), ("title: b\u{fffd}", asked.candidate));

    assert!(store.backtest(&other, asked.id).await.unwrap().is_none());
    assert!(!store.backtest_judged(&other, asked.id, 5, at(2)).await.unwrap());
    assert!(!store.cancel_backtest(&other, asked.id, at(2)).await.unwrap());

    assert!(store.backtest_judged(&tenant(), asked.id, 0, at(2)).await.unwrap());
    assert!(store.backtest_judged(&tenant(), asked.id, 2_000, at(3)).await.unwrap());
    let difference = json!({ "events": 2_500, "odd": "\u{0}" });
    assert!(store.end_backtest(&tenant(), asked.id, Ok((2_500, &difference)), at(4)).await.unwrap());
    let ended = store.backtest(&tenant(), asked.id).await.unwrap().unwrap();
    let row = &ended.backtest;
    assert_eq!((row.state, row.events, row.started_at), (JobState::Finished, 2_500, Some(at(2))));
    assert_eq!(ended.difference.unwrap()["odd"], "\u{fffd}");
    // Whoever comes later changes nothing.
    assert!(!store.end_backtest(&tenant(), asked.id, Err(("x", "y")), at(5)).await.unwrap());
    assert!(!store.cancel_backtest(&tenant(), asked.id, at(5)).await.unwrap());
    assert!(!store.backtest_judged(&tenant(), asked.id, 9, at(5)).await.unwrap());
    assert_eq!(store.backtest(&tenant(), asked.id).await.unwrap().unwrap().backtest.finished_at, Some(at(4)));
}

pub(crate) async fn the_newest_backtests_are_kept_and_those_that_wait(place: Place) {
    let store = place.store().await;
    let waits = new(0);
    store.submit_backtest(&tenant(), &waits).await.unwrap();
    let mut ids = Vec::new();
    for second in 1..=205 {
        let asked = new(second);
        store.submit_backtest(&tenant(), &asked).await.unwrap();
        assert!(store.cancel_backtest(&tenant(), asked.id, at(second)).await.unwrap());
        ids.push(asked.id);
    }
    ids.push(waits.id);
    let (mut listed, mut request) = (Vec::new(), page(50));
    loop {
        let page = store.backtests(&tenant(), &request).await.unwrap();
        listed.extend(page.items.into_iter().map(|one| one.id));
        request.cursor = page.next;
        if request.cursor.is_none() {
            break;
        }
    }
    assert!(listed.contains(&waits.id), "nobody has made it yet");
    assert_eq!(listed.first(), ids.get(204), "the newest first");
    assert_eq!(listed.len(), 201, "200 that are newest, and the one that waits");
    let broken = store::PageRequest { cursor: Some("x".into()), limit: 0 };
    assert_eq!(store.backtests(&tenant(), &broken).await.unwrap_err().code(), "cursor-invalid");
}
