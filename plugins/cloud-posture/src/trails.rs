//! The activity log, and groups of logs.

use palisade_sdk::Severity::{High, Low, Medium};
use serde_json::{Value, json};

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, on};

pub(crate) const CHECKS: &Table = &[
    ("cloudtrail-multi-region", Medium, multi_region),
    ("cloudtrail-logging", High, logging),
    ("cloudtrail-validation", Medium, |body, found| {
        on(body, found, "LogFileValidationEnabled", "Files of the trail can be changed unnoticed.")
    }),
    ("cloudtrail-customer-key", Medium, |body, found| {
        configured(body, found, "KmsKeyId", "The trail is not encrypted with a customer managed key.")
    }),
    ("cloudtrail-log-group", Low, |body, found| {
        configured(body, found, "CloudWatchLogsLogGroupArn", "The trail is not delivered to CloudWatch Logs.")
    }),
    ("cloudtrail-management-events", Medium, management),
    ("cloudtrail-s3-write-events", Low, |body, found| objects(body, found, "WriteOnly", "Writes")),
    ("cloudtrail-s3-read-events", Low, |body, found| objects(body, found, "ReadOnly", "Reads")),
];

pub(crate) const LOG_GROUP_CHECKS: &Table =
    &[("log-group-retention", Low, retention), ("log-group-customer-key", Low, group_key)];

/// Days that logs are kept.
const RETENTION_DAYS: i64 = 365;

fn multi_region(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    on(body, found, "IsMultiRegionTrail", "The trail records one region only.")?;
    on(body, found, "IncludeGlobalServiceEvents", "The trail does not record global services such as IAM.")
}

fn logging(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let status = body.need("Status")?;
    if !status.need("IsLogging")?.flag()? {
        let message = "The trail is switched off.";
        found.add(Finding::at(status.place("IsLogging"), message).compared(json!(false), json!(true)));
    }
    Ok(true)
}

/// A member that AWS leaves out where it is not set.
fn configured(body: &Body<'_>, found: &mut Found<'_>, key: &str, message: &str) -> Verdict {
    let value = body.left_out(key, &["HomeRegion"])?.map(|node| node.text()).transpose()?;
    if value.unwrap_or_default().is_empty() {
        found.add(Finding::at(body.place(key), message).compared(Value::Null, json!(key)));
    }
    Ok(true)
}

/// Values that an advanced selector demands of a field. Nothing where it does not speak of the field.
fn demanded<'a>(selector: &Node<'a>, field: &str) -> Result<Option<Vec<&'a str>>, Stop> {
    for one in selector.items_of("FieldSelectors")? {
        if one.text_of("Field")? == Some(field) {
            let values = one.items_of("Equals")?;
            return Ok(Some(values.iter().map(Node::text).collect::<Result<_, _>>()?));
        }
    }
    Ok(None)
}

/// Whether an advanced selector takes all events of a category: it says nothing of other fields than `known`.
fn whole(selector: &Node<'_>, known: &[&str]) -> Result<bool, Stop> {
    for one in selector.items_of("FieldSelectors")? {
        if !one.text_of("Field")?.is_some_and(|field| known.contains(&field)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn management(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let selectors = body.need("EventSelectors")?;
    for one in selectors.items_of("EventSelectors")? {
        let all = one.text_of("ReadWriteType")?.is_none_or(|kind| kind == "All");
        if all && one.get("IncludeManagementEvents")?.map(|flag| flag.flag()).transpose()?.unwrap_or(true) {
            return Ok(true);
        }
    }
    for one in selectors.items_of("AdvancedEventSelectors")? {
        let management =
            demanded(&one, "eventCategory")?.is_some_and(|values| values.contains(&"Management"));
        if management && whole(&one, &["eventCategory"])? {
            return Ok(true);
        }
    }
    let message = "The trail does not record all management events.";
    found.add(
        Finding::at(&selectors.at, message)
            .compared(json!("a part"), json!({ "ReadWriteType": "All", "IncludeManagementEvents": true })),
    );
    Ok(true)
}

/// Whether a selector of data events takes the objects of all buckets.
fn takes_objects(selector: &Node<'_>, kind: &str) -> Result<bool, Stop> {
    if !selector.text_of("ReadWriteType")?.is_none_or(|own| own == "All" || own == kind) {
        return Ok(false);
    }
    for resource in selector.items_of("DataResources")? {
        if resource.text_of("Type")? != Some("AWS::S3::Object") {
            continue;
        }
        for value in resource.items_of("Values")? {
            let arn = value.text()?;
            if arn == "arn:aws:s3" || arn.ends_with(":s3") || arn.ends_with(":s3:::") {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn takes_objects_advanced(selector: &Node<'_>, kind: &str) -> Result<bool, Stop> {
    let objects =
        demanded(selector, "resources.type")?.is_some_and(|types| types.contains(&"AWS::S3::Object"));
    let read_only = if kind == "ReadOnly" { "true" } else { "false" };
    let fits = demanded(selector, "readOnly")?.is_none_or(|values| values.contains(&read_only));
    Ok(objects && fits && whole(selector, &["eventCategory", "resources.type", "readOnly"])?)
}

fn objects(body: &Body<'_>, found: &mut Found<'_>, kind: &str, what: &str) -> Verdict {
    let selectors = body.need("EventSelectors")?;
    for one in selectors.items_of("EventSelectors")? {
        if takes_objects(&one, kind)? {
            return Ok(true);
        }
    }
    for one in selectors.items_of("AdvancedEventSelectors")? {
        if takes_objects_advanced(&one, kind)? {
            return Ok(true);
        }
    }
    let message = format!("{what} of objects in all buckets are not recorded by the trail.");
    let wanted = json!({ "ReadWriteType": kind, "DataResources": [{ "Type": "AWS::S3::Object", "Values": ["arn:aws:s3"] }] });
    found.add(Finding::at(&selectors.at, message).compared(json!("none, or some buckets"), wanted));
    Ok(true)
}

fn retention(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    // Without a number, or with 0 in plans, logs are kept for ever.
    let Some(days) = body.get("retentionInDays")? else { return Ok(true) };
    let number = days.number()?;
    if number > 0 && number < RETENTION_DAYS {
        let message = format!("Logs are kept for {number} days.");
        found.add(
            Finding::at(&days.at, message)
                .compared(json!(number), json!(format!("at least {RETENTION_DAYS}"))),
        );
    }
    Ok(true)
}

fn group_key(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if body.left_out("kmsKeyId", &["creationTime", "metricFilterCount"])?.is_none() {
        let message = "The log group is encrypted with a key that AWS owns.";
        found.add(Finding::at(body.place("kmsKeyId"), message).compared(Value::Null, json!("a KMS key")));
    }
    Ok(true)
}
