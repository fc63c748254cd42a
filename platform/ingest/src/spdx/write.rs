//! Writing SPDX 2.3 JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{OperatingSystem, Package, ScanReport, Target, TargetKind};
use serde_json::{Map, Value, json};

use super::{Comment, Extra};
use crate::{licence, serial};

/// The creation time of a document that has none: the format demands one.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// The packages of a report as SPDX 2.3 JSON, ending in a line break.
///
/// Without a timestamp `created` is 1970-01-01, and the bytes are a function of the report and the target. The
/// document namespace is made from the content in either case. Findings are not written.
#[must_use]
pub fn write(report: &ScanReport, target: Option<&Target>, timestamp: Option<Timestamp>) -> String {
    let created =
        timestamp.map_or_else(|| NO_TIME.to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let mut licenses = BTreeMap::new();
    let mut packages = vec![root(target)];
    packages.extend(report.os.iter().map(|os| operating_system(os, &created)));
    let numbered = report.packages.iter().enumerate();
    packages.extend(numbered.map(|(index, each)| package(index, each, &created, &mut licenses)));
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Root")];
    for id in packages.iter().skip(1).filter_map(|package| package.get("SPDXID")?.as_str()) {
        relationships.push(relationship("SPDXRef-Root", "CONTAINS", id));
    }
    let coverage = Extra::Coverage { complete: report.coverage.complete, gaps: report.coverage.gaps.clone() };
    let extracted: Vec<Value> = licenses
        .iter()
        .map(|(id, text)| json!({ "licenseId": id, "extractedText": text, "name": text }))
        .collect();
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": target.map_or("palisade", |target| target.reference.as_str()),
        "creationInfo": {
            "created": created,
            "creators": [format!("Tool: palisade-{}", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
        "annotations": [annotation(coverage, &created)],
    });
    let serial = serial::uuid(&document.to_string());
    if let Some(fields) = document.as_object_mut() {
        fields.insert("documentNamespace".into(), json!(format!("https://palisade.invalid/spdx/{serial}")));
        if !extracted.is_empty() {
            fields.insert("hasExtractedLicensingInfos".into(), json!(extracted));
        }
    }
    format!("{document:#}\n")
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

fn annotation(extra: Extra, created: &str) -> Value {
    json!({
        "annotator": "Tool: palisade",
        "annotationDate": created,
        "annotationType": "OTHER",
        "comment": json!(Comment { palisade: extra }).to_string(),
    })
}

/// The fields that every package has and nobody here knows.
fn blank(id: &str, name: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("SPDXID".into(), json!(id));
    fields.insert("name".into(), json!(name));
    fields.insert("downloadLocation".into(), json!("NOASSERTION"));
    fields.insert("filesAnalyzed".into(), json!(false));
    fields.insert("licenseConcluded".into(), json!("NOASSERTION"));
    fields.insert("licenseDeclared".into(), json!("NOASSERTION"));
    fields.insert("copyrightText".into(), json!("NOASSERTION"));
    fields
}

/// The scanned thing itself; the document describes it, and it contains the packages.
fn root(target: Option<&Target>) -> Value {
    let mut fields = blank("SPDXRef-Root", target.map_or("target", |target| target.reference.as_str()));
    let purpose = match target.map(|target| target.kind) {
        Some(TargetKind::Image) => "CONTAINER",
        Some(TargetKind::Repository) => "SOURCE",
        Some(TargetKind::Host) => "DEVICE",
        Some(TargetKind::Directory | TargetKind::Sbom | TargetKind::Cluster | TargetKind::Account) | None => {
            "OTHER"
        }
    };
    fields.insert("primaryPackagePurpose".into(), json!(purpose));
    if let Some(digest) = target.and_then(|target| target.digest.as_ref()) {
        fields.insert("versionInfo".into(), json!(digest.as_str()));
        fields.insert("checksums".into(), json!([{ "algorithm": "SHA256", "checksumValue": digest.hex() }]));
    }
    Value::Object(fields)
}

fn operating_system(os: &OperatingSystem, created: &str) -> Value {
    let mut fields = blank("SPDXRef-OperatingSystem", &os.id);
    fields.insert("primaryPackagePurpose".into(), json!("OPERATING-SYSTEM"));
    if let Some(version) = &os.version {
        fields.insert("versionInfo".into(), json!(version));
    }
    fields.insert("annotations".into(), json!([annotation(Extra::Os(os.clone()), created)]));
    Value::Object(fields)
}

fn package(index: usize, package: &Package, created: &str, licenses: &mut BTreeMap<String, String>) -> Value {
    let mut fields = blank(&format!("SPDXRef-Package-{index}"), &package.name);
    if !package.version.is_empty() {
        fields.insert("versionInfo".into(), json!(package.version));
    }
    if !package.licenses.is_empty() {
        fields.insert("licenseDeclared".into(), json!(declared(&package.licenses, licenses)));
    }
    if let Some(source) = &package.source {
        let version = source.version.as_deref().unwrap_or_default();
        let text = format!("built package from: {} {version}", source.name);
        fields.insert("sourceInfo".into(), json!(text.trim_end()));
    }
    fields.insert(
        "externalRefs".into(),
        json!([{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package.purl,
        }]),
    );
    fields.insert("annotations".into(), json!([annotation(Extra::Package(package.clone()), created)]));
    Value::Object(fields)
}

/// A valid licence expression: known ids as they are, every other text by a reference to it.
fn declared(texts: &[String], licenses: &mut BTreeMap<String, String>) -> String {
    let mut terms: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let term = if licence::is_known(text) {
            text.clone()
        } else {
            let hash = blake3::hash(text.as_bytes()).to_hex();
            let id: String = "LicenseRef-".chars().chain(hash.chars().take(16)).collect();
            licenses.insert(id.clone(), text.clone());
            id
        };
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    if terms.is_empty() { "NOASSERTION".to_owned() } else { terms.join(" AND ") }
}
