//! From components as documents state them to packages as the model wants them; the same rules for every format.
//!
//! The package URL decides what a component is; the component's own words only mend what purls are known to lose (letter
//! case, and the split of Go module paths). Operating-system packages must belong to the one distribution of the
//! document: those of another are left out with a gap, because judging them by the wrong advisories would be a lie.

use std::collections::BTreeMap;

use model::{
    Evidence, Gap, GapCode, OperatingSystem, Package, PackageOwner, PackageType, SourcePackage, purl::purl,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Bom, distribution, limits, purl::Purl};

/// One component in a document's own words.
#[derive(Debug, Default)]
pub(crate) struct Stated {
    /// Id within the document, for relationships.
    pub(crate) id: Option<String>,
    pub(crate) purl: Option<String>,
    /// Spellings of the name, most complete first.
    pub(crate) names: Vec<String>,
    pub(crate) version: Option<String>,
    pub(crate) licenses: Vec<String>,
    pub(crate) source: Option<SourcePackage>,
    pub(crate) evidence: Vec<Evidence>,
    /// Set when the document is one of ours: believed as it stands.
    pub(crate) exact: Option<Exact>,
}

/// The match inputs that our own documents carry beside the package URL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exact {
    pub(crate) kind: Option<PackageType>,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) arch: Option<String>,
    pub(crate) source: Option<SourcePackage>,
    pub(crate) owner: Option<PackageOwner>,
}

/// What was understood so far.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    pub(crate) os: Option<OperatingSystem>,
    pub(crate) notes: Notes,
    pending: Vec<Pending>,
    index_by_id: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Pending {
    package: Package,
    /// The distribution its purl names, for operating-system packages of foreign documents.
    distribution: Option<OperatingSystem>,
    /// Its `purl` is final.
    exact: bool,
}

impl Assembly {
    /// Reads one list of a document, if it is well-formed and not larger than `limit` bytes.
    pub(crate) fn part<T: for<'a> Deserialize<'a>>(
        &mut self,
        raw: Option<&RawValue>,
        limit: usize,
    ) -> Option<T> {
        let text = raw?.get();
        if text.len() > limit {
            self.notes.add(
                GapCode::SizeLimit,
                "details",
                format!("a list of details has more than {limit} bytes"),
            );
            return None;
        }
        match serde_json::from_str::<Option<T>>(text) {
            Ok(value) => value,
            Err(error) => {
                self.notes.add(GapCode::ParseError, "malformed details", error.to_string());
                None
            }
        }
    }

    /// Takes a component over, or notes why not.
    pub(crate) fn add(&mut self, stated: Stated) {
        if self.pending.len() >= limits::COMPONENTS {
            let reason = format!("only the first {} components were read", limits::COMPONENTS);
            self.notes.add(GapCode::EntryLimit, "components", reason);
            return;
        }
        let exact = stated.exact.iter().flat_map(|exact| [&exact.name, &exact.version]);
        let texts = [&stated.purl, &stated.version].into_iter().flatten();
        let texts = texts.chain(&stated.names).chain(&stated.licenses).chain(exact);
        if texts.map(String::len).max().unwrap_or(0) > limits::TEXT_BYTES {
            let reason =
                format!("a name, version, licence or purl has more than {} bytes", limits::TEXT_BYTES);
            self.notes.add(GapCode::NameLimit, "components", reason);
            return;
        }
        let id = stated.id.clone();
        let pending = match stated.exact.clone() {
            Some(exact) => own(exact, stated),
            None => foreign(stated, &mut self.notes),
        };
        let Some(pending) = pending else { return };
        if let Some(id) = id {
            self.index_by_id.insert(id, self.pending.len());
        }
        self.pending.push(pending);
    }

    /// Records that the component `owner` claims the files of the component `owned`, by their ids.
    pub(crate) fn own(&mut self, owner: &str, owned: &str) {
        let (Some(&owner), Some(&owned)) = (self.index_by_id.get(owner), self.index_by_id.get(owned)) else {
            return;
        };
        let Some(claim) = self
            .pending
            .get(owner)
            .map(|owner| PackageOwner { kind: owner.package.kind, name: owner.package.name.clone() })
        else {
            return;
        };
        if let Some(owned) = self.pending.get_mut(owned)
            && claim.kind.is_operating_system()
            && !owned.package.kind.is_operating_system()
            && !owned.exact
        {
            owned.package.owner = Some(claim);
        }
    }

