//! `palisade compliance`: where the controls of a framework stand, by what checks of a cluster found.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use engine::compliance::{Assessed, Control, assess, frameworks};
use host::kinds::ControlStatus;
use serde::Serialize;

mod document;

use super::scan::k8s::ClusterScan;
use crate::cli::{Compliance, ComplianceFormat};
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_document, write_stdout};
use crate::plugins;

/// Runs a subcommand.
pub(crate) fn run(what: Compliance, config: &Config) -> Result<Outcome> {
    match what {
        Compliance::Frameworks => list(config),
        Compliance::Assess { framework, source, threads, format, output, fail_under } => {
            let (mut scan, set) = ClusterScan::run(&source, threads, config)?;
            let plugin = set.compliance.iter().find(|plugin| frameworks(plugin).contains(&framework));
            let Some(plugin) = plugin else {
                bail!(
                    "no plugin knows the framework {framework:?}; `palisade compliance frameworks` lists them"
                );
            };
            let judged = &mut scan.judged;
            let assessed = assess(plugin, &framework, &judged.observations, &mut judged.audit);
            scan.keep_audit(config)?;
            let assessed = assessed.with_context(|| format!("cannot assess {framework}"))?;
            let gaps = scan.judged.report.coverage.gaps.len();
            let text = match format {
                ComplianceFormat::Table => told(&assessed, &scan.cluster, gaps),
                ComplianceFormat::Json => json(&assessed, &scan)?,
            };
            write_document(&text, output.as_deref())?;
            let below =
                assessed.summary.score.is_some_and(|score| fail_under.is_some_and(|least| score < least));
            Ok(if below { Outcome::PolicyFailed } else { Outcome::Clean })
        }
        Compliance::Document { .. } => document::write(what, config),
        Compliance::Verify { pack, key } => document::verify(&pack, &key),
    }
}

fn list(config: &Config) -> Result<Outcome> {
    let data = DataDir::open(config.data_dir())?;
    let set = plugins::load_once(config, &data, &plugins::host(&data)?, plugins::Need::Posture)?;
    let mut text = String::new();
    for plugin in &set.compliance {
        for framework in frameworks(plugin) {
            let _ = writeln!(text, "{}  by {}", visible(&framework), visible(&plugin.manifest().id));
        }
    }
    write_stdout(&text)?;
    Ok(Outcome::Clean)
}

/// The assessment as a document of its own, with what it stands on.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    cluster: &'a str,
    #[serde(flatten)]
    assessed: &'a Assessed,
    coverage: &'a model::Coverage,
}

fn json(assessed: &Assessed, scan: &ClusterScan) -> Result<String> {
    let coverage = &scan.judged.report.coverage;
    let document = Document { schema: 1, cluster: &scan.cluster, assessed, coverage };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn told(assessed: &Assessed, cluster: &str, gaps: usize) -> String {
    let summary = &assessed.summary;
    let mut out = format!("{} · cluster {}\n", visible(&assessed.framework), visible(cluster));
    let score = summary.score.map_or("no score".to_owned(), |score| format!("score {score} of 100"));
    let _ = writeln!(
        out,
        "{score} over {} of {} controls: {} met, {} partly, {} not met. Of the others {} are for people to judge, and of {} nothing was \
         seen that could tell.\n",
        summary.told(),
        summary.all(),
        summary.met,
        summary.partly,
        summary.not_met,
        summary.manual,
        summary.not_assessed
    );
    for status in [ControlStatus::NotMet, ControlStatus::Partly, ControlStatus::Met] {
        for control in assessed.controls.iter().filter(|control| control.status == status) {
            out.push_str(&line(control));
        }
    }
    if gaps > 0 {
        let _ = writeln!(
            out,
            "\nCoverage: INCOMPLETE, {gaps} gaps; `palisade scan k8s` over the same files lists them"
        );
    }
    out
}

fn line(control: &Control) -> String {
    let word = match control.status {
        ControlStatus::Met => "met",
        ControlStatus::NotMet => "not met",
        ControlStatus::Partly => "partly",
        ControlStatus::Manual => "manual",
        ControlStatus::NotAssessed => "not assessed",
    };
    format!("{word:8} {:18} {}\n", visible(&control.control), visible(&control.rationale))
}
