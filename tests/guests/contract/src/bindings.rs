//! What `wit-bindgen` makes of the contract.

wit_bindgen::generate!({
    path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
    inline: "
        package hostile:guests;
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
    world: "hostile:guests/imports",
    generate_all,
    generate_unused_types: true,
});

/// The export of kind `image-analyzer`.
pub mod image_analyzer {
    wit_bindgen::generate!({
        path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
        inline: "package hostile:guests; world image-analyzer { export palisade:plugin/image-analyzer@0.1.0; }",
        world: "hostile:guests/image-analyzer",
        with: {
            "palisade:host/errors@0.1.0": crate::bindings::palisade::host::errors,
            "palisade:host/content@0.1.0": crate::bindings::palisade::host::content,
            "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
            "palisade:types/packages@0.1.0": crate::bindings::palisade::types::packages,
        },
        pub_export_macro: true,
        default_bindings_module: "contract::bindings::image_analyzer",
    });
}

/// The export of kind `posture`.
pub mod posture {
    wit_bindgen::generate!({
        path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
        inline: "package hostile:guests; world posture { export palisade:plugin/posture@0.1.0; }",
        world: "hostile:guests/posture",
        with: {
            "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
            "palisade:types/resources@0.1.0": crate::bindings::palisade::types::resources,
        },
        pub_export_macro: true,
        default_bindings_module: "contract::bindings::posture",
    });
}

/// The export of kind `correlator`.
pub mod correlator {
    wit_bindgen::generate!({
        path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
        inline: "package hostile:guests; world correlator { export palisade:plugin/correlator@0.1.0; }",
        world: "hostile:guests/correlator",
        with: {
            "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
            "palisade:types/events@0.1.0": crate::bindings::palisade::types::events,
        },
        pub_export_macro: true,
        default_bindings_module: "contract::bindings::correlator",
    });
}

/// The export of kind `compliance`.
pub mod compliance {
    wit_bindgen::generate!({
        path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
        inline: "package hostile:guests; world compliance { export palisade:plugin/compliance@0.1.0; }",
        world: "hostile:guests/compliance",
        with: {
            "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
            "palisade:types/resources@0.1.0": crate::bindings::palisade::types::resources,
            "palisade:types/controls@0.1.0": crate::bindings::palisade::types::controls,
        },
        pub_export_macro: true,
        default_bindings_module: "contract::bindings::compliance",
    });
}

/// The export of kind `admission`.
pub mod admission {
    wit_bindgen::generate!({
        path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
        inline: "package hostile:guests; world admission { export palisade:plugin/admission@0.1.0; }",
        world: "hostile:guests/admission",
        with: {
            "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
            "palisade:types/decisions@0.1.0": crate::bindings::palisade::types::decisions,
        },
        pub_export_macro: true,
        default_bindings_module: "contract::bindings::admission",
    });
}

/// The export of kind `collector`.
pub mod collector {
    wit_bindgen::generate!({
        path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
        inline: "package hostile:guests; world collector { export palisade:plugin/collector@0.1.0; }",
        world: "hostile:guests/collector",
        with: {
            "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
            "palisade:types/resources@0.1.0": crate::bindings::palisade::types::resources,
        },
        pub_export_macro: true,
        default_bindings_module: "contract::bindings::collector",
    });
}

/// The export of kind `notifier`.
pub mod notifier {
    wit_bindgen::generate!({
        path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
        inline: "package hostile:guests; world notifier { export palisade:plugin/notifier@0.1.0; }",
        world: "hostile:guests/notifier",
        with: {
            "palisade:types/common@0.1.0": crate::bindings::palisade::types::common,
        },
        pub_export_macro: true,
        default_bindings_module: "contract::bindings::notifier",
    });
}
