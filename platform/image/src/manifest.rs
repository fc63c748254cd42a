//! Manifests, indexes and configurations of the OCI image specification and of Docker's schema 2, as far as a scanner
//! reads them. Unknown fields are ignored, as the specifications ask.

use std::collections::BTreeMap;

use model::Digest;
use serde::Deserialize;

use crate::error::ImageError;

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// Layer types that are tars, however packed. Which packing it is, the first bytes tell.
const LAYERS: [&str; 9] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
];

/// Docker writes zstd layers under this name, which no specification has.
const LAYER_DOCKER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";

/// A pointer to content.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: Option<String>,
    pub(crate) digest: String,
    pub(crate) size: Option<u64>,
    pub(crate) platform: Option<Platform>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(crate) fn digest(&self) -> Result<Digest, ImageError> {
        Digest::parse(&self.digest).map_err(|error| ImageError::format("a manifest", error.to_string()))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Platform {
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
}

/// What a fetched document turned out to be.
#[derive(Debug)]
pub(crate) enum Document {
    Index(Vec<Descriptor>),
    Manifest(Manifest),
}

#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    platform: Platform,
    rootfs: RootFs,
}

#[derive(Debug, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<Digest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    media_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    fs_layers: Option<serde::de::IgnoredAny>,
}

impl Document {
    /// Reads a manifest or index. The media type inside wins over the announced one; a document that could be read as
    /// both is refused, since two readers could see two images in it.
    pub(crate) fn parse(bytes: &[u8], announced: Option<&str>, what: &str) -> Result<Self, ImageError> {
        let raw: Raw = serde_json::from_slice(bytes)
            .map_err(|error| ImageError::format(what, format!("not a manifest: {error}")))?;
        let media_type = raw.media_type.as_deref().or(announced);
        let unknown = || ImageError::MediaType {
            what: what.to_owned(),
            media_type: media_type.unwrap_or("(none)").chars().take(200).collect(),
        };
        if raw.fs_layers.is_some() {
            return Err(unknown());
        }
        match (raw.manifests, raw.config, raw.layers) {
            (Some(manifests), None, None) => match media_type {
                Some(OCI_INDEX | DOCKER_LIST) | None => Ok(Self::Index(manifests)),
                Some(_) => Err(unknown()),
            },
            (None, Some(config), Some(layers)) => match media_type {
                Some(OCI_MANIFEST | DOCKER_MANIFEST) | None => {
                    check_config_type(&config, what)?;
                    Ok(Self::Manifest(Manifest { config, layers }))
                }
                Some(_) => Err(unknown()),
            },
            (None, None, None) => Err(unknown()),
            _ => Err(ImageError::format(what, "it is neither an index nor a manifest, or both at once")),
        }
    }
}

fn check_config_type(config: &Descriptor, what: &str) -> Result<(), ImageError> {
    match config.media_type.as_deref() {
        None => Ok(()),
        Some(media_type) if CONFIGS.contains(&media_type) => Ok(()),
        Some(media_type) => Err(ImageError::MediaType {
            what: format!("{what} (its configuration)"),
            media_type: media_type.chars().take(200).collect(),
        }),
    }
}

/// Whether a layer of this type is a tar.
pub(crate) fn is_layer_type(media_type: Option<&str>) -> bool {
    media_type.is_none_or(|name| LAYERS.contains(&name) || name == LAYER_DOCKER_ZSTD)
}

impl Config {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        serde_json::from_slice(bytes)
            .map_err(|error| ImageError::format("the image configuration", error.to_string()))
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.platform
    }

    pub(crate) fn into_diff_ids(self) -> Vec<Digest> {
        self.rootfs.diff_ids
    }
}

impl Platform {
    /// Reads `os/architecture[/variant]`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (os, architecture, variant) = (parts.next()?, parts.next()?, parts.next());
        let whole = parts.next().is_none() && !os.is_empty() && !architecture.is_empty();
        let own = |text: &str| text.to_ascii_lowercase();
        whole.then(|| Self { os: own(os), architecture: own(architecture), variant: variant.map(own) })
    }

    /// Whether this is what was asked for. A variant counts only if asked for; `v8` is what plain `arm64` means.
    pub(crate) fn satisfies(&self, wanted: &Self) -> bool {
        let plain = |platform: &Self| match (platform.architecture.as_str(), platform.variant.as_deref()) {
            ("arm64", None) => Some("v8".to_owned()),
            (_, variant) => variant.map(str::to_owned),
        };
        let variant = wanted.variant.is_none() || plain(self) == plain(wanted);
        self.os == wanted.os && self.architecture == wanted.architecture && variant
    }

    /// Provenance and the like hide in indexes under this platform.
    pub(crate) fn is_attestation(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }

    /// The platforms to try when none is asked for: the most published one, then this machine's.
    pub(crate) fn defaults() -> [Self; 2] {
        let host = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        ["amd64", host].map(|architecture| Self {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant: None,
        })
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().filter(|v| !v.is_empty()).map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}
