//! What people make of findings, beside what scans see of them.

use std::collections::BTreeSet;

use model::{Finding, Kev, Severity, Suppression, TenantId, Triage};
use store::{
    Ask, By, Decision, FindingFilter, FindingSort, JobState, Store, StoreError, TriageChange, UndoRefusal,
};
use uuid::Uuid;

use crate::Place;
use crate::world::*;

fn by(name: &str, second: i64) -> By {
    By { actor: name.into(), at: at(second) }
}

fn to(status: Triage) -> TriageChange {
    let decision = status.is_aside().then(|| Decision {
        reason: "nobody reaches it\u{0}".into(),
        justification: None,
        owner: Some("ann".into()),
        approver: Some("bob".into()),
        until: Some(at(1_000)).filter(|_| status == Triage::Accepted),
        by: "cat".into(),
        at: at(0),
    });
    TriageChange { status: Some(status), decision, ..TriageChange::default() }
}

fn tags(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) async fn what_people_say_stays_and_what_is_set_aside_does_not_count(place: Place) {
    let store = place.store().await;
    let mut one = finding("CVE-2024-1", "a", Severity::Critical);
    one.kev = Some(Kev { added: "2024-03-29".into(), due: None, ransomware: false });
    let two = finding("CVE-2024-2", "b", Severity::High);
    scan(&store, &image(1), report(vec![one.clone(), two.clone()]), 1).await;
    let print = fingerprint(&image(1), &one);
    let change = async |change: TriageChange, second, version| {
        let done = store.change_finding(&tenant(), &print, &change, &by("cat", second), version).await;
        done.map(|row| row.unwrap().stored)
    };
    let counts = async || {
        balanced(&store).await;
        let overview = store.overview(&tenant()).await.unwrap();
        (overview.findings.critical, overview.findings.high, overview.kev_open)
    };

    let taken = TriageChange {
        assignee: Some(Some("dan".into())),
        add_tags: tags(&["team:web", "q4"]),
        comment: Some("asked the team".into()),
        ..to(Triage::Acknowledged)
    };
    let kept = change(taken, 2, Some(1)).await.unwrap().triage;
    assert_eq!((kept.status, kept.version, kept.acknowledged_at), (Triage::Acknowledged, 2, Some(at(2))));
    assert_eq!(
        (kept.assignee.as_deref(), kept.tags),
        (Some("dan"), vec!["q4".to_owned(), "team:web".to_owned()])
    );
    assert_eq!(counts().await, (1, 1, 1), "whoever knows of it has not mended it");
    let stale = change(to(Triage::InProgress), 3, Some(1)).await.unwrap_err();
    assert!(matches!(stale, StoreError::Stale { found: 2, expected: 1, .. }), "{stale}");

    let kept = change(to(Triage::Accepted), 4, None).await.unwrap().triage;
    assert_eq!(kept.decision.unwrap().reason, "nobody reaches it\u{fffd}");
    assert_eq!(counts().await, (0, 1, 0));
    // Neither another scan nor another judgement makes it count.
    one.severity = Severity::High;
    scan(&store, &image(1), report(vec![one.clone(), two.clone()]), 5).await;
    assert_eq!(counts().await, (0, 1, 0));
    scan(&store, &image(1), report(vec![two.clone()]), 6).await;
    scan(&store, &image(1), report(vec![one.clone(), two.clone()]), 7).await;
    assert_eq!(counts().await, (0, 1, 0));

    assert_eq!(store.end_acceptances(&tenant(), at(999)).await.unwrap(), 0);
    assert_eq!(store.end_acceptances(&TenantId::parse("other").unwrap(), at(1_000)).await.unwrap(), 0);
    assert_eq!(store.end_acceptances(&tenant(), at(1_000)).await.unwrap(), 1);
    assert_eq!(store.end_acceptances(&tenant(), at(1_000)).await.unwrap(), 0);
    assert_eq!(counts().await, (0, 2, 1));
    assert_eq!(
        story(&store, &image(1), &one).await,
        ["opened", "triaged", "commented", "triaged", "changed", "fixed", "reopened", "triaged", "commented"]
    );
    let history = store.history(&tenant(), &print).await.unwrap();
    assert_eq!((history[1].actor.as_deref(), &history[1].scan), (Some("cat"), &None));
    assert_eq!(history[1].note, "Acknowledged. Assigned to dan. Tagged q4, team:web.");
    assert_eq!(
        history[3].note,
        "Accepted until 2023-11-14 by ann, approved by bob: nobody reaches it\u{fffd}"
    );
    assert_eq!(history[7].actor.as_deref(), Some("palisade"));

    // What comes back, and was not set aside, asks to be looked at again.
    change(to(Triage::InProgress), 1_001, None).await.unwrap();
    scan(&store, &image(1), report(vec![two.clone()]), 1_002).await;
    scan(&store, &image(1), report(vec![one.clone(), two]), 1_003).await;
    let row = store.finding(&tenant(), &print).await.unwrap().unwrap();
    assert_eq!(
        (row.stored.triage.status, row.stored.triage.assignee.as_deref()),
        (Triage::Reopened, Some("dan"))
    );
    let nobody = TenantId::parse("nobody").unwrap();
    let none = store.change_finding(&nobody, &print, &to(Triage::Open), &by("x", 1_004), None).await.unwrap();
    assert!(none.is_none());
}

