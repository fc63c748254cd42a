//! A cluster as it was read: its objects, and how they are joined.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::Gap;
use model::graph::{AssetNode, Edge, Relation};
use serde_json::Value;

use crate::exposure::Exposure;
use crate::id::{GroupKind, asset_id, path};
use crate::kinds::{built_in, is_workload};
use crate::links::Link;
use crate::object::Object;
use crate::selector::Selector;

/// Objects of a cluster at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    cluster: String,
    objects: BTreeMap<String, Object>,
    listed: BTreeSet<GroupKind>,
    gaps: BTreeSet<Gap>,
}

impl Snapshot {
    /// Of two objects of one name the one that was read last stays.
    pub(crate) fn new(
        objects: Vec<Object>,
        listed: BTreeSet<GroupKind>,
        gaps: BTreeSet<Gap>,
        fallback: &str,
    ) -> Self {
        let objects: BTreeMap<String, Object> =
            objects.into_iter().map(|object| (object.path(), object)).collect();
        // Everybody tells clusters apart by this uid: it is made once, when the cluster is.
        let system = objects.get("core/Namespace/-/kube-system").map(|namespace| namespace.uid.clone());
        let cluster = system.filter(|uid| !uid.is_empty()).unwrap_or_else(|| fallback.to_owned());
        let mut snapshot = Self { cluster, objects, listed, gaps };
        snapshot.forget_bodies();
        snapshot
    }

    /// A snapshot of objects that were read one by one, such as those of the files of a repository. Of the kinds that occur the objects are
    /// taken to be all there are; of the others nothing is known. `cluster` is the name in canonical ids where there is no namespace
    /// `kube-system`.
    #[must_use]
    pub fn of(objects: Vec<Object>, cluster: &str) -> Self {
        let listed = objects.iter().map(|object| object.kind.clone()).collect();
        Self::new(objects, listed, BTreeSet::new(), cluster)
    }

    /// Nobody looks into what a workload made of its template, or a service of its selector, and that is most of a large cluster.
    /// What an operator made of its own resource is all that there is: roles and doors of it count.
    fn forget_bodies(&mut self) {
        let made = self.objects().filter(|object| match self.controller(object) {
            Some(controller) if is_workload(&object.kind) => is_workload(&controller.kind),
            Some(_) => !is_read(&object.kind),
            None => false,
        });
        let made: Vec<String> = made.map(Object::path).collect();
        for path in made {
            if let Some(object) = self.objects.get_mut(&path) {
                object.body = Arc::default();
            }
        }
    }

    /// The cluster in canonical ids: the uid of its namespace `kube-system`, or the name that the reader was given.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Every object, by path.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// Canonical id of an object.
    #[must_use]
    pub fn id(&self, object: &Object) -> String {
        asset_id(&self.cluster, &object.path())
    }

    /// What could not be read.
    #[must_use]
    pub fn gaps(&self) -> &BTreeSet<Gap> {
        &self.gaps
    }

    /// Kinds that this cluster has, and whose objects were not among what was read: those that every cluster has, and those that its
    /// CustomResourceDefinitions name. What comes with an extension that is not there is not missing.
    #[must_use]
    pub fn missing(&self) -> BTreeSet<GroupKind> {
        let definition = GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition");
        let defined = self.objects().filter(|object| object.kind == definition).filter_map(|object| {
            let word = |key| object.facts.get(key).and_then(Value::as_str);
            Some(GroupKind::new(word("group")?, word("kind")?))
        });
        built_in().chain(defined).filter(|kind| !self.listed.contains(kind)).collect()
    }

    /// The object that made this one, if it is here.
    #[must_use]
    pub fn controller(&self, object: &Object) -> Option<&Object> {
        let (kind, name) = object.controller.as_ref()?;
        // Nodes own the mirrors of their static pods, but are no place to mend one.
        if kind.kind == "Node" {
            return None;
        }
        let own = || self.objects.get(&path(kind, object.namespace.as_deref(), name));
        own().or_else(|| self.objects.get(&path(kind, None, name)))
    }

    /// The workload from whose template an object's pods come: the object itself if no other workload made it. Nothing for what runs
    /// no pods, and for workloads that claim to have made each other.
    pub(crate) fn top_workload<'a>(&'a self, object: &'a Object) -> Option<&'a Object> {
        let mut top = object.pod_labels.is_some().then_some(object)?;
        // A CronJob's pod is the longest chain that Kubernetes makes.
        for _ in 0..8 {
            match self.controller(top).filter(|controller| controller.pod_labels.is_some()) {
                Some(controller) => top = controller,
                None => return Some(top),
            }
        }
        None
    }

