//! Runs a stranger's component safely. The only crate that names wasmtime.
//!
//! A plugin is one WebAssembly component with its manifest inside, addressed by digest. [`inspect`] reads what it is;
//! [`Host::load`] checks that it is what it says, compiles it and links what it may use; [`Plugin::analyze_files`] calls it
//! in a fresh store under [`Limits`]. Whatever the guest does, the host goes on: a call ends with a checked answer or with
//! a [`Fault`] of exactly one kind, and a plugin that keeps failing is taken out of service.
//!
//! What this crate refuses: WASI and every other import outside `palisade:host`, components that do not say what they
//! are, machine code that it did not write itself, and answers that break the contract's bounds.

mod admission;
pub mod analysis;
mod bindings;
mod cache;
mod compiled;
mod content;
pub mod error;
pub mod fault;
pub mod grants;
pub mod health;
mod host;
mod imports;
pub mod inspect;
pub mod interest;
pub mod kind;
pub mod limits;
mod link;
pub mod manifest;
mod meter;
mod plugin;
mod shape;
mod state;
mod ticker;

pub use analysis::{
    Analysis, Body, FoundOwnership, FoundPackage, FoundRisk, FoundSystem, InputFile, LogLevel, LogLine,
    Problem, SharedBytes, Usage,
};
pub use error::{HostError, LoadError};
pub use fault::{Fault, FaultKind};
pub use grants::{AssetsGrant, BlobGrant, Capability, Grants, HttpGrant, StateGrant};
pub use health::{Health, LastFault, PluginState};
pub use host::{Clock, Host, HostOptions};
pub use inspect::{Inspection, inspect};
pub use interest::{Interest, Magic};
pub use kind::Kind;
pub use limits::Limits;
pub use manifest::Manifest;
pub use plugin::Plugin;
