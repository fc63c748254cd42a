//! Clusters of EKS and their nodes.

use palisade_sdk::Severity::{High, Low, Medium};
use serde_json::{Value, json};

use crate::body::{Body, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};
use crate::time::{DAY, days};

pub(crate) const CHECKS: &Table = &[
    ("eks-public-endpoint", High, endpoint),
    ("eks-control-plane-logging", Medium, logging),
    ("eks-secrets-encryption", Medium, secrets),
    ("eks-version", Medium, version),
    ("eks-access-entries", Low, access),
];

pub(crate) const NODE_CHECKS: &Table = &[("eks-nodegroup-remote-access", Medium, remote_access)];

fn endpoint(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let network = body.need("resourcesVpcConfig")?;
    if !network.need("endpointPublicAccess")?.flag()? {
        return Ok(true);
    }
    let mut open = network.get("publicAccessCidrs")?.is_none();
    for range in network.items_of("publicAccessCidrs")? {
        open |= matches!(range.text()?, "0.0.0.0/0" | "::/0");
    }
    if open {
        let message = "Any address reaches the API server of the cluster.";
        let value = json!({ "endpointPublicAccess": true, "publicAccessCidrs": "0.0.0.0/0" });
        found.add(
            Finding::at(network.place("endpointPublicAccess"), message)
                .compared(value, json!("off, or ranges of your own")),
        );
    }
    Ok(true)
}

/// What has to be logged to tell who did what.
const TYPES: [&str; 3] = ["api", "audit", "authenticator"];

fn logging(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let logging = body.need("logging")?;
    let mut missing: Vec<&str> = TYPES.to_vec();
    for setup in logging.items_of("clusterLogging")? {
        if setup.flag_of("enabled")? {
            for kind in setup.items_of("types")? {
                let kind = kind.text()?;
                missing.retain(|wanted| *wanted != kind);
            }
        }
    }
    if !missing.is_empty() {
        let message = format!("The cluster does not log {}.", missing.join(", "));
        found.add(Finding::at(&logging.at, message).compared(json!({ "missing": missing }), json!(TYPES)));
    }
    Ok(true)
}

fn secrets(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    // AWS leaves it out where it is not configured.
    let configs = body.left_out("encryptionConfig", &["status", "createdAt"])?;
    for config in configs.map(|configs| configs.items()).transpose()?.unwrap_or_default() {
        for resource in config.items_of("resources")? {
            if resource.text()? == "secrets" {
                return Ok(true);
            }
        }
    }
    let message = "Secrets of the cluster are not encrypted with a key of the account.";
    found.add(
        Finding::at(body.place("encryptionConfig"), message)
            .compared(Value::Null, json!({ "resources": ["secrets"] })),
    );
    Ok(true)
}

/// End of standard support of minor versions of Kubernetes 1, from
/// <https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html>. Extended support ends a year later. Older versions
/// have none; younger ones are not known here.
const SUPPORT: [(u32, (i64, i64, i64)); 7] = [
    (29, (2025, 3, 23)),
    (30, (2025, 7, 23)),
    (31, (2025, 11, 26)),
    (32, (2026, 3, 23)),
    (33, (2026, 7, 29)),
    (34, (2026, 12, 2)),
    (35, (2027, 3, 27)),
];

/// Whether standard and extended support of a minor version have ended; nothing for a version that is not known.
fn ended(body: &Body<'_>, minor: u32) -> Option<(bool, bool)> {
    let (first, _) = SUPPORT.first()?;
    if minor < *first {
        return Some((true, true));
    }
    let (_, (year, month, day)) = SUPPORT.iter().find(|(known, _)| *known == minor)?;
    let passed = |years: i64| body.passed((days(year + years, *month, *day) + 1) * DAY);
    Some((passed(0), passed(1)))
}

fn version(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let version = body.need("version")?;
    let minor = version.text()?.strip_prefix("1.").and_then(|minor| minor.parse().ok());
    let Some((standard, extended)) = minor.and_then(|minor| ended(body, minor)) else { return Ok(false) };
    if standard {
        let which = if extended { "any support" } else { "standard support" };
        let message = format!("Kubernetes {} is out of {which} of EKS.", shown(version.text()?));
        let finding = Finding::at(&version.at, message)
            .compared(quoted(version.text()?), json!("a version in standard support"));
        found.add(if extended { finding.severity(High) } else { finding });
    }
    Ok(true)
}

fn access(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mode = body.need("accessConfig")?.need("authenticationMode")?;
    if mode.text()? == "CONFIG_MAP" {
        let message = "Access to the cluster is decided by a ConfigMap inside of it.";
        found.add(Finding::at(&mode.at, message).compared(json!("CONFIG_MAP"), json!("API")));
    }
    Ok(true)
}

fn key_without_sources(body: &Body<'_>) -> Result<Option<String>, Stop> {
    let Some(remote) = body.left_out("remoteAccess", &["status", "createdAt"])? else { return Ok(None) };
    let key = remote.text_of("ec2SshKey")?.is_some_and(|key| !key.is_empty());
    Ok((key && remote.items_of("sourceSecurityGroups")?.is_empty()).then_some(remote.at))
}

fn remote_access(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if let Some(at) = key_without_sources(body)? {
        let message = "Any address reaches SSH of the nodes, as far as their subnets let it.";
        found.add(Finding::at(at, message).compared(
            json!("a key, and no source security groups"),
            json!({ "sourceSecurityGroups": ["a group"] }),
        ));
    }
    Ok(true)
}
