//! CycloneDX 1.4–1.6 JSON with vulnerabilities, with or without the components that they affect (VEX).
//!
//! One finding for each component that a vulnerability affects. Severity is the first rating that says one.

use std::collections::HashMap;

use model::purl::decode;
use model::{FindingClass, FixState, GapCode, Severity};

use super::properties::{ASSET_KIND, FIX, KEY, SUPPRESSED};
use super::{known_id, uri};
use crate::draft::{Draft, own_key, place, rating, suppressed};
use crate::import::{Builder, TargetIndex, TargetKind};
use crate::tree::Item;
use crate::{ExchangeError, Format, limits, purl, text};

/// How every place is said to have been read.
const METHOD: &str = "cyclonedx";

/// Why a vulnerability that is fixed does not count.
const FIXED: &str = "vex-fixed";

/// The bill of materials behind the vulnerabilities.
struct Bom<'a> {
    components: HashMap<&'a str, Component<'a>>,
    subject: Option<TargetIndex>,
}

/// A component, the target that it belongs to, and whether it is that target.
struct Component<'a> {
    item: Item<'a>,
    target: Option<TargetIndex>,
    whole: bool,
}

pub(super) fn read(root: &Item<'_>, builder: &mut Builder) -> Result<(), ExchangeError> {
    let version = root.text("specVersion").unwrap_or_default();
    if !matches!(version, "1.4" | "1.5" | "1.6") {
        let (format, found) = (Format::CycloneDx, text::title(version));
        return Err(ExchangeError::Version { format, found, supported: "1.4, 1.5, 1.6" });
    }
    if root.get("vulnerabilities").is_none_or(|all| !all.value().is_array()) {
        let (format, pointer) = (Format::CycloneDx, root.pointer_of("vulnerabilities"));
        let reason = "it is no list; a bill of materials alone is scanned, not imported";
        return Err(ExchangeError::Shape { format, pointer, reason });
    }
    tools(root, builder);
    if let Some(metadata) = root.get("metadata") {
        builder.made_at(&metadata, "timestamp");
    }
    let bom = components(root, builder);
    if root.elements("vulnerabilities").is_empty() {
        builder.clean();
    }
    for vulnerability in builder.objects(root, "vulnerabilities") {
        bom.read_vulnerability(&vulnerability, builder);
    }
    Ok(())
}

fn tools(root: &Item<'_>, builder: &mut Builder) {
    let Some(tools) = root.find(&["metadata", "tools"]) else { return };
    let listed = if tools.value().is_array() { tools.all() } else { tools.elements("components") };
    for tool in listed {
        if let Some(name) = tool.text("name") {
            builder.tool(name, tool.text("version"));
        }
    }
}

/// Every component by its reference. They belong to the subject of the document; without one, to the outermost
/// component that holds others, as in a document of our own with several assets.
fn components<'a>(root: &Item<'a>, builder: &mut Builder) -> Bom<'a> {
    let metadata = root.find(&["metadata", "component"]);
    let subject = metadata.as_ref().map(|component| target(component, builder));
    let mut open: Vec<Component<'a>> = Vec::new();
    open.extend(metadata.map(|item| Component { item, target: subject, whole: true }));
    for item in builder.objects(root, "components") {
        let whole = subject.is_none() && item.get("components").is_some();
        let index = if whole { Some(target(&item, builder)) } else { subject };
        open.push(Component { item, target: index, whole });
    }
    let mut components = HashMap::new();
    while let Some(component) = open.pop() {
        let inner = builder.objects(&component.item, "components");
        open.extend(inner.into_iter().map(|item| Component { item, target: component.target, whole: false }));
        if let Some(reference) = component.item.text("bom-ref") {
            components.entry(reference).or_insert(component);
        }
    }
    Bom { components, subject }
}

/// The target of what the document does not place.
fn placed(told: Option<TargetIndex>, builder: &mut Builder) -> TargetIndex {
    told.unwrap_or_else(|| builder.target(TargetKind::Other, "", None))
}

fn target(component: &Item<'_>, builder: &mut Builder) -> TargetIndex {
    let told = property(component, ASSET_KIND).and_then(TargetKind::from_name);
    let kind = told.unwrap_or(match component.text("type").unwrap_or_default() {
        "container" => TargetKind::Image,
        "operating-system" | "device" => TargetKind::Host,
        _ => TargetKind::Other,
    });
    let name = component.text("name").unwrap_or_default();
    let version = component.text("version").unwrap_or_default();
    let of_purl = component.text("purl").and_then(|url| Some(purl::package(url)?.0.version));
    let digest = of_purl.filter(|digest| digest.starts_with("sha256:"));
    let digest = digest.as_deref().or(Some(version).filter(|version| version.starts_with("sha256:")));
    builder.target(kind, name, digest)
}

