//! The compiled guests of `tests/guests`: one test each, and a test that none was forgotten.
//!
//! They are read from the directory in `PALISADE_GUESTS`, else from where `cargo xtask guests` puts them. Where nothing
//! was built each test says so and passes; with `PALISADE_GUESTS` set, a missing guest is a failure.

use std::path::PathBuf;
use std::sync::Arc;

use host::{Body, Fault, FaultKind, InputFile, LogLevel, Plugin};

use crate::support::{call, file, host, lent};

/// The component of a guest, if guests are built.
pub(crate) fn bytes(name: &str) -> Option<Vec<u8>> {
    let named = std::env::var_os("PALISADE_GUESTS").map(PathBuf::from);
    let usual = || {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        target
            .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")))
            .join("guests")
    };
    let path = named.clone().unwrap_or_else(usual).join(format!("{name}.wasm"));
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if named.is_some() => panic!("{}: {error}", path.display()),
        Err(_) => {
            println!("skipped: guest {name} (not built; run `cargo xtask guests`)");
            None
        }
    }
}

pub(crate) fn load(name: &str) -> Option<Plugin> {
    Some(host().load(&bytes(name)?).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Calls a guest that must fail in exactly this way.
fn fails(name: &str, files: Vec<InputFile>, kind: FaultKind) -> Option<Fault> {
    let plugin = load(name)?;
    let fault = call(&plugin, files).unwrap_err();
    assert_eq!(fault.kind, kind, "{name}: {fault}");
    assert_eq!(plugin.health().faults[&kind], 1);
    Some(fault)
}

#[test]
fn every_guest_has_a_test() {
    let guests = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests");
    let mut count = 0;
    for entry in std::fs::read_dir(guests).unwrap() {
        let entry = entry.unwrap();
        if !entry.path().join("plugin.toml").exists() {
            continue;
        }
        count += 1;
        let name = entry.file_name().into_string().unwrap();
        let test = format!("#[test]\nfn {}()", name.replace('-', "_"));
        let tests = [include_str!("built.rs"), include_str!("kinds.rs"), include_str!("sessions.rs")];
        assert!(tests.iter().any(|text| text.contains(&test)), "no test named after the guest {name}");
    }
    assert!(count >= 40, "only {count} guests");
}

#[test]
fn benign() {
    let Some(plugin) = load("benign") else { return };
    let files = vec![file(), InputFile { path: "b".to_owned(), ..lent(5) }];
    let analysis = plugin.analyze_files("{\"a\":1}", files).unwrap();
    assert_eq!(analysis.systems.len(), 2);
    assert_eq!(analysis.systems[1].os.id, "xxxxx");
    assert_eq!((analysis.packages[1].item, analysis.packages[1].name.as_str()), (1, "b"));
    assert_eq!(analysis.packages[0].version, "hello");
    assert_eq!(analysis.ownerships[0].paths, ["all"]);
    assert_eq!(analysis.findings[1].rule, "rule");
    assert_eq!(analysis.problems[0].message, "a problem");
    assert_eq!((analysis.logs[0].level, analysis.logs[0].message.as_str()), (LogLevel::Info, "{\"a\":1}"));
    assert_eq!(analysis.usage.metrics["bytes"], 10);
    // The same again, and on another thread: the answer depends on the batch alone.
    let again = || {
        let files = vec![file(), InputFile { path: "b".to_owned(), ..lent(5) }];
        plugin.analyze_files("{\"a\":1}", files).unwrap().packages
    };
    assert_eq!(std::thread::scope(|scope| scope.spawn(again).join().unwrap()), analysis.packages);
}

#[test]
fn endless_loop() {
    let Some(fault) = fails("endless-loop", vec![file()], FaultKind::Cpu) else { return };
    assert!(fault.frames.iter().any(|name| name.contains("analyze")), "{:?}", fault.frames);
}

#[test]
fn memory_bomb() {
    let Some(fault) = fails("memory-bomb", vec![file()], FaultKind::Memory) else { return };
    assert!(fault.message.contains("16 MiB"), "{fault}");
}

#[test]
fn handle_leak() {
    fails("handle-leak", vec![lent(100)], FaultKind::Handles);
}

#[test]
fn huge_string() {
    fails("huge-string", vec![file()], FaultKind::HostCopy);
}

#[test]
fn findings_flood() {
    fails("findings-flood", vec![file()], FaultKind::Results);
}

#[test]
fn log_flood() {
    let Some(plugin) = load("log-flood") else { return };
    let analysis = call(&plugin, vec![file()]).unwrap();
    assert_eq!(analysis.logs[0].message, "line 00000");
    assert_eq!(analysis.usage.log_lines_dropped + analysis.logs.len() as u64, 10_000);
    assert!(plugin.health().log_bytes_dropped > 50_000);
}

#[test]
fn realloc_trap() {
    let large = InputFile { body: Body::Whole(vec![0; 10_000]), ..file() };
    let Some(fault) = fails("realloc-trap", vec![large], FaultKind::Trap) else { return };
    assert!(fault.frames.iter().any(|name| name.contains("realloc")), "{:?}", fault.frames);
}

#[test]
fn http_denied() {
    let Some(fault) = fails("http-denied", vec![file()], FaultKind::Denied) else { return };
    assert!(fault.message.contains("`http`"), "{fault}");
}

#[test]
fn http_unasked() {
    let Some(bytes) = bytes("http-unasked") else { return };
    let error = host().load(&bytes).unwrap_err();
    assert_eq!(error.code(), "plugin-import-not-asked");
    assert!(error.to_string().contains("palisade:host/http@0.1.0"), "{error}");
}

#[test]
fn lying_manifest() {
    let Some(bytes) = bytes("lying-manifest") else { return };
    let error = host().load(&bytes).unwrap_err();
    assert_eq!(error.code(), "plugin-kind-not-exported", "{error}");
    assert!(error.to_string().contains("correlator"), "{error}");
}

#[test]
fn deep_json() {
    let brackets = InputFile { body: Body::Whole(vec![b'['; 1_000_000]), ..file() };
    fails("deep-json", vec![brackets], FaultKind::Trap);
}

#[test]
fn out_of_range_item() {
    let Some(fault) = fails("out-of-range-item", vec![file()], FaultKind::Protocol) else { return };
    assert!(fault.message.contains("item 1 of a batch of 1"), "{fault}");
}

#[test]
fn recursion() {
    fails("recursion", vec![file()], FaultKind::Trap);
}

/// Many honest calls beside a hostile neighbour, with more threads than instances.
#[test]
fn a_neighbour_of_hostile_guests_answers_as_alone() {
    let Some(honest) = bytes("benign") else { return };
    let host = host();
    let benign = host.load(&honest).unwrap();
    let alone = benign.analyze_files("{}", vec![file()]).unwrap().packages;
    let hostile: Vec<(Plugin, FaultKind)> = [
        ("endless-loop", FaultKind::Cpu),
        ("memory-bomb", FaultKind::Memory),
        ("recursion", FaultKind::Trap),
        ("findings-flood", FaultKind::Results),
    ]
    .into_iter()
    .filter_map(|(name, kind)| Some((host.load(&bytes(name)?).unwrap(), kind)))
    .collect();
    let hostile = Arc::new(hostile);
    std::thread::scope(|scope| {
        for (plugin, kind) in hostile.iter() {
            scope.spawn(move || {
                for _ in 0..3 {
                    assert_eq!(call(plugin, vec![file()]).unwrap_err().kind, *kind);
                }
            });
        }
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    assert_eq!(benign.analyze_files("{}", vec![file()]).unwrap().packages, alone);
                }
            });
        }
    });
    assert!(benign.health().faults.is_empty());
}
