//! Responses in the service: from an alert to a plan, by the agreement of two people to what is done, and back again when its lease ends;
//! nothing is done twice, whatever is killed in between. Messages arrive under one key, so that whoever takes them can say the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::kubernetes::{ApiServer, TOKEN};
use crate::support::web::{Asked, Reply, Web};
use crate::support::{Api, Backends, Data, Server, root};

/// What a test may take at most; it fails then.
const PATIENCE: Duration = Duration::from_secs(90);
const PLAYBOOK: &str = "
name: mark
trigger: rule.id:\"Terminal shell in container\"
approval: { of: [responder], need: 2, expires: 10m }
budget: { max-pods-percent: 100 }
lease: LEASE
steps:
  - label: { target: pod, labels: { incident: suspected } }
";

/// A cluster, and a service that may change it.
struct World {
    cluster: ApiServer,
    server: Server,
    sensor: Api,
    data: Data,
}

impl World {
    fn new(lease: &str) -> Self {
        let text = std::fs::read_to_string(root().join("tests/fixtures/kubernetes/small.json")).unwrap();
        let list: Value = serde_json::from_str(&text).unwrap();
        let objects = list["items"].as_array().unwrap_or_else(|| list.as_array().unwrap()).clone();
        let cluster = ApiServer::start(&objects);
        let data = Data::with_sample();
        let kubeconfig = data.path().join("kubeconfig");
        std::fs::write(&kubeconfig, cluster.kubeconfig("http", &json!({}), &json!({ "token": TOKEN })))
            .unwrap();
        let playbook = data.path().join("mark.yaml");
        std::fs::write(&playbook, PLAYBOOK.replace("LEASE", lease)).unwrap();
        let settings = format!(
            "[clusters.prod]\nkubeconfig = {kubeconfig:?}\nrespond = true\nno-images = true\n\
             [respond]\nplaybooks = [{playbook:?}]\nmode = \"act\"\nmax-pods-percent = 100\n\
             [respond.roles]\nresponder = [\"ann\", \"bob\"]\n"
        );
        Self::with(data, cluster, &settings)
    }

    /// A service with these settings.
    fn with(data: Data, cluster: ApiServer, settings: &str) -> Self {
        let mut server = Server::prepare(&data, &Backends::Embedded, settings);
        server.start();
        let made = server.api().post(
            "/api/v1/runtime/sources",
            &json!({ "name": "falco", "format": "falco", "cluster": "prod" }),
        );
        assert_eq!(made.status, 201, "{}", made.body);
        let sensor = server.api().with_token(made.body["token"].as_str().unwrap());
        Self { cluster, server, sensor, data }
    }

    /// An alert about a pod of the cluster; the run that it begins, when it asks.
    fn asked(&self) -> Value {
        self.alert();
        let found = self.until("/api/v1/responses", |page| page["items"][0]["phase"] == "asking");
        self.server.api().get(&format!("/api/v1/responses/{}", found["items"][0]["id"].as_str().unwrap()))
    }

    fn alert(&self) {
        let alert = json!({
            "uuid": "00000000-0000-4000-8000-000000000001", "hostname": "node-1", "priority": "Warning",
            "rule": "Terminal shell in container", "source": "syscall", "output": "a shell", "tags": ["container"],
            "time": jiff::Timestamp::now().to_string(),
            "output_fields": {
                "container.id": "0123456789ab", "k8s.ns.name": "shop", "k8s.pod.name": "web-1-a",
                "proc.cmdline": "bash -i", "proc.name": "bash", "user.name": "root"
            },
        });
        let told = self.sensor.post("/api/v1/ingest/falco", &alert);
        assert_eq!(told.status, 200, "{}", told.body);
    }

    /// What it does by itself, from the next start on.
    fn set_mode(&self, from: &str, to: &str) {
        let config = self.data.path().join("palisade.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let (from, to) = (format!("mode = \"{from}\""), format!("mode = \"{to}\""));
        assert!(text.contains(&from), "{text}");
        std::fs::write(&config, text.replace(&from, &to)).unwrap();
    }

    #[track_caller]
    fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(answer) = self.server.api().try_get(path)
                && answer.status == 200
                && wanted(&answer.body)
            {
                return answer.body;
            }
            assert!(
                Instant::now() < deadline,
                "{path}: {:#}\n{}",
                self.server.api().get(path),
                self.server.log()
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Somebody by a token of their own.
    fn person(&self, name: &str) -> Api {
        let made = self.server.manage(&["token", "create", name]);
        self.server.api().with_token(made.stdout.trim())
    }

    fn agree(&self, by: &Api, run: &Value) -> u16 {
        let path = format!("/api/v1/responses/{}/decide", run["id"].as_str().unwrap());
        by.post(&path, &json!({ "agree": true, "digest": run["plan"]["digest"] })).status
    }

    fn label(&self) -> Value {
        let pod = |object: &&Value| object["kind"] == "Pod" && object["metadata"]["name"] == "web-1-a";
        self.cluster.objects().iter().find(pod).unwrap()["metadata"]["labels"]["incident"].clone()
    }

    /// Requests that changed something, without those that only tried.
    fn changes(&self) -> usize {
        let changes = |request: &&crate::support::kubernetes::Request| {
            request.method == "PATCH" && !request.query.contains_key("dryRun")
        };
        self.cluster.requests().iter().filter(changes).count()
    }
}

