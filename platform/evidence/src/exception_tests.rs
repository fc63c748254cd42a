use proptest::prelude::*;

use super::*;
use crate::fixture::{at, exception};

fn seen(asset: &str, outcome: Seen) -> Observation {
    Observation { rule: "p/r".to_owned(), asset: asset.to_owned(), outcome }
}

fn accepted(asset: &str, outcome: Seen, exception: Exception, now: Timestamp) -> bool {
    let exceptions = Exceptions::new(vec![exception]).unwrap();
    let labels =
        BTreeMap::from([("k:l".to_owned(), BTreeMap::from([("team".to_owned(), "pay".to_owned())]))]);
    let observations = [seen(asset, outcome)];
    apply(&observations, &labels, &exceptions, now).accepted[0].is_some()
}

#[test]
fn an_exception_that_nobody_may_rely_on_is_refused() {
    type Spoil = fn(&mut Exception);
    let bad: [(&str, Spoil); 15] = [
        ("nobody approved it", |e| e.approver = None),
        ("nobody approved it", |e| e.approver = Some("  ".to_owned())),
        ("its owner approved it; another person must", |e| e.approver = Some(" ALICE".to_owned())),
        ("it never expires", |e| e.expires_at = None),
        ("it expires before it was approved", |e| e.expires_at = Some(e.approved_at)),
        ("it gives no reason", |e| e.reason = String::new()),
        ("nobody owns it", |e| e.owner = "\t".to_owned()),
        ("it has no id", |e| e.id = String::new()),
        ("it has no scope, so it would be for everything", |e| e.scope = Scope::Asset(String::new())),
        ("it must name either a rule, or a framework and one of its controls", |e| e.rule = None),
        ("it must name either a rule, or a framework and one of its controls", |e| {
            e.control = Some("AC-2".to_owned());
        }),
        ("it must name either a rule, or a framework and one of its controls", |e| {
            e.rule = None;
            e.control = Some("AC-2".to_owned());
        }),
        ("it must name either a rule, or a framework and one of its controls", |e| {
            e.rule = None;
            e.framework = Some("nist".to_owned());
        }),
        ("it must name either a rule, or a framework and one of its controls", |e| {
            e.rule = Some(" ".to_owned());
        }),
        ("it has no scope, so it would be for everything", |e| {
            e.scope = Scope::Label { key: String::new(), value: "x".to_owned() };
        }),
    ];
    for (why, spoil) in bad {
        let mut spoilt = exception("e1");
        spoil(&mut spoilt);
        let error = Exceptions::new(vec![spoilt]).unwrap_err();
        assert_eq!(error.code(), "evidence-exception-refused");
        assert!(error.to_string().ends_with(why), "{error}");
    }
    let twice = Exceptions::new(vec![exception("e1"), exception("e1")]).unwrap_err();
    assert!(twice.to_string().ends_with("two of this id"));
    assert_eq!(Exceptions::new(vec![exception("b"), exception("a")]).unwrap().all()[0].id, "a");
}

#[test]
fn only_failures_in_time_and_scope_are_accepted() {
    let now = at("2026-06-01T00:00:00Z");
    let asset = |prefix: &str| Exception { scope: Scope::Asset(prefix.to_owned()), ..exception("e1") };
    assert!(accepted("k:a/b/c", Seen::Fail, asset("k:a/b"), now));
    assert!(accepted("k:a/b", Seen::Fail, asset("k:a/b"), now));
    assert!(accepted("k:a/b/c", Seen::Fail, asset("k:a/"), now));
    assert!(!accepted("k:a/bc", Seen::Fail, asset("k:a/b"), now), "another name that begins alike");
    assert!(!accepted("k:a", Seen::Fail, asset("k:a/b"), now));
    for outcome in [Seen::Pass, Seen::Error] {
        assert!(!accepted("k:a/b", outcome, asset("k:a/b"), now));
    }
    let other = Exception { rule: Some("p/other".to_owned()), ..asset("k:a") };
    assert!(!accepted("k:a", Seen::Fail, other, now));
    let label = |value: &str| Exception {
        scope: Scope::Label { key: "team".to_owned(), value: value.to_owned() },
        ..exception("e1")
    };
    assert!(accepted("k:l", Seen::Fail, label("pay"), now));
    assert!(!accepted("k:l", Seen::Fail, label("payments"), now));
    assert!(!accepted("k:m", Seen::Fail, label("pay"), now));
}

#[test]
fn it_holds_from_its_approval_until_it_expires() {
    let one = Exception {
        approved_at: at("2026-01-01T00:00:00Z"),
        expires_at: Some(at("2026-02-01T00:00:00Z")),
        ..exception("e1")
    };
    for (now, standing) in [
        ("2025-12-31T23:59:59Z", Standing::NotYet),
        ("2026-01-01T00:00:00Z", Standing::Active),
        ("2026-01-31T23:59:59Z", Standing::Active),
        ("2026-02-01T00:00:00Z", Standing::Expired),
    ] {
        assert_eq!(one.standing(at(now)), standing, "{now}");
        assert_eq!(accepted("k:a/b", Seen::Fail, one.clone(), at(now)), standing == Standing::Active);
    }
}

#[test]
fn of_several_the_one_that_expires_last_is_named() {
    let later = Exception { expires_at: Some(at("2027-12-31T00:00:00Z")), ..exception("z") };
    let exceptions = Exceptions::new(vec![exception("a"), exception("b"), later]).unwrap();
    let observations = [seen("k:a", Seen::Fail)];
    let applied = apply(&observations, &BTreeMap::new(), &exceptions, at("2026-06-01T00:00:00Z"));
    assert_eq!(applied.accepted[0].unwrap().id, "z");
    assert_eq!(applied.standings.len(), 3);
}

proptest! {
    /// However long a file of exceptions is and whatever it says: without one for the rule nothing is accepted.
    #[test]
    fn nothing_is_accepted_that_no_exception_names(asset in "k:[a-c/]{0,6}", prefix in "k:[a-c/]{1,6}") {
        let one = Exception { scope: Scope::Asset(prefix.clone()), ..exception("e1") };
        let is = accepted(&asset, Seen::Fail, one, at("2026-06-01T00:00:00Z"));
        prop_assert!(!is || asset.starts_with(&prefix));
    }
}
