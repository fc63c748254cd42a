//! Risk: it follows what is known of where a finding is, whoever comes first; and the groups that are made of it.

use std::collections::BTreeMap;

use model::{
    AssetId, Epss, Finding, FindingClass, FindingState, FixState, Kev, Power, Reached, Risk, RiskPlace,
    Severity,
};
use store::{FindingFilter, FindingQuery, FindingSort, GroupBy, NewPlace, ScanOutcome, ScopeState, Store};

use crate::Place;
use crate::migration::run;
use crate::world::*;

const EXPOSED: RiskPlace =
    RiskPlace { exposure: Some(Reached::Open), in_use: true, privilege: Some(Power::Cluster) };
const INSIDE: RiskPlace =
    RiskPlace { exposure: Some(Reached::No), in_use: true, privilege: Some(Power::None) };

fn runs(path: &str, images: &[(&str, &str)], place: RiskPlace) -> NewPlace {
    let images = images.iter().map(|(digest, reference)| ((*digest).to_owned(), (*reference).to_owned()));
    NewPlace { path: path.to_owned(), images: images.collect(), place }
}

/// A scan of the cluster of this name, with one finding on `apps/Deployment/shop/web`.
async fn cluster(store: &Store, name: &str, second: i64, places: Vec<NewPlace>) {
    let id = submit(store, &tenant(), second).await;
    let mut found = finding("kube/privileged", "x", Severity::High);
    found.class = FindingClass::Misconfiguration;
    found.package = None;
    found.evidence[0].path = "apps/Deployment/shop/web".to_owned();
    let state = ScopeState {
        resources: vec![],
        input: format!("{second:064}"),
        snapshot: b"s".to_vec(),
        evidence: None,
        assessments: vec![],
        places,
    };
    let outcome = ScanOutcome { scope: Some(state), ..outcome(&image(9), report(vec![found])) };
    let outcome = ScanOutcome { asset: AssetId(format!("k8s:{name}")), ..outcome };
    store.finish_scan(&tenant(), id, &id.to_string(), &outcome, at(second)).await.unwrap();
}

fn vulnerability() -> Finding {
    let mut found = finding("CVE-1", "openssl", Severity::Critical);
    found.kev = Some(Kev { added: "2024-01-01".into(), due: None, ransomware: false });
    found
}

/// Risk of the only finding of an asset, checked against the formula.
async fn risk(store: &Store, asset: &AssetId, place: RiskPlace) -> u8 {
    let filter = FindingFilter { asset: Some(asset.clone()), ..FindingFilter::default() };
    let rows = store.findings(&tenant(), &filter, FindingSort::Risk, &page(9)).await.unwrap().items;
    let [row] = rows.as_slice() else { panic!("{} findings", rows.len()) };
    assert_eq!(row.stored.risk, Risk::of(&row.stored.finding, &place).score, "{asset:?}");
    let known = store.risk_place(&tenant(), asset, &row.stored.finding).await.unwrap();
    assert_eq!(known.map(|known| known.place).unwrap_or_default(), place);
    row.stored.risk
}

pub(crate) async fn a_finding_matters_by_where_it_is(place: Place) {
    let store = place.store().await;
    let (app, digest) = (image(1), image(1).0);
    let reference = format!("registry.example/app@{digest}");
    let web = |place| runs("apps/Deployment/shop/web", &[(&digest, &reference)], place);
    scan(&store, &app, report(vec![vulnerability()]), 1).await;
    let unknown = risk(&store, &app, RiskPlace::default()).await;
    cluster(&store, "a", 2, vec![web(INSIDE)]).await;
    let inside = risk(&store, &app, INSIDE).await;
    assert_eq!(risk(&store, &AssetId("k8s:a".into()), INSIDE).await, 36);
    cluster(
        &store,
        "b",
        3,
        vec![web(EXPOSED), runs("apps/Deployment/shop/api", &[(&digest, &reference)], INSIDE)],
    )
    .await;
    let exposed = risk(&store, &app, EXPOSED).await;
    assert!(unknown < inside && inside < exposed, "{unknown} {inside} {exposed}");
    // The other cluster's finding stays as it was, its own counts more.
    assert_eq!(risk(&store, &AssetId("k8s:a".into()), INSIDE).await, 36);
    assert!(risk(&store, &AssetId("k8s:b".into()), EXPOSED).await > 36);
    // A later scan of the image finds it there, and something new gets the same place.
    let mut worse = vulnerability();
    worse.severity = Severity::High;
    scan(&store, &app, report(vec![worse]), 4).await;
    risk(&store, &app, EXPOSED).await;
    // What is not run there any more does not count there.
    cluster(&store, "b", 5, vec![runs("apps/Deployment/shop/web", &[], INSIDE)]).await;
    risk(&store, &app, INSIDE).await;
    cluster(&store, "a", 6, vec![]).await;
    risk(&store, &app, RiskPlace::default()).await;
    risk(&store, &AssetId("k8s:a".into()), RiskPlace::default()).await;
}

