//! A cluster while it changes: the graph of its objects, kept so that one change costs only what depends on it.
//!
//! The law: after any changes [`Live::graph`] is what [`Snapshot::graph`] makes of the same objects from the beginning.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::graph::{AssetNode, Relation};
use model::{Gap, GapCode};

use crate::change::Change;
use crate::exposure::{Exposure, Verdict};
use crate::id::{GroupKind, asset_id};
use crate::join;
use crate::live_index::Index;
use crate::live_relations::{Relations, Selected};
use crate::live_work::{Doors, Work};
use crate::object::Object;
use crate::read::OBJECTS_MAX;
use crate::scope::{Scope, Views};
use crate::snapshot::{SYSTEM_NAMESPACE, Snapshot, image_node};

/// Highest chain of controllers that is climbed: a CronJob's pod has three.
const CONTROLLERS_MAX: usize = 8;

/// A snapshot that changes, and everything that is derived of it.
#[derive(Debug)]
pub struct Live {
    pub(crate) snapshot: Snapshot,
    fallback: String,
    pub(crate) index: Index,
    pub(crate) relations: Relations,
    /// Verdicts by namespace, then by path of the workload.
    verdicts: HashMap<String, BTreeMap<String, Verdict>>,
    views: Views,
}

/// What a change has changed. Everything that is not named here is as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Canonical ids of nodes that are new, or whose attributes are others.
    pub nodes: BTreeSet<String>,
    /// Canonical ids of nodes that are gone.
    pub nodes_removed: BTreeSet<String>,
    /// Relations that are new.
    pub relations_added: BTreeSet<Relation>,
    /// Relations that are gone.
    pub relations_removed: BTreeSet<Relation>,
    /// Paths of the subjects of checks to judge anew: what has changed itself, what stands at the end of a relation that came or
    /// went, and what is joined to a node with other attributes, each by the object that made it. Those that are gone, or that
    /// something else has made now, are among them: what was said of them is over.
    pub subjects: BTreeSet<String>,
    /// Paths of objects that stand for themselves now, after what had made them is gone, and whose bodies were dropped before that.
    /// They have to be read again and applied; until then no check can look into them.
    pub unread: BTreeSet<String>,
}

impl Changed {
    /// Whether everything is as it was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Live {
    /// A snapshot that changes from now on. `cluster` is the cluster's name in canonical ids as long as there is no namespace
    /// `kube-system`.
    #[must_use]
    pub fn new(mut snapshot: Snapshot, cluster: &str) -> Self {
        snapshot.rename(cluster);
        let mut live = Self {
            index: Index::of(&snapshot),
            snapshot,
            fallback: cluster.to_owned(),
            relations: Relations::default(),
            verdicts: HashMap::new(),
            views: Views::default(),
        };
        let mut work = Work::default();
        work.doors = Doors::All;
        let paths: Vec<String> = live.snapshot.objects().map(Object::path).collect();
        for path in &paths {
            live.join_named(path, &mut work);
            live.join_own(path, &mut work);
        }
        live.judge(&mut work);
        live
    }

    /// The objects as they are now.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The objects and images as nodes, and everything that joins them, sorted.
    #[must_use]
    pub fn graph(&self) -> (Vec<AssetNode>, Vec<Relation>) {
        let objects = self.snapshot.objects().map(|object| self.object_node(object));
        let images = self.relations.images().map(image_node);
        (objects.chain(images).collect(), self.relations.all().cloned().collect())
    }

