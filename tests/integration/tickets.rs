//! Tickets by the built-in plugin for Redmine, through the whole server: made once, closed, reopened, whatever the other system does.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::redmine::{CLOSED, DOING, KEY, Mood, REJECTED, Redmine};
use crate::support::{Backends, Data, Server, fixture};

/// Longest wait for anything that takes a moment.
const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    redmine: Redmine,
    server: Server,
    folder: TempDir,
    _data: Data,
}

impl World {
    fn start(backends: &Backends) -> Self {
        let (data, folder, redmine) = (Data::with_sample(), tempfile::tempdir().unwrap(), Redmine::start());
        let copied =
            Command::new("cp").arg("-r").arg(fixture("rootfs")).arg(folder.path().join("root")).status();
        assert!(copied.unwrap().success());
        let (key, address) = (folder.path().join("key"), &redmine.address);
        std::fs::write(&key, KEY).unwrap();
        let config = format!(
            "[egress]\nallow = [{address:?}]\n[plugins.secrets.redmine]\nfile = {:?}\n\
             inject = \"header:X-Redmine-API-Key\"\nhosts = [{address:?}]\n",
            key.display().to_string()
        );
        let mut server = Server::prepare(&data, backends, &config);
        server.start();
        Self { redmine, server, folder, _data: data }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn scan(&self) {
        let scan = self.server.api().scan("directory", &self.root().display().to_string());
        assert_eq!(scan["state"], "finished", "{scan}");
    }

    fn put(&self, per: &str, settings: &Value) -> Value {
        let url = format!("http://{}", self.redmine.address);
        let mut all = json!({ "url": url, "project": "sec", "custom-fields": { "7": "blue" } });
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let body = json!({ "plugin": "palisade.redmine", "settings": all, "per": per });
        let answer = self.server.api().put("/api/v1/destinations/ops", &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// Takes a package away or puts it back.
    fn django(&self, there: bool) {
        let package = "opt/app/lib/python3.11/site-packages/Django-3.2.dist-info/METADATA";
        let file = self.root().join(package);
        if there {
            std::fs::copy(fixture("rootfs").join(package), &file).unwrap();
        } else {
            std::fs::remove_file(&file).unwrap();
        }
    }

    fn open_findings(&self) -> usize {
        self.server.api().all("/api/v1/findings?state=open&suppressed=false").len()
    }

    fn open_issues(&self) -> usize {
        self.redmine.issues().values().filter(|issue| issue.open).count()
    }

    fn tickets(&self) -> Vec<Value> {
        self.server.api().get("/api/v1/destinations/ops/tickets")["items"].as_array().unwrap().clone()
    }

    /// Waits until nothing is left to tell; how long that took.
    fn settled(&self, open: usize) -> Duration {
        let begun = Instant::now();
        loop {
            let waiting = self.tickets().iter().filter(|ticket| ticket["waiting"] == true).count();
            if waiting == 0 && self.open_issues() == open {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{waiting} wait, {} of {open} open: {:?}\n{}",
                self.open_issues(),
                self.tickets().first(),
                self.server.log()
            );
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Every issue has a marker of its own, and nothing was asked that Redmine does not have.
    fn is_right(&self) {
        let issues = self.redmine.issues();
        let marker = |subject: &str| subject.rsplit_once('(').unwrap().1.to_owned();
        let markers: BTreeSet<String> = issues.values().map(|issue| marker(&issue.subject)).collect();
        assert_eq!(markers.len(), issues.len(), "{issues:?}");
        assert_eq!(self.redmine.wrong(), Vec::<String>::new());
    }
}

fn path(fingerprint: &Value) -> String {
    format!("/api/v1/findings/{}", fingerprint.as_str().unwrap())
}

fn a_finding_is_one_issue_from_its_beginning_to_its_end(backends: &Backends) {
    let world = World::start(backends);
    world.scan();
    world.put("finding", &json!({}));
    let all = world.open_findings();
    assert!(all > 3, "{all}");
    world.settled(all);
    let finding = &world.server.api().all("/api/v1/findings?state=open&suppressed=false")[0];
    let detail = world.server.api().get(&path(&finding["fingerprint"]));
    let ticket = &detail["tickets"][0];
    assert_eq!(ticket["destination"], "ops", "{detail}");
    assert!(
        ticket["url"].as_str().unwrap().ends_with(&format!("/issues/{}", ticket["id"].as_str().unwrap()))
    );
    // A scan that sees the same tells nothing.
    let asked = world.redmine.asked();
    world.scan();
    world.settled(all);
    assert_eq!(world.redmine.asked(), asked);
    world.django(false);
    world.scan();
    let fewer = world.open_findings();
    assert!(fewer < all);
    world.settled(fewer);
    let issues = world.redmine.issues();
    assert_eq!(issues.len(), all, "closed, not removed");
    world.django(true);
    world.scan();
    world.settled(all);
    let reopened = world.redmine.issues().values().filter(|issue| issue.reopened == 1).count();
    assert_eq!((world.redmine.issues().len(), reopened), (all, all - fewer));
    // What people set aside is resolved there, too.
    let decision = json!({ "status": "false-positive", "reason": "not reachable", "justification": "vulnerable_code_not_in_execute_path" });
    world.server.api().patch(&path(&finding["fingerprint"]), &decision);
    world.settled(all - 1);
    world.is_right();
    assert!(!world.server.log().contains(KEY), "the key is nobody's business");
}

#[test]
fn a_finding_is_one_issue() {
    a_finding_is_one_issue_from_its_beginning_to_its_end(&Backends::Embedded);
    if let Some(servers) = Backends::servers() {
        a_finding_is_one_issue_from_its_beginning_to_its_end(&servers);
    }
}

/// Waits until something is so.
fn until<T>(world: &World, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not so: {what}\n{}", world.server.log());
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn what_people_do_with_an_issue_is_known_here_and_a_closed_one_has_to_be_mended() {
    let world = World::start(&Backends::Embedded);
    world.scan();
    world.put("finding", &json!({ "rejected-statuses": [REJECTED] }));
    let all = world.open_findings();
    world.settled(all);
    let api = world.server.api();
    let rows = api.all("/api/v1/findings?state=open&suppressed=false");
    let detail = |row: usize| api.get(&path(&rows[row]["fingerprint"]));
    let number = |row: usize| detail(row)["tickets"][0]["id"].as_str().unwrap().parse::<u64>().unwrap();
    let status = |row: usize| detail(row)["tickets"][0]["status"].clone();

    // Somebody is at it.
    world.redmine.move_to(number(0), DOING);
    let moved = until(&world, "it is in progress", || {
        Some(detail(0)).filter(|detail| detail["status"] == "in-progress")
    });
    assert_eq!(moved["tickets"][0]["status"], "Doing", "{moved}");
    let history = moved["history"].as_array().unwrap();
    let by = format!("ops {}", number(0));
    assert!(history.iter().any(|event| event["actor"] == by.as_str()), "{history:?}");

    // Closed, and still there: the next scan says so. What was rejected stays closed.
    world.redmine.move_to(number(1), CLOSED);
    world.redmine.move_to(number(2), REJECTED);
    until(&world, "both are known", || (status(1) == "Closed" && status(2) == "Rejected").then_some(()));
    assert!(!world.redmine.issues()[&number(1)].open, "nothing has looked since");
    world.scan();
    until(&world, "it is reopened", || world.redmine.issues()[&number(1)].open.then_some(()));
    let issues = world.redmine.issues();
    assert!(issues[&number(1)].note.contains("still finds it"), "{issues:?}");
    assert!(!issues[&number(2)].open && issues[&number(1)].reopened == 1, "{issues:?}");
    // Our own changes come back as changes, and move nothing.
    until(&world, "it is known to be open", || (status(1) == "New").then_some(()));
    assert_eq!(detail(1)["status"], "open");
    assert_eq!(world.redmine.issues()[&number(1)].reopened, 1);
    world.is_right();
}

#[test]
fn a_bad_server_ends_with_every_state_and_no_issue_twice() {
    let mut world = World::start(&Backends::Embedded);
    world.redmine.mood(Mood::Bad);
    world.put("finding", &json!({}));
    for round in 0..6 {
        world.scan();
        world.django(round % 2 != 0);
        if round == 3 {
            world.server.kill();
            world.server.start();
        }
    }
    world.redmine.mood(Mood::Away);
    world.scan();
    let open = world.open_findings();
    world.redmine.mood(Mood::Well);
    let took = world.settled(open);
    assert!(took < Duration::from_secs(30), "{took:?}");
    world.is_right();
}

#[test]
fn what_is_refused_says_why_and_is_told_again_on_demand() {
    let world = World::start(&Backends::Embedded);
    world.scan();
    world.put("fix", &json!({ "custom-fields": {} }));
    let api = world.server.api();
    let begun = Instant::now();
    let refused = loop {
        let found = world.tickets().into_iter().find(|ticket| ticket["attempts"].as_u64() > Some(0));
        if let Some(found) = found {
            break found;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", world.server.log());
        std::thread::park_timeout(Duration::from_millis(100));
    };
    assert!(refused["error"].as_str().unwrap().contains("Team cannot be blank"), "{refused}");
    let log = api.get("/api/v1/destinations/ops/deliveries");
    assert!(log["items"][0]["message"].as_str().unwrap().contains("custom-fields"), "{log}");
    let version = world.put("fix", &json!({}))["version"].as_u64().unwrap();
    let again = api.post("/api/v1/destinations/ops/replay", &json!({}));
    assert_eq!(again.status, 200, "{}", again.body);
    let tickets = world.tickets();
    assert!(tickets.len() < world.open_findings(), "several findings, one fix: {tickets:?}");
    world.settled(tickets.len());
    let tested = api.post("/api/v1/destinations/ops/test", &json!({}));
    assert_eq!(
        (tested.status, &tested.body["would"]),
        (200, &json!("an issue in project sec")),
        "{}",
        tested.body
    );
    world.put("fix", &json!({ "project": "other" }));
    let tested = api.post("/api/v1/destinations/ops/test", &json!({}));
    assert_eq!(tested.body["code"], "destination-test-failed", "{}", tested.body);
    assert!(tested.body["detail"].as_str().unwrap().contains("check `project`"), "{}", tested.body);
    let old = json!({ "plugin": "palisade.redmine", "per": "fix", "version": version });
    assert_eq!(api.put("/api/v1/destinations/ops", &old).body["code"], "destination-changed");
    let wrong = json!({ "plugin": "palisade.redmine", "per": "fix", "filter": "colour:red" });
    assert_eq!(api.put("/api/v1/destinations/ops", &wrong).body["code"], "destination-invalid");
    world.is_right();
}
