//! What a resource holds that no query can use.

use serde::Serialize;

/// Most problems that a query keeps; beyond it they are only counted.
const PROBLEMS_MAX: usize = 1_000;

/// Something that was skipped: the answer of a query is about the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Asset id of the resource.
    pub resource: String,
    /// What of it was skipped and why.
    pub what: String,
}

/// Problems of one query, bounded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    pub(crate) kept: Vec<Problem>,
    pub(crate) count: usize,
}

impl Problems {
    pub(crate) fn add(&mut self, resource: &str, what: impl Into<String>) {
        self.count += 1;
        if self.kept.len() < PROBLEMS_MAX {
            self.kept.push(Problem { resource: resource.to_owned(), what: what.into() });
        }
    }
}
