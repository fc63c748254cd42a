//! Index files that were damaged after they were written. The digest of the header is put right, since nothing behind
//! it would be met otherwise; the digests of the sections are not, which only an importer checks.

use advisories::Index;

use crate::{index_walk, repair, scratch};

pub(crate) fn run(data: &[u8]) {
    let path = scratch::file("damaged.index", &repair::index(data));
    let Ok(index) = Index::open(&path) else { return };
    let _ = index.verify();
    index_walk::everything(&index, false);
    index_walk::judge(&index);
}
