//! Reading: one component at a time from raw slices of the document, so that memory follows the largest component and
//! one malformed component costs itself alone.

use std::collections::BTreeMap;

use model::{Confidence, Evidence, Gap, GapCode, OperatingSystem, PackageOwner, PackageType, SourcePackage};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::assemble::{Assembly, Exact, Stated};
use crate::{Bom, IngestError, distribution, json, limits};

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "bomFormat")]
    bom_format: String,
    #[serde(rename = "specVersion")]
    spec_version: String,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    components: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(rename = "bom-ref")]
    id: Option<String>,
    group: Option<String>,
    #[serde(default)]
    name: String,
    version: Option<String>,
    description: Option<String>,
    purl: Option<String>,
    #[serde(borrow)]
    licenses: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
    #[serde(borrow, default)]
    components: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Property {
    #[serde(default)]
    name: String,
    value: Option<String>,
}

#[derive(Deserialize)]
struct LicenseChoice {
    license: Option<License>,
    expression: Option<String>,
}

#[derive(Deserialize)]
struct License {
    id: Option<String>,
    name: Option<String>,
}

/// Reads CycloneDX JSON, 1.3 to 1.7, from us or from others.
///
/// The operating system comes from the `operating-system` component, else from what the package URLs agree on. Source
/// packages come from `upstream` qualifiers, else from the properties that Syft and Trivy write.
///
/// # Errors
/// [`IngestError::TooLarge`], [`IngestError::Json`], [`IngestError::UnknownFormat`], [`IngestError::Version`].
pub fn read(document: &[u8]) -> Result<Bom, IngestError> {
    json::check_size(document)?;
    let document: Document<'_> = serde_json::from_slice(json::strip_mark(document))
        .map_err(|source| IngestError::Json { format: "CycloneDX", source })?;
    if document.bom_format != "CycloneDX" {
        return Err(IngestError::UnknownFormat);
    }
    if !matches!(document.spec_version.as_str(), "1.3" | "1.4" | "1.5" | "1.6" | "1.7") {
        return Err(IngestError::Version {
            format: "CycloneDX",
            found: document.spec_version.chars().take(20).collect(),
            supported: "1.3 to 1.7",
        });
    }
    let mut assembly = Assembly::default();
    if let Some(metadata) = document.metadata {
        declared_gaps(metadata, &mut assembly);
    }
    // A stack instead of recursion: the depth of the document must not become the depth of ours.
    let mut open: Vec<(usize, std::vec::IntoIter<&RawValue>)> =
        vec![(1, document.components.unwrap_or_default().into_iter())];
    while let Some((depth, list)) = open.last_mut() {
        let depth = *depth;
        let Some(raw) = list.next() else {
            open.pop();
            continue;
        };
        let inner = component(raw, &mut assembly);
        if inner.is_empty() {
            continue;
        }
        if depth < limits::COMPONENT_DEPTH {
            open.push((depth + 1, inner.into_iter()));
        } else {
            let reason = format!("components deeper than {} levels were not read", limits::COMPONENT_DEPTH);
            assembly.notes.add(GapCode::DepthLimit, "components", reason);
        }
    }
    Ok(assembly.finish(format!("CycloneDX {}", document.spec_version)))
}

/// Takes one component over and gives those inside it.
fn component<'a>(raw: &'a RawValue, assembly: &mut Assembly) -> Vec<&'a RawValue> {
    let component: Component<'a> = match serde_json::from_str(raw.get()) {
        Ok(component) => component,
        Err(error) => {
            assembly.notes.add(GapCode::ParseError, "malformed components", error.to_string());
            return Vec::new();
        }
    };
    let Component { kind, id, group, name, version, description, purl, licenses, properties, components } =
        component;
    let inner = components.unwrap_or_default();
    let properties = assembly.part(properties, limits::COMPONENT_PART_BYTES);
    let properties: Properties = properties.map(Properties::new).unwrap_or_default();
    if kind == "operating-system" {
        if assembly.os.is_none() && !name.is_empty() {
            assembly.os = Some(operating_system(&name, version.as_deref(), description, &properties));
        }
        return inner;
    }
    // Without a purl, only what calls itself software with a version is software: Trivy lists lock files as
    // applications, Syft lists plain files.
    let is_software =
        matches!(kind.as_str(), "library" | "framework") || (kind == "application" && version.is_some());
    if purl.is_none() && !is_software {
        return inner;
    }
    let mut names = Vec::with_capacity(2);
    if let Some(group) = group.filter(|group| !group.is_empty()) {
        names.push(format!("{group}/{name}"));
    }
    names.push(name);
    let exact = properties.exact();
    let licenses = assembly.part(licenses, limits::COMPONENT_PART_BYTES).map(license_texts);
    let evidence = if exact.is_some() { properties.own_evidence() } else { properties.foreign_evidence() };
    assembly.add(Stated {
        id,
        purl,
        names,
        version,
        licenses: licenses.unwrap_or_default(),
        source: properties.source(),
        evidence,
        exact,
    });
    inner
}

fn license_texts(choices: Vec<LicenseChoice>) -> Vec<String> {
    choices
        .into_iter()
        .filter_map(|choice| {
            let license = choice.license.and_then(|license| license.id.or(license.name));
            license.or(choice.expression)
        })
        .collect()
}

