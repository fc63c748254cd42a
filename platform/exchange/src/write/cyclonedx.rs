//! CycloneDX 1.6 with vulnerabilities and only the components that they affect, each inside its asset (VEX).
//!
//! Vulnerabilities are written as they come; of the components each is remembered once and written behind them.

use std::collections::BTreeMap;

use model::{Cvss, FindingClass, PackageRef, Severity};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Asset, Exported, Heading, State, put};
use crate::TargetKind;
use crate::read::properties::{ASSET_KIND, FIX, KEY, SUPPRESSED};

/// Packages of an asset by their references, each with the first place of its evidence.
type Packages = BTreeMap<String, (PackageRef, Option<String>)>;

/// A document under way. Vulnerabilities are told as they come; what they affect is remembered until the end.
#[derive(Debug, Default)]
pub struct Bom {
    written: u64,
    assets: BTreeMap<String, (Asset, Packages)>,
}

impl Bom {
    /// Begins a document: it and its first text.
    #[must_use]
    pub fn begin(heading: &Heading) -> (Self, String) {
        let metadata = json!({
            "timestamp": heading.made_at,
            "authors": [{ "name": heading.author }],
            "tools": { "components": [
                { "type": "application", "name": "Palisade", "version": env!("CARGO_PKG_VERSION") },
            ] },
        });
        let serial = json!(format!("urn:uuid:{}", heading.id));
        let text = format!(
            "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":1,\n\"serialNumber\":{serial},\n\
             \"metadata\":{metadata},\n\"vulnerabilities\":["
        );
        (Self::default(), text)
    }

    /// The text of a finding; nothing for one that is no vulnerability, which the format has no place for.
    pub fn push(&mut self, exported: &Exported) -> Option<String> {
        if exported.finding.class != FindingClass::Vulnerability {
            return None;
        }
        let reference = remember(exported, &mut self.assets);
        let before = if self.written == 0 { "\n" } else { ",\n" };
        self.written += 1;
        Some(format!("{before}{}", vulnerability(exported, &reference)))
    }

    /// The last text.
    #[must_use]
    pub fn end(self) -> String {
        let component = |(reference, (asset, packages)): (&String, &(Asset, Packages))| {
            asset_component(reference, asset, packages).to_string()
        };
        let components: Vec<String> = self.assets.iter().map(component).collect();
        format!("\n],\n\"components\":[\n{}\n]}}\n", components.join(",\n"))
    }
}

/// Keeps the asset and the package of a finding for the list of components. Gives the reference of what is affected.
fn remember(exported: &Exported, assets: &mut BTreeMap<String, (Asset, Packages)>) -> String {
    let asset = &exported.asset;
    let asset_parts = [asset.kind.as_str(), &asset.name, asset.digest.as_deref().unwrap_or_default()];
    let asset_reference = reference("asset", &asset_parts);
    let (_, packages) =
        assets.entry(asset_reference.clone()).or_insert_with(|| (asset.clone(), Packages::new()));
    let Some(package) = &exported.finding.package else { return asset_reference };
    let path = exported.finding.evidence.first().map(|place| place.path.clone());
    let parts = [&asset_reference, &package.purl, path.as_deref().unwrap_or_default()];
    let package_reference = reference("package", &parts);
    packages.entry(package_reference.clone()).or_insert_with(|| (package.clone(), path));
    package_reference
}

/// A reference that the same parts always have, and no others.
fn reference(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(32);
    format!("palisade:{kind}:{digits}")
}

fn asset_component(reference: &str, asset: &Asset, packages: &Packages) -> Value {
    let kind = match asset.kind {
        TargetKind::Image => "container",
        TargetKind::Host => "device",
        TargetKind::Cluster | TargetKind::Account => "platform",
        TargetKind::Repository | TargetKind::Other => "application",
    };
    let packages: Vec<Value> = packages
        .iter()
        .map(|(reference, (package, path))| package_component(reference, package, path.as_deref()))
        .collect();
    let mut out = json!({
        "bom-ref": reference,
        "type": kind,
        "name": asset.name,
        "properties": [{ "name": ASSET_KIND, "value": asset.kind.as_str() }],
        "components": packages,
    });
    put(&mut out, "version", asset.digest.as_ref().map(|digest| json!(digest)));
    out
}

