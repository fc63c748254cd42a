//! What documents mean, where things stand, and what is refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Budget, Document, YamlError, read, read_until_error};

fn all(text: &str) -> Vec<Document> {
    read(text.as_bytes(), &Budget::default()).unwrap()
}

fn one(text: &str) -> Document {
    let mut documents = all(text);
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
}

fn value(text: &str) -> Value {
    one(text).value
}

fn error(text: &str) -> YamlError {
    read(text.as_bytes(), &Budget::default()).unwrap_err()
}

#[test]
fn plain_scalars_mean_what_kubectl_makes_of_them() {
    let cases = [
        ("yes", json!(true)),
        ("Off", json!(false)),
        ("'yes'", json!("yes")),
        ("0644", json!(420)),
        ("y", json!(true)),
        ("n", json!(false)),
        ("!!bool 'yes'", json!(true)),
        ("0o17", json!(15)),
        ("0x_1f", json!(31)),
        ("685_230.15", json!(685230.15)),
        ("1.", json!(1.0)),
        ("0899", json!(899.0)),
        ("0x1F", json!(31)),
        ("-0b11", json!(-3)),
        ("1_000", json!(1000)),
        ("+12", json!(12)),
        ("--1", json!("--1")),
        ("-9223372036854775808", json!(i64::MIN)),
        ("18446744073709551615", json!(u64::MAX)),
        ("18446744073709551616", json!(18446744073709551616.0)),
        ("1.5e3", json!(1500.0)),
        (".5", json!(0.5)),
        ("1e400", json!("1e400")),
        (".inf", json!(".inf")),
        ("nan", json!("nan")),
        ("1.2.3", json!("1.2.3")),
        ("10:30", json!("10:30")),
        ("2026-01-01", json!("2026-01-01")),
        ("100m", json!("100m")),
        ("~", Value::Null),
        ("!!str 5", json!("5")),
        ("!!int '5'", json!(5)),
        ("!Ref 5", json!("5")),
        ("! 5", json!("5")),
        ("|\n  5\n", json!("5\n")),
    ];
    for (text, wanted) in cases {
        assert_eq!(value(&format!("a: {text}")), json!({ "a": wanted }), "{text}");
    }
    // As with `kubectl`, which makes the same of a key that is called `y`.
    assert_eq!(value("y: 1"), json!({ "true": 1 }));
    assert_eq!(value("1: a\ntrue: b\n'0x1': c"), json!({ "1": "a", "true": "b", "0x1": "c" }));
}

#[test]
fn lines_are_those_of_keys_and_items() {
    let text = "# comment\nkind: Pod\nspec:\n  containers:\n    - name: a\n      args:\n      - |\n        long\n        text\n      - b\n    -\n      name: c\n  a/b: {x: 1,\n    z: 2}\n";
    let lines = one(text).lines;
    let cases = [
        ("", 2),
        ("/kind", 2),
        ("/spec", 3),
        ("/spec/containers", 4),
        ("/spec/containers/0", 5),
        ("/spec/containers/0/args/1", 10),
        ("/spec/containers/1/name", 12),
        ("/spec/a~1b/z", 14),
        // What is missing is where it would be.
        ("/spec/containers/0/securityContext/privileged", 5),
        ("/spec/containers/9/name", 4),
        ("/spec/containers/x", 4),
        ("/nothing", 2),
    ];
    for (pointer, line) in cases {
        assert_eq!(lines.of(pointer), line, "{pointer}");
    }
    assert_eq!(lines.within("/spec/containers/0").of("/args/1"), 10);
    assert_eq!(lines.within("/spec/none").first(), 3);
    let mut lines = lines;
    lines.renumber(|line| (line != 10).then_some(line + 100));
    assert_eq!((lines.of("/spec/containers/0/name"), lines.of("/spec/containers/0/args/1")), (105, 106));
    lines.set("/spec/new/0", 7);
    assert_eq!((lines.of("/spec/new/0/x"), lines.of("/spec/new")), (7, 103));
}

