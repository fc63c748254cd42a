//! Responses in the service: from an alert to a plan, by the agreement of two people to what is done, and back again when its lease ends;
//! nothing is done twice, whatever is killed in between.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::kubernetes::{ApiServer, TOKEN};
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
    _data: Data,
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
        let mut server = Server::prepare(&data, &Backends::Embedded, &settings);
        server.start();
        let made = server.api().post(
            "/api/v1/runtime/sources",
            &json!({ "name": "falco", "format": "falco", "cluster": "prod" }),
        );
        assert_eq!(made.status, 201, "{}", made.body);
        let sensor = server.api().with_token(made.body["token"].as_str().unwrap());
        Self { cluster, server, sensor, _data: data }
    }

    /// An alert about a pod of the cluster; the run that it begins, when it asks.
    fn asked(&self) -> Value {
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
        let found = self.until("/api/v1/responses", |page| page["items"][0]["phase"] == "asking");
        self.server.api().get(&format!("/api/v1/responses/{}", found["items"][0]["id"].as_str().unwrap()))
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
