//! Responses: journals, budgets, the ledger, and the kill switch.

use model::TenantId;
use respond::{
    Action, Begin, Book as _, BookError, CallCause, CallError, Class, Cluster, Commit, Decision, Driver,
    Entry, Kept, Kind, MemoryPost, ObjectRef, Outcome, Phase, Progress, Query, Quota, Run, RunId, Settings,
    Write, ledger::Fact,
};
use serde_json::{Value, json};
use store::{PageRequest, Store};

use crate::Place;
use crate::migration::run;
use crate::world::*;

/// A cluster with one pod, of which nothing is changed here.
struct Pods;

impl Cluster for Pods {
    async fn read(&self, target: &ObjectRef) -> Result<Option<Value>, CallError> {
        let metadata = json!({ "name": target.name, "namespace": target.namespace, "uid": "u\u{0}1" });
        Ok(Some(json!({ "kind": "Pod", "metadata": metadata })).filter(|_| target.kind == Kind::Pod))
    }

    async fn list(&self, _: &Query) -> Result<Vec<Value>, CallError> {
        Ok(Vec::new())
    }

    async fn pods(&self) -> Result<u64, CallError> {
        Ok(1)
    }

    async fn log(&self, _: &ObjectRef, _: &str, _: u32) -> Result<Vec<u8>, CallError> {
        Ok(Vec::new())
    }

    async fn write(&self, _: &Write, _: bool) -> Result<Value, CallError> {
        Err(CallError {
            cause: CallCause::Denied,
            message: "nothing is changed here".to_owned(),
            retry_after: None,
        })
    }
}

