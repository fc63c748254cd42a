//! Keys, secrets and parameters.

use palisade_sdk::Severity::{Critical, Low, Medium};
use serde_json::json;

use crate::body::{Body, Node, Stop};
use crate::buckets::{open_policy, policy};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};
use crate::names::secret_name;

pub(crate) const KEY_CHECKS: &Table = &[
    ("kms-key-rotation", Medium, rotation),
    ("kms-key-policy-public", Critical, |body, found| {
        if customer(body)? { open_policy(body, found, "the key") } else { Ok(false) }
    }),
    ("kms-key-foreign-account", Medium, foreign),
    ("kms-key-pending-deletion", Medium, deletion),
];

pub(crate) const SECRET_CHECKS: &Table = &[
    ("secretsmanager-rotation", Medium, secret_rotation),
    ("secretsmanager-unused", Low, unused),
    ("secretsmanager-policy-public", Critical, |body, found| open_policy(body, found, "the secret")),
];

pub(crate) const PARAMETER_CHECKS: &Table = &[("ssm-secret-plain", Medium, plain)];

/// Days after which a secret without rotation should have been changed by hand, and an unused one removed.
const SECRET_DAYS: i64 = 90;

fn customer(body: &Body<'_>) -> Result<bool, Stop> {
    Ok(body.need("KeyManager")?.text()? == "CUSTOMER")
}

fn rotation(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !customer(body)? {
        return Ok(false);
    }
    let Some(rotation) = body.told("Rotation")? else { return Ok(false) };
    if !rotation.need("KeyRotationEnabled")?.flag()? {
        let message = "The key is not rotated.";
        found.add(
            Finding::at(rotation.place("KeyRotationEnabled"), message).compared(json!(false), json!(true)),
        );
    }
    Ok(true)
}

fn foreign(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !customer(body)? {
        return Ok(false);
    }
    for one in policy(body)? {
        let owns = one.every_action()
            || ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:ScheduleKeyDeletion"]
                .iter()
                .any(|action| one.names(action));
        let grants = one.conditions.iter().any(|condition| condition.key == "kms:grantisforawsresource");
        if let (Some(account), true, false) = (one.foreign(body).first(), owns, grants) {
            let message = format!("The account {account} may change who uses the key.");
            found.add(
                Finding::at(&one.at, message)
                    .compared(json!({ "account": account }), json!("encrypting and decrypting only")),
            );
        }
    }
    Ok(true)
}

fn deletion(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !customer(body)? {
        return Ok(false);
    }
    let state = body.need("KeyState")?;
    if matches!(state.text()?, "PendingDeletion" | "PendingReplicaDeletion") {
        let message = "The key is to be deleted, and all that is encrypted with it lost.";
        found.add(
            Finding::at(&state.at, message)
                .compared(quoted(state.text()?), json!("Enabled, unless nothing needs it")),
        );
    }
    Ok(true)
}

/// The first of some times that is told.
fn first<'a>(body: &Body<'a>, keys: &[&str]) -> Result<Node<'a>, Stop> {
    for key in keys {
        if let Some(node) = body.get(key)? {
            return Ok(node);
        }
    }
    Err(Stop::Absent)
}

fn secret_rotation(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    // AWS leaves the flag out where rotation was never set up.
    let rotation = body.left_out("RotationEnabled", &["CreatedDate"])?;
    if rotation.map(|on| on.flag()).transpose()?.unwrap_or(false) {
        return Ok(true);
    }
    let changed = first(body, &["LastRotatedDate", "LastChangedDate", "CreatedDate"])?;
    let days = body.days_since(&changed)?;
    let message = format!("The secret is not rotated by itself; it was changed {days} days ago.");
    let value = json!({ "RotationEnabled": false, "changed": changed.value });
    let finding = Finding::at(body.place("RotationEnabled"), message)
        .compared(value, json!({ "RotationEnabled": true }));
    found.add(if days > SECRET_DAYS { finding } else { finding.severity(Low) });
    Ok(true)
}

fn unused(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let used = first(body, &["LastAccessedDate", "CreatedDate"])?;
    let days = body.days_since(&used)?;
    if days > SECRET_DAYS {
        let message = format!("Nobody read the secret for {days} days.");
        found.add(
            Finding::at(&used.at, message)
                .compared(used.value.clone(), json!(format!("read within {SECRET_DAYS} days"))),
        );
    }
    Ok(true)
}

fn plain(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let name = body.need("Name")?.text()?;
    let last = name.rsplit('/').next().unwrap_or_default();
    if !secret_name(last) {
        return Ok(false);
    }
    let kind = body.need("Type")?;
    if kind.text()? != "SecureString" {
        let message = format!("The parameter {} is named like a secret and is not encrypted.", shown(name));
        found.add(Finding::at(&kind.at, message).compared(quoted(kind.text()?), json!("SecureString")));
    }
    Ok(true)
}
