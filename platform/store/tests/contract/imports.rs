//! Reports of other tools beside our own scans.

use std::collections::{BTreeMap, BTreeSet};

use model::{AssetId, Finding, FindingState, Severity, TargetKind};
use store::{
    FindingFilter, FindingSort, ImportAsk, ImportOutcome, ImportPart, JobState, NewImport, Store, Summary,
};
use uuid::Uuid;

use crate::Place;
use crate::world::*;

fn part<'a>(source: &'a str, outcome: &'a store::ScanOutcome) -> ImportPart<'a> {
    ImportPart { scan: Uuid::now_v7(), source, made_at: None, whole: true, unseen: &[], outcome }
}

async fn import(
    store: &Store,
    source: &str,
    asset: &AssetId,
    findings: Vec<Finding>,
    second: i64,
) -> Summary {
    let outcome = outcome(asset, report(findings));
    store.merge_import(&tenant(), &part(source, &outcome), at(second)).await.unwrap()
}

fn vulnerabilities(numbers: &[u32]) -> Vec<Finding> {
    numbers.iter().map(|number| finding(&format!("CVE-2024-{number}"), "a", Severity::High)).collect()
}

async fn finders(store: &Store, asset: &AssetId, finding: &Finding) -> Vec<String> {
    store.finding(&tenant(), &fingerprint(asset, finding)).await.unwrap().unwrap().stored.found_by
}

pub(crate) async fn a_report_closes_what_its_source_does_not_find_any_more_and_nothing_else(place: Place) {
    let store = place.store().await;
    let all = vulnerabilities(&[0, 1, 2, 3]);
    scan(&store, &image(1), report(all[..1].to_vec()), 1).await;
    import(&store, "grype", &image(1), all[1..2].to_vec(), 2).await;
    import(&store, "trivy", &image(2), all.clone(), 3).await;
    let first = import(&store, "trivy", &image(1), all[2..].to_vec(), 4).await;
    assert_eq!((first.opened, first.unchanged, first.fixed), (2, 0, 0));
    let same = import(&store, "trivy", &image(1), all[2..].to_vec(), 5).await;
    assert_eq!((same.opened, same.unchanged, same.fixed), (0, 2, 0));
    let fewer = import(&store, "trivy", &image(1), all[3..].to_vec(), 6).await;
    assert_eq!((fewer.opened, fewer.unchanged, fewer.fixed, fewer.elsewhere), (0, 1, 1, 0));
    let states = async |number: usize| state(&store, &image(1), &all[number]).await;
    assert_eq!(
        [states(0).await, states(1).await, states(2).await, states(3).await],
        ["open", "open", "fixed", "open"]
    );
    assert_eq!(state(&store, &image(2), &all[2]).await, "open", "another asset is another scope");
    assert_eq!(story(&store, &image(1), &all[2]).await, ["opened", "fixed"]);
    let history = store.history(&tenant(), &fingerprint(&image(1), &all[2])).await.unwrap();
    assert_eq!(history[1].note, "No longer in the reports of trivy.");
    let none = import(&store, "trivy", &image(1), Vec::new(), 7).await;
    assert_eq!((none.fixed, none.unchanged), (1, 0));
    let again = import(&store, "trivy", &image(1), all[2..].to_vec(), 8).await;
    assert_eq!((again.reopened, again.opened), (2, 0));
    balanced(&store).await;
    // A scan of our own does not close what others found, and is not held up by them.
    let own = scan(&store, &image(1), report(Vec::new()), 9).await;
    assert_eq!((own.fixed, own.hidden, own.superseded), (1, 0, false));
    assert_eq!(state(&store, &image(1), &all[3]).await, "open");
    balanced(&store).await;
}

pub(crate) async fn what_two_find_is_open_until_neither_does(place: Place) {
    let store = place.store().await;
    let all = vulnerabilities(&[0]);
    scan(&store, &image(1), report(all.clone()), 1).await;
    let joined = import(&store, "trivy", &image(1), all.clone(), 2).await;
    assert_eq!((joined.opened, joined.unchanged), (0, 1));
    import(&store, "grype", &image(1), all.clone(), 3).await;
    assert_eq!(finders(&store, &image(1), &all[0]).await, ["grype", "palisade", "trivy"]);
    let own = scan(&store, &image(1), report(Vec::new()), 4).await;
    assert_eq!((own.fixed, own.elsewhere), (0, 1));
    let grype = import(&store, "grype", &image(1), Vec::new(), 5).await;
    assert_eq!((grype.fixed, grype.elsewhere), (0, 1));
    assert_eq!(finders(&store, &image(1), &all[0]).await, ["trivy"]);
    assert_eq!(state(&store, &image(1), &all[0]).await, "open");
    balanced(&store).await;
    assert_eq!(import(&store, "trivy", &image(1), Vec::new(), 6).await.fixed, 1);
    assert_eq!(story(&store, &image(1), &all[0]).await, ["opened", "fixed"]);
    // Whoever finds it again is the only one.
    import(&store, "grype", &image(1), all.clone(), 7).await;
    assert_eq!(finders(&store, &image(1), &all[0]).await, ["grype"]);
    balanced(&store).await;
}

