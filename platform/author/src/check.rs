//! Everything that can be told of a component without calling it: what it is, what it says it is, and where the two differ.

use std::path::Path;

use host::{Capability, Host, Inspection, Limits, Plugin};

use crate::error::AuthorError;
use crate::fakes::capability_of;
use crate::project::{Language, Project, component_bytes};
use crate::shown::{shown, size};

/// A Rust component above this has something in it that nobody meant to ship.
const RUST_BYTES_USUAL: u64 = 1024 * 1024;

/// How much a remark weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Fine,
    /// Could be better.
    Hint,
    /// Should be otherwise.
    Warning,
    /// Has to be otherwise.
    Error,
}

impl Level {
    /// The word in front of a remark.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How much it weighs.
    pub level: Level,
    /// What is so, and what to do.
    pub text: String,
}

/// Looks at a component file, or at a project and its component.
///
/// # Errors
/// The file cannot be read, or the folder is no project. What is wrong with the component is a remark.
pub fn check(host: &Host, path: &Path) -> Result<Vec<Remark>, AuthorError> {
    let project = if path.is_dir() { Some(Project::open(path)?) } else { None };
    let component = match &project {
        Some(project) => project.component()?,
        None => path.to_owned(),
    };
    let bytes = component_bytes(&component)?;
    let mut remarks = Remarks(Vec::new());
    match host::inspect(&bytes) {
        Ok(inspection) => {
            remarks.manifest(&inspection);
            remarks.rights(&inspection);
            remarks.size(&inspection, project.as_ref());
        }
        Err(error) => remarks.error(&error),
    }
    match host.load(&bytes) {
        Ok(plugin) => remarks.loaded(&plugin),
        // What inspecting found is not told twice.
        Err(error) if !remarks.0.iter().any(|remark| remark.level == Level::Error) => remarks.error(&error),
        Err(_) => {}
    }
    if let Some(project) = &project {
        remarks.project(project, &bytes);
    }
    Ok(remarks.0)
}

struct Remarks(Vec<Remark>);

impl Remarks {
    fn add(&mut self, level: Level, text: impl Into<String>) {
        self.0.push(Remark { level, text: text.into() });
    }

    fn error(&mut self, error: &host::LoadError) {
        self.add(Level::Error, format!("{error} ({})", error.code()));
    }

    fn manifest(&mut self, inspection: &Inspection) {
        let manifest = &inspection.manifest;
        let kinds: Vec<&str> = inspection.kinds.iter().map(|kind| kind.as_str()).collect();
        self.add(
            Level::Fine,
            format!("manifest: {} {}, of kind {}", manifest.id, manifest.version, kinds.join(", ")),
        );
        self.add(Level::Fine, format!("contract {}, which this release runs", inspection.contract));
        for rule in manifest.rules.iter().filter(|rule| rule.title == rule.id) {
            let text = format!("the rule {} has its id as its title; say what it finds", rule.id);
            self.add(Level::Hint, text);
        }
        for (index, rule) in manifest.rules.iter().enumerate() {
            if manifest.rules.iter().take(index).any(|earlier| earlier.id == rule.id) {
                self.add(Level::Warning, format!("the rule {} is there twice; remove one", rule.id));
            }
        }
        for request in
            manifest.capabilities.iter().filter(|request| request.why.split_whitespace().count() < 2)
        {
            let text = format!(
                "capabilities.{}.why says {:?}; the operator who grants it reads nothing else",
                request.capability,
                shown(&request.why)
            );
            self.add(Level::Hint, text);
        }
        let properties = manifest.config.get("properties").and_then(serde_json::Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if property.get("description").is_none() {
                let text = format!("config.properties.{} has no description", shown(name));
                self.add(Level::Hint, text);
            }
        }
    }

    /// Imports that nobody asked for keep the component from loading; what is left to say is the other direction.
    fn rights(&mut self, inspection: &Inspection) {
        let manifest = &inspection.manifest;
        let imported: Vec<Capability> =
            inspection.imports.iter().filter_map(|import| capability_of(import)).collect();
        let unasked = imported.iter().filter(|capability| !manifest.asks(**capability));
        for capability in unasked {
            let text = format!(
                "it imports palisade:host/{capability}, and plugin.toml has no [capabilities.{capability}]; add the table \
                 with its `why`, or stop calling it"
            );
            self.add(Level::Error, text);
        }
        for request in &manifest.capabilities {
            let capability = request.capability;
            if capability == Capability::Secret {
                if !manifest.asks(Capability::Http) {
                    let text = "it asks for a secret and for no request to send it with; delete the table \
                                [capabilities.secret], or add [capabilities.http]";
                    self.add(Level::Warning, text);
                }
            } else if !imported.contains(&capability) {
                let text = format!(
                    "it asks for {capability} and never calls it; delete the table [capabilities.{capability}]"
                );
                self.add(Level::Warning, text);
            }
        }
        let asked: Vec<&str> =
            manifest.capabilities.iter().map(|request| request.capability.as_str()).collect();
        let asked = if asked.is_empty() { "nothing".to_owned() } else { asked.join(", ") };
        self.add(Level::Fine, format!("it asks for: {asked}; it imports: {}", names(&imported)));
    }

    fn size(&mut self, inspection: &Inspection, project: Option<&Project>) {
        let bytes_max = u64::try_from(host::inspect::COMPONENT_BYTES_MAX).unwrap_or(u64::MAX);
        self.add(Level::Fine, format!("size {} of {}", size(inspection.bytes), size(bytes_max)));
        let rust = project.is_some_and(|project| project.language == Language::Rust);
        if rust && inspection.bytes > RUST_BYTES_USUAL {
            let text = "a Rust plugin rarely needs more than 1 MiB: look at [profile.release] (lto, codegen-units, strip = \
                        \"debuginfo\") and at dependencies with tables in them";
            self.add(Level::Hint, text);
        }
    }

