//! Submissions, the outbox, the ledger, tokens, tenants.

use model::TenantId;
use store::{NewScan, NewToken, PageRequest, ScanFilter, ScanRequest, ScanState, TokenHash};
use uuid::Uuid;

use crate::Place;
use crate::world::*;

fn new(key: Option<&str>, reference: &str) -> NewScan {
    NewScan {
        id: Uuid::now_v7(),
        idempotency_key: key.map(str::to_owned),
        request: request(reference),
        at: at(0),
    }
}

pub(crate) async fn the_same_submission_is_the_same_scan(place: Place) {
    let store = place.store().await;
    let first = store.submit_scan(&tenant(), &new(Some("k"), "app:1")).await.unwrap();
    assert!(first.created);
    assert_eq!((first.scan.state, first.scan.submitted_at), (ScanState::Queued, at(0)));
    let again = store.submit_scan(&tenant(), &new(Some("k"), "app:1")).await.unwrap();
    assert_eq!((again.created, &again.scan), (false, &first.scan));
    let error = store.submit_scan(&tenant(), &new(Some("k"), "app:2")).await.unwrap_err();
    assert_eq!(error.code(), "idempotency-conflict");
    let other = NewScan {
        request: ScanRequest { platform: Some("linux/arm64".into()), ..request("app:1") },
        ..new(Some("k"), "app:1")
    };
    assert_eq!(store.submit_scan(&tenant(), &other).await.unwrap_err().code(), "idempotency-conflict");

    // Without a key every submission is a new one, unless it brings the id of an old one.
    let plain = new(None, "app:1");
    assert!(store.submit_scan(&tenant(), &plain).await.unwrap().created);
    assert!(!store.submit_scan(&tenant(), &plain).await.unwrap().created);
    assert!(store.submit_scan(&tenant(), &new(None, "app:1")).await.unwrap().created);
    let clash = NewScan { request: request("app:9"), ..plain };
    assert_eq!(store.submit_scan(&tenant(), &clash).await.unwrap_err().code(), "scan-id-conflict");
    // What is not accepted leaves nothing behind.
    assert_eq!(store.ledger(&tenant()).await.unwrap().accepted, 3);
    assert_eq!(store.outbox(10).await.unwrap().len(), 3);
    for (key, reference) in [(Some("k".repeat(2_000)), "a".to_owned()), (None, "r".repeat(5_000))] {
        let error = store.submit_scan(&tenant(), &new(key.as_deref(), &reference)).await.unwrap_err();
        assert_eq!(error.code(), "value-too-long");
    }
}

pub(crate) async fn many_clients_with_one_key_get_one_scan(place: Place) {
    let store = place.store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        tasks.spawn(async move { store.submit_scan(&tenant(), &new(Some("k"), "app:1")).await.unwrap() });
    }
    let mut answers = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        answers.push(answer.unwrap());
    }
    assert_eq!(answers.iter().filter(|answer| answer.created).count(), 1);
    assert!(answers.iter().all(|answer| answer.scan.id == answers[0].scan.id));
    assert_eq!(store.outbox(10).await.unwrap().len(), 1);
}

