//! What scans do to findings.

use std::future::Future as _;
use std::task::Poll;

use model::{FixState, GapCode, Kev, Severity, Suppression};
use store::{Applied, AssetFilter, AssetSort, FindingFilter, FindingSort, ScanState};

use crate::Place;
use crate::world::*;

pub(crate) async fn a_finding_opens_changes_is_fixed_and_reopens(place: Place) {
    let store = place.store().await;
    let (image, mut one) = (image(1), finding("CVE-2024-1", "zlib1g", Severity::Medium));
    let two = finding("CVE-2024-2", "zlib1g", Severity::Low);

    let summary = scan(&store, &image, report(vec![one.clone(), two.clone()]), 10).await;
    assert_eq!((summary.opened, summary.findings.medium, summary.findings.low), (2, 1, 1));
    // The same again is not news.
    let summary = scan(&store, &image, report(vec![one.clone(), two.clone()]), 20).await;
    assert_eq!((summary.opened, summary.changed, summary.fixed), (0, 0, 0));
    // Neither is another description; it is kept all the same.
    one.description = "Another sentence.".into();
    assert_eq!(scan(&store, &image, report(vec![one.clone(), two.clone()]), 30).await.changed, 0);
    let row = store.finding(&tenant(), &fingerprint(&image, &one)).await.unwrap().unwrap();
    assert_eq!(row.stored.finding, one);
    assert_eq!((row.stored.first_seen_at, row.stored.last_seen_at), (at(10), at(30)));
    assert_ne!(row.stored.first_scan, row.stored.last_scan);
    assert_eq!(row.asset.name, "registry.example/app-01");

    one.severity = Severity::Critical;
    one.fix.state = FixState::Fixed;
    one.fix.versions = vec!["1.0-2".into()];
    assert_eq!(scan(&store, &image, report(vec![one.clone(), two.clone()]), 40).await.changed, 1);
    assert_eq!(scan(&store, &image, report(vec![two.clone()]), 50).await.fixed, 1);
    let row = store.finding(&tenant(), &fingerprint(&image, &one)).await.unwrap().unwrap();
    assert_eq!((row.stored.state.as_str(), row.stored.fixed_at), ("fixed", Some(at(50))));
    assert_eq!((row.stored.last_seen_at, row.stored.first_seen_at), (at(40), at(10)));
    // Staying away is not news either; coming back is.
    assert_eq!(scan(&store, &image, report(vec![two.clone()]), 60).await.fixed, 0);
    one.severity = Severity::High;
    assert_eq!(scan(&store, &image, report(vec![one.clone(), two.clone()]), 70).await.reopened, 1);

    let history = store.history(&tenant(), &fingerprint(&image, &one)).await.unwrap();
    let told: Vec<(&str, &str)> =
        history.iter().map(|event| (event.transition.as_str(), event.note.as_str())).collect();
    assert_eq!(
        told,
        [
            ("opened", "Found for the first time: severity medium, not fixed yet."),
            (
                "changed",
                "Severity changed from medium to critical; fix changed from not fixed yet to fixed in 1.0-2."
            ),
            ("fixed", "No longer found, by a scan that looked where it was."),
            ("reopened", "Found again. It was fixed on 2023-11-14. Severity changed from critical to high."),
        ]
    );
    assert_eq!(history[0].at, at(10).to_string());
    assert_eq!(story(&store, &image, &two).await, ["opened"]);
    // The same finding on another image is another finding.
    let other = crate::world::image(2);
    assert_eq!(scan(&store, &other, report(vec![one.clone()]), 80).await.opened, 1);
}

