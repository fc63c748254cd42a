//! The asset graph in memory: which assets there are, and how they are joined. Serves the questions that plugins ask.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use host::services::{Caller, RelatedAsset};
use host::{Refusal, Services};
use model::graph::{AssetNode, Edge, Relation};

/// Where a node stands.
type Place = u32;

/// Nodes and typed edges. Serves questions, and can be changed node by node and relation by relation.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    slots: Vec<Slot>,
    places: HashMap<Arc<str>, Place>,
    /// Slots of nobody.
    free: Vec<Place>,
    /// Kinds of which there may be assets that are not here.
    missing: BTreeSet<String>,
}

/// An id with its node and edges. While an edge leads to an id that is no node, its slot stays empty.
#[derive(Debug, Clone)]
struct Slot {
    id: Arc<str>,
    node: Option<AssetNode>,
    /// Edges that leave it, by the id that they lead to.
    out: Vec<(Edge, Place)>,
    /// Edges that arrive, by the id that they come from.
    into: Vec<(Edge, Place)>,
}

impl Graph {
    /// A graph of these nodes. A relation one of whose ends is no node leads nowhere. Of the kinds
    /// `missing` there may be more than these nodes: questions about what is not here go unanswered instead of being denied.
    #[must_use]
    pub fn new(nodes: Vec<AssetNode>, relations: &[Relation], missing: BTreeSet<String>) -> Self {
        let mut graph = Self { missing, ..Self::default() };
        graph.slots.reserve(nodes.len());
        graph.places.reserve(nodes.len());
        for node in nodes {
            graph.put(node);
        }
        for relation in relations {
            let (from, to) = (graph.entered(&relation.from), graph.entered(&relation.to));
            if let Some(slot) = graph.slot_mut(from) {
                slot.out.push((relation.edge, to));
            }
            if let Some(slot) = graph.slot_mut(to) {
                slot.into.push((relation.edge, from));
            }
        }
        let ids: Vec<Arc<str>> = graph.slots.iter().map(|slot| Arc::clone(&slot.id)).collect();
        let key = |(edge, place): &(Edge, Place)| (*edge, ids.get(index(*place)));
        for slot in &mut graph.slots {
            for edges in [&mut slot.out, &mut slot.into] {
                edges.sort_by(|one, other| key(one).cmp(&key(other)));
                edges.dedup();
            }
        }
        graph
    }

    /// How many assets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes().next().is_none()
    }

    /// Every asset.
    pub fn nodes(&self) -> impl Iterator<Item = &AssetNode> {
        self.slots.iter().filter_map(|slot| slot.node.as_ref())
    }

    /// An asset.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&AssetNode> {
        self.slot(*self.places.get(id)?)?.node.as_ref()
    }

    /// Kinds of which there may be assets that are not here.
    #[must_use]
    pub fn missing(&self) -> &BTreeSet<String> {
        &self.missing
    }

    /// Of other kinds there may be more than these nodes.
    pub(crate) fn misses(&mut self, missing: BTreeSet<String>) {
        self.missing = missing;
    }

    /// Assets that an edge leads to from this one, or, read backwards, from which it leads here; by id.
    pub fn joined(&self, id: &str, edge: Edge, backwards: bool) -> impl Iterator<Item = &AssetNode> {
        let slot = self.places.get(id).and_then(|place| self.slot(*place));
        let edges = slot.map(|slot| if backwards { &slot.into } else { &slot.out });
        let edges = edges.map(Vec::as_slice).unwrap_or_default();
        let start = edges.partition_point(|(found, _)| *found < edge);
        let of_edge =
            edges.get(start..).unwrap_or_default().iter().take_while(move |(found, _)| *found == edge);
        of_edge.filter_map(|(_, place)| self.slot(*place)?.node.as_ref())
    }

    /// Puts a node in the place of the one of its id, which is given back.
    pub fn put(&mut self, node: AssetNode) -> Option<AssetNode> {
        let place = self.entered(&node.id);
        self.slot_mut(place)?.node.replace(node)
    }

    /// Takes a node away.
    pub fn take(&mut self, id: &str) -> Option<AssetNode> {
        let place = *self.places.get(id)?;
        let node = self.slot_mut(place)?.node.take();
        self.leave(place);
        node
    }

    /// Joins two assets.
    pub fn join(&mut self, relation: &Relation) {
        let (from, to) = (self.entered(&relation.from), self.entered(&relation.to));
        for (at, other, backwards) in [(from, to, false), (to, from, true)] {
            if let (Err(position), Some(slot)) =
                (self.position(at, relation.edge, other, backwards), self.slot_mut(at))
            {
                let edges = if backwards { &mut slot.into } else { &mut slot.out };
                edges.insert(position, (relation.edge, other));
            }
        }
    }

    /// Parts two assets again.
    pub fn part(&mut self, relation: &Relation) {
        let place = |id: &str| self.places.get(id).copied();
        let (Some(from), Some(to)) = (place(&relation.from), place(&relation.to)) else { return };
        for (at, other, backwards) in [(from, to, false), (to, from, true)] {
            if let (Ok(position), Some(slot)) =
                (self.position(at, relation.edge, other, backwards), self.slot_mut(at))
            {
                let edges = if backwards { &mut slot.into } else { &mut slot.out };
                edges.remove(position);
            }
        }
        self.leave(from);
        self.leave(to);
    }

    /// Where an edge stands among those of a place, or where it belongs.
    fn position(&self, at: Place, edge: Edge, other: Place, backwards: bool) -> Result<usize, usize> {
        let id = |place: Place| self.slot(place).map(|slot| &slot.id);
        let edges = self.slot(at).map(|slot| if backwards { &slot.into } else { &slot.out });
        let edges = edges.map(Vec::as_slice).unwrap_or_default();
        let wanted = id(other);
        edges.binary_search_by(|(found, place)| found.cmp(&edge).then_with(|| id(*place).cmp(&wanted)))
    }

    /// The place of an id, which is made if there is none.
    fn entered(&mut self, id: &str) -> Place {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let id: Arc<str> = Arc::from(id);
        let slot = Slot { id: Arc::clone(&id), node: None, out: Vec::new(), into: Vec::new() };
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(free) = self.slot_mut(place) {
                    *free = slot;
                }
                place
            }
            None => {
                let place = Place::try_from(self.slots.len()).unwrap_or(Place::MAX);
                self.slots.push(slot);
                place
            }
        };
        self.places.insert(id, place);
        place
    }

    /// Forgets an id that has neither a node nor edges.
    fn leave(&mut self, place: Place) {
        let Some(slot) = self.slot(place) else { return };
        if slot.node.is_none() && slot.out.is_empty() && slot.into.is_empty() {
            let id = Arc::clone(&slot.id);
            if self.places.remove(&id).is_some() {
                self.free.push(place);
            }
        }
    }

    fn slot(&self, place: Place) -> Option<&Slot> {
        self.slots.get(index(place))
    }

    fn slot_mut(&mut self, place: Place) -> Option<&mut Slot> {
        self.slots.get_mut(index(place))
    }

    /// Why an asset is not here: there is none, or nobody knows.
    fn absent(&self, id: &str) -> Refusal {
        match kind_of(id) {
            Some(kind) if self.missing.contains(&kind) => unknown(&kind),
            _ => Refusal::NotFound,
        }
    }
}

