//! Rights that nobody uses: users, keys, passwords and roles by when AWS last saw them.
//!
//! AWS remembers the last use of roles for 400 days, and of services per identity only where it is asked for one identity at a time,
//! which the collection does not do: of a role that is in use, which of its rights are, is not known.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::aws::access::Access;
use crate::aws::account::{Account, IdentityKind};
use crate::aws::rights::{is_administrator, is_privileged};
use crate::aws::truth::Truth;
use crate::resource::{Resource, text_in};

const SECONDS_OF_DAY: i64 = 86_400;

/// What is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountUnusedKind))]
#[serde(rename_all = "kebab-case")]
pub enum UnusedKind {
    /// A user, by password and by keys.
    User,
    /// A role.
    Role,
    /// The password of a user who has used a key.
    Password,
    /// An active access key.
    AccessKey,
}

/// Something that was not used for some time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountUnused))]
pub struct Unused {
    /// ARN of the user or role.
    pub identity: String,
    /// What of it.
    pub kind: UnusedKind,
    /// Of an access key: 1 or 2, as the credential report counts.
    pub key: Option<u8>,
    /// When it was used last, as AWS writes it; nothing for never.
    pub last_used: Option<String>,
    /// Whole days since then, or since it was made.
    pub days: i64,
    /// The identity has every right, or every right on a service whose data or rights matter.
    pub privileged: bool,
}

impl Account {
    /// What was not used in the last days, sorted. What was made since then is left out, and what belongs to services of AWS; and so is
    /// that of which nobody knows when it was used.
    #[must_use]
    pub fn unused(&self, access: &Access, now: Timestamp, days: i64) -> Vec<Unused> {
        let mut found = Vec::new();
        for identity in &access.identities.all {
            let Some(resource) = self.resource(&identity.arn) else { continue };
            let rights = is_administrator(access, identity).or(is_privileged(access, identity));
            let mut unused = match identity.kind {
                IdentityKind::Role if !identity.is_of_service() => role(resource, now).into_iter().collect(),
                IdentityKind::User => user(resource, now, days),
                IdentityKind::Role | IdentityKind::Group => continue,
            };
            unused.retain(|unused| unused.days >= days);
            for unused in &mut unused {
                unused.identity.clone_from(&identity.arn);
                unused.privileged = rights == Truth::Yes;
            }
            found.extend(unused);
        }
        found.sort();
        found
    }
}

fn entry(kind: UnusedKind, key: Option<u8>, used: Option<&str>, days: i64) -> Unused {
    let last_used = used.map(str::to_owned);
    Unused { identity: String::new(), kind, key, last_used, days, privileged: false }
}

/// Whole days since a time; nothing for what is no time.
fn days_since(time: &str, now: Timestamp) -> Option<i64> {
    let time: Timestamp = time.parse().ok()?;
    Some(now.as_second().saturating_sub(time.as_second()).max(0) / SECONDS_OF_DAY)
}

fn role(resource: &Resource, now: Timestamp) -> Option<Unused> {
    let used = resource.at(&["RoleLastUsed"])?;
    let made = resource.text(&["CreateDate"]).and_then(|made| days_since(made, now))?;
    let last = text_in(used, &["LastUsedDate"]);
    // An object without a date is AWS's word for never.
    let days = match last {
        Some(last) => days_since(last, now)?,
        None if used.as_object().is_some_and(serde_json::Map::is_empty) => made,
        None => return None,
    };
    Some(entry(UnusedKind::Role, None, last, days.min(made)))
}

fn user(resource: &Resource, now: Timestamp, days: i64) -> Vec<Unused> {
    let Some(credentials) = resource.at(&["Credentials"]) else { return Vec::new() };
    let Some(made) = resource.text(&["CreateDate"]).and_then(|made| days_since(made, now)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let password = credentials.get("PasswordEnabled") == Some(&Value::Bool(true));
    let last = text_in(credentials, &["PasswordLastUsed"]);
    let since = |time: &str| days_since(time, now);
    if password {
        let changed = text_in(credentials, &["PasswordLastChanged"]).and_then(since).unwrap_or(made);
        let unused = last.and_then(since).unwrap_or(changed).min(changed);
        found.push(entry(UnusedKind::Password, None, last, unused));
    }
    let keys = credentials.get("AccessKeys").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (number, key) in (1_u8..).zip(keys).filter(|(_, key)| key.get("Active") == Some(&Value::Bool(true))) {
        let made = text_in(key, &["LastRotated"]).and_then(since).unwrap_or(made);
        let last = text_in(key, &["LastUsedDate"]);
        let unused = last.and_then(since).unwrap_or(made).min(made);
        found.push(entry(UnusedKind::AccessKey, Some(number), last, unused));
    }
    // A user of whom nothing is used is one thing to remove, and not several.
    let all = !found.is_empty() && found.iter().all(|one| one.days >= days);
    if !all {
        return found;
    }
    let latest = found.iter().min_by_key(|one| one.days).map(|one| (one.days, one.last_used.clone()));
    latest.map(|(days, last)| vec![entry(UnusedKind::User, None, last.as_deref(), days)]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Unused, UnusedKind};
    use crate::aws::access::Access;
    use crate::aws::fixture::{account, allow, role, user};
    use crate::resource::Resource;

    fn unused(resource: Resource) -> Vec<Unused> {
        let account = account([resource]);
        account.unused(&Access::of(&account), "2026-06-01T00:00:00Z".parse().unwrap(), 90)
    }

    fn dated(mut resource: Resource, more: Value) -> Resource {
        resource.body.insert("CreateDate".to_owned(), "2025-01-01T00:00:00Z".into());
        resource.body.extend(more.as_object().unwrap().clone());
        resource
    }

    #[test]
    fn roles_that_were_never_used_are_told_from_those_of_which_nobody_knows() {
        let never = unused(dated(role("r", json!([allow("*", "*")])), json!({ "RoleLastUsed": {} })));
        assert_eq!((never[0].kind, never[0].days, never[0].privileged), (UnusedKind::Role, 516, true));
        let lately = json!({ "RoleLastUsed": { "LastUsedDate": "2026-05-01T00:00:00Z" } });
        assert!(unused(dated(role("r", json!([])), lately)).is_empty());
        assert!(unused(dated(role("r", json!([])), json!({}))).is_empty());
    }

    #[test]
    fn of_users_the_unused_part_is_told() {
        let credentials = |last: Value| {
            json!({ "Credentials": {
                "PasswordEnabled": true, "PasswordLastUsed": last, "PasswordLastChanged": "2025-01-01T00:00:00Z",
                "AccessKeys": [
                    { "Active": true, "LastRotated": "2025-01-01T00:00:00Z", "LastUsedDate": null },
                    { "Active": false, "LastRotated": null },
                ],
            } })
        };
        let key = unused(dated(user("u", json!([])), credentials("2026-05-20T00:00:00Z".into())));
        assert_eq!(
            key.iter().map(|one| (one.kind, one.key)).collect::<Vec<_>>(),
            [(UnusedKind::AccessKey, Some(1))]
        );
        let all = unused(dated(user("u", json!([])), credentials(Value::Null)));
        assert_eq!(all.iter().map(|one| one.kind).collect::<Vec<_>>(), [UnusedKind::User]);
    }
}
