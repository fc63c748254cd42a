//! Judges resources in files of JSON lines, `{"kind", "asset", "body"}` each, and prints every failure and every check that could not be
//! done: `cargo run --example judge FILE...`. Ages are counted at the time after `--now`, in seconds since 1970 in UTC.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for developers, which may stop at anything odd"
)]

use cloud_posture::CloudPosture;
use palisade_sdk::testing::Fakes;
use palisade_sdk::{CheckStatus, Resource, check};
use serde_json::Value;

fn main() {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let now = files.iter().position(|word| word == "--now").map_or(0, |place| {
        files.remove(place);
        files.remove(place).parse::<u64>().expect("seconds")
    });
    let mut resources = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a file");
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let one: Value = serde_json::from_str(line).expect("a line of JSON");
            let word = |key: &str| one[key].as_str().expect("a text").to_owned();
            resources.push(Resource::new(word("asset"), word("kind"), &one["body"]));
        }
    }
    let _installed = Fakes::new().now(now * 1_000_000_000).install();
    let assessment = check::<CloudPosture>("{}", &resources).expect("an assessment");
    for result in assessment.results.iter().filter(|result| result.status != CheckStatus::Pass) {
        let asset = &resources[result.item as usize].asset;
        println!(
            "{asset} {} {:?} {:?} {:?}: {}",
            result.rule, result.status, result.severity, result.location, result.message
        );
    }
    for problem in &assessment.problems {
        println!("{} problem: {}", resources[problem.item as usize].asset, problem.message);
    }
}
