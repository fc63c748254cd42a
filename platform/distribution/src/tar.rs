//! Just enough of tar (POSIX ustar) to write a bundle that is the same every time: no times, no owners.

/// A file of the archive with its header and padding.
pub(crate) fn member(name: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut header = [0_u8; 512];
    let mut put =
        |at: usize, text: &[u8]| header.get_mut(at..at + text.len()).map(|place| place.copy_from_slice(text));
    if name.len() > 100 || body.len() >= 1 << 33 {
        return None;
    }
    put(0, name.as_bytes())?;
    put(100, b"0000644\0")?;
    put(108, b"0000000\0")?;
    put(116, b"0000000\0")?;
    put(124, format!("{:011o}\0", body.len()).as_bytes())?;
    put(136, b"00000000000\0")?;
    put(148, b"        ")?;
    put(156, b"0")?;
    put(257, b"ustar\x0000")?;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header.get_mut(148..156)?.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut bytes = header.to_vec();
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    Some(bytes)
}

/// What stands at the end of an archive.
pub(crate) const END: [u8; 1024] = [0; 1024];