pub(crate) async fn an_image_is_known_by_the_digest_of_its_index(place: Place) {
    let store = place.store().await;
    let index = image(7).0;
    let reference = format!("registry.example/app@{index}");
    let web = runs("apps/Deployment/shop/web", &[(&index, &reference)], EXPOSED);
    cluster(&store, "a", 1, vec![web]).await;
    // Scanned after the cluster, under another digest.
    let id = submit(&store, &tenant(), 2).await;
    let named = |number: u8| ScanOutcome {
        aliases: vec![reference.clone()],
        ..outcome(&image(number), report(vec![vulnerability()]))
    };
    store.finish_scan(&tenant(), id, "m1", &named(1), at(2)).await.unwrap();
    risk(&store, &image(1), EXPOSED).await;
    // And before it.
    cluster(&store, "a", 3, vec![]).await;
    risk(&store, &image(1), RiskPlace::default()).await;
    cluster(&store, "a", 4, vec![runs("apps/Deployment/shop/web", &[(&index, &reference)], INSIDE)]).await;
    risk(&store, &image(1), INSIDE).await;
}

pub(crate) async fn findings_of_before_are_given_their_risk(place: Place) {
    let store = place.store().await;
    let mut fixed = vulnerability();
    (fixed.fix.state, fixed.fix.versions) = (FixState::Fixed, vec!["1.0-2".into()]);
    scan(&store, &image(1), report(vec![fixed]), 1).await;
    assert_eq!(store.score_unscored().await.unwrap(), 0);
    let before = risk(&store, &image(1), RiskPlace::default()).await;
    run(&place, "UPDATE finding SET risk_base = -1, risk = 0, fix_version = ''").await;
    let digest = image(1).0;
    cluster(&store, "a", 2, vec![runs("apps/Deployment/shop/web", &[(&digest, "r")], EXPOSED)]).await;
    assert_eq!(store.score_unscored().await.unwrap(), 1);
    assert_eq!(store.score_unscored().await.unwrap(), 0);
    assert!(risk(&store, &image(1), EXPOSED).await > before);
    let groups = store.finding_groups(&tenant(), &FindingFilter::default(), GroupBy::Package).await.unwrap();
    assert_eq!(groups.items[0].fixed_in, ["1.0-2"]);
}

/// Findings of many risks on two images, some of them fixed.
async fn fill(store: &Store) {
    let of = |numbers: std::ops::Range<usize>| {
        numbers.map(|i| {
            let mut found = finding(&format!("CVE-{i}"), &format!("pkg-{}", i % 4), Severity::ALL[i % 7]);
            found.epss = (i % 3 == 0).then(|| Epss { score: i as f64 / 50.0, percentile: 0.5 });
            found.kev = (i % 11 == 0).then(|| Kev { added: "2024".into(), due: None, ransomware: false });
            if i % 2 == 0 {
                (found.fix.state, found.fix.versions) = (FixState::Fixed, vec![format!("2.{}", i % 8)]);
            }
            found
        })
    };
    scan(store, &image(1), report(of(0..40).collect()), 1).await;
    scan(store, &image(1), report(of(15..40).collect()), 2).await;
    scan(store, &image(2), report(of(5..30).collect()), 3).await;
}

