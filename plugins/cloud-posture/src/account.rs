//! The account: its root user, its password policy, what it blocks for all buckets.

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde_json::{Value, json};

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};

/// Days in which nobody should have worked as root.
const ROOT_IDLE_DAYS: i64 = 30;

pub(crate) const CHECKS: &Table = &[
    ("iam-root-access-keys", Critical, root_keys),
    ("iam-root-mfa", Critical, root_mfa),
    ("iam-root-hardware-mfa", Low, root_hardware),
    ("iam-root-recent-use", Medium, root_use),
    ("iam-password-policy", Medium, password_policy),
    ("iam-password-length", Medium, length),
    ("iam-password-reuse", Low, reuse),
    ("iam-password-complexity", Low, complexity),
    ("iam-server-certificate-expired", Medium, certificates),
];

pub(crate) const STORAGE_CHECKS: &Table = &[("s3-account-public-access-block", High, blocks)];

/// A number of the account's summary, and where it stands.
fn summary<'a>(body: &Body<'a>, key: &str) -> Result<Node<'a>, Stop> {
    body.need("SummaryMap")?.need(key)
}

fn root_keys(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let keys = summary(body, "AccountAccessKeysPresent")?;
    if keys.number()? > 0 {
        let message = "The root user has access keys.";
        found.add(Finding::at(keys.at, message).compared(keys.value.clone(), json!(0)));
    }
    Ok(true)
}

fn root_mfa(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mfa = summary(body, "AccountMFAEnabled")?;
    if mfa.number()? == 0 {
        let message = "The root user signs in without a second factor.";
        found.add(Finding::at(mfa.at, message).compared(json!(0), json!(1)));
    }
    Ok(true)
}

fn root_hardware(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if summary(body, "AccountMFAEnabled")?.number()? == 0 {
        return Ok(false);
    }
    for device in body.need("VirtualMFADevices")?.items()? {
        let user = device.inside(&["User", "Arn"])?;
        let of_root = user.map(|arn| arn.text()).transpose()?.is_some_and(|arn| arn.ends_with(":root"));
        if of_root
            || device
                .text_of("SerialNumber")?
                .is_some_and(|serial| serial.ends_with("mfa/root-account-mfa-device"))
        {
            let message = "The second factor of the root user is a virtual device.";
            found.add(Finding::at(device.at, message).compared(json!("virtual"), json!("hardware")));
        }
    }
    Ok(true)
}

fn root_use(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let root = body.need("RootCredentials")?;
    let mut uses: Vec<Node<'_>> = root.get("PasswordLastUsed")?.into_iter().collect();
    for key in root.items_of("AccessKeys")? {
        uses.extend(key.get("LastUsedDate")?);
    }
    for last in uses {
        let days = body.days_since(&last)?;
        if days < ROOT_IDLE_DAYS {
            let message = format!("The root user was used {days} days ago.");
            let wanted = json!(format!("no use within {ROOT_IDLE_DAYS} days"));
            found.add(Finding::at(last.at.clone(), message).compared(last.value.clone(), wanted));
        }
    }
    Ok(true)
}

fn password_policy(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if body.told("PasswordPolicy")?.is_none() {
        let message = "The account has no password policy of its own.";
        found.add(
            Finding::at("/PasswordPolicy", message)
                .compared(Value::Null, json!({ "MinimumPasswordLength": 14 })),
        );
    }
    Ok(true)
}

/// A number of the password policy has to be at least so much. Without a policy the check for one has answered.
fn at_least(body: &Body<'_>, found: &mut Found<'_>, key: &str, least: i64, what: &str) -> Verdict {
    let Some(policy) = body.told("PasswordPolicy")? else { return Ok(false) };
    let number = policy.get(key)?.map(|node| node.number()).transpose()?.unwrap_or(0);
    if number < least {
        let message = format!("{what}: {number}, at least {least} are wanted.");
        found.add(Finding::at(policy.place(key), message).compared(json!(number), json!(least)));
    }
    Ok(true)
}

fn length(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    at_least(body, found, "MinimumPasswordLength", 14, "Least length of passwords")
}

fn reuse(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    at_least(body, found, "PasswordReusePrevention", 24, "Remembered passwords")
}

fn complexity(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(policy) = body.told("PasswordPolicy")? else { return Ok(false) };
    for (key, what) in [
        ("RequireUppercaseCharacters", "upper case letters"),
        ("RequireLowercaseCharacters", "lower case letters"),
        ("RequireNumbers", "digits"),
        ("RequireSymbols", "symbols"),
    ] {
        if !policy.flag_of(key)? {
            let message = format!("Passwords need no {what}.");
            let wanted = json!({ key: true });
            found.add(Finding::at(policy.place(key), message).compared(json!({ key: false }), wanted));
        }
    }
    Ok(true)
}

fn certificates(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let certificates = body.need("ServerCertificates")?.items()?;
    for certificate in &certificates {
        let end = certificate.need("Expiration")?;
        if body.days_since(&end)? >= 0 {
            let name = shown(certificate.text_of("ServerCertificateName")?.unwrap_or_default());
            let message = format!("The server certificate {name} has expired.");
            found.add(
                Finding::at(end.at.clone(), message).compared(quoted(end.text()?), json!("a time to come")),
            );
        }
    }
    Ok(!certificates.is_empty())
}

/// The four settings of S3 Block Public Access.
pub(crate) const BLOCKS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

pub(crate) fn blocks(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let block = body.told("PublicAccessBlock")?;
    let mut missing = Vec::new();
    for key in BLOCKS {
        if !block.as_ref().map(|block| block.flag_of(key)).transpose()?.unwrap_or(false) {
            missing.push(key);
        }
    }
    if !missing.is_empty() {
        let message = format!("Public access is not blocked: {} off.", missing.join(", "));
        let value = block.map_or(Value::Null, |block| block.value.clone());
        let wanted: serde_json::Map<String, Value> =
            BLOCKS.iter().map(|key| ((*key).to_owned(), json!(true))).collect();
        found.add(Finding::at("/PublicAccessBlock", message).compared(value, Value::Object(wanted)));
    }
    Ok(true)
}
