//! The sample set under `tests/fixtures/advisories`, and the real feeds beside the checkout, read by the product's own code.

use std::path::{Path, PathBuf};

use model::{GapCode, OperatingSystem, Package, PackageType, Severity, SourcePackage};

use crate::{BuildReport, Index, Judgement, Origin, build_index, judge};

fn build(inputs: &[PathBuf], folder: &Path) -> (Index, BuildReport) {
    let path = folder.join("x.index");
    let origin = Origin { source: "built-in sample".into(), sample: true };
    let report = build_index(inputs, &origin, &path).unwrap();
    (Index::open(&path).unwrap(), report)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/advisories")
}

fn package(kind: PackageType, name: &str, version: &str, source: Option<&str>) -> Package {
    Package {
        kind,
        name: name.into(),
        version: version.into(),
        arch: None,
        purl: String::new(),
        source: source.map(|name| SourcePackage { name: name.into(), version: None }),
        licenses: vec![],
        owner: None,
        evidence: vec![],
    }
}

fn os(id: &str, version: &str) -> OperatingSystem {
    OperatingSystem {
        id: id.into(),
        version: Some(version.into()),
        codename: None,
        like: vec![],
        pretty_name: None,
    }
}

fn lines(judgement: &Judgement) -> Vec<String> {
    judgement
        .findings
        .iter()
        .map(|f| {
            format!(
                "{} {} {} -> {}",
                f.package.as_ref().unwrap().name,
                f.rule,
                f.severity,
                f.fix.versions.join(",")
            )
        })
        .collect()
}

#[test]
fn every_record_of_the_sample_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let (index, report) = build(&[fixtures()], folder.path());
    assert_eq!(report.skipped_first, []);
    assert_eq!((report.used, report.packages_left_out), (284, 0));
    assert!(index.info().sample && report.kev > 10 && report.epss > 10);
    index.verify().unwrap();
    for ecosystem in [
        "Debian:12",
        "Debian:11",
        "Alpine:v3.18",
        "AlmaLinux:9",
        "Ubuntu:22.04:LTS",
        "PyPI",
        "npm",
        "Maven",
        "Go",
        "crates.io",
        "RubyGems",
        "Packagist",
        "NuGet",
    ] {
        assert!(index.info().ecosystems.contains_key(ecosystem), "{ecosystem}");
    }
}

#[test]
fn an_old_alpine_root_has_its_known_vulnerabilities() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = build(&[fixtures()], folder.path());
    let apk = |name, version, origin| package(PackageType::Apk, name, version, Some(origin));
    let packages = [
        apk("busybox", "1.36.1-r0", "busybox"),
        apk("ssl_client", "1.36.1-r0", "busybox"),
        apk("libcrypto3", "3.1.4-r4", "openssl"),
        apk("musl", "1.2.4-r0", "musl"),
        apk("zlib", "1.2.13-r1", "zlib"),
    ];
    let judgement = judge(Some(&index), Some(&os("alpine", "3.18.0")), &packages);
    assert_eq!(
        lines(&judgement),
        [
            "busybox CVE-2022-48174 critical -> 1.36.1-r1",
            "ssl_client CVE-2022-48174 critical -> 1.36.1-r1",
            "musl CVE-2025-26519 high -> 1.2.4-r3",
            "libcrypto3 CVE-2024-0727 medium -> 3.1.4-r5",
            "libcrypto3 CVE-2024-2511 medium -> 3.1.4-r6",
        ]
    );
}

#[test]
fn log4shell_is_found_once_with_everything_known_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = build(&[fixtures()], folder.path());
    let core = package(PackageType::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1", None);
    let judgement = judge(Some(&index), None, &[core]);
    let finding = judgement.findings.iter().find(|f| f.rule == "CVE-2021-44228").unwrap();
    assert_eq!(finding.ids, ["CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q"]);
    assert_eq!((finding.severity, finding.cvss[0].score), (Severity::Critical, 10.0));
    assert_eq!(finding.fix.versions, ["2.15.0"]);
    assert!(finding.kev.as_ref().unwrap().ransomware && finding.epss.is_some());
}

#[test]
fn a_current_debian_root_shows_what_debian_leaves_open() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = build(&[fixtures()], folder.path());
    let packages = [
        package(PackageType::Deb, "zlib1g", "1:1.2.13.dfsg-1", Some("zlib")),
        package(PackageType::Deb, "libc6", "2.36-9+deb12u14", Some("glibc")),
        package(PackageType::Deb, "liblzma5", "5.4.1-0.2", Some("xz-utils")),
    ];
    let judgement = judge(Some(&index), Some(&os("debian", "12")), &packages);
    let found = lines(&judgement);
    assert!(found.contains(&"zlib1g CVE-2023-45853 critical -> ".to_owned()), "{found:#?}");
    assert!(
        !found.iter().any(|line| line.contains("CVE-2023-4911") || line.contains("CVE-2024-3094")),
        "{found:#?}"
    );
    assert!(judgement.gaps.iter().all(|gap| gap.code != GapCode::NoAdvisories));
}

#[test]
fn the_real_feeds_are_read_whole() {
    let Some(feeds) = crate::shared::folder("data/osv") else { return };
    let Some(kev) = crate::shared::folder("data/kev") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (index, report) = build(&[feeds, kev], folder.path());
    let commits_only = |skipped: &crate::index::Skipped| skipped.reason.contains("version range");
    assert!(report.skipped < 100 && report.skipped_first.iter().all(commits_only), "{report:#?}");
    assert!(report.used > 25_000 && report.kev > 1000 && report.withdrawn > 200, "{report:?}");
    index.verify().unwrap();
    let django = package(PackageType::Pypi, "Django", "2.2.0", None);
    let judgement = judge(Some(&index), None, &[django]);
    assert!(judgement.findings.len() > 30, "{}", judgement.findings.len());
    for finding in &judgement.findings {
        assert!(finding.rule.starts_with("CVE-"), "{} has no CVE", finding.rule);
        assert!(!finding.records.is_empty() && !finding.title.is_empty());
    }
    let rules: std::collections::BTreeSet<&str> =
        judgement.findings.iter().map(|f| f.rule.as_str()).collect();
    assert_eq!(rules.len(), judgement.findings.len(), "one finding per vulnerability");
}
