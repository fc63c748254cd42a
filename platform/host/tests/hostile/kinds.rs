//! The compiled guests of every kind but `image-analyzer`: that the honest ones get and give what their kind says, and that each
//! of the others ends in exactly its way.

use std::collections::BTreeMap;
use std::sync::Arc;

use host::kinds::{CheckStatus, ControlStatus, Event, Notice, Observation, Resource, Timer};
use host::{Answer, CallContext, FaultKind, Grant, Input, Outcome, Plugin, Services};
use model::{Severity, TenantId};

use crate::built::load;
use crate::services::{Played, context};
use crate::support::{file, lent};

fn resource(asset: &str, body: &str) -> Resource {
    Resource {
        asset: asset.to_owned(),
        kind: "apps/v1/Deployment".to_owned(),
        body: body.as_bytes().to_vec(),
    }
}

fn resources() -> Input {
    Input::Posture { resources: vec![resource("workload/a", "{\"spec\":{\"replicas\":1}}")] }
}

fn event(time: u64, asset: &str, body: &str) -> Event {
    Event {
        id: format!("e{time}"),
        time,
        source: "auth".to_owned(),
        asset: asset.to_owned(),
        body: body.as_bytes().to_vec(),
    }
}

fn events(events: Vec<Event>) -> Input {
    Input::Correlator { events, due: Vec::new(), watermark: 1_000 }
}

fn call(plugin: &Plugin, input: Input, played: &Arc<Played>) -> Outcome {
    plugin.call(&context(plugin, "{}", played), input)
}

fn answer(plugin: &Plugin, input: Input, played: &Arc<Played>) -> Answer {
    call(plugin, input, played).result.unwrap_or_else(|fault| panic!("{}: {fault}", plugin.manifest().id))
}

/// Calls a guest that must fail in one of these ways.
fn fails(name: &str, input: Input, kinds: &[FaultKind]) {
    let Some(plugin) = load(name) else { return };
    let outcome = call(&plugin, input, &Arc::default());
    let fault = outcome.result.err().unwrap_or_else(|| panic!("{name} answered"));
    assert!(kinds.contains(&fault.kind), "{name}: {fault}");
    assert!(outcome.state.is_empty(), "{name}");
}

/// What a guest says became of each thing it tried.
fn told(outcome: Outcome) -> BTreeMap<String, String> {
    let lines: Vec<String> = match outcome.result.unwrap_or_else(|fault| panic!("{fault}")) {
        Answer::Collector(page) => page.missing.into_iter().map(|it| it.subject).collect(),
        Answer::Correlator(all) => all.detections.into_iter().map(|it| it.title).collect(),
        Answer::Posture(all) => all.results.into_iter().map(|it| it.message).collect(),
        Answer::ImageAnalyzer(all) => all.problems.into_iter().map(|it| it.message).collect(),
        other => panic!("{other:?}"),
    };
    lines
        .into_iter()
        .map(|line| {
            let (what, how) = line.rsplit_once(": ").unwrap_or((line.as_str(), ""));
            (what.to_owned(), how.to_owned())
        })
        .collect()
}

#[test]
fn posture() {
    let Some(plugin) = load("posture") else { return };
    let assets = [("workload/a", ("workload", "{\"owner\":\"team-a\"}"))].into();
    let played = Arc::new(Played { assets, ..Played::default() });
    let Answer::Posture(assessment) = answer(&plugin, resources(), &played) else { panic!() };
    let failed = assessment.results.iter().filter(|result| result.status == CheckStatus::Fail).count();
    assert!(failed >= 1 && assessment.problems.is_empty(), "{assessment:?}");
    let broken = Input::Posture { resources: vec![resource("workload/b", "{")] };
    let Answer::Posture(assessment) = answer(&plugin, broken, &played) else { panic!() };
    assert_eq!(assessment.problems.len(), 1);
}

