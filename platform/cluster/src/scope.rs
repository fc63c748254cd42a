//! Which part of a cluster a query looks at.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::exposure_doors::GATEWAY;
use crate::object::Object;
use crate::snapshot::Snapshot;

/// Kinds of a namespace that decide what is exposed of it, as their paths begin, sorted. Objects of the Gateway API come from
/// everywhere and stand between these two.
const KINDS: [&[&str]; 2] = [
    &[
        "apps/DaemonSet",
        "apps/Deployment",
        "apps/ReplicaSet",
        "apps/StatefulSet",
        "batch/CronJob",
        "batch/Job",
        "core/Pod",
        "core/ReplicationController",
        "core/Service",
    ],
    &["networking.k8s.io/Ingress", "networking.k8s.io/NetworkPolicy"],
];

type View = Arc<dyn Any + Send + Sync>;
/// A view, and the body that it is of.
type Viewed = (Arc<[u8]>, View);

/// What was read of the bodies of objects, by path, each good for as long as the object has that body: reading them is most of what
/// judging a namespace again would cost.
#[derive(Debug, Default)]
pub(crate) struct Views(Mutex<HashMap<String, Viewed>>);

impl Views {
    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, path: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    fn get<T: Any + Send + Sync>(&self, object: &Object) -> Option<Arc<T>> {
        let views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (body, view) = views.get(&object.path())?;
        Arc::ptr_eq(body, &object.body).then(|| Arc::clone(view).downcast().ok()).flatten()
    }

    fn put(&self, object: &Object, view: View) {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        views.insert(object.path(), (Arc::clone(&object.body), view));
    }
}

/// A whole cluster, or what decides over the exposure of one namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    snapshot: &'a Snapshot,
    namespace: Option<&'a str>,
    views: Option<&'a Views>,
}

impl<'a> Scope<'a> {
    pub(crate) fn all(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, namespace: None, views: None }
    }

    /// One namespace; the empty one is that of objects without any.
    pub(crate) fn namespace(snapshot: &'a Snapshot, namespace: &'a str) -> Self {
        Self { snapshot, namespace: Some(namespace), views: None }
    }

    /// The same with somebody who remembers what was read.
    pub(crate) fn with(self, views: &'a Views) -> Self {
        Self { views: Some(views), ..self }
    }

    /// What is read of the body of an object: now, or before. What could not be read is tried again each time.
    pub(crate) fn view<T: Any + Send + Sync>(
        &self,
        object: &Object,
        read: impl FnOnce() -> Option<T>,
    ) -> Option<Arc<T>> {
        if let Some(known) = self.views.and_then(|views| views.get(object)) {
            return Some(known);
        }
        let made = Arc::new(read()?);
        if let Some(views) = self.views {
            views.put(object, Arc::clone(&made) as View);
        }
        Some(made)
    }

    pub(crate) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Its objects, by path.
    pub(crate) fn objects(&self) -> Box<dyn Iterator<Item = &'a Object> + 'a> {
        let snapshot = self.snapshot;
        let Some(namespace) = self.namespace else { return Box::new(snapshot.objects()) };
        let segments = if namespace.is_empty() { vec!["-", ""] } else { vec![namespace] };
        let [before, after] = KINDS.map(|kinds| {
            let segments = segments.clone();
            let paths = kinds.iter().flat_map(move |kind| {
                segments.clone().into_iter().map(move |part| format!("{kind}/{part}/"))
            });
            paths.flat_map(|prefix| snapshot.objects_under(prefix))
        });
        Box::new(before.chain(snapshot.objects_under(format!("{GATEWAY}/"))).chain(after))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{KINDS, Scope};
    use crate::exposure::Exposure;
    use crate::exposure_doors::GATEWAY;
    use crate::kinds::{built_in, is_workload};

    #[test]
    fn kinds_are_sorted_and_have_every_workload() {
        let mut all = KINDS.concat();
        all.insert(KINDS[0].len(), GATEWAY);
        assert!(all.is_sorted());
        for kind in built_in().filter(is_workload) {
            let group = if kind.group.is_empty() { "core" } else { &kind.group };
            assert!(KINDS[0].contains(&format!("{group}/{}", kind.kind).as_str()), "{kind}");
        }
    }

    #[test]
    fn namespaces_together_are_the_cluster() {
        let Some(snapshot) = crate::fixture::shared() else { return };
        let namespaces: BTreeSet<&str> =
            snapshot.objects().map(|object| object.namespace.as_deref().unwrap_or_default()).collect();
        let mut parts: Vec<_> = namespaces
            .into_iter()
            .flat_map(|namespace| Exposure::within(&Scope::namespace(&snapshot, namespace)).workloads)
            .collect();
        parts.sort_by(|a, b| a.workload.cmp(&b.workload));
        assert!(!parts.is_empty());
        assert_eq!(parts, Exposure::of(&snapshot).workloads);
    }
}
