//! `cargo xtask bench`: figures for people, always beside a peer or a floor measured in the same run. Never a test: shared
//! machines are noisy, so what counts is the ratio.

mod admission;
mod batch;
mod cloud;
mod latency;
mod posture;
mod runtime;
mod scan;

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::build::cargo;
use crate::guests;
use crate::toolchain::run;

/// Runs one benchmark.
pub(crate) fn run_named(root: &Path, name: &str, arguments: &[&str]) -> Result<()> {
    match name {
        "scan" => scan::scan(root, arguments),
        "host" => host(root, arguments),
        "posture" => posture::posture(root),
        "admission" => admission::admission(root, arguments),
        "cloud" => cloud::cloud(root, arguments),
        "advisories" => advisories(root, arguments),
        "runtime" => runtime::runtime(root, arguments),
        _ => bail!(
            "no benchmark is named {name}; there are scan, host, posture, admission, cloud, advisories and runtime"
        ),
    }
}

fn host(root: &Path, arguments: &[&str]) -> Result<()> {
    guests::build(None)?;
    // Together with the binary that people run, so that what both need is compiled once and alike.
    run(cargo(root)
        .args(["build", "--release", "--locked", "--package", "palisade", "--package", "host"])
        .args(["--bin", "palisade", "--bin", "bench_host"]))?;
    let program = root.join("target/release/bench_host");
    run(Command::new(&program).current_dir(root).args(arguments))?;
    batch::guest_against_native(root, &program)
}

/// Over the feeds that are named, else the real records beside the checkout, else the sample.
fn advisories(root: &Path, arguments: &[&str]) -> Result<()> {
    let real = root.join("../shared/data/osv");
    let feeds = if real.exists() { real } else { root.join("tests/fixtures/advisories") };
    let feeds = feeds.display().to_string();
    let arguments = if arguments.is_empty() { &[feeds.as_str()] } else { arguments };
    println!("feeds: {}", arguments.join(" "));
    run(cargo(root)
        .args([
            "run",
            "--release",
            "--locked",
            "--package",
            "advisories",
            "--example",
            "bench-advisories",
            "--",
        ])
        .args(arguments))
}