const PLAYBOOK: &str = "
name: p
trigger: \"x:*\"
approval: { of: [responder], need: 2 }
steps:
  - collect-evidence: {}
  - notify: { channel: c, text: \"${event.pod.name} ${incident}\" }
";

fn begin(incident: &str) -> Begin {
    Begin {
        tenant: tenant(),
        playbook: PLAYBOOK.to_owned(),
        incident: incident.to_owned(),
        event: json!({ "pod": { "namespace": "shop", "name": "web" }, "odd": "a\u{0}b" }),
        parameters: [].into(),
        by: None,
        round: 1,
        cluster: String::new(),
        approval: None,
    }
}

fn agrees(run: &Run, by: &str) -> Decision {
    let plan = run.plan.as_ref().unwrap().digest();
    Decision { by: by.to_owned(), roles: vec!["responder".to_owned()], agree: true, plan }
}

pub(crate) async fn a_run_is_kept_and_goes_on_where_it_stood(place: Place) {
    let settings = Settings::default();
    let post = MemoryPost::default();
    let mut seconds = 0;
    let mut all = Vec::new();
    // Every move is made by another process.
    loop {
        let store = place.store().await;
        let driver = Driver::new(&Pods, &store, &settings).with_post(&post);
        let mut run = driver.begin(begin("i-1"), at(seconds)).await.unwrap();
        all.push(run.phase);
        if run.phase == Phase::Asking && run.decisions.len() < 2 {
            let by = ["ann", "bob"][run.decisions.len()];
            let decision = agrees(&run, by);
            driver.decide(&mut run, decision, at(seconds)).await.unwrap();
        }
        let progress = driver.advance(&mut run, at(seconds)).await.unwrap();
        assert_eq!(driver.resume(&tenant(), &run.id).await.unwrap(), run, "what is kept is what is known");
        store.close().await;
        seconds += 1;
        if let Progress::Over(outcome) = progress {
            assert_eq!(outcome, Outcome::Succeeded);
            break;
        }
    }
    assert!(all.contains(&Phase::Asking) && all.contains(&Phase::Acting), "{all:?}");
    let store = place.store().await;
    let messages = post.messages();
    assert_eq!((messages.len(), &messages[0].said["text"]), (1, &json!("web i-1")));
    let evidence = store.response_evidence(&tenant(), &begin("i-1").run()).await.unwrap();
    assert_eq!(evidence.len(), 3);
    assert!(
        store
            .response_evidence(&TenantId::parse("other").unwrap(), &begin("i-1").run())
            .await
            .unwrap()
            .is_empty()
    );
    let check = store.verify_responses(&tenant()).await.unwrap();
    assert!(check.broken.is_none() && check.records > 6, "{check:?}");
    assert!(store.open_responses().await.unwrap().is_empty());
    let driver = Driver::new(&Pods, &store, &settings);
    let other = driver.begin(begin("i-2"), at(100)).await.unwrap();
    assert_eq!(store.open_responses().await.unwrap(), [(tenant(), other.id)]);
}

pub(crate) async fn runs_come_in_pages_the_newest_first(place: Place) {
    let store = place.store().await;
    let settings = Settings::default();
    let driver = Driver::new(&Pods, &store, &settings);
    let mut begun = Vec::new();
    for number in 0..5 {
        // Two and two of them at the same moment.
        let run = driver.begin(begin(&format!("i-{number}")), at(number / 2)).await.unwrap();
        begun.push((number / 2, run.id));
    }
    begun.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut page = PageRequest { cursor: None, limit: 2 };
    let mut listed = Vec::new();
    loop {
        let rows = store.responses(&tenant(), Some(true), &page).await.unwrap();
        listed.extend(rows.items.into_iter().map(|row| row.run));
        page.cursor = rows.next;
        if page.cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, begun.into_iter().map(|(_, run)| run).collect::<Vec<_>>());
    let over = store.responses(&tenant(), Some(false), &PageRequest::default()).await.unwrap();
    assert!(over.items.is_empty() && over.next.is_none());
    page.cursor = Some("x".to_owned());
    assert_eq!(store.responses(&tenant(), None, &page).await.unwrap_err().code(), "cursor-invalid");
}

fn commit(run: &str, sequence: u64, seconds: i64) -> Commit {
    let entry = if sequence == 0 { Entry::Begun(Box::new(begin(run))) } else { Entry::Approved };
    let text = |text: &str| text.to_owned();
    let fact = Fact {
        action: text("label"),
        by: vec![],
        detail: format!("{run} {sequence}"),
        incident: text("i"),
        key: text("k"),
        playbook: text("p"),
        run: text(run),
        step: text("1"),
        target: text("Pod shop/web"),
        what: text("intended"),
    };
    Commit {
        tenant: tenant(),
        run: RunId(run.to_owned()),
        sequence,
        at: at(seconds),
        entries: vec![entry],
        facts: vec![fact],
        quotas: vec![],
        action: None,
        evidence: vec![],
    }
}

pub(crate) async fn of_many_who_go_on_with_a_run_one_does(place: Place) {
    let store = place.store().await;
    for sequence in 0..3 {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let store = store.clone();
            tasks.spawn(async move {
                let kept = Kept {
                    key: format!("k{sequence}"),
                    name: "n".to_owned(),
                    digest: "d".to_owned(),
                    bytes: vec![0, 1],
                };
                store.commit(Commit { evidence: vec![kept], ..commit("r", sequence, 0) }).await
            });
        }
        let done = tasks.join_all().await;
        assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
        assert!(done.iter().all(|one| matches!(one, Ok(()) | Err(BookError::Fenced))), "{done:?}");
    }
    assert_eq!(store.commit(commit("r", 9, 0)).await, Err(BookError::Fenced), "no place is left out");
    assert_eq!(store.journal(&tenant(), &RunId("r".to_owned())).await.unwrap().unwrap().len(), 3);
    // Nothing of a commit that did not happen is there.
    assert_eq!(store.verify_responses(&tenant()).await.unwrap().records, 3);
    assert_eq!(store.response_evidence(&tenant(), &RunId("r".to_owned())).await.unwrap().len(), 3);
}

fn quota(playbook: Option<&str>, class: Option<Class>, since: i64, max: u64) -> Quota {
    Quota { playbook: playbook.map(str::to_owned), class, since: at(since), seconds: 600, max }
}

