//! What the fuzzer asks of the log's bytes, without a log.

use super::record;

/// Where the first unsound byte is, and whether what stands there was durable once.
#[must_use]
pub fn scan(bytes: &[u8]) -> (usize, bool) {
    let (_, end) = record::scan(bytes, 0);
    (end, record::was_durable(bytes, end))
}

/// The record at the start, written again.
#[must_use]
pub fn rewrite(bytes: &[u8]) -> Option<Vec<u8>> {
    let decoded = record::decode(bytes)?;
    let mut out = Vec::with_capacity(decoded.size);
    record::encode(&decoded.record, decoded.synced, &mut out);
    Some(out)
}
