//! JSON Patch (RFC 6902): applying one, and finding one between two objects.

use serde_json::{Value, json};

/// Parts that the operations of one patch may copy. Copies of copies grow without bound otherwise.
const COPIED_MAX: usize = 200_000;

/// Why a patch is not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// An operation `test` found something else: the object is to stay as it is.
    Test,
    /// It does not fit the object.
    Wrong(String),
}

fn wrong<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Wrong(why.into()))
}

/// The object with the operations applied, one after the other.
///
/// # Errors
/// [`Refused`]: all operations are applied or none.
pub(crate) fn applied(object: &Value, operations: &[Value]) -> Result<Value, Refused> {
    let mut made = object.clone();
    let mut copied = 0;
    for operation in operations {
        apply(&mut made, operation, &mut copied)?;
    }
    Ok(made)
}

fn apply(object: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), Refused> {
    let text = |member: &str| operation.get(member).and_then(Value::as_str);
    let (Some(name), Some(path)) = (text("op"), text("path")) else {
        return wrong("an operation needs op and path");
    };
    let value = || match operation.get("value") {
        Some(value) => Ok(value.clone()),
        None => {
            wrong(format!("the operation {} of {} needs a value", crate::shown(name), crate::shown(path)))
        }
    };
    let from = || match text("from") {
        Some(from) => Ok(from),
        None => wrong(format!("the operation {} of {} needs from", crate::shown(name), crate::shown(path))),
    };
    match name {
        "add" => add(object, path, value()?),
        "remove" => remove(object, path).map(drop),
        "replace" => {
            let value = value()?;
            let Some(place) = object.pointer_mut(path) else { return missing(path) };
            *place = value;
            Ok(())
        }
        "move" => {
            let value = remove(object, from()?)?;
            add(object, path, value)
        }
        "copy" => {
            let Some(value) = object.pointer(from()?) else { return missing(from()?) };
            *copied = copied.saturating_add(parts(value));
            if *copied > COPIED_MAX {
                return wrong(format!("the operations copy more than {COPIED_MAX} parts"));
            }
            let value = value.clone();
            add(object, path, value)
        }
        "test" => match object.pointer(path).unwrap_or(&Value::Null) == &value()? {
            true => Ok(()),
            false => Err(Refused::Test),
        },
        other => wrong(format!("{} is not an operation of a JSON Patch", crate::shown(other))),
    }
}

fn missing<T>(path: &str) -> Result<T, Refused> {
    wrong(format!("there is nothing at {}", crate::shown(path)))
}

/// The container of a place, and the place's own name.
fn parent<'v>(object: &'v mut Value, path: &str) -> Result<(&'v mut Value, String), Refused> {
    let Some((above, name)) = path.rsplit_once('/') else {
        return wrong(format!("{} is not a JSON Pointer", crate::shown(path)));
    };
    match object.pointer_mut(above) {
        Some(container) => Ok((container, name.replace("~1", "/").replace("~0", "~"))),
        None => missing(above),
    }
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), Refused> {
    if path.is_empty() {
        *object = value;
        return Ok(());
    }
    let (container, name) = parent(object, path)?;
    match container {
        Value::Object(members) => {
            members.insert(name, value);
            Ok(())
        }
        Value::Array(items) => {
            let place = if name == "-" { Some(items.len()) } else { index(&name) };
            match place.filter(|place| *place <= items.len()) {
                Some(place) => {
                    items.insert(place, value);
                    Ok(())
                }
                None => missing(path),
            }
        }
        _ => missing(path),
    }
}

fn remove(object: &mut Value, path: &str) -> Result<Value, Refused> {
    let (container, name) = parent(object, path)?;
    let removed = match container {
        Value::Object(members) => members.remove(&name),
        Value::Array(items) => {
            index(&name).filter(|place| *place < items.len()).map(|place| items.remove(place))
        }
        _ => None,
    };
    removed.map_or_else(|| missing(path), Ok)
}

fn index(name: &str) -> Option<usize> {
    let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    (digits && (name.len() == 1 || !name.starts_with('0'))).then(|| name.parse().ok()).flatten()
}

