use std::collections::{BTreeMap, BTreeSet};

use model::graph::{AssetNode, Relation};
use model::{Gap, GapCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Changed, Live};
use crate::change::Change;
use crate::fixture::{object, small, with_shared};
use crate::id::GroupKind;
use crate::object::Object;
use crate::snapshot::Snapshot;

/// What a cluster should look like, kept in the simplest way there is, and what became of the graph by what changes said of it.
struct Model {
    objects: BTreeMap<String, Value>,
    live: Live,
    nodes: BTreeMap<String, AssetNode>,
    relations: BTreeSet<Relation>,
}

impl Model {
    fn new(objects: &[Value]) -> Self {
        let objects: BTreeMap<String, Value> =
            objects.iter().map(|value| (path_of(value), value.clone())).collect();
        let live = Live::new(anew(&objects), "test");
        let (nodes, relations) = live.graph();
        let nodes = nodes.into_iter().map(|node| (node.id.clone(), node)).collect();
        Self { objects, live, nodes, relations: relations.into_iter().collect() }
    }

    fn apply(&mut self, value: &Value) -> Changed {
        self.objects.insert(path_of(value), value.clone());
        self.change(Change::Applied(Box::new(Object::of(value.clone()).unwrap())))
    }

    fn delete(&mut self, path: &str) -> Changed {
        self.objects.remove(path);
        self.change(Change::Deleted(path.to_owned()))
    }

    fn relist(&mut self, kind: &GroupKind, values: &[Value]) -> Changed {
        self.objects.retain(|_, value| Object::of(value.clone()).unwrap().kind != *kind);
        self.objects.extend(values.iter().map(|value| (path_of(value), value.clone())));
        let objects = values.iter().map(|value| Object::of(value.clone()).unwrap()).collect();
        self.change(Change::Relisted { kind: kind.clone(), objects })
    }

    /// Applies a change and reads what has to be read again, as whoever watches has to.
    fn change(&mut self, change: Change) -> Changed {
        let changed = self.live.apply(change);
        self.take(&changed);
        for path in &changed.unread {
            let again = Object::of(self.objects[path].clone()).unwrap();
            let changed = self.live.apply(Change::Applied(Box::new(again)));
            self.take(&changed);
            assert!(changed.unread.is_empty());
        }
        changed
    }

    fn take(&mut self, changed: &Changed) {
        for id in &changed.nodes_removed {
            assert!(self.nodes.remove(id).is_some(), "{id} was not there");
        }
        for id in &changed.nodes {
            self.nodes.insert(id.clone(), self.live.node(id).unwrap());
        }
        for relation in &changed.relations_removed {
            assert!(self.relations.remove(relation), "{relation:?} was not there");
        }
        for relation in &changed.relations_added {
            assert!(self.relations.insert(relation.clone()), "{relation:?} was there");
        }
    }

    /// The law.
    fn check(&self) {
        let anew = anew(&self.objects);
        assert!(self.live.snapshot().objects().eq(anew.objects()), "the objects are others");
        let (nodes, relations) = anew.graph();
        assert_eq!(self.live.graph(), (nodes.clone(), relations.clone()));
        assert!(
            self.nodes
                .values()
                .eq(BTreeMap::from_iter(nodes.iter().map(|node| (&node.id, node))).values().copied())
        );
        assert!(self.relations.iter().eq(&relations));
    }
}

fn anew(objects: &BTreeMap<String, Value>) -> Snapshot {
    let objects = objects.values().map(|value| Object::of(value.clone()).unwrap()).collect();
    Snapshot::new(objects, BTreeSet::new(), BTreeSet::new(), "test")
}

fn path_of(value: &Value) -> String {
    Object::of(value.clone()).unwrap().path()
}

