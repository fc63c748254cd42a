//! `cargo xtask bench runtime`: from the bytes of a sensor to an incident, part by part.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::latency;
use crate::build::cargo;
use crate::guests;
use crate::toolchain::run;

/// Rules of the measurement of Sigma, and events that they judge.
const RULES: &str = "3000";
const EVENTS: &str = "100000";
/// How often each side is measured; the best of them counts, since whatever else the machine does only slows it down.
const ROUNDS: usize = 3;

/// Runs the parts that are named, or all: `normalise [FORMAT...]`, `correlators`, `latency [EVENTS-A-SECOND [SECONDS]]`.
pub(crate) fn runtime(root: &Path, arguments: &[&str]) -> Result<()> {
    match arguments {
        [] => {
            normalise(root, &[])?;
            correlators(root)?;
            latency::latency(root, &[])
        }
        ["normalise", formats @ ..] => normalise(root, formats),
        ["correlators"] => correlators(root),
        ["latency", numbers @ ..] => latency::latency(root, numbers),
        [other, ..] => {
            bail!("bench runtime has no part {other:?}; there are normalise, correlators and latency")
        }
    }
}

/// Decoding alone, in a process of its own. Arguments are names of formats; none is all.
fn normalise(root: &Path, formats: &[&str]) -> Result<()> {
    run(cargo(root)
        .args(["run", "--release", "--locked", "--package", "ingest", "--example", "bench-runtime", "--"])
        .args(formats))
}

/// The same events judged by the same code twice: in the sandbox, as the service runs it, and compiled natively.
fn correlators(root: &Path) -> Result<()> {
    guests::build(None)?;
    // Together with the binary that people run, so that what both need is compiled once and alike.
    run(cargo(root)
        .args(["build", "--release", "--locked", "--package", "palisade", "--package", "engine"])
        .args(["--bin", "palisade", "--example", "correlate_rate"]))?;
    let (few, many) = (root.join("target/bench-sigma-none"), root.join("target/bench-sigma"));
    // Few rules for the events alone; the counters have no rules at all and only take them in.
    let sigma = |folder: &Path, rules: &str| {
        native(root, "plugins", "sigma", &["--write", &text(folder), rules, EVENTS])
    };
    sigma(&few, "0")?;
    println!(
        "asked: 300,000 events/s per core, within 30 % of native; 3,000 Sigma rules at 20,000 events/s per core"
    );
    let counters = || native(root, "tests/guests", "stateful-correlator", &[&text(&few)]);
    compare("a correlator that counts", best(counters)?, best(|| guest(root, "stateful-correlator", &few))?);
    let judged = best(|| sigma(&many, RULES))?;
    compare(&format!("Sigma, {RULES} rules and the packs"), judged, best(|| guest(root, "sigma", &many))?);
    Ok(())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// What a program says of itself.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: f64,
    detections: f64,
}

fn best(measure: impl Fn() -> Result<Rate>) -> Result<Rate> {
    let rates: Vec<Rate> = (0..ROUNDS).map(|_| measure()).collect::<Result<_>>()?;
    rates.into_iter().max_by(|a, b| a.per_second.total_cmp(&b.per_second)).context("nothing was measured")
}

fn compare(what: &str, native: Rate, guest: Rate) {
    println!(
        "{what}: sandbox {:.0} events/s ({:.0} detections), native {:.0} events/s ({:.0} detections), ratio {:.2}",
        guest.per_second,
        guest.detections,
        native.per_second,
        native.detections,
        native.per_second / guest.per_second
    );
}

fn guest(root: &Path, name: &str, folder: &Path) -> Result<Rate> {
    let component = root.join("target/guests").join(format!("{name}.wasm"));
    measured(Command::new(root.join("target/release/examples/correlate_rate")).arg(component).arg(folder))
}

fn native(root: &Path, workspace: &str, package: &str, arguments: &[&str]) -> Result<Rate> {
    let folder: PathBuf = root.join(workspace);
    measured(
        cargo(root)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", root.join("target/guest-native"))
            .args(["run", "--release", "--locked", "--quiet", "--package", package])
            .args(["--example", "events", "--"])
            .args(arguments),
    )
}

fn measured(command: &mut Command) -> Result<Rate> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot run a benchmark program")?;
    ensure!(output.status.success(), "a benchmark program failed: {}", output.status);
    let report: Value = serde_json::from_slice(&output.stdout)
        .context("a benchmark program printed something else than figures")?;
    let figure =
        |key: &str| report.get(key).and_then(Value::as_f64).with_context(|| format!("no {key} in {report}"));
    ensure!(figure("problems")? == 0.0, "events could not be judged: {report}");
    Ok(Rate { per_second: figure("events")? / figure("seconds")?, detections: figure("detections")? })
}
