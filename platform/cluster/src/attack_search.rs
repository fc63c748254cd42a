//! Shortest paths over the table of steps, and the steps that many of them share. Every search takes time in proportion to the
//! table and breaks ties by its order, so that the same cluster gives the same answer.

use std::collections::{BTreeMap, VecDeque};

use crate::access::{Subject, index};
use crate::attack::{
    Attack, AttackPath, ChokePoint, Edge, Goal, Limits, Paths, Place, Sources, Step, Technique,
};

const FAR: u32 = u32::MAX;
/// Most steps of which it is tried what their removal cuts.
const CANDIDATES_MAX: usize = 128;

/// Edges by where they end: offsets, and where each begins with its index.
struct Reverse {
    offsets: Vec<usize>,
    edges: Vec<(u32, u32)>,
}

impl Attack {
    /// A shortest path from each source to each goal that it can reach, by source and goal.
    #[must_use]
    pub fn paths(&self, sources: Sources<'_>, limits: &Limits) -> Paths {
        let reverse = self.reverse();
        let admin = self.distances(&reverse, Goal::ClusterAdmin, None);
        let node = self.distances(&reverse, Goal::Node, None);
        let mut forward = Forward { seen: vec![(FAR, FAR, 0); self.places.len()], ..Forward::default() };
        let sources = self.sources(sources);
        let mut found = Paths { paths: Vec::new(), sources: sources.len(), truncated: false };
        for number in sources {
            let Some((source, namespace, place)) = self.workloads.get(number) else { continue };
            for goal in Goal::ALL {
                let edges = match goal {
                    Goal::ClusterAdmin => self.descend(*place, &admin),
                    Goal::Node => self.descend(*place, &node),
                    Goal::OtherNamespace => forward.search(self, index(number), *place, namespace),
                };
                let Some(edges) = edges.filter(|edges| !edges.is_empty()) else { continue };
                let steps = self.steps(*place, &edges);
                if steps.len() > limits.steps_max || found.paths.len() >= limits.paths_max {
                    found.truncated = true;
                    continue;
                }
                found.paths.push(AttackPath { source: source.clone(), goal, steps });
            }
        }
        found
    }

    /// The same for one workload, of the paths that begin with the token of its service account, even where a shorter path does not. They
    /// say what the identity is good for; nothing begins so where no token is mounted.
    #[must_use]
    pub fn identity_paths(&self, workload: &str) -> Vec<AttackPath> {
        let found = self.sources(Sources::Workload(workload)).into_iter().next();
        let Some((source, namespace, place)) = found.and_then(|number| self.workloads.get(number)) else {
            return Vec::new();
        };
        let reverse = self.reverse();
        let goals = [Goal::ClusterAdmin, Goal::Node];
        let distances = goals.map(|goal| (goal, self.distances(&reverse, goal, None)));
        let mut paths = Vec::new();
        for token in self.edges_of(*place).iter().filter(|edge| edge.technique == Technique::TokenSteal) {
            let mut forward = Forward { seen: vec![(FAR, FAR, 0); self.places.len()], ..Forward::default() };
            let further = distances.iter().map(|(goal, far)| (*goal, self.descend(token.to, far)));
            let elsewhere = (Goal::OtherNamespace, forward.search(self, 0, token.to, namespace));
            for (goal, edges) in further.chain([elsewhere]) {
                let Some(edges) = edges.filter(|edges| !edges.is_empty()) else { continue };
                let mut steps: Vec<Step> = self.step(*place, token, token.to).into_iter().collect();
                steps.extend(self.steps(token.to, &edges));
                if steps.len() <= Limits::default().steps_max {
                    paths.push(AttackPath { source: source.clone(), goal, steps });
                }
            }
        }
        paths.sort();
        paths.dedup_by(|one, other| one.goal == other.goal);
        paths
    }

