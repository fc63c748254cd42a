//! What policies of `admissionregistration.k8s.io` are about, and what binds them to parameters.

use serde::Deserialize;
use serde_json::Value;

use crate::selector::Selector;
use crate::subject::Subject;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParamKind {
    api_version: String,
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParamRef {
    name: Option<String>,
    namespace: Option<String>,
    selector: Option<Selector>,
    parameter_not_found_action: Option<String>,
}

/// A binding, whatever it does beyond choosing.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(crate) rules: Constraints,
    pub(crate) param: Option<ParamRef>,
}

/// What a policy or a binding is about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Constraints {
    resource_rules: Option<Vec<ResourceRule>>,
    exclude_resource_rules: Vec<ResourceRule>,
    namespace_selector: Option<Selector>,
    object_selector: Option<Selector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceRule {
    api_groups: Vec<String>,
    api_versions: Vec<String>,
    operations: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
    scope: Option<String>,
}

pub(crate) fn kind(document: &Value) -> &str {
    document.get("kind").and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn name(document: &Value) -> &str {
    document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

impl Binding {
    /// The parameters that a policy is computed with for a subject: one null for a policy without parameters, none where a
    /// binding allows that none is there.
    ///
    /// # Errors
    /// What is not there although it must be.
    pub(crate) fn parameters<'p>(
        &self,
        kind: Option<&ParamKind>,
        objects: &'p [Value],
        subject: &Subject,
    ) -> Result<Vec<&'p Value>, String> {
        let Some(kind) = kind else { return Ok(vec![&Value::Null]) };
        let shown = crate::shown(&self.name);
        let Some(reference) = &self.param else {
            return Err(format!("binding {shown}: it names no parameters"));
        };
        let found = reference.objects(kind, objects, subject);
        if found.is_empty() && reference.parameter_not_found_action.as_deref() != Some("Allow") {
            return Err(format!("binding {shown}: none of its parameters is there"));
        }
        Ok(found)
    }
}

impl ParamRef {
    fn objects<'p>(&self, wanted: &ParamKind, objects: &'p [Value], subject: &Subject) -> Vec<&'p Value> {
        let text = |object: &Value, member: &str| {
            object.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let fits = |object: &&Value| {
            let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
            let here = match (self.namespace.as_deref(), namespace) {
                (Some(wanted), found) => found == Some(wanted),
                (None, None) => true,
                // Without a namespace of its own, this reference is to the namespace of the request.
                (None, found) => found == subject.namespace(),
            };
            let labels = object.pointer("/metadata/labels").unwrap_or(&Value::Null);
            text(object, "apiVersion") == wanted.api_version
                && text(object, "kind") == wanted.kind
                && here
                && self.name.as_deref().is_none_or(|wanted| name(object) == wanted)
                && self.selector.as_ref().is_none_or(|selector| selector.matches(labels))
        };
        objects.iter().filter(fits).collect()
    }
}

impl Constraints {
    /// Whether it is about a subject.
    ///
    /// # Errors
    /// What is not known but decides.
    pub(crate) fn applies(&self, subject: &Subject) -> Result<bool, String> {
        let any = |rules: &[ResourceRule]| rules.iter().any(|rule| rule.matches(subject));
        let named = self.resource_rules.as_deref().is_none_or(any);
        if !named || any(&self.exclude_resource_rules) {
            return Ok(false);
        }
        let labels = |object: &Value| object.pointer("/metadata/labels").cloned().unwrap_or(Value::Null);
        if let Some(selector) = &self.object_selector {
            let mut either =
                [subject.object(), subject.old_object()].into_iter().filter(|object| object.is_object());
            if !either.any(|object| selector.matches(&labels(object))) {
                return Ok(false);
            }
        }
        match &self.namespace_selector {
            None => Ok(true),
            Some(selector) if subject.is_namespace() => Ok(selector.matches(&labels(subject.thing()))),
            Some(_) if subject.namespace().is_none() => Ok(true),
            Some(selector) => selector.fulfilled(|key| subject.namespace_label(key)),
        }
    }
}

impl ResourceRule {
    fn matches(&self, subject: &Subject) -> bool {
        let among = |all: &[String], one: &str| all.iter().any(|name| name == "*" || name == one);
        let (resource, sub) = (subject.text("/resource/resource"), subject.text("/subResource"));
        let named = |pattern: &String| match pattern.split_once('/') {
            Some((first, second)) => (first == "*" || first == resource) && (second == "*" || second == sub),
            None => sub.is_empty() && (pattern == "*" || pattern == resource),
        };
        let scope = match self.scope.as_deref() {
            Some("Cluster") => subject.namespace().is_none(),
            Some("Namespaced") => subject.namespace().is_some(),
            _ => true,
        };
        among(&self.api_groups, subject.text("/resource/group"))
            && among(&self.api_versions, subject.text("/resource/version"))
            && among(&self.operations, subject.text("/operation"))
            && self.resources.iter().any(named)
            && (self.resource_names.is_empty() || among(&self.resource_names, subject.text("/name")))
            && scope
    }
}
