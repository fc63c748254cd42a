//! The command line on the small root file system of the repository, which needs nothing but the checkout.

use serde_json::Value;

use crate::support::{Data, fixture, run};

fn rootfs() -> String {
    fixture("rootfs").display().to_string()
}

fn report(extra: &[&str]) -> Value {
    let rootfs = rootfs();
    let words = ["scan", "dir", &rootfs, "--format", "json", "--no-cache"];
    Data::shared().run(&[words.as_slice(), extra].concat()).expect_code(0).json()
}

fn finding<'a>(report: &'a Value, rule: &str, package: &str) -> &'a Value {
    let found = report["findings"].as_array().unwrap().iter().find(|finding| {
        finding["ids"].as_array().unwrap().iter().any(|id| id == rule)
            && finding["package"]["name"] == package
    });
    found.unwrap_or_else(|| panic!("no finding {rule} of {package}"))
}

#[test]
fn packages_of_every_manager_are_found_with_their_evidence() {
    let report = report(&[]);
    let packages = report["packages"].as_array().unwrap();
    let has = |kind: &str, name: &str, version: &str| {
        packages.iter().any(|p| p["type"] == kind && p["name"] == name && p["version"] == version)
    };
    assert!(has("deb", "zlib1g", "1:1.2.13.dfsg-1"));
    assert!(!packages.iter().any(|p| p["name"] == "vim"), "a removed package is not installed");
    assert!(has("pypi", "Django", "3.2"));
    assert!(has("npm", "@babel/traverse", "7.22.0"));
    assert!(!packages.iter().any(|p| p["name"] == "not-installed"), "a test's package.json is not a package");
    assert!(has("maven", "org.apache.logging.log4j:log4j-core", "2.14.1"));
    assert!(packages.iter().all(|p| !p["evidence"].as_array().unwrap().is_empty()));
    assert_eq!(report["os"]["id"], "debian");
}

#[test]
fn a_finding_says_what_why_and_what_to_do() {
    let report = report(&[]);
    let log4shell = finding(&report, "CVE-2021-44228", "org.apache.logging.log4j:log4j-core");
    assert_eq!(log4shell["rule"], "CVE-2021-44228", "the CVE is the name of the thing");
    assert_eq!(log4shell["severity"], "critical");
    assert_eq!(log4shell["fix"]["state"], "fixed");
    assert!(log4shell["kev"].is_object(), "{log4shell}");
    let evidence = &log4shell["evidence"][0];
    assert_eq!(evidence["path"], "srv/api/app.jar");
    assert!(
        evidence["inner"].as_str().unwrap().starts_with("BOOT-INF/lib/log4j-core-2.14.1.jar"),
        "{evidence}"
    );
    assert!(log4shell["records"][0]["reason"].as_str().unwrap().contains("2.14.1"));
    assert!(!log4shell["severity_source"].as_str().unwrap().is_empty());
}

#[test]
fn the_distribution_decides_about_what_it_brought() {
    let report = report(&[]);
    let packages = report["packages"].as_array().unwrap();
    let jinja =
        |version: &str| packages.iter().find(|p| p["name"] == "Jinja2" && p["version"] == version).unwrap();
    assert_eq!(jinja("3.1.2")["owner"]["name"], "python3-jinja2");
    assert!(jinja("2.11.2")["owner"].is_null());
}

#[test]
fn the_result_does_not_depend_on_threads_or_on_the_day() {
    let rootfs = rootfs();
    let scan = |threads: &str| {
        let words = ["scan", "dir", &rootfs, "--format", "json", "--threads", threads];
        Data::shared().run(&words).expect_code(0).stdout
    };
    let first = scan("1");
    assert!(["1", "2", "8"].iter().all(|threads| scan(threads) == first));
    let stamped = report(&["--timestamps", "--provenance"]);
    assert!(stamped["scanned_at"].is_string());
    assert_eq!(stamped["target"]["kind"], "directory");
}

#[test]
fn every_form_is_printed_and_says_the_same() {
    let rootfs = rootfs();
    let scan =
        |format: &str| Data::shared().run(&["scan", "dir", &rootfs, "--format", format]).expect_code(0);
    let report = report(&[]);
    let findings = report["findings"].as_array().unwrap().len();
    let packages = report["packages"].as_array().unwrap().len();

    let cyclonedx = scan("cyclonedx").json();
    assert_eq!(cyclonedx["bomFormat"], "CycloneDX");
    let components = cyclonedx["components"].as_array().unwrap();
    assert_eq!(components.iter().filter(|c| c["type"] != "operating-system").count(), packages);
    let spdx = scan("spdx").json();
    assert_eq!(spdx["spdxVersion"], "SPDX-2.3");
    let sarif = scan("sarif").json();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), findings);
    let table = scan("table").stdout;
    assert!(table.contains("CVE-2021-44228") && table.contains("known exploited"), "{table}");
}

