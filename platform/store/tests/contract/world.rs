//! What the tests are about: a store, scans to run through it, reports to finish them with.

use jiff::{SignedDuration, Timestamp};
use model::{
    AdvisoryData, AssetId, Confidence, Coverage, Evidence, FeedRecord, Finding, FindingClass, Fingerprint,
    Fix, FixState, Gap, GapCode, OperatingSystem, Package, PackageRef, PackageType, ScanReport, Severity,
    Target, TargetKind, TenantId, finding_key,
};
use store::{Applied, FindingFilter, NewScan, PageRequest, ScanOutcome, ScanRequest, Store, Summary};
use uuid::Uuid;

/// Seconds after an arbitrary moment.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn tenant() -> TenantId {
    TenantId::default_tenant()
}

pub(crate) fn image(number: u8) -> AssetId {
    AssetId(format!("sha256:{}", format!("{number:02x}").repeat(32)))
}

pub(crate) fn request(reference: &str) -> ScanRequest {
    ScanRequest { kind: TargetKind::Image, reference: reference.to_owned(), platform: None }
}

pub(crate) fn page(limit: u32) -> PageRequest {
    PageRequest { cursor: None, limit }
}

pub(crate) fn finding(rule: &str, package: &str, severity: Severity) -> Finding {
    Finding {
        key: finding_key(FindingClass::Vulnerability, rule, &["deb", package]),
        class: FindingClass::Vulnerability,
        rule: rule.to_owned(),
        ids: vec![rule.to_owned()],
        title: format!("{rule} in {package}"),
        description: "A sentence.".repeat(10),
        severity,
        severity_source: "test".into(),
        cvss: vec![],
        kev: None,
        epss: None,
        package: Some(PackageRef {
            kind: PackageType::Deb,
            name: package.to_owned(),
            version: "1.0-1".into(),
            purl: format!("pkg:deb/debian/{package}@1.0-1"),
            source: None,
        }),
        fix: Fix { state: FixState::NotFixed, versions: vec![] },
        evidence: vec![Evidence {
            path: "var/lib/dpkg/status".into(),
            inner: None,
            method: "dpkg-status".into(),
            confidence: Confidence::High,
            plugin: None,
            line: None,
        }],
        records: vec![FeedRecord {
            id: format!("DEBIAN-{rule}"),
            ecosystem: "Debian:12".into(),
            package: package.to_owned(),
            modified: "2026-01-01T00:00:00Z".into(),
            reason: "1.0-1 is below 1.0-2".into(),
        }],
        references: vec![],
        proof: None,
        suppressed: None,
    }
}

pub(crate) fn package(name: &str) -> Package {
    Package {
        kind: PackageType::Deb,
        name: name.to_owned(),
        version: "1.0-1".into(),
        arch: Some("amd64".into()),
        purl: format!("pkg:deb/debian/{name}@1.0-1"),
        source: None,
        licenses: vec![],
        owner: None,
        evidence: vec![],
    }
}

/// A complete report with these findings, and a package for each.
pub(crate) fn report(findings: Vec<Finding>) -> ScanReport {
    let names = findings.iter().filter_map(|finding| finding.package.as_ref());
    ScanReport {
        schema: 1,
        os: Some(OperatingSystem {
            id: "debian".into(),
            version: Some("12".into()),
            codename: None,
            like: vec![],
            pretty_name: None,
        }),
        packages: names.map(|found| package(&found.name)).collect(),
        findings,
        coverage: Coverage {
            complete: true,
            advisories: Some(AdvisoryData::default()),
            ..Coverage::default()
        },
    }
}

pub(crate) fn with_gap(mut report: ScanReport, code: GapCode, subject: &str) -> ScanReport {
    report.coverage.complete = false;
    report.coverage.gaps.push(Gap { code, subject: subject.into(), reason: "test".into() });
    report
}

pub(crate) fn outcome(asset: &AssetId, report: ScanReport) -> ScanOutcome {
    ScanOutcome {
        target: Target {
            kind: TargetKind::Image,
            reference: format!("registry.example/app-{}", &asset.0[7..9]),
            digest: None,
            platform: Some("linux/amd64".into()),
            layers: vec![],
        },
        asset: asset.clone(),
        aliases: vec![],
        report,
        scope: None,
    }
}

pub(crate) async fn submit(store: &Store, tenant: &TenantId, seconds: i64) -> Uuid {
    let new =
        NewScan { id: Uuid::now_v7(), idempotency_key: None, request: request("app:1"), at: at(seconds) };
    store.submit_scan(tenant, &new).await.unwrap().scan.id
}

/// Ends a scan with this report and demands that it counted.
pub(crate) async fn finish(
    store: &Store,
    id: Uuid,
    asset: &AssetId,
    report: ScanReport,
    seconds: i64,
) -> Summary {
    let done = store
        .finish_scan(&tenant(), id, &format!("m-{id}"), &outcome(asset, report), at(seconds))
        .await
        .unwrap();
    match done {
        Applied::Applied(summary) => summary,
        Applied::AlreadyApplied => panic!("scan {id} was applied before"),
    }
}

/// Submits and finishes a scan.
pub(crate) async fn scan(store: &Store, asset: &AssetId, report: ScanReport, seconds: i64) -> Summary {
    let id = submit(store, &tenant(), seconds).await;
    finish(store, id, asset, report, seconds).await
}

pub(crate) fn fingerprint(asset: &AssetId, finding: &Finding) -> Fingerprint {
    Fingerprint::new(&tenant(), asset, &finding.key)
}

/// The transitions of a finding, in order.
pub(crate) async fn story(store: &Store, asset: &AssetId, finding: &Finding) -> Vec<&'static str> {
    let history = store.history(&tenant(), &fingerprint(asset, finding)).await.unwrap();
    history.iter().map(|event| event.transition.as_str()).collect()
}

pub(crate) async fn state(store: &Store, asset: &AssetId, finding: &Finding) -> &'static str {
    let row = store.finding(&tenant(), &fingerprint(asset, finding)).await.unwrap();
    row.unwrap().stored.state.as_str()
}

/// What counts of every asset is what a list of it shows.
pub(crate) async fn balanced(store: &Store) {
    let assets = store.assets(&tenant(), &Default::default(), Default::default(), &page(100)).await.unwrap();
    for asset in assets.items {
        let filter = FindingFilter {
            states: vec![model::FindingState::Open],
            suppressed: Some(false),
            asset: Some(asset.id.clone()),
            ..FindingFilter::default()
        };
        let mut counted = store::SeverityCounts::default();
        for severity in Severity::ALL {
            let filter = FindingFilter { severities: vec![severity], ..filter.clone() };
            for _ in 0..store.count_findings(&tenant(), &filter).await.unwrap() {
                counted.add(severity);
            }
        }
        let count = async |kev, fixable| {
            store.count_findings(&tenant(), &FindingFilter { kev, fixable, ..filter.clone() }).await.unwrap()
        };
        assert_eq!(asset.findings, counted);
        assert_eq!(
            (asset.kev_open, asset.fixable_open),
            (count(Some(true), None).await, count(None, Some(true)).await)
        );
    }
}
