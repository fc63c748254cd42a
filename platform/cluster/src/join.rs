//! Finds what the links of objects lead to: relations by name, and those by selector.

use std::collections::{BTreeMap, BTreeSet};

use model::graph::{Edge, Relation};

use crate::id::{GroupKind, asset_id, path};
use crate::links::Link;
use crate::object::Object;
use crate::snapshot::Snapshot;

/// Everything that joins the objects of a snapshot.
pub(crate) fn relations(snapshot: &Snapshot) -> BTreeSet<Relation> {
    // Selectors reach no further than their namespace.
    let mut workloads: BTreeMap<Option<&str>, Vec<&Object>> = BTreeMap::new();
    for object in snapshot.objects().filter(|object| object.pod_labels.is_some()) {
        workloads.entry(object.namespace.as_deref()).or_default().push(object);
    }
    let mut relations = BTreeSet::new();
    for object in snapshot.objects() {
        relations.extend(named(snapshot, object));
        let here = workloads.get(&object.namespace.as_deref()).into_iter().flatten();
        for workload in here.filter(|_| has_selector(object)) {
            let edges = selects(object, workload).into_iter();
            relations.extend(edges.map(|edge| Relation {
                from: snapshot.id(object),
                edge,
                to: snapshot.id(workload),
            }));
        }
    }
    relations
}

/// What an object is joined to by names: its namespace, its controller, what its links name, and images.
pub(crate) fn named(snapshot: &Snapshot, object: &Object) -> BTreeSet<Relation> {
    let id = snapshot.id(object);
    let mut relations = BTreeSet::new();
    if let Some(owner) = snapshot.controller(object) {
        relations.insert(Relation { from: snapshot.id(owner), edge: Edge::Owns, to: id.clone() });
    }
    let mut join = |edge, reverse: bool, path: &str| {
        if snapshot.object(path).is_some() {
            let (other, id) = (asset_id(snapshot.cluster(), path), id.clone());
            let (from, to) = if reverse { (other, id) } else { (id, other) };
            relations.insert(Relation { from, edge, to });
        }
    };
    if let Some(namespace) = &object.namespace {
        join(Edge::Contains, true, &namespace_path(namespace));
    }
    for link in &object.links {
        if let Link::Named { edge, reverse, kind, namespace, name } = link {
            join(*edge, *reverse, &path(kind, namespace.as_deref(), name));
        }
    }
    for link in &object.links {
        if let Link::Image(reference) = link {
            let to = format!("image:{reference}");
            relations.insert(Relation { from: id.clone(), edge: Edge::Runs, to });
        }
    }
    relations
}

/// Paths of the objects that an object names, whether these are there or not.
pub(crate) fn names(object: &Object) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = controllers(object).collect();
    names.extend(object.namespace.as_deref().map(namespace_path));
    names.extend(object.links.iter().filter_map(|link| match link {
        Link::Named { kind, namespace, name, .. } => Some(path(kind, namespace.as_deref(), name)),
        _ => None,
    }));
    names
}

/// Paths under one of which the controller of an object is.
pub(crate) fn controllers(object: &Object) -> impl Iterator<Item = String> {
    let named = object.controller.as_ref().into_iter();
    named.flat_map(|(kind, name)| [path(kind, object.namespace.as_deref(), name), path(kind, None, name)])
}

/// Whether an object has a selector.
pub(crate) fn has_selector(object: &Object) -> bool {
    object.links.iter().any(|link| matches!(link, Link::Select { .. }))
}

/// By what the selectors of an object join it to a workload of its own namespace.
pub(crate) fn selects(object: &Object, workload: &Object) -> BTreeSet<Edge> {
    let Some(labels) = &workload.pod_labels else { return BTreeSet::new() };
    let edges = object.links.iter().filter_map(|link| match link {
        Link::Select { edge, selector } => selector.matches(labels).then_some(*edge),
        _ => None,
    });
    edges.collect()
}

fn namespace_path(namespace: &str) -> String {
    path(&GroupKind::new("", "Namespace"), None, namespace)
}
