//! Tar (POSIX ustar) in the one way in which packs are written. A header is read by writing the one that it should be, so nothing in it is
//! left unread.

use std::io::Read;

use crate::error::{EvidenceError, shown};

pub(crate) const BLOCK: usize = 512;

/// What stands at the end of an archive.
pub(crate) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The header of a file; nothing for a name or a size that there is no place for.
pub(crate) fn header(name: &str, bytes: u64) -> Option<[u8; BLOCK]> {
    let mut header = [0_u8; BLOCK];
    let mut put =
        |at: usize, text: &[u8]| header.get_mut(at..at + text.len()).map(|place| place.copy_from_slice(text));
    if name.len() > 100 || bytes >= 1 << 33 {
        return None;
    }
    put(0, name.as_bytes())?;
    put(100, b"0000644\0")?;
    put(108, b"0000000\0")?;
    put(116, b"0000000\0")?;
    put(124, format!("{bytes:011o}\0").as_bytes())?;
    put(136, b"00000000000\0")?;
    put(148, b"        ")?;
    put(156, b"0")?;
    put(257, b"ustar\x0000")?;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header.get_mut(148..156)?.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(header)
}

/// Zeros between the end of a file and the next header.
pub(crate) fn padding(bytes: u64) -> usize {
    let over = usize::try_from(bytes % BLOCK as u64).unwrap_or_default();
    if over == 0 { 0 } else { BLOCK - over }
}

/// Whether a pack may have a member of this name: words of small letters, digits, `-` and `.`, none of which begins with a dot, with `/`
/// between them. So no name leaves the folder that it is unpacked into.
pub(crate) fn name_allowed(name: &str) -> bool {
    let letter =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let word = |word: &str| !word.is_empty() && !word.starts_with('.') && word.bytes().all(letter);
    name.len() <= 100 && name.split('/').all(word)
}

/// The next member: its name and its bytes. Nothing at the end of the archive, which is also the end of the file.
pub(crate) fn next(mut reader: impl Read) -> Result<Option<(String, u64)>, EvidenceError> {
    let mut block = [0_u8; BLOCK];
    fill(&mut reader, &mut block, "a header")?;
    if block.iter().all(|byte| *byte == 0) {
        fill(&mut reader, &mut block, "the second block of its end")?;
        let mut more = [0_u8];
        let after = reader.read(&mut more).map_err(EvidenceError::Read)?;
        if after > 0 || block.iter().any(|byte| *byte != 0) {
            return Err(EvidenceError::form("there is something after its end"));
        }
        return Ok(None);
    }
    let field = |from: usize, to: usize| block.get(from..to).unwrap_or_default();
    let name = field(0, 100).split(|byte| *byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).into_owned();
    let size = field(124, 135).iter().try_fold(0_u64, |size, digit| {
        (b'0'..=b'7').contains(digit).then(|| size * 8 + u64::from(digit - b'0'))
    });
    let size =
        size.ok_or_else(|| EvidenceError::form(format!("the member {:?} has no size", shown(&name))))?;
    if !name_allowed(&name) {
        return Err(EvidenceError::Path { name: shown(&name) });
    }
    if header(&name, size).as_ref() != Some(&block) {
        return Err(EvidenceError::form(format!("the header of {name} is not as packs have it")));
    }
    Ok(Some((name, size)))
}

/// Passes over the zeros after a file.
pub(crate) fn pad(mut reader: impl Read, bytes: u64, name: &str) -> Result<(), EvidenceError> {
    let mut block = [0_u8; BLOCK];
    let Some(zeros) = block.get_mut(..padding(bytes)) else { return Ok(()) };
    fill(&mut reader, zeros, "the end of a member")?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(EvidenceError::form(format!("there is something behind {name}")));
    }
    Ok(())
}

pub(crate) fn fill(reader: &mut impl Read, bytes: &mut [u8], what: &str) -> Result<(), EvidenceError> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => EvidenceError::Truncated { why: format!("{what} is missing") },
        _ => EvidenceError::Read(error),
    })
}
