//! Where two JSON values differ, for people.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::shown::shown;

/// Most characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 200;

/// The first places where two values differ, at most `most`, each as a JSON Pointer (RFC 6901) with both values; and how many more
/// there are.
#[must_use]
pub fn differences(expected: &Value, found: &Value, most: usize) -> Vec<String> {
    let mut all = Vec::new();
    walk(String::new(), Some(expected), Some(found), &mut all);
    let more = all.len().saturating_sub(most);
    all.truncate(most);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all
}

fn walk(at: String, expected: Option<&Value>, found: Option<&Value>, all: &mut Vec<String>) {
    match (expected, found) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                walk(format!("{at}/{}", shown(&escaped)), a.get(key), b.get(key), all);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                walk(format!("{at}/{index}"), a.get(index), b.get(index), all);
            }
        }
        (Some(a), Some(b)) if a == b => {}
        (a, b) => {
            let place = if at.is_empty() { "the whole" } else { &at };
            all.push(format!("{place}: expected {}, found {}", value(a), value(b)));
        }
    }
}

fn value(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = shown(&value.to_string());
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::differences;
    use serde_json::json;

    #[test]
    fn places_are_named_by_their_pointers() {
        let a = json!({ "a/b": [1, { "c": "x" }], "gone": true, "same": null });
        let b = json!({ "a/b": [1, { "c": "y" }, 3], "same": null });
        assert_eq!(
            differences(&a, &b, 9),
            [
                "/a~1b/1/c: expected \"x\", found \"y\"",
                "/a~1b/2: expected nothing, found 3",
                "/gone: expected true, found nothing"
            ]
        );
        assert_eq!(differences(&a, &b, 1).last().unwrap(), "and 2 more");
        assert!(differences(&a, &a, 9).is_empty());
        assert_eq!(differences(&json!(1), &json!("1"), 9), ["the whole: expected 1, found \"1\""]);
    }
}
