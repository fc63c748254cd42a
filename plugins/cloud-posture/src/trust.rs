//! Roles: who may assume them, whether anybody does, and what machines can do with them.

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde_json::json;

use crate::body::{Body, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};
use crate::permissions::administrator;
use crate::policy::{Statement, statements};

/// Days after which a role that nobody uses is to be removed.
const IDLE_DAYS: i64 = 90;

pub(crate) const CHECKS: &Table = &[
    ("iam-role-trust-anyone", Critical, anyone),
    ("iam-role-trust-external-account", Medium, external),
    ("iam-role-trust-oidc-subject", High, oidc),
    ("iam-role-trust-saml-audience", Medium, saml),
    ("iam-role-trust-dangling", Low, dangling),
    ("iam-role-unused", Low, unused),
    ("iam-service-role-admin", High, service_admin),
];

/// Statements of the trust policy that allow. Those of roles that belong to services are theirs.
fn trust<'a>(body: &Body<'a>) -> Result<Vec<Statement<'a>>, Stop> {
    if service_linked(body)? {
        return Ok(Vec::new());
    }
    let all = statements(&body.need("AssumeRolePolicyDocument")?)?;
    Ok(all.into_iter().filter(|one| one.allow).collect())
}

/// Roles that services and IAM Identity Center make and keep for themselves.
fn service_linked(body: &Body<'_>) -> Result<bool, Stop> {
    let path = body.text_of("Path")?.unwrap_or_default();
    Ok(["/aws-service-role/", "/aws-reserved/"]
        .iter()
        .any(|own| path.starts_with(own) || body.asset.contains(&format!(":role{own}"))))
}

fn anyone(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let trust = trust(body)?;
    for one in trust
        .iter()
        .filter(|one| one.open() && !one.conditions.iter().any(|condition| condition.on("sts:externalid")))
    {
        let message = "Anyone with an AWS account may assume the role.";
        found.add(
            Finding::at(&one.at, message).compared(json!("*"), json!("named accounts, roles or services")),
        );
    }
    Ok(!trust.is_empty())
}

fn external(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mut applies = false;
    for one in trust(body)? {
        let foreign = one.foreign(body);
        applies |= !foreign.is_empty();
        let chosen = one.conditions.iter().any(|condition| {
            condition.limits_caller()
                || condition.on("sts:externalid")
                || condition.on("aws:multifactorauthpresent")
        });
        // A role or user that is named is chosen; an account as a whole is not.
        let whole = |principal: &&&str| principal.ends_with(":root") || !principal.contains(':');
        let whole = one.principals.aws.iter().filter(whole).any(|principal| {
            crate::policy::account(principal).is_some_and(|account| foreign.contains(account))
        });
        if whole && !chosen {
            let accounts = foreign.iter().copied().collect::<Vec<_>>().join(", ");
            let message = format!("Everyone whom the account {} lets may assume the role.", shown(&accounts));
            found.add(
                Finding::at(&one.at, message)
                    .compared(quoted(&accounts), json!({ "sts:ExternalId": "a value" })),
            );
        }
    }
    Ok(applies)
}

fn oidc(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mut applies = false;
    for one in trust(body)? {
        let provider = one.principals.federated.iter().find_map(|arn| {
            arn.split_once(":oidc-provider/").map(|(_, provider)| provider).or_else(|| web_identity(arn))
        });
        let Some(provider) = provider else { continue };
        applies = true;
        let names_subject = |key: &str| key.ends_with(":sub") || key.ends_with(":oid");
        // Cognito's roles are told apart by the identity pool, which is the audience there.
        let audience = |key: &str| provider.ends_with("amazonaws.com") && key.ends_with(":aud");
        let subject = one.conditions.iter().any(|condition| {
            (names_subject(&condition.key) || audience(&condition.key))
                && condition.limits()
                && !condition.values.iter().any(|v| broad(v))
        });
        if !subject {
            let message = format!("Every subject of {} may assume the role.", shown(provider));
            let wanted = json!({ format!("{}:sub", shown(provider)): "the subjects that may" });
            found.add(Finding::at(&one.at, message).compared(json!("no limit on the subject"), wanted));
        }
    }
    Ok(applies)
}

/// Providers that AWS knows without a resource in the account.
fn web_identity(name: &str) -> Option<&str> {
    ["cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com", "www.amazon.com"]
        .contains(&name)
        .then_some(name)
}

/// Subjects that leave open whose they are: `repo:*`, `repo:*/*`, `project_path:*`.
fn broad(subject: &str) -> bool {
    let rest = ["repo:", "project_path:", "organization:", "system:serviceaccount:"]
        .iter()
        .find_map(|start| subject.strip_prefix(start))
        .unwrap_or(subject);
    rest.starts_with('*')
}

fn saml(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mut applies = false;
    for one in trust(body)? {
        if !one.principals.federated.iter().any(|arn| arn.contains(":saml-provider/")) {
            continue;
        }
        applies = true;
        if !one.conditions.iter().any(|condition| condition.on("saml:aud")) {
            let message = "Assertions for any audience open the role.";
            found.add(
                Finding::at(&one.at, message).compared(
                    json!("no audience"),
                    json!({ "SAML:aud": "https://signin.aws.amazon.com/saml" }),
                ),
            );
        }
    }
    Ok(applies)
}

fn dangling(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let trust = trust(body)?;
    for one in &trust {
        for id in one.principals.aws.iter().filter(|id| id.starts_with("AIDA") || id.starts_with("AROA")) {
            let message = format!("The trust policy names {}, a user or role that was deleted.", shown(id));
            found.add(Finding::at(&one.at, message).compared(quoted(id), json!("an identity that exists")));
        }
    }
    Ok(!trust.is_empty())
}

fn unused(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if service_linked(body)? {
        return Ok(false);
    }
    let used = body.need("RoleLastUsed")?;
    let made = body.need("CreateDate")?;
    let (since, how) = match used.get("LastUsedDate")? {
        Some(last) => (last, "was not used for"),
        None => (made.clone(), "was never used in its"),
    };
    let days = body.days_since(&since)?;
    if days >= IDLE_DAYS && body.days_since(&made)? >= IDLE_DAYS {
        let message = format!("The role {how} {days} days.");
        let wanted = json!(format!("used within {IDLE_DAYS} days"));
        found.add(Finding::at(&since.at, message).compared(since.value.clone(), wanted));
    }
    Ok(true)
}

/// Services that run programs of the customer with the role.
const RUNNERS: [&str; 9] = [
    "ec2.",
    "lambda.",
    "ecs-tasks.",
    "pods.eks.",
    "codebuild.",
    "glue.",
    "sagemaker.",
    "batch.",
    "apprunner.",
];

fn service_admin(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let runs = |service: &&str| RUNNERS.iter().any(|runner| service.starts_with(runner));
    let trust = trust(body)?;
    let Some(service) = trust.iter().flat_map(|one| &one.principals.services).copied().find(runs) else {
        return Ok(false);
    };
    if let Some((at, what)) = administrator(body)? {
        let message = format!("Programs that {} runs with the role are administrators.", shown(service));
        found.add(Finding::at(at, message).compared(json!(what), json!("the rights of the program's task")));
    }
    Ok(true)
}
