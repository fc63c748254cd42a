//! What an author does, from an empty folder to a recorded call, with the binary and nothing else of this repository.
//!
//! JavaScript and Python need their build tools, which are not Palisade's: a `node_modules` with componentize-js
//! (`PALISADE_NODE_MODULES`) and the `bin` folder of an environment with componentize-py (`PALISADE_COMPONENTIZE_PY`).

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{palisade, root};

const KINDS: [&str; 7] =
    ["image-analyzer", "posture", "correlator", "compliance", "admission", "collector", "notifier"];

/// A folder of an author, and how commands are run there.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) path: Option<PathBuf>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::with_prefix("palisade-author-").unwrap(), path: None }
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("my-plugin")
    }

    /// Runs `palisade plugin WORDS` in the project, and returns what it printed.
    #[track_caller]
    pub(crate) fn run(&self, code: i32, words: &[&str]) -> String {
        let mut command = Command::new(palisade());
        let here = if self.project().exists() { self.project() } else { self.folder.path().to_owned() };
        command.current_dir(here).arg("plugin").args(words);
        // What was compiled once, the standard library above all, is not compiled again for every kind.
        command.env("CARGO_TARGET_DIR", root().join("target/author-tests")).env("CARGO_NET_OFFLINE", "true");
        command.env("XDG_CACHE_HOME", root().join("target/author-tests/cache"));
        command.env("PALISADE_DATA_DIR", self.folder.path().join("data"));
        if let Some(path) = &self.path {
            let usual = std::env::var_os("PATH").unwrap();
            let paths = std::iter::once(path.clone()).chain(std::env::split_paths(&usual));
            command.env("PATH", std::env::join_paths(paths).unwrap());
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "palisade plugin {}\n{text}\n{errors}", words.join(" "));
        text + &errors
    }

    /// Makes a project of a kind where the one before was.
    pub(crate) fn new_project(&self, kind: &str, language: &str) {
        if self.project().exists() {
            std::fs::remove_dir_all(self.project()).unwrap();
        }
        self.run(0, &["new", "--kind", kind, "--language", language, "--publisher", "Tests", "my-plugin"]);
    }

    /// From sources to cases that pass, as the templates come: their expected answers are part of them.
    fn built_and_tested(&self, kind: &str, language: &str) {
        self.new_project(kind, language);
        self.run(0, &["build"]);
        let checked = self.run(0, &["check"]);
        assert!(!checked.contains("warning "), "{kind}: {checked}");
        let tested = self.run(0, &["test"]);
        assert!(tested.contains(" 0 failed") && tested.contains(" 0 not borne"), "{kind}: {tested}");
    }

    /// The rest of the way, once: a case that fails, is blessed, measured, recorded and repeated.
    fn the_rest_of_the_way(&self) {
        let case = first_case(&self.project());
        let expected = case.join("expected.json");
        let right = std::fs::read_to_string(&expected).unwrap();
        std::fs::write(&expected, "{\"answer\": {}}").unwrap();
        let failed = self.run(1, &["test"]);
        assert!(failed.contains("FAILED") && failed.contains("/answer/"), "{failed}");
        let blessed = self.run(0, &["test", "--bless", "--record", "calls"]);
        assert!(blessed.contains("blessed"), "{blessed}");
        assert_eq!(std::fs::read_to_string(&expected).unwrap(), right, "the same comes out again");
        let measured = self.run(0, &["bench", "--each", "1"]);
        assert!(measured.contains("instantiate p99") && measured.contains("fine"), "{measured}");
        let name = case.file_name().unwrap().to_str().unwrap();
        let call = format!("calls/{name}.json");
        assert!(self.run(0, &["replay", &call]).contains("the same"));
        // A transcript that says otherwise is told of by its place.
        let text = std::fs::read_to_string(self.project().join(&call)).unwrap();
        let mut transcript: serde_json::Value = serde_json::from_str(&text).unwrap();
        transcript["recorded"]["metrics"] = serde_json::json!({ "other": 1 });
        std::fs::write(self.project().join(&call), transcript.to_string()).unwrap();
        let differs = self.run(1, &["replay", &call]);
        assert!(differs.contains("/recorded/metrics/other"), "{differs}");
    }
}

pub(crate) fn first_case(project: &Path) -> PathBuf {
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(project.join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases.remove(0)
}

pub(crate) fn tools(name: &str, file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.join(file).exists());
    if folder.is_none() {
        println!("skipped: {name} names no folder with {file}");
    }
    folder
}

