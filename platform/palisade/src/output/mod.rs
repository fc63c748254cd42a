//! Results in the form that was asked for, to the place that was asked for.

mod table;

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use model::{GapCode, ScanReport, Target};
use serde::Serialize;

use crate::cli::{Format, Printing};
use crate::exit::Outcome;

/// A report as JSON: the report itself, and what was asked to be added to it.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a ScanReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    scanned_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a Target>,
}

/// Prints a report and says how the command ends.
pub(crate) fn print(report: &ScanReport, target: &Target, printing: &Printing) -> Result<Outcome> {
    let at = printing.timestamps.then(Timestamp::now);
    let scanned_at = at.map(|at| at.to_string());
    let shown_target = printing.provenance.then_some(target);
    let text = match printing.format {
        Format::Table => table::report(report, target, scanned_at.as_deref()),
        Format::Json => {
            // A large report is not held as text besides.
            let document = Document { report, scanned_at, target: shown_target };
            write_json(&document, printing.output.as_deref())?;
            return Ok(outcome(report, printing));
        }
        Format::Cyclonedx => ingest::cyclonedx::write(report, shown_target, at),
        Format::Spdx => ingest::spdx::write(report, shown_target, at),
        Format::Sarif => ingest::sarif::write(report, shown_target),
    };
    write_document(&text, printing.output.as_deref())?;
    Ok(outcome(report, printing))
}

/// Writes to a file, or to standard output where none is named.
pub(crate) fn write_document(text: &str, file: Option<&Path>) -> Result<()> {
    match file {
        None => write_stdout(text),
        Some(path) => std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
    }
}

/// Writes to standard output; a reader that has gone away, such as `head`, is not an error.
pub(crate) fn write_stdout(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

fn write_json(value: &impl Serialize, file: Option<&Path>) -> Result<()> {
    let Some(path) = file else {
        return match to_json(value, std::io::stdout().lock()) {
            // A reader that has gone away, such as `head`, is not an error.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            done => done.context("cannot write to standard output"),
        };
    };
    let what = || format!("cannot write {}", path.display());
    to_json(value, std::fs::File::create(path).with_context(what)?).with_context(what)
}

fn to_json(value: &impl Serialize, to: impl std::io::Write) -> std::io::Result<()> {
    let mut writer = std::io::BufWriter::new(to);
    serde_json::to_writer_pretty(&mut writer, value).map_err(std::io::Error::from)?;
    writer.write_all(b"\n")?;
    writer.flush()
}

/// A policy that failed weighs more than a gap: the gap can only add to it.
/// Gaps that nobody asked for.
fn has_unwanted_gaps(report: &ScanReport) -> bool {
    report.coverage.gaps.iter().any(|gap| gap.code != GapCode::Excluded)
}

fn outcome(report: &ScanReport, printing: &Printing) -> Outcome {
    let counts = report.findings.iter().filter(|finding| finding.suppressed.is_none());
    let worst = counts.map(|finding| finding.severity).max();
    match (printing.fail_on, worst) {
        (Some(limit), Some(worst)) if worst >= limit => Outcome::PolicyFailed,
        _ if printing.strict && has_unwanted_gaps(report) => Outcome::CoverageGaps,
        _ => Outcome::Clean,
    }
}

/// Text from outside with control and direction-changing characters made visible, so that it cannot rewrite a terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn a_hostile_name_cannot_move_the_cursor_or_turn_the_text_around() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(visible("größe 漢字"), "größe 漢字");
    }
}
