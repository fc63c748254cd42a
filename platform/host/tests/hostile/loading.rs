//! Components that are not what they say, and the cache of compiled code.

use std::fs;

use host::{Host, HostOptions, LoadError, inspect};

use crate::support::{call, component, file, host, manifest, module, of_world, with_section};

const EMPTY: &str = "(i32.const 1024)";

fn refused(bytes: &[u8]) -> LoadError {
    host().load(bytes).unwrap_err()
}

fn importing(import: &str) -> String {
    module("", EMPTY).replacen("(memory", &format!("{import} (memory"), 1)
}

const HTTP: &str = r#"(import "palisade:host/http@0.1.0" "send" (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;

#[test]
fn an_import_that_was_not_asked_for_is_refused_by_name() {
    let core = importing(HTTP);
    let error = refused(&component(&manifest(""), &core));
    assert_eq!(error.code(), "plugin-import-not-asked");
    assert!(error.to_string().contains("palisade:host/http@0.1.0"), "{error}");
    let asked = manifest(
        "[capabilities.http]\nwhy = \"w\"\nallow = [{ host = \"a.example\", methods = [\"GET\"], paths = [\"/**\"] }]\n",
    );
    assert!(host().load(&component(&asked, &core)).is_ok());
}

#[test]
fn wasi_and_unknown_versions_are_refused_by_name() {
    for name in ["wasi:cli/environment@0.2.0", "palisade:host/log@0.2.0", "palisade:host/shell@0.1.0", "env"]
    {
        let text = format!("(component (import {name:?} (instance)))");
        let bytes = with_section(wat::parse_str(text).unwrap(), &manifest(""));
        let error = refused(&bytes);
        // A component that is nothing is named for that first; one that seems to be of its kind, for its import.
        assert!(matches!(error, LoadError::KindNotExported { .. }), "{error}");
        let text = format!(
            "(component (import {name:?} (instance $i)) (export \"palisade:plugin/image-analyzer@0.1.0\" (instance $i)))"
        );
        let bytes = with_section(wat::parse_str(text).unwrap(), &manifest(""));
        let error = refused(&bytes);
        assert_eq!(error.code(), "plugin-import-unknown", "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_manifest_that_lies_about_kinds_is_refused_both_ways() {
    let more = component(&manifest("[kinds.posture]\n"), &module("", EMPTY));
    assert_eq!(refused(&more), LoadError::KindNotExported { kind: host::Kind::Posture });
    let fewer = manifest("").replace(
        "[[kinds.image-analyzer.interests]]\nname = \"all\"\npaths = [\"**\"]\n",
        "[kinds.posture]\n",
    );
    let error = refused(&component(&fewer, &module("", EMPTY)));
    assert!(
        matches!(error, LoadError::KindNotExported { .. } | LoadError::KindNotDeclared { .. }),
        "{error}"
    );
}

/// The right name with another shape: what is exported is an imported instance without the function, or with another.
#[test]
fn an_interface_of_another_shape_is_refused() {
    let core = r#"(module (func (export "notify") (result i32) i32.const 0))"#;
    let text = format!(
        r#"(component
            (core module $m {})
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "notify")))
            (instance $n (export "notify" (func $f)))
            (export "palisade:plugin/notifier@0.1.0" (instance $n)))"#,
        core.trim_start_matches("(module").trim_end_matches(')').to_owned() + ")"
    );
    let manifest = manifest("").replace(
        "[[kinds.image-analyzer.interests]]\nname = \"all\"\npaths = [\"**\"]\n",
        "[kinds.notifier]\n",
    );
    let bytes = with_section(wat::parse_str(text).unwrap(), &manifest);
    let error = refused(&bytes);
    assert_eq!(error.code(), "plugin-interface-mismatch", "{error}");
    assert!(error.to_string().contains("palisade:plugin/notifier@0.1.0"), "{error}");
}

#[test]
fn needs_beyond_the_limits_are_refused_before_anything_runs() {
    let core =
        module("", EMPTY).replace("(memory (export \"memory\") 2)", "(memory (export \"memory\") 2000)");
    let error = refused(&component(&manifest(""), &core));
    assert_eq!(error.code(), "plugin-needs-too-much", "{error}");
    let raised = component(&manifest("[limits]\nmemory-mib = 200\n"), &core);
    assert!(host().load(&raised).is_ok());
    let table = module("(table 70000 funcref)", EMPTY);
    let error = refused(&component(&manifest(""), &table));
    assert!(matches!(error.code(), "plugin-needs-too-much" | "plugin-does-not-compile"), "{error}");
}