    fn loaded(&mut self, plugin: &Plugin) {
        let (limits, usual) = (plugin.limits(), Limits::default());
        self.add(
            Level::Fine,
            format!(
                "it loads: {} of machine code",
                size(u64::try_from(plugin.machine_code_bytes()).unwrap_or(u64::MAX))
            ),
        );
        match plugin.instantiate() {
            Ok(time) => self.add(Level::Fine, format!("it starts, in {:.1} ms", time.as_secs_f64() * 1e3)),
            Err(fault) => self.add(Level::Error, format!("it does not start: {}", shown(&fault.to_string()))),
        }
        for ((name, figure), (_, usual)) in limits.figures().into_iter().zip(usual.figures()) {
            if figure > usual {
                let text =
                    format!("limits.{name} is {figure}, the usual is {usual}; operators may allow less");
                self.add(Level::Hint, text);
            }
        }
    }

    fn project(&mut self, project: &Project, component: &[u8]) {
        let stale = host::inspect(component).is_ok_and(|inspection| inspection.manifest != project.manifest);
        if stale {
            self.add(Level::Warning, "the component holds another manifest than plugin.toml; build it again");
        } else if let Some(changed) = project.changed_since_built() {
            let name = changed.strip_prefix(&project.directory).unwrap_or(&changed).display().to_string();
            self.add(Level::Warning, format!("{} was changed after the component was built", shown(&name)));
        }
        match project.cases() {
            Ok(cases) => {
                for declared in &project.manifest.kinds {
                    if !cases.iter().any(|case| case.input.kind() == declared.kind) {
                        let text = format!("cases/ has none of the kind {}", declared.kind);
                        self.add(Level::Hint, text);
                    }
                }
                for rule in &project.manifest.rules {
                    let named = |case: &crate::Case| {
                        case.expected.as_ref().is_some_and(|expected| expected.to_string().contains(&rule.id))
                    };
                    if cases.iter().any(|case| case.expected.is_some()) && !cases.iter().any(named) {
                        self.add(Level::Hint, format!("no case expects the rule {}", rule.id));
                    }
                }
            }
            Err(error) => self.add(Level::Error, error.to_string()),
        }
    }
}

fn names(capabilities: &[Capability]) -> String {
    if capabilities.is_empty() {
        return "nothing that needs a grant".to_owned();
    }
    capabilities.iter().map(|capability| capability.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Level, Remark, check};
    use host::{Host, HostOptions, Limits};

    const HEAD: &str = "id = 'a.b'\nversion = '1.0.0'\npublisher = 'p'\nlicense = 'MIT'\ndescription = 'd'\n[kinds.posture]\n";

    /// Remarks on a component that imports these interfaces and has this manifest. It does not load: its export has no shape.
    fn remarks(imports: &[&str], manifest: &str) -> Vec<Remark> {
        let imports: String = imports
            .iter()
            .enumerate()
            .map(|(index, name)| format!("(import \"palisade:host/{name}@0.1.0\" (instance $i{index}))"))
            .collect();
        let text = format!("(component {imports} (export \"palisade:plugin/posture@0.1.0\" (instance $i0)))");
        let component =
            componentize::with_manifest(wat::parse_str(text).unwrap(), &format!("{HEAD}{manifest}"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        std::fs::write(&path, component).unwrap();
        check(&Host::new(HostOptions { instances: 1, ..HostOptions::default() }).unwrap(), &path).unwrap()
    }

    #[track_caller]
    fn says(remarks: &[Remark], level: Level, words: &str) {
        assert!(
            remarks.iter().any(|remark| remark.level == level && remark.text.contains(words)),
            "{words}: {remarks:?}"
        );
    }

    #[test]
    fn rights_and_imports_are_compared_in_both_directions() {
        let asked = "[capabilities.state]\nwhy = 'counts logins'\nbytes = 1\n[capabilities.secret]\nwhy = 'token'\nnames = ['t']\n";
        let remarks = remarks(&["log", "http"], asked);
        says(
            &remarks,
            Level::Error,
            "imports palisade:host/http, and plugin.toml has no [capabilities.http]",
        );
        says(
            &remarks,
            Level::Warning,
            "asks for state and never calls it; delete the table [capabilities.state]",
        );
        says(&remarks, Level::Warning, "a secret and for no request");
        says(&remarks, Level::Hint, "capabilities.secret.why says \"token\"");
        says(&remarks, Level::Fine, "it imports: http");
    }

    #[test]
    fn what_keeps_it_from_loading_is_an_error_with_its_code() {
        says(&remarks(&["log"], ""), Level::Error, "(plugin-interface-mismatch)");
        let rules = "[[rules]]\nid = 'r'\ntitle = 'r'\nseverity = 'low'\n[[rules]]\nid = 'r'\ntitle = 'two'\nseverity = 'low'\n";
        let remarks = remarks(&["log"], rules);
        says(&remarks, Level::Hint, "has its id as its title");
        says(&remarks, Level::Warning, "there twice");
    }

    #[test]
    fn the_page_of_limits_has_the_figures_that_are_enforced() {
        let page = include_str!("../../../plugins/LIMITS.md");
        let figures = Limits::default().figures().into_iter().zip(Limits::CEILING.figures());
        for ((name, usual), (_, most)) in figures {
            let row = format!("| `{name}` | {usual} | {most} | ");
            assert!(page.contains(&row), "plugins/LIMITS.md lacks {row:?}");
        }
    }
}
