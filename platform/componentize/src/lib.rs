//! How a Rust plugin becomes a component: which compiler builds it, and what turns its core module into a component with its
//! manifest inside. Shared by `palisade plugin build` and by `cargo xtask guests`, so that authors and this repository build the
//! same way.

mod toolchain;

pub use toolchain::{DEBIAN_PACKAGES, TARGET, Toolchain};

use thiserror::Error;

/// Name of the custom section that holds the manifest.
pub const MANIFEST_SECTION: &str = "palisade:manifest";

/// A core module that no component can be made of.
#[derive(Debug, Error)]
#[error("the core module cannot be made a component: {0}")]
pub struct ComponentError(String);

impl ComponentError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "plugin-not-a-component"
    }
}

/// The manifest of a project: its `plugin.toml`, followed by the files of `rules/` that end in `.toml`, in the order of their names.
/// Rules are many, and one file of them would be too long to find anything in.
///
/// # Errors
/// A file that cannot be read, or that is not UTF-8.
pub fn manifest_text(directory: &std::path::Path) -> std::io::Result<String> {
    let mut text = std::fs::read_to_string(directory.join("plugin.toml"))?;
    let rules = directory.join("rules");
    if rules.is_dir() {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(rules)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        files.sort();
        for file in files {
            text.push('\n');
            text.push_str(&std::fs::read_to_string(file)?);
        }
    }
    Ok(text)
}

/// Turns a core module built with the contract's bindings into a validated component, with its manifest inside.
///
/// # Errors
/// The module is not WebAssembly, or its imports and exports are not those of its bindings.
pub fn component(core: &[u8], manifest: &str) -> Result<Vec<u8>, ComponentError> {
    let refuse = |error: &dyn std::fmt::Debug| ComponentError(format!("{error:?}"));
    let encoder = wit_component::ComponentEncoder::default().validate(true);
    let mut encoder = encoder.module(core).map_err(|error| refuse(&error))?;
    let component = encoder.encode().map_err(|error| refuse(&error))?;
    Ok(with_manifest(component, manifest))
}

/// Appends the manifest to a component, where the host reads it without running anything.
#[must_use]
pub fn with_manifest(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    append_section(&mut component, MANIFEST_SECTION, manifest.as_bytes());
    component
}

/// Appends a custom section: id 0, size, length of the name, name, data (WebAssembly core specification, "Binary
/// Format", "Custom Section"; components share it).
fn append_section(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut body = Vec::new();
    push_leb128(&mut body, name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    component.push(0);
    push_leb128(component, body.len());
    component.extend_from_slice(&body);
}

fn push_leb128(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::{append_section, component, push_leb128};

    #[test]
    fn a_custom_section_is_framed_as_the_specification_says() {
        let mut out = b"head".to_vec();
        append_section(&mut out, "ab", b"xyz");
        assert_eq!(out, b"head\x00\x06\x02abxyz");
        let mut long = Vec::new();
        push_leb128(&mut long, 624_485);
        assert_eq!(long, [0xe5, 0x8e, 0x26]);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let error = component(b"no module", "").unwrap_err();
        assert!(error.to_string().contains("cannot be made a component"), "{error}");
    }
}
