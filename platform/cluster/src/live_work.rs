//! What a change has touched so far, and what becomes of it in the end.

use std::collections::{BTreeMap, BTreeSet};

use model::graph::Relation;

use crate::exposure_doors::GATEWAY;
use crate::links::Link;
use crate::live::{Changed, Live};
use crate::object::Object;

/// Namespaces whose exposure has to be judged anew.
#[derive(Debug)]
pub(crate) enum Doors {
    All,
    Namespaces(BTreeSet<String>),
}

impl Default for Doors {
    fn default() -> Self {
        Self::Namespaces(BTreeSet::new())
    }
}

impl Doors {
    /// Takes the namespaces in that an object has a say in.
    pub(crate) fn add(&mut self, object: Option<&Object>) {
        let (Self::Namespaces(namespaces), Some(object)) = (&mut *self, object) else { return };
        let own = object.namespace.clone().unwrap_or_default();
        match (object.kind.group.as_str(), object.kind.kind.as_str()) {
            _ if object.pod_labels.is_some() => drop(namespaces.insert(own)),
            ("", "Service") | ("networking.k8s.io", "Ingress" | "NetworkPolicy") => {
                namespaces.insert(own);
            }
            (GATEWAY, "Gateway") => *self = Self::All,
            // Routes lead to services of any namespace.
            (GATEWAY, _) => namespaces.extend(object.links.iter().filter_map(|link| match link {
                Link::Named { reverse: false, namespace, .. } => Some(namespace.clone().unwrap_or_default()),
                _ => None,
            })),
            _ => {}
        }
    }
}

/// What one change has touched.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Paths of objects that came, changed or went, or that are subjects now.
    pub(crate) paths: BTreeSet<String>,
    /// Paths of objects that may have been subjects before.
    pub(crate) ceased: BTreeSet<String>,
    /// Paths of objects whose nodes came, changed or went.
    pub(crate) nodes: BTreeSet<String>,
    pub(crate) unread: BTreeSet<String>,
    pub(crate) doors: Doors,
    /// Ids of images, with whether they were there before the change.
    images: BTreeMap<String, bool>,
    relations_added: BTreeSet<Relation>,
    relations_removed: BTreeSet<Relation>,
}

impl Work {
    pub(crate) fn added(&mut self, relation: &Relation) {
        if !self.relations_removed.remove(relation) {
            self.relations_added.insert(relation.clone());
        }
    }

    pub(crate) fn removed(&mut self, relation: &Relation) {
        if !self.relations_added.remove(relation) {
            self.relations_removed.insert(relation.clone());
        }
    }

    pub(crate) fn image(&mut self, id: &str, was: bool) {
        if !self.images.contains_key(id) {
            self.images.insert(id.to_owned(), was);
        }
    }
}

impl Live {
    /// Says of everything that was touched what it means.
    pub(crate) fn finish(&self, work: Work) -> Changed {
        let mut changed = Changed { unread: work.unread.clone(), ..Changed::default() };
        changed.subjects = self.subjects(&work);
        for path in work.nodes {
            let id = crate::asset_id(self.snapshot.cluster(), &path);
            let is = self.snapshot.object(&path).is_some();
            if is {
                changed.nodes.insert(id)
            } else {
                changed.nodes_removed.insert(id)
            };
        }
        for (id, was) in work.images {
            match (was, self.relations.has_image(&id)) {
                (false, true) => drop(changed.nodes.insert(id)),
                (true, false) => drop(changed.nodes_removed.insert(id)),
                _ => {}
            }
        }
        changed.unread.retain(|path| self.snapshot.object(path).is_some());
        (changed.relations_added, changed.relations_removed) = (work.relations_added, work.relations_removed);
        changed
    }

    fn subjects(&self, work: &Work) -> BTreeSet<String> {
        let mut subjects = work.ceased.clone();
        for path in &work.paths {
            subjects.insert(self.subject_of(path).unwrap_or_else(|| path.clone()));
        }
        let mut ids: BTreeSet<&str> = BTreeSet::new();
        for relation in work.relations_added.iter().chain(&work.relations_removed) {
            ids.extend([relation.from.as_str(), relation.to.as_str()]);
        }
        for path in &work.nodes {
            ids.extend(self.relations.ends(path));
            let Some(object) = self.snapshot.object(path) else { continue };
            let id = self.snapshot.id(object);
            let naming = self.index.dependents(path);
            let selecting = self.index.selecting(&object.namespace);
            let selecting = selecting.into_iter().filter(|other| self.relations.selects(other, &id));
            subjects.extend(naming.into_iter().chain(selecting).filter_map(|other| self.subject_of(&other)));
        }
        subjects.extend(ids.into_iter().filter_map(|id| self.subject_of(self.path_of(id)?)));
        subjects
    }
}
