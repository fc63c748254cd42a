//! `cargo xtask fuzz`: searches for bytes that break a parser's promise; see `tests/fuzz/README.md`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::toolchain::run;

/// Seconds for each target unless told.
pub(crate) const SECONDS: u32 = 60;

/// Bytes of an input. Larger ones find nothing more and take their time.
const INPUT_BYTES_MAX: u32 = 64 << 10;

/// Fuzzes one target, or each in turn. What is found stays under `target/fuzz`, beside what was learned on the way.
pub(crate) fn targets(root: &Path, only: Option<&str>, seconds: u32) -> Result<()> {
    let all = names(root)?;
    if let Some(only) = only
        && !all.iter().any(|name| name == only)
    {
        bail!("no target is called {only}; there are {}", all.join(", "));
    }
    let present =
        Command::new("cargo-fuzz").arg("--version").output().is_ok_and(|output| output.status.success());
    if !present {
        bail!("cargo-fuzz is missing; nothing was done. Run: cargo install cargo-fuzz");
    }
    for name in all.iter().filter(|name| only.is_none_or(|only| only == name.as_str())) {
        println!("\n=== {name}: {seconds} s");
        target(root, name, seconds)?;
    }
    Ok(())
}

/// A target has a folder of seeds by its name.
fn names(root: &Path) -> Result<Vec<String>> {
    let corpus = root.join("tests/fuzz/corpus");
    let entries = std::fs::read_dir(&corpus).with_context(|| format!("cannot read {}", corpus.display()))?;
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn target(root: &Path, name: &str, seconds: u32) -> Result<()> {
    let folder = |part: &str| {
        let folder = root.join("target/fuzz").join(part).join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok::<_, anyhow::Error>(folder)
    };
    // The first corpus is the one that is written to, so the seeds stay as they are.
    let (learned, found) = (folder("corpus")?, folder("found")?);
    let mut fuzz = Command::new("cargo-fuzz");
    fuzz.current_dir(root)
        // A sanitizer is a nightly option, and the pinned compiler has it all the same.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", root.join("target/fuzz"))
        .args(["fuzz", "run", "--fuzz-dir", "tests/fuzz", "--features", "libfuzzer", name])
        .arg(learned)
        .arg(root.join("tests/fuzz/corpus").join(name))
        .args(["--", "-timeout=10", "-rss_limit_mb=1024"])
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()));
    run(&mut fuzz)
}
