//! A table as RFC 4180 has it, for spreadsheets, whose formulas strangers must not write.

use std::fmt::Write as _;

use model::Evidence;

use super::Exported;

/// Names of the columns.
const COLUMNS: [&str; 32] = [
    "fingerprint",
    "severity",
    "rule",
    "ids",
    "title",
    "class",
    "state",
    "status",
    "asset_kind",
    "asset",
    "asset_id",
    "package_type",
    "package",
    "version",
    "purl",
    "fix_state",
    "fixed_version",
    "known_exploited",
    "epss",
    "cvss",
    "path",
    "assignee",
    "tags",
    "due_at",
    "first_seen_at",
    "last_seen_at",
    "fixed_at",
    "reason",
    "owner",
    "approver",
    "accepted_until",
    "risk",
];

/// The line of names.
#[must_use]
pub fn head() -> String {
    COLUMNS.join(",") + "\r\n"
}

/// The line of a finding.
#[must_use]
pub fn row(one: &Exported<'_>) -> String {
    let finding = one.finding;
    let package = finding.package.as_ref();
    let said = one.decision.as_ref();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let worst = finding
        .cvss
        .iter()
        .map(|cvss| cvss.score)
        .fold(None, |worst: Option<f64>, score| Some(worst.map_or(score, |worst| worst.max(score))));
    let cells = [
        one.fingerprint.0.clone(),
        finding.severity.as_str().to_owned(),
        finding.rule.clone(),
        finding.ids.join(" "),
        finding.title.clone(),
        word(&finding.class),
        one.state.as_str().to_owned(),
        one.status.as_str().to_owned(),
        one.asset_kind.as_str().to_owned(),
        one.asset_name.to_owned(),
        one.asset.to_owned(),
        text(package.map(|package| package.kind.as_str())),
        text(package.map(|package| package.name.as_str())),
        text(package.map(|package| package.version.as_str())),
        text(package.map(|package| package.purl.as_str())),
        word(&finding.fix.state),
        text(finding.fix.versions.first().map(String::as_str)),
        finding.kev.is_some().to_string(),
        finding.epss.map(|epss| epss.score.to_string()).unwrap_or_default(),
        worst.map(|score| score.to_string()).unwrap_or_default(),
        finding.evidence.first().map(path).unwrap_or_default(),
        text(one.assignee),
        one.tags.join(" "),
        time(one.due_at),
        one.first_seen_at.to_string(),
        one.last_seen_at.to_string(),
        time(one.fixed_at),
        text(said.map(|said| said.reason)),
        text(said.and_then(|said| said.owner)),
        text(said.and_then(|said| said.approver)),
        time(said.and_then(|said| said.until)),
        one.risk.to_string(),
    ];
    let mut line = String::new();
    for (number, cell) in cells.iter().enumerate() {
        let _ = write!(line, "{}{}", if number == 0 { "" } else { "," }, guarded(cell));
    }
    line + "\r\n"
}

/// The word of an enumeration, as JSON has it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn path(evidence: &Evidence) -> String {
    evidence
        .inner
        .as_ref()
        .map_or_else(|| evidence.path.clone(), |inner| format!("{}!{inner}", evidence.path))
}

/// A cell: quoted where it has to be, and with an apostrophe before what a spreadsheet would take for a formula.
fn guarded(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    if formula || cell.contains([',', '"', '\r', '\n']) {
        format!("\"{mark}{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use model::{FindingState, Triage};
    use proptest::prelude::*;

    use super::{COLUMNS, guarded, head, row};
    use crate::export::tests::with;

    /// Cells of one line, as RFC 4180 has them.
    fn cells(line: &str) -> Vec<String> {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut letters = line.strip_suffix("\r\n").unwrap().chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                other => cell.push(other),
            }
        }
        cells.push(cell);
        cells
    }

    #[test]
    fn a_finding_is_a_line_of_as_many_cells_as_there_are_names() {
        assert_eq!(cells(&head()), COLUMNS);
        with(Triage::Accepted, FindingState::Open, |one| {
            let cells = cells(&row(one));
            let of = |name: &str| cells[COLUMNS.iter().position(|column| *column == name).unwrap()].clone();
            assert_eq!(cells.len(), COLUMNS.len());
            assert_eq!(of("title"), "'=HYPERLINK(\"http://evil\")", "no formula");
            assert_eq!(of("package"), "'@x/y");
            assert_eq!(
                (of("ids"), of("status"), of("fixed_version")),
                ("CVE-2024-1 GHSA-x".into(), "accepted".into(), "1.1".into())
            );
            assert_eq!(
                (of("class"), of("cvss"), of("tags")),
                ("vulnerability".into(), "8.8".into(), "a b".into())
            );
            assert_eq!((of("owner"), of("accepted_until")), ("ann".into(), "2027-01-01T00:00:00Z".into()));
        });
    }

    proptest! {
        #[test]
        fn a_cell_is_read_as_it_was_written_and_is_no_formula(text in "[=+@\\-\t\r\na\", ]{0,6}") {
            let read = cells(&(guarded(&text) + ",x\r\n"));
            prop_assert_eq!(read.len(), 2);
            prop_assert!(!read[0].starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(read[0].strip_prefix('\'').unwrap_or(&read[0]), &text);
        }
    }
}