    /// The steps whose removal takes most workloads their way to the cluster or to a node, at most `limit`, sorted by that. Tried are
    /// the 128 steps that are on most shortest paths, each by a search without it; where two ways lead along each other, no single
    /// step cuts both.
    #[must_use]
    pub fn choke_points(&self, limit: usize) -> Vec<ChokePoint> {
        let reverse = self.reverse();
        let goals = [Goal::ClusterAdmin, Goal::Node];
        let all = goals.map(|goal| self.distances(&reverse, goal, None));
        let mut on_shortest: BTreeMap<u32, (u32, usize)> = BTreeMap::new();
        for distances in &all {
            for (_, _, place) in &self.workloads {
                let mut from = *place;
                for edge in self.descend(*place, distances).into_iter().flatten() {
                    let Some(step) = self.edges.get(edge as usize) else { break };
                    if step.counts {
                        on_shortest.entry(edge).or_insert((from, 0)).1 += 1;
                    }
                    from = step.to;
                }
            }
        }
        let mut candidates: Vec<(u32, u32, usize)> =
            on_shortest.into_iter().map(|(edge, (from, count))| (edge, from, count)).collect();
        candidates.sort_by_key(|(edge, _, count)| (std::cmp::Reverse(*count), *edge));
        candidates.truncate(CANDIDATES_MAX);
        let reached = |distances: &[u32]| {
            let at = |place: u32| distances.get(place as usize).is_some_and(|distance| *distance != FAR);
            self.workloads.iter().filter(|(_, _, place)| at(*place)).count()
        };
        let before: usize = all.iter().map(|distances| reached(distances)).sum();
        let mut points: Vec<(u32, ChokePoint)> = Vec::new();
        for (edge, from, count) in candidates {
            let after: usize =
                goals.iter().map(|goal| reached(&self.distances(&reverse, *goal, Some(edge)))).sum();
            let step = self.edges.get(edge as usize).and_then(|step| self.step(from, step, step.to));
            points.extend(step.map(|step| {
                (edge, ChokePoint { step, cuts: before.saturating_sub(after), on_shortest: count })
            }));
        }
        points.sort_by_key(|(edge, point)| {
            (std::cmp::Reverse(point.cuts), std::cmp::Reverse(point.on_shortest), *edge)
        });
        points.truncate(limit);
        points.into_iter().map(|(_, point)| point).collect()
    }

