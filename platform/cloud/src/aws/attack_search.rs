//! Shortest paths over the table of steps, and the steps that many of them share. Every search takes time in proportion to the
//! table and breaks ties by its order, so that the same accounts give the same answer.

use std::collections::{BTreeMap, VecDeque};

use crate::aws::account::index;
use crate::aws::attack::{
    Attack, AttackPath, Certainty, ChokePoint, Edge, Goal, Limits, Paths, Place, Sources, Step,
};
use crate::aws::truth::Truth;

const FAR: u32 = u32::MAX;
/// Most steps of which it is tried what their removal cuts.
const CANDIDATES_MAX: usize = 128;

/// Edges by where they end: offsets, and where each begins with its index.
struct Reverse {
    offsets: Vec<usize>,
    edges: Vec<(u32, u32)>,
}

/// Distances to a goal, over certain steps only and over all.
struct Distances {
    certain: Vec<u32>,
    all: Vec<u32>,
}

impl Attack {
    /// A shortest path from each source to each goal that it can reach, by source and goal.
    #[must_use]
    pub fn paths(&self, sources: Sources<'_>, limits: &Limits) -> Paths {
        let reverse = self.reverse();
        let distances = Goal::ALL.map(|goal| (goal, self.both_distances(&reverse, goal, None)));
        let sources = self.chosen_sources(sources);
        let mut found = Paths { paths: Vec::new(), sources: sources.len(), truncated: self.is_truncated() };
        for source in sources {
            for (goal, distances) in &distances {
                let certain = self.descend(source, &distances.certain, true);
                let certainty = if certain.is_some() { Certainty::Certain } else { Certainty::Possible };
                let edges = certain.or_else(|| self.descend(source, &distances.all, false));
                let Some(edges) = edges.filter(|edges| !edges.is_empty()) else { continue };
                let steps = self.steps(source, &edges);
                if steps.len() > limits.steps_max || found.paths.len() >= limits.paths_max {
                    found.truncated = true;
                    continue;
                }
                let Some(place) = self.place(source) else { continue };
                found.paths.push(AttackPath { source: place.clone(), goal: *goal, certainty, steps });
            }
        }
        found.paths.sort_by(|one, other| (&one.source, one.goal).cmp(&(&other.source, other.goal)));
        found
    }

    /// The steps whose removal takes most sources their way to every right or to a privileged role, at most `limit`, sorted by that.
    /// Tried are the 128 steps that are on most shortest paths, each by a search without it; where two ways lead along each other, no
    /// single step cuts both.
    #[must_use]
    pub fn choke_points(&self, limit: usize) -> Vec<ChokePoint> {
        let reverse = self.reverse();
        let goals = [Goal::Administrator, Goal::PrivilegedRole];
        let all = goals.map(|goal| self.distances(&reverse, goal, None, false));
        let mut on_shortest: BTreeMap<u32, (u32, u32, usize)> = BTreeMap::new();
        for distances in &all {
            for (source, _) in &self.sources {
                let edges = self.descend(*source, distances, false).unwrap_or_default();
                for (edge, from, to) in self.counted(*source, &edges) {
                    on_shortest.entry(edge).or_insert((from, to, 0)).2 += 1;
                }
            }
        }
        let mut candidates: Vec<(u32, (u32, u32, usize))> = on_shortest.into_iter().collect();
        candidates.sort_by_key(|(edge, (_, _, count))| (std::cmp::Reverse(*count), *edge));
        candidates.truncate(CANDIDATES_MAX);
        let reached = |distances: &[u32]| {
            let at = |place: u32| {
                distances.get(place as usize).is_some_and(|distance| !matches!(*distance, 0 | FAR))
            };
            self.sources.iter().filter(|(place, _)| at(*place)).count()
        };
        let before: usize = all.iter().map(|distances| reached(distances)).sum();
        let mut points: Vec<(u32, ChokePoint)> = Vec::new();
        for (edge, (from, to, count)) in candidates {
            let without = |goal: &Goal| reached(&self.distances(&reverse, *goal, Some(edge), false));
            let after: usize = goals.iter().map(without).sum();
            let step = self
                .edges
                .get(edge as usize)
                .and_then(|step| self.step(from, step.technique, to, step.certain));
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

    fn both_distances(&self, reverse: &Reverse, goal: Goal, without: Option<u32>) -> Distances {
        Distances {
            certain: self.distances(reverse, goal, without, true),
            all: self.distances(reverse, goal, without, false),
        }
    }

    /// Steps from every place to the nearest of the goal's, without one edge.
    fn distances(&self, reverse: &Reverse, goal: Goal, without: Option<u32>, certain: bool) -> Vec<u32> {
        let mut distances = vec![FAR; self.places.len()];
        let mut waiting: VecDeque<(u32, u32)> = VecDeque::new();
        for place in self.ends(goal, certain) {
            waiting.push_back((place, 0));
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
                    Some(edge) if certain && !edge.certain => {}
                    Some(edge) if edge.counts => waiting.push_back((*from, distance + 1)),
                    Some(_) => waiting.push_front((*from, distance)),
                    None => {}
                }
            }
        }
        distances
    }

