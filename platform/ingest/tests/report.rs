//! One report in every outgoing format: what a reader of each format relies on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it like the test itself"
)]

use ingest::{cyclonedx, sarif, spdx};
use model::{
    AdvisoryData, AnalyzerCoverage, Confidence, Coverage, Cvss, Digest, EcosystemCoverage, Epss, Evidence,
    FeedRecord, Finding, FindingClass, Fix, FixState, Gap, GapCode, Kev, OperatingSystem, Package,
    PackageRef, PackageType, ScanReport, Severity, SourcePackage, Suppression, Target, TargetKind,
};
use serde_json::Value;

fn evidence(path: &str, inner: Option<&str>) -> Vec<Evidence> {
    vec![Evidence {
        path: path.into(),
        inner: inner.map(Into::into),
        method: "dpkg-status".into(),
        confidence: Confidence::High,
        plugin: None,
        line: None,
    }]
}

fn report() -> ScanReport {
    let os = OperatingSystem {
        id: "debian".into(),
        version: Some("12".into()),
        codename: Some("bookworm".into()),
        like: vec![],
        pretty_name: Some("Debian GNU/Linux 12 (bookworm)".into()),
    };
    let source = SourcePackage { name: "openssl".into(), version: None };
    let purl =
        model::purl::purl(PackageType::Deb, "libssl3", "3.0.11-1", Some("amd64"), Some(&source), Some(&os));
    let ssl = Package {
        kind: PackageType::Deb,
        name: "libssl3".into(),
        version: "3.0.11-1".into(),
        arch: Some("amd64".into()),
        purl,
        source: Some(source),
        licenses: vec!["Apache-2.0".into(), "a \"free\" licence".into()],
        owner: None,
        evidence: evidence("var/lib/dpkg/status", None),
    };
    let jar = Package {
        kind: PackageType::Maven,
        name: "org.a:b".into(),
        version: "1".into(),
        arch: None,
        purl: "pkg:maven/org.a/b@1".into(),
        source: None,
        licenses: vec![],
        owner: None,
        evidence: evidence("opt/app [1].jar", Some("lib/b.jar")),
    };
    let finding = |key: &str, rule: &str, package: &Package, severity| Finding {
        key: key.into(),
        class: FindingClass::Vulnerability,
        rule: rule.into(),
        ids: vec![rule.into(), "GHSA-aaaa-bbbb-cccc".into()],
        title: "A [link](https://x) of {0} <b>".into(),
        description: "Long\ntext".into(),
        severity,
        severity_source: "GHSA-aaaa-bbbb-cccc CVSS 3.1".into(),
        cvss: vec![Cvss {
            version: "3.1".into(),
            vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into(),
            score: 9.8,
            source: "GHSA-aaaa-bbbb-cccc".into(),
        }],
        kev: Some(Kev { added: "2024-01-02".into(), due: None, ransomware: true }),
        epss: Some(Epss { score: 0.5, percentile: 0.9 }),
        package: Some(PackageRef {
            kind: package.kind,
            name: package.name.clone(),
            version: package.version.clone(),
            purl: package.purl.clone(),
            source: package.source.clone(),
        }),
        fix: Fix { state: FixState::Fixed, versions: vec!["3.0.13-1".into()] },
        evidence: package.evidence.clone(),
        records: vec![FeedRecord {
            id: "DEBIAN-CVE".into(),
            ecosystem: "Debian:12".into(),
            package: "openssl".into(),
            modified: "2024-01-01T00:00:00Z".into(),
            reason: "3.0.11-1 < 3.0.13-1".into(),
        }],
        references: vec!["javascript:alert(1)".into(), "https://example.org/advisory".into()],
        proof: None,
        suppressed: None,
    };
    let mut second = finding("k2", "CVE-2024-0001", &jar, Severity::Medium);
    second.suppressed = Some(Suppression { code: "disputed".into(), reason: "The vendor disagrees.".into() });
    second.fix = Fix { state: FixState::Unknown, versions: vec![] };
    let mut secret = finding("k3", "private-key", &jar, Severity::High);
    secret.class = FindingClass::Secret;
    secret.package = None;
    ScanReport {
        schema: 1,
        findings: vec![finding("k1", "CVE-2024-0001", &ssl, Severity::Critical), secret, second],
        os: Some(os),
        packages: vec![ssl, jar],
        coverage: Coverage {
            complete: false,
            analyzers: vec![AnalyzerCoverage {
                plugin: "palisade.x".into(),
                version: "1".into(),
                digest: "sha256:00".into(),
            }],
            advisories: Some(AdvisoryData { source: "s".into(), as_of: "2024".into(), digest: "d".into() }),
            ecosystems: vec![EcosystemCoverage { ecosystem: "Debian:12".into(), packages: 1, records: 2 }],
            gaps: vec![Gap {
                code: GapCode::Corrupt,
                subject: "opt/x".into(),
                reason: "It ends early.".into(),
            }],
        },
    }
}

