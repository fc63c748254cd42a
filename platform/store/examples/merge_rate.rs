//! How fast findings merge, durably: `merge_rate URL…`, each an empty database. Prints one line per database and step.
//!
//! Without a URL it uses a SQLite file in a temporary directory.

use std::time::Instant;

use jiff::Timestamp;
use model::{
    AdvisoryData, AssetId, Confidence, Coverage, Evidence, FeedRecord, Finding, FindingClass, Fix, FixState,
    Package, PackageRef, PackageType, ScanReport, Severity, Target, TargetKind, TenantId, finding_key,
};
use store::{
    Applied, FindingFilter, FindingSort, NewScan, PageRequest, ScanOutcome, ScanRequest, Store, StoreError,
};
use uuid::Uuid;

/// Findings of the measured image.
const FINDINGS: usize = 10_000;

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let directory = tempfile::tempdir().ok();
    let mut urls: Vec<String> = std::env::args().skip(1).collect();
    if let (true, Some(directory)) = (urls.is_empty(), &directory) {
        urls.push(format!("sqlite:{}", directory.path().join("store.db").display()));
    }
    for url in &urls {
        measure(url).await?;
    }
    Ok(())
}

async fn measure(url: &str) -> Result<(), StoreError> {
    let name = url.split(':').next().unwrap_or_default();
    let store = Store::connect(url).await?;
    let findings: Vec<Finding> = (0..FINDINGS).map(finding).collect();
    let half: Vec<Finding> = findings.iter().take(FINDINGS / 2).cloned().collect();
    let worse: Vec<Finding> =
        findings.iter().map(|f| Finding { severity: Severity::Critical, ..f.clone() }).collect();
    let steps = [
        ("new", findings.clone()),
        ("identical", findings.clone()),
        ("all changed", worse),
        ("half fixed", half),
        ("half reopened", findings),
    ];
    for (step, findings) in steps {
        let seconds = merge(&store, findings).await?;
        let rate = FINDINGS as f64 / seconds;
        println!("{name:9} {step:14} {FINDINGS} findings in {seconds:6.3} s, {rate:8.0}/s");
    }
    let started = Instant::now();
    let rounds = 100;
    for _ in 0..rounds {
        let page = PageRequest { cursor: None, limit: 50 };
        store
            .findings(&TenantId::default_tenant(), &FindingFilter::default(), FindingSort::Severity, &page)
            .await?;
    }
    println!(
        "{name:9} page of 50      {:6.3} ms",
        started.elapsed().as_secs_f64() * 1_000.0 / f64::from(rounds)
    );
    let started = Instant::now();
    store.facets(&TenantId::default_tenant(), &FindingFilter::default()).await?;
    println!("{name:9} facets          {:6.3} ms", started.elapsed().as_secs_f64() * 1_000.0);
    store.close().await;
    Ok(())
}

async fn merge(store: &Store, findings: Vec<Finding>) -> Result<f64, StoreError> {
    let (tenant, id, at) = (TenantId::default_tenant(), Uuid::now_v7(), Timestamp::now());
    let request =
        ScanRequest { kind: TargetKind::Image, reference: "registry.example/app".into(), platform: None };
    store.submit_scan(&tenant, &NewScan { id, idempotency_key: None, request, at }).await?;
    let outcome = ScanOutcome {
        target: Target {
            kind: TargetKind::Image,
            reference: "registry.example/app".into(),
            digest: None,
            platform: None,
            layers: vec![],
        },
        asset: AssetId(format!("sha256:{}", "0a".repeat(32))),
        aliases: vec!["registry.example/app".into()],
        report: ScanReport {
            schema: 1,
            os: None,
            packages: (0..1_000).map(package).collect(),
            findings,
            coverage: Coverage { advisories: Some(AdvisoryData::default()), ..Coverage::default() },
        },
        scope: None,
    };
    let started = Instant::now();
    let done = store.finish_scan(&tenant, id, &id.to_string(), &outcome, at).await?;
    let seconds = started.elapsed().as_secs_f64();
    assert!(matches!(done, Applied::Applied(_)), "the scan was new");
    Ok(seconds)
}

fn package(number: usize) -> Package {
    Package {
        kind: PackageType::Deb,
        name: format!("package-{number}"),
        version: "1.2.3-4+deb12u1".into(),
        arch: Some("amd64".into()),
        purl: format!("pkg:deb/debian/package-{number}@1.2.3-4%2Bdeb12u1?arch=amd64&distro=debian-12"),
        source: None,
        licenses: vec!["GPL-2.0-or-later".into()],
        owner: None,
        evidence: vec![evidence()],
    }
}

fn evidence() -> Evidence {
    Evidence {
        path: "var/lib/dpkg/status".into(),
        inner: None,
        method: "dpkg-status".into(),
        confidence: Confidence::High,
        plugin: None,
        line: None,
    }
}

/// As large as a finding from OSV usually is: about two kilobytes.
fn finding(number: usize) -> Finding {
    let package = package(number % 1_000);
    let rule = format!("CVE-2024-{number}");
    Finding {
        key: finding_key(FindingClass::Vulnerability, &rule, &["deb", &package.name]),
        class: FindingClass::Vulnerability,
        ids: vec![rule.clone(), format!("DEBIAN-{rule}"), format!("GHSA-{number}")],
        title: format!("{rule} in {}", package.name),
        description: "A heap overflow in the parser lets a remote attacker run code. ".repeat(12),
        severity: Severity::ALL.get(number % 7).copied().unwrap_or_default(),
        severity_source: "NVD CVSS 3.1".into(),
        cvss: vec![],
        kev: None,
        epss: None,
        fix: Fix { state: FixState::Fixed, versions: vec!["1.2.3-4+deb12u2".into()] },
        evidence: vec![evidence()],
        records: vec![FeedRecord {
            id: format!("DEBIAN-{rule}"),
            ecosystem: "Debian:12".into(),
            package: package.name.clone(),
            modified: "2026-01-01T00:00:00Z".into(),
            reason: "1.2.3-4+deb12u1 is below 1.2.3-4+deb12u2 in the order of dpkg.".into(),
        }],
        references: (0..6).map(|n| format!("https://advisories.example/{rule}/{n}")).collect(),
        proof: None,
        suppressed: None,
        package: Some(PackageRef {
            kind: package.kind,
            name: package.name,
            version: package.version,
            purl: package.purl,
            source: None,
        }),
        rule,
    }
}
