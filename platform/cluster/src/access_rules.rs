//! Rules of RBAC, and when one grants a request: `VerbMatches` and its siblings of Kubernetes (`pkg/apis/rbac/v1/evaluation_helpers.go`).

use serde::{Deserialize, Serialize};

use crate::problem::nullable;

/// One rule of a role, as `rbac.authorization.k8s.io/v1` PolicyRule has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct Rule {
    /// Verbs; `*` is all.
    #[serde(default, deserialize_with = "nullable")]
    pub verbs: Vec<String>,
    /// API groups; the core group is empty, `*` is all.
    #[serde(default, deserialize_with = "nullable")]
    pub api_groups: Vec<String>,
    /// Resources and subresources (`pods/exec`); `*` is all of both, `*/scale` one subresource of everything.
    #[serde(default, deserialize_with = "nullable")]
    pub resources: Vec<String>,
    /// Names that the rule is limited to; without any it is about all.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// Paths of the API server that are no resources; a `*` at the end stands for everything that follows.
    #[serde(
        default,
        deserialize_with = "nullable",
        rename(deserialize = "nonResourceURLs"),
        skip_serializing_if = "Vec::is_empty"
    )]
    pub non_resource_urls: Vec<String>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Verb: `get`, `create`, `impersonate`.
    pub verb: &'a str,
    /// With what.
    pub target: Target<'a>,
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Objects.
    Resource {
        /// API group; empty for the core group.
        group: &'a str,
        /// Resource as URLs call it: `pods`.
        resource: &'a str,
        /// Subresource: `exec`; empty for the object itself.
        subresource: &'a str,
        /// Namespace; nothing asks for objects of the cluster, or for all namespaces at once.
        namespace: Option<&'a str>,
        /// Name; nothing asks for whatever has no name in its request, or for all names: a rule with `resourceNames` does not grant it.
        name: Option<&'a str>,
    },
    /// A path of the API server: `/metrics`.
    Url(&'a str),
}

impl<'a> Request<'a> {
    /// A verb on all objects of a resource, in all namespaces.
    #[must_use]
    pub fn resource(verb: &'a str, group: &'a str, resource: &'a str) -> Self {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        Self { verb, target: Target::Resource { group, resource, subresource, namespace: None, name: None } }
    }

    /// A verb on a path of the API server.
    #[must_use]
    pub fn url(verb: &'a str, path: &'a str) -> Self {
        Self { verb, target: Target::Url(path) }
    }

    /// The same in one namespace.
    #[must_use]
    pub fn within(mut self, to: &'a str) -> Self {
        if let Target::Resource { namespace, .. } = &mut self.target {
            *namespace = Some(to);
        }
        self
    }

    /// The same on one object.
    #[must_use]
    pub fn named(mut self, to: &'a str) -> Self {
        if let Target::Resource { name, .. } = &mut self.target {
            *name = Some(to);
        }
        self
    }
}

impl Rule {
    /// Whether the rule grants the request. Where it does is for the binding to say.
    #[must_use]
    pub fn grants(&self, request: &Request<'_>) -> bool {
        let verb = has(&self.verbs, request.verb);
        verb && match request.target {
            Target::Url(path) => self.has_url(path),
            Target::Resource { group, resource, subresource, name, .. } => {
                has(&self.api_groups, group)
                    && self.has_resource(resource, subresource)
                    && (self.resource_names.is_empty()
                        || name.is_some_and(|name| self.resource_names.iter().any(|known| known == name)))
            }
        }
    }

    fn has_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|known| {
            if known == "*" {
                return true;
            }
            match known.split_once('/') {
                None => subresource.is_empty() && known == resource,
                Some((of, part)) => {
                    !subresource.is_empty() && part == subresource && (of == "*" || of == resource)
                }
            }
        })
    }

    fn has_url(&self, path: &str) -> bool {
        self.non_resource_urls.iter().any(|known| {
            known == "*"
                || known == path
                || known.strip_suffix('*').is_some_and(|start| path.starts_with(start))
        })
    }
}

fn has(known: &[String], asked: &str) -> bool {
    known.iter().any(|known| known == "*" || known == asked)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Request, Rule};

    fn rule(value: serde_json::Value) -> Rule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_rule_grants_what_every_part_of_it_covers() {
        let exec =
            rule(json!({ "apiGroups": [""], "resources": ["pods/exec", "*/scale"], "verbs": ["create"] }));
        for (request, granted) in [
            (Request::resource("create", "", "pods/exec"), true),
            (Request::resource("create", "", "pods"), false),
            (Request::resource("create", "", "pods/attach"), false),
            (Request::resource("create", "", "deployments/scale"), true),
            (Request::resource("create", "apps", "deployments/scale"), false),
            (Request::resource("get", "", "pods/exec"), false),
            (Request::url("create", "/"), false),
        ] {
            assert_eq!(exec.grants(&request), granted, "{request:?}");
        }
        let all = rule(json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }));
        assert!(all.grants(&Request::resource("bind", "any", "thing/part").named("n")));
        assert!(!all.grants(&Request::url("get", "/healthz")));
    }

    #[test]
    fn names_limit_a_rule_and_null_is_no_limit() {
        let named = rule(
            json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["a"] }),
        );
        let request = Request::resource("get", "", "secrets");
        assert!(
            named.grants(&request.named("a"))
                && !named.grants(&request.named("b"))
                && !named.grants(&request)
        );
        let null = rule(
            json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": null }),
        );
        assert!(null.grants(&request));
    }

    #[test]
    fn paths_end_in_a_star_or_are_equal() {
        let urls = rule(json!({ "nonResourceURLs": ["/healthz/*", "/version"], "verbs": ["get"] }));
        for (path, granted) in
            [("/healthz/etcd", true), ("/healthz", false), ("/version", true), ("/versions", false)]
        {
            assert_eq!(urls.grants(&Request::url("get", path)), granted, "{path}");
        }
    }
}
