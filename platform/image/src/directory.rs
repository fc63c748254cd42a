//! A root directory as one layer.
//!
//! The walk opens every directory relative to the one above it and never through a symbolic link, so that nobody who
//! changes the tree meanwhile can lead it out of the root. Names are sorted, so that two walks agree. File systems
//! that only show the state of the kernel are not content and are passed over, as are their usual mount points when
//! the root is the root of the running system.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use model::GapCode;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, statat};

use crate::error::ImageError;
use crate::exclude::Exclude;
use crate::index::LayerIndex;
use crate::limits::Limits;
use crate::path::normalise;
use crate::scan::Scan;
use crate::unpacked::Cut;

/// Mount points of kernel state.
const KERNEL_DIRECTORIES: [&str; 3] = ["dev", "proc", "sys"];

/// File system types (`statfs(2)`, `linux/magic.h`) whose files are made up as they are read: proc, sysfs, devpts,
/// cgroup, cgroup2, securityfs, selinuxfs, debugfs, tracefs, bpf, pstore, mqueue, hugetlbfs, configfs, fusectl,
/// binfmt_misc, autofs, rpc_pipefs, nsfs, efivarfs.
#[cfg(target_os = "linux")]
const KERNEL_TYPES: [u64; 20] = [
    0x9fa0,
    0x6265_6572,
    0x1cd1,
    0x0027_e0eb,
    0x6367_7270,
    0x7363_6673,
    0xf97c_ff8c,
    0x6462_6720,
    0x7472_6163,
    0xcafe_4a11,
    0x6165_676c,
    0x1980_0202,
    0x9584_58f6,
    0x6265_6570,
    0x6573_5543,
    0x4249_4e4d,
    0x0187,
    0x6759_6969,
    0x6e73_6673,
    0xde5e_81e4,
];

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// `NONBLOCK`: a pipe put in the place of a file must not make us wait for a writer.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// Walks the tree.
///
/// # Errors
/// When the root itself cannot be opened. What cannot be read below it is a gap.
pub(crate) fn read<'a>(
    root: &Path,
    exclude: &'a Exclude,
    scan: Scan<'a>,
    limits: &'a Limits,
) -> Result<LayerIndex, ImageError> {
    let open = |source: rustix::io::Errno| ImageError::Open { path: root.to_owned(), source: source.into() };
    let top = openat(CWD, root, DIRECTORY, Mode::empty()).map_err(open)?;
    let device = fstat(&top).map_err(open)?.st_dev;
    let deadline = Instant::now().checked_add(limits.layer_time);
    let mut walk =
        Walk { scan, limits, exclude, deadline, of_system: root == Path::new("/"), path: String::new() };
    if let Err(error) = walk.directory(&top, device, 0) {
        walk.scan.cut(Cut::of(&error));
    }
    let (wanted, links) = walk.scan.wanted();
    let mut rest = wanted.as_slice();
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|want| want.target == first.target).count();
        let (names, later) = rest.split_at_checked(same).unwrap_or((rest, &[]));
        walk.again(&top, &first.target, names);
        rest = later;
    }
    Ok(walk.scan.finish(links))
}

struct Walk<'a> {
    scan: Scan<'a>,
    limits: &'a Limits,
    exclude: &'a Exclude,
    /// `None`: further away than the clock can tell.
    deadline: Option<Instant>,
    /// The root is that of the running system.
    of_system: bool,
    /// Path of the current directory, then of the current entry.
    path: String,
}

/// A name in a directory.
struct Name {
    text: CString,
    kind: FileType,
}

