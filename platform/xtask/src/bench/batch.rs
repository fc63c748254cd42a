//! What the sandbox costs: the same plugin over the same batch of files, as a guest and compiled natively, in one run.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::build::cargo;

/// Files of the kinds that most images are full of; with the rest, one batch as the engine cuts them.
const NODE_PACKAGES: usize = 400;
const PYTHON_PACKAGES: usize = 100;
const DEBIAN_PACKAGES: usize = 400;
/// Packages of a status file of 5 MiB.
const LARGE_STATUS: usize = 13_000;

/// Prints both times and their ratio. `host` is the compiled `bench_host`.
pub(crate) fn guest_against_native(root: &Path, host: &Path) -> Result<()> {
    let mixed = root.join("target/bench-batch");
    write_batch(root, &mixed)?;
    compare(root, host, &mixed, "packages of all sorts in one batch")?;
    let dpkg = root.join("target/bench-dpkg");
    write_files(
        &dpkg,
        vec![("var/lib/dpkg/status".to_owned(), "dpkg-status", debian(LARGE_STATUS).into_bytes())],
    )?;
    compare(root, host, &dpkg, "packages of one dpkg status file of 5 MiB")
}

fn compare(root: &Path, host: &Path, folder: &Path, what: &str) -> Result<()> {
    let component = root.join("target/guests/image-packages.wasm");
    let guest = measured(Command::new(host).arg(component).arg("--batch").arg(folder))?;
    let native = measured(
        cargo(root)
            .current_dir(root.join("plugins"))
            .env("CARGO_TARGET_DIR", root.join("target/guest-native"))
            .args(["run", "--release", "--locked", "--quiet", "--package", "image-packages"])
            .args(["--example", "bench_batch", "--"])
            .arg(folder),
    )?;
    let figure = |report: &Value, key: &str| {
        report.get(key).and_then(Value::as_f64).with_context(|| format!("no {key} in {report}"))
    };
    let (guest_ms, native_ms) = (figure(&guest, "median_ms")?, figure(&native, "median_ms")?);
    let packages = figure(&guest, "packages")?;
    ensure!(
        (packages - figure(&native, "packages")?).abs() < 0.5,
        "guest and native found different things: {guest} and {native}"
    );
    println!(
        "image-packages, {packages} {what}: guest {guest_ms:.2} ms, native {native_ms:.2} ms, \
         ratio {:.2}",
        guest_ms / native_ms
    );
    Ok(())
}

fn measured(command: &mut Command) -> Result<Value> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot run a benchmark program")?;
    ensure!(output.status.success(), "a benchmark program failed: {}", output.status);
    serde_json::from_slice(&output.stdout).context("a benchmark program printed something else than figures")
}

/// Writes the files, and `batch.json` with the path in the image, the interests and the file of each.
fn write_batch(root: &Path, folder: &Path) -> Result<()> {
    let jar = root.join("tests/fixtures/rootfs/srv/api/app.jar");
    let jar = std::fs::read(&jar).with_context(|| format!("cannot read {}", jar.display()))?;
    let mut files = vec![
        ("var/lib/dpkg/status".to_owned(), "dpkg-status", debian(DEBIAN_PACKAGES).into_bytes()),
        ("srv/api/app.jar".to_owned(), "java-archive", jar),
    ];
    files.extend((0..NODE_PACKAGES).map(|number| {
        let text = json!({
            "name": format!("package-{number}"), "version": format!("1.{number}.0"), "license": "MIT",
            "description": "words ".repeat(20), "scripts": { "test": "node test.js" },
            "dependencies": { "left": "^1.0.0", "right": "^2.0.0" }, "files": ["lib", "index.js"],
        });
        let path = format!("srv/app/node_modules/package-{number}/package.json");
        (path, "node-manifest", text.to_string().into_bytes())
    }));
    files.extend((0..PYTHON_PACKAGES).map(|number| {
        let path = format!("usr/lib/python3/site-packages/p{number}-1.0.dist-info/METADATA");
        let text =
            format!("Metadata-Version: 2.1\nName: p{number}\nVersion: 1.{number}\n\n{}", "text ".repeat(400));
        (path, "python-metadata", text.into_bytes())
    }));
    write_files(folder, files)
}

fn write_files(folder: &Path, files: Vec<(String, &str, Vec<u8>)>) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut list = Vec::new();
    for (number, (path, interest, bytes)) in files.into_iter().enumerate() {
        let name = number.to_string();
        std::fs::write(folder.join(&name), bytes)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        list.push(json!({ "path": path, "interests": [interest], "file": name }));
    }
    let list = Value::Array(list).to_string();
    std::fs::write(folder.join("batch.json"), list)
        .with_context(|| format!("cannot write into {}", folder.display()))
}

fn debian(packages: usize) -> String {
    (0..packages).fold(String::new(), |mut text, number| {
        let _ = write!(
            text,
            "Package: lib{number}\nStatus: install ok installed\nSource: source{number} (1.{number}-1)\n\
             Architecture: amd64\nVersion: 1.{number}-1+b1\nDescription: words\n {}\n\n",
            "words ".repeat(40)
        );
        text
    })
}
