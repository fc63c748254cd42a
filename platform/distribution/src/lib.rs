//! How plugins travel: as OCI artifacts, with signatures over them, and under a policy that decides which of them may
//! be installed.
//!
//! - [`Artifact`] is a component with the manifest that a registry knows it by. It is a function of the component
//!   alone, so its digest, and with it a signature, can be made without a registry.
//! - [`push`], [`pull`] and [`sign`] speak to registries; [`write_bundle`] and [`read_bundle`] carry the same over an
//!   air gap; [`Detached`] is what lies beside a component file.
//! - [`decide`] says whether an artifact may be installed or loaded. It is pure: policy and [`Revocations`] in,
//!   [`Verdict`] out.
//!
//! What comes from a registry or a file is a stranger's: every size has a bound, every digest is checked, and nothing
//! here parses a component. The caller does, in the sandbox's own crate, and says what it has found ([`Subject`]).
//!
//! The forms are those of the CNCF's Wasm OCI artifact and of cosign's signatures, so that `wkg`, `oras` and `cosign`
//! can read what is written here, and the other way round. Signatures are accepted from keys, and from identities whose
//! certificate and log entry can be verified offline ([`Authority`]).

mod artifact;
mod bundle;
mod decide;
mod der;
mod detached;
mod error;
mod identity;
mod key;
mod payload;
mod pem;
mod policy;
mod revocation;
mod signature;
mod tar;
mod transfer;

pub use artifact::{About, Artifact, COMPONENT_BYTES_MAX};
pub use bundle::{Bundle, BundleEntry, read_bundle, write_bundle};
pub use decide::{Origin, Refusal, Subject, Verdict, decide, registry_refusal};
pub use detached::Detached;
pub use error::DistributionError;
pub use identity::{Authority, Identity};
pub use key::{Algorithm, PrivateKey, PublicKey};
pub use policy::{Policy, RegistryPattern, Rule, Signers};
pub use revocation::{Revocations, RevokedDigest, RevokedKey, RevokedVersions};
pub use signature::{SIGNATURES_MAX, Signature, sign};
pub use transfer::{Pulled, pull, push, push_signatures};

#[cfg(test)]
mod fixture;
