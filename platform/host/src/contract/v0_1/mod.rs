//! The contract at 0.1.0.

mod analyzer;
mod bindings;
mod calls;
mod imports;
mod judged;
mod shape;

use wasmtime::component::{HasSelf, Linker};

use super::{Import, Interface, Version};
use crate::rights::Capability;
use crate::state::State;

/// See [`super::VERSIONS`].
pub(super) static VERSION: Version = Version {
    number: "0.1.0",
    release: "0.1.0",
    imports: &[
        row("palisade:types/common", Import::Types),
        row("palisade:types/packages", Import::Types),
        row("palisade:types/resources", Import::Types),
        row("palisade:types/events", Import::Types),
        row("palisade:types/controls", Import::Types),
        row("palisade:types/decisions", Import::Types),
        row("palisade:host/errors", Import::Types),
        row("palisade:host/log", Import::Free),
        row("palisade:host/config", Import::Free),
        row("palisade:host/metrics", Import::Free),
        row("palisade:host/clock", Import::Free),
        row("palisade:host/content", Import::Content),
        row("palisade:host/http", Import::Capability(Capability::Http)),
        row("palisade:host/state", Import::Capability(Capability::State)),
        row("palisade:host/advisories", Import::Capability(Capability::Advisories)),
        row("palisade:host/assets", Import::Capability(Capability::Assets)),
        row("palisade:host/blob", Import::Capability(Capability::Blob)),
    ],
    link,
    bind: calls::bind,
};

const fn row(name: &'static str, import: Import) -> Interface {
    Interface { name, import }
}

fn link(linker: &mut Linker<State>, name: &str) -> wasmtime::Result<()> {
    use bindings::palisade::host;
    type Own = HasSelf<State>;
    match name {
        "palisade:host/log" => host::log::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/config" => host::config::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/metrics" => host::metrics::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/clock" => host::clock::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/content" => host::content::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/http" => host::http::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/state" => host::state::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/advisories" => host::advisories::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/assets" => host::assets::add_to_linker::<State, Own>(linker, |s| s),
        "palisade:host/blob" => host::blob::add_to_linker::<State, Own>(linker, |s| s),
        // What remains has only types.
        _ => Ok(()),
    }
}