    fn reverse(&self) -> Reverse {
        let mut offsets = vec![0_usize; self.places.len() + 1];
        for edge in &self.edges {
            if let Some(count) = offsets.get_mut(edge.to as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let mut next = offsets.clone();
        let mut edges = vec![(0, 0); self.edges.len()];
        for from in 0..index(self.places.len()) {
            let first = self.offsets.get(from as usize).copied().unwrap_or_default();
            for (number, edge) in (first..).zip(self.edges_of(from)) {
                let Some(at) = next.get_mut(edge.to as usize) else { continue };
                if let Some(slot) = edges.get_mut(*at) {
                    *slot = (from, number);
                }
                *at += 1;
            }
        }
        Reverse { offsets, edges }
    }

    /// Steps from every place to the nearest of the goal's, without one edge.
    fn distances(&self, reverse: &Reverse, goal: Goal, without: Option<u32>) -> Vec<u32> {
        let mut distances = vec![FAR; self.places.len()];
        let mut waiting: VecDeque<(u32, u32)> = VecDeque::new();
        for (number, place) in (0_u32..).zip(&self.places) {
            let wanted = match goal {
                Goal::ClusterAdmin => *place == Place::ClusterAdmin,
                _ => matches!(place, Place::Node { .. } | Place::SomeNode),
            };
            if wanted {
                waiting.push_back((number, 0));
            }
        }
        while let Some((place, distance)) = waiting.pop_front() {
            let Some(known) = distances.get_mut(place as usize).filter(|known| distance < **known) else {
                continue;
            };
            *known = distance;
            let bound = |at: usize| reverse.offsets.get(at).copied().unwrap_or_default();
            let into =
                reverse.edges.get(bound(place as usize)..bound(place as usize + 1)).unwrap_or_default();
            for (from, number) in into.iter().filter(|(_, number)| Some(*number) != without) {
                match self.edges.get(*number as usize) {
                    Some(edge) if edge.counts => waiting.push_back((*from, distance + 1)),
                    Some(_) => waiting.push_front((*from, distance)),
                    None => {}
                }
            }
        }
        distances
    }

    /// The first shortest path: indices of its edges.
    fn descend(&self, from: u32, distances: &[u32]) -> Option<Vec<u32>> {
        let at = |place: u32| distances.get(place as usize).copied().unwrap_or(FAR);
        let (mut place, mut edges) = (from, Vec::new());
        if at(place) == FAR {
            return None;
        }
        // Edges that do not count lead from sets to what is in them and on to groups, never back.
        while edges.len() <= self.places.len() {
            let here = at(place);
            let first = self.offsets.get(place as usize).copied().unwrap_or_default();
            let closer = |edge: &Edge| at(edge.to) != FAR && at(edge.to) + u32::from(edge.counts) == here;
            let closest = (first..).zip(self.edges_of(place)).filter(|(_, edge)| closer(edge));
            // What somebody may do as oneself is said before what one may do as one of a group.
            let Some((number, edge)) = closest.min_by_key(|(number, edge)| (!edge.counts, *number)) else {
                break;
            };
            edges.push(number);
            place = edge.to;
        }
        Some(edges)
    }

    /// Edges as steps: what leads out of a set is part of the step that led into it.
    fn steps(&self, from: u32, edges: &[u32]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut edges = edges.iter().filter_map(|edge| self.edges.get(*edge as usize)).peekable();
        let mut place = from;
        while let Some(edge) = edges.next() {
            let mut to = edge.to;
            while let Some(next) = edges.next_if(|next| !next.counts && self.is_set(to) && next.to != to) {
                to = next.to;
            }
            steps.extend(self.step(place, edge, to));
            place = to;
        }
        steps
    }

    fn is_set(&self, place: u32) -> bool {
        self.places.get(place as usize).is_some_and(Place::is_set)
    }
}

/// Searches for other namespaces, one source after the other over the same memory.
#[derive(Default)]
struct Forward {
    /// Of each place: the search that saw it last, the place before, and the edge between.
    seen: Vec<(u32, u32, u32)>,
    waiting: VecDeque<(u32, u32, u32)>,
}

impl Forward {
    fn search(&mut self, attack: &Attack, search: u32, source: u32, namespace: &str) -> Option<Vec<u32>> {
        self.waiting.clear();
        self.waiting.push_back((source, FAR, FAR));
        while let Some((place, before, by)) = self.waiting.pop_front() {
            let Some(seen) = self.seen.get_mut(place as usize).filter(|seen| seen.0 != search) else {
                continue;
            };
            *seen = (search, before, by);
            if attack.places.get(place as usize).is_some_and(|place| is_elsewhere(place, namespace)) {
                return Some(self.back(place));
            }
            let first = attack.offsets.get(place as usize).copied().unwrap_or_default();
            let out: Vec<(u32, &Edge)> = (first..).zip(attack.edges_of(place)).collect();
            for (number, edge) in out.iter().filter(|(_, edge)| edge.counts) {
                self.waiting.push_back((edge.to, place, *number));
            }
            for (number, edge) in out.iter().rev().filter(|(_, edge)| !edge.counts) {
                self.waiting.push_front((edge.to, place, *number));
            }
        }
        None
    }

    fn back(&self, from: u32) -> Vec<u32> {
        let (mut edges, mut place) = (Vec::new(), from);
        while let Some((_, before, edge)) = self.seen.get(place as usize).filter(|seen| seen.1 != FAR) {
            edges.push(*edge);
            place = *before;
        }
        edges.reverse();
        edges
    }
}

/// Whether a place is an account or the Secrets of another namespace.
fn is_elsewhere(place: &Place, namespace: &str) -> bool {
    match place {
        Place::Identity { subject: Subject::ServiceAccount { namespace: other, .. } }
        | Place::Secrets { namespace: Some(other) } => other != namespace,
        _ => false,
    }
}
