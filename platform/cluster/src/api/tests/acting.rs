//! Responses against the strict server: over HTTP and TLS, with its refusals.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use respond::{
    Begin, CallCause, Class, Cluster as _, Decision, Driver, Kind, MemoryBook, MemoryPost, ObjectRef,
    Outcome, Phase, Progress, Query, Run, Settings, ledger,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::kubernetes::{Answer, ApiServer, Request, TOKEN, body, status};
use super::{connect, options};
use crate::api::{Actor, Connection};
use crate::fixture::object;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

fn world() -> Vec<Value> {
    let selector = json!({ "matchLabels": { "app": "web" } });
    let owner = json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d1", "controller": true }]);
    let pod = |name: &str| {
        let log = "one\ntwo\nthree\n";
        object(
            "v1",
            "Pod",
            &format!("shop/{name}"),
            json!({
                "metadata": { "uid": format!("p-{name}"), "labels": { "app": "web" }, "ownerReferences": owner, "annotations": { "example.org/log": log } },
                "spec": { "nodeName": "node-1", "serviceAccountName": "web", "containers": [{ "name": "main" }] },
            }),
        )
    };
    vec![
        object("v1", "Namespace", "shop", json!({ "metadata": { "uid": "n1" } })),
        object("v1", "Node", "node-1", json!({ "metadata": { "uid": "m1" }, "spec": {} })),
        object(
            "apps/v1",
            "Deployment",
            "shop/web",
            json!({ "metadata": { "uid": "d1" }, "spec": { "replicas": 2, "selector": selector } }),
        ),
        pod("web-1"),
        pod("web-2"),
        object(
            "policy/v1",
            "PodDisruptionBudget",
            "shop/web",
            json!({
                "metadata": { "uid": "b1" }, "spec": { "selector": selector }, "status": { "disruptionsAllowed": 0 },
            }),
        ),
        object("v1", "ServiceAccount", "shop/web", json!({ "metadata": { "uid": "s1" } })),
        object(
            "v1",
            "Secret",
            "shop/token",
            json!({
                "metadata": { "uid": "t1", "annotations": { "kubernetes.io/service-account.name": "web" } },
                "type": "kubernetes.io/service-account-token", "data": { "token": "ZXhhbXBsZS1ub3QtYS1zZWNyZXQ=" },
            }),
        ),
        object(
            "v1",
            "Event",
            "shop/e",
            json!({ "metadata": { "uid": "e1" }, "involvedObject": { "uid": "p-web-1" }, "reason": "Started" }),
        ),
    ]
}

fn event() -> Value {
    json!({ "severity": "critical", "node": "node-1", "pod": { "namespace": "shop", "name": "web-1", "uid": "p-web-1" } })
}

fn begin(more: &str, steps: &str) -> Begin {
    Begin {
        tenant: TenantId::default_tenant(),
        playbook: format!("name: p\ntrigger: \"severity>=low\"\n{more}\nsteps:\n{steps}\n"),
        incident: "i-1".to_owned(),
        event: event(),
        parameters: [].into(),
        by: None,
        round: 1,
        cluster: String::new(),
        approval: None,
    }
}

/// Drives a run as far as it comes until then.
async fn drive(actor: &Actor, book: &MemoryBook, begin: &Begin, from: i64, until: i64) -> (Run, Progress) {
    let settings = Settings { automatic: Class::Destructive, max_pods_percent: 100, ..Settings::default() };
    let post = MemoryPost::default();
    let driver = Driver::new(actor, book, &settings).with_post(&post);
    let (mut now, until) = (at(from), at(until));
    let mut run = driver.begin(begin.clone(), now).await.unwrap();
    for _ in 0..500 {
        if run.phase == Phase::Asking {
            for by in ["ann", "bob"] {
                let plan = run.plan.as_ref().unwrap().digest();
                let decision =
                    Decision { by: by.to_owned(), roles: vec!["responder".to_owned()], agree: true, plan };
                if run.may_decide(&decision, now).is_ok() {
                    driver.decide(&mut run, decision, now).await.unwrap();
                }
            }
        }
        match driver.advance(&mut run, now).await.unwrap() {
            Progress::Moved => {}
            Progress::Waiting(later) if later <= until => now = now.max(later),
            progress => return (run, progress),
        }
    }
    panic!("the run does not come to an end: {:?}", run.acts);
}

