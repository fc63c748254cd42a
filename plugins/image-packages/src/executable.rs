//! Sections and segments of ELF, PE and Mach-O executables: where they are in the file and where they are in memory.
//!
//! Only tables are read, never the code, so an executable of hundreds of megabytes costs some kilobytes.

use palisade_sdk::Unreadable;

use crate::bytes::{Order, Source, c_string, read_at, read_up_to};

/// Largest table of sections, segments or names.
const TABLE_MAX: u64 = 4 << 20;

/// A named part of the file.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// A part of the file that is mapped.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) address: u64,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) writable: bool,
}

/// The tables of an executable.
#[derive(Debug, Default)]
pub(crate) struct Executable {
    sections: Vec<Section>,
    pub(crate) segments: Vec<Segment>,
}

impl Executable {
    /// Reads the tables; nothing when the file is of none of the three formats.
    pub(crate) fn read(file: &mut dyn Source) -> Result<Option<Self>, Unreadable> {
        let head = read_up_to(file, 0, 4096)?;
        let damaged = "a damaged executable";
        match head.get(..4) {
            Some(b"\x7fELF") => elf(file, &head).map(Some),
            Some(b"\xcf\xfa\xed\xfe") => mach_o(file, &head).map(Some),
            Some([b'M', b'Z', ..]) => {
                let at = Order::Little.u32(&head, 0x3c).ok_or(damaged)?;
                let header = read_up_to(file, u64::from(at), 64)?;
                if header.starts_with(b"PE\0\0") {
                    pe(file, u64::from(at), &header).map(Some)
                } else {
                    Ok(None)
                }
            }
            _ => Ok(None),
        }
    }

    /// The first section of one of these names.
    pub(crate) fn section(&self, names: &[&str]) -> Option<&Section> {
        self.sections.iter().find(|section| names.contains(&section.name.as_str()))
    }

    /// Where in the file the byte at this address of memory is.
    pub(crate) fn offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let inside = address.checked_sub(segment.address).filter(|inside| *inside < segment.size)?;
            segment.offset.checked_add(inside)
        })
    }
}

fn table(file: &mut dyn Source, offset: u64, count: u64, entry: u64) -> Result<Vec<u8>, Unreadable> {
    let size =
        count.checked_mul(entry).filter(|size| *size <= TABLE_MAX).ok_or("a table that is too large")?;
    read_at(file, offset, size)
}

/// System V ABI, "Object Files".
fn elf(file: &mut dyn Source, head: &[u8]) -> Result<Executable, Unreadable> {
    let wide = head.get(4) == Some(&2);
    let order = if head.get(5) == Some(&2) { Order::Big } else { Order::Little };
    let mut executable = Executable::default();
    let fields = (|| {
        let [programs, sections] = if wide { [0x20, 0x28] } else { [0x1c, 0x20] };
        let counts = if wide { 0x36 } else { 0x2a };
        let count = |index: usize| order.u16(head, counts + 2 * index).map(u64::from);
        let places = (order.word(wide, head, programs)?, order.word(wide, head, sections)?);
        Some((places, [count(0)?, count(1)?, count(2)?, count(3)?, count(4)?]))
    })();
    let ((programs_at, sections_at), [program_size, programs, section_size, sections, names]) =
        fields.ok_or("a damaged ELF header")?;
    let (program_min, section_min) = if wide { (56, 64) } else { (32, 40) };
    if programs > 0 && program_size >= program_min {
        let bytes = table(file, programs_at, programs, program_size)?;
        executable.segments =
            bytes.chunks_exact(program_size as usize).filter_map(|e| elf_segment(e, wide, order)).collect();
    }
    if sections > 0 && section_size >= section_min {
        let bytes = table(file, sections_at, sections, section_size)?;
        let entries: Vec<_> = bytes
            .chunks_exact(section_size as usize)
            .filter_map(|entry| elf_section(entry, wide, order))
            .collect();
        let named = usize::try_from(names).ok().and_then(|index| entries.get(index));
        let (_, names_at, names_size) = *named.ok_or("an ELF file without section names")?;
        let names = table(file, names_at, names_size, 1)?;
        executable.sections = entries
            .iter()
            .map(|(name, offset, size)| Section {
                name: name_at(&names, *name),
                offset: *offset,
                size: *size,
            })
            .collect();
    }
    Ok(executable)
}