pub(crate) async fn what_its_finder_suppressed_stays_suppressed(place: Place) {
    let store = place.store().await;
    let mut one = finding("CVE-2024-1", "a", Severity::Critical);
    one.suppressed = Some(Suppression { code: "disputed".into(), reason: "x".into() });
    scan(&store, &image(1), report(vec![one.clone()]), 1).await;
    let print = fingerprint(&image(1), &one);
    for status in [Triage::FalsePositive, Triage::Open] {
        store.change_finding(&tenant(), &print, &to(status), &by("ann", 2), None).await.unwrap();
        assert_eq!(store.overview(&tenant()).await.unwrap().findings.total(), 0);
        balanced(&store).await;
    }
}

async fn done(store: &Store, job: Uuid, second: i64) {
    while store.work_at_finding_job(&tenant(), job, at(second)).await.unwrap() {}
}

pub(crate) async fn many_findings_change_as_a_job_that_can_be_taken_back(place: Place) {
    let store = place.store().await;
    let findings = |numbers: std::ops::Range<u32>| -> Vec<Finding> {
        numbers.map(|number| finding(&format!("CVE-2024-{number}"), "a", Severity::High)).collect()
    };
    let lows: Vec<Finding> = vec![finding("CVE-2023-1", "a", Severity::Low)];
    scan(&store, &image(1), report([findings(0..700), lows].concat()), 1).await;
    scan(&store, &image(2), report(findings(0..500)), 2).await;
    let high = FindingFilter { severities: vec![Severity::High], ..FindingFilter::default() };
    let ask =
        Ask { filter: high, change: TriageChange { add_tags: tags(&["wave-1"]), ..to(Triage::Accepted) } };
    let first = finding("CVE-2024-0", "a", Severity::High);
    let (kept, changed) = (fingerprint(&image(1), &first), fingerprint(&image(2), &first));
    // One of them is so already.
    let already = TriageChange { add_tags: tags(&["wave-1"]), ..to(Triage::Accepted) };
    store.change_finding(&tenant(), &kept, &already, &by("ann", 3), None).await.unwrap();

    let id = Uuid::now_v7();
    let job = store.submit_finding_job(&tenant(), id, &ask, &by("ann", 4)).await.unwrap();
    assert_eq!((job.state, job.matched, job.changed), (JobState::Queued, 1_200, 0));
    assert_eq!(
        store.finding_job(&tenant(), id).await.unwrap().unwrap(),
        job,
        "what is answered is what is kept"
    );
    assert!(store.outbox(100).await.unwrap().iter().any(|message| message.subject == "findings.change"));
    assert!(store.work_at_finding_job(&tenant(), id, at(5)).await.unwrap());
    let refused = store.undo_finding_job(&tenant(), id, Uuid::now_v7(), &by("ann", 5)).await.unwrap();
    assert_eq!(refused.unwrap_err(), UndoRefusal::Unfinished);
    done(&store, id, 6).await;
    let job = store.finding_job(&tenant(), id).await.unwrap().unwrap();
    assert_eq!((job.state, job.changed, job.skipped), (JobState::Finished, 1_199, 1));
    assert_eq!((job.started_at, job.finished_at), (Some(at(5)), Some(at(6))));
    assert!(!store.work_at_finding_job(&tenant(), id, at(7)).await.unwrap(), "it is over");
    assert!(!store.cancel_finding_job(&tenant(), id, at(7)).await.unwrap());
    balanced(&store).await;
    let overview = store.overview(&tenant()).await.unwrap();
    assert_eq!((overview.findings.high, overview.findings.low), (0, 1));

    // Somebody changes one of them, so that it is theirs.
    store.change_finding(&tenant(), &changed, &to(Triage::Acknowledged), &by("bob", 8), None).await.unwrap();
    let undo = Uuid::now_v7();
    let job = store.undo_finding_job(&tenant(), id, undo, &by("ann", 9)).await.unwrap().unwrap();
    assert_eq!((job.undoes, job.matched), (Some(id), 1_199));
    done(&store, undo, 10).await;
    let job = store.finding_job(&tenant(), undo).await.unwrap().unwrap();
    assert_eq!((job.state, job.changed, job.skipped), (JobState::Finished, 1_198, 1));
    balanced(&store).await;
    assert_eq!(store.overview(&tenant()).await.unwrap().findings.high, 1_199);
    let status = async |print| store.finding(&tenant(), print).await.unwrap().unwrap().stored.triage.status;
    assert_eq!((status(&kept).await, status(&changed).await), (Triage::Accepted, Triage::Acknowledged));
    let again = store.undo_finding_job(&tenant(), id, Uuid::now_v7(), &by("ann", 11)).await.unwrap();
    assert_eq!(again.unwrap_err(), UndoRefusal::Undone(undo));

    // Taking back can be taken back, too.
    let redo = Uuid::now_v7();
    let job = store.undo_finding_job(&tenant(), undo, redo, &by("ann", 12)).await.unwrap().unwrap();
    assert_eq!((job.undoes, job.matched), (Some(undo), 1_198));
    done(&store, redo, 13).await;
    let job = store.finding_job(&tenant(), redo).await.unwrap().unwrap();
    assert_eq!((job.state, job.changed, job.skipped), (JobState::Finished, 1_198, 0));
    balanced(&store).await;
    assert_eq!(store.overview(&tenant()).await.unwrap().findings.high, 1);
    assert_eq!(status(&changed).await, Triage::Acknowledged);
    let listed = store.finding_jobs(&tenant(), &page(1)).await.unwrap();
    assert_eq!((listed.items[0].id, listed.next.is_some()), (redo, true));
    let nobody = TenantId::parse("nobody").unwrap();
    assert!(store.finding_job(&nobody, id).await.unwrap().is_none());
}

