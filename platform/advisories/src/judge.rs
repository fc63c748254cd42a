//! From packages to findings.
//!
//! Each package is looked up in the feed that speaks for it: operating-system packages in their distribution's, by source package
//! or binary name as that feed lists them; language packages in their registry's. What the records say is grouped into one
//! finding per package instance and vulnerability. The outcome depends on the index, the distribution and the set of
//! packages alone, not on their order.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    AdvisoryData, EcosystemCoverage, Evidence, Finding, Gap, GapCode, OperatingSystem, Package, PackageType,
};

use crate::index::{Entry, Index, RecordView};
use crate::version::Order;
use crate::{AdvisoryError, judge::affected::Yardstick};

pub(crate) mod affected;
mod compose;
mod distribution;
pub(crate) mod names;
mod severity;

use distribution::{Feed, ListedBy};

/// The verdict over a list of packages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judgement {
    /// Sorted by severity (worst first), then rule, then package, then key.
    pub findings: Vec<Finding>,
    /// Per ecosystem with packages, sorted.
    pub ecosystems: Vec<EcosystemCoverage>,
    /// The data that judged; absent where no index is loaded.
    pub advisories: Option<AdvisoryData>,
    /// What could not be judged, sorted, without doubles.
    pub gaps: Vec<Gap>,
}

/// A package, met once however often it was listed.
#[derive(Debug)]
pub(crate) struct Instance<'a> {
    pub(crate) package: &'a Package,
    /// Of all its listings, sorted.
    pub(crate) evidence: Vec<Evidence>,
    /// Every listing belongs to an operating-system package.
    pub(crate) owned: bool,
}

/// One way to ask the index about a package.
struct Query<'a> {
    ecosystem: &'a str,
    name: &'a str,
    version: String,
    yardstick: Yardstick,
    /// The name is the source package's, not the package's own.
    by_source: bool,
}

/// What one record says of an instance.
#[derive(Debug)]
pub(crate) struct Hit<'a> {
    pub(crate) record: RecordView<'a>,
    pub(crate) entry: Entry<'a>,
    pub(crate) ecosystem: String,
    pub(crate) verdict: affected::Verdict,
    /// The whole sentence.
    pub(crate) reason: String,
}

/// What is known about the feeds at hand.
struct Scope<'a> {
    index: Option<&'a Index>,
    feed: Result<Feed, String>,
    /// Ecosystems of the index that belong to the feed.
    loaded: Vec<String>,
}

/// Judges packages. Without an index nothing is found and every ecosystem is a gap.
#[must_use]
pub fn judge(index: Option<&Index>, os: Option<&OperatingSystem>, packages: &[Package]) -> Judgement {
    let feed = match os {
        Some(os) => distribution::feed(os),
        None => Err("the root has no os-release, so its distribution is unknown".to_owned()),
    };
    let loaded = match (&feed, index) {
        (Ok(feed), Some(index)) => feed.loaded(&index.info().ecosystems),
        _ => Vec::new(),
    };
    let scope = Scope { index, feed, loaded };
    let mut coverage = BTreeMap::new();
    let mut gaps = BTreeSet::new();
    let mut findings = Vec::new();
    let mut texts = compose::TextCache::default();
    for instance in instances(packages) {
        note_coverage(&scope, instance.package, &mut coverage, &mut gaps);
        let Some(index) = scope.index else { continue };
        match judge_instance(&scope, index, &instance, &mut texts, &mut gaps) {
            Ok(found) => findings.extend(found),
            Err(error) => {
                gaps.insert(Gap {
                    code: GapCode::Corrupt,
                    subject: "advisories".to_owned(),
                    reason: error.to_string(),
                });
            }
        }
    }
    findings.sort_by(compose::compare);
    gaps.extend(coverage.values().filter(|c| c.records == 0).map(no_advisories));
    Judgement {
        findings,
        ecosystems: coverage.into_values().collect(),
        advisories: index.map(advisory_data),
        gaps: gaps.into_iter().collect(),
    }
}

fn advisory_data(index: &Index) -> AdvisoryData {
    let info = index.info();
    AdvisoryData { source: info.source.clone(), as_of: info.as_of.clone(), digest: info.digest.clone() }
}

fn no_advisories(coverage: &EcosystemCoverage) -> Gap {
    Gap {
        code: GapCode::NoAdvisories,
        subject: coverage.ecosystem.clone(),
        reason: format!("no advisories are loaded for its {} packages", coverage.packages),
    }
}

/// Sorted, each (type, name, version, architecture) once.
fn instances(packages: &[Package]) -> Vec<Instance<'_>> {
    let mut sorted: Vec<&Package> = packages.iter().collect();
    sorted.sort();
    sorted
        .chunk_by(|a, b| (a.kind, &a.name, &a.version, &a.arch) == (b.kind, &b.name, &b.version, &b.arch))
        .filter_map(|group| {
            let package = *group.first()?;
            let mut evidence: Vec<Evidence> = group.iter().flat_map(|p| p.evidence.iter().cloned()).collect();
            evidence.sort();
            evidence.dedup();
            // Prefer the owner's listing for its owner, but one listing without an owner makes the package its own.
            Some(Instance { package, evidence, owned: group.iter().all(|p| p.owner.is_some()) })
        })
        .collect()
}