/// Names are short; a table of overlapping long ones would be a way to fill the memory.
fn name_at(names: &[u8], at: u32) -> String {
    let bytes = usize::try_from(at).ok().and_then(|at| names.get(at..)).unwrap_or_default();
    c_string(bytes.get(..64).unwrap_or(bytes))
}

fn elf_segment(entry: &[u8], wide: bool, order: Order) -> Option<Segment> {
    const LOAD: u32 = 1;
    const WRITABLE: u32 = 2;
    if order.u32(entry, 0)? != LOAD {
        return None;
    }
    let [flags, offset, address, size] = if wide { [4, 8, 16, 32] } else { [24, 4, 8, 16] };
    Some(Segment {
        address: order.word(wide, entry, address)?,
        offset: order.word(wide, entry, offset)?,
        size: order.word(wide, entry, size)?,
        writable: order.u32(entry, flags)? & WRITABLE != 0,
    })
}

fn elf_section(entry: &[u8], wide: bool, order: Order) -> Option<(u32, u64, u64)> {
    let [offset, size] = if wide { [24, 32] } else { [16, 20] };
    Some((order.u32(entry, 0)?, order.word(wide, entry, offset)?, order.word(wide, entry, size)?))
}

/// Microsoft, "PE Format".
fn pe(file: &mut dyn Source, at: u64, header: &[u8]) -> Result<Executable, Unreadable> {
    const LE: Order = Order::Little;
    let damaged = "a damaged PE header";
    let count = LE.u16(header, 6).ok_or(damaged)?;
    let optional = LE.u16(header, 20).ok_or(damaged)?;
    let base = match LE.u16(header, 24) {
        Some(0x20b) => LE.u64(header, 24 + 24),
        _ => LE.u32(header, 24 + 28).map(u64::from),
    };
    let base = base.ok_or(damaged)?;
    let bytes = table(file, at + 24 + u64::from(optional), u64::from(count), 40)?;
    let mut executable = Executable::default();
    for entry in bytes.chunks_exact(40) {
        let field = |at: usize| LE.u32(entry, at).map(u64::from).ok_or(damaged);
        let (address, size, offset) = (field(12)?, field(16)?, field(20)?);
        let name = name_at(entry.get(..8).unwrap_or_default(), 0);
        let writable = LE.u32(entry, 36).is_some_and(|flags| flags & 0x8000_0000 != 0);
        executable.sections.push(Section { name, offset, size });
        executable.segments.push(Segment { address: base.saturating_add(address), offset, size, writable });
    }
    Ok(executable)
}

/// Apple, `mach-o/loader.h`; 64 bits, little-endian, one architecture.
fn mach_o(file: &mut dyn Source, head: &[u8]) -> Result<Executable, Unreadable> {
    const LE: Order = Order::Little;
    const SEGMENT_64: u32 = 0x19;
    let damaged = "a damaged Mach-O header";
    let size = LE.u32(head, 20).ok_or(damaged)?;
    let commands = table(file, 32, u64::from(size), 1)?;
    let mut executable = Executable::default();
    let mut rest = commands.as_slice();
    while let (Some(kind), Some(size)) = (LE.u32(rest, 0), LE.u32(rest, 4)) {
        let size = usize::try_from(size).ok().filter(|size| *size >= 8).ok_or(damaged)?;
        let (command, tail) = rest.split_at_checked(size).ok_or(damaged)?;
        rest = tail;
        if kind != SEGMENT_64 {
            continue;
        }
        let field = |at: usize| LE.u64(command, at).ok_or(damaged);
        let writable = LE.u32(command, 60).is_some_and(|protection| protection & 2 != 0);
        executable.segments.push(Segment {
            address: field(24)?,
            offset: field(40)?,
            size: field(48)?,
            writable,
        });
        for section in command.get(72..).unwrap_or_default().chunks_exact(80) {
            let (Some(size), Some(offset)) = (LE.u64(section, 40), LE.u32(section, 48)) else { continue };
            let name = name_at(section.get(..16).unwrap_or_default(), 0);
            executable.sections.push(Section { name, offset: u64::from(offset), size });
        }
    }
    Ok(executable)
}
