//! Run-time events in the service: from the door over the bus to incidents, whatever is killed in between.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Api, Backends, Data, Server};

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
    let found = until(&server, "/api/v1/runtime/detections?rule=palisade.sigma/sigma-correlation", |page| {
        count(page) >= 1
    });
    assert_eq!(count(&found), 1, "{found:#}");
}