#[test]
fn correlator() {
    let Some(plugin) = load("correlator") else { return };
    let played = Arc::new(Played::default());
    let failed = "{\"type\":\"login-failed\"}";
    let mut detections = 0;
    // One event a call: what it counts is in its state alone.
    for time in 1..=3 {
        let outcome = call(&plugin, events(vec![event(time, "host/a", failed)]), &played);
        played.keep(&TenantId::default_tenant(), &plugin, &outcome);
        let Ok(Answer::Correlator(found)) = outcome.result else { panic!("{:?}", outcome.result) };
        assert_eq!(found.timers.len(), 1);
        detections += found.detections.len();
    }
    assert_eq!(detections, 1);
    let due = vec![Timer { key: "failed/host/a".to_owned(), time: 5 }];
    let outcome = call(&plugin, Input::Correlator { events: Vec::new(), due, watermark: 9 }, &played);
    assert!(outcome.state.values().all(Option::is_none) && outcome.state.len() == 1, "{:?}", outcome.state);
    // An event that cannot be read is told of, and the one behind it counts.
    let odd = vec![event(6, "host/b", "{"), event(7, "host/b", failed)];
    let Answer::Correlator(found) = answer(&plugin, events(odd), &played) else { panic!() };
    assert_eq!((found.problems.len(), found.problems[0].item, found.timers.len()), (1, 0, 1));
    // Another tenant starts at nothing.
    let other = CallContext { tenant: TenantId::parse("other").unwrap(), ..context(&plugin, "{}", &played) };
    let grant = host::Grant { tenant: other.tenant.clone(), ..(**other.grant.as_ref().unwrap()).clone() };
    let other = CallContext { grant: Some(Arc::new(grant)), ..other };
    let Ok(Answer::Correlator(found)) = plugin.call(&other, events(vec![event(9, "host/a", failed)])).result
    else {
        panic!()
    };
    assert!(found.detections.is_empty());
}

#[test]
fn compliance() {
    let Some(plugin) = load("compliance") else { return };
    let observations = vec![Observation {
        rule: "rule".to_owned(),
        asset: "workload/a".to_owned(),
        status: CheckStatus::Fail,
        severity: Severity::High,
    }];
    let Answer::Compliance(controls) = answer(&plugin, Input::Compliance { observations }, &Arc::default())
    else {
        panic!()
    };
    assert_eq!(controls.len(), 3);
    assert!(controls.iter().any(|control| control.status == ControlStatus::Manual));
}

