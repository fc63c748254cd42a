//! Writing CycloneDX 1.6 JSON: packages, the operating system, vulnerabilities, and the coverage statement.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{
    Confidence, Cvss, Evidence, Finding, FindingClass, OperatingSystem, Package, ScanReport, Severity,
    Target, TargetKind,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{licence, serial};

/// The report as CycloneDX 1.6 JSON, ending in a line break.
///
/// Without a timestamp the bytes are a function of the report and the target. The serial number is made from the
/// content in either case. Findings of other classes than vulnerability have no place in the format and are counted in
/// the property `palisade:findings:omitted`.
#[must_use]
pub fn write(report: &ScanReport, target: Option<&Target>, timestamp: Option<Timestamp>) -> String {
    let refs = references(&report.packages);
    let mut components: Vec<Listed<'_>> =
        report.os.iter().map(|os| Listed::System(operating_system(os))).collect();
    let packages = report.packages.iter().zip(&refs);
    components.extend(packages.map(|(package, id)| Listed::Package(component(package, id))));
    let mut ids_by_purl: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (package, id) in report.packages.iter().zip(&refs) {
        ids_by_purl.entry(&package.purl).or_default().push(id);
    }
    let (vulnerabilities, others): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.class == FindingClass::Vulnerability);
    let vulnerabilities: Vec<Value> =
        vulnerabilities.into_iter().map(|finding| vulnerability(finding, &ids_by_purl)).collect();
    let aggregate = if report.coverage.complete { "complete" } else { "incomplete" };
    let document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        components,
        compositions: [Composition { aggregate }],
        metadata: metadata(report, target, timestamp, others.len()),
        spec_version: "1.6",
        version: 1,
        vulnerabilities,
    };
    // Texts, numbers and maps with text keys: there is nothing in it that JSON could not say.
    with_serial_number(serde_json::to_string_pretty(&document).unwrap_or_default()) + "\n"
}

/// Adds the number made from the text, in its place by name. Put into the document it would cost writing everything twice.
fn with_serial_number(mut text: String) -> String {
    let member = format!("\n  \"serialNumber\": \"urn:uuid:{}\",", serial::uuid(&text));
    // A line break cannot stand inside a text of JSON, so this is where the next member begins and nothing else.
    if let Some(next) = text.find("\n  \"specVersion\"") {
        text.insert_str(next, &member);
    }
    text
}

/// The document. Components are most of it and borrow from the report; fields are in the order of their names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    components: Vec<Listed<'a>>,
    compositions: [Composition; 1],
    metadata: Value,
    spec_version: &'static str,
    version: u32,
    vulnerabilities: Vec<Value>,
}

#[derive(Serialize)]
struct Composition {
    aggregate: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Listed<'a> {
    System(Value),
    Package(Component<'a>),
}

#[derive(Serialize)]
struct Component<'a> {
    #[serde(rename = "bom-ref")]
    bom_ref: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Occurrences>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Value>,
    name: &'a str,
    properties: Properties<'a>,
    purl: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'a str,
}

/// The places for readers that know nothing of our properties.
#[derive(Serialize)]
struct Occurrences {
    occurrences: Vec<Occurrence>,
}

#[derive(Serialize)]
struct Occurrence {
    location: String,
}

/// A reference per package: its purl, with a number where several packages share one.
fn references(packages: &[Package]) -> Vec<String> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    packages
        .iter()
        .map(|package| {
            let count = seen.entry(&package.purl).or_default();
            *count += 1;
            if *count == 1 && !package.purl.is_empty() {
                package.purl.clone()
            } else {
                format!("{}#palisade-{count}", package.purl)
            }
        })
        .collect()
}

