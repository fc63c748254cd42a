//! Lays the layers of an image over each other: what a later layer removed or replaced is gone, what remains becomes packages,
//! risks and gaps with canonical names.

use std::collections::{BTreeMap, BTreeSet};

use image::{LayerIndex, Overlay};
use model::purl::purl;
use model::{
    Evidence, Finding, FindingClass, Fix, FixState, Gap, OperatingSystem, Package, PackageOwner, PackageType,
    SourcePackage, finding_key,
};

use crate::facts::{PackageFact, Place, PluginFacts, RiskFact};

/// The final file system, as far as plugins looked at it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inventory {
    /// The distribution.
    pub os: Option<OperatingSystem>,
    /// Sorted.
    pub packages: Vec<Package>,
    /// Findings that plugins made themselves, sorted.
    pub findings: Vec<Finding>,
    /// Sorted, without doubles.
    pub gaps: Vec<Gap>,
}

/// Merges layers, lowest first. `facts` are those of every plugin, per layer of `indexes`.
#[must_use]
pub fn merge(indexes: &[LayerIndex], facts: &[Vec<PluginFacts>]) -> Inventory {
    let overlay = Overlay::new(indexes);
    let visible = Visible { overlay, facts };
    let os = operating_system(&visible);
    let owners = ownership(&visible);
    Inventory {
        packages: packages(&visible, os.as_ref(), &owners),
        findings: risks(&visible),
        gaps: gaps(&visible),
        os,
    }
}

/// The facts whose files are still there.
struct Visible<'a> {
    overlay: Overlay<'a>,
    facts: &'a [Vec<PluginFacts>],
}

impl<'a> Visible<'a> {
    fn of<T>(
        &self,
        list: fn(&'a PluginFacts) -> &'a [T],
        place: fn(&T) -> &Place,
    ) -> impl Iterator<Item = &'a T> {
        self.facts.iter().enumerate().flat_map(move |(layer, plugins)| {
            let all = plugins.iter().flat_map(list);
            all.filter(move |fact| self.overlay.visible(layer, &place(fact).path))
        })
    }
}

/// Where a distribution is stated, best first; files that are not named here come last, in order of path.
const SYSTEM_FILES: [&str; 5] = [
    "etc/os-release",
    "usr/lib/os-release",
    "etc/alpine-release",
    "etc/redhat-release",
    "etc/debian_version",
];

fn operating_system(visible: &Visible<'_>) -> Option<OperatingSystem> {
    let found = visible.of(|facts| &facts.systems, |fact| &fact.place);
    let rank =
        |path: &str| SYSTEM_FILES.iter().position(|known| *known == path).unwrap_or(SYSTEM_FILES.len());
    found.min_by_key(|fact| (rank(&fact.place.path), &fact.place.path, &fact.os)).map(|fact| fact.os.clone())
}

/// Directories that a merged `/usr` makes one with their twin under `usr/`. Package databases may name either.
const MERGED_DIRECTORIES: [&str; 4] = ["bin/", "sbin/", "lib/", "lib64/"];

fn one_name(path: &str) -> &str {
    let inner = path.strip_prefix("usr/").unwrap_or(path);
    if MERGED_DIRECTORIES.iter().any(|directory| inner.starts_with(directory)) { inner } else { path }
}

fn ownership<'a>(visible: &Visible<'a>) -> BTreeMap<&'a str, PackageOwner> {
    let mut owners = BTreeMap::new();
    for fact in visible.of(|facts| &facts.ownerships, |fact| &fact.place) {
        for path in &fact.paths {
            let owner = PackageOwner { kind: fact.kind, name: fact.name.clone() };
            // Two packages may share a directory but hardly a file; the smaller name wins so that order does not matter.
            let kept = owners.entry(one_name(path)).or_insert_with(|| owner.clone());
            if owner < *kept {
                *kept = owner;
            }
        }
    }
    owners
}

/// What makes two records the same package instance.
type Identity<'a> = (PackageType, &'a str, &'a str, Option<&'a str>);

