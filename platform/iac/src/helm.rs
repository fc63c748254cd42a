//! Helm charts: which folders are one, and the objects that `helm template` makes of them.

use std::path::Path;

use model::{Gap, GapCode};
use serde_json::Value;
use yaml::Budget;

use crate::helm_lines::Template;
use crate::kubernetes::Reading;
use crate::process::{Bounds, run};
use crate::text::{folder, gap, is_in, joined, name, shown};
use crate::tree::Tree;
use crate::{Options, Origin};

/// Most files of values below `ci/` that a chart is rendered with, besides its own.
const VALUES_MAX: usize = 8;

/// Bytes of a `Chart.yaml`, and of a template in which lines are looked for.
const CHART_BYTES_MAX: usize = 1 << 20;

/// Name of the release; charts make names of objects of it.
const RELEASE: &str = "release";

/// A chart that is not part of another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chart {
    /// Its folder; empty for the root.
    pub(crate) folder: String,
}

impl Chart {
    fn path(&self, below: &str) -> String {
        if self.folder.is_empty() { below.to_owned() } else { format!("{}/{below}", self.folder) }
    }

    /// Whether a file is what the chart is made of: a template, values, or a chart below it.
    pub(crate) fn renders(&self, path: &str) -> bool {
        let Some(below) = self.below(path) else { return false };
        let own = ["templates/", "charts/", "ci/", "tests/"].iter().any(|folder| below.starts_with(folder));
        let values = below.starts_with("values") && !below.contains('/');
        own || values
            || matches!(below, "Chart.yaml" | "Chart.lock" | "requirements.yaml" | "values.schema.json")
    }

    fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        if self.folder.is_empty() {
            return Some(path);
        }
        path.strip_prefix(self.folder.as_str())?.strip_prefix('/')
    }

    /// Files of values that the chart's author tests with (as `chart-testing` does); nothing stands for the chart's own alone.
    fn values(&self, tree: &Tree) -> Vec<Option<String>> {
        let ci = |path: &&str| {
            self.below(path).is_some_and(|below| {
                below
                    .strip_prefix("ci/")
                    .is_some_and(|name| name.ends_with("-values.yaml") && !name.contains('/'))
            })
        };
        std::iter::once(None)
            .chain(tree.files().filter(ci).take(VALUES_MAX).map(|path| Some(path.to_owned())))
            .collect()
    }
}

/// Every chart, without those that another one brings.
pub(crate) fn charts(tree: &Tree) -> Vec<Chart> {
    let folders = tree.files().filter(|path| name(path) == "Chart.yaml").map(folder);
    let mut charts: Vec<Chart> = folders.map(|folder| Chart { folder: folder.to_owned() }).collect();
    charts.sort_by_key(|chart| chart.folder.len());
    let mut own: Vec<Chart> = Vec::new();
    for chart in charts {
        if !own.iter().any(|above| above.renders(&chart.path("Chart.yaml")) && above.folder != chart.folder) {
            own.push(chart);
        }
    }
    own.sort_by(|a, b| a.folder.cmp(&b.folder));
    own
}

/// Renders a chart with its own values, and with each of those it is tested with.
pub(crate) fn render(tree: &Tree, chart: &Chart, options: &Options<'_>, reading: &mut Reading<'_>) {
    let file = chart.path("Chart.yaml");
    match is_library(tree, &file) {
        Ok(true) => return,
        Ok(false) => {}
        Err(gap) => {
            reading.gaps.insert(gap);
            return;
        }
    }
    // The program follows links, and so would carry what they lead to into the report.
    if let Some(link) = tree.links.iter().find(|link| is_in(link, &chart.folder)) {
        let reason = format!("chart-not-rendered: {} is a link, which is not followed", shown(link));
        return reading.gap(GapCode::UnsafePath, &file, reason);
    }
    let Some(helm) = options.helm else {
        let reason =
            "chart-not-rendered: there is no program `helm`; install it, or scan what `helm template` prints";
        return reading.gap(GapCode::NotCollected, &file, reason);
    };
    for values in chart.values(tree) {
        match output(tree, chart, helm, values.as_deref(), options) {
            Ok(printed) => objects(tree, chart, values, &printed, reading),
            Err(problem) => {
                let with = values.map(|values| format!(" with {}", shown(&values))).unwrap_or_default();
                let reason = format!(
                    "chart-not-rendered{with}: {}; dependencies are brought by `helm dependency build`, required values by a file \
                     ci/NAME-values.yaml",
                    shown(&problem)
                );
                reading.gap(GapCode::NotCollected, &file, reason);
            }
        }
    }
}

