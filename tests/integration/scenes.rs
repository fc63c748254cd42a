//! What the product is for: twelve attacks among thousands of alerts that mean nothing, and each of them told as one incident.

mod noise;
mod said;
mod story;
mod verdict;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::said::{Sensor, Sent, after};
use self::story::{Scanned, Scene};
use self::verdict::Verdict;
use self::world::{CLUSTER, World};
use crate::support::layout::{Layout, Tar};
use crate::support::{Api, Backends, Data, Server, fixture, full};

/// What the test may take at most.
const PATIENCE: Duration = Duration::from_secs(240);
/// How late an event may come, in seconds.
const LATENESS: u64 = 150;
/// How long it all takes, and after how many seconds each attack begins.
const LASTS: u64 = 490;
const EVERY: u64 = 35;
/// Seconds of which a sensor sends its events at once; far less than what may come late.
const TOGETHER: i64 = 30;
/// The attack on the workload whose image has a vulnerability that is known to be exploited.
const EXPLOITED: usize = 7;
/// Incidents that have to tell what is wrong with the image: those of workloads of which something else than the attack is wrong too.
const WITH_IMAGES: usize = 6;
/// Most events of one request.
const BATCH: usize = 400;

/// The published day is 33,000 alerts. The ordinary run has a tenth of it, in a tenth of the workloads.
fn sizes() -> (u32, usize) {
    if full() { (33_000, 400) } else { (3_300, 40) }
}

/// A running service.
fn started(data: &Data) -> Server {
    let mut server =
        Server::prepare(data, &Backends::Embedded, &format!("[events]\nlateness-seconds = {LATENESS}\n"));
    server.start();
    server
}

/// The images of what is attacked, scanned: each has a vulnerable package, and that of the exploited workload a library whose vulnerability is known
/// to be exploited.
fn scanned(server: &Server, scenes: &[Scene]) -> Scanned {
    let workloads = scenes.iter().flat_map(|scene| scene.workloads.iter().map(move |one| (scene, one)));
    let images = workloads.map(|(scene, workload)| {
        let mut tar = Tar::default().vulnerable_package().file("srv/name", &workload.image);
        if scene.number == EXPLOITED {
            let jar = std::fs::read(fixture("rootfs").join("srv/api/app.jar")).unwrap();
            tar = tar.file("srv/api/app.jar", jar);
        }
        let scan = server.api().scan("image", &Layout::plain(&tar.end()).reference());
        assert_eq!(scan["state"], "finished", "{scan}");
        (workload.image.clone(), scan["asset"].as_str().unwrap().to_owned())
    });
    images.collect()
}

/// Has the service see the cluster; a client for each sensor.
fn prepared(world: &World, data: &Data, server: &Server) -> BTreeMap<Sensor, Api> {
    let folder = data.path().join("objects");
    std::fs::create_dir(&folder).unwrap();
    for (name, list) in world.lists() {
        std::fs::write(folder.join(format!("{name}.json")), list.to_string()).unwrap();
    }
    let scan = server.api().scan("cluster", &folder.canonicalize().unwrap().display().to_string());
    assert_eq!(scan["state"], "finished", "{scan}");
    assert_eq!(scan["asset"], format!("k8s:{CLUSTER}"), "{scan}");
    let client = |sensor: Sensor| {
        let (name, format) = sensor.words();
        let wanted = json!({ "name": name, "format": format, "cluster": CLUSTER });
        let made = server.api().post("/api/v1/runtime/sources", &wanted);
        assert_eq!(made.status, 201, "{}", made.body);
        (sensor, server.api().with_token(made.body["token"].as_str().unwrap()))
    };
    Sensor::ALL.into_iter().map(client).collect()
}

