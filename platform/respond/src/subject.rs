//! What an incident is about: the pods, workloads, nodes and service accounts that its events name.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::{Kind, ObjectRef, is_name, word};

/// Most events of an incident that are looked at, and objects of each kind that it is about.
const EVENTS_MAX: usize = 1000;
pub(crate) const OBJECTS_MAX: usize = 100;

/// The objects that an event, or an incident with `events`, names: pods, workloads, nodes, service accounts.
#[must_use]
pub fn named_in(body: &Value) -> Vec<ObjectRef> {
    let Subjects { pods, workloads, nodes, accounts, .. } = Subjects::of(body);
    [pods, workloads, nodes, accounts].into_iter().flatten().collect()
}

/// What an incident is about. Names that no object could have are left out: they are text of strangers, and would become part of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subjects {
    pub(crate) pods: BTreeSet<ObjectRef>,
    pub(crate) workloads: BTreeSet<ObjectRef>,
    pub(crate) nodes: BTreeSet<ObjectRef>,
    pub(crate) accounts: BTreeSet<ObjectRef>,
    /// Whether there were more than are looked at.
    pub(crate) cut: bool,
}

impl Subjects {
    /// Of a normalised event, or of an incident with `events` or `detections`.
    pub(crate) fn of(body: &Value) -> Self {
        let mut subjects = Self::default();
        subjects.event(body);
        for list in ["events", "detections"] {
            let events = body.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            subjects.cut |= events.len() > EVENTS_MAX;
            for event in events.iter().take(EVENTS_MAX) {
                subjects.event(event);
            }
        }
        subjects
    }

    fn event(&mut self, event: &Value) {
        let namespace = word(event, "/pod/namespace");
        let mut pod = ObjectRef::named(Kind::Pod, namespace, word(event, "/pod/name"));
        pod.uid = Some(word(event, "/pod/uid").to_owned()).filter(|uid| !uid.is_empty());
        self.cut |= put(&mut self.pods, pod);
        if let Some(kind) = Kind::from_name(word(event, "/pod/workload/kind")) {
            let workload = ObjectRef::named(kind, namespace, word(event, "/pod/workload/name"));
            self.cut |= put(&mut self.workloads, workload);
        }
        let account = ObjectRef::named(Kind::ServiceAccount, namespace, word(event, "/pod/serviceAccount"));
        self.cut |= put(&mut self.accounts, account);
        // An actor of an audit log is `system:serviceaccount:NAMESPACE:NAME`.
        if let Some((namespace, name)) = word(event, "/actor/name")
            .strip_prefix("system:serviceaccount:")
            .and_then(|rest| rest.split_once(':'))
        {
            self.cut |= put(&mut self.accounts, ObjectRef::named(Kind::ServiceAccount, namespace, name));
        }
        self.cut |= put(&mut self.nodes, ObjectRef::named(Kind::Node, "", word(event, "/node")));
    }
}

/// Adds an object that there may be; true if there is no room.
fn put(set: &mut BTreeSet<ObjectRef>, object: ObjectRef) -> bool {
    let namespace = !object.kind.is_namespaced() || is_name(&object.namespace);
    if !is_name(&object.name) || !namespace {
        return false;
    }
    if set.len() >= OBJECTS_MAX {
        return !set.contains(&object);
    }
    // With its uid it is the same one, only better known.
    if object.uid.is_some() {
        set.remove(&ObjectRef { uid: None, ..object.clone() });
    } else if set.iter().any(|other| {
        other.name == object.name && other.namespace == object.namespace && other.kind == object.kind
    }) {
        return false;
    }
    set.insert(object);
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Subjects;

    #[test]
    fn events_name_what_they_are_about_and_nothing_else() {
        let pod = json!({ "namespace": "shop", "name": "web-1", "serviceAccount": "web", "workload": { "kind": "Deployment", "name": "web" } });
        let incident = json!({
            "events": [
                { "pod": pod, "node": "node-1" },
                { "pod": { "namespace": "shop", "name": "web-1", "uid": "u1" } },
                { "pod": { "namespace": "shop", "name": "../../nodes/x" } },
                { "pod": { "namespace": "a/b", "name": "x" } },
                { "actor": { "name": "system:serviceaccount:ops:deployer" } },
            ],
        });
        let subjects = Subjects::of(&incident);
        let names = |set: &std::collections::BTreeSet<crate::object::ObjectRef>| {
            set.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(&subjects.pods), ["Pod shop/web-1"]);
        assert_eq!(subjects.pods.first().unwrap().uid.as_deref(), Some("u1"));
        assert_eq!(names(&subjects.workloads), ["Deployment shop/web"]);
        assert_eq!(names(&subjects.nodes), ["Node node-1"]);
        assert_eq!(names(&subjects.accounts), ["ServiceAccount ops/deployer", "ServiceAccount shop/web"]);
        assert!(!subjects.cut);
    }
}
