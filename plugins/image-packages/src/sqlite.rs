//! As much of SQLite as an rpm database needs: find a table and visit its rows (SQLite, "Database File Format").
//!
//! Reads pages as they are needed. In a sound file a walk meets each page once, so a walk that meets more pages than the
//! file has is a loop, and ends.

use palisade_sdk::Unreadable;

use crate::bytes::{Order, Source, array, read_at};

/// Largest row that is read. The largest package headers have some megabytes of file names.
const ROW_MAX: u64 = 64 << 20;

/// Columns of one row; SQLite allows no more.
const COLUMNS_MAX: usize = 32_767;

/// A database file.
pub(crate) struct Database<'a> {
    file: &'a mut dyn Source,
    page_size: u64,
    /// Bytes of a page that are not reserved for extensions.
    usable: u64,
    pages: u64,
    /// Pages that the current walk may still meet.
    left: u64,
    /// Bytes of rows that the current walk may still read: in a sound file no two rows share any.
    row_bytes_left: u64,
}

/// A column of a row: its serial type and its bytes.
pub(crate) struct Column<'a> {
    serial: u64,
    bytes: &'a [u8],
}

impl<'a> Column<'a> {
    /// The bytes of a text or a blob.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        if self.serial >= 12 { self.bytes } else { &[] }
    }

    /// A non-negative integer.
    fn integer(&self) -> Option<u64> {
        match self.serial {
            1..=6 => Some(self.bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))),
            9 => Some(1),
            _ => None,
        }
    }
}

impl<'a> Database<'a> {
    /// Reads the header.
    pub(crate) fn open(file: &'a mut dyn Source) -> Result<Self, Unreadable> {
        let header = read_at(file, 0, 100)?;
        if !header.starts_with(b"SQLite format 3\0") {
            return Err("not an SQLite database".into());
        }
        let page_size = match Order::Big.u16(&header, 16).ok_or("no header")? {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => u64::from(size),
            size => return Err(format!("a page size of {size} bytes").into()),
        };
        let usable = page_size - u64::from(header.get(20).copied().unwrap_or_default());
        let pages = file.seek(std::io::SeekFrom::End(0)).map_err(|error| error.to_string())? / page_size;
        Ok(Self { file, page_size, usable, pages, left: 0, row_bytes_left: 0 })
    }