fn package_component(reference: &str, package: &PackageRef, path: Option<&str>) -> Value {
    let mut out = json!({
        "bom-ref": reference,
        "type": "library",
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
    });
    put(&mut out, "evidence", path.map(|path| json!({ "occurrences": [{ "location": path }] })));
    out
}

fn vulnerability(exported: &Exported, affected: &str) -> Value {
    let finding = &exported.finding;
    let mut ratings =
        vec![json!({ "severity": word(finding.severity), "source": { "name": finding.severity_source } })];
    ratings.extend(finding.cvss.iter().map(rating));
    let mut versions = Vec::new();
    if let Some(package) = &finding.package {
        versions.push(json!({ "version": package.version, "status": "affected" }));
        let fixed = finding.fix.versions.iter();
        versions.extend(fixed.map(|version| json!({ "version": version, "status": "unaffected" })));
    }
    let mut affects = json!({ "ref": affected });
    put(&mut affects, "versions", (!versions.is_empty()).then(|| json!(versions)));
    let mut properties = vec![
        json!({ "name": FIX, "value": finding.fix.state }),
        json!({ "name": KEY, "value": finding.key }),
        json!({ "name": "palisade:fingerprint", "value": exported.fingerprint.0 }),
    ];
    let suppression = exported.suppression();
    properties
        .extend(suppression.map(|said| json!({ "name": SUPPRESSED, "value": json!(said).to_string() })));
    properties
        .extend(exported.owner.as_ref().map(|owner| json!({ "name": "palisade:owner", "value": owner })));
    let mut out = json!({
        "bom-ref": format!("palisade:finding:{}", exported.fingerprint.0),
        "id": finding.rule,
        "ratings": ratings,
        "detail": finding.title,
        "created": exported.first_seen,
        "updated": exported.last_seen,
        "affects": [affects],
        "properties": properties,
    });
    let others = finding.ids.iter().skip(1);
    // The format asks for a source beside every other id, and the record does not tell it.
    let others: Vec<Value> = others.map(|id| json!({ "id": id, "source": { "name": "alias" } })).collect();
    put(&mut out, "references", (!others.is_empty()).then(|| json!(others)));
    let advisories: Vec<Value> = finding.references.iter().map(|url| json!({ "url": url })).collect();
    put(&mut out, "advisories", (!advisories.is_empty()).then(|| json!(advisories)));
    put(&mut out, "description", (!finding.description.is_empty()).then(|| json!(finding.description)));
    put(&mut out, "analysis", analysis(exported));
    out
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Negligible => "info",
        other => other.as_str(),
    }
}

fn rating(cvss: &Cvss) -> Value {
    let method = match cvss.version.as_str() {
        "2.0" => "CVSSv2",
        "3.0" => "CVSSv3",
        "3.1" => "CVSSv31",
        "4.0" => "CVSSv4",
        _ => "other",
    };
    json!({ "source": { "name": cvss.source }, "score": cvss.score, "method": method, "vector": cvss.vector })
}

/// What was decided, in the words of the format. What nobody has decided has no analysis.
fn analysis(exported: &Exported) -> Option<Value> {
    let suppression = exported.suppression();
    let (state, response) = match (&exported.state, suppression.as_ref().map(|said| said.code.as_str())) {
        (State::Fixed, _) => ("resolved", None),
        (State::FalsePositive { .. }, _) => ("false_positive", None),
        (State::AcceptedRisk { .. }, _) => ("exploitable", Some("will_not_fix")),
        (State::Open, Some("vex-fixed")) => ("resolved", None),
        (State::Open, Some("vex-not-affected")) => ("not_affected", None),
        (State::Open, Some("vex-false-positive" | "owned-by-os-package")) => ("false_positive", None),
        (State::Open, Some("vendor-will-not-fix")) => ("exploitable", Some("will_not_fix")),
        (State::Open, Some(_)) => ("in_triage", None),
        (State::Open, None) => return None,
    };
    let mut out = json!({ "state": state });
    put(&mut out, "response", response.map(|response| json!([response])));
    put(&mut out, "detail", suppression.map(|said| json!(said.reason)));
    Some(out)
}