#[test]
fn rust() {
    if !has_rust_for_wasm() {
        println!("skipped: nothing here compiles for wasm32-unknown-unknown");
        return;
    }
    let desk = Desk::new();
    for kind in few_or_all() {
        desk.built_and_tested(kind, "rust");
    }
    desk.the_rest_of_the_way();
}

/// As the command itself finds it: a target that is installed, or Debian's compiler with its sources.
pub(crate) fn has_rust_for_wasm() -> bool {
    let printed = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    printed.is_ok_and(|folder| Path::new(&folder).exists())
        || Path::new("/usr/bin/wasm-ld-22").exists() && Path::new("/usr/bin/rustc").exists()
}

#[test]
fn javascript() {
    let Some(modules) = tools("PALISADE_NODE_MODULES", "@bytecodealliance/componentize-js") else { return };
    let desk = Desk::new();
    // Node looks for modules in every folder above.
    std::os::unix::fs::symlink(modules, desk.folder.path().join("node_modules")).unwrap();
    for kind in few_or_all() {
        desk.built_and_tested(kind, "javascript");
    }
    desk.the_rest_of_the_way();
}

#[test]
fn python() {
    let Some(bin) = tools("PALISADE_COMPONENTIZE_PY", "componentize-py") else { return };
    let desk = Desk { path: Some(bin), ..Desk::new() };
    for kind in few_or_all() {
        desk.built_and_tested(kind, "python");
    }
    desk.the_rest_of_the_way();
}

/// A build takes from ten seconds to a minute, so all kinds are for `--full`.
fn few_or_all() -> &'static [&'static str] {
    if crate::support::full() { &KINDS } else { &["posture", "correlator"] }
}

#[test]
fn a_trap_is_told_of_with_its_functions_and_no_case_can_expect_it() {
    let guests =
        std::env::var_os("PALISADE_GUESTS").map_or_else(|| root().join("target/guests"), PathBuf::from);
    let component = guests.join("deep-json.wasm");
    if !component.exists() {
        println!("skipped: `cargo xtask guests` has not been run");
        return;
    }
    let desk = Desk::new();
    let project = desk.project();
    for folder in ["build", "cases/deep"] {
        std::fs::create_dir_all(project.join(folder)).unwrap();
    }
    let own = root().join("tests/guests/deep-json");
    std::fs::copy(own.join("plugin.toml"), project.join("plugin.toml")).unwrap();
    std::fs::copy(own.join("Cargo.toml"), project.join("Cargo.toml")).unwrap();
    std::fs::copy(component, project.join("build/deep-json.plugin.wasm")).unwrap();
    std::fs::write(project.join("cases/deep/brackets"), "[".repeat(1_000_000)).unwrap();
    let input = r#"{"files": [{"path": "a.json", "interests": ["all"], "file": "brackets"}]}"#;
    std::fs::write(project.join("cases/deep/input.json"), input).unwrap();
    let told = desk.run(1, &["test", "--bless"]);
    assert!(told.contains("FAILED   deep") && told.contains("trap: "), "{told}");
    assert!(told.contains("WEAK     deep, when every body lacks its last byte"), "{told}");
    assert!(told.contains("in, innermost first: ") && told.contains("value"), "{told}");
    assert!(!told.contains("when every body is empty"), "it bears that: {told}");
    assert!(!project.join("cases/deep/expected.json").exists());
    let measured = desk.run(1, &["bench", "--each", "1"]);
    assert!(measured.contains("FAILED") && measured.contains("trap: "), "{measured}");
}

#[test]
fn what_is_missing_is_named_with_how_to_get_it() {
    let desk = Desk::new();
    let lost = desk.run(2, &["build"]);
    assert!(lost.contains("has no plugin.toml") && lost.contains("plugin-project-unusable"), "{lost}");
    desk.new_project("posture", "javascript");
    let untooled = desk.run(2, &["build"]);
    assert!(untooled.contains("`npm ci`") && untooled.contains("plugin-tool-missing"), "{untooled}");
    let unbuilt = desk.run(2, &["test"]);
    assert!(unbuilt.contains("palisade plugin build"), "{unbuilt}");
    let full = desk.folder.path().join("my-plugin");
    let taken = desk.run(2, &["new", "--kind", "posture", "--language", "rust", full.to_str().unwrap()]);
    assert!(taken.contains("is not empty"), "{taken}");
    let garbage = desk.folder.path().join("garbage.wasm");
    std::fs::write(&garbage, b"garbage").unwrap();
    let checked = desk.run(1, &["check", garbage.to_str().unwrap()]);
    assert!(checked.contains("error") && checked.contains("plugin-not-a-component"), "{checked}");
}
