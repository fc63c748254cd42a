//! Decides what a component may import, and links exactly that.

use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::palisade::host;
use crate::error::{LoadError, shown};
use crate::inspect::Inspection;
use crate::state::State;
use crate::{Capability, Grants, Kind};

/// An interface of the contract that components import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Import {
    /// Only types: nothing to link.
    Types,
    Log,
    Config,
    Metrics,
    /// Given to image analyzers, and to whoever has blobs.
    Content,
    Capability(Capability),
}

const IMPORTS: [(&str, Import); 13] = [
    ("palisade:types/common@0.1.0", Import::Types),
    ("palisade:types/packages@0.1.0", Import::Types),
    ("palisade:types/posture-types@0.1.0", Import::Types),
    ("palisade:host/errors@0.1.0", Import::Types),
    ("palisade:host/log@0.1.0", Import::Log),
    ("palisade:host/config@0.1.0", Import::Config),
    ("palisade:host/metrics@0.1.0", Import::Metrics),
    ("palisade:host/content@0.1.0", Import::Content),
    ("palisade:host/http@0.1.0", Import::Capability(Capability::Http)),
    ("palisade:host/state@0.1.0", Import::Capability(Capability::State)),
    ("palisade:host/advisories@0.1.0", Import::Capability(Capability::Advisories)),
    ("palisade:host/assets@0.1.0", Import::Capability(Capability::Assets)),
    ("palisade:host/blob@0.1.0", Import::Capability(Capability::Blob)),
];

/// Refuses imports that are unknown or were not asked for, and grants that nothing here can serve.
pub(crate) fn check_imports(inspection: &Inspection, grants: &Grants) -> Result<(), LoadError> {
    for name in &inspection.imports {
        match find(name)? {
            Import::Capability(capability) if !inspection.manifest.asks(capability) => {
                return Err(LoadError::ImportNotAsked { import: shown(name), capability });
            }
            Import::Content
                if !inspection.kinds.contains(&Kind::ImageAnalyzer)
                    && !inspection.manifest.asks(Capability::Blob) =>
            {
                return Err(LoadError::ImportNotAsked { import: shown(name), capability: Capability::Blob });
            }
            _ => {}
        }
    }
    // Effective right = asked and granted. A grant for what was not asked changes nothing.
    let unserved = Capability::ALL.into_iter().find(|c| inspection.manifest.asks(*c) && grants.allows(*c));
    match unserved {
        Some(capability) => Err(LoadError::CapabilityUnavailable { capability }),
        None => Ok(()),
    }
}

/// A linker with the imports of this component and nothing else.
pub(crate) fn linker(engine: &Engine, imports: &[String]) -> Result<Linker<State>, LoadError> {
    let mut linker = Linker::new(engine);
    for name in imports {
        let linked = link(&mut linker, find(name)?);
        linked.map_err(|e| LoadError::Mismatch { interface: shown(name), reason: shown(&e.to_string()) })?;
    }
    Ok(linker)
}

fn link(linker: &mut Linker<State>, import: Import) -> wasmtime::Result<()> {
    type Own = HasSelf<State>;
    match import {
        Import::Types => Ok(()),
        Import::Log => host::log::add_to_linker::<State, Own>(linker, |s| s),
        Import::Config => host::config::add_to_linker::<State, Own>(linker, |s| s),
        Import::Metrics => host::metrics::add_to_linker::<State, Own>(linker, |s| s),
        Import::Content => host::content::add_to_linker::<State, Own>(linker, |s| s),
        Import::Capability(Capability::Http) => host::http::add_to_linker::<State, Own>(linker, |s| s),
        Import::Capability(Capability::State) => host::state::add_to_linker::<State, Own>(linker, |s| s),
        Import::Capability(Capability::Advisories) => {
            host::advisories::add_to_linker::<State, Own>(linker, |s| s)
        }
        Import::Capability(Capability::Assets) => host::assets::add_to_linker::<State, Own>(linker, |s| s),
        Import::Capability(Capability::Blob) => host::blob::add_to_linker::<State, Own>(linker, |s| s),
    }
}

fn find(name: &str) -> Result<Import, LoadError> {
    let known = IMPORTS.into_iter().find(|(known, _)| *known == name);
    known.map(|(_, import)| import).ok_or_else(|| LoadError::ImportUnknown {
        import: shown(name),
        offered: IMPORTS.map(|(name, _)| name).join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::IMPORTS;

    /// Every interface of `wit/host` and `wit/types` is in the table, and the table has no other.
    #[test]
    fn the_table_is_the_published_text() {
        let mut published = Vec::new();
        for (package, text) in [
            ("palisade:host", include_str!("../../../wit/host/host.wit")),
            ("palisade:types", include_str!("../../../wit/types/types.wit")),
        ] {
            let names = text.lines().filter_map(|line| line.strip_prefix("interface "));
            published.extend(names.map(|rest| format!("{package}/{}@0.1.0", rest.trim_end_matches(" {"))));
        }
        published.sort_unstable();
        let mut known = IMPORTS.map(|(name, _)| name.to_owned()).to_vec();
        known.sort_unstable();
        assert_eq!(known, published);
    }
}
