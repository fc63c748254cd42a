//! The binary under test, and data directories for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use super::{fixture, root};

/// The binary: the one that `cargo xtask test` has just built and names, else built here, once, by whoever asks first.
pub(crate) fn palisade() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("PALISADE_BINARY") {
            return PathBuf::from(named);
        }
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let built =
            cargo.current_dir(root()).args(["build", "--quiet", "--package", "palisade"]).status().unwrap();
        assert!(built.success(), "the binary does not compile");
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        target.join("debug/palisade")
    })
}

/// A data directory of one test's own, or the one that tests share that only read.
pub(crate) struct Data(TempDir);

impl Data {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self(TempDir::with_prefix("palisade-test-").unwrap())
    }

    /// One with the sample advisories.
    pub(crate) fn with_sample() -> Self {
        let data = Self::empty();
        data.import(&["--sample", "--name", "sample", &fixture("advisories").display().to_string()]);
        data
    }

    /// One with the sample advisories that all tests share; nothing but caches changes in it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Data> = OnceLock::new();
        SHARED.get_or_init(Self::with_sample)
    }

    /// Imports advisories.
    pub(crate) fn import(&self, arguments: &[&str]) {
        let mut words = vec!["advisories", "import"];
        words.extend(arguments);
        self.run(&words).expect_code(0);
    }

    /// Runs the binary with this data directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let data = self.path().display().to_string();
        run(&[&["--data-dir", &data], arguments].concat())
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// What a command did.
pub(crate) struct Ran {
    arguments: String,
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "palisade {}\n{}\n{}", self.arguments, self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Runs the binary.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    let output = Command::new(palisade()).args(arguments).output().unwrap();
    Ran {
        arguments: arguments.join(" "),
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
