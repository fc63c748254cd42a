//! Layers: tar streams, plain, gzip or zstd. One input is one layer, or several between separators.

use crate::layout::{self, Layout};
use crate::{layer, repair};

/// Stands between two layers of an input.
const SEPARATOR: &[u8] = b"\n=== layer ===\n";

const LAYERS_MAX: usize = 3;

pub(crate) fn run(data: &[u8]) {
    let layers: Vec<Vec<u8>> = split(data).into_iter().map(repair::tar).collect();
    let options = layout::options();
    let mut layout = Layout::new();
    let image = layout::image(&mut layout, &layers, &options);
    layer::read_all(&image, &layer::selector());
    assert!(options.budget.peak() <= options.budget.capacity(), "more memory is held than there is");
}

fn split(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while parts.len() + 1 < LAYERS_MAX
        && let Some(at) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR)
    {
        parts.push(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + SEPARATOR.len()..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}
