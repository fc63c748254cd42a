//! Distributions of CloudFront. Lists of its configuration are objects with `Quantity` and `Items`.

use palisade_sdk::Severity::{Low, Medium};
use serde_json::json;

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};

pub(crate) const CHECKS: &Table = &[
    ("cloudfront-viewer-https", Medium, viewer_https),
    ("cloudfront-tls-version", Medium, tls_version),
    ("cloudfront-origin-https", Medium, origin_https),
    ("cloudfront-origin-access", Medium, origin_access),
    ("cloudfront-logging", Low, logging),
    ("cloudfront-waf", Low, waf),
];

fn items<'a>(node: &Node<'a>, key: &str) -> Result<Vec<Node<'a>>, Stop> {
    node.get(key)?.map_or(Ok(Vec::new()), |list| list.items_of("Items"))
}

fn configuration<'a>(body: &Body<'a>) -> Result<Node<'a>, Stop> {
    body.need("DistributionConfig")
}

fn viewer_https(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let config = configuration(body)?;
    let mut behaviours = vec![config.need("DefaultCacheBehavior")?];
    behaviours.extend(items(&config, "CacheBehaviors")?);
    for behaviour in behaviours {
        let policy = behaviour.need("ViewerProtocolPolicy")?;
        if policy.text()? == "allow-all" {
            let path = shown(behaviour.text_of("PathPattern")?.unwrap_or("all paths"));
            let message = format!("Viewers get {path} through plain HTTP too.");
            found.add(
                Finding::at(&policy.at, message).compared(json!("allow-all"), json!("redirect-to-https")),
            );
        }
    }
    Ok(true)
}

fn tls_version(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let config = configuration(body)?;
    let certificate = config.get("ViewerCertificate")?;
    let version =
        certificate.as_ref().map(|one| one.text_of("MinimumProtocolVersion")).transpose()?.flatten();
    let own = certificate
        .as_ref()
        .map(|one| one.flag_of("CloudFrontDefaultCertificate"))
        .transpose()?
        .is_some_and(|own| !own);
    if !own
        || !version.is_some_and(|version| version.starts_with("TLSv1.2") || version.starts_with("TLSv1.3"))
    {
        let message = "Viewers may use versions before TLS 1.2.";
        let shown =
            version.filter(|_| own).unwrap_or("the certificate of cloudfront.net, which accepts TLSv1");
        found.add(
            Finding::at(config.place("ViewerCertificate"), message)
                .compared(quoted(shown), json!("TLSv1.2_2021")),
        );
    }
    Ok(true)
}

fn origin_https(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mut applies = false;
    for origin in items(&configuration(body)?, "Origins")? {
        let Some(custom) = origin.get("CustomOriginConfig")? else { continue };
        applies = true;
        let policy = custom.text_of("OriginProtocolPolicy")?.unwrap_or("http-only");
        let mut old = Vec::new();
        for version in items(&custom, "OriginSslProtocols")? {
            if matches!(version.text()?, "SSLv3" | "TLSv1" | "TLSv1.1") {
                old.push(version.text()?);
            }
        }
        if policy != "https-only" || !old.is_empty() {
            let message = match policy {
                "https-only" => format!("The origin is fetched through {} too.", old.join(", ")),
                other => format!("The origin is fetched with the protocol policy {}.", shown(other)),
            };
            let value = json!({ "OriginProtocolPolicy": shown(policy), "old": old });
            found.add(Finding::at(&custom.at, message).compared(
                value,
                json!({ "OriginProtocolPolicy": "https-only", "OriginSslProtocols": ["TLSv1.2"] }),
            ));
        }
    }
    Ok(applies)
}

fn origin_access(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let mut applies = false;
    for origin in items(&configuration(body)?, "Origins")? {
        let Some(bucket) = origin.get("S3OriginConfig")? else { continue };
        applies = true;
        let control = origin.text_of("OriginAccessControlId")?.unwrap_or_default();
        let identity = bucket.text_of("OriginAccessIdentity")?.unwrap_or_default();
        if control.is_empty() && identity.is_empty() {
            let message = "CloudFront fetches from the bucket without an identity.";
            found.add(
                Finding::at(&origin.at, message).compared(json!("none"), json!("origin access control")),
            );
        }
    }
    Ok(applies)
}

fn logging(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let config = configuration(body)?;
    let on = config.inside(&["Logging", "Enabled"])?.map(|flag| flag.flag()).transpose()?.unwrap_or(false);
    if !on {
        let message = "The distribution's configuration logs no requests.";
        found.add(Finding::at(config.place("Logging"), message).compared(json!(false), json!(true)));
    }
    Ok(true)
}

fn waf(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let config = configuration(body)?;
    if config.text_of("WebACLId")?.unwrap_or_default().is_empty() {
        let message = "No web application firewall stands before the distribution.";
        found.add(Finding::at(config.place("WebACLId"), message).compared(json!(""), json!("a web ACL")));
    }
    Ok(true)
}
