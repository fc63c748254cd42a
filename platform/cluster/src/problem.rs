//! What an object holds that no query can use.

use serde::{Deserialize, Deserializer, Serialize};

use crate::object::Object;

/// Most problems that a query keeps; beyond it they are only counted.
const PROBLEMS_MAX: usize = 1_000;

/// Something that was skipped: the answer of a query is about the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Path of the object; see [`crate::path`].
    pub object: String,
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
    pub(crate) fn add(&mut self, object: &str, what: impl Into<String>) {
        self.count += 1;
        if self.kept.len() < PROBLEMS_MAX {
            self.kept.push(Problem { object: object.to_owned(), what: what.into() });
        }
    }

    /// The body of an object as far as a query needs it. Nothing, and a problem, where it cannot be had.
    pub(crate) fn view<'a, T: Deserialize<'a>>(&mut self, object: &'a Object) -> Option<T> {
        if object.body.is_empty() {
            self.add(&object.path(), "its body was not kept");
            return None;
        }
        let read = serde_json::from_slice(&object.body);
        read.inspect_err(|error| {
            self.add(&object.path(), format!("it is not as its kind should be: {error}"))
        })
        .ok()
    }
}

/// A value that may be `null`, which the API server writes for empty lists.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
