//! The layers as one file system: what of a lower layer is still there when all are stacked.

use std::collections::BTreeSet;

use model::{Gap, GapCode};

use crate::index::{LayerIndex, Link, Mark, Tag};
use crate::path::ancestors;

/// The stacked layers, lowest first.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    layers: &'a [LayerIndex],
}

impl<'a> Overlay<'a> {
    /// Layers in the order of the image, lowest first.
    #[must_use]
    pub fn new(layers: &'a [LayerIndex]) -> Self {
        Self { layers }
    }

    /// Whether the file that `layer` has under `path` is what the final file system has there. For a path that the
    /// layer reached through a symbolic link, what the link leads to must still be there as well.
    #[must_use]
    pub fn visible(&self, layer: usize, path: &str) -> bool {
        let linked = self.layers.get(layer).and_then(|index| link_at(index, path));
        self.stands(layer, path) && linked.is_none_or(|link| !link.here || self.stands(layer, &link.target))
    }

    /// Everything that was not seen of what the final file system has: the gaps of all layers, without those on files
    /// that an upper layer removes, and with links that lead nowhere. Sorted, without doubles.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = BTreeSet::new();
        for (layer, index) in self.layers.iter().enumerate() {
            let seen = |gap: &&Gap| !about_one_file(gap.code) || self.stands(layer, &gap.subject);
            gaps.extend(index.gaps.iter().filter(seen).cloned());
            let broken =
                |link: &&Link| !link.here && self.stands(layer, &link.path) && !self.exists(&link.target);
            gaps.extend(index.links.iter().filter(broken).map(|link| Gap {
                code: GapCode::BrokenLink,
                subject: link.path.clone(),
                reason: format!("it leads to {}, which is not in the image", link.target),
            }));
        }
        gaps.into_iter().collect()
    }

    /// Whether the final file system has something under this path.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        let hash = Tag::hash(path);
        let has =
            |index: &LayerIndex| index.has(hash.with(Mark::File)) || index.has(hash.with(Mark::Directory));
        (0..self.layers.len())
            .any(|layer| self.layers.get(layer).is_some_and(has) && self.stands(layer, path))
    }

    /// Whether no upper layer hides this path of `layer`.
    fn stands(&self, layer: usize, path: &str) -> bool {
        let own = Tag::hash(path);
        let above: Vec<Tag> = ancestors(path).map(Tag::hash).collect();
        let upper = self.layers.get(layer + 1..).unwrap_or_default();
        upper.iter().all(|index| {
            let at_path =
                [Mark::File, Mark::Directory, Mark::Whiteout].iter().any(|mark| index.has(own.with(*mark)));
            let over_it = || {
                let hiding = [Mark::File, Mark::Whiteout, Mark::Opaque];
                above.iter().any(|tag| hiding.iter().any(|mark| index.has(tag.with(*mark))))
            };
            !at_path && !over_it()
        })
    }
}

fn link_at<'a>(index: &'a LayerIndex, path: &str) -> Option<&'a Link> {
    let position = index.links.binary_search_by(|link| link.path.as_str().cmp(path)).ok()?;
    index.links.get(position)
}

/// Gaps of these codes name a file; the others name a layer or a name that cannot be a path.
fn about_one_file(code: GapCode) -> bool {
    matches!(code, GapCode::SizeLimit | GapCode::BrokenLink | GapCode::Unsupported | GapCode::Unreadable)
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
