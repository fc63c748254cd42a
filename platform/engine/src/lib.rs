//! The thinking: from a thing to scan to a report that explains itself.
//!
//! Files follow the order of the work: [`plan`] decides which plugins see which files, [`dispatch`] reads a layer and hands batches
//! to the sandbox, [`facts`] is what came back, [`cache`] remembers it per layer and plugin, [`merge`] lays the layers over each other,
//! and [`scan`] runs all of it and asks the advisories for their judgement.
//!
//! Nothing here parses a stranger's bytes: image structure is read by `image`, file contents by sandboxed components
//! only. A result depends on the scanned bytes, the plugins and the advisories, never on threads, layer boundaries or the
//! way the bytes were reached.

pub mod audit;
pub mod cache;
mod canary;
pub mod collect;
pub mod compliance;
pub mod correlate;
mod detected;
pub mod dispatch;
mod error;
pub mod facts;
pub mod graph;
mod heard;
pub mod known;
mod layered;
mod location;
pub mod merge;
pub mod plan;
pub mod posture;
pub mod scan;
pub mod standing;
mod standing_asked;

pub use cache::FactCache;
pub use canary::{Canary, Comparison};
pub use error::EngineError;
pub use plan::{AnalyzerPlugin, KeepTranscript, Plan};
pub use scan::{Progress, ScanOptions, ScanOutcome, Step, scan_image, scan_packages};