/// Whether a chart has only pieces for other charts.
fn is_library(tree: &Tree, file: &str) -> Result<bool, Gap> {
    let bytes = tree.bytes(file, CHART_BYTES_MAX)?;
    let documents = yaml::read(&bytes, &Budget::default());
    let documents =
        documents.map_err(|error| gap(GapCode::ParseError, file, format!("chart-not-rendered: {error}")))?;
    Ok(documents.iter().any(|document| document.value.get("type").and_then(Value::as_str) == Some("library")))
}

fn output(
    tree: &Tree,
    chart: &Chart,
    helm: &Path,
    values: Option<&str>,
    options: &Options<'_>,
) -> Result<Vec<u8>, String> {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).map_err(|error| error.to_string())?;
        path.into_os_string().into_string().map_err(|_| "the path of the folder is not UTF-8".to_owned())
    };
    let home = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let folder = absolute(&tree.path(&chart.folder))?;
    // What only tests of a release run is not in the cluster that the chart is for.
    let mut arguments: Vec<String> =
        ["template", RELEASE, &folder, "--skip-tests"].map(str::to_owned).to_vec();
    if let Some(values) = values {
        arguments.extend(["--values".to_owned(), absolute(&tree.path(values))?]);
    }
    let bounds = Bounds { time: options.limits.render, bytes: options.limits.rendered_bytes };
    let helm = std::path::absolute(helm).map_err(|error| error.to_string())?;
    // Messages must not hold where the machine keeps the tree.
    run(&helm, &arguments, home.path(), bounds).map_err(|problem| problem.replace(&folder, "CHART"))
}

/// The objects of what was printed, each at its template.
fn objects(tree: &Tree, chart: &Chart, values: Option<String>, printed: &[u8], reading: &mut Reading<'_>) {
    let file = chart.path("Chart.yaml");
    let budget = Budget { bytes: usize::MAX, text: 256 << 20, nodes: 8_000_000, ..Budget::default() };
    let (documents, error) = yaml::read_until_error(printed, &budget);
    if let Some(error) = error {
        let reason = format!("chart-not-rendered: what the chart makes is read up to there: {error}");
        reading.gap(GapCode::ParseError, &file, reason);
    }
    let text = String::from_utf8_lossy(printed);
    let printed: Vec<&str> = text.lines().collect();
    let origin = Origin::Rendered { chart: chart.folder.clone(), values };
    for document in documents {
        let source = source(&printed, document.lines.first());
        let source = source.and_then(|source| joined(&chart.folder, source.split_once('/')?.1));
        let mut lines = document.lines;
        let path = match source.filter(|path| tree.has(path) && is_in(path, &chart.folder)) {
            Some(path) => {
                let template = tree.bytes(&path, CHART_BYTES_MAX).unwrap_or_default();
                let template = Template::new(&String::from_utf8_lossy(&template));
                lines.renumber(|line| {
                    template.line(printed.get(usize::try_from(line).ok()?.checked_sub(1)?)?)
                });
                path
            }
            // It comes out of an archive below `charts/`.
            None => {
                lines = yaml::Lines::at(1);
                file.clone()
            }
        };
        reading.document(&path, document.value, &lines, &origin);
    }
}

/// The template that the last comment before a line names.
fn source<'a>(printed: &[&'a str], line: u32) -> Option<&'a str> {
    let line = usize::try_from(line).ok()?;
    let before = printed.get(..line.min(printed.len()))?;
    before.iter().rev().find_map(|text| text.strip_prefix("# Source: ")).map(str::trim)
}
