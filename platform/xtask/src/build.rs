//! Builds what a person runs: plugins, page, binary, in the order in which each is embedded in the next.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::toolchain::run;

/// Builds plugins, page and binary, and gives the binary's path.
pub(crate) fn everything(root: &Path) -> Result<PathBuf> {
    crate::guests::build(None)?;
    page(root)?;
    binary(root)
}

/// Builds the page into `ui/dist`.
pub(crate) fn page(root: &Path) -> Result<()> {
    let ui = root.join("ui");
    npm_install(&ui)?;
    npm(&ui, &["run", "build"])
}

/// Installs exactly what a folder's lock file says, unless that is there.
pub(crate) fn npm_install(folder: &Path) -> Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json"))
        .with_context(|| format!("cannot read the lock file of {}", folder.display()))?;
    // npm's own record of an installation differs in form, so ours is a copy of the lock file it was made from.
    let record = folder.join("node_modules/.installed-from");
    if std::fs::read(&record).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    npm(folder, &["ci", "--no-audit", "--no-fund"])?;
    std::fs::write(&record, lock).with_context(|| format!("cannot write {}", record.display()))
}

/// Runs npm in a folder.
pub(crate) fn npm(folder: &Path, arguments: &[&str]) -> Result<()> {
    run(Command::new("npm").current_dir(folder).args(arguments))
}

/// Compiles the binary as people run it, and gives its path.
pub(crate) fn binary(root: &Path) -> Result<PathBuf> {
    run(cargo(root).args(["build", "--locked", "--release", "--package", "palisade"]))?;
    Ok(root.join("target/release/palisade"))
}

/// A cargo command in the repository, with one target directory for everything.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).env("CARGO_TARGET_DIR", root.join("target"));
    cargo
}
