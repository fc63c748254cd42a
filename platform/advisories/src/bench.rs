//! Measures what the index promises: cheap opening and a million look-ups a second. `cargo xtask bench advisories` prints it.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::{Confidence, Evidence, Package, PackageType};
use serde::Serialize;

use crate::{AdvisoryError, Index, Origin, build_index, judge};

/// Each loop runs at least this long, so that a timer's grain does not matter.
const LOOP: Duration = Duration::from_millis(500);

/// Figures of one run; rates are per second on one core.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchReport {
    /// Records in the index.
    pub records: u64,
    /// Pairs of ecosystem and package name.
    pub packages: u64,
    /// Size of the index in bytes.
    pub index_bytes: u64,
    /// Time to read the feeds and write the index, in seconds.
    pub build_seconds: f64,
    /// Time to open the index, in milliseconds, median of a hundred.
    pub open_ms: f64,
    /// Look-ups of names that are there.
    pub hits_per_second: f64,
    /// Entries of those names decoded, ranges and versions included.
    pub entries_per_second: f64,
    /// Look-ups of names that are not there.
    pub misses_per_second: f64,
    /// Packages judged, with every finding composed, for packages of which most are affected.
    pub judged_per_second: f64,
    /// Findings composed in those.
    pub findings_per_second: f64,
}

/// Builds an index from feeds in a scratch folder and measures it.
///
/// # Errors
/// The feeds cannot be imported or the scratch folder cannot be written.
pub fn bench(inputs: &[PathBuf], scratch: &Path) -> Result<BenchReport, AdvisoryError> {
    let path = scratch.join("bench.index");
    let started = Instant::now();
    build_index(inputs, &Origin { source: "bench".to_owned(), sample: false }, &path)?;
    let build_seconds = started.elapsed().as_secs_f64();
    let mut opens = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        black_box(Index::open(&path)?);
        opens.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    opens.sort_by(f64::total_cmp);
    let index = Index::open(&path)?;
    let keys: Vec<(String, String)> = spread(index.keys().collect::<Result<Vec<_>, _>>()?);
    let hits = rate(&keys, |(ecosystem, name)| {
        black_box(index.lookup(ecosystem, name)?.left());
        Ok(())
    })?;
    let mut entries = 0_u64;
    let decoded = rate(&keys, |(ecosystem, name)| {
        for entry in index.lookup(ecosystem, name)? {
            black_box(entry?);
            entries += 1;
        }
        Ok(())
    })?;
    let absent: Vec<(String, String)> =
        keys.iter().map(|(e, name)| (e.clone(), format!("{name}-"))).collect();
    let misses = rate(&absent, |(ecosystem, name)| {
        black_box(index.lookup(ecosystem, name)?.left());
        Ok(())
    })?;
    let packages = language_packages(&keys);
    let mut findings = 0_u64;
    let batches: Vec<&[Package]> = packages.chunks(200).collect();
    let judged = rate(&batches, |batch| {
        findings += black_box(judge(Some(&index), None, batch)).findings.len() as u64;
        Ok(())
    })?;
    Ok(BenchReport {
        records: index.info().records,
        packages: index.info().packages,
        index_bytes: index.info().bytes,
        build_seconds,
        open_ms: opens.get(opens.len() / 2).copied().unwrap_or_default(),
        hits_per_second: hits.per_second,
        entries_per_second: entries as f64 / decoded.seconds,
        misses_per_second: misses.per_second,
        judged_per_second: judged.per_second * packages.len() as f64 / batches.len().max(1) as f64,
        findings_per_second: findings as f64 / judged.seconds,
    })
}

struct Rate {
    per_second: f64,
    seconds: f64,
}

/// Runs a task over all items again and again until enough time has passed.
fn rate<T>(
    items: &[T],
    mut task: impl FnMut(&T) -> Result<(), AdvisoryError>,
) -> Result<Rate, AdvisoryError> {
    let started = Instant::now();
    let mut count = 0_u64;
    while started.elapsed() < LOOP && !items.is_empty() {
        for item in items {
            task(item)?;
        }
        count += items.len() as u64;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Rate { per_second: count as f64 / seconds, seconds })
}

/// Neighbours in the index apart, so that the order of look-ups does not flatter the caches.
fn spread(keys: Vec<(&str, &str)>) -> Vec<(String, String)> {
    let mut keyed: Vec<(blake3::Hash, (&str, &str))> =
        keys.into_iter().map(|key| (blake3::hash(format!("{}/{}", key.0, key.1).as_bytes()), key)).collect();
    keyed.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    keyed.into_iter().map(|(_, (ecosystem, name))| (ecosystem.to_owned(), name.to_owned())).collect()
}

/// Packages of language ecosystems at a low version.
fn language_packages(keys: &[(String, String)]) -> Vec<Package> {
    let kinds = [
        ("PyPI", PackageType::Pypi),
        ("npm", PackageType::Npm),
        ("Go", PackageType::Golang),
        ("crates.io", PackageType::Cargo),
        ("Maven", PackageType::Maven),
    ];
    let mut packages: Vec<Package> = keys
        .iter()
        .filter_map(|(ecosystem, name)| {
            let (_, kind) = kinds.iter().find(|(known, _)| known == ecosystem)?;
            Some(package(*kind, name))
        })
        .take(20_000)
        .collect();
    packages.sort();
    packages
}

fn package(kind: PackageType, name: &str) -> Package {
    Package {
        kind,
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        arch: None,
        purl: model::purl::purl(kind, name, "1.0.0", None, None, None),
        source: None,
        licenses: Vec::new(),
        owner: None,
        evidence: vec![Evidence {
            path: "bench".to_owned(),
            inner: None,
            method: "bench".to_owned(),
            confidence: Confidence::High,
            plugin: None,
            line: None,
        }],
    }
}
