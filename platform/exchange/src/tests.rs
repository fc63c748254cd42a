//! What holds for every format: the fixtures give what stands beside them, and nothing gives a panic.
//!
//! `EXCHANGE_EXPECTED=write` writes the expected files anew; read the difference before it is committed.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use model::FindingClass;

use crate::{Exported, Format, Imported, limits, read, write};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Every fixture with its format, sorted.
pub(crate) fn fixtures() -> Vec<(Format, PathBuf)> {
    let mut all = Vec::new();
    for format in Format::ALL {
        let entries = std::fs::read_dir(folder().join(format.as_str())).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        let reports = files.filter(|path| !path.to_string_lossy().ends_with(".expected.json"));
        let mut reports: Vec<_> = reports.map(|path| (format, path)).collect();
        assert!(!reports.is_empty(), "{format} has no fixture");
        all.append(&mut reports);
    }
    all.sort();
    all
}

pub(crate) fn fixture(name: &str) -> Imported {
    read(&std::fs::read(folder().join(name)).unwrap(), None).unwrap()
}

#[test]
fn every_fixture_gives_what_stands_beside_it() {
    for (format, path) in fixtures() {
        let bytes = std::fs::read(&path).unwrap();
        let imported = read(&bytes, None).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(imported.format, format, "{}", path.display());
        assert_eq!(read(&bytes, Some(format)).unwrap(), imported, "{}", path.display());
        let found = format!("{:#}\n", json!(imported));
        let beside = path.with_extension("expected.json");
        if std::env::var_os("EXCHANGE_EXPECTED").is_some_and(|what| what == "write") {
            std::fs::write(&beside, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap();
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[test]
fn another_format_than_the_one_said_is_refused_by_both_names() {
    for (format, path) in fixtures() {
        let bytes = std::fs::read(&path).unwrap();
        for claimed in Format::ALL.into_iter().filter(|claimed| *claimed != format) {
            let error = read(&bytes, Some(claimed)).unwrap_err();
            assert_eq!(error.code(), "exchange-format-mismatch", "{} as {claimed}", path.display());
            let said = error.to_string();
            assert!(said.contains(claimed.as_str()) && said.contains(format.as_str()), "{said}");
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused_or_read() {
    for (format, path) in fixtures() {
        let bytes = std::fs::read(&path).unwrap();
        let whole = bytes.trim_ascii_end().len();
        for end in 0..whole {
            if let Ok(cut) = read(&bytes[..end], Some(format)) {
                // Only lists of one event a line have a whole file in front of a cut.
                assert!(bytes[..end].trim_ascii_end().ends_with(b"}") && format == Format::Ocsf, "{cut:?}");
            }
        }
    }
}

#[test]
fn what_is_no_report_is_refused_with_its_code() {
    let code = |bytes: &[u8], format| read(bytes, format).unwrap_err().code();
    assert_eq!(code(b"", None), "exchange-malformed");
    assert_eq!(code(b"\xff\xfe{\0}\0", None), "exchange-malformed");
    assert_eq!(code(b"[]", None), "exchange-format-unknown");
    assert_eq!(code(b"{}", None), "exchange-format-unknown");
    assert_eq!(code(b"{}", Some(Format::Semgrep)), "exchange-format-mismatch");
    assert_eq!(code(&vec![b' '; limits::FILE_BYTES + 1], None), "exchange-too-large");
    assert_eq!(code("{".repeat(limits::OBJECTS + 1).as_bytes(), None), "exchange-too-many");
    assert_eq!(code(",".repeat(limits::VALUES + 1).as_bytes(), None), "exchange-too-many");
    assert_eq!(code("[".repeat(200).as_bytes(), None), "exchange-malformed");
    assert_eq!(code(br#"{"version":"2.0.0","runs":[]}"#, None), "exchange-version-unsupported");
    assert_eq!(code(br#"{"version":"2.1.0","runs":{}}"#, None), "exchange-shape");
    assert_eq!(code(br#"{"version":"2.1.0","runs":[1,2]}"#, None), "exchange-nothing-usable");
    assert_eq!(Format::parse("sarif\u{202e}").unwrap_err().code(), "exchange-format-name");
    for format in Format::ALL {
        assert_eq!(Format::parse(format.as_str()).unwrap(), format);
    }
}

#[test]
fn an_empty_list_is_a_report_of_the_format_that_was_said() {
    for format in Format::ALL.into_iter().filter(|format| format.is_list()) {
        let imported = read(b"[]", Some(format)).unwrap();
        assert!(imported.targets.iter().all(|target| target.findings.is_empty()), "{format}");
    }
}

#[test]
fn gaps_are_counted_where_they_are_no_longer_told() {
    let results = vec![Value::Null; limits::GAPS + 10];
    let report = json!({ "version": "2.1.0", "runs": [{ "results": results }] });
    let imported = read(report.to_string().as_bytes(), None).unwrap();
    assert_eq!(imported.skipped, limits::GAPS as u64 + 10);
    assert_eq!(imported.gaps.len(), limits::GAPS + 1);
    assert_eq!(imported.gaps.last().unwrap().reason, "10 more parts were not used");
}

#[test]
fn too_many_findings_are_refused_and_not_cut() {
    let result = |number: usize| json!({ "ruleId": format!("R{number}") });
    let results: Vec<Value> = (0..=limits::FINDINGS).map(result).collect();
    let report = json!({ "version": "2.1.0", "runs": [{ "results": results }] });
    assert_eq!(read(report.to_string().as_bytes(), None).unwrap_err().code(), "exchange-too-many");
}

#[test]
fn one_text_in_many_results_is_refused_before_it_fills_the_memory() {
    let affects: Vec<Value> = (0..200_000).map(|n| json!({ "ref": format!("pkg:npm/p{n}@1") })).collect();
    let vulnerability = json!({ "id": "CVE-1", "description": "x".repeat(1 << 20), "affects": affects });
    let report =
        json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [vulnerability] });
    let error = read(report.to_string().as_bytes(), None).unwrap_err();
    assert!(error.to_string().contains("bytes of results"), "{error}");
}

#[test]
fn no_secret_and_no_code_leaves_a_reader() {
    let hidden = [
        "AKIAIOSFODNN7EXAMPLE",
        "hunter2hunter2",
        "eval(request",
        "never taken over",
        "s3cr3t-v4lue",
        "a@example.org",
    ];
    let mut sources: std::collections::BTreeSet<&str> = std::collections::BTreeSet::new();
    for (_, path) in fixtures() {
        let report = std::fs::read_to_string(&path).unwrap();
        sources.extend(hidden.into_iter().filter(|hidden| report.contains(hidden)));
        let imported = json!(read(report.as_bytes(), None).unwrap()).to_string();
        for hidden in hidden {
            assert!(!imported.contains(hidden), "{} tells {hidden}", path.display());
        }
    }
    assert_eq!(sources.len(), hidden.len(), "every one of them stands in a fixture");
}

/// The keys of a report after a change to its text.
fn keys(report: &str) -> Vec<String> {
    let imported = read(report.as_bytes(), None).unwrap();
    imported.targets.iter().flat_map(|target| &target.findings).map(|finding| finding.key.clone()).collect()
}

#[test]
fn a_line_is_part_of_a_key_only_where_there_is_no_fingerprint() {
    let sarif = |prints: &str, line: u32| {
        keys(&format!(
            r#"{{"version":"2.1.0","runs":[{{"results":[{{"ruleId":"R","locations":[{{"physicalLocation":
            {{"artifactLocation":{{"uri":"a.c"}},"region":{{"startLine":{line}}}}}}}],{prints}:{{"h/v1":"x"}}}}]}}]}}"#
        ))
    };
    for prints in ["\"partialFingerprints\"", "\"fingerprints\""] {
        assert_eq!(sarif(prints, 1), sarif(prints, 2), "{prints}");
    }
    assert_ne!(sarif("\"properties\"", 1), sarif("\"properties\"", 2));
    let semgrep = |print: &str, line: u32| {
        keys(&format!(
            r#"{{"results":[{{"check_id":"r","path":"a","start":{{"line":{line}}},
            "extra":{{"severity":"INFO","fingerprint":"{print}"}}}}],"errors":[]}}"#
        ))
    };
    assert_eq!(semgrep("5e1f", 1), semgrep("5e1f", 2));
    assert_ne!(semgrep("requires login", 1), semgrep("requires login", 2));
    let gitleaks = |print: &str, line: u32| {
        keys(&format!(r#"[{{"RuleID":"r","Secret":"abcdefgh","File":"a","StartLine":{line}{print}}}]"#))
    };
    let print = r#","Fingerprint":"c:a:r:1""#;
    assert_eq!(gitleaks(print, 1), gitleaks(print, 2));
    assert_ne!(gitleaks("", 1), gitleaks("", 2));
}

#[test]
fn equal_results_are_one_finding_with_both_places() {
    for (name, rule) in [
        ("sarif/runs.json", "js/sql-injection"),
        ("gitleaks/report.json", "aws-access-token"),
        ("semgrep/report.json", "python.lang.security.audit.eval-detected.eval-detected"),
    ] {
        let imported = fixture(name);
        let findings = imported.targets.iter().flat_map(|target| &target.findings);
        let found: Vec<_> = findings.filter(|finding| finding.rule == rule).collect();
        assert_eq!((found.len(), found[0].evidence.len()), (1, 2), "{name}");
    }
}

#[test]
fn a_package_has_the_key_of_our_own_judgement() {
    let imported = fixture("grype-json/image.json");
    let location = ["npm", "braces", "3.0.2", "", "app/node_modules/braces/package.json"];
    let key = model::finding_key(model::FindingClass::Vulnerability, "CVE-2024-4068", &location);
    assert_eq!(imported.targets[0].findings[0].key, key);
}

/// Replaces the value that is reached in `steps` by another.
fn mutate(value: &mut Value, steps: &mut Vec<usize>, with: &Value) {
    let step = steps.pop();
    match (step, value) {
        (Some(step), Value::Array(items)) if !items.is_empty() => {
            let index = step % items.len();
            mutate(&mut items[index], steps, with);
        }
        (Some(step), Value::Object(members)) if !members.is_empty() => {
            let index = step % members.len();
            let key = members.keys().nth(index).unwrap().clone();
            mutate(&mut members[&key], steps, with);
        }
        (_, value) => *value = with.clone(),
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec!["", "..", "pkg:", "sha256:", "\u{202e}", "{0}{0}", "a\u{0}b"])
            .prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[], null, {}])),
        Just(Value::from("x".repeat(5_000))),
    ]
}