pub(crate) async fn the_outbox_holds_what_was_not_sent(place: Place) {
    let store = place.store().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(submit(&store, &tenant(), n).await);
    }
    let waiting = store.outbox(2).await.unwrap();
    assert_eq!(waiting.len(), 2);
    assert!(waiting[0].seq < waiting[1].seq);
    assert_eq!(waiting[0].subject, "scan.requested");
    assert_eq!(waiting[0].id, format!("default.scan.requested.{}", ids[0]));
    assert_eq!(waiting[0].tenant, tenant());
    let body: serde_json::Value = serde_json::from_slice(&waiting[0].body).unwrap();
    assert_eq!(body["scan"], ids[0].to_string());
    store.outbox_sent(&[]).await.unwrap();
    store.outbox_sent(&waiting.iter().map(|message| message.seq).collect::<Vec<_>>()).await.unwrap();
    let rest = store.outbox(10).await.unwrap();
    assert_eq!(rest.len(), 1);
    let last = rest[0].seq;
    store.outbox_sent(&[last]).await.unwrap();
    // A number is never given twice, so that a relay that is late removes nothing new.
    submit(&store, &tenant(), 4).await;
    store.outbox_sent(&[last, waiting[0].seq, 1 << 40]).await.unwrap();
    let rest = store.outbox(10).await.unwrap();
    assert!(rest.len() == 1 && rest[0].seq > last);

    let finding = finding("CVE-1", "a", model::Severity::High);
    scan(&store, &image(1), report(vec![finding]), 5).await;
    let told = store.outbox(10).await.unwrap();
    let changed = told.iter().find(|message| message.subject == "changed.findings").unwrap();
    let body: serde_json::Value = serde_json::from_slice(&changed.body).unwrap();
    assert_eq!((body["opened"].as_u64(), body["asset"].as_str()), (Some(1), Some(image(1).0.as_str())));
}

pub(crate) async fn the_ledger_balances(place: Place) {
    let store = place.store().await;
    assert_eq!(store.ledger(&tenant()).await.unwrap(), store::Ledger::default());
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(submit(&store, &tenant(), n).await);
    }
    finish(&store, ids[0], &image(1), report(vec![]), 10).await;
    store.fail_scan(&tenant(), ids[1], "m", "c", "t", at(10)).await.unwrap();
    store.start_scan(&tenant(), ids[3], at(10)).await.unwrap();
    let ledger = store.ledger(&tenant()).await.unwrap();
    let counts = (ledger.accepted, ledger.finished, ledger.failed, ledger.running, ledger.queued);
    assert_eq!(counts, (6, 1, 1, 1, 3));
    assert_eq!((ledger.oldest_in_flight, ledger.outbox), (Some(at(2)), 6));
    assert!(ledger.balances() && ledger.in_flight() == 4);
    assert_eq!(store.forget_messages(at(10)).await.unwrap(), 0);
    assert_eq!(store.forget_messages(at(11)).await.unwrap(), 2);
}

pub(crate) async fn tokens_are_found_by_hash_only(place: Place) {
    let store = place.store().await;
    assert_eq!(store.token_count(&tenant()).await.unwrap(), 0);
    let token = NewToken {
        hash: TokenHash::of("pal_secret"),
        name: "bootstrap".into(),
        scopes: vec!["admin".into()],
        created_at: at(0),
        created_by: "ann".into(),
        expires_at: Some(at(100)),
    };
    store.put_token(&tenant(), &token).await.unwrap();
    let same_name = NewToken { hash: TokenHash::of("pal_other"), ..token.clone() };
    assert_eq!(store.put_token(&tenant(), &same_name).await.unwrap_err().code(), "token-name-taken");
    assert!(store.token(&TokenHash::of("pal_other")).await.unwrap().is_none());
    let found = store.token(&token.hash).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), &found.scopes, found.last_used_at), ("bootstrap", &token.scopes, None));
    assert_eq!((found.created_by.as_deref(), found.expires_at), (Some("ann"), Some(at(100))));
    assert!(!found.is_over(at(99)) && found.is_over(at(100)));
    let endless =
        NewToken { hash: TokenHash::of("pal_end"), name: "end".into(), expires_at: None, ..token.clone() };
    store.put_token(&tenant(), &endless).await.unwrap();
    assert_eq!(store.token(&endless.hash).await.unwrap().unwrap().expires_at, None);
    assert!(store.revoke_token(&tenant(), "end").await.unwrap());
    store.token_used(&tenant(), &token.hash, &found, at(5)).await.unwrap();
    let found = store.token(&token.hash).await.unwrap().unwrap();
    assert_eq!(found.last_used_at, Some(at(5)));
    // Uses within a minute are not worth a write.
    store.token_used(&tenant(), &token.hash, &found, at(60)).await.unwrap();
    assert_eq!(store.token(&token.hash).await.unwrap().unwrap().last_used_at, Some(at(5)));
    store.token_used(&tenant(), &token.hash, &found, at(65)).await.unwrap();
    assert_eq!(store.tokens(&tenant()).await.unwrap()[0].last_used_at, Some(at(65)));
    assert_eq!(store.token_count(&tenant()).await.unwrap(), 1);
    assert!(store.revoke_token(&tenant(), "bootstrap").await.unwrap());
    assert!(!store.revoke_token(&tenant(), "bootstrap").await.unwrap());
    assert!(store.token(&token.hash).await.unwrap().is_none());
}

