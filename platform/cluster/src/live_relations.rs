//! Relations by the object that lays them, and how many lay each: it is there as long as one does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::graph::{Edge, Relation};

use crate::live_work::Work;

/// Edges by the canonical id of the workload that they lead to.
pub(crate) type Selected = BTreeMap<String, BTreeSet<Edge>>;

/// Every relation.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    all: BTreeMap<Relation, u32>,
    images: BTreeMap<String, u32>,
    /// By path of the object: what its names lay.
    named: HashMap<String, BTreeSet<Relation>>,
    /// By path of the object: what its selectors lay.
    selected: HashMap<String, Selected>,
}

impl Relations {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Relation> {
        self.all.keys()
    }

    pub(crate) fn images(&self) -> impl Iterator<Item = &str> {
        self.images.keys().map(String::as_str)
    }

    pub(crate) fn has_image(&self, id: &str) -> bool {
        self.images.contains_key(id)
    }

    /// Canonical ids of what an object's names and selectors join it to.
    pub(crate) fn ends(&self, path: &str) -> impl Iterator<Item = &str> {
        let named = self.named.get(path).into_iter().flatten();
        let named = named.flat_map(|relation| [relation.from.as_str(), relation.to.as_str()]);
        named.chain(self.selected.get(path).into_iter().flat_map(BTreeMap::keys).map(String::as_str))
    }

    /// Whether the selectors of an object join it to this.
    pub(crate) fn selects(&self, path: &str, to: &str) -> bool {
        self.selected.get(path).is_some_and(|selected| selected.contains_key(to))
    }

    /// What the names of an object lay from now on.
    pub(crate) fn set_named(&mut self, path: &str, now: BTreeSet<Relation>, work: &mut Work) {
        let before = self.named.remove(path).unwrap_or_default();
        for relation in now.difference(&before) {
            self.lay(relation.clone(), work);
        }
        for relation in before.difference(&now) {
            self.lift(relation, work);
        }
        if !now.is_empty() {
            self.named.insert(path.to_owned(), now);
        }
    }

    /// What the selectors of an object of this id lay from now on.
    pub(crate) fn set_selected(&mut self, path: &str, id: &str, now: Selected, work: &mut Work) {
        let before = self.selected.remove(path).unwrap_or_default();
        let ends: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        for to in ends {
            self.shift(id, to, before.get(to), now.get(to), work);
        }
        if !now.is_empty() {
            self.selected.insert(path.to_owned(), now);
        }
    }

    /// The same towards one workload.
    pub(crate) fn set_selected_to(
        &mut self,
        (path, id): (&str, &str),
        to: &str,
        now: BTreeSet<Edge>,
        work: &mut Work,
    ) {
        let known = self.selected.get(path).and_then(|selected| selected.get(to));
        if known.map_or(now.is_empty(), |known| *known == now) {
            return;
        }
        let selected = self.selected.entry(path.to_owned()).or_default();
        let before = selected.remove(to);
        if !now.is_empty() {
            selected.insert(to.to_owned(), now.clone());
        }
        if selected.is_empty() {
            self.selected.remove(path);
        }
        self.shift(id, to, before.as_ref(), Some(&now), work);
    }

    fn shift(
        &mut self,
        from: &str,
        to: &str,
        before: Option<&BTreeSet<Edge>>,
        now: Option<&BTreeSet<Edge>>,
        work: &mut Work,
    ) {
        let none = BTreeSet::new();
        let (before, now) = (before.unwrap_or(&none), now.unwrap_or(&none));
        let relation = |edge: &Edge| Relation { from: from.to_owned(), edge: *edge, to: to.to_owned() };
        for edge in now.difference(before) {
            self.lay(relation(edge), work);
        }
        for edge in before.difference(now) {
            self.lift(&relation(edge), work);
        }
    }

    fn lay(&mut self, relation: Relation, work: &mut Work) {
        if relation.to.starts_with("image:") {
            let count = self.images.entry(relation.to.clone()).or_default();
            work.image(&relation.to, *count > 0);
            *count += 1;
        }
        match self.all.get_mut(&relation) {
            Some(count) => *count += 1,
            None => {
                work.added(&relation);
                self.all.insert(relation, 1);
            }
        }
    }

    fn lift(&mut self, relation: &Relation, work: &mut Work) {
        if let Some(count) = self.images.get_mut(&relation.to) {
            work.image(&relation.to, true);
            *count -= 1;
            if *count == 0 {
                self.images.remove(&relation.to);
            }
        }
        if let Some(count) = self.all.get_mut(relation) {
            *count -= 1;
            if *count == 0 {
                self.all.remove(relation);
                work.removed(relation);
            }
        }
    }
}
