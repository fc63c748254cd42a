//! Kubernetes: what a cluster consists of, and how its objects are joined.
//!
//! [`read_files`] makes a [`Snapshot`] of what `kubectl` printed or the API server answered. A snapshot knows of which kinds it
//! has all objects: only of those does absence mean anything. [`Snapshot::graph`] says what the objects have to do with each other.
//!
//! [`Access`] answers who can do what by RBAC, [`Exposure`] which workloads the internet gets to, and [`Attack`]
//! how far somebody gets from inside of one, all from the same snapshot.
//!
//! [`Live`] keeps the graph while objects change, so that one change costs only what depends on it.
//!
//! With the feature `live`, [`collect`] reads a snapshot from an API server, and [`Following`] keeps it up to date by watching. What a
//! server does not let us see is a gap with its reason, never an empty list. The least rights that this needs are in
//! `platform/cluster/collector-role.yaml`. Without the feature nothing here needs a runtime or a network.
//!
//! [`Actor`] does to a cluster what responses decide (crate `respond`); its least rights are in `platform/cluster/responder-role.yaml`.
//!
//! Objects are parsed here only as far as their names, labels and references go; what they mean is for plugins in the sandbox to
//! judge. Values of Secrets do not get past this crate.

mod access;
mod access_rules;
mod address;
#[cfg(feature = "live")]
mod api;
mod attack;
mod attack_build;
mod attack_host;
mod attack_powers;
mod attack_search;
mod change;
mod error;
mod exposure;
mod exposure_doors;
mod exposure_policies;
mod facts;
#[cfg(test)]
mod fixture;
mod id;
mod join;
mod kinds;
mod links;
mod live;
mod live_index;
mod live_relations;
mod live_work;
mod object;
mod pack;
mod places;
mod problem;
mod read;
mod scope;
mod selector;
mod snapshot;
mod surroundings;
mod unknown;
mod workload;

pub use access::{Ability, Access, Holder, Proof, Subject};
pub use access_rules::{Request, Rule, Target};
#[cfg(feature = "live")]
pub use api::{
    Actor, CollectOptions, Collected, ConnectOptions, Connection, Following, Patience, Resource, Watch,
    WatchOptions, collect, collect_blocking,
};
pub use attack::{Attack, AttackPath, ChokePoint, Goal, Limits, Paths, Place, Sources, Step, Technique};
pub use change::Change;
pub use error::ClusterError;
pub use exposure::{DoorKind, Entry, Exposed, Exposure, Verdict};
pub use id::{GroupKind, asset_id, path};
pub use kinds::is_workload;
pub use live::{Changed, Live};
pub use object::{BODY_BYTES_MAX, Object};
pub use places::{WorkloadPlace, places};
pub use problem::Problem;
pub use read::{FILE_BYTES_MAX, OBJECTS_MAX, read_bytes, read_files, read_object};
pub use snapshot::Snapshot;
pub use surroundings::{Running, Surroundings};