#[test]
fn what_two_people_agree_to_is_done_once_and_taken_back_when_its_lease_ends() {
    let mut world = World::new("3s");
    let run = world.asked();
    assert_eq!((run["approvalsNeeded"].as_u64(), run["startedBy"].as_str()), (Some(2), Some("trigger")));
    assert_eq!((world.label(), world.changes()), (Value::Null, 0), "nothing is done unasked");
    let (ann, bob, eve) = (world.person("ann"), world.person("bob"), world.person("eve"));
    assert_eq!(world.agree(&eve, &run), 409, "eve has no role");
    assert_eq!((world.agree(&ann, &run), world.agree(&ann, &run)), (200, 409), "nobody decides twice");
    world.server.kill();
    world.server.start();
    let bob = world.server.api().with_token(bob.token());
    assert_eq!(world.agree(&bob, &run), 200);
    let path = format!("/api/v1/responses/{}", run["id"].as_str().unwrap());
    world.until(&path, |run| ["done", "back"].iter().any(|state| run["plan"]["acts"][0]["state"] == *state));
    world.server.kill();
    world.server.start();
    let over = world.until(&path, |run| run["phase"] == "over");
    assert_eq!((&over["outcome"], &over["plan"]["acts"][0]["verified"]), (&json!("succeeded"), &json!(true)));
    assert_eq!(
        (world.label(), world.changes()),
        (Value::Null, 2),
        "done once, and taken back once: {over:#}"
    );
    let check = world.server.api().get("/api/v1/responses/ledger/verify");
    assert_eq!(check["broken"], Value::Null, "{check}");
}

#[test]
fn while_the_kill_switch_is_on_nothing_is_done() {
    let world = World::new("10m");
    let run = world.asked();
    let (ann, bob) = (world.person("ann"), world.person("bob"));
    let stopped = world.server.manage(&["respond", "stop", "a test"]);
    assert_eq!(stopped.code, 0, "{}", stopped.stderr);
    assert_eq!((world.agree(&ann, &run), world.agree(&bob, &run)), (200, 200));
    let on = world.server.api().get("/api/v1/kill-switch");
    assert_eq!(on["items"][0]["why"], "a test");
    assert_eq!(world.changes(), 0);
    assert_eq!(world.server.manage(&["respond", "resume"]).code, 0);
    let path = format!("/api/v1/responses/{}", run["id"].as_str().unwrap());
    world.until(&path, |run| run["phase"] == "leased");
    assert_eq!((world.label(), world.changes()), (json!("suspected"), 1));
    // Whoever wants it back does not wait for the lease.
    let cancelled = world.server.api().post(&format!("{path}/cancel"), &json!({ "why": "harmless" }));
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    world.until(&path, |run| run["phase"] == "over");
    assert_eq!((world.label(), world.changes()), (Value::Null, 2));
}

#[test]
fn an_incident_that_nobody_answered_before_the_process_died_is_answered_by_the_next() {
    let mut world = World::new("10m");
    world.server.kill();
    // As if each process died between storing an incident and asking the playbooks: this one never asks them.
    world.set_mode("act", "off");
    world.server.start();
    let source = world.server.api().get("/api/v1/runtime/sources");
    assert_eq!(source["items"][0]["name"], "falco", "{source}");
    world.sensor = world.server.api().with_token(world.sensor.token());
    world.alert();
    let incidents = world.until("/api/v1/incidents", |page| page["items"][0]["id"].is_string());
    world.server.kill();
    world.set_mode("off", "act");
    world.server.start();
    let runs = world.until("/api/v1/responses", |page| page["items"][0]["phase"] == "asking");
    assert_eq!(runs["items"][0]["incident"], incidents["items"][0]["id"]);
    let run = &runs["items"][0];
    assert_eq!((&run["playbook"], &run["startedBy"]), (&json!("mark"), &json!("trigger")));
}

