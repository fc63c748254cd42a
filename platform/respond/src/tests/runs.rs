//! The care that runs are taken with.

use model::TenantId;
use serde_json::{Value, json};

use super::world::{Fake, TripBook, Weather, at, begin, decision, drive, event, live, object, shop};
use crate::ledger::verify;
use crate::{
    CallCause, CallError, Class, Cluster, Driver, Gitops, Kind, MARK, ObjectRef, Outcome, Phase, Progress,
    Query, Rate, RespondError, Run, Settings, Write,
};

fn playbook(more: &str, steps: &str) -> String {
    format!("name: p\ntrigger: \"severity>=low\"\n{more}\nsteps:\n{steps}\n")
}

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

/// A run as far as it comes by itself until then.
fn until(fake: &Fake, book: &TripBook<'_>, settings: &Settings, text: &str, seconds: i64) -> (Run, Progress) {
    drive(fake, book, settings, &begin(text, event()), &[], at(0), at(seconds))
}

fn run(fake: &Fake, settings: &Settings, text: &str) -> Run {
    until(fake, &TripBook::new(fake), settings, text, 1_000_000).0
}

fn refusals(fake: &Fake, settings: &Settings, text: &str) -> String {
    let run = run(fake, settings, text);
    assert_eq!(run.phase, Phase::Over(Outcome::Refused));
    assert!(fake.effects().is_empty(), "{:?}", fake.effects());
    run.plan.unwrap().refusals.join("\n")
}

const LABEL: &str = "  - label: { target: pod, labels: { seen: \"yes\" } }";

#[test]
fn protected_namespaces_are_left_alone_unless_they_are_named() {
    let step = "  - label: { target: { kind: Pod, namespace: kube-system, name: dns }, labels: { a: b } }";
    let fake = Fake::with(shop());
    assert!(refusals(&fake, &Settings::default(), &playbook("", step)).contains("protected namespace"));
    let text = playbook("allow-protected: [kube-system]", step);
    assert_eq!(run(&fake, &Settings::default(), &text).phase, Phase::Over(Outcome::Succeeded));
}

#[test]
fn what_a_reconciler_owns_is_refused_and_its_owner_told() {
    let mut settings = Settings::default();
    let fake = Fake::with(shop());
    fake.edit(Kind::Deployment, "shop/web", |web| {
        web["metadata"]["annotations"] =
            json!({ "argocd.argoproj.io/tracking-id": "store:apps/Deployment:shop/web" });
    });
    let text = playbook("", "  - scale-to-zero: { target: workload }");
    assert!(
        refusals(&fake, &settings, &text)
            .contains("the application store of Argo CD, which would put it back")
    );
    settings.gitops = Gitops::Warn;
    let run = run(&fake, &settings, &text);
    assert_eq!(run.phase, Phase::Over(Outcome::Succeeded));
    assert!(run.plan.unwrap().warnings.iter().any(|warning| warning.contains("Argo CD")));
}

#[test]
fn a_quarantine_tells_what_it_cannot_do() {
    let mut objects = shop();
    let spec = json!({ "podSelector": { "matchLabels": { "app": "web" } }, "ingress": [{}], "policyTypes": ["Ingress"] });
    objects.push(object("networking.k8s.io/v1", "NetworkPolicy", "shop/allow-web", json!({ "spec": spec })));
    objects
        .iter_mut()
        .filter(|one| one["metadata"]["name"] == "web-1")
        .for_each(|pod| pod["spec"]["hostNetwork"] = true.into());
    let fake = Fake::with(objects);
    let warnings = |steps: &str| {
        run(&fake, &Settings::default(), &playbook("lease: 1m", steps)).plan.unwrap().warnings.join("\n")
    };
    let said = warnings("  - quarantine: {}");
    assert!(
        said.contains("NetworkPolicy shop/allow-web is about Pod shop/web-1 too")
            && said.contains("network of its node"),
        "{said}"
    );
    assert!(!warnings("  - quarantine: { detach: true }").contains("allow-web"));
}