fn target() -> Target {
    Target {
        kind: TargetKind::Image,
        reference: "registry.example/app:1".into(),
        digest: Some(Digest::from_sha256([7; 32])),
        platform: Some("linux/amd64".into()),
        layers: vec![Digest::from_sha256([8; 32])],
    }
}

fn at() -> jiff::Timestamp {
    "2026-11-22T10:00:00.5Z".parse().unwrap()
}

fn parse(text: &str) -> Value {
    assert!(text.ends_with("}\n"));
    serde_json::from_str(text).unwrap()
}

#[test]
fn sarif_says_where_how_bad_and_what_was_not_seen() {
    let log = parse(&sarif::write(&report(), Some(&target())));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(
        (rules.len(), &rules[0]["id"], &rules[1]["id"]),
        (2, &"CVE-2024-0001".into(), &"private-key".into())
    );
    assert_eq!(rules[0]["properties"]["security-severity"], "9.8");
    assert_eq!(rules[0]["helpUri"], "https://example.org/advisory");
    let results = run["results"].as_array().unwrap();
    let levels: Vec<&str> = results.iter().map(|result| result["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "error", "warning"]);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], rules[index]["id"]);
    }
    assert_eq!(results[0]["partialFingerprints"]["palisadeFindingKey/v1"], "k1");
    assert_eq!(
        results[0]["message"]["text"],
        "libssl3 3.0.11-1: A \\[link\\](https://x) of {{0}} <b> (fixed in 3.0.13-1)"
    );
    let place = &results[2]["locations"][0];
    assert_eq!(place["physicalLocation"]["artifactLocation"]["uri"], "opt/app%20%5B1%5D.jar");
    assert_eq!(results[2]["suppressions"][0]["justification"], "disputed: The vendor disagrees.");
    let notes = &run["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notes[0]["descriptor"]["id"], "corrupt");
}

#[test]
fn cyclonedx_links_vulnerabilities_to_components_and_admits_gaps() {
    let bom = parse(&cyclonedx::write(&report(), Some(&target()), Some(at())));
    assert_eq!(bom["metadata"]["timestamp"], "2026-11-22T10:00:00Z");
    assert_eq!(bom["compositions"][0]["aggregate"], "incomplete");
    let ids: Vec<&Value> =
        bom["components"].as_array().unwrap().iter().map(|each| &each["bom-ref"]).collect();
    let vulnerabilities = bom["vulnerabilities"].as_array().unwrap();
    assert_eq!((ids.len(), vulnerabilities.len()), (3, 2));
    for vulnerability in vulnerabilities {
        assert!(ids.contains(&&vulnerability["affects"][0]["ref"]));
    }
    assert_eq!(vulnerabilities[0]["ratings"][1]["method"], "CVSSv31");
    assert_eq!(vulnerabilities[0]["recommendation"], "Upgrade libssl3 to 3.0.13-1.");
    assert_eq!(vulnerabilities[1]["analysis"]["state"], "in_triage");
    let licenses = &bom["components"][1]["licenses"];
    assert_eq!(
        (&licenses[0]["license"]["id"], &licenses[1]["license"]["name"]),
        (&"Apache-2.0".into(), &"a \"free\" licence".into())
    );
}

#[test]
fn spdx_describes_the_target_and_references_unknown_licences() {
    let bom = parse(&spdx::write(&report(), Some(&target()), Some(at())));
    assert_eq!(bom["creationInfo"]["created"], "2026-11-22T10:00:00Z");
    let packages = bom["packages"].as_array().unwrap();
    assert_eq!((packages.len(), &packages[0]["primaryPackagePurpose"]), (4, &"CONTAINER".into()));
    let declared = packages[2]["licenseDeclared"].as_str().unwrap();
    let reference = declared.strip_prefix("Apache-2.0 AND ").unwrap();
    assert_eq!(bom["hasExtractedLicensingInfos"][0]["licenseId"], reference);
    assert_eq!(bom["relationships"].as_array().unwrap().len(), 4);
}

#[test]
fn the_same_report_is_the_same_file_and_another_has_another_number() {
    let (report, target) = (report(), target());
    let write = |target| (cyclonedx::write(&report, target, None), spdx::write(&report, target, None));
    assert_eq!(write(Some(&target)), write(Some(&target)));
    let (one, other) = (write(Some(&target)), write(None));
    assert_ne!(parse(&one.0)["serialNumber"], parse(&other.0)["serialNumber"]);
    assert_ne!(parse(&one.1)["documentNamespace"], parse(&other.1)["documentNamespace"]);
}
