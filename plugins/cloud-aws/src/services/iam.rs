//! Identity: what one request tells of all users, groups, roles and policies, the credential report, and the account's own facts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::report;
use crate::client::ask;
use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot, begin, document, items, page, tags, taken, text, whole};

const HERE: &str = "global";

/// There is one of it.
pub(crate) fn one(_: &Spot<'_>, _: Option<&str>) -> Result<Listed, Failure> {
    Ok(whole(vec![json!({})]))
}

pub(crate) fn account(spot: &Spot<'_>, _: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let at = |operation| ask("iam", operation, HERE);
    // First, so that it is ready when the users are read.
    spot.merged(body, "RootCredentials", || root(spot).map(Some))?;
    spot.part(body, "SummaryMap", &at("GetAccountSummary"), &[], |answer| Ok(taken(answer, "SummaryMap")))?;
    spot.part(body, "PasswordPolicy", &at("GetAccountPasswordPolicy"), &["NoSuchEntity"], |answer| {
        Ok(taken(answer, "PasswordPolicy"))
    })?;
    for (key, operation, member) in [
        ("AccountAliases", "ListAccountAliases", "AccountAliases"),
        ("VirtualMFADevices", "ListVirtualMFADevices", "VirtualMFADevices"),
        ("ServerCertificates", "ListServerCertificates", "ServerCertificateMetadataList"),
    ] {
        spot.merged(body, key, || every(spot, operation, member).map(Some))?;
    }
    let partition = spot.run.client.partition.name();
    spot.found(format!("arn:{partition}:iam::{}:root", spot.run.client.account))
}

/// All pages of a short listing.
fn every(spot: &Spot<'_>, operation: &'static str, member: &str) -> Result<Value, Failure> {
    let (mut all, mut marker) = (Vec::new(), None);
    for _ in 0..20 {
        let ask = ask("iam", operation, HERE).page("Marker", marker.as_deref());
        let listed = page(spot.call(&ask)?, member, "Marker");
        all.extend(listed.items);
        match listed.next {
            None => return Ok(Value::Array(all)),
            next if next == marker => break,
            next => marker = next,
        }
    }
    Err(Failure::Lasting("the listing does not end".to_owned()))
}

/// What the credential report says of the root user. AWS makes the report when it is asked for and says so at once.
fn root(spot: &Spot<'_>) -> Result<Value, Failure> {
    let state = spot.call(&ask("iam", "GenerateCredentialReport", HERE))?;
    if text(&state, "State") != "COMPLETE" {
        let message = "the credential report is being made".to_owned();
        return Err(Failure::Throttled { after: None, message });
    }
    let arn = format!("arn:{}:iam::{}:root", spot.run.client.partition.name(), spot.run.client.account);
    let users = credentials(spot)?;
    let gone = || Failure::Lasting("the credential report does not name the root user".to_owned());
    let line = users
        .get(&arn)
        .or_else(|| users.iter().find(|(own, _)| own.ends_with(":root")).map(|(_, line)| line));
    line.cloned().ok_or_else(gone)
}

fn credentials(spot: &Spot<'_>) -> Result<BTreeMap<String, Value>, Failure> {
    let answer = spot.call(&ask("iam", "GetCredentialReport", HERE))?;
    let odd = || Failure::Passing("the credential report cannot be read".to_owned());
    report::read(text(&answer, "Content")).ok_or_else(odd)
}

/// Users, groups, roles with their instance profiles, and policies, all out of one listing.
pub(crate) fn details(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask =
        ask("iam", "GetAccountAuthorizationDetails", HERE).with("MaxItems", "1000").page("Marker", token);
    let mut answer = spot.call(&ask)?;
    let next = page(answer.clone(), "", "Marker").next;
    let mut list = |key: &str| match answer.get_mut(key).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let (users, groups) = (list("UserDetailList"), list("GroupDetailList"));
    let (roles, policies) = (list("RoleDetailList"), list("Policies"));
    let mut out = Vec::new();
    if !users.is_empty() {
        let mut scratch = Body::new();
        spot.merged(&mut scratch, "Credentials", || {
            let users = credentials(spot)?;
            Ok(Some(Value::Object(users.into_iter().collect())))
        })?;
        for user in users {
            out.push(json!({ "kind": "aws:iam:user", "body": with_credentials(user, &scratch) }));
        }
    }
    out.extend(groups.into_iter().map(|body| json!({ "kind": "aws:iam:group", "body": body })));
    let mut profiles: BTreeMap<String, Value> = BTreeMap::new();
    for role in roles {
        gather_profiles(&role, &mut profiles);
        out.push(json!({ "kind": "aws:iam:role", "body": role }));
    }
    let profiles = profiles.into_values();
    out.extend(profiles.map(|body| json!({ "kind": "aws:iam:instance-profile", "body": body })));
    // Answers list managed policies of AWS that nobody uses as well.
    let used = |policy: &Value| {
        !text(policy, "Arn").contains(":iam::aws:")
            || policy.get("AttachmentCount").and_then(Value::as_i64).is_some_and(|count| count > 0)
    };
    let policies = policies.into_iter().filter(used);
    out.extend(policies.map(|body| json!({ "kind": "aws:iam:policy", "body": body })));
    Ok(Listed { items: out, next, context: None })
}

