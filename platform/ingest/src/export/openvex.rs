//! OpenVEX 0.2.0 (openvex.dev/ns/v0.2.0): what is known of each vulnerability on each product, and why.
//!
//! | finding | statement |
//! |---|---|
//! | false positive | `not_affected`, with the justification, or the reason as its impact |
//! | gone | `fixed` |
//! | being mended, or accepted | `affected`, with what is done about it |
//! | anything else | `under_investigation` |

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{FindingClass, FindingState, TargetKind, Triage};
use serde_json::{Map, Value, json};

use super::Exported;

/// Everything before the statements.
#[must_use]
pub fn head(id: &str, author: &str, at: Timestamp, tool: &str) -> String {
    let head = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": id,
        "author": author,
        "timestamp": at.to_string(),
        "version": 1,
        "tooling": tool,
    });
    let head = head.to_string();
    format!("{},\"statements\":[", head.strip_suffix('}').unwrap_or(&head))
}

/// Everything after them.
pub const TAIL: &str = "]}\n";

/// The statement of a finding; nothing for one that is no vulnerability of a package, of which VEX cannot speak.
#[must_use]
pub fn statement(one: &Exported<'_>) -> Option<String> {
    let finding = one.finding;
    let package = finding.package.as_ref().filter(|_| finding.class == FindingClass::Vulnerability)?;
    let aliases: Vec<&String> = finding.ids.iter().filter(|id| **id != finding.rule).collect();
    let mut statement = Map::new();
    let mut put = |name: &str, value: Value| statement.insert(name.to_owned(), value);
    put("vulnerability", json!({ "name": finding.rule, "aliases": aliases }));
    put("products", json!([{ "@id": product(one), "subcomponents": [{ "@id": package.purl }] }]));
    put("timestamp", json!(one.decision.map_or(one.last_seen_at, |said| said.at).to_string()));
    match (one.state, one.status) {
        (_, Triage::FalsePositive) => {
            put("status", json!("not_affected"));
            let said = one.decision.as_ref();
            if let Some(justification) = said.and_then(|said| said.justification) {
                put("justification", json!(justification));
            }
            put("impact_statement", json!(said.map_or("It was found to be none.", |said| said.reason)));
        }
        (FindingState::Fixed, _) => {
            put("status", json!("fixed"));
        }
        (FindingState::Open, Triage::Accepted | Triage::InProgress) => {
            put("status", json!("affected"));
            put("action_statement", json!(action(one)));
        }
        (FindingState::Open, Triage::Open | Triage::Reopened | Triage::Acknowledged) => {
            put("status", json!("under_investigation"));
        }
    }
    Some(Value::Object(statement).to_string())
}

/// What is done about it.
fn action(one: &Exported<'_>) -> String {
    if let Some(said) = &one.decision {
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string();
        let until = said.until.map(|until| format!(" until {}", day(until))).unwrap_or_default();
        return format!("The risk is accepted{until}: {}", said.reason);
    }
    match (one.finding.fix.versions.first(), &one.finding.package) {
        (Some(version), Some(package)) => format!("{} is to be upgraded to {version}.", package.name),
        _ => "It is being mended.".to_owned(),
    }
}

/// What a product is called: the package URL of an image (purl type `oci`), else a name that is an IRI.
fn product(one: &Exported<'_>) -> String {
    let encoded = |text: &str, kept: &str| -> String {
        let byte = |byte: u8| {
            let letter = char::from(byte);
            if letter.is_ascii_alphanumeric() || "-._~".contains(letter) || kept.contains(letter) {
                letter.to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        text.bytes().map(byte).collect()
    };
    if one.asset_kind != TargetKind::Image {
        return format!("urn:palisade:asset:{}", encoded(one.asset, ""));
    }
    let repository = one.asset_name.split('@').next().unwrap_or_default();
    // A colon after the last slash begins a tag; one before it a port.
    let repository = match repository.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => repository,
    };
    let name = repository.rsplit('/').next().unwrap_or(repository).to_lowercase();
    format!(
        "pkg:oci/{}@{}?repository_url={}",
        encoded(&name, ""),
        encoded(one.asset, ""),
        encoded(repository, "/:")
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::{FindingState, Triage};
    use serde_json::{Value, json};

    use super::{TAIL, head, statement};
    use crate::export::tests::with;

    fn of(status: Triage, state: FindingState) -> Value {
        let mut said = None;
        with(status, state, |one| said = statement(one));
        serde_json::from_str(&said.unwrap()).unwrap()
    }

    #[test]
    fn each_finding_is_the_statement_that_its_state_allows() {
        let none = of(Triage::FalsePositive, FindingState::Open);
        assert_eq!(
            (&none["status"], &none["justification"]),
            (&json!("not_affected"), &json!("vulnerable_code_not_present"))
        );
        assert_eq!(
            (&none["impact_statement"], &none["timestamp"]),
            (&json!("never built"), &json!("2026-01-02T00:00:00Z"))
        );
        assert_eq!(none["vulnerability"], json!({ "name": "CVE-2024-1", "aliases": ["GHSA-x"] }));
        assert_eq!(
            none["products"][0]["@id"],
            "pkg:oci/app@sha256%3A00?repository_url=registry.example:5000/team/app"
        );
        assert_eq!(none["products"][0]["subcomponents"][0]["@id"], "pkg:npm/%40x/y@1.0");
        let accepted = of(Triage::Accepted, FindingState::Open);
        assert_eq!(accepted["action_statement"], "The risk is accepted until 2027-01-01: never built");
        let mended = of(Triage::InProgress, FindingState::Open);
        assert_eq!(
            (&mended["status"], &mended["action_statement"]),
            (&json!("affected"), &json!("@x/y is to be upgraded to 1.1."))
        );
        for status in [Triage::Open, Triage::Reopened, Triage::Acknowledged] {
            assert_eq!(of(status, FindingState::Open)["status"], "under_investigation");
        }
        assert_eq!(of(Triage::Accepted, FindingState::Fixed)["status"], "fixed");
    }

    #[test]
    fn head_statements_and_tail_are_one_document() {
        let text = head("urn:uuid:1", "ann \"x\"", Timestamp::UNIX_EPOCH, "palisade") + "{}" + TAIL;
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&document["author"], &document["statements"]), (&json!("ann \"x\""), &json!([{}])));
    }
}