fn find(server: &ApiServer, kind: &str, name: &str) -> Option<Value> {
    server.objects().into_iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
}

fn changes(server: &ApiServer) -> Vec<Request> {
    server.requests().into_iter().filter(|request| request.method != "GET").collect()
}

fn is_dry(request: &Request) -> bool {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    request.query.get("dryRun").is_some_and(|dry| dry == "All") || body["dryRun"] == json!(["All"])
}

const EVERYTHING: &str = "
  - collect-evidence: { target: pod, logs: 2 }
  - label: { target: pod, labels: { seen: \"yes\" } }
  - quarantine: { target: pod, allow: [{ namespace: forensics }] }
  - scale-to-zero: { target: workload }
  - cordon: { target: node }
  - notify: { channel: c, text: t }
  - delete-pod: { target: pod, grace-seconds: 0 }
  - revoke-token: { target: service-account, rotate: true }";

async fn everything(server: &ApiServer, connection: Connection) {
    let (actor, book) = (Actor::new(connection), MemoryBook::default());
    let begin = begin("approval: { of: [responder], need: 2 }\nlease: 10m", EVERYTHING);
    let (run, progress) = drive(&actor, &book, &begin, 0, 0).await;
    assert!(matches!(progress, Progress::Waiting(_)), "{progress:?} {:?} {:?}", run.plan, run.acts);
    let changed = changes(server);
    let (dry, real): (Vec<&Request>, Vec<&Request>) = changed.iter().partition(|request| is_dry(request));
    // The account is made again only after it is deleted, so that cannot be tried before.
    assert_eq!((dry.len(), real.len()), (8, 9));
    assert!(changed[..8].iter().all(is_dry), "every dry run comes before the first change");
    let policy = server.objects().into_iter().find(|object| object["kind"] == "NetworkPolicy").unwrap();
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    assert!(find(server, "Pod", "web-1").is_none() && find(server, "Secret", "token").is_none());
    assert_ne!(find(server, "ServiceAccount", "web").unwrap()["metadata"]["uid"], "s1");
    assert_eq!(find(server, "Node", "node-1").unwrap()["spec"]["unschedulable"], true);
    let web = find(server, "Deployment", "web").unwrap();
    assert_eq!(
        (&web["spec"]["replicas"], &web["metadata"]["annotations"]["palisade.dev/replicas"]),
        (&json!(0), &json!("2"))
    );
    let evidence = book.evidence();
    let names: Vec<&str> = evidence.iter().map(|kept| kept.name.as_str()).collect();
    assert_eq!(names, ["object.json", "owners.json", "events.json", "log-main.txt"]);
    assert_eq!(evidence[3].bytes, b"two\nthree\n");
    assert!(evidence.iter().all(|kept| !String::from_utf8_lossy(&kept.bytes).contains("ZXhhbXBsZS1ub3Q")));
    // The lease ends: what is left of it is taken back, and what is gone is told.
    let (run, progress) = drive(&actor, &book, &begin, 601, 10_000).await;
    assert_eq!(progress, Progress::Over(Outcome::Succeeded));
    assert!(!server.objects().iter().any(|object| object["kind"] == "NetworkPolicy"));
    let web = find(server, "Deployment", "web").unwrap();
    assert_eq!(
        (&web["spec"]["replicas"], web["metadata"]["annotations"].get("palisade.dev/replicas")),
        (&json!(2), None)
    );
    assert!(find(server, "Node", "node-1").unwrap()["spec"].get("unschedulable").is_none());
    let left: Vec<String> = run.acts.iter().flat_map(|act| act.back.clone().unwrap_or_default()).collect();
    assert_eq!(left, ["Pod shop/web-1 is gone", "Pod shop/web-1 is gone"]);
    let (lines, head) = book.ledger(&TenantId::default_tenant());
    let records = ledger::verify(lines.iter().map(Vec::as_slice), &head).unwrap();
    assert!(
        records
            .iter()
            .filter(|record| record.fact.what == "applied")
            .all(|record| record.fact.by == ["ann", "bob"])
    );
    let told = |record: &&ledger::Record| record.fact.action == "notify" && record.fact.what == "applied";
    assert_eq!(records.iter().filter(told).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_is_tried_done_verified_and_taken_back() {
    let server = ApiServer::start(&world());
    everything(&server, connect(&server).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_tls() {
    let (server, pem) = super::transport::with_tls_over(&world());
    let folder = TempDir::new().unwrap();
    let authority = folder.path().join("ca.crt");
    std::fs::write(&authority, pem).unwrap();
    let config = server.kubeconfig(
        "https",
        &json!({ "certificate-authority": authority }),
        &json!({ "token": TOKEN }),
    );
    everything(&server, Connection::open(&options(&folder, &config)).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_went_stale_is_read_again() {
    let server = Arc::new(ApiServer::start(&world()));
    let (actor, book) = (Actor::new(connect(&server).await), MemoryBook::default());
    let stale = status(
        409,
        "Conflict",
        "Operation cannot be fulfilled on nodes \"node-1\": the object has been modified",
    );
    server.fault(3, stale, |request| request.method == "PATCH" && !is_dry(request));
    let (run, progress) = drive(&actor, &book, &begin("", "  - cordon: {}"), 0, 0).await;
    assert_eq!((progress, run.acts[0].intents), (Progress::Over(Outcome::Succeeded), 4));
    assert_eq!(find(&server, "Node", "node-1").unwrap()["spec"]["unschedulable"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_hears_is_found_out_by_reading() {
    for (steps, kind) in
        [("  - cordon: {}", "PATCH"), ("  - quarantine: {}", "POST"), ("  - delete-pod: {}", "DELETE")]
    {
        let server = ApiServer::start(&world());
        let (actor, book) = (Actor::new(connect(&server).await), MemoryBook::default());
        server.fault(1, Answer::Unheard, move |request| request.method == kind && !is_dry(request));
        let (run, progress) = drive(&actor, &book, &begin("", steps), 0, 100).await;
        assert_eq!(progress, Progress::Over(Outcome::Succeeded), "{kind}: {:?}", run.acts);
        assert_eq!(run.acts[0].done.unwrap().0, respond::How::Found, "{kind}");
        let times =
            changes(&server).iter().filter(|request| request.method == kind && !is_dry(request)).count();
        assert_eq!(times, 1, "{kind} was sent once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_does_not_allow_it_is_waited_for_as_long_as_the_server_says() {
    let server = ApiServer::start(&world());
    let (actor, book) = (Actor::new(connect(&server).await), MemoryBook::default());
    let begin = begin("", "  - evict-pod: {}");
    let (run, progress) = drive(&actor, &book, &begin, 0, 3).await;
    assert_eq!(progress, Progress::Waiting(at(5)));
    let plan = run.plan.unwrap();
    assert!(
        !plan.dry_runs[0].passes && plan.dry_runs[0].said.contains("disruption budget"),
        "{:?}",
        plan.dry_runs
    );
    assert_eq!(plan.disruptions[0].allowed, 0);
    let busy =
        Answer::Status(429, body(429, "TooManyRequests", "later"), vec![("Retry-After", "17".to_owned())]);
    server.fault(1, busy, |request| request.path.ends_with("/eviction"));
    let (_, progress) = drive(&actor, &book, &begin, 5, 6).await;
    assert_eq!(progress, Progress::Waiting(at(22)));
    let mut budget = find(&server, "PodDisruptionBudget", "web").unwrap();
    budget["status"]["disruptionsAllowed"] = 1.into();
    server.apply(budget);
    let (_, progress) = drive(&actor, &book, &begin, 22, 22).await;
    assert_eq!(progress, Progress::Over(Outcome::Succeeded));
    assert!(find(&server, "Pod", "web-1").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forbidden_is_refused_before_anything_is_done_or_fails_alone() {
    let server = ApiServer::start(&world());
    let actor = Actor::new(connect(&server).await);
    let forbidden = || {
        status(403, "Forbidden", "nodes \"node-1\" is forbidden: User \"u\" cannot patch resource \"nodes\"")
    };
    server.fault(1, forbidden(), |request| request.method == "PATCH" && request.path.contains("/nodes/"));
    let steps = "  - label: { target: pod, labels: { a: b } }\n  - cordon: {}";
    let (run, progress) = drive(&actor, &MemoryBook::default(), &begin("", steps), 0, 0).await;
    assert_eq!(progress, Progress::Over(Outcome::Refused));
    assert!(run.plan.unwrap().refusals[0].contains("cannot patch resource"));
    assert!(changes(&server).iter().all(is_dry));
    // Rights that went away since: one act fails, the others are done.
    server.fault(1, forbidden(), |request| {
        request.method == "PATCH" && request.path.contains("/nodes/") && !is_dry(request)
    });
    let steps = "  - cordon: {}\n  - label: { target: pod, labels: { a: b } }";
    let (run, progress) =
        drive(&actor, &MemoryBook::default(), &begin("on-error: continue", steps), 0, 0).await;
    assert_eq!(progress, Progress::Over(Outcome::Partial));
    assert!(run.acts[0].failed.as_ref().unwrap().contains("403: nodes"), "{:?}", run.acts);
    assert_eq!(find(&server, "Pod", "web-1").unwrap()["metadata"]["labels"]["a"], "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_in_the_meantime_is_told() {
    let server = ApiServer::start(&world());
    let (actor, book) = (Actor::new(connect(&server).await), MemoryBook::default());
    let begin = begin("approval: { of: [nobody] }", "  - label: { target: pod, labels: { a: b } }");
    let (run, progress) = drive(&actor, &book, &begin, 0, 0).await;
    assert!(matches!(progress, Progress::Waiting(_)));
    server.delete(&find(&server, "Pod", "web-1").unwrap());
    let settings = Settings::default();
    let driver = Driver::new(&actor, &book, &settings);
    let mut run = driver.resume(&run.begin.tenant, &run.id).await.unwrap();
    let plan = run.plan.as_ref().unwrap().digest();
    let decision = Decision { by: "ann".to_owned(), roles: vec!["nobody".to_owned()], agree: true, plan };
    driver.decide(&mut run, decision, at(1)).await.unwrap();
    while !matches!(run.phase, Phase::Over(_)) {
        driver.advance(&mut run, at(1)).await.unwrap();
    }
    assert!(run.acts[0].failed.as_ref().unwrap().contains("is gone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_and_secrets_without_values() {
    let mut objects = world();
    objects.extend((0..1203).map(|number| object("v1", "Pod", &format!("shop/many-{number:04}"), json!({}))));
    let server = ApiServer::start(&objects);
    let actor = Actor::new(connect(&server).await);
    assert_eq!(actor.pods().await.unwrap(), 1205);
    let pods = actor.list(&Query::of(Kind::Pod, "shop")).await.unwrap();
    assert!(pods.len() == 1205 && pods.iter().all(|pod| pod["kind"] == "Pod"));
    let secrets = actor.list(&Query::of(Kind::Secret, "shop")).await.unwrap();
    assert!(
        secrets.len() == 1 && secrets[0].get("data").is_none() && secrets[0]["metadata"]["name"] == "token"
    );
    let query = Query { labels: Some("app=web".to_owned()), ..Query::of(Kind::Pod, "") };
    assert_eq!(actor.list(&query).await.unwrap().len(), 2);
    for (namespace, name) in [("shop", "../../nodes/node-1"), ("a/b", "c"), ("shop", "a?b"), ("shop", "")] {
        let error = actor.read(&ObjectRef::named(Kind::Pod, namespace, name)).await.unwrap_err();
        assert_eq!(error.cause, CallCause::Invalid, "{namespace}/{name}");
    }
    assert_eq!(actor.read(&ObjectRef::named(Kind::Pod, "shop", "none")).await.unwrap(), None);
}
