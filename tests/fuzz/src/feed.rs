//! Feeds as they are imported: a zip of records, a single record, a catalogue, a list of scores.

use advisories::{Index, Origin, build_index};

use crate::must::must;
use crate::{index_walk, scratch};

pub(crate) fn run(data: &[u8]) {
    let input = scratch::file("npm/all", data);
    let out = scratch::folder().join("feed.index");
    let Ok(report) = build_index(&[input], &Origin::default(), &out) else { return };
    assert!(report.used + report.skipped <= report.read, "more records than were read: {report:?}");
    assert!(report.skipped_first.len() as u64 <= report.skipped);
    let index = must(Index::open(&out), "an index that was just written");
    assert_eq!(index.info().records, report.used);
    index_walk::everything(&index, true);
    index_walk::judge(&index);
}
