//! Reads what a component is without compiling it: digest, manifest, exported kinds, imports.
//!
//! Only the outermost level is walked; nested modules and components are stepped over, so the cost is the hashing.
//! Nothing found here is validated WebAssembly yet: [`crate::Host::load`] does that.

use model::Digest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use wasmparser::{Chunk, Parser, Payload};

use crate::error::{LoadError, shown};
use crate::{Kind, Manifest};

/// Largest component, in bytes. JavaScript and Python guests have 12 to 18 MB.
pub const COMPONENT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Name of the custom section that holds the manifest.
pub const MANIFEST_SECTION: &str = "palisade:manifest";

/// Most names at the outermost level that are looked at.
const NAMES_MAX: usize = 1_000;

/// What a component is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// SHA-256 of the component's bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub bytes: u64,
    /// Its manifest, checked on its own.
    pub manifest: Manifest,
    /// Kinds that it exports, sorted.
    pub kinds: Vec<Kind>,
    /// Version of the contract that its kinds are of.
    pub contract: String,
    /// Everything it imports, by name, sorted.
    pub imports: Vec<String>,
}

/// Reads what a component is. Compiles nothing and runs nothing.
///
/// # Errors
/// Bytes that are no component, a manifest that is missing or wrong, and exported kinds that are unknown.
pub fn inspect(component: &[u8]) -> Result<Inspection, LoadError> {
    if component.len() > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge { bytes: component.len(), bytes_max: COMPONENT_BYTES_MAX });
    }
    let surface = walk(component)?;
    let manifest = match surface.manifest {
        Some(bytes) => Manifest::parse(std::str::from_utf8(bytes).map_err(|_| LoadError::Manifest {
            key: "manifest".to_owned(),
            problem: "is not UTF-8".to_owned(),
        })?)?,
        None => return Err(LoadError::ManifestMissing),
    };
    let exported =
        surface.exports.iter().filter_map(|name| exported_kind(name)).collect::<Result<Vec<_>, _>>()?;
    let contract = exported.first().map_or(crate::kind::CONTRACT_VERSION, |(_, version)| version).to_owned();
    if let Some((kind, other)) = exported.iter().find(|(_, version)| **version != contract) {
        return Err(LoadError::KindUnknown {
            export: format!("{kind} of the contract {other} beside kinds of {contract}"),
            known: "components whose kinds are all of one version".to_owned(),
        });
    }
    let mut kinds: Vec<Kind> = exported.into_iter().map(|(kind, _)| kind).collect();
    kinds.sort_unstable();
    let mut imports = surface.imports;
    imports.sort_unstable();
    Ok(Inspection {
        digest: digest(component),
        bytes: u64::try_from(component.len()).unwrap_or(u64::MAX),
        manifest,
        kinds,
        contract,
        imports,
    })
}

/// SHA-256 of bytes.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(bytes).into())
}

/// The kind and version behind an exported name, if the name is of the contract's package.
fn exported_kind(export: &str) -> Option<Result<(Kind, &str), LoadError>> {
    let interface = export.strip_prefix("palisade:plugin/")?;
    let kind = interface
        .split_once('@')
        .filter(|(_, version)| crate::contract::of_kind(version).is_some())
        .and_then(|(name, version)| Some((Kind::from_name(name)?, version)));
    Some(kind.ok_or_else(|| LoadError::KindUnknown {
        export: shown(export),
        known: Kind::ALL.map(Kind::interface).join(", "),
    }))
}

#[derive(Default)]
struct Surface<'a> {
    manifest: Option<&'a [u8]>,
    imports: Vec<String>,
    exports: Vec<String>,
}

fn walk(component: &[u8]) -> Result<Surface<'_>, LoadError> {
    let mut surface = Surface::default();
    let mut parser = Parser::new(0);
    let mut rest = component;
    let mut is_component = false;
    loop {
        let (consumed, payload) = match parser.parse(rest, true).map_err(broken)? {
            Chunk::Parsed { consumed, payload } => (consumed, payload),
            Chunk::NeedMoreData(_) => return Err(not_a_component("it ends early")),
        };
        rest = rest.get(consumed..).unwrap_or_default();
        match payload {
            Payload::Version { encoding, .. } => {
                is_component = encoding == wasmparser::Encoding::Component;
                if !is_component {
                    return Err(not_a_component("it is a core module; turn it into a component first"));
                }
            }
            // The outer parser goes on behind a nested one if the nested bytes are left out.
            Payload::ModuleSection { unchecked_range, .. }
            | Payload::ComponentSection { unchecked_range, .. } => {
                rest = rest.get(unchecked_range.len()..).ok_or_else(|| not_a_component("it ends early"))?;
            }
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                let earlier = surface.manifest.replace(section.data());
                if earlier.is_some() {
                    return Err(LoadError::Manifest {
                        key: "manifest".to_owned(),
                        problem: "is there twice".to_owned(),
                    });
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    keep(&mut surface.imports, import.map_err(broken)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    keep(&mut surface.exports, export.map_err(broken)?.name.name)?;
                }
            }
            Payload::End(_) => break,
            _ => {}
        }
    }
    if is_component { Ok(surface) } else { Err(not_a_component("it is empty")) }
}

