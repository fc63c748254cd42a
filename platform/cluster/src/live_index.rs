//! Who names whom, and who may select whom: where to look when an object comes, changes or goes.

use std::collections::{BTreeSet, HashMap};

use crate::join;
use crate::object::Object;
use crate::snapshot::Snapshot;

type Namespace = Option<String>;

/// Paths of objects by what they depend on.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By the path that they name, whether something is there or not.
    naming: HashMap<String, BTreeSet<String>>,
    /// Those with a selector, by namespace.
    selecting: HashMap<Namespace, BTreeSet<String>>,
    /// Those that can be selected, by namespace.
    workloads: HashMap<Namespace, BTreeSet<String>>,
}

impl Index {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut index = Self::default();
        for object in snapshot.objects() {
            index.replace(&object.path(), None, Some(object));
        }
        index
    }

    /// Takes an object over that was, is, or both. Its path and so its namespace stay the same.
    pub(crate) fn replace(&mut self, path: &str, before: Option<&Object>, after: Option<&Object>) {
        let old = before.map(join::names).unwrap_or_default();
        let new = after.map(join::names).unwrap_or_default();
        for name in old.difference(&new) {
            withdraw(&mut self.naming, name, path);
        }
        for name in new.difference(&old) {
            self.naming.entry(name.clone()).or_default().insert(path.to_owned());
        }
        let namespace = after.or(before).and_then(|object| object.namespace.clone());
        let selects = after.is_some_and(join::has_selector);
        enter(&mut self.selecting, &namespace, path, selects);
        let runs = after.is_some_and(|object| object.pod_labels.is_some());
        enter(&mut self.workloads, &namespace, path, runs);
    }

    /// Paths of the objects that name this one.
    pub(crate) fn dependents(&self, path: &str) -> Vec<String> {
        self.naming.get(path).into_iter().flatten().cloned().collect()
    }

    /// Paths of the objects whose selectors look into this namespace.
    pub(crate) fn selecting(&self, namespace: &Namespace) -> Vec<String> {
        self.selecting.get(namespace).into_iter().flatten().cloned().collect()
    }

    /// Paths of the workloads of a namespace.
    pub(crate) fn workloads(&self, namespace: &Namespace) -> impl Iterator<Item = &str> {
        self.workloads.get(namespace).into_iter().flatten().map(String::as_str)
    }
}

fn enter(index: &mut HashMap<Namespace, BTreeSet<String>>, namespace: &Namespace, path: &str, is: bool) {
    if is {
        index.entry(namespace.clone()).or_default().insert(path.to_owned());
    } else {
        withdraw(index, namespace, path);
    }
}

fn withdraw<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<String>>, key: &K, path: &str) {
    if let Some(paths) = index.get_mut(key) {
        paths.remove(path);
        if paths.is_empty() {
            index.remove(key);
        }
    }
}