pub(crate) async fn a_job_that_is_called_off_stops_where_it_is(place: Place) {
    let store = place.store().await;
    let findings = (0..600).map(|number| finding(&format!("CVE-2024-{number}"), "a", Severity::High));
    scan(&store, &image(1), report(findings.collect()), 1).await;
    let ask = Ask { filter: FindingFilter::default(), change: to(Triage::FalsePositive) };
    let id = Uuid::now_v7();
    store.submit_finding_job(&tenant(), id, &ask, &by("ann", 2)).await.unwrap();
    assert!(store.work_at_finding_job(&tenant(), id, at(3)).await.unwrap());
    assert!(store.cancel_finding_job(&tenant(), id, at(4)).await.unwrap());
    assert!(!store.work_at_finding_job(&tenant(), id, at(5)).await.unwrap());
    assert!(!store.fail_finding_job(&tenant(), id, "x", "y", at(5)).await.unwrap());
    assert_eq!(store.overview(&tenant()).await.unwrap().findings.high, 100);
    // What was done of it can be taken back all the same.
    let undo = Uuid::now_v7();
    store.undo_finding_job(&tenant(), id, undo, &by("ann", 6)).await.unwrap().unwrap();
    done(&store, undo, 7).await;
    balanced(&store).await;
    assert_eq!(store.overview(&tenant()).await.unwrap().findings.high, 600);
}

