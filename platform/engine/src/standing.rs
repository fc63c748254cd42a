//! Where the objects of a scope stand while it changes: the last word of every plugin about each, judged again only where something
//! that it depends on has changed.
//!
//! What a plugin says of an object follows from the object and from the answers to its questions, so both are remembered: the object as it
//! was judged, and every question. The law: after any changes [`Standing::judged`] is what [`crate::posture::judge`] says of the same
//! objects and the same graph from the beginning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use host::Capability;
use model::Gap;
use model::graph::{AssetNode, Relation};

use crate::audit::Trail;
use crate::graph::Graph;
use crate::heard::{Heard, Work};
use crate::posture::{Collected, Judged, PosturePlugin, Subject, batches, context, ready, side_by_side};
use crate::standing_asked::{Asked, Asker, Listening, Questions};

/// Most objects that are judged in one call of a plugin that asks the graph. A call costs about as much as judging one of them: more
/// would make a large change little cheaper, and small ones dearer.
const TOGETHER: usize = 8;

/// What there is of a path to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// An object.
    Subject(Subject),
    /// An object that cannot be judged.
    Gap(Gap),
    /// Nothing any more.
    Nothing,
}

/// What plugins said of the objects of a scope.
#[derive(Debug)]
pub struct Standing {
    plugins: Vec<PosturePlugin>,
    graph: Arc<Graph>,
    subjects: BTreeMap<Arc<str>, Held>,
    /// Of objects that cannot be judged.
    gaps: BTreeMap<Arc<str>, Gap>,
    asked: Asked,
    /// Who has to judge what again.
    due: BTreeSet<Asker>,
    /// Paths of which something else is to be said, without anybody judging.
    settled: BTreeSet<Arc<str>>,
    /// Kinds of objects that came, changed or went since the last judgement.
    touched: BTreeSet<String>,
    /// Policies as they were last seen, by their place: the configuration, or why they cannot be used.
    policies: BTreeMap<usize, Result<Arc<str>, Gap>>,
    audit: Trail,
}

#[derive(Debug)]
struct Held {
    subject: Subject,
    /// By the plugin's place.
    heard: BTreeMap<usize, Heard>,
}

impl Standing {
    /// A scope of which nothing was judged yet.
    #[must_use]
    pub fn new(plugins: Vec<PosturePlugin>, graph: Graph) -> Self {
        Self {
            plugins,
            graph: Arc::new(graph),
            subjects: BTreeMap::new(),
            gaps: BTreeMap::new(),
            asked: Asked::default(),
            due: BTreeSet::new(),
            settled: BTreeSet::new(),
            touched: BTreeSet::new(),
            policies: BTreeMap::new(),
            audit: Trail::default(),
        }
    }

    /// What the plugins were denied and what they sent since this was last asked.
    pub fn take_audit(&mut self) -> Trail {
        std::mem::take(&mut self.audit)
    }

    /// The graph as it is now.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Whether this path is that of an object that is judged.
    #[must_use]
    pub fn is_subject(&self, path: &str) -> bool {
        self.subjects.contains_key(path) || self.gaps.contains_key(path)
    }

    /// What there is of a path now. An object that is as it was costs nothing.
    pub fn give(&mut self, path: &str, given: Given) {
        match given {
            Given::Subject(subject) => {
                if self.subjects.get(path).is_some_and(|held| held.subject == subject) {
                    return;
                }
                let path: Arc<str> = Arc::from(path);
                self.forget(&path);
                for (place, plugin) in self.plugins.iter().enumerate() {
                    if plugin.consumes(&subject.kind) {
                        self.due.insert((place, Arc::clone(&path)));
                    }
                }
                self.touched.insert(subject.kind.clone());
                self.settled.insert(Arc::clone(&path));
                self.subjects.insert(path, Held { subject, heard: BTreeMap::new() });
            }
            Given::Gap(gap) => {
                if self.gaps.get(path) != Some(&gap) {
                    let path: Arc<str> = Arc::from(path);
                    self.forget(&path);
                    self.settled.insert(Arc::clone(&path));
                    self.gaps.insert(path, gap);
                }
            }
            Given::Nothing => {
                if self.is_subject(path) {
                    let path: Arc<str> = Arc::from(path);
                    self.forget(&path);
                    self.settled.insert(path);
                }
            }
        }
    }

    fn forget(&mut self, path: &Arc<str>) {
        self.gaps.remove(path);
        if let Some(held) = self.subjects.remove(path) {
            self.touched.insert(held.subject.kind);
        }
        for place in 0..self.plugins.len() {
            let asker = (place, Arc::clone(path));
            self.asked.forget(&asker);
            self.due.remove(&asker);
        }
    }