pub(crate) async fn a_budget_is_never_exceeded_by_many_at_once(place: Place) {
    let store = place.store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..12 {
        let store = store.clone();
        tasks.spawn(async move {
            let class = if number % 2 == 0 { Class::Reversible } else { Class::Destructive };
            let action = Some(Action { playbook: "p".to_owned(), class });
            let quotas = vec![quota(None, Some(class), -600, 2), quota(Some("p"), None, -600, 3)];
            store.commit(Commit { action, quotas, ..commit(&format!("r{number}"), 0, 0) }).await
        });
    }
    let done = tasks.join_all().await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 3, "{done:?}");
    assert!(done.iter().all(|one| matches!(one, Ok(()) | Err(BookError::OverBudget { .. }))), "{done:?}");
    for (of, used) in [
        (quota(Some("p"), None, -600, 0), 3),
        (quota(Some("q"), None, -600, 0), 0),
        (quota(None, None, 0, 0), 0),
    ] {
        assert_eq!(store.used(&tenant(), &of).await.unwrap(), used, "{of:?}");
    }
    assert_eq!(store.verify_responses(&tenant()).await.unwrap().records, 3);
}

async fn ledger(store: &Store) -> Option<u64> {
    store.verify_responses(&tenant()).await.unwrap().broken.map(|(sequence, _)| sequence)
}

pub(crate) async fn the_ledger_tells_what_was_changed(place: Place) {
    let store = place.store().await;
    assert_eq!(ledger(&store).await, None);
    for sequence in 0..6 {
        store.commit(commit("r", sequence, 0)).await.unwrap();
    }
    assert_eq!(ledger(&store).await, None);
    for (change, broken) in [
        ("UPDATE response_ledger SET record = REPLACE(record, 'r 2', 'r 7') WHERE sequence = 2", 3),
        ("DELETE FROM response_ledger WHERE sequence = 4", 4),
        ("DELETE FROM response_ledger WHERE sequence = 5", 5),
        ("UPDATE response_ledger SET record = '{}' WHERE sequence = 0", 0),
    ] {
        run(&place, "CREATE TABLE ledger_copy AS SELECT * FROM response_ledger").await;
        run(&place, change).await;
        assert_eq!(ledger(&store).await, Some(broken), "{change}");
        run(&place, "DELETE FROM response_ledger; INSERT INTO response_ledger SELECT * FROM ledger_copy; DROP TABLE ledger_copy").await;
    }
    assert_eq!(ledger(&store).await, None);
}

pub(crate) async fn a_ledger_that_grows_while_it_is_verified_is_whole(place: Place) {
    let store = place.store().await;
    let writer = store.clone();
    let writes = tokio::spawn(async move {
        for sequence in 0..200 {
            writer.commit(commit("r", sequence, 0)).await.unwrap();
        }
    });
    while !writes.is_finished() {
        let check = store.verify_responses(&tenant()).await.unwrap();
        assert!(check.broken.is_none(), "{check:?}");
    }
    writes.await.unwrap();
    assert_eq!(store.verify_responses(&tenant()).await.unwrap().records, 200);
}

pub(crate) async fn the_kill_switch_is_of_a_tenant_and_a_playbook(place: Place) {
    let store = place.store().await;
    let other = TenantId::parse("other").unwrap();
    let stopped = async |tenant: &TenantId, playbook: &str| store.stopped(tenant, playbook).await.unwrap();
    store.stop_responses(&tenant(), "p", Some("odd\u{0}"), "ann", at(0)).await.unwrap();
    assert_eq!(stopped(&tenant(), "p").await.unwrap(), "odd\u{fffd}");
    assert!(stopped(&tenant(), "q").await.is_none() && stopped(&other, "p").await.is_none());
    store.stop_responses(&tenant(), "", Some("all"), "ann", at(1)).await.unwrap();
    store.stop_responses(&tenant(), "", Some("all of them"), "bob", at(2)).await.unwrap();
    assert_eq!(stopped(&tenant(), "q").await.unwrap(), "all of them");
    store.stop_responses(&tenant(), "", None, "ann", at(3)).await.unwrap();
    assert!(stopped(&tenant(), "q").await.is_none() && stopped(&tenant(), "p").await.is_some());
}