pub(crate) async fn the_highest_risk_comes_first_and_what_is_gone_last(place: Place) {
    let store = place.store().await;
    fill(&store).await;
    let whole = store
        .findings(&tenant(), &FindingFilter::default(), FindingSort::Risk, &page(500))
        .await
        .unwrap()
        .items;
    assert_eq!(whole.len(), 65);
    assert!(whole.is_sorted_by(|a, b| {
        let key = |row: &store::FindingRow| (row.stored.state == FindingState::Open, row.stored.risk);
        key(a) >= key(b)
    }));
    let mut paged = Vec::new();
    let mut request = page(7);
    loop {
        let next =
            store.findings(&tenant(), &FindingFilter::default(), FindingSort::Risk, &request).await.unwrap();
        paged.extend(next.items);
        let Some(cursor) = next.next else { break };
        request.cursor = Some(cursor);
    }
    assert_eq!(paged, whole);
    let count = async |filter: FindingFilter| {
        store.findings(&tenant(), &filter, FindingSort::Risk, &page(500)).await.unwrap().items.len()
    };
    let query = |text: &str| FindingFilter {
        query: Some(FindingQuery::parse(text, at(0)).unwrap()),
        ..FindingFilter::default()
    };
    let over = |least: u8| whole.iter().filter(|row| row.stored.risk >= least).count();
    for least in [0, 20, 34, 100] {
        assert_eq!(
            count(FindingFilter { risk_min: Some(least), ..FindingFilter::default() }).await,
            over(least)
        );
        assert_eq!(count(query(&format!("risk>={least}"))).await, over(least));
        assert_eq!(count(query(&format!("risk<{least}"))).await, 65 - over(least));
    }
    assert_eq!(count(query("risk>19.5")).await, over(20));
    assert_eq!(count(query("risk<=19.5")).await, 65 - over(20));
}

pub(crate) async fn groups_are_what_their_findings_are(place: Place) {
    let store = place.store().await;
    fill(&store).await;
    let open = FindingFilter { states: vec![FindingState::Open], ..FindingFilter::default() };
    let rows = store.findings(&tenant(), &open, FindingSort::Risk, &page(500)).await.unwrap().items;
    for by in [GroupBy::Package, GroupBy::Rule, GroupBy::Asset, GroupBy::Assignee] {
        let mut wanted: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for row in &rows {
            let finding = &row.stored.finding;
            let value = match by {
                GroupBy::Package => finding.package.as_ref().unwrap().name.clone(),
                GroupBy::Rule => finding.rule.clone(),
                GroupBy::Asset => row.asset.id.0.clone(),
                GroupBy::Assignee => continue,
            };
            let group = wanted.entry(value).or_default();
            *group = (group.0 + 1, group.1 + u64::from(row.stored.risk));
        }
        let groups = store.finding_groups(&tenant(), &open, by).await.unwrap();
        assert!(!groups.capped);
        assert!(groups.items.is_sorted_by(|a, b| a.risk_total >= b.risk_total));
        let found: BTreeMap<String, (u64, u64)> = (groups.items.iter())
            .map(|group| (group.value.clone(), (group.findings.total(), group.risk_total)))
            .collect();
        assert_eq!(found, wanted, "{by:?}");
        for group in &groups.items {
            let of = rows.iter().filter(|row| match by {
                GroupBy::Package => row.stored.finding.package.as_ref().unwrap().name == group.value,
                GroupBy::Rule => row.stored.finding.rule == group.value,
                GroupBy::Asset | GroupBy::Assignee => row.asset.id.0 == group.value,
            });
            assert_eq!(group.risk, of.clone().map(|row| row.stored.risk).max().unwrap());
            assert_eq!(group.kev, of.clone().filter(|row| row.stored.finding.kev.is_some()).count() as u64);
            let assets: std::collections::BTreeSet<_> = of.map(|row| &row.asset.id).collect();
            assert_eq!(group.assets, assets.len() as u64);
        }
    }
    let packages = store.finding_groups(&tenant(), &open, GroupBy::Package).await.unwrap();
    let of = |name: &str| packages.items.iter().find(|group| group.value == name).unwrap().fixed_in.clone();
    assert!(of("pkg-1").is_empty());
    let mut versions = of("pkg-2");
    versions.sort();
    assert_eq!(versions, ["2.2", "2.6"]);
    let rules = store.finding_groups(&tenant(), &open, GroupBy::Rule).await.unwrap();
    assert_eq!(
        rules.items[0].label,
        format!("{} in pkg-{}", rules.items[0].value, {
            rules.items[0].value.trim_start_matches("CVE-").parse::<usize>().unwrap() % 4
        })
    );
}