#[test]
fn a_whole_workload_is_quarantined_pod_by_pod() {
    let fake = Fake::with(shop());
    let (run, progress) = until(
        &fake,
        &TripBook::new(&fake),
        &Settings::default(),
        &playbook("lease: 1h", "  - quarantine: { target: workload }"),
        0,
    );
    assert_eq!(progress, Progress::Waiting(at(3600)));
    let pods = run.plan.unwrap().pods;
    assert_eq!(pods.len(), 2);
    for name in ["shop/web-1", "shop/web-2"] {
        assert!(
            fake.get(Kind::Pod, name).unwrap()["metadata"]["labels"]["palisade.dev/quarantine"].is_string()
        );
    }
}

#[test]
fn reach_is_a_part_of_all_pods_and_one_is_always_allowed() {
    let fake = Fake::with(shop());
    let workload = |percent: u64| {
        playbook(
            &format!("budget: {{ max-pods-percent: {percent} }}"),
            "  - quarantine: { target: workload }",
        )
    };
    // Two of 37 are more than 5 percent, rounded down, and not more than 6.
    assert!(refusals(&fake, &Settings::default(), &workload(5)).contains("2 of 37 pods"));
    let narrow = Settings { max_pods_percent: 1, ..Settings::default() };
    assert!(refusals(&fake, &narrow, &workload(50)).contains("1 percent, which is 1"));
    let one = playbook("budget: { max-pods-percent: 0 }", "  - quarantine: {}");
    assert_eq!(run(&fake, &Settings::default(), &one).phase, Phase::Over(Outcome::Succeeded));
    assert_eq!(run(&fake, &Settings::default(), &workload(6)).phase, Phase::Over(Outcome::Succeeded));
}

#[test]
fn rates_are_shared_by_all_runs_and_counted_when_acts_are_intended() {
    let rate = Rate { count: 3, seconds: 600 };
    let settings = Settings { rates: [(Class::Reversible, rate)].into(), ..Settings::default() };
    let fake = Fake::with(shop());
    let book = TripBook::new(&fake);
    let two = playbook(
        "",
        "  - label: { target: workload, labels: { a: b } }\n  - label: { target: pod, labels: { a: b } }",
    );
    let mut first = begin(&two, event());
    assert_eq!(
        drive(&fake, &book, &settings, &first, &[], at(0), at(0)).0.phase,
        Phase::Over(Outcome::Succeeded)
    );
    first.incident = "incident-2".to_owned();
    let (run, _) = drive(&fake, &book, &settings, &first, &[], at(60), at(60));
    assert_eq!(run.phase, Phase::Over(Outcome::Refused));
    assert!(run.plan.unwrap().refusals[0].contains("2 were used, and the plan has 2"));
    // What is used up after the plan was made is noticed too: both were planned while there was room.
    let driver = Driver::new(&fake, &book, &settings);
    let one = |incident: &str| crate::Begin {
        incident: incident.to_owned(),
        ..begin(
            &playbook("", &format!("  - label: {{ target: node, labels: {{ seen-{incident}: \"yes\" }} }}")),
            event(),
        )
    };
    let mut runs: Vec<Run> =
        ["a", "b"].map(|incident| live(driver.begin(one(incident), at(70))).unwrap().unwrap()).into();
    for run in &mut runs {
        live(driver.advance(run, at(70))).unwrap().unwrap();
        assert_eq!(run.phase, Phase::Acting, "{:?}", run.plan);
    }
    for run in &mut runs {
        while !matches!(run.phase, Phase::Over(_)) {
            live(driver.advance(run, at(70))).unwrap().unwrap();
        }
    }
    assert_eq!(runs[0].phase, Phase::Over(Outcome::Succeeded));
    assert_eq!(runs[1].phase, Phase::Over(Outcome::Partial));
    assert!(
        runs[1].acts[0]
            .failed
            .as_ref()
            .unwrap()
            .contains("the budget allows 3 reversible actions of all playbooks")
    );
    // Later there is room again.
    first.incident = "incident-3".to_owned();
    assert_eq!(
        drive(&fake, &book, &settings, &first, &[], at(700), at(700)).0.phase,
        Phase::Over(Outcome::Succeeded)
    );
}

