//! Databases of RDS and tables of DynamoDB.

use palisade_sdk::Severity::{Critical, Low, Medium};
use serde_json::{Value, json};

use crate::body::{Body, Stop};
use crate::finding::{Finding, Found, Table, Verdict, off, on, quoted, shown};

pub(crate) const INSTANCE_CHECKS: &Table = &[
    ("rds-public-access", Critical, |body, found| {
        off(body, found, "PubliclyAccessible", "The database has a public address.")
    }),
    ("rds-encryption", Medium, encryption),
    ("rds-deletion-protection", Low, |body, found| alone(body, found, protection)),
    ("rds-backup-retention", Medium, |body, found| alone(body, found, backups)),
    ("rds-minor-upgrades", Low, |body, found| {
        on(body, found, "AutoMinorVersionUpgrade", "The database does not take minor upgrades by itself.")
    }),
    ("rds-multi-az", Low, |body, found| alone(body, found, zones)),
    ("rds-iam-authentication", Low, |body, found| alone(body, found, identities)),
    ("rds-log-exports", Low, |body, found| alone(body, found, logs)),
];

pub(crate) const CLUSTER_CHECKS: &Table = &[
    ("rds-encryption", Medium, encryption),
    ("rds-deletion-protection", Low, protection),
    ("rds-backup-retention", Medium, backups),
    ("rds-multi-az", Low, zones),
    ("rds-iam-authentication", Low, identities),
    ("rds-log-exports", Low, logs),
];

pub(crate) const SNAPSHOT_CHECKS: &Table = &[
    ("rds-snapshot-public", Critical, restorable),
    ("rds-snapshot-encryption", Medium, |body, found| {
        on(body, found, "Encrypted", "The snapshot is not encrypted.")
    }),
];

pub(crate) const CLUSTER_SNAPSHOT_CHECKS: &Table = &[
    ("rds-snapshot-public", Critical, restorable),
    ("rds-snapshot-encryption", Medium, |body, found| {
        on(body, found, "StorageEncrypted", "The snapshot is not encrypted.")
    }),
];

pub(crate) const PARAMETER_CHECKS: &Table = &[("rds-tls-required", Medium, tls)];

pub(crate) const TABLE_CHECKS: &Table = &[
    ("dynamodb-point-in-time-recovery", Medium, recovery),
    ("dynamodb-deletion-protection", Low, |body, found| {
        on(body, found, "DeletionProtectionEnabled", "The table is not protected against deletion.")
    }),
    ("dynamodb-customer-key", Low, table_key),
];

/// Days that backups are kept.
const BACKUP_DAYS: i64 = 7;

/// What AWS prints of every database, and no plan knows.
const LIVE: [&str; 2] = ["DBInstanceStatus", "Status"];

/// What a cluster decides is asked of the cluster, and not of its instances.
fn alone(body: &Body<'_>, found: &mut Found<'_>, check: crate::finding::Check) -> Verdict {
    if body.get("DBClusterIdentifier")?.is_some() { Ok(false) } else { check(body, found) }
}

fn encryption(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    on(body, found, "StorageEncrypted", "The storage of the database is not encrypted.")
}

fn protection(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    on(body, found, "DeletionProtection", "The database is not protected against deletion.")
}

fn backups(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let days = body.need("BackupRetentionPeriod")?;
    if days.number()? < BACKUP_DAYS {
        let message = format!("Backups are kept for {} days.", days.number()?);
        found.add(
            Finding::at(&days.at, message)
                .compared(days.value.clone(), json!(format!("at least {BACKUP_DAYS}"))),
        );
    }
    Ok(true)
}

fn zones(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    on(body, found, "MultiAZ", "The database runs in one availability zone.")
}

fn engine<'a>(body: &Body<'a>) -> Result<&'a str, Stop> {
    body.need("Engine")?.text()
}

fn identities(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let engine = engine(body)?;
    if !["mysql", "mariadb", "postgres", "aurora"].iter().any(|known| engine.starts_with(known)) {
        return Ok(false);
    }
    on(
        body,
        found,
        "IAMDatabaseAuthenticationEnabled",
        "The database accepts passwords only, and no IAM identities.",
    )
}