#[test]
fn exit_codes_tell_what_happened() {
    let rootfs = rootfs();
    let data = Data::shared();
    data.run(&["scan", "dir", &rootfs]).expect_code(0);
    data.run(&["scan", "dir", &rootfs, "--fail-on", "critical"]).expect_code(1);
    let absent = data.run(&["scan", "image", "oci:/no/such/layout"]).expect_code(2);
    assert!(absent.stderr.contains("/no/such/layout"), "{}", absent.stderr);
    // Nothing is loaded, so no ecosystem could be judged: not clean, and said so.
    let bare = Data::empty();
    let gaps = bare.run(&["scan", "dir", &rootfs, "--strict", "--format", "json"]).expect_code(3);
    let codes: Vec<Value> =
        gaps.json()["coverage"]["gaps"].as_array().unwrap().iter().map(|gap| gap["code"].clone()).collect();
    assert!(codes.iter().any(|code| code == "no-advisories"), "{codes:?}");
    run(&["scan", "dir"]).expect_code(2);
}

#[test]
fn what_is_excluded_is_passed_over_and_said() {
    let report = report(&["--exclude", "/srv/api", "--exclude", "opt/**/*.dist-info", "--strict"]);
    let packages = report["packages"].as_array().unwrap();
    assert!(!packages.iter().any(|p| p["type"] == "maven" || p["name"] == "Django"));
    assert!(packages.iter().any(|p| p["name"] == "zlib1g"));
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    assert!(gaps.iter().any(|gap| gap["code"] == "excluded" && gap["subject"] == "srv/api"), "{gaps:?}");
    assert_eq!(report["coverage"]["complete"], false);
    let rootfs = rootfs();
    let bad = Data::shared().run(&["scan", "dir", &rootfs, "--exclude", "a["]).expect_code(2);
    assert!(bad.stderr.contains("image-exclude-invalid"), "{}", bad.stderr);
}

#[test]
fn advisories_can_be_named_for_one_scan() {
    let rootfs = rootfs();
    let advisories = fixture("advisories").display().to_string();
    let bare = Data::empty();
    let words = ["scan", "dir", &rootfs, "--advisories", &advisories, "--format", "json"];
    let report = bare.run(&words).expect_code(0).json();
    assert_eq!(
        finding(&report, "CVE-2021-44228", "org.apache.logging.log4j:log4j-core")["severity"],
        "critical"
    );
}

#[test]
fn a_broken_feed_leaves_the_last_good_one_in_use() {
    let data = Data::with_sample();
    let before = data.run(&["advisories", "status"]).expect_code(0).stdout;
    let broken = data.path().join("broken.zip");
    std::fs::write(&broken, b"PK\x03\x04 this is cut").unwrap();
    let broken = broken.display().to_string();
    data.run(&["advisories", "import", &broken]).expect_code(2);
    let after = data.run(&["advisories", "status"]).expect_code(0).stdout;
    assert_ne!(before, after, "the status tells of the failed import");
    let rootfs = rootfs();
    data.run(&["scan", "dir", &rootfs, "--fail-on", "critical"]).expect_code(1);
}

#[test]
fn plugins_show_what_they_want() {
    let data = Data::shared();
    let list = data.run(&["plugin", "list"]).expect_code(0).stdout;
    assert!(list.contains("palisade.image-packages") && list.contains("sha256:"), "{list}");
    let shown = data.run(&["plugin", "inspect", "palisade.image-packages"]).expect_code(0).stdout;
    assert!(shown.contains("var/lib/dpkg/status"), "{shown}");
    data.run(&["plugin", "inspect", &rootfs()]).expect_code(2);
}

#[test]
fn doctor_finds_a_working_installation() {
    let told = Data::shared().run(&["doctor"]).expect_code(0).stdout;
    assert!(told.contains("plugins"), "{told}");
}

#[test]
fn every_error_names_its_code_and_every_code_is_explained() {
    let absent = Data::shared().run(&["scan", "image", "oci:/no/such/layout"]).expect_code(2);
    let code = absent.stderr.split("the code is ").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
    let page = run(&["explain", code]).expect_code(0).stdout;
    assert!(page.starts_with(&format!("# {code}\n")) && page.contains("## What to do"), "{page}");
    let codes = run(&["explain"]).expect_code(0).stdout;
    assert!(codes.lines().any(|line| line == code) && codes.lines().count() > 100);
    run(&["explain", "no-such-code"]).expect_code(2);
}
