//! Runs a stranger's component safely. The only crate that names wasmtime.
//!
//! A plugin is one WebAssembly component with its manifest inside, addressed by digest. [`inspect`] reads what it is;
//! [`Host::load`] checks that it is what it says, compiles it and links what it may use; [`Plugin::analyze_files`] calls it
//! in a fresh store under [`Limits`]. Whatever the guest does, the host goes on: a call ends with a checked answer or with
//! a [`Fault`] of exactly one kind, and a plugin that keeps failing is taken out of service.
//!
//! What this crate refuses: WASI and every other import outside `palisade:host`, components that do not say what they
//! are, machine code that it did not write itself, and answers that break the contract's bounds.
//!
//! Reading order: [`kinds`] is what goes in and out, [`rights`] what may be asked for, `gate` the one way out of a call,
//! `contract` the published texts, [`transcript`] a call that can be repeated.

mod admission;
pub mod analysis;
mod bytes_text;
mod cache;
mod child;
mod clocks;
mod compiled;
mod content;
mod contract;
mod current;
pub mod error;
pub mod fault;
mod gate;
pub mod health;
mod host;
pub mod inspect;
pub mod interest;
pub mod kind;
pub mod kinds;
pub mod limits;
pub mod manifest;
mod meter;
mod overlay;
mod pattern;
mod plugin;
pub mod redaction;
pub mod rights;
pub mod services;
mod session;
mod state;
mod target;
mod ticker;
pub mod transcript;

pub use analysis::{
    Analysis, Body, FoundOwnership, FoundPackage, FoundRisk, FoundSystem, InputFile, LogLevel, LogLine,
    Problem, SharedBytes, Usage,
};
pub use child::{Compiler, compile_as_child};
pub use current::Current;
pub use error::{HostError, LoadError};
pub use fault::{Fault, FaultKind};
pub use gate::{Ask, Audit, Reply};
pub use health::{Health, LastFault, PluginState};
pub use host::{Clock, Host, HostOptions};
pub use inspect::{Inspection, inspect};
pub use interest::{Interest, Magic};
pub use kind::Kind;
pub use kinds::{Answer, Input};
pub use limits::Limits;
pub use manifest::Manifest;
pub use overlay::StateChanges;
pub use plugin::{CallContext, Outcome, Plugin, Replay};
pub use redaction::Redaction;
pub use rights::{Capability, Grant, GrantError, HttpRule, Rights, RightsDifference, SecretRule};
pub use services::{NoServices, Refusal, Services};
pub use session::Session;
pub use target::host_of;
pub use transcript::{Difference, Transcript};