#[test]
fn windows_files_are_read_like_others() {
    let document = one("\u{feff}---\r\na: 1\r\nb:\r\n  - c\r\n");
    assert_eq!(document.value, json!({ "a": 1, "b": ["c"] }));
    assert_eq!(document.lines.of("/b/0"), 4);
}

#[test]
fn every_document_of_a_stream_is_read_and_empty_ones_are_none() {
    let documents = all("---\n# nothing\n---\na: 1\n...\n---\nb: 2\n---\n");
    let values: Vec<_> =
        documents.iter().map(|document| (document.value.clone(), document.lines.first())).collect();
    assert_eq!(values, [(json!({ "a": 1 }), 4), (json!({ "b": 2 }), 7)]);
    assert!(all("").is_empty() && all("# only a comment\n").is_empty());
}

#[test]
fn what_stands_before_an_error_is_kept() {
    let (documents, error) = read_until_error(b"a: 1\n---\nb: 2\n---\nc: [\n", &Budget::default());
    assert_eq!(documents.len(), 2);
    assert_eq!(error.map(|error| error.code()), Some("yaml-syntax"));
}

#[test]
fn aliases_and_merges_are_copies() {
    let text = "base: &base {cpu: 1, mem: 2}\nuse:\n  <<: *base\n  mem: 3\nlist: [*base, &name m, *name]\n";
    let document = one(text);
    let base = json!({ "cpu": 1, "mem": 2 });
    let wanted = json!({ "base": base, "use": { "cpu": 1, "mem": 3 }, "list": [base, "m", "m"] });
    assert_eq!(document.value, wanted);
    assert_eq!((document.lines.of("/use/cpu"), document.lines.of("/use/mem")), (3, 4));
    assert_eq!(value("a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}")["c"], json!({ "k": 1, "l": 2 }));
    // `helm template` says the same of these three.
    assert_eq!(value("k: &k {a: 1}\nb:\n  a: 3\n  <<: *k\n")["b"], json!({ "a": 1 }));
    assert_eq!(value("k: &k {a: 1}\nb:\n  <<: *k\n  a: 3\n")["b"], json!({ "a": 3 }));
    assert!(one("k: &k {a: 1}\nb:\n  <<: *k\n  a: 3\n").duplicates.is_empty());
    assert_eq!(value("'<<': 1"), json!({ "<<": 1 }));
    assert!(matches!(error("a: {<<: 5}"), YamlError::Syntax { .. }));
    assert!(matches!(error("&a [*a]"), YamlError::Syntax { .. }));
    assert!(matches!(error("a: *missing"), YamlError::Syntax { .. }));
    assert!(matches!(error("--- &a 1\n--- *a\n"), YamlError::Syntax { .. }));
}

#[test]
fn of_a_key_that_is_there_twice_the_last_counts_and_it_is_said() {
    let document = one("a:\n  - b/c: 1\n    b/c: 2\n");
    assert_eq!(document.value, json!({ "a": [{ "b/c": 2 }] }));
    assert_eq!(document.duplicates, ["/a/0/b~1c"]);
    let document = one("{\"a\": [{\"b/c\": 1, \"b/c\": 2}]}");
    assert_eq!(
        (document.value, document.duplicates),
        (json!({ "a": [{ "b/c": 2 }] }), vec!["/a/0/b~1c".to_owned()])
    );
}

