//! The platform's side of every capability, in one place: bindings in a component, fakes everywhere else. Only what a plugin
//! reaches from its code is linked, so a component imports no interface that it does not use.

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(target_arch = "wasm32")]
pub(crate) use component::*;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::answers::*;