fn property<'a>(item: &Item<'a>, name: &str) -> Option<&'a str> {
    item.elements("properties").iter().find(|one| one.text("name") == Some(name))?.text("value")
}

impl<'a> Bom<'a> {
    fn read_vulnerability(&self, item: &Item<'a>, builder: &mut Builder) {
        let Some(id) = item.text("id").and_then(text::id) else {
            return builder.skip(GapCode::ParseError, item.pointer(), "it has no usable id");
        };
        let affects = builder.objects(item, "affects");
        let mut draft = common(&id, item, builder);
        if affects.is_empty() {
            draft.location = vec![METHOD.to_owned()];
            let target = placed(self.subject, builder);
            return builder.finding(target, draft);
        }
        for affected in affects {
            if builder.is_full() {
                return;
            }
            self.read_affected(&draft, &affected, builder);
        }
    }

    fn read_affected(&self, common: &Draft, affected: &Item<'a>, builder: &mut Builder) {
        let said = affected.text("ref").unwrap_or_default();
        // A link into another document ends with the reference in it.
        let linked = said.strip_prefix("urn:cdx:").and_then(|link| decode(link.split_once('#')?.1));
        let reference = linked.as_deref().unwrap_or(said);
        let known = self.components.get(reference);
        let target = known.map_or(self.subject, |known| known.target);
        if known.is_some_and(|known| known.whole) {
            let mut draft = common.clone();
            draft.location = vec![METHOD.to_owned()];
            let target = placed(target, builder);
            return builder.finding(target, draft);
        }
        let component = known.map(|known| &known.item);
        let package = component.and_then(package).or_else(|| purl::package(reference));
        let Some((package, arch)) = package else {
            let reason = "its ref is no component of the document and no package URL";
            return builder.skip(GapCode::ParseError, affected.pointer(), reason);
        };
        let (sound, others): (Vec<_>, Vec<_>) = affected
            .elements("versions")
            .into_iter()
            .partition(|version| version.text("status") == Some("unaffected"));
        let sound: Vec<String> =
            sound.iter().filter_map(|one| one.text("version")).map(str::to_owned).collect();
        if others.is_empty() && sound.contains(&package.version) {
            return builder.clean();
        }
        let mut draft = common.clone();
        if !sound.is_empty() && draft.fix.state == FixState::Unknown {
            draft.fix.state = FixState::Fixed;
        }
        draft.fix.versions = sound;
        draft.evidence = component.map(|component| places(component)).unwrap_or_default();
        draft.package = Some((package, arch));
        let target = placed(target, builder);
        builder.finding(target, draft);
    }
}

fn package(component: &Item<'_>) -> Option<(model::PackageRef, Option<String>)> {
    component.text("purl").and_then(purl::package).or_else(|| {
        let name = match component.text("group") {
            Some(group) => format!("{}/{}", text::exact(group)?, text::exact(component.text("name")?)?),
            None => text::exact(component.text("name")?)?,
        };
        purl::named(model::PackageType::Generic, &name, component.text("version").unwrap_or_default())
    })
}

/// Where the tool says that the component is: occurrences, or the properties of Syft and Trivy.
fn places(component: &Item<'_>) -> Vec<model::Evidence> {
    let mut places = Vec::new();
    let occurrences =
        component.get("evidence").map(|evidence| evidence.elements("occurrences")).unwrap_or_default();
    for occurrence in occurrences.iter().take(limits::LIST) {
        let path = occurrence.text("location").and_then(uri::path);
        places.extend(path.map(|path| place(path, METHOD, occurrence.whole("line"))));
    }
    for one in component.elements("properties").iter().take(limits::LIST) {
        let name = one.text("name").unwrap_or_default();
        let is_path = name == "aquasecurity:trivy:FilePath"
            || (name.starts_with("syft:location:") && name.ends_with(":path"));
        if is_path {
            places.extend(one.text("value").and_then(uri::path).map(|path| place(path, METHOD, None)));
        }
    }
    places
}

