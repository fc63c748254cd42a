//! A component as the OCI artifact that the CNCF's Wasm working group describes: a manifest, a small configuration, and
//! one layer that is the component itself.
//!
//! Everything in it follows from the component, and no time is in it: who has the component has the manifest's digest.

use std::collections::BTreeMap;

use model::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{DistributionError, shown};

/// Largest component, in bytes: what the plugin host takes.
pub const COMPONENT_BYTES_MAX: u64 = 32 << 20;

/// Largest manifest. Registries refuse more than 4 MiB; an honest one of this form has a kilobyte.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// Largest configuration. It lists imports and exports.
pub(crate) const CONFIG_BYTES_MAX: u64 = 1 << 20;

pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const WASM_CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const WASM_LAYER_TYPE: &str = "application/wasm";
const ARTIFACT_TYPE: &str = "application/vnd.palisade.plugin.v1";

const TITLE: &str = "org.opencontainers.image.title";

/// `created` is required by readers of the configuration, and a real time would change the digest with every build.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What the component says of itself, as whoever inspected it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Plugin id.
    pub id: String,
    /// Plugin version.
    pub version: String,
    /// SPDX licence expression.
    pub license: String,
    /// What it does, for people.
    pub description: String,
    /// Names of what it imports.
    pub imports: Vec<String>,
    /// Names of what it exports.
    pub exports: Vec<String>,
}

/// A component with its manifest and configuration. The three belong together: their digests have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    manifest: Vec<u8>,
    config: Vec<u8>,
    component: Vec<u8>,
    digest: Digest,
    component_digest: Digest,
}

/// A pointer to content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: digest_of(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    pub(crate) fn annotated(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// An image manifest, as far as artifacts use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    pub(crate) media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest of any artifact. A key of it that stands there twice is refused, as two readers could see two
    /// artifacts in it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| shown(&error.to_string()))?;
        if manifest.schema_version != 2 || manifest.media_type != MANIFEST_TYPE {
            return Err(format!("its media type is {:?}", shown(&manifest.media_type)));
        }
        Ok(manifest)
    }
}

/// Where a plugin's manifest says that its parts are.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) config: Digest,
    pub(crate) component: Digest,
}

impl Parts {
    /// Reads the manifest of a plugin, made by this product or by another that knows the same form.
    pub(crate) fn read(manifest: &[u8]) -> Result<Self, DistributionError> {
        let wrong = |why: String| DistributionError::artifact("the manifest", why);
        if manifest.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(wrong(format!("it is larger than {MANIFEST_BYTES_MAX} bytes")));
        }
        let manifest = Manifest::parse(manifest).map_err(wrong)?;
        if manifest.config.media_type != WASM_CONFIG_TYPE {
            let found = shown(&manifest.config.media_type);
            return Err(wrong(format!("its configuration is {found:?}, not {WASM_CONFIG_TYPE:?}")));
        }
        let [layer] = manifest.layers.as_slice() else {
            return Err(wrong(format!("it has {} layers, not one", manifest.layers.len())));
        };
        if layer.media_type != WASM_LAYER_TYPE {
            let found = shown(&layer.media_type);
            return Err(wrong(format!("its layer is {found:?}, not {WASM_LAYER_TYPE:?}")));
        }
        if layer.size > COMPONENT_BYTES_MAX {
            return Err(wrong(format!("its component is larger than {COMPONENT_BYTES_MAX} bytes")));
        }
        Ok(Self { config: manifest.config.digest, component: layer.digest.clone() })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WasmConfig<'a> {
    created: &'a str,
    architecture: &'a str,
    os: &'a str,
    layer_digests: [&'a Digest; 1],
    component: WasmComponent<'a>,
}

#[derive(Serialize)]
struct WasmComponent<'a> {
    exports: &'a [String],
    imports: &'a [String],
    target: Option<&'a str>,
}

impl Artifact {
    /// The artifact of a component.
    ///
    /// # Errors
    /// [`DistributionError::Artifact`] when the component or what it says of itself is too large.
    pub fn build(component: Vec<u8>, about: &About) -> Result<Self, DistributionError> {
        let layer = Descriptor::of(WASM_LAYER_TYPE, &component)
            .annotated(TITLE, &format!("{}-{}.wasm", about.id, about.version));
        let config = json(&WasmConfig {
            created: CREATED,
            architecture: "wasm",
            os: "wasip2",
            layer_digests: [&layer.digest],
            component: WasmComponent { exports: &about.exports, imports: &about.imports, target: None },
        })?;
        let annotations = [
            (TITLE, &about.id),
            ("org.opencontainers.image.version", &about.version),
            ("org.opencontainers.image.licenses", &about.license),
            ("org.opencontainers.image.description", &about.description),
            ("palisade.plugin.id", &about.id),
        ];
        let manifest = json(&Manifest {
            schema_version: 2,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: Some(ARTIFACT_TYPE.to_owned()),
            config: Descriptor::of(WASM_CONFIG_TYPE, &config),
            layers: vec![layer],
            annotations: annotations.map(|(name, value)| (name.to_owned(), value.clone())).into(),
        })?;
        Self::from_parts(manifest, config, component)
    }

