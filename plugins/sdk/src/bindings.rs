//! What `wit-bindgen` makes of the contract: the data and the host's side once, and each kind's export apart, so that a
//! component exports only the kinds whose attributes its author wrote. What a component does not call it does not import.

palisade_sdk_macros::with_wit! {
    wit_bindgen::generate!({
        path: WIT,
        inline: "
            package palisade:sdk;
            world imports {
                import palisade:types/common@0.1.0;
                import palisade:types/packages@0.1.0;
                import palisade:types/resources@0.1.0;
                import palisade:types/events@0.1.0;
                import palisade:types/controls@0.1.0;
                import palisade:types/decisions@0.1.0;
                import palisade:host/errors@0.1.0;
                import palisade:host/content@0.1.0;
                import palisade:host/log@0.1.0;
                import palisade:host/config@0.1.0;
                import palisade:host/clock@0.1.0;
                import palisade:host/state@0.1.0;
                import palisade:host/advisories@0.1.0;
                import palisade:host/assets@0.1.0;
                import palisade:host/blob@0.1.0;
                import palisade:host/http@0.1.0;
                import palisade:host/metrics@0.1.0;
            }
        ",
        world: "palisade:sdk/imports",
        additional_derives: [PartialEq],
        generate_all,
        generate_unused_types: true,
    });
}

/// The export of kind `image-analyzer`.
pub mod image_analyzer {
    palisade_sdk_macros::with_wit! {
        wit_bindgen::generate!({
            path: WIT,
            inline: "package palisade:sdk; world image-analyzer { export palisade:plugin/image-analyzer@0.1.0; }",
            world: "palisade:sdk/image-analyzer",
            with: {
                "palisade:host/errors@0.1.0": crate::bindings::palisade::host::errors,
                "palisade:host/content@0.1.0": crate::bindings::palisade::host::content,
                "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
                "palisade:types/packages@0.1.0": crate::bindings::palisade::types::packages,
            },
            additional_derives: [PartialEq],
            additional_derives_ignore: ["body", "input-file"],
            pub_export_macro: true,
            default_bindings_module: "palisade_sdk::bindings::image_analyzer",
        });
    }
}

/// The export of kind `posture`.
pub mod posture {
    palisade_sdk_macros::with_wit! {
        wit_bindgen::generate!({
            path: WIT,
            inline: "package palisade:sdk; world posture { export palisade:plugin/posture@0.1.0; }",
            world: "palisade:sdk/posture",
            with: {
                "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
                "palisade:types/resources@0.1.0": crate::bindings::palisade::types::resources,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            default_bindings_module: "palisade_sdk::bindings::posture",
        });
    }
}

/// The export of kind `correlator`.
pub mod correlator {
    palisade_sdk_macros::with_wit! {
        wit_bindgen::generate!({
            path: WIT,
            inline: "package palisade:sdk; world correlator { export palisade:plugin/correlator@0.1.0; }",
            world: "palisade:sdk/correlator",
            with: {
                "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
                "palisade:types/events@0.1.0": crate::bindings::palisade::types::events,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            default_bindings_module: "palisade_sdk::bindings::correlator",
        });
    }
}

/// The export of kind `compliance`.
pub mod compliance {
    palisade_sdk_macros::with_wit! {
        wit_bindgen::generate!({
            path: WIT,
            inline: "package palisade:sdk; world compliance { export palisade:plugin/compliance@0.1.0; }",
            world: "palisade:sdk/compliance",
            with: {
                "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
                "palisade:types/resources@0.1.0": crate::bindings::palisade::types::resources,
                "palisade:types/controls@0.1.0": crate::bindings::palisade::types::controls,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            default_bindings_module: "palisade_sdk::bindings::compliance",
        });
    }
}

/// The export of kind `admission`.
pub mod admission {
    palisade_sdk_macros::with_wit! {
        wit_bindgen::generate!({
            path: WIT,
            inline: "package palisade:sdk; world admission { export palisade:plugin/admission@0.1.0; }",
            world: "palisade:sdk/admission",
            with: {
                "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
                "palisade:types/decisions@0.1.0": crate::bindings::palisade::types::decisions,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            default_bindings_module: "palisade_sdk::bindings::admission",
        });
    }
}

/// The export of kind `collector`.
pub mod collector {
    palisade_sdk_macros::with_wit! {
        wit_bindgen::generate!({
            path: WIT,
            inline: "package palisade:sdk; world collector { export palisade:plugin/collector@0.1.0; }",
            world: "palisade:sdk/collector",
            with: {
                "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
                "palisade:types/resources@0.1.0": crate::bindings::palisade::types::resources,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            default_bindings_module: "palisade_sdk::bindings::collector",
        });
    }
}

/// The export of kind `notifier`.
pub mod notifier {
    palisade_sdk_macros::with_wit! {
        wit_bindgen::generate!({
            path: WIT,
            inline: "package palisade:sdk; world notifier { export palisade:plugin/notifier@0.1.0; }",
            world: "palisade:sdk/notifier",
            with: {
                "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
            },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            default_bindings_module: "palisade_sdk::bindings::notifier",
        });
    }
}