pub(crate) async fn a_gap_keeps_open_what_it_could_hide(place: Place) {
    let store = place.store().await;
    let image = image(1);
    let deb = finding("CVE-2024-1", "zlib1g", Severity::High);
    let mut npm = finding("CVE-2024-2", "left-pad", Severity::High);
    npm.evidence[0].path = "app/node_modules/left-pad/package.json".into();
    npm.records[0].ecosystem = "npm".into();
    let both = report(vec![deb.clone(), npm.clone()]);
    scan(&store, &image, both.clone(), 10).await;

    let nothing = report(vec![]);
    let blind = with_gap(nothing.clone(), GapCode::ParseError, "var/lib/dpkg/status");
    let summary = scan(&store, &image, blind, 20).await;
    assert_eq!((summary.fixed, summary.hidden, summary.gaps), (1, 1, 1));
    assert_eq!((state(&store, &image, &deb).await, state(&store, &image, &npm).await), ("open", "fixed"));
    let asset = store.asset(&tenant(), &image).await.unwrap().unwrap();
    assert_eq!((asset.row.findings.high, asset.row.gaps, asset.coverage.gaps.len()), (1, 1, 1));
    // What is hidden was not seen.
    let row = store.finding(&tenant(), &fingerprint(&image, &deb)).await.unwrap().unwrap();
    assert_eq!(row.stored.last_seen_at, at(10));

    scan(&store, &image, both, 30).await;
    let mut unjudged = nothing.clone();
    unjudged.coverage.advisories = None;
    let summary = scan(&store, &image, unjudged, 40).await;
    assert_eq!((summary.fixed, summary.hidden), (0, 2));
    let faulty = with_gap(nothing.clone(), GapCode::PluginFault, "palisade.image-packages");
    assert_eq!(scan(&store, &image, faulty, 50).await.hidden, 2);
    let no_data = with_gap(nothing.clone(), GapCode::NoAdvisories, "npm");
    let summary = scan(&store, &image, no_data, 60).await;
    assert_eq!((summary.fixed, summary.hidden), (1, 1));
    assert_eq!(scan(&store, &image, nothing, 70).await.fixed, 1);
    assert_eq!(story(&store, &image, &npm).await, ["opened", "fixed", "reopened", "fixed"]);
    assert_eq!(story(&store, &image, &deb).await, ["opened", "fixed"]);
}

pub(crate) async fn a_redelivered_result_has_no_second_effect(place: Place) {
    let store = place.store().await;
    let (image, one) = (image(1), finding("CVE-2024-1", "zlib1g", Severity::High));
    let id = submit(&store, &tenant(), 0).await;
    finish(&store, id, &image, report(vec![one.clone()]), 10).await;
    scan(&store, &image, report(vec![]), 20).await;
    let before = store.scan(&tenant(), id).await.unwrap();

    let again = outcome(&image, report(vec![one.clone()]));
    for message in [format!("m-{id}"), "another message about the same scan".to_owned()] {
        let done = store.finish_scan(&tenant(), id, &message, &again, at(30)).await.unwrap();
        assert_eq!(done, Applied::AlreadyApplied);
    }
    assert!(!store.fail_scan(&tenant(), id, "late", "x", "y", at(40)).await.unwrap());
    assert_eq!(store.start_scan(&tenant(), id, at(50)).await.unwrap().state, ScanState::Finished);
    assert_eq!(store.scan(&tenant(), id).await.unwrap(), before);
    assert_eq!(story(&store, &image, &one).await, ["opened", "fixed"]);

    let unknown = uuid::Uuid::now_v7();
    let error = store.finish_scan(&tenant(), unknown, "m", &again, at(1)).await.unwrap_err();
    assert_eq!(error.code(), "scan-unknown");
    assert_eq!(store.start_scan(&tenant(), unknown, at(1)).await.unwrap_err().code(), "scan-unknown");
}

pub(crate) async fn an_older_scan_does_not_undo_a_newer_one(place: Place) {
    let store = place.store().await;
    let (image, old, new) = (
        image(1),
        finding("CVE-2024-1", "zlib1g", Severity::High),
        finding("CVE-2024-2", "zlib1g", Severity::Low),
    );
    let older = submit(&store, &tenant(), 0).await;
    let newer = submit(&store, &tenant(), 1).await;
    finish(&store, newer, &image, report(vec![new.clone()]), 10).await;
    let summary = finish(&store, older, &image, report(vec![old.clone()]), 20).await;
    assert!(summary.superseded);
    assert_eq!((summary.opened, summary.fixed, summary.findings.high), (0, 0, 1));
    assert!(store.finding(&tenant(), &fingerprint(&image, &old)).await.unwrap().is_none());
    assert_eq!(state(&store, &image, &new).await, "open");
    let asset = store.asset(&tenant(), &image).await.unwrap().unwrap().row;
    assert_eq!((asset.last_scan, asset.last_scan_at, asset.packages), (newer, at(10), 1));
    let scan = store.scan(&tenant(), older).await.unwrap().unwrap();
    assert_eq!((scan.state, scan.summary), (ScanState::Finished, Some(summary)));
    assert_eq!(store.outbox(10).await.unwrap().iter().filter(|m| m.subject == "changed.findings").count(), 1);
}

