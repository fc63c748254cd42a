//! Topics and queues.

use palisade_sdk::Severity::{High, Low, Medium};
use serde_json::{Value, json};

use crate::body::{Body, Node, Stop};
use crate::buckets::open_policy;
use crate::finding::{Finding, Found, Table, Verdict};

pub(crate) const TOPIC_CHECKS: &Table = &[
    ("sns-encryption", Low, |body, found| encrypted(body, found, "The topic is not encrypted with KMS.")),
    ("sns-policy-public", High, |body, found| open_policy(body, found, "the topic")),
];

pub(crate) const QUEUE_CHECKS: &Table = &[
    ("sqs-encryption", Medium, |body, found| encrypted(body, found, "The queue is not encrypted.")),
    ("sqs-policy-public", High, |body, found| open_policy(body, found, "the queue")),
];

fn protected(attributes: &Node<'_>) -> Result<bool, Stop> {
    let key = attributes.text_of("KmsMasterKeyId")?.is_some_and(|key| !key.is_empty());
    Ok(key || attributes.text_of("SqsManagedSseEnabled")? == Some("true"))
}

fn encrypted(body: &Body<'_>, found: &mut Found<'_>, message: &str) -> Verdict {
    let attributes = body.need("Attributes")?;
    if !protected(&attributes)? {
        found.add(
            Finding::at(&attributes.at, message).compared(Value::Null, json!({ "KmsMasterKeyId": "a key" })),
        );
    }
    Ok(true)
}
