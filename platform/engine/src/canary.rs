//! A new version of a plugin beside the one in force: called with the same batches, compared, and never believed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host::{Analysis, InputFile, Plugin};

/// Lines of difference that are kept of each sort.
const LINES_MAX: usize = 100;

/// What came of comparing two versions so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Batches that both were called with.
    pub calls: u64,
    /// Batches about which both said the same.
    pub same: u64,
    /// Batches that the new version failed on.
    pub faults: u64,
    /// What only the new version says, one line each; at most 100.
    pub added: BTreeSet<String>,
    /// What only the version in force says; at most 100.
    pub removed: BTreeSet<String>,
}

/// A version that runs beside.
#[derive(Clone)]
pub struct Canary {
    plugin: Plugin,
    comparison: Arc<Mutex<Comparison>>,
}

impl Canary {
    /// A comparison that starts at nothing.
    #[must_use]
    pub fn new(plugin: Plugin) -> Self {
        Self { plugin, comparison: Arc::default() }
    }

    /// The version that runs beside.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What came of it so far.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        self.locked().clone()
    }

    /// Calls the new version with a batch that the version in force has answered.
    pub(crate) fn compare(
        &self,
        config: &str,
        paths: &[&str],
        files: Vec<InputFile>,
        old: &BTreeSet<String>,
    ) {
        let new = self.plugin.analyze_files(config, files).map(|analysis| lines(&analysis, paths));
        let mut comparison = self.locked();
        comparison.calls += 1;
        match new {
            Err(_) => comparison.faults += 1,
            Ok(new) if new == *old => comparison.same += 1,
            Ok(new) => {
                keep(&mut comparison.added, new.difference(old));
                keep(&mut comparison.removed, old.difference(&new));
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Comparison> {
        self.comparison.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep<'a>(kept: &mut BTreeSet<String>, lines: impl Iterator<Item = &'a String>) {
    for line in lines {
        if kept.len() >= LINES_MAX {
            return;
        }
        kept.insert(line.clone());
    }
}

/// What an analysis says, one line for each record, whatever their order.
pub(crate) fn lines(analysis: &Analysis, paths: &[&str]) -> BTreeSet<String> {
    let at = |item: usize| paths.get(item).copied().unwrap_or_default();
    let packages = analysis.packages.iter().map(|it| {
        let inner = it.inner.as_deref().map(|inner| format!("!/{inner}")).unwrap_or_default();
        format!("package {} {} {} in {}{inner}", it.kind.as_str(), it.name, it.version, at(it.item))
    });
    let findings = analysis
        .findings
        .iter()
        .map(|it| format!("finding {} ({}) in {} at {}", it.rule, it.severity, at(it.item), it.location));
    let systems = analysis.systems.iter().map(|it| {
        format!("system {} {} in {}", it.os.id, it.os.version.as_deref().unwrap_or_default(), at(it.item))
    });
    let owned = analysis
        .ownerships
        .iter()
        .map(|it| format!("{} files of {} {} in {}", it.paths.len(), it.kind.as_str(), it.name, at(it.item)));
    let problems = analysis.problems.iter().map(|it| format!("problem in {}: {}", at(it.item), it.message));
    packages.chain(findings).chain(systems).chain(owned).chain(problems).collect()
}
