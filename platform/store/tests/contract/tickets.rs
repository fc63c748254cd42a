//! Tickets: what changes becomes one wanted state, whatever happened in between.

use model::{Severity, Triage};
use store::{
    By, Failure, NewDestination, Per, PutRefusal, Standing, Store, Ticket, TicketRead, TriageChange,
};
use uuid::Uuid;

use crate::Place;
use crate::world::*;

fn said(per: Per, filter: &str) -> NewDestination {
    NewDestination {
        name: "ops".into(),
        plugin: "palisade.redmine".into(),
        settings: serde_json::json!({ "url": "https://redmine.example" }),
        filter: filter.into(),
        per,
        enabled: true,
        interval_seconds: 0,
    }
}

async fn due(store: &Store, second: i64) -> Vec<Ticket> {
    while store.look_at_changed_findings(&tenant(), at(second)).await.unwrap() > 0 {}
    store.tickets_due(&tenant(), "ops", at(second), 100).await.unwrap()
}

async fn tell(store: &Store, ticket: &Ticket, id: &str, second: i64) {
    let told = Ticket {
        told: Some(vec![1]),
        open: true,
        external_id: Some(id.into()),
        next_at: at(second),
        ..ticket.clone()
    };
    store.ticket_told(&tenant(), "ops", &told, "notice", at(second)).await.unwrap();
}

pub(crate) async fn findings_become_tickets_and_changes_mark_them(place: Place) {
    let store = place.store().await;
    let (one, two) =
        (finding("CVE-2024-1", "a", Severity::Critical), finding("CVE-2024-2", "b", Severity::Low));
    scan(&store, &image(1), report(vec![one.clone(), two.clone()]), 1).await;
    assert!(due(&store, 1).await.is_empty());
    let put =
        store.put_destination(&tenant(), &said(Per::Finding, "severity>=high"), Some(0), "ann", at(2)).await;
    assert_eq!(put.unwrap(), Ok(1));
    let stale =
        store.put_destination(&tenant(), &said(Per::Finding, ""), Some(0), "bob", at(2)).await.unwrap();
    assert_eq!(stale, Err(PutRefusal { version: Some(1) }));
    // What was there before is told, but what the filter leaves out is not.
    let tickets = due(&store, 3).await;
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0].key, format!("finding:{}", fingerprint(&image(1), &one).0));
    let wanted = store.wanted(&tenant(), "ops", &tickets[0].key).await.unwrap();
    assert_eq!((wanted.counts.critical, wanted.counts.total(), wanted.findings.len()), (1, 1, 1));
    tell(&store, &tickets[0], "7", 4).await;
    assert!(due(&store, 5).await.is_empty());
    let links = store.tickets_of_finding(&tenant(), &fingerprint(&image(1), &one)).await.unwrap();
    assert_eq!((links[0].destination.as_str(), links[0].external_id.as_str()), ("ops", "7"));
    // A scan that sees the same marks nothing; one that sees it gone does.
    scan(&store, &image(1), report(vec![one.clone(), two.clone()]), 6).await;
    assert!(due(&store, 7).await.is_empty());
    scan(&store, &image(1), report(vec![two.clone()]), 8).await;
    let gone = due(&store, 9).await;
    assert_eq!((gone.len(), gone[0].external_id.as_deref()), (1, Some("7")));
    assert_eq!(store.wanted(&tenant(), "ops", &gone[0].key).await.unwrap().counts.total(), 0);
    // It comes back while that is told: the note of the older state does not swallow the newer one.
    scan(&store, &image(1), report(vec![one.clone(), two]), 10).await;
    assert_eq!(due(&store, 11).await.len(), 1);
    tell(&store, &gone[0], "7", 11).await;
    assert_eq!(due(&store, 12).await.len(), 1);
    assert!(store.remove_destination(&tenant(), "ops").await.unwrap());
    assert!(!store.remove_destination(&tenant(), "ops").await.unwrap());
    scan(&store, &image(1), report(vec![]), 13).await;
    assert_eq!(store.look_at_changed_findings(&tenant(), at(14)).await.unwrap(), 0);
}

pub(crate) async fn one_fix_is_one_ticket_and_what_fails_waits(place: Place) {
    let store = place.store().await;
    let all: Vec<_> = (0..5).map(|n| finding(&format!("CVE-2024-{n}"), "a", Severity::High)).collect();
    store.put_destination(&tenant(), &said(Per::Fix, ""), None, "ann", at(1)).await.unwrap().unwrap();
    for number in 1..=3 {
        scan(&store, &image(number), report(all.clone()), 2).await;
    }
    let tickets = due(&store, 3).await;
    let keys: Vec<&str> = tickets.iter().map(|ticket| ticket.key.as_str()).collect();
    let mut total = 0;
    for key in &keys {
        total += store.wanted(&tenant(), "ops", key).await.unwrap().counts.total();
    }
    assert_eq!(total, 15, "{keys:?}");
    assert!(keys.len() <= 5, "{keys:?}");
    let failure = |next, dead| Failure {
        code: "declined".into(),
        message: "busy\u{0}".into(),
        next_at: at(next),
        dead,
    };
    let fail = async |ticket: &Ticket, next, dead| {
        let failure = failure(next, dead);
        // What was never told has a title all the same, for whoever looks why.
        let named = Ticket { title: "what it is about".into(), ..ticket.clone() };
        store.ticket_failed(&tenant(), "ops", &named, "n", &failure, at(4)).await.unwrap();
    };
    for ticket in &tickets {
        fail(ticket, 10, false).await;
    }
    assert!(due(&store, 9).await.is_empty());
    let again = due(&store, 10).await;
    assert_eq!((again.len(), again[0].attempts, again[0].failing_since), (tickets.len(), 1, Some(at(4))));
    assert!(again.iter().all(|ticket| ticket.title == "what it is about"));
    for ticket in &again {
        fail(ticket, 11, true).await;
    }
    assert!(due(&store, 100).await.is_empty());
    assert_eq!(store.replay_tickets(&tenant(), "ops", at(101)).await.unwrap(), tickets.len() as u64);
    assert_eq!(due(&store, 101).await.len(), tickets.len());
    let log = store.deliveries(&tenant(), "ops").await.unwrap();
    assert_eq!((log.len(), log[0].outcome.as_str()), (2 * tickets.len(), "declined"));
}

