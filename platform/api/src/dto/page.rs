//! Shapes that several resources share.

use serde::Serialize;
use utoipa::ToSchema;

use super::Plugin;

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last one. Opaque.
    #[schema(required)]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The wire form of a page of the store.
    pub(crate) fn of<Row: Into<T>>(page: store::Page<Row>) -> Self {
        Self { items: page.items.into_iter().map(Into::into).collect(), next: page.next }
    }
}

/// All loaded plugins. Not paged: an installation has few.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Plugins {
    /// By id.
    pub items: Vec<Plugin>,
}

/// How many findings of each severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct SeverityCounts {
    /// Rated critical.
    pub critical: u64,
    /// Rated high.
    pub high: u64,
    /// Rated medium.
    pub medium: u64,
    /// Rated low.
    pub low: u64,
    /// Rated below low.
    pub negligible: u64,
    /// Rated as harmless.
    pub none: u64,
    /// Rated by nobody.
    pub unknown: u64,
}

impl From<store::SeverityCounts> for SeverityCounts {
    fn from(counts: store::SeverityCounts) -> Self {
        let store::SeverityCounts { critical, high, medium, low, negligible, none, unknown } = counts;
        Self { critical, high, medium, low, negligible, none, unknown }
    }
}