/// One thing to do with the objects of a fixture.
#[derive(Debug, Clone)]
enum Step {
    Put(prop::sample::Index),
    Vary(prop::sample::Index, prop::sample::Index),
    Delete(prop::sample::Index),
    Relist(prop::sample::Index, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => any::<prop::sample::Index>().prop_map(Step::Put),
        4 => any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(which, how)| Step::Vary(which, how)),
        4 => any::<prop::sample::Index>().prop_map(Step::Delete),
        1 => any::<(prop::sample::Index, u64)>().prop_map(|(which, some)| Step::Relist(which, some)),
    ];
    prop::collection::vec(step, 1..30)
}

/// Ways in which an object changes, some of which make no sense for its kind: nothing may depend on that.
fn variations() -> Vec<(&'static str, Value)> {
    vec![
        ("/metadata/labels", json!({ "app": "other" })),
        ("/metadata/annotations", json!({ "note": "changed" })),
        ("/metadata/ownerReferences", json!([])),
        (
            "/metadata/ownerReferences",
            json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true }]),
        ),
        (
            "/metadata/ownerReferences",
            json!([{ "apiVersion": "v1", "kind": "Namespace", "name": "shop", "controller": true }]),
        ),
        ("/metadata/uid", json!("another")),
        ("/spec/selector", json!({ "app": "debug" })),
        ("/spec/podSelector", json!({ "matchLabels": { "app": "web" } })),
        ("/spec/template/metadata/labels", json!({ "app": "debug" })),
        ("/spec/template", Value::Null),
        ("/spec/type", json!("NodePort")),
        (
            "/spec/containers",
            json!([{ "name": "c", "image": "registry.example.org/web:1.2", "ports": [{ "containerPort": 22, "hostPort": 22 }] }]),
        ),
        ("/spec/rules", json!([{ "backendRefs": [{ "name": "inside", "namespace": "shop" }] }])),
        ("/status/phase", json!("Failed")),
    ]
}

fn vary(value: &Value, (pointer, to): &(&'static str, Value)) -> Value {
    let mut value = value.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    if let Some(parent) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.insert(key.to_owned(), to.clone());
    }
    value
}

