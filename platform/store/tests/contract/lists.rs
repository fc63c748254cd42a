//! Pages, orders, filters, counts beside them.

use std::collections::BTreeSet;

use model::{AssetId, Epss, FindingState, FixState, Kev, PackageType, Severity};
use store::{AssetFilter, AssetSort, FindingFilter, FindingRow, FindingSort, PageRequest, Store};

use crate::Place;
use crate::world::*;

/// Two images, some sixty findings of every severity, some fixed, some exploited, some fixable, some predicted.
async fn fill(store: &Store) {
    let of = |count: usize, start: usize| {
        (start..start + count).map(move |i| {
            let severity = Severity::ALL[i % 7];
            let mut found = finding(&format!("CVE-2024-{}", i % 40), &format!("pkg-{}", i % 5), severity);
            found.key = format!("key-{i}");
            found.kev = (i % 6 == 0).then(|| Kev { added: "2024".into(), due: None, ransomware: false });
            found.epss = (i % 4 == 0).then(|| Epss { score: i as f64 / 100.0, percentile: 0.5 });
            if i % 3 == 0 {
                found.fix.state = FixState::Fixed;
            }
            if i % 10 == 0 {
                found.package = None;
            }
            found
        })
    };
    scan(store, &image(1), report(of(40, 0).collect()), 10).await;
    scan(store, &image(1), report(of(30, 10).collect()), 20).await;
    scan(store, &image(2), report(of(25, 5).collect()), 20).await;
}

async fn all(store: &Store, filter: &FindingFilter, sort: FindingSort, limit: u32) -> Vec<FindingRow> {
    let mut rows = Vec::new();
    let mut request = page(limit);
    loop {
        let page = store.findings(&tenant(), filter, sort, &request).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        assert!(page.next.is_none() || page.items.len() == limit as usize);
        rows.extend(page.items);
        match page.next {
            None => return rows,
            next => request = PageRequest { cursor: next, limit },
        }
    }
}

pub(crate) async fn pages_cover_everything_once_in_every_order(place: Place) {
    let store = place.store().await;
    fill(&store).await;
    let everything = FindingFilter::default();
    for sort in [FindingSort::Severity, FindingSort::LastSeen, FindingSort::Package] {
        let whole = all(&store, &everything, sort, 500).await;
        assert_eq!(whole.len(), 65);
        let prints: BTreeSet<_> = whole.iter().map(|row| row.stored.fingerprint.clone()).collect();
        assert_eq!(prints.len(), 65);
        for limit in [1, 7, 64, 65] {
            assert_eq!(all(&store, &everything, sort, limit).await, whole, "{sort:?} by {limit}");
        }
        let name = |row: &FindingRow| {
            row.stored.finding.package.as_ref().map(|package| package.name.clone()).unwrap_or_default()
        };
        let severity = |row: &FindingRow| row.stored.finding.severity;
        match sort {
            FindingSort::Severity => {
                assert!(whole.is_sorted_by(|a, b| severity(a) >= severity(b)));
                let attention = |row: &FindingRow| {
                    let finding = &row.stored.finding;
                    (finding.severity, finding.kev.is_some(), finding.epss.map_or(0.0, |epss| epss.score))
                };
                assert!(whole.is_sorted_by(|a, b| attention(a) >= attention(b)));
            }
            FindingSort::Risk => assert!(whole.is_sorted_by(|a, b| a.stored.risk >= b.stored.risk)),
            FindingSort::LastSeen => {
                assert!(whole.is_sorted_by(|a, b| a.stored.last_seen_at >= b.stored.last_seen_at));
            }
            FindingSort::Package => assert!(whole.is_sorted_by_key(name)),
        }
    }
    // A page stays where it is while rows before it come.
    let first = store.findings(&tenant(), &everything, FindingSort::Severity, &page(10)).await.unwrap();
    let mut worse = finding("CVE-2025-1", "new", Severity::Critical);
    worse.kev = Some(Kev { added: "2025".into(), due: None, ransomware: true });
    worse.epss = Some(Epss { score: 1.0, percentile: 1.0 });
    scan(&store, &image(3), report(vec![worse]), 30).await;
    let rest = PageRequest { cursor: first.next, limit: 500 };
    let rest = store.findings(&tenant(), &everything, FindingSort::Severity, &rest).await.unwrap();
    assert_eq!(rest.items.len(), 55);
}

