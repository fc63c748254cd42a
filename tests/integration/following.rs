//! A service that follows a cluster: what changes in it is found, and what is mended is fixed, without anybody asking for a scan.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::kubernetes::{Answer, ApiServer, Request, TOKEN, body, status};
use crate::support::{Backends, Data, Server, root};

const RULE: &str = "palisade.kube-posture/privileged-container";
const WEB: &str = "apps/Deployment/shop/web";

fn objects() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("tests/fixtures/kubernetes/small.json")).unwrap();
    let list: Value = serde_json::from_str(&text).unwrap();
    list["items"].as_array().unwrap_or_else(|| list.as_array().unwrap()).clone()
}

fn web(privileged: bool) -> Value {
    let mut web = objects().into_iter().find(|object| object["kind"] == "Deployment").unwrap();
    web["spec"]["template"]["spec"]["containers"][0]["securityContext"] = json!({ "privileged": privileged });
    web
}

/// A cluster, and a service that follows it.
struct World {
    cluster: ApiServer,
    server: Server,
    data: Data,
}

impl World {
    fn new() -> Self {
        let cluster = ApiServer::start(&objects());
        let data = Data::empty();
        let config = cluster.kubeconfig("http", &json!({}), &json!({ "token": TOKEN }));
        let path = data.path().join("kubeconfig");
        std::fs::write(&path, config).unwrap();
        let settings = format!("[clusters.prod]\nkubeconfig = {path:?}\nfollow = true\nno-images = true\n");
        let server = Server::prepare(&data, &Backends::Embedded, &settings);
        Self { cluster, server, data }
    }

    fn started() -> Self {
        let mut world = Self::new();
        world.server.start();
        world.until("it is followed", |world| world.follower()["state"] == "following");
        world
    }

    /// Asks again until it is so.
    fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(180);
        while !is(self) {
            assert!(Instant::now() < deadline, "{what}: {:#}\n{}", self.follower(), self.server.log());
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    fn follower(&self) -> Value {
        self.server.api().get("/api/v1/clusters")["followers"][0].clone()
    }

    fn scans(&self) -> usize {
        self.server.api().all("/api/v1/scans").len()
    }

    /// State of the finding that a container of the workload is privileged.
    fn privileged(&self) -> Option<String> {
        let path = format!("/api/v1/findings?rule={RULE}&subject={WEB}&state=open,fixed");
        let all = self.server.api().all(&path);
        assert!(all.len() < 2, "{all:#?}");
        all.first().map(|finding| finding["state"].as_str().unwrap().to_owned())
    }

    fn is(&self, state: &str) {
        self.until(state, |world| world.privileged().as_deref() == Some(state));
    }
}

#[test]
fn what_is_planted_is_found_and_what_is_mended_is_fixed() {
    let world = World::started();
    assert_eq!((world.privileged(), world.scans()), (None, 1));
    let records = || world.server.api().get("/api/v1/evidence")["items"].as_array().unwrap().len();
    assert_eq!(records(), 1);
    world.cluster.apply(web(true));
    world.is("open");
    world.cluster.apply(web(false));
    world.is("fixed");
    world.cluster.apply(web(true));
    world.is("open");
    // The whole object goes, with what was found on it, and its resource.
    world.cluster.delete(&web(true));
    world.is("fixed");
    let inventory = |world: &World| {
        let rows = world.server.api().all("/api/v1/inventory");
        rows.iter().any(|row| row["path"] == WEB)
    };
    world.until("the resource is gone", |world| !inventory(world));
    // Nobody asked for a scan, and the chain of evidence does not grow by every change.
    assert_eq!((world.scans(), records()), (1, 1));
    let follower = world.follower();
    assert_eq!((&follower["name"], &follower["reason"]), (&json!("prod"), &Value::Null), "{follower:#}");
    assert!(follower["lag_ms"].as_u64().unwrap() < 60_000, "{follower:#}");
}

#[test]
fn whatever_happens_to_a_watch_it_goes_on() {
    let world = World::started();
    let watch = |request: &Request| request.is_watch() && request.path.ends_with("/deployments");
    // The watch ends, and the server has forgotten where it was.
    world.cluster.forget();
    world.cluster.end_watches("Deployment.apps");
    world.cluster.apply(web(true));
    world.is("open");
    // An error within a good answer, a server that fails, a connection that is lost, a token that has expired.
    let expired = json!({ "type": "ERROR", "object": body(410, "Expired", "too old resource version") });
    let faults = [
        (Answer::Lines(format!("{expired}\n").into_bytes(), false), false),
        (status(500, "InternalError", "etcd is away"), true),
        (Answer::Lost(b"{\"type\":\"MOD".to_vec()), false),
        (status(401, "Unauthorized", "Unauthorized"), true),
    ];
    let watches = |world: &World| world.cluster.requests().iter().filter(|request| watch(request)).count();
    for (fault, privileged) in faults {
        let before = watches(&world);
        world.cluster.fault(1, fault, watch);
        world.cluster.end_watches("Deployment.apps");
        world.until("it has met the fault", |world| watches(world) > before);
        world.cluster.apply(web(privileged));
        world.is(if privileged { "open" } else { "fixed" });
    }
    world.until("it is followed", |world| world.follower()["state"] == "following");
}

#[test]
fn a_service_that_stops_and_starts_again_knows_what_happened_meanwhile() {
    let mut world = World::started();
    world.cluster.apply(web(true));
    world.is("open");
    world.server.stop();
    world.cluster.apply(web(false));
    world.server.start();
    world.is("fixed");
    world.until("it is followed", |world| world.follower()["state"] == "following");
    world.server.kill();
    world.cluster.apply(web(true));
    world.server.start();
    // Its lease has not ended: nobody knows yet that it is not held any more.
    world.is("open");
    assert_eq!(world.server.api().get("/api/v1/evidence/verify")["sound"], true);
}

#[test]
fn a_cluster_that_cannot_be_followed_is_shown_with_the_reason() {
    let mut world = World::new();
    world.cluster.accept("another");
    world.server.start();
    world.until("it failed", |world| world.follower()["state"] == "failed");
    let follower = world.follower();
    assert_eq!(follower["code"], "cluster-unauthorized", "{follower:#}");
    assert!(follower["reason"].as_str().unwrap().contains("credentials"), "{follower:#}");
    world.cluster.accept(TOKEN);
    world.until("it is followed", |world| world.follower()["state"] == "following");
    drop(world.data);
}

#[test]
fn a_scan_that_somebody_asks_for_and_following_get_along() {
    let world = World::started();
    world.cluster.apply(web(true));
    world.is("open");
    let scan = world.server.api().scan("cluster", "prod");
    assert_eq!(scan["state"], "finished", "{scan:#}");
    assert_eq!(world.privileged().as_deref(), Some("open"));
    // The next change finds that scan and tells the whole; the one after is merged again.
    for (privileged, state) in [(false, "fixed"), (true, "open"), (false, "fixed")] {
        world.cluster.apply(web(privileged));
        world.is(state);
    }
    assert_eq!(world.scans(), 3);
}