pub(crate) async fn a_finding_has_no_more_tags_than_anybody_can_read(place: Place) {
    let store = place.store().await;
    let all: Vec<Finding> =
        (0..2).map(|number| finding(&format!("CVE-2024-{number}"), "a", Severity::High)).collect();
    scan(&store, &image(1), report(all.clone()), 1).await;
    let (full, other) = (fingerprint(&image(1), &all[0]), fingerprint(&image(1), &all[1]));
    let names: Vec<String> = (0..50).map(|number| format!("run-{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let add = |names: &[&str]| TriageChange { add_tags: tags(names), ..TriageChange::default() };
    store.change_finding(&tenant(), &full, &add(&names), &by("ann", 2), None).await.unwrap();
    let refused = store.change_finding(&tenant(), &full, &add(&["one-more"]), &by("ann", 3), None).await;
    assert!(matches!(refused.unwrap_err(), StoreError::TagsFull { max: 50 }));
    // Of many, one is passed over and the others are changed.
    let id = Uuid::now_v7();
    let ask = Ask { filter: FindingFilter::default(), change: add(&["one-more"]) };
    store.submit_finding_job(&tenant(), id, &ask, &by("ann", 4)).await.unwrap();
    done(&store, id, 5).await;
    let job = store.finding_job(&tenant(), id).await.unwrap().unwrap();
    assert_eq!((job.state, job.changed, job.skipped), (JobState::Finished, 1, 1));
    let kept = async |print| store.finding(&tenant(), print).await.unwrap().unwrap().stored.triage.tags;
    assert_eq!((kept(&full).await.len(), kept(&other).await), (50, vec!["one-more".to_owned()]));
    let instead = TriageChange { remove_tags: tags(&["run-00"]), ..add(&["one-more"]) };
    store.change_finding(&tenant(), &full, &instead, &by("ann", 6), None).await.unwrap();
    assert!(kept(&full).await.contains(&"one-more".to_owned()));
}

pub(crate) async fn what_comes_back_is_another_version(place: Place) {
    let store = place.store().await;
    let one = finding("CVE-2024-1", "a", Severity::High);
    let print = fingerprint(&image(1), &one);
    let seen = async || store.finding(&tenant(), &print).await.unwrap().unwrap().stored.triage;
    scan(&store, &image(1), report(vec![one.clone()]), 1).await;
    let id = Uuid::now_v7();
    let ask = Ask { filter: FindingFilter::default(), change: to(Triage::Acknowledged) };
    store.submit_finding_job(&tenant(), id, &ask, &by("ann", 2)).await.unwrap();
    done(&store, id, 3).await;
    let before = seen().await;
    scan(&store, &image(1), report(vec![one.clone()]), 4).await;
    assert_eq!(seen().await.version, before.version, "a scan that sees the same changes nothing for people");
    scan(&store, &image(1), report(Vec::new()), 5).await;
    scan(&store, &image(1), report(vec![one.clone()]), 6).await;
    assert_eq!((seen().await.status, seen().await.version), (Triage::Reopened, before.version + 1));
    // Whoever has read it before is told, and what came back is not taken back.
    let stale = to(Triage::FalsePositive);
    let stale = store.change_finding(&tenant(), &print, &stale, &by("bob", 7), Some(before.version)).await;
    assert!(matches!(stale.unwrap_err(), StoreError::Stale { .. }));
    let undo = Uuid::now_v7();
    store.undo_finding_job(&tenant(), id, undo, &by("ann", 8)).await.unwrap().unwrap();
    done(&store, undo, 9).await;
    assert_eq!(store.finding_job(&tenant(), undo).await.unwrap().unwrap().skipped, 1);
    assert_eq!(seen().await.status, Triage::Reopened);
}

pub(crate) async fn findings_are_found_by_what_people_made_of_them(place: Place) {
    let store = place.store().await;
    let all: Vec<Finding> =
        (0..4).map(|number| finding(&format!("CVE-2024-{number}"), "a", Severity::High)).collect();
    scan(&store, &image(1), report(all.clone()), 100).await;
    let change = async |number: usize, change: TriageChange| {
        let print = fingerprint(&image(1), &all[number]);
        store.change_finding(&tenant(), &print, &change, &by("ann", 101), None).await.unwrap();
    };
    let assigned = |name: &str| TriageChange { assignee: Some(Some(name.into())), ..TriageChange::default() };
    change(0, assigned("dan")).await;
    change(1, TriageChange { add_tags: tags(&["50%_\"x\""]), ..to(Triage::Acknowledged) }).await;
    change(2, to(Triage::FalsePositive)).await;
    let found = async |filter: FindingFilter| -> Vec<usize> {
        let rows = store.findings(&tenant(), &filter, FindingSort::Severity, &page(10)).await.unwrap();
        assert_eq!(store.count_findings(&tenant(), &filter).await.unwrap(), rows.items.len() as u64);
        let rules = rows.items.iter().map(|row| row.stored.finding.rule.clone());
        let mut found: Vec<usize> =
            rules.map(|rule| all.iter().position(|one| one.rule == rule).unwrap()).collect();
        found.sort_unstable();
        found
    };
    let of = |statuses: &[Triage]| FindingFilter { statuses: statuses.to_vec(), ..FindingFilter::default() };
    assert_eq!(found(of(&[Triage::Open])).await, [0, 3]);
    assert_eq!(found(of(&[Triage::Acknowledged, Triage::FalsePositive])).await, [1, 2]);
    assert_eq!(found(of(&[Triage::Open, Triage::FalsePositive])).await, [0, 2, 3]);
    let whose = |name: &str| FindingFilter { assignee: Some(name.into()), ..FindingFilter::default() };
    assert_eq!((found(whose("dan")).await, found(whose("")).await), (vec![0], vec![1, 2, 3]));
    let called = |name: &str| FindingFilter { tag: Some(name.into()), ..FindingFilter::default() };
    assert_eq!((found(called("50%_\"x\"")).await, found(called("50")).await), (vec![1], vec![]));
    let before = |severity, second| FindingFilter {
        overdue: Some(vec![(Severity::Low, at(500)), (severity, at(second))]),
        ..FindingFilter::default()
    };
    assert_eq!(found(before(Severity::High, 101)).await, [0, 1, 3], "what is set aside is not due");
    let fixed = FindingFilter { states: vec![model::FindingState::Fixed], ..before(Severity::High, 101) };
    assert!(found(fixed).await.is_empty(), "nor is what is fixed");
    assert!(found(before(Severity::High, 100)).await.is_empty());
    assert!(found(before(Severity::Critical, 101)).await.is_empty());
    let overdue = FindingFilter { overdue: Some(Vec::new()), ..FindingFilter::default() };
    assert!(found(overdue).await.is_empty());
}

/// A finding as the language sees it where no database is asked.
fn seen(row: &store::FindingRow, now: jiff::Timestamp) -> serde_json::Value {
    let (stored, finding) = (&row.stored, &row.stored.finding);
    let days = (now.as_second() - stored.first_seen_at.as_second()).div_euclid(86_400);
    serde_json::json!({
        "severity": finding.severity.as_str(), "state": stored.state.as_str(), "status": stored.triage.status.as_str(),
        "class": "vulnerability", "kev": finding.kev.is_some(), "fixable": false,
        "suppressed": finding.suppressed.is_some() || stored.triage.status.is_aside(),
        "rule": finding.rule, "package": finding.package.as_ref().map(|package| &package.name), "asset": stored.asset.0,
        "name": row.asset.name, "assignee": stored.triage.assignee, "tag": stored.triage.tags, "age": days,
    })
}

pub(crate) async fn the_language_asks_a_database_what_it_asks_a_value(place: Place) {
    const DAY: i64 = 86_400;
    let store = place.store().await;
    let names = ["a", "A", "a?[b]%_\\", "zlib1g", "a*b"];
    for (number, severity) in (0_u8..).zip([Severity::Low, Severity::High, Severity::Critical]) {
        let all = names
            .iter()
            .enumerate()
            .map(|(place, name)| finding(&format!("CVE-202{number}-{place}"), name, severity));
        scan(&store, &image(number + 1), report(all.collect()), i64::from(number) * DAY).await;
    }
    let change = async |rule: &str, number: u8, package: &str, severity, change: TriageChange| {
        let print = fingerprint(&image(number + 1), &finding(rule, package, severity));
        store.change_finding(&tenant(), &print, &change, &by("ann", 5 * DAY), None).await.unwrap().unwrap();
    };
    let called = TriageChange {
        assignee: Some(Some("dan".into())),
        add_tags: tags(&["wave 1", "a?b"]),
        ..TriageChange::default()
    };
    change("CVE-2020-0", 0, "a", Severity::Low, called).await;
    change("CVE-2021-1", 1, "A", Severity::High, to(Triage::Acknowledged)).await;
    change("CVE-2022-2", 2, "a?[b]%_\\", Severity::Critical, to(Triage::FalsePositive)).await;
    let now = at(2 * DAY + 60);
    let all = store
        .findings(&tenant(), &FindingFilter::default(), FindingSort::Package, &page(100))
        .await
        .unwrap()
        .items;
    assert_eq!(all.len(), 15);
    for text in [
        "severity>=high",
        "severity:(low, critical) and not suppressed:true",
        "severity!=high status:open",
        "status:(acknowledged, false-positive)",
        "state:fixed or kev:true",
        "package:a",
        "package:A*",
        "package:a?*",
        "package:*[b]*",
        "package:*%*",
        "package:*_*",
        "package:\"a*b\"",
        "package=a*b",
        "package:*\\\\*",
        "rule:CVE-202*-1",
        "rule!=\"CVE-2020-0\" package!=a",
        "name:*app-02*",
        "name:*APP*",
        "assignee:dan",
        "assignee!=dan severity:low",
        "not assignee:*",
        "assignee:*",
        "tag:\"wave 1\"",
        "tag:wave*",
        "tag:a?*",
        "tag:*",
        "not tag:*",
        "age>=1",
        "age>1",
        "age<1",
        "age<=1",
        "age>=1.5",
        "age>1.5",
        "age<1.5",
        "age<=0.5",
        "(age>=1 and severity:low) or (assignee:* and not tag:x)",
        "class:vulnerability fixable:false",
    ] {
        let query = store::FindingQuery::parse(text, now).unwrap();
        let language: filter::Filter = text.parse().unwrap();
        let wanted: BTreeSet<String> = all
            .iter()
            .filter(|row| language.matches(&seen(row, now)).unwrap())
            .map(|row| row.stored.fingerprint.0.clone())
            .collect();
        let filter = FindingFilter { query: Some(query), ..FindingFilter::default() };
        let rows = store.findings(&tenant(), &filter, FindingSort::Severity, &page(100)).await.unwrap().items;
        let found: BTreeSet<String> = rows.iter().map(|row| row.stored.fingerprint.0.clone()).collect();
        assert_eq!(found, wanted, "{text}");
        let kept: FindingFilter = serde_json::from_value(serde_json::to_value(&filter).unwrap()).unwrap();
        assert_eq!(kept, filter, "a job keeps it");
    }
    let text = store::FindingQuery::parse("text:\"ZLIB1\"", now).unwrap();
    let filter = FindingFilter { query: Some(text), ..FindingFilter::default() };
    assert_eq!(store.count_findings(&tenant(), &filter).await.unwrap(), 3);
}