fn metadata(report: &ScanReport, target: Option<&Target>, at: Option<Timestamp>, omitted: usize) -> Value {
    let mut properties = Properties::default();
    properties.add("palisade:coverage:complete", report.coverage.complete.to_string());
    if omitted > 0 {
        properties.add("palisade:findings:omitted", omitted.to_string());
    }
    for analyzer in &report.coverage.analyzers {
        properties.add("palisade:analyzer", json!(analyzer).to_string());
    }
    if let Some(advisories) = &report.coverage.advisories {
        properties.add("palisade:advisories", json!(advisories).to_string());
    }
    for ecosystem in &report.coverage.ecosystems {
        properties.add("palisade:ecosystem", json!(ecosystem).to_string());
    }
    for gap in &report.coverage.gaps {
        properties.add("palisade:gap", json!(gap).to_string());
    }
    let mut metadata = Map::new();
    if let Some(at) = at {
        metadata.insert("timestamp".into(), json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    }
    metadata.insert(
        "tools".into(),
        json!({ "components": [{ "type": "application", "name": "palisade", "version": env!("CARGO_PKG_VERSION") }] }),
    );
    if let Some(target) = target {
        metadata.insert("component".into(), subject(target));
    }
    metadata.insert("properties".into(), properties.into());
    Value::Object(metadata)
}

/// The scanned thing itself.
fn subject(target: &Target) -> Value {
    let kind = match target.kind {
        TargetKind::Image => "container",
        TargetKind::Directory | TargetKind::Sbom => "file",
        TargetKind::Cluster | TargetKind::Account => "platform",
        TargetKind::Repository => "application",
        TargetKind::Host => "device",
    };
    let mut properties = Properties::default();
    properties.add("palisade:target:kind", json!(target.kind).as_str().unwrap_or_default().to_owned());
    if let Some(platform) = &target.platform {
        properties.add("palisade:target:platform", platform.as_str());
    }
    for layer in &target.layers {
        properties.add("palisade:target:layer", layer.as_str());
    }
    let mut out = json!({
        "type": kind,
        "bom-ref": "palisade:target",
        "name": target.reference,
        "properties": Value::from(properties),
    });
    if let (Some(digest), Some(fields)) = (&target.digest, out.as_object_mut()) {
        fields.insert("version".into(), json!(digest.as_str()));
    }
    out
}

fn operating_system(os: &OperatingSystem) -> Value {
    let mut properties = Properties::default();
    properties.add("palisade:os:id", os.id.as_str());
    properties.add_some("palisade:os:version", os.version.as_deref());
    properties.add_some("palisade:os:codename", os.codename.as_deref());
    for like in &os.like {
        properties.add("palisade:os:like", like.as_str());
    }
    properties.add_some("palisade:os:pretty-name", os.pretty_name.as_deref());
    let mut out = Map::new();
    out.insert("type".into(), json!("operating-system"));
    out.insert("bom-ref".into(), json!("palisade:os"));
    out.insert("name".into(), json!(os.id));
    if let Some(version) = &os.version {
        out.insert("version".into(), json!(version));
    }
    if let Some(pretty) = &os.pretty_name {
        out.insert("description".into(), json!(pretty));
    }
    out.insert("properties".into(), properties.into());
    Value::Object(out)
}

fn component<'a>(package: &'a Package, id: &'a str) -> Component<'a> {
    let mut properties = Properties::default();
    properties.add("palisade:type", package.kind.as_str());
    properties.add("palisade:name", package.name.as_str());
    properties.add("palisade:version", package.version.as_str());
    properties.add_some("palisade:arch", package.arch.as_deref());
    if let Some(source) = &package.source {
        properties.add("palisade:source:name", source.name.as_str());
        properties.add_some("palisade:source:version", source.version.as_deref());
    }
    if let Some(owner) = &package.owner {
        properties.add("palisade:owner:type", owner.kind.as_str());
        properties.add("palisade:owner:name", owner.name.as_str());
    }
    for (index, evidence) in package.evidence.iter().enumerate() {
        let key = |field: &str| format!("palisade:evidence:{index}:{field}");
        properties.add(key("path"), evidence.path.as_str());
        if let Some(inner) = &evidence.inner {
            properties.add(key("inner"), inner.as_str());
        }
        properties.add(key("method"), evidence.method.as_str());
        properties.add(key("confidence"), confidence(evidence.confidence));
        if let Some(plugin) = &evidence.plugin {
            properties.add(key("plugin"), plugin.as_str());
        }
    }
    let licenses = package.licenses.iter().map(|text| {
        let field = if licence::is_known(text) { "id" } else { "name" };
        json!({ "license": { field: text } })
    });
    Component {
        bom_ref: id,
        evidence: occurrences(&package.evidence),
        licenses: licenses.collect(),
        name: &package.name,
        properties,
        purl: &package.purl,
        kind: "library",
        version: &package.version,
    }
}

fn occurrences(evidence: &[Evidence]) -> Option<Occurrences> {
    let mut places: Vec<String> = evidence
        .iter()
        .map(|place| match &place.inner {
            Some(inner) => format!("{}!/{inner}", place.path),
            None => place.path.clone(),
        })
        .collect();
    places.sort();
    places.dedup();
    let occurrences: Vec<Occurrence> = places.into_iter().map(|location| Occurrence { location }).collect();
    (!occurrences.is_empty()).then_some(Occurrences { occurrences })
}

pub(crate) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn vulnerability(finding: &Finding, ids_by_purl: &BTreeMap<&str, Vec<&str>>) -> Value {
    let mut ratings = vec![json!({
        "source": { "name": finding.severity_source },
        "severity": severity(finding.severity),
        "method": "other",
    })];
    ratings.extend(finding.cvss.iter().map(rating));
    let mut properties = Properties::default();
    properties.add("palisade:finding:key", finding.key.as_str());
    properties.add("palisade:severity", finding.severity.as_str());
    properties.add("palisade:fix:state", json!(finding.fix.state).as_str().unwrap_or_default().to_owned());
    for version in &finding.fix.versions {
        properties.add("palisade:fix:version", version.as_str());
    }
    if let Some(kev) = &finding.kev {
        properties.add("palisade:kev:added", kev.added.as_str());
        properties.add_some("palisade:kev:due", kev.due.as_deref());
        properties.add("palisade:kev:ransomware", kev.ransomware.to_string());
    }
    if let Some(epss) = &finding.epss {
        properties.add("palisade:epss:score", epss.score.to_string());
        properties.add("palisade:epss:percentile", epss.percentile.to_string());
    }
    for record in &finding.records {
        properties.add("palisade:record", json!(record).to_string());
    }
    let mut out = json!({
        "bom-ref": format!("palisade:finding:{}", finding.key),
        "id": finding.rule,
        "source": { "name": authority(&finding.rule) },
        "ratings": ratings,
        "detail": finding.title,
        "properties": Value::from(properties),
    });
    let Some(fields) = out.as_object_mut() else { return out };
    let aliases: Vec<Value> = (finding.ids.iter().filter(|id| **id != finding.rule))
        .map(|id| json!({ "id": id, "source": { "name": authority(id) } }))
        .collect();
    if !aliases.is_empty() {
        fields.insert("references".into(), json!(aliases));
    }
    if !finding.description.is_empty() {
        fields.insert("description".into(), json!(finding.description));
    }
    if !finding.references.is_empty() {
        fields.insert(
            "advisories".into(),
            finding.references.iter().map(|url| json!({ "url": url })).collect(),
        );
    }
    if let Some(package) = &finding.package {
        if let Some(version) = finding.fix.versions.first() {
            fields.insert("recommendation".into(), json!(format!("Upgrade {} to {version}.", package.name)));
        }
        let ids = ids_by_purl.get(package.purl.as_str()).cloned().unwrap_or_default();
        let versions = json!([{ "version": package.version, "status": "affected" }]);
        let affects: Vec<Value> = ids.iter().map(|id| json!({ "ref": id, "versions": versions })).collect();
        fields.insert("affects".into(), json!(affects));
    }
    if let Some(suppressed) = &finding.suppressed {
        let state = match suppressed.code.as_str() {
            "vex-not-affected" => "not_affected",
            "owned-by-os-package" => "false_positive",
            _ => "in_triage",
        };
        let detail = format!("{}: {}", suppressed.code, suppressed.reason);
        fields.insert("analysis".into(), json!({ "state": state, "detail": detail }));
    }
    out
}

fn rating(cvss: &Cvss) -> Value {
    let method = match cvss.version.as_str() {
        "2.0" => "CVSSv2",
        "3.0" => "CVSSv3",
        "3.1" => "CVSSv31",
        "4.0" => "CVSSv4",
        _ => "other",
    };
    json!({
        "source": { "name": cvss.source },
        "score": cvss.score,
        "severity": severity(Severity::from_cvss_score(cvss.score)),
        "method": method,
        "vector": cvss.vector,
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Negligible => "info",
        other => other.as_str(),
    }
}

fn authority(id: &str) -> &'static str {
    if id.starts_with("CVE-") {
        "NVD"
    } else if id.starts_with("GHSA-") {
        "GitHub"
    } else {
        "OSV"
    }
}

/// A `properties` list under construction.
#[derive(Default, Serialize)]
#[serde(transparent)]
struct Properties<'a>(Vec<Property<'a>>);

#[derive(Serialize)]
struct Property<'a> {
    name: Cow<'static, str>,
    value: Cow<'a, str>,
}

impl<'a> Properties<'a> {
    fn add(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'a, str>>) {
        self.0.push(Property { name: name.into(), value: value.into() });
    }

    fn add_some(&mut self, name: &'static str, value: Option<&'a str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }
}

impl From<Properties<'_>> for Value {
    fn from(properties: Properties<'_>) -> Self {
        json!(properties)
    }
}
