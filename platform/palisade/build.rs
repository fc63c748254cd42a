//! Puts the first-party plugins into the binary, where `cargo xtask guests` has built them. A binary without them compiles too, so that
//! the crate can be checked alone; it says what is missing when it is asked to scan.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const PLUGINS: [&str; 17] = [
    "image-packages",
    "kube-posture",
    "compliance-frameworks",
    "cloud-posture",
    "cloud-aws",
    "dockerfile-posture",
    "user-policies",
    "sigma",
    "falco-rules",
    "baseline",
    "attack-chain",
    "redmine",
    "jira",
    "github",
    "gitlab",
    "servicenow",
    "slack",
];

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let output = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let guests = manifest.join("../../target/guests");
    for name in PLUGINS {
        let built = guests.join(format!("{name}.wasm"));
        println!("cargo::rerun-if-changed={}", built.display());
        let bytes = if Path::new(&built).exists() { fs::read(&built)? } else { Vec::new() };
        fs::write(output.join(format!("{name}.wasm")), bytes)?;
    }
    Ok(())
}
