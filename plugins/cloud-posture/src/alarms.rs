//! Alarms on the activity log: metric filters on its log group that somebody is told of.

use palisade_sdk::Severity::{Low, Medium};
use serde_json::json;

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, shown};

pub(crate) const CHECKS: &Table = &[
    ("alarm-unauthorized-calls", Low, |body, found| {
        alarm(body, found, "refused API calls", &[&["UnauthorizedOperation"], &["AccessDenied"]])
    }),
    ("alarm-console-without-mfa", Medium, |body, found| {
        alarm(body, found, "console sign-ins without a second factor", &[&["ConsoleLogin"], &["MFAUsed"]])
    }),
    ("alarm-root-use", Medium, |body, found| {
        alarm(body, found, "use of the root user", &[&["userIdentity.type"], &["Root"]])
    }),
    ("alarm-iam-changes", Medium, |body, found| {
        alarm(
            body,
            found,
            "changes of IAM policies",
            &[
                &["PutUserPolicy"],
                &["PutRolePolicy"],
                &["PutGroupPolicy"],
                &["AttachUserPolicy"],
                &["AttachRolePolicy"],
                &["AttachGroupPolicy"],
                &["CreatePolicyVersion"],
                &["DeletePolicy"],
            ],
        )
    }),
    ("alarm-cloudtrail-changes", Medium, |body, found| {
        alarm(
            body,
            found,
            "changes of the activity log's configuration",
            &[&["StopLogging"], &["DeleteTrail"], &["UpdateTrail"]],
        )
    }),
    ("alarm-console-failures", Low, |body, found| {
        alarm(
            body,
            found,
            "failed console sign-ins",
            &[&["ConsoleLogin"], &["Failed authentication", "Failure"]],
        )
    }),
    ("alarm-key-deletion", Medium, |body, found| {
        alarm(body, found, "disabling or deletion of keys", &[&["DisableKey"], &["ScheduleKeyDeletion"]])
    }),
    ("alarm-bucket-policy-changes", Medium, |body, found| {
        alarm(
            body,
            found,
            "changes of bucket policies",
            &[&["PutBucketPolicy"], &["DeleteBucketPolicy"], &["PutBucketAcl"]],
        )
    }),
    ("alarm-config-changes", Low, |body, found| {
        alarm(
            body,
            found,
            "changes of configuration recording",
            &[&["StopConfigurationRecorder"], &["DeleteDeliveryChannel"]],
        )
    }),
    ("alarm-security-group-changes", Low, |body, found| {
        alarm(
            body,
            found,
            "changes of security groups",
            &[&["AuthorizeSecurityGroupIngress"], &["RevokeSecurityGroupIngress"], &["DeleteSecurityGroup"]],
        )
    }),
    ("alarm-network-acl-changes", Low, |body, found| {
        alarm(
            body,
            found,
            "changes of network ACLs",
            &[&["CreateNetworkAclEntry"], &["ReplaceNetworkAclEntry"], &["DeleteNetworkAclEntry"]],
        )
    }),
    ("alarm-gateway-changes", Low, |body, found| {
        alarm(
            body,
            found,
            "changes of network gateways",
            &[&["AttachInternetGateway"], &["DetachInternetGateway"]],
        )
    }),
    ("alarm-route-changes", Low, |body, found| {
        alarm(
            body,
            found,
            "changes of route tables",
            &[&["CreateRoute"], &["ReplaceRoute"], &["DeleteRoute"]],
        )
    }),
    ("alarm-vpc-changes", Low, |body, found| {
        alarm(body, found, "changes of VPCs", &[&["CreateVpc"], &["DeleteVpc"], &["ModifyVpcAttribute"]])
    }),
    ("alarm-organization-changes", Low, |body, found| {
        alarm(
            body,
            found,
            "changes of the organization",
            &[&["organizations.amazonaws.com"], &["LeaveOrganization", "DetachPolicy", "DeleteOrganization"]],
        )
    }),
];

/// Fields that only records of CloudTrail have.
const FIELDS: [&str; 4] = ["$.eventName", "$.userIdentity", "$.eventSource", "$.errorCode"];

/// The filters of a group that CloudTrail writes to: one with the name of it, or with a filter on its fields.
fn filters<'a>(body: &Body<'a>) -> Result<Option<Vec<(Node<'a>, &'a str)>>, Stop> {
    let named =
        body.text_of("logGroupName")?.is_some_and(|name| name.to_ascii_lowercase().contains("cloudtrail"));
    let mut filters = Vec::new();
    let mut fields = false;
    for filter in body.need("MetricFilters")?.items()? {
        let pattern = filter.text_of("filterPattern")?.unwrap_or_default();
        fields |= FIELDS.iter().any(|field| pattern.contains(field));
        filters.push((filter, pattern));
    }
    Ok((named || fields).then_some(filters))
}

/// Whether an alarm on the filter's metrics does something.
fn tells(filter: &Node<'_>) -> Result<bool, Stop> {
    for alarm in filter.items_of("Alarms")? {
        let on = alarm.get("ActionsEnabled")?.map(|flag| flag.flag()).transpose()?.unwrap_or(true);
        if on && !alarm.items_of("AlarmActions")?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A filter has to have one word of each group, and an alarm. Which events make up a topic is what AWS's own examples of such alarms
/// name, without those that never come alone.
fn alarm(body: &Body<'_>, found: &mut Found<'_>, what: &str, words: &[&[&str]]) -> Verdict {
    let Some(filters) = filters(body)? else { return Ok(false) };
    let mut silent = None;
    for (filter, pattern) in filters {
        if words.iter().all(|group| group.iter().any(|word| pattern.contains(word))) {
            if tells(&filter)? {
                return Ok(true);
            }
            silent = Some(filter);
        }
    }
    let words: Vec<String> = words.iter().map(|group| group.join(" or ")).collect();
    let (at, message, value) = match silent {
        Some(filter) => {
            let name = shown(filter.text_of("filterName")?.unwrap_or_default());
            (
                filter.at,
                format!("The metric filter {name} on {what} has no alarm that does something."),
                json!("no alarm"),
            )
        }
        None => {
            ("/MetricFilters".to_owned(), format!("No metric filter looks for {what}."), json!("no filter"))
        }
    };
    found.add(
        Finding::at(at, message).compared(value, json!({ "filter on": words, "alarm": "with an action" })),
    );
    Ok(true)
}
