//! Bills of materials of the SPDX form. What is written of one that was read is read again as the same.

use ingest::spdx;

use crate::bom::{assert_same, report};
use crate::must::must;

pub(crate) fn run(data: &[u8]) {
    let told = ingest::read(data);
    let Ok(bom) = spdx::read(data) else { return };
    // A document that also calls itself CycloneDX is read as that.
    assert!(told.is_err() || told.is_ok_and(|told| told == bom || told.format.starts_with("CycloneDX")));
    let report = report(&bom);
    let written = spdx::write(&report, None, None);
    let again = must(spdx::read(written.as_bytes()), "a document of our own");
    assert_same(&bom, &again);
    assert_eq!(spdx::write(&report, None, None), written, "the same report gave other bytes");
}
