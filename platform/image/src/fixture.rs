//! Tars, layouts, archives and registries made in memory, for tests.

use std::io::Write as _;
use std::path::Path;

use model::Digest;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::budget::Budget;
use crate::index::LayerIndex;
use crate::limits::Limits;
use crate::open::OpenOptions;
use crate::scan::Scan;
use crate::select::{Interest, Selector};
use crate::sink::SelectedFile;
use crate::tar_layer::{Proof, TarLayer};

/// Writes tars, right ones and wrong ones.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A header with everything said outright, and its body.
    pub(crate) fn raw(mut self, name: &[u8], flag: u8, size: u64, link: &[u8], body: &[u8]) -> Self {
        let mut header = [0_u8; 512];
        header[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
        header[100..108].copy_from_slice(b"0000644\0");
        header[108..116].copy_from_slice(b"0000000\0");
        header[116..124].copy_from_slice(b"0000000\0");
        header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[156] = flag;
        header[157..157 + link.len().min(100)].copy_from_slice(&link[..link.len().min(100)]);
        header[257..265].copy_from_slice(b"ustar\x0000");
        self.0.extend(checked(header));
        self.body(body)
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.0.extend(body);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// A GNU long name or link before an entry.
    pub(crate) fn long(self, flag: u8, text: &[u8]) -> Self {
        let body = [text, b"\0"].concat();
        self.raw(b"././@LongLink", flag, body.len() as u64, b"", &body)
    }

    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let body: Vec<u8> = records.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
        self.raw(b"PaxHeaders/x", b'x', body.len() as u64, b"", &body)
    }

    fn named(self, name: &str, flag: u8, link: &str, body: &[u8]) -> Self {
        let mut tar = self;
        if name.len() > 100 {
            tar = tar.long(b'L', name.as_bytes());
        }
        if link.len() > 100 {
            tar = tar.long(b'K', link.as_bytes());
        }
        tar.raw(name.as_bytes(), flag, body.len() as u64, link.as_bytes(), body)
    }

    pub(crate) fn file(self, name: &str, body: impl AsRef<[u8]>) -> Self {
        self.named(name, b'0', "", body.as_ref())
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        self.named(&format!("{name}/"), b'5', "", b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.named(name, b'2', target, b"")
    }

    pub(crate) fn hard(self, name: &str, target: &str) -> Self {
        self.named(name, b'1', target, b"")
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

pub(crate) fn checked(mut header: [u8; 512]) -> [u8; 512] {
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = rest.len() + 1;
    while format!("{length}").len() + rest.len() != length {
        length += 1;
    }
    [format!("{length}").as_bytes(), &rest].concat()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

pub(crate) fn sha(bytes: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(bytes).into())
}

pub(crate) fn options() -> OpenOptions {
    OpenOptions::new(egress::Client::new(egress::Policy::default()).unwrap())
}

/// An interest in paths alone.
pub(crate) fn interest(name: &str, paths: &[&str]) -> Interest {
    Interest {
        owner: 0,
        name: name.to_owned(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        magic: Vec::new(),
        keywords: Vec::new(),
        size_min: 0,
        size_max: u64::MAX,
    }
}

pub(crate) fn selector(paths: &[&str]) -> Selector {
    Selector::new(vec![interest("all", paths)]).unwrap()
}

/// What came out of one layer.
pub(crate) struct Outcome {
    pub(crate) files: Vec<(String, Vec<u8>, u64)>,
    pub(crate) index: LayerIndex,
}

impl Outcome {
    /// Paths and contents, sorted.
    pub(crate) fn contents(&self) -> Vec<(&str, &str)> {
        let standing = self.files.iter().filter(|(_, _, ordinal)| !self.index.superseded().contains(ordinal));
        let mut contents: Vec<_> =
            standing.map(|(path, body, _)| (path.as_str(), std::str::from_utf8(body).unwrap())).collect();
        contents.sort_unstable();
        contents
    }

    pub(crate) fn codes(&self) -> Vec<&'static str> {
        self.index.gaps().iter().map(|gap| gap.code.as_str()).collect()
    }
}

/// Reads bytes as a layer.
pub(crate) fn read_with(
    bytes: &[u8],
    selector: &Selector,
    limits: &Limits,
    budget: &Budget,
) -> Result<Outcome, crate::ImageError> {
    let mut files = Vec::new();
    let mut sink = |file: SelectedFile| files.push((file.path.clone(), file.body.to_vec(), file.ordinal));
    let scan = Scan::new(selector, limits, budget, "layer", &mut sink);
    let open = || -> Result<Box<dyn std::io::Read + Send>, crate::ImageError> {
        Ok(Box::new(std::io::Cursor::new(bytes.to_vec())))
    };
    let proof = Proof::Packed(sha(bytes));
    let size = Some(bytes.len() as u64);
    let index = TarLayer { what: "layer", open: &open, size, proof: &proof, limits }.read(scan)?;
    Ok(Outcome { files, index })
}

pub(crate) fn read(bytes: &[u8], paths: &[&str]) -> Outcome {
    read_with(bytes, &selector(paths), &Limits::default(), &Budget::default()).unwrap()
}

/// An image in every form.
pub(crate) struct Sample {
    pub(crate) layers: Vec<Vec<u8>>,
    pub(crate) platform: (String, String),
}

impl Sample {
    pub(crate) fn new(layers: Vec<Vec<u8>>) -> Self {
        Self { layers, platform: ("linux".to_owned(), "amd64".to_owned()) }
    }

    pub(crate) fn config(&self) -> Vec<u8> {
        let diff_ids: Vec<_> = self.layers.iter().map(|layer| sha(layer).to_string()).collect();
        let (os, architecture) = &self.platform;
        json!({"os": os, "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}})
            .to_string()
            .into_bytes()
    }

    /// Blobs of the OCI form, the manifest last. Packing turns with the layer number: gzip, zstd, plain.
    pub(crate) fn blobs(&self) -> Vec<(Vec<u8>, &'static str)> {
        let packed = self.layers.iter().enumerate().map(|(number, layer)| match number % 3 {
            0 => (gzip(layer), "application/vnd.oci.image.layer.v1.tar+gzip"),
            1 => (zstd(layer), "application/vnd.oci.image.layer.v1.tar+zstd"),
            _ => (layer.clone(), "application/vnd.oci.image.layer.v1.tar"),
        });
        let mut blobs: Vec<_> = packed.collect();
        let layers: Vec<_> = blobs
            .iter()
            .map(|(blob, kind)| json!({"mediaType": kind, "digest": sha(blob).to_string(), "size": blob.len()}))
            .collect();
        let config = self.config();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": crate::manifest::OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": sha(&config).to_string(),
                "size": config.len(),
            },
            "layers": layers,
        });
        blobs.push((config, "application/vnd.oci.image.config.v1+json"));
        blobs.push((manifest.to_string().into_bytes(), crate::manifest::OCI_MANIFEST));
        blobs
    }

    pub(crate) fn manifest(&self) -> Vec<u8> {
        self.blobs().pop().unwrap().0
    }

    /// Descriptor of the manifest for an index.
    pub(crate) fn descriptor(&self) -> serde_json::Value {
        let manifest = self.manifest();
        let (os, architecture) = &self.platform;
        json!({
            "mediaType": crate::manifest::OCI_MANIFEST,
            "digest": sha(&manifest).to_string(),
            "size": manifest.len(),
            "platform": {"os": os, "architecture": architecture},
        })
    }
}

pub(crate) fn put_blob(layout: &Path, blob: &[u8]) {
    let folder = layout.join("blobs/sha256");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(sha(blob).hex()), blob).unwrap();
}

/// A layout directory with these images and this list of manifests.
pub(crate) fn layout(at: &Path, samples: &[&Sample], manifests: serde_json::Value) {
    for (blob, _) in samples.iter().flat_map(|sample| sample.blobs()) {
        put_blob(at, &blob);
    }
    let index = json!({"schemaVersion": 2, "mediaType": crate::manifest::OCI_INDEX, "manifests": manifests});
    std::fs::write(at.join("index.json"), index.to_string()).unwrap();
    std::fs::write(at.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

/// A tar of a layout.
pub(crate) fn oci_archive(sample: &Sample) -> Vec<u8> {
    let index = json!({"schemaVersion": 2, "manifests": [sample.descriptor()]});
    let mut tar = Tar::new()
        .file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#)
        .file("index.json", index.to_string());
    for (blob, _) in sample.blobs() {
        tar = tar.file(&format!("blobs/sha256/{}", sha(&blob).hex()), blob);
    }
    tar.end()
}

/// What `docker save` writes.
pub(crate) fn docker_archive(sample: &Sample, tag: &str) -> Vec<u8> {
    let config = sample.config();
    let config_name = format!("{}.json", sha(&config).hex());
    let names: Vec<_> = (0..sample.layers.len()).map(|number| format!("{number:064x}/layer.tar")).collect();
    let manifest = json!([{"Config": config_name, "RepoTags": [tag], "Layers": names}]);
    let mut tar = Tar::new().file(&config_name, config).file("manifest.json", manifest.to_string());
    for (name, layer) in names.iter().zip(&sample.layers) {
        tar = tar.file(name, layer);
    }
    tar.end()
}
