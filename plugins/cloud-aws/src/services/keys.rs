//! Keys, secrets, parameters, topics and queues.

use serde_json::{Map, Value, json};

use crate::client::ask;
use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot, begin, document, page, parsed, taken, text};

/// Largest context that is carried from page to page, in bytes; larger ones are asked for again on every page.
const CONTEXT_BYTES_MAX: usize = 20 * 1024;

/// Keys, with the aliases of all of them.
pub(crate) fn keys(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("kms", "ListKeys", spot.region).json(json!({ "Limit": 1000 })).page("Marker", token);
    let mut listed = page(spot.call(&ask)?, "Keys", "NextMarker");
    if listed.items.is_empty() {
        return Ok(listed);
    }
    let mut known = Body::new();
    if let Value::Object(context) = spot.context {
        known.clone_from(context);
    } else {
        spot.merged(&mut known, "Aliases", || aliases(spot).map(Some))?;
    }
    for key in &mut listed.items {
        let id = text(key, "KeyId").to_owned();
        let Value::Object(fields) = key else { continue };
        match known.get("Aliases").and_then(Value::as_object) {
            Some(aliases) => {
                let own = aliases.get(&id).cloned().unwrap_or_else(|| json!([]));
                fields.insert("Aliases".to_owned(), own);
            }
            None => {
                fields.insert("Unknown".to_owned(), json!(["Aliases"]));
            }
        }
    }
    let context = Value::Object(known);
    if listed.next.is_some() && context.to_string().len() <= CONTEXT_BYTES_MAX {
        listed.context = Some(context);
    }
    Ok(listed)
}

/// Names by the id of the key.
fn aliases(spot: &Spot<'_>) -> Result<Value, Failure> {
    let ask = ask("kms", "ListAliases", spot.region).json(json!({ "Limit": 100 }));
    let all = super::web::every(spot, &ask, "Aliases", "NextMarker", "Marker")?;
    let mut by_key = Map::new();
    for alias in all.as_array().into_iter().flatten() {
        let key = text(alias, "TargetKeyId");
        if let (false, Value::Array(names)) = (key.is_empty(), by_key.entry(key).or_insert_with(|| json!([])))
        {
            names.push(Value::String(text(alias, "AliasName").to_owned()));
        }
    }
    by_key.remove("");
    Ok(Value::Object(by_key))
}

pub(crate) fn key(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    if body.is_empty() {
        begin(body, item);
        body.remove("KeyArn");
    }
    let id = text(item, "KeyId");
    let at = |operation| ask("kms", operation, spot.region).with("KeyId", id);
    spot.absorb(body, "KeyState", &at("DescribeKey"), "KeyMetadata")?;
    let of = |body: &Body, key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    // What AWS manages it rotates itself, and its policy cannot be changed.
    if of(body, "KeyManager") != "AWS" {
        spot.part(body, "Policy", &at("GetKeyPolicy").with("PolicyName", "default"), &[], |answer| {
            parsed(&answer, "Policy")
        })?;
        let rotates = of(body, "KeySpec") == "SYMMETRIC_DEFAULT"
            && of(body, "Origin") == "AWS_KMS"
            && of(body, "KeyState") == "Enabled";
        let is_told = body.contains_key("KeyState");
        if rotates || !is_told {
            spot.part(
                body,
                "Rotation",
                &at("GetKeyRotationStatus"),
                &["UnsupportedOperationException"],
                |answer| Ok(rotation(&answer)),
            )?;
        } else {
            body.insert("Rotation".to_owned(), Value::Null);
        }
    }
    spot.found(text(item, "KeyArn"))
}

fn rotation(answer: &Value) -> Value {
    let mut out = Map::new();
    for key in ["KeyRotationEnabled", "RotationPeriodInDays", "NextRotationDate"] {
        if let Some(value) = answer.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

pub(crate) fn secrets(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("secretsmanager", "ListSecrets", spot.region);
    let ask = ask.json(json!({ "MaxResults": 100 })).page("NextToken", token);
    Ok(page(spot.call(&ask)?, "SecretList", "NextToken"))
}

pub(crate) fn secret(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    body.entry("Tags").or_insert_with(|| json!([]));
    let arn = text(item, "ARN");
    let ask = ask("secretsmanager", "GetResourcePolicy", spot.region).with("SecretId", arn);
    spot.part(body, "Policy", &ask, &[], |answer| parsed(&answer, "ResourcePolicy"))?;
    spot.found(arn)
}

pub(crate) fn parameters(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("ssm", "DescribeParameters", spot.region);
    let ask = ask.json(json!({ "MaxResults": 50 })).page("NextToken", token);
    Ok(page(spot.call(&ask)?, "Parameters", "NextToken"))
}

pub(crate) fn parameter(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let arn = match text(item, "ARN") {
        "" => spot.arn("ssm", &format!("parameter/{}", text(item, "Name").trim_start_matches('/'))),
        arn => arn.to_owned(),
    };
    spot.found(arn)
}

pub(crate) fn topics(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    Ok(page(
        spot.call(&ask("sns", "ListTopics", spot.region).page("NextToken", token))?,
        "Topics",
        "NextToken",
    ))
}

pub(crate) fn topic(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let arn = text(item, "TopicArn");
    let ask = ask("sns", "GetTopicAttributes", spot.region).with("TopicArn", arn);
    attributes(spot, body, &ask)?;
    spot.found(arn)
}

pub(crate) fn queues(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("sqs", "ListQueues", spot.region).json(json!({ "MaxResults": 1000 }));
    Ok(page(spot.call(&ask.page("NextToken", token))?, "QueueUrls", "NextToken"))
}

pub(crate) fn queue(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let url = item.as_str().unwrap_or_default();
    begin(body, &json!({ "QueueUrl": url }));
    let ask = ask("sqs", "GetQueueAttributes", spot.region);
    let ask = ask.json(json!({ "QueueUrl": url, "AttributeNames": ["All"] }));
    attributes(spot, body, &ask)?;
    let arn = body.get("Attributes").map(|all| text(all, "QueueArn")).filter(|arn| !arn.is_empty());
    let built = || spot.arn("sqs", url.rsplit('/').next().unwrap_or_default());
    let arn = arn.map_or_else(built, str::to_owned);
    spot.found(arn)
}

/// The attributes of a topic or queue, with the policy among them as a key of its own.
fn attributes(spot: &Spot<'_>, body: &mut Body, ask: &crate::client::Ask<'_>) -> Result<(), Failure> {
    spot.part(body, "Attributes", ask, &[], |answer| Ok(taken(answer, "Attributes")))?;
    let Some(attributes) = body.get_mut("Attributes").and_then(Value::as_object_mut) else {
        spot.unknown(body, "Policy", "the attributes are not known");
        return Ok(());
    };
    let policy = attributes.remove("Policy");
    match policy.as_ref().and_then(Value::as_str).map(|text| (text.is_empty(), document(text))) {
        None | Some((true, _)) => {
            body.insert("Policy".to_owned(), Value::Null);
        }
        Some((false, Some(document))) => {
            body.insert("Policy".to_owned(), document);
        }
        Some((false, None)) => spot.unknown(body, "Policy", "the document is not JSON"),
    }
    Ok(())
}