pub(crate) async fn failed_scans_stay_failed(place: Place) {
    let store = place.store().await;
    let id = submit(&store, &tenant(), 0).await;
    assert_eq!(store.start_scan(&tenant(), id, at(1)).await.unwrap().started_at, Some(at(1)));
    assert_eq!(store.start_scan(&tenant(), id, at(2)).await.unwrap().started_at, Some(at(1)));
    assert!(store.fail_scan(&tenant(), id, "m", "image-unreachable", "no\0 route", at(3)).await.unwrap());
    assert!(!store.fail_scan(&tenant(), id, "m", "other", "other", at(4)).await.unwrap());
    let done =
        store.finish_scan(&tenant(), id, "n", &outcome(&image(1), report(vec![])), at(5)).await.unwrap();
    assert_eq!(done, Applied::AlreadyApplied);
    let scan = store.scan(&tenant(), id).await.unwrap().unwrap();
    let error = scan.error.unwrap();
    assert_eq!((scan.state, scan.finished_at), (ScanState::Failed, Some(at(3))));
    assert_eq!((error.code.as_str(), error.message.as_str()), ("image-unreachable", "no\u{fffd} route"));
    assert!(store.asset(&tenant(), &image(1)).await.unwrap().is_none());
}

pub(crate) async fn workers_on_one_asset_take_turns(place: Place) {
    let store = place.store().await;
    let image = image(1);
    // Scan n sees findings n..n+20, so that neighbours overlap; all end at once, in any order.
    let seen_by = |n: usize| (n..n + 20).map(|i| finding(&format!("CVE-2024-{i}"), "zlib1g", Severity::High));
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(submit(&store, &tenant(), n).await);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (n, id) in ids.iter().copied().enumerate() {
        let (store, outcome) = (store.clone(), outcome(&image, report(seen_by(n).collect())));
        tasks.spawn(async move {
            store.finish_scan(&tenant(), id, &format!("m-{id}"), &outcome, at(100)).await.unwrap()
        });
    }
    while let Some(done) = tasks.join_next().await {
        assert!(matches!(done.unwrap(), Applied::Applied(_)));
    }
    // Whatever the order, the newest scan has the last word.
    let filter = FindingFilter { states: vec![model::FindingState::Open], ..FindingFilter::default() };
    let open = store.findings(&tenant(), &filter, FindingSort::Severity, &page(500)).await.unwrap().items;
    let mut rules: Vec<String> = open.into_iter().map(|row| row.stored.finding.rule).collect();
    rules.sort();
    let mut wanted: Vec<String> = seen_by(7).map(|finding| finding.rule).collect();
    wanted.sort();
    assert_eq!(rules, wanted);
    let asset = store.asset(&tenant(), &image).await.unwrap().unwrap().row;
    assert_eq!((asset.last_scan, asset.findings.high), (ids[7], 20));
    // Every figure of every scan adds up to what is stored.
    let scans = store.scans(&tenant(), &store::ScanFilter::default(), &page(20)).await.unwrap().items;
    let (mut opened, mut closed) = (0, 0);
    for summary in scans.iter().map(|scan| scan.summary.unwrap()) {
        opened += summary.opened + summary.reopened;
        closed += summary.fixed;
    }
    assert_eq!(opened - closed, 20);
}

pub(crate) async fn one_message_delivered_to_many_workers_counts_once(place: Place) {
    let store = place.store().await;
    let id = submit(&store, &tenant(), 0).await;
    let outcome =
        std::sync::Arc::new(outcome(&image(1), report(vec![finding("CVE-2024-1", "a", Severity::High)])));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, outcome) = (store.clone(), outcome.clone());
        tasks.spawn(async move { store.finish_scan(&tenant(), id, "m", &outcome, at(1)).await.unwrap() });
    }
    let mut applied = 0;
    while let Some(done) = tasks.join_next().await {
        applied += u32::from(matches!(done.unwrap(), Applied::Applied(_)));
    }
    assert_eq!(applied, 1);
    assert_eq!(store.outbox(10).await.unwrap().len(), 2);
}

pub(crate) async fn a_cancelled_result_is_there_whole_or_not_at_all(place: Place) {
    let store = place.store().await;
    let all: Vec<_> = (0..200).map(|n| finding(&format!("CVE-{n}"), "zlib1g", Severity::High)).collect();
    let mut cancelled = 0;
    for step in 0..24_u8 {
        let (image, id) = (image(step + 1), submit(&store, &tenant(), i64::from(step)).await);
        let (message, outcome) = (format!("m-{id}"), outcome(&image, report(all.clone())));
        let owner = tenant();
        let mut finish = Box::pin(store.finish_scan(&owner, id, &message, &outcome, at(100)));
        // Each round gives up later: after more steps of the work were done.
        let mut steps = 0;
        let given_up = std::future::poll_fn(|context| {
            steps += 1;
            match finish.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(false),
                Poll::Pending if steps > 2 * u32::from(step) => Poll::Ready(true),
                Poll::Pending => Poll::Pending,
            }
        });
        cancelled += u32::from(given_up.await);
        drop(finish);
        store.finish_scan(&tenant(), id, &message, &outcome, at(200)).await.unwrap();
        let row = store.asset(&tenant(), &image).await.unwrap().unwrap().row;
        assert_eq!((row.findings.high, row.packages, row.last_scan), (200, 200, id));
        assert_eq!(story(&store, &image, &all[199]).await, ["opened"]);
        let told = store.outbox(1_000).await.unwrap();
        assert_eq!(told.len(), 2 * (usize::from(step) + 1));
    }
    assert!(cancelled > 0);
}

