//! Faults while alerts come in and are answered: nothing that was acknowledged is lost or counted twice, and nothing is done twice.
//!
//! Two ledgers are kept outside the processes under test: which alerts they acknowledged, and what they did to the cluster, by the cluster's
//! own API server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::kubernetes::{ApiServer, TOKEN};
use crate::support::{Backends, Data, Nats, Postgres, Random, Server, full, guest, root};

/// What a world may take at most until all is judged and done; the test fails then.
const PATIENCE: Duration = Duration::from_secs(300);
/// Attacks of one world: no more than responses may do by themselves within ten minutes.
const ATTACKS: u64 = 20;
/// Alerts that come with each attack and are no reason to do anything.
const BESIDE: u64 = 5;
const RULE: &str = "Terminal shell in container";
const PLAYBOOK: &str = "
name: mark
trigger: rule.id:\"Terminal shell in container\"
budget: { max-pods-percent: 100 }
steps:
  - label: { target: pod, labels: { incident: suspected } }
";

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// One of the processes is killed, at a random moment, and started again.
    Killed,
    /// The broker is killed.
    Broker,
    /// The database is ended without a shutdown.
    Database,
    /// An event that a plugin traps on.
    Trap,
    /// An event that a plugin never comes back from.
    Loop,
    /// The disk of the process is full for a while.
    DiskFull,
    /// The clock of the process jumps by this many seconds.
    Clock(i64),
}

/// A cluster, and processes that may change it, over shared or embedded backends.
struct World {
    // Ended first: what is below is what they use.
    servers: Vec<Server>,
    cluster: ApiServer,
    backends: Backends,
    data: Vec<Data>,
    disk: Option<Disk>,
    clock: Option<PathBuf>,
    sensor: String,
    random: Random,
    acknowledged: BTreeSet<u64>,
    attacks: BTreeSet<u64>,
    faults: u64,
    next: u64,
}

/// A small disk of its own.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one over a folder; nothing, and a line that says so, where that is not allowed.
    fn over(folder: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256m", "palisade-test"])
            .arg(folder)
            .output()
            .is_ok_and(|done| done.status.success());
        if !mounted {
            println!("skipped: a disk of its own cannot be mounted here, so that none can be full");
        }
        mounted.then(|| Self(folder.to_owned()))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("ballast")).unwrap();
        let block = vec![0_u8; 1 << 16];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// The library that lets a process see another time, where it is installed.
fn false_clock() -> Option<PathBuf> {
    let path = PathBuf::from("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");
    if !path.exists() {
        println!("skipped: no libfaketime on this machine, so that no clock can jump");
    }
    path.exists().then_some(path)
}

/// The objects of the fixture, and one pod for each attack.
fn objects() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("tests/fixtures/kubernetes/small.json")).unwrap();
    let list: Value = serde_json::from_str(&text).unwrap();
    let mut all = list["items"].as_array().or(list.as_array()).unwrap().clone();
    let pod = all.iter().find(|object| object["metadata"]["name"] == "debug").unwrap().clone();
    all.extend((0..ATTACKS).map(|number| {
        let mut pod = pod.clone();
        pod["metadata"]["name"] = json!(format!("target-{number}"));
        pod["metadata"]["uid"] = json!(format!("00000000-0000-4000-9000-{number:012}"));
        pod
    }));
    all
}

impl World {
    /// `processes` of them share the backends.
    fn new(backends: Backends, processes: usize, seed: u64, own_disk: bool) -> Self {
        let cluster = ApiServer::start(&objects());
        let data: Vec<Data> = (0..processes).map(|_| Data::with_sample()).collect();
        let disk = own_disk.then(|| {
            let store = data[0].path().join("store");
            std::fs::create_dir_all(&store).unwrap();
            Disk::over(&store)
        });
        let mut servers: Vec<Server> = data.iter().map(|data| server(data, &cluster, &backends)).collect();
        let clock = false_clock().filter(|_| processes == 1).map(|library| {
            let file = data[0].path().join("clock");
            std::fs::write(&file, "+0s").unwrap();
            let server = &mut servers[0];
            server.set("LD_PRELOAD", &library.display().to_string());
            server.set("FAKETIME_TIMESTAMP_FILE", &file.display().to_string());
            server.set("FAKETIME_NO_CACHE", "1");
            server.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
            file
        });
        for (server, folder) in servers.iter_mut().zip(&data) {
            // Only the first process makes a token; it is one for all.
            if folder.path() != data[0].path() {
                std::fs::copy(data[0].path().join("token"), folder.path().join("token")).unwrap();
            }
            server.start();
        }
        let wanted = json!({ "name": "falco", "format": "falco", "cluster": "prod" });
        let made = servers[0].api().post("/api/v1/runtime/sources", &wanted);
        assert_eq!(made.status, 201, "{}", made.body);
        let sensor = made.body["token"].as_str().unwrap().to_owned();
        Self {
            servers,
            cluster,
            backends,
            data,
            disk: disk.flatten(),
            clock,
            sensor,
            random: Random::new(seed),
            acknowledged: BTreeSet::new(),
            attacks: BTreeSet::new(),
            faults: 0,
            next: 0,
        }
    }

