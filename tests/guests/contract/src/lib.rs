//! The contract as the hostile guests see it: everything that can be imported, and an export in one line.

/// What `wit-bindgen` makes of the contract.
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
        inline: "
            package hostile:guests;
            world guest {
                include palisade:worlds/image-analyzer-plugin@0.1.0;
                import palisade:host/http@0.1.0;
            }
        ",
        world: "hostile:guests/guest",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "contract::bindings",
    });
}

pub use bindings::exports::palisade::plugin::image_analyzer::{Analysis, Body, Guest, InputFile};
pub use bindings::palisade::host;
pub use bindings::palisade::types::common::{Confidence, Error, Finding, Problem, Severity};
pub use bindings::palisade::types::packages::{OperatingSystem, Ownership, Package, PackageType};

/// An answer without records.
pub fn nothing() -> Analysis {
    Analysis {
        systems: Vec::new(),
        packages: Vec::new(),
        ownerships: Vec::new(),
        findings: Vec::new(),
        problems: Vec::new(),
    }
}

/// A refused host call as the plugin's own error.
pub fn refused(error: host::errors::HostError) -> Error {
    Error::Host(format!("{error:?}"))
}

/// Exports a function as the component's `analyze`.
#[macro_export]
macro_rules! analyzer {
    ($analyze:path) => {
        struct Component;

        impl $crate::Guest for Component {
            fn analyze(files: Vec<$crate::InputFile>) -> Result<$crate::Analysis, $crate::Error> {
                $analyze(files)
            }
        }

        $crate::bindings::export!(Component with_types_in $crate::bindings);
    };
}
