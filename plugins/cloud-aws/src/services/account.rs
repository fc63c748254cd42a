//! What is of a region as a whole: trails that cover it, detectors, recorders, defaults.

use serde_json::{Value, json};

use crate::client::ask;
use crate::failure::{Failure, unless};
use crate::item::{Body, Found, Listed, Spot, items, taken, text, whole};

/// There is one of it.
pub(crate) fn one(spot: &Spot<'_>, _: Option<&str>) -> Result<Listed, Failure> {
    Ok(whole(vec![json!({ "RegionName": spot.region })]))
}

pub(crate) fn region(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    crate::item::begin(body, item);
    let at = |service, operation| ask(service, operation, spot.region);
    spot.part(body, "Trails", &at("cloudtrail", "DescribeTrails"), &[], |answer| {
        Ok(taken(answer, "trailList"))
    })?;
    spot.merged(body, "Detectors", || detectors(spot).map(Some))?;
    spot.merged(body, "ConfigurationRecorders", || recorders(spot).map(Some))?;
    spot.part(body, "DeliveryChannels", &at("config", "DescribeDeliveryChannels"), &[], |answer| {
        Ok(taken(answer, "DeliveryChannels"))
    })?;
    for (key, operation, member) in [
        ("EbsEncryptionByDefault", "GetEbsEncryptionByDefault", "EbsEncryptionByDefault"),
        ("SnapshotBlockPublicAccess", "GetSnapshotBlockPublicAccessState", "State"),
        ("ImageBlockPublicAccess", "GetImageBlockPublicAccessState", "ImageBlockPublicAccessState"),
        ("InstanceMetadataDefaults", "GetInstanceMetadataDefaults", "AccountLevel"),
    ] {
        spot.part(body, key, &at("ec2", operation), &[], |answer| Ok(taken(answer, member)))?;
    }
    spot.part(body, "EcrScanning", &at("ecr", "GetRegistryScanningConfiguration"), &[], |answer| {
        Ok(taken(answer, "scanningConfiguration"))
    })?;
    spot.merged(body, "AccessAnalyzers", || analyzers(spot).map(Some))?;
    // That is how Security Hub says that it is not enabled.
    let off = ["InvalidAccessException", "ResourceNotFoundException"];
    spot.part(body, "SecurityHub", &at("securityhub", "DescribeHub"), &off, Ok)?;
    trails(spot, body);
    spot.found(
        spot.arn("account", &format!("region/{}", spot.region))
            .replace(&format!(":account:{}:", spot.region), ":account::"),
    )
}

/// Trails are completed where they are at home; elsewhere they are seen as shadows.
fn trails(spot: &Spot<'_>, body: &Body) {
    let listed = body.get("Trails").and_then(Value::as_array).cloned().unwrap_or_default();
    let at_home: Vec<Value> =
        listed.into_iter().filter(|trail| text(trail, "HomeRegion") == spot.region).collect();
    if !at_home.is_empty() {
        spot.cause("aws:cloudtrail:trail", Value::Array(at_home));
    }
}

fn detectors(spot: &Spot<'_>) -> Result<Value, Failure> {
    let answer = spot.call(&ask("guardduty", "ListDetectors", spot.region))?;
    let mut detectors = Vec::new();
    // A region has one at most.
    for id in items(&answer, "DetectorIds").iter().filter_map(Value::as_str).take(3) {
        let mut detector = spot.call(&ask("guardduty", "GetDetector", spot.region).at("DetectorId", id))?;
        if let Value::Object(fields) = &mut detector {
            fields.insert("DetectorId".to_owned(), Value::String(id.to_owned()));
            crate::item::tags(fields, "Tags");
        }
        detectors.push(detector);
    }
    Ok(Value::Array(detectors))
}

fn recorders(spot: &Spot<'_>) -> Result<Value, Failure> {
    let answer = spot.call(&ask("config", "DescribeConfigurationRecorders", spot.region))?;
    let mut recorders = items(&answer, "ConfigurationRecorders");
    if recorders.is_empty() {
        return Ok(Value::Array(recorders));
    }
    let answer = spot.call(&ask("config", "DescribeConfigurationRecorderStatus", spot.region))?;
    let statuses = items(&answer, "ConfigurationRecordersStatus");
    for recorder in &mut recorders {
        let status = statuses.iter().find(|status| text(status, "name") == text(recorder, "name"));
        let status = status.cloned().unwrap_or_default();
        if let Value::Object(fields) = recorder {
            fields.insert("Status".to_owned(), status);
        }
    }
    Ok(Value::Array(recorders))
}

fn analyzers(spot: &Spot<'_>) -> Result<Value, Failure> {
    let answer = unless(spot.call(&ask("accessanalyzer", "ListAnalyzers", spot.region)), &[])?;
    Ok(answer.map(|answer| taken(answer, "analyzers")).unwrap_or_default())
}
