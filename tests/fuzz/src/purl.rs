//! Package URLs, and the other names that are checked where they are made.

use ingest::limits;
use ingest::purl::Purl;
use model::{Digest, TenantId};

use crate::must::must;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.as_str(), text);
        assert_eq!(digest.hex().len(), 64);
    }
    if let Ok(tenant) = TenantId::parse(text) {
        assert!(tenant.as_str() == text && text.len() <= 63 && !text.contains(['.', '*', '/']));
    }
    let Ok(purl) = Purl::parse(text) else { return };
    assert!(!purl.name.is_empty() && !purl.kind.is_empty());
    // Writing is canonical: what is written once is written the same from then on.
    let written = write(&purl);
    if written.len() > limits::TEXT_BYTES {
        // Encoded, a text may be three times as long as it was.
        return;
    }
    let again = write(&must(Purl::parse(&written), "a purl of our own"));
    assert_eq!(again, written, "{text:?} is written in two ways");
}

fn write(purl: &Purl) -> String {
    let identity = purl.identity();
    model::purl::purl(
        identity.kind,
        &identity.name,
        &identity.version,
        identity.arch.as_deref(),
        identity.source.as_ref(),
        None,
    )
}