/// Sends events as sensors do, each its own of a time together: what comes is up to `TOGETHER` later than what came before it.
fn send(clients: &BTreeMap<Sensor, Api>, mut events: Vec<Sent>) {
    events.sort_by_key(|event| event.time);
    let Some(first) = events.first().map(|event| event.time) else { return };
    let mut times: BTreeMap<(i64, Sensor), Vec<&Value>> = BTreeMap::new();
    for event in &events {
        let time = event.time.duration_since(first).as_secs() / TOGETHER;
        times.entry((time, event.sensor)).or_default().push(&event.body);
    }
    for ((_, sensor), bodies) in &times {
        for part in bodies.chunks(BATCH) {
            let path = format!("/api/v1/ingest/{}", sensor.words().0);
            let told = clients[sensor].post(&path, &sensor.body(part));
            assert_eq!((told.status, &told.body["events"]), (200, &json!(part.len())), "{}", told.body);
        }
    }
}

/// Waits until what was sent before the mark has been judged in its order.
fn judged(server: &Server) {
    let deadline = Instant::now() + PATIENCE;
    let path = "/api/v1/runtime/detections?rule=palisade.sigma/k8s-many-requests-forbidden&limit=200";
    loop {
        let page = server.api().get(path);
        let is_mark = |one: &Value| one["key"].as_str().is_some_and(|key| key.contains("mark:mark"));
        if page["items"].as_array().unwrap().iter().any(is_mark) {
            return;
        }
        assert!(Instant::now() < deadline, "not judged in time: {page:#}\n{}", server.log());
        std::thread::yield_now();
    }
}

/// Everything that happens, and of which attack each event is.
fn everything(
    scenes: &[Scene],
    world: &World,
    alerts: u32,
    start: Timestamp,
) -> (Vec<Sent>, BTreeMap<String, usize>) {
    let mut all = noise::alerts(alerts, world, start, LASTS);
    all.extend(noise::life(world, start, LASTS));
    let mut attacks = BTreeMap::new();
    for (place, scene) in (0..).zip(scenes) {
        let events = said::scene(scene, world, after(start, place * EVERY * 1_000));
        attacks.extend(events.iter().map(|event| (event.id.clone(), scene.number)));
        all.extend(events);
    }
    all.extend(noise::mark(after(start, (LASTS + 55) * 1_000)));
    (all, attacks)
}

#[test]
fn twelve_attacks_among_the_noise_are_one_incident_each() {
    let scenes = story::scenes();
    assert_eq!(scenes.len(), 12);
    let (alerts, benign) = sizes();
    let data = Data::with_sample();
    let server = started(&data);
    let world = World::new(&scenes, benign, scanned(&server, &scenes));
    let clients = prepared(&world, &data, &server);
    let now = Timestamp::now();
    let start = now - SignedDuration::from_secs(i64::try_from(LATENESS + LASTS + 60).unwrap());
    let (events, attacks) = everything(&scenes, &world, alerts, start);
    let raw = events.iter().filter(|event| event.sensor == Sensor::Falco).count();
    let began = Instant::now();
    send(&clients, events);
    // Each source has come to the present, and so the past is complete.
    send(&clients, noise::present(&world, now));
    judged(&server);
    println!("{raw} alerts judged in {:?}", began.elapsed());
    let verdict = Verdict::of(server.api(), &attacks);
    for ((rule, title), (of_attacks, all)) in verdict.precision() {
        println!("{of_attacks:>6} of {all:>6}  {rule} {title}");
    }
    let wrong: Vec<String> = scenes.iter().filter_map(|scene| verdict.wrong(scene)).collect();
    for scene in &scenes {
        println!("{} {}: {} detections", scene.number, scene.title, verdict.of_attack(scene.number).count());
    }
    println!("{} incidents of {raw} alerts", verdict.incidents.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let with_images =
        scenes.iter().filter(|scene| verdict.knows_the_image(server.api(), scene.number)).count();
    println!("{with_images} incidents tell what is wrong with the image");
    assert!(with_images >= WITH_IMAGES, "{with_images} incidents tell what is wrong with the image");
    let rules: Vec<&str> = verdict.of_incident(EXPLOITED).collect();
    assert!(rules.contains(&"palisade.attack-chain/exposed-and-exploitable"), "{rules:?}");
    assert!(
        verdict.incidents.len() * 50 <= raw,
        "{} incidents are more than 2 % of {raw} alerts",
        verdict.incidents.len()
    );
}