#[test]
fn the_operators_ceiling_bounds_what_a_manifest_may_ask() {
    let options = HostOptions {
        compiler: None,
        limits_ceiling: host::Limits { cpu_ms: 100, ..host::Limits::CEILING },
        instances: 1,
        kept_instances: 0,
        cache_dir: None,
    };
    let host = Host::new(options).unwrap();
    let asks = component(&manifest("[limits]\ncpu-ms = 101\n"), &module("", EMPTY));
    let error = host.load(&asks).unwrap_err();
    assert!(error.to_string().contains("limits.cpu-ms"), "{error}");
    let plain = component(&manifest(""), &module("", EMPTY));
    assert_eq!(host.load(&plain).unwrap().limits().cpu_ms, 100);
}

#[test]
fn damaged_components_are_refused_and_never_panic() {
    let good = component(&manifest(""), &module("", EMPTY));
    let host = host();
    for cut in (0..good.len()).step_by(97) {
        assert!(host.load(&good[..cut]).is_err(), "cut at {cut}");
    }
    for at in (0..good.len()).step_by(41) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x55;
        if let Ok(plugin) = host.load(&bytes) {
            let _ = call(&plugin, vec![file()]);
        }
    }
}

#[test]
fn a_notifier_loads_with_the_imports_it_asks_for_and_is_nothing_else() {
    let core = r#"(module
        (import "palisade:host/http@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "palisade:plugin/notifier@0.1.0#notify") (param i32 i32 i32 i32) (result i32) (i32.const 64)))"#;
    let text = manifest("").replace(
        "[[kinds.image-analyzer.interests]]\nname = \"all\"\npaths = [\"**\"]\n",
        "[kinds.notifier]\nconsumes = [\"finding.opened\"]\n[capabilities.http]\nwhy = \"w\"\nallow = [{ host = \"a.example\", methods = [\"POST\"], paths = [\"/**\"] }]\n",
    );
    let bytes = of_world(&text, core, "include palisade:worlds/notifier-plugin@0.1.0;");
    let plugin = host().load(&bytes).unwrap();
    assert_eq!(plugin.inspection().kinds, [host::Kind::Notifier]);
    assert!(call(&plugin, vec![file()]).unwrap_err().message.contains("not of the kind image-analyzer"));
}

#[test]
fn what_is_inspected_is_what_is_loaded() {
    let bytes = component(&manifest(""), &module("", EMPTY));
    let inspection = inspect(&bytes).unwrap();
    let plugin = host().load(&bytes).unwrap();
    assert_eq!(plugin.inspection(), &inspection);
    assert_eq!(plugin.digest(), &inspection.digest);
    assert!(inspection.imports.contains(&"palisade:host/log@0.1.0".to_owned()));
    assert_eq!(plugin.manifest().interests()[0].name, "all");
}

#[test]
fn compiled_code_is_taken_from_the_cache_and_damage_only_costs_time() {
    let dir = tempfile::tempdir().unwrap();
    let cache_dir = dir.path().join("compiled");
    let options = HostOptions { cache_dir: Some(cache_dir.clone()), instances: 1, ..HostOptions::default() };
    let bytes = component(&manifest(""), &module("", EMPTY));
    let load = || Host::new(options.clone()).unwrap().load(&bytes).unwrap();
    let entries = || {
        let paths = fs::read_dir(&cache_dir).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "cwasm")).collect::<Vec<_>>()
    };
    call(&load(), vec![file()]).unwrap();
    let [entry] = entries().try_into().unwrap();
    let written = fs::metadata(&entry).unwrap().modified().unwrap();
    call(&load(), vec![file()]).unwrap();
    assert_eq!(
        fs::metadata(&entry).unwrap().modified().unwrap(),
        written,
        "the entry was used, not written anew"
    );
    let mut damaged = fs::read(&entry).unwrap();
    let good = damaged.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&entry, &damaged).unwrap();
    call(&load(), vec![file()]).unwrap();
    assert_eq!(fs::read(&entry).unwrap().len(), good.len());
    assert_ne!(fs::read(&entry).unwrap(), damaged, "the entry was written anew");
}
