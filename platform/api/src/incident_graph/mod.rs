//! What took part in an incident and how it is joined, made of its detections: what each is about, and paths that plugins put into evidence.

mod about;
#[cfg(test)]
mod tests;
mod thing;

use std::collections::{BTreeMap, BTreeSet};

use model::Severity;

use self::about::About;
use self::thing::{Names, Thing};
use crate::dto::{Detection, IncidentEdge, IncidentGraph, IncidentNode};

/// Most things of a graph: what a picture can show.
const NODES_MAX: usize = 200;
/// Most joins of a graph.
const EDGES_MAX: usize = 1_000;
/// Most detections that are named as proof of one join.
const PROOF_MAX: usize = 20;
/// Longest label, in characters.
const LABEL_MAX: usize = 120;
/// Longest reason, in characters.
const WHY_MAX: usize = 300;

/// The graph of these detections. The same detections in any order give the same graph, unless there is more than fits.
pub(crate) fn of(detections: &[Detection]) -> IncidentGraph {
    let mut all: Vec<&Detection> = detections.iter().collect();
    all.sort_by(|a, b| (a.first, &a.id).cmp(&(b.first, &b.id)));
    let told: Vec<About> = all.iter().map(|detection| About::of(detection)).collect();
    let mut drawing =
        Drawing { detections: all.iter().map(|one| one.id.as_str()).collect(), ..Drawing::default() };
    for about in &told {
        about.teach(&mut drawing.names);
    }
    for (detection, about) in all.iter().zip(&told) {
        drawing.add(detection, about);
    }
    for detection in all {
        drawing.rate(detection);
    }
    drawing.finish()
}

#[derive(Default)]
struct Drawing<'a> {
    /// Ids of all detections.
    detections: BTreeSet<&'a str>,
    names: Names,
    nodes: BTreeMap<String, IncidentNode>,
    edges: BTreeMap<(String, String, String), (String, Vec<String>)>,
    cut: bool,
}

impl Drawing<'_> {
    fn add(&mut self, detection: &Detection, about: &About) {
        for thing in &about.seen {
            self.node(thing, detection.severity);
        }
        for join in &about.joins {
            // A thing that is only on a path was not seen to be touched.
            let from = self.node(&join.from, Severity::Unknown);
            let to = self.node(&join.to, Severity::Unknown);
            if let (Some(from), Some(to)) = (from, to) {
                let told = join.proof.iter().filter(|id| self.detections.contains(id.as_str()));
                let proof: Vec<String> = std::iter::once(&detection.id).chain(told).cloned().collect();
                self.edge(from, to, (join.edge.as_str(), join.why.as_str()), proof);
            }
        }
        self.cut |= about.cut;
    }

    /// The asset at risk may be on a path alone.
    fn rate(&mut self, detection: &Detection) {
        let asset = self.names.resolve(&Thing::of_asset(&detection.asset));
        if let Some(known) = self.nodes.get_mut(&asset.id) {
            known.severity = known.severity.max(detection.severity);
        }
    }

    fn node(&mut self, thing: &Thing, severity: Severity) -> Option<String> {
        let thing = self.names.resolve(thing);
        if let Some(known) = self.nodes.get_mut(&thing.id) {
            known.severity = known.severity.max(severity);
            if thing.label != thing.name {
                known.label = shortened(&thing.label, LABEL_MAX);
            }
            return Some(thing.id);
        }
        if self.nodes.len() >= NODES_MAX {
            self.cut = true;
            return None;
        }
        let Thing { kind, id, name, label, asset, .. } = thing;
        let label = shortened(&label, LABEL_MAX);
        self.nodes.insert(
            id.clone(),
            IncidentNode { id: id.clone(), kind: kind.to_owned(), name, label, asset, severity },
        );
        Some(id)
    }

    fn edge(&mut self, from: String, to: String, (edge, why): (&str, &str), proof: Vec<String>) {
        if from == to {
            return;
        }
        let key = (from, to, edge.to_owned());
        if self.edges.len() >= EDGES_MAX && !self.edges.contains_key(&key) {
            self.cut = true;
            return;
        }
        let (_, known) = self.edges.entry(key).or_insert_with(|| (shortened(why, WHY_MAX), Vec::new()));
        for id in proof {
            if known.len() < PROOF_MAX && !known.contains(&id) {
                known.push(id);
            }
        }
    }

    fn finish(self) -> IncidentGraph {
        let edge = |((from, to, edge), (why, proof))| IncidentEdge { from, to, edge, why, proof };
        IncidentGraph {
            nodes: self.nodes.into_values().collect(),
            edges: self.edges.into_iter().map(edge).collect(),
            cut: self.cut,
        }
    }
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
