//! `palisade scan k8s`: the objects of a cluster, judged by posture plugins.

use std::sync::Arc;

use anyhow::{Result, bail};
use cluster::Snapshot;
use engine::graph::Graph;
use engine::posture::Judged;
use model::{Target, TargetKind};

use crate::cli::{ClusterSource, Format, Printing};
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::plugins::{self, Need, PluginSet};
use crate::{audit, output, posture};

/// Reads a cluster, judges its objects and prints the report.
pub(super) fn judge_cluster(
    source: &ClusterSource,
    threads: Option<usize>,
    printing: &Printing,
    config: &Config,
) -> Result<Outcome> {
    if matches!(printing.format, Format::Cyclonedx | Format::Spdx) {
        bail!("a cluster has no bill of materials of its own; use --format table, json or sarif");
    }
    let (scan, _) = ClusterScan::run(source, threads, config)?;
    scan.keep_audit(config)?;
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
    /// Its objects, as plugins asked about them.
    pub(crate) graph: Arc<Graph>,
    /// The cluster as it was read.
    pub(crate) snapshot: Snapshot,
}

impl ClusterScan {
    /// Reads a cluster and has every posture plugin judge what is in them.
    pub(crate) fn run(
        source: &ClusterSource,
        threads: Option<usize>,
        config: &Config,
    ) -> Result<(Self, PluginSet)> {
        let data = DataDir::open(config.data_dir())?;
        let host = plugins::host(&data)?;
        let set = plugins::load_once(config, &data, &host, Need::Posture)?;
        if set.posture.is_empty() {
            bail!(
                "no plugin of kind posture is loaded, and without one nothing can be found; run `cargo xtask guests` and build this \
                 binary again, or install one"
            );
        }
        let snapshot = posture::read_cluster(source, &set.posture)?;
        let (judged, graph) = posture::judge_snapshot(&snapshot, &set.posture, config.threads(threads));
        Ok((Self { cluster: snapshot.cluster().to_owned(), judged, graph, snapshot }, set))
    }

    /// Writes down what plugins were denied, where there is a log.
    pub(crate) fn keep_audit(&self, config: &Config) -> Result<()> {
        let data = DataDir::open(config.data_dir())?;
        audit::keep_once(config, &data, &self.judged.audit, &format!("the cluster {}", self.cluster))
    }
}
