//! What is written is whole, harmless to a spreadsheet, and read again as the same.

use std::io::Write;

use jiff::Timestamp;
use model::{
    Cvss, Finding, FindingClass, Fingerprint, Fix, FixState, PackageType, Severity, Suppression, finding_key,
    purl,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::csv::escaped;
use super::{Asset, Exported, Heading, OutFormat, State, Written, write};
use crate::draft::place;
use crate::tests::fixture;
use crate::{Imported, TargetKind, read};

fn heading() -> Heading {
    Heading {
        id: "3e671687-395b-41f5-a30f-a58921a69b79".into(),
        made_at: Timestamp::from_second(1_777_889_472).unwrap(),
        author: "Example \"Org\"".into(),
    }
}

pub(crate) fn written(format: OutFormat, findings: &[Exported]) -> (String, Written) {
    let mut out = Vec::new();
    let told = write(format, &heading(), findings.iter().cloned(), &mut out).unwrap();
    (String::from_utf8(out).unwrap(), told)
}

/// Everything of an import as it would be kept, one day apart.
pub(crate) fn kept(imported: Imported) -> Vec<Exported> {
    let mut all = Vec::new();
    for target in imported.targets {
        let asset = Asset { kind: target.kind, name: target.name, digest: target.digest };
        all.extend(target.findings.into_iter().map(|finding| Exported {
            fingerprint: Fingerprint(finding.key.clone()),
            asset: asset.clone(),
            state: State::Open,
            first_seen: Timestamp::from_second(1_777_800_000).unwrap(),
            last_seen: Timestamp::from_second(1_777_886_400).unwrap(),
            owner: Some("team-shop".into()),
            finding,
        }));
    }
    all
}

/// What both formats have a place for.
fn essence(finding: &Finding) -> Value {
    json!([
        finding.key,
        finding.class,
        finding.rule,
        finding.ids,
        finding.title,
        finding.description,
        finding.severity,
        finding.cvss,
        finding.package,
        finding.fix,
        finding.references,
        finding.suppressed,
        finding.evidence.first().map(|place| &place.path),
    ])
}

fn essences<'a>(findings: impl Iterator<Item = (&'a Asset, &'a Finding)>) -> Vec<String> {
    let mut all: Vec<String> =
        findings.map(|(asset, finding)| json!([asset, essence(finding)]).to_string()).collect();
    all.sort();
    all
}

/// Writes, reads again, and compares what came out; targets and findings in any order.
fn assert_round_trip(format: OutFormat, findings: &[Exported]) {
    let (text, told) = written(format, findings);
    assert_eq!((told.written, told.left_out), (findings.len() as u64, 0));
    let again = read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((again.tool.name.as_str(), again.format.as_str()), ("Palisade", format.as_str()));
    assert!(again.gaps.is_empty(), "{:?} {text}", again.gaps);
    let expected = essences(findings.iter().map(|one| (&one.asset, &one.finding)));
    let again = kept(again);
    let found = essences(again.iter().map(|one| (&one.asset, &one.finding)));
    assert_eq!(found, expected, "{text}");
}

#[test]
fn imports_of_every_tool_survive_the_way_out_and_in() {
    for name in ["trivy-json/image.json", "grype-json/image.json", "cyclonedx/vex.json"] {
        let mut all = kept(fixture(name));
        assert_round_trip(OutFormat::Ocsf, &all);
        all.retain(|one| one.finding.class == FindingClass::Vulnerability);
        assert_round_trip(OutFormat::CycloneDx, &all);
    }
    for name in ["semgrep/report.json", "gitleaks/report.json", "kube-bench/node.json", "sarif/runs.json"] {
        assert_round_trip(OutFormat::Ocsf, &kept(fixture(name)));
    }
}

/// A finding of every state.
fn of_every_state() -> Vec<Exported> {
    let mut all = kept(fixture("trivy-json/image.json"));
    all.truncate(5);
    all[1].state = State::Fixed;
    all[2].state = State::FalsePositive { reason: "no such code".into() };
    let until = Timestamp::from_second(1_800_000_000).ok();
    all[3].state = State::AcceptedRisk { reason: "behind a proxy".into(), until };
    all[4].state = State::AcceptedRisk { reason: "for good".into(), until: None };
    all[4].finding.class = FindingClass::License;
    all
}