/// What does not depend on the component.
fn common(id: &str, item: &Item<'_>, builder: &mut Builder) -> Draft {
    let references = item.elements("references");
    let others: Vec<String> = references.iter().filter_map(|other| text::id(other.text("id")?)).collect();
    let mut draft = Draft::new(FindingClass::Vulnerability, known_id(id, &others));
    draft.ids = std::iter::once(id.to_owned()).chain(others).collect();
    draft.title =
        text::title(item.text("detail").and_then(|detail| detail.lines().next()).unwrap_or_default());
    draft.description = text::clip(item.text("description").unwrap_or_default()).to_owned();
    rate(item, &mut draft, builder);
    draft.references.extend(item.text_at(&["source", "url"]).and_then(text::link));
    let advisories = item.elements("advisories");
    draft.references.extend(advisories.iter().filter_map(|one| text::link(one.text("url")?)));
    draft.suppressed = analysis(item, builder);
    // What is fixed is fixed, whatever else was said of it before.
    let is_fixed = draft.suppressed.as_ref().is_some_and(|said| said.code == FIXED);
    if let Some(own) = property(item, SUPPRESSED).and_then(|said| serde_json::from_str(said).ok())
        && !is_fixed
    {
        draft.suppressed = Some(own);
    }
    draft.key = property(item, KEY).and_then(own_key);
    draft.fix.state = fix_state(item);
    draft
}

fn rate(item: &Item<'_>, draft: &mut Draft, builder: &mut Builder) {
    draft.severity_source = "CycloneDX ratings, which say none".to_owned();
    for one in builder.objects(item, "ratings").into_iter().take(limits::LIST) {
        let source = one.text_at(&["source", "name"]).unwrap_or("the document");
        let method = one.text("method").unwrap_or("other");
        let severity = match one.text("severity") {
            Some("info") => Some(Severity::Negligible),
            Some(word) => Severity::from_word(word).or_else(|| {
                builder.gap(
                    GapCode::ParseError,
                    one.pointer_of("severity"),
                    "it is no severity of CycloneDX",
                );
                None
            }),
            None if method.starts_with("CVSS") => {
                let score = one.number("score").filter(|score| (0.0..=10.0).contains(score));
                score.map(Severity::from_cvss_score)
            }
            None => None,
        };
        if let (Severity::Unknown, Some(severity)) = (draft.severity, severity) {
            draft.severity = severity;
            draft.severity_source = format!("{source} ({method})");
        }
        if let Some(vector) = one.text("vector") {
            // Since 1.5 tools leave the beginning of a vector to the method.
            let prefix = match method {
                "CVSSv3" => "CVSS:3.0/",
                "CVSSv31" => "CVSS:3.1/",
                "CVSSv4" => "CVSS:4.0/",
                _ => "",
            };
            let whole =
                if vector.starts_with("CVSS:") { vector.to_owned() } else { format!("{prefix}{vector}") };
            match rating(&whole, one.number("score"), source) {
                Some(rating) => draft.cvss.push(rating),
                None if method.starts_with("CVSS") => {
                    let reason = "it is no CVSS vector with a score from 0 to 10";
                    builder.gap(GapCode::ParseError, one.pointer(), reason);
                }
                None => {}
            }
        }
    }
}

fn analysis(item: &Item<'_>, builder: &mut Builder) -> Option<model::Suppression> {
    let analysis = item.get("analysis")?;
    let reason = || {
        let words = [analysis.text("justification"), analysis.text("detail")];
        let said = words.into_iter().flatten().collect::<Vec<_>>().join(": ");
        if said.is_empty() { "the document gives no reason".to_owned() } else { said }
    };
    match analysis.text("state").unwrap_or("in_triage") {
        "resolved" | "resolved_with_pedigree" => suppressed(FIXED, reason()),
        "false_positive" => suppressed("vex-false-positive", reason()),
        "not_affected" => suppressed("vex-not-affected", reason()),
        "exploitable" | "in_triage" => None,
        _ => {
            builder.gap(GapCode::ParseError, analysis.pointer_of("state"), "it is no state of an analysis");
            None
        }
    }
}

fn fix_state(item: &Item<'_>) -> FixState {
    let told = property(item, FIX).and_then(|word| serde_json::from_value(word.into()).ok());
    if let Some(told) = told {
        return told;
    }
    let responses = item.get("analysis").map(|analysis| analysis.texts("response")).unwrap_or_default();
    if responses.contains(&"will_not_fix") {
        FixState::WontFix
    } else if responses.contains(&"can_not_fix") {
        FixState::NotFixed
    } else {
        FixState::Unknown
    }
}
