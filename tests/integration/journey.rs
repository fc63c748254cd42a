//! From an empty folder to production and back, in each language: a plugin is made, tested, measured, signed, pushed, installed,
//! granted, run, upgraded, and what it did is repeated elsewhere.

use std::path::Path;

use serde_json::{Value, json};

use crate::authors::{Desk, first_case, has_rust_for_wasm, tools};
use crate::support::Registry;

/// What an operator has: a configuration that trusts the publisher's key, and a registry.
struct Operator<'a> {
    desk: &'a Desk,
    registry: &'a Registry,
}

impl Operator<'_> {
    fn path(&self, name: &str) -> String {
        self.desk.folder.path().join(name).display().to_string()
    }

    fn configure(&self) {
        let address = &self.registry.address;
        let text = format!(
            "[egress]\nallow = [{address:?}]\n[plugins]\nregistries = [{address:?}]\n[plugins.keys]\n\
             publisher = {:?}\n[[plugins.trust]]\nplugins = \"example.*\"\nany-of = [\"publisher\"]\n",
            self.path("publisher.pub")
        );
        std::fs::write(self.path("palisade.toml"), text).unwrap();
    }

    /// Runs a command as the operator, with that configuration.
    #[track_caller]
    fn run(&self, code: i32, words: &[&str]) -> String {
        let config = self.path("palisade.toml");
        self.desk.run(code, &[words, &["--config", &config]].concat())
    }

    /// Builds what is there, and gives it to the registry under a tag.
    #[track_caller]
    fn publish(&self, tag: &str) -> String {
        self.desk.run(0, &["build"]);
        let component = "build/my-plugin.plugin.wasm";
        self.desk.run(0, &["sign", component, "--key", &self.path("publisher.key")]);
        let reference = format!("{}/team/my-plugin:{tag}", self.registry.address);
        self.run(0, &["push", component, &reference]);
        reference
    }
}

/// Gives the project's plugin another version, and more to ask for.
fn upgrade(project: &Path) {
    let path = project.join("plugin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("version = \"0.1.0\"", "version = \"0.2.0\"");
    std::fs::write(&path, format!("{text}\n[capabilities.advisories]\nwhy = \"compares packages\"\n"))
        .unwrap();
}

fn journey(desk: &Desk, kind: &str, language: &str, asked: &[&str]) {
    let Some(registry) = Registry::start() else { return };
    let operator = Operator { desk, registry: &registry };
    desk.run(0, &["keygen", "--output", &operator.path("publisher")]);
    operator.configure();
    desk.new_project(kind, language);
    let first = operator.publish("1");
    desk.run(0, &["test"]);
    desk.run(0, &["bench", "--each", "1"]);
    let id = "example.my-plugin";

    // What asks for nothing is in force at once; what asks for something waits for a decision.
    let installed = operator.run(0, &["install", &first]);
    if asked.is_empty() {
        assert!(installed.contains("is ready"), "{installed}");
    } else {
        assert!(installed.contains("is waiting"), "{installed}");
        asked.iter().for_each(|right| assert!(installed.contains(&format!("+ {right}")), "{installed}"));
        let input = first_case(&desk.project()).join("input.json").display().to_string();
        let early = operator.run(2, &["run", id, "--input", &input]);
        assert!(early.contains("plugin-version-missing"), "{early}");
        operator.run(0, &["grant", id, "--all"]);
    }

    // One call in production is written down, and comes out the same from nothing but what was written.
    let input = first_case(&desk.project()).join("input.json").display().to_string();
    let answer = operator.run(0, &["run", id, "--input", &input, "--record", "call.json"]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer.get(kind).is_some(), "{answer}");
    let again = desk.run(0, &["replay", "call.json"]);
    assert!(again.contains("the same"), "{again}");

    // A version that asks for more waits, while the first runs on.
    upgrade(&desk.project());
    let second = operator.publish("2");
    let waits = operator.run(0, &["install", &second]);
    assert!(waits.contains("0.2.0 is waiting") && waits.contains("+ advisories"), "{waits}");
    operator.run(0, &["run", id, "--input", &input]);
    let rights: Vec<&str> = asked.iter().copied().chain(["advisories"]).collect();
    let granted = operator.run(0, &[&["grant", id], rights.as_slice()].concat());
    assert!(granted.contains("0.2.0 is ready"), "{granted}");
    let upgraded = operator.run(0, &["run", id, "--input", &input, "--record", "second.json"]);
    assert!(!serde_json::from_str::<Value>(&upgraded).unwrap()[kind].is_null());
    let recorded = std::fs::read(desk.project().join("second.json")).unwrap();
    let recorded: Value = serde_json::from_slice(&recorded).unwrap();
    assert_eq!(recorded["plugin-version"], json!("0.2.0"));
    // The old call through the new version: the same, or the place where it differs.
    desk.run(0, &["replay", "call.json"]);
    let log = operator.run(0, &["versions", id]);
    assert!(log.contains("plugin-granted") && log.contains("team/my-plugin:2"), "{log}");
}

#[test]
fn rust() {
    if has_rust_for_wasm() {
        journey(&Desk::new(), "correlator", "rust", &["state 65536 bytes"]);
    } else {
        println!("skipped: nothing here compiles for wasm32-unknown-unknown");
    }
}

#[test]
fn javascript() {
    let Some(modules) = tools("PALISADE_NODE_MODULES", "@bytecodealliance/componentize-js") else { return };
    let desk = Desk::new();
    std::os::unix::fs::symlink(modules, desk.folder.path().join("node_modules")).unwrap();
    journey(&desk, "posture", "javascript", &[]);
}

#[test]
fn python() {
    let Some(bin) = tools("PALISADE_COMPONENTIZE_PY", "componentize-py") else { return };
    let desk = Desk { path: Some(bin), ..Desk::new() };
    journey(&desk, "posture", "python", &[]);
}