#[test]
fn bombs_end_at_the_budget() {
    let laughs = |levels: usize| {
        let first = "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        (1..levels).fold(first, |text, level| {
            let above = format!("*l{}", level - 1);
            format!("{text}l{level}: &l{level} [{}]\n", vec![above; 9].join(", "))
        })
    };
    assert!(read(laughs(3).as_bytes(), &Budget::default()).is_ok());
    assert!(matches!(error(&laughs(12)), YamlError::Budget { what: "keys and values", .. }));
    // One long text, copied often, is few nodes and many bytes.
    let long = format!("a: &a {}\nb: [{}]", "x".repeat(100_000), vec!["*a"; 1_000].join(", "));
    assert!(matches!(error(&long), YamlError::Budget { what: "bytes of text", .. }));
    let merges = format!("a: &a {{k: v}}\nb: [{}]", vec!["{<<: *a}"; 400_000].join(", "));
    assert!(matches!(error(&merges), YamlError::Budget { .. }));
    let deep = format!("{}{}", "- ".repeat(200), "a");
    assert!(matches!(error(&deep), YamlError::Budget { what: "levels", .. }));
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..150 {
        chain += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert!(matches!(error(&chain), YamlError::Budget { what: "levels", .. }));
    let flow = "[".repeat(100_000);
    assert!(matches!(error(&flow), YamlError::Syntax { .. } | YamlError::Budget { .. }));
    let many = "--- a\n".repeat(10_001);
    assert!(matches!(error(&many), YamlError::Budget { what: "documents", .. }));
    let budget = Budget { bytes: 3, ..Budget::default() };
    assert!(matches!(read(b"a: 1", &budget), Err(YamlError::Budget { what: "bytes", .. })));
    let budget = Budget { nodes: 4, ..Budget::default() };
    assert!(matches!(read(b"[1,2,3,4]", &budget), Err(YamlError::Budget { line: 1, .. })));
}

#[test]
fn what_is_no_yaml_is_refused_with_its_line() {
    let cases = [
        ("a: 1\n\tb: 2\n", "yaml-syntax"),
        ("a: 1\nb: [1, 2\n", "yaml-syntax"),
        ("a: 1\n{{ .Values.x }}: 2\n", "yaml-syntax"),
        ("a: 1\n? [x]\n: 2\n", "yaml-syntax"),
        ("a: 1\nb: \"x\0y\"\n", "yaml-encoding"),
    ];
    for (text, code) in cases {
        let error = error(text);
        assert_eq!(error.code(), code, "{text}");
        assert!(error.line() <= 3, "{text}: {error}");
    }
    let latin = read(b"a: 1\nb: \xe9\n", &Budget::default()).unwrap_err();
    assert_eq!((latin.code(), latin.line()), ("yaml-encoding", 2));
    assert_eq!(read(b"\xff\xfea\0", &Budget::default()).unwrap_err().code(), "yaml-encoding");
}

#[test]
fn json_is_read_as_json_and_yaml_with_a_brace_as_yaml() {
    let text = "{\n \"a\": \"\\ud83d\\ude00\",\n \"b\\u002f\": [1,\n  {\"c\": null}]\n}\n{\"d\": 010}";
    let (documents, error) = read_until_error(text.as_bytes(), &Budget::default());
    assert_eq!(documents.len(), 1);
    assert_eq!(error.map(|error| (error.code(), error.line())), Some(("yaml-syntax", 6)));
    let document = &documents[0];
    assert_eq!(document.value, json!({ "a": "😀", "b/": [1, { "c": null }] }));
    assert_eq!((document.lines.of("/a"), document.lines.of("/b~1/1/c"), document.lines.of("/x")), (2, 4, 1));
    assert_eq!(all("[1]\n{\"a\": \"\\\"}\"}").len(), 2);
    assert_eq!(value("{a: yes, b: [c]}"), json!({ "a": true, "b": ["c"] }));
}

/// Values that YAML and JSON both can say.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z/~. ]{0,6}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_is_the_same_as_json_and_as_a_yaml_document(inner in values()) {
        let value = json!({ "k": inner });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let plain = one(&text);
        prop_assert_eq!(&plain.value, &value);
        let yaml = one(&format!("---\n{text}"));
        prop_assert_eq!(&yaml.value, &value);
        // Both say the same lines, one apart.
        let mut lines = plain.lines;
        lines.renumber(|line| Some(line + 1));
        prop_assert_eq!(yaml.lines, lines);
    }

    #[test]
    fn any_text_comes_back(text in "[\\-:?&*!|>'\"%@`{}\\[\\],#a-c0-1 \n\t~<]{0,60}") {
        let (documents, error) = read_until_error(text.as_bytes(), &Budget::default());
        let last = u32::try_from(text.lines().count()).unwrap() + 2;
        prop_assert!(documents.iter().all(|document| (1..=last).contains(&document.lines.first())));
        prop_assert!(error.is_none_or(|error| (1..=last).contains(&error.line())));
    }
}