pub(crate) async fn filters_agree_with_a_plain_search(place: Place) {
    let store = place.store().await;
    fill(&store).await;
    let rows = all(&store, &FindingFilter::default(), FindingSort::Severity, 500).await;
    let none = FindingFilter::default;
    type Test = Box<dyn Fn(&FindingRow) -> bool>;
    let cases: Vec<(FindingFilter, Test)> = vec![
        (
            FindingFilter { severities: vec![Severity::Critical, Severity::Low], ..none() },
            Box::new(|row| matches!(row.stored.finding.severity, Severity::Critical | Severity::Low)),
        ),
        (
            FindingFilter { states: vec![FindingState::Fixed], ..none() },
            Box::new(|row| row.stored.state == FindingState::Fixed),
        ),
        (
            FindingFilter { states: vec![FindingState::Fixed, FindingState::Open], ..none() },
            Box::new(|_| true),
        ),
        (FindingFilter { classes: vec![model::FindingClass::Secret], ..none() }, Box::new(|_| false)),
        (FindingFilter { kev: Some(true), ..none() }, Box::new(|row| row.stored.finding.kev.is_some())),
        (
            FindingFilter { fixable: Some(false), kev: Some(false), suppressed: Some(false), ..none() },
            Box::new(|row| {
                row.stored.finding.fix.state != FixState::Fixed && row.stored.finding.kev.is_none()
            }),
        ),
        (FindingFilter { suppressed: Some(true), ..none() }, Box::new(|_| false)),
        (FindingFilter { asset: Some(image(2)), ..none() }, Box::new(|row| row.asset.id == image(2))),
        (
            FindingFilter { package: Some("pkg-3".into()), ..none() },
            Box::new(|row| {
                row.stored.finding.package.as_ref().is_some_and(|package| package.name == "pkg-3")
            }),
        ),
        (
            FindingFilter { rule: Some("CVE-2024-7".into()), ..none() },
            Box::new(|row| row.stored.finding.rule == "CVE-2024-7"),
        ),
        (
            FindingFilter { text: Some("cve-2024-3".into()), ..none() },
            Box::new(|row| row.stored.finding.rule.starts_with("CVE-2024-3")),
        ),
        (FindingFilter { text: Some("%".into()), ..none() }, Box::new(|_| false)),
        (FindingFilter { text: Some("g_3".into()), ..none() }, Box::new(|_| false)),
        (FindingFilter { asset: Some(AssetId("' OR 1=1 --".into())), ..none() }, Box::new(|_| false)),
    ];
    for (filter, holds) in cases {
        let wanted: Vec<_> = rows.iter().filter(|row| holds(row)).cloned().collect();
        for limit in [3, 500] {
            assert_eq!(all(&store, &filter, FindingSort::Severity, limit).await, wanted, "{filter:?}");
        }
        let mut by_package = all(&store, &filter, FindingSort::Package, 500).await;
        assert_eq!(by_package.len(), wanted.len(), "{filter:?}");
        by_package.retain(|row| !holds(row));
        assert_eq!(by_package, vec![], "{filter:?}");
    }
}

