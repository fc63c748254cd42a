use proptest::prelude::*;

use super::{Expr, Item, Modifier, Op, Operand, Right, Test, Transformer, parse};

fn check(text: &str) -> Test {
    match parse(text) {
        Ok(Expr::Check(test)) => *test,
        other => panic!("{text}: {other:?}"),
    }
}

fn word(text: &str) -> Item {
    Item { bytes: text.as_bytes().to_vec(), quoted: false }
}

#[test]
fn joints_bind_as_they_should() {
    let Ok(Expr::Or(either)) = parse("a or b and not c") else { panic!() };
    assert_eq!(either.len(), 2);
    let Expr::And(both) = &either[1] else { panic!() };
    assert!(matches!(&both[1], Expr::Not(inner) if matches!(&**inner, Expr::Macro(name, 15) if name == "c")));
    assert!(matches!(parse("not not(a)"), Ok(Expr::Macro(..))));
    assert!(matches!(parse("(a)or(b)\n and(c)"), Ok(Expr::Or(_))));
    assert!(matches!(parse("nothing and andy"), Ok(Expr::And(_))));
}

#[test]
fn comparisons_of_every_form() {
    assert_eq!(check("ka.verb=get").right, Right::Value(word("get")));
    assert_eq!(check("ka.verb == get").op, Op::Eq);
    assert_eq!(check("ka.verb!=get").op, Op::Ne);
    assert_eq!(check("ka.code >= 0x1F").op, Op::Ge);
    assert_eq!(check("ka.uri startswith /healthz?").right, Right::Value(word("/healthz?")));
    assert_eq!(check("ka.verb in (a, \"b c\" ,d)").right, {
        let quoted = Item { bytes: b"b c".to_vec(), quoted: true };
        Right::List(vec![word("a"), quoted, word("d")])
    });
    assert_eq!(check("ka.verb in()").right, Right::List(Vec::new()));
    assert_eq!(check("ka.verb in names").right, Right::List(vec![word("names")]));
    assert_eq!(check("ka.verb exists").right, Right::Nothing);
    assert_eq!(check("jevt.value[/a/b] = x").left.argument.as_deref(), Some("/a/b"));
    assert_eq!(check("json.value[\"/a b/[0]\"] = x").left.argument.as_deref(), Some("/a b/[0]"));
    assert_eq!(check("ka.user.name contains anyof (a, b)").modifier, Some(Modifier::Any));
    assert_eq!(check("ka.user.name = anyof").right, Right::Value(word("anyof")));
}

#[test]
fn transformers_nest_and_stand_on_both_sides() {
    let test = check("tolower( b64(ka.uri) ) = toupper(ka.verb)");
    assert_eq!(test.left.transformers, [Transformer::ToLower, Transformer::B64]);
    let right = Operand {
        transformers: vec![Transformer::ToUpper],
        field: "ka.verb".to_owned(),
        argument: None,
        at: 33,
    };
    assert_eq!(test.right, Right::Field(right));
    let test = check("ka.verb in val(ka.user.groups)");
    assert!(matches!(test.right, Right::Field(field) if field.field == "ka.user.groups"));
}

#[test]
fn escapes_are_bytes() {
    let bytes = |text: &str| match check(text).right {
        Right::Value(item) => item.bytes,
        other => panic!("{other:?}"),
    };
    assert_eq!(bytes(r#"a.b = "x\xFF\n\\\"\/""#), b"x\xff\n\\\"/");
    assert_eq!(bytes(r"a.b = 'it\'s'"), b"it's");
    for text in
        [r#"a.b = "\d""#, r#"a.b = "\x0""#, r#"a.b = "\x00""#, r#"a.b = "\'""#, "a.b = \"x", "a.b = \"\\"]
    {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn errors_tell_the_line_and_the_column() {
    let shown = |text: &str| parse(text).unwrap_err().shown(text);
    assert!(shown("a and\n  b or or c").starts_with("line 2, column 8: "), "{}", shown("a and\n  b or or c"));
    assert!(shown("(a and b").contains("`)` is expected; the condition ends here"));
    assert!(shown("ka.verb is x").contains("an operator is expected"));
    assert!(shown("a b").contains("`and`, `or` or the end"));
    for text in [
        "",
        "()",
        "not",
        "a and",
        "ka.verb =",
        "ka.verb in (a",
        "ka.verb in (a b)",
        "tolower(x) = a",
        "val(a.b) = c",
        "a.b[",
        "a.b[] = c",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}a{}", "(".repeat(101), ")".repeat(101));
    assert!(parse(&deep).unwrap_err().message.contains("deep"));
    let transformers = format!("{}a.b{} = c", "len(".repeat(200), ")".repeat(200));
    assert!(parse(&transformers).unwrap_err().message.contains("deep"));
    assert!(parse(&"not ".repeat(10_000)).is_err());
    assert!(parse(&format!("{}a", "not ".repeat(10_000))).is_ok());
    assert!(parse(&"a or ".repeat(20_000)).unwrap_err().message.contains("bytes"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = parse(&text).map_err(|wrong| wrong.shown(&text));
    }

    #[test]
    fn no_text_of_its_words_makes_it_panic(parts in prop::collection::vec(
        prop::sample::select(vec!["and", "or", "not", "(", ")", " ", "a", "ka.verb", "[", "]", "=", "in", "\"", "'", "\\x", "\\", ",",
            "tolower(", "val(", "anyof", "é", "exists", "1", "<=", "\n"]), 0..24)) {
        let text = parts.concat();
        let _ = parse(&text).map_err(|wrong| wrong.shown(&text));
    }
}
