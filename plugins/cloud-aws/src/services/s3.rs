//! Buckets, each with what guards it.

use serde_json::{Value, json};

use crate::client::ask;
use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot, items, page, parsed, tags, taken, text, whole};
use crate::settings::is_region;

/// There is one of it.
pub(crate) fn one(_: &Spot<'_>, _: Option<&str>) -> Result<Listed, Failure> {
    Ok(whole(vec![json!({})]))
}

pub(crate) fn account(spot: &Spot<'_>, _: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let none = ["NoSuchPublicAccessBlockConfiguration"];
    let ask = ask("s3control", "GetPublicAccessBlock", "global");
    spot.part(body, "PublicAccessBlock", &ask, &none, |answer| {
        Ok(taken(answer, "PublicAccessBlockConfiguration"))
    })?;
    spot.found(spot.arn("s3", "account"))
}

/// With a parameter, answers name the region of every bucket; without one they do not.
pub(crate) fn buckets(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask =
        ask("s3", "ListBuckets", "global").with("max-buckets", "10000").page("continuation-token", token);
    let mut listed = page(spot.call(&ask)?, "Buckets", "ContinuationToken");
    for bucket in &mut listed.items {
        *bucket = json!({
            "Name": text(bucket, "Name"),
            "CreationDate": text(bucket, "CreationDate"),
            "BucketRegion": bucket.get("BucketRegion").cloned().unwrap_or_default(),
        });
    }
    Ok(listed)
}

pub(crate) fn bucket(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let name = text(item, "Name");
    if body.is_empty() {
        for key in ["Name", "CreationDate"] {
            body.insert(key.to_owned(), item.get(key).cloned().unwrap_or_default());
        }
        if let Some(region) = item.get("BucketRegion").and_then(Value::as_str) {
            body.insert("Region".to_owned(), Value::String(region.to_owned()));
        }
    }
    // Where it is, is where it has to be asked.
    spot.part(body, "Region", &ask("s3", "GetBucketLocation", "global").at("Bucket", name), &[], |answer| {
        Ok(Value::String(match text(&answer, "LocationConstraint") {
            "" => spot.run.client.partition.home().to_owned(),
            "EU" => "eu-west-1".to_owned(),
            region => region.to_owned(),
        }))
    })?;
    let region = body.get("Region").and_then(Value::as_str).filter(|region| is_region(region));
    let region = region.unwrap_or_else(|| spot.run.client.partition.home()).to_owned();
    let at = |operation| ask("s3", operation, &region).at("Bucket", name);
    let member = |key: &'static str| move |answer| Ok(taken(answer, key));
    let none = ["NoSuchPublicAccessBlockConfiguration"];
    let key = "PublicAccessBlockConfiguration";
    spot.part(body, "PublicAccessBlock", &at("GetPublicAccessBlock"), &none, member(key))?;
    let none = ["ServerSideEncryptionConfigurationNotFoundError"];
    let key = "ServerSideEncryptionConfiguration";
    spot.part(body, "Encryption", &at("GetBucketEncryption"), &none, member(key))?;
    let policy = |answer: Value| parsed(&answer, "Policy");
    spot.part(body, "Policy", &at("GetBucketPolicy"), &["NoSuchBucketPolicy"], policy)?;
    spot.part(body, "Logging", &at("GetBucketLogging"), &[], member("LoggingEnabled"))?;
    spot.part(body, "Versioning", &at("GetBucketVersioning"), &[], Ok)?;
    spot.part(body, "Acl", &at("GetBucketAcl"), &[], Ok)?;
    let none = ["OwnershipControlsNotFoundError"];
    let key = "OwnershipControls";
    spot.part(body, key, &at("GetBucketOwnershipControls"), &none, member(key))?;
    spot.part(body, "Tags", &at("GetBucketTagging"), &["NoSuchTagSet"], |answer| {
        Ok(Value::Array(items(&answer, "TagSet")))
    })?;
    if body.contains_key("Tags") {
        tags(body, "Tags");
    }
    spot.found(format!("arn:{}:s3:::{name}", spot.run.client.partition.name()))
}
