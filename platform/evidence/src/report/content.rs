//! What a report says.

use super::Report;
use super::block::{Block, Table};
use crate::exception::Standing;
use crate::judged::{JudgedControl, JudgedFramework};
use crate::trend::Trend;

/// Rows of a table of inputs, gaps or changes. The rest is counted, and all of it is in the records.
const ROWS_MAX: usize = 500;

/// The report, part by part.
pub(super) fn blocks(report: &Report<'_>) -> Vec<Block> {
    let assessment = report.judged.assessment;
    let collector = &assessment.collector;
    let mut out = vec![
        Block::Heading(1, "Compliance evidence".to_owned()),
        Block::Paragraph(format!(
            "{}, assessed on {} by {} {}.",
            assessment.scope, assessment.time, collector.name, collector.version
        )),
        paragraph(
            "This report says what checks have seen, and never that anybody is compliant. A control is met as far as checks could tell; what is \
             for people to judge and what nothing could be told of is counted beside every score.",
        ),
    ];
    for framework in &report.judged.frameworks {
        of_framework(report, framework, &mut out);
    }
    exceptions(report, &mut out);
    gaps(report, &mut out);
    evidence(report, &mut out);
    out
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph(text.to_owned())
}

fn of_framework(report: &Report<'_>, framework: &JudgedFramework<'_>, out: &mut Vec<Block>) {
    let about = framework.framework;
    out.push(Block::Heading(2, format!("{} {}", about.name, about.version)));
    out.push(Block::Paragraph(framework.summary.words()));
    out.push(paragraph(
        "Score = 100 × (met + partly met ÷ 2) ÷ (met + partly met + not met), rounded down. Controls for people to judge and controls not \
         assessed are not in it.",
    ));
    let rows = framework.controls.iter().filter(|control| control.told()).map(row).collect();
    table(out, "Controls that something could be told of", CONTROLS.to_vec(), rows, "None.");
    let rest = framework.controls.iter().filter(|control| !control.told());
    let rows = rest.map(|control| {
        vec![
            control.control.control.clone(),
            control.control.status.words().to_owned(),
            control.control.rationale.clone(),
        ]
    });
    let columns = vec![("Control", 16), ("Status", 18), ("Why", 66)];
    table(out, "Controls that nothing could be told of", columns, rows.collect(), "None.");
    if let Some(trend) = report.trend.get(&about.id).filter(|trend| trend.points.len() > 1) {
        of_trend(trend, out);
    }
}

const CONTROLS: [(&str, u16); 7] = [
    ("Control", 14),
    ("Status", 14),
    ("Why", 37),
    ("Failed", 8),
    ("Accepted", 11),
    ("Passed", 8),
    ("Could not be done", 8),
];

fn row(control: &JudgedControl<'_>) -> Vec<String> {
    let mut status = control.control.status.words().to_owned();
    if control.accepted {
        status.push_str(", accepted by exception");
    }
    let proof = control.proof;
    let counts = [proof.fail, proof.accepted, proof.pass, proof.error];
    let words = [control.control.control.clone(), status, control.control.rationale.clone()];
    words.into_iter().chain(counts.map(|count| count.to_string())).collect()
}

fn of_trend(trend: &Trend, out: &mut Vec<Block>) {
    out.push(Block::Heading(3, "Over time".to_owned()));
    let points = trend.points.iter().map(|(time, summary)| {
        let score = summary.score.map_or("none".to_owned(), |score| score.to_string());
        let counts =
            [summary.met, summary.partly, summary.not_met, summary.accepted, summary.all() - summary.told()];
        [time.to_string(), score].into_iter().chain(counts.map(|count| count.to_string())).collect()
    });
    let columns = vec![
        ("Assessed", 28),
        ("Score", 10),
        ("Met", 10),
        ("Partly met", 12),
        ("Not met", 10),
        ("Accepted", 12),
        ("Not told", 12),
    ];
    table(out, "Assessments", columns, points.collect(), "None.");
    let word = |status: Option<crate::assessment::Status>| {
        status.map_or("not there", |status| status.words()).to_owned()
    };
    let changes = trend.changes.iter().map(|change| {
        vec![change.time.to_string(), change.control.clone(), word(change.from), word(change.to)]
    });
    let columns = vec![("Assessed", 28), ("Control", 24), ("Before", 24), ("Then", 24)];
    table(out, "Controls that changed", columns, changes.collect(), "None changed.");
}

