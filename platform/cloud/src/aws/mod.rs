//! Amazon Web Services: resources as the AWS CLI names them, by the contract of the plugin that collects them.

mod access;
mod account;
mod arn;
mod attack;
mod attack_build;
mod attack_compute;
mod attack_search;
mod attack_trust;
mod condition;
mod exposure;
mod exposure_doors;
#[cfg(test)]
mod fixture;
mod glob;
mod links;
mod network;
mod pack;
mod policy;
mod public;
mod request;
mod rights;
mod techniques;
mod truth;
mod unknown;
mod unused;

pub use access::{Access, Answer, Holder, PolicyRole, Principal, Proof};
pub use account::Account;
pub use attack::{Attack, AttackPath, Certainty, ChokePoint, Goal, Limits, Paths, Place, Sources, Step};
pub use exposure::{DoorKind, Entry, Exposed, Exposure, Verdict};
pub use techniques::Technique;
pub use truth::Decision;
pub use unused::{Unused, UnusedKind};
