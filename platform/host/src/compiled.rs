//! The one place that trusts bytes to be machine code.

#![expect(
    unsafe_code,
    reason = "wasmtime's deserialize runs what the bytes say, so it is unsafe by contract"
)]

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::Verified;

/// Loads machine code that this host wrote itself.
pub(crate) fn load(engine: &Engine, code: &Verified<'_>) -> wasmtime::Result<Component> {
    // SAFETY: `Verified` is only made by `cache::Cache` from bytes whose keyed MAC it has just checked, in memory, with a
    // key that only this user can read; the MAC covers the component's digest and the engine's settings too. So the
    // bytes are the output of `Component::serialize` of a compatible engine, unchanged.
    unsafe { Component::deserialize(engine, code.bytes()) }
}
