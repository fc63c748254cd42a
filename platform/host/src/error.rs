//! Why a host could not start and why a component could not be loaded. Faults of running plugins are in [`crate::fault`].

use std::path::PathBuf;

use thiserror::Error;

use crate::{Capability, Kind};

/// A host could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The Wasm engine refused its configuration or could not reserve address space.
    #[error(
        "cannot start the plugin engine: {reason}; give the process more address space or fewer instances"
    )]
    Engine {
        /// What the engine says.
        reason: String,
    },
    /// The thread that counts processor time could not be started.
    #[error("cannot start the plugin clock thread: {0}")]
    Ticker(#[source] std::io::Error),
    /// The directory for compiled code cannot be used.
    #[error("cannot use {path:?} for compiled plugins: {reason}")]
    CacheDirectory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
}

impl HostError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Engine { .. } => "plugin-engine",
            Self::Ticker(_) => "plugin-clock",
            Self::CacheDirectory { .. } => "plugin-cache-directory",
        }
    }
}

/// A component could not be loaded. Everything in the texts that came from the component is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is larger than any plugin may be.
    #[error("the component has {bytes} bytes; at most {bytes_max} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// The bytes are not a component.
    #[error("not a WebAssembly component: {reason}")]
    NotAComponent {
        /// Where the reading stopped.
        reason: String,
    },
    /// There is no manifest in the component.
    #[error(
        "the component has no custom section `palisade:manifest`; build it with the SDK, or add the manifest to it"
    )]
    ManifestMissing,
    /// The manifest says something it may not say.
    #[error("the manifest's `{key}` {problem}")]
    Manifest {
        /// The key, with dots.
        key: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// The manifest names a kind that the component does not export.
    #[error("the manifest declares the kind `{kind}`, but the component does not export {}", kind.interface())]
    KindNotExported {
        /// The kind.
        kind: Kind,
    },
    /// The component exports a kind that the manifest does not name.
    #[error("the component exports {}, but its manifest has no [kinds.{kind}]", kind.interface())]
    KindNotDeclared {
        /// The kind.
        kind: Kind,
    },
    /// The component exports a kind, or a version of one, that this release does not know.
    #[error("the component exports {export}, which this release does not know; it knows {known}")]
    KindUnknown {
        /// The exported name.
        export: String,
        /// What is known.
        known: String,
    },
    /// The component imports something that this release does not offer. It is the first one by name.
    #[error("the component imports {import}: {known}")]
    ImportUnknown {
        /// The imported name.
        import: String,
        /// What there is instead, and what to do.
        known: String,
    },
    /// The component imports a capability that its manifest does not ask for.
    #[error("the component imports {import}, but its manifest has no [capabilities.{capability}]")]
    ImportNotAsked {
        /// The imported name.
        import: String,
        /// The capability it belongs to.
        capability: Capability,
    },
    /// The component needs more from the start than its limits or the pool allow.
    #[error("the component needs {what}")]
    NeedsTooMuch {
        /// What, and how much is allowed.
        what: String,
    },
    /// The component does not validate or compile.
    #[error("the component does not compile: {reason}")]
    Compile {
        /// What the compiler says.
        reason: String,
    },
    /// The process that compiles could not be used.
    #[error("cannot compile in a process of its own: {reason}")]
    CompilerFailed {
        /// What went wrong.
        reason: String,
    },
    /// An interface has the right name and the wrong shape.
    #[error("{interface} has another shape than the published text: {reason}")]
    Mismatch {
        /// The interface.
        interface: String,
        /// The first difference.
        reason: String,
    },
}

impl LoadError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "plugin-too-large",
            Self::NotAComponent { .. } => "plugin-not-a-component",
            Self::ManifestMissing => "plugin-manifest-missing",
            Self::Manifest { .. } => "plugin-manifest-invalid",
            Self::KindNotExported { .. } => "plugin-kind-not-exported",
            Self::KindNotDeclared { .. } => "plugin-kind-not-declared",
            Self::KindUnknown { .. } => "plugin-kind-unknown",
            Self::ImportUnknown { .. } => "plugin-import-unknown",
            Self::ImportNotAsked { .. } => "plugin-import-not-asked",
            Self::NeedsTooMuch { .. } => "plugin-needs-too-much",
            Self::Compile { .. } => "plugin-does-not-compile",
            Self::CompilerFailed { .. } => "plugin-compiler-failed",
            Self::Mismatch { .. } => "plugin-interface-mismatch",
        }
    }
}

/// Text of a stranger, fit for a message: no control characters, at most 300 characters.
pub(crate) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    let mut out = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count == CHARS_MAX {
            out.push('…');
            break;
        }
        if letter.is_control() || is_invisible(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// Characters that change how the text around them is shown.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn strange_text_cannot_draw_on_a_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 301);
    }
}
