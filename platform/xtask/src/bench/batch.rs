//! What the sandbox costs: the same plugin over the same batch of files, as a guest and compiled natively, in one run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
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
    dpkg_status(root, host)
}

/// One large database: the whole call, and the guest's code by itself. For that the same paragraphs are read, but of removed
/// packages, so that no record is handed over; and what handing the file in costs is measured by a call that looks at nothing of it.
fn dpkg_status(root: &Path, host: &Path) -> Result<()> {
    let status = debian(LARGE_STATUS);
    let gone = status.replace("install ok installed", "deinstall ok config-files");
    let folder = |name: &str, interest: &str, text: &str| -> Result<PathBuf> {
        let folder = root.join("target").join(name);
        write_files(&folder, vec![("var/lib/dpkg/status".to_owned(), interest, text.as_bytes().to_vec())])?;
        Ok(folder)
    };
    let installed = folder("bench-dpkg", "dpkg-status", &status)?;
    compare(root, host, &installed, "packages of one dpkg status file of 5 MiB, handed over as records")?;
    let unread = folder("bench-dpkg-unread", "", &gone)?;
    let gone = folder("bench-dpkg-gone", "dpkg-status", &gone)?;
    let (call, native) = (guest(root, host, &gone)?, natively(root, &gone)?);
    let crossing = guest(root, host, &unread)?;
    let code = call.milliseconds - crossing.milliseconds;
    println!(
        "image-packages, parse of the same file without records: call {:.2} ms, of which handing it in {:.2} ms; guest code {code:.2} ms, \
         native {:.2} ms, ratio {:.2}",
        call.milliseconds,
        crossing.milliseconds,
        native.milliseconds,
        code / native.milliseconds
    );
    Ok(())
}

/// What a benchmark program measured.
struct Figures {
    milliseconds: f64,
    packages: f64,
}

fn guest(root: &Path, host: &Path, folder: &Path) -> Result<Figures> {
    let component = root.join("target/guests/image-packages.wasm");
    measured(Command::new(host).arg(component).arg("--batch").arg(folder))
}

fn natively(root: &Path, folder: &Path) -> Result<Figures> {
    measured(
        cargo(root)
            .current_dir(root.join("plugins"))
            .env("CARGO_TARGET_DIR", root.join("target/guest-native"))
            .args(["run", "--release", "--locked", "--quiet", "--package", "image-packages"])
            .args(["--example", "bench_batch", "--"])
            .arg(folder),
    )
}

fn compare(root: &Path, host: &Path, folder: &Path, what: &str) -> Result<()> {
    let (guest, native) = (guest(root, host, folder)?, natively(root, folder)?);
    ensure!(
        (guest.packages - native.packages).abs() < 0.5,
        "guest and native found different things: {} and {} packages",
        guest.packages,
        native.packages
    );
    println!(
        "image-packages, {} {what}: guest {:.2} ms, native {:.2} ms, ratio {:.2}",
        guest.packages,
        guest.milliseconds,
        native.milliseconds,
        guest.milliseconds / native.milliseconds
    );
    Ok(())
}

fn measured(command: &mut Command) -> Result<Figures> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot run a benchmark program")?;
    ensure!(output.status.success(), "a benchmark program failed: {}", output.status);
    let report: Value = serde_json::from_slice(&output.stdout)
        .context("a benchmark program printed something else than figures")?;
    let figure =
        |key: &str| report.get(key).and_then(Value::as_f64).with_context(|| format!("no {key} in {report}"));
    Ok(Figures { milliseconds: figure("median_ms")?, packages: figure("packages")? })
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
