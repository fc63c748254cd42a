//! RFC 4180 with a heading. A cell that a spreadsheet would take for a formula begins with an apostrophe.

use std::io::{self, Write};

use serde_json::json;

use super::{Exported, Written};

/// Names of the columns, in order. New ones are added at the end.
const COLUMNS: [&str; 19] = [
    "fingerprint",
    "state",
    "severity",
    "severity_source",
    "class",
    "rule",
    "title",
    "asset_kind",
    "asset",
    "asset_digest",
    "package",
    "fix_state",
    "fix_versions",
    "places",
    "first_seen",
    "last_seen",
    "owner",
    "reason",
    "references",
];

pub(super) fn write(
    findings: &mut dyn Iterator<Item = Exported>,
    out: &mut dyn Write,
) -> io::Result<Written> {
    row(&COLUMNS.map(str::to_owned), out)?;
    let mut written = Written::default();
    for exported in findings {
        row(&cells(&exported), out)?;
        written.written += 1;
    }
    Ok(written)
}

fn cells(exported: &Exported) -> [String; COLUMNS.len()] {
    let finding = &exported.finding;
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let places = finding.evidence.iter().map(|place| {
        let inner = place.inner.as_ref().map(|inner| format!("!/{inner}")).unwrap_or_default();
        let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{inner}{line}", place.path)
    });
    [
        exported.fingerprint.0.clone(),
        exported.state.as_str().to_owned(),
        finding.severity.as_str().to_owned(),
        finding.severity_source.clone(),
        word(json!(finding.class)),
        finding.rule.clone(),
        finding.title.clone(),
        exported.asset.kind.as_str().to_owned(),
        exported.asset.name.clone(),
        exported.asset.digest.clone().unwrap_or_default(),
        finding.package.as_ref().map(|package| package.purl.clone()).unwrap_or_default(),
        word(json!(finding.fix.state)),
        finding.fix.versions.join(" "),
        places.collect::<Vec<_>>().join("\n"),
        exported.first_seen.to_string(),
        exported.last_seen.to_string(),
        exported.owner.clone().unwrap_or_default(),
        exported.suppression().map(|said| said.reason).unwrap_or_default(),
        finding.references.join("\n"),
    ]
}

fn row(cells: &[String], out: &mut dyn Write) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(escaped(cell).as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// A cell as text, quoted where it has to be. The apostrophe is the way of spreadsheets to say that text follows.
pub(super) fn escaped(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{cell}") } else { cell.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
