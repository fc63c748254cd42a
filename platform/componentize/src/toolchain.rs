//! Which compiler builds the guests.
//!
//! Guests are `wasm32-unknown-unknown` cdylibs. A rustup toolchain that has that target builds them as it is. Debian's own
//! compiler has the sources of the standard library instead of a compiled one, so there `-Zbuild-std` builds it; rustc
//! and those sources must be of one version, which is why rustup's compiler is never mixed with Debian's sources.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of every guest.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// What Debian calls its own.
pub const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// A way to compile guests.
#[derive(Debug)]
pub enum Toolchain {
    /// `cargo` and `rustc` of the search path; the target's standard library is installed.
    Installed,
    /// Debian's compiler with this linker; the standard library is built from source.
    Debian {
        /// A `wasm-ld`.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// The toolchain of this machine, if it has one.
    #[must_use]
    pub fn present() -> Option<Self> {
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
    #[must_use]
    pub fn cargo(&self, workspace: &Path) -> Command {
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
    #[must_use]
    pub fn build_arguments(&self) -> &'static [&'static str] {
        match self {
            Self::Installed => &[],
            Self::Debian { .. } => &["-Zbuild-std=std,panic_abort"],
        }
    }

    /// Version of the compiler, one line; empty where it does not tell.
    #[must_use]
    pub fn version(&self) -> String {
        let mut rustc = Command::new(self.rustc());
        clear_cargo_environment(&mut rustc);
        let printed = rustc.arg("-V").output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&printed).trim().to_owned()
    }

    /// Compiler flags, as `CARGO_ENCODED_RUSTFLAGS` wants them, that keep this machine's paths out of panic messages: the same
    /// sources give the same bytes wherever they are. The last matching mapping wins. `outside` is a folder of path dependencies that
    /// lie outside the workspace; those within it are named relative to it anyway, and without the mapping everybody's flags
    /// are the same, so that what they compile can be shared.
    #[must_use]
    pub fn flags(&self, outside: Option<&Path>) -> String {
        let home = std::env::home_dir().unwrap_or_default();
        let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
        let map = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
        let mut flags: Vec<String> = outside.map(|folder| map(folder, "")).into_iter().collect();
        flags.push(map(&cargo_home.join("registry/src"), "registry"));
        if let Some(sysroot) = sysroot(self.rustc()) {
            let sources = PathBuf::from(sysroot).join("lib/rustlib/src/rust");
            // Debian's sources are a link to where its source package is unpacked.
            let real = std::fs::canonicalize(&sources).unwrap_or_else(|_| sources.clone());
            flags.extend([map(&sources, "rust"), map(&real, "rust")]);
        }
        // The sandbox has vectors on every machine it runs on; searches in text are what most guests do.
        flags.push("-Ctarget-feature=+simd128".to_owned());
        flags.join("\x1f")
    }

    /// Where intermediate results go so that several projects share them: a standard library that has to be compiled, as Debian's, is
    /// then compiled once and not for every project. Nothing for a toolchain that brings its own.
    #[must_use]
    pub fn shared_build_directory(&self) -> Option<PathBuf> {
        let absolute =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        match self {
            Self::Installed => None,
            Self::Debian { .. } => absolute("XDG_CACHE_HOME")
                .or_else(|| Some(absolute("HOME")?.join(".cache")))
                .map(|cache| cache.join("palisade/guest-build")),
        }
    }

    fn rustc(&self) -> &'static str {
        match self {
            Self::Installed => "rustc",
            Self::Debian { .. } => "/usr/bin/rustc",
        }
    }
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
