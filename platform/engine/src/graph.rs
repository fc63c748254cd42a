//! The asset graph in memory: which assets there are, and how they are joined. Serves the questions that plugins ask.

use std::collections::{BTreeSet, HashMap};

use host::services::{Caller, RelatedAsset};
use host::{Refusal, Services};
use model::graph::{AssetNode, Edge, Relation};

/// Index of a node.
type Place = u32;

/// Nodes and typed edges. Built once for a state of a scope, then only read.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<AssetNode>,
    places: HashMap<String, Place>,
    /// Edges that leave a node, sorted.
    out: Vec<Vec<(Edge, Place)>>,
    /// Edges that arrive at a node, sorted.
    into: Vec<Vec<(Edge, Place)>>,
    /// Kinds of which there may be assets that are not here.
    missing: BTreeSet<String>,
}

impl Graph {
    /// A graph of these nodes. A relation one of whose ends is no node is left out. Of the kinds
    /// `missing` there may be more than these nodes: questions about what is not here go unanswered instead of being denied.
    #[must_use]
    pub fn new(nodes: Vec<AssetNode>, relations: &[Relation], missing: BTreeSet<String>) -> Self {
        let places: HashMap<String, Place> =
            nodes.iter().zip(0..).map(|(node, place)| (node.id.clone(), place)).collect();
        let mut out = vec![Vec::new(); nodes.len()];
        let mut into = vec![Vec::new(); nodes.len()];
        let join = |list: &mut Vec<Vec<(Edge, Place)>>, at: Place, edge, other| {
            if let Some(edges) = usize::try_from(at).ok().and_then(|at| list.get_mut(at)) {
                edges.push((edge, other));
            }
        };
        for relation in relations {
            let (Some(&from), Some(&to)) = (places.get(&relation.from), places.get(&relation.to)) else {
                continue;
            };
            join(&mut out, from, relation.edge, to);
            join(&mut into, to, relation.edge, from);
        }
        for edges in out.iter_mut().chain(&mut into) {
            edges.sort_unstable();
        }
        Self { nodes, places, out, into, missing }
    }

    /// How many assets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every asset.
    pub fn nodes(&self) -> impl Iterator<Item = &AssetNode> {
        self.nodes.iter()
    }

    /// An asset.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&AssetNode> {
        self.nodes.get(self.place(id)?)
    }

    /// Assets that an edge leads to from this one, or, read backwards, from which it leads here; in the order of the nodes.
    pub fn joined(&self, id: &str, edge: Edge, backwards: bool) -> impl Iterator<Item = &AssetNode> {
        let list = if backwards { &self.into } else { &self.out };
        let edges = self.place(id).and_then(|place| list.get(place)).map(Vec::as_slice).unwrap_or_default();
        let start = edges.partition_point(|(found, _)| *found < edge);
        let of_edge =
            edges.get(start..).unwrap_or_default().iter().take_while(move |(found, _)| *found == edge);
        of_edge.filter_map(|(_, place)| self.nodes.get(usize::try_from(*place).ok()?))
    }

    fn place(&self, id: &str) -> Option<usize> {
        usize::try_from(*self.places.get(id)?).ok()
    }

    /// Why an asset is not here: there is none, or nobody knows.
    fn absent(&self, id: &str) -> Refusal {
        match kind_of(id) {
            Some(kind) if self.missing.contains(&kind) => unknown(&kind),
            _ => Refusal::NotFound,
        }
    }
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
}
