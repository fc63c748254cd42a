//! OpenVEX 0.2.0: what people decided about vulnerabilities. A false positive is `not_affected`; an accepted risk is
//! `affected`, because accepting it does not take it away.
//!
//! The format asks for at least one statement: a document of which [`Written::written`] is 0 is better not published.

use std::collections::BTreeMap;
use std::io::{self, Write};

use model::FindingClass;
use serde_json::{Value, json};

use super::{Asset, Exported, Heading, List, State, Written, put};
use crate::TargetKind;

pub(super) fn write(
    heading: &Heading,
    findings: &mut dyn Iterator<Item = Exported>,
    out: &mut dyn Write,
) -> io::Result<Written> {
    let about = BTreeMap::from([
        ("@context", json!("https://openvex.dev/ns/v0.2.0")),
        ("@id", json!(format!("urn:uuid:{}", heading.id))),
        ("author", json!(heading.author)),
        ("timestamp", json!(heading.made_at)),
        ("version", json!(1)),
    ]);
    out.write_all(b"{")?;
    for (name, value) in about {
        writeln!(out, "\"{name}\":{value},")?;
    }
    out.write_all(b"\"statements\":")?;
    let mut written = Written::default();
    let mut list = List::begin(&mut *out)?;
    for exported in findings {
        match statement(&exported) {
            Some(statement) => {
                list.push(&statement)?;
                written.written += 1;
            }
            None => written.left_out += 1,
        }
    }
    list.end()?;
    out.write_all(b"}\n")?;
    Ok(written)
}

fn statement(exported: &Exported) -> Option<Value> {
    let finding = &exported.finding;
    if finding.class != FindingClass::Vulnerability {
        return None;
    }
    let aliases: Vec<&String> = finding.ids.iter().skip(1).collect();
    let mut vulnerability = json!({ "name": finding.rule });
    put(&mut vulnerability, "aliases", (!aliases.is_empty()).then(|| json!(aliases)));
    let mut product = json!({ "@id": product_id(&exported.asset) });
    let subcomponents = finding.package.as_ref().map(|package| json!([{ "@id": package.purl }]));
    put(&mut product, "subcomponents", subcomponents);
    let mut out = json!({
        "vulnerability": vulnerability,
        "products": [product],
        "timestamp": exported.last_seen,
    });
    match &exported.state {
        State::FalsePositive { reason } => {
            put(&mut out, "status", Some(json!("not_affected")));
            put(&mut out, "impact_statement", Some(json!(format!("False positive: {reason}"))));
        }
        State::AcceptedRisk { reason, until } => {
            let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
            put(&mut out, "status", Some(json!("affected")));
            put(&mut out, "action_statement", Some(json!(format!("The risk is accepted{until}: {reason}"))));
        }
        State::Open | State::Fixed => return None,
    }
    Some(out)
}

/// What the format calls a product: the package URL of an image that has a digest, else a URN of our own.
fn product_id(asset: &Asset) -> String {
    if let (TargetKind::Image, Some(digest)) = (asset.kind, &asset.digest) {
        let repository = repository(&asset.name);
        let name = repository.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let (name, digest, repository) = (encoded(&name), encoded(digest), encoded(repository));
        return format!("pkg:oci/{name}@{digest}?repository_url={repository}");
    }
    format!("urn:palisade:{}:{}", asset.kind.as_str(), encoded(&asset.name))
}

/// The reference without its tag and digest. A colon in front of a slash is a port.
fn repository(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
