//! Reading SPDX, package by package from raw slices of the document; its file lists are skipped unread.

use model::{Confidence, Evidence, GapCode, SourcePackage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Comment, Extra};
use crate::assemble::{Assembly, Exact, Stated};
use crate::{Bom, IngestError, distribution, json, limits};

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "spdxVersion")]
    spdx_version: String,
    #[serde(borrow, default)]
    packages: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    relationships: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow, rename = "hasExtractedLicensingInfos")]
    extracted: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    #[serde(rename = "SPDXID")]
    id: Option<String>,
    #[serde(default)]
    name: String,
    version_info: Option<String>,
    source_info: Option<String>,
    license_declared: Option<String>,
    license_concluded: Option<String>,
    primary_package_purpose: Option<String>,
    #[serde(borrow)]
    external_refs: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_type: Option<String>,
    reference_locator: Option<String>,
}

#[derive(Deserialize)]
struct Annotation {
    annotator: Option<String>,
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    related_spdx_element: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extracted {
    license_id: String,
    name: Option<String>,
    extracted_text: Option<String>,
}

type LicenseNames = std::collections::BTreeMap<String, String>;

/// Reads SPDX 2.2 or 2.3 JSON, from us or from others.
///
/// Packages are known by the package URL among their external references. The operating system comes from a package
/// with that purpose, else from what the package URLs agree on. Syft's "ownership by file overlap" relationships become
/// owners; Trivy's `built package from` becomes the source package.
///
/// # Errors
/// [`IngestError::TooLarge`], [`IngestError::Json`], [`IngestError::Version`].
pub fn read(document: &[u8]) -> Result<Bom, IngestError> {
    json::check_size(document)?;
    let document: Document<'_> = serde_json::from_slice(json::strip_mark(document))
        .map_err(|source| IngestError::Json { format: "SPDX", source })?;
    if !matches!(document.spdx_version.as_str(), "SPDX-2.2" | "SPDX-2.3") {
        return Err(IngestError::Version {
            format: "SPDX",
            found: document.spdx_version.chars().take(20).collect(),
            supported: "2.2 and 2.3",
        });
    }
    let mut assembly = Assembly::default();
    for extra in extras(document.annotations, limits::DOCUMENT_PART_BYTES, &mut assembly) {
        if let Extra::Coverage { gaps, .. } = extra {
            gaps.into_iter().for_each(|gap| assembly.notes.declare(gap));
        }
    }
    let names = license_names(document.extracted, &mut assembly);
    for raw in document.packages.unwrap_or_default() {
        match serde_json::from_str::<Package<'_>>(raw.get()) {
            Ok(each) => package(each, &names, &mut assembly),
            Err(error) => assembly.notes.add(GapCode::ParseError, "malformed packages", error.to_string()),
        }
    }
    // Documents have many thousand relationships of files; only Syft's statement of ownership matters here.
    let claims = document.relationships.unwrap_or_default().into_iter();
    for raw in claims.filter(|raw| raw.get().contains("ownership-by-file-overlap")) {
        if let Ok(claim) = serde_json::from_str::<Relationship>(raw.get()) {
            assembly.own(&claim.spdx_element_id, &claim.related_spdx_element);
        }
    }
    Ok(assembly.finish(document.spdx_version.replacen('-', " ", 1)))
}