impl Walk<'_> {
    /// One directory. The recursion is as deep as the depth cap and holds one open directory for each level.
    ///
    /// # Errors
    /// A [`Cut`] that ends the walk.
    fn directory(&mut self, directory: &OwnedFd, device: u64, depth: usize) -> io::Result<()> {
        let names = match names(directory) {
            Ok(names) => names,
            Err(error) => {
                self.unreadable(error.into());
                return Ok(());
            }
        };
        let length = self.path.len();
        for name in names {
            self.scan.count()?;
            if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return Err(Cut::new(GapCode::TimeLimit, "reading the directory took too long").into_io());
            }
            self.path.truncate(length);
            if self.enter(&name.text) && !self.excluded() {
                self.entry(directory, &name, device, depth)?;
            }
        }
        self.path.truncate(length);
        Ok(())
    }

    /// Whether the current entry is to be passed over; says so.
    fn excluded(&mut self) -> bool {
        let excluded = self.exclude.matches(&self.path);
        if excluded {
            self.scan.gap(GapCode::Excluded, self.path.as_bytes(), "it is excluded from the scan");
        }
        excluded
    }

    /// Adds a name to the path; false when it cannot be one.
    fn enter(&mut self, name: &CStr) -> bool {
        let mut raw = self.path.clone().into_bytes();
        if !raw.is_empty() {
            raw.push(b'/');
        }
        raw.extend_from_slice(name.to_bytes());
        let above = self.path.len();
        match normalise(&raw, self.limits, &mut self.path) {
            Ok(()) => true,
            Err(bad) => {
                self.path.clear();
                self.path
                    .push_str(std::str::from_utf8(raw.get(..above).unwrap_or_default()).unwrap_or_default());
                self.scan.gap(bad.code, &raw, bad.why);
                false
            }
        }
    }

    fn entry(&mut self, directory: &OwnedFd, name: &Name, device: u64, depth: usize) -> io::Result<()> {
        let path = self.path.clone();
        match name.kind {
            FileType::Directory => {
                self.scan.directory(&path)?;
                if !(self.of_system && depth == 0 && KERNEL_DIRECTORIES.contains(&path.as_str())) {
                    self.below(directory, &name.text, device, depth)?;
                }
            }
            FileType::RegularFile => self.file(directory, &name.text),
            FileType::Symlink => match rustix::fs::readlinkat(directory, &*name.text, Vec::new()) {
                Ok(target) => self.scan.symlink(&path, target.to_bytes())?,
                Err(error) => self.unreadable(error.into()),
            },
            _ => self.scan.other(&path)?,
        }
        Ok(())
    }

    fn below(&mut self, directory: &OwnedFd, name: &CStr, device: u64, depth: usize) -> io::Result<()> {
        let opened = openat(directory, name, DIRECTORY, Mode::empty()).and_then(|below| {
            let own = fstat(&below)?.st_dev;
            let kernel = own != device && is_kernel_state(&below)?;
            Ok((below, own, kernel))
        });
        match opened {
            Ok((_, _, true)) => Ok(()),
            Ok((below, own, false)) => self.directory(&below, own, depth + 1),
            Err(error) => {
                self.unreadable(error.into());
                Ok(())
            }
        }
    }

    fn file(&mut self, directory: &OwnedFd, name: &CStr) {
        let path = self.path.clone();
        let read =
            statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from).and_then(|stat| {
                let size = u64::try_from(stat.st_size).unwrap_or_default();
                let mut body = Lazy { directory, name, file: None };
                self.scan.file(&path, size, &mut body)
            });
        if let Err(error) = read {
            self.unreadable(error);
        }
    }

    /// A file that links lead to, for the second time.
    fn again(&mut self, top: &OwnedFd, target: &str, names: &[crate::scan::Wanted]) {
        self.path.clear();
        self.path.push_str(target);
        let read = open_below(top, target).and_then(|mut file| {
            let size = file.metadata()?.len();
            self.scan.file_again(size, names, &mut file)
        });
        if let Err(error) = read {
            self.unreadable(error);
        }
    }

    fn unreadable(&mut self, error: io::Error) {
        let path = if self.path.is_empty() { "." } else { &self.path };
        let why = match error.raw_os_error() {
            Some(_) => error.to_string(),
            None => "it changed while it was read".to_owned(),
        };
        self.scan.gap(GapCode::Unreadable, path.as_bytes(), why);
    }
}

/// A file that is opened when its first byte is asked for: most are wanted by nobody.
struct Lazy<'a> {
    directory: &'a OwnedFd,
    name: &'a CStr,
    file: Option<File>,
}

impl Read for Lazy<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = Some(openat(self.directory, self.name, FILE, Mode::empty())?.into());
        }
        self.file.as_mut().map_or(Ok(0), |file| file.read(into))
    }
}

/// Opens a path component by component, never through a link.
fn open_below(top: &OwnedFd, path: &str) -> io::Result<File> {
    let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut directory = top.as_fd().try_clone_to_owned()?;
    for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
        directory = openat(&directory, parent, DIRECTORY, Mode::empty())?;
    }
    Ok(openat(&directory, name, FILE, Mode::empty())?.into())
}

fn names(directory: &OwnedFd) -> rustix::io::Result<Vec<Name>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let text = entry.file_name();
        if matches!(text.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                FileType::from_raw_mode(statat(directory, text, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
            }
            known => known,
        };
        names.push(Name { text: text.to_owned(), kind });
    }
    names.sort_unstable_by(|a, b| a.text.cmp(&b.text));
    Ok(names)
}

#[cfg(target_os = "linux")]
fn is_kernel_state(directory: &OwnedFd) -> rustix::io::Result<bool> {
    // The width and sign of the field differ between architectures; the magic numbers have 32 bits.
    let kind = rustix::fs::fstatfs(directory)?.f_type as u64 & 0xffff_ffff;
    Ok(KERNEL_TYPES.contains(&kind))
}

#[cfg(not(target_os = "linux"))]
fn is_kernel_state(_: &OwnedFd) -> rustix::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
