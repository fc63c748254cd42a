//! The directory of a zip archive and the bytes of its members (PKWARE, "APPNOTE"), including zip64 and archives with a
//! program in front.

use palisade_sdk::Unreadable;

use crate::bytes::{Order, Source, read_at};

const LE: Order = Order::Little;

/// Largest directory that is read. It takes about 90 bytes a member, so this is some hundred thousand members.
const DIRECTORY_MAX: u64 = 32 << 20;

/// Longest name of a wanted member.
const NAME_MAX: usize = 4096;

/// Wanted members of one archive.
const MEMBERS_MAX: usize = 20_000;

/// A part of a file that is an archive.
pub(crate) struct Window<'a> {
    source: &'a mut dyn Source,
    start: u64,
    size: u64,
    /// Bytes read so far.
    pub(crate) cost: u64,
}

/// A member that is wanted.
pub(crate) struct Member {
    pub(crate) name: String,
    encrypted: bool,
    method: u16,
    packed: u64,
    /// Where its local header is.
    header: u64,
}

/// Where a member's bytes are, as they are stored.
pub(crate) enum Stored {
    /// As they are, from here, so long.
    Plain(u64, u64),
    /// Deflated, from here, so long.
    Deflated(u64, u64),
}

impl<'a> Window<'a> {
    /// A whole file.
    pub(crate) fn new(source: &'a mut dyn Source) -> Result<Self, Unreadable> {
        let size = source.seek(std::io::SeekFrom::End(0)).map_err(|error| error.to_string())?;
        Ok(Self { source, start: 0, size, cost: 0 })
    }

    /// A part as an archive of its own.
    pub(crate) fn part(&mut self, offset: u64, size: u64) -> Result<Window<'_>, Unreadable> {
        let end = offset.checked_add(size).filter(|end| *end <= self.size);
        end.ok_or("a member that goes on behind the end of its archive")?;
        Ok(Window { source: self.source, start: self.start + offset, size, cost: 0 })
    }

    pub(crate) fn read(&mut self, offset: u64, size: u64) -> Result<Vec<u8>, Unreadable> {
        let end = offset.checked_add(size).filter(|end| *end <= self.size);
        end.ok_or("the archive ends early")?;
        self.cost += size;
        read_at(self.source, self.start + offset, size)
    }

    /// Where a member's bytes begin is told by its local header alone.
    pub(crate) fn locate(&mut self, member: &Member) -> Result<Stored, Unreadable> {
        let header = self.read(member.header, 30)?;
        if !header.starts_with(b"PK\x03\x04") || member.encrypted {
            return Err(format!("the member {} cannot be read", member.name).into());
        }
        let skip =
            LE.u16(&header, 26).unwrap_or_default() as u64 + LE.u16(&header, 28).unwrap_or_default() as u64;
        let data = member.header + 30 + skip;
        match member.method {
            0 => Ok(Stored::Plain(data, member.packed)),
            8 => Ok(Stored::Deflated(data, member.packed)),
            other => Err(format!("the member {} is compressed by method {other}", member.name).into()),
        }
    }

    /// The members whose names are wanted, in the order of the directory.
    pub(crate) fn members(&mut self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Member>, Unreadable> {
        let (base, directory) = self.directory()?;
        let mut members = Vec::new();
        let mut rest = directory.as_slice();
        while rest.starts_with(b"PK\x01\x02") {
            let outside = "a directory entry that contradicts itself";
            let length = |at: usize| LE.u16(rest, at).map(usize::from);
            let (name, extra) = (length(28).ok_or(outside)?, length(30).ok_or(outside)?);
            let comment = length(32).ok_or(outside)?;
            let text = rest.get(46..46 + name).ok_or(outside)?;
            if name <= NAME_MAX
                && let Ok(text) = std::str::from_utf8(text)
                && wanted(text)
            {
                let extra = rest.get(46 + name..46 + name + extra).ok_or(outside)?;
                let member = member(text, rest, extra, base).ok_or(outside)?;
                members.push(member);
                if members.len() > MEMBERS_MAX {
                    return Err(format!("more than {MEMBERS_MAX} archives and records inside").into());
                }
            }
            rest = rest.get(46 + name + extra + comment..).ok_or(outside)?;
        }
        Ok(members)
    }

    /// The directory, and what has to be added to the offsets in it: archives may have a program in front.
    fn directory(&mut self) -> Result<(u64, Vec<u8>), Unreadable> {
        let (end, record) = self.end_record()?;
        let mut size = u64::from(LE.u32(&record, 12).unwrap_or_default());
        let mut offset = u64::from(LE.u32(&record, 16).unwrap_or_default());
        let mut behind = end;
        if (size == u64::from(u32::MAX)
            || offset == u64::from(u32::MAX)
            || LE.u16(&record, 10) == Some(u16::MAX))
            && let Some((at, wide_size, wide_offset)) = self.zip64(end)?
        {
            (behind, size, offset) = (at, wide_size, wide_offset);
        }
        if size > DIRECTORY_MAX {
            return Err(format!("a directory of {size} bytes").into());
        }
        let start = behind.checked_sub(size).ok_or("a directory larger than its archive")?;
        let base = start.checked_sub(offset).ok_or("a directory that is not where it should be")?;
        Ok((base, self.read(start, size)?))
    }

    /// The record at the end and its place. A comment of up to 64 KiB may follow it.
    fn end_record(&mut self) -> Result<(u64, Vec<u8>), Unreadable> {
        for tail in [1024, 22 + 65_535] {
            let tail = self.size.min(tail);
            let bytes = self.read(self.size - tail, tail)?;
            let last = bytes.len().saturating_sub(22);
            for at in (0..=last).rev() {
                let record = bytes.get(at..).unwrap_or_default();
                if record.starts_with(b"PK\x05\x06") && record.len() >= 22 {
                    return Ok((self.size - tail + at as u64, record.to_vec()));
                }
            }
        }
        Err("not a zip archive".into())
    }

    /// Place of the zip64 record, and size and offset of the directory.
    fn zip64(&mut self, end: u64) -> Result<Option<(u64, u64, u64)>, Unreadable> {
        let Some(at) = end.checked_sub(20) else { return Ok(None) };
        let locator = self.read(at, 20)?;
        if !locator.starts_with(b"PK\x06\x07") {
            return Ok(None);
        }
        // Usually right in front of its locator; the stated place is wrong when there is a program in front.
        for at in [at.checked_sub(56), LE.u64(&locator, 8)].into_iter().flatten() {
            let record = self.read(at, 56).unwrap_or_default();
            if let (true, Some(size), Some(offset)) =
                (record.starts_with(b"PK\x06\x06"), LE.u64(&record, 40), LE.u64(&record, 48))
            {
                return Ok(Some((at, size, offset)));
            }
        }
        Err("the zip64 record is missing".into())
    }
}

