use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BYTES_MAX, DEPTH_MAX, Filter, FilterError, TERMS_MAX};

fn holds(text: &str, value: &Value) -> bool {
    Filter::parse(text).unwrap().matches(value).unwrap()
}

fn event() -> Value {
    json!({
        "source": "falco", "severity": "high", "count": 3,
        "rule": { "id": "Terminal shell in container", "tags": ["T1059", "container"] },
        "pod": { "namespace": "shop", "name": "web-7d9", "uid": null },
        "events": [{ "process": { "uid": 0 } }, { "process": { "uid": 1000 } }],
        "odd": "a*b", "says": "say \"hi\" \\ there",
    })
}

#[test]
fn terms_hold_of_what_they_name() {
    for text in [
        "source:falco",
        "source=falco severity>=high",
        "SOURCE:x or source:falco",
        "rule.id:\"Terminal shell in container\"",
        "rule.id:Terminal*container",
        "rule.tags:T1059",
        "pod.namespace:(kube-system, sh*p)",
        "events.process.uid:0 and events.process.uid>=1000",
        "not pod.namespace:kube-system AND count<4",
        "pod.namespace!=payments",
        "nothing!=x",
        "not nothing:*",
        "pod.name:*",
        "odd:\"a*b\"",
        "odd=a*b",
        "says:\"say \\\"hi\\\" \\\\ there\"",
        "severity>medium severity<critical severity<=high",
        "(source:okta or (source:falco and not (count:4)))",
        "not(source:okta)",
    ] {
        assert!(holds(text, &event()), "{text}");
    }
    for text in [
        "source:Falco",
        "severity>high",
        "pod.uid:*",
        "nothing:*",
        "count>3",
        "odd:\"a*\"",
        "rule:falco",
        "source:falco and not source:falco",
        "severity.x:high",
        "pod.name>1",
        "source!=falco",
        "rule.tags!=T1059",
    ] {
        assert!(!holds(text, &event()), "{text}");
    }
}

#[test]
fn an_unknown_severity_is_not_less_than_another() {
    assert!(!holds("severity<critical", &json!({ "severity": "unknown" })));
    assert!(!holds("severity<critical", &json!({})));
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, at) in [
        ("", 1),
        ("source", 7),
        ("source:", 8),
        ("source: falco", 8),
        ("ä:1", 1),
        ("a:1 and", 8),
        ("a:1 or or", 8),
        ("(a:1", 1),
        ("a:1)", 4),
        ("a:\"x", 3),
        ("a:\"\\n\"", 4),
        ("a>b", 3),
        ("a>nan", 3),
        ("a>unknown", 3),
        ("a..b:1", 1),
        ("a:(1,2", 3),
        ("a:(1 2)", 6),
        ("a~b", 2),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert_eq!((error.at(), error.code()), (Some(at), "filter-syntax"), "{text}: {error}");
    }
}

#[test]
fn what_is_too_large_or_too_costly_is_refused() {
    let code = |text: &str| Filter::parse(text).unwrap_err().code();
    assert_eq!(code(&"x".repeat(BYTES_MAX + 1)), "filter-too-large");
    assert_eq!(code(&"a:1 ".repeat(TERMS_MAX + 1)), "filter-too-large");
    assert_eq!(code(&format!("{}a:1", "not ".repeat(DEPTH_MAX + 1))), "filter-too-large");
    assert_eq!(code(&"(".repeat(4000)), "filter-too-large");
    assert_eq!(code(&format!("a:({})", "1,".repeat(TERMS_MAX + 1))), "filter-too-large");
    assert_eq!(code(&format!("{}:1", "a.".repeat(20))), "filter-syntax");
    let many: Vec<Value> = (0..300_000).map(Value::from).collect();
    let filter = Filter::parse("a:x").unwrap();
    assert_eq!(filter.matches(&json!({ "a": many })), Err(FilterError::TooCostly));
    let filter = Filter::parse("a:*x*x*x*x*y").unwrap();
    assert_eq!(filter.matches(&json!({ "a": "x".repeat(1_000_000) })), Err(FilterError::TooCostly));
}

fn term() -> impl Strategy<Value = String> {
    let field = "[a-c](\\.[a-c])?";
    let value = prop_oneof!["[a-z*]{1,4}", "\"[a-z* ]{0,4}\"", "[0-9]{1,3}"];
    let other = prop_oneof![Just(">high".to_owned()), Just("<=3".to_owned()), Just(":(a, b*)".to_owned())];
    (field, prop_oneof![value.prop_map(|value| format!(":{value}")), other])
        .prop_map(|(field, rest)| format!("{field}{rest}"))
}

fn filter() -> impl Strategy<Value = String> {
    term().prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("not ({one})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(text in filter()) {
        let read = Filter::parse(&text).unwrap();
        let written = read.to_string();
        prop_assert_eq!(Filter::parse(&written).unwrap(), read, "{}", written);
    }

    #[test]
    fn nothing_makes_it_panic(text in "[ -~äß\n]{0,60}") {
        if let Ok(filter) = Filter::parse(&text) {
            let _ = filter.matches(&json!({ "a": ["b", 1, null, { "b": "c" }] }));
        }
    }

    /// `and`, `or` and `not` are those of logic.
    #[test]
    fn de_morgan(a in term(), b in term(), x in "[a-c]", y in 0..200) {
        let value = json!({ "a": x, "b": y, "c": { "a": "high" } });
        let one = holds(&format!("not ({a} and {b})"), &value);
        let other = holds(&format!("not {a} or not {b}"), &value);
        prop_assert_eq!(one, other);
    }
}
