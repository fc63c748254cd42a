//! `cargo xtask up`: from a fresh clone to a page with the findings of a real input.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::build::everything;
use crate::prepare;
use crate::server::Server;

/// A public image with an old distribution and an old interpreter, small enough for a first try.
const PUBLIC_IMAGE: &str = "docker.io/library/python:3.9.1-slim-buster";
/// What that image needs; `palisade advisories update` fetches the rest.
const FIRST_ECOSYSTEMS: [&str; 2] = ["Debian", "PyPI"];
const SCAN_LIMIT: Duration = Duration::from_secs(600);

/// Builds, starts, scans, prints, and serves until interrupted.
pub(crate) fn run(root: &Path, listen: &str, once: bool) -> Result<()> {
    prepare::for_building()?;
    let binary = everything(root)?;
    let data = root.join(".palisade");
    advisories(root, &binary, &data)?;
    // The checkout has packages with known vulnerabilities among its fixtures, which say nothing about this machine.
    let checkout = root.canonicalize().context("cannot resolve the path of the checkout")?;
    let mut server = Server::start(&binary, &data, listen, &[&checkout.display().to_string()])?;
    let (reference, scan) = first_scan(&server)?;
    announce(&server, &reference, &scan)?;
    if once { Ok(()) } else { server.wait() }
}

/// The public bucket where it answers, else the sample of the repository, and says which.
fn advisories(root: &Path, binary: &Path, data: &Path) -> Result<()> {
    let mut update = palisade(binary, data);
    update.args(["advisories", "update"]);
    for ecosystem in FIRST_ECOSYSTEMS {
        update.args(["--ecosystem", ecosystem]);
    }
    if update.status().context("cannot run the binary")?.success() {
        return Ok(());
    }
    println!("the public advisories cannot be reached; using the sample of the repository");
    let mut import = palisade(binary, data);
    import.args(["advisories", "import", "--sample", "--name", "built-in sample"]);
    import.arg(root.join("tests/fixtures/advisories"));
    crate::toolchain::run(&mut import)
}

fn palisade(binary: &Path, data: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("--data-dir").arg(data);
    command
}

fn first_scan(server: &Server) -> Result<(String, Value)> {
    match server.scan("image", PUBLIC_IMAGE, SCAN_LIMIT) {
        Ok(scan) => Ok((PUBLIC_IMAGE.to_owned(), scan)),
        Err(error) => {
            println!("{PUBLIC_IMAGE} cannot be scanned ({error:#}); scanning this machine instead");
            Ok(("/".to_owned(), server.scan("directory", "/", SCAN_LIMIT)?))
        }
    }
}

fn announce(server: &Server, reference: &str, scan: &Value) -> Result<()> {
    let summary = scan.get("summary").context("the scan has no summary")?;
    let number = |pointer: &str| summary.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    println!("\nscanned {reference}: {} packages, {} coverage gaps", number("/packages"), number("/gaps"));
    let severities = ["critical", "high", "medium", "low", "negligible", "unknown"];
    let counts: Vec<String> =
        severities.iter().map(|name| format!("{} {name}", number(&format!("/findings/{name}")))).collect();
    println!("findings: {}", counts.join(", "));
    let data = server.api.get("/api/v1/advisories")?;
    println!("advisories: {}", data.get("source").and_then(Value::as_str).unwrap_or("none"));
    println!(
        "\n  page:   {}\n  token:  {}\n\nCtrl-C stops it; the data stays in .palisade",
        server.url, server.token
    );
    Ok(())
}
