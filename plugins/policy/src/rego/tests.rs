use serde_json::{Value, json};

use super::{Module, Rules, Version, value_of};

fn rules(text: &str, version: Version) -> Result<Rules, String> {
    let module = Module { name: "p.rego".to_owned(), text: text.to_owned() };
    Rules::compile(&[module], version, &json!({}), |_| true)
}

fn value(text: &str, name: &str, input: &Value) -> Result<Option<Value>, String> {
    rules(text, Version::V1)?.value(name, &value_of(input).unwrap())
}

#[test]
fn a_rule_is_computed_again_for_every_input() {
    let rules = rules("package p\ndeny contains x if { some x in input.a; x > 1 }", Version::V1).unwrap();
    for (input, expected) in
        [(json!([1, 2, 3]), json!([2, 3])), (json!([]), json!([])), (json!([9]), json!([9]))]
    {
        let input = value_of(&json!({ "a": input })).unwrap();
        assert_eq!(rules.value("deny", &input).unwrap(), Some(expected));
    }
    assert_eq!(rules.value("other", &value_of(&json!({})).unwrap()).unwrap(), None);
}

#[test]
fn what_runs_on_ends() {
    let endless = [
        "package p\nr := count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j])",
        "package p\nr := numbers.range(1, 1000000000000)",
        "package p\nr := count({[a, b, c] | some a, b, c; input.l[a]; input.l[b]; input.l[c]})",
        "package p\nr := sprintf(\"%999999999d\", [1])",
        "package p\na := [1,1,1,1,1,1,1,1,1,1]\nb := [a,a,a,a,a,a,a,a,a,a]\nc := [b,b,b,b,b,b,b,b,b,b]\nd := [c,c,c,c,c,c,c,c,c,c]\ne := [d,d,d,d,d,d,d,d,d,d]\nr := [e,e,e,e,e,e,e,e,e,e]\n",
        "package p\nr := count(sprintf(\"%v\", [[x | some i in numbers.range(1, 100); x := replace(input.t, \"a\", input.t)]]))",
    ];
    let input = json!({ "l": (0..2_000).collect::<Vec<_>>(), "t": "a".repeat(20_000) });
    for text in endless {
        let answer = value(text, "r", &input);
        let error = answer.expect_err(text);
        assert!(error.contains("more steps"), "{error}: {text}");
    }
}

#[test]
fn recursion_is_refused() {
    for text in [
        "package p\nr if { s }\ns if { r }",
        "package p\nf(x) := g(x)\ng(x) := f(x)\nr := f(1)",
        "package p\nf(x) := f(x)\nr := f(1)",
        "package p\nr contains x if { some x in r }",
    ] {
        let error = rules(text, Version::V1).expect_err(text);
        assert!(error.contains("recurs"), "{error}");
    }
    let fine = "package p\nr if { f(1); s }\ns if { f(2) }\nf(x) if { t[x] }\nt := {1, 2}";
    assert_eq!(value(fine, "r", &json!({})).unwrap(), Some(json!(true)));
}

#[test]
fn an_error_names_the_line() {
    let error = rules("package p\n\ndeny contains x if {\n  x := nothing(1)\n}\n", Version::V1).unwrap_err();
    assert!(error.contains("p.rego line 4"), "{error}");
    let error = rules("package p\ndeny contains if {", Version::V1).unwrap_err();
    assert!(error.contains("p.rego line"), "{error}");
}

#[test]
fn functions_of_old_are_there_in_old_modules_only() {
    let old =
        "package p\nr { any([input.a, false]) }\ns { all([true, input.a]) }\nt { re_match(\"^x\", \"xy\") }";
    let compiled = rules(old, Version::V0).unwrap();
    let input = value_of(&json!({ "a": true })).unwrap();
    for name in ["r", "s", "t"] {
        assert_eq!(compiled.value(name, &input).unwrap(), Some(json!(true)), "{name}");
    }
    assert_eq!(compiled.value("r", &value_of(&json!({ "a": false })).unwrap()).unwrap(), None);
    assert!(rules("package p\nr if { any([true]) }", Version::V1).is_err());
}

#[test]
fn what_the_bytecode_compiler_does_not_do_is_interpreted() {
    let text = "package p\nr := input.a\ntest_r if { r == 2 with input as {\"a\": 2} }";
    assert_eq!(value(text, "test_r", &json!({ "a": 1 })).unwrap(), Some(json!(true)));
}

#[test]
fn a_module_that_is_too_large_or_too_deep_is_refused() {
    let large = format!("package p\n{}", "# comment\n".repeat(600_000));
    assert!(rules(&large, Version::V1).is_err());
    let deep = format!("package p\nr := {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    assert!(rules(&deep, Version::V1).is_err());
    for (open, close) in [("[", "]"), ("{", "}"), ("(", ")")] {
        let nested = |deep| format!("package p\nr := {}1{}", open.repeat(deep), close.repeat(deep));
        assert!(rules(&nested(1_000), Version::V1).unwrap_err().contains("deep"));
        assert!(rules(&nested(12), Version::V1).is_ok());
    }
    let quoted =
        "package p\nr := \"((((((((((((((((\\\"[\" # {{{{{{{{{{{{{{{{{\ns := `\n[[[[[[[[[[[[[[[[[[[[`";
    assert!(rules(quoted, Version::V1).is_ok());
}