    /// Objects that checks are about: all but those that a controller made, which is where they are mended.
    pub fn subjects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values().filter(|object| self.controller(object).is_none())
    }

    /// The objects and images as nodes, and everything that joins them, sorted.
    #[must_use]
    pub fn graph(&self) -> (Vec<AssetNode>, Vec<Relation>) {
        let joined = Joining::of(self).relations();
        let exposure = Exposure::of(self);
        let mut nodes: Vec<AssetNode> = self.objects().map(|object| self.node(object, &exposure)).collect();
        let images: BTreeSet<&str> = joined
            .iter()
            .map(|relation| relation.to.as_str())
            .filter(|id| id.starts_with("image:"))
            .collect();
        nodes.extend(images.into_iter().map(|id| AssetNode {
            id: id.to_owned(),
            kind: "image".to_owned(),
            attributes: serde_json::json!({ "id": id, "kind": "image" }).to_string(),
        }));
        (nodes, joined.into_iter().collect())
    }

    fn node(&self, object: &Object, exposure: &Exposure) -> AssetNode {
        let id = self.id(object);
        let mut facts = object.facts.clone();
        if is_workload(&object.kind)
            && let Some(exposed) = exposure.workload(&object.path())
        {
            facts.insert("exposure".to_owned(), serde_json::json!(exposed.verdict));
        }
        let attributes = format!(
            "{{\"id\":{},{},\"facts\":{}}}",
            Value::from(id.as_str()),
            object.about,
            Value::Object(facts)
        );
        AssetNode { id, kind: object.kind.to_string(), attributes }
    }
}

/// Whether queries over a cluster read objects of this kind, whoever made them.
fn is_read(kind: &GroupKind) -> bool {
    match kind.group.as_str() {
        "rbac.authorization.k8s.io" | "networking.k8s.io" | "gateway.networking.k8s.io" => true,
        "" => matches!(kind.kind.as_str(), "Service" | "ServiceAccount" | "Secret" | "Namespace"),
        _ => false,
    }
}

/// Finds what links lead to.
struct Joining<'a> {
    snapshot: &'a Snapshot,
    /// Workloads by namespace: selectors reach no further.
    workloads: BTreeMap<Option<&'a str>, Vec<&'a Object>>,
    relations: BTreeSet<Relation>,
}

impl<'a> Joining<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let mut workloads: BTreeMap<Option<&str>, Vec<&Object>> = BTreeMap::new();
        for object in snapshot.objects().filter(|object| object.pod_labels.is_some()) {
            workloads.entry(object.namespace.as_deref()).or_default().push(object);
        }
        Self { snapshot, workloads, relations: BTreeSet::new() }
    }

    fn relations(mut self) -> BTreeSet<Relation> {
        for object in self.snapshot.objects() {
            let id = self.snapshot.id(object);
            if let Some(namespace) = &object.namespace {
                let kind = GroupKind::new("", "Namespace");
                self.join_named(Edge::Contains, true, &id, &path(&kind, None, namespace));
            }
            if let Some(owner) = self.snapshot.controller(object) {
                let from = self.snapshot.id(owner);
                self.relations.insert(Relation { from, edge: Edge::Owns, to: id.clone() });
            }
            for link in &object.links {
                self.follow(object, &id, link);
            }
        }
        self.relations
    }

    fn follow(&mut self, object: &Object, id: &str, link: &Link) {
        match link {
            Link::Named { edge, reverse, kind, namespace, name } => {
                self.join_named(*edge, *reverse, id, &path(kind, namespace.as_deref(), name));
            }
            Link::Image(reference) => {
                let to = format!("image:{reference}");
                self.relations.insert(Relation { from: id.to_owned(), edge: Edge::Runs, to });
            }
            Link::Select { edge, selector } => self.join_selected(*edge, object, id, selector),
        }
    }

    fn join_named(&mut self, edge: Edge, reverse: bool, id: &str, path: &str) {
        if self.snapshot.objects.contains_key(path) {
            let other = asset_id(&self.snapshot.cluster, path);
            let (from, to) = if reverse { (other, id.to_owned()) } else { (id.to_owned(), other) };
            self.relations.insert(Relation { from, edge, to });
        }
    }

    fn join_selected(&mut self, edge: Edge, object: &Object, id: &str, selector: &Selector) {
        let here = self.workloads.get(&object.namespace.as_deref()).into_iter().flatten();
        let selected = here
            .filter(|workload| workload.pod_labels.as_ref().is_some_and(|labels| selector.matches(labels)));
        self.relations.extend(selected.map(|workload| Relation {
            from: id.to_owned(),
            edge,
            to: self.snapshot.id(workload),
        }));
    }
}