fn logs(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    // AWS leaves the list out where it is empty.
    let exports = body.left_out("EnabledCloudwatchLogsExports", &LIVE)?;
    if exports.map(|list| list.items()).transpose()?.unwrap_or_default().is_empty() {
        let message = "The database sends no logs to CloudWatch.";
        found.add(
            Finding::at(body.place("EnabledCloudwatchLogsExports"), message)
                .compared(json!([]), json!("the logs of the engine")),
        );
    }
    Ok(true)
}

fn restorable(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for account in body.need("Restore")?.items()? {
        if account.text()? == "all" {
            let message = "Everybody may restore the snapshot.";
            found.add(Finding::at(account.at, message).compared(json!("all"), json!("named accounts")));
        }
    }
    Ok(true)
}

/// What a parameter group's family demands where nobody set it: TLS, no TLS, or it is not known here.
fn demands_tls(family: &str) -> Option<bool> {
    let digits = family.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let major: u32 = digits.split('.').next().and_then(|number| number.parse().ok())?;
    match family.strip_suffix(digits)? {
        "postgres" => Some(major >= 15),
        "aurora-postgresql" => (major < 17).then_some(false),
        "mysql" | "aurora-mysql" => (major < 8 || digits.starts_with("8.0")).then_some(false),
        "mariadb" => (major < 11).then_some(false),
        _ => None,
    }
}

fn tls(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let family = body.need("DBParameterGroupFamily")?.text()?;
    let key = match family {
        _ if family.contains("postgres") || family.starts_with("sqlserver") => "rds.force_ssl",
        _ if family.contains("mysql") || family.starts_with("mariadb") => "require_secure_transport",
        _ => return Ok(false),
    };
    let parameters = body.need("Parameters")?;
    let demands = match parameters.text_of(key)? {
        Some(value) => Some(matches!(value.to_ascii_lowercase().as_str(), "1" | "on" | "true")),
        None if family.starts_with("sqlserver") => Some(false),
        None => demands_tls(family),
    };
    if demands == Some(false) {
        let message = format!(
            "Databases of the family {} with this group accept connections without TLS.",
            shown(family)
        );
        let value = parameters.get(key)?.map_or(Value::Null, |node| node.value.clone());
        found.add(
            Finding::at(parameters.place(key), message).compared(json!({ key: value }), json!({ key: "1" })),
        );
    }
    Ok(demands.is_some())
}

fn recovery(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let backups = body.need("ContinuousBackups")?;
    let status = backups.inside(&["PointInTimeRecoveryDescription", "PointInTimeRecoveryStatus"])?;
    let status = status.map(|node| node.text()).transpose()?.unwrap_or("DISABLED");
    if status != "ENABLED" {
        let message = "The table cannot be restored to a moment of the past.";
        found.add(Finding::at(&backups.at, message).compared(quoted(status), json!("ENABLED")));
    }
    Ok(true)
}

fn table_key(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    // AWS leaves it out where the key is one that AWS owns.
    let encryption = body.left_out("SSEDescription", &["TableStatus"])?;
    let kind = encryption.map(|sse| sse.text_of("SSEType")).transpose()?.flatten();
    if kind != Some("KMS") {
        let message = "The table is encrypted with a key that AWS owns.";
        found.add(
            Finding::at(body.place("SSEDescription"), message)
                .compared(kind.map_or(Value::Null, quoted), json!("KMS")),
        );
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::demands_tls;

    #[test]
    fn what_families_demand() {
        for (family, demands) in [
            ("postgres14", Some(false)),
            ("postgres16", Some(true)),
            ("mysql8.0", Some(false)),
            ("mysql5.7", Some(false)),
            ("mysql8.4", None),
            ("aurora-postgresql15", Some(false)),
            ("mariadb10.6", Some(false)),
            ("oracle-ee-19", None),
            ("", None),
        ] {
            assert_eq!(demands_tls(family), demands, "{family}");
        }
    }
}
