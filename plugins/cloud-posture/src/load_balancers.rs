//! Load balancers: how they encrypt, what they log.

use palisade_sdk::Severity::{Low, Medium};
use serde_json::json;

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};

pub(crate) const CHECKS: &Table = &[
    ("elb-plain-http", Medium, plain_http),
    ("elb-tls-policy", Medium, tls_policy),
    ("elb-access-logs", Low, access_logs),
    ("elb-deletion-protection", Low, |body, found| {
        attribute(
            body,
            found,
            "deletion_protection.enabled",
            "The load balancer is not protected against deletion.",
        )
    }),
    ("elb-invalid-headers", Low, |body, found| {
        if !application(body)? {
            return Ok(false);
        }
        let key = "routing.http.drop_invalid_header_fields.enabled";
        attribute(body, found, key, "Malformed headers are passed on.")
    }),
];

fn application(body: &Body<'_>) -> Result<bool, Stop> {
    Ok(body.need("Type")?.text()? == "application")
}

fn redirects_to_https(listener: &Node<'_>) -> Result<bool, Stop> {
    for action in listener.items_of("DefaultActions")? {
        if action.text_of("Type")? == Some("redirect") {
            let protocol =
                action.inside(&["RedirectConfig", "Protocol"])?.map(|node| node.text()).transpose()?;
            return Ok(protocol == Some("HTTPS"));
        }
    }
    Ok(false)
}

fn plain_http(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !application(body)? {
        return Ok(false);
    }
    for listener in body.need("Listeners")?.items()? {
        if listener.text_of("Protocol")? == Some("HTTP") && !redirects_to_https(&listener)? {
            let port = listener.get("Port")?.map(|port| port.number()).transpose()?.unwrap_or(80);
            let message = format!("The listener on port {port} answers plain HTTP.");
            found.add(
                Finding::at(listener.place("Protocol"), message)
                    .compared(json!("HTTP"), json!("a redirect to HTTPS")),
            );
        }
    }
    Ok(true)
}

/// Security policies that accept TLS 1.2 and later only, by what AWS names them:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>.
fn modern(policy: &str) -> bool {
    let Some(name) = policy.strip_prefix("ELBSecurityPolicy-") else { return false };
    // TLS13-1-3, TLS13-1-2 with its variants, FS-1-2; but TLS13-1-1 and TLS13-1-0 go down to what they name.
    ["TLS13-1-2", "TLS13-1-3", "TLS-1-2-2017", "TLS-1-2-Ext", "FS-1-2"]
        .iter()
        .any(|start| name.starts_with(start))
}

fn tls_policy(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mut applies = false;
    for listener in body.need("Listeners")?.items()? {
        if !matches!(listener.text_of("Protocol")?, Some("HTTPS" | "TLS")) {
            continue;
        }
        let Some(policy) = listener.get("SslPolicy")? else { continue };
        applies = true;
        if !modern(policy.text()?) {
            let message = format!("The policy {} accepts versions before TLS 1.2.", shown(policy.text()?));
            found.add(
                Finding::at(&policy.at, message)
                    .compared(quoted(policy.text()?), json!("ELBSecurityPolicy-TLS13-1-2-2021-06")),
            );
        }
    }
    Ok(applies)
}

/// An attribute has to be the text `true`.
fn attribute(body: &Body<'_>, found: &mut Found<'_>, key: &str, message: &str) -> Verdict {
    let attributes = body.need("Attributes")?;
    if attributes.text_of(key)? != Some("true") {
        let value = json!({ key: attributes.text_of(key)?.map(shown) });
        found.add(Finding::at(attributes.place(key), message).compared(value, json!({ key: "true" })));
    }
    Ok(true)
}

fn access_logs(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !matches!(body.need("Type")?.text()?, "application" | "network") {
        return Ok(false);
    }
    attribute(body, found, "access_logs.s3.enabled", "Requests to the load balancer are not logged.")
}

#[cfg(test)]
mod tests {
    #[test]
    fn policies_by_their_names() {
        for good in [
            "TLS13-1-2-2021-06",
            "TLS13-1-2-Res-2021-06",
            "TLS13-1-3-FIPS-2023-04",
            "TLS-1-2-2017-01",
            "FS-1-2-Res-2020-10",
        ] {
            assert!(super::modern(&format!("ELBSecurityPolicy-{good}")), "{good}");
        }
        for bad in [
            "2016-08",
            "TLS-1-0-2015-04",
            "TLS-1-1-2017-01",
            "TLS13-1-0-2021-06",
            "TLS13-1-1-2021-06",
            "FS-2018-06",
            "FS-1-1-2019-08",
        ] {
            assert!(!super::modern(&format!("ELBSecurityPolicy-{bad}")), "{bad}");
        }
    }
}
