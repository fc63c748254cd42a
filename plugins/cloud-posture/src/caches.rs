//! Caches of ElastiCache and data warehouses of Redshift.

use palisade_sdk::Severity::{High, Low, Medium};
use serde_json::json;

use crate::body::{Body, Stop};
use crate::finding::{Check, Finding, Found, Table, Verdict, off, on};

pub(crate) const GROUP_CHECKS: &Table = &[
    ("elasticache-encryption-at-rest", Medium, at_rest),
    ("elasticache-encryption-in-transit", Medium, in_transit),
    ("elasticache-authentication", Medium, authentication),
];

pub(crate) const CLUSTER_CHECKS: &Table = &[
    ("elasticache-encryption-at-rest", Medium, |body, found| {
        if engine(body)? == "memcached" { Ok(false) } else { alone(body, found, at_rest) }
    }),
    ("elasticache-encryption-in-transit", Medium, |body, found| alone(body, found, in_transit)),
];

pub(crate) const WAREHOUSE_CHECKS: &Table = &[
    ("redshift-public-access", High, |body, found| {
        off(body, found, "PubliclyAccessible", "The data warehouse has a public address.")
    }),
    ("redshift-encryption", Medium, |body, found| {
        on(body, found, "Encrypted", "The data warehouse is not encrypted.")
    }),
    ("redshift-audit-logging", Low, audit),
];

fn engine<'a>(body: &Body<'a>) -> Result<&'a str, Stop> {
    Ok(body.text_of("Engine")?.unwrap_or("redis"))
}

/// What a replication group decides is asked of the group, and not of its nodes.
fn alone(body: &Body<'_>, found: &mut Found<'_>, check: Check) -> Verdict {
    if body.get("ReplicationGroupId")?.is_some() { Ok(false) } else { check(body, found) }
}

fn at_rest(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    on(body, found, "AtRestEncryptionEnabled", "The cache is not encrypted at rest.")
}

fn in_transit(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    on(body, found, "TransitEncryptionEnabled", "The cache is reached without TLS.")
}

fn authentication(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let token = body.flag("AuthTokenEnabled")?;
    if !token && body.items_of("UserGroupIds")?.is_empty() {
        let message = "Whoever reaches the cache may use it, without a password.";
        found.add(
            Finding::at(body.place("AuthTokenEnabled"), message)
                .compared(json!(false), json!("user groups, or an AUTH token")),
        );
    }
    Ok(true)
}

fn audit(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let logging = body.need("Logging")?;
    if !logging.flag_of("LoggingEnabled")? {
        let message = "Connections and queries of the data warehouse are not logged.";
        found.add(Finding::at(logging.place("LoggingEnabled"), message).compared(json!(false), json!(true)));
    }
    Ok(true)
}