#[test]
fn what_is_irreversible_needs_somebody_to_approve_it() {
    let fake = Fake::with(shop());
    let text = playbook("", "  - delete-pod: {}");
    assert!(refusals(&fake, &Settings::default(), &text).contains("names nobody who has to approve it"));
    let settings = Settings { automatic: Class::Destructive, ..Settings::default() };
    assert_eq!(run(&fake, &settings, &text).phase, Phase::Over(Outcome::Succeeded));
    assert!(fake.get(Kind::Pod, "shop/web-1").is_none());
}

#[test]
fn approvers_are_several_people_with_a_role_and_not_who_started_it() {
    let fake = Fake::with(shop());
    let book = TripBook::new(&fake);
    let settings = Settings::default();
    let driver = Driver::new(&fake, &book, &settings);
    let text = playbook("approval: { of: [responder], need: 2, expires: 10m }", LABEL);
    let mut begin = begin(&text, event());
    begin.by = Some("ann".to_owned());
    let mut run = live(driver.begin(begin, at(0))).unwrap().unwrap();
    let decide = |run: &mut Run, by: &str, role: &str, seconds: i64| {
        let decision = decision(run, by, &[role]);
        live(driver.decide(run, decision, at(seconds))).unwrap().map_err(|error| error.to_string())
    };
    live(driver.advance(&mut run, at(0))).unwrap().unwrap();
    assert_eq!(live(driver.advance(&mut run, at(1))).unwrap().unwrap(), Progress::Waiting(at(600)));
    assert!(decide(&mut run, "ann", "responder", 2).unwrap_err().contains("whoever started a run"));
    assert!(decide(&mut run, "bob", "viewer", 2).unwrap_err().contains("one of the roles responder"));
    assert!(decide(&mut run, "", "responder", 2).unwrap_err().contains("one of the roles"));
    decide(&mut run, "bob", "responder", 3).unwrap();
    assert!(decide(&mut run, "bob", "responder", 4).unwrap_err().contains("has decided before"));
    assert_eq!(live(driver.advance(&mut run, at(5))).unwrap().unwrap(), Progress::Waiting(at(600)));
    let mut other = decision(&run, "cid", &["responder"]);
    other.plan = "sha256:0".to_owned();
    assert!(
        live(driver.decide(&mut run, other, at(5)))
            .unwrap()
            .unwrap_err()
            .to_string()
            .contains("another plan")
    );
    assert!(decide(&mut run, "cid", "responder", 600).unwrap_err().contains("too late"));
    let mut late = live(driver.resume(&tenant(), &run.id)).unwrap().unwrap();
    assert_eq!(late.approvers(), ["bob"]);
    decide(&mut run, "cid", "responder", 599).unwrap();
    // Whoever has an older journal is told so.
    let error = live(driver.advance(&mut late, at(600))).unwrap().unwrap_err();
    assert_eq!(error.code(), "response-fenced");
    while !matches!(run.phase, Phase::Over(_)) {
        live(driver.advance(&mut run, at(599))).unwrap().unwrap();
    }
    assert_eq!(run.phase, Phase::Over(Outcome::Succeeded));
    let (lines, head) = book.book.ledger(&tenant());
    let records = verify(lines.iter().map(Vec::as_slice), &head).unwrap();
    let applied = records.iter().find(|record| record.fact.what == "applied").unwrap();
    assert_eq!(applied.fact.by, ["bob", "cid"]);
}

#[test]
fn nobody_who_decides_and_somebody_who_disagrees_end_it() {
    for (agree, outcome, what) in
        [(None, Outcome::Expired, "expired"), (Some(false), Outcome::Denied, "denied")]
    {
        let fake = Fake::with(shop());
        let book = TripBook::new(&fake);
        let settings = Settings::default();
        let driver = Driver::new(&fake, &book, &settings);
        let text = playbook("approval: { of: [responder], expires: 10m }", LABEL);
        let mut run = live(driver.begin(begin(&text, event()), at(0))).unwrap().unwrap();
        live(driver.advance(&mut run, at(0))).unwrap().unwrap();
        if let Some(agree) = agree {
            let decision = crate::Decision { agree, ..decision(&run, "bob", &["responder"]) };
            live(driver.decide(&mut run, decision, at(1))).unwrap().unwrap();
        }
        live(driver.advance(&mut run, at(600))).unwrap().unwrap();
        assert_eq!(run.phase, Phase::Over(outcome));
        assert!(fake.effects().is_empty());
        let (lines, _) = book.book.ledger(&tenant());
        assert!(
            lines.iter().any(|line| String::from_utf8_lossy(line).contains(&format!("\"what\":\"{what}\"")))
        );
    }
}