pub(crate) async fn facets_count_what_lists_show(place: Place) {
    let store = place.store().await;
    fill(&store).await;
    let filter = FindingFilter {
        severities: vec![Severity::High, Severity::Medium],
        states: vec![FindingState::Open],
        asset: Some(image(1)),
        ..FindingFilter::default()
    };
    let count =
        async |filter: FindingFilter| all(&store, &filter, FindingSort::Severity, 500).await.len() as u64;
    let facets = store.facets(&tenant(), &filter).await.unwrap();
    assert!(!facets.capped);
    assert_eq!(facets.matching, count(filter.clone()).await);
    assert_eq!(facets.severity.len(), 7);
    for (severity, counted) in &facets.severity {
        assert_eq!(*counted, count(FindingFilter { severities: vec![*severity], ..filter.clone() }).await);
    }
    for (state, counted) in &facets.state {
        assert_eq!(*counted, count(FindingFilter { states: vec![*state], ..filter.clone() }).await);
    }
    for (kev, counted) in &facets.kev {
        assert_eq!(*counted, count(FindingFilter { kev: Some(*kev), ..filter.clone() }).await);
    }
    for (fixable, counted) in &facets.fixable {
        assert_eq!(*counted, count(FindingFilter { fixable: Some(*fixable), ..filter.clone() }).await);
    }
    assert_eq!(facets.asset.len(), 2);
    assert_eq!(facets.asset[0].label, format!("registry.example/app-{}", &facets.asset[0].value[7..9]));
    for facet in &facets.asset {
        let asset = Some(AssetId(facet.value.clone()));
        assert_eq!(facet.count, count(FindingFilter { asset, ..filter.clone() }).await);
    }
    assert_eq!(facets.package.len(), 5);
    for facet in &facets.package {
        let package = Some(facet.value.clone());
        assert_eq!(facet.count, count(FindingFilter { package, ..filter.clone() }).await);
    }
    assert!(facets.package.is_sorted_by(|a, b| a.count >= b.count));
}

pub(crate) async fn bad_cursors_are_refused(place: Place) {
    let store = place.store().await;
    fill(&store).await;
    let everything = FindingFilter::default();
    let first = store.findings(&tenant(), &everything, FindingSort::Severity, &page(2)).await.unwrap();
    let good = first.next.unwrap();
    let long = "0".repeat(100_000);
    for bad in ["", "x", "00", "zz", &good[1..], &good.to_uppercase(), &long, "é", "' OR 1=1"] {
        let request = PageRequest { cursor: Some(bad.to_owned()), limit: 2 };
        let error =
            store.findings(&tenant(), &everything, FindingSort::Severity, &request).await.unwrap_err();
        assert_eq!(error.code(), "cursor-invalid", "{bad:.20}");
    }
    // Good, but of another list.
    let request = PageRequest { cursor: Some(good), limit: 2 };
    let errors = [
        store.findings(&tenant(), &everything, FindingSort::LastSeen, &request).await.unwrap_err(),
        store.findings(&tenant(), &everything, FindingSort::Package, &request).await.unwrap_err(),
        store.scans(&tenant(), &store::ScanFilter::default(), &request).await.unwrap_err(),
        store.assets(&tenant(), &AssetFilter::default(), AssetSort::LastScan, &request).await.unwrap_err(),
        store.packages(&tenant(), &image(1), None, &request).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.code() == "cursor-invalid"));
}

