use super::*;
use crate::assessment::Observation;
use crate::exception::{Exceptions, Scope};
use crate::fixture::{assessment, exception};
use crate::judged::judge;

fn record(fact: Fact) -> Record {
    let assessment = assessment();
    let previous = canonical::sha256(b"");
    Record { fact, form: FORM, previous, scope: assessment.scope, sequence: 7, time: assessment.time }
}

#[test]
fn every_kind_of_record_is_canonical_and_read_back() {
    let assessment = assessment();
    let mut one = exception("e1");
    one.scope = Scope::Asset("k8s:u/a/1".to_owned());
    let mut other = exception("e2");
    other.scope = Scope::Label { key: "k".to_owned(), value: "v".to_owned() };
    other.rule = None;
    other.framework = Some("f".to_owned());
    other.control = Some("c".to_owned());
    let exceptions = Exceptions::new(vec![one, other]).unwrap();
    let facts = facts(&judge(&assessment, &exceptions).unwrap());
    let kinds: std::collections::BTreeSet<String> = facts
        .iter()
        .map(|fact| serde_json::to_value(fact).unwrap().as_object().unwrap().keys().next().unwrap().clone())
        .collect();
    assert_eq!(Vec::from_iter(kinds), ["check", "control", "exception", "gap", "input", "summary"]);
    assert_eq!(facts.len(), 2 + 3 + 1 + 2 + 5 + 1);
    for fact in facts {
        let record = record(fact);
        let bytes = record.to_bytes().unwrap();
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(canonical::write(&value).unwrap().as_bytes(), bytes, "fields stand in canonical order");
        assert_eq!(Record::from_bytes(&bytes, 7).unwrap(), record);
    }
}

#[test]
fn another_spelling_of_a_record_is_refused() {
    let line = String::from_utf8(record(Fact::Gap(assessment().gaps.remove(0))).to_bytes().unwrap()).unwrap();
    let spelt = [
        line.replace("\"form\":1", "\"form\": 1"),
        line.replace("\"form\":1", "\"form\":2"),
        line.replace("\"form\":1,", "\"form\":1,\"form\":1,"),
        line.replace("\"form\":1,", "\"form\":1,\"more\":1,"),
        line.replace("12:00:00Z", "12:00:00+00:00"),
        line.replace("not-collected", "not\\u002dcollected"),
        line.replace("\"sequence\":7", "\"sequence\":9007199254740992"),
        format!("{line} "),
        line[..line.len() - 1].to_owned(),
    ];
    for bad in spelt {
        assert_ne!(bad, line);
        assert_eq!(
            Record::from_bytes(bad.as_bytes(), 7).unwrap_err().code(),
            "evidence-record-invalid",
            "{bad}"
        );
    }
}

#[test]
fn a_check_says_what_its_assets_come_to() {
    let assessment = assessment();
    let all = facts(&judge(&assessment, &Exceptions::default()).unwrap());
    let check = all.iter().find_map(|fact| match fact {
        Fact::Check(check) if check.rule.id == "p/r" => Some(check.clone()),
        _ => None,
    });
    let mut check = check.unwrap();
    assert_eq!(check.fail, ["k8s:u/a/1", "k8s:u/a/2"]);
    assert_eq!(
        (check.outcome, check.controls.as_slice()),
        (Outcome::Fail, &["nist-800-53-r5:AC-3".to_owned()][..])
    );
    check.outcome = Outcome::Pass;
    assert_eq!(record(Fact::Check(check)).to_bytes().unwrap_err().code(), "evidence-record-invalid");
}

#[test]
fn a_rule_with_many_assets_has_several_records_and_loses_none() {
    let mut assessment = assessment();
    let many = (0..20_000).map(|number| Observation {
        rule: "p/ok".to_owned(),
        asset: format!("k8s:u/apps/Deployment/namespace/{number:06}"),
        outcome: if number % 10 == 0 { Seen::Fail } else { Seen::Pass },
    });
    assessment.observations.extend(many);
    let none = Exceptions::default();
    let (mut records, mut assets) = (0, 0);
    for fact in facts(&judge(&assessment, &none).unwrap()) {
        if let Fact::Check(check) = &fact
            && check.rule.id == "p/ok"
        {
            records += 1;
            assets += check.fail.len() + check.pass.len();
            assert!(record(fact.clone()).to_bytes().unwrap().len() < 2 * ASSET_BYTES_OF_RECORD);
        }
    }
    assert_eq!((records, assets), (4, 20_001));
}