#[test]
fn the_kill_switch_stops_between_two_acts_and_what_was_done_is_taken_back_after_it() {
    for of in ["", "p"] {
        let fake = Fake::with(shop());
        let book = TripBook::new(&fake);
        let settings = Settings::default();
        let driver = Driver::new(&fake, &book, &settings);
        let text = playbook("lease: 10m", &format!("{LABEL}\n  - scale-to-zero: {{ target: workload }}"));
        let mut run = live(driver.begin(begin(&text, event()), at(0))).unwrap().unwrap();
        let move_on = |run: &mut Run, seconds: i64| live(driver.advance(run, at(seconds))).unwrap().unwrap();
        move_on(&mut run, 0);
        move_on(&mut run, 0);
        assert_eq!(fake.effects().len(), 1);
        book.book.stop(&tenant(), "another", Some("not this one"));
        book.book.stop(&tenant(), of, Some("drill"));
        assert!(matches!(move_on(&mut run, 1), Progress::Halted(why) if why.contains("drill")));
        assert!(matches!(move_on(&mut run, 5000), Progress::Halted(_)), "nothing is taken back either");
        assert_eq!(fake.effects().len(), 1);
        book.book.stop(&tenant(), of, None);
        assert_eq!(move_on(&mut run, 5001), Progress::Moved);
        assert_eq!(move_on(&mut run, 5002), Progress::Over(Outcome::Partial));
        assert_eq!(fake.get(Kind::Deployment, "shop/web").unwrap()["spec"]["replicas"], 2);
        assert!(fake.get(Kind::Pod, "shop/web-1").unwrap()["metadata"]["labels"]["seen"].is_null());
    }
}

/// The process dies between asking and hearing, and the switch is thrown before it comes back: what was done is known, and taken back.
#[test]
fn what_was_under_way_when_the_switch_was_thrown_is_found_out() {
    let calm = Fake::with(shop());
    let text = playbook("lease: 10m", LABEL);
    let settings = Settings::default();
    until(&calm, &TripBook::new(&calm), &settings, &text, 0);
    let before = Fake::with(shop()).plain();
    for point in 0..calm.points.passed() {
        let fake = Fake::with(shop());
        let book = TripBook::new(&fake);
        let driver = Driver::new(&fake, &book, &settings);
        fake.points.die_after(Some(point));
        let died = live(async {
            let mut run = driver.begin(begin(&text, event()), at(0)).await?;
            while driver.advance(&mut run, at(0)).await? == Progress::Moved {}
            Ok::<_, RespondError>(())
        });
        assert!(died.is_none(), "{point}");
        fake.points.die_after(None);
        book.book.stop(&tenant(), "", Some("drill"));
        let mut run = live(driver.begin(begin(&text, event()), at(1))).unwrap().unwrap();
        let halted = live(driver.advance(&mut run, at(1))).unwrap().unwrap();
        assert!(matches!(halted, Progress::Halted(_)), "{halted:?}");
        book.book.stop(&tenant(), "", None);
        let (_, progress) = drive(&fake, &book, &settings, &begin(&text, event()), &[], at(2), at(1_000_000));
        assert!(matches!(progress, Progress::Over(_)));
        assert_eq!(fake.plain(), before, "{point}");
    }
}

