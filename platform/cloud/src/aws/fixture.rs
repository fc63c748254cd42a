//! Small worlds for tests.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::account::Account;
use crate::resource::Resource;

pub(crate) const ACCOUNT: &str = "123456789012";

pub(crate) fn account(resources: impl IntoIterator<Item = Resource>) -> Account {
    Account::of(resources, BTreeSet::new())
}

/// A resource of the account.
pub(crate) fn made(id: &str, kind: &str, body: Value) -> Resource {
    let mut resource = Resource::new(id, kind, body);
    resource.body.entry("Account").or_insert_with(|| ACCOUNT.into());
    resource
}

pub(crate) fn arn(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

pub(crate) fn allow(action: &str, resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": resource })
}

pub(crate) fn deny(action: &str, resource: &str) -> Value {
    json!({ "Effect": "Deny", "Action": action, "Resource": resource })
}

pub(crate) fn document(statements: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn inline(statements: Value) -> Value {
    json!([{ "PolicyName": "own", "PolicyDocument": document(statements) }])
}

pub(crate) fn user(name: &str, statements: Value) -> Resource {
    let body = json!({ "UserName": name, "UserPolicyList": inline(statements), "GroupList": [] });
    made(&arn(&format!("user/{name}")), "aws:iam:user", body)
}

/// A role that trusts nobody.
pub(crate) fn role(name: &str, statements: Value) -> Resource {
    trusting(name, statements, json!([]))
}

pub(crate) fn trusting(name: &str, statements: Value, trust: Value) -> Resource {
    let body = json!({ "RoleName": name, "RolePolicyList": inline(statements), "AssumeRolePolicyDocument": document(trust) });
    made(&arn(&format!("role/{name}")), "aws:iam:role", body)
}

/// A statement of trust.
pub(crate) fn trust(principal: Value) -> Value {
    json!([{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal }])
}

pub(crate) fn by_service(service: &str) -> Value {
    trust(json!({ "Service": service }))
}

/// The resource with more in its body.
pub(crate) fn with(mut resource: Resource, more: Value) -> Resource {
    resource.body.extend(more.as_object().unwrap().clone());
    resource
}
