//! The rules of matching, each as a small feed and the packages that show it.

use std::path::PathBuf;

use model::{
    Confidence, Evidence, FixState, GapCode, OperatingSystem, Package, PackageOwner, PackageType, Severity,
    SourcePackage,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Judgement, judge};
use crate::index::Builder;
use crate::{Index, Origin};

/// An index over the given records, in a folder that is removed with it.
struct Feed {
    index: Index,
    folder: tempfile::TempDir,
}

impl Feed {
    fn new(records: &[Value]) -> Self {
        let mut builder = Builder::new();
        for record in records {
            builder.add_json("test", record.to_string().as_bytes()).unwrap();
        }
        builder.add_kev(crate::exploitation::read_kev(KEV.as_bytes()).unwrap());
        builder.add_epss(crate::exploitation::read_epss(&b"CVE-2024-1,0.5,0.9\n"[..]).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.index");
        builder
            .finish(
                &Origin { source: "test".into(), sample: false },
                &mut std::fs::File::create(&path).unwrap(),
            )
            .unwrap();
        Self { index: Index::open(&path).unwrap(), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("x.index")
    }

    fn judge(&self, os: &OperatingSystem, packages: &[Package]) -> Judgement {
        judge(Some(&self.index), Some(os), packages)
    }
}

const KEV: &str = r#"{"vulnerabilities":[{"cveID":"CVE-2024-1","dateAdded":"2024-02-01","dueDate":"2024-03-01",
    "knownRansomwareCampaignUse":"Known"}]}"#;

/// A record with one affected package below a fixed version; `fixed` empty means open.
fn record(id: &str, ecosystem: &str, name: &str, fixed: &str) -> Value {
    let mut events = vec![json!({"introduced": "0"})];
    if !fixed.is_empty() {
        events.push(json!({"fixed": fixed}));
    }
    json!({"id": id, "modified": "2024-01-01T00:00:00Z", "summary": format!("{id} in {name}"),
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]})
}

