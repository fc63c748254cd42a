//! `grype --output json`. Severity is Grype's own word, which it takes from the namespace of the match.

use model::{FindingClass, FixState, GapCode, PackageType, Severity};

use super::{known_id, uri};
use crate::draft::{Draft, place, rating, suppressed};
use crate::import::{Builder, TargetIndex, TargetKind};
use crate::tree::Item;
use crate::{ExchangeError, Format, purl, text};

/// How every place is said to have been read.
const METHOD: &str = "grype";

pub(super) fn read(root: &Item<'_>, builder: &mut Builder) -> Result<(), ExchangeError> {
    if root.get("matches").is_none_or(|matches| !matches.value().is_array()) {
        let (format, pointer) = (Format::GrypeJson, root.pointer_of("matches"));
        return Err(ExchangeError::Shape { format, pointer, reason: "it is no list" });
    }
    let descriptor = root.get("descriptor");
    let version = descriptor.as_ref().and_then(|descriptor| descriptor.text("version"));
    builder.tool("Grype", version);
    if let Some(descriptor) = &descriptor {
        builder.made_at(descriptor, "timestamp");
    }
    let target = target(root, builder);
    builder.clean();
    for (list, ignored) in [("matches", false), ("ignoredMatches", true)] {
        for item in builder.objects(root, list) {
            if let Some(draft) = finding(&item, ignored, builder) {
                builder.finding(target, draft);
            }
        }
    }
    Ok(())
}

fn target(root: &Item<'_>, builder: &mut Builder) -> TargetIndex {
    let source = root.get("source");
    let target = source.as_ref().and_then(|source| source.get("target"));
    let Some(target) = target else { return builder.target(TargetKind::Other, "", None) };
    if let Some(path) = target.as_text() {
        return builder.target(TargetKind::Other, path, None);
    }
    let name = target.text("userInput").unwrap_or_default();
    let registry = target.texts("repoDigests").into_iter().find_map(|digest| Some(digest.split_once('@')?.1));
    let image = source.is_some_and(|source| source.text("type") == Some("image"));
    let kind = if image { TargetKind::Image } else { TargetKind::Other };
    builder.target(kind, name, registry.or(target.text("manifestDigest")))
}

fn finding(item: &Item<'_>, ignored: bool, builder: &mut Builder) -> Option<Draft> {
    let vulnerability = item.get("vulnerability");
    let Some(id) = vulnerability.as_ref().and_then(|said| said.text("id")).and_then(text::id) else {
        builder.skip(GapCode::ParseError, item.pointer_of("vulnerability"), "it has no usable id");
        return None;
    };
    let vulnerability = vulnerability?;
    let Some(package) = item.get("artifact").as_ref().and_then(package) else {
        builder.skip(GapCode::ParseError, item.pointer_of("artifact"), "it has no usable name");
        return None;
    };
    let related = item.elements("relatedVulnerabilities");
    let others: Vec<String> = related.iter().filter_map(|other| text::id(other.text("id")?)).collect();
    let rule = known_id(&id, &others);
    let mut draft = Draft::new(FindingClass::Vulnerability, rule);
    draft.title = format!("{id} in {}", package.0.name);
    draft.ids = std::iter::once(id).chain(others).collect();
    draft.package = Some(package);
    let described = std::iter::once(&vulnerability).chain(&related).find_map(|said| said.text("description"));
    draft.description = described.unwrap_or_default().to_owned();
    (draft.severity, draft.severity_source) = severity(&vulnerability, builder);
    for said in std::iter::once(&vulnerability).chain(&related) {
        ratings(said, &mut draft, builder);
    }
    draft.fix.state = fix_state(&vulnerability, builder);
    draft.fix.versions = vulnerability
        .get("fix")
        .map(|fix| fix.texts("versions").into_iter().map(str::to_owned).collect())
        .unwrap_or_default();
    draft.references.extend(vulnerability.text("dataSource").map(str::to_owned));
    draft.references.extend(vulnerability.texts("urls").into_iter().map(str::to_owned));
    let locations = item.get("artifact").map(|artifact| artifact.elements("locations")).unwrap_or_default();
    let paths = locations.iter().filter_map(|location| uri::path(location.text("path")?));
    draft.evidence.extend(paths.map(|path| place(path, METHOD, None)));
    if ignored {
        draft.suppressed = suppressed("suppressed-by-tool", reason(item));
    }
    Some(draft)
}

fn package(artifact: &Item<'_>) -> Option<(model::PackageRef, Option<String>)> {
    if let Some(package) = artifact.text("purl").and_then(purl::package) {
        return Some(package);
    }
    let kind = match artifact.text("type").unwrap_or_default() {
        "java-archive" | "jenkins-plugin" => PackageType::Maven,
        "python" => PackageType::Pypi,
        "go-module" => PackageType::Golang,
        "rust-crate" => PackageType::Cargo,
        "dotnet" => PackageType::Nuget,
        "php-composer" => PackageType::Composer,
        other => PackageType::from_name(other).unwrap_or(PackageType::Generic),
    };
    purl::named(kind, artifact.text("name")?, artifact.text("version").unwrap_or_default())
}

fn severity(vulnerability: &Item<'_>, builder: &mut Builder) -> (Severity, String) {
    let word = vulnerability.text("severity").unwrap_or("Unknown");
    let severity = Severity::from_word(word).unwrap_or_else(|| {
        builder.gap(GapCode::ParseError, vulnerability.pointer_of("severity"), "it is no severity of Grype");
        Severity::Unknown
    });
    let source = match vulnerability.text("namespace") {
        Some(namespace) => format!("Grype severity ({namespace})"),
        None => "Grype severity".to_owned(),
    };
    (severity, source)
}

fn ratings(vulnerability: &Item<'_>, draft: &mut Draft, builder: &mut Builder) {
    for one in vulnerability.elements("cvss") {
        let source = one.text("source").or(vulnerability.text("id")).unwrap_or("Grype");
        let score = one.get("metrics").and_then(|metrics| metrics.number("baseScore"));
        match one.text("vector").and_then(|vector| rating(vector, score, source)) {
            Some(rating) => draft.cvss.push(rating),
            None => {
                let reason = "it is no CVSS vector with a score from 0 to 10";
                builder.gap(GapCode::ParseError, one.pointer(), reason);
            }
        }
    }
}

fn fix_state(vulnerability: &Item<'_>, builder: &mut Builder) -> FixState {
    let Some(fix) = vulnerability.get("fix") else { return FixState::Unknown };
    match fix.text("state").unwrap_or("unknown") {
        "fixed" => FixState::Fixed,
        "not-fixed" => FixState::NotFixed,
        "wont-fix" => FixState::WontFix,
        "unknown" => FixState::Unknown,
        _ => {
            builder.gap(GapCode::ParseError, fix.pointer_of("state"), "it is no fix state of Grype");
            FixState::Unknown
        }
    }
}

/// What the rule that ignored the match says.
fn reason(item: &Item<'_>) -> String {
    let rules = item.elements("appliedIgnoreRules");
    let words = ["reason", "vex-justification", "vex-status", "vulnerability", "namespace"];
    let said = rules.iter().find_map(|rule| words.iter().find_map(|word| Some((word, rule.text(word)?))));
    said.map_or_else(
        || "ignored by Grype".to_owned(),
        |(word, said)| format!("ignored by Grype, {word}: {said}"),
    )
}