fn member(name: &str, entry: &[u8], extra: &[u8], base: u64) -> Option<Member> {
    let mut wide = zip64_values(extra);
    let mut value = |at: usize| match LE.u32(entry, at)? {
        u32::MAX => {
            let (value, tail) = wide.split_at_checked(8)?;
            wide = tail;
            LE.u64(value, 0)
        }
        small => Some(u64::from(small)),
    };
    let _size = value(24)?;
    let packed = value(20)?;
    let header = base.checked_add(value(42)?)?;
    // Far from the end of the number range, so that places inside the member can be added up.
    (header < 1 << 62).then_some(())?;
    let encrypted = LE.u16(entry, 8)? & 1 == 1;
    Some(Member { name: name.to_owned(), encrypted, method: LE.u16(entry, 10)?, packed, header })
}

/// The extra field 1: wide values for those that are all ones in the entry.
fn zip64_values(extra: &[u8]) -> &[u8] {
    let mut rest = extra;
    while let (Some(id), Some(size)) = (LE.u16(rest, 0), LE.u16(rest, 2)) {
        let field = rest.get(4..4 + usize::from(size)).unwrap_or_default();
        if id == 1 {
            return field;
        }
        rest = rest.get(4 + usize::from(size)..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
pub(crate) mod tests {
    use miniz_oxide::deflate::compress_to_vec;

    /// An archive of these members, deflated or not.
    pub(crate) fn archive(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut directory = Vec::new();
        for (name, contents, deflated) in members {
            let stored = if *deflated { compress_to_vec(contents, 6) } else { contents.to_vec() };
            let mut common = [20, 0, 0, 0, if *deflated { 8 } else { 0 }, 0, 0, 0, 0, 0, 0, 0, 0, 0].to_vec();
            common.extend((stored.len() as u32).to_le_bytes());
            common.extend((contents.len() as u32).to_le_bytes());
            common.extend((name.len() as u16).to_le_bytes());
            common.extend([0, 0]);
            directory.extend(b"PK\x01\x02\x14\0");
            directory.extend(&common);
            directory.extend([0; 10]);
            directory.extend((file.len() as u32).to_le_bytes());
            directory.extend(name.as_bytes());
            file.extend(b"PK\x03\x04");
            file.extend(&common);
            file.extend(name.as_bytes());
            file.extend(stored);
        }
        let at = file.len() as u32;
        file.extend(&directory);
        file.extend(b"PK\x05\x06\0\0\0\0");
        file.extend((members.len() as u16).to_le_bytes().repeat(2));
        file.extend((directory.len() as u32).to_le_bytes());
        file.extend(at.to_le_bytes());
        file.extend([0, 0]);
        file
    }

    /// The same archive with its directory told by a zip64 record alone.
    pub(crate) fn widened(archive: &[u8]) -> Vec<u8> {
        let end = archive.len() - 22;
        let field = |at: usize| u32::from_le_bytes(archive[end + at..end + at + 4].try_into().unwrap());
        let mut file = archive[..end].to_vec();
        file.extend(b"PK\x06\x06");
        file.extend([0; 36]);
        file.extend(u64::from(field(12)).to_le_bytes());
        file.extend(u64::from(field(16)).to_le_bytes());
        file.extend(b"PK\x06\x07\0\0\0\0");
        file.extend((end as u64).to_le_bytes());
        file.extend([1, 0, 0, 0]);
        file.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff");
        file.extend([0xff; 8]);
        file.extend([0, 0]);
        file
    }

    /// The same archive with every entry of its directory so many times.
    pub(crate) fn repeated(archive: &[u8], times: usize) -> Vec<u8> {
        let end = archive.len() - 22;
        let field = |at: usize| u32::from_le_bytes(archive[end + at..end + at + 4].try_into().unwrap());
        let mut file = archive[..field(16) as usize].to_vec();
        file.extend(archive[field(16) as usize..end].repeat(times));
        file.extend(&archive[end..end + 12]);
        file.extend((field(12) * times as u32).to_le_bytes());
        file.extend(&archive[end + 16..]);
        file
    }
}
