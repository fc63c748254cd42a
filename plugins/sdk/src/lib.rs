//! Write plugins for Palisade.
//!
//! A plugin is a type that implements the trait of its kind — [`ImageAnalyzer`], [`Posture`], [`Correlator`], [`Compliance`],
//! [`Admission`], [`Collector`] or [`Notifier`] — with the attribute of that kind on the implementation, which makes the
//! component's export of it. The traits are plain Rust: natively compiled tests call [`analyze`], [`check`], [`correlate`],
//! [`assess`], [`review`], [`collect`] or [`notify`] with an input of their own, and [`testing::Fakes`] answer what the plugin
//! asks of the platform. Only the glue to the component model is compiled for WebAssembly alone.
//!
//! ```
//! use palisade_sdk::{Config, Error, ImageAnalyzer, InputFile, Package, PackageType, Report, Unreadable};
//!
//! struct Versions;
//!
//! #[palisade_sdk::image_analyzer]
//! impl ImageAnalyzer for Versions {
//!     fn new(_config: &Config) -> Result<Self, Error> {
//!         Ok(Self)
//!     }
//!
//!     fn analyze(&self, file: &InputFile, report: &mut Report<'_>) -> Result<(), Unreadable> {
//!         let text = file.text(1 << 20)?;
//!         let version = text.lines().next().ok_or("the file is empty")?;
//!         report.package(Package::new(PackageType::Generic, "example", version, "version-file"));
//!         Ok(())
//!     }
//! }
//!
//! let file = InputFile::whole("opt/example/VERSION", "version", b"1.2.3\n".to_vec());
//! let analysis = palisade_sdk::analyze::<Versions>("{}", &[file])?;
//! assert_eq!(analysis.packages[0].version, "1.2.3");
//! # Ok::<(), Error>(())
//! ```
//!
//! An attribute says what is wrong when it stands in a wrong place:
//!
//! ```compile_fail
//! struct Versions;
//!
//! #[palisade_sdk::posture] // this attribute stands on `impl Posture for YourType { … }`
//! impl Versions {}
//! ```
//!
//! ```compile_fail
//! # use palisade_sdk::{Config, Decision, Error, Admission, AdmissionRequest};
//! struct Yes<T>(T);
//!
//! #[palisade_sdk::admission] // … with a type that has no parameters of its own
//! impl<T> Admission for Yes<T> {
//! #     fn new(_config: &Config) -> Result<Self, Error> { Err(Error::Other(String::new())) }
//! #     fn review(&self, _request: &AdmissionRequest<'_>) -> Result<Decision, Error> { Ok(Decision::allow()) }
//! }
//! ```
//!
//! The platform is asked through [`state`], [`http`], [`assets`], [`advisories`], [`blob`], [`clock`], [`metrics`], [`log`] and
//! [`config`]. A component imports only what its plugin calls, and the manifest has to ask for those that need a grant.

mod admission;
pub mod advisories;
pub mod assets;
#[doc(hidden)]
pub mod bindings;
pub mod blob;
pub mod clock;
mod collector;
mod compliance;
pub mod config;
mod correlator;
mod error;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod export;
mod exports;
mod host;
pub mod http;
mod image_analyzer;
mod input;
mod item;
pub mod log;
pub mod metrics;
mod notifier;
mod posture;
mod records;
pub mod state;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod text;

/// The standard library's allocator costs a tenth of the time of a call that makes many small texts.
#[cfg(all(target_arch = "wasm32", feature = "allocator"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

pub use palisade_sdk_macros::{
    admission, collector, compliance, correlator, image_analyzer, notifier, posture,
};

pub use admission::{Admission, AdmissionRequest, Patch, pointer_part, review};
pub use advisories::Advisory;
pub use bindings::collector::exports::palisade::plugin::collector::{Missing, Page};
pub use bindings::correlator::exports::palisade::plugin::correlator::Correlation;
pub use bindings::image_analyzer::exports::palisade::plugin::image_analyzer::Analysis;
pub use bindings::notifier::exports::palisade::plugin::notifier::{Notice, Receipt};
pub use bindings::palisade::types::common::{Confidence, Error, Finding, Problem, Severity};
pub use bindings::palisade::types::controls::{ControlResult, ControlStatus, Observation};
pub use bindings::palisade::types::decisions::{Decision, Violation};
pub use bindings::palisade::types::events::{Detection, Event, IncidentLink, Timer};
pub use bindings::palisade::types::packages::{OperatingSystem, Ownership, Package, PackageType};
pub use bindings::palisade::types::resources::{AssetResource as Resource, CheckResult, CheckStatus};
pub use bindings::posture::exports::palisade::plugin::posture::Assessment;
pub use collector::{Collector, collect};
pub use compliance::{Compliance, Controls, Observations, assess};
pub use config::Config;
pub use correlator::{Batch, Correlator, Story, correlate};
pub use error::{HostError, Unreadable};
pub use image_analyzer::{ImageAnalyzer, Report, analyze};
pub use input::{Body, InputFile, ReadAt, Reader};
pub use item::Item;
pub use notifier::{Notifier, notify};
pub use posture::{Checks, Posture, check};
