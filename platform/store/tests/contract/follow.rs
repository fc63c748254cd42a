//! Scopes that are followed: what a change means for what is stored, and who may follow.

use jiff::Timestamp;
use model::{AssetId, Finding, FindingClass, Gap, GapCode, ScanReport, Severity, finding_key};
use serde_json::json;
use store::{
    Applied, FollowReport, FollowState, NewResource, NewScan, ResourceFilter, ScanOutcome, ScanState,
    ScopeChange, ScopeState, SeverityCounts, Store, Summary,
};
use uuid::Uuid;

use crate::Place;
use crate::world::*;

const WEB: &str = "apps/Deployment/shop/web";
const API: &str = "apps/Deployment/shop/api";

fn cluster() -> AssetId {
    AssetId("k8s:u".to_owned())
}

fn on(path: &str, rule: &str) -> Finding {
    let mut finding = finding(rule, "x", Severity::High);
    finding.key = finding_key(FindingClass::Misconfiguration, rule, &[path]);
    finding.class = FindingClass::Misconfiguration;
    finding.package = None;
    finding.records = Vec::new();
    finding.evidence[0].path = path.to_owned();
    finding
}

fn resource(path: &str, high: u64) -> NewResource {
    NewResource {
        id: format!("k8s:u/{path}"),
        path: path.to_owned(),
        kind: "Deployment.apps".to_owned(),
        namespace: "shop".to_owned(),
        name: path.rsplit('/').next().unwrap().to_owned(),
        exposure: String::new(),
        findings: SeverityCounts { high, ..SeverityCounts::default() },
        attributes: json!({}),
    }
}

fn whole(findings: Vec<Finding>, paths: &[&str]) -> ScanOutcome {
    let scope = ScopeState {
        resources: paths.iter().map(|path| resource(path, 1)).collect(),
        input: "0".repeat(64),
        snapshot: b"first".to_vec(),
        evidence: Some(b"assessment".to_vec()),
        assessments: Vec::new(),
        places: Vec::new(),
    };
    ScanOutcome { asset: cluster(), scope: Some(scope), ..outcome(&image(9), report(findings)) }
}

async fn stored(store: &Store, outcome: &ScanOutcome, second: i64) -> (Uuid, Summary) {
    let new = NewScan { id: Uuid::now_v7(), idempotency_key: None, request: request("c"), at: at(second) };
    let summary = store.store_scan(&tenant(), &new, outcome, at(second)).await.unwrap();
    (new.id, summary)
}

fn change(scan: Uuid, subjects: &[&str], report: ScanReport) -> ScopeChange {
    ScopeChange {
        asset: cluster(),
        scan,
        subjects: subjects.iter().map(|path| (*path).to_owned()).collect(),
        report,
        resources: Vec::new(),
        gone: Vec::new(),
        snapshot: None,
    }
}

async fn merge(store: &Store, change: &ScopeChange, second: i64) -> Option<Summary> {
    store.merge_change(&tenant(), change, at(second)).await.unwrap()
}

async fn open(store: &Store) -> u64 {
    store.asset(&tenant(), &cluster()).await.unwrap().unwrap().row.findings.high
}

pub(crate) async fn a_change_touches_what_was_judged_and_nothing_else(place: Place) {
    let store = place.store().await;
    let (web, api) = (on(WEB, "k/privileged"), on(API, "k/privileged"));
    let (scan, summary) = stored(&store, &whole(vec![web.clone(), api.clone()], &[WEB, API]), 1).await;
    assert_eq!((summary.opened, open(&store).await), (2, 2));
    let kept = store.scan(&tenant(), scan).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.asset), (ScanState::Finished, Some(cluster())));
    // Nobody is asked to make it.
    assert_eq!(store.ledger(&tenant()).await.unwrap().outbox, 1, "what it found is announced");
    assert!(store.ledger(&tenant()).await.unwrap().balances());

    let other = on(WEB, "k/host-network");
    let mut first = change(scan, &[WEB], report(vec![other.clone()]));
    first.resources = vec![resource(WEB, 3)];
    let summary = merge(&store, &first, 2).await.unwrap();
    assert_eq!((summary.opened, summary.fixed, open(&store).await), (1, 1, 2));
    assert_eq!(state(&store, &cluster(), &web).await, "fixed");
    assert_eq!(state(&store, &cluster(), &api).await, "open");
    let changed = store.resource(&tenant(), &format!("k8s:u/{WEB}")).await.unwrap().unwrap();
    assert_eq!((changed.findings.high, changed.first_seen_at), (3, at(1)));

    // What a gap may hide stays open; then the object is gone with everything that was found on it.
    let gap = Gap { code: GapCode::CheckError, subject: WEB.to_owned(), reason: "x".to_owned() };
    let mut hidden = report(vec![]);
    hidden.coverage.gaps.push(gap);
    let summary = merge(&store, &change(scan, &[WEB], hidden), 3).await.unwrap();
    assert_eq!((summary.hidden, summary.fixed, open(&store).await), (1, 0, 2));
    let mut gone = change(scan, &[WEB], report(vec![]));
    gone.gone = vec![format!("k8s:u/{WEB}")];
    gone.snapshot = Some(("1".repeat(64), b"second".to_vec()));
    assert_eq!(merge(&store, &gone, 4).await.unwrap().fixed, 1);
    let all = store.resources(&tenant(), &ResourceFilter::default(), &page(9)).await.unwrap();
    assert_eq!((all.items.len(), open(&store).await), (1, 1));
    let scopes = store.scopes(&tenant()).await.unwrap();
    assert_eq!((scopes[0].resources, scopes[0].at, scopes[0].input.as_bytes()[0]), (1, at(4), b'1'));
    let snapshot = store.scope_snapshot(&tenant(), &cluster()).await.unwrap();
    assert_eq!(snapshot, Some((scan, b"second".to_vec())));
    // And back: each step of a finding's story has a number of its own.
    merge(&store, &change(scan, &[WEB], report(vec![web.clone()])), 5).await.unwrap();
    assert_eq!(story(&store, &cluster(), &web).await, ["opened", "fixed", "reopened"]);
    // A chain of evidence grows by whole scans alone.
    assert_eq!(store.verify_evidence(&tenant()).await.unwrap().records, 1);
}

