//! From an index to the one manifest that is wanted, however deeply it is nested.

use std::collections::BTreeSet;

use model::Digest;

use crate::error::ImageError;
use crate::limits::Limits;
use crate::manifest::{DOCKER_LIST, Descriptor, Document, Manifest, OCI_INDEX, Platform};

/// Manifests and indexes looked at before giving up. The widest public index has about 40.
const DOCUMENTS_MAX: usize = 256;

/// Fetches a document by its digest, verified.
pub(crate) type Fetch<'a> = &'a dyn Fn(&Descriptor) -> Result<Vec<u8>, ImageError>;

/// The way through the indexes so far.
struct Walk<'a> {
    fetch: Fetch<'a>,
    depth_max: usize,
    fetched: usize,
    /// Indexes above the current one: one that contains itself is refused.
    above: Vec<String>,
    manifests: Vec<Descriptor>,
}

/// Finds the manifest for `wanted` (or the default platform) below `manifests`.
pub(crate) fn choose(
    manifests: Vec<Descriptor>,
    wanted: Option<&Platform>,
    fetch: Fetch<'_>,
    limits: &Limits,
) -> Result<(Digest, Manifest), ImageError> {
    let mut walk =
        Walk { fetch, depth_max: limits.index_depth, fetched: 0, above: Vec::new(), manifests: Vec::new() };
    walk.gather(manifests)?;
    let chosen = pick(&walk.manifests, wanted)?;
    let what = format!("manifest {}", chosen.digest);
    match Document::parse(&fetch(chosen)?, chosen.media_type.as_deref(), &what)? {
        Document::Manifest(manifest) => Ok((chosen.digest()?, manifest)),
        Document::Index(_) => Err(ImageError::format(what, "an index under the media type of a manifest")),
    }
}

impl Walk<'_> {
    /// Collects all manifests below an index, in order.
    fn gather(&mut self, entries: Vec<Descriptor>) -> Result<(), ImageError> {
        for entry in entries {
            if self.manifests.len() + self.fetched >= DOCUMENTS_MAX {
                let why = format!("it leads to more than {DOCUMENTS_MAX} manifests");
                return Err(ImageError::format("the index", why));
            }
            if matches!(entry.media_type.as_deref(), Some(OCI_INDEX | DOCKER_LIST)) {
                self.nested(entry)?;
            } else {
                self.manifests.push(entry);
            }
        }
        Ok(())
    }

    fn nested(&mut self, entry: Descriptor) -> Result<(), ImageError> {
        let what = format!("index {}", entry.digest);
        if self.above.contains(&entry.digest) {
            return Err(ImageError::format(what, "it contains itself"));
        }
        if self.above.len() >= self.depth_max {
            return Err(ImageError::format(
                what,
                format!("indexes are nested more than {} deep", self.depth_max),
            ));
        }
        self.fetched += 1;
        let bytes = (self.fetch)(&entry)?;
        let Document::Index(inner) = Document::parse(&bytes, entry.media_type.as_deref(), &what)? else {
            return Err(ImageError::format(what, "a manifest under the media type of an index"));
        };
        self.above.push(entry.digest);
        self.gather(inner)?;
        self.above.pop();
        Ok(())
    }
}

fn pick<'a>(manifests: &'a [Descriptor], wanted: Option<&Platform>) -> Result<&'a Descriptor, ImageError> {
    let attestation = |entry: &Descriptor| entry.platform.as_ref().is_some_and(Platform::is_attestation);
    let real: Vec<&Descriptor> = manifests.iter().filter(|entry| !attestation(entry)).collect();
    let of = |wanted: &Platform| {
        let fits =
            |entry: &&Descriptor| entry.platform.as_ref().is_some_and(|platform| platform.satisfies(wanted));
        real.iter().copied().find(fits)
    };
    let found = match wanted {
        Some(wanted) => of(wanted),
        None => Platform::defaults().iter().find_map(of),
    };
    // One manifest without a word about its platform, or the only one there is, is what was meant; the configuration
    // is checked against an explicit wish afterwards.
    let only = match real.as_slice() {
        [entry] if wanted.is_none() || entry.platform.is_none() => Some(*entry),
        _ => None,
    };
    found.or(only).ok_or_else(|| {
        let names: BTreeSet<_> =
            real.iter().filter_map(|entry| Some(entry.platform.as_ref()?.to_string())).collect();
        let wanted = wanted.map_or_else(|| "linux/amd64".to_owned(), ToString::to_string);
        let found = if names.is_empty() { "none".to_owned() } else { Vec::from_iter(names).join(", ") };
        ImageError::Platform { wanted, found: found.chars().take(500).collect() }
    })
}
