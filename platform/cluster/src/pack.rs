//! A snapshot as bytes, so that questions can be asked of it later and elsewhere. Not a format to exchange: another version of this
//! program may refuse it, and then the cluster is read again.
//!
//! One line of JSON with what belongs to the whole, then one line for each object.

use std::collections::{BTreeMap, BTreeSet};

use model::Gap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ClusterError;
use crate::id::GroupKind;
use crate::links::Link;
use crate::object::Object;
use crate::snapshot::Snapshot;

/// Version of the form. Changes whenever a field does.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    palisade_snapshot: u32,
    cluster: String,
    listed: BTreeSet<GroupKind>,
    gaps: BTreeSet<Gap>,
}

#[derive(Serialize, Deserialize)]
struct Packed {
    api_version: String,
    kind: GroupKind,
    namespace: Option<String>,
    name: String,
    labels: BTreeMap<String, String>,
    controller: Option<(GroupKind, String)>,
    body: String,
    uid: String,
    pod_labels: Option<BTreeMap<String, String>>,
    links: Vec<Link>,
    about: String,
    facts: Map<String, Value>,
}

impl Snapshot {
    /// The snapshot as bytes, the same for the same snapshot.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let head = Head {
            palisade_snapshot: VERSION,
            cluster: self.cluster.clone(),
            listed: self.listed.clone(),
            gaps: self.gaps.clone(),
        };
        let mut out = Vec::new();
        line(&mut out, &head);
        for object in self.objects() {
            line(&mut out, &packed(object));
        }
        out
    }

    /// Reads [`Snapshot::pack`].
    ///
    /// # Errors
    /// [`ClusterError::Packed`] for anything else, and for what another version wrote.
    pub fn unpack(bytes: &[u8]) -> Result<Self, ClusterError> {
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let head: Head = serde_json::from_slice(lines.next().unwrap_or_default()).map_err(odd)?;
        if head.palisade_snapshot != VERSION {
            return Err(ClusterError::Packed(format!("its version is {}", head.palisade_snapshot)));
        }
        let mut objects = BTreeMap::new();
        for line in lines {
            let object = unpacked(serde_json::from_slice(line).map_err(odd)?);
            objects.insert(object.path(), object);
        }
        Ok(Self { cluster: head.cluster, objects, listed: head.listed, gaps: head.gaps })
    }
}

/// Writing to memory does not fail, and none of these types has keys that JSON cannot hold.
fn line<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    out.extend(serde_json::to_vec(value).unwrap_or_default());
    out.push(b'\n');
}

fn odd(error: serde_json::Error) -> ClusterError {
    ClusterError::Packed(error.to_string())
}

fn packed(object: &Object) -> Packed {
    Packed {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
        labels: object.labels.clone(),
        controller: object.controller.clone(),
        // Bodies are JSON that this crate wrote.
        body: String::from_utf8_lossy(&object.body).into_owned(),
        uid: object.uid.clone(),
        pod_labels: object.pod_labels.clone(),
        links: object.links.clone(),
        about: object.about.clone(),
        facts: object.facts.clone(),
    }
}

fn unpacked(packed: Packed) -> Object {
    Object {
        api_version: packed.api_version,
        kind: packed.kind,
        namespace: packed.namespace,
        name: packed.name,
        labels: packed.labels,
        controller: packed.controller,
        body: packed.body.into_bytes().into(),
        uid: packed.uid,
        pod_labels: packed.pod_labels,
        links: packed.links,
        about: packed.about,
        facts: packed.facts,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fixture::{binding, object, role, shared, snapshot};
    use crate::snapshot::Snapshot;

    fn small() -> Snapshot {
        let pod = json!({ "containers": [{ "name": "c", "image": "a:1" }], "serviceAccountName": "s" });
        let owner =
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true });
        let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": pod });
        snapshot([
            object("apps/v1", "Deployment", "n/web", json!({ "spec": { "template": template } })),
            object(
                "v1",
                "Pod",
                "n/web-1",
                json!({ "spec": pod, "metadata": { "ownerReferences": [owner] } }),
            ),
            object("v1", "Service", "n/web", json!({ "spec": { "selector": { "app": "web" } } })),
            object("v1", "Namespace", "n", json!({})),
            role("everything", json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }])),
            binding(
                "all",
                "ClusterRole:everything",
                json!([{ "kind": "ServiceAccount", "name": "s", "namespace": "n" }]),
            ),
        ])
    }

    #[test]
    fn a_snapshot_comes_back_as_it_was() {
        for snapshot in std::iter::once(small()).chain(shared()) {
            let bytes = snapshot.pack();
            let back = Snapshot::unpack(&bytes).unwrap();
            assert_eq!(back, snapshot);
            assert_eq!(back.pack(), bytes);
            assert_eq!(back.graph(), snapshot.graph());
        }
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        let other = br#"{"palisade_snapshot":0,"cluster":"","listed":[],"gaps":[]}"#;
        for bytes in [&b""[..], b"{}", b"nonsense", other, b"\xff"] {
            assert_eq!(Snapshot::unpack(bytes).unwrap_err().code(), "cluster-snapshot-unreadable");
        }
    }
}
