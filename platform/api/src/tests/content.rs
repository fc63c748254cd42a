//! Things to look at: plugins and finished scans.

use jiff::Timestamp;
use model::{
    AdvisoryData, AnalyzerCoverage, AssetId, Confidence, Coverage, Cvss, Epss, Evidence, FeedRecord, Finding,
    FindingClass, Fix, FixState, Gap, GapCode, Kev, OperatingSystem, Package, PackageRef, PackageType,
    ScanReport, Severity, SourcePackage, Suppression, Target, TargetKind, TenantId, finding_key,
};
use store::{NewScan, ScanOutcome, ScanRequest, Store};
use uuid::Uuid;

use crate::dto::{
    AskedCapability, FaultCount, LastFault, Magic, Plugin, PluginComparison, PluginCost, PluginInterest,
    PluginLog, PluginRule, PluginState, PluginVersion,
};

/// One rule that a test proves, and one that none does.
pub(crate) fn attack_map() -> std::sync::Arc<attack::Map> {
    let rule = |name: &str, id: &str, told| attack::RuleProof {
        rule: name.to_owned(),
        file: "aws.yml".to_owned(),
        source: "cloudtrail".to_owned(),
        techniques: [id.to_owned()].into(),
        told,
        silent: 1,
        failed: 0,
    };
    std::sync::Arc::new(attack::Map::new([rule("proved", "T1552.007", 1), rule("never-told", "T1580", 0)]))
}

pub(crate) fn plugin(id: &str) -> Plugin {
    Plugin {
        id: id.to_owned(),
        version: "1.0.0".to_owned(),
        publisher: "Test".to_owned(),
        license: "Apache-2.0".to_owned(),
        description: "Finds things.".to_owned(),
        digest: format!("sha256:{}", "00".repeat(32)),
        kinds: vec!["image-analyzer".to_owned()],
        state: PluginState::Ready,
        asked: vec![AskedCapability {
            capability: "http".to_owned(),
            why: "asks".to_owned(),
            rights: vec!["http GET api.example.org/v1/**".to_owned()],
        }],
        granted: vec![],
        limits: [("memory_mib".to_owned(), 64)].into(),
        contract: "0.1.0".to_owned(),
        calls: 3,
        cost: PluginCost { latency_p50_us: 12, latency_p99_us: 25, ..PluginCost::default() },
        capability_calls: [("http".to_owned(), 2)].into(),
        denials: 2,
        logs: vec![PluginLog { level: "warn".to_owned(), message: "odd".to_owned() }],
        faults: vec![FaultCount { kind: "memory".to_owned(), count: 1 }],
        last_fault: Some(LastFault { kind: "memory".to_owned(), message: "too much".to_owned(), at: None }),
        interests: vec![PluginInterest {
            name: "elf".to_owned(),
            magic: vec![Magic { offset: 0, bytes: "7f454c46".to_owned() }],
            size_max: Some(1 << 20),
            ..PluginInterest::default()
        }],
        rules: vec![PluginRule { id: "r".to_owned(), title: "t".to_owned(), severity: "high".to_owned() }],
        source: "built-in".to_owned(),
        versions: vec![PluginVersion {
            digest: format!("sha256:{}", "11".repeat(32)),
            version: "1.1.0".to_owned(),
            state: "canary".to_owned(),
            source: "registry.example/team/plugin:1.1.0".to_owned(),
            signers: vec!["ci".to_owned()],
            installed_at: Timestamp::UNIX_EPOCH,
            note: None,
            asked: vec![],
            added: vec![],
            removed: vec!["advisories".to_owned()],
            canary: Some(PluginComparison {
                calls: 2,
                same: 1,
                faults: 0,
                added: vec!["finding r".to_owned()],
                removed: vec![],
            }),
        }],
    }
}

/// Names of the findings in [`report`], with what makes each different.
pub(crate) const RULES: [(&str, Severity, &str); 5] = [
    ("CVE-2024-0001", Severity::Critical, "openssl"),
    ("CVE-2024-0002", Severity::High, "openssl"),
    ("CVE-2024-0003", Severity::High, "zlib"),
    ("CVE-2024-0004", Severity::Low, "bash"),
    ("CVE-2024-0005", Severity::Unknown, "tar"),
];

/// A report with five findings: the first known to be exploited and fixable, the last suppressed.
pub(crate) fn report() -> ScanReport {
    ScanReport {
        schema: 1,
        os: Some(OperatingSystem {
            id: "debian".to_owned(),
            version: Some("12".to_owned()),
            codename: None,
            like: vec![],
            pretty_name: Some("Debian 12".to_owned()),
        }),
        packages: ["bash", "openssl", "tar", "zlib"].map(package).into(),
        findings: RULES.iter().map(|(rule, severity, name)| finding(rule, *severity, name)).collect(),
        coverage: Coverage {
            complete: false,
            analyzers: vec![AnalyzerCoverage {
                plugin: "palisade.image-packages".to_owned(),
                version: "0.1.0".to_owned(),
                digest: format!("sha256:{}", "11".repeat(32)),
            }],
            advisories: Some(AdvisoryData {
                source: "sample".to_owned(),
                as_of: "2026-11-01".to_owned(),
                digest: "d".to_owned(),
            }),
            ecosystems: vec![],
            gaps: vec![Gap {
                code: GapCode::SizeLimit,
                subject: "var/big".to_owned(),
                reason: "larger than the cap".to_owned(),
            }],
        },
    }
}