#[test]
fn what_was_decided_is_said_in_every_format() {
    let all = of_every_state();
    let (text, told) = written(OutFormat::CycloneDx, &all);
    assert_eq!(told, Written { written: 4, left_out: 1 });
    let bom: Value = serde_json::from_str(&text).unwrap();
    let states: Vec<_> =
        (0..4).map(|index| bom["vulnerabilities"][index]["analysis"]["state"].as_str()).collect();
    assert_eq!(states, [None, Some("resolved"), Some("false_positive"), Some("exploitable")]);
    assert_eq!(bom["vulnerabilities"][3]["analysis"]["response"], json!(["will_not_fix"]));
    let (text, _) = written(OutFormat::Ocsf, &all);
    let events: Value = serde_json::from_str(&text).unwrap();
    let numbers = |name: &str| (0..5).map(|index| events[index][name].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers("status_id"), [1, 4, 3, 3, 3]);
    assert_eq!(numbers("class_uid"), [2002, 2002, 2002, 2002, 2004]);
    assert_eq!(numbers("type_uid"), [200_202, 200_203, 200_202, 200_202, 200_402]);
    let again = read(text.as_bytes(), None).unwrap();
    let suppressed: Vec<_> =
        again.targets[0].findings.iter().map(|finding| finding.suppressed.clone()).collect();
    let said = |code: &str, reason: &str| Some(Suppression { code: code.into(), reason: reason.into() });
    let expected = [
        None,
        said("false-positive", "no such code"),
        said("accepted-risk", "behind a proxy"),
        said("accepted-risk", "for good"),
    ];
    assert_eq!(suppressed, expected, "what is fixed is no finding any more");
}

#[test]
fn openvex_has_only_what_somebody_decided() {
    let all = of_every_state();
    let (text, told) = written(OutFormat::OpenVex, &all);
    assert_eq!(told, Written { written: 2, left_out: 3 });
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["@context"], "https://openvex.dev/ns/v0.2.0");
    assert_eq!(document["author"], "Example \"Org\"");
    let digest = "a".repeat(64);
    let product = format!("pkg:oci/web@sha256%3A{digest}?repository_url=registry.example%2Fshop%2Fweb");
    let subcomponents = |index: usize| json!([{ "@id": all[index].finding.package.as_ref().unwrap().purl }]);
    assert_eq!(
        document["statements"][0],
        json!({
            "vulnerability": { "name": all[2].finding.rule },
            "products": [{ "@id": product, "subcomponents": subcomponents(2) }],
            "timestamp": "2026-05-04T09:20:00Z",
            "status": "not_affected",
            "impact_statement": "False positive: no such code",
        })
    );
    assert_eq!(document["statements"][1]["status"], "affected");
    let action = "The risk is accepted until 2027-01-15T08:00:00Z: behind a proxy";
    assert_eq!(document["statements"][1]["action_statement"], action);
}

#[test]
fn no_findings_are_a_whole_document_too() {
    for format in OutFormat::ALL {
        let (text, told) = written(format, &[]);
        assert_eq!(told, Written::default());
        match format {
            OutFormat::Csv => assert_eq!(text.lines().count(), 1),
            OutFormat::Ndjson => assert_eq!(text, ""),
            _ => drop(serde_json::from_str::<Value>(&text).unwrap()),
        }
        assert_eq!(OutFormat::parse(format.as_str()).unwrap(), format);
    }
    assert_eq!(OutFormat::parse("pdf").unwrap_err().code(), "exchange-format-name");
}

#[test]
fn lines_hold_everything_that_is_known() {
    let all = of_every_state();
    let (text, _) = written(OutFormat::Ndjson, &all);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), all.len());
    for (line, one) in lines.iter().zip(&all) {
        assert_eq!(serde_json::from_value::<Finding>(line["finding"].clone()).unwrap(), one.finding);
        assert_eq!(line["state"], one.state.as_str());
        assert_eq!(line["asset"]["kind"], "image");
    }
    assert_eq!(lines[3]["until"], "2027-01-15T08:00:00Z");
}

/// The records of a CSV file (RFC 4180).
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        let cell = records.last_mut().unwrap().last_mut().unwrap();
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.push(letters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => records.last_mut().unwrap().push(String::new()),
            '\r' if !quoted && letters.peek() == Some(&'\n') => {
                letters.next();
                records.push(vec![String::new()]);
            }
            _ => cell.push(letter),
        }
    }
    assert_eq!(records.pop(), Some(vec![String::new()]), "the last record ends its line");
    records
}

#[test]
fn no_cell_is_a_formula() {
    for (cell, expected) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""),
        ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
        ("a=1", "a=1"),
        ("", ""),
    ] {
        assert_eq!(escaped(cell), expected);
    }
    let mut all = of_every_state();
    all[0].finding.title = "=HYPERLINK(\"https://a.example\",\"x\")".into();
    all[0].owner = Some("@cmd".into());
    let rows = records(&written(OutFormat::Csv, &all).0);
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| row.len() == 19));
    assert_eq!(rows[1][6], "'=HYPERLINK(\"https://a.example\",\"x\")");
    assert_eq!((rows[1][16].as_str(), rows[3][17].as_str()), ("'@cmd", "no such code"));
}

/// Takes so many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 && !bytes.is_empty() { Err(std::io::Error::other("full")) } else { Ok(taken) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_not_taken_is_an_error_wherever_it_stops() {
    let all = of_every_state();
    for format in OutFormat::ALL {
        let whole = written(format, &all).0.len();
        for room in 0..whole {
            let error = write(format, &heading(), all.iter().cloned(), &mut Full(room)).unwrap_err();
            assert_eq!(error.code(), "exchange-write-failed");
        }
        write(format, &heading(), all.iter().cloned(), &mut Full(whole)).unwrap();
    }
}

