//! Conditions of policy statements, as far as they say who is meant.

use std::borrow::Cow;

use serde_json::Value;

use crate::body::{Node, Stop};

/// One operator on one key, such as `StringEquals` on `aws:SourceAccount`. Names are in lower case.
#[derive(Debug)]
pub(crate) struct Condition<'a> {
    operator: String,
    pub(crate) key: String,
    pub(crate) values: Vec<Cow<'a, str>>,
}

/// Keys that say who calls, or on whose behalf.
const CALLER: [&str; 23] = [
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:sourceip",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:userid",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "elasticfilesystem:accessedviamounttarget",
    "elasticfilesystem:accesspointarn",
    "lambda:eventsourcetoken",
];

/// The conditions of a statement. All of them have to hold.
pub(crate) fn conditions<'a>(statement: &Node<'a>) -> Result<Vec<Condition<'a>>, Stop> {
    let mut all = Vec::new();
    let Some(condition) = statement.get("Condition")? else { return Ok(all) };
    for (operator, keys) in condition.members()? {
        for (key, values) in keys.members()? {
            let values = values.one_or_more()?.iter().map(text).collect();
            all.push(Condition {
                operator: operator.to_ascii_lowercase(),
                key: key.to_ascii_lowercase(),
                values,
            });
        }
    }
    Ok(all)
}

fn text<'a>(node: &Node<'a>) -> Cow<'a, str> {
    match node.value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

impl Condition<'_> {
    /// Whether it demands a value: not one that merely excludes some, nor one that also holds where the key is missing.
    fn demands(&self) -> bool {
        let operator = self.operator.rsplit(':').next().unwrap_or_default();
        let positive = [
            "stringequals",
            "stringlike",
            "stringequalsignorecase",
            "arnequals",
            "arnlike",
            "ipaddress",
            "bool",
        ];
        // ForAllValues holds for a request without the key.
        positive.contains(&operator) && !self.operator.starts_with("forallvalues:")
    }

    /// Whether it lets through only callers that somebody chose.
    pub(crate) fn limits_caller(&self) -> bool {
        CALLER.contains(&self.key.as_str()) && self.limits()
    }

    /// Whether it demands values that are not just any.
    pub(crate) fn limits(&self) -> bool {
        self.demands() && !self.values.is_empty() && !self.values.iter().any(|value| anything(value))
    }

    /// Whether it demands a value of a key.
    pub(crate) fn on(&self, key: &str) -> bool {
        self.key == key && self.limits()
    }
}

/// Whether a value fits everything: `*`, all addresses, an ARN of any account.
fn anything(value: &str) -> bool {
    if value.bytes().all(|byte| matches!(byte, b'*' | b'?')) || matches!(value, "0.0.0.0/0" | "::/0") {
        return true;
    }
    let mut parts = value.splitn(6, ':');
    let arn = parts.next() == Some("arn");
    let (account, resource) = (parts.nth(3).unwrap_or_default(), parts.next().unwrap_or_default());
    arn && (account.contains('*') || account.is_empty() && resource.starts_with('*'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::conditions;
    use crate::body::Node;

    fn limits(condition: serde_json::Value) -> bool {
        let statement = json!({ "Condition": condition });
        let node = Node { value: &statement, at: String::new() };
        conditions(&node).unwrap().iter().any(super::Condition::limits_caller)
    }

    #[test]
    fn conditions_that_say_who() {
        assert!(limits(json!({ "StringEquals": { "aws:SourceAccount": "111122223333" } })));
        assert!(limits(json!({ "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": ["o-a/*"] } })));
        assert!(limits(json!({ "ArnLike": { "AWS:SourceArn": "arn:aws:s3:::bucket" } })));
        assert!(limits(json!({ "Bool": { "elasticfilesystem:AccessedViaMountTarget": true } })));
        for open in [
            json!({ "StringEquals": { "aws:SourceAccount": ["111122223333", "*"] } }),
            json!({ "IpAddress": { "aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"] } }),
            json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/x" } }),
            json!({ "StringNotEquals": { "aws:SourceAccount": "111122223333" } }),
            json!({ "StringEqualsIfExists": { "aws:SourceAccount": "111122223333" } }),
            json!({ "ForAllValues:StringEquals": { "aws:PrincipalOrgID": "o-a" } }),
            json!({ "Bool": { "aws:SecureTransport": "true" } }),
            json!({}),
        ] {
            assert!(!limits(open.clone()), "{open}");
        }
    }
}
