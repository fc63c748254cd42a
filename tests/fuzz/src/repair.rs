//! Checksums put right after a mutation, so that the fuzzer gets behind them.

const BLOCK: usize = 512;
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Gives every block of a tar that looks like a header the checksum it should have. Blocks without the magic stay as
/// they are, so wrong checksums are still met.
pub(crate) fn tar(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for block in out.chunks_exact_mut(BLOCK) {
        if block.get(257..262) != Some(b"ustar") {
            continue;
        }
        if let Some(field) = block.get_mut(CHECKSUM) {
            field.fill(b' ');
        }
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        if let Some(field) = block.get_mut(CHECKSUM) {
            field.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    out
}

/// Gives the header of an advisory index the digest it should have.
pub(crate) fn index(bytes: &[u8]) -> Vec<u8> {
    const TABLE: usize = 16 + 14 * 48;
    let mut out = bytes.to_vec();
    let digest = out.get(..TABLE).map(blake3::hash);
    if let (Some(digest), Some(field)) = (digest, out.get_mut(TABLE..TABLE + 32)) {
        field.copy_from_slice(digest.as_bytes());
    }
    out
}

/// Puts length and checksum of the bus's log in front of what they cover.
pub(crate) fn record(covered: &[u8]) -> Vec<u8> {
    let length = u32::try_from(covered.len().saturating_sub(8)).unwrap_or(u32::MAX);
    [&length.to_le_bytes(), &crc32fast::hash(covered).to_le_bytes(), covered].concat()
}
