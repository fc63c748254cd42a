//! What posture plugins say of a scope that changes: judged once, then only where something changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::Gap;

use crate::graph::{Change, Graph};
use crate::posture::{Collected, Judged, PosturePlugin, Subject, collected};

/// What the plugins say of every subject, kept so that a change costs only the subjects that it concerns.
pub struct Standing {
    plugins: Vec<PosturePlugin>,
    graph: Arc<Graph>,
    threads: usize,
    /// By path.
    subjects: BTreeMap<String, Collected>,
}

impl Standing {
    /// Has the plugins judge the subjects for the first time.
    #[must_use]
    pub fn new(subjects: &[Subject], graph: Graph, plugins: Vec<PosturePlugin>, threads: usize) -> Self {
        let mut standing = Self { plugins, graph: Arc::new(graph), threads, subjects: BTreeMap::new() };
        standing.judge(subjects);
        standing
    }

    /// Takes over a change of the graph, forgets what was said of the subjects at these paths, and has those that are still there judged
    /// anew.
    pub fn update(&mut self, change: Change, paths: &BTreeSet<String>, subjects: &[Subject]) {
        // No call is under way, so that this is the only holder and nothing is copied.
        Arc::make_mut(&mut self.graph).apply(change);
        for path in paths {
            self.subjects.remove(path);
        }
        self.judge(subjects);
    }

    fn judge(&mut self, subjects: &[Subject]) {
        let mut all = Collected::default();
        for plugin in &self.plugins {
            all.add(collected(plugin, subjects, &self.graph, self.threads));
        }
        let paths: HashMap<&str, &str> =
            subjects.iter().map(|subject| (&*subject.asset, subject.path.as_str())).collect();
        for subject in subjects {
            self.subjects.insert(subject.path.clone(), Collected::default());
        }
        for seen in all.observations {
            let of = paths.get(&*seen.asset).and_then(|path| self.subjects.get_mut(*path));
            of.into_iter().for_each(|of| of.observations.push(seen.clone()));
        }
        for (key, finding) in all.findings {
            let path = finding.evidence.first().map(|evidence| evidence.path.clone()).unwrap_or_default();
            if let Some(of) = self.subjects.get_mut(&path) {
                of.findings.insert(key, finding);
            }
        }
        for gap in all.gaps {
            let path = gap.subject.split("!/").next().unwrap_or_default().to_owned();
            if let Some(of) = self.subjects.get_mut(&path) {
                of.gaps.insert(gap);
            }
        }
    }

    /// What the plugins asked.
    #[must_use]
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// What stands now; the same as [`judge`](crate::posture::judge) says of the same subjects. `gaps` is what is missing beside.
    #[must_use]
    pub fn judged(&self, gaps: BTreeSet<Gap>) -> Judged {
        let mut all = Collected { gaps, ..Collected::default() };
        for one in self.subjects.values() {
            all.add(one.clone());
        }
        all.judged(&self.plugins)
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("subjects", &self.subjects.len()).finish_non_exhaustive()
    }
}
