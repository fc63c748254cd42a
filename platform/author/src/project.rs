//! A plugin's project: a folder with `plugin.toml`, sources in one language, and golden cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use host::{Host, Manifest, Plugin};

use crate::case::Case;
use crate::error::{AuthorError, read};

/// Most files of a project that are looked at for changes.
const FILES_MAX: usize = 20_000;

/// Folders that hold what was built or fetched.
const NOT_SOURCES: [&str; 6] = ["target", "build", "node_modules", ".venv", "__pycache__", ".git"];

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust, with the SDK.
    Rust,
    /// JavaScript, through componentize-js.
    Javascript,
    /// Python, through componentize-py.
    Python,
}

impl Language {
    /// Every language that there is a template for.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Javascript, Self::Python];

    /// The word used on the command line, and the folder of its templates.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Javascript => "javascript",
            Self::Python => "python",
        }
    }

    /// The language with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == name)
    }
}

/// A plugin's project.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its folder.
    pub directory: PathBuf,
    /// What it is written in, told by the file that builds it.
    pub language: Language,
    /// Its manifest, checked on its own.
    pub manifest: Manifest,
    /// The manifest's text, as it goes into the component.
    pub manifest_text: String,
}

/// When each source was changed and how large it is.
pub(crate) type Sources = BTreeMap<PathBuf, (SystemTime, u64)>;

impl Project {
    /// Opens a project.
    ///
    /// # Errors
    /// [`AuthorError::NotAProject`] names the missing file; [`AuthorError::Load`] what is wrong with the manifest.
    pub fn open(directory: &Path) -> Result<Self, AuthorError> {
        let refuse = |problem: &str| AuthorError::NotAProject {
            path: directory.to_owned(),
            problem: problem.to_owned(),
        };
        let path = directory.join("plugin.toml");
        if !path.is_file() {
            return Err(refuse("it has no plugin.toml; `palisade plugin new` makes a project"));
        }
        let has = |name: &str| directory.join(name).is_file();
        let language = if has("Cargo.toml") {
            Language::Rust
        } else if has("build.mjs") {
            Language::Javascript
        } else if has("build.py") {
            Language::Python
        } else {
            return Err(refuse(
                "it has none of Cargo.toml, build.mjs and build.py, so nothing here can build it",
            ));
        };
        let manifest_text =
            componentize::manifest_text(directory).map_err(AuthorError::file("read", &path))?;
        let manifest =
            Manifest::parse(&manifest_text).map_err(|source| AuthorError::Load { path, source })?;
        Ok(Self { directory: directory.to_owned(), language, manifest, manifest_text })
    }

    /// The component that was built, `build/NAME.plugin.wasm`.
    ///
    /// # Errors
    /// [`AuthorError::NotBuilt`] when there is none, [`AuthorError::NotAProject`] when there are several.
    pub fn component(&self) -> Result<PathBuf, AuthorError> {
        let mut found = components(&self.directory.join("build"), true);
        let component = found.pop().ok_or_else(|| AuthorError::NotBuilt { path: self.directory.clone() })?;
        if found.is_empty() {
            return Ok(component);
        }
        Err(AuthorError::NotAProject {
            path: self.directory.clone(),
            problem: "build/ has more than one file *.plugin.wasm; remove those of earlier names".to_owned(),
        })
    }

    /// Loads the component that was built.
    ///
    /// # Errors
    /// As [`Project::component`], and [`AuthorError::Load`].
    pub fn load(&self, host: &Host) -> Result<Plugin, AuthorError> {
        load(host, &self.component()?)
    }

    /// Its golden cases, by name.
    ///
    /// # Errors
    /// [`AuthorError::Case`] names the file and what is wrong with it.
    pub fn cases(&self) -> Result<Vec<Case>, AuthorError> {
        let folder = self.directory.join("cases");
        let Ok(listed) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
        let mut folders: Vec<PathBuf> =
            listed.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.iter().map(|folder| Case::read(folder, &self.manifest)).collect()
    }

    /// A source that was changed after the component was built. Cases are data and do not count, nor do lock files, which builds
    /// write.
    #[must_use]
    pub fn changed_since_built(&self) -> Option<PathBuf> {
        let built = std::fs::metadata(self.component().ok()?).ok()?.modified().ok()?;
        let cases = self.directory.join("cases");
        let counts = |path: &Path| !path.starts_with(&cases) && !is_lock_file(path);
        let mut sources = sources(&self.directory).into_iter();
        sources.find_map(|(path, (time, _))| (time > built && counts(&path)).then_some(path))
    }
}

/// The sources of a project, golden cases included: everything but what was built or fetched.
pub(crate) fn sources(directory: &Path) -> Sources {
    let mut sources = Sources::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !NOT_SOURCES.iter().any(|not| name == *not) {
                folders.push(path);
            } else if kind.is_file()
                && sources.len() < FILES_MAX
                && let Ok(meta) = entry.metadata()
            {
                sources.insert(path, (meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len()));
            }
        }
    }
    sources
}

/// Whether builds write this file.
pub(crate) fn is_lock_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json")
}

/// Components in a folder: those with a manifest inside, or those without.
pub(crate) fn components(folder: &Path, packed: bool) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = listed
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.ends_with(".wasm") && name.ends_with(".plugin.wasm") == packed
        })
        .collect();
    found.sort();
    found
}

/// Loads a component file.
pub(crate) fn load(host: &Host, path: &Path) -> Result<Plugin, AuthorError> {
    let bytes = component_bytes(path)?;
    host.load(&bytes).map_err(|source| AuthorError::Load { path: path.to_owned(), source })
}

/// The bytes of a component file, one more than allowed at most, so that the host can say that it is too large.
pub(crate) fn component_bytes(path: &Path) -> Result<Vec<u8>, AuthorError> {
    let bytes_max = u64::try_from(host::inspect::COMPONENT_BYTES_MAX).unwrap_or(u64::MAX);
    read(path, bytes_max.saturating_mul(4))
}
