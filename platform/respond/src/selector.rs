//! Which pods a selector of Kubernetes is about.

use std::collections::BTreeMap;

use serde_json::Value;

/// The labels of an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels(BTreeMap<String, String>);

impl Labels {
    pub(crate) fn of(object: &Value) -> Self {
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Self(labels.into_iter().flatten().filter_map(text).collect())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Whether a selector (`meta/v1` LabelSelector) is about these labels. Without one it is about nothing, an empty one is about everything. What it
/// says and nobody knows is taken as fitting: a policy that is wrongly warned of does no harm.
pub(crate) fn selects(selector: Option<&Value>, labels: &Labels) -> bool {
    let Some(selector) = selector.filter(|selector| !selector.is_null()) else { return false };
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let equal = wanted
        .into_iter()
        .flatten()
        .all(|(name, value)| labels.0.get(name).map(String::as_str) == value.as_str());
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    equal && expressions.into_iter().flatten().all(|expression| expressed(expression, labels))
}

fn expressed(expression: &Value, labels: &Labels) -> bool {
    let value = expression["key"].as_str().and_then(|key| labels.0.get(key));
    let listed = || {
        let values = expression["values"].as_array();
        values.into_iter().flatten().any(|one| one.as_str() == value.map(String::as_str) && value.is_some())
    };
    match expression["operator"].as_str() {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Labels, selects};

    #[test]
    fn selectors_are_read_as_kubernetes_reads_them() {
        let labels = Labels::of(&json!({ "metadata": { "labels": { "app": "web", "tier": "front" } } }));
        let is = |selector: serde_json::Value| selects(Some(&selector), &labels);
        assert!(is(json!({})) && !selects(None, &labels));
        assert!(
            is(json!({ "matchLabels": { "app": "web" } })) && !is(json!({ "matchLabels": { "app": "api" } }))
        );
        let express = |key: &str, operator: &str, values: &[&str]| {
            is(json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }))
        };
        assert!(
            express("app", "In", &["web", "api"])
                && !express("app", "In", &["api"])
                && !express("x", "In", &["web"])
        );
        assert!(express("app", "NotIn", &["api"]) && express("x", "NotIn", &["web"]));
        assert!(express("app", "Exists", &[]) && express("x", "DoesNotExist", &[]));
    }
}
