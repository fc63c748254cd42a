//! An OCI image layout around any bytes: what `image` reads is files, each under its digest.

use std::path::{Path, PathBuf};

use image::{Budget, Image, ImageError, Limits, OpenOptions, Source};
use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::must::must;
use crate::scratch;

/// Memory for the contents of files; small, so that waiting for it and being refused are met.
pub(crate) const BUDGET: u64 = 64 << 10;

/// Caps that small inputs can reach.
pub(crate) fn limits() -> Limits {
    Limits {
        entries: 2000,
        depth: 16,
        path_bytes: 300,
        layer_bytes: 4 << 20,
        ratio: 200,
        ratio_floor: 64 << 10,
        link_bytes: 16 << 10,
        gaps: 5,
        layers: 8,
        manifest_bytes: 256 << 10,
        ..Limits::default()
    }
}

/// Options with those caps. No target names a registry, so nothing is ever sent.
pub(crate) fn options() -> OpenOptions {
    thread_local! {
        static CLIENT: egress::Client = must(egress::Client::new(egress::Policy::default()), "a client");
    }
    let client = CLIENT.with(Clone::clone);
    OpenOptions { limits: limits(), budget: Budget::new(BUDGET), ..OpenOptions::new(client) }
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(bytes).into())
}

/// A layout under construction. Its blobs are removed with it.
pub(crate) struct Layout {
    path: PathBuf,
    blobs: Vec<PathBuf>,
}

impl Layout {
    pub(crate) fn new() -> Self {
        Self { path: scratch::folder().join("layout"), blobs: Vec::new() }
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) -> Digest {
        let digest = digest(bytes);
        let name = Path::new("layout/blobs/sha256").join(digest.hex());
        self.blobs.push(scratch::file(&name.to_string_lossy(), bytes));
        digest
    }

    /// Writes `index.json` and opens the image.
    pub(crate) fn open(&self, index: &[u8], options: &OpenOptions) -> Result<Image, ImageError> {
        scratch::file("layout/index.json", index);
        image::open(&Source::OciLayout { path: self.path.clone(), tag: None }, options)
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        for blob in &self.blobs {
            // The same bytes twice are one file.
            let _ = std::fs::remove_file(blob);
        }
    }
}

/// An image of these layers, lowest first.
pub(crate) fn image(layout: &mut Layout, layers: &[Vec<u8>], options: &OpenOptions) -> Image {
    let digests: Vec<Digest> = layers.iter().map(|layer| layout.blob(layer)).collect();
    let quoted = digests.iter().map(|digest| format!("\"{digest}\"")).collect::<Vec<_>>().join(",");
    let config = layout.blob(
        format!(r#"{{"os":"linux","architecture":"amd64","rootfs":{{"diff_ids":[{quoted}]}}}}"#).as_bytes(),
    );
    let listed = digests.iter().zip(layers).map(|(digest, layer)| descriptor(digest, layer.len()));
    let listed = listed.collect::<Vec<_>>().join(",");
    let manifest =
        layout.blob(format!(r#"{{"config":{{"digest":"{config}"}},"layers":[{listed}]}}"#).as_bytes());
    let index = format!(r#"{{"manifests":[{{"digest":"{manifest}"}}]}}"#);
    must(layout.open(index.as_bytes(), options), "a layout of our own")
}

fn descriptor(digest: &Digest, size: usize) -> String {
    format!(r#"{{"digest":"{digest}","size":{size}}}"#)
}
