//! Boards and alerts of the chart ask for what Palisade tells: every metric named in them is one of the sources, every code of a runbook has
//! a page, and no panel or alert is without a word on what to do.
//!
//! Metrics are taken from the text of the sources, which `cargo fmt` keeps in one shape; see [`exposed`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{told, values};
use crate::codes::PAGES;

/// What every metric begins with.
const PREFIX: &str = "palisade_";
/// Where servers and webhook write their metrics.
const SOURCES: [&str; 3] = [
    "platform/api/src/routes/metrics.rs",
    "platform/api/src/figures.rs",
    "platform/admission/src/figures.rs",
];
/// What Prometheus itself tells of every target.
const OF_PROMETHEUS: &str = "up";
/// How urgent an alert may be.
const SEVERITIES: [&str; 3] = ["critical", "warning", "info"];

/// Checks boards and alerts.
///
/// # Errors
/// One is not as it should be; the message names file, panel or alert.
pub(super) fn check(root: &Path, chart: &Path) -> Result<()> {
    let mut exposed = BTreeSet::from([OF_PROMETHEUS.to_owned()]);
    for source in SOURCES {
        let text = std::fs::read_to_string(root.join(source))
            .with_context(|| format!("cannot read the metrics of {source}"))?;
        let found = self::exposed(&text);
        ensure!(!found.is_empty(), "{source} has no metrics that this check knows how to read");
        exposed.extend(found);
    }
    let boards = boards(&chart.join("files/dashboards"))?;
    ensure!(!boards.is_empty(), "helm/palisade/files/dashboards has no boards");
    let mut names = BTreeSet::new();
    for file in &boards {
        let uid = read(file).and_then(|text| board(&text, &exposed));
        let uid = uid.with_context(|| format!("the board {}", file.display()))?;
        ensure!(names.insert(uid), "the board {} has the uid of another", file.display());
    }
    let alerts = values(&chart.join("files/alerts"))?;
    ensure!(!alerts.is_empty(), "helm/palisade/files/alerts has no alerts");
    for file in &alerts {
        let checked = read(file).and_then(|text| rules(root, &text, &exposed));
        checked.with_context(|| format!("the alerts {}", file.display()))?;
    }
    evaluated(&alerts, &values(&root.join("helm/alerts"))?)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn boards(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

/// The metrics that a source writes, outside of its tests: string literals that are names of metrics, and `palisade_…{name}…` for the
/// first literal of every line `("name", …` of a table. A histogram has its three series.
fn exposed(source: &str) -> BTreeSet<String> {
    let code: Vec<&str> = source.lines().take_while(|line| line.trim() != "#[cfg(test)]").collect();
    let table: Vec<&str> = code.iter().copied().filter_map(entry).collect();
    let histogram = code.iter().any(|line| line.contains("_bucket{{"));
    let mut exposed = BTreeSet::new();
    for literal in code.iter().flat_map(|line| line.split('"').skip(1).step_by(2)) {
        if !literal.starts_with(PREFIX) {
            continue;
        }
        if literal.contains("{name}") {
            exposed.extend(table.iter().map(|name| literal.replace("{name}", name)));
        } else if literal.ends_with("_seconds") && histogram {
            exposed.extend(["_bucket", "_sum", "_count"].map(|series| format!("{literal}{series}")));
        } else {
            exposed.insert(literal.to_owned());
        }
    }
    exposed
}

/// `name` of a line `("name", …`.
fn entry(line: &str) -> Option<&str> {
    let (name, _) = line.trim_start().strip_prefix("(\"")?.split_once('"')?;
    Some(name)
}

/// Checks a board; gives its uid.
fn board(text: &str, exposed: &BTreeSet<String>) -> Result<String> {
    let board: Value = serde_json::from_str(text).context("it is no JSON")?;
    let said = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let items = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    ensure!(
        board.get("id").is_some_and(Value::is_null),
        "it has the id of somebody's Grafana; it should be null"
    );
    let panels = items(&board, "/panels");
    ensure!(!panels.is_empty(), "it has no panels");
    for panel in panels.iter().filter(|panel| said(panel, "/type") != "row") {
        let title = said(panel, "/title");
        ensure!(!title.is_empty(), "a panel has no title");
        ensure!(!said(panel, "/description").is_empty(), "the panel {title:?} does not say what it means");
        ensure!(!said(panel, "/fieldConfig/defaults/unit").is_empty(), "the panel {title:?} has no unit");
        ensure!(
            said(panel, "/datasource/uid") == "${datasource}",
            "the panel {title:?} names a data source of somebody's Grafana"
        );
        let targets = items(panel, "/targets");
        ensure!(!targets.is_empty(), "the panel {title:?} asks for nothing");
        for target in &targets {
            asks(&said(target, "/expr"), exposed).with_context(|| format!("the panel {title:?}"))?;
        }
    }
    for variable in items(&board, "/templating/list") {
        if said(&variable, "/type") == "query" {
            asks(&said(&variable, "/query/query"), exposed)
                .with_context(|| format!("the variable {:?}", said(&variable, "/name")))?;
        }
    }
    Ok(said(&board, "/uid"))
}

/// Checks a file of alerts.
fn rules(root: &Path, text: &str, exposed: &BTreeSet<String>) -> Result<()> {
    let documents = yaml::read(text.as_bytes(), &yaml::Budget::default()).context("it is no YAML")?;
    let groups = documents.first().and_then(|document| document.value.get("groups")?.as_array());
    let groups = groups.context("it has no groups")?;
    let rules = groups.iter().filter_map(|group| group.get("rules")?.as_array()).flatten();
    let mut names = BTreeSet::new();
    for rule in rules {
        let said = |pointer: &str| rule.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let alert = said("/alert");
        ensure!(!alert.is_empty(), "a rule is no alert");
        ensure!(names.insert(alert), "{alert} is there twice");
        asks(said("/expr"), exposed).with_context(|| alert.to_owned())?;
        ensure!(SEVERITIES.contains(&said("/labels/severity")), "{alert} has no severity of {SEVERITIES:?}");
        for annotation in ["summary", "description"] {
            ensure!(!said(&format!("/annotations/{annotation}")).is_empty(), "{alert} has no {annotation}");
        }
        if let Some(code) = rule.pointer("/annotations/runbook").and_then(Value::as_str) {
            let page = code
                .strip_prefix("palisade explain ")
                .map(|code| root.join(PAGES).join(code).with_extension("md"));
            ensure!(
                page.is_some_and(|page| page.is_file()),
                "{alert}: {code:?} is not `palisade explain` of a page"
            );
        }
    }
    ensure!(!names.is_empty(), "it has no rules");
    Ok(())
}

/// An expression asks for a metric, and for none that nobody tells.
fn asks(expression: &str, exposed: &BTreeSet<String>) -> Result<()> {
    let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let metrics: Vec<&str> =
        words.filter(|word| word.starts_with(PREFIX) || *word == OF_PROMETHEUS).collect();
    ensure!(!metrics.is_empty(), "{expression:?} asks for no metric of Palisade");
    for metric in metrics {
        ensure!(exposed.contains(metric), "nobody tells {metric}; the sources are {SOURCES:?}");
    }
    Ok(())
}

/// The alerts fire when they should, by Prometheus's own program where there is one.
fn evaluated(alerts: &[PathBuf], tests: &[PathBuf]) -> Result<()> {
    ensure!(!tests.is_empty(), "helm/alerts has no tests of the alerts");
    if Command::new("promtool").arg("--version").output().is_err() {
        eprintln!(
            "helm: SKIPPED, the alerts are not evaluated: there is no promtool (Debian has it in the package prometheus)"
        );
        return Ok(());
    }
    told(Command::new("promtool").args(["check", "rules"]).args(alerts))?;
    told(Command::new("promtool").args(["test", "rules"]).args(tests))
        .context("an alert does not fire as helm/alerts says")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{asks, board, exposed};

    const TABLE: &str = r#"
        for (name, help, counter) in [
            ("allowed", "Requests that passed.", &self.allowed),
            ("late", "Requests that were late.", &self.late),
        ] {
            let name = format!("palisade_admission_{name}_total");
        }
        let name = "palisade_admission_seconds";
        let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {}", get(bucket));
#[cfg(test)]
        "palisade_admission_dreamt_total"
"#;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn metrics_are_literals_and_lines_of_tables_outside_of_tests() {
        let wanted = set(&[
            "palisade_admission_allowed_total",
            "palisade_admission_late_total",
            "palisade_admission_seconds_bucket",
            "palisade_admission_seconds_count",
            "palisade_admission_seconds_sum",
        ]);
        assert_eq!(exposed(TABLE), wanted);
        let plain = "name: \"palisade_plugin_call_seconds\",\n(\n\"palisade_responses_total\",\n";
        assert_eq!(exposed(plain), set(&["palisade_plugin_call_seconds", "palisade_responses_total"]));
    }

    #[test]
    fn an_expression_names_what_is_told() {
        let told = set(&["palisade_a_total", "up"]);
        asks("sum(rate(palisade_a_total{x=\"y\"}[5m])) > 1", &told).unwrap();
        asks("up{job=\"z\"} == 0", &told).unwrap();
        assert!(asks("rate(palisade_a_totals[5m])", &told).unwrap_err().to_string().contains("a_totals"));
        assert!(asks("vector(1)", &told).unwrap_err().to_string().contains("no metric"));
    }

    #[test]
    fn a_panel_says_what_it_means_and_asks_the_chosen_source() {
        let told = set(&["palisade_a_total"]);
        let with = |description: &str, source: &str, metric: &str| {
            let panel = serde_json::json!({
                "type": "stat", "title": "T", "description": description, "datasource": { "uid": source },
                "fieldConfig": { "defaults": { "unit": "short" } }, "targets": [{ "expr": metric }],
            });
            let all = serde_json::json!({ "id": null, "uid": "u", "panels": [{ "type": "row" }, panel] });
            board(&all.to_string(), &told).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(with("d", "${datasource}", "palisade_a_total").unwrap(), "u");
        assert!(with("", "${datasource}", "palisade_a_total").unwrap_err().contains("what it means"));
        assert!(with("d", "mine", "palisade_a_total").unwrap_err().contains("data source"));
        assert!(with("d", "${datasource}", "palisade_b_total").unwrap_err().contains("palisade_b_total"));
        assert!(board("{", &told).is_err());
    }
}
