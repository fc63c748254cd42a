//! What took part in an incident and how it is joined, made of its detections: what each is about, and paths that plugins put into evidence.

use std::collections::BTreeMap;

use model::Severity;
use serde_json::Value;

use crate::dto::{Detection, IncidentEdge, IncidentGraph, IncidentNode};

/// Most things of a graph: what a picture can show.
const NODES_MAX: usize = 200;
/// Longest label, in characters.
const LABEL_MAX: usize = 120;

#[derive(Default)]
struct Drawing {
    nodes: BTreeMap<String, IncidentNode>,
    edges: BTreeMap<(String, String, String), String>,
    cut: bool,
}

/// The graph of these detections. The same detections in any order give the same graph, unless there is more than fits.
pub(crate) fn of(detections: &[Detection]) -> IncidentGraph {
    let mut drawing = Drawing::default();
    let mut all: Vec<&Detection> = detections.iter().collect();
    all.sort_by(|a, b| (a.first, &a.id).cmp(&(b.first, &b.id)));
    for detection in all {
        drawing.about(detection);
        drawing.path(detection);
    }
    let edges = drawing.edges.into_iter();
    IncidentGraph {
        nodes: drawing.nodes.into_values().collect(),
        edges: edges.map(|((from, to, edge), why)| IncidentEdge { from, to, edge, why }).collect(),
        cut: drawing.cut,
    }
}

impl Drawing {
    fn node(&mut self, kind: &str, name: &str, severity: Severity) -> Option<String> {
        if name.is_empty() {
            return None;
        }
        let id = format!("{kind}:{name}");
        if let Some(known) = self.nodes.get_mut(&id) {
            known.severity = known.severity.max(severity);
            return Some(id);
        }
        if self.nodes.len() >= NODES_MAX {
            self.cut = true;
            return None;
        }
        let label: String = name.chars().take(LABEL_MAX).collect();
        self.nodes
            .insert(id.clone(), IncidentNode { id: id.clone(), kind: kind.to_owned(), label, severity });
        Some(id)
    }

    fn edge(&mut self, from: Option<&String>, to: Option<&String>, edge: &str, why: &str) {
        if let (Some(from), Some(to)) = (from, to)
            && from != to
        {
            let why: String = why.chars().take(300).collect();
            self.edges.entry((from.clone(), to.clone(), edge.to_owned())).or_insert(why);
        }
    }

    /// What a detection is about, from whoever acted to the machine.
    fn about(&mut self, detection: &Detection) {
        let subject = &detection.subject;
        let text = |path: &str| subject.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let (severity, why) = (detection.severity, detection.title.as_str());
        let namespace = text("/pod/namespace");
        let within = |name: &str| if name.is_empty() { String::new() } else { format!("{namespace}/{name}") };
        let kind = text("/pod/workload/kind");
        let workload = match text("/pod/workload/name") {
            "" => String::new(),
            name => format!("{namespace}/{kind}/{name}"),
        };
        let workload = self.node("workload", &workload, severity);
        let pod = self.node("pod", &within(text("/pod/name")), severity);
        let short: String = text("/container/id").chars().take(12).collect();
        let container = self.node("container", &short, severity);
        let node = self.node("node", text("/node"), severity);
        let image = [text("/container/digest"), text("/container/image")];
        let image = image.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let image = self.node("image", image, severity);
        let principal = self.node("principal", text("/actor/name"), severity);
        let address = self.node("address", text("/network/destinationIp"), severity);
        let caller = self.node("address", text("/actor/sourceIps/0"), severity);
        self.edge(workload.as_ref(), pod.as_ref(), "runs", "The event names the pod's owner.");
        self.edge(pod.as_ref(), container.as_ref(), "runs", "The event names the pod of the container.");
        self.edge(container.as_ref().or(pod.as_ref()), image.as_ref(), "uses", "The event names the image.");
        self.edge(pod.as_ref().or(container.as_ref()), node.as_ref(), "on", "The event names the machine.");
        self.edge(container.as_ref().or(pod.as_ref()), address.as_ref(), "connects", why);
        self.edge(caller.as_ref(), principal.as_ref(), "from", "The event names where the caller came from.");
        let touched = pod.as_ref().or(workload.as_ref());
        let touched = touched.cloned().or_else(|| self.resource(subject, detection));
        self.edge(principal.as_ref(), touched.as_ref(), "acts", why);
    }

