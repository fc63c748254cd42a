//! A layer that is a tar stream: one pass, or two where links ask for files that have gone by.

use std::collections::HashMap;
use std::io::{self, Read};

use model::{Digest, Gap, GapCode};

use crate::error::ImageError;
use crate::index::{LayerIndex, Mark};
use crate::limits::Limits;
use crate::overlay::LinkedFile;
use crate::packed::Packed;
use crate::path::normalise;
use crate::scan::{Held, Scan, Wanted};
use crate::tar::{Entry, Kind, TarReader};
use crate::unpacked::{Cut, Unpacked};

/// Prefix of names that remove something (OCI image specification, layer filesystem changeset).
const WHITEOUT: &str = ".wh.";

/// Prefix of names that belong to the storage driver that invented whiteouts, and remove nothing.
const WHITEOUT_META: &str = ".wh..wh.";

/// The one of those that has a meaning: the directory hides what lower layers have in it.
const OPAQUE: &str = ".wh..wh..opq";

/// What the bytes of a layer are checked against.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// The bytes as they are stored.
    Packed(Digest),
    /// The bytes after unpacking.
    Unpacked(Digest),
}

/// How to get at the bytes, once per pass.
pub(crate) struct TarLayer<'a> {
    pub(crate) what: &'a str,
    pub(crate) open: &'a dyn Fn() -> Result<Box<dyn Read + Send>, ImageError>,
    /// Announced size of the packed bytes.
    pub(crate) size: Option<u64>,
    pub(crate) proof: &'a Proof,
    pub(crate) limits: &'a Limits,
}

impl TarLayer<'_> {
    /// Reads the layer.
    ///
    /// # Errors
    /// When the source fails, or the content is not what its digest promised.
    pub(crate) fn read(&self, mut scan: Scan<'_>) -> Result<LayerIndex, ImageError> {
        let (packed, unpacked) =
            self.pass(&mut scan, &mut |reader, scan| entries(reader, scan, self.limits))?;
        scan.counters().packed_bytes = packed;
        scan.counters().unpacked_bytes = unpacked;
        let (wanted, links) = scan.wanted();
        if !wanted.is_empty() {
            let wanted = by_target(wanted);
            self.pass(&mut scan, &mut |reader, scan| again(reader, scan, self.limits, &wanted))?;
        }
        Ok(scan.finish(links))
    }

    /// Reads one file that a link of another layer leads to.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_linked(
        &self,
        mut scan: Scan<'_>,
        linked: &LinkedFile,
    ) -> Result<Vec<Gap>, ImageError> {
        let mut target = linked.target.clone();
        for _ in 0..HARD_LINKS_MAX {
            let mut last = Last::default();
            self.pass(&mut scan, &mut |reader, scan| {
                find(reader, scan, self.limits, &target, linked, &mut last)
            })?;
            match last {
                Last::File(held) => {
                    scan.hand_over_linked(linked, held);
                    return Ok(scan.finish_linked());
                }
                Last::HardLink(first) => target = first,
                Last::None => break,
            }
        }
        let why = format!("it leads over more than one layer to {}", linked.target);
        scan.gap(GapCode::BrokenLink, linked.path.as_bytes(), why);
        Ok(scan.finish_linked())
    }

    /// One pass: opens, runs `body` over the entries, then reads what is left for the digest's sake.
    fn pass(
        &self,
        scan: &mut Scan<'_>,
        body: &mut dyn FnMut(&mut TarReader<Unpacked>, &mut Scan<'_>) -> io::Result<()>,
    ) -> Result<(u64, u64), ImageError> {
        let hash_packed = matches!(self.proof, Proof::Packed(_));
        let packed = Packed::new((self.open)()?, self.size, hash_packed);
        let (packed, sha256, total, whole) = match Unpacked::new(packed, !hash_packed, self.limits) {
            Ok(unpacked) => {
                let mut reader = TarReader::new(unpacked);
                let ended = body(&mut reader, scan);
                let mut unpacked = reader.into_inner();
                // A digest of unpacked bytes needs them all; a cut leaves it unproven, which the cut's gap says.
                let drained = ended.and_then(|()| if hash_packed { Ok(()) } else { drain(&mut unpacked) });
                let total = unpacked.total();
                let (packed, sha256) = unpacked.into_parts();
                (packed, sha256, total, drained)
            }
            Err(failed) => {
                let (error, packed) = *failed;
                (packed, None, 0, Err(error))
            }
        };
        let bytes = self.close(packed, sha256, whole, scan)?;
        Ok((bytes, total))
    }

    fn close(
        &self,
        mut packed: Packed,
        unpacked_sha256: Option<[u8; 32]>,
        whole: io::Result<()>,
        scan: &mut Scan<'_>,
    ) -> Result<u64, ImageError> {
        if let Some(failure) = packed.take_failure() {
            return Err(ImageError::read(self.what, failure));
        }
        let cut = whole.err().map(|error| Cut::of(&error));
        let end = packed.finish().map_err(|error| ImageError::read(self.what, error))?;
        let mismatch = |expected: &Digest, actual: String| ImageError::Digest {
            what: self.what.to_owned(),
            expected: expected.as_str().to_owned(),
            actual,
        };
        match self.proof {
            Proof::Packed(digest) => {
                if packed.overlong() {
                    return Err(mismatch(digest, format!("more than the {} bytes announced", end.bytes)));
                }
                let actual = Digest::from_sha256(end.sha256.unwrap_or_default());
                if actual != *digest {
                    return Err(mismatch(digest, actual.as_str().to_owned()));
                }
            }
            Proof::Unpacked(digest) if cut.is_none() => {
                let actual = Digest::from_sha256(unpacked_sha256.unwrap_or_default());
                if actual != *digest {
                    return Err(mismatch(digest, actual.as_str().to_owned()));
                }
            }
            Proof::Unpacked(_) => {}
        }
        if let Some(cut) = cut {
            scan.cut(cut);
        }
        Ok(end.bytes)
    }
}

