//! Machines of EC2.

use palisade_sdk::Severity::{High, Low};
use serde_json::{Value, json};

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted};

pub(crate) const CHECKS: &Table = &[
    ("ec2-imds-v2", High, tokens),
    ("ec2-imds-hop-limit", Low, hops),
    ("ec2-public-address", Low, address),
    ("ec2-instance-profile", Low, profile),
];

/// Hops that an answer of the metadata service may go: one to the instance, one more to its containers.
const HOPS_MAX: i64 = 2;

/// The options of the metadata service, unless that is off.
fn metadata<'a>(body: &Body<'a>) -> Result<Option<Node<'a>>, Stop> {
    let options = body.need("MetadataOptions")?;
    Ok(if options.text_of("HttpEndpoint")? == Some("disabled") { None } else { Some(options) })
}

fn tokens(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(options) = metadata(body)? else { return Ok(true) };
    if options.text_of("HttpTokens")? != Some("required") {
        let message = "The instance's metadata is served to requests without a session token.";
        let value = options.text_of("HttpTokens")?.map_or(Value::Null, quoted);
        found.add(Finding::at(options.place("HttpTokens"), message).compared(value, json!("required")));
    }
    Ok(true)
}

fn hops(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(options) = metadata(body)? else { return Ok(false) };
    let limit = options.need("HttpPutResponseHopLimit")?;
    if limit.number()? > HOPS_MAX {
        let message = format!("Answers of the metadata service travel {} hops.", limit.number()?);
        found.add(
            Finding::at(&limit.at, message)
                .compared(limit.value.clone(), json!(format!("at most {HOPS_MAX}"))),
        );
    }
    Ok(true)
}

fn address(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if let Some(address) = body.left_out("PublicIpAddress", &["State"])? {
        let text = address.text()?;
        if !text.is_empty() {
            let message = format!("The instance has the public address {}.", crate::finding::shown(text));
            found.add(Finding::at(&address.at, message).compared(quoted(text), json!("none")));
        }
    }
    Ok(true)
}

fn profile(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if body.left_out("IamInstanceProfile", &["State"])?.is_none() {
        let message = "The instance has no role: programs on it that call AWS need stored keys.";
        found.add(
            Finding::at(body.place("IamInstanceProfile"), message)
                .compared(Value::Null, json!("an instance profile")),
        );
    }
    Ok(true)
}
