//! What was collected of an account, as a document: to look at, to hand on, and to judge where the cloud cannot be asked.
//!
//! ```json
//! {
//!   "palisade_collection": 1,
//!   "resources": [{ "id": "arn:aws:s3:::logs", "kind": "aws:s3:bucket", "body": { "Policy": null } }],
//!   "missing": [{ "code": "not-collected", "subject": "s3", "reason": "s3:ListAllMyBuckets was denied" }]
//! }
//! ```
//!
//! Bodies are those of the contract of the plugin that collects; for AWS it is `plugins/cloud-aws/RESOURCES.md`.

use std::collections::{BTreeMap, BTreeSet};

use model::{Gap, GapCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::CloudError;
use crate::resource::Resource;

/// Version of the form.
const VERSION: u32 = 1;
/// Most resources.
const RESOURCES_MAX: usize = 1_000_000;

/// What was collected of an account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collection {
    /// Resources, each id once.
    pub resources: Vec<Resource>,
    /// What could not be collected or read.
    pub missing: BTreeSet<Gap>,
}

#[derive(Serialize)]
struct Written<'a> {
    palisade_collection: u32,
    resources: &'a [Resource],
    missing: &'a BTreeSet<Gap>,
}

#[derive(Deserialize)]
struct Read {
    palisade_collection: u32,
    resources: Vec<Value>,
    #[serde(default)]
    missing: BTreeSet<Gap>,
}

impl Collection {
    /// Longest document that is read, in bytes.
    pub const BYTES_MAX: usize = 256 << 20;

    /// The collection as a document.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { resources, missing } = self;
        let written = Written { palisade_collection: VERSION, resources, missing };
        // Writing to memory does not fail, and none of these types has keys that JSON cannot hold.
        serde_json::to_string_pretty(&written).unwrap_or_default() + "\n"
    }

    /// Reads a document. An entry that is no resource is a gap; of two with the same id the later one is taken.
    ///
    /// # Errors
    /// [`CloudError::Collection`] for what is no such document, for one of another version, and for one that is too large.
    pub fn from_json(bytes: &[u8]) -> Result<Self, CloudError> {
        let refused = |why: String| Err(CloudError::Collection(why));
        if bytes.len() > Self::BYTES_MAX {
            return refused(format!("it is larger than {} MiB", Self::BYTES_MAX >> 20));
        }
        let read: Read = match serde_json::from_slice(bytes) {
            Ok(read) => read,
            Err(error) => return refused(error.to_string()),
        };
        if read.palisade_collection != VERSION {
            return refused(format!("its version is {}", read.palisade_collection));
        }
        if read.resources.len() > RESOURCES_MAX {
            return refused(format!("it has more than {RESOURCES_MAX} resources"));
        }
        let mut missing = read.missing;
        let mut resources = BTreeMap::new();
        for (number, value) in read.resources.into_iter().enumerate() {
            match serde_json::from_value::<Resource>(value) {
                Ok(resource) => _ = resources.insert(resource.id.clone(), resource),
                Err(error) => {
                    let subject = format!("resource {number} of the collection");
                    missing.insert(Gap { code: GapCode::ParseError, subject, reason: error.to_string() });
                }
            }
        }
        Ok(Self { resources: resources.into_values().collect(), missing })
    }
}

#[cfg(test)]
mod tests {
    use model::GapCode;
    use proptest::prelude::*;

    use super::Collection;
    use crate::resource::Resource;

    #[test]
    fn a_collection_comes_back_as_it_was() {
        let body = serde_json::json!({ "Account": "123456789012", "Policy": null });
        let mut collection = Collection {
            resources: vec![Resource::new("arn:aws:s3:::logs", "aws:s3:bucket", body)],
            ..Collection::default()
        };
        let (subject, reason) = ("s3".to_owned(), "it was denied".to_owned());
        collection.missing.insert(model::Gap { code: GapCode::NotCollected, subject, reason });
        let text = collection.to_json();
        assert_eq!(Collection::from_json(text.as_bytes()).unwrap(), collection);
    }

    #[test]
    fn what_is_no_resource_is_a_gap_and_costs_only_itself() {
        let document = br#"{ "palisade_collection": 1, "resources": [
            7, { "id": "a", "kind": "k" }, { "id": "a", "kind": "k", "body": [] },
            { "id": "b", "kind": "old", "body": {} }, { "id": "b", "kind": "new", "body": {} }
        ] }"#;
        let read = Collection::from_json(document).unwrap();
        assert_eq!(read.resources.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), ["new"]);
        assert_eq!(read.missing.len(), 3, "{:?}", read.missing);
    }

    #[test]
    fn what_is_no_collection_is_refused() {
        let other = br#"{ "palisade_collection": 2, "resources": [] }"#;
        let deep = "[".repeat(1 << 16);
        for bytes in [&b""[..], b"{}", b"[]", other, b"\xff", deep.as_bytes()] {
            assert_eq!(Collection::from_json(bytes).unwrap_err().code(), "collection-unreadable");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let document = format!(r#"{{"palisade_collection":1,"resources":[{text}]}}"#);
            let _ = Collection::from_json(document.as_bytes());
        }
    }
}