fn package(name: &str) -> Package {
    Package {
        kind: PackageType::Deb,
        name: name.to_owned(),
        version: "1.0-1".to_owned(),
        arch: Some("amd64".to_owned()),
        purl: format!("pkg:deb/debian/{name}@1.0-1"),
        source: None,
        licenses: vec!["MIT".to_owned()],
        owner: None,
        evidence: vec![evidence()],
    }
}

fn evidence() -> Evidence {
    Evidence {
        path: "var/lib/dpkg/status".to_owned(),
        inner: None,
        method: "dpkg-status".to_owned(),
        confidence: Confidence::High,
        plugin: None,
        line: None,
    }
}

fn finding(rule: &str, severity: Severity, name: &str) -> Finding {
    let first = rule.ends_with('1');
    Finding {
        key: finding_key(FindingClass::Vulnerability, rule, &["deb", name]),
        class: FindingClass::Vulnerability,
        rule: rule.to_owned(),
        ids: vec![rule.to_owned()],
        title: format!("{name} has a hole"),
        description: "A hole.".to_owned(),
        severity,
        severity_source: "GHSA CVSS 3.1".to_owned(),
        cvss: vec![Cvss {
            version: "3.1".to_owned(),
            vector: "CVSS:3.1/AV:N".to_owned(),
            score: 9.8,
            source: "GHSA".to_owned(),
        }],
        kev: first.then(|| Kev { added: "2024-05-01".to_owned(), due: None, ransomware: false }),
        epss: first.then_some(Epss { score: 0.9, percentile: 0.99 }),
        package: Some(PackageRef {
            kind: PackageType::Deb,
            name: name.to_owned(),
            version: "1.0-1".to_owned(),
            purl: format!("pkg:deb/debian/{name}@1.0-1"),
            source: Some(SourcePackage { name: format!("src-{name}"), version: None }),
        }),
        fix: Fix {
            state: if first { FixState::Fixed } else { FixState::NotFixed },
            versions: if first { vec!["1.0-2".to_owned()] } else { vec![] },
        },
        evidence: vec![evidence()],
        records: vec![FeedRecord {
            id: format!("DEBIAN-{rule}"),
            ecosystem: "Debian:12".to_owned(),
            package: name.to_owned(),
            modified: "2026-11-01".to_owned(),
            reason: "1.0-1 is lower than 1.0-2".to_owned(),
        }],
        references: vec!["https://example.org/a".to_owned()],
        proof: None,
        suppressed: (severity == Severity::Unknown)
            .then(|| Suppression { code: "disputed".to_owned(), reason: "it is none".to_owned() }),
    }
}

/// Accepts a scan of an image.
pub(crate) async fn submit(store: &Store, tenant: &TenantId, reference: &str) -> Uuid {
    let request = ScanRequest { kind: TargetKind::Image, reference: reference.to_owned(), platform: None };
    let new = NewScan { id: Uuid::now_v7(), idempotency_key: None, request, at: Timestamp::now() };
    store.submit_scan(tenant, &new).await.unwrap().scan.id
}

/// Finishes a scan with [`report`] about an asset.
pub(crate) async fn finish(store: &Store, tenant: &TenantId, scan: Uuid, asset: &str) {
    store.start_scan(tenant, scan, Timestamp::now()).await.unwrap();
    let outcome = ScanOutcome {
        target: Target {
            kind: TargetKind::Image,
            reference: "registry.example/app:1".to_owned(),
            digest: None,
            platform: Some("linux/amd64".to_owned()),
            layers: vec![],
        },
        asset: AssetId(asset.to_owned()),
        aliases: vec![format!("registry.example/app:1-{}", asset.len())],
        report: report(),
        scope: None,
    };
    store.finish_scan(tenant, scan, &format!("message-{scan}"), &outcome, Timestamp::now()).await.unwrap();
}

/// A finished scan of an asset.
pub(crate) async fn scanned(store: &Store, tenant: &TenantId, asset: &str) -> Uuid {
    let scan = submit(store, tenant, "registry.example/app:1").await;
    finish(store, tenant, scan, asset).await;
    scan
}

/// A pack that only says what would be in it: keys are not the API's.
pub(crate) fn evidence_pack(
    assessments: &[evidence::Assessment],
    exceptions: &evidence::Exceptions,
) -> Result<Vec<u8>, evidence::EvidenceError> {
    Ok(format!("{} assessments, {} exceptions", assessments.len(), exceptions.all().len()).into_bytes())
}

/// A door behind which lines are events: `busy` finds no room, and what is empty cannot be read.
pub(crate) fn received(received: &crate::Received) -> Result<crate::Receipt, crate::DoorRefusal> {
    let text = String::from_utf8_lossy(&received.body);
    match text.as_ref() {
        "busy" => Err(crate::DoorRefusal::Busy { why: "it is busy".to_owned() }),
        "" => Err(crate::DoorRefusal::Undecodable {
            problems: vec![crate::ElementProblem { index: 0, message: "it is empty".to_owned() }],
        }),
        text => Ok(crate::Receipt {
            events: text.lines().count() as u64,
            health: 0,
            problems: Vec::new(),
            problems_total: 0,
        }),
    }
}
