//! Gets the compiler of the guests: the one that is there, else Debian's, installed where that is possible.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use componentize::{DEBIAN_PACKAGES, TARGET, Toolchain};

/// Finds a toolchain, installing Debian's where that is possible. Fails before anything else is done.
pub(crate) fn find() -> Result<Toolchain> {
    if let Some(found) = Toolchain::present() {
        return Ok(found);
    }
    let packages = DEBIAN_PACKAGES.join(" ");
    if Path::new("/usr/bin/apt-get").exists() && is_root() {
        println!("guests: installing {packages}");
        let apt = |arguments: &[&str]| {
            let mut command = Command::new("/usr/bin/apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=300"]);
            run(command.args(arguments))
        };
        apt(&["update"])?;
        apt(&[["install", "-y", "--no-install-recommends"].as_slice(), &DEBIAN_PACKAGES].concat())?;
        if let Some(found) = Toolchain::present() {
            return Ok(found);
        }
    }
    bail!(
        "nothing here compiles for {TARGET}; run `rustup target add {TARGET}`, or on Debian, as root, \
         `apt-get install --no-install-recommends {packages}`"
    )
}

/// Runs a command to its end; a failure names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let shown = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} failed: {status}");
    }
    Ok(())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