    /// What an API call was about, where that is no pod.
    fn resource(&mut self, subject: &Value, detection: &Detection) -> Option<String> {
        let text = |path: &str| subject.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let named: Vec<&str> = [text("/api/namespace"), text("/api/resource"), text("/api/name")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        if !named.is_empty() {
            return self.node("resource", &named.join("/"), detection.severity);
        }
        let arn = text("/cloud/resources/0");
        let asset = if arn.is_empty() { detection.asset.as_str() } else { arn };
        self.node("asset", asset, detection.severity)
    }

    /// A path that a plugin has found: `evidence.path`, a list of `{from, to, edge, why}`.
    fn path(&mut self, detection: &Detection) {
        let steps = detection.evidence.get("path").and_then(Value::as_array);
        for step in steps.into_iter().flatten().take(NODES_MAX) {
            let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
            let from = self.named(text("from"), detection.severity);
            let to = self.named(text("to"), detection.severity);
            self.edge(from.as_ref(), to.as_ref(), text("edge"), text("why"));
        }
    }

    /// A thing by the name that a plugin gave it: `kind:name`, or the id of an asset.
    fn named(&mut self, name: &str, severity: Severity) -> Option<String> {
        const KINDS: [&str; 8] =
            ["workload", "pod", "container", "node", "image", "principal", "address", "resource"];
        match name.split_once(':') {
            Some((kind, rest)) if KINDS.contains(&kind) => self.node(kind, rest, severity),
            _ => self.node("asset", name, severity),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use model::Severity;
    use serde_json::{Value, json};

    use super::{NODES_MAX, of};
    use crate::dto::{Detection, IncidentGraph};

    /// Ids that something leads to and nobody is.
    fn loose(graph: &IncidentGraph) -> BTreeSet<&str> {
        let nodes: BTreeSet<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
        let ends = graph.edges.iter().flat_map(|edge| [edge.from.as_str(), edge.to.as_str()]);
        ends.filter(|end| !nodes.contains(end)).collect()
    }

    fn detection(number: usize, subject: Value, evidence: Value) -> Detection {
        Detection {
            id: number.to_string(),
            rule: "r".into(),
            plugin: "sensor".into(),
            title: "t".into(),
            severity: Severity::High,
            asset: "a".into(),
            key: "k".into(),
            first: Timestamp::UNIX_EPOCH,
            last: Timestamp::UNIX_EPOCH,
            found_at: Timestamp::UNIX_EPOCH,
            late: false,
            techniques: Vec::new(),
            evidence,
            subject,
            suppressed_by: None,
        }
    }

    #[test]
    fn who_acted_what_it_touched_and_where_that_runs_are_joined() {
        let shell = json!({
            "node": "n1", "container": { "id": "0123456789abcdef", "image": "web:1" },
            "pod": { "namespace": "shop", "name": "web-1", "workload": { "kind": "Deployment", "name": "web" } },
        });
        let call = json!({
            "actor": { "name": "system:serviceaccount:shop:web", "sourceIps": ["10.0.0.7"] },
            "api": { "resource": "secrets", "namespace": "shop", "name": "db" },
        });
        let path = json!({ "path": [{ "from": "workload:shop/Deployment/web", "to": "principal:system:serviceaccount:shop:web",
            "edge": "runs-as", "why": "the pod says so" }] });
        let all = [detection(1, shell, json!({})), detection(2, call, path)];
        let graph = of(&all);
        let edges: Vec<String> =
            graph.edges.iter().map(|edge| format!("{} {} {}", edge.from, edge.edge, edge.to)).collect();
        for wanted in [
            "workload:shop/Deployment/web runs pod:shop/web-1",
            "pod:shop/web-1 runs container:0123456789ab",
            "workload:shop/Deployment/web runs-as principal:system:serviceaccount:shop:web",
            "principal:system:serviceaccount:shop:web acts resource:shop/secrets/db",
            "address:10.0.0.7 from principal:system:serviceaccount:shop:web",
        ] {
            assert!(edges.iter().any(|edge| edge == wanted), "{wanted}: {edges:#?}");
        }
        assert!(loose(&graph).is_empty());
        assert_eq!(of(&[all[1].clone(), all[0].clone()]), graph);
    }

    #[test]
    fn a_flood_is_cut() {
        let all: Vec<Detection> = (0..300)
            .map(|n| detection(n, json!({ "actor": { "name": format!("u{n}") } }), json!({})))
            .collect();
        let graph = of(&all);
        assert!(graph.cut && graph.nodes.len() == NODES_MAX && loose(&graph).is_empty());
    }
}