    /// Visits the rows of a table until the visitor fails.
    pub(crate) fn rows(
        &mut self,
        table: &str,
        visit: &mut dyn FnMut(&[Column<'_>]) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        let mut root = None;
        // sqlite_schema: type, name, tbl_name, rootpage, sql.
        self.walk(1, &mut |columns| {
            let text = |index: usize| columns.get(index).map(Column::bytes);
            if text(0) == Some(b"table") && text(1) == Some(table.as_bytes()) {
                root = columns.get(3).and_then(Column::integer);
            }
            Ok(())
        })?;
        let root = root.ok_or_else(|| format!("no table {table}"))?;
        self.walk(root, visit)
    }

    fn walk(
        &mut self,
        root: u64,
        visit: &mut dyn FnMut(&[Column<'_>]) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        self.left = self.pages;
        self.row_bytes_left = self.pages * self.page_size;
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            let page = self.page(number)?;
            // The first page begins with the header of the file.
            let start = if number == 1 { 100 } else { 0 };
            let cells = usize::from(Order::Big.u16(&page, start + 3).ok_or("a page without a header")?);
            let pointer = |first: usize, index: usize| Order::Big.u16(&page, start + first + 2 * index);
            match page.get(start) {
                Some(5) => {
                    let rightmost = Order::Big.u32(&page, start + 8).ok_or("a page without a last child")?;
                    waiting.push(u64::from(rightmost));
                    for index in (0..cells).rev() {
                        let cell = pointer(12, index).ok_or("a cell outside its page")?;
                        let child =
                            Order::Big.u32(&page, usize::from(cell)).ok_or("a cell outside its page")?;
                        waiting.push(u64::from(child));
                    }
                }
                Some(13) => {
                    for index in 0..cells {
                        let cell = pointer(8, index).ok_or("a cell outside its page")?;
                        let row = self.row(page.get(usize::from(cell)..).unwrap_or_default())?;
                        visit(&columns(&row).ok_or("a row that contradicts itself")?)?;
                    }
                }
                _ => return Err(format!("page {number} is not a page of a table").into()),
            }
            if waiting.len() as u64 > self.pages {
                return Err("more pages in the tree than in the file".into());
            }
        }
        Ok(())
    }

    fn page(&mut self, number: u64) -> Result<Vec<u8>, Unreadable> {
        self.left = self.left.checked_sub(1).ok_or("the tree of pages has a loop")?;
        if number == 0 || number > self.pages {
            return Err(format!("page {number} is outside the file").into());
        }
        read_at(self.file, (number - 1) * self.page_size, self.page_size)
    }

    /// The payload of a leaf cell, with what flowed over to other pages.
    fn row(&mut self, cell: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let outside = "a row outside its page";
        let (size, rest) = varint(cell).ok_or(outside)?;
        let (_rowid, rest) = varint(rest).ok_or(outside)?;
        if size > ROW_MAX {
            return Err(format!("a row of {size} bytes").into());
        }
        // Every cell takes some bytes of its page, and even an empty row costs a visit.
        self.row_bytes_left =
            self.row_bytes_left.checked_sub(size.max(1)).ok_or("more rows than the file has room for")?;
        let local = usize::try_from(self.local(size)).unwrap_or_default();
        let mut row = rest.get(..local).ok_or(outside)?.to_vec();
        let mut next = array(rest, local).map_or(0, u32::from_be_bytes);
        while (row.len() as u64) < size {
            let page = self.page(u64::from(next))?;
            next = array(&page, 0).map_or(0, u32::from_be_bytes);
            let wanted = (size - row.len() as u64).min(self.usable - 4) as usize;
            row.extend_from_slice(page.get(4..4 + wanted).ok_or(outside)?);
        }
        Ok(row)
    }

    /// How much of a payload of this size is in the leaf itself.
    fn local(&self, size: u64) -> u64 {
        let most = self.usable - 35;
        if size <= most {
            return size;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (size - least) % (self.usable - 4);
        if fitting <= most { fitting } else { least }
    }
}

/// A big-endian integer of seven bits a byte; the ninth byte counts whole.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        if index == 8 {
            return Some((value << 8 | u64::from(*byte), bytes.get(9..)?));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

fn columns(row: &[u8]) -> Option<Vec<Column<'_>>> {
    let (header_size, rest) = varint(row)?;
    let header_size = usize::try_from(header_size).ok()?;
    let mut types = rest.get(..header_size.checked_sub(row.len() - rest.len())?)?;
    let mut body = row.get(header_size..)?;
    let mut columns = Vec::new();
    while !types.is_empty() {
        let (serial, tail) = varint(types)?;
        types = tail;
        let size = match serial {
            0 | 8 | 9 => 0,
            1..=4 => serial,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (serial - 12) / 2,
        };
        if columns.len() == COLUMNS_MAX {
            return None;
        }
        let (bytes, tail) = body.split_at_checked(usize::try_from(size).ok()?)?;
        body = tail;
        columns.push(Column { serial, bytes });
    }
    Some(columns)
}

#[cfg(test)]
mod tests {
    use super::{columns, varint};

    #[test]
    fn varints_have_up_to_nine_bytes() {
        assert_eq!(varint(&[0x7f, 1]), Some((127, &[1][..])));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, &[][..])));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, &[][..])));
        assert_eq!(varint(&[0xff; 8]), None);
    }

    #[test]
    fn a_row_is_cut_by_its_serial_types() {
        let row = [4, 0, 2, 15, 1, 2, b'x'];
        let found = columns(&row).unwrap();
        assert_eq!(found[1].integer(), Some(258));
        assert_eq!(found[2].bytes(), b"x");
        assert!(columns(&[3, 1, 15, 7]).is_none());
    }
}