pub(crate) async fn counters_follow_what_is_open(place: Place) {
    let store = place.store().await;
    let mut kev = finding("CVE-2024-1", "a", Severity::Critical);
    kev.kev = Some(Kev { added: "2024-03-29".into(), due: None, ransomware: false });
    kev.fix.state = FixState::Fixed;
    let mut suppressed = finding("CVE-2024-2", "b", Severity::Critical);
    suppressed.suppressed = Some(Suppression { code: "disputed".into(), reason: "x".into() });
    let unknown = finding("CVE-2024-3", "c", Severity::Unknown);
    scan(&store, &image(1), report(vec![kev.clone(), suppressed.clone(), unknown.clone()]), 1).await;
    scan(&store, &image(2), report(vec![unknown.clone()]), 2).await;

    let overview = store.overview(&tenant()).await.unwrap();
    assert_eq!((overview.assets, overview.images, overview.packages), (2, 2, 4));
    assert_eq!((overview.findings.critical, overview.findings.unknown), (1, 2));
    assert_eq!((overview.kev_open, overview.fixable_open), (1, 1));
    suppressed.suppressed = None;
    scan(&store, &image(1), report(vec![suppressed]), 3).await;
    let overview = store.overview(&tenant()).await.unwrap();
    assert_eq!((overview.findings.critical, overview.findings.unknown, overview.kev_open), (1, 1, 0));
    assert_eq!((overview.findings.total(), overview.packages), (2, 2));
    let nobody = model::TenantId::parse("nobody").unwrap();
    assert_eq!(store.overview(&nobody).await.unwrap(), store::Overview::default());
}

pub(crate) async fn hostile_text_is_kept_as_data(place: Place) {
    let store = place.store().await;
    let mut odd = finding("CVE-1'); DROP TABLE finding; --", "nul\0name", Severity::High);
    odd.title = "\u{202e}\0<script>".into();
    odd.evidence[0].path = "\\u0000\0".into();
    let mut long = finding(&"r".repeat(5_000), &"é".repeat(5_000), Severity::Low);
    long.references = vec!["\u{10ffff}".repeat(100)];
    let mut twice = odd.clone();
    twice.title = "the same key again".into();
    let mut outcome = outcome(&image(1), report(vec![odd.clone(), long.clone(), twice]));
    outcome.aliases = vec!["a\0b".into(), "x".repeat(9_000), "a\0b".into()];
    outcome.target.reference = "/".repeat(9_000);
    let id = submit(&store, &tenant(), 0).await;
    let done = store.finish_scan(&tenant(), id, &"m".repeat(9_000), &outcome, at(1)).await.unwrap();
    let Applied::Applied(summary) = done else { panic!("not applied") };
    assert_eq!(summary.opened, 2);

    let filter = FindingFilter { rule: Some(odd.rule.clone()), ..FindingFilter::default() };
    let found = store.findings(&tenant(), &filter, FindingSort::Package, &page(5)).await.unwrap().items;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].stored.finding.title, "\u{202e}\u{fffd}<script>");
    assert_eq!(found[0].stored.finding.evidence[0].path, "\\u0000\u{fffd}");
    for (package, rule) in [(Some("nul\0name".to_owned()), None), (None, Some("r".repeat(5_000)))] {
        let filter = FindingFilter { package, rule, ..FindingFilter::default() };
        let found = store.findings(&tenant(), &filter, FindingSort::Severity, &page(5)).await.unwrap();
        assert_eq!(found.items.len(), 1);
    }
    // A package name cut to a key still makes a cursor.
    let first =
        store.findings(&tenant(), &FindingFilter::default(), FindingSort::Package, &page(1)).await.unwrap();
    let next = store::PageRequest { cursor: first.next, limit: 1 };
    let second =
        store.findings(&tenant(), &FindingFilter::default(), FindingSort::Package, &next).await.unwrap();
    assert_eq!(second.items[0].stored.finding, long);
    let assets = store.assets(&tenant(), &AssetFilter::default(), AssetSort::Name, &page(5)).await.unwrap();
    assert_eq!(assets.items[0].aliases.len(), 2);

    let endless = model::AssetId("x".repeat(2_000));
    let id = submit(&store, &tenant(), 2).await;
    outcome.asset = endless;
    let error = store.finish_scan(&tenant(), id, "n", &outcome, at(2)).await.unwrap_err();
    assert_eq!(error.code(), "value-too-long");
}
