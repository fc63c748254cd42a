//! OCSF 1.3: one finding event for each finding, as a JSON list with an event on each line.
//!
//! What the schema has no member for stands in `unmapped.palisade`, where [`crate::read`] finds it again.

use std::io::{self, Write};

use model::{FindingClass, FixState, Severity};
use serde_json::{Value, json};

use super::{Exported, List, State, Written, put};

/// Version of the schema that events are written by.
const SCHEMA: &str = "1.3.0";

pub(super) fn write(
    findings: &mut dyn Iterator<Item = Exported>,
    out: &mut dyn Write,
) -> io::Result<Written> {
    let mut written = Written::default();
    let mut list = List::begin(&mut *out)?;
    for exported in findings {
        list.push(&event(&exported))?;
        written.written += 1;
    }
    list.end()?;
    out.write_all(b"\n")?;
    Ok(written)
}

fn event(exported: &Exported) -> Value {
    let finding = &exported.finding;
    let (severity, severity_name) = severity(finding.severity);
    let mut out = json!({
        "category_name": "Findings",
        "category_uid": 2,
        "severity": severity_name,
        "severity_id": severity,
        "time": exported.last_seen.as_millisecond(),
        "metadata": {
            "event_code": finding.rule,
            "product": { "name": "Palisade", "vendor_name": "Palisade", "version": env!("CARGO_PKG_VERSION") },
            "version": SCHEMA,
        },
        "finding_info": {
            "uid": exported.fingerprint.0,
            "title": finding.title,
            "desc": finding.description,
            "first_seen_time": exported.first_seen.as_millisecond(),
            "last_seen_time": exported.last_seen.as_millisecond(),
            "types": [finding.class],
        },
        "resources": resources(exported),
        "unmapped": { "palisade": {
            "key": finding.key,
            "class": finding.class,
            "ids": finding.ids,
            "fix": finding.fix.state,
            "severity_source": finding.severity_source,
            "suppressed": exported.suppression(),
        } },
    });
    classify(exported, &mut out);
    stand(exported, &mut out);
    put(&mut out, "remediation", remediation(exported));
    out
}

/// The class of the event, what was done, and the member that the class asks for.
fn classify(exported: &Exported, out: &mut Value) {
    let finding = &exported.finding;
    let (class, class_name) = match finding.class {
        FindingClass::Vulnerability => (2002, "Vulnerability Finding"),
        FindingClass::Misconfiguration => (2003, "Compliance Finding"),
        FindingClass::Secret | FindingClass::Malware | FindingClass::License => (2004, "Detection Finding"),
    };
    let (activity, activity_name) = match &exported.state {
        State::Fixed => (3, "Close"),
        _ if exported.first_seen == exported.last_seen => (1, "Create"),
        _ => (2, "Update"),
    };
    put(out, "activity_id", Some(json!(activity)));
    put(out, "activity_name", Some(json!(activity_name)));
    put(out, "class_name", Some(json!(class_name)));
    put(out, "class_uid", Some(json!(class)));
    put(out, "type_name", Some(json!(format!("{class_name}: {activity_name}"))));
    put(out, "type_uid", Some(json!(class * 100 + activity)));
    let own = match finding.class {
        FindingClass::Vulnerability => ("vulnerabilities", json!([vulnerability(exported)])),
        FindingClass::Misconfiguration => {
            let standards = ["Palisade"];
            let failed = json!({
                "control": finding.rule, "standards": standards, "status": "Fail", "status_id": 3,
            });
            ("compliance", failed)
        }
        FindingClass::Malware => ("malware", json!([{ "name": finding.rule, "classification_ids": [0] }])),
        FindingClass::Secret | FindingClass::License => return,
    };
    put(out, own.0, Some(own.1));
}

/// Where the finding stands, and why.
fn stand(exported: &Exported, out: &mut Value) {
    let suppression = exported.suppression();
    let (status, status_name) = match (&exported.state, &suppression) {
        (State::Fixed, _) => (4, "Resolved"),
        (_, Some(_)) => (3, "Suppressed"),
        _ => (1, "New"),
    };
    put(out, "status", Some(json!(status_name)));
    put(out, "status_id", Some(json!(status)));
    put(out, "comment", suppression.map(|said| json!(said.reason)));
}

/// The number and the caption that the schema has for it; for a rating of no impact it has none.
fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Unknown => (0, "Unknown"),
        Severity::None => (99, "none"),
        Severity::Negligible => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// The asset, and for what is no package the places in it.
fn resources(exported: &Exported) -> Vec<Value> {
    let asset = &exported.asset;
    let mut first = json!({
        "name": asset.name,
        "type": asset.kind.as_str(),
        "data": { "palisade_asset": asset.kind.as_str() },
    });
    put(&mut first, "uid", asset.digest.as_ref().map(|digest| json!(digest)));
    put(&mut first, "owner", exported.owner.as_ref().map(|owner| json!({ "name": owner })));
    let mut all = vec![first];
    if exported.finding.package.is_none() {
        let places = exported.finding.evidence.iter();
        all.extend(places.map(|place| json!({ "name": place.path, "type": "place" })));
    }
    all
}

fn vulnerability(exported: &Exported) -> Value {
    let finding = &exported.finding;
    let cvss: Vec<Value> = finding
        .cvss
        .iter()
        .map(|rating| {
            json!({
                "base_score": rating.score,
                "vector_string": rating.vector,
                "vendor_name": rating.source,
                "version": rating.version,
            })
        })
        .collect();
    let mut out = json!({
        "title": finding.title,
        "desc": finding.description,
        "severity": severity(finding.severity).1,
        "references": finding.references,
        "related_vulnerabilities": finding.ids.iter().skip(1).collect::<Vec<_>>(),
        // The schema has ratings nowhere else, and takes any id as a CVE's.
        "cve": { "uid": finding.rule, "cvss": cvss },
    });
    let available = (finding.fix.state != FixState::Unknown).then_some(finding.fix.state == FixState::Fixed);
    put(&mut out, "is_fix_available", available.map(Value::from));
    let package = finding.package.as_ref().map(|package| {
        let mut out = json!({
            "name": package.name,
            "version": package.version,
            "package_manager": package.kind.as_str(),
            "purl": package.purl,
        });
        let versions = finding.fix.versions.join(", ");
        put(&mut out, "fixed_in_version", (!versions.is_empty()).then(|| json!(versions)));
        put(&mut out, "path", finding.evidence.first().map(|place| json!(place.path)));
        json!([out])
    });
    put(&mut out, "affected_packages", package);
    out
}

/// What to do about it; the schema asks for a text beside the links.
fn remediation(exported: &Exported) -> Option<Value> {
    let finding = &exported.finding;
    if finding.class == FindingClass::Vulnerability {
        return None;
    }
    let wanted = finding.proof.as_ref().and_then(|proof| proof.get("wanted")?.as_str());
    if wanted.is_none() && finding.references.is_empty() {
        return None;
    }
    Some(json!({ "desc": wanted.unwrap_or(&finding.title), "references": finding.references }))
}
