//! Whatever dies whenever: nothing is done twice, nothing is lost, and the ledger says so.

use std::collections::{BTreeMap, BTreeSet};

use model::TenantId;
use proptest::prelude::*;
use serde_json::Value;

use super::world::{Fake, TripBook, Weather, at, begin, drive, event, shop};
use crate::ledger::{Record, verify};
use crate::{Class, Outcome, Progress, Rate, Settings};

/// Everything that there is, and all of it done.
const PLAYBOOK: &str = "
name: everything
trigger: severity>=low
approval: { of: [responder], need: 2 }
gitops: ignore
lease: 30m
steps:
  - collect-evidence: { target: pod, logs: 10 }
  - label: { target: pod, labels: { seen: \"yes\" } }
  - quarantine: { target: pod, detach: true, allow: [{ cidr: 192.0.2.0/24 }] }
  - scale-to-zero: { target: workload }
  - notify: { channel: c, text: \"${incident}\" }
  - cordon: { target: node }
  - evict-pod: { target: { kind: Pod, namespace: shop, name: web-2 } }
  - delete-pod: { target: { kind: Pod, namespace: shop, name: batch-1 } }
  - revoke-token: { target: service-account, rotate: true, unbind: true }
";

fn settings() -> Settings {
    let rate = Rate { count: 100, seconds: 600 };
    Settings { rates: [(Class::Reversible, rate), (Class::Destructive, rate)].into(), ..Settings::default() }
}

struct End {
    effects: Vec<String>,
    objects: BTreeMap<String, Value>,
    messages: usize,
    evidence: Vec<(String, String)>,
    records: Vec<Record>,
    points: usize,
}

fn run(deaths: &[usize], weather: Vec<Weather>) -> End {
    let fake = Fake::with(shop());
    let book = TripBook::new(&fake);
    fake.weather(weather);
    let (run, progress) =
        drive(&fake, &book, &settings(), &begin(PLAYBOOK, event()), deaths, at(0), at(1_000_000));
    assert_eq!(
        progress,
        Progress::Over(Outcome::Succeeded),
        "{:#?} {:?}",
        run.acts,
        run.plan.unwrap().refusals
    );
    let (lines, head) = book.book.ledger(&TenantId::default_tenant());
    End {
        effects: fake.effects(),
        objects: fake.plain(),
        messages: fake.messages().len(),
        evidence: book.book.evidence().into_iter().map(|kept| (kept.name, kept.digest)).collect(),
        records: verify(lines.iter().map(Vec::as_slice), &head).unwrap(),
        points: fake.points.passed(),
    }
}

/// What must be true however it came about.
fn same(end: &End, calm: &End) {
    let once: BTreeSet<&String> = end.effects.iter().collect();
    assert_eq!(once.len(), end.effects.len(), "something was done twice: {:#?}", end.effects);
    let expected: BTreeSet<&String> = calm.effects.iter().collect();
    let odd: Vec<_> = once.symmetric_difference(&expected).collect();
    assert!(odd.is_empty(), "something is missing, or too much: {odd:#?}");
    assert_eq!(end.objects, calm.objects);
    assert_eq!((end.messages, &end.evidence), (1, &calm.evidence));
    // The ledger has every act once as intended, once as done, once as verified, and once as undone where it was.
    let count = |records: &[Record]| {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for record in records.iter().filter(|record| !record.fact.key.is_empty()) {
            let what = if record.fact.what == "found" { "applied" } else { &record.fact.what };
            *counts.entry((record.fact.key.clone(), what.to_owned())).or_default() += 1;
        }
        counts
    };
    assert_eq!(count(&end.records), count(&calm.records));
    assert!(count(&end.records).values().all(|times| *times == 1));
}

#[test]
fn without_disturbance_it_is_done_and_taken_back() {
    let calm = run(&[], Vec::new());
    let undone = calm.records.iter().filter(|record| record.fact.what == "undone").count();
    // The label, the policy, the pod's labels, the replicas and the node. Nobody gives rights back but people.
    assert_eq!(undone, 5);
    let fresh = Fake::with(shop());
    let mut before = fresh.plain();
    for gone in ["Pod. shop/web-2", "Pod. shop/batch-1", "Secret. shop/web-token"] {
        assert!(before.remove(gone).is_some() && !calm.objects.contains_key(gone), "{gone}");
    }
    // What was made anew is the same but for its mark, and what counts pods has counted.
    let account = "ServiceAccount. shop/web";
    assert_eq!(calm.objects[account]["imagePullSecrets"], before[account]["imagePullSecrets"]);
    let strip = |objects: &BTreeMap<String, Value>| {
        let mut objects = objects.clone();
        objects.remove(account);
        objects.remove("RoleBinding.rbac.authorization.k8s.io shop/b");
        objects
    };
    assert_eq!(strip(&calm.objects), strip(&before));
    assert_eq!(calm.evidence.len(), 4);
}

#[test]
fn a_death_at_every_single_point_changes_nothing() {
    let calm = run(&[], Vec::new());
    assert!(calm.points > 100, "{}", calm.points);
    for point in 0..calm.points {
        same(&run(&[point], Vec::new()), &calm);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Many deaths, answers that are lost, objects that change, a server that is busy.
    #[test]
    fn deaths_and_weather_change_nothing(
        deaths in prop::collection::vec(0_usize..60, 0..25),
        weather in prop::collection::vec(
            prop::sample::select(vec![Weather::Fine, Weather::Changed, Weather::Unheard, Weather::Busy]), 0..25),
    ) {
        let calm = run(&[], Vec::new());
        same(&run(&deaths, weather), &calm);
    }
}
