//! Label selectors (`metav1.LabelSelector`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What labels must be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Selector {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Requirement>,
}

#[derive(Debug, Clone, Deserialize)]
struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Whether labels fulfil it. An empty selector is fulfilled by everything.
    pub(crate) fn matches(&self, labels: &Value) -> bool {
        let label = |key: &str| Ok(labels.get(key).and_then(Value::as_str));
        self.fulfilled(label) == Ok(true)
    }

    /// The same, for labels that may not be known.
    ///
    /// # Errors
    /// Why a label that decides is not known.
    pub(crate) fn fulfilled<'a>(
        &self,
        label: impl Fn(&str) -> Result<Option<&'a str>, String>,
    ) -> Result<bool, String> {
        let mut unknown = None;
        for (key, wanted) in &self.match_labels {
            match label(key) {
                Ok(found) if found == Some(wanted) => {}
                Ok(_) => return Ok(false),
                Err(why) => unknown = Some(why),
            }
        }
        for requirement in &self.match_expressions {
            match label(&requirement.key) {
                Ok(found) if requirement.fulfilled(found) => {}
                Ok(_) => return Ok(false),
                Err(why) => unknown = Some(why),
            }
        }
        unknown.map_or(Ok(true), Err)
    }
}

impl Requirement {
    fn fulfilled(&self, found: Option<&str>) -> bool {
        let named = found.is_some_and(|found| self.values.iter().any(|value| value == found));
        match self.operator {
            Operator::In => named,
            Operator::NotIn => !named,
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Selector;

    #[test]
    fn every_operator_means_what_the_api_server_means() {
        let labels = json!({ "a": "1" });
        for (selector, expected) in [
            (json!({}), true),
            (json!({ "matchLabels": { "a": "1" } }), true),
            (json!({ "matchLabels": { "a": "2" } }), false),
            (json!({ "matchExpressions": [{ "key": "a", "operator": "In", "values": ["1", "2"] }] }), true),
            (json!({ "matchExpressions": [{ "key": "b", "operator": "NotIn", "values": ["1"] }] }), true),
            (json!({ "matchExpressions": [{ "key": "a", "operator": "NotIn", "values": ["1"] }] }), false),
            (json!({ "matchExpressions": [{ "key": "a", "operator": "Exists" }] }), true),
            (json!({ "matchExpressions": [{ "key": "a", "operator": "DoesNotExist" }] }), false),
        ] {
            let parsed: Selector = serde_json::from_value(selector.clone()).unwrap();
            assert_eq!(parsed.matches(&labels), expected, "{selector}");
        }
        assert!(
            serde_json::from_value::<Selector>(
                json!({ "matchExpressions": [{ "key": "a", "operator": "Matches" }] })
            )
            .is_err()
        );
    }

    #[test]
    fn an_unknown_label_decides_only_where_no_known_one_does() {
        let selector: Selector =
            serde_json::from_value(json!({ "matchLabels": { "a": "1", "b": "1" } })).unwrap();
        let label =
            |a: &'static str| move |key: &str| if key == "a" { Ok(Some(a)) } else { Err("?".to_owned()) };
        assert_eq!(selector.fulfilled(label("2")), Ok(false));
        assert_eq!(selector.fulfilled(label("1")), Err("?".to_owned()));
    }
}
