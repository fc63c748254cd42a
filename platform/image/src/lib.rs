//! Images and root directories as streams of the files somebody wants.
//!
//! [`open`] turns a [`Source`] into an [`Image`]; [`Image::read_layer`] streams one layer, hands the files that a
//! [`Selector`] wants to a [`Sink`] and returns a [`LayerIndex`]; an [`Overlay`] of the indexes says what of each layer
//! is still there in the final file system. Layers are independent of each other, so that what was learnt from one can
//! be kept under its digest and never be read again.
//!
//! Everything in an image is hostile. Nothing is unpacked to disk; no name leads anywhere; memory is one budget shared
//! by all readers plus twelve bytes an entry; every loop has a cap in [`Limits`]. What was not seen is a
//! [`model::Gap`]. Only what makes the rest unbelievable, above all a wrong digest, is an [`ImageError`].
//!
//! [`Repository`] and [`Layout`] hold what is stored like an image and is none.
//!
//! The crate reads no plugin's format: what a package database means is decided in the sandbox.

mod archive;
mod budget;
mod choose;
mod credentials;
mod directory;
mod error;
mod exclude;
mod gaps;
mod image;
mod index;
mod limits;
mod links;
mod manifest;
mod open;
mod overlay;
mod packed;
mod path;
mod reference;
mod registry;
mod repository;
mod scan;
mod select;
mod sink;
mod store;
mod tar;
mod tar_layer;
mod unpacked;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod image_tests;

pub use budget::{BUDGET_BYTES_DEFAULT, Budget, Permit};
pub use credentials::{Credential, Credentials};
pub use error::ImageError;
pub use exclude::Exclude;
pub use image::{Image, Layer};
pub use index::{Counters, LayerIndex, Link};
pub use limits::Limits;
pub use open::{OpenOptions, open};
pub use overlay::{LinkedFile, Overlay};
pub use reference::{Reference, Source};
pub use registry::Retry;
pub use repository::{Layout, Repository, StoredManifest};
pub use select::{Interest, Magic, Selector};
pub use sink::{Body, SelectedFile, Sink};
