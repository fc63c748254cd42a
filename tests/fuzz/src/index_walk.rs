//! Every question that an advisory index can be asked.

use advisories::{AdvisoryError, Index};
use model::{OperatingSystem, Package, PackageType, SourcePackage};

use crate::must::must;
use crate::scratch;

/// Writes an index that must be sound, and opens it.
pub(crate) fn open(bytes: &[u8]) -> Index {
    let index = must(Index::open(&scratch::file("sound.index", bytes)), "an index of our own");
    must(index.verify(), "an index as it was written");
    index
}

/// Asks for everything there is. In a sound index nothing may be found damaged.
pub(crate) fn everything(index: &Index, sound: bool) {
    let mut keys = Vec::new();
    for key in index.keys().take(KEYS_MAX) {
        if let Some((ecosystem, name)) = answer(key, sound) {
            keys.push((ecosystem.to_owned(), name.to_owned()));
        }
    }
    for (ecosystem, name) in &keys {
        let Some(entries) = answer(index.lookup(ecosystem, name), sound) else { continue };
        assert!(!sound || entries.left() > 0, "nothing under {ecosystem} {name}, which is a key");
        for entry in entries.take(ENTRIES_MAX) {
            if let Some(entry) = answer(entry, sound) {
                record(index, entry.record, sound);
            }
        }
    }
    for number in 0..RECORDS_MAX {
        record(index, number, false);
    }
    for cve in ["CVE-2024-1", "CVE-2021-44228", "CVE-1999-0001", "CVE-65535-4294967295"] {
        let _ = (index.kev(cve), index.epss(cve));
    }
}

/// More than a small index has; a damaged one may claim any number.
const KEYS_MAX: usize = 300;
const ENTRIES_MAX: usize = 100;
const RECORDS_MAX: u32 = 12;

fn record(index: &Index, number: u32, sound: bool) {
    let Some(record) = answer(index.record(number), sound) else { return };
    let texts = answer(index.texts(&record), sound);
    assert!(texts.is_none_or(|texts| texts.details.len() <= 256 << 10), "a text longer than its block");
    for class in record.targets.iter().chain([&record.class]) {
        answer(index.class(*class), sound);
    }
}

fn answer<T>(answer: Result<T, AdvisoryError>, sound: bool) -> Option<T> {
    assert!(answer.is_ok() || !sound, "a sound index is damaged: {:?}", answer.err());
    answer.ok()
}

/// Judges some packages that the seeds speak of. The order of the packages must not count.
pub(crate) fn judge(index: &Index) {
    let os = OperatingSystem {
        id: "debian".to_owned(),
        version: Some("12".to_owned()),
        codename: None,
        like: Vec::new(),
        pretty_name: None,
    };
    let mut packages = vec![
        package(PackageType::Deb, "openssl", "3.0.11-1"),
        package(PackageType::Npm, "left", "1.0.0"),
        package(PackageType::Pypi, "Django", "2.2.0"),
        package(PackageType::Maven, "org.example:lib", "2.14.1"),
        package(PackageType::Golang, "stdlib", "1.20.1"),
    ];
    let judgement = advisories::judge(Some(index), Some(&os), &packages);
    assert!(judgement.gaps.is_sorted(), "gaps are not sorted");
    packages.reverse();
    let turned = advisories::judge(Some(index), Some(&os), &packages);
    assert_eq!(judgement, turned, "the order of the packages counts");
}

fn package(kind: PackageType, name: &str, version: &str) -> Package {
    let source = kind.is_operating_system().then(|| SourcePackage { name: name.to_owned(), version: None });
    Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        arch: None,
        purl: model::purl::purl(kind, name, version, None, None, None),
        source,
        licenses: Vec::new(),
        owner: None,
        evidence: Vec::new(),
    }
}
