//! Domains of OpenSearch.

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde_json::json;

use crate::body::{Body, Stop};
use crate::buckets::actions;
use crate::finding::{Finding, Found, Table, Verdict, quoted};
use crate::policy::statements;

pub(crate) const CHECKS: &Table = &[
    ("opensearch-public-access", Critical, public),
    ("opensearch-encryption-at-rest", Medium, |body, found| {
        option(body, found, "EncryptionAtRestOptions", "The domain is not encrypted at rest.")
    }),
    ("opensearch-node-encryption", Medium, |body, found| {
        option(body, found, "NodeToNodeEncryptionOptions", "Nodes of the domain talk without encryption.")
    }),
    ("opensearch-https", Medium, https),
    ("opensearch-access-control", Medium, |body, found| {
        option(body, found, "AdvancedSecurityOptions", "The domain has no fine-grained access control.")
    }),
    ("opensearch-audit-logs", Low, audit),
];

/// Whether an option of the domain is enabled.
fn enabled(body: &Body<'_>, key: &str) -> Result<bool, Stop> {
    body.need(key)?.flag_of("Enabled")
}

fn option(body: &Body<'_>, found: &mut Found<'_>, key: &str, message: &str) -> Verdict {
    if !enabled(body, key)? {
        let place = body.need(key)?.place("Enabled");
        found.add(
            Finding::at(place, message).compared(json!({ "Enabled": false }), json!({ "Enabled": true })),
        );
    }
    Ok(true)
}

fn public(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(policies) = body.told("AccessPolicies")? else { return Ok(true) };
    if body
        .get("VPCOptions")?
        .map(|vpc| vpc.items_of("SubnetIds"))
        .transpose()?
        .is_some_and(|subnets| !subnets.is_empty())
    {
        return Ok(true);
    }
    for one in statements(&policies)?.iter().filter(|one| one.open()) {
        let message = format!("Anyone on the internet may do {} with the domain.", actions(one));
        let finding = Finding::at(&one.at, message)
            .compared(json!({ "Principal": "*" }), json!("named principals, or a VPC"));
        let inner = body
            .hint("AdvancedSecurityOptions")?
            .map(|options| options.flag_of("Enabled"))
            .transpose()?
            .unwrap_or(false);
        found.add(if inner { finding.severity(High) } else { finding });
    }
    Ok(true)
}

fn https(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let options = body.need("DomainEndpointOptions")?;
    if !options.flag_of("EnforceHTTPS")? {
        let message = "The domain answers plain HTTP.";
        found.add(Finding::at(options.place("EnforceHTTPS"), message).compared(json!(false), json!(true)));
    }
    if let Some(policy) =
        options.get("TLSSecurityPolicy")?.filter(|policy| policy.value == "Policy-Min-TLS-1-0-2019-07")
    {
        let message = "The domain accepts versions before TLS 1.2.";
        found.add(
            Finding::at(&policy.at, message)
                .compared(quoted(policy.text()?), json!("Policy-Min-TLS-1-2-PFS-2023-10")),
        );
    }
    Ok(true)
}

fn audit(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    // AWS leaves the options out where nothing is published.
    let options = body.left_out("LogPublishingOptions", &["DomainId", "Created", "Processing"])?;
    let audit = options.map(|options| options.inside(&["AUDIT_LOGS", "Enabled"])).transpose()?.flatten();
    if !audit.map(|flag| flag.flag()).transpose()?.unwrap_or(false) {
        let message = "The domain publishes no audit logs.";
        found.add(
            Finding::at(body.place("LogPublishingOptions"), message)
                .compared(json!(false), json!({ "AUDIT_LOGS": { "Enabled": true } })),
        );
    }
    Ok(true)
}
