//! What policies allow: those that customers manage, and those written into users, groups and roles.

use palisade_sdk::Severity::{self, High, Low, Medium};
use serde_json::json;

use crate::body::{Body, Stop};
use crate::finding::{Check, Finding, Found, Table, Verdict, quoted, shown};
use crate::policy::{Statement, granted, statements};
use crate::users::makes_administrator;

/// The checks of what a policy allows, wherever it is written.
const ALLOWED: [(&str, Severity, Check); 8] = [
    ("iam-policy-full-admin", High, full_admin),
    ("iam-policy-service-admin", Medium, service_admin),
    ("iam-policy-privilege-escalation", High, escalation),
    ("iam-policy-pass-role", Medium, pass_role),
    ("iam-policy-assume-any-role", Medium, assume_role),
    ("iam-policy-not-action", Medium, not_action),
    ("iam-policy-decrypt-any", Medium, decrypt),
    ("iam-policy-read-any-secret", Medium, read_secret),
];
const CLOUD_SHELL: (&str, Severity, Check) = ("iam-cloudshell-full-access", Low, cloud_shell);

pub(crate) const POLICY_CHECKS: &Table = &ALLOWED;
pub(crate) const USER_CHECKS: &Table = &with_cloud_shell();
pub(crate) const GROUP_CHECKS: &Table = &with_cloud_shell();
pub(crate) const ROLE_CHECKS: &Table = &with_cloud_shell();

const fn with_cloud_shell() -> [(&'static str, Severity, Check); 9] {
    let [a, b, c, d, e, f, g, h] = ALLOWED;
    [a, b, c, d, e, f, g, h, CLOUD_SHELL]
}

/// A policy document of the resource, taken apart.
struct Document<'a> {
    /// What messages call it.
    name: String,
    statements: Vec<Statement<'a>>,
    /// Nobody holds it.
    idle: bool,
}

impl Document<'_> {
    /// The statement that allows every action on everything, unless another denies just that.
    fn everything(&self) -> Option<&Statement<'_>> {
        let all = |one: &&Statement<'_>| one.every_action() && one.about_all();
        let denied = self.statements.iter().filter(all).any(|one| !one.allow && one.conditions.is_empty());
        self.statements.iter().filter(|_| !denied).filter(all).find(|one| one.allow)
    }

    fn every_action(&self) -> bool {
        self.everything().is_some()
    }

    fn severity(&self, usual: Severity) -> Severity {
        match usual {
            High if self.idle => Medium,
            Medium if self.idle => Low,
            usual => usual,
        }
    }
}

/// The documents that the customer can change. Policies of AWS and roles of services are theirs.
fn documents<'a>(body: &Body<'a>) -> Result<Vec<Document<'a>>, Stop> {
    if body.asset.contains(":iam::aws:policy/") || body.asset.contains(":role/aws-service-role/") {
        return Ok(Vec::new());
    }
    if body.asset.contains(":policy/") || body.get("Document")?.is_some() {
        let statements = statements(&body.need("Document")?)?;
        let idle = body.hint("AttachmentCount")?.map(|count| count.number()).transpose()? == Some(0);
        return Ok(vec![Document { name: "the policy".to_owned(), statements, idle }]);
    }
    let mut documents = Vec::new();
    for key in ["UserPolicyList", "GroupPolicyList", "RolePolicyList"] {
        for policy in body.items_of(key)? {
            let name =
                format!("the inline policy {}", shown(policy.text_of("PolicyName")?.unwrap_or_default()));
            let statements = policy.get("PolicyDocument")?.map_or(Ok(Vec::new()), |one| statements(&one))?;
            documents.push(Document { name, statements, idle: false });
        }
    }
    Ok(documents)
}