fn with_credentials(mut user: Value, scratch: &Body) -> Value {
    let arn = text(&user, "Arn").to_owned();
    let known = scratch.get("Credentials").map(|all| all.get(&arn).cloned().unwrap_or_default());
    if let Value::Object(fields) = &mut user {
        match known {
            // A user that is younger than the report is not in it.
            Some(credentials) if !credentials.is_null() => {
                fields.insert("Credentials".to_owned(), credentials);
            }
            _ => {
                fields.insert("Unknown".to_owned(), json!(["Credentials"]));
            }
        }
    }
    user
}

fn gather_profiles(role: &Value, profiles: &mut BTreeMap<String, Value>) {
    for mut profile in items(role, "InstanceProfileList") {
        if let Value::Object(fields) = &mut profile {
            let role = json!({ "Arn": text(role, "Arn"), "RoleName": text(role, "RoleName") });
            fields.insert("Roles".to_owned(), json!([role]));
            fields.remove("Tags");
        }
        profiles.insert(text(&profile, "Arn").to_owned(), profile);
    }
}

pub(crate) fn detail(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let Some(value) = item.get("body") else { return Ok(None) };
    begin(body, value);
    let asset = text(value, "Arn").to_owned();
    let kind = match text(item, "kind") {
        "aws:iam:user" => "aws:iam:user",
        "aws:iam:group" => "aws:iam:group",
        "aws:iam:role" => "aws:iam:role",
        "aws:iam:instance-profile" => "aws:iam:instance-profile",
        _ => "aws:iam:policy",
    };
    match kind {
        "aws:iam:user" => inline(spot, body, "UserPolicyList"),
        "aws:iam:group" => inline(spot, body, "GroupPolicyList"),
        "aws:iam:role" => {
            spot.parse(body, "AssumeRolePolicyDocument");
            inline(spot, body, "RolePolicyList");
            short_profiles(body);
            body.entry("RoleLastUsed").or_insert_with(|| json!({}));
        }
        "aws:iam:policy" => default_version(spot, body),
        _ => {}
    }
    if matches!(kind, "aws:iam:user" | "aws:iam:role") {
        tags(body, "Tags");
    }
    Ok(Some(Found { kind, asset }))
}

/// Parses the documents of inline policies.
fn inline(spot: &Spot<'_>, body: &mut Body, key: &str) {
    let mut broken = false;
    for policy in body.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
        match document(text(policy, "PolicyDocument")) {
            Some(read) => {
                if let Value::Object(fields) = policy {
                    fields.insert("PolicyDocument".to_owned(), read);
                }
            }
            None => broken = true,
        }
    }
    if broken {
        body.remove(key);
        spot.unknown(body, key, "a document is not JSON");
    }
}

/// Profiles are resources of their own; roles name them.
fn short_profiles(body: &mut Body) {
    for profile in body.get_mut("InstanceProfileList").and_then(Value::as_array_mut).into_iter().flatten() {
        *profile = json!({
            "Arn": text(profile, "Arn"),
            "InstanceProfileName": text(profile, "InstanceProfileName"),
        });
    }
}

/// Keeps the document of the version that counts.
fn default_version(spot: &Spot<'_>, body: &mut Body) {
    let versions = body.remove("PolicyVersionList").unwrap_or_default();
    let wanted = body.get("DefaultVersionId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let versions = versions.as_array().cloned().unwrap_or_default();
    let counts = |version: &&Value| {
        version.get("IsDefaultVersion").and_then(Value::as_bool) == Some(true)
            || text(version, "VersionId") == wanted
    };
    match versions.iter().find(counts).and_then(|version| document(text(version, "Document"))) {
        Some(document) => {
            body.insert("Document".to_owned(), document);
        }
        None => spot.unknown(body, "Document", "the default version has no readable document"),
    }
}

pub(crate) fn saml_providers(spot: &Spot<'_>, _: Option<&str>) -> Result<Listed, Failure> {
    Ok(page(spot.call(&ask("iam", "ListSAMLProviders", HERE))?, "SAMLProviderList", ""))
}

pub(crate) fn saml_provider(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
) -> Result<Option<Found>, Failure> {
    begin(body, item);
    spot.found(text(item, "Arn"))
}

pub(crate) fn oidc_providers(spot: &Spot<'_>, _: Option<&str>) -> Result<Listed, Failure> {
    Ok(page(spot.call(&ask("iam", "ListOpenIDConnectProviders", HERE))?, "OpenIDConnectProviderList", ""))
}

pub(crate) fn oidc_provider(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let arn = text(item, "Arn");
    let ask = ask("iam", "GetOpenIDConnectProvider", HERE).with("OpenIDConnectProviderArn", arn);
    spot.absorb(body, "Url", &ask, "")?;
    tags(body, "Tags");
    spot.found(arn)
}
