//! Write plugins for Palisade.
//!
//! An image analyzer is a type that implements [`ImageAnalyzer`]; [`export_image_analyzer!`] makes the component's export of
//! it. The trait is plain Rust: natively compiled tests call [`analyze`] with files of their own, and only the glue between
//! the trait and the component model is compiled for WebAssembly alone.
//!
//! ```
//! use palisade_sdk::{Body, Error, ImageAnalyzer, InputFile, Package, PackageType, Report, Unreadable};
//!
//! struct Versions;
//!
//! impl ImageAnalyzer for Versions {
//!     fn new(_config: &str) -> Result<Self, Error> {
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
//! palisade_sdk::export_image_analyzer!(Versions);
//!
//! let file = InputFile::whole("opt/example/VERSION", "version", b"1.2.3\n".to_vec());
//! let analysis = palisade_sdk::analyze::<Versions>("{}", &[file])?;
//! assert_eq!(analysis.packages[0].version, "1.2.3");
//! # Ok::<(), Error>(())
//! ```

mod analyzer;
mod build;
#[cfg(target_arch = "wasm32")]
mod guest;
mod input;
pub mod log;

pub use analyzer::{ImageAnalyzer, Report, Unreadable, analyze};
pub use bindings::exports::palisade::plugin::image_analyzer::Analysis;
pub use bindings::palisade::types::common::{Confidence, Error, Finding, Problem, Severity};
pub use bindings::palisade::types::packages::{OperatingSystem, Ownership, Package, PackageType};
pub use input::{Body, InputFile, ReadAt, Reader};

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use guest::run;

/// What `wit-bindgen` makes of the contract.
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/plugin", "../../wit/worlds"],
        world: "palisade:worlds/image-analyzer-plugin",
        additional_derives: [PartialEq],
        additional_derives_ignore: ["body", "input-file"],
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "palisade_sdk::bindings",
    });
}

/// Exports a type that implements [`ImageAnalyzer`] as the component's `image-analyzer`. Does nothing in native builds.
#[macro_export]
macro_rules! export_image_analyzer {
    ($analyzer:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "exports of the component are called with raw memory")]
        const _: () = {
            struct Component;
            impl $crate::bindings::exports::palisade::plugin::image_analyzer::Guest for Component {
                fn analyze(
                    files: Vec<$crate::bindings::exports::palisade::plugin::image_analyzer::InputFile>,
                ) -> Result<$crate::Analysis, $crate::Error> {
                    $crate::run::<$analyzer>(files)
                }
            }
    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
