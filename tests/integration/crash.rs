//! `kill -9` at random points while scans run: what was accepted finishes exactly once, with the same findings.
//!
//! The ledger is kept outside the process under test: which submissions it acknowledged.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::web::{Reply, Web};
use crate::support::{Api, Backends, Data, Random, Server, full};

/// Rounds, and scans in each; a long campaign with `--full`, a short one otherwise.
fn size() -> (usize, usize) {
    if full() { (20, 200) } else { (5, 12) }
}

/// Root directories with different packages, so that each scan has an asset and findings of its own.
fn make_roots(parent: &Path, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| {
            let root = parent.join(format!("root-{number}"));
            let package = root.join("srv/node_modules/lodash/package.json");
            std::fs::create_dir_all(package.parent().unwrap()).unwrap();
            let text = format!("{{\"name\":\"lodash\",\"version\":\"4.17.{}\"}}", number % 20);
            std::fs::write(package, text).unwrap();
            root.canonicalize().unwrap().display().to_string()
        })
        .collect()
}

#[test]
fn accepted_scans_finish_exactly_once_whatever_is_killed() {
    for backends in [Some(Backends::Embedded), Backends::servers()].into_iter().flatten() {
        campaign(&backends);
    }
}

/// A registry that never answers keeps the scan under way for as long as each process lives.
#[test]
fn a_scan_that_takes_the_process_down_each_time_is_given_up_and_says_so() {
    let registry = Web::start(|_| Reply::Silence);
    let data = Data::with_sample();
    let extra = format!("[egress]\nallow = [{:?}]\nsilence-seconds = 600\n", registry.address);
    let mut server = Server::prepare(&data, &Backends::Embedded, &extra);
    server.start();
    let reference = format!("{}/app:1", registry.address);
    let accepted = server.api().submit("image", &reference, "doomed").unwrap().body;
    for attempt in 1..=5 {
        let deadline = Instant::now() + Duration::from_secs(60);
        while registry.asked().len() < attempt {
            assert!(Instant::now() < deadline, "attempt {attempt} did not begin: {}", server.log());
            std::thread::yield_now();
        }
        server.kill();
        server.start();
    }
    let scan = server.api().follow(accepted["id"].as_str().unwrap());
    assert_eq!(
        (&scan["state"], &scan["error"]["code"]),
        (&"failed".into(), &"scan-abandoned".into()),
        "{scan}"
    );
    assert_eq!(registry.asked().len(), 5);
}

fn campaign(backends: &Backends) {
    let (rounds, scans) = size();
    let seed = std::process::id().into();
    println!("kill -9: {rounds} rounds, {scans} scans in each, seed {seed}");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let roots = make_roots(directory.path(), rounds * scans);
    let data = Data::with_sample();
    let mut server = Server::prepare(&data, backends, "");
    let mut ledger: BTreeMap<String, String> = BTreeMap::new();
    for chunk in roots.chunks(scans) {
        server.start();
        // The random point: in the middle of the submissions, or in the work that they have caused.
        let submitted = match random.below(2) {
            0 => random.below(chunk.len() as u64) as usize,
            _ => chunk.len(),
        };
        for root in &chunk[..submitted] {
            accept(server.api(), root, &mut ledger);
        }
        let deadline = Instant::now() + Duration::from_millis(random.below(1500));
        while Instant::now() < deadline {
            std::thread::yield_now();
        }
        server.kill();
    }
    server.start();
    // A submission that was never acknowledged may or may not have been accepted: the key makes asking again safe.
    for root in &roots {
        accept(server.api(), root, &mut ledger);
    }
    assert_eq!(ledger.len(), roots.len());
    for (root, id) in &ledger {
        let scan = server.api().follow(id);
        assert_eq!(scan["state"], "finished", "{root}: {scan}\n{}", server.log());
    }
    each_finding_once(server.api(), &roots);
}

fn accept(api: &Api, root: &str, ledger: &mut BTreeMap<String, String>) {
    if let Ok(answer) = api.submit("directory", root, root) {
        assert_eq!(answer.status, 202, "{}", answer.body);
        let id = answer.body["id"].as_str().unwrap().to_owned();
        let known = ledger.insert(root.to_owned(), id.clone());
        assert!(known.is_none_or(|known| known == id), "one key, two scans: {root}");
    }
}

/// Every asset has the findings of its package, opened once, never fixed or reopened; every asset was scanned once.
fn each_finding_once(api: &Api, roots: &[String]) {
    let scans = api.all("/api/v1/scans");
    assert_eq!(scans.len(), roots.len(), "a scan was doubled or lost");
    let mut by_asset: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in api.all("/api/v1/findings") {
        by_asset.entry(row["asset"]["name"].as_str().unwrap().to_owned()).or_default().push(row);
    }
    let mut by_version: BTreeMap<String, usize> = BTreeMap::new();
    for (asset, rows) in &by_asset {
        let version = rows[0]["package"]["version"].as_str().unwrap().to_owned();
        let count = *by_version.entry(version).or_insert(rows.len());
        assert_eq!(rows.len(), count, "{asset} has other findings than its equals");
        let detail = api.get(&format!("/api/v1/findings/{}", rows[0]["fingerprint"].as_str().unwrap()));
        assert_eq!(detail["history"].as_array().unwrap().len(), 1, "{asset}: {}", detail["history"]);
    }
    assert_eq!(by_asset.len(), roots.len());
    let summaries: u64 = scans.iter().map(|scan| scan["summary"]["opened"].as_u64().unwrap()).sum();
    let findings: usize = by_asset.values().map(Vec::len).sum();
    assert_eq!(summaries, findings as u64, "a result was counted twice");
}
