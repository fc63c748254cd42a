//! `semgrep --json`. Severity by the table that Semgrep publishes: ERROR is high, WARNING medium, INFO low, and newer
//! rules say it in those words.
//!
//! `lines` and metavariables are never taken over, nor the message of a rule about secrets: they hold the code itself.

use model::{FindingClass, FixState, GapCode, PackageType, Severity};

use super::{gitleaks, known_id, uri};
use crate::draft::{Draft, place, suppressed};
use crate::import::{Builder, TargetKind};
use crate::tree::Item;
use crate::{ExchangeError, Format, purl, text};

/// How every place is said to have been read.
const METHOD: &str = "semgrep";

/// What stands for the fingerprint and the code where nobody has logged in.
const LOGGED_OUT: &str = "requires login";

pub(super) fn read(root: &Item<'_>, builder: &mut Builder) -> Result<(), ExchangeError> {
    if root.get("results").is_none_or(|results| !results.value().is_array()) {
        let (format, pointer) = (Format::Semgrep, root.pointer_of("results"));
        return Err(ExchangeError::Shape { format, pointer, reason: "it is no list" });
    }
    builder.tool("Semgrep", root.text("version"));
    let target = builder.target(TargetKind::Repository, "", None);
    if root.elements("results").is_empty() {
        builder.clean();
    }
    for item in builder.objects(root, "results") {
        if let Some(draft) = finding(&item, builder) {
            builder.finding(target, draft);
        }
    }
    own_gaps(root, builder);
    Ok(())
}

/// What Semgrep itself could not read.
fn own_gaps(root: &Item<'_>, builder: &mut Builder) {
    for error in builder.objects(root, "errors") {
        let said = error.text("message").or(error.text("type")).unwrap_or("the tool tells of an error");
        match error.text("path").and_then(uri::path) {
            Some(path) => {
                builder.gap(GapCode::CheckError, error.pointer(), format!("{path}: {said}"));
                builder.unseen(path);
            }
            None => builder.blind(GapCode::CheckError, error.pointer(), format!("the scan: {said}")),
        }
    }
    let skipped = root.get("paths").map(|paths| builder.objects(&paths, "skipped")).unwrap_or_default();
    for one in skipped {
        let (path, reason) = (one.text("path").unwrap_or("a file"), one.text("reason").unwrap_or("skipped"));
        builder.gap(GapCode::Excluded, one.pointer(), format!("{path}: {reason}"));
        if let Some(path) = uri::path(path) {
            builder.unseen(path);
        }
    }
}

fn finding(item: &Item<'_>, builder: &mut Builder) -> Option<Draft> {
    let Some(rule) = item.text("check_id").and_then(text::id) else {
        builder.skip(GapCode::ParseError, item.pointer(), "it has no usable check_id");
        return None;
    };
    let extra = item.get("extra");
    let metadata = extra.as_ref().and_then(|extra| extra.get("metadata"));
    let mut draft = match extra.as_ref().and_then(|extra| extra.get("sca_info")) {
        Some(sca) => dependency(&rule, &sca, metadata.as_ref(), builder)?,
        None if is_secret(&rule, metadata.as_ref()) => Draft::new(FindingClass::Secret, rule.clone()),
        None => Draft::new(FindingClass::Misconfiguration, rule.clone()),
    };
    let message = extra.as_ref().and_then(|extra| extra.text("message")).unwrap_or_default();
    if is_secret(&rule, metadata.as_ref()) {
        draft.title.clone_from(&rule);
    } else {
        draft.title = message.lines().next().unwrap_or_default().to_owned();
        draft.description = message.to_owned();
    }
    (draft.severity, draft.severity_source) = severity(item, extra.as_ref(), metadata.as_ref(), builder);
    let start = item.get("start");
    let number = |name| start.as_ref().and_then(|start| start.whole(name));
    let path = item.text("path").and_then(uri::path);
    if path.is_none() {
        builder.gap(GapCode::UnsafePath, item.pointer_of("path"), "it names no file below the repository");
    }
    draft.evidence.extend(path.clone().map(|path| place(path, METHOD, number("line"))));
    let links = metadata.as_ref().map(|metadata| metadata.texts("references")).unwrap_or_default();
    draft.references.extend(links.into_iter().map(str::to_owned));
    draft
        .references
        .extend(metadata.as_ref().and_then(|metadata| metadata.text("source")).map(str::to_owned));
    if extra
        .as_ref()
        .and_then(|extra| extra.get("is_ignored"))
        .is_some_and(|said| said.value().as_bool() == Some(true))
    {
        draft.suppressed = suppressed("suppressed-by-tool", "ignored by a comment in the source");
    }
    let fingerprint =
        extra.as_ref().and_then(|extra| extra.text("fingerprint")).filter(|said| *said != LOGGED_OUT);
    draft.location = match fingerprint {
        Some(fingerprint) => vec![METHOD.to_owned(), "fingerprint".to_owned(), fingerprint.to_owned()],
        None => {
            let place = [number("line"), number("col")].map(|number| number.unwrap_or_default().to_string());
            [METHOD.to_owned(), "place".to_owned(), path.unwrap_or_default()]
                .into_iter()
                .chain(place)
                .collect()
        }
    };
    Some(draft)
}

