//! Bills of materials of the CycloneDX form. What is written of one that was read is read again as the same.

use ingest::cyclonedx;

use crate::bom::{assert_same, report};
use crate::must::must;

pub(crate) fn run(data: &[u8]) {
    let told = ingest::read(data);
    let Ok(bom) = cyclonedx::read(data) else { return };
    assert!(told.is_ok_and(|told| told == bom), "read in another way than by its name");
    let report = report(&bom);
    let written = cyclonedx::write(&report, None, None);
    let again = must(cyclonedx::read(written.as_bytes()), "a document of our own");
    assert_same(&bom, &again);
    assert_eq!(cyclonedx::write(&report, None, None), written, "the same report gave other bytes");
}
