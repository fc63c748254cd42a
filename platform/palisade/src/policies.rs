//! Policies of the operator's own: files to configurations of the plugin that runs them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::policy::{Assembled, Source, TestFile, assemble};
use anyhow::{Context as _, Result, bail};
use engine::posture::{OwnPolicy, Prepare, Subject};
use host::manifest::Rule;
use model::Severity;
use serde_json::Value;

use crate::data::read_capped;

/// The plugin that runs policies.
pub(crate) const PLUGIN: &str = "palisade.policy";

/// Files of policies of one configuration.
const FILES_MAX: usize = 10_000;
/// Folders within each other.
const DEPTH_MAX: usize = 16;

/// One policy.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Its name.
    pub(crate) name: String,
    /// What its results stand under.
    pub(crate) rule: Arc<Rule>,
    /// Configuration of the plugin with this policy alone.
    pub(crate) config: String,
    /// The same as files gave it.
    assembled: Arc<Assembled>,
}

/// Bytes of the other objects that a policy may look at: every call of the plugin reads all of them.
const OTHERS_BYTES_MAX: usize = 8 << 20;

impl Policy {
    /// The policy as scans call it, with the other objects that it asks for.
    pub(crate) fn as_judged(&self) -> OwnPolicy {
        let asked = self.assembled.policies.first().and_then(|policy| policy.inventory.clone());
        let others = asked.unwrap_or_default();
        let prepare: Option<Arc<Prepare>> = match others.is_empty() {
            true => None,
            false => {
                let (kinds, assembled) = (others.clone(), Arc::clone(&self.assembled));
                Some(Arc::new(move |subjects: &[Subject]| with_others(&assembled, &kinds, subjects)))
            }
        };
        OwnPolicy { rule: Arc::clone(&self.rule), others, prepare }
    }
}

/// The configuration with the objects of these kinds.
fn with_others(assembled: &Assembled, kinds: &[String], subjects: &[Subject]) -> Result<Arc<str>, String> {
    let wanted = || subjects.iter().filter(|subject| kinds.contains(&subject.kind));
    let bytes: usize = wanted().map(|subject| subject.body.len()).sum();
    if bytes > OTHERS_BYTES_MAX {
        return Err(format!(
            "the objects that it asks for as data.inventory have {bytes} bytes; at most {OTHERS_BYTES_MAX} are given"
        ));
    }
    let read = |subject: &Subject| {
        serde_json::from_slice(&subject.body).map_err(|error| format!("{}: {error}", subject.path))
    };
    let objects: Vec<Value> = wanted().map(read).collect::<Result<_, _>>()?;
    let config = assembled.config_with(&Value::Null, Some(::policy::inventory(&objects)));
    Ok(Arc::from(config.to_string()))
}

/// Reads the policies of these paths.
///
/// # Errors
/// A path that cannot be read, or a file that no policy could be made of: a policy that is there and does nothing is worse than none.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Policy>> {
    let assembled = assembled(paths)?;
    if let Some(problem) = assembled.problems.first() {
        bail!("{}:{}: {}", problem.path, problem.line, problem.message);
    }
    Ok(each(&assembled))
}

/// The policies of these paths, and what is wrong with them.
pub(crate) fn assembled(paths: &[PathBuf]) -> Result<Assembled> {
    let mut sources = Vec::new();
    for file in files(paths)? {
        let name = file.display().to_string();
        let is_test = TestFile::is(&name) || name.ends_with("_test.rego");
        if !is_test {
            sources.push(source(&file)?);
        }
    }
    Ok(assemble(&sources))
}

pub(crate) fn source(file: &Path) -> Result<Source> {
    let bytes = read_capped(file, u64::try_from(::policy::FILE_BYTES_MAX).unwrap_or(u64::MAX))?;
    Ok(Source::read(&file.display().to_string(), &bytes)?)
}

/// One configuration for each policy.
pub(crate) fn each(assembled: &Assembled) -> Vec<Policy> {
    let one = |policy: &policy::Policy| {
        let alone = Assembled { policies: vec![policy.clone()], problems: Vec::new() };
        Policy {
            name: policy.name.clone(),
            rule: Arc::new(rule(policy)),
            config: alone.config(&Value::Null).to_string(),
            assembled: Arc::new(alone),
        }
    };
    assembled.policies.iter().map(one).collect()
}

fn rule(policy: &policy::Policy) -> Rule {
    let severity = match policy.severity.as_deref() {
        Some("critical") => Severity::Critical,
        Some("high") => Severity::High,
        Some("low") => Severity::Low,
        _ => Severity::Medium,
    };
    Rule {
        id: policy.name.clone(),
        title: if policy.title.is_empty() { policy.name.clone() } else { policy.title.clone() },
        severity,
        description: policy.description.clone(),
        risk: String::new(),
        remediation: policy.remediation.clone(),
        patch: String::new(),
        references: Vec::new(),
        tags: vec!["policy".to_owned()],
    }
}

/// Files of policies below these paths, sorted. A file that is named counts whatever it is called.
pub(crate) fn files(paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>> {
    let mut all = BTreeSet::new();
    for path in paths {
        match path.is_dir() {
            true => walk(path, 0, &mut all)?,
            false => drop(all.insert(path.clone())),
        }
    }
    Ok(all)
}

fn walk(folder: &Path, depth: usize, all: &mut BTreeSet<PathBuf>) -> Result<()> {
    if depth > DEPTH_MAX || all.len() > FILES_MAX {
        bail!(
            "there are more than {FILES_MAX} files or {DEPTH_MAX} folders within each other at {}",
            folder.display()
        );
    }
    let what = || format!("cannot list {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(what)? {
        let entry = entry.with_context(what)?;
        let (path, kind) = (entry.path(), entry.file_type().with_context(what)?);
        // What begins with a dot belongs to mounts and version control.
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let named = path
            .extension()
            .is_some_and(|end| ["rego", "yaml", "yml", "json"].iter().any(|known| end == *known));
        if kind.is_dir() {
            walk(&path, depth + 1, all)?;
        } else if named {
            all.insert(path);
        }
    }
    Ok(())
}
