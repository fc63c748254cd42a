//! A cluster that is followed, between the graph that its changes keep up to date and the plugins that judge it.

use std::collections::BTreeSet;

use cluster::{Changed, GroupKind, Live, Snapshot};
use engine::graph::Graph;
use engine::posture::{PosturePlugin, Subject};
use engine::standing::{Given, Standing};
use model::{Gap, GapCode};

/// What plugins have to judge of a cluster, as it was read: everything, at the next [`Standing::judge_again`].
pub(crate) fn begin(live: &Live, posture: Vec<PosturePlugin>) -> Standing {
    let (nodes, relations) = live.graph();
    let snapshot = live.snapshot();
    let mut standing = Standing::new(posture, Graph::new(nodes, &relations, missing(snapshot)));
    for object in snapshot.subjects() {
        let path = object.path();
        standing.give(&path, given(snapshot, &path));
    }
    standing
}

/// Hands on what a change of the cluster has changed.
pub(crate) fn hand_on(live: &Live, changed: &Changed, standing: &mut Standing) {
    for relation in &changed.relations_removed {
        standing.part(relation);
    }
    for id in &changed.nodes_removed {
        standing.take(id);
    }
    for node in changed.nodes.iter().filter_map(|id| live.node(id)) {
        standing.put(node);
    }
    for relation in &changed.relations_added {
        standing.join(relation);
    }
    for path in &changed.subjects {
        standing.give(path, given(live.snapshot(), path));
    }
    // Which kinds can be read changes seldom, and with it what every question about them means.
    let missing = missing(live.snapshot());
    if *standing.graph().missing() != missing {
        standing.misses(missing);
    }
}

/// Words of the kinds of which there may be objects that are not known.
pub(crate) fn missing(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot.missing().iter().map(GroupKind::to_string).collect()
}

/// What there is to judge of a path. What a controller made is judged as its controller.
pub(crate) fn given(snapshot: &Snapshot, path: &str) -> Given {
    let Some(object) = snapshot.object(path).filter(|object| snapshot.controller(object).is_none()) else {
        return Given::Nothing;
    };
    if object.body.is_empty() {
        let reason = format!("the object has more than {} bytes", cluster::BODY_BYTES_MAX);
        return Given::Gap(Gap { code: GapCode::SizeLimit, subject: path.to_owned(), reason });
    }
    Given::Subject(Subject {
        asset: std::sync::Arc::from(snapshot.id(object)),
        path: path.to_owned(),
        kind: object.resource_kind(),
        body: std::sync::Arc::clone(&object.body),
    })
}
