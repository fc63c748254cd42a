//! What a policy judges: the request of an AdmissionReview, or one made of an object that is there.

use std::cell::OnceCell;

use palisade_sdk::{AdmissionRequest, Error, HostError, Resource, Unreadable, assets};
use serde_json::{Map, Value, json};

/// One thing to judge.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The request, without the namespace.
    pub(crate) request: Value,
    /// The namespace's object, or why nothing is known of it.
    namespace: Namespace,
    review: OnceCell<Result<regorus::Value, String>>,
}

#[derive(Debug, Clone)]
enum Namespace {
    /// The object as the platform put it beside the request.
    Given(Value),
    /// To be asked for: the asset id of the namespace.
    Asset(String, OnceCell<Result<Value, String>>),
    Unknown,
}

impl Subject {
    /// The request of an AdmissionReview v1. The platform may put the namespace's object into it as `namespaceObject`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for what is not one.
    pub(crate) fn of_request(request: &AdmissionRequest<'_>) -> Result<Self, Error> {
        Self::of_value(request.json()?)
            .ok_or_else(|| Error::InvalidInput("the request is not an object".to_owned()))
    }

    /// The same, as a test hands it over.
    ///
    /// # Errors
    /// What is not an object.
    pub(crate) fn of_review(request: Value) -> Result<Self, Unreadable> {
        Self::of_value(request).ok_or_else(|| Unreadable::from("the request is not an object"))
    }

    fn of_value(mut request: Value) -> Option<Self> {
        let members = request.as_object_mut()?;
        let namespace = members.remove("namespaceObject").filter(Value::is_object);
        for member in ["object", "oldObject"] {
            members.entry(member).or_insert(Value::Null);
        }
        let namespace = namespace.map_or(Namespace::Unknown, Namespace::Given);
        Some(Self { request, namespace, review: OnceCell::new() })
    }

    /// The same request for another object: one that policies changed.
    pub(crate) fn with_object(&self, object: Value) -> Self {
        let mut request = self.request.clone();
        if let Some(members) = request.as_object_mut() {
            members.insert("object".to_owned(), object);
        }
        Self { request, namespace: self.namespace.clone(), review: OnceCell::new() }
    }

    /// An object that is there, as if it were being created by nobody.
    ///
    /// # Errors
    /// What is wrong with the object.
    pub(crate) fn of_resource(resource: &Resource) -> Result<Self, Unreadable> {
        let object: Value = resource.json()?;
        let (version, kind) = resource.kind.rsplit_once('/').unwrap_or(("", &resource.kind));
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, mut namespace) = (text("/metadata/name"), text("/metadata/namespace"));
        if (group, kind) == ("", "Namespace") {
            namespace.clone_from(&name);
        }
        let of_kind = json!({ "group": group, "version": version, "kind": kind });
        let plural = json!({ "group": group, "version": version, "resource": plural(kind) });
        let cluster = resource.asset.rsplitn(5, '/').nth(4).filter(|cluster| cluster.starts_with("k8s:"));
        let asset = cluster.map(|cluster| format!("{cluster}/core/Namespace/-/{namespace}"));
        let request = json!({
            "uid": "", "kind": of_kind, "requestKind": of_kind, "resource": plural, "requestResource": plural,
            "name": name, "namespace": namespace, "operation": "CREATE", "userInfo": {}, "dryRun": true,
            "oldObject": null,
        });
        let mut subject = Self {
            request,
            namespace: asset.map_or(Namespace::Unknown, |asset| Namespace::Asset(asset, OnceCell::new())),
            review: OnceCell::new(),
        };
        if let Some(members) = subject.request.as_object_mut() {
            members.insert("object".to_owned(), object);
        }
        Ok(subject)
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.request.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn object(&self) -> &Value {
        self.request.get("object").unwrap_or(&Value::Null)
    }

    pub(crate) fn old_object(&self) -> &Value {
        self.request.get("oldObject").unwrap_or(&Value::Null)
    }

    /// The object, or where one is deleted the one that was.
    pub(crate) fn thing(&self) -> &Value {
        match self.object() {
            Value::Null => self.old_object(),
            object => object,
        }
    }

