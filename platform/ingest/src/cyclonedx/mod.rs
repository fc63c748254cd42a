//! CycloneDX JSON: written as 1.6, read from 1.3 to 1.7.
//!
//! What the format has no field for stands in properties under `palisade:`, so that our own documents are read back
//! without loss: `palisade:type`, `:name`, `:version`, `:arch`, `:source:name`, `:source:version`, `:owner:type`,
//! `:owner:name`, and per place of evidence `palisade:evidence:<n>:path`, `:inner`, `:method`, `:confidence`, `:plugin` on
//! components; `palisade:os:id`, `:version`, `:codename`, `:like`, `:pretty-name` on the operating system;
//! `palisade:gap` (JSON) on the document. The dependency graph is neither written nor read: nothing is judged by it.

mod read;
mod write;

pub use read::read;
pub use write::write;