const TELLING: &str = "
name: tell
trigger: rule.id:\"Terminal shell in container\"
steps:
  - ticket: { title: \"Look at ${event.pod.name}\", text: \"${incident}\" }
  - notify: { channel: chat, text: \"${event.pod.name} has a shell\" }
";

/// The signature that a request should have, by its own time.
fn signed(asked: &Asked, secret: &str) -> String {
    use aws_lc_rs::hmac;
    let said = asked.header("palisade-signature").unwrap_or_default();
    let time = said.strip_prefix("t=").and_then(|rest| rest.split_once(',')).map_or("", |(time, _)| time);
    let text = [time.as_bytes(), b".", &asked.body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), &text);
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}

#[test]
fn messages_arrive_under_one_key_whatever_is_killed_and_need_no_cluster() {
    let destination = Destination::start();
    let data = Data::with_sample();
    let (playbook, secret) = (data.path().join("tell.yaml"), data.path().join("secret"));
    std::fs::write(&playbook, TELLING).unwrap();
    std::fs::write(&secret, "a secret of the test\n").unwrap();
    let address = destination.web.address.clone();
    let settings = format!(
        "[egress]\nallow = [{address:?}]\n\
         [respond]\nplaybooks = [{playbook:?}]\nmode = \"act\"\npage-url = \"https://palisade.example\"\n\
         [respond.destinations.tracker]\nkind = \"ticket\"\nurl = \"http://{address}/tickets\"\nsecret-file = {secret:?}\n\
         [respond.destinations.chat]\nkind = \"webhook\"\nurl = \"http://{address}/chat\"\n"
    );
    let mut world = World::with(data, ApiServer::start(&[]), &settings);
    world.alert();
    // The ticket is asked for, and the process dies before it hears that it was made.
    destination.until(|asked| !asked.is_empty(), &world);
    world.server.kill();
    destination.answers.store(true, Ordering::SeqCst);
    world.server.start();
    let runs = world.until("/api/v1/responses", |page| page["items"][0]["phase"] == "over");
    assert_eq!(runs["items"][0]["outcome"], "succeeded", "{runs:#}\n{}", world.server.log());
    let asked = destination.web.asked();
    let of = |path: &str| asked.iter().filter(|asked| asked.target == path).collect::<Vec<_>>();
    let (tickets, notices) = (of("/tickets"), of("/chat"));
    assert_eq!((tickets.len(), notices.len()), (2, 1), "the ticket twice, for its first answer never came");
    let keys: BTreeSet<_> = asked.iter().map(|asked| asked.header("idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 2, "one key for each step");
    assert_eq!(tickets[0].body, tickets[1].body);
    for ticket in &tickets {
        assert_eq!(ticket.header("palisade-signature").unwrap(), signed(ticket, "a secret of the test"));
    }
    assert_eq!(notices[0].header("palisade-signature"), None, "this destination has no secret");
    let ticket: Value = serde_json::from_slice(&tickets[0].body).unwrap();
    let incident = runs["items"][0]["incident"].as_str().unwrap();
    assert_eq!((&ticket["title"], &ticket["description"]), (&json!("Look at web-1-a"), &json!(incident)));
    assert_eq!(ticket["link"], format!("https://palisade.example/incidents/{incident}"));
    let ledger = world.server.api().get("/api/v1/responses/ledger");
    let records = ledger["items"].as_array().unwrap();
    let applied = |action: &str| {
        let fits = |one: &&Value| one["action"] == action && one["what"] == "applied";
        records.iter().filter(fits).map(|one| one["detail"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(applied("ticket"), ["destination tracker answered 201: id 7, url https://tracker.example/7"]);
    assert_eq!(applied("notify"), ["destination chat answered 201: id 7, url https://tracker.example/7"]);
}

/// Takes messages: at first without a word, later with the answer of a tracker.
struct Destination {
    web: Web,
    answers: Arc<AtomicBool>,
}

impl Destination {
    fn start() -> Self {
        let answers = Arc::new(AtomicBool::new(false));
        let speaks = Arc::clone(&answers);
        let web = Web::start(move |_| match speaks.load(Ordering::SeqCst) {
            false => Reply::Silence,
            true => {
                let body = json!({ "id": 7, "url": "https://tracker.example/7" });
                Reply::Answer(201, Vec::new(), body.to_string().into_bytes())
            }
        });
        Self { web, answers }
    }

    #[track_caller]
    fn until(&self, wanted: impl Fn(&[Asked]) -> bool, world: &World) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.web.asked()) {
            assert!(Instant::now() < deadline, "{}", world.server.log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}
