//! A cluster that was read, before the plugins that judge it: the same for the command line and the service.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use cluster::{CollectOptions, ConnectOptions, GroupKind, Snapshot};
use engine::graph::Graph;
use engine::posture::{Judged, PosturePlugin, judge};
use engine::standing::Given;
use host::Kind;
use model::{Gap, GapCode};

use crate::cli::ClusterSource;
use crate::followed;

/// The objects of a cluster: from files where they are named, else from its API server. Of kinds that not every cluster has, those are
/// read that the plugins want to see.
pub(crate) fn read_cluster(source: &ClusterSource, posture: &[PosturePlugin]) -> Result<Snapshot> {
    if !source.from.is_empty() {
        return Ok(cluster::read_files(&source.from, &source.cluster)?);
    }
    let (connect, options) = reached(source, posture);
    Ok(cluster::collect_blocking(&connect, &options)?)
}

/// How a cluster is reached, and what is read of it.
pub(crate) fn reached(source: &ClusterSource, posture: &[PosturePlugin]) -> (ConnectOptions, CollectOptions) {
    let connect = ConnectOptions {
        kubeconfig: source.kubeconfig.clone(),
        context: source.context.clone(),
        in_cluster: source.in_cluster,
        ..ConnectOptions::default()
    };
    let options = CollectOptions {
        wanted: wanted(posture),
        namespaces: source.namespaces.clone(),
        cluster: source.cluster.clone(),
    };
    (connect, options)
}

/// Kinds of Kubernetes that plugins look at or ask about.
pub(crate) fn wanted(posture: &[PosturePlugin]) -> BTreeSet<GroupKind> {
    let mut all = BTreeSet::new();
    for one in posture {
        let others = one.policy.iter().flat_map(|policy| &policy.others);
        for consumed in one.plugin.manifest().consumes(Kind::Posture).iter().chain(others) {
            // Kinds of clouds have no version.
            if let Some((version, kind)) = consumed.rsplit_once('/') {
                all.insert(GroupKind::of(version, kind));
            }
        }
        all.extend(one.rights.assets.iter().map(|word| match word.split_once('.') {
            Some((kind, group)) => GroupKind::new(group, kind),
            None => GroupKind::new("", word.as_str()),
        }));
    }
    all
}

/// Has the plugins judge every object that no controller made, and gives the graph that they asked. What is unknown of the cluster
/// becomes gaps.
pub(crate) fn judge_snapshot(
    snapshot: &Snapshot,
    posture: &[PosturePlugin],
    threads: usize,
) -> (Judged, Arc<Graph>) {
    let (nodes, relations) = snapshot.graph();
    let graph = Arc::new(Graph::new(nodes, &relations, followed::missing(snapshot)));
    let mut gaps = gaps(snapshot, posture);
    let mut subjects = Vec::new();
    for object in snapshot.subjects() {
        match followed::given(snapshot, &object.path()) {
            Given::Subject(subject) => subjects.push(subject),
            Given::Gap(gap) => drop(gaps.insert(gap)),
            Given::Nothing => {}
        }
    }
    (judge(&subjects, &graph, posture, gaps, threads), graph)
}

/// What is not known of a cluster, besides single objects.
pub(crate) fn gaps(snapshot: &Snapshot, posture: &[PosturePlugin]) -> BTreeSet<Gap> {
    let mut gaps = snapshot.gaps().clone();
    gaps.extend(not_collected(posture, &snapshot.missing()));
    gaps
}

/// The kinds that checks look at or ask about, and that nobody collected.
fn not_collected(posture: &[PosturePlugin], missing: &BTreeSet<GroupKind>) -> Vec<Gap> {
    let wanted = |kind: &GroupKind| {
        posture.iter().any(|one| {
            let manifest = one.plugin.manifest();
            let of_kind = |consumed: &String| {
                consumed.rsplit_once('/').is_some_and(|(version, name)| GroupKind::of(version, name) == *kind)
            };
            let others = one.policy.iter().flat_map(|policy| &policy.others);
            manifest.consumes(Kind::Posture).iter().chain(others).any(of_kind)
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