fn run(all: &[Value], steps: &[Step]) {
    let mut model = Model::new(all);
    for step in steps {
        match step {
            Step::Put(which) => drop(model.apply(which.get(all))),
            Step::Vary(which, how) => drop(model.apply(&vary(which.get(all), how.get(&variations())))),
            Step::Delete(which) => drop(model.delete(&path_of(which.get(all)))),
            Step::Relist(which, some) => {
                let kind = Object::of(which.get(all).clone()).unwrap().kind;
                let of_kind = all.iter().filter(|value| Object::of((*value).clone()).unwrap().kind == kind);
                let some: Vec<Value> = of_kind
                    .zip(0..)
                    .filter(|(_, bit)| some >> (bit % 64) & 1 == 1)
                    .map(|(value, _)| value.clone())
                    .collect();
                model.relist(&kind, &some);
            }
        }
        model.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn after_any_changes_the_graph_is_that_of_the_objects(steps in steps()) {
        run(&small(), &steps);
    }
}

#[test]
fn the_fixtures_come_and_go_one_by_one() {
    let Some(all) = with_shared() else { return };
    let mut model = Model::new(&[]);
    for value in &all {
        model.apply(value);
    }
    model.check();
    // Every seventh: a check looks at everything.
    for (number, value) in all.iter().enumerate() {
        let path = path_of(value);
        model.delete(&path);
        if number % 7 == 0 {
            model.check();
        }
    }
    assert_eq!(model.live.graph(), (Vec::new(), Vec::new()));
}

#[test]
fn what_changes_nothing_says_nothing() {
    let all = small();
    let mut model = Model::new(&all);
    for value in &all {
        assert!(model.apply(value).is_empty(), "{}", path_of(value));
    }
    assert!(model.delete("core/Pod/shop/none").is_empty());
    // What a workload made is kept without its body, so nobody hears of its status.
    let pod = vary(
        &all.iter().find(|value| path_of(value) == "core/Pod/shop/web-1-a").unwrap().clone(),
        &("/status/phase", json!("Failed")),
    );
    assert!(model.apply(&pod).is_empty());
}

#[test]
fn a_policy_changes_what_it_protects_and_nothing_else() {
    let all = small();
    let mut model = Model::new(&all);
    let changed = model.delete("networking.k8s.io/NetworkPolicy/shop/deny");
    let id = |path: &str| {
        model.live.snapshot().object(path).map(|object| model.live.snapshot().id(object)).unwrap()
    };
    assert_eq!(changed.nodes, [id("apps/Deployment/shop/web")].into());
    assert!(
        model
            .live
            .node(&id("apps/Deployment/shop/web"))
            .unwrap()
            .attributes
            .contains("\"exposure\":\"open\"")
    );
    for subject in
        ["networking.k8s.io/NetworkPolicy/shop/deny", "apps/Deployment/shop/web", "core/Pod/shop/debug"]
    {
        assert!(changed.subjects.contains(subject), "{subject}: {:?}", changed.subjects);
    }
    assert!(!changed.subjects.contains("core/Node/-/node-1"), "{:?}", changed.subjects);
    assert!(changed.relations_removed.iter().any(|relation| relation.to == id("core/Pod/shop/web-1-a")));
}

#[test]
fn an_orphan_is_a_subject_whose_body_has_to_be_read_again() {
    let all = small();
    let mut model = Model::new(&all);
    let mut live = Live::new(anew(&model.objects), "test");
    let changed = live.apply(Change::Deleted("apps/ReplicaSet/shop/web-1".to_owned()));
    assert_eq!(
        changed.unread,
        ["core/Pod/shop/web-1-a".to_owned(), "core/Pod/shop/web-1-b".to_owned()].into()
    );
    assert!(changed.subjects.is_superset(&changed.unread));
    model.delete("apps/ReplicaSet/shop/web-1");
    model.check();
    let pod = model.live.snapshot().object("core/Pod/shop/web-1-a").unwrap();
    assert!(!pod.body.is_empty());
    // Its owner is back: whatever was said of the pod is over.
    let set = all.iter().find(|value| path_of(value) == "apps/ReplicaSet/shop/web-1").unwrap();
    let changed = model.apply(set);
    assert!(changed.subjects.contains("core/Pod/shop/web-1-a"));
    assert!(model.live.snapshot().object("core/Pod/shop/web-1-a").unwrap().body.is_empty());
    model.check();
}

#[test]
fn a_kind_that_is_lost_is_missing_until_it_is_listed_again() {
    let mut live = Live::new(anew(&BTreeMap::new()), "test");
    let kind = GroupKind::new("", "Secret");
    live.apply(Change::Relisted { kind: kind.clone(), objects: Vec::new() });
    assert!(!live.snapshot().missing().contains(&kind));
    let gap = Gap { code: GapCode::NotCollected, subject: kind.to_string(), reason: "forbidden".to_owned() };
    live.apply(Change::Lost { kind: kind.clone(), gap: gap.clone() });
    assert!(live.snapshot().missing().contains(&kind) && live.snapshot().gaps().contains(&gap));
    let secret = Object::of(object("v1", "Secret", "n/s", json!({}))).unwrap();
    let changed = live.apply(Change::Relisted { kind: kind.clone(), objects: vec![secret] });
    assert!(changed.subjects.contains("core/Secret/n/s"));
    assert!(!live.snapshot().missing().contains(&kind) && live.snapshot().gaps().is_empty());
}

#[test]
fn a_cluster_gets_its_name_from_its_first_namespace() {
    let all = small();
    let mut model = Model::new(&all);
    model.delete("core/Namespace/-/kube-system");
    model.check();
    assert_eq!(model.live.snapshot().cluster(), "test");
    model.apply(&all[0]);
    model.check();
    assert_ne!(model.live.snapshot().cluster(), "test");
}