    pub(crate) fn is_namespace(&self) -> bool {
        self.text("/kind/group").is_empty() && self.text("/kind/kind") == "Namespace"
    }

    /// The namespace that the object is in; for a namespace itself nothing.
    pub(crate) fn namespace(&self) -> Option<&str> {
        let namespace = match self.text("/namespace") {
            "" => self.thing().pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default(),
            namespace => namespace,
        };
        (!namespace.is_empty() && !self.is_namespace()).then_some(namespace)
    }

    /// The object of that namespace.
    ///
    /// # Errors
    /// Why nothing is known of it.
    pub(crate) fn namespace_object(&self) -> Result<&Value, String> {
        if self.namespace().is_none() {
            return Ok(&Value::Null);
        }
        match &self.namespace {
            Namespace::Given(object) => Ok(object),
            Namespace::Unknown => Err("nothing is known of the object's namespace".to_owned()),
            Namespace::Asset(asset, asked) => asked.get_or_init(|| ask(asset)).as_ref().map_err(Clone::clone),
        }
    }

    /// The labels of that namespace. Its own name, which the API server adds as a label, is known always.
    ///
    /// # Errors
    /// As [`Self::namespace_object`].
    pub(crate) fn namespace_label(&self, key: &str) -> Result<Option<&str>, String> {
        if key == "kubernetes.io/metadata.name" {
            return Ok(self.namespace());
        }
        let object = self.namespace_object()?;
        Ok(object.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str))
    }

    /// The request as Gatekeeper hands it to templates: an object that is deleted is the object.
    ///
    /// # Errors
    /// A number that Rego cannot hold.
    pub(crate) fn review(&self) -> Result<&regorus::Value, String> {
        let made = self.review.get_or_init(|| {
            let mut review = self.request.clone();
            if let Some(members) = review.as_object_mut() {
                members.insert("object".to_owned(), self.thing().clone());
                if let Ok(namespace @ Value::Object(_)) = self.namespace_object_if_given() {
                    members.insert("namespaceObject".to_owned(), namespace.clone());
                    members.insert("_unstable".to_owned(), json!({ "namespace": namespace }));
                }
            }
            crate::rego::value_of(&review)
        });
        made.as_ref().map_err(Clone::clone)
    }

    /// Asking the platform for every object would cost more than most policies need.
    fn namespace_object_if_given(&self) -> Result<&Value, ()> {
        match &self.namespace {
            Namespace::Given(object) => Ok(object),
            _ => Err(()),
        }
    }
}

/// What the platform knows of a namespace, in the form of the object.
fn ask(asset: &str) -> Result<Value, String> {
    let bytes = match assets::describe(asset) {
        Ok(bytes) => bytes,
        Err(HostError::NotFound) => return Err("the object's namespace is not known".to_owned()),
        Err(error) => return Err(format!("the platform did not tell of the object's namespace: {error}")),
    };
    let told: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let name = asset.rsplit('/').next().unwrap_or_default();
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(name));
    for member in ["labels", "annotations"] {
        metadata.insert(member.to_owned(), told.get(member).cloned().unwrap_or_else(|| json!({})));
    }
    Ok(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }))
}

/// The resource of a kind, as the API server derives it from the name where nothing says otherwise.
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if kind == "endpoints" {
        return kind;
    }
    let last_two: Vec<char> = kind.chars().rev().take(2).collect();
    match last_two.as_slice() {
        ['y', before, ..] if !matches!(before, 'a' | 'e' | 'i' | 'o' | 'u') => {
            format!("{}ies", kind.strip_suffix('y').unwrap_or(&kind))
        }
        ['s' | 'x' | 'z', ..] | ['h', 'c' | 's', ..] => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn kinds_have_the_plurals_of_the_api_server() {
        for (kind, expected) in [
            ("Pod", "pods"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("Gateway", "gateways"),
            ("StorageClass", "storageclasses"),
            ("Endpoints", "endpoints"),
            ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        ] {
            assert_eq!(plural(kind), expected);
        }
    }
}