#[test]
fn admission() {
    let Some(plugin) = load("admission") else { return };
    let request = |privileged: bool| {
        let body = format!(
            "{{\"uid\":\"u\",\"operation\":\"CREATE\",\"object\":{{\"kind\":\"Pod\",\"metadata\":{{\"name\":\"a\"}},\
             \"spec\":{{\"containers\":[{{\"name\":\"c\",\"image\":\"a\",\"securityContext\":{{\"privileged\":{privileged}}}}}]}}}}}}"
        );
        Input::Admission { request: body.into_bytes() }
    };
    let violations = |privileged| match answer(&plugin, request(privileged), &Arc::default()) {
        Answer::Admission(decision) => decision.violations.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((violations(true), violations(false)), (1, 0));
}

#[test]
fn collector() {
    let Some(plugin) = load("collector") else { return };
    let replies = [
        (
            ("GET", "https://directory.example/v1/users"),
            (200, "{\"users\":[{\"id\":\"a\",\"admin\":true}],\"hidden\":[\"g\"],\"next\":\"a\"}"),
        ),
        (
            ("GET", "https://directory.example/v1/users?after=a"),
            (200, "{\"users\":[{\"id\":\"b\",\"admin\":false}]}"),
        ),
    ];
    let played = Arc::new(Played { replies: replies.into(), ..Played::default() });
    let Answer::Collector(first) = answer(&plugin, Input::Collector { cursor: None }, &played) else {
        panic!()
    };
    assert_eq!((first.resources.len(), first.missing.len(), first.next.as_deref()), (1, 1, Some("a")));
    let Answer::Collector(last) = answer(&plugin, Input::Collector { cursor: first.next }, &played) else {
        panic!()
    };
    assert_eq!((last.resources[0].asset.as_str(), last.next), ("identity:b", None));
    let sent = played.sent.lock().unwrap();
    assert!(sent.iter().all(|request| request.secret.as_deref() == Some("directory")));
}

#[test]
fn notifier() {
    let Some(plugin) = load("notifier") else { return };
    let notice =
        || Input::Notifier { notice: Notice { id: "n1".to_owned(), body: b"{\"title\":\"t\"}".to_vec() } };
    let nobody = call(&plugin, notice(), &Arc::default()).result.unwrap_err();
    assert_eq!(nobody.kind, FaultKind::Declined, "{nobody}");
    let replies = [(
        ("POST", "https://tickets.example/api/tickets"),
        (201, "{\"id\":\"SEC-1\",\"key\":\"SEC-1\",\"url\":\"https://tickets.example/SEC-1\"}"),
    )];
    let played = Arc::new(Played { replies: replies.into(), ..Played::default() });
    let Answer::Notifier(receipt) = answer(&plugin, notice(), &played) else { panic!() };
    assert_eq!(receipt.id, "SEC-1");
}

#[test]
fn two_kinds() {
    let Some(plugin) = load("two-kinds") else { return };
    let played = Arc::default();
    assert!(matches!(answer(&plugin, resources(), &played), Answer::Posture(_)));
    let observations = Vec::new();
    assert!(matches!(answer(&plugin, Input::Compliance { observations }, &played), Answer::Compliance(_)));
    let wrong = call(&plugin, events(Vec::new()), &played).result.unwrap_err();
    assert_eq!(wrong.kind, FaultKind::Host);
}

#[test]
fn stateful_correlator() {
    let Some(plugin) = load("stateful-correlator") else { return };
    let played = Arc::new(Played::default());
    let batch = || (0..512).map(|n| event(n, &format!("host/{}", n % 7), "{}")).collect::<Vec<_>>();
    for _ in 0..3 {
        let outcome = call(&plugin, events(batch()), &played);
        assert!(outcome.result.is_ok(), "{:?}", outcome.result);
        assert_eq!(outcome.state.len(), 1);
        played.keep(&TenantId::default_tenant(), &plugin, &outcome);
    }
}

/// What a call that failed has written into its state is not kept.
#[test]
fn faulty_correlator() {
    let Some(plugin) = load("faulty-correlator") else { return };
    let played = Arc::new(Played::default());
    let one = |body: &str| events(vec![event(1, "host/a", "{}"), event(2, "host/a", body)]);
    for (body, kind) in [("\"fault-trap\"", FaultKind::Trap), ("\"fault-loop\"", FaultKind::Cpu)] {
        let outcome = call(&plugin, one(body), &played);
        assert_eq!(outcome.result.unwrap_err().kind, kind, "{body}");
        assert!(outcome.state.is_empty(), "{body}");
    }
    let outcome = call(&plugin, one("{}"), &played);
    assert!(outcome.result.is_ok() && outcome.state.len() == 1, "{:?}", outcome.result);
}

#[test]
fn assets_nosy() {
    let Some(plugin) = load("assets-nosy") else { return };
    let assets = [("workload/a", ("workload", "{}")), ("secret/b", ("secret", "{\"data\":\"x\"}"))].into();
    let played = Arc::new(Played { assets, ..Played::default() });
    let resources = ["workload/a", "secret/b", "none/c"].map(|asset| resource(asset, "{}")).into();
    let told = told(call(&plugin, Input::Posture { resources }, &played));
    for (what, how) in &told {
        if what.contains("secret/b") {
            assert!(matches!(how.as_str(), "denied" | "invalid"), "{what}: {how}");
        }
    }
    assert_eq!((told["describe workload/a"].as_str(), told["describe secret/b"].as_str()), ("ok", "denied"));
    assert_eq!(told["no id"], "invalid");
    assert_eq!(told["long id"], "invalid");
    assert_eq!(told["long edge"], "invalid");
    assert_eq!(told["describe none/c"], "not-found");
}

#[test]
fn blob_nosy() {
    let Some(plugin) = load("blob-nosy") else { return };
    let input = Input::ImageAnalyzer { files: vec![file()] };
    for (what, how) in told(call(&plugin, input, &Arc::default())) {
        let expected: &[&str] = match what.as_str() {
            "other bytes" => &["unavailable"],
            _ if what.starts_with("digest") => &["invalid"],
            _ => &["denied", "invalid"],
        };
        assert!(expected.contains(&how.as_str()), "{what}: {how}");
    }
}

#[test]
fn http_steal() {
    let Some(plugin) = load("http-steal") else { return };
    let replies = ["https://granted.example/", "https://other.example/"].map(|url| (("GET", url), (200, "")));
    let played = Arc::new(Played { replies: replies.into(), ..Played::default() });
    for (what, how) in told(call(&plugin, Input::Collector { cursor: None }, &played)) {
        assert!(matches!(how.as_str(), "denied" | "invalid"), "{what}: {how}");
    }
    assert!(played.sent.lock().unwrap().is_empty());
}

#[test]
fn http_elsewhere() {
    let Some(plugin) = load("http-elsewhere") else { return };
    let replies =
        ["http://127.0.0.1:4566/asked", "https://a.example/asked"].map(|url| (("GET", url), (200, "")));
    let played = Arc::new(Played { replies: replies.into(), ..Played::default() });
    let hosts = ["a.example".to_owned(), "127.0.0.1:4567".to_owned()];
    let rights = plugin.asked().settled(|_| &hosts).only_at("127.0.0.1:4566");
    let config = "{\"endpoint\":\"http://127.0.0.1:4566\",\"elsewhere\":[\"https://a.example\",\"http://127.0.0.1:4567\",\
                  \"http://localhost:4566\"]}";
    let tenant = TenantId::default_tenant();
    let grant = Grant { tenant: tenant.clone(), digest: plugin.digest().clone(), rights };
    let context = CallContext {
        grant: Some(Arc::new(grant)),
        services: Arc::clone(&played) as Arc<dyn Services>,
        ..CallContext::new(tenant, Arc::from(config))
    };
    let outcome = plugin.call(&context, Input::Collector { cursor: None });
    let denials = outcome.audit.iter().filter(|entry| !entry.allowed).count();
    assert_eq!((outcome.audit.len(), denials), (4, 3), "{:?}", outcome.audit);
    let mut told = told(outcome);
    assert_eq!(told.remove("http://127.0.0.1:4566").as_deref(), Some("status 200"));
    assert!(told.len() == 3 && told.values().all(|how| how == "denied"), "{told:?}");
    let sent = played.sent.lock().unwrap();
    assert_eq!(
        sent.iter().map(|request| request.url.as_str()).collect::<Vec<_>>(),
        ["http://127.0.0.1:4566/asked"]
    );
}

#[test]
fn http_redirect() {
    let Some(plugin) = load("http-redirect") else { return };
    let replies = [(("GET", "https://granted.example/redirect"), (302, ""))];
    let played = Arc::new(Played { replies: replies.into(), ..Played::default() });
    let told = told(call(&plugin, Input::Collector { cursor: None }, &played));
    assert_eq!(told["granted"], "ok");
    for (what, how) in told.iter().filter(|(what, _)| !matches!(what.as_str(), "granted" | "status 302")) {
        assert!(matches!(how.as_str(), "denied" | "invalid"), "{what}: {how}");
    }
    let sent = played.sent.lock().unwrap();
    assert_eq!(
        sent.iter().map(|request| request.url.as_str()).collect::<Vec<_>>(),
        ["https://granted.example/redirect"]
    );
}

#[test]
fn http_bomb() {
    let Some(plugin) = load("http-bomb") else { return };
    let replies = [(("GET", "https://granted.example/"), (200, ""))];
    let played = Arc::new(Played { replies: replies.into(), ..Played::default() });
    let fault = call(&plugin, Input::Collector { cursor: None }, &played).result.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Egress, "{fault}");
    assert!(played.sent.lock().unwrap().len() <= 100);
}

