//! A new project, from the templates in this library.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::{Kind, Manifest};

use crate::error::{AuthorError, write};
use crate::project::Language;

/// Path from the repository's root and bytes of every file that a project may be made of.
const FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// What to make.
#[derive(Debug, Clone)]
pub struct NewProject<'a> {
    /// What the plugin is called for.
    pub kind: Kind,
    /// What it is written in.
    pub language: Language,
    /// Where; its last part is the project's name.
    pub directory: &'a Path,
    /// Id of the plugin; `example.NAME` when there is none.
    pub id: Option<&'a str>,
    /// Who publishes it; `Example` when nobody is named.
    pub publisher: Option<&'a str>,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Name of the project.
    pub name: String,
    /// Id of the plugin.
    pub id: String,
    /// Files, from the project's folder.
    pub files: Vec<PathBuf>,
}

/// Writes a project into a new or empty folder.
///
/// # Errors
/// [`AuthorError::New`] when the folder is not empty, or its name or the id cannot be one; [`AuthorError::File`].
pub fn create(wanted: &NewProject<'_>) -> Result<Created, AuthorError> {
    let refuse = |problem: String| Err(AuthorError::New { problem });
    let name = name(wanted.directory)?;
    let id = wanted.id.map_or_else(|| format!("example.{name}"), str::to_owned);
    let publisher = wanted.publisher.unwrap_or("Example");
    let files = files(wanted, &[("name", name), ("id", &id), ("publisher", publisher)]);
    let manifest = files.get(Path::new("plugin.toml")).map(|bytes| String::from_utf8_lossy(bytes));
    if let Err(error) = Manifest::parse(&manifest.unwrap_or_default()) {
        return refuse(format!("{error}; give another --id or --publisher"));
    }
    match std::fs::read_dir(wanted.directory).map(|mut entries| entries.next()) {
        Ok(Some(_)) => return refuse(format!("{:?} is not empty; name a new folder", wanted.directory)),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(AuthorError::file("use", wanted.directory)(error));
        }
        _ => {}
    }
    for (path, bytes) in &files {
        write(&wanted.directory.join(path), bytes)?;
    }
    Ok(Created { name: name.to_owned(), id, files: files.into_keys().collect() })
}

/// The project's name, from its folder's: a name that Cargo, npm and Python take alike.
fn name(directory: &Path) -> Result<&str, AuthorError> {
    let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let first = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    let fits = letters && first && name.len() <= 64 && !name.ends_with('-') && !name.contains("--");
    if fits && !name.starts_with("palisade-sdk") {
        return Ok(name);
    }
    Err(AuthorError::New {
        problem: format!(
            "the folder's name {name:?} becomes the project's; allowed are up to 64 letters a-z, digits and single \
             dashes, a letter first, such as `open-ports`"
        ),
    })
}

/// Every file of the project, by its path there.
fn files(wanted: &NewProject<'_>, words: &[(&str, &str)]) -> BTreeMap<PathBuf, Vec<u8>> {
    let language = wanted.language.as_str();
    let common = format!("plugins/templates/{language}/common/");
    let kind = format!("plugins/templates/{language}/kinds/{}/", wanted.kind);
    let mut files = BTreeMap::new();
    for (path, bytes) in FILES {
        if let Some(rest) = path.strip_prefix(&kind).or_else(|| path.strip_prefix(&common)) {
            files.insert(PathBuf::from(filled(rest, rest, words)), filled_bytes(rest, bytes, words));
        } else if path.starts_with("wit/") {
            files.insert(PathBuf::from(path), bytes.to_vec());
        } else if let Some(rest) =
            path.strip_prefix("plugins/").filter(|rest| rest.starts_with("sdk") && language == "rust")
        {
            files.insert(PathBuf::from(rest), bytes.to_vec());
        }
    }
    files
}

fn filled_bytes(path: &str, bytes: &[u8], words: &[(&str, &str)]) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => filled(path, text, words).into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

/// A text with its placeholders replaced. Only a publisher may hold letters that TOML reads otherwise.
fn filled(path: &str, text: &str, words: &[(&str, &str)]) -> String {
    words.iter().fold(text.to_owned(), |text, (name, word)| {
        let word = if path.ends_with(".toml") {
            word.replace('\\', "\\\\").replace('"', "\\\"")
        } else {
            (*word).to_owned()
        };
        text.replace(&format!("{{{{{name}}}}}"), &word)
    })
}

#[cfg(test)]
mod tests {
    use super::{FILES, NewProject, create};
    use crate::project::{Language, Project};
    use host::Kind;

    #[test]
    fn every_kind_of_every_language_makes_a_project_that_opens() {
        for language in Language::ALL {
            for kind in Kind::ALL {
                let folder = tempfile::tempdir().unwrap();
                let directory = folder.path().join("my-plugin");
                let wanted = NewProject {
                    kind,
                    language,
                    directory: &directory,
                    id: Some("org.example.mine"),
                    publisher: Some("A \"quoted\" \\ name"),
                };
                let created = create(&wanted).unwrap();
                let project = Project::open(&directory).unwrap();
                assert_eq!((project.language, project.manifest.id.as_str()), (language, "org.example.mine"));
                assert_eq!(project.manifest.publisher, "A \"quoted\" \\ name");
                assert!(project.manifest.declares(kind), "{kind} {language:?}");
                assert!(!project.cases().unwrap().is_empty(), "{kind} {language:?}");
                assert!(created.files.iter().any(|file| file.starts_with("wit/worlds")));
                assert_eq!(
                    created.files.iter().any(|file| file.starts_with("sdk/src")),
                    language == Language::Rust
                );
                for file in created.files.iter().filter(|file| !file.starts_with("sdk")) {
                    let text =
                        String::from_utf8_lossy(&std::fs::read(directory.join(file)).unwrap()).into_owned();
                    for placeholder in ["{{name}}", "{{id}}", "{{publisher}}"] {
                        assert!(!text.contains(placeholder), "{} of {language:?}", file.display());
                    }
                }
                // A second time there is something to lose.
                assert_eq!(create(&wanted).unwrap_err().code(), "plugin-new-refused");
            }
        }
    }

    #[test]
    fn a_name_that_one_of_the_tools_refuses_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Caps", "under_score", "9lives", "-dash", "dash-", "two--dashes", "palisade-sdk", "ä"] {
            let directory = folder.path().join(name);
            let wanted = NewProject {
                kind: Kind::Posture,
                language: Language::Python,
                directory: &directory,
                id: None,
                publisher: None,
            };
            let error = create(&wanted).unwrap_err();
            assert!(error.to_string().contains("becomes the project's"), "{error}");
            assert!(!directory.exists());
        }
        let wanted = NewProject {
            kind: Kind::Posture,
            language: Language::Python,
            directory: &folder.path().join("fine"),
            id: Some("no dots"),
            publisher: None,
        };
        assert!(create(&wanted).unwrap_err().to_string().contains("`id`"));
    }

    #[test]
    fn nothing_that_was_built_is_embedded() {
        let has = |part: &str| FILES.iter().any(|(path, _)| path.contains(part));
        assert!(has("/.gitignore") && has("wit/worlds/"));
        assert!(!has("/target/") && !has("node_modules") && !has("published") && !has("__pycache__"));
    }
}
