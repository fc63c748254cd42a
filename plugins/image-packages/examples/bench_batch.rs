//! Measures the plugin compiled natively over the files that `DIR/batch.json` lists: the other half of `cargo xtask bench host`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for developers, which may stop at anything odd"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use image_packages::ImagePackages;
use palisade_sdk::{Body, InputFile, analyze};
use serde_json::{Value, json};

const RUNS: usize = 101;

fn main() {
    let folder = std::env::args().nth(1).expect("usage: bench_batch DIRECTORY");
    let folder = Path::new(&folder);
    let list = std::fs::read(folder.join("batch.json")).expect("the list of files");
    let list: Vec<Value> = serde_json::from_slice(&list).expect("a JSON array");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let files: Vec<(String, Vec<String>, Vec<u8>)> = list
        .iter()
        .map(|entry| {
            let bytes = std::fs::read(folder.join(text(&entry["file"]))).expect("a file of the list");
            let interests = entry["interests"].as_array().expect("interests").iter().map(text).collect();
            (text(&entry["path"]), interests, bytes)
        })
        .collect();
    let (mut times, mut packages): (Vec<Duration>, usize) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let input = |(path, interests, bytes): &(String, Vec<String>, Vec<u8>)| InputFile {
            path: path.clone(),
            size: bytes.len() as u64,
            interests: interests.clone(),
            body: Body::Whole(bytes.clone()),
        };
        let files: Vec<InputFile> = files.iter().map(input).collect();
        let began = Instant::now();
        let found = analyze::<ImagePackages>("{}", &files).expect("the plugin has no settings");
        times.push(began.elapsed());
        packages = found.packages.len();
    }
    times.sort_unstable();
    println!("{}", json!({ "median_ms": times[RUNS / 2].as_secs_f64() * 1e3, "packages": packages }));
}
