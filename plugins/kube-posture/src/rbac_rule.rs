//! A rule of a role, and what it grants.

use serde::Deserialize;

use crate::object::List;

/// A rule of a Role or ClusterRole.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PolicyRule {
    pub(crate) api_groups: List<String>,
    pub(crate) resources: List<String>,
    pub(crate) resource_names: List<String>,
    pub(crate) verbs: List<String>,
    #[serde(rename = "nonResourceURLs")]
    pub(crate) urls: List<String>,
}

impl PolicyRule {
    /// Whether it grants every verb on every resource of every group.
    pub(crate) fn everything(&self) -> bool {
        let all = |list: &[String]| list.iter().any(|entry| entry == "*");
        all(&self.api_groups) && all(&self.resources) && all(&self.verbs) && self.resource_names.is_empty()
    }

    pub(crate) fn verb(&self, wanted: &str) -> bool {
        self.verbs.iter().any(|verb| verb == wanted || verb == "*")
    }

    pub(crate) fn any_verb(&self, wanted: &[&str]) -> bool {
        wanted.iter().any(|verb| self.verb(verb))
    }

    pub(crate) fn group(&self, wanted: &str) -> bool {
        self.api_groups.iter().any(|group| group == wanted || group == "*")
    }

    /// Whether it covers a resource or subresource. `*` covers all, `*/scale` one subresource of all
    /// (kubernetes.io, "Using RBAC authorization", referring to resources).
    pub(crate) fn resource(&self, wanted: &str) -> bool {
        self.resources.iter().any(|resource| {
            resource == wanted
                || resource == "*"
                || matches!((resource.split_once('/'), wanted.split_once('/')),
                    (Some(("*", own)), Some((_, other))) if own == other)
        })
    }
}