    /// Settles the distribution, writes canonical purls, and joins packages that were stated more than once.
    pub(crate) fn finish(mut self, format: String) -> Bom {
        let os = self.os.take().or_else(|| elect(&self.pending));
        let mut merged: BTreeMap<Package, Vec<Evidence>> = BTreeMap::new();
        let mut homeless = 0u64;
        for Pending { mut package, distribution, exact } in std::mem::take(&mut self.pending) {
            if let (Some(own), Some(os)) = (&distribution, &os)
                && !distribution::agree(own, os)
            {
                let reason = format!("{} belongs to another distribution than the document", package.purl);
                self.notes.add(GapCode::UnknownDistribution, "components of another distribution", reason);
                continue;
            }
            homeless += u64::from(package.kind.is_operating_system() && os.is_none());
            if !exact && package.kind != PackageType::Generic {
                let Package { kind, name, version, arch, source, .. } = &package;
                package.purl = purl(*kind, name, version, arch.as_deref(), source.as_ref(), os.as_ref());
            }
            let evidence = std::mem::take(&mut package.evidence);
            merged.entry(package).or_default().extend(evidence);
        }
        if homeless > 0 {
            let reason = format!("{homeless} operating-system packages, and no distribution is named");
            self.notes.add(GapCode::UnknownDistribution, "operating-system packages", reason);
        }
        let packages = merged.into_iter().map(|(mut package, mut evidence)| {
            evidence.sort();
            evidence.dedup();
            package.evidence = evidence;
            package
        });
        Bom { format, os, packages: packages.collect(), gaps: self.notes.finish() }
    }
}

fn own(exact: Exact, stated: Stated) -> Option<Pending> {
    let package = Package {
        kind: exact.kind?,
        name: exact.name,
        version: exact.version,
        arch: exact.arch,
        purl: stated.purl.unwrap_or_default(),
        source: exact.source,
        licenses: stated.licenses,
        owner: exact.owner,
        evidence: stated.evidence,
    };
    Some(Pending { package, distribution: None, exact: true })
}

fn foreign(stated: Stated, notes: &mut Notes) -> Option<Pending> {
    let parsed = match stated.purl.as_deref().map(Purl::parse).transpose() {
        Ok(parsed) => parsed,
        Err(error) => {
            notes.add(GapCode::ParseError, "components with a malformed package URL", error.to_string());
            None
        }
    };
    let Some(parsed) = parsed else { return unnamed(stated, notes) };
    if matches!(parsed.kind.as_str(), "oci" | "docker") {
        // The image itself, not something installed in it.
        return None;
    }
    let mut identity = parsed.identity();
    if let Some(name) = better_spelling(&parsed, identity.kind, &identity.name, &stated.names) {
        identity.name = name;
    }
    if identity.version.is_empty() {
        identity.version = stated.version.unwrap_or_default();
    }
    if identity.version.is_empty() {
        let reason = format!("the document gives no version for {}", identity.name);
        notes.add(GapCode::UnreadableVersion, "components without a version", reason);
    }
    if identity.kind == PackageType::Generic {
        let reason = format!("packages of this type are listed and not judged, such as {}", identity.name);
        notes.add(GapCode::Unsupported, &format!("purl type {}", parsed.kind), reason);
    }
    let source = identity.source.or_else(|| stated.source.filter(|_| identity.kind.is_operating_system()));
    let source = source.filter(|source| {
        source.name != identity.name || source.version.as_ref().is_some_and(|v| *v != identity.version)
    });
    let package = Package {
        kind: identity.kind,
        name: identity.name,
        version: identity.version,
        arch: identity.arch,
        purl: stated.purl.unwrap_or_default(),
        source,
        licenses: stated.licenses,
        owner: None,
        evidence: stated.evidence,
    };
    let distribution = if package.kind.is_operating_system() { distribution::of_purl(&parsed) } else { None };
    Some(Pending { package, distribution, exact: false })
}

