//! What is written is whole, and read again as the same.

use jiff::Timestamp;
use model::{
    Cvss, Finding, FindingClass, Fingerprint, Fix, FixState, PackageType, Severity, Suppression, finding_key,
    purl,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Asset, Bom, Exported, Heading, State};
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

/// The whole document, and how many findings are in it.
pub(crate) fn written(findings: &[Exported]) -> (String, usize) {
    let (mut bom, mut text) = Bom::begin(&heading());
    let told: Vec<String> = findings.iter().filter_map(|finding| bom.push(finding)).collect();
    text.push_str(&told.concat());
    text.push_str(&bom.end());
    (text, told.len())
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
fn assert_round_trip(findings: &[Exported]) {
    let (text, told) = written(findings);
    assert_eq!(told, findings.len());
    let again = read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((again.tool.name.as_str(), again.format.as_str()), ("Palisade", "cyclonedx"));
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
        all.retain(|one| one.finding.class == FindingClass::Vulnerability);
        assert_round_trip(&all);
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
fn what_was_decided_is_said() {
    let all = of_every_state();
    let (text, told) = written(&all);
    assert_eq!(told, 4, "what is no vulnerability has no place in it");
    let bom: Value = serde_json::from_str(&text).unwrap();
    let states: Vec<_> =
        (0..4).map(|index| bom["vulnerabilities"][index]["analysis"]["state"].as_str()).collect();
    assert_eq!(states, [None, Some("resolved"), Some("false_positive"), Some("exploitable")]);
    assert_eq!(bom["vulnerabilities"][3]["analysis"]["response"], json!(["will_not_fix"]));
    let again = read(text.as_bytes(), None).unwrap();
    let suppressed: Vec<_> =
        again.targets[0].findings.iter().map(|finding| finding.suppressed.clone()).collect();
    let said = |code: &str, reason: &str| Some(Suppression { code: code.into(), reason: reason.into() });
    let expected = [
        None,
        said("vex-fixed", "the vendor says that there will be no fix"),
        said("false-positive", "no such code"),
        said("accepted-risk", "behind a proxy"),
    ];
    assert_eq!(suppressed, expected);
}

#[test]
fn no_findings_are_a_whole_document_too() {
    let (text, told) = written(&[]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((told, &document["components"]), (0, &json!([])));
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
    fn exported()(
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
        let class = FindingClass::Vulnerability;
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
        vulnerable(&mut finding, name, version, fix, score);
        let last_seen = Timestamp::from_second(1_777_886_400).unwrap();
        let (first_seen, fingerprint) = (Timestamp::UNIX_EPOCH, Fingerprint(key));
        Exported { fingerprint, asset, state: State::Open, first_seen, last_seen, owner: None, finding }
    }
}

/// Without two that would be one.
fn distinct(mut all: Vec<Exported>) -> Vec<Exported> {
    let mut keys = std::collections::BTreeSet::new();
    all.retain(|one| keys.insert((one.asset.clone(), one.finding.key.clone())));
    all
}

proptest! {
    #[test]
    fn vulnerabilities_survive_cyclonedx(all in prop::collection::vec(exported(), 1..6)) {
        assert_round_trip(&distinct(all));
    }
}