pub(crate) async fn our_own_word_on_a_finding_is_kept_whoever_else_finds_it(place: Place) {
    let store = place.store().await;
    let of = |severity| finding("CVE-2024-1", "a", severity);
    let severity = async || {
        let row = store.finding(&tenant(), &fingerprint(&image(1), &of(Severity::Low))).await.unwrap();
        row.unwrap().stored.finding.severity
    };
    import(&store, "trivy", &image(1), vec![of(Severity::Low)], 1).await;
    // The first name of two says how bad it is.
    import(&store, "zed", &image(1), vec![of(Severity::Medium)], 2).await;
    assert_eq!(severity().await, Severity::Low);
    let changed = import(&store, "grype", &image(1), vec![of(Severity::Medium)], 3).await;
    assert_eq!((changed.changed, severity().await), (1, Severity::Medium));
    let own = scan(&store, &image(1), report(vec![of(Severity::Critical)]), 4).await;
    assert_eq!((own.changed, severity().await), (1, Severity::Critical));
    let again = import(&store, "grype", &image(1), vec![of(Severity::Medium)], 5).await;
    assert_eq!((again.changed, again.unchanged, severity().await), (0, 1, Severity::Critical));
    balanced(&store).await;
    // What our scans say of the asset is not touched by a report about it.
    let asset = store.asset(&tenant(), &image(1)).await.unwrap().unwrap();
    assert_eq!((asset.row.packages, asset.row.last_scan_at), (1, at(4)));
}

pub(crate) async fn a_report_that_is_older_or_not_whole_closes_nothing(place: Place) {
    let store = place.store().await;
    let all = vulnerabilities(&[0, 1]);
    let merge = async |findings: &[Finding], made_at: Option<i64>, whole: bool, second: i64| {
        let outcome = outcome(&image(1), report(findings.to_vec()));
        let part = ImportPart { made_at: made_at.map(at), whole, ..part("trivy", &outcome) };
        // Trying gives the same figures, and changes nothing.
        let tried = store.try_import(&tenant(), &part, at(second)).await.unwrap();
        let merged = store.merge_import(&tenant(), &part, at(second)).await.unwrap();
        assert_eq!(tried, merged);
        let again = store.merge_import(&tenant(), &part, at(second + 1)).await.unwrap();
        assert_eq!(again, merged, "the same part again has no effect");
        merged
    };
    assert_eq!(merge(&all, Some(100), true, 200).await.opened, 2);
    let older = merge(&all[..1], Some(50), true, 210).await;
    assert!(older.superseded && older.fixed == 0);
    let broken = merge(&all[..1], Some(150), false, 220).await;
    assert_eq!((broken.fixed, broken.hidden, broken.unchanged), (0, 1, 1));
    // A file that does not tell when it was made is as young as its import.
    assert_eq!(merge(&all[..1], None, true, 230).await.fixed, 1);
    assert!(merge(&all, Some(120), true, 240).await.superseded, "one of time 150 was before");
    // A clock that is a year ahead does not shut out what comes after.
    assert_eq!(merge(&all, Some(31_000_000), true, 250).await.reopened, 1);
    assert_eq!(merge(&all[..1], Some(255), true, 260).await.fixed, 1);
    // Of a place that the tool could not read nothing is known.
    let place = [all[0].evidence[0].path.clone()];
    let outcome = outcome(&image(1), report(Vec::new()));
    let part = ImportPart { made_at: Some(at(265)), unseen: &place, ..part("trivy", &outcome) };
    let blind = store.merge_import(&tenant(), &part, at(270)).await.unwrap();
    assert_eq!((blind.fixed, blind.hidden), (0, 1));
    balanced(&store).await;
}

