//! What a resource is joined to, in both directions.

use std::collections::HashMap;

use model::graph::{Edge, Relation};

/// Relations by the places of their ends.
pub(crate) struct Neighbours {
    relations: Vec<Relation>,
    out: HashMap<String, Vec<usize>>,
    into: HashMap<String, Vec<usize>>,
}

impl Neighbours {
    pub(crate) fn of(relations: Vec<Relation>) -> Self {
        let (mut out, mut into): (HashMap<_, Vec<_>>, HashMap<_, Vec<_>>) = (HashMap::new(), HashMap::new());
        for (place, relation) in relations.iter().enumerate() {
            out.entry(relation.from.clone()).or_default().push(place);
            into.entry(relation.to.clone()).or_default().push(place);
        }
        Self { relations, out, into }
    }

    /// Words for edges with the id at the other end: those that leave first, at most `limit` of each direction, and whether there are
    /// more.
    pub(crate) fn around(&self, id: &str, limit: usize) -> (Vec<(&'static str, &str)>, bool) {
        let (mut found, mut more) = (Vec::new(), false);
        let word: [fn(Edge) -> &'static str; 2] = [Edge::as_str, Edge::reverse];
        for (index, (list, word)) in [&self.out, &self.into].into_iter().zip(word).enumerate() {
            let places = list.get(id).map(Vec::as_slice).unwrap_or_default();
            more |= places.len() > limit;
            let relations = places.iter().take(limit).filter_map(|place| self.relations.get(*place));
            found.extend(relations.map(|relation| {
                let other = if index == 0 { &relation.to } else { &relation.from };
                (word(relation.edge), other.as_str())
            }));
        }
        (found, more)
    }
}