fn index(place: Place) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Kind of an asset by its id alone. Only ids of Kubernetes objects tell.
fn kind_of(id: &str) -> Option<String> {
    let mut parts = id.strip_prefix("k8s:")?.splitn(4, '/').skip(1);
    let (group, kind) = (parts.next()?, parts.next()?);
    Some(if group == "core" { kind.to_owned() } else { format!("{kind}.{group}") })
}

fn unknown(kind: &str) -> Refusal {
    Refusal::Unavailable(format!("objects of kind {kind} were not collected, so nothing is known of them"))
}

impl Services for Graph {
    fn asset_kind(&self, _: &Caller, asset: &str) -> Result<String, Refusal> {
        self.node(asset).map(|node| node.kind.clone()).ok_or_else(|| self.absent(asset))
    }

    fn describe(&self, _: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        self.node(asset).map(|node| node.attributes.clone().into_bytes()).ok_or_else(|| self.absent(asset))
    }

    /// `edge` is an edge in either direction, with `:KIND` behind it for assets of that kind alone.
    fn related(
        &self,
        _: &Caller,
        asset: &str,
        edge: &str,
        limit: usize,
    ) -> Result<Vec<RelatedAsset>, Refusal> {
        let (word, kind) = edge.split_once(':').map_or((edge, None), |(word, kind)| (word, Some(kind)));
        let Some((edge, backwards)) = Edge::from_word(word) else {
            return Err(Refusal::Invalid(format!("there is no edge {word:?}")));
        };
        if self.node(asset).is_none() {
            return Err(self.absent(asset));
        }
        if let Some(kind) = kind.filter(|kind| self.missing.contains(*kind)) {
            return Err(unknown(kind));
        }
        let found = self.joined(asset, edge, backwards);
        let wanted = found.filter(|node| kind.is_none_or(|kind| node.kind == kind)).take(limit);
        Ok(wanted.map(|node| RelatedAsset { id: node.id.clone(), kind: node.kind.clone() }).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use model::{Digest, TenantId};

    use super::*;

    fn graph() -> Graph {
        let node = |id: &str, kind: &str| AssetNode {
            id: format!("k8s:u/{id}"),
            kind: kind.to_owned(),
            attributes: format!("{{\"id\":{id:?}}}"),
        };
        let nodes = vec![
            node("core/Namespace/-/n", "Namespace"),
            node("apps/Deployment/n/a", "Deployment.apps"),
            node("apps/Deployment/n/b", "Deployment.apps"),
            node("core/Secret/n/s", "Secret"),
        ];
        let relation = |from: &str, edge, to: &str| Relation {
            from: format!("k8s:u/{from}"),
            edge,
            to: format!("k8s:u/{to}"),
        };
        let relations = [
            relation("core/Namespace/-/n", Edge::Contains, "apps/Deployment/n/b"),
            relation("core/Namespace/-/n", Edge::Contains, "apps/Deployment/n/a"),
            relation("core/Namespace/-/n", Edge::Contains, "core/Secret/n/s"),
            relation("apps/Deployment/n/a", Edge::Uses, "core/Secret/n/s"),
            relation("apps/Deployment/n/a", Edge::Uses, "core/Secret/n/gone"),
        ];
        let missing = ["Pod", "NetworkPolicy.networking.k8s.io"].map(str::to_owned).into();
        Graph::new(nodes, &relations, missing)
    }

    fn caller() -> Caller {
        Caller {
            tenant: TenantId::default_tenant(),
            plugin: "a.b".to_owned(),
            digest: Digest::from_sha256([0; 32]),
            deadline: Instant::now(),
        }
    }

    fn related(asset: &str, edge: &str, limit: usize) -> Result<Vec<String>, Refusal> {
        let found = graph().related(&caller(), &format!("k8s:u/{asset}"), edge, limit)?;
        Ok(found.into_iter().map(|asset| asset.id).collect())
    }

    #[test]
    fn edges_are_followed_both_ways_and_by_kind() {
        let all = ["k8s:u/apps/Deployment/n/a", "k8s:u/apps/Deployment/n/b", "k8s:u/core/Secret/n/s"];
        assert_eq!(related("core/Namespace/-/n", "contains", 9).unwrap(), all);
        assert_eq!(related("core/Namespace/-/n", "contains", 1).unwrap(), all[..1]);
        assert_eq!(related("core/Namespace/-/n", "contains:Secret", 9).unwrap(), all[2..]);
        assert_eq!(related("core/Secret/n/s", "used-by", 9).unwrap(), all[..1]);
        assert_eq!(related("core/Secret/n/s", "uses", 9).unwrap(), [""; 0]);
    }

    #[test]
    fn what_was_not_collected_is_unknown_and_not_absent() {
        assert_eq!(related("core/Secret/n/gone", "used-by", 9), Err(Refusal::NotFound));
        let unknown = |answer: Result<Vec<String>, Refusal>| matches!(answer, Err(Refusal::Unavailable(_)));
        assert!(unknown(related("core/Pod/n/p", "uses", 9)));
        assert!(unknown(related("core/Namespace/-/n", "contains:NetworkPolicy.networking.k8s.io", 9)));
        assert!(matches!(related("core/Namespace/-/n", "loves", 9), Err(Refusal::Invalid(_))));
        let described = graph().describe(&caller(), "k8s:u/core/Pod/n/p");
        assert!(matches!(described, Err(Refusal::Unavailable(_))));
        assert_eq!(graph().asset_kind(&caller(), "nonsense"), Err(Refusal::NotFound));
    }

    #[test]
    fn a_graph_that_was_changed_is_the_one_that_is_made_of_what_is_there() {
        let id = |number: usize| format!("k8s:u/core/ConfigMap/n/{number}");
        let node = |number: usize| AssetNode {
            id: id(number),
            kind: "ConfigMap".to_owned(),
            attributes: String::new(),
        };
        let relation = |(from, edge, to): (usize, usize, usize)| Relation {
            from: id(from),
            edge: Edge::ALL[edge],
            to: id(to),
        };
        proptest::proptest!(|(steps in proptest::collection::vec((0..4_u8, 0..6_usize, 0..3_usize, 0..6_usize), 1..60))| {
            let mut graph = Graph::default();
            let (mut nodes, mut relations) = (BTreeSet::new(), BTreeSet::new());
            for (what, one, edge, other) in steps {
                match what {
                    0 => { nodes.insert(one); graph.put(node(one)); }
                    1 => { nodes.remove(&one); graph.take(&id(one)); }
                    2 => { relations.insert((one, edge, other)); graph.join(&relation((one, edge, other))); }
                    _ => { relations.remove(&(one, edge, other)); graph.part(&relation((one, edge, other))); }
                }
            }
            let all: Vec<Relation> = relations.iter().copied().map(relation).collect();
            let anew = Graph::new(nodes.iter().copied().map(node).collect(), &all, BTreeSet::new());
            proptest::prop_assert_eq!(graph.len(), anew.len());
            for (number, edge, backwards) in (0..6).flat_map(|number| Edge::ALL.map(|edge| (number, edge)))
                .flat_map(|(number, edge)| [(number, edge, true), (number, edge, false)]) {
                let of = |graph: &Graph| -> Vec<String> { graph.joined(&id(number), edge, backwards).map(|node| node.id.clone()).collect() };
                proptest::prop_assert_eq!(of(&graph), of(&anew));
                proptest::prop_assert_eq!(graph.node(&id(number)), anew.node(&id(number)));
            }
            let used: BTreeSet<usize> = relations.iter().flat_map(|(one, _, other)| [*one, *other]).chain(nodes).collect();
            proptest::prop_assert_eq!(graph.places.len(), used.len());
        });
    }
}