/// One failure for each document that a look at it finds wanting: at which statement, and what it allows there. What allows every
/// action on everything is told by the check for that, so that it neither fails nor passes here.
fn each(
    body: &Body<'_>,
    found: &mut Found<'_>,
    usual: Severity,
    wanted: &str,
    look: impl Fn(&[Statement<'_>]) -> Option<(String, String)>,
) -> Verdict {
    let mut asked = false;
    for document in documents(body)? {
        if document.every_action() {
            continue;
        }
        asked = true;
        if let Some((at, what)) = look(&document.statements) {
            let message = format!("A statement of {} allows {what}.", document.name);
            let finding = Finding::at(at, message).compared(json!(what), json!(wanted));
            found.add(finding.severity(document.severity(usual)));
        }
    }
    Ok(asked)
}

fn full_admin(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let documents = documents(body)?;
    for document in &documents {
        if let Some(statement) = document.everything() {
            let message = format!("A statement of {} allows every action on every resource.", document.name);
            let finding = Finding::at(&statement.at, message).compared(
                json!({ "Action": "*", "Resource": "*" }),
                json!("the actions and resources that are needed"),
            );
            found.add(finding.severity(document.severity(High)));
        }
    }
    Ok(!documents.is_empty())
}

/// Services whose full use changes rights, keys, secrets, traces, or all data and machines.
const SENSITIVE: [&str; 14] = [
    "iam",
    "sts",
    "kms",
    "organizations",
    "s3",
    "ec2",
    "secretsmanager",
    "ssm",
    "cloudtrail",
    "lambda",
    "rds",
    "dynamodb",
    "sso",
    "cloudformation",
];

fn service_admin(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    each(body, found, Medium, "the actions that are needed", |all| {
        all.iter().filter(|one| one.allow && one.about_all()).find_map(|one| {
            let service =
                one.actions.iter().filter_map(|action| action.strip_suffix(":*")).find(|service| {
                    let service = service.to_ascii_lowercase();
                    SENSITIVE.contains(&service.as_str())
                })?;
            Some((one.at.clone(), format!("all actions of {} on everything", shown(service))))
        })
    })
}

/// Ways to more rights: all actions of a row together give the holder rights of others. Published by several researchers since
/// 2018; only those are here that need nothing but the actions.
const WAYS: [&[&str]; 21] = [
    &["iam:CreatePolicyVersion"],
    &["iam:SetDefaultPolicyVersion"],
    &["iam:AttachUserPolicy"],
    &["iam:AttachGroupPolicy"],
    &["iam:AttachRolePolicy"],
    &["iam:PutUserPolicy"],
    &["iam:PutGroupPolicy"],
    &["iam:PutRolePolicy"],
    &["iam:AddUserToGroup"],
    &["iam:UpdateAssumeRolePolicy"],
    &["iam:CreateAccessKey"],
    &["iam:CreateLoginProfile"],
    &["iam:UpdateLoginProfile"],
    &["lambda:UpdateFunctionCode"],
    &["iam:PassRole", "lambda:CreateFunction"],
    &["iam:PassRole", "ec2:RunInstances"],
    &["iam:PassRole", "cloudformation:CreateStack"],
    &["iam:PassRole", "ecs:RunTask"],
    &["iam:PassRole", "glue:CreateDevEndpoint"],
    &["iam:PassRole", "codebuild:CreateProject"],
    &["iam:PassRole", "sagemaker:CreateNotebookInstance"],
];

/// The statement that allows an action on everything, without a condition that limits on what.
fn freely<'s, 'a>(all: &'s [Statement<'a>], action: &str) -> Option<&'s Statement<'a>> {
    let limits =
        |key: &str| key.starts_with("iam:") || key.starts_with("aws:resource") || key.starts_with("lambda:");
    let free = |one: &&Statement<'a>| {
        one.about_everything()
            && !one.conditions.iter().any(|condition| limits(&condition.key) && condition.limits())
    };
    granted(all, action).find(free)
}

fn escalation(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    each(body, found, High, "named identities, or a permissions boundary as condition", |all| {
        WAYS.iter().find_map(|way| {
            let allowing: Option<Vec<_>> = way.iter().map(|action| freely(all, action)).collect();
            Some((
                allowing?.first()?.at.clone(),
                format!("{}, which is a way to more rights", way.join(" with ")),
            ))
        })
    })
}

