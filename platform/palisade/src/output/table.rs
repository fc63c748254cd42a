//! A report for people: findings worst first, then what they should know before they believe it is all.

use std::fmt::Write as _;

use engine::posture::object_name;
use model::{Evidence, Finding, Fix, FixState, Gap, ScanReport, Severity, Target, TargetKind};

use super::visible;

/// Columns wider than this are cut, so that one long version does not push everything off the screen.
const CELL_WIDTH_MAX: usize = 44;
/// The same for a sentence in the last column.
const SENTENCE_WIDTH_MAX: usize = 120;
/// Gaps of the same code beyond this many are counted instead of listed.
const GAPS_LISTED: usize = 10;

/// The whole report as text.
pub(crate) fn report(report: &ScanReport, target: &Target, at: Option<&str>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", heading(report, target, at));
    let (counting, suppressed): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.suppressed.is_none());
    let of_cluster = matches!(target.kind, TargetKind::Cluster | TargetKind::Account);
    if !counting.is_empty() {
        let rows = if of_cluster {
            table(["SEVERITY", "RULE", "OBJECT", "WHAT"], counting.iter().map(|finding| object_row(finding)))
        } else {
            table(HEADINGS, counting.iter().map(|finding| row(finding)))
        };
        let _ = writeln!(out, "\n{rows}");
    }
    let _ = writeln!(out, "\n{}", summary(&counting, suppressed.len()));
    if !of_cluster {
        out.push_str(&advisories(report));
    }
    out.push_str(&gaps(&report.coverage.gaps));
    out
}

fn heading(report: &ScanReport, target: &Target, at: Option<&str>) -> String {
    if let Some(word) = match target.kind {
        TargetKind::Cluster => Some("cluster"),
        TargetKind::Account => Some("account"),
        _ => None,
    } {
        let at = at.map(|at| format!(" · {at}")).unwrap_or_default();
        return format!("{word} {}{at}", visible(&target.reference));
    }
    let os = match &report.os {
        Some(os) => os.pretty_name.clone().unwrap_or_else(|| match &os.version {
            Some(version) => format!("{} {version}", os.id),
            None => os.id.clone(),
        }),
        None => "no distribution found".to_owned(),
    };
    let at = at.map(|at| format!(" · {at}")).unwrap_or_default();
    format!("{} · {} · {} packages{at}", visible(&target.reference), visible(&os), report.packages.len())
}

const HEADINGS: [&str; 6] = ["SEVERITY", "ID", "PACKAGE", "INSTALLED", "FIXED IN", "SIGNALS"];

fn table<const N: usize>(headings: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.collect();
    let mut widths = headings.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N]| {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&headings.map(str::to_owned))];
    lines.extend(rows.iter().map(line));
    lines.join("\n")
}

fn row(finding: &Finding) -> [String; 6] {
    let (package, installed) = match &finding.package {
        Some(package) => (package.name.clone(), package.version.clone()),
        None => (finding.evidence.first().map(place).unwrap_or_default(), String::new()),
    };
    let cells = [
        finding.severity.to_string(),
        finding.rule.clone(),
        package,
        installed,
        fixed_in(&finding.fix),
        signals(finding),
    ];
    cells.map(|cell| cut(&visible(&cell), CELL_WIDTH_MAX))
}

/// A file, with the line where that is known.
fn place(evidence: &Evidence) -> String {
    match evidence.line {
        Some(line) => format!("{}:{line}", evidence.path),
        None => evidence.path.clone(),
    }
}

/// A finding about an object: what is wrong comes last, as nothing has to line up behind it.
fn object_row(finding: &Finding) -> [String; 4] {
    let rule = finding.rule.rsplit('/').next().unwrap_or_default();
    let path = finding.evidence.first().map(|evidence| evidence.path.as_str()).unwrap_or_default();
    let object = object_name(path);
    let what = finding.title.strip_prefix(&object).and_then(|rest| rest.strip_prefix(": "));
    [
        finding.severity.to_string(),
        cut(&visible(rule), CELL_WIDTH_MAX),
        cut(&visible(&object), CELL_WIDTH_MAX),
        cut(&visible(what.unwrap_or(&finding.title)), SENTENCE_WIDTH_MAX),
    ]
}

fn fixed_in(fix: &Fix) -> String {
    match fix.state {
        FixState::Fixed => fix.versions.join(", "),
        FixState::NotFixed => "no fix yet".to_owned(),
        FixState::WontFix => "will not be fixed".to_owned(),
        FixState::Deferred => "deferred".to_owned(),
        FixState::EndOfLife => "end of life".to_owned(),
        FixState::Unknown => "unknown".to_owned(),
    }
}

fn signals(finding: &Finding) -> String {
    let kev = finding.kev.as_ref().map(|_| "known exploited".to_owned());
    let epss = finding.epss.map(|epss| format!("EPSS {:.1}%", epss.score * 100.0));
    kev.into_iter().chain(epss).collect::<Vec<_>>().join(", ")
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width - 1).collect();
    short.push('…');
    short
}

fn summary(findings: &[&Finding], suppressed: usize) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let parts: Vec<String> = Severity::ALL
        .into_iter()
        .rev()
        .map(|severity| (severity, count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let found = match findings.len() {
        0 => "No findings".to_owned(),
        1 => format!("1 finding: {}", parts.join(", ")),
        n => format!("{n} findings: {}", parts.join(", ")),
    };
    if suppressed == 0 {
        found
    } else {
        format!("{found} · {suppressed} suppressed with a reason (see --format json)")
    }
}

fn advisories(report: &ScanReport) -> String {
    let mut out = String::new();
    match &report.coverage.advisories {
        Some(data) => {
            let as_of = if data.as_of.is_empty() { "unknown date" } else { &data.as_of };
            let _ = writeln!(out, "Advisories: {}, as of {}", visible(&data.source), visible(as_of));
        }
        None => out.push_str(
            "Advisories: none are installed, so nothing could be judged; see `palisade advisories`\n",
        ),
    }
    for ecosystem in &report.coverage.ecosystems {
        let data = match ecosystem.records {
            0 => "NO DATA".to_owned(),
            records => format!("{records} records"),
        };
        let _ = writeln!(out, "  {}: {} packages, {data}", visible(&ecosystem.ecosystem), ecosystem.packages);
    }
    out
}

fn gaps(gaps: &[Gap]) -> String {
    if gaps.is_empty() {
        return "Coverage: complete\n".to_owned();
    }
    let mut out = format!("Coverage: INCOMPLETE, {} gaps\n", gaps.len());
    for group in gaps.chunk_by(|a, b| a.code == b.code) {
        for gap in group.iter().take(GAPS_LISTED) {
            let _ =
                writeln!(out, "  {}: {}: {}", gap.code.as_str(), visible(&gap.subject), visible(&gap.reason));
        }
        if group.len() > GAPS_LISTED {
            let code = group.first().map_or("", |gap| gap.code.as_str());
            let _ = writeln!(out, "  {code}: and {} more", group.len() - GAPS_LISTED);
        }
    }
    out
}