fn operating_system(
    name: &str,
    version: Option<&str>,
    description: Option<String>,
    properties: &Properties,
) -> OperatingSystem {
    if let Some(id) = properties.first("palisade:os:id") {
        return OperatingSystem {
            id: id.to_owned(),
            version: properties.first("palisade:os:version").map(str::to_owned),
            codename: properties.first("palisade:os:codename").map(str::to_owned),
            like: properties.all("palisade:os:like"),
            pretty_name: properties.first("palisade:os:pretty-name").map(str::to_owned),
        };
    }
    let name = properties.first("syft:distro:id").unwrap_or(name);
    let version = properties.first("syft:distro:versionID").or(version);
    OperatingSystem {
        codename: properties.first("syft:distro:versionCodename").map(str::to_owned),
        like: (0..16)
            .map_while(|n| properties.first(&format!("syft:distro:idLike:{n}")).map(str::to_owned))
            .collect(),
        pretty_name: properties.first("syft:distro:prettyName").map(str::to_owned).or(description),
        ..distribution::plain(name, version)
    }
}

/// Takes over the gaps that one of our documents declares.
fn declared_gaps(metadata: &RawValue, assembly: &mut Assembly) {
    let Ok(metadata) = serde_json::from_str::<Metadata<'_>>(metadata.get()) else {
        assembly.notes.add(GapCode::ParseError, "document metadata", "it is malformed".to_owned());
        return;
    };
    let properties = assembly.part(metadata.properties, limits::DOCUMENT_PART_BYTES);
    let properties: Properties = properties.map(Properties::new).unwrap_or_default();
    for text in properties.all("palisade:gap") {
        match serde_json::from_str::<Gap>(&text) {
            Ok(gap) => assembly.notes.declare(gap),
            Err(error) => assembly.notes.add(GapCode::ParseError, "declared gaps", error.to_string()),
        }
    }
}

/// Name-value pairs, in the order of the document.
#[derive(Debug, Default)]
struct Properties(Vec<(String, String)>);

impl Properties {
    fn new(list: Vec<Property>) -> Self {
        Self(list.into_iter().filter_map(|p| p.value.map(|value| (p.name, value))).collect())
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    fn exact(&self) -> Option<Exact> {
        let owned = |name: &str| self.first(name).map(str::to_owned);
        let owner_kind = self.first("palisade:owner:type").and_then(PackageType::from_name);
        Some(Exact {
            kind: Some(self.first("palisade:type").and_then(PackageType::from_name)?),
            name: owned("palisade:name")?,
            version: owned("palisade:version")?,
            arch: owned("palisade:arch"),
            source: owned("palisade:source:name")
                .map(|name| SourcePackage { name, version: owned("palisade:source:version") }),
            owner: owner_kind
                .zip(owned("palisade:owner:name"))
                .map(|(kind, name)| PackageOwner { kind, name }),
        })
    }

    /// The source package as Syft and Trivy write it beside the purl.
    fn source(&self) -> Option<SourcePackage> {
        if let Some(name) = self.first("aquasecurity:trivy:SrcName") {
            let version = self.first("aquasecurity:trivy:SrcVersion").map(|version| {
                let epoch = self.first("aquasecurity:trivy:SrcEpoch").map(|epoch| format!("{epoch}:"));
                let release =
                    self.first("aquasecurity:trivy:SrcRelease").map(|release| format!("-{release}"));
                format!("{}{version}{}", epoch.unwrap_or_default(), release.unwrap_or_default())
            });
            return Some(SourcePackage { name: name.to_owned(), version });
        }
        if let Some(file) = self.first("syft:metadata:sourceRpm") {
            return crate::purl::source(PackageType::Rpm, file);
        }
        let name = self.first("syft:metadata:source").or(self.first("syft:metadata:originPackage"))?;
        if name.is_empty() {
            return None;
        }
        let version = self.first("syft:metadata:sourceVersion").filter(|version| !version.is_empty());
        Some(SourcePackage { name: name.to_owned(), version: version.map(str::to_owned) })
    }

    fn own_evidence(&self) -> Vec<Evidence> {
        #[derive(Default)]
        struct Fields<'a> {
            path: Option<&'a str>,
            inner: Option<&'a str>,
            method: Option<&'a str>,
            confidence: Option<Confidence>,
            plugin: Option<&'a str>,
        }
        let mut places: BTreeMap<u32, Fields<'_>> = BTreeMap::new();
        for (key, value) in &self.0 {
            let Some((index, field)) =
                key.strip_prefix("palisade:evidence:").and_then(|rest| rest.split_once(':'))
            else {
                continue;
            };
            let Ok(index) = index.parse() else { continue };
            let place = places.entry(index).or_default();
            match field {
                "path" => place.path = Some(value),
                "inner" => place.inner = Some(value),
                "method" => place.method = Some(value),
                "confidence" => place.confidence = confidence(value),
                "plugin" => place.plugin = Some(value),
                _ => {}
            }
        }
        let complete = places.into_values().filter_map(|place| {
            Some(Evidence {
                path: place.path?.to_owned(),
                inner: place.inner.map(str::to_owned),
                method: place.method?.to_owned(),
                confidence: place.confidence?,
                plugin: place.plugin.map(str::to_owned),
                line: None,
            })
        });
        complete.collect()
    }

    fn foreign_evidence(&self) -> Vec<Evidence> {
        let is_path = |key: &str| {
            key == "aquasecurity:trivy:FilePath"
                || key.strip_prefix("syft:location:").is_some_and(|rest| rest.ends_with(":path"))
        };
        let paths = self.0.iter().filter(|(key, value)| is_path(key) && value.len() <= limits::TEXT_BYTES);
        paths
            .take(limits::FOREIGN_EVIDENCE)
            .map(|(_, path)| Evidence {
                path: path.trim_start_matches('/').to_owned(),
                inner: None,
                method: "cyclonedx".to_owned(),
                confidence: Confidence::Medium,
                plugin: None,
                line: None,
            })
            .collect()
    }
}

pub(crate) fn confidence(word: &str) -> Option<Confidence> {
    Some(match word {
        "low" => Confidence::Low,
        "medium" => Confidence::Medium,
        "high" => Confidence::High,
        _ => return None,
    })
}
