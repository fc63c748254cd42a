//! The versions of the contract, each with an adapter of its own.
//!
//! An adapter turns the words of [`crate::kinds`] and [`crate::gate`] into the records of one published text and back; it
//! decides nothing. Rights, limits and checks are behind it, in one place for all versions, so that an old contract can never
//! be a way around a new rule. A next version is a folder beside `v0_1` and a row in [`VERSIONS`].

mod v0_1;

use wasmtime::component::{Instance, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::Kind;
use crate::error::{LoadError, shown};
use crate::fault::{Fault, FaultKind};
use crate::kinds::{Answer, Bounds, Input};
use crate::rights::Capability;
use crate::state::State;

/// What an imported interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Import {
    /// Only types: nothing to link.
    Types,
    /// Given to every plugin.
    Free,
    /// Handles to bytes: given to image analyzers, and to whoever has blobs.
    Content,
    /// Needs a request in the manifest; a call then needs a grant.
    Capability(Capability),
}

/// An interface of a published text.
pub(crate) struct Interface {
    /// Name without version, such as `palisade:host/log`.
    pub(crate) name: &'static str,
    pub(crate) import: Import,
}

/// One version of the contract.
pub(crate) struct Version {
    /// Version of its packages.
    pub(crate) number: &'static str,
    /// First release of Palisade that has it.
    pub(crate) release: &'static str,
    /// Everything that can be imported.
    pub(crate) imports: &'static [Interface],
    link: fn(&mut Linker<State>, &str) -> wasmtime::Result<()>,
    bind: Bind,
}

/// Checks the shape of an exported kind and makes it callable.
type Bind = fn(Kind, &InstancePre<State>) -> Result<Box<dyn Callable>, LoadError>;

/// Every version that this release can run, oldest first.
pub(crate) const VERSIONS: [&Version; 1] = [&v0_1::VERSION];

/// A kind of a loaded component, through its adapter.
pub(crate) trait Callable: Send + Sync {
    /// Calls the component in this store: the instance that is there, or else a new one, which is left there. The outer error is the
    /// engine's.
    fn call(
        &self,
        pre: &InstancePre<State>,
        instance: &mut Option<Instance>,
        store: &mut Store<State>,
        input: Input,
        bounds: &Bounds<'_>,
    ) -> wasmtime::Result<Result<Answer, Fault>>;
}

/// The version and the row of an imported name, or the reason why there is none.
pub(crate) fn find(name: &str) -> Result<(&'static Version, &'static Interface), LoadError> {
    let (base, number) = name.rsplit_once('@').unwrap_or((name, ""));
    let rows = || VERSIONS.iter().flat_map(|version| version.imports.iter().map(move |row| (*version, row)));
    let found = rows().find(|(version, row)| row.name == base && version.number == number);
    found.ok_or_else(|| {
        let near: Vec<String> = rows()
            .filter(|(_, row)| row.name == base)
            .map(|(version, _)| format!("{} (since Palisade {})", version.number, version.release))
            .collect();
        let known = if !near.is_empty() {
            format!(
                "this release, {}, has it as {}; build the plugin against that version of the contract, or run a newer Palisade",
                env!("CARGO_PKG_VERSION"),
                near.join(", ")
            )
        } else if base.starts_with("palisade:") {
            format!(
                "no version of the contract up to {} has it; if a newer one does, run a newer Palisade",
                VERSIONS.last().map_or("", |version| version.number)
            )
        } else if base.starts_with("wasi:") {
            "no plugin gets WASI; build without it (componentize-js with all features disabled, componentize-py with \
             --stub-wasi, Rust for wasm32-unknown-unknown)"
                .to_owned()
        } else {
            "only interfaces of palisade:host and palisade:types can be imported".to_owned()
        };
        LoadError::ImportUnknown { import: shown(name), known }
    })
}

/// A linker with these imports and nothing else.
pub(crate) fn linker(engine: &Engine, imports: &[String]) -> Result<Linker<State>, LoadError> {
    let mut linker = Linker::new(engine);
    for name in imports {
        let (version, row) = find(name)?;
        (version.link)(&mut linker, row.name)
            .map_err(|e| LoadError::Mismatch { interface: shown(name), reason: shown(&e.to_string()) })?;
    }
    Ok(linker)
}

/// The version of an exported kind's interface, if this release knows it.
pub(crate) fn of_kind(number: &str) -> Option<&'static Version> {
    VERSIONS.into_iter().find(|version| version.number == number)
}

/// Makes an exported kind callable.
pub(crate) fn bind(
    version: &Version,
    kind: Kind,
    pre: &InstancePre<State>,
) -> Result<Box<dyn Callable>, LoadError> {
    (version.bind)(kind, pre)
}

/// An input of another kind than the plugin was asked for: the host's own mistake.
pub(crate) fn misdirected() -> Fault {
    Fault::new(FaultKind::Host, "the input is of another kind than the plugin was called for")
}

#[cfg(test)]
mod tests {
    use super::{VERSIONS, find};

    /// Every interface of the published text is in the table of its version, and the table has no other.
    #[test]
    fn the_table_is_the_published_text() {
        let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/published");
        for version in VERSIONS {
            let mut published = Vec::new();
            for package in ["host", "types"] {
                let path = format!("{wit}/{package}@{}.wit", version.number);
                let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
                let names = text.lines().filter_map(|line| line.strip_prefix("interface "));
                published
                    .extend(names.map(|rest| format!("palisade:{package}/{}", rest.trim_end_matches(" {"))));
            }
            published.sort_unstable();
            let mut known: Vec<String> = version.imports.iter().map(|row| row.name.to_owned()).collect();
            known.sort_unstable();
            assert_eq!(known, published);
        }
    }

    #[test]
    fn a_missing_import_is_named_with_what_there_is() {
        for (name, words) in [
            ("palisade:host/http@0.9.0", "0.1.0 (since Palisade 0.1.0)"),
            ("palisade:host/telepathy@0.1.0", "no version of the contract up to 0.1.0"),
            ("wasi:clocks/wall-clock@0.2.0", "--stub-wasi"),
            ("env", "only interfaces of palisade:host"),
        ] {
            let error = find(name).err().unwrap().to_string();
            assert!(error.contains(words) && error.contains(name), "{error}");
        }
    }
}