#[test]
fn state_hog() {
    let Some(plugin) = load("state-hog") else { return };
    let told = told(call(&plugin, events(vec![event(1, "a", "{}")]), &Arc::default()));
    for (what, how) in [
        ("fill", "limit"),
        ("one value", "limit"),
        ("empty values", "limit"),
        ("key of 512", "ok"),
        ("key of 513", "invalid"),
        ("key of 1 MiB", "invalid"),
        ("empty key", "invalid"),
        ("all keys", "ok"),
    ] {
        assert_eq!(told.get(what).map(String::as_str), Some(how), "{what} of {told:?}");
    }
}

#[test]
fn state_other() {
    let Some(plugin) = load("state-other") else { return };
    let played = Arc::new(Played::default());
    let others = ("default".to_owned(), "hostile.correlator".to_owned());
    played.states.lock().unwrap().insert(others.clone(), [("failed/a".to_owned(), vec![7])].into());
    let outcome = call(&plugin, events(vec![event(1, "a", "{}")]), &played);
    played.keep(&TenantId::default_tenant(), &plugin, &outcome);
    for what in told(outcome).keys() {
        assert!(!what.starts_with("listed") && !what.starts_with("read"), "{what}");
    }
    assert_eq!(played.states.lock().unwrap()[&others].len(), 1);
}