fn packages(
    visible: &Visible<'_>,
    os: Option<&OperatingSystem>,
    owners: &BTreeMap<&str, PackageOwner>,
) -> Vec<Package> {
    let mut instances: BTreeMap<Identity<'_>, Vec<&PackageFact>> = BTreeMap::new();
    for fact in visible.of(|facts| &facts.packages, |fact| &fact.place) {
        instances.entry((fact.kind, &fact.name, &fact.version, fact.arch.as_deref())).or_default().push(fact);
    }
    let mut packages: Vec<Package> =
        instances.into_values().map(|facts| package(&facts, os, owners)).collect();
    packages.sort();
    packages
}

/// One package from all records of it; there is at least one.
fn package(
    facts: &[&PackageFact],
    os: Option<&OperatingSystem>,
    owners: &BTreeMap<&str, PackageOwner>,
) -> Package {
    let mut evidence: Vec<Evidence> = facts.iter().map(|fact| evidence_of(fact)).collect();
    evidence.sort();
    evidence.dedup();
    let best =
        facts.iter().max_by_key(|fact| (fact.confidence, std::cmp::Reverse(&fact.place.path), &fact.source));
    let source: Option<SourcePackage> = best.and_then(|fact| fact.source.clone());
    let licenses = best.map(|fact| fact.licenses.clone()).unwrap_or_default();
    let (kind, name, version, arch) = facts.first().map_or_else(
        || (PackageType::Generic, String::new(), String::new(), None),
        |fact| (fact.kind, fact.name.clone(), fact.version.clone(), fact.arch.clone()),
    );
    let purl = purl(kind, &name, &version, arch.as_deref(), source.as_ref(), os);
    let owner = if kind.is_operating_system() { None } else { owner_of(&evidence, owners) };
    Package { kind, name, version, arch, purl, source, licenses, owner, evidence }
}

fn evidence_of(fact: &PackageFact) -> Evidence {
    Evidence {
        path: fact.place.path.clone(),
        inner: fact.inner.clone(),
        method: fact.method.clone(),
        confidence: fact.confidence,
        plugin: Some(fact.plugin.clone()),
        line: None,
    }
}

/// The owner of a package whose every proof was brought by operating-system packages; a copy that somebody else
/// installed makes it nobody's.
fn owner_of(evidence: &[Evidence], owners: &BTreeMap<&str, PackageOwner>) -> Option<PackageOwner> {
    let found: Option<Vec<&PackageOwner>> =
        evidence.iter().map(|proof| owners.get(one_name(&proof.path))).collect();
    found?.into_iter().min().cloned()
}

fn risks(visible: &Visible<'_>) -> Vec<Finding> {
    let found = visible.of(|facts| &facts.risks, |fact| &fact.place);
    let mut by_key: BTreeMap<String, Finding> = BTreeMap::new();
    for fact in found {
        let finding = risk_finding(fact);
        by_key.entry(finding.key.clone()).or_insert(finding);
    }
    by_key.into_values().collect()
}

fn risk_finding(fact: &RiskFact) -> Finding {
    let rule = format!("{}/{}", fact.plugin, fact.rule);
    let class = FindingClass::Misconfiguration;
    Finding {
        key: finding_key(class, &rule, &[&fact.place.path, &fact.location]),
        class,
        ids: vec![rule.clone()],
        rule,
        title: fact.title.clone(),
        description: fact.description.clone(),
        severity: fact.severity,
        severity_source: fact.plugin.clone(),
        cvss: Vec::new(),
        kev: None,
        epss: None,
        package: None,
        fix: Fix { state: FixState::Unknown, versions: Vec::new() },
        evidence: vec![Evidence {
            path: fact.place.path.clone(),
            inner: (!fact.location.is_empty()).then(|| fact.location.clone()),
            method: fact.plugin.clone(),
            confidence: model::Confidence::High,
            plugin: Some(fact.plugin.clone()),
            line: None,
        }],
        records: Vec::new(),
        references: Vec::new(),
        proof: None,
        suppressed: None,
    }
}

/// A gap in a file that a later layer removed is a gap in nothing, whether the reader or a plugin met it.
fn gaps(visible: &Visible<'_>) -> Vec<Gap> {
    let of_plugins = visible.of(|facts| &facts.gaps, |fact| &fact.place).map(|fact| Gap {
        code: fact.code,
        subject: fact.place.path.clone(),
        reason: fact.reason.clone(),
    });
    let all: BTreeSet<Gap> = of_plugins.chain(visible.overlay.gaps()).collect();
    all.into_iter().collect()
}
