//! The attributes of `palisade-sdk`, one for each kind of plugin, and the place of the contract's text.
//!
//! An attribute stands on `impl Kind for Type { … }`, leaves it as it is and adds the component's export of that type. The
//! little that it has to understand is read from the tokens, without a parser of the whole language.

mod export;
mod wit;

use proc_macro::TokenStream;

/// Exports an `ImageAnalyzer` as the component's `palisade:plugin/image-analyzer`.
#[proc_macro_attribute]
pub fn image_analyzer(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand("ImageAnalyzer", "__export_image_analyzer", arguments, item)
}

/// Exports a `Posture` as the component's `palisade:plugin/posture`.
#[proc_macro_attribute]
pub fn posture(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand("Posture", "__export_posture", arguments, item)
}

/// Exports a `Correlator` as the component's `palisade:plugin/correlator`.
#[proc_macro_attribute]
pub fn correlator(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand("Correlator", "__export_correlator", arguments, item)
}

/// Exports a `Compliance` as the component's `palisade:plugin/compliance`.
#[proc_macro_attribute]
pub fn compliance(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand("Compliance", "__export_compliance", arguments, item)
}

/// Exports an `Admission` as the component's `palisade:plugin/admission`.
#[proc_macro_attribute]
pub fn admission(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand("Admission", "__export_admission", arguments, item)
}

/// Exports a `Collector` as the component's `palisade:plugin/collector`.
#[proc_macro_attribute]
pub fn collector(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand("Collector", "__export_collector", arguments, item)
}

/// Exports a `Notifier` as the component's `palisade:plugin/notifier`.
#[proc_macro_attribute]
pub fn notifier(arguments: TokenStream, item: TokenStream) -> TokenStream {
    export::expand("Notifier", "__export_notifier", arguments, item)
}

/// For the SDK itself: its own tokens, with the word `WIT` replaced by the folders of the contract's packages.
#[doc(hidden)]
#[proc_macro]
pub fn with_wit(tokens: TokenStream) -> TokenStream {
    wit::place(tokens)
}
