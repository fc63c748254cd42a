//! Places inside an object by what stands there, so that a finding stays the same when a list gets another order.

use serde_json::Value;

/// A JSON Pointer (RFC 6901) with every index of a list replaced: by the name of the element where it has one, else by a hash of the
/// element. A pointer that leads nowhere, or into something that is no JSON, stays as it is.
#[must_use]
pub(crate) fn by_content(body: &[u8], pointer: &str) -> String {
    if !pointer.split('/').any(|part| part.parse::<usize>().is_ok()) {
        return pointer.to_owned();
    }
    let root: Option<Value> = serde_json::from_slice(body).ok();
    root.and_then(|root| named(&root, pointer)).unwrap_or_else(|| pointer.to_owned())
}

fn named(root: &Value, pointer: &str) -> Option<String> {
    let mut here = root;
    let mut out = String::with_capacity(pointer.len());
    for part in pointer.split('/').skip(1) {
        out.push('/');
        match here {
            Value::Array(list) => {
                here = list.get(part.parse::<usize>().ok()?)?;
                out.push_str(&element(here));
            }
            Value::Object(map) => {
                here = map.get(&part.replace("~1", "/").replace("~0", "~"))?;
                out.push_str(part);
            }
            _ => return None,
        }
    }
    Some(out)
}

fn element(value: &Value) -> String {
    match value.get("name").and_then(Value::as_str) {
        Some(name) => format!("[{name}]"),
        None => {
            let hash = blake3::hash(value.to_string().as_bytes()).to_hex();
            format!("[#{}]", hash.as_str().get(..16).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::by_content;

    #[test]
    fn order_does_not_matter_and_content_does() {
        let one = json!({ "spec": { "containers": [{ "name": "a" }, { "name": "b", "image": "x" }] } });
        let other = json!({ "spec": { "containers": [{ "name": "b", "image": "y" }, { "name": "a" }] } });
        let at = |value: &serde_json::Value, pointer| by_content(value.to_string().as_bytes(), pointer);
        assert_eq!(at(&one, "/spec/containers/1/image"), "/spec/containers/[b]/image");
        assert_eq!(at(&other, "/spec/containers/0/image"), "/spec/containers/[b]/image");
        let rules = json!({ "rules": [{ "verbs": ["*"] }, { "verbs": ["get"] }] });
        let moved = json!({ "rules": [{ "verbs": ["get"] }, { "verbs": ["*"] }] });
        assert_eq!(at(&rules, "/rules/0"), at(&moved, "/rules/1"));
        assert_ne!(at(&rules, "/rules/0"), at(&rules, "/rules/1"));
    }

    #[test]
    fn what_leads_nowhere_stays() {
        for (body, pointer) in
            [("{}", "/a/0"), ("{", "/a/0"), ("[1]", "/7"), ("{\"a\":1}", ""), ("[1]", "/0/0")]
        {
            assert_eq!(by_content(body.as_bytes(), pointer), pointer);
        }
    }
}
