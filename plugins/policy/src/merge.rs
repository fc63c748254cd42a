//! Applying a configuration to an object, as a MutatingAdmissionPolicy does (`patchType: ApplyConfiguration`).
//!
//! The API server merges by the schema of the kind. No schemas are here: which lists of its own kinds have keys, and which maps
//! are one value, is written down below (from `x-kubernetes-list-map-keys` of its OpenAPI document). All other lists, those of
//! custom resources first of all, count as one value. The API server refuses to change such a value; here it may be set where
//! there is none yet, because then nothing is lost.

use serde_json::{Map, Value};

/// How the items of a list are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Items {
    /// By these members.
    Keyed(&'static [&'static str]),
    /// By themselves.
    Set,
    /// Not at all: the list is one value.
    Atomic,
}

/// API groups of the API server's own kinds.
const OWN_GROUPS: [&str; 14] = [
    "",
    "admissionregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Maps of the API server's own kinds that are one value.
const ATOMIC_MAPS: [&str; 11] = [
    "nodeSelector",
    "selector",
    "labelSelector",
    "namespaceSelector",
    "podSelector",
    "secretKeyRef",
    "configMapKeyRef",
    "fieldRef",
    "resourceFieldRef",
    "roleRef",
    "scopeSelector",
];

/// The object with a configuration applied: what the configuration does not name stays.
///
/// # Errors
/// Something that would be lost, with its place.
pub(crate) fn applied(group: &str, object: &Value, configuration: &Value) -> Result<Value, String> {
    let own = OWN_GROUPS.contains(&group);
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut made = object.clone();
    Merge { own, kind: &kind }.value(&mut made, configuration, "", "")?;
    Ok(made)
}

struct Merge<'k> {
    own: bool,
    kind: &'k str,
}

impl Merge<'_> {
    /// `name` is that of the member whose value it is.
    fn value(&self, live: &mut Value, wanted: &Value, name: &str, path: &str) -> Result<(), String> {
        match (live, wanted) {
            (Value::Object(live), Value::Object(wanted)) => {
                if self.own && ATOMIC_MAPS.contains(&name) {
                    return whole_map(live, wanted, path);
                }
                for (name, value) in wanted {
                    let below = format!("{path}.{name}");
                    match live.get_mut(name) {
                        Some(place) => self.value(place, value, name, &below)?,
                        None => drop(live.insert(name.clone(), value.clone())),
                    }
                }
                Ok(())
            }
            (Value::Array(live), Value::Array(wanted)) if !live.is_empty() => {
                self.list(live, wanted, name, path)
            }
            (live, wanted) => {
                *live = wanted.clone();
                Ok(())
            }
        }
    }

    fn list(&self, live: &mut Vec<Value>, wanted: &[Value], name: &str, path: &str) -> Result<(), String> {
        match self.items(name, path, wanted) {
            Items::Atomic if *live == wanted => Ok(()),
            Items::Atomic => {
                let place = crate::shown(path);
                Err(format!(
                    "{place} is a list that is one value: an ApplyConfiguration may not change it, a JSONPatch may"
                ))
            }
            Items::Set => {
                for item in wanted {
                    if !live.contains(item) {
                        live.push(item.clone());
                    }
                }
                Ok(())
            }
            Items::Keyed(keys) => {
                for item in wanted {
                    let Some(key) = key(item, keys) else {
                        return Err(format!("{}: an item lacks {}", crate::shown(path), keys.join(", ")));
                    };
                    match live.iter_mut().find(|live| self::key(live, keys).as_ref() == Some(&key)) {
                        Some(place) => self.value(place, item, "", &format!("{path}[{key}]"))?,
                        None => live.push(item.clone()),
                    }
                }
                Ok(())
            }
        }
    }

    fn items(&self, name: &str, path: &str, wanted: &[Value]) -> Items {
        match path {
            ".metadata.finalizers" => return Items::Set,
            ".metadata.ownerReferences" => return Items::Keyed(&["uid"]),
            _ if !self.own => return Items::Atomic,
            _ => {}
        }
        match name {
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "env"
            | "volumes"
            | "imagePullSecrets"
            | "resourceClaims"
            | "schedulingGates"
            | "claims"
            | "webhooks"
            | "matchConditions" => Items::Keyed(&["name"]),
            "secrets" if self.kind == "ServiceAccount" => Items::Keyed(&["name"]),
            "volumeMounts" => Items::Keyed(&["mountPath"]),
            "volumeDevices" => Items::Keyed(&["devicePath"]),
            "hostAliases" | "podIPs" | "hostIPs" => Items::Keyed(&["ip"]),
            "conditions" => Items::Keyed(&["type"]),
            "topologySpreadConstraints" => Items::Keyed(&["topologyKey", "whenUnsatisfiable"]),
            "ports" if wanted.iter().all(|port| port.get("containerPort").is_some()) => {
                Items::Keyed(&["containerPort", "protocol"])
            }
            "ports" if self.kind == "Service" => Items::Keyed(&["port", "protocol"]),
            _ => Items::Atomic,
        }
    }
}