/// What holds for whatever was read.
fn keeps_its_promises(imported: &Imported) {
    for finding in imported.targets.iter().flat_map(|target| &target.findings) {
        assert!(
            !finding
                .title
                .chars()
                .any(|letter| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter))
        );
        assert_eq!(finding.ids.first(), Some(&finding.rule));
        assert!(finding.evidence.is_sorted() && !finding.severity_source.is_empty());
        assert!(finding.cvss.iter().all(|rating| (0.0..=10.0).contains(&rating.score)));
    }
    let findings = write::tests::kept(imported.clone());
    let placed = |one: &&Exported| one.finding.class == FindingClass::Vulnerability;
    let mut keys: Vec<_> = findings.iter().filter(placed).map(|one| one.finding.key.clone()).collect();
    let written = write::tests::written(&findings).0;
    let again = read(written.as_bytes(), Some(Format::CycloneDx));
    let again = again.unwrap_or_else(|error| panic!("{error}: {written}"));
    let mut found: Vec<_> =
        again.targets.iter().flat_map(|target| &target.findings).map(|finding| finding.key.clone()).collect();
    keys.sort();
    found.sort();
    assert_eq!(found, keys, "{written}");
    assert!(imported.skipped == 0 || !imported.gaps.is_empty());
    assert!(imported.gaps.iter().all(|gap| !gap.subject.is_empty() && !gap.reason.is_empty()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_part_replaced_never_panics(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((prop::collection::vec(any::<usize>(), 1..9), odd_value()), 1..4),
    ) {
        let all = fixtures();
        let (format, path) = which.get(&all);
        let mut report: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap_or_default();
        for (mut steps, with) in changes {
            mutate(&mut report, &mut steps, &with);
        }
        let bytes = report.to_string();
        if let Ok(imported) = read(bytes.as_bytes(), Some(*format)) {
            keeps_its_promises(&imported);
            prop_assert_eq!(read(bytes.as_bytes(), Some(*format)).unwrap(), imported);
        }
    }
}
