//! Why a finding is shown: the way from a file to a row of a table, one sentence per step.
//!
//! Made from what is stored and nothing else, so that every sentence can be checked against the fields beside it.

use model::{Coverage, Evidence, FindingState, FixState, TargetKind};
use store::FindingRow;

use crate::dto::Why;

/// Evidence paths named in a sentence; the rest are counted.
const PATHS_NAMED: usize = 3;

/// Explains a finding with the coverage of the scan that saw it last, where that is known.
pub(crate) fn why(row: &FindingRow, coverage: Option<&Coverage>) -> Why {
    Why {
        asset_kind: row.asset.kind,
        scan: row.stored.last_scan.to_string(),
        plugins: coverage.map(|coverage| coverage.analyzers.clone()).unwrap_or_default(),
        advisories: coverage.and_then(|coverage| coverage.advisories.clone()),
        steps: steps(row, coverage),
    }
}

fn steps(row: &FindingRow, coverage: Option<&Coverage>) -> Vec<String> {
    let (stored, finding) = (&row.stored, &row.stored.finding);
    let kind = match row.asset.kind {
        TargetKind::Image => "the image",
        TargetKind::Directory => "the directory",
        TargetKind::Sbom => "the bill of materials",
        TargetKind::Cluster => "the cluster",
        TargetKind::Account => "the account",
        TargetKind::Repository => "the repository",
        TargetKind::Host => "the machine",
    };
    let mut steps = vec![seen(row, kind)];
    if let Some(coverage) = coverage.filter(|coverage| !coverage.analyzers.is_empty()) {
        let names: Vec<String> =
            coverage.analyzers.iter().map(|one| format!("{} {}", one.plugin, one.version)).collect();
        let what = if matches!(row.asset.kind, TargetKind::Cluster | TargetKind::Account) {
            "objects were judged"
        } else {
            "files were read"
        };
        steps.push(format!("Its {what} in the sandbox by {}.", names.join(", ")));
    }
    match &finding.package {
        Some(package) => {
            let kind = package.kind.as_str();
            let place = places(&finding.evidence);
            let read = coverage.is_some_and(|coverage| !coverage.analyzers.is_empty());
            let said = if read { "They show" } else { "It is about" };
            steps.push(format!(
                "{said} the {kind} package {} in version {}{place}.",
                package.name, package.version
            ));
            if let Some(source) = package.source.as_ref().filter(|source| source.name != package.name) {
                steps.push(format!(
                    "It was built from the source package {}, which advisories name.",
                    source.name
                ));
            }
        }
        None if !finding.evidence.is_empty() => {
            steps.push(format!("The rule {} applies{}.", finding.rule, places(&finding.evidence)));
        }
        None => {}
    }
    for record in &finding.records {
        steps.push(format!("Record {} of {}: {}", record.id, record.ecosystem, sentence(&record.reason)));
    }
    steps.push(format!("The severity {} comes from {}.", finding.severity, finding.severity_source));
    if let Some(kev) = &finding.kev {
        steps.push(format!("It is in the catalogue of known exploited vulnerabilities since {}.", kev.added));
    }
    // Versions are of packages; what is wrong with anything else is mended where it stands.
    if finding.package.is_some() {
        steps.push(fix_step(finding.fix.state, &finding.fix.versions));
    }
    if let Some(suppressed) = &finding.suppressed {
        steps.push(format!("It does not count ({}): {}", suppressed.code, sentence(&suppressed.reason)));
    }
    if stored.state == FindingState::Fixed {
        steps.push("A later scan that looked in the same place did not see it any more.".to_owned());
    }
    steps
}

/// Who saw it: a scan of our own, or reports of other tools, or both.
fn seen(row: &FindingRow, kind: &str) -> String {
    let (stored, name) = (&row.stored, &row.asset.name);
    let others: Vec<&str> =
        stored.found_by.iter().map(String::as_str).filter(|by| *by != store::OWN).collect();
    let reports = match others.as_slice() {
        [] => return format!("Scan {} looked at {kind} {name}.", stored.last_scan),
        [one] => format!("reports of {one}"),
        [rest @ .., last] => format!("reports of {} and {last}", rest.join(", ")),
    };
    if others.len() < stored.found_by.len() {
        format!(
            "Scans of our own and {reports} have it of {kind} {name}; the newest of them is {}.",
            stored.last_scan
        )
    } else {
        format!("It stands in {reports} about {kind} {name}; the newest of them is {}.", stored.last_scan)
    }
}

/// ` in a, b and 3 more places`, or nothing.
fn places(evidence: &[Evidence]) -> String {
    let named: Vec<&str> = evidence.iter().take(PATHS_NAMED).map(|one| one.path.as_str()).collect();
    let more = evidence.len().saturating_sub(named.len());
    match (named.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(", by {}", named.join(", ")),
        (false, more) => format!(", by {} and {more} more", named.join(", ")),
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn fix_step(state: FixState, versions: &[String]) -> String {
    match (state, versions) {
        (FixState::Fixed, [first, ..]) => format!("Version {first} is without it."),
        (FixState::Fixed, []) => "A version without it exists, but the records do not name it.".to_owned(),
        (FixState::NotFixed, _) => "There is no version without it yet.".to_owned(),
        (FixState::WontFix, _) => "Its vendor will not mend it.".to_owned(),
        (FixState::Deferred, _) => "Its vendor has put off mending it.".to_owned(),
        (FixState::EndOfLife, _) => "The release is no longer maintained.".to_owned(),
        (FixState::Unknown, _) => "The records do not tell whether a version without it exists.".to_owned(),
    }
}
