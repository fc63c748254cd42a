//! Fields of AWS CloudTrail records, as Falco's plugin `cloudtrail` names them.
//!
//! Where that plugin's table says one thing and its code another (`ct.user.accountid`, `s3.cnt.*`, `ec2.imageid`), the table is
//! followed.

use super::Shape::Number;
use super::{Event, Field, Value, flag, one, perhaps, text};
use crate::json::Json;

pub(super) const FIELDS: &[Field] = &[
    Field::path("ct.id", &["eventID"]),
    Field::path("ct.error", &["errorCode"]),
    Field::path("ct.time", &["eventTime"]),
    Field::path("ct.src", &["eventSource"]),
    Field::made("ct.shortsrc", |e, _| short_source(e)),
    Field::path("ct.name", &["eventName"]),
    Field::made("ct.user", |e, _| user(e)),
    Field::made("ct.user.accountid", |e, _| {
        text(e.raw.at(&["userIdentity", "accountId"]).or_else(|| e.raw.get("recipientAccountId")))
    }),
    Field::path("ct.user.identitytype", &["userIdentity", "type"]),
    Field::path("ct.user.principalid", &["userIdentity", "principalId"]),
    Field::path("ct.user.arn", &["userIdentity", "arn"]),
    Field::path("ct.region", &["awsRegion"]),
    Field::path("ct.response.subnetid", &["responseElements", "subnetId"]),
    Field::path("ct.response.reservationid", &["responseElements", "reservationId"]),
    Field::path("ct.request.availabilityzone", &["requestParameters", "availabilityZone"]),
    Field::path("ct.request.cluster", &["requestParameters", "cluster"]),
    Field::path("ct.request.functionname", &["requestParameters", "functionName"]),
    Field::path("ct.request.groupname", &["requestParameters", "groupName"]),
    Field::path("ct.request.host", &["requestParameters", "Host"]),
    Field::path("ct.request.name", &["requestParameters", "name"]),
    Field::path("ct.request.policy", &["requestParameters", "policy"]),
    Field::path("ct.request.serialnumber", &["requestParameters", "serialNumber"]),
    Field::path("ct.request.servicename", &["requestParameters", "serviceName"]),
    Field::path("ct.request.subnetid", &["requestParameters", "subnetId"]),
    Field::path("ct.request.taskdefinition", &["requestParameters", "taskDefinition"]),
    Field::path("ct.request.username", &["requestParameters", "userName"]),
    Field::path("ct.srcip", &["sourceIPAddress"]),
    Field::path("ct.useragent", &["userAgent"]),
    Field::made("ct.info", |e, _| one(info(e))),
    Field::made("ct.managementevent", |e, _| flag(is_true(e.raw.get("managementEvent")))),
    Field::made("ct.readonly", |e, _| read_only(e)),
    Field::made("s3.uri", |e, _| perhaps(uri(e))),
    Field::path("s3.bucket", &["requestParameters", "bucketName"]),
    Field::path("s3.key", &["requestParameters", "key"]),
    Field::made("s3.bytes", |e, _| transferred(e, &["bytesTransferredIn", "bytesTransferredOut"]))
        .shape(Number),
    Field::made("s3.bytes.in", |e, _| transferred(e, &["bytesTransferredIn"])).shape(Number),
    Field::made("s3.bytes.out", |e, _| transferred(e, &["bytesTransferredOut"])).shape(Number),
    Field::made("s3.cnt.get", |e, _| counted(name(e) == "GetObject")).shape(Number),
    Field::made("s3.cnt.put", |e, _| counted(name(e) == "PutObject")).shape(Number),
    Field::made("s3.cnt.other", |e, _| counted(!matches!(name(e).as_str(), "GetObject" | "PutObject")))
        .shape(Number),
    Field::made("ec2.name", |e, _| instance_name(e)),
    Field::made("ec2.imageid", |e, _| image(e)),
    Field::path("ecr.repository", &["requestParameters", "repositoryName"]),
    Field::path("ecr.image.tag", &["requestParameters", "imageTag"]),
];

/// Beginnings of the names of calls that change something, for records that do not say whether they do.
const CHANGING: [&str; 40] = [
    "Activate",
    "Add",
    "Admin",
    "Assign",
    "Associate",
    "Attach",
    "Cancel",
    "Close",
    "Create",
    "Delete",
    "Deregister",
    "Destroy",
    "Detach",
    "Disable",
    "Disassociate",
    "Enable",
    "Initialize",
    "Modify",
    "Open",
    "Purchase",
    "Put",
    "Reboot",
    "Register",
    "Remove",
    "Run",
    "Set",
    "Start",
    "Stop",
    "Suspend",
    "Terminate",
    "Unassign",
    "Unlink",
    "Update",
    "Upgrade",
    "Wipe",
    "Invoke",
    "Import",
    "Export",
    "Revoke",
    "Authorize",
];

