//! Objects of a Kubernetes cluster. Edges join what is there, no Secret keeps a value, and what was kept is read again as the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::must::must;

pub(crate) fn run(data: &[u8]) {
    let Ok(snapshot) = ::cluster::read_bytes(data, "fuzz.json", "fuzz") else { return };
    let (nodes, relations) = snapshot.graph();
    let ids: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    for relation in &relations {
        assert!(ids.contains(relation.from.as_str()) && ids.contains(relation.to.as_str()), "{relation:?}");
    }
    for node in &nodes {
        let attributes: Value = must(serde_json::from_str(&node.attributes), "attributes of a node");
        assert_eq!(attributes.get("id").and_then(Value::as_str), Some(node.id.as_str()));
    }
    // The queries take whatever the reader took, and come back.
    let exposure = ::cluster::Exposure::of(&snapshot);
    let attack = ::cluster::Attack::of(&snapshot);
    let limits = ::cluster::Limits::default();
    let exposed = attack.paths(::cluster::Sources::Exposed(&exposure), &limits);
    assert!(exposed.sources <= attack.paths(::cluster::Sources::All, &limits).sources);
    let kept: Vec<&::cluster::Object> = snapshot.objects().filter(|object| !object.body.is_empty()).collect();
    let mut bodies = Vec::new();
    for object in &kept {
        let body: Value = must(serde_json::from_slice(&object.body), "the body of an object");
        if object.kind.to_string() == "Secret" {
            let values = ["data", "stringData"].into_iter().filter_map(|key| body.get(key)?.as_object());
            assert!(values.flat_map(|map| map.values()).all(|value| value == ""), "a Secret kept a value");
        }
        bodies.push(body);
    }
    if !bodies.is_empty() {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": bodies }).to_string();
        let again =
            must(::cluster::read_bytes(list.as_bytes(), "again.json", "fuzz"), "objects that were read");
        let paths = |objects: Vec<&::cluster::Object>| -> BTreeSet<String> {
            objects.into_iter().map(::cluster::Object::path).collect()
        };
        assert_eq!(paths(again.objects().collect()), paths(kept));
    }
}
