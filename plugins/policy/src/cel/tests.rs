use serde_json::{Value, json};

use super::{Fault, Meter, Program, Roots, Run, Val};

struct Object(Value);

impl<'a> Roots<'a> for &'a Object {
    fn root(&self, _run: &Run<'_, 'a>, name: &str) -> Option<Result<Val<'a>, Fault>> {
        let object: &'a Object = self;
        (name == "object").then(|| Ok(Val::of(&object.0)))
    }
}

/// Whether an expression holds; an error as its text.
pub(super) fn holds(text: &str, object: &Value) -> Result<bool, String> {
    let program = Program::compile(text, &["object"])?;
    let object = Object(object.clone());
    let meter = Meter::new(500_000);
    let roots = &object;
    let run = Run { roots: &roots, meter: &meter };
    match run.value(&program) {
        Ok(Val::Bool(value)) => Ok(value),
        Ok(other) => Err(format!("{other:?}")),
        Err(fault) => Err(fault.to_string()),
    }
}

#[test]
fn expressions_that_hold() {
    let object = json!({
        "metadata": { "name": "web", "labels": { "app": "a", "team": "b" } },
        "spec": { "replicas": 3, "ratio": 0.5, "containers": [
            { "name": "a", "image": "r.io/a:1", "limits": { "cpu": "500m", "memory": "1Gi" } },
            { "name": "b", "image": "r.io/b:latest" }
        ] }
    });
    for text in [
        "object.spec.replicas <= 5",
        "object.spec.replicas == 3.0 && object.spec.ratio < 1",
        "has(object.metadata.labels) && 'app' in object.metadata.labels",
        "!has(object.spec.nothing)",
        "object.spec.containers.all(c, c.image.startsWith('r.io/'))",
        "object.spec.containers.exists(c, c.image.endsWith(':latest'))",
        "object.spec.containers.exists_one(c, has(c.limits))",
        "object.spec.containers.filter(c, has(c.limits)).map(c, c.name) == ['a']",
        "object.spec.containers.map(c, has(c.limits), c.limits.cpu) == ['500m']",
        "object.metadata.labels.all(k, k.matches('^[a-z]+$'))",
        "object.spec.containers.exists(c, c.limits.cpu == '500m')",
        "object.spec.containers[0].limits['memory'] == '1Gi'",
        "object.?spec.?nothing.orValue('x') == 'x'",
        "object.spec.?replicas.orValue(0) == 3",
        "object[?'spec'].hasValue() && !optional.none().hasValue()",
        "quantity(object.spec.containers[0].limits.cpu).isLessThan(quantity('1'))",
        "quantity('1Gi').compareTo(quantity('1024Mi')) == 0 && isQuantity('5m') && !isQuantity('five')",
        "quantity('200M').asInteger() == 200000000 && quantity('1').add(2).isGreaterThan(quantity('2'))",
        "[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && ['a', 'c'].max() == 'c' && [1, 2].isSorted()",
        "[1, 2, 2].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2 && [1].indexOf(9) == -1",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && ['a', 'b'].join('-') == 'a-b' && 'a,b,c'.split(',', 2) == ['a', 'b,c']",
        "'Hello'.lowerAscii() == 'hello' && 'aXa'.replace('a', 'b') == 'bXb' && 'aa'.replace('a', 'b', 1) == 'ba'",
        "'héllo'.size() == 5 && 'héllo'.indexOf('l') == 2 && 'héllo'.substring(1, 3) == 'él' && 'abc'.charAt(1) == 'b'",
        "'abcabc'.lastIndexOf('b') == 4 && 'abc'.reverse() == 'cba' && ' a '.trim() == 'a'",
        "'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1'.find('[0-9]') == '1'",
        "'%s is %d of %.2f'.format(['a', 3, 1.5]) == 'a is 3 of 1.50' && '%s'.format([[1, 'x']]) == '[1, x]'",
        "sets.contains([1, 2], [1]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 1], [1])",
        "math.greatest(1, 3, 2) == 3 && math.least([4, 2]) == 2",
        "type(1) == int && type('') == string && string(5) == '5' && int('7') == 7 && double(1) == 1.0",
        "{'a': 1}.a == 1 && {'a': {'b': 2}} == {'a': {'b': 2}} && size({'a': 1}) == 1",
        "(object.spec.nothing == 1 || true) && !(object.spec.nothing == 1 && false)",
        "[0, 1].exists(i, 1 / i == 1) && ![0, 1].all(i, 1 / i == 2)",
        "1 == 1u && -3 / 2 == -1 && -3 % 2 == -1 && 7u % 4u == 3u",
        "null == null && object.spec != null && [1, [2]] == [1, [2]]",
        "true ? true : object.nothing",
    ] {
        assert_eq!(holds(text, &object), Ok(true), "{text}");
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let object = json!({ "a": "x", "l": [1] });
    for (text, why) in [
        ("object.nothing == 1", "no such key: nothing"),
        ("object.a.b == 1", "a string has no member"),
        ("object.l[5] == 1", "no such place: 5"),
        ("object.a + 1 == 1", "no overload"),
        ("object.a", "Text"),
        ("9223372036854775807 + 1 == 0", "too large"),
        ("1 / 0 == 0", "divided by zero"),
        ("quantity('x') == quantity('y')", "not a quantity"),
        ("object.a.matches('(')", "regular expression"),
        ("object.a.matches('((a{900}){900}){900}')", "regular expression"),
        ("object.nothing == 1 || false", "no such key"),
        ("[].min() == 1", "empty list"),
        ("object.l.all(x, x)", "neither true nor false"),
    ] {
        let error = holds(text, &object).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn what_cannot_be_compiled_is_refused_beforehand() {
    for (text, why) in [
        ("object.", "line 1"),
        ("authorizer.group('').check('x').allowed()", "authorizer"),
        ("nothing == 1", "\"nothing\" is not a variable"),
        ("object.nosuch()", "no function \"nosuch\""),
        ("object.startsWith()", "cannot be called"),
        ("now() == object", "no function \"now\""),
        ("[1].all(1, v, v == 1)", "not a simple name"),
        ("[1].all(i, v, w == 1)", "\"w\" is not a variable"),
        ("format.nosuch().validate('a').hasValue()", "no function \"format.nosuch\""),
        ("Object{a: 1} == object", "cannot be made"),
        ("has(object)", "line"),
    ] {
        let error = Program::compile(text, &["object"]).map(|_| ()).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
    for (open, close) in [("(1 + ", ")"), ("[", "]"), ("{1: ", "}")] {
        let deep = format!("{}1{} == 1", open.repeat(3_000), close.repeat(3_000));
        assert!(Program::compile(&deep, &[]).is_err(), "{open}");
    }
    // The parser takes parentheses around parentheses for one pair.
    let parentheses = format!("{}1{} == 1", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(holds(&parentheses, &json!({})), Ok(true));
    let long = format!("{}1 == 1", "1 + ".repeat(6_000));
    assert!(Program::compile(&long, &[]).is_err());
    assert!(Program::compile(&"x".repeat(5 << 20), &[]).is_err());
}

#[test]
fn what_runs_on_ends_and_nothing_hides_it() {
    let object = json!({ "l": (0..10_000).collect::<Vec<_>>(), "t": "a".repeat(10_000) });
    let nested = |depth: usize| {
        let mut text = "x0 == -1".to_owned();
        for level in 0..depth {
            text = format!("object.l.exists(x{level}, {text})");
        }
        text
    };
    for text in [
        nested(2),
        nested(5),
        format!("{} || true", nested(5)),
        "object.l.map(x, object.l) == []".to_owned() + " || object.l.map(x, object.l.map(y, x)) == []",
        "object.l.map(x, object.t + object.t).size() == 0".to_owned(),
        "object.l.all(x, object.t.replace('a', object.t) != '')".to_owned(),
        "object.l.all(x, object.t.matches('^a*b' + string(x)) || true)".to_owned(),
    ] {
        let error = holds(&text, &object).expect_err(&text);
        assert!(error.contains("more steps"), "{text}: {error}");
    }
    let error = Program::compile(&nested(8), &["object"]).map(|_| ()).unwrap_err();
    assert!(error.contains("macros"), "{error}");
}