fn is_true(found: Option<Json<'_>>) -> bool {
    found.is_some_and(|value| value.text() == "true")
}

fn name(event: &Event<'_>) -> String {
    event.raw.get("eventName").map(|name| name.text().into_owned()).unwrap_or_default()
}

fn short_source<'e>(event: &Event<'e>) -> Value<'e> {
    let source = event.raw.get("eventSource").map(Json::text);
    perhaps(source.map(|source| match source.strip_suffix(".amazonaws.com") {
        Some(short) if !short.is_empty() => short.to_owned(),
        _ => source.into_owned(),
    }))
}

/// The name of a person, a role or a service; the kind of identity where it has none.
fn user<'e>(event: &Event<'e>) -> Value<'e> {
    let identity = |path: &[&str]| event.raw.get("userIdentity").and_then(|identity| identity.at(path));
    let Some(kind) = identity(&["type"]).map(Json::text) else { return Value::Missing };
    match &*kind {
        "Root" | "IAMUser" => text(identity(&["userName"])),
        "AWSService" => text(identity(&["invokedBy"])),
        "AssumedRole" => match identity(&["sessionContext", "sessionIssuer", "userName"]) {
            Some(role) => text(Some(role)),
            None => one("AssumedRole"),
        },
        "AWSAccount" => one("AWSAccount"),
        "FederatedUser" => one("FederatedUser"),
        _ => text(identity(&["userName"])),
    }
}

fn read_only<'e>(event: &Event<'e>) -> Value<'e> {
    if let Some(said) = event.raw.get("readOnly") {
        return flag(is_true(Some(said)));
    }
    match name(event).as_str() {
        "" => Value::Missing,
        name => flag(!CHANGING.iter().any(|begin| name.starts_with(begin))),
    }
}

fn uri(event: &Event<'_>) -> Option<String> {
    let parameters = event.raw.get("requestParameters")?;
    Some(format!("s3://{}/{}", parameters.get("bucketName")?.text(), parameters.get("key")?.text()))
}

/// Numbers of bytes come as `33` and as `33.0`.
fn whole(value: Json<'_>) -> Option<u64> {
    let digits = value.text();
    digits.split('.').next().unwrap_or_default().parse().ok()
}

fn transferred<'e>(event: &Event<'e>, members: &[&str]) -> Value<'e> {
    let data = event.raw.get("additionalEventData");
    let found: Vec<u64> = members.iter().filter_map(|member| whole(data?.get(member)?)).collect();
    if found.is_empty() {
        return Value::Missing;
    }
    one(found.into_iter().fold(0, u64::saturating_add).to_string())
}

fn counted<'e>(is: bool) -> Value<'e> {
    one(if is { "1" } else { "0" })
}

fn instance_name<'e>(event: &Event<'e>) -> Value<'e> {
    let sets = event.raw.at(&["requestParameters", "tagSpecificationSet", "items"]);
    let is = |value: &Json<'e>, member: &str, text: &str| {
        value.get(member).is_some_and(|found| found.text() == text)
    };
    let instances = sets.into_iter().flat_map(Json::items).filter(|set| is(set, "resourceType", "instance"));
    let tags = instances.filter_map(|set| set.get("tags")).flat_map(Json::items);
    text(tags.filter(|tag| is(tag, "key", "Name")).find_map(|tag| tag.get("value")))
}

fn image<'e>(event: &Event<'e>) -> Value<'e> {
    let of = |part: &str| {
        event.raw.at(&[part, "instancesSet", "items"])?.items().find_map(|item| item.get("imageId"))
    };
    text(of("responseElements").or_else(|| of("requestParameters")))
}

/// Who did what from where, in one line.
fn info(event: &Event<'_>) -> String {
    let shown = |value: Value<'_>| match value {
        Value::One(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        _ => None,
    };
    let known = |value| shown(value).unwrap_or_else(|| "<NA>".to_owned());
    let failed = if event.raw.get("errorCode").is_some() { "!" } else { "" };
    let arrow = if known(read_only(event)) == "false" { "→" } else { "←" };
    let address = known(text(event.raw.get("sourceIPAddress")));
    let mut line = format!("{} via {address} {failed}{arrow} {}", known(user(event)), name(event));
    if let Some(size) = shown(transferred(event, &["bytesTransferredIn", "bytesTransferredOut"])) {
        line.push_str(&format!(" Size={size}"));
    }
    let parameter =
        |member| event.raw.at(&["requestParameters", member]).map(|value| value.text().into_owned());
    let what = [
        ("URI", uri(event)),
        ("Bucket", parameter("bucketName")),
        ("Key", parameter("key")),
        ("Host", parameter("Host")),
    ];
    if let Some((word, value)) = what.into_iter().find_map(|(word, value)| Some((word, value?))) {
        line.push_str(&format!(" {word}={value}"));
    }
    line
}
