//! `cargo xtask test`: everything that must be true before a change lands, cheapest first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::build::{cargo, npm, npm_install, page};
use crate::identity::{Provider, free_port};
use crate::server::Server;
use crate::toolchain::run;
use crate::{api, check, guests, helm, prepare};

/// Runs every step and stops at the first that fails. `full` adds the images that take minutes to make.
pub(crate) fn all(root: &Path, full: bool) -> Result<()> {
    step("prepare", || prepare::for_testing(root))?;
    step("format", || format(root))?;
    step("checks", || check::run(root))?;
    step("guests", || guests::build(None))?;
    step("guests: formats, lints, unit tests", || other_workspaces(root))?;
    step("page: lint, types, unit tests, build, budget", || page_tests(root))?;
    step("lints", || lints(root))?;
    step("unit and integration tests", || tests(root, full))?;
    step("chart", || helm::run_all(root, false))?;
    step("API against its document", || api::run_all(root, full))?;
    step("browser", || browser(root))?;
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n=== {name}");
    let began = Instant::now();
    work().with_context(|| format!("step {name:?} failed"))?;
    println!("=== {name}: {:.0} s", began.elapsed().as_secs_f32());
    Ok(())
}

fn format(root: &Path) -> Result<()> {
    run(cargo(root).args(["fmt", "--all", "--check"]))
}

fn lints(root: &Path) -> Result<()> {
    run(cargo(root).args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Guests are compiled for the sandbox by another compiler; their pure parts are tested natively by this one.
fn other_workspaces(root: &Path) -> Result<()> {
    for folder in ["plugins", "tests/guests"] {
        let workspace = root.join(folder);
        let cargo = || {
            let mut command = cargo(root);
            command.current_dir(&workspace).env("CARGO_TARGET_DIR", root.join("target/guest-native"));
            command
        };
        run(cargo().args(["fmt", "--all", "--check"]))?;
        if folder == "tests/guests" {
            // The hostile guests are nothing without a sandbox around them; one guest has pure parts.
            run(cargo().args(["test", "--locked", "--package", "stateful-correlator", "--quiet"]))?;
            continue;
        }
        run(cargo().args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
        run(cargo().args(["test", "--locked", "--workspace", "--quiet"]))?;
    }
    Ok(())
}

fn page_tests(root: &Path) -> Result<()> {
    let ui = root.join("ui");
    npm_install(&ui)?;
    for script in ["lint", "typecheck", "test"] {
        npm(&ui, &["run", script])?;
    }
    page(root)?;
    npm(&ui, &["run", "budget"])
}

/// The binary as `cargo test` of the whole workspace leaves it. Building it by itself would compile half of the dependencies
/// again, with fewer features.
pub(crate) fn tested_binary(root: &Path) -> PathBuf {
    root.join("target/debug/palisade")
}

fn tests(root: &Path, full: bool) -> Result<()> {
    let mut command = cargo(root);
    command.args(["test", "--locked", "--workspace"]);
    command.env("PALISADE_BINARY", tested_binary(root));
    command.env("PALISADE_NATS_SERVER", root.join("target/tools/nats-server"));
    command.env("PALISADE_GUESTS", root.join("target/guests"));
    command.env("PALISADE_NODE_MODULES", root.join("target/tools/author-node/node_modules"));
    command.env("PALISADE_COMPONENTIZE_PY", root.join("target/tools/author-python"));
    command.env("PALISADE_MOTO", root.join("target/tools/moto"));
    if let Some(helm) = helm::program(root)? {
        command.env("PALISADE_HELM", helm);
    }
    if full {
        command.env("PALISADE_TEST_FULL", "1");
    }
    run(&mut command)
}

/// The page in a real browser, against a real server with the sample advisories and scans of this repository's fixture root,
/// cluster and account.
fn browser(root: &Path) -> Result<()> {
    let binary = tested_binary(root);
    let folder = root.join("tests/browser");
    npm_install(&folder)?;
    let data = root.join("target/browser-test");
    if data.exists() {
        std::fs::remove_dir_all(&data).with_context(|| format!("cannot clear {}", data.display()))?;
    }
    let mut import = Command::new(&binary);
    import.arg("--data-dir").arg(&data).args([
        "advisories",
        "import",
        "--sample",
        "--name",
        "built-in sample",
    ]);
    run(import.arg(root.join("tests/fixtures/advisories")))?;
    let port = free_port()?;
    let provider = Provider::start(&folder, port)?;
    let more = provider.sign_in(&data, port)?;
    let server = Server::start_with(&binary, &data, &format!("127.0.0.1:{port}"), &[], &more)?;
    let rootfs = root.join("tests/fixtures/rootfs");
    server.scan("directory", &rootfs.display().to_string(), Duration::from_secs(120))?;
    let cluster = root.join("tests/fixtures/cluster");
    server.scan("cluster", &cluster.display().to_string(), Duration::from_secs(120))?;
    let account = root.join("tests/fixtures/account/acme.json");
    server.scan("account", &account.display().to_string(), Duration::from_secs(120))?;
    let shots = root.join("target/screenshots");
    let mut node = Command::new("node");
    node.current_dir(&folder)
        .args(["run.mjs", "--base", &server.url, "--token", &server.token, "--out"])
        .arg(shots);
    run(&mut node)
}
