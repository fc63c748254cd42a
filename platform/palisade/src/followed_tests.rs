//! The law of followed clusters, with the real plugin over real objects: judged step by step is judged as a whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use cluster::{Change, GroupKind, Live, Object, Snapshot, read_object};
use engine::posture::PosturePlugin;
use engine::standing::Standing;
use host::{Host, HostOptions};
use model::{Gap, GapCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::config::Config;
use crate::followed::{begin, hand_on};
use crate::plugins::{Need, components};
use crate::posture::{gaps, judge_snapshot};

/// The first-party checks of clusters; nothing if this was built without guests.
fn plugins() -> Option<Vec<PosturePlugin>> {
    static PLUGINS: OnceLock<Option<Vec<PosturePlugin>>> = OnceLock::new();
    let loaded = PLUGINS.get_or_init(|| {
        let host = Host::new(HostOptions::default()).unwrap();
        let all = components(&Config::default(), Need::Posture).unwrap();
        let inspected = all.iter().map(|one| (one, host::inspect(&one.bytes).unwrap()));
        let (found, _) = inspected.into_iter().find(|(_, it)| it.manifest.id == "palisade.kube-posture")?;
        let plugin = host.load(&found.bytes).unwrap();
        let rights = plugin.manifest().asked();
        Some(vec![PosturePlugin { plugin, rights, config: Arc::from("{}"), policy: None }])
    });
    if loaded.is_none() {
        eprintln!("skipped: this was built without its plugins");
    }
    loaded.clone()
}

fn own() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/kubernetes/small.json");
    let list: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    list["items"].as_array().or(list.as_array()).unwrap().clone()
}

fn object(value: &Value) -> Object {
    read_object(value.clone()).unwrap()
}

struct Model {
    objects: BTreeMap<String, Value>,
    live: Live,
    standing: Standing,
    plugins: Vec<PosturePlugin>,
}

impl Model {
    fn new(all: &[Value], plugins: Vec<PosturePlugin>) -> Self {
        let live = Live::new(Snapshot::of(all.iter().map(object).collect(), "test"), "test");
        let mut standing = begin(&live, plugins.clone());
        standing.judge_again(1);
        let objects = all.iter().map(|value| (object(value).path(), value.clone())).collect();
        Self { objects, live, standing, plugins }
    }

    fn apply(&mut self, change: Change) {
        let changed = self.live.apply(change);
        hand_on(&self.live, &changed, &mut self.standing);
        for path in &changed.unread {
            let again = Change::Applied(Box::new(object(&self.objects[path])));
            let changed = self.live.apply(again);
            hand_on(&self.live, &changed, &mut self.standing);
        }
    }

    /// The law.
    fn check(&mut self) {
        self.standing.judge_again(2);
        assert!(!self.standing.is_due());
        let (anew, graph) = judge_snapshot(self.live.snapshot(), &self.plugins, 1);
        let known = gaps(self.live.snapshot(), &self.plugins);
        let stands = self.standing.judged(known);
        assert_eq!(stands.report.findings, anew.report.findings);
        assert_eq!(stands.report.coverage, anew.report.coverage);
        assert_eq!(stands.observations, anew.observations);
        assert_eq!(self.standing.graph().len(), graph.len());
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(prop::sample::Index),
    Vary(prop::sample::Index, prop::sample::Index),
    Delete(prop::sample::Index),
    Relist(prop::sample::Index, u64),
    Lose(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<(Step, bool)>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        3 => index().prop_map(Step::Put),
        5 => (index(), index()).prop_map(|(which, how)| Step::Vary(which, how)),
        3 => index().prop_map(Step::Delete),
        1 => (index(), any::<u64>()).prop_map(|(which, some)| Step::Relist(which, some)),
        1 => index().prop_map(Step::Lose),
    ];
    // Some steps are judged together, as changes that come within a moment are.
    prop::collection::vec((step, any::<bool>()), 1..14)
}

fn variations() -> Vec<(&'static str, Value)> {
    vec![
        ("/metadata/labels", json!({ "app": "other" })),
        ("/metadata/labels", json!({ "pod-security.kubernetes.io/enforce": "privileged" })),
        ("/metadata/annotations", json!({ "note": "changed" })),
        ("/metadata/ownerReferences", json!([])),
        ("/metadata/uid", json!("another")),
        ("/spec/selector", json!({ "app": "debug" })),
        ("/spec/podSelector", json!({})),
        ("/spec/policyTypes", json!(["Egress"])),
        ("/spec/template/spec/hostNetwork", json!(true)),
        ("/spec/template/spec/serviceAccountName", json!("default")),
        ("/spec/template/metadata/labels", json!({ "app": "debug" })),
        ("/spec/hostPID", json!(true)),
        ("/spec/type", json!("LoadBalancer")),
        (
            "/roleRef",
            json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" }),
        ),
        ("/rules", json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }])),
        ("/automountServiceAccountToken", json!(false)),
        ("/spec", json!("nonsense")),
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

