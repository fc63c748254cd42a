//! The loop of development: a change, a build, the same cases again, and what is different now.
//!
//! Changes are found by time and size of the sources; nothing of the operating system is needed for that. What happens with a
//! component that was built, besides the cases, is the caller's business: see [`Session::turn`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::{Host, Plugin};
use serde_json::Value;

use crate::difference::differences;
use crate::error::AuthorError;
use crate::golden::{Options, Verdict, judge};
use crate::project::{Project, Sources, is_lock_file, load, sources};

/// Differences that are shown of one case.
const DIFFERENCES_SHOWN: usize = 8;

/// A project that is worked on.
#[derive(Debug)]
pub struct Session {
    directory: PathBuf,
    sources: Option<Sources>,
    answers: BTreeMap<String, Value>,
}

impl Session {
    /// Begins with nothing built and nothing seen.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), sources: None, answers: BTreeMap::new() }
    }

    /// If a source has changed since the last turn: builds, gives the component to `built`, runs the cases, and returns what to say.
    /// A project that cannot be built is told of and looked at again after the next change.
    ///
    /// # Errors
    /// The folder is not a project, or what `built` says.
    pub fn turn(
        &mut self,
        host: &Host,
        build: &mut dyn FnMut(&Project) -> Result<PathBuf, AuthorError>,
        built: &mut dyn FnMut(&Path) -> Result<(), AuthorError>,
    ) -> Result<Option<Vec<String>>, AuthorError> {
        let now = sources(&self.directory);
        if self.sources.as_ref() == Some(&now) {
            return Ok(None);
        }
        let first = self.sources.replace(now).is_none();
        let project = match Project::open(&self.directory) {
            Ok(project) => project,
            // Half-written is how files are while somebody writes them.
            Err(error) if !first => return Ok(Some(vec![error_line(&error)])),
            Err(error) => return Err(error),
        };
        let lines = match build(&project) {
            Ok(component) => {
                built(&component)?;
                self.cases(&project, host, &component)
            }
            Err(error) => vec![error_line(&error)],
        };
        self.keep_lock_files();
        Ok(Some(lines))
    }

    /// Lock files are written by builds, and are no change of the author's.
    fn keep_lock_files(&mut self) {
        let Some(known) = &mut self.sources else { return };
        let locks = sources(&self.directory).into_iter().filter(|(path, _)| is_lock_file(path));
        known.extend(locks);
    }

    fn cases(&mut self, project: &Project, host: &Host, component: &Path) -> Vec<String> {
        let (plugin, cases) = match load(host, component).and_then(|plugin| Ok((plugin, project.cases()?))) {
            Ok(both) => both,
            Err(error) => return vec![error_line(&error)],
        };
        let mut lines = Vec::new();
        let mut answers = BTreeMap::new();
        for case in &cases {
            match judge(&plugin, case, &Options::default()) {
                Ok(judged) => {
                    lines.extend(self.changes(&judged.name, judged.found.as_ref()));
                    lines.extend(verdict(&plugin, &judged.name, &judged.verdict));
                    answers.extend(judged.found.map(|found| (judged.name, found)));
                }
                Err(error) => lines.push(error_line(&error)),
            }
        }
        lines.push(format!("{} cases ran, {} answered", cases.len(), answers.len()));
        self.answers = answers;
        lines
    }

    /// What a case answers otherwise than the last time.
    fn changes(&self, name: &str, found: Option<&Value>) -> Vec<String> {
        let (Some(before), Some(found)) = (self.answers.get(name), found) else { return Vec::new() };
        let changes = differences(before, found, DIFFERENCES_SHOWN);
        changes
            .into_iter()
            .map(|change| format!("{name} changed: {}", change.replace("expected", "was")))
            .collect()
    }
}

fn verdict(plugin: &Plugin, name: &str, verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Failed(lines) => {
            let head = format!("{name} fails in {} {}:", plugin.manifest().id, plugin.manifest().version);
            std::iter::once(head).chain(lines.iter().map(|line| format!("  {line}"))).collect()
        }
        _ => Vec::new(),
    }
}

fn error_line(error: &AuthorError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    crate::shown::shown(&format!("{error}{cause}"))
}

#[cfg(test)]
mod tests {
    use super::Session;
    use crate::error::AuthorError;
    use crate::project::Project;
    use host::{Host, HostOptions};
    use std::path::{Path, PathBuf};

    const MANIFEST: &str = "id = 'a.b'\nversion = '1.0.0'\npublisher = 'p'\nlicense = 'MIT'\ndescription = 'd'\n[kinds.posture]\n";

    /// Turns with a build that leaves no component: what it says is the only line.
    struct Turns(Session, Host, usize);

    impl Turns {
        fn turn(&mut self) -> Result<Option<Vec<String>>, AuthorError> {
            let Self(session, host, builds) = self;
            let mut build = |project: &Project| -> Result<PathBuf, AuthorError> {
                *builds += 1;
                // As Cargo does.
                std::fs::write(project.directory.join("Cargo.lock"), builds.to_string()).unwrap();
                Err(AuthorError::NotBuilt { path: project.directory.clone() })
            };
            session.turn(host, &mut build, &mut |_: &Path| Ok(()))
        }
    }

    #[test]
    fn a_turn_builds_after_a_change_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(HostOptions { instances: 1, ..HostOptions::default() }).unwrap();
        let mut turns = Turns(Session::new(folder.path()), host, 0);
        assert_eq!(turns.turn().unwrap_err().code(), "plugin-project-unusable");

        let mut turns = Turns(Session::new(folder.path()), turns.1, 0);
        std::fs::write(folder.path().join("plugin.toml"), MANIFEST).unwrap();
        std::fs::write(folder.path().join("build.py"), "").unwrap();
        assert!(turns.turn().unwrap().unwrap()[0].contains("has no component"));
        assert_eq!((turns.turn().unwrap(), turns.2), (None, 1), "a lock file is no change");
        std::fs::create_dir(folder.path().join("build")).unwrap();
        std::fs::write(folder.path().join("build/out"), "x").unwrap();
        assert_eq!((turns.turn().unwrap(), turns.2), (None, 1), "nor is what was built");
        std::fs::write(folder.path().join("build.py"), "changed").unwrap();
        assert!(turns.turn().unwrap().is_some() && turns.2 == 2);

        // Half-written, and then whole again.
        std::fs::write(folder.path().join("plugin.toml"), "id =").unwrap();
        assert!(turns.turn().unwrap().unwrap()[0].contains("cannot be read"));
        assert_eq!((turns.turn().unwrap(), turns.2), (None, 2));
        std::fs::write(folder.path().join("plugin.toml"), MANIFEST).unwrap();
        assert!(turns.turn().unwrap().is_some() && turns.2 == 3);
    }
}
