//! RFC 6902, as far as the plugin writes it: add, replace, remove.

use serde_json::Value;

/// Applies operations; says which one could not be.
pub(crate) fn apply(object: &mut Value, operations: &[Value]) -> Result<(), String> {
    for operation in operations {
        one(object, operation).ok_or_else(|| format!("cannot apply {operation}"))?;
    }
    Ok(())
}

fn one(object: &mut Value, operation: &Value) -> Option<()> {
    let path = operation["path"].as_str()?;
    let (parent, last) = path.rsplit_once('/')?;
    let last = last.replace("~1", "/").replace("~0", "~");
    let value = operation.get("value").cloned();
    match (operation["op"].as_str()?, object.pointer_mut(parent)?) {
        ("add", Value::Object(members)) => {
            members.insert(last, value?);
        }
        ("add", Value::Array(items)) => {
            let index = if last == "-" { items.len() } else { last.parse().ok()? };
            if index > items.len() {
                return None;
            }
            items.insert(index, value?);
        }
        ("replace", Value::Object(members)) => *members.get_mut(&last)? = value?,
        ("replace", Value::Array(items)) => *items.get_mut(last.parse::<usize>().ok()?)? = value?,
        ("remove", Value::Object(members)) => {
            members.remove(&last)?;
        }
        ("remove", Value::Array(items)) => {
            let index = last.parse::<usize>().ok().filter(|index| *index < items.len())?;
            items.remove(index);
        }
        _ => return None,
    }
    Some(())
}

#[test]
fn operations_do_what_the_standard_says() {
    let mut object = serde_json::json!({ "a": [1, 2], "b/c": {} });
    let operations = [
        serde_json::json!({ "op": "add", "path": "/a/-", "value": 3 }),
        serde_json::json!({ "op": "remove", "path": "/a/0" }),
        serde_json::json!({ "op": "add", "path": "/b~1c/d", "value": true }),
        serde_json::json!({ "op": "replace", "path": "/a/0", "value": "x" }),
    ];
    apply(&mut object, &operations).unwrap();
    assert_eq!(object, serde_json::json!({ "a": ["x", 3], "b/c": { "d": true } }));
    assert!(apply(&mut object, &[serde_json::json!({ "op": "remove", "path": "/z" })]).is_err());
    assert!(apply(&mut object, &[serde_json::json!({ "op": "add", "path": "/z/y", "value": 1 })]).is_err());
}
