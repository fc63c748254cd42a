//! Which compiler builds the guests.
//!
//! Guests are `wasm32-unknown-unknown` cdylibs. A rustup toolchain that has that target builds them as it is. Debian's own
//! compiler has the sources of the standard library instead of a compiled one, so there `-Zbuild-std` builds it; rustc
//! and those sources must be of one version, which is why rustup's compiler is never mixed with Debian's sources.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The target of every guest.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// A way to compile guests.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// `cargo` and `rustc` of the search path; the target's standard library is installed.
    Installed,
    /// Debian's compiler with this linker; the standard library is built from source.
    Debian {
        /// A `wasm-ld`.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds a toolchain, installing Debian's where that is possible. Fails before anything else is done.
    pub(crate) fn find() -> Result<Self> {
        if let Some(found) = Self::present() {
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
            if let Some(found) = Self::present() {
                return Ok(found);
            }
        }
        bail!(
            "nothing here compiles for {TARGET}; run `rustup target add {TARGET}`, or on Debian, as root, \
             `apt-get install --no-install-recommends {packages}`"
        )
    }

    fn present() -> Option<Self> {
        let mut rustc = Command::new("rustc");
        clear_cargo_environment(&mut rustc);
        let printed = rustc.args(["--print", "target-libdir", "--target", TARGET]).output().ok();
        let directory = printed
            .filter(|output| output.status.success())
            .map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        if directory.is_some_and(|directory| holds(&directory, "libstd-")) {
            return Some(Self::Installed);
        }
        let sources = Path::new(&sysroot("/usr/bin/rustc")?).join("lib/rustlib/src/rust/library/std");
        let linker = ["wasm-ld-22", "wasm-ld-21", "wasm-ld-20", "wasm-ld-19", "wasm-ld"]
            .map(|name| Path::new("/usr/bin").join(name))
            .into_iter()
            .find(|linker| linker.exists())?;
        (sources.exists() && Path::new("/usr/bin/cargo").exists()).then_some(Self::Debian { linker })
    }

    /// A cargo command of this toolchain, in a workspace's directory.
    pub(crate) fn cargo(&self, workspace: &Path) -> Command {
        let mut command = match self {
            Self::Installed => Command::new("cargo"),
            Self::Debian { .. } => Command::new("/usr/bin/cargo"),
        };
        clear_cargo_environment(&mut command);
        if let Self::Debian { linker } = self {
            command
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command.current_dir(workspace);
        command
    }

    /// What else `cargo build` has to be told.
    pub(crate) fn build_arguments(&self) -> &'static [&'static str] {
        match self {
            Self::Installed => &[],
            Self::Debian { .. } => &["-Zbuild-std=std,panic_abort"],
        }
    }

    /// Where the compiler lives; its paths are kept out of guests.
    pub(crate) fn sysroot(&self) -> Result<String> {
        let rustc = self.rustc();
        sysroot(rustc).with_context(|| format!("cannot ask {rustc} for its sysroot"))
    }

    /// Version of the compiler, one line.
    pub(crate) fn version(&self) -> Result<String> {
        let mut rustc = Command::new(self.rustc());
        clear_cargo_environment(&mut rustc);
        let printed = rustc.arg("-V").output().with_context(|| format!("cannot run {}", self.rustc()))?;
        Ok(String::from_utf8_lossy(&printed.stdout).trim().to_owned())
    }

    fn rustc(&self) -> &'static str {
        match self {
            Self::Installed => "rustc",
            Self::Debian { .. } => "/usr/bin/rustc",
        }
    }
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

/// Takes away what the cargo that runs us (and rustup before it) has set: it speaks of another compiler, another target
/// directory and another package.
fn clear_cargo_environment(command: &mut Command) {
    const SETTINGS: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_INCREMENTAL",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let from_cargo = name.starts_with("CARGO") && !SETTINGS.iter().any(|kept| name.starts_with(kept));
        let from_rustup =
            name.starts_with("RUSTC") || matches!(name, "RUSTUP_TOOLCHAIN" | "RUST_RECURSION_COUNT");
        if from_cargo || from_rustup || matches!(name, "RUSTFLAGS" | "LD_LIBRARY_PATH") {
            command.env_remove(name);
        }
    }
}

fn sysroot(rustc: &str) -> Option<String> {
    let mut command = Command::new(rustc);
    clear_cargo_environment(&mut command);
    let printed = command.args(["--print", "sysroot"]).output().ok()?;
    printed.status.success().then(|| String::from_utf8_lossy(&printed.stdout).trim().to_owned())
}

fn holds(directory: &Path, prefix: &str) -> bool {
    std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
