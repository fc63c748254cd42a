//! `palisade scan k8s`: the objects of a cluster, judged by posture plugins.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use cluster::{GroupKind, Snapshot};
use engine::graph::Graph;
use engine::posture::{Judged, PosturePlugin, Subject, judge};
use host::Kind;
use model::{Gap, GapCode, Target, TargetKind};

use crate::cli::{Format, Printing};
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output;
use crate::plugins::{self, PluginSet};

/// Reads the files, judges what is in them and prints the report.
pub(super) fn judge_cluster(
    from: &[PathBuf],
    name: &str,
    threads: Option<usize>,
    printing: &Printing,
    config: &Config,
) -> Result<Outcome> {
    if matches!(printing.format, Format::Cyclonedx | Format::Spdx) {
        bail!("a cluster has no bill of materials of its own; use --format table, json or sarif");
    }
    let (scan, _) = ClusterScan::run(from, name, threads, config)?;
    let target = Target {
        kind: TargetKind::Cluster,
        reference: scan.cluster,
        digest: None,
        platform: None,
        layers: Vec::new(),
    };
    output::print(&scan.judged.report, &target, printing)
}

/// A cluster that was judged.
pub(crate) struct ClusterScan {
    /// The cluster, as canonical ids name it.
    pub(crate) cluster: String,
    /// What came out.
    pub(crate) judged: Judged,
}

impl ClusterScan {
    /// Reads files and has every posture plugin judge what is in them.
    pub(crate) fn run(
        from: &[PathBuf],
        name: &str,
        threads: Option<usize>,
        config: &Config,
    ) -> Result<(Self, PluginSet)> {
        let snapshot = cluster::read_files(from, name)?;
        let data = DataDir::open(config.data_dir())?;
        let host = plugins::host(&data)?;
        let set = plugins::load_once(config, &data, &host)?;
        if set.posture.is_empty() {
            bail!(
                "no plugin of kind posture is loaded, and without one nothing can be found; run `cargo xtask guests` and build this \
                 binary again, or install one"
            );
        }
        let judged = judge_snapshot(&snapshot, &set.posture, config.threads(threads));
        Ok((Self { cluster: snapshot.cluster().to_owned(), judged }, set))
    }
}

fn judge_snapshot(snapshot: &Snapshot, posture: &[PosturePlugin], threads: usize) -> Judged {
    let (nodes, relations) = snapshot.graph();
    let missing = snapshot.missing();
    let words: BTreeSet<String> = missing.iter().map(GroupKind::to_string).collect();
    let graph = Arc::new(Graph::new(nodes, &relations, words));
    let mut gaps = snapshot.gaps().clone();
    gaps.extend(not_collected(posture, &missing));
    let mut subjects = Vec::new();
    for object in snapshot.subjects() {
        if object.body.is_empty() {
            let reason = format!("the object has more than {} bytes", cluster::BODY_BYTES_MAX);
            gaps.insert(Gap { code: GapCode::SizeLimit, subject: object.path(), reason });
            continue;
        }
        subjects.push(Subject {
            asset: Arc::from(snapshot.id(object)),
            path: object.path(),
            kind: object.resource_kind(),
            body: Arc::clone(&object.body),
        });
    }
    judge(&subjects, &graph, posture, gaps, threads)
}

/// The kinds that checks look at or ask about, and that nobody collected.
fn not_collected(posture: &[PosturePlugin], missing: &BTreeSet<GroupKind>) -> Vec<Gap> {
    let wanted = |kind: &GroupKind| {
        posture.iter().any(|one| {
            let manifest = one.plugin.manifest();
            let of_kind = |consumed: &String| {
                consumed.rsplit_once('/').is_some_and(|(version, name)| GroupKind::of(version, name) == *kind)
            };
            manifest.consumes(Kind::Posture).iter().any(of_kind)
                || one.rights.assets.contains(&kind.to_string())
        })
    };
    let gap = |kind: &GroupKind| {
        let group = if kind.group.is_empty() { "core" } else { &kind.group };
        Gap {
            code: GapCode::NotCollected,
            subject: format!("{group}/{}", kind.kind),
            reason: "not among what was read; what depends on it was not judged".to_owned(),
        }
    };
    missing.iter().filter(|kind| wanted(kind)).map(gap).collect()
}