fn with(mut record: Value, key: &str, value: Value) -> Value {
    record[key] = value;
    record
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

fn package(kind: PackageType, name: &str, version: &str) -> Package {
    Package {
        kind,
        name: name.into(),
        version: version.into(),
        arch: None,
        purl: model::purl::purl(kind, name, version, None, None, None),
        source: None,
        licenses: vec![],
        owner: None,
        evidence: vec![Evidence {
            path: format!("path/of/{name}"),
            inner: None,
            method: "test".into(),
            confidence: Confidence::High,
            plugin: None,
            line: None,
        }],
    }
}

fn sourced(mut package: Package, name: &str, version: Option<&str>) -> Package {
    package.source = Some(SourcePackage { name: name.into(), version: version.map(str::to_owned) });
    package
}

fn rules(judgement: &Judgement) -> Vec<&str> {
    judgement.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn a_distribution_package_is_judged_by_its_source_and_the_sentence_says_so() {
    let feed = Feed::new(&[with(
        record("DEBIAN-CVE-2024-1", "Debian:12", "openssl", "3.0.15-1"),
        "upstream",
        json!(["CVE-2024-1"]),
    )]);
    let libssl = sourced(package(PackageType::Deb, "libssl3", "3.0.11-1~deb12u2"), "openssl", None);
    let judgement = feed.judge(&os("debian", "12"), &[libssl]);
    let [finding] = judgement.findings.as_slice() else { panic!("{judgement:#?}") };
    assert_eq!(finding.rule, "CVE-2024-1");
    assert_eq!(finding.ids, ["CVE-2024-1", "DEBIAN-CVE-2024-1"]);
    assert_eq!(finding.fix.versions, ["3.0.15-1"]);
    assert_eq!(
        finding.records[0].reason,
        "openssl 3.0.11-1~deb12u2, the source of libssl3, is below the fixed version 3.0.15-1 by the dpkg order."
    );
    assert_eq!(
        finding.kev.as_ref().map(|kev| (kev.added.as_str(), kev.ransomware)),
        Some(("2024-02-01", true))
    );
    assert_eq!(finding.epss.map(|epss| epss.score), Some(0.5));
    assert_eq!(judgement.ecosystems[0].ecosystem, "Debian:12");
    assert!(judgement.gaps.is_empty());
}

#[test]
fn a_binary_rebuild_does_not_hide_the_source_version() {
    let feed = Feed::new(&[record("D-1", "Debian:12", "bash", "5.2.15-3")]);
    let rebuilt = sourced(package(PackageType::Deb, "bash", "5.2.15-2+b13"), "bash", Some("5.2.15-2"));
    assert_eq!(rules(&feed.judge(&os("debian", "12"), &[rebuilt])), ["D-1"]);
    let patched = sourced(package(PackageType::Deb, "libgcc-s1", "12.2.0-14"), "bash", Some("5.2.15-3"));
    assert!(feed.judge(&os("debian", "12"), &[patched]).findings.is_empty());
}

#[test]
fn rebuilds_of_red_hat_are_judged_by_binary_name_with_epochs() {
    let erratum = with(
        with(
            record("ALSA-2024:1", "AlmaLinux:9", "openssl-libs", "1:3.0.7-3.el9"),
            "related",
            json!(["CVE-2024-1", "CVE-2024-2"]),
        ),
        "summary",
        json!("Important: openssl security update"),
    );
    let feed = Feed::new(&[erratum]);
    let libs =
        sourced(package(PackageType::Rpm, "openssl-libs", "1:3.0.7-2.el9"), "openssl", Some("3.0.7-2.el9"));
    let judgement = feed.judge(&os("almalinux", "9.3"), &[libs]);
    assert_eq!(
        rules(&judgement),
        ["CVE-2024-1", "CVE-2024-2"],
        "one finding per vulnerability that the erratum mends"
    );
    assert!(
        judgement
            .findings
            .iter()
            .all(|f| f.severity == Severity::High && f.severity_source == "ALSA-2024:1 severity")
    );
    let without_epoch = package(PackageType::Rpm, "openssl-libs", "3.0.8-1.el9");
    assert_eq!(
        feed.judge(&os("almalinux", "9.3"), &[without_epoch]).findings.len(),
        2,
        "a missing epoch is zero"
    );
    let other = sourced(package(PackageType::Rpm, "openssl-devel", "1:3.0.7-2.el9"), "openssl-libs", None);
    assert!(
        feed.judge(&os("almalinux", "9.3"), &[other]).findings.is_empty(),
        "the feed lists binaries, not sources"
    );
}

#[test]
fn records_of_one_vulnerability_become_one_finding_that_keeps_dissent() {
    let wide = with(
        with(record("GHSA-a", "PyPI", "Flask_Cors", "2.0"), "aliases", json!(["CVE-2024-1"])),
        "database_specific",
        json!({"severity": "CRITICAL"}),
    );
    let narrow = with(record("PYSEC-1", "PyPI", "flask-cors", "1.5"), "aliases", json!(["GHSA-a"]));
    let unrelated = with(record("PYSEC-2", "PyPI", "flask-cors", "9"), "related", json!(["CVE-2024-1"]));
    let feed = Feed::new(&[wide, narrow, unrelated]);
    let judgement = feed.judge(&os("debian", "12"), &[package(PackageType::Pypi, "flask.cors", "1.7")]);
    assert_eq!(rules(&judgement), ["CVE-2024-1", "PYSEC-2"], "related joins nothing");
    let finding = &judgement.findings[0];
    assert_eq!(finding.ids, ["CVE-2024-1", "GHSA-a", "PYSEC-1"]);
    assert_eq!(finding.fix.versions, ["2.0"]);
    let reasons: Vec<(&str, &str)> =
        finding.records.iter().map(|r| (r.id.as_str(), r.reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("GHSA-a", "flask.cors 1.7 is below the fixed version 2.0 by the PEP 440 order."),
            ("PYSEC-1", "flask.cors 1.7 is not below the fixed version 1.5 by the PEP 440 order."),
        ]
    );
    assert_eq!((finding.severity, finding.severity_source.as_str()), (Severity::Critical, "GHSA-a severity"));
    assert_eq!(judgement.findings[1].severity, Severity::Unknown, "nobody rated it, which is not none");
}

#[test]
fn withdrawn_and_outdated_records_do_not_count() {
    let old = record("A-1", "npm", "left", "9.0.0");
    let new = with(record("A-1", "npm", "left", "1.0.0"), "modified", json!("2024-06-01T00:00:00.5Z"));
    let taken_back = with(
        with(record("A-2", "npm", "left", "9.0.0"), "withdrawn", json!("2024-02-01T00:00:00Z")),
        "modified",
        json!("2024-02-01T00:00:00Z"),
    );
    let left = package(PackageType::Npm, "left", "2.0.0");
    for records in [
        vec![old.clone(), new.clone(), taken_back.clone()],
        vec![
            taken_back,
            new,
            old,
            record("A-2", "npm", "left", "9.0.0"),
            record("B", "npm", "other", "1.0.0"),
        ],
    ] {
        let feed = Feed::new(&records);
        assert!(feed.judge(&os("debian", "12"), std::slice::from_ref(&left)).findings.is_empty());
    }
}

#[test]
fn language_packages_that_the_distribution_ships_are_kept_but_do_not_count() {
    let python = with(record("PYSEC-1", "PyPI", "urllib3", "2.0"), "aliases", json!(["CVE-2024-1"]));
    let debian = record("DEBIAN-CVE-2024-9", "Debian:12", "zlib", "9");
    let mut owned = package(PackageType::Pypi, "urllib3", "1.26");
    owned.owner = Some(PackageOwner { kind: PackageType::Deb, name: "python3-urllib3".into() });
    let feed = Feed::new(&[python.clone(), debian]);
    let judgement = feed.judge(&os("debian", "12"), std::slice::from_ref(&owned));
    let suppressed = judgement.findings[0].suppressed.as_ref().unwrap();
    assert_eq!(suppressed.code, "owned-by-os-package");
    assert!(suppressed.reason.contains("python3-urllib3") && suppressed.reason.contains("Debian:12"));
    // Where the distribution's feed is not loaded, or lists only fixes, its silence proves nothing.
    assert!(
        Feed::new(&[python]).judge(&os("debian", "12"), std::slice::from_ref(&owned)).findings[0]
            .suppressed
            .is_none()
    );
    assert!(
        feed.judge(&os("alpine", "3.18.4"), std::slice::from_ref(&owned)).findings[0].suppressed.is_none()
    );
    let free = package(PackageType::Pypi, "urllib3", "1.26");
    let both = feed.judge(&os("debian", "12"), &[owned, free]);
    assert_eq!(both.findings.len(), 1);
    assert!(both.findings[0].suppressed.is_none(), "one copy without an owner counts");
}

#[test]
fn no_data_is_a_gap_and_never_a_clean_result() {
    let feed = Feed::new(&[record("A-1", "npm", "left", "1.0.0")]);
    let packages = [
        package(PackageType::Deb, "bash", "5"),
        package(PackageType::Gem, "rack", "1"),
        package(PackageType::Npm, "right", "1"),
    ];
    let judgement = feed.judge(&os("debian", "12"), &packages);
    let gaps: Vec<(GapCode, &str)> =
        judgement.gaps.iter().map(|gap| (gap.code, gap.subject.as_str())).collect();
    assert_eq!(gaps, [(GapCode::NoAdvisories, "Debian:12"), (GapCode::NoAdvisories, "RubyGems")]);
    let counted: Vec<(&str, u64, u64)> =
        judgement.ecosystems.iter().map(|e| (e.ecosystem.as_str(), e.packages, e.records)).collect();
    assert_eq!(counted, [("Debian:12", 1, 0), ("RubyGems", 1, 0), ("npm", 1, 1)]);
    let unknown = feed.judge(&os("kali", "2024"), &packages);
    assert!(
        unknown
            .gaps
            .iter()
            .any(|gap| gap.code == GapCode::UnknownDistribution && gap.reason.contains("kali"))
    );
    let nothing = judge(None, None, &packages);
    assert!(nothing.advisories.is_none() && nothing.findings.is_empty());
    assert_eq!(nothing.gaps.len(), 3);
}

#[test]
fn versions_that_cannot_be_read_are_a_gap_only_where_data_exists() {
    let feed = Feed::new(&[record("GO-1", "Go", "example.org/known", "1.0.0")]);
    let devel = |name: &str| package(PackageType::Golang, name, "(devel)");
    let judgement =
        feed.judge(&os("debian", "12"), &[devel("example.org/known"), devel("example.org/unknown")]);
    let [gap] = judgement.gaps.as_slice() else { panic!("{:?}", judgement.gaps) };
    assert_eq!((gap.code, gap.subject.as_str()), (GapCode::UnreadableVersion, "Go example.org/known"));
}

#[test]
fn the_standard_library_of_go_is_judged_in_every_spelling() {
    let feed = Feed::new(&[record("GO-1", "Go", "stdlib", "1.22.2")]);
    for (version, affected) in [
        ("go1.22.1", true),
        ("1.22.1", true),
        ("go1.22.1 X:boringcrypto", true),
        ("go1.22rc1", true),
        ("go1.22.2-acme", false),
        ("v1.22.2", false),
    ] {
        let judgement = feed.judge(&os("debian", "12"), &[package(PackageType::Golang, "stdlib", version)]);
        assert_eq!(judgement.findings.len(), usize::from(affected), "{version}");
    }
}

#[test]
fn fix_states_tell_open_from_ended_and_unknown() {
    let urgency = |word: &str| {
        let mut open = record("D", "Debian:12", "p", "");
        open["affected"][0]["ecosystem_specific"] = json!({"urgency": word});
        open
    };
    let state = |record: Value| {
        let judgement =
            Feed::new(&[record]).judge(&os("debian", "12"), &[package(PackageType::Deb, "p", "1")]);
        (judgement.findings[0].fix.state, judgement.findings[0].severity)
    };
    assert_eq!(state(urgency("unimportant")), (FixState::NotFixed, Severity::Negligible));
    assert_eq!(state(urgency("end-of-life")), (FixState::EndOfLife, Severity::Unknown));
    let mut last = record("D", "Debian:12", "p", "2");
    last["affected"][0]["ranges"][0]["events"][1] = json!({"last_affected": "2"});
    assert_eq!(state(last).0, FixState::Unknown);
}

#[test]
fn a_vulnerability_of_the_same_class_lends_its_rating_and_text() {
    let debian = with(
        with(record("DEBIAN-CVE-2024-1", "Debian:12", "zlib", "2"), "upstream", json!(["CVE-2024-1"])),
        "summary",
        json!(""),
    );
    let cve = json!({"id": "CVE-2024-1", "modified": "2024-01-01T00:00:00Z", "summary": "told well",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]});
    let judgement =
        Feed::new(&[debian, cve]).judge(&os("debian", "12"), &[package(PackageType::Deb, "zlib", "1")]);
    let finding = &judgement.findings[0];
    assert_eq!(
        (finding.severity, finding.severity_source.as_str()),
        (Severity::Critical, "CVE-2024-1 CVSS 3.1")
    );
    assert_eq!((finding.title.as_str(), finding.cvss[0].score), ("told well", 9.8));
}

#[test]
fn the_key_is_the_documented_one() {
    let feed = Feed::new(&[record("A-1", "npm", "left", "1.0.0")]);
    let judgement = feed.judge(&os("debian", "12"), &[package(PackageType::Npm, "left", "0.1.0")]);
    let key = model::finding_key(
        model::FindingClass::Vulnerability,
        "A-1",
        &["npm", "left", "0.1.0", "", "path/of/left"],
    );
    assert_eq!(judgement.findings[0].key, key);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_order_of_packages_does_not_matter(order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let feed = Feed::new(&[record("A-1", "npm", "a", "5.0.0"), record("A-2", "npm", "a", "9.0.0"), record("D-1", "Debian:12", "b", "7")]);
        let packages: Vec<Package> = (0..12)
            .map(|n| if n % 3 == 0 { package(PackageType::Deb, "b", &n.to_string()) } else { package(PackageType::Npm, "a", &format!("{n}.0.0")) })
            .collect();
        let shuffled: Vec<Package> = order.iter().map(|n| packages[*n].clone()).collect();
        prop_assert_eq!(feed.judge(&os("debian", "12"), &packages), feed.judge(&os("debian", "12"), &shuffled));
    }
}

/// Every byte of an index is damaged in turn; whatever is left must answer or refuse, and never panic.
#[test]
fn a_damaged_index_answers_or_refuses() {
    let records: Vec<Value> = (0..8)
        .map(|n| {
            with(
                record(&format!("A-{n}"), "npm", &format!("p{}", n % 3), "5.0.0"),
                "aliases",
                json!([format!("CVE-2024-{n}")]),
            )
        })
        .collect();
    let feed = Feed::new(&records);
    let good = std::fs::read(feed.path()).unwrap();
    let packages: Vec<Package> =
        (0..3).map(|n| package(PackageType::Npm, &format!("p{n}"), "1.0.0")).collect();
    let path = feed.folder.path().join("damaged.index");
    let mut refused = 0;
    let mut found_by_verify = 0;
    for position in 0..good.len() {
        for mask in [0xff, 0x01] {
            let mut bytes = good.clone();
            bytes[position] ^= mask;
            std::fs::write(&path, &bytes).unwrap();
            match Index::open(&path) {
                Err(_) => refused += 1,
                Ok(index) => {
                    let _ = judge(Some(&index), Some(&os("debian", "12")), &packages);
                    let _ = index.keys().count();
                    found_by_verify += usize::from(index.verify().is_err());
                }
            }
        }
    }
    assert_eq!(
        refused + found_by_verify,
        good.len() * 2,
        "every flipped byte is noticed by one of the two checks"
    );
    for length in (0..good.len()).step_by(97) {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(Index::open(&path).is_err(), "cut to {length}");
    }
}

/// Header and checksum rewritten over random content, so that damage reaches every reader behind them.
#[test]
fn a_forged_index_answers_or_refuses() {
    let records: Vec<Value> =
        (0..8).map(|n| record(&format!("A-{n}"), "npm", &format!("p{}", n % 3), "5.0.0")).collect();
    let feed = Feed::new(&records);
    let good = std::fs::read(feed.path()).unwrap();
    let path = feed.folder.path().join("forged.index");
    let packages: Vec<Package> =
        (0..3).map(|n| package(PackageType::Npm, &format!("p{n}"), "1.0.0")).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..3000 {
        let mut bytes = good.clone();
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let position = (state >> 33) as usize % bytes.len();
            bytes[position] = (state >> 13) as u8;
        }
        let end = crate::index::format::HEADER - 32;
        let checksum = *blake3::hash(&bytes[..end]).as_bytes();
        bytes[end..end + 32].copy_from_slice(&checksum);
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(index) = Index::open(&path) {
            let _ = judge(Some(&index), Some(&os("debian", "12")), &packages);
            let _ = index.keys().count();
        }
    }
}
