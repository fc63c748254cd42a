//! The objects that responses are about.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! kinds {
    ($($kind:ident, $group:literal, $version:literal, $plural:literal, $namespaced:literal;)*) => {
        /// A kind of object that responses read or change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "these are Kubernetes' own names")]
        pub enum Kind { $($kind,)* }

        impl Kind {
            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind),)* }
            }

            /// The kind of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($kind) => Some(Self::$kind),)* _ => None }
            }

            /// Its API group; the core group is empty.
            #[must_use]
            pub fn group(self) -> &'static str {
                match self { $(Self::$kind => $group,)* }
            }

            /// The version that is spoken.
            #[must_use]
            pub fn version(self) -> &'static str {
                match self { $(Self::$kind => $version,)* }
            }

            /// Its name in paths.
            #[must_use]
            pub fn plural(self) -> &'static str {
                match self { $(Self::$kind => $plural,)* }
            }

            /// Whether its objects belong to namespaces.
            #[must_use]
            pub fn is_namespaced(self) -> bool {
                match self { $(Self::$kind => $namespaced,)* }
            }
        }
    };
}

kinds! {
    Pod, "", "v1", "pods", true;
    Node, "", "v1", "nodes", false;
    Namespace, "", "v1", "namespaces", false;
    Event, "", "v1", "events", true;
    Secret, "", "v1", "secrets", true;
    ServiceAccount, "", "v1", "serviceaccounts", true;
    Deployment, "apps", "v1", "deployments", true;
    StatefulSet, "apps", "v1", "statefulsets", true;
    ReplicaSet, "apps", "v1", "replicasets", true;
    DaemonSet, "apps", "v1", "daemonsets", true;
    Job, "batch", "v1", "jobs", true;
    CronJob, "batch", "v1", "cronjobs", true;
    NetworkPolicy, "networking.k8s.io", "v1", "networkpolicies", true;
    PodDisruptionBudget, "policy", "v1", "poddisruptionbudgets", true;
    RoleBinding, "rbac.authorization.k8s.io", "v1", "rolebindings", true;
    ClusterRoleBinding, "rbac.authorization.k8s.io", "v1", "clusterrolebindings", false;
}

impl Kind {
    /// Group and version as objects write them.
    #[must_use]
    pub fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }
}

/// One object, by name, and by uid where that is known: another object of the same name is another object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty where its kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: Option<String>,
}

impl ObjectRef {
    /// An object of which the name alone is known.
    #[must_use]
    pub fn named(kind: Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.is_namespaced() { namespace } else { "" };
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned(), uid: None }
    }

    /// The object that was read as this.
    #[must_use]
    pub fn of(kind: Kind, object: &Value) -> Self {
        let uid = Some(word(object, "/metadata/uid").to_owned()).filter(|uid| !uid.is_empty());
        let named = Self::named(kind, word(object, "/metadata/namespace"), word(object, "/metadata/name"));
        Self { uid, ..named }
    }

    /// Whether what was read is this very object.
    #[must_use]
    pub fn is(&self, object: &Value) -> bool {
        self.uid.as_deref().is_none_or(|uid| uid == word(object, "/metadata/uid"))
    }

    /// Path of the object on the API server.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", collection(self.kind, Some(&self.namespace)), self.name)
    }
}

/// `Kind namespace/name`, cut, for people.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.name())?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", shown(&self.namespace))?;
        }
        f.write_str(&shown(&self.name))
    }
}

/// Path of the objects of a kind, in a namespace or in all.
#[must_use]
pub fn collection(kind: Kind, namespace: Option<&str>) -> String {
    let base = match kind.group() {
        "" => format!("/api/{}", kind.version()),
        group => format!("/apis/{group}/{}", kind.version()),
    };
    match namespace.filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => format!("{base}/namespaces/{namespace}/{}", kind.plural()),
        None => format!("{base}/{}", kind.plural()),
    }
}

/// A name that may stand in a path: what Kubernetes allows in names, which holds no slash and nothing to be escaped. RBAC allows `:` too.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    !name.is_empty() && name.len() <= 253 && name.bytes().all(fits) && name != "." && name != ".."
}

/// Sets a member of an object.
pub(crate) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Text at a JSON Pointer; empty where there is none.
pub(crate) fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Text of strangers: without control characters, and not longer than a few lines.
pub(crate) fn shown(text: &str) -> String {
    const MAX: usize = 300;
    let escaped = text.chars().take(MAX).flat_map(|letter| {
        let control = letter.is_control();
        let escaped: Vec<char> = if control { letter.escape_default().collect() } else { vec![letter] };
        escaped
    });
    let mut short: String = escaped.collect();
    if text.chars().nth(MAX).is_some() {
        short.push('…');
    }
    short
}
