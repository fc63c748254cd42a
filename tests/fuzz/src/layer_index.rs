//! What a layer adds and hides, as it is kept between scans.

use image::{LayerIndex, Overlay};

use crate::must::must;

pub(crate) fn run(data: &[u8]) {
    let Ok(index) = LayerIndex::from_bytes(data) else { return };
    let written = index.to_bytes();
    assert_eq!(must(LayerIndex::from_bytes(&written), "an index of our own"), index);
    // Stacked on itself, so that every question finds something above.
    let layers = [index.clone(), index];
    let overlay = Overlay::new(&layers);
    assert!(overlay.gaps().is_sorted());
    for path in ["", "etc", "etc/os-release", "usr/lib/os-release"] {
        let _ = (overlay.exists(path), overlay.visible(0, path), overlay.visible(1, path));
    }
    let _ = overlay.linked(&crate::layer::selector());
}