pub(crate) async fn assets_packages_and_aliases(place: Place) {
    let store = place.store().await;
    for number in 1..=5_u8 {
        let id = submit(&store, &tenant(), i64::from(number)).await;
        let mut outcome = outcome(&image(number), report(vec![finding("CVE-1", "zlib1g", Severity::Low)]));
        outcome.aliases =
            vec!["registry.example/app:latest".into(), format!("registry.example/app:{number}")];
        store
            .finish_scan(&tenant(), id, &format!("m{number}"), &outcome, at(i64::from(number)))
            .await
            .unwrap();
    }
    let by = async |filter: AssetFilter, sort, limit| {
        let mut ids = Vec::new();
        let mut request = page(limit);
        loop {
            let page = store.assets(&tenant(), &filter, sort, &request).await.unwrap();
            ids.extend(page.items.iter().map(|asset| asset.id.0[7..9].to_owned()));
            match page.next {
                None => return ids,
                next => request = PageRequest { cursor: next, limit },
            }
        }
    };
    let text = |text: &str| AssetFilter { text: Some(text.to_owned()), ..AssetFilter::default() };
    for limit in [2, 5, 50] {
        let newest = by(AssetFilter::default(), AssetSort::LastScan, limit).await;
        assert_eq!(newest, ["05", "04", "03", "02", "01"]);
        assert_eq!(by(text("APP-0"), AssetSort::Name, limit).await, ["01", "02", "03", "04", "05"]);
    }
    // The tag moved: it leads to the newest alone.
    assert_eq!(by(text("app:latest"), AssetSort::Name, 9).await, ["05"]);
    assert_eq!(by(text("app:3"), AssetSort::Name, 9).await, ["03"]);
    assert_eq!(by(text("%"), AssetSort::Name, 9).await, Vec::<String>::new());
    let detail = store.asset(&tenant(), &image(5)).await.unwrap().unwrap();
    assert_eq!(detail.row.aliases, ["registry.example/app:5", "registry.example/app:latest"]);
    assert_eq!(detail.row.platform.as_deref(), Some("linux/amd64"));
    assert_eq!(detail.row.os.unwrap().id, "debian");
    assert!(store.asset(&tenant(), &image(9)).await.unwrap().is_none());

    // Packages are those of the newest scan.
    let mut many = report(vec![]);
    many.packages = (0..30).map(|n| package(&format!("lib{n:02}"))).collect();
    scan(&store, &image(1), many.clone(), 10).await;
    scan(&store, &image(1), many.clone(), 11).await;
    let first = store.packages(&tenant(), &image(1), None, &page(20)).await.unwrap();
    let rest = PageRequest { cursor: first.next, limit: 20 };
    let rest = store.packages(&tenant(), &image(1), None, &rest).await.unwrap();
    assert_eq!((rest.next, [first.items, rest.items].concat()), (None, many.packages));
    let found = store.packages(&tenant(), &image(1), Some("LIB2"), &page(20)).await.unwrap();
    assert_eq!(found.items.len(), 10);
    assert!(found.items.iter().all(|package| package.kind == PackageType::Deb));
    assert_eq!(store.asset(&tenant(), &image(1)).await.unwrap().unwrap().row.packages, 30);
}

pub(crate) async fn hot_lists_walk_an_index(place: Place) {
    let store = place.store().await;
    let many =
        (0..4_000).map(|i| finding(&format!("CVE-{i}"), &format!("p{}", i % 50), Severity::ALL[i % 7]));
    scan(&store, &image(1), report(many.collect()), 1).await;
    if place.url.starts_with("postgres") {
        let pool = sqlx::PgPool::connect(&place.url).await.unwrap();
        sqlx::raw_sql("VACUUM ANALYZE").execute(&pool).await.unwrap();
    }
    let open = FindingFilter {
        states: vec![FindingState::Open],
        suppressed: Some(false),
        severities: vec![Severity::Critical, Severity::High],
        ..FindingFilter::default()
    };
    let cases = [
        (FindingFilter::default(), FindingSort::Severity, "finding_by_attention"),
        (FindingFilter::default(), FindingSort::LastSeen, "finding_by_last_seen"),
        (FindingFilter::default(), FindingSort::Package, "finding_by_package"),
        (open.clone(), FindingSort::Risk, "finding_by_risk"),
        (FindingFilter::default(), FindingSort::Risk, "finding_by_risk"),
        (open, FindingSort::Severity, "finding_open_by_attention"),
    ];
    for (filter, sort, index) in cases {
        let first = store.findings(&tenant(), &filter, sort, &page(50)).await.unwrap();
        for request in [page(50), PageRequest { cursor: first.next.clone(), limit: 50 }] {
            let plan = store.explain_findings(&tenant(), &filter, sort, &request).await.unwrap().join("\n");
            assert!(plan.contains(index), "{sort:?} {filter:?}\n{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