fn package(package: Package<'_>, names: &LicenseNames, assembly: &mut Assembly) {
    let mut exact = None;
    for extra in extras(package.annotations, limits::COMPONENT_PART_BYTES, assembly) {
        match extra {
            Extra::Os(os) => {
                assembly.os.get_or_insert(os);
                return;
            }
            Extra::Package(package) => exact = Some(package),
            Extra::Coverage { .. } => {}
        }
    }
    if let Some(own) = exact {
        assembly.add(Stated {
            id: package.id,
            purl: Some(own.purl),
            licenses: own.licenses,
            evidence: own.evidence,
            exact: Some(Exact {
                kind: Some(own.kind),
                name: own.name,
                version: own.version,
                arch: own.arch,
                source: own.source,
                owner: own.owner,
            }),
            ..Stated::default()
        });
        return;
    }
    let purpose = package.primary_package_purpose.as_deref().unwrap_or_default();
    if matches!(purpose, "OPERATING-SYSTEM" | "OPERATING_SYSTEM") {
        if assembly.os.is_none() {
            assembly.os = Some(distribution::plain(&package.name, package.version_info.as_deref()));
        }
        return;
    }
    let references: Vec<ExternalRef> =
        assembly.part(package.external_refs, limits::COMPONENT_PART_BYTES).unwrap_or_default();
    let purl = references
        .into_iter()
        .find(|reference| reference.reference_type.as_deref() == Some("purl"))
        .and_then(|reference| reference.reference_locator);
    // Without a purl, what says what it is for and is no library is a container of packages or a plain file.
    if purl.is_none() && !matches!(purpose, "" | "LIBRARY" | "FRAMEWORK") {
        return;
    }
    // The root of a document by Trivy or Syft has no purpose in older versions; a package has a version.
    if purl.is_none() && package.version_info.is_none() {
        return;
    }
    let license = [package.license_declared, package.license_concluded]
        .into_iter()
        .flatten()
        .find(|text| !matches!(text.as_str(), "NOASSERTION" | "NONE" | ""));
    let source_info = package.source_info.unwrap_or_default();
    assembly.add(Stated {
        id: package.id,
        purl,
        names: vec![package.name],
        version: package.version_info.filter(|version| version != "NOASSERTION"),
        licenses: license.map(|text| license_texts(&text, names)).unwrap_or_default(),
        source: built_from(&source_info),
        evidence: acquired_from(&source_info),
        exact: None,
    });
}

/// `built package from: openssl 3.0.11-1`, Trivy's statement of the source package.
fn built_from(text: &str) -> Option<SourcePackage> {
    let (name, version) =
        text.strip_prefix("built package from: ").map(|rest| match rest.split_once(' ') {
            Some((name, version)) => (name, Some(version)),
            None => (rest, None),
        })?;
    Some(SourcePackage { name: name.to_owned(), version: version.map(str::to_owned) })
}

/// `acquired package info from DPKG DB: /var/lib/dpkg/status`, Syft's statement of where it looked.
fn acquired_from(text: &str) -> Vec<Evidence> {
    let paths = text.strip_prefix("acquired package info from ").and_then(|rest| rest.split_once(": "));
    let paths = paths.map(|(_, paths)| paths).unwrap_or_default();
    paths
        .split(", ")
        .filter(|path| !path.is_empty() && path.len() <= limits::TEXT_BYTES)
        .take(limits::FOREIGN_EVIDENCE)
        .map(|path| Evidence {
            path: path.trim_start_matches('/').to_owned(),
            inner: None,
            method: "spdx".to_owned(),
            confidence: Confidence::Medium,
            plugin: None,
            line: None,
        })
        .collect()
}

/// The terms of a plain conjunction, references replaced by the text they stand for; any other expression as a whole.
fn license_texts(expression: &str, names: &LicenseNames) -> Vec<String> {
    let plain = !expression.contains(['(', ')']) && !expression.contains(" OR ");
    let terms: Vec<&str> = if plain { expression.split(" AND ").collect() } else { vec![expression] };
    terms
        .into_iter()
        .map(|term| names.get(term.trim()).cloned().unwrap_or_else(|| term.trim().to_owned()))
        .collect()
}

fn license_names(raw: Option<&RawValue>, assembly: &mut Assembly) -> LicenseNames {
    let list: Vec<Extracted> = assembly.part(raw, limits::DOCUMENT_PART_BYTES).unwrap_or_default();
    list.into_iter()
        .filter_map(|each| {
            let is_short = |text: &String| !text.is_empty() && text.len() <= 200 && text != "NOASSERTION";
            let text = each.name.filter(is_short).or(each.extracted_text.filter(is_short))?;
            Some((each.license_id, text))
        })
        .collect()
}

fn extras(raw: Option<&RawValue>, limit: usize, assembly: &mut Assembly) -> Vec<Extra> {
    let list: Vec<Annotation> = assembly.part(raw, limit).unwrap_or_default();
    let own = list.into_iter().filter(|each| each.annotator.as_deref() == Some("Tool: palisade"));
    own.filter_map(|each| serde_json::from_str::<Comment>(&each.comment?).ok())
        .map(|comment| comment.palisade)
        .collect()
}
