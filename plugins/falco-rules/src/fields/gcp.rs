//! Fields of Google Cloud audit log entries, as Falco's plugin `gcpaudit` names them.

use super::{Event, Field, Value, one, text};

pub(super) const FIELDS: &[Field] = &[
    Field::path("gcp.user", &["protoPayload", "authenticationInfo", "principalEmail"]),
    Field::path("gcp.callerIP", &["protoPayload", "requestMetadata", "callerIp"]),
    Field::path("gcp.userAgent", &["protoPayload", "requestMetadata", "callerSuppliedUserAgent"]),
    Field::path("gcp.authorizationInfo", &["protoPayload", "authorizationInfo"]),
    Field::path("gcp.serviceName", &["protoPayload", "serviceName"]),
    Field::made("gcp.policyDelta", |e, _| policy_delta(e)),
    Field::path("gcp.request", &["protoPayload", "request"]),
    Field::path("gcp.methodName", &["protoPayload", "methodName"]),
    Field::path("gcp.cloudfunctions.function", &["resource", "labels", "function_name"]),
    Field::path("gcp.cloudsql.databaseId", &["resource", "labels", "database_id"]),
    Field::path("gcp.compute.instanceId", &["resource", "labels", "instance_id"]),
    Field::path("gcp.compute.networkId", &["resource", "labels", "network_id"]),
    Field::path("gcp.compute.subnetwork", &["resource", "labels", "subnetwork_name"]),
    Field::path("gcp.compute.subnetworkId", &["resource", "labels", "subnetwork_id"]),
    Field::path("gcp.dns.zone", &["resource", "labels", "zone_name"]),
    Field::path("gcp.iam.serviceAccount", &["resource", "labels", "email_id"]),
    Field::path("gcp.iam.serviceAccountId", &["resource", "labels", "unique_id"]),
    Field::made("gcp.location", |e, _| location(e)),
    Field::made("gcp.logging.sink", |e, _| sink(e)),
    Field::path("gcp.projectId", &["resource", "labels", "project_id"]),
    Field::path("gcp.resourceName", &["protoPayload", "resourceName"]),
    Field::path("gcp.resourceType", &["resource", "type"]),
    Field::path("gcp.storage.bucket", &["resource", "labels", "bucket_name"]),
];

/// What changed in who may do what: of a bucket and of a project in one place, of a data set in another.
fn policy_delta<'e>(event: &Event<'e>) -> Value<'e> {
    let of = |path: &[&str]| event.raw.get("protoPayload").and_then(|payload| payload.at(path));
    let policy = of(&["serviceData", "policyDelta", "bindingDeltas"]);
    text(policy.or_else(|| of(&["metadata", "datasetChange", "bindingDeltas"])))
}

/// The region, made of the zone where only that is there.
fn location<'e>(event: &Event<'e>) -> Value<'e> {
    let label = |name| event.raw.at(&["resource", "labels", name]);
    if let Some(found) = label("location").or_else(|| label("region")) {
        return text(Some(found));
    }
    let Some(zone) = label("zone") else { return Value::Missing };
    let zone = zone.text().into_owned();
    // A zone is its region and a letter: `us-central1-a`.
    match zone.char_indices().nth_back(1) {
        Some((at, '-')) if at > 0 => one(zone.get(..at).unwrap_or_default().to_owned()),
        _ => one(zone),
    }
}

fn sink<'e>(event: &Event<'e>) -> Value<'e> {
    let is_sink = event.raw.at(&["resource", "type"]).is_some_and(|kind| kind.text() == "logging_sink");
    if is_sink { text(event.raw.at(&["resource", "labels", "name"])) } else { Value::Missing }
}