    /// The faults that this world can have.
    fn possible(&self) -> Vec<Fault> {
        let mut all = vec![Fault::Killed, Fault::Killed, Fault::Trap, Fault::Loop];
        if let Backends::Servers(_) = self.backends {
            all.extend([Fault::Broker, Fault::Database]);
        }
        if self.disk.is_some() {
            all.push(Fault::DiskFull);
        }
        if self.clock.is_some() {
            all.extend([Fault::Clock(3_600), Fault::Clock(-3_600), Fault::Clock(31_536_000)]);
        }
        all
    }

    /// One attack with alerts beside it, one fault somewhere in between.
    fn round(&mut self) {
        let possible = self.possible();
        let fault = possible[self.random.below(possible.len() as u64) as usize];
        let attack = self.attacks.len() as u64;
        self.attacks.insert(attack);
        let mut bodies: Vec<Value> =
            (0..BESIDE).map(|_| self.alert("Read sensitive file untrusted", "web-1-a", "")).collect();
        bodies.push(self.alert(RULE, &format!("target-{attack}"), ""));
        let at = self.random.below(bodies.len() as u64) as usize;
        for (number, body) in bodies.into_iter().enumerate() {
            if number == at {
                self.go_wrong(fault);
            }
            self.send(&body);
        }
        self.faults += 1;
    }

    fn go_wrong(&mut self, fault: Fault) {
        // In the middle of the work that the last alerts have caused.
        self.pause(200);
        match fault {
            Fault::Killed => {
                let which = self.random.below(self.servers.len() as u64) as usize;
                self.servers[which].kill();
                self.servers[which].start();
            }
            Fault::Trap | Fault::Loop => {
                let word = if fault == Fault::Trap { "fault-trap" } else { "fault-loop" };
                let body = self.alert("Read sensitive file untrusted", "web-1-b", word);
                self.send(&body);
            }
            Fault::Broker | Fault::Database => {
                let Backends::Servers(servers) = &mut self.backends else { return };
                if fault == Fault::Broker { servers.1.restart() } else { servers.0.restart() }
            }
            Fault::DiskFull => {
                self.disk.as_ref().unwrap().fill();
                let body = self.alert("Read sensitive file untrusted", "web-1-b", "");
                // Whether it is taken or not is the service's to say; what it takes counts.
                self.offer(&body);
                self.pause(500);
                self.disk.as_ref().unwrap().free();
                self.send(&body);
            }
            Fault::Clock(by) => {
                std::fs::write(self.clock.as_ref().unwrap(), format!("{by:+}s")).unwrap();
                let body = self.alert("Read sensitive file untrusted", "web-1-b", "");
                self.send(&body);
                self.pause(500);
                std::fs::write(self.clock.as_ref().unwrap(), "+0s").unwrap();
            }
        }
    }