/// Looks for an action on everything.
fn anywhere(
    body: &Body<'_>,
    found: &mut Found<'_>,
    actions: &[&str],
    limits: &[&str],
    wanted: &str,
) -> Verdict {
    each(body, found, Medium, wanted, |all| {
        actions.iter().find_map(|action| {
            let limited = |one: &&Statement<'_>| {
                one.conditions.iter().any(|condition| limits.iter().any(|key| condition.key.starts_with(key)))
            };
            let statement = granted(all, action).find(|one| one.about_everything() && !limited(one))?;
            Some((statement.at.clone(), format!("{action} on everything")))
        })
    })
}

fn pass_role(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let limits = ["iam:passedtoservice", "iam:associatedresourcearn", "aws:resourcetag/", "iam:resourcetag/"];
    anywhere(body, found, &["iam:PassRole"], &limits, "named roles, for a named service")
}

fn assume_role(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let limits = ["aws:resourcetag/", "iam:resourcetag/", "aws:resourceorgid", "aws:resourceaccount"];
    anywhere(body, found, &["sts:AssumeRole"], &limits, "named roles")
}

fn decrypt(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let limits = ["kms:", "aws:resourcetag/"];
    anywhere(body, found, &["kms:Decrypt", "kms:ReEncryptFrom"], &limits, "named keys")
}

fn read_secret(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let limits = ["secretsmanager:", "ssm:", "aws:resourcetag/"];
    anywhere(body, found, &["secretsmanager:GetSecretValue", "ssm:GetParameter"], &limits, "named secrets")
}

fn not_action(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    each(body, found, Medium, "a list of what is allowed", |all| {
        let one = all.iter().find(|one| one.allow && one.not_actions.is_some() && one.about_everything())?;
        Some((one.at.clone(), "everything but the actions that it names".to_owned()))
    })
}

fn cloud_shell(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for policy in body.need("AttachedManagedPolicies")?.items()? {
        let arn = policy.text_of("PolicyArn")?.unwrap_or_default();
        if arn.ends_with(":iam::aws:policy/AWSCloudShellFullAccess") {
            let message = "Full use of CloudShell, file transfer included, is attached.";
            found.add(
                Finding::at(policy.at.clone(), message)
                    .compared(quoted(arn), json!("a policy that denies file transfer")),
            );
        }
    }
    Ok(true)
}

/// What makes the holder of a role administrator, if anything: where it stands, and what it is.
pub(crate) fn administrator(body: &Body<'_>) -> Result<Option<(String, String)>, Stop> {
    for policy in body.need("AttachedManagedPolicies")?.items()? {
        let arn = policy.text_of("PolicyArn")?.unwrap_or_default();
        if makes_administrator(arn) {
            return Ok(Some((policy.at, shown(arn))));
        }
    }
    let documents = documents(body)?;
    let found = documents
        .iter()
        .find_map(|document| Some((document.everything()?.at.clone(), document.name.clone())));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::body::Node;
    use crate::policy::statements;

    #[test]
    fn what_is_denied_or_limited_is_no_way() {
        let way = |document: serde_json::Value| {
            let node = Node { value: &document, at: String::new() };
            super::freely(&statements(&node).unwrap(), "iam:PutUserPolicy").is_some()
        };
        let allow = json!({ "Effect": "Allow", "Action": "iam:Put*", "Resource": "*" });
        assert!(way(json!({ "Statement": [allow] })));
        assert!(way(json!({ "Statement": { "Effect": "Allow", "NotAction": "s3:*", "Resource": ["*"] } })));
        let deny = json!({ "Effect": "Deny", "Action": "iam:*", "Resource": "*" });
        assert!(!way(json!({ "Statement": [allow, deny] })));
        let bounded = json!({
            "Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*",
            "Condition": { "StringEquals": { "iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/b" } },
        });
        assert!(!way(json!({ "Statement": bounded })));
        let named = json!({ "Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::111122223333:user/${aws:username}" });
        assert!(!way(json!({ "Statement": [named] })));
    }
}
