//! What happens to the objects of a cluster while it is watched.

use model::Gap;

use crate::id::GroupKind;
use crate::object::Object;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An object was made or has changed.
    Applied(Box<Object>),
    /// The object of this path is gone; see [`crate::path`].
    Deleted(String),
    /// Every object of a kind, read anew: others of the kind that were known are gone.
    Relisted {
        /// Which kind.
        kind: GroupKind,
        /// All of them.
        objects: Vec<Object>,
    },
    /// Objects of a kind cannot be read any more. Those that are known stay, and nobody knows whether they are right.
    Lost {
        /// Which kind.
        kind: GroupKind,
        /// Why, with the kind as its subject.
        gap: Gap,
    },
    /// Something was sent that cannot be used.
    Unused(Gap),
}