    fn ends(&self, goal: Goal, certain: bool) -> Vec<u32> {
        match goal {
            Goal::PrivilegedRole => {
                let least = if certain { Truth::Yes } else { Truth::Maybe };
                self.privileged.iter().filter(|(_, truth)| *truth >= least).map(|(place, _)| *place).collect()
            }
            Goal::Administrator => {
                let is = |place: &Option<Place>| matches!(place, Some(Place::Administrator { .. }));
                (0_u32..).zip(&self.places).filter(|(_, place)| is(place)).map(|(number, _)| number).collect()
            }
            Goal::PublicData => {
                let reads = |edge: &&Edge| edge.technique == crate::aws::techniques::Technique::PublicRead;
                self.edges.iter().filter(reads).map(|edge| edge.to).collect()
            }
        }
    }

    /// Edges down to the goal; nothing where there is no way, and for what is there already.
    fn descend(&self, from: u32, distances: &[u32], certain: bool) -> Option<Vec<u32>> {
        let at = |place: u32| distances.get(place as usize).copied().unwrap_or(FAR);
        let (mut place, mut edges) = (from, Vec::new());
        if matches!(at(place), FAR | 0) {
            return None;
        }
        // Edges that do not count lead from sets to what is in them, never back.
        while edges.len() <= self.places.len() {
            let here = at(place);
            let first = self.offsets.get(place as usize).copied().unwrap_or_default();
            let closer = |edge: &Edge| {
                let allowed = edge.certain || !certain;
                allowed && at(edge.to) != FAR && at(edge.to) + u32::from(edge.counts) == here
            };
            let closest = (first..).zip(self.edges_of(place)).filter(|(_, edge)| closer(edge));
            let Some((number, edge)) = closest.min_by_key(|(number, edge)| (!edge.certain, *number)) else {
                break;
            };
            edges.push(number);
            place = edge.to;
            if at(place) == 0 && self.place(place).is_some() {
                break;
            }
        }
        Some(edges)
    }

    /// Of a way: each edge that counts, where it begins and where it ends, sets skipped.
    fn counted(&self, from: u32, edges: &[u32]) -> Vec<(u32, u32, u32)> {
        let mut counted: Vec<(u32, u32, u32)> = Vec::new();
        let mut place = from;
        for number in edges {
            let Some(edge) = self.edges.get(*number as usize) else { break };
            match counted.last_mut() {
                Some(last) if !edge.counts => last.2 = edge.to,
                _ => counted.push((*number, place, edge.to)),
            }
            place = edge.to;
        }
        counted
    }

    /// Edges as steps: what leads out of a set is part of the step that led into it.
    fn steps(&self, from: u32, edges: &[u32]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut edges = edges.iter().filter_map(|edge| self.edges.get(*edge as usize)).peekable();
        let mut place = from;
        while let Some(edge) = edges.next() {
            let (mut to, mut certain) = (edge.to, edge.certain);
            while let Some(next) = edges.next_if(|next| !next.counts) {
                to = next.to;
                certain &= next.certain;
            }
            steps.extend(self.step(place, edge.technique, to, certain));
            place = to;
        }
        steps
    }
}
