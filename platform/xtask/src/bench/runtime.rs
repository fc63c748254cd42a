//! `cargo xtask bench runtime`: from the bytes of a sensor to an incident, part by part.

use std::path::Path;

use anyhow::Result;

use crate::build::cargo;
use crate::toolchain::run;

/// Runs every part.
pub(crate) fn runtime(root: &Path, arguments: &[&str]) -> Result<()> {
    normalise(root, arguments)
}

/// Decoding alone, in a process of its own. Arguments are names of formats; none is all.
fn normalise(root: &Path, arguments: &[&str]) -> Result<()> {
    run(cargo(root)
        .args(["run", "--release", "--locked", "--package", "ingest", "--example", "bench-runtime", "--"])
        .args(arguments))
}