pub(crate) async fn any_order_of_reports_leaves_open_what_somebody_finds(place: Place) {
    const SOURCES: [&str; 3] = ["grype", "palisade", "trivy"];
    let store = place.store().await;
    let all = vulnerabilities(&[0, 1, 2, 3, 4]);
    let mut found: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut random = 88_172_645_463_325_252_u64;
    for step in 0..60 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let source = SOURCES[usize::try_from(random % 3).unwrap()];
        let seen: BTreeSet<usize> = (0..all.len()).filter(|bit| random >> (8 + bit) & 1 == 1).collect();
        let before: BTreeSet<usize> = found.values().flatten().copied().collect();
        found.insert(source, seen.clone());
        let now: BTreeSet<usize> = found.values().flatten().copied().collect();
        let findings: Vec<Finding> = seen.iter().map(|index| all[*index].clone()).collect();
        let told = match source {
            "palisade" => scan(&store, &image(1), report(findings), step).await,
            source => import(&store, source, &image(1), findings, step).await,
        };
        let opened = now.difference(&before).count() as u64;
        let fixed = before.difference(&now).count() as u64;
        assert_eq!((told.opened + told.reopened, told.fixed), (opened, fixed), "step {step}");
        assert_eq!(told.unchanged + told.changed, seen.len() as u64 - opened, "step {step}");
        let open = FindingFilter { states: vec![FindingState::Open], ..FindingFilter::default() };
        let rows = store.findings(&tenant(), &open, FindingSort::Package, &page(10)).await.unwrap();
        assert_eq!(rows.items.len(), now.len(), "step {step}");
        for index in now {
            let finders = finders(&store, &image(1), &all[index]).await;
            let expected: Vec<&str> = SOURCES
                .into_iter()
                .filter(|name| found.get(name).is_some_and(|of| of.contains(&index)))
                .collect();
            assert_eq!(finders, expected, "step {step}");
        }
        balanced(&store).await;
    }
}

pub(crate) async fn a_report_is_accepted_once_with_its_bytes_and_message(place: Place) {
    let store = place.store().await;
    let new = |body: &[u8], target: Option<&str>| NewImport {
        id: Uuid::now_v7(),
        source: "trivy".into(),
        ask: ImportAsk { target: target.map(str::to_owned), ..ImportAsk::default() },
        digest: format!("{body:?}"),
        body: body.to_vec(),
        by: "ann".into(),
        at: at(1),
    };
    let first = new(b"{}\xff", None);
    let submitted = store.submit_import(&tenant(), first.clone()).await.unwrap();
    assert!(submitted.created);
    assert_eq!((submitted.import.id, submitted.import.bytes), (first.id, 3));
    assert!(store.outbox(10).await.unwrap().iter().any(|message| message.subject == "import.requested"));
    let again = store.submit_import(&tenant(), new(b"{}\xff", None)).await.unwrap();
    assert_eq!((again.created, again.import.id), (false, first.id), "the same report waits already");
    assert!(store.submit_import(&tenant(), new(b"{}\xff", Some("app"))).await.unwrap().created);
    let (begun, body) = store.begin_import(&tenant(), first.id, at(2)).await.unwrap().unwrap();
    assert_eq!((begun.state, body.as_slice()), (JobState::Running, b"{}\xff".as_slice()));
    let again = store.begin_import(&tenant(), first.id, at(3)).await.unwrap();
    assert!(again.is_some(), "one whose worker died is begun again");
    let outcome = ImportOutcome {
        format: "sarif".into(),
        tool: "x".into(),
        tool_version: None,
        made_at: None,
        targets: Vec::new(),
        skipped: 1,
        gaps: Vec::new(),
    };
    assert!(store.end_import(&tenant(), first.id, Ok(&outcome), at(4)).await.unwrap());
    assert!(!store.end_import(&tenant(), first.id, Err(("a", "b")), at(5)).await.unwrap());
    assert!(store.begin_import(&tenant(), first.id, at(6)).await.unwrap().is_none());
    let ended = store.import(&tenant(), first.id).await.unwrap().unwrap();
    assert_eq!(
        (ended.outcome, ended.started_at, ended.finished_at),
        (Some(outcome), Some(at(2)), Some(at(4)))
    );
    assert!(store.submit_import(&tenant(), new(b"{}\xff", None)).await.unwrap().created, "it is over");
    let nobody = model::TenantId::parse("nobody").unwrap();
    assert!(store.import(&nobody, first.id).await.unwrap().is_none());
    let listed = store.imports(&tenant(), &page(2)).await.unwrap();
    assert_eq!((listed.items.len(), listed.next.is_some()), (2, true));
    // A name leads to the asset that was last found behind it.
    let mut named = crate::world::outcome(&image(1), report(Vec::new()));
    named.aliases = vec!["app:1".into()];
    let id = submit(&store, &tenant(), 7).await;
    store.finish_scan(&tenant(), id, "m", &named, at(8)).await.unwrap();
    let called = async |kind| store.asset_called(&tenant(), kind, "app:1").await.unwrap();
    assert_eq!((called(TargetKind::Image).await, called(TargetKind::Cluster).await), (Some(image(1)), None));
}
