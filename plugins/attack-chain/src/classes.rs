//! Keys that are one attack, and the stages that it has had. Changed slot by slot, in the order of time.
//!
//! A class is forgotten after a day in which nothing came to it. Its keys are not looked for then: each remembers when the one that it
//! leads to was made, and a key that was made anew since is another one.

use std::collections::BTreeSet;

use palisade_sdk::{Error, state};
use serde::{Deserialize, Serialize};

use crate::journal::{DAY, Reason, SLOT, Stages, absorb_stages};

/// Longest way from a key to the one that stands for it; the lower of two keys is always nearer.
const HOPS_MAX: usize = 64;
/// Reasons that are kept of a class.
const REASONS_MAX: usize = 40;

/// A key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Node {
    /// Slot in which it was made.
    born: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<(String, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
}

/// What is known of a class, at the key that stands for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Class {
    /// Slot in which something last came to it.
    pub(crate) last: u64,
    pub(crate) stages: Stages,
    /// Tactics that were told of together.
    pub(crate) told: BTreeSet<String>,
    /// Why its keys are one, as from, to and reason.
    pub(crate) reasons: Vec<(String, String, Reason)>,
}

fn place(key: &str) -> String {
    format!("u/{key}")
}

/// The classes as of a slot.
#[derive(Debug)]
pub(crate) struct Classes {
    slot: u64,
}

impl Classes {
    pub(crate) fn at(slot: u64) -> Self {
        Self { slot }
    }

    /// The key that stands for this one, with its class; a key that is new stands for itself.
    fn find(&self, key: &str) -> Result<(String, u64, Class), Error> {
        let mut at = key.to_owned();
        let mut wanted: Option<u64> = None;
        for _ in 0..HOPS_MAX {
            let Some(node) = state::get_json::<Node>(&place(&at))? else { break };
            if wanted.is_some_and(|born| born != node.born) {
                break;
            }
            match (node.parent, node.class) {
                (Some((parent, born)), _) => (at, wanted) = (parent, Some(born)),
                (None, Some(class)) if class.last + DAY >= self.slot => return Ok((at, node.born, class)),
                _ => break,
            }
        }
        let class = Class { last: self.slot, ..Class::default() };
        self.set(key, self.slot, &class)?;
        Ok((key.to_owned(), self.slot, class))
    }

    fn set(&self, key: &str, born: u64, class: &Class) -> Result<(), Error> {
        state::set_json(&place(key), &Node { born, parent: None, class: Some(class.clone()) })
    }

    /// Makes two keys one.
    pub(crate) fn join(&self, one: &str, other: &str, reason: Option<&Reason>) -> Result<(), Error> {
        let (one_root, one_born, mut class) = self.find(one)?;
        let (other_root, other_born, of_other) = self.find(other)?;
        let (root, born) =
            if one_root <= other_root { (&one_root, one_born) } else { (&other_root, other_born) };
        if one_root != other_root {
            let (child, child_born) =
                if root == &one_root { (&other_root, other_born) } else { (&one_root, one_born) };
            let parent = Some((root.clone(), born));
            state::set_json(&place(child), &Node { born: child_born, parent, class: None })?;
            absorb_stages(&mut class.stages, of_other.stages);
            class.told.extend(of_other.told);
            class.reasons.extend(of_other.reasons);
        }
        class.last = self.slot;
        if let Some(reason) = reason
            && !class.reasons.iter().any(|(from, to, _)| from == one && to == other)
        {
            class.reasons.push((one.to_owned(), other.to_owned(), reason.clone()));
        }
        class.reasons.sort();
        class.reasons.truncate(REASONS_MAX);
        self.set(root, born, &class)
    }

    /// Adds stages to the class of a key.
    pub(crate) fn add(&self, key: &str, stages: Stages) -> Result<(), Error> {
        let (root, born, mut class) = self.find(key)?;
        class.last = self.slot;
        absorb_stages(&mut class.stages, stages);
        self.set(&root, born, &class)
    }

    /// The class of a key without what is older than a day.
    pub(crate) fn fresh(&self, key: &str) -> Result<(String, u64, Class), Error> {
        let (root, born, mut class) = self.find(key)?;
        let oldest = self.slot.saturating_sub(DAY).saturating_mul(SLOT);
        class.stages.retain(|_, stage| stage.last >= oldest);
        Ok((root, born, class))
    }

    pub(crate) fn put(&self, root: &str, born: u64, class: &Class) -> Result<(), Error> {
        self.set(root, born, class)
    }

    /// Forgets what nobody could find any more.
    pub(crate) fn tidy(&self) -> Result<(), Error> {
        for key in state::all_keys("u/")? {
            let Some(node) = state::get_json::<Node>(&key)? else { continue };
            let dead = match (&node.parent, &node.class) {
                (Some((parent, born)), _) => {
                    state::get_json::<Node>(&place(parent))?.is_none_or(|parent| parent.born != *born)
                }
                (None, Some(class)) => class.last + DAY < self.slot,
                (None, None) => true,
            };
            if dead {
                state::delete(&key)?;
            }
        }
        Ok(())
    }
}