pub(crate) async fn a_change_goes_on_from_the_newest_scan_alone(place: Place) {
    let store = place.store().await;
    let web = on(WEB, "k/privileged");
    // Accepted before what follows, and ends after it: it has read less.
    let slow = submit(&store, &tenant(), 0).await;
    let (scan, _) = stored(&store, &whole(vec![web.clone()], &[WEB]), 1).await;
    let slower = submit(&store, &tenant(), 2).await;
    merge(&store, &change(scan, &[WEB], report(vec![])), 3).await.unwrap();
    for (late, second) in [(slow, 4), (slower, 5)] {
        let outcome = whole(vec![web.clone()], &[WEB]);
        let done = store.finish_scan(&tenant(), late, &late.to_string(), &outcome, at(second)).await.unwrap();
        assert!(matches!(done, Applied::Applied(Summary { superseded: true, .. })), "{done:?}");
    }
    assert_eq!(state(&store, &cluster(), &web).await, "fixed");
    // One that was accepted later may have read more; whoever follows has to begin with a whole scan.
    let later = submit(&store, &tenant(), 6).await;
    let outcome = whole(vec![web.clone()], &[WEB]);
    store.finish_scan(&tenant(), later, &later.to_string(), &outcome, at(7)).await.unwrap();
    assert_eq!(merge(&store, &change(scan, &[WEB], report(vec![])), 8).await, None);
    assert_eq!(state(&store, &cluster(), &web).await, "open");
    assert_eq!(merge(&store, &change(Uuid::nil(), &[WEB], report(vec![])), 9).await, None);
    let (again, _) = stored(&store, &whole(vec![], &[WEB]), 10).await;
    assert_eq!(state(&store, &cluster(), &web).await, "fixed");
    assert!(merge(&store, &change(again, &[WEB], report(vec![web.clone()])), 11).await.is_some());
}

pub(crate) async fn one_process_follows_a_cluster(place: Place) {
    let store = place.store().await;
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let claim = |holder, from: Timestamp, until: Timestamp| {
        let store = store.clone();
        async move { store.claim_follower(&tenant(), "prod", holder, from, until).await.unwrap() }
    };
    assert!(claim(one, at(0), at(30)).await);
    assert!(!claim(other, at(10), at(40)).await);
    assert!(claim(one, at(10), at(40)).await);
    let report = FollowReport {
        state: FollowState::Following,
        asset: Some(cluster()),
        since: Some(at(1)),
        lag_ms: Some(1_200),
        reason: Some("a\0b".to_owned()),
        ..FollowReport::default()
    };
    assert!(store.report_follower(&tenant(), "prod", one, &report).await.unwrap());
    let told = store.followers(&tenant()).await.unwrap();
    assert_eq!(
        (told[0].cluster.as_str(), told[0].until, told[0].report.lag_ms),
        ("prod", at(40), Some(1_200))
    );
    assert_eq!(told[0].report.reason.as_deref(), Some("a\u{fffd}b"));
    // Who was silent for too long has lost it, and may not report any more.
    assert!(claim(other, at(40), at(70)).await);
    assert!(!store.report_follower(&tenant(), "prod", one, &FollowReport::default()).await.unwrap());
    store.release_follower(&tenant(), "prod", one, at(50)).await.unwrap();
    assert!(!claim(one, at(51), at(80)).await);
    store.release_follower(&tenant(), "prod", other, at(52)).await.unwrap();
    assert!(claim(one, at(53), at(80)).await);
    let theirs = model::TenantId::parse("acme").unwrap();
    assert!(store.followers(&theirs).await.unwrap().is_empty());
}
