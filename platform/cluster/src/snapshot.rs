//! A cluster as it was read: its objects, and how they are joined.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use model::Gap;
use model::graph::{AssetNode, Relation};
use serde_json::Value;

use crate::exposure::{Exposure, Verdict};
use crate::id::{GroupKind, asset_id, path};
use crate::join;
use crate::kinds::{built_in, is_workload};
use crate::object::Object;

/// Path of the namespace that every cluster has from its first minute on.
pub(crate) const SYSTEM_NAMESPACE: &str = "core/Namespace/-/kube-system";

/// Objects of a cluster at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub(crate) cluster: String,
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) listed: BTreeSet<GroupKind>,
    pub(crate) gaps: BTreeSet<Gap>,
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
        let mut snapshot = Self { cluster: String::new(), objects, listed, gaps };
        snapshot.cluster = snapshot.name(fallback);
        snapshot.forget_bodies();
        snapshot
    }

    /// Everybody tells clusters apart by the uid of this namespace: it is made once, when the cluster is.
    fn name(&self, fallback: &str) -> String {
        let system = self.objects.get(SYSTEM_NAMESPACE).map(|namespace| namespace.uid.clone());
        system.filter(|uid| !uid.is_empty()).unwrap_or_else(|| fallback.to_owned())
    }

    fn forget_bodies(&mut self) {
        let made: Vec<String> =
            self.objects().filter(|object| self.is_made(object)).map(Object::path).collect();
        for path in made {
            self.forget_body(&path);
        }
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
    pub(crate) fn is_made(&self, object: &Object) -> bool {
        match self.controller(object) {
            Some(controller) if is_workload(&object.kind) => is_workload(&controller.kind),
            Some(_) => !is_read(&object.kind),
            None => false,
        }
    }

    /// Drops the body of an object; whether it had one.
    pub(crate) fn forget_body(&mut self, path: &str) -> bool {
        let body = self.objects.get_mut(path).map(|object| std::mem::take(&mut object.body));
        body.is_some_and(|body| !body.is_empty())
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

    /// The object of a path.
    #[must_use]
    pub fn object(&self, path: &str) -> Option<&Object> {
        self.objects.get(path)
    }

    /// Objects whose paths begin with this, by path.
    pub(crate) fn objects_under(&self, prefix: String) -> impl Iterator<Item = &Object> {
        let from = self.objects.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        from.take_while(move |(path, _)| path.starts_with(&prefix)).map(|(_, object)| object)
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Puts an object in the place of one of its path, which is given back.
    pub(crate) fn upsert(&mut self, object: Object) -> Option<Object> {
        self.objects.insert(object.path(), object)
    }

    /// Takes an object away.
    pub(crate) fn remove(&mut self, path: &str) -> Option<Object> {
        self.objects.remove(path)
    }

    /// Paths of every object of a kind.
    pub(crate) fn of_kind(&self, kind: &GroupKind) -> Vec<String> {
        let below = path(kind, Some(""), "");
        self.objects_under(below.trim_end_matches('/').to_owned() + "/").map(Object::path).collect()
    }

    /// Notes that every object of a kind is known; what was said of the kind before is over.
    pub(crate) fn is_listed(&mut self, kind: &GroupKind) {
        self.gaps.retain(|gap| gap.subject != kind.to_string());
        self.listed.insert(kind.clone());
    }

    /// Notes that a kind is not known any more.
    pub(crate) fn is_lost(&mut self, kind: &GroupKind, gap: Gap) {
        self.gaps.retain(|gap| gap.subject != kind.to_string());
        self.listed.remove(kind);
        self.gaps.insert(gap);
    }

    /// Notes something that could not be read.
    pub(crate) fn note(&mut self, gap: Gap) {
        self.gaps.insert(gap);
    }

    /// Names the cluster by what is known of it now; whether that is another name than before.
    pub(crate) fn rename(&mut self, fallback: &str) -> bool {
        let name = self.name(fallback);
        std::mem::replace(&mut self.cluster, name) != self.cluster
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
        let definitions = path(&definition, None, "").trim_end_matches("-/").to_owned();
        let defined = self.objects_under(definitions).filter_map(|object| {
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
        let joined = join::relations(self);
        let exposure = Exposure::of(self);
        let verdict = |object: &Object| exposure.workload(&object.path()).map(|exposed| exposed.verdict);
        let mut nodes: Vec<AssetNode> =
            self.objects().map(|object| self.node(object, verdict(object))).collect();
        let images: BTreeSet<&str> = joined
            .iter()
            .map(|relation| relation.to.as_str())
            .filter(|id| id.starts_with("image:"))
            .collect();
        nodes.extend(images.into_iter().map(image_node));
        (nodes, joined.into_iter().collect())
    }

    /// An object as a node, with the verdict over its exposure if it is a workload that has a door.
    pub(crate) fn node(&self, object: &Object, verdict: Option<Verdict>) -> AssetNode {
        let id = self.id(object);
        let mut facts = object.facts.clone();
        if let Some(verdict) = verdict.filter(|_| is_workload(&object.kind)) {
            facts.insert("exposure".to_owned(), serde_json::json!(verdict));
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

/// An image as a node.
pub(crate) fn image_node(id: &str) -> AssetNode {
    let attributes = serde_json::json!({ "id": id, "kind": "image" }).to_string();
    AssetNode { id: id.to_owned(), kind: "image".to_owned(), attributes }
}

/// Whether queries over a cluster read objects of this kind, whoever made them.
fn is_read(kind: &GroupKind) -> bool {
    match kind.group.as_str() {
        "rbac.authorization.k8s.io" | "networking.k8s.io" | "gateway.networking.k8s.io" => true,
        "" => matches!(kind.kind.as_str(), "Service" | "ServiceAccount" | "Secret" | "Namespace"),
        _ => false,
    }
}