pub(crate) async fn tenants_do_not_see_each_other(place: Place) {
    let store = place.store().await;
    let (ours, theirs) = (tenant(), TenantId::parse("acme").unwrap());
    let finding = finding("CVE-1", "zlib1g", model::Severity::High);
    let scan_id = submit(&store, &ours, 0).await;
    finish(&store, scan_id, &image(1), report(vec![finding.clone()]), 1).await;
    let key = NewScan { id: scan_id, ..new(Some("k"), "theirs") };

    assert!(store.scan(&theirs, scan_id).await.unwrap().is_none());
    assert!(store.asset(&theirs, &image(1)).await.unwrap().is_none());
    assert!(store.finding(&theirs, &fingerprint(&image(1), &finding)).await.unwrap().is_none());
    assert!(store.history(&theirs, &fingerprint(&image(1), &finding)).await.unwrap().is_empty());
    let error = store.finish_scan(&theirs, scan_id, "m", &outcome(&image(1), report(vec![])), at(2)).await;
    assert_eq!(error.unwrap_err().code(), "scan-unknown");
    // The same ids, keys and images may exist in both.
    assert!(store.submit_scan(&theirs, &key).await.unwrap().created);
    assert!(store.submit_scan(&ours, &new(Some("k"), "ours")).await.unwrap().created);
    let done =
        store.finish_scan(&theirs, scan_id, "m", &outcome(&image(1), report(vec![])), at(3)).await.unwrap();
    assert!(matches!(done, store::Applied::Applied(summary) if summary.fixed == 0));
    assert_eq!(state(&store, &image(1), &finding).await, "open");
    let facets = store.facets(&theirs, &store::FindingFilter::default()).await.unwrap();
    assert_eq!(facets, store::Facets::default());
    assert_eq!(store.ledger(&theirs).await.unwrap().accepted, 1);
}

pub(crate) async fn scans_are_listed_newest_first(place: Place) {
    let store = place.store().await;
    let mut ids = Vec::new();
    for n in 0..7 {
        // The order is that of acceptance, whatever the clocks of the callers say.
        ids.push(submit(&store, &tenant(), 100 - n).await);
    }
    finish(&store, ids[2], &image(1), report(vec![]), 200).await;
    ids.reverse();
    let mut listed = Vec::new();
    let mut request = page(3);
    loop {
        let page = store.scans(&tenant(), &ScanFilter::default(), &request).await.unwrap();
        listed.extend(page.items.iter().map(|scan| scan.id));
        match page.next {
            None => break,
            next => request = PageRequest { cursor: next, limit: 3 },
        }
    }
    assert_eq!(listed, ids);
    let of_image = ScanFilter { asset: Some(image(1)), ..ScanFilter::default() };
    let found = store.scans(&tenant(), &of_image, &page(9)).await.unwrap().items;
    assert_eq!((found.len(), found[0].id), (1, ids[4]));
    let waiting = ScanFilter { states: vec![ScanState::Queued, ScanState::Failed], ..ScanFilter::default() };
    assert_eq!(store.scans(&tenant(), &waiting, &page(9)).await.unwrap().items.len(), 6);
    let coverage = store.scan_coverage(&tenant(), ids[4]).await.unwrap().unwrap();
    assert!(coverage.complete);
    assert!(store.scan_target(&tenant(), ids[4]).await.unwrap().is_some());
    assert!(store.scan_target(&tenant(), ids[0]).await.unwrap().is_none());
}