#[test]
fn bad_json_evidence() {
    fails("bad-json-evidence", resources(), &[FaultKind::Protocol]);
}

#[test]
fn results_huge_evidence() {
    fails("results-huge-evidence", resources(), &[FaultKind::Protocol, FaultKind::HostCopy]);
}

#[test]
fn cpu_in_host() {
    fails("cpu-in-host", resources(), &[FaultKind::Cpu, FaultKind::Wall]);
}

#[test]
fn cursor_loop() {
    let Some(plugin) = load("cursor-loop") else { return };
    let mut cursor = None;
    for _ in 0..100 {
        let Answer::Collector(page) = answer(&plugin, Input::Collector { cursor }, &Arc::default()) else {
            panic!()
        };
        assert!(page.next.is_some());
        cursor = page.next;
    }
}

#[test]
fn detection_index_lie() {
    fails("detection-index-lie", events(vec![event(1, "a", "{}")]), &[FaultKind::Protocol]);
}

#[test]
fn detection_undeclared_rule() {
    fails("detection-undeclared-rule", events(vec![event(1, "a", "{}")]), &[FaultKind::Protocol]);
}

#[test]
fn observation_index_lie() {
    let observations = Vec::new();
    fails("observation-index-lie", Input::Compliance { observations }, &[FaultKind::Protocol]);
}

#[test]
fn timer_flood() {
    fails("timer-flood", events(vec![event(1, "a", "{}")]), &[FaultKind::Results, FaultKind::HostCopy]);
}

#[test]
fn verdict_bad_patch() {
    fails("verdict-bad-patch", Input::Admission { request: b"{}".to_vec() }, &[FaultKind::Protocol]);
}

#[test]
fn receipt_huge() {
    let notice = Notice { id: "n".to_owned(), body: b"{}".to_vec() };
    fails("receipt-huge", Input::Notifier { notice }, &[FaultKind::Protocol, FaultKind::HostCopy]);
}

#[test]
fn receipt_script() {
    let notice = Notice { id: "n".to_owned(), body: b"{}".to_vec() };
    fails("receipt-script", Input::Notifier { notice }, &[FaultKind::Protocol]);
}

#[test]
fn drop_twice() {
    let files = vec![lent(2 << 20)];
    fails("drop-twice", Input::ImageAnalyzer { files }, &[FaultKind::Trap, FaultKind::Protocol]);
}

#[test]
fn handle_forge() {
    let files = vec![lent(2 << 20)];
    fails("handle-forge", Input::ImageAnalyzer { files }, &[FaultKind::Trap, FaultKind::Protocol]);
}

#[test]
fn metrics_flood() {
    let Some(plugin) = load("metrics-flood") else { return };
    let outcome = call(&plugin, resources(), &Arc::default());
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert_eq!(outcome.usage.metrics.keys().collect::<Vec<_>>(), ["declared"]);
    assert_eq!(outcome.usage.metrics["declared"], u64::MAX);
}

#[test]
fn log_controls() {
    let Some(plugin) = load("log-controls") else { return };
    let outcome = call(&plugin, resources(), &Arc::default());
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert!(!outcome.logs.is_empty());
}
