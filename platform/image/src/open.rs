//! From a source to an image: manifests, platform, configuration, layers. No layer is read here.

use model::{Digest, Gap, GapCode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::archive::Archive;
use crate::budget::Budget;
use crate::choose::choose;
use crate::credentials::Credentials;
use crate::error::ImageError;
use crate::exclude::Exclude;
use crate::image::{Content, Image, Layer};
use crate::limits::Limits;
use crate::manifest::{Config, Descriptor, Document, Manifest, Platform, is_layer_type};
use crate::path::shown;
use crate::reference::{Reference, Source};
use crate::registry::{Registry, Retry};
use crate::store::Store;
use crate::tar_layer::Proof;

/// How to open an image.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// `os/architecture[/variant]`; by default `linux/amd64`, then this machine's.
    pub platform: Option<String>,
    /// Caps.
    pub limits: Limits,
    /// What of a directory is passed over. Images are read whole.
    pub exclude: Exclude,
    /// Memory for file contents, shared by everything that holds a clone.
    pub budget: Budget,
    /// The way to registries.
    pub client: egress::Client,
    /// What registries know us by.
    pub credentials: Credentials,
    /// What to do when a registry is busy.
    pub retry: Retry,
}

impl OpenOptions {
    /// Default options with this client.
    #[must_use]
    pub fn new(client: egress::Client) -> Self {
        Self {
            platform: None,
            limits: Limits::default(),
            exclude: Exclude::nothing(),
            budget: Budget::default(),
            client,
            credentials: Credentials::default(),
            retry: Retry::default(),
        }
    }
}

/// Opens an image or directory. Reads manifests and the configuration, each verified, and no layer.
///
/// # Errors
/// When there is no such image, it is not an image, or it is damaged.
pub fn open(source: &Source, options: &OpenOptions) -> Result<Image, ImageError> {
    match source {
        Source::Directory(path) => {
            let root =
                path.canonicalize().map_err(|source| ImageError::Open { path: path.clone(), source })?;
            if !root.is_dir() {
                return Err(ImageError::Reference {
                    text: shown(path.as_os_str().as_encoded_bytes()),
                    why: "it is not a directory".to_owned(),
                });
            }
            Ok(Image::directory(root, options))
        }
        Source::OciLayout { path, tag } => layout(Store::Layout(path.clone()), tag.as_deref(), options),
        Source::OciArchive { path, tag } => {
            layout(Store::Archive(Archive::open(path)?), tag.as_deref(), options)
        }
        Source::DockerArchive { path, tag } => docker(Archive::open(path)?, tag.as_deref(), options),
        Source::Registry(reference) => registry(reference, options),
    }
}

fn layout(store: Store, tag: Option<&str>, options: &OpenOptions) -> Result<Image, ImageError> {
    let bytes = store.file("index.json", options.limits.manifest_bytes)?;
    let Document::Index(entries) = Document::parse(&bytes, None, "index.json")? else {
        return Err(ImageError::format("index.json", "it is not an index"));
    };
    let entries = tagged(entries, tag)?;
    finish(store, entries, options)
}

/// The entries of `index.json` that belong to one image.
fn tagged(entries: Vec<Descriptor>, tag: Option<&str>) -> Result<Vec<Descriptor>, ImageError> {
    const NAMES: [&str; 2] = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];
    let names = |entry: &Descriptor| -> Vec<String> {
        NAMES.iter().filter_map(|name| entry.annotations.get(*name).cloned()).collect()
    };
    let mut all: Vec<String> = entries.iter().flat_map(&names).collect();
    all.sort();
    all.dedup();
    let listed = all.join(", ").chars().take(500).collect::<String>();
    let what =
        |tag: &str| ImageError::NotFound { what: tag.to_owned(), why: format!("the layout has: {listed}") };
    match tag {
        Some(tag) => {
            let fits =
                |name: &String| name == tag || name.rsplit_once(':').is_some_and(|(_, own)| own == tag);
            let of_tag: Vec<_> = entries.into_iter().filter(|entry| names(entry).iter().any(fits)).collect();
            if of_tag.is_empty() { Err(what(tag)) } else { Ok(of_tag) }
        }
        // containerd gives an entry two names; several images are several groups of names.
        None => {
            let mut groups: Vec<_> = entries.iter().map(&names).filter(|group| !group.is_empty()).collect();
            groups.sort();
            groups.dedup();
            if groups.len() > 1 {
                Err(what("one image among several; name it with :TAG"))
            } else {
                Ok(entries)
            }
        }
    }
}

fn registry(reference: &Reference, options: &OpenOptions) -> Result<Image, ImageError> {
    let registry = Registry::new(reference, &options.client, &options.retry, &options.credentials);
    let name = reference.digest.as_ref().map(Digest::as_str).or(reference.tag.as_deref()).unwrap_or("latest");
    let (bytes, media_type, digest) = registry.manifest(name, options.limits.manifest_bytes)?;
    let store = Store::Registry(registry);
    match Document::parse(&bytes, media_type.as_deref(), &format!("manifest {digest}"))? {
        Document::Index(entries) => finish(store, entries, options),
        Document::Manifest(manifest) => assemble(store, digest, manifest, options),
    }
}

fn finish(store: Store, entries: Vec<Descriptor>, options: &OpenOptions) -> Result<Image, ImageError> {
    let wanted = wanted_platform(options)?;
    let limits = &options.limits;
    let fetch = |descriptor: &Descriptor| store.manifest(&descriptor.digest()?, limits.manifest_bytes);
    let (digest, manifest) = choose(entries, wanted.as_ref(), &fetch, limits)?;
    assemble(store, digest, manifest, options)
}