fn is_secret(rule: &str, metadata: Option<&Item<'_>>) -> bool {
    let typed = metadata.is_some_and(|metadata| metadata.get("secret_type").is_some());
    typed || rule.split('.').any(|part| part == "secrets")
}

/// A finding of Semgrep Supply Chain, which is about a package.
fn dependency(
    rule: &str,
    sca: &Item<'_>,
    metadata: Option<&Item<'_>>,
    builder: &mut Builder,
) -> Option<Draft> {
    let found = sca.find(&["dependency_match", "found_dependency"]);
    let package = found.as_ref().and_then(|found| {
        let ecosystem = found.text("ecosystem").unwrap_or_default();
        let kind = match ecosystem {
            "gomod" => PackageType::Golang,
            other => PackageType::from_name(other).unwrap_or(PackageType::Generic),
        };
        purl::named(kind, found.text("package")?, found.text("version").unwrap_or_default())
    });
    let Some(package) = package else {
        let reason = "it has no dependency_match with a usable package";
        builder.skip(GapCode::ParseError, sca.pointer(), reason);
        return None;
    };
    let cve = metadata.and_then(|metadata| metadata.text("sca-vuln-database-identifier")).and_then(text::id);
    let mut draft = Draft::new(FindingClass::Vulnerability, known_id(rule, cve.as_slice()));
    draft.ids = vec![rule.to_owned()];
    for fix in metadata.map(|metadata| metadata.elements("sca-fix-versions")).unwrap_or_default() {
        draft.fix.versions.extend(fix.text(&package.0.name).map(str::to_owned));
    }
    if !draft.fix.versions.is_empty() {
        draft.fix.state = FixState::Fixed;
    }
    draft.package = Some(package);
    Some(draft)
}

fn severity(
    item: &Item<'_>,
    extra: Option<&Item<'_>>,
    metadata: Option<&Item<'_>>,
    builder: &mut Builder,
) -> (Severity, String) {
    let Some(word) = extra.and_then(|extra| extra.text("severity")) else {
        if metadata.is_some_and(|metadata| metadata.get("secret_type").is_some()) {
            return (Severity::High, gitleaks::UNRATED.to_owned());
        }
        builder.gap(GapCode::ParseError, item.pointer_of("extra"), "it has no severity");
        return (Severity::Unknown, "Semgrep severity".to_owned());
    };
    let severity = match word {
        "ERROR" => Severity::High,
        "WARNING" => Severity::Medium,
        "INFO" => Severity::Low,
        "INVENTORY" | "EXPERIMENT" => Severity::None,
        other => Severity::from_word(other).unwrap_or_else(|| {
            let pointer = extra.map(|extra| extra.pointer_of("severity")).unwrap_or_default();
            builder.gap(GapCode::ParseError, pointer, "it is no severity of Semgrep");
            Severity::Unknown
        }),
    };
    (severity, "Semgrep severity".to_owned())
}