    /// A random while.
    fn pause(&mut self, most: u64) {
        let until = Instant::now() + Duration::from_millis(self.random.below(most));
        while Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// The next alert, with its number in its id.
    fn alert(&mut self, rule: &str, pod: &str, word: &str) -> Value {
        let number = self.next;
        self.next += 1;
        json!({
            "uuid": format!("00000000-0000-4000-8000-{number:012}"), "hostname": "node-1", "priority": "Warning",
            "rule": rule, "source": "syscall", "output": format!("{rule} {word}"), "tags": ["container"],
            "time": jiff::Timestamp::now().to_string(),
            "output_fields": {
                "container.id": container_of(pod),
                "k8s.ns.name": "shop", "k8s.pod.name": pod, "proc.cmdline": "bash -i", "proc.name": "bash", "user.name": "root"
            },
        })
    }

    /// Sends it until it is acknowledged, as sensors do, to whichever process answers.
    fn send(&mut self, body: &Value) {
        let deadline = Instant::now() + PATIENCE;
        while !self.offer(body) {
            assert!(Instant::now() < deadline, "nobody takes {body}\n{}", self.logs());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Whether it was acknowledged.
    fn offer(&mut self, body: &Value) -> bool {
        let which = self.random.below(self.servers.len() as u64) as usize;
        let api = self.servers[which].api().with_token(&self.sensor);
        let Ok(answer) = api.try_post("/api/v1/ingest/falco", body) else { return false };
        assert!([200, 429, 500, 503].contains(&answer.status), "{}: {}", answer.status, answer.body);
        if answer.status == 200 {
            let number = body["uuid"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
            self.acknowledged.insert(number);
        }
        answer.status == 200
    }

    /// Everything acknowledged is there once, each attack is one incident, and each was answered once.
    fn check(&mut self) {
        let marked = self.until("every attack is answered", |world| {
            let marks = world.marks();
            (marks.len() as u64 >= ATTACKS.min(world.attacks.len() as u64)).then_some(marks)
        });
        let wanted: BTreeMap<String, usize> =
            self.attacks.iter().map(|number| (format!("target-{number}"), 1)).collect();
        assert_eq!(marked, wanted, "done once for each attack\n{}", self.logs());
        let acknowledged = self.acknowledged.len();
        let events = self.until("every alert is judged", |world| {
            let events = world.servers[0].api().all("/api/v1/runtime/events");
            (events.len() >= acknowledged).then_some(events)
        });
        let ids: BTreeSet<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), events.len()), (acknowledged, acknowledged), "each once");
        let api = self.servers[0].api();
        let detections = api.all("/api/v1/runtime/detections");
        let shells = detections.iter().filter(|one| one["title"] == RULE).count();
        assert_eq!(shells, self.attacks.len(), "each attack is detected once");
        let incidents = api.all("/api/v1/incidents");
        let shells = incidents.iter().filter(|one| one["title"] == RULE).count();
        assert_eq!(shells, self.attacks.len(), "{incidents:#?}");
        // After all that every process still takes alerts and judges them.
        assert_eq!(self.marks(), wanted, "nothing more was done meanwhile");
        let check = self.servers[0].api().get("/api/v1/responses/ledger/verify");
        assert_eq!(check["broken"], Value::Null, "{check}");
    }

    /// Pods that were changed, and how often, as the cluster saw it.
    fn marks(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for request in self.cluster.requests() {
            if request.method == "PATCH" && !request.query.contains_key("dryRun") {
                let name = request.path.rsplit('/').next().unwrap().to_owned();
                *all.entry(name).or_default() += 1;
            }
        }
        all
    }

    #[track_caller]
    fn until<T>(&mut self, what: &str, wanted: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = wanted(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "not so: {what}; done: {:?}\n{}", self.marks(), self.logs());
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }

    /// The last lines that each process has logged.
    fn logs(&self) -> String {
        let last = |server: &Server| {
            let log = server.log();
            let lines: Vec<&str> = log.lines().collect();
            lines[lines.len().saturating_sub(60)..].join("\n")
        };
        self.servers.iter().map(last).collect::<Vec<_>>().join("\n---\n")
    }
}

/// An id as a container of this pod could have, the same each time.
fn container_of(pod: &str) -> String {
    let number = pod.bytes().fold(7_u64, |number, byte| number.wrapping_mul(31).wrapping_add(byte.into()));
    format!("{:012x}", number & 0xffff_ffff_ffff)
}

fn server(data: &Data, cluster: &ApiServer, backends: &Backends) -> Server {
    let kubeconfig = data.path().join("kubeconfig");
    std::fs::write(&kubeconfig, cluster.kubeconfig("http", &json!({}), &json!({ "token": TOKEN }))).unwrap();
    let playbook = data.path().join("mark.yaml");
    std::fs::write(&playbook, PLAYBOOK).unwrap();
    let plugins = data.path().join("own-plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::write(plugins.join("faulty.wasm"), guest("faulty-correlator")).unwrap();
    let settings = format!(
        "[plugins]\ndirectories = [{plugins:?}]\n\
         [clusters.prod]\nkubeconfig = {kubeconfig:?}\nrespond = true\nno-images = true\n\
         [respond]\nplaybooks = [{playbook:?}]\nmode = \"act\"\nmax-pods-percent = 100\n\
         [events]\nlateness-seconds = 1\n"
    );
    Server::prepare(data, backends, &settings)
}

/// Faults of each world, and worlds of each sort: five hundred faults with `--full`, some of every kind otherwise.
fn worlds() -> u64 {
    if full() { 25 } else { 3 }
}

#[test]
fn whatever_fails_nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let seed = u64::from(std::process::id());
    let mut faults = 0;
    for number in 0..worlds() {
        println!("world {number}, seed {}", seed + number);
        let Some(mut world) = world(number, seed + number) else { continue };
        let rounds = if full() { ATTACKS } else { ATTACKS / 2 };
        for _ in 0..rounds {
            world.round();
        }
        world.check();
        faults += world.faults;
        drop(world.data.drain(..));
    }
    println!("{faults} faults");
}

/// Of five worlds, in turn: two processes over servers that write to disk at once, over a broker as it is by default, the same with one
/// process, and two that are embedded, the second on a disk of its own.
fn world(number: u64, seed: u64) -> Option<World> {
    let servers =
        |settings: &str| Some(Backends::Servers(Box::new((Postgres::start()?, Nats::start_with(settings)?))));
    match number % 5 {
        0 => Some(World::new(Backends::Embedded, 1, seed, true)),
        1 => Some(World::new(servers("sync_interval: always")?, 2, seed, false)),
        2 => Some(World::new(servers("sync_interval: 2m")?, 1, seed, false)),
        3 => Some(World::new(servers("sync_interval: 2m")?, 2, seed, false)),
        _ => Some(World::new(Backends::Embedded, 1, seed, false)),
    }
}