fn run(model: &mut Model, all: &[Value], step: &Step) {
    match step {
        Step::Put(which) => put(model, which.get(all).clone()),
        Step::Vary(which, how) => put(model, vary(which.get(all), how.get(&variations()))),
        Step::Delete(which) => {
            let path = object(which.get(all)).path();
            model.objects.remove(&path);
            model.apply(Change::Deleted(path));
        }
        Step::Relist(which, some) => {
            let kind = object(which.get(all)).kind;
            let of_kind = all.iter().filter(|value| object(value).kind == kind).zip(0..);
            let some: Vec<Value> =
                of_kind.filter(|(_, bit)| some >> bit & 1 == 1).map(|(value, _)| value.clone()).collect();
            model.objects.retain(|_, value| object(value).kind != kind);
            model.objects.extend(some.iter().map(|value| (object(value).path(), value.clone())));
            model.apply(Change::Relisted { kind, objects: some.iter().map(object).collect() });
        }
        Step::Lose(which) => {
            let kind: GroupKind = object(which.get(all)).kind;
            let reason = "forbidden".to_owned();
            let gap = Gap { code: GapCode::NotCollected, subject: kind.to_string(), reason };
            model.apply(Change::Lost { kind, gap });
        }
    }
}

fn put(model: &mut Model, value: Value) {
    let object = object(&value);
    model.objects.insert(object.path(), value);
    model.apply(Change::Applied(Box::new(object)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn judged_step_by_step_is_judged_as_a_whole(steps in steps()) {
        let Some(plugins) = plugins() else { return Ok(()) };
        let all = own();
        let mut model = Model::new(&all, plugins);
        model.check();
        for (step, now) in &steps {
            run(&mut model, &all, step);
            if *now {
                model.check();
            }
        }
        model.check();
    }
}

/// The objects of the fixtures beside the checkout, where they are.
fn shared() -> Option<Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/k8s");
    if !folder.is_dir() {
        eprintln!("skipped: there are no fixtures beside the checkout");
        return None;
    }
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let list: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            let items = list["items"].as_array().cloned().unwrap_or_default();
            all.extend(items.into_iter().filter(|value| read_object(value.clone()).is_ok()));
        }
    }
    Some(all)
}

#[test]
fn the_fixtures_come_and_go_and_are_judged_as_a_whole() {
    let (Some(plugins), Some(all)) = (plugins(), shared()) else { return };
    let mut model = Model::new(&all, plugins);
    model.check();
    for (number, value) in all.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
        let path = object(value).path();
        model.objects.remove(&path);
        model.apply(Change::Deleted(path));
        if number % 60 == 0 {
            model.check();
        }
    }
    model.check();
    for value in &all {
        put(&mut model, value.clone());
    }
    model.check();
}

#[test]
fn a_change_of_one_object_has_few_judged_again() {
    let Some(plugins) = plugins() else { return };
    let all = own();
    let mut model = Model::new(&all, plugins);
    let note = vary(&all[all.len() - 1], &("/metadata/annotations", json!({ "note": "changed" })));
    put(&mut model, note);
    let judged = model.standing.judge_again(1);
    assert!(!judged.is_empty() && judged.len() < 4, "{judged:?}");
    // The same again is no change.
    let again = model.objects[judged.first().unwrap()].clone();
    put(&mut model, again);
    assert!(model.standing.judge_again(1).is_empty());
}

/// Of a kind that cannot be listed any more some objects are known still; what is answered of them must not depend on what else a plugin
/// judges in the same call.
#[test]
fn what_is_known_of_a_kind_that_was_lost_is_answered_alone_and_in_company() {
    let Some(plugins) = plugins() else { return };
    let all = own();
    let named = |kind: &str, name: &str| {
        all.iter().find(|one| one["kind"] == kind && one["metadata"]["name"] == name).unwrap()
    };
    let mut model = Model::new(&all, plugins);
    model.check();
    put(&mut model, vary(named("Pod", "web-1-a"), &("/metadata/ownerReferences", json!([]))));
    let kind = object(named("ServiceAccount", "web")).kind;
    let gap = Gap { code: GapCode::NotCollected, subject: kind.to_string(), reason: "forbidden".to_owned() };
    model.apply(Change::Lost { kind, gap });
    model.check();
}
