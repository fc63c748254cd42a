//! `kill -9` at random points while scans run: what was accepted finishes exactly once, with the same findings.
//!
//! The ledger is kept outside the process under test: which submissions it acknowledged.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Api, Backends, Data, Server, full};

/// Rounds and scans in all; the campaign of the issue with `--full`, a short one otherwise.
fn size() -> (usize, usize) {
    if full() { (20, 200) } else { (5, 60) }
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

/// A small generator of our own, so that a failed run can be repeated: the seed is printed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn accepted_scans_finish_exactly_once_whatever_is_killed() {
    for backends in [Some(Backends::Embedded), Backends::servers()].into_iter().flatten() {
        campaign(&backends);
    }
}

fn campaign(backends: &Backends) {
    let (rounds, scans) = size();
    let seed = std::process::id().into();
    println!("kill -9: {rounds} rounds, {scans} scans, seed {seed}");
    let mut random = Random(seed);
    let directory = tempfile::tempdir().unwrap();
    let roots = make_roots(directory.path(), scans);
    let data = Data::with_sample();
    let mut server = Server::prepare(&data, backends, "");
    let mut ledger: BTreeMap<String, String> = BTreeMap::new();
    let per_round = scans.div_ceil(rounds);
    for chunk in roots.chunks(per_round) {
        server.start();
        let deadline = Instant::now() + Duration::from_millis(50 + random.below(1500));
        for root in chunk {
            accept(server.api(), root, &mut ledger);
        }
        // The random point: somewhere in the work that the submissions have caused.
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
    assert_eq!(ledger.len(), scans);
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
