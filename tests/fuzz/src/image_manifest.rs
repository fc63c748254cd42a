//! Indexes, manifests and configurations: the documents of an OCI layout, and references to images.
//!
//! An input holds up to four documents: the configuration, a manifest, a nested index, and `index.json`. Names in
//! capitals stand for digests of documents before, which no mutation could guess.

use image::Reference;

use crate::layout::{self, Layout};
use crate::must::must;

const SEPARATOR: &str = "\n---\n";

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut documents = text.splitn(4, SEPARATOR);
    let mut next = || documents.next().unwrap_or_default().to_owned();
    let (config, mut manifest, mut nested, mut index) = (next(), next(), next(), next());
    let mut layout = Layout::new();
    let config = layout.blob(config.as_bytes());
    for document in [&mut manifest, &mut nested, &mut index] {
        *document = document.replace("CONFIG", config.as_str());
    }
    let manifest = layout.blob(manifest.as_bytes());
    for document in [&mut nested, &mut index] {
        *document = document.replace("MANIFEST", manifest.as_str());
    }
    let nested = layout.blob(nested.as_bytes());
    let index = index.replace("NESTED", nested.as_str());
    reference(&index);
    for platform in [None, Some("linux/arm64/v8".to_owned())] {
        let options = image::OpenOptions { platform, ..layout::options() };
        let Ok(image) = layout.open(index.as_bytes(), &options) else { continue };
        assert_eq!(image.layers().len(), image.diff_ids().len());
        assert!(image.layers().len() <= options.limits.layers, "more layers than allowed");
        assert!(image.digest().is_some() && image.config_digest().is_some());
        let unread = image.layers().iter().filter(|layer| layer.key().is_none()).count();
        assert_eq!(unread, image.gaps().len(), "a layer that is not read and not told of");
        assert!(image.platform().is_some_and(|text| !text.chars().any(char::is_control)));
    }
}

/// What is read as a reference is written as text that is read as the same.
fn reference(text: &str) {
    if let Ok(read) = Reference::parse(text) {
        let written = read.to_string();
        assert_eq!(must(Reference::parse(&written), "a reference of our own"), read);
    }
}
