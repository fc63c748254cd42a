//! APIs that the internet calls, and certificates.

use palisade_sdk::Severity::{High, Low, Medium};
use serde_json::json;

use crate::body::{Body, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};
use crate::policy::statements;

pub(crate) const REST_CHECKS: &Table = &[
    ("apigateway-method-authorization", High, methods),
    ("apigateway-access-logging", Low, |body, found| stages(body, found, "stageName", "accessLogSettings")),
];

pub(crate) const HTTP_CHECKS: &Table = &[
    ("apigatewayv2-route-authorization", High, routes),
    ("apigatewayv2-access-logging", Low, |body, found| stages(body, found, "StageName", "AccessLogSettings")),
];

pub(crate) const CERTIFICATE_CHECKS: &Table =
    &[("acm-certificate-expiring", Medium, expiring), ("acm-certificate-key-length", Medium, key_length)];

/// Whether the API is reached from within a VPC only.
fn private(body: &Body<'_>) -> Result<bool, Stop> {
    let Some(endpoints) = body.get("endpointConfiguration")? else { return Ok(false) };
    for kind in endpoints.items_of("types")? {
        if kind.text()? == "PRIVATE" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a resource policy of the API names who may call it.
fn limited(body: &Body<'_>) -> Result<bool, Stop> {
    let Some(policy) = body.get("policy")? else { return Ok(false) };
    let statements = statements(&policy)?;
    let denied = statements.iter().any(|one| !one.allow && !one.conditions.is_empty());
    Ok(!statements.is_empty() && (denied || !statements.iter().any(|one| one.open())))
}

fn methods(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let resources = body.need("Resources")?.items()?;
    if private(body)? {
        return Ok(false);
    }
    let limited = limited(body)?;
    let mut applies = false;
    for resource in resources {
        let path = shown(resource.text_of("path")?.unwrap_or_default());
        let methods = resource.get("resourceMethods")?.map_or(Ok(Vec::new()), |methods| methods.members())?;
        for (method, node) in methods.into_iter().filter(|(method, _)| *method != "OPTIONS") {
            let Some(authorization) = node.get("authorizationType")? else { continue };
            applies = true;
            if authorization.text()? == "NONE" && !node.flag_of("apiKeyRequired")? && !limited {
                let message = format!("Anyone may call {} {path}.", shown(method));
                found.add(
                    Finding::at(&authorization.at, message)
                        .compared(json!("NONE"), json!("AWS_IAM, CUSTOM or COGNITO_USER_POOLS")),
                );
            }
        }
    }
    Ok(applies)
}

fn routes(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let socket = body.text_of("ProtocolType")? == Some("WEBSOCKET");
    let mut applies = false;
    for route in body.need("Routes")?.items()? {
        let key = route.text_of("RouteKey")?.unwrap_or_default();
        if socket && key != "$connect" || key.starts_with("OPTIONS ") {
            continue;
        }
        applies = true;
        if route.text_of("AuthorizationType")?.unwrap_or("NONE") == "NONE" {
            let message = format!("Anyone may call the route {}.", shown(key));
            found.add(
                Finding::at(route.place("AuthorizationType"), message)
                    .compared(json!("NONE"), json!("JWT, AWS_IAM or CUSTOM")),
            );
        }
    }
    Ok(applies)
}

fn stages(body: &Body<'_>, found: &mut Found<'_>, name: &str, settings: &str) -> Verdict {
    let stages = body.need("Stages")?.items()?;
    for stage in &stages {
        if stage.get(settings)?.is_none() {
            let message = format!(
                "Requests to the stage {} are not logged.",
                shown(stage.text_of(name)?.unwrap_or_default())
            );
            found.add(Finding::at(&stage.at, message).compared(json!("none"), json!(settings)));
        }
    }
    Ok(!stages.is_empty())
}

/// Days before its end in which a certificate has to be renewed.
const RENEWAL_DAYS: i64 = 30;

fn expiring(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let end = body.need("NotAfter")?;
    if !body.flag("InUse")? {
        return Ok(false);
    }
    let left = -body.days_since(&end)?;
    if left < RENEWAL_DAYS {
        let ended = left <= 0;
        let message = if ended {
            "The certificate in use has ended.".to_owned()
        } else {
            format!("The certificate in use ends in {left} days.")
        };
        let finding = Finding::at(&end.at, message)
            .compared(end.value.clone(), json!(format!("at least {RENEWAL_DAYS} days to go")));
        found.add(if ended { finding.severity(High) } else { finding });
    }
    Ok(true)
}

fn key_length(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let algorithm = body.need("KeyAlgorithm")?;
    if matches!(algorithm.text()?, "RSA_1024" | "RSA-1024") {
        let message = "The certificate's key has 1,024 bits.";
        found.add(
            Finding::at(&algorithm.at, message)
                .compared(quoted(algorithm.text()?), json!("RSA_2048, EC_prime256v1 or more")),
        );
    }
    Ok(true)
}