#[test]
fn what_others_changed_since_is_not_taken_back() {
    let fake = Fake::with(shop());
    let book = TripBook::new(&fake);
    let settings = Settings::default();
    let steps = "  - label: { target: pod, labels: { a: b, c: d } }
  - quarantine: { target: pod }
  - scale-to-zero: { target: workload }
  - cordon: { target: node }";
    let text = playbook("lease: 10m", steps);
    let (_, progress) = until(&fake, &book, &settings, &text, 0);
    assert!(matches!(progress, Progress::Waiting(_)));
    let policy = fake.plain().into_keys().find(|name| name.starts_with("NetworkPolicy")).unwrap();
    let policy = policy.split_once(' ').unwrap().1.to_owned();
    let by = |object: &mut Value| {
        object["metadata"]["managedFields"] =
            json!([{ "manager": "kubectl-edit", "time": "2027-01-01T00:00:00Z" }])
    };
    fake.edit(Kind::Pod, "shop/web-1", |pod| {
        pod["metadata"]["labels"]["a"] = "mine".into();
        by(pod);
    });
    fake.edit(Kind::NetworkPolicy, &policy, |policy| policy["spec"]["egress"] = json!([{}]));
    fake.edit(Kind::Deployment, "shop/web", |web| web["spec"]["replicas"] = 5.into());
    fake.edit(Kind::Node, "node-1", |node| {
        node["metadata"]["annotations"].as_object_mut().unwrap().remove(MARK);
    });
    let (run, progress) = until(&fake, &book, &settings, &text, 10_000);
    assert_eq!(progress, Progress::Over(Outcome::Succeeded));
    let pod = fake.get(Kind::Pod, "shop/web-1").unwrap();
    assert_eq!(
        (&pod["metadata"]["labels"]["a"], &pod["metadata"]["labels"]["c"]),
        (&json!("mine"), &Value::Null)
    );
    let web = fake.get(Kind::Deployment, "shop/web").unwrap();
    assert_eq!(
        (&web["spec"]["replicas"], &web["metadata"]["annotations"]),
        (&json!(5), &json!({ "note": "n" }))
    );
    assert_eq!(fake.get(Kind::Node, "node-1").unwrap()["spec"]["unschedulable"], true);
    assert!(fake.get(Kind::NetworkPolicy, &policy).is_some());
    let left: Vec<String> = run.acts.iter().flat_map(|act| act.back.clone().unwrap()).collect();
    assert_eq!(left.len(), 4, "{left:#?}");
    assert!(
        left[0].contains("metadata.labels.a of Pod shop/web-1 was changed since, last by kubectl-edit"),
        "{left:#?}"
    );
    let (lines, _) = book.book.ledger(&tenant());
    assert!(lines.iter().any(|line| String::from_utf8_lossy(line).contains("kubectl-edit")));
}

#[test]
fn people_may_take_everything_back_before_the_lease_ends() {
    let fake = Fake::with(shop());
    let book = TripBook::new(&fake);
    let settings = Settings { automatic: Class::Destructive, ..Settings::default() };
    let text = playbook("", "  - quarantine: {}\n  - revoke-token: { rotate: true, unbind: true }");
    let (mut run, progress) = until(&fake, &book, &settings, &text, 0);
    assert_eq!(progress, Progress::Over(Outcome::Succeeded), "without a lease it is over");
    let driver = Driver::new(&fake, &book, &settings);
    live(driver.undo(&mut run, "ann", at(10))).unwrap().unwrap();
    while !matches!(run.phase, Phase::Over(_)) {
        live(driver.advance(&mut run, at(10))).unwrap().unwrap();
    }
    assert_eq!(fake.get(Kind::RoleBinding, "shop/b").unwrap()["subjects"].as_array().unwrap().len(), 2);
    assert!(
        fake.get(Kind::ServiceAccount, "shop/web").is_some(),
        "what was made anew is not a thing to take back"
    );
    assert!(fake.get(Kind::Secret, "shop/web-token").is_none());
    assert!(!fake.plain().keys().any(|name| name.starts_with("NetworkPolicy")));
}

