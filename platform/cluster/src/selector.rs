//! Label selectors, by the rules of `k8s.io/apimachinery` (`LabelSelector`): all requirements have to hold, and none selects all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{each, labels, text};

/// What labels have to be like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    DoesNotExist(String),
    /// An operator that nobody knows: selects nothing, as the API server would have refused it.
    Unknown,
}

impl Selector {
    /// A `LabelSelector`: `matchLabels` and `matchExpressions`.
    pub(crate) fn of(value: &Value) -> Self {
        let mut all = Self::of_labels(&labels(value, "/matchLabels")).0;
        all.extend(each(value, "/matchExpressions").map(requirement));
        Self(all)
    }

    /// A map of labels, all of which have to be there.
    pub(crate) fn of_labels(wanted: &BTreeMap<String, String>) -> Self {
        Self(wanted.iter().map(|(key, value)| Requirement::In(key.clone(), vec![value.clone()])).collect())
    }

    /// Whether it asks for nothing, and so selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A label that everything selected has, if the selector asks for one: a way to find few candidates.
    pub(crate) fn one_label(&self) -> Option<(&str, &str)> {
        self.0.iter().find_map(|requirement| match requirement {
            Requirement::In(key, values) => match values.as_slice() {
                [value] => Some((key.as_str(), value.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    /// Whether these labels are selected.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::DoesNotExist(key) => !labels.contains_key(key),
            Requirement::Unknown => false,
        })
    }
}

fn requirement(value: &Value) -> Requirement {
    let Some(key) = text(value, "/key").map(str::to_owned) else { return Requirement::Unknown };
    let values = || each(value, "/values").filter_map(Value::as_str).map(str::to_owned).collect();
    match text(value, "/operator") {
        Some("In") => Requirement::In(key, values()),
        Some("NotIn") => Requirement::NotIn(key, values()),
        Some("Exists") => Requirement::Exists(key),
        Some("DoesNotExist") => Requirement::DoesNotExist(key),
        _ => Requirement::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::Selector;

    #[test]
    fn every_requirement_has_to_hold() {
        let labels: BTreeMap<String, String> =
            [("app".to_owned(), "web".to_owned()), ("tier".to_owned(), "front".to_owned())].into();
        for (selector, matches) in [
            (json!({}), true),
            (json!({ "matchLabels": { "app": "web" } }), true),
            (json!({ "matchLabels": { "app": "web", "other": "x" } }), false),
            (
                json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["api", "web"] }] }),
                true,
            ),
            (
                json!({ "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": ["web"] }] }),
                false,
            ),
            (json!({ "matchExpressions": [{ "key": "zone", "operator": "NotIn", "values": ["a"] }] }), true),
            (json!({ "matchExpressions": [{ "key": "tier", "operator": "Exists" }] }), true),
            (json!({ "matchExpressions": [{ "key": "tier", "operator": "DoesNotExist" }] }), false),
            (json!({ "matchExpressions": [{ "key": "tier", "operator": "Near" }] }), false),
            (json!({ "matchExpressions": [{ "operator": "Exists" }] }), false),
        ] {
            assert_eq!(Selector::of(&selector).matches(&labels), matches, "{selector}");
        }
    }
}