/// Counts the package under its ecosystem, or notes why it has none.
fn note_coverage(
    scope: &Scope<'_>,
    package: &Package,
    coverage: &mut BTreeMap<String, EcosystemCoverage>,
    gaps: &mut BTreeSet<Gap>,
) {
    let unknown = |reason: String| Gap {
        code: GapCode::UnknownDistribution,
        subject: package.kind.as_str().to_owned(),
        reason,
    };
    let counts = |names: &[String]| match scope.index {
        Some(index) => names.iter().filter_map(|name| index.info().ecosystems.get(name)).sum(),
        None => 0,
    };
    let (ecosystem, records) = match (distribution::language_ecosystem(package.kind), &scope.feed) {
        (Some(name), _) => (name.to_owned(), counts(&[name.to_owned()])),
        (None, _) if package.kind == PackageType::Generic => {
            // Nothing can be said of a package of which only the name is known.
            gaps.insert(Gap {
                code: GapCode::NoAdvisories,
                subject: "generic".to_owned(),
                reason: "packages without an ecosystem cannot be judged".to_owned(),
            });
            return;
        }
        (None, Err(reason)) => {
            gaps.insert(unknown(reason.clone()));
            return;
        }
        (None, Ok(feed)) if feed.kind != package.kind => {
            let other = feed.label(&scope.loaded);
            gaps.insert(unknown(format!(
                "the root is judged by {other}, which does not speak about these packages"
            )));
            return;
        }
        (None, Ok(feed)) => (feed.label(&scope.loaded), counts(&scope.loaded)),
    };
    let line = coverage.entry(ecosystem.clone()).or_insert_with(|| EcosystemCoverage {
        ecosystem,
        packages: 0,
        records,
    });
    line.packages += 1;
}

fn judge_instance(
    scope: &Scope<'_>,
    index: &Index,
    instance: &Instance<'_>,
    texts: &mut compose::TextCache,
    gaps: &mut BTreeSet<Gap>,
) -> Result<Vec<Finding>, AdvisoryError> {
    let mut hits: Vec<Hit<'_>> = Vec::new();
    for query in queries(scope, instance.package) {
        for entry in index.lookup(query.ecosystem, query.name)? {
            let entry = entry?;
            if let Err(error) = query.yardstick.order.check(&query.version) {
                gaps.insert(Gap {
                    code: GapCode::UnreadableVersion,
                    subject: format!("{} {}", query.ecosystem, query.name),
                    reason: error.to_string(),
                });
                break;
            }
            let verdict = affected::judge(query.yardstick, &query.version, &entry);
            let reason = sentence(&query, instance.package, &verdict);
            let record = index.record(entry.record)?;
            hits.push(Hit { record, entry, ecosystem: query.ecosystem.to_owned(), verdict, reason });
        }
    }
    compose::findings(index, instance, hits, suppressing_feed(scope, instance), texts)
}

/// Name of the feed whose verdict over the owner counts instead, if there is one.
fn suppressing_feed(scope: &Scope<'_>, instance: &Instance<'_>) -> Option<String> {
    let feed = scope.feed.as_ref().ok()?;
    let language = !instance.package.kind.is_operating_system();
    let speaks = feed.comprehensive && !scope.loaded.is_empty();
    (language && speaks && instance.owned).then(|| feed.label(&scope.loaded))
}

fn queries<'a>(scope: &'a Scope<'_>, package: &'a Package) -> Vec<Query<'a>> {
    if let Some(ecosystem) = distribution::language_ecosystem(package.kind) {
        let Some(order) = Order::for_ecosystem(ecosystem) else { return Vec::new() };
        let version = language_version(package);
        let yardstick = Yardstick { order, without_epoch: false };
        return vec![Query { ecosystem, name: &package.name, version, yardstick, by_source: false }];
    }
    match &scope.feed {
        Ok(feed) if feed.kind == package.kind => {
            scope.loaded.iter().flat_map(|ecosystem| distribution_queries(feed, ecosystem, package)).collect()
        }
        _ => Vec::new(),
    }
}

fn distribution_queries<'a>(feed: &Feed, ecosystem: &'a str, package: &'a Package) -> Vec<Query<'a>> {
    let Some(order) = Order::for_ecosystem(ecosystem) else { return Vec::new() };
    let own = || Query {
        ecosystem,
        name: &package.name,
        version: package.version.clone(),
        yardstick: Yardstick { order, without_epoch: false },
        by_source: false,
    };
    let source =
        package.source.as_ref().filter(|source| source.name != package.name || source.version.is_some());
    let by_source = source.map(|source| Query {
        ecosystem,
        name: source.name.as_str(),
        version: source.version.clone().unwrap_or_else(|| package.version.clone()),
        // The name of a source rpm carries no epoch; a binary's epoch may be its own (perl-Errno).
        yardstick: Yardstick {
            order,
            without_epoch: order == Order::Rpm && !has_epoch(source.version.as_deref()),
        },
        by_source: source.name != package.name,
    });
    match (feed.listed_by, by_source) {
        (ListedBy::Binary, _) | (_, None) => vec![own()],
        (ListedBy::Source, Some(query)) => vec![query],
        (ListedBy::Both, Some(query)) if query.name == package.name => vec![own()],
        (ListedBy::Both, Some(query)) => vec![own(), query],
    }
}

fn has_epoch(version: Option<&str>) -> bool {
    version.is_some_and(|version| version.contains(':'))
}

/// The version in the form that the registry's advisories use.
fn language_version(package: &Package) -> String {
    let version = package.version.trim();
    // A vendor's tool chain, `go1.21.3-acme`, is the release it is named after.
    if package.kind == PackageType::Golang && version.starts_with("go") {
        return version.split(['-', ' ']).next().unwrap_or(version).to_owned();
    }
    version.to_owned()
}

fn sentence(query: &Query<'_>, package: &Package, verdict: &affected::Verdict) -> String {
    let subject = if query.by_source {
        format!("{} {}, the source of {},", query.name, query.version, package.name)
    } else {
        format!("{} {}", query.name, query.version)
    };
    format!("{subject} {}.", verdict.reason)
}

#[cfg(test)]
mod tests;