/// A component that only has a name: kept for the inventory, and said to be unjudged.
fn unnamed(stated: Stated, notes: &mut Notes) -> Option<Pending> {
    let name = stated.names.into_iter().find(|name| !name.is_empty())?;
    let version = stated.version.unwrap_or_default();
    let reason = format!("listed and not judged, such as {name}");
    notes.add(GapCode::Unsupported, "components without a package URL", reason);
    let package = Package {
        kind: PackageType::Generic,
        purl: purl(PackageType::Generic, &name, &version, None, None, None),
        name,
        version,
        arch: None,
        source: None,
        licenses: stated.licenses,
        owner: None,
        evidence: stated.evidence,
    };
    Some(Pending { package, distribution: None, exact: false })
}

/// The component's own spelling of the name, where it says the same as the purl and says it better.
fn better_spelling(parsed: &Purl, kind: PackageType, name: &str, spellings: &[String]) -> Option<String> {
    let fold = |text: &str| match kind {
        PackageType::Pypi => text.to_ascii_lowercase().replace(['_', '.'], "-"),
        PackageType::Maven => text.to_ascii_lowercase().replace('/', ":"),
        _ => text.to_ascii_lowercase(),
    };
    let wanted = fold(name);
    // The purl of a Go package inside a module has the package as its subpath; then the name is the module's.
    let module = if kind == PackageType::Golang && !parsed.subpath.is_empty() {
        Some(fold(&Purl { subpath: Vec::new(), ..parsed.clone() }.identity().name))
    } else {
        None
    };
    let found = spellings.iter().find(|text| fold(text) == wanted || module.as_ref() == Some(&fold(text)))?;
    Some(if kind == PackageType::Maven { found.replacen('/', ":", 1) } else { found.clone() })
}

/// The distribution most packages name, one with a version before one without.
fn elect(pending: &[Pending]) -> Option<OperatingSystem> {
    let mut votes: BTreeMap<&OperatingSystem, u64> = BTreeMap::new();
    for os in pending.iter().filter_map(|pending| pending.distribution.as_ref()) {
        *votes.entry(os).or_default() += 1;
    }
    let (os, _) = votes.into_iter().max_by_key(|(os, count)| (os.version.is_some(), *count))?;
    Some(os.clone())
}

/// Gaps under construction: the same thing said about many components is said once, with their number.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    counted: BTreeMap<(GapCode, String), (u64, String)>,
    declared: Vec<Gap>,
}

impl Notes {
    /// More different subjects than this share one line; a document may name any number of purl types.
    const SUBJECTS: usize = 200;

    pub(crate) fn add(&mut self, code: GapCode, subject: &str, reason: String) {
        let known = self.counted.contains_key(&(code, subject.to_owned()));
        let subject =
            if known || self.counted.len() < Self::SUBJECTS { subject } else { "further components" };
        let subject = subject.chars().take(120).collect();
        let entry =
            self.counted.entry((code, subject)).or_insert_with(|| (0, reason.chars().take(400).collect()));
        entry.0 += 1;
    }

    /// Takes over a gap that the document itself declares, if it is about looking at the target: what is about
    /// judging will be found again by whoever judges.
    pub(crate) fn declare(&mut self, gap: Gap) {
        use GapCode::{NoAdvisories, UnknownDistribution, UnreadableVersion};
        if matches!(gap.code, NoAdvisories | UnknownDistribution | UnreadableVersion) {
            return;
        }
        if self.declared.len() < limits::DECLARED_GAPS {
            self.declared.push(gap);
        } else {
            let reason = "the document declares more gaps than are taken over".to_owned();
            self.add(GapCode::EntryLimit, "declared gaps", reason);
        }
    }

    fn finish(self) -> Vec<Gap> {
        let counted = self.counted.into_iter().map(|((code, subject), (count, reason))| {
            let reason = if count == 1 { reason } else { format!("{reason} ({count} in all)") };
            Gap { code, subject, reason }
        });
        let mut gaps: Vec<Gap> = self.declared.into_iter().chain(counted).collect();
        gaps.sort();
        gaps.dedup();
        gaps
    }
}