#[test]
fn an_eviction_waits_for_its_budget() {
    let fake = Fake::with(shop());
    fake.edit(Kind::PodDisruptionBudget, "shop/web", |budget| {
        budget["status"]["disruptionsAllowed"] = 0.into()
    });
    let book = TripBook::new(&fake);
    let settings = Settings { automatic: Class::Destructive, ..Settings::default() };
    let text = playbook("", "  - evict-pod: {}");
    let (run, progress) = until(&fake, &book, &settings, &text, 20);
    assert_eq!(progress, Progress::Waiting(at(25)));
    let plan = run.plan.unwrap();
    assert_eq!((plan.disruptions[0].allowed, plan.disruptions[0].evicted), (0, 1));
    assert!(
        !plan.dry_runs[0].passes
            && plan.warnings.iter().any(|warning| warning.contains("cannot be evicted now"))
    );
    fake.edit(Kind::PodDisruptionBudget, "shop/web", |budget| {
        budget["status"]["disruptionsAllowed"] = 1.into()
    });
    let (_, progress) = until(&fake, &book, &settings, &text, 1000);
    assert_eq!(progress, Progress::Over(Outcome::Succeeded));
    assert_eq!(fake.get(Kind::PodDisruptionBudget, "shop/web").unwrap()["status"]["disruptionsAllowed"], 0);
    assert!(fake.get(Kind::Pod, "shop/web-1").is_none());
}

#[test]
fn an_eviction_does_not_wait_for_ever() {
    let fake = Fake::with(shop());
    fake.edit(Kind::PodDisruptionBudget, "shop/web", |budget| {
        budget["status"]["disruptionsAllowed"] = 0.into()
    });
    let settings = Settings { automatic: Class::Destructive, ..Settings::default() };
    let run = run(&fake, &settings, &playbook("", "  - evict-pod: {}"));
    assert_eq!(run.phase, Phase::Over(Outcome::Partial));
    assert!(run.acts[0].failed.as_ref().unwrap().contains("wait too often"));
}

#[test]
fn a_step_that_fails_stops_the_rest_or_does_not() {
    for (more, reached) in [("", false), ("on-error: continue", true)] {
        let fake = Fake::with(shop());
        let book = TripBook::new(&fake);
        let settings = Settings::default();
        let driver = Driver::new(&fake, &book, &settings);
        let text = playbook(more, "  - label: { target: pod, labels: { a: b } }\n  - cordon: {}");
        let mut run = live(driver.begin(begin(&text, event()), at(0))).unwrap().unwrap();
        live(driver.advance(&mut run, at(0))).unwrap().unwrap();
        // Another pod of the same name is not the one that was planned for.
        fake.edit(Kind::Pod, "shop/web-1", |pod| pod["metadata"]["uid"] = "another".into());
        while !matches!(run.phase, Phase::Over(_)) {
            live(driver.advance(&mut run, at(0))).unwrap().unwrap();
        }
        assert_eq!(run.phase, Phase::Over(Outcome::Partial));
        assert!(run.acts[0].failed.as_ref().unwrap().contains("is gone"));
        assert_eq!(fake.get(Kind::Node, "node-1").unwrap()["spec"]["unschedulable"] == true, reached);
        assert!(fake.get(Kind::Pod, "shop/web-1").unwrap()["metadata"]["labels"]["a"].is_null());
    }
}

#[test]
fn what_the_server_refuses_is_known_before_anybody_is_asked() {
    let fake = Fake::with(shop());
    fake.deny(Kind::Node);
    let text = playbook("approval: { of: [responder] }", "  - cordon: {}");
    assert!(refusals(&fake, &Settings::default(), &text).contains("403: nodes is forbidden"));
    let fake = Fake::with(shop());
    fake.remove(Kind::Pod, "shop/web-1");
    assert!(
        refusals(&fake, &Settings::default(), &playbook("", LABEL))
            .contains("nothing that it could be done to")
    );
    let fake = Fake::with(shop());
    let run = run(
        &fake,
        &Settings::default(),
        &playbook("", &format!("  - when: severity<low\n    {}", LABEL.trim().trim_start_matches("- "))),
    );
    assert_eq!(run.phase, Phase::Over(Outcome::Succeeded));
    assert_eq!(run.plan.unwrap().skipped.len(), 1);
}

#[test]
fn what_was_so_before_is_not_ours_to_take_back() {
    let fake = Fake::with(shop());
    fake.edit(Kind::Node, "node-1", |node| node["spec"]["unschedulable"] = true.into());
    let run = run(&fake, &Settings::default(), &playbook("lease: 10m", "  - cordon: {}"));
    assert_eq!(run.acts[0].done.unwrap().0, crate::How::Already);
    assert_eq!(fake.get(Kind::Node, "node-1").unwrap()["spec"]["unschedulable"], true);
    assert!(fake.effects().is_empty());
}