fn parts(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(parts).sum::<usize>() + 1,
        Value::Object(members) => members.values().map(parts).sum::<usize>() + 1,
        Value::String(text) => text.len() / 64 + 1,
        _ => 1,
    }
}

/// Operations that make one value of another.
pub(crate) fn between(before: &Value, after: &Value) -> Vec<Value> {
    let mut operations = Vec::new();
    differ(before, after, "", &mut operations);
    operations
}

fn differ(before: &Value, after: &Value, path: &str, operations: &mut Vec<Value>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let below = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                operations.push(json!({ "op": "remove", "path": below(name) }));
            }
            for (name, value) in new {
                match old.get(name) {
                    Some(before) => differ(before, value, &below(name), operations),
                    None => operations.push(json!({ "op": "add", "path": below(name), "value": value })),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (place, (before, after)) in old.iter().zip(new).enumerate() {
                differ(before, after, &format!("{path}/{place}"), operations);
            }
            for place in (new.len()..old.len()).rev() {
                operations.push(json!({ "op": "remove", "path": format!("{path}/{place}") }));
            }
            for value in new.iter().skip(old.len()) {
                operations.push(json!({ "op": "add", "path": format!("{path}/-"), "value": value }));
            }
        }
        (_, after) => operations.push(json!({ "op": "replace", "path": path, "value": after })),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Refused, applied, between};

    #[test]
    fn what_is_found_between_two_values_makes_one_of_the_other() {
        let values = [
            json!({}),
            json!({ "a": 1, "b": { "c/d": [1, 2, 3], "e~f": null } }),
            json!({ "a": [1], "b": { "c/d": [3], "g": "h" } }),
            json!({ "b": { "c/d": [1, { "x": 1 }, 3, 4] } }),
            json!([1, 2]),
            json!(null),
        ];
        for before in &values {
            for after in &values {
                let operations = between(before, after);
                assert_eq!(applied(before, &operations).unwrap(), *after, "{operations:?}");
                assert_eq!(operations.is_empty(), before == after);
            }
        }
    }

    #[test]
    fn operations_mean_what_the_standard_says() {
        let object = json!({ "a": [1, 2], "b": { "c": 3 } });
        for (operation, expected) in [
            (json!({ "op": "add", "path": "/a/1", "value": 9 }), json!({ "a": [1, 9, 2], "b": { "c": 3 } })),
            (json!({ "op": "add", "path": "/a/-", "value": 9 }), json!({ "a": [1, 2, 9], "b": { "c": 3 } })),
            (json!({ "op": "move", "from": "/b/c", "path": "/d" }), json!({ "a": [1, 2], "b": {}, "d": 3 })),
            (json!({ "op": "copy", "from": "/a", "path": "/b" }), json!({ "a": [1, 2], "b": [1, 2] })),
            (json!({ "op": "replace", "path": "/b", "value": null }), json!({ "a": [1, 2], "b": null })),
            (json!({ "op": "test", "path": "/b/c", "value": 3 }), object.clone()),
        ] {
            assert_eq!(applied(&object, std::slice::from_ref(&operation)).unwrap(), expected, "{operation}");
        }
        for operation in [
            json!({ "op": "remove", "path": "/x" }),
            json!({ "op": "replace", "path": "/x", "value": 1 }),
            json!({ "op": "add", "path": "/a/9", "value": 1 }),
            json!({ "op": "add", "path": "/a/01", "value": 1 }),
            json!({ "op": "add", "path": "/x/y", "value": 1 }),
            json!({ "op": "add", "path": "x", "value": 1 }),
            json!({ "op": "add", "path": "/x" }),
            json!({ "op": "move", "path": "/x" }),
            json!({ "op": "other", "path": "/x" }),
            json!({}),
        ] {
            let refused = applied(&object, std::slice::from_ref(&operation));
            assert!(matches!(refused, Err(Refused::Wrong(_))), "{operation}");
        }
        let test = json!({ "op": "test", "path": "/b/c", "value": 4 });
        assert_eq!(applied(&object, &[test]), Err(Refused::Test));
        let doubling: Vec<_> =
            (0..64).map(|n| json!({ "op": "copy", "from": "", "path": format!("/{n}") })).collect();
        assert!(matches!(applied(&object, &doubling), Err(Refused::Wrong(_))));
    }
}
