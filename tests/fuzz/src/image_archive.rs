//! Outer archives: what `docker save` writes, and tars of OCI layouts.

use image::Source;

use crate::{layer, layout, repair, scratch};

pub(crate) fn run(data: &[u8]) {
    let path = scratch::file("archive.tar", &repair::tar(data));
    let selector = layer::selector();
    let docker = Source::DockerArchive { path: path.clone(), tag: None };
    let oci = Source::OciArchive { path: path.clone(), tag: Some("latest".to_owned()) };
    let untagged = Source::OciArchive { path: path.clone(), tag: None };
    // What a bare path is taken for.
    let told = Source::parse(&path.to_string_lossy());
    for source in [Ok(docker), Ok(oci), Ok(untagged), told].into_iter().flatten() {
        let options = layout::options();
        if let Ok(image) = image::open(&source, &options) {
            assert_eq!(image.layers().len(), image.diff_ids().len());
            assert!(image.layers().len() <= options.limits.layers, "more layers than allowed");
            layer::read_all(&image, &selector);
        }
        assert!(options.budget.peak() <= options.budget.capacity());
    }
}