    /// An asset is new, or what is known of it has changed.
    pub fn put(&mut self, node: AssetNode) {
        let id = node.id.clone();
        let attributes = node.attributes.clone();
        match Arc::make_mut(&mut self.graph).put(node) {
            Some(before) if before.attributes == attributes => {}
            Some(_) => self.due.extend(self.asked.described(&id)),
            None => self.due.extend(self.asked.about(&id)),
        }
    }

    /// An asset is gone.
    pub fn take(&mut self, id: &str) {
        if Arc::make_mut(&mut self.graph).take(id).is_some() {
            self.due.extend(self.asked.about(id));
        }
    }

    /// Two assets are joined.
    pub fn join(&mut self, relation: &Relation) {
        Arc::make_mut(&mut self.graph).join(relation);
        self.concern(relation);
    }

    /// Two assets are not joined any more. To be said before one of them is taken away.
    pub fn part(&mut self, relation: &Relation) {
        self.concern(relation);
        Arc::make_mut(&mut self.graph).part(relation);
    }

    fn concern(&mut self, relation: &Relation) {
        for (asset, other, backwards) in
            [(&relation.from, &relation.to, false), (&relation.to, &relation.from, true)]
        {
            if let Some(other) = self.graph.node(other) {
                self.due.extend(self.asked.joined(asset, relation.edge, backwards, &other.kind));
            }
        }
    }

    /// Of other kinds than until now there may be assets that are not known: every question may have another answer, and everything is judged
    /// again.
    pub fn misses(&mut self, kinds: BTreeSet<String>) {
        Arc::make_mut(&mut self.graph).misses(kinds);
        for (place, plugin) in self.plugins.iter().enumerate() {
            let wanted = self.subjects.iter().filter(|(_, held)| plugin.consumes(&held.subject.kind));
            self.due.extend(wanted.map(|(path, _)| (place, Arc::clone(path))));
        }
    }

