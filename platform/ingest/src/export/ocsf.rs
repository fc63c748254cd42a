//! OCSF 1.3 (schema.ocsf.io): Vulnerability Finding (2002) for vulnerabilities, Compliance Finding (2003) for misconfigurations,
//! Detection Finding (2004) for everything else, one object each.

use model::{Finding, FindingClass, FindingState, FixState, Severity, TargetKind, Triage};
use serde_json::{Map, Value, json};

use super::Exported;

const VERSION: &str = "1.3.0";
/// Category `Findings`.
const CATEGORY: u64 = 2;

/// A finding as one object.
#[must_use]
pub fn object(one: &Exported<'_>, product_version: &str) -> Value {
    let finding = one.finding;
    let (class, class_name) = match finding.class {
        FindingClass::Vulnerability => (2002, "Vulnerability Finding"),
        FindingClass::Misconfiguration => (2003, "Compliance Finding"),
        FindingClass::Secret | FindingClass::Malware | FindingClass::License => (2004, "Detection Finding"),
    };
    // Create, Update, Close.
    let (activity, activity_name) = match one.state {
        FindingState::Fixed => (3, "Close"),
        FindingState::Open if one.first_seen_at == one.last_seen_at => (1, "Create"),
        FindingState::Open => (2, "Update"),
    };
    let (severity, severity_name) = severity(finding.severity);
    let (status, status_name) = status(one);
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("activity_id", json!(activity));
    put("activity_name", json!(activity_name));
    put("category_uid", json!(CATEGORY));
    put("category_name", json!("Findings"));
    put("class_uid", json!(class));
    put("class_name", json!(class_name));
    put("type_uid", json!(class * 100 + activity));
    put("severity_id", json!(severity));
    put("severity", json!(severity_name));
    put("status_id", json!(status));
    put("status", json!(status_name));
    put("time", json!(one.fixed_at.unwrap_or(one.last_seen_at).as_millisecond()));
    if let Some(said) = &one.decision {
        put("comment", json!(said.reason));
    }
    put(
        "metadata",
        json!({
            "version": VERSION,
            "uid": one.fingerprint,
            "labels": one.tags,
            "product": { "name": "Palisade", "vendor_name": "Palisade", "version": product_version },
        }),
    );
    put(
        "finding_info",
        json!({
            "uid": one.fingerprint,
            "title": finding.title,
            "desc": finding.description,
            "first_seen_time": one.first_seen_at.as_millisecond(),
            "last_seen_time": one.last_seen_at.as_millisecond(),
            "types": [finding.class],
        }),
    );
    put(
        "resources",
        json!([{
            "uid": one.asset,
            "name": one.asset_name,
            "type": one.asset_kind.as_str(),
            "data": { "palisade_asset": asset(one.asset_kind) },
        }]),
    );
    put("unmapped", json!({ "palisade": own(finding) }));
    match finding.class {
        FindingClass::Vulnerability => {
            put("vulnerabilities", json!([vulnerability(one)]));
        }
        FindingClass::Misconfiguration => {
            let standing = if one.state == FindingState::Fixed { (1, "Pass") } else { (3, "Fail") };
            put(
                "compliance",
                json!({ "control": finding.rule, "status_id": standing.0, "status": standing.1 }),
            );
        }
        FindingClass::Secret | FindingClass::Malware | FindingClass::License => {
            let places = finding.evidence.iter().map(|evidence| json!({ "data": { "path": evidence.path } }));
            put("evidences", places.collect());
        }
    }
    Value::Object(object)
}

/// What kind of thing the asset is, as a reader of reports says it.
fn asset(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Directory | TargetKind::Sbom => "other",
        known => known.as_str(),
    }
}

/// What the schema has no place for, so that the finding is the same one when it is read again.
fn own(finding: &Finding) -> Value {
    object_of([
        ("key", Some(json!(finding.key))),
        ("class", Some(json!(finding.class))),
        ("rule", Some(json!(finding.rule))),
        ("ids", Some(json!(finding.ids))),
        ("fix", Some(json!(finding.fix.state))),
        ("evidence", Some(json!(finding.evidence))),
        ("suppressed", finding.suppressed.as_ref().map(|said| json!(said))),
    ])
}

/// `severity_id` and its caption.
fn severity(severity: Severity) -> (u64, &'static str) {
    match severity {
        Severity::Unknown => (0, "Unknown"),
        Severity::None | Severity::Negligible => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// `status_id` and its caption.
fn status(one: &Exported<'_>) -> (u64, &'static str) {
    match (one.state, one.status) {
        (_, Triage::Accepted | Triage::FalsePositive) => (3, "Suppressed"),
        (FindingState::Fixed, _) => (4, "Resolved"),
        (FindingState::Open, Triage::Acknowledged | Triage::InProgress) => (2, "In Progress"),
        (FindingState::Open, Triage::Open | Triage::Reopened) => (1, "New"),
    }
}

fn vulnerability(one: &Exported<'_>) -> Value {
    let finding = one.finding;
    let cvss: Vec<Value> = finding
        .cvss
        .iter()
        .map(
            |cvss| json!({ "version": cvss.version, "base_score": cvss.score, "vector_string": cvss.vector }),
        )
        .collect();
    let epss =
        finding.epss.map(|epss| json!({ "score": epss.score.to_string(), "percentile": epss.percentile }));
    let packages = finding.package.as_ref().map(|package| {
        json!([{
            "name": package.name,
            "version": package.version,
            "purl": package.purl,
            "fixed_in_version": finding.fix.versions.first(),
            "path": finding.evidence.first().map(|evidence| &evidence.path),
        }])
    });
    let cve = [
        ("uid", Some(json!(finding.rule))),
        ("title", Some(json!(finding.title))),
        ("cvss", Some(json!(cvss))),
        ("epss", epss),
    ];
    object_of([
        ("title", Some(json!(finding.title))),
        ("references", Some(json!(finding.references))),
        ("is_exploit_available", Some(json!(finding.kev.is_some()))),
        ("is_fix_available", Some(json!(finding.fix.state == FixState::Fixed))),
        ("cve", Some(object_of(cve))),
        ("affected_packages", packages),
    ])
}

/// An object of the members that there are.
fn object_of<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect())
}

#[cfg(test)]
mod tests {
    use model::{FindingState, Triage};
    use serde_json::json;

    use super::object;
    use crate::export::tests::with;

    #[test]
    fn a_vulnerability_is_one_of_class_2002() {
        with(Triage::Open, FindingState::Open, |one| {
            let object = object(one, "0.1.0");
            assert_eq!((&object["class_uid"], &object["type_uid"]), (&json!(2002), &json!(200_202)));
            assert_eq!((&object["severity_id"], &object["status"]), (&json!(4), &json!("New")));
            let vulnerability = &object["vulnerabilities"][0];
            assert_eq!(vulnerability["cve"]["cvss"][0]["base_score"], json!(8.8));
            assert_eq!(vulnerability["affected_packages"][0]["fixed_in_version"], "1.1");
            assert_eq!(object["metadata"]["labels"], json!(["a", "b"]));
        });
    }

    #[test]
    fn what_people_say_is_its_status() {
        for (status, state, id) in [
            (Triage::Accepted, FindingState::Open, 3),
            (Triage::InProgress, FindingState::Open, 2),
            (Triage::Open, FindingState::Fixed, 4),
        ] {
            with(status, state, |one| assert_eq!(object(one, "0")["status_id"], json!(id)));
        }
    }
}