fn wanted_platform(options: &OpenOptions) -> Result<Option<Platform>, ImageError> {
    let read = |text: &String| {
        Platform::parse(text).ok_or_else(|| ImageError::Reference {
            text: text.chars().take(300).collect(),
            why: "a platform is written os/architecture or os/architecture/variant".to_owned(),
        })
    };
    options.platform.as_ref().map(read).transpose()
}

/// The parts are known: check them against each other.
fn assemble(
    store: Store,
    digest: Digest,
    manifest: Manifest,
    options: &OpenOptions,
) -> Result<Image, ImageError> {
    let config_digest = manifest.config.digest()?;
    let config = store.small_blob(&config_digest, options.limits.manifest_bytes)?;
    let (platform, diff_ids) = configuration(&config, options)?;
    check_layers(manifest.layers.len(), diff_ids.len(), options)?;
    let mut gaps = Vec::new();
    let mut layers = Vec::with_capacity(diff_ids.len());
    for (descriptor, diff_id) in manifest.layers.iter().zip(&diff_ids) {
        let label = format!("layer {diff_id}");
        let digest = descriptor.digest()?;
        let readable = is_layer_type(descriptor.media_type.as_deref());
        if !readable {
            let name = shown(descriptor.media_type.as_deref().unwrap_or_default().as_bytes());
            let reason = format!("its media type {name} is not one this product can read");
            gaps.push(Gap { code: GapCode::Unsupported, subject: label.clone(), reason });
        }
        let content = if readable {
            Content::Blob { digest: digest.clone(), size: descriptor.size }
        } else {
            Content::Unknown
        };
        layers.push(Layer {
            key: readable.then(|| digest.clone()),
            proof: Some(Proof::Packed(digest)),
            label,
            content,
        });
    }
    Ok(Image::new(store, Some(digest), Some(config_digest), Some(platform), diff_ids, layers, gaps, options))
}

fn configuration(bytes: &[u8], options: &OpenOptions) -> Result<(String, Vec<Digest>), ImageError> {
    let config = Config::parse(bytes)?;
    let platform = config.platform().clone();
    if let Some(wanted) = wanted_platform(options)?
        && !platform.satisfies(&wanted)
    {
        return Err(ImageError::Platform {
            wanted: wanted.to_string(),
            found: shown(platform.to_string().as_bytes()),
        });
    }
    Ok((shown(platform.to_string().as_bytes()), config.into_diff_ids()))
}

fn check_layers(layers: usize, diff_ids: usize, options: &OpenOptions) -> Result<(), ImageError> {
    if layers != diff_ids {
        let why = format!("the manifest has {layers} layers and the configuration {diff_ids}");
        return Err(ImageError::format("the image", why));
    }
    if layers > options.limits.layers {
        let why = format!("it has {layers} layers; the limit is {}", options.limits.layers);
        return Err(ImageError::format("the image", why));
    }
    Ok(())
}

/// One image of a `docker save` archive.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

fn docker(archive: Archive, tag: Option<&str>, options: &OpenOptions) -> Result<Image, ImageError> {
    let store = Store::Archive(archive);
    let bytes = store.file("manifest.json", options.limits.manifest_bytes)?;
    let saved: Vec<Saved> = serde_json::from_slice(&bytes)
        .map_err(|error| ImageError::format("manifest.json", error.to_string()))?;
    let image = one_saved(saved, tag)?;
    let config = store.file(&image.config, options.limits.manifest_bytes)?;
    let config_digest = Digest::from_sha256(Sha256::digest(&config).into());
    let (platform, diff_ids) = configuration(&config, options)?;
    check_layers(image.layers.len(), diff_ids.len(), options)?;
    let mut layers = Vec::with_capacity(diff_ids.len());
    for (name, diff_id) in image.layers.into_iter().zip(&diff_ids) {
        let missing = || ImageError::NotFound {
            what: shown(name.as_bytes()),
            why: "manifest.json names it as a layer".to_owned(),
        };
        let Store::Archive(archive) = &store else { return Err(missing()) };
        let size = archive.size(&name).ok_or_else(missing)?;
        layers.push(Layer {
            key: Some(diff_id.clone()),
            proof: Some(Proof::Unpacked(diff_id.clone())),
            label: format!("layer {diff_id}"),
            content: Content::Member { name, size },
        });
    }
    Ok(Image::new(store, None, Some(config_digest), Some(platform), diff_ids, layers, Vec::new(), options))
}

fn one_saved(saved: Vec<Saved>, tag: Option<&str>) -> Result<Saved, ImageError> {
    let tags = |image: &Saved| image.repo_tags.clone().unwrap_or_default();
    let listed: Vec<String> = saved.iter().flat_map(&tags).collect();
    let why = format!("the archive has: {}", listed.join(", ").chars().take(500).collect::<String>());
    let fits = |image: &Saved| match tag {
        None => true,
        Some(tag) => {
            tags(image).iter().any(|name| name == tag || name.rsplit_once(':').is_some_and(|(_, t)| t == tag))
        }
    };
    let mut fitting = saved.into_iter().filter(fits);
    let what = tag.unwrap_or("one image among several; name it with :NAME:TAG").to_owned();
    match (fitting.next(), fitting.next()) {
        (Some(image), None) => Ok(image),
        _ => Err(ImageError::NotFound { what, why }),
    }
}
