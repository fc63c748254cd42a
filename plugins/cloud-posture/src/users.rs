//! Users: their credentials, and how they get their rights.

use palisade_sdk::Severity::{High, Low, Medium};
use serde_json::{Value, json};

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};

/// Days after which a credential that nobody uses is to be switched off.
const IDLE_DAYS: i64 = 45;
/// Days after which an access key is to be replaced.
const KEY_DAYS: i64 = 90;

pub(crate) const CHECKS: &Table = &[
    ("iam-user-mfa", High, mfa),
    ("iam-user-unused-credentials", Medium, unused),
    ("iam-user-key-age", Medium, key_age),
    ("iam-user-two-keys", Low, two_keys),
    ("iam-user-attached-policy", Low, attached),
    ("iam-user-inline-policy", Low, inline),
    ("iam-user-administrator", High, administrator),
];

fn credentials<'a>(body: &Body<'a>) -> Result<Node<'a>, Stop> {
    body.need("Credentials")
}

fn active_keys<'a>(credentials: &Node<'a>) -> Result<Vec<Node<'a>>, Stop> {
    let mut active = Vec::new();
    for key in credentials.items_of("AccessKeys")? {
        if key.flag_of("Active")? {
            active.push(key);
        }
    }
    Ok(active)
}

fn mfa(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let credentials = credentials(body)?;
    if !credentials.flag_of("PasswordEnabled")? {
        return Ok(false);
    }
    if !credentials.need("MfaActive")?.flag()? {
        let message = "The user signs in to the console with a password alone.";
        found.add(Finding::at(credentials.place("MfaActive"), message).compared(json!(false), json!(true)));
    }
    Ok(true)
}

/// Days since a credential was used, or since it was made where it never was.
fn idle<'a>(
    body: &Body<'_>,
    of: &Node<'a>,
    used: &str,
    made: &[&str],
) -> Result<Option<(i64, bool, Node<'a>)>, Stop> {
    if let Some(last) = of.get(used)? {
        return Ok(Some((body.days_since(&last)?, true, last)));
    }
    for key in made {
        if let Some(made) = of.get(key)? {
            return Ok(Some((body.days_since(&made)?, false, made)));
        }
    }
    Ok(None)
}

fn unused(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let credentials = credentials(body)?;
    let password = credentials.flag_of("PasswordEnabled")?;
    let keys = active_keys(&credentials)?;
    let mut all = Vec::new();
    if password {
        let made = ["PasswordLastChanged", "UserCreationTime"];
        all.push(("password", idle(body, &credentials, "PasswordLastUsed", &made)?));
    }
    for key in &keys {
        all.push(("access key", idle(body, key, "LastUsedDate", &["LastRotated"])?));
    }
    for (what, idle) in all {
        let Some((days, used, since)) = idle else { continue };
        if days >= IDLE_DAYS {
            let how = if used { "was not used for" } else { "was never used in its" };
            let message = format!("An active {what} of the user {how} {days} days.");
            let wanted = json!(format!("used within {IDLE_DAYS} days, or not active"));
            found.add(Finding::at(since.at.clone(), message).compared(since.value.clone(), wanted));
        }
    }
    Ok(password || !keys.is_empty())
}

fn key_age(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let keys = active_keys(&credentials(body)?)?;
    for key in &keys {
        let Some(rotated) = key.get("LastRotated")? else { continue };
        let days = body.days_since(&rotated)?;
        if days > KEY_DAYS {
            let message = format!("An active access key of the user is {days} days old.");
            let wanted = json!(format!("at most {KEY_DAYS} days"));
            found.add(Finding::at(rotated.at.clone(), message).compared(rotated.value.clone(), wanted));
        }
    }
    Ok(!keys.is_empty())
}

fn two_keys(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let credentials = credentials(body)?;
    let keys = active_keys(&credentials)?;
    if keys.len() > 1 {
        let message = format!("The user has {} active access keys.", keys.len());
        found.add(
            Finding::at(credentials.place("AccessKeys"), message)
                .compared(json!(keys.len()), json!("at most 1")),
        );
    }
    Ok(!keys.is_empty())
}

fn attached(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for policy in body.need("AttachedManagedPolicies")?.items()? {
        let name = shown(policy.text_of("PolicyName")?.unwrap_or_default());
        let message = format!("The policy {name} is attached to the user itself.");
        found
            .add(Finding::at(policy.at.clone(), message).compared(json!(name), json!("attached to a group")));
    }
    Ok(true)
}

fn inline(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    // AWS leaves the list out where it is empty.
    for policy in
        body.left_out("UserPolicyList", &["CreateDate"])?.map_or(Ok(Vec::new()), |list| list.items())?
    {
        let name = shown(policy.text_of("PolicyName")?.unwrap_or_default());
        let message = format!("The policy {name} is written into the user.");
        found.add(Finding::at(policy.at.clone(), message).compared(json!(name), Value::Null));
    }
    Ok(true)
}

/// Policies of AWS that make their holder administrator, or let him become it.
pub(crate) fn makes_administrator(arn: &str) -> bool {
    arn.ends_with(":iam::aws:policy/AdministratorAccess") || arn.ends_with(":iam::aws:policy/IAMFullAccess")
}

fn administrator(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for policy in body.need("AttachedManagedPolicies")?.items()? {
        let arn = policy.text_of("PolicyArn")?.unwrap_or_default();
        if makes_administrator(arn) {
            let message = "The user is administrator by a policy attached to it.";
            found.add(
                Finding::at(policy.place("PolicyArn"), message)
                    .compared(quoted(arn), json!("a role to assume")),
            );
        }
    }
    Ok(true)
}