    /// Puts together what was stored apart, and checks that it belongs together.
    ///
    /// # Errors
    /// [`DistributionError::Artifact`] when the manifest is not that of a plugin, or names other parts than these.
    pub fn from_parts(
        manifest: Vec<u8>,
        config: Vec<u8>,
        component: Vec<u8>,
    ) -> Result<Self, DistributionError> {
        let parts = Parts::read(&manifest)?;
        let component_digest = digest_of(&component);
        for (what, bytes, bytes_max, promised, actual) in [
            ("the configuration", &config, CONFIG_BYTES_MAX, &parts.config, &digest_of(&config)),
            ("the component", &component, COMPONENT_BYTES_MAX, &parts.component, &component_digest),
        ] {
            if bytes.len() as u64 > bytes_max {
                return Err(DistributionError::artifact(
                    what,
                    format!("it is larger than {bytes_max} bytes"),
                ));
            }
            if promised != actual {
                let why = format!("the manifest names {promised}, and this is {actual}");
                return Err(DistributionError::artifact(what, why));
            }
        }
        Ok(Self { digest: digest_of(&manifest), manifest, config, component, component_digest })
    }

    /// Digest of the manifest: what is signed, and what registries call the artifact.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Digest of the component.
    #[must_use]
    pub fn component_digest(&self) -> &Digest {
        &self.component_digest
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// The component. That its bytes are what the manifest names does not make it a plugin: the host looks at it.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        &self.component
    }
}

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(bytes).into())
}

pub(crate) fn json(value: &impl Serialize) -> Result<Vec<u8>, DistributionError> {
    serde_json::to_vec(value).map_err(|error| DistributionError::artifact("JSON", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{about, artifact};

    #[test]
    fn the_manifest_is_a_function_of_the_component() {
        let one = artifact(b"component");
        assert_eq!(one, artifact(b"component"));
        assert_ne!(one.digest(), artifact(b"another").digest());
        // Signatures of older releases are over these bytes: a change of the form breaks them all.
        assert_eq!(
            one.digest().as_str(),
            "sha256:687020da2db7ef41eacf762e0da255c138da7ad1c54be0cf85ea18c10724a684"
        );
        let manifest: serde_json::Value = serde_json::from_slice(one.manifest()).unwrap();
        assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
        assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
        assert_eq!(manifest["layers"][0]["digest"], one.component_digest().as_str());
        assert_eq!(manifest["annotations"]["org.opencontainers.image.version"], "1.2.0");
        let config: serde_json::Value = serde_json::from_slice(one.config()).unwrap();
        assert_eq!(config["layerDigests"][0], one.component_digest().as_str());
        assert_eq!(config["os"], "wasip2");
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let one = artifact(b"component");
        let of = |manifest: &[u8], config: &[u8], component: &[u8]| {
            Artifact::from_parts(manifest.to_vec(), config.to_vec(), component.to_vec())
        };
        assert_eq!(of(one.manifest(), one.config(), one.component()).unwrap(), one);
        assert!(of(one.manifest(), one.config(), b"other").is_err());
        assert!(of(one.manifest(), b"{}", one.component()).is_err());
        let text = String::from_utf8(one.manifest().to_vec()).unwrap();
        let two_layers = text.replace("\"layers\":[", "\"layers\":[],\"layers\":[");
        for bad in [
            "{}".to_owned(),
            two_layers,
            text.replace("application/wasm", "application/x"),
            text.replace("wasm.config.v0", "oci.image.config.v1"),
            text.replace("\"schemaVersion\":2", "\"schemaVersion\":1"),
            text.replace("image.manifest.v1", "image.index.v1"),
            text.replace("\"size\":9", "\"size\":99999999"),
        ] {
            let error = of(bad.as_bytes(), one.config(), one.component()).unwrap_err();
            assert_eq!(error.code(), "plugin-artifact-invalid", "{bad}");
        }
        let large = vec![0; COMPONENT_BYTES_MAX as usize + 1];
        assert_eq!(Artifact::build(large, &about()).unwrap_err().code(), "plugin-artifact-invalid");
    }

    proptest::proptest! {
        #[test]
        fn damaged_manifests_never_panic(at in 0usize..900, byte: u8, cut in 0usize..900) {
            let mut manifest = artifact(b"component").manifest().to_vec();
            if let Some(place) = manifest.get_mut(at) {
                *place = byte;
            }
            manifest.truncate(cut);
            let _ = Parts::read(&manifest);
        }
    }
}