    /// Whether anything has to be judged again, or is to be said of what is gone.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let is_unseen = |(place, plugin): (usize, &PosturePlugin)| {
            plugin.policy.is_some() && !self.policies.contains_key(&place)
        };
        !self.due.is_empty() || !self.settled.is_empty() || self.plugins.iter().enumerate().any(is_unseen)
    }

    /// Has tried again what failed for a reason that may pass: calls that ended in a fault, and policies that could not be used.
    pub fn doubt(&mut self) {
        self.policies.retain(|_, seen| seen.is_ok());
        for (path, held) in &self.subjects {
            let faults = held.heard.iter().filter(|(_, heard)| heard.is_fault);
            self.due.extend(faults.map(|(place, _)| (*place, Arc::clone(path))));
        }
    }

    /// Has everything judged again that is concerned by what was said since the last time. Paths of what was judged, is gone, or cannot be
    /// judged any more.
    pub fn judge_again(&mut self, threads: usize) -> BTreeSet<String> {
        self.see_policies();
        let due = std::mem::take(&mut self.due);
        let settled = std::mem::take(&mut self.settled);
        let work: Vec<Work<'_>> = self.plugins.iter().map(Work::new).collect();
        let calls = self.calls(&due);
        let graph = &self.graph;
        let done = side_by_side(&calls, threads, |(place, batch)| {
            let (Some(work), Some(plugin)) = (work.get(*place), self.plugins.get(*place)) else {
                return (Vec::new(), Questions::new(), Trail::default());
            };
            let listening = Arc::new(Listening::to(graph));
            let mut context = context(plugin, Arc::clone(&listening) as Arc<dyn host::Services>);
            if let Some(Ok(config)) = self.policies.get(place) {
                context.config = Arc::clone(config);
            }
            let mut audit = Trail::default();
            let heard = work.heard(&context, batch, &mut audit);
            (heard, listening.heard(), audit)
        });
        let of_batch = |(place, batch): (usize, Vec<&Subject>)| {
            let paths: Vec<Arc<str>> = batch.iter().map(|subject| Arc::from(subject.path.as_str())).collect();
            (place, paths)
        };
        let calls: Vec<(usize, Vec<Arc<str>>)> = calls.into_iter().map(of_batch).collect();
        drop(work);
        for ((place, paths), (heard, questions, audit)) in calls.into_iter().zip(done) {
            self.audit.add(audit);
            for (path, heard) in paths.iter().zip(heard) {
                if let Some(held) = self.subjects.get_mut(path) {
                    held.heard.insert(place, heard);
                }
            }
            self.asked.replace(paths.into_iter().map(|path| (place, path)).collect(), questions);
        }
        let judged = due.iter().map(|(_, path)| path).chain(&settled);
        judged.map(|path| path.as_ref().to_owned()).collect()
    }

    /// Looks at the policies again that look at other objects, where some of those have changed, and at those that nobody has looked at
    /// yet. Under another configuration everything is another question.
    fn see_policies(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        let plugins = self.plugins.clone();
        for (place, plugin) in plugins.iter().enumerate() {
            let Some(policy) = &plugin.policy else { continue };
            let looks = plugin.prepare().is_some() && policy.others.iter().any(|kind| touched.contains(kind));
            if self.policies.contains_key(&place) && !looks {
                continue;
            }
            let subjects: Vec<Subject> = match plugin.prepare() {
                Some(_) => self.subjects.values().map(|held| held.subject.clone()).collect(),
                None => Vec::new(),
            };
            let context = context(plugin, Arc::clone(&self.graph) as Arc<dyn host::Services>);
            let seen = ready(&Work::new(plugin), context, &subjects, &mut self.audit);
            let seen = seen.map(|context| context.config);
            if self.policies.get(&place) == Some(&seen) {
                continue;
            }
            let wanted = self.subjects.iter().filter(|(_, held)| plugin.consumes(&held.subject.kind));
            self.due.extend(wanted.map(|(path, _)| (place, Arc::clone(path))));
            self.policies.insert(place, seen);
        }
    }

    /// The calls to be made. Whoever asks the graph judges few objects in a call, and one alone where there are few, as all of a call are
    /// judged again when an answer to any of them changes.
    fn calls(&self, due: &BTreeSet<Asker>) -> Vec<(usize, Vec<&Subject>)> {
        let mut by_plugin: BTreeMap<usize, Vec<&Subject>> = BTreeMap::new();
        for (place, path) in due {
            // A policy that cannot be used has one gap, and judges nothing.
            if let (Some(held), None | Some(Ok(_))) = (self.subjects.get(path), self.policies.get(place)) {
                by_plugin.entry(*place).or_default().push(&held.subject);
            }
        }
        let mut calls = Vec::new();
        for (place, subjects) in by_plugin {
            let asks = self.plugins.get(place).is_some_and(|plugin| {
                plugin.plugin.capabilities(&plugin.rights).contains(&Capability::Assets)
            });
            if asks {
                let together = (subjects.len() / TOGETHER).clamp(1, TOGETHER);
                let chunks = subjects.chunks(together).flat_map(|chunk| batches(chunk, 1));
                calls.extend(chunks.map(|batch| (place, batch)));
            } else {
                let times = self.plugins.get(place).map_or(1, PosturePlugin::batch_times);
                calls.extend(batches(&subjects, times).into_iter().map(|batch| (place, batch)));
            }
        }
        calls
    }

    /// Everything that stands, with what else is missing.
    #[must_use]
    pub fn judged(&self, gaps: BTreeSet<Gap>) -> Judged {
        self.told(self.subjects.values(), self.gaps.values(), gaps)
    }

    /// What stands of these paths alone, with what else is missing.
    #[must_use]
    pub fn judged_of(&self, paths: &BTreeSet<String>, gaps: BTreeSet<Gap>) -> Judged {
        let subjects = paths.iter().filter_map(|path| self.subjects.get(path.as_str()));
        let own = paths.iter().filter_map(|path| self.gaps.get(path.as_str()));
        self.told(subjects, own, gaps)
    }

    fn told<'a>(
        &self,
        subjects: impl Iterator<Item = &'a Held>,
        own: impl Iterator<Item = &'a Gap>,
        gaps: BTreeSet<Gap>,
    ) -> Judged {
        let work: Vec<Work<'_>> = self.plugins.iter().map(Work::new).collect();
        let mut by_plugin: Vec<Collected> = self.plugins.iter().map(|_| Collected::default()).collect();
        for held in subjects {
            for (place, heard) in &held.heard {
                if let (Some(work), Some(collected), None | Some(Ok(_))) =
                    (work.get(*place), by_plugin.get_mut(*place), self.policies.get(place))
                {
                    work.tell(&held.subject, heard, collected);
                }
            }
        }
        let mut all = Collected { gaps, ..Collected::default() };
        all.gaps.extend(own.cloned());
        all.gaps.extend(self.policies.values().filter_map(|seen| seen.as_ref().err().cloned()));
        for collected in by_plugin {
            all.add(collected);
        }
        all.judged(&self.plugins)
    }
}