fn drain(unpacked: &mut Unpacked) -> io::Result<()> {
    io::copy(unpacked, &mut io::sink()).map(|_| ())
}

/// The first pass.
fn entries(reader: &mut TarReader<Unpacked>, scan: &mut Scan<'_>, limits: &Limits) -> io::Result<()> {
    let mut path = String::new();
    while let Some(entry) = reader.next_entry()? {
        scan.count()?;
        if let Err(bad) = normalise(&entry.path, limits, &mut path) {
            scan.gap(bad.code, &entry.path, bad.why);
            continue;
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        match name.strip_prefix(WHITEOUT) {
            Some(removed) => whiteout(scan, parent, name, removed),
            None => one(reader, scan, limits, &entry, &path)?,
        }
    }
    Ok(())
}

fn one(
    reader: &mut TarReader<Unpacked>,
    scan: &mut Scan<'_>,
    limits: &Limits,
    entry: &Entry,
    path: &str,
) -> io::Result<()> {
    match entry.kind {
        Kind::Directory => scan.directory(path),
        // Only a directory can be the root.
        _ if path.is_empty() => {
            scan.gap(GapCode::UnsafePath, &entry.path, "the root is not a directory");
            Ok(())
        }
        Kind::File => scan.file(path, entry.size, reader),
        Kind::Sparse => scan.sparse(path),
        Kind::Symlink => scan.symlink(path, &entry.link),
        Kind::Other => scan.other(path),
        Kind::HardLink => {
            let mut target = String::new();
            match normalise(&entry.link, limits, &mut target) {
                Ok(()) => scan.hard_link(path, &target),
                Err(bad) => {
                    scan.gap(bad.code, &entry.path, format!("the hard link's target: {}", bad.why));
                    scan.other(path)
                }
            }
        }
    }
}

fn whiteout(scan: &mut Scan<'_>, parent: &str, name: &str, removed: &str) {
    if name == OPAQUE {
        scan.whiteout(parent, Mark::Opaque);
    } else if matches!(removed, "" | "." | "..") {
        scan.gap(GapCode::UnsafePath, name.as_bytes(), "the whiteout names nothing it could remove");
    } else if !name.starts_with(WHITEOUT_META) {
        let path = if parent.is_empty() { removed.to_owned() } else { format!("{parent}/{removed}") };
        scan.whiteout(&path, Mark::Whiteout);
    }
}

/// Hard links followed from one name to the next; tar writers make one step of it.
const HARD_LINKS_MAX: usize = 4;

/// What the last entry of a path was.
#[derive(Default)]
enum Last {
    #[default]
    None,
    File(Held),
    HardLink(String),
}

/// Looks for the last entry of one path.
fn find(
    reader: &mut TarReader<Unpacked>,
    scan: &mut Scan<'_>,
    limits: &Limits,
    target: &str,
    linked: &LinkedFile,
    last: &mut Last,
) -> io::Result<()> {
    let mut path = String::new();
    while let Some(entry) = reader.next_entry()? {
        if normalise(&entry.path, limits, &mut path).is_err() || path != target {
            continue;
        }
        // An earlier one lets go of its memory before this one may have to wait for some.
        *last = Last::None;
        *last = match entry.kind {
            Kind::File => Last::File(scan.hold_linked(linked, entry.size, reader)?),
            Kind::HardLink if normalise(&entry.link, limits, &mut path).is_ok() => {
                Last::HardLink(path.clone())
            }
            _ => Last::None,
        };
    }
    Ok(())
}

/// Files to be read again, by the name they have; with each the occurrence that counts.
type ByTarget = HashMap<String, (u64, Vec<Wanted>)>;

fn by_target(wanted: Vec<Wanted>) -> ByTarget {
    let mut targets = ByTarget::new();
    for want in wanted {
        targets.entry(want.target.clone()).or_insert((want.occurrence, Vec::new())).1.push(want);
    }
    targets
}

/// The second pass.
fn again(
    reader: &mut TarReader<Unpacked>,
    scan: &mut Scan<'_>,
    limits: &Limits,
    wanted: &ByTarget,
) -> io::Result<()> {
    let mut path = String::new();
    let mut seen: HashMap<&str, u64> = HashMap::new();
    let mut left = wanted.len();
    while let Some(entry) = reader.next_entry()? {
        if left == 0 {
            break;
        }
        if normalise(&entry.path, limits, &mut path).is_err() {
            continue;
        }
        let Some((target, (occurrence, names))) = wanted.get_key_value(path.as_str()) else { continue };
        if entry.kind == Kind::Directory {
            continue;
        }
        let count = seen.entry(target).or_default();
        *count += 1;
        if count == occurrence && entry.kind == Kind::File {
            scan.file_again(entry.size, names, reader)?;
            left -= 1;
        }
    }
    Ok(())
}
