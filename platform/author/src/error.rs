//! Why a tool could not do its work. What a plugin does wrong is a result, not an error.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// A tool could not do its work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuthorError {
    /// A file or folder cannot be read or written.
    #[error("cannot {what} {path:?}: {reason}")]
    File {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        reason: std::io::Error,
    },
    /// There is no new project to be made here, or not under this name.
    #[error("cannot make a project: {problem}")]
    New {
        /// What is wrong and what to do.
        problem: String,
    },
    /// The folder is not a plugin's project.
    #[error("{path:?} is not a plugin's project: {problem}")]
    NotAProject {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        problem: String,
    },
    /// A program that builds is not there.
    #[error("{tool} is needed to build this plugin, and it is not there; {how}")]
    ToolMissing {
        /// The program.
        tool: String,
        /// How to get it.
        how: String,
    },
    /// A program that builds failed.
    #[error("{command} failed: {problem}")]
    BuildFailed {
        /// The program and its arguments.
        command: String,
        /// What is known about it.
        problem: String,
    },
    /// The project has no component yet.
    #[error("{path:?} has no component; run `palisade plugin build` there first")]
    NotBuilt {
        /// The project.
        path: PathBuf,
    },
    /// A golden case cannot be read.
    #[error("{path:?}: {problem}")]
    Case {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file is not a transcript.
    #[error("{path:?} is not a transcript that can be repeated: {problem}")]
    Transcript {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The component cannot be loaded.
    #[error("cannot load {path:?}")]
    Load {
        /// The component.
        path: PathBuf,
        /// Why.
        #[source]
        source: host::LoadError,
    },
}

impl AuthorError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "plugin-file-failed",
            Self::New { .. } => "plugin-new-refused",
            Self::NotAProject { .. } => "plugin-project-unusable",
            Self::ToolMissing { .. } => "plugin-tool-missing",
            Self::BuildFailed { .. } => "plugin-build-failed",
            Self::NotBuilt { .. } => "plugin-not-built",
            Self::Case { .. } => "plugin-case-invalid",
            Self::Transcript { .. } => "plugin-transcript-invalid",
            Self::Load { source, .. } => source.code(),
        }
    }

    /// Makes an error of the file system, for `map_err`.
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |reason| Self::File { what, path, reason }
    }
}

/// Reads a file of a bounded size.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, AuthorError> {
    use std::io::Read as _;
    let failed = || AuthorError::file("read", path);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed())?;
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > bytes_max {
        return Err(failed()(std::io::Error::other(format!("it has more than {bytes_max} bytes"))));
    }
    Ok(bytes)
}

/// Writes a file, unless it holds the same bytes already.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), AuthorError> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(AuthorError::file("create", folder))?;
    }
    std::fs::write(path, bytes).map_err(AuthorError::file("write", path))
}