#[test]
fn evidence_names_what_could_not_be_read() {
    let fake = Fake::with(shop());
    fake.deny(Kind::Event);
    let book = TripBook::new(&fake);
    until(&fake, &book, &Settings::default(), &playbook("", "  - collect-evidence: {}"), 0);
    let gaps = book.book.evidence().into_iter().find(|kept| kept.name == "not-read.json").unwrap();
    assert!(String::from_utf8(gaps.bytes).unwrap().contains("log of main: 403"));
}

#[test]
fn dry_runs_come_first_and_change_nothing() {
    let fake = Fake::with(shop());
    fake.weather(vec![Weather::Busy]);
    let text = playbook("lease: 10m", "  - quarantine: {}\n  - scale-to-zero: {}");
    let run = run(&fake, &Settings::default(), &text);
    assert_eq!((fake.dry_runs(), fake.effects().len()), (3, 6), "three are done and taken back");
    let plan = run.plan.unwrap();
    assert_eq!((plan.replicas[0].before, plan.replicas[0].after), (2, 0));
    assert_eq!(
        plan.pods.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["Pod shop/web-1", "Pod shop/web-2"]
    );
}

/// A cluster whose API server says of everything that it is busy.
struct Swamped;

impl Swamped {
    fn busy<T>() -> Result<T, CallError> {
        let message = "429: too many requests".to_owned();
        Err(CallError { cause: CallCause::Busy, message, retry_after: Some(1) })
    }
}

impl Cluster for Swamped {
    async fn read(&self, _target: &ObjectRef) -> Result<Option<Value>, CallError> {
        Self::busy()
    }

    async fn list(&self, _query: &Query) -> Result<Vec<Value>, CallError> {
        Self::busy()
    }

    async fn pods(&self) -> Result<u64, CallError> {
        Self::busy()
    }

    async fn log(&self, _pod: &ObjectRef, _container: &str, _lines: u32) -> Result<Vec<u8>, CallError> {
        Self::busy()
    }

    async fn write(&self, _write: &Write, _dry_run: bool) -> Result<Value, CallError> {
        Self::busy()
    }
}

#[test]
fn a_run_whose_cluster_does_not_answer_ends_before_anybody_forgets_it() {
    let (fake, settings) = (Fake::with(shop()), Settings::default());
    let book = TripBook::new(&fake);
    let driver = Driver::new(&Swamped, &book, &settings);
    let mut run = live(driver.begin(begin(&playbook("", LABEL), event()), at(0))).unwrap().unwrap();
    let progress = live(driver.advance(&mut run, at(14 * 60))).unwrap().unwrap();
    assert!(matches!((run.phase, &progress), (Phase::Planning, Progress::Waiting(_))), "{progress:?}");
    live(driver.advance(&mut run, at(15 * 60 + 1))).unwrap().unwrap();
    assert_eq!(run.phase, Phase::Over(Outcome::Refused));
    let plan = run.plan.unwrap();
    assert!(plan.refusals[0].contains("429: too many requests"), "{:?}", plan.refusals);
}

#[test]
fn a_run_without_a_cluster_ends_in_words_and_one_with_a_plan_does_not() {
    let (fake, settings) = (Fake::with(shop()), Settings::default());
    let book = TripBook::new(&fake);
    let driver = Driver::new(&fake, &book, &settings);
    let mut run = live(driver.begin(begin(&playbook("", LABEL), event()), at(0))).unwrap().unwrap();
    live(driver.refuse(&mut run, "no such cluster", at(1))).unwrap().unwrap();
    assert_eq!(run.phase, Phase::Over(Outcome::Refused));
    let kept = live(driver.resume(&tenant(), &run.id)).unwrap().unwrap();
    assert_eq!((kept.phase, kept.begun_at), (run.phase, Some(at(0))), "as its journal has it");
    assert_eq!(kept.plan.unwrap().refusals, ["no such cluster"]);
    let again = live(driver.refuse(&mut run, "no such cluster", at(2))).unwrap();
    assert!(matches!(again, Err(RespondError::Phase { .. })), "{again:?}");
}