pub(crate) async fn one_process_tells_a_destination_at_a_time(place: Place) {
    let store = place.store().await;
    store.put_destination(&tenant(), &said(Per::Owner, ""), None, "ann", at(1)).await.unwrap().unwrap();
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    let claim = async |holder, now, until| {
        store.claim_destination(&tenant(), "ops", holder, at(now), at(until)).await.unwrap()
    };
    assert!(claim(one, 1, 10).await);
    assert!(!claim(two, 5, 15).await);
    assert!(claim(one, 5, 15).await);
    assert!(claim(two, 16, 30).await);
    store.release_destinations(&tenant(), two).await.unwrap();
    assert!(claim(one, 17, 20).await);
}

pub(crate) async fn where_a_ticket_stands_is_followed_once(place: Place) {
    let store = place.store().await;
    let (one, two) = (finding("CVE-2024-1", "a", Severity::High), finding("CVE-2024-2", "b", Severity::High));
    store.put_destination(&tenant(), &said(Per::Finding, ""), None, "ann", at(1)).await.unwrap().unwrap();
    scan(&store, &image(1), report(vec![one.clone(), two.clone()]), 2).await;
    let of = |found| fingerprint(&image(1), found);
    let settled = async |second| {
        for ticket in due(&store, second).await {
            let id = if ticket.key.ends_with(&of(&one).0) { "7" } else { "8" };
            tell(&store, &ticket, id, second).await;
        }
    };
    settled(3).await;
    assert_eq!(store.read_until(&tenant(), "ops").await.unwrap(), (None, None));
    let read = async |id: &str, standing: Standing, cursor, second| {
        let status = format!("{standing:?}\u{0}");
        let all = [TicketRead { external_id: id.into(), status, standing }];
        store.tickets_read(&tenant(), "ops", &all, cursor, at(second)).await.unwrap()
    };
    let status =
        async |found| store.finding(&tenant(), &of(found)).await.unwrap().unwrap().stored.triage.status;
    // Whoever has said more of a finding than that it is known is not talked over.
    let accepted = TriageChange { status: Some(Triage::InProgress), ..TriageChange::default() };
    let by = By { actor: "ann".into(), at: at(4) };
    store.change_finding(&tenant(), &of(&two), &accepted, &by, None).await.unwrap().unwrap();
    let version = store.finding(&tenant(), &of(&two)).await.unwrap().unwrap().stored.triage.version;
    assert_eq!(read("7", Standing::InProgress, Some("c1"), 5).await, 1);
    assert_eq!(read("8", Standing::InProgress, None, 5).await, 1);
    assert_eq!(read("9", Standing::InProgress, None, 5).await, 0, "of others nothing is known");
    assert_eq!((status(&one).await, status(&two).await), (Triage::InProgress, Triage::InProgress));
    assert_eq!(store.finding(&tenant(), &of(&two)).await.unwrap().unwrap().stored.triage.version, version);
    let history = store.history(&tenant(), &of(&one)).await.unwrap();
    let said = history.iter().filter(|event| event.actor.as_deref() == Some("ops 7"));
    assert_eq!(said.count(), 2, "that it is in progress, and why: {history:?}");
    assert_eq!(store.read_until(&tenant(), "ops").await.unwrap(), (Some("c1".into()), Some(at(5))));
    // Read again it changes nothing, and what people said since stays.
    let back = TriageChange { status: Some(Triage::Acknowledged), ..TriageChange::default() };
    store.change_finding(&tenant(), &of(&one), &back, &by, None).await.unwrap().unwrap();
    assert_eq!(read("7", Standing::InProgress, None, 6).await, 0);
    assert_eq!(status(&one).await, Triage::Acknowledged);
    settled(7).await;
    // Closed is marked, rejected is not, and neither sets anything aside.
    assert_eq!(read("8", Standing::Rejected, None, 8).await, 1);
    assert!(due(&store, 9).await.is_empty());
    assert_eq!(read("7", Standing::Done, None, 10).await, 1);
    let closed = due(&store, 10).await;
    assert_eq!(
        (closed.len(), closed[0].external_id.as_deref(), closed[0].read_at),
        (1, Some("7"), Some(at(10)))
    );
    store.put_off_ticket(&tenant(), "ops", &closed[0].key, at(20)).await.unwrap();
    assert!(due(&store, 19).await.is_empty() && due(&store, 20).await.len() == 1);
    assert_eq!(status(&one).await, Triage::Acknowledged);
    let links = store.tickets_of_finding(&tenant(), &of(&one)).await.unwrap();
    assert_eq!(links[0].status.as_deref(), Some("Done\u{fffd}"));
}
