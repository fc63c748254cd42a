//! The outer tar of an OCI or docker archive: an index of its members, read in place. Nothing is unpacked.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::ImageError;
use crate::limits::Limits;
use crate::path::normalise;
use crate::tar::{Kind, TarReader};
use crate::unpacked::Cut;

/// Members of an outer archive; real ones have a few per layer.
const MEMBERS_MAX: usize = 100_000;

/// Bytes of the names of all members and of what they link to: some hundred of each in real archives.
const NAME_BYTES_MAX: usize = 32 << 20;

/// Links from member to member that are followed: `docker save` once wrote repeated layers as links.
const LINKS_MAX: usize = 8;

/// A tar file with random access to its members.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    members: HashMap<String, Member>,
}

#[derive(Debug)]
enum Member {
    File { offset: u64, size: u64 },
    Link(String),
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, ImageError> {
        let open = |source| ImageError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(open)?;
        let mut reader = TarReader::new(BufReader::with_capacity(4096, file));
        let damaged = |why: String| ImageError::format(path.display().to_string(), why);
        let mut members = HashMap::new();
        let limits = Limits::default();
        let mut name = String::new();
        let mut name_bytes = 0;
        loop {
            let entry = match reader.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) => {
                    return Err(damaged(format!(
                        "{}; an archive must be an uncompressed tar",
                        Cut::of(&error)
                    )));
                }
            };
            if normalise(&entry.path, &limits, &mut name).is_err() {
                continue;
            }
            let member = match entry.kind {
                Kind::File => {
                    let offset =
                        reader.seek_past_body().map_err(|error| ImageError::read("the archive", error))?;
                    Some(Member::File { offset, size: entry.size })
                }
                Kind::Symlink => linked(&name, &entry.link).map(Member::Link),
                Kind::HardLink => linked("", &entry.link).map(Member::Link),
                _ => None,
            };
            if let Some(member) = member {
                name_bytes += name.len() + if let Member::Link(target) = &member { target.len() } else { 0 };
                members.insert(std::mem::take(&mut name), member);
            }
            if members.len() > MEMBERS_MAX {
                return Err(damaged(format!("it has more than {MEMBERS_MAX} members")));
            }
            if name_bytes > NAME_BYTES_MAX {
                return Err(damaged(format!(
                    "the names of its members have more than {NAME_BYTES_MAX} bytes"
                )));
            }
        }
        Ok(Self { path: path.to_owned(), members })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.locate(name).is_some()
    }

    /// Size of a member.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        self.locate(name).map(|(_, size)| size)
    }

    /// A member's content.
    pub(crate) fn member(&self, name: &str) -> Result<Box<dyn Read + Send>, ImageError> {
        let Some((offset, size)) = self.locate(name) else {
            return Err(ImageError::NotFound {
                what: format!("{name} in {}", self.path.display()),
                why: "the archive has no such member".to_owned(),
            });
        };
        let mut file =
            File::open(&self.path).map_err(|source| ImageError::Open { path: self.path.clone(), source })?;
        file.seek(SeekFrom::Start(offset)).map_err(|error| ImageError::read(name, error))?;
        Ok(Box::new(file.take(size)))
    }

    fn locate(&self, name: &str) -> Option<(u64, u64)> {
        let mut name = name;
        for _ in 0..LINKS_MAX {
            match self.members.get(name)? {
                Member::File { offset, size } => return Some((*offset, *size)),
                Member::Link(target) => name = target,
            }
        }
        None
    }
}

/// Where a link leads: relative to the directory of `from`, never above the archive.
fn linked(from: &str, target: &[u8]) -> Option<String> {
    let target = std::str::from_utf8(target).ok()?;
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::linked;

    #[test]
    fn links_stay_inside() {
        assert_eq!(linked("a/layer.tar", b"../b/layer.tar").as_deref(), Some("b/layer.tar"));
        assert_eq!(linked("a/layer.tar", b"../../b"), None);
        assert_eq!(linked("", b"b/layer.tar").as_deref(), Some("b/layer.tar"));
    }
}