fn exceptions(report: &Report<'_>, out: &mut Vec<Block>) {
    out.push(Block::Heading(2, "Exceptions".to_owned()));
    out.push(paragraph(
        "A failure under an exception in force is accepted: it still counts as a failure, in the status of its control and in the score, \
         until it is gone.",
    ));
    let rows = report.judged.applied.standings.iter().map(|(exception, standing)| {
        let until = exception.expires_at.map(|end| end.to_string()).unwrap_or_default();
        let standing = match standing {
            Standing::Active => format!("in force until {until}"),
            Standing::Expired => format!("expired on {until}, counts no more"),
            Standing::NotYet => "not yet in force".to_owned(),
        };
        vec![
            exception.id.clone(),
            exception.about(),
            exception.scope.words(),
            standing,
            format!("{} on {}", exception.approver.as_deref().unwrap_or_default(), exception.approved_at),
            exception.owner.clone(),
            exception.reason.clone(),
        ]
    });
    let columns = vec![
        ("Exception", 10),
        ("About", 13),
        ("For", 13),
        ("Standing", 20),
        ("Approved by", 20),
        ("Owner", 8),
        ("Reason", 16),
    ];
    table(out, "Exceptions", columns, rows.collect(), "There are none.");
}

fn gaps(report: &Report<'_>, out: &mut Vec<Block>) {
    out.push(Block::Heading(2, "What was not looked at".to_owned()));
    let gaps = &report.judged.assessment.gaps;
    let rows = gaps.iter().map(|gap| vec![gap.subject.clone(), gap.code.clone(), gap.reason.clone()]);
    let columns = vec![("Subject", 40), ("Code", 18), ("Why", 42)];
    table(out, "Gaps", columns, rows.collect(), "Everything that belongs to the scope was looked at.");
}

fn evidence(report: &Report<'_>, out: &mut Vec<Block>) {
    let assessment = report.judged.assessment;
    out.push(Block::Heading(2, "Evidence".to_owned()));
    out.push(Block::Paragraph(format!(
        "What is said here is recorded in a hash chain whose head is {}. It covers every check with its assets, every control, every exception and every \
         input by its hash. A pack that holds the chain verifies offline against the key of whoever signed it.",
        report.head
    )));
    let mut plugins: Vec<Vec<String>> = Vec::new();
    for rule in report.judged.rules.values().map(|rule| rule.rule) {
        let plugin = rule.id.split_once('/').map_or(rule.id.as_str(), |(plugin, _)| plugin);
        plugins.push(vec![plugin.to_owned(), rule.version.clone(), rule.digest.clone()]);
    }
    plugins.sort();
    plugins.dedup();
    let columns = vec![("Plugin", 30), ("Version", 15), ("Hash", 55)];
    table(out, "Plugins whose checks were run", columns, plugins, "None.");
    let inputs = assessment.inputs.iter();
    let rows =
        inputs.map(|input| vec![input.description.clone(), input.bytes.to_string(), input.sha256.clone()]);
    let columns = vec![("Input", 33), ("Bytes", 12), ("Hash", 55)];
    table(out, "Raw inputs", columns, rows.collect(), "None.");
}

/// A table with what it is called, or a sentence where it has no rows.
fn table(
    out: &mut Vec<Block>,
    caption: &str,
    columns: Vec<(&'static str, u16)>,
    mut rows: Vec<Vec<String>>,
    none: &str,
) {
    if rows.is_empty() {
        out.push(Block::Paragraph(format!("{caption}: {none}")));
        return;
    }
    let more = rows.len().saturating_sub(ROWS_MAX);
    rows.truncate(ROWS_MAX);
    // Nothing is not read aloud, and leaves the reader guessing which column is next.
    for cell in rows.iter_mut().flatten().filter(|cell| cell.trim().is_empty()) {
        "–".clone_into(cell);
    }
    out.push(Block::Table(Table { caption: caption.to_owned(), columns, rows }));
    if more > 0 {
        out.push(Block::Paragraph(format!("{more} more are in the records of evidence.")));
    }
}