    /// The node of a canonical id.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<AssetNode> {
        match self.path_of(id) {
            Some(path) => self.snapshot.object(path).map(|object| self.object_node(object)),
            None => self.relations.has_image(id).then(|| image_node(id)),
        }
    }

    /// Takes over a change and says what it has changed.
    pub fn apply(&mut self, change: Change) -> Changed {
        let before = self.names_cluster(&change).then(|| self.graph());
        let mut work = Work::default();
        match change {
            Change::Applied(object) => self.upsert(*object, &mut work),
            Change::Deleted(path) => self.remove(&path, &mut work),
            Change::Relisted { kind, objects } => self.replace_kind(&kind, objects, &mut work),
            Change::Lost { kind, gap } => self.snapshot.is_lost(&kind, gap),
            Change::Unused(gap) => self.snapshot.note(gap),
        }
        if let Some(before) = before
            && self.snapshot.rename(&self.fallback)
        {
            return self.rebuild(before, work);
        }
        self.judge(&mut work);
        self.finish(work)
    }

    fn replace_kind(&mut self, kind: &GroupKind, objects: Vec<Object>, work: &mut Work) {
        let now: BTreeSet<String> = objects.iter().map(Object::path).collect();
        for path in self.snapshot.of_kind(kind) {
            if !now.contains(&path) {
                self.remove(&path, work);
            }
        }
        for object in objects {
            self.upsert(object, work);
        }
        self.snapshot.is_listed(kind);
    }

    fn upsert(&mut self, mut object: Object, work: &mut Work) {
        let path = object.path();
        if self.snapshot.is_made(&object) {
            object.body = std::sync::Arc::default();
        }
        let before = self.snapshot.object(&path);
        if before == Some(&object) {
            return;
        }
        if before.is_none() && self.snapshot.len() >= OBJECTS_MAX {
            let reason = format!("there are more than {OBJECTS_MAX} objects");
            self.snapshot.note(Gap { code: GapCode::EntryLimit, subject: "cluster".to_owned(), reason });
            return;
        }
        let had_top = before.map(|before| self.is_top(before));
        let before = self.snapshot.upsert(object);
        let Some(after) = self.snapshot.object(&path) else { return };
        let has_top = Some(self.is_top(after));
        work.paths.insert(path.clone());
        if before.as_ref().is_none_or(|before| before.about != after.about || before.facts != after.facts) {
            work.nodes.insert(path.clone());
        }
        if before.as_ref().is_some_and(|before| before.controller != after.controller) {
            work.ceased.insert(path.clone());
        }
        if had_top != has_top || has_top == Some(true) || !is_pods(after) {
            work.doors.add(before.as_ref());
            work.doors.add(Some(after));
        }
        self.index.replace(&path, before.as_ref(), Some(after));
        let (ran, runs) = (before.as_ref().is_some_and(is_pods), is_pods(after));
        if before.is_none() {
            self.came(&path, work);
        }
        if ran != runs {
            self.tops(&path, work);
        }
        self.join_named(&path, work);
        self.join_own(&path, work);
        self.join_selecting(&path, work);
    }

    fn remove(&mut self, path: &str, work: &mut Work) {
        let Some(object) = self.snapshot.object(path) else { return };
        let (ran, top) = (is_pods(object), self.is_top(object));
        let children = self.owned(path);
        let is_made = |live: &Self, path: &String| {
            live.snapshot.object(path).is_some_and(|it| live.snapshot.is_made(it))
        };
        let made: Vec<&String> = children.iter().filter(|child| is_made(self, child)).collect();
        let Some(before) = self.snapshot.remove(path) else { return };
        self.views.forget(path);
        work.paths.insert(path.to_owned());
        work.nodes.insert(path.to_owned());
        if top || !ran {
            work.doors.add(Some(&before));
        }
        self.index.replace(path, Some(&before), None);
        for child in made.into_iter().filter(|child| !is_made(self, child)) {
            let bare = self.snapshot.object(child).is_some_and(|object| object.body.is_empty());
            if bare {
                work.unread.insert(child.clone());
            }
        }
        if ran {
            self.tops(path, work);
        }
        self.part(path, &before.namespace, work);
        for dependent in self.index.dependents(path) {
            self.join_named(&dependent, work);
        }
        work.paths.extend(children);
    }

    /// An object is there that was not: what names it is joined to it, and what it made needs no body any more.
    fn came(&mut self, path: &str, work: &mut Work) {
        for child in self.owned(path) {
            let made = self.snapshot.object(&child).is_some_and(|object| self.snapshot.is_made(object));
            if made {
                self.snapshot.forget_body(&child);
                work.unread.remove(&child);
            }
            work.ceased.insert(child);
        }
        for dependent in self.index.dependents(path) {
            self.join_named(&dependent, work);
        }
    }

    /// What a workload made runs pods of its own, or does not any more.
    fn tops(&self, path: &str, work: &mut Work) {
        for child in self.owned(path) {
            work.doors.add(self.snapshot.object(&child));
        }
    }

    /// Whether pods come from the template of this object and of no other.
    fn is_top(&self, object: &Object) -> bool {
        is_pods(object) && !self.snapshot.controller(object).is_some_and(is_pods)
    }

    /// Paths of the objects that name this path as their controller's.
    fn owned(&self, path: &str) -> Vec<String> {
        let mut owned = self.index.dependents(path);
        owned.retain(|dependent| {
            let object = self.snapshot.object(dependent);
            object.is_some_and(|object| join::controllers(object).any(|controller| controller == path))
        });
        owned
    }

    fn join_named(&mut self, path: &str, work: &mut Work) {
        let Some(object) = self.snapshot.object(path) else { return };
        let named = join::named(&self.snapshot, object);
        self.relations.set_named(path, named, work);
    }

    /// Joins an object to what its own selectors select.
    fn join_own(&mut self, path: &str, work: &mut Work) {
        let Some(object) = self.snapshot.object(path) else { return };
        let mut selected = Selected::new();
        if join::has_selector(object) {
            let here = self.index.workloads(&object.namespace);
            for workload in here.filter_map(|workload| self.snapshot.object(workload)) {
                let edges = join::selects(object, workload);
                if !edges.is_empty() {
                    selected.insert(self.snapshot.id(workload), edges);
                }
            }
        }
        let id = self.snapshot.id(object);
        self.relations.set_selected(path, &id, selected, work);
    }

    /// Joins the selectors of its namespace to an object.
    fn join_selecting(&mut self, path: &str, work: &mut Work) {
        let Some(object) = self.snapshot.object(path) else { return };
        let id = self.snapshot.id(object);
        for other in self.index.selecting(&object.namespace) {
            let Some(selecting) = self.snapshot.object(&other) else { continue };
            let edges = join::selects(selecting, object);
            self.relations.set_selected_to((&other, &self.snapshot.id(selecting)), &id, edges, work);
        }
    }

    /// Takes every relation away that is there because of an object, but those of objects that name it.
    fn part(&mut self, path: &str, namespace: &Option<String>, work: &mut Work) {
        let of = |path: &str| asset_id(self.snapshot.cluster(), path);
        let id = of(path);
        self.relations.set_named(path, BTreeSet::new(), work);
        self.relations.set_selected(path, &id, Selected::new(), work);
        for other in self.index.selecting(namespace) {
            self.relations.set_selected_to((&other, &of(&other)), &id, BTreeSet::new(), work);
        }
    }

    /// Judges exposure anew where it may have changed.
    fn judge(&mut self, work: &mut Work) {
        let known = |verdicts: &HashMap<String, BTreeMap<String, Verdict>>| -> BTreeSet<String> {
            verdicts.keys().cloned().collect()
        };
        let fresh = match std::mem::take(&mut work.doors) {
            Doors::All => self.verdicts(&Scope::all(&self.snapshot).with(&self.views), known(&self.verdicts)),
            Doors::Namespaces(namespaces) => {
                let mut fresh = HashMap::new();
                for namespace in namespaces {
                    let scope = Scope::namespace(&self.snapshot, &namespace).with(&self.views);
                    fresh.extend(self.verdicts(&scope, [namespace.clone()].into()));
                }
                fresh
            }
        };
        for (namespace, now) in fresh {
            let before = self.verdicts.remove(&namespace).unwrap_or_default();
            let differs = |path: &&String| before.get(*path) != now.get(*path);
            work.nodes.extend(before.keys().chain(now.keys()).filter(differs).cloned());
            if !now.is_empty() {
                self.verdicts.insert(namespace, now);
            }
        }
    }

    /// Verdicts of a scope by namespace, of those namespaces at least that are given.
    fn verdicts(
        &self,
        scope: &Scope<'_>,
        namespaces: BTreeSet<String>,
    ) -> HashMap<String, BTreeMap<String, Verdict>> {
        let mut verdicts: HashMap<String, BTreeMap<String, Verdict>> =
            namespaces.into_iter().map(|namespace| (namespace, BTreeMap::new())).collect();
        for exposed in Exposure::within(scope).workloads {
            let object = self.snapshot.object(&exposed.workload);
            let namespace = object.and_then(|object| object.namespace.clone()).unwrap_or_default();
            verdicts.entry(namespace).or_default().insert(exposed.workload, exposed.verdict);
        }
        verdicts
    }

    fn object_node(&self, object: &Object) -> AssetNode {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let verdicts = self.verdicts.get(namespace);
        let verdict = verdicts.and_then(|verdicts| verdicts.get(&object.path())).copied();
        self.snapshot.node(object, verdict)
    }

    /// Whether a change may be about the namespace that the cluster's name comes from.
    fn names_cluster(&self, change: &Change) -> bool {
        match change {
            Change::Applied(object) => object.path() == SYSTEM_NAMESPACE,
            Change::Deleted(path) => path == SYSTEM_NAMESPACE,
            Change::Relisted { kind, .. } => *kind == GroupKind::new("", "Namespace"),
            Change::Lost { .. } | Change::Unused(_) => false,
        }
    }

    /// Makes everything anew, because the cluster has another name and so everything in it has.
    fn rebuild(&mut self, before: (Vec<AssetNode>, Vec<Relation>), work: Work) -> Changed {
        let empty = Snapshot::new(Vec::new(), BTreeSet::new(), BTreeSet::new(), &self.fallback);
        *self = Self::new(std::mem::replace(&mut self.snapshot, empty), &self.fallback.clone());
        let ids = |nodes: Vec<AssetNode>| nodes.into_iter().map(|node| node.id).collect::<BTreeSet<_>>();
        let (nodes, relations) = self.graph();
        let (old_ids, ids) = (ids(before.0), ids(nodes));
        let (old, new) = (BTreeSet::from_iter(before.1), BTreeSet::from_iter(relations));
        let mut subjects: BTreeSet<String> = self.snapshot.subjects().map(Object::path).collect();
        subjects.extend(work.paths.into_iter().filter(|path| self.snapshot.object(path).is_none()));
        subjects.extend(work.ceased);
        Changed {
            nodes_removed: old_ids.difference(&ids).cloned().collect(),
            nodes: ids,
            relations_added: new.difference(&old).cloned().collect(),
            relations_removed: old.difference(&new).cloned().collect(),
            subjects,
            unread: work.unread,
        }
    }

    pub(crate) fn path_of<'a>(&self, id: &'a str) -> Option<&'a str> {
        id.strip_prefix("k8s:")?.strip_prefix(self.snapshot.cluster())?.strip_prefix('/')
    }

    /// Path of the object that made this one in the end, which is what checks are about.
    pub(crate) fn subject_of(&self, path: &str) -> Option<String> {
        let mut object = self.snapshot.object(path)?;
        for _ in 0..CONTROLLERS_MAX {
            match self.snapshot.controller(object) {
                Some(controller) => object = controller,
                None => return Some(object.path()),
            }
        }
        None
    }
}

/// Whether an object has a template that pods are made of.
fn is_pods(object: &Object) -> bool {
    object.pod_labels.is_some()
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
