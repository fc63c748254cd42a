//! Real images, read every way there is, against what their package managers say.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Data, Images, Registry, full};

/// Built in seconds, and so scanned by every run.
const QUICK: [&str; 5] = ["alpine-apk", "rpm-sqlite", "debian-minbase", "java-jars", "native-binaries"];
/// Built in minutes; `cargo xtask test --full`.
const SLOW: [&str; 4] = ["python-old", "node-old", "java-spark", "layers-large"];

type Package = (String, String, String);

fn names() -> Vec<&'static str> {
    if full() { QUICK.iter().chain(&SLOW).copied().collect() } else { QUICK.to_vec() }
}

fn scan(data: &Data, reference: &str, extra: &[&str]) -> String {
    let words = ["scan", "image", reference, "--format", "json", "--no-cache"];
    data.run(&[words.as_slice(), extra].concat()).expect_code(0).stdout
}

/// The packages of a report whose kind the record of the image speaks of.
fn packages(report: &str, kinds: &BTreeSet<String>) -> BTreeSet<Package> {
    let report: Value = serde_json::from_str(report).unwrap();
    let text = |package: &Value, key: &str| package[key].as_str().unwrap().to_owned();
    report["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package["evidence"].as_array().unwrap().iter().any(|e| e["confidence"] == "high"))
        .map(|package| (text(package, "type"), text(package, "name"), text(package, "version")))
        .filter(|(kind, _, _)| kinds.contains(kind))
        .collect()
}

#[test]
fn package_sets_equal_what_the_package_managers_say() {
    let names = names();
    let Some(images) = Images::build(&names) else { return };
    let data = Data::shared();
    for name in names {
        let expected: BTreeSet<Package> = images.expected(name).into_iter().collect();
        let kinds: BTreeSet<String> = expected.iter().map(|(kind, _, _)| kind.clone()).collect();
        let found = packages(&scan(data, &format!("oci:{}", images.layout(name).display()), &[]), &kinds);
        let missed: Vec<_> = expected.difference(&found).collect();
        assert!(missed.is_empty(), "{name}: missed {missed:?}");
        let extra: Vec<_> = found.difference(&expected).collect();
        assert!(extra.is_empty(), "{name}: {} extra {extra:?}", extra.len());
        println!("{name}: {} packages, none missed, none made up", expected.len());
    }
}

#[test]
fn executables_show_the_modules_they_were_built_from() {
    let Some(images) = Images::build(&["native-binaries"]) else { return };
    let report = scan(Data::shared(), &format!("oci:{}", images.layout("native-binaries").display()), &[]);
    let count = |kind: &str| packages(&report, &BTreeSet::from([kind.to_owned()])).len();
    // 532 crates in one executable and the same in its sibling; the Go figure counts modules once per version.
    assert_eq!(count("cargo"), 532);
    assert!(count("golang") >= 200, "{}", count("golang"));
}

#[test]
fn the_same_image_gives_the_same_bytes_however_it_is_reached() {
    let Some(images) = Images::build(&QUICK) else { return };
    let data = Data::shared();
    let registry = Registry::start();
    for name in QUICK {
        let layout = format!("oci:{}", images.layout(name).display());
        let first = scan(data, &layout, &["--threads", "1"]);
        for threads in ["1", "2", "8"] {
            assert_eq!(scan(data, &layout, &["--threads", threads]), first, "{name} on {threads} threads");
        }
        let archive = format!("docker-archive:{}", images.archive(name).display());
        assert_eq!(scan(data, &archive, &[]), first, "{name} as docker archive");
        let root = images.unpack(name);
        assert_eq!(
            scan(data, &format!("dir:{}", root.path().display()), &[]),
            first,
            "{name} as root directory"
        );
        if let Some(registry) = &registry {
            let reference = registry.push(&images.layout(name), name);
            let config = data.path().join("registry.toml");
            std::fs::write(&config, format!("[egress]\nallow = [{:?}]\n", registry.address)).unwrap();
            let config = config.display().to_string();
            assert_eq!(scan(data, &reference, &["--config", &config]), first, "{name} from a registry");
        }
    }
}

#[test]
fn a_known_layer_is_not_read_again_and_changes_nothing() {
    let Some(images) = Images::build(&["java-jars"]) else { return };
    let data = Data::with_sample();
    let layout = format!("oci:{}", images.layout("java-jars").display());
    let scan = || data.run(&["scan", "image", &layout, "--format", "json"]).expect_code(0).stdout;
    let first = scan();
    // Layers that must be read cannot be: their blobs are hidden behind a copy of the layout without them.
    let copy = tempfile::tempdir().unwrap();
    copy_without_layers(&images.layout("java-jars"), copy.path());
    let known = data.run(&["scan", "image", &format!("oci:{}", copy.path().display()), "--format", "json"]);
    assert_eq!(known.expect_code(0).stdout, first);
}

fn copy_without_layers(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to.join("blobs/sha256")).unwrap();
    for file in ["index.json", "oci-layout"] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
    for entry in std::fs::read_dir(from.join("blobs/sha256")).unwrap().flatten() {
        let small = entry.metadata().unwrap().len() < 100_000;
        let target = to.join("blobs/sha256").join(entry.file_name());
        if small {
            std::fs::copy(entry.path(), target).unwrap();
        } else {
            // Still there, so that opening the image succeeds, but of no use to anybody who reads it.
            std::fs::write(target, vec![0; entry.metadata().unwrap().len() as usize]).unwrap();
        }
    }
}

#[test]
fn a_bill_of_materials_of_our_own_is_judged_like_the_image() {
    let Some(images) = Images::build(&["debian-minbase"]) else { return };
    let data = Data::shared();
    let layout = format!("oci:{}", images.layout("debian-minbase").display());
    let findings = |report: &str| {
        let report: Value = serde_json::from_str(report).unwrap();
        let keys =
            report["findings"].as_array().unwrap().iter().map(|f| f["key"].as_str().unwrap().to_owned());
        keys.collect::<BTreeSet<_>>()
    };
    let direct = findings(&scan(data, &layout, &[]));
    for format in ["cyclonedx", "spdx"] {
        let document = data.path().join(format!("minbase.{format}.json"));
        let document = document.display().to_string();
        data.run(&["scan", "image", &layout, "--format", format, "--output", &document]).expect_code(0);
        let judged = data.run(&["scan", "sbom", &document, "--format", "json"]).expect_code(0);
        assert_eq!(findings(&judged.stdout), direct, "{format}");
    }
}
