//! What a plugin said of one layer, in terms of paths, checked and ready to be kept.
//!
//! Facts are about a layer alone: no other layer, no distribution, no advisory has touched them yet. That is what makes
//! them reusable for every image that contains the layer.

use host::Analysis;
use model::{Confidence, GapCode, OperatingSystem, PackageType, Severity, SourcePackage};
use serde::{Deserialize, Serialize};

/// The file of a layer that proves something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Path in the layer.
    pub path: String,
    /// Number of the file in the layer, by which a file that the same layer later replaces is told from its successor.
    /// Of no use once the layer is read, and so not kept.
    #[serde(skip)]
    pub ordinal: u64,
}

/// A file that could not be understood, or a call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapFact {
    /// The file.
    pub place: Place,
    /// Why.
    pub code: GapCode,
    /// Why, for people.
    pub reason: String,
}

/// A distribution, as a file states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SystemFact {
    /// The file.
    pub place: Place,
    /// What it states.
    pub os: OperatingSystem,
}

/// Everything one plugin said of one layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginFacts {
    /// Distributions.
    pub systems: Vec<SystemFact>,
    /// Packages.
    pub packages: Vec<PackageFact>,
    /// Which operating-system package brought which files.
    pub ownerships: Vec<OwnershipFact>,
    /// Risks that the plugin itself judged.
    pub risks: Vec<RiskFact>,
    /// Files that could not be understood, and calls that failed.
    pub gaps: Vec<GapFact>,
    /// A call failed, so the facts are incomplete in a way that may not happen again: never kept.
    pub faulted: bool,
}

/// A package, as the plugin read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackageFact {
    /// File that proves it.
    pub place: Place,
    /// Id of the plugin.
    pub plugin: String,
    /// Package manager.
    pub kind: PackageType,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Architecture.
    pub arch: Option<String>,
    /// What it was built from.
    pub source: Option<SourcePackage>,
    /// Declared licences.
    pub licenses: Vec<String>,
    /// Path inside an archive.
    pub inner: Option<String>,
    /// How it was read.
    pub method: String,
    /// How sure that is.
    pub confidence: Confidence,
}

/// Files that an operating-system package brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnershipFact {
    /// File that says so.
    pub place: Place,
    /// Package manager of the owner.
    pub kind: PackageType,
    /// Name of the owner.
    pub name: String,
    /// Paths it brought.
    pub paths: Vec<String>,
}

/// A risk that a plugin judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskFact {
    /// File that proves it.
    pub place: Place,
    /// Id of the plugin.
    pub plugin: String,
    /// Rule id.
    pub rule: String,
    /// One line.
    pub title: String,
    /// Text.
    pub description: String,
    /// How bad.
    pub severity: Severity,
    /// Where in the file, by content.
    pub location: String,
}

impl PluginFacts {
    /// Adds what one call said. `places` are those of the call's files, in order; the host has checked that every index
    /// is within them.
    pub fn add(&mut self, plugin: &str, places: &[Place], analysis: Analysis) {
        let at = |item: usize| places.get(item).cloned().unwrap_or(Place { path: String::new(), ordinal: 0 });
        let systems = analysis.systems.into_iter();
        self.systems.extend(systems.map(|found| SystemFact { place: at(found.item), os: found.os }));
        self.packages.extend(analysis.packages.into_iter().map(|found| PackageFact {
            place: at(found.item),
            plugin: plugin.to_owned(),
            kind: found.kind,
            name: found.name,
            version: found.version,
            arch: found.arch,
            source: found.source,
            licenses: found.licenses,
            inner: found.inner,
            method: found.method,
            confidence: found.confidence,
        }));
        self.ownerships.extend(analysis.ownerships.into_iter().map(|found| OwnershipFact {
            place: at(found.item),
            kind: found.kind,
            name: found.name,
            paths: found.paths,
        }));
        self.risks.extend(analysis.findings.into_iter().map(|found| RiskFact {
            place: at(found.item),
            plugin: plugin.to_owned(),
            rule: found.rule,
            title: found.title,
            description: found.description,
            severity: found.severity,
            location: found.location,
        }));
        self.gaps.extend(analysis.problems.into_iter().map(|problem| GapFact {
            place: at(problem.item),
            code: GapCode::ParseError,
            reason: format!("{plugin}: {}", problem.message),
        }));
    }

    /// Records that a call failed on one file.
    pub fn fault(&mut self, plugin: &str, place: Place, fault: &host::Fault) {
        self.faulted = true;
        self.gaps.push(GapFact {
            place,
            code: GapCode::PluginFault,
            reason: format!("{plugin}: {} ({})", fault.message, fault.kind.as_str()),
        });
    }

    /// Drops what was read from files that the same layer later replaced. `superseded` is sorted.
    pub fn drop_superseded(&mut self, superseded: &[u64]) {
        if superseded.is_empty() {
            return;
        }
        let stays = |place: &Place| superseded.binary_search(&place.ordinal).is_err();
        self.systems.retain(|fact| stays(&fact.place));
        self.packages.retain(|fact| stays(&fact.place));
        self.ownerships.retain(|fact| stays(&fact.place));
        self.risks.retain(|fact| stays(&fact.place));
        self.gaps.retain(|fact| stays(&fact.place));
    }
}