fn whole_map(live: &mut Map<String, Value>, wanted: &Map<String, Value>, path: &str) -> Result<(), String> {
    if live.iter().any(|(name, value)| wanted.get(name) != Some(value)) {
        let place = crate::shown(path);
        return Err(format!(
            "{place} is a map that is one value: an ApplyConfiguration may not change it, a JSONPatch may"
        ));
    }
    live.clone_from(wanted);
    Ok(())
}

/// What tells an item apart, as one text. A port's protocol is TCP where it is not said.
fn key(item: &Value, keys: &[&str]) -> Option<String> {
    let part = |key: &&str| match item.get(*key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(value @ Value::Number(_)) => Some(value.to_string()),
        None if *key == "protocol" => Some("TCP".to_owned()),
        _ => None,
    };
    let parts: Option<Vec<String>> = keys.iter().map(part).collect();
    parts.map(|parts| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::applied;

    #[test]
    fn what_a_configuration_does_not_name_stays() {
        let pod = json!({ "kind": "Pod", "metadata": { "labels": { "a": "1" } }, "spec": {
            "containers": [{ "name": "c", "image": "i", "ports": [{ "containerPort": 80 }], "env": [{ "name": "A", "value": "1" }] }],
            "nodeSelector": { "os": "linux" },
        } });
        let configuration = json!({ "metadata": { "labels": { "b": "2" } }, "spec": {
            "containers": [
                { "name": "c", "imagePullPolicy": "Always", "ports": [{ "containerPort": 80, "protocol": "TCP", "name": "web" }], "env": [{ "name": "B", "value": "2" }] },
                { "name": "proxy", "image": "p", "args": ["a"] },
            ],
            "hostNetwork": false,
            "tolerations": [{ "key": "k" }],
        } });
        let expected = json!({ "kind": "Pod", "metadata": { "labels": { "a": "1", "b": "2" } }, "spec": {
            "containers": [
                { "name": "c", "image": "i", "imagePullPolicy": "Always", "ports": [{ "containerPort": 80, "protocol": "TCP", "name": "web" }],
                  "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }] },
                { "name": "proxy", "image": "p", "args": ["a"] },
            ],
            "nodeSelector": { "os": "linux" }, "hostNetwork": false, "tolerations": [{ "key": "k" }],
        } });
        assert_eq!(applied("", &pod, &configuration), Ok(expected.clone()));
        assert_eq!(applied("", &expected, &configuration), Ok(expected), "twice is once");
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        let pod = json!({ "kind": "Pod", "spec": { "tolerations": [{ "key": "k" }], "nodeSelector": { "os": "linux" },
            "containers": [{ "name": "c", "args": ["a"] }] } });
        for (configuration, why) in [
            (json!({ "spec": { "tolerations": [] } }), ".spec.tolerations is a list"),
            (json!({ "spec": { "nodeSelector": { "a": "b" } } }), ".spec.nodeSelector is a map"),
            (
                json!({ "spec": { "containers": [{ "name": "c", "args": ["b"] }] } }),
                ".spec.containers[c].args is a list",
            ),
            (json!({ "spec": { "containers": [{ "image": "i" }] } }), "lacks name"),
        ] {
            let error = applied("", &pod, &configuration).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let custom = json!({ "kind": "Thing", "metadata": { "finalizers": ["a"] }, "spec": { "containers": [{ "name": "c" }] } });
        assert!(
            applied("example.org", &custom, &json!({ "spec": { "containers": [{ "name": "d" }] } })).is_err()
        );
        let finalizer =
            applied("example.org", &custom, &json!({ "metadata": { "finalizers": ["b"] } })).unwrap();
        assert_eq!(finalizer["metadata"]["finalizers"], json!(["a", "b"]));
    }
}