/// Refuses before the list grows: a section of megabytes may hold millions of names.
fn keep(names: &mut Vec<String>, name: &str) -> Result<(), LoadError> {
    if names.len() >= NAMES_MAX {
        return Err(not_a_component("it has more than 1,000 imports or exports"));
    }
    names.push(name.to_owned());
    Ok(())
}

fn broken(error: wasmparser::BinaryReaderError) -> LoadError {
    not_a_component(&error.to_string())
}

fn not_a_component(reason: &str) -> LoadError {
    LoadError::NotAComponent { reason: shown(reason) }
}

#[cfg(test)]
mod tests {
    use super::{MANIFEST_SECTION, inspect};
    use crate::LoadError;

    const MANIFEST: &str = "id = \"a.b\"\nversion = \"1.0.0\"\npublisher = \"p\"\nlicense = \"MIT\"\n\
        description = \"d\"\n[kinds.posture]\n";

    fn component(body: &str) -> Vec<u8> {
        wat::parse_str(format!("(component {body})")).unwrap()
    }

    fn with_manifest(body: &str) -> Vec<u8> {
        component(&format!("(@custom {MANIFEST_SECTION:?} {MANIFEST:?}) {body}"))
    }

    #[test]
    fn imports_exports_and_digest_are_read_without_compiling() {
        let bytes = with_manifest(
            r#"(core module (func (export "deep")))
               (component (import "inner" (func)))
               (import "palisade:host/log@0.1.0" (instance $log))
               (export "palisade:plugin/posture@0.1.0" (instance $log))"#,
        );
        let inspection = inspect(&bytes).unwrap();
        assert_eq!(inspection.imports, ["palisade:host/log@0.1.0"]);
        assert_eq!(inspection.kinds, [crate::Kind::Posture]);
        assert_eq!(inspection.manifest.id, "a.b");
        assert_eq!(inspection.digest, inspect(&bytes).unwrap().digest);
    }

    #[test]
    fn what_is_no_component_is_named() {
        let core = wat::parse_str("(module)").unwrap();
        for (bytes, code) in [
            (Vec::new(), "plugin-not-a-component"),
            (b"garbage garbage".to_vec(), "plugin-not-a-component"),
            (core, "plugin-not-a-component"),
            (component(""), "plugin-manifest-missing"),
            (vec![0; super::COMPONENT_BYTES_MAX + 1], "plugin-too-large"),
        ] {
            assert_eq!(inspect(&bytes).unwrap_err().code(), code);
        }
        let twice = with_manifest(&format!("(@custom {MANIFEST_SECTION:?} {MANIFEST:?})"));
        assert!(
            matches!(inspect(&twice), Err(LoadError::Manifest { problem, .. }) if problem.contains("twice"))
        );
        // A manifest of a nested component is somebody else's.
        let nested = component(&format!("(component (@custom {MANIFEST_SECTION:?} {MANIFEST:?}))"));
        assert_eq!(inspect(&nested).unwrap_err(), LoadError::ManifestMissing);
    }

    #[test]
    fn another_version_of_a_kind_is_refused_by_name() {
        let bytes = with_manifest(
            r#"(import "a" (instance $a)) (export "palisade:plugin/posture@0.2.0" (instance $a))"#,
        );
        let error = inspect(&bytes).unwrap_err();
        assert_eq!(error.code(), "plugin-kind-unknown");
        assert!(error.to_string().contains("palisade:plugin/posture@0.2.0"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn damaged_bytes_never_panic(cut in 0usize..400, at in 0usize..400, byte: u8) {
            let mut bytes = with_manifest(r#"(import "a" (instance $a)) (core module)"#);
            bytes.truncate(cut);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = inspect(&bytes);
        }
    }
}