fn fix() -> impl Strategy<Value = Fix> {
    let states = prop::sample::select(vec![
        FixState::Fixed,
        FixState::NotFixed,
        FixState::WontFix,
        FixState::Deferred,
        FixState::EndOfLife,
        FixState::Unknown,
    ]);
    (states, prop::collection::btree_set("2[0-9.]{1,6}[0-9]", 0..3))
        // A version without the vulnerability is a fix; nobody both names one and does not know of any.
        .prop_map(|(state, versions)| match state {
            FixState::Unknown => Fix { state, versions: Vec::new() },
            _ => Fix { state, versions: versions.into_iter().collect() },
        })
}

fn asset() -> impl Strategy<Value = Asset> {
    let kinds = prop::sample::select(TargetKind::ALL.to_vec());
    (kinds, "[a-z][a-z0-9./:-]{0,12}", prop::option::of("sha256:[0-9a-f]{64}"))
        .prop_map(|(kind, name, digest)| Asset { kind, name, digest })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What only a finding about a package has.
fn vulnerable(finding: &mut Finding, name: String, version: String, fix: Fix, score: u32) {
    let purl = purl::purl(PackageType::Npm, &name, &version, None, None, None);
    finding.package = Some(model::PackageRef { kind: PackageType::Npm, name, version, purl, source: None });
    finding.ids.push("GHSA-1".into());
    finding.fix = fix;
    // A document with ratings rates what its first rating does not.
    if finding.severity != Severity::Unknown {
        let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H".to_owned();
        let score = f64::from(score) / 10.0;
        finding.cvss = vec![Cvss { version: "3.1".into(), vector, score, source: "NVD".into() }];
    }
}

prop_compose! {
    fn exported(classes: &'static [FindingClass])(
        class in prop::sample::select(classes),
        asset in asset(),
        number in 1..9_999_u32,
        (name, version) in ("[a-z][a-z0-9]{0,9}", "1[0-9.]{0,6}"),
        severity in prop::sample::select(Severity::ALL.to_vec()),
        score in 0..=100_u32,
        title in "[A-Za-z=\"<][A-Za-z0-9 ,'\"<>]{0,30}[a-z]",
        description in "[a-z\"][a-z\n\"]{0,40}[a-z]",
        fix in fix(),
        path in "[a-z]{1,8}(/[a-z]{1,8}){0,2}",
        reason in prop::option::of("[a-z][a-z ]{1,20}[a-z]"),
    ) -> Exported {
        let rule = format!("CVE-2026-{number:04}");
        let key = finding_key(class, &rule, &[asset.kind.as_str(), &asset.name, &name, &version, &path]);
        let suppression = |reason: String| Suppression { code: "disputed".into(), reason: one_line(&reason) };
        let mut finding = Finding {
            key: key.clone(),
            class,
            ids: vec![rule.clone()],
            rule,
            title: one_line(&title),
            description,
            severity,
            severity_source: "x".into(),
            cvss: vec![],
            kev: None,
            epss: None,
            package: None,
            fix: Fix { state: fix.state, versions: vec![] },
            evidence: vec![place(path, "x", None)],
            records: vec![],
            references: vec!["https://a.example/?b=c".into()],
            proof: None,
            suppressed: reason.map(suppression),
        };
        if class == FindingClass::Vulnerability {
            vulnerable(&mut finding, name, version, fix, score);
        }
        let last_seen = Timestamp::from_second(1_777_886_400).unwrap();
        let (first_seen, fingerprint) = (Timestamp::UNIX_EPOCH, Fingerprint(key));
        Exported { fingerprint, asset, state: State::Open, first_seen, last_seen, owner: None, finding }
    }
}

/// Every class; CycloneDX has a place for the first alone.
const CLASSES: [FindingClass; 5] = [
    FindingClass::Vulnerability,
    FindingClass::Misconfiguration,
    FindingClass::Secret,
    FindingClass::Malware,
    FindingClass::License,
];

/// Without two that would be one.
fn distinct(mut all: Vec<Exported>) -> Vec<Exported> {
    let mut keys = std::collections::BTreeSet::new();
    all.retain(|one| keys.insert((one.asset.clone(), one.finding.key.clone())));
    all
}

proptest! {
    #[test]
    fn vulnerabilities_survive_cyclonedx(all in prop::collection::vec(exported(&CLASSES[..1]), 1..6)) {
        assert_round_trip(OutFormat::CycloneDx, &distinct(all));
    }

    #[test]
    fn every_class_survives_ocsf(all in prop::collection::vec(exported(&CLASSES), 1..6)) {
        assert_round_trip(OutFormat::Ocsf, &distinct(all));
    }

    #[test]
    fn any_cell_is_read_again(cells in "[a-z=+@\t\r\n\",'-]{0,12}") {
        let row = format!("{},x\r\n", escaped(&cells));
        let told = &records(&row)[0][0];
        let guarded = format!("'{cells}");
        prop_assert!(*told == cells || *told == guarded);
        prop_assert!(!told.starts_with(['=', '+', '-', '@', '\t', '\r']));
    }
}
