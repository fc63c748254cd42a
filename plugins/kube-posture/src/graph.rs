//! What the platform knows of other objects. An answer is asked for once a call; so is a refusal, because a plugin that goes
//! on asking what it is not granted is stopped.

use std::cell::RefCell;
use std::collections::BTreeMap;

use palisade_sdk::{HostError, assets};
use serde::Deserialize;

use crate::object::{List, Map};
use crate::rbac_rule::PolicyRule;

/// The canonical id of an object, `k8s:<cluster>/<group>/<Kind>/<namespace>/<name>`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id<'a> {
    pub(crate) text: &'a str,
    pub(crate) cluster: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> Id<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HostError> {
        let mut parts = text.rsplitn(5, '/');
        let (name, namespace, kind) = (parts.next(), parts.next(), parts.next());
        let (_group, cluster) = (parts.next(), parts.next().filter(|cluster| cluster.starts_with("k8s:")));
        match (cluster, kind, namespace, name) {
            (Some(cluster), Some(kind), Some(namespace), Some(name)) => {
                Ok(Self { text, cluster, kind, namespace, name })
            }
            _ => Err(HostError::Invalid(format!("{text:?} is not the id of a Kubernetes object"))),
        }
    }

    /// The id of another object of the same cluster. The core group is `core`, the namespace of what has none `-`.
    pub(crate) fn of(&self, group: &str, kind: &str, namespace: &str, name: &str) -> String {
        format!("{}/{group}/{kind}/{namespace}/{name}", self.cluster)
    }

    pub(crate) fn of_namespace(&self, name: &str) -> String {
        self.of("core", "Namespace", "-", name)
    }

    pub(crate) fn of_service_account(&self, namespace: &str, name: &str) -> String {
        self.of("core", "ServiceAccount", namespace, name)
    }
}

/// What the platform tells of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Description {
    pub(crate) labels: Map<String>,
    pub(crate) annotations: Map<String>,
    pub(crate) facts: Facts,
}

/// What it tells beyond the metadata, by kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Facts {
    pub(crate) default_deny_ingress: bool,
    pub(crate) default_deny_egress: bool,
    pub(crate) rules: List<PolicyRule>,
    pub(crate) automount: Option<bool>,
}

/// Kinds of which every cluster has an object of a known name. Where even that is unknown the platform may not list the kind,
/// and nothing of it can be called missing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Listed {
    Roles,
    ClusterRoles,
    ServiceAccounts,
    Services,
}

/// Questions to the platform, each asked once.
#[derive(Default)]
pub(crate) struct Graph {
    related: RefCell<BTreeMap<(String, String), Vec<String>>>,
    existing: RefCell<BTreeMap<String, bool>>,
    refused: RefCell<BTreeMap<String, HostError>>,
}

impl Graph {
    /// Ids of objects joined to this one by an edge, at most `limit`.
    pub(crate) fn related(&self, asset: &str, edge: &str, limit: u32) -> Result<Vec<String>, HostError> {
        let key = (asset.to_owned(), format!("{edge} {limit}"));
        if let Some(known) = self.related.borrow().get(&key) {
            return Ok(known.clone());
        }
        let answer = self.ask(asset, edge, || match assets::related(asset, edge, limit) {
            Err(HostError::NotFound) => Ok(Vec::new()),
            other => other,
        })?;
        self.related.borrow_mut().insert(key, answer.clone());
        Ok(answer)
    }

    /// What the platform tells of an object; nothing for one that does not exist.
    pub(crate) fn describe(&self, asset: &str) -> Result<Option<Description>, HostError> {
        let bytes = match self.ask(asset, "", || assets::describe(asset)) {
            Ok(bytes) => bytes,
            Err(HostError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let described = serde_json::from_slice(&bytes);
        let wrong = |error: serde_json::Error| {
            HostError::Invalid(format!("the platform's answer about {asset:?} is not as expected: {error}"))
        };
        described.map(Some).map_err(wrong)
    }

    /// Whether an object exists.
    pub(crate) fn exists(&self, asset: &str) -> Result<bool, HostError> {
        if let Some(known) = self.existing.borrow().get(asset) {
            return Ok(*known);
        }
        let known = match self.ask(asset, "", || assets::describe(asset)) {
            Ok(_) => true,
            Err(HostError::NotFound) => false,
            Err(error) => return Err(error),
        };
        self.existing.borrow_mut().insert(asset.to_owned(), known);
        Ok(known)
    }

    /// Whether the platform knows objects of a kind at all.
    pub(crate) fn lists(&self, id: &Id<'_>, kind: Listed) -> Result<bool, HostError> {
        let rbac = "rbac.authorization.k8s.io";
        self.exists(&match kind {
            Listed::Roles => id.of(rbac, "Role", "kube-system", "extension-apiserver-authentication-reader"),
            Listed::ClusterRoles => id.of(rbac, "ClusterRole", "-", "cluster-admin"),
            Listed::ServiceAccounts => id.of_service_account("kube-system", "default"),
            Listed::Services => id.of("core", "Service", "default", "kubernetes"),
        })
    }

    /// Asks, unless the same was refused before. What may not be asked of one object may not be asked of any of its kind; what cannot be
    /// answered of one may well be answered of another, so that an answer must not depend on what else was asked in this call.
    fn ask<T>(
        &self,
        asset: &str,
        edge: &str,
        question: impl FnOnce() -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let of_kind = format!("{} {edge}", Id::parse(asset)?.kind);
        let of_one = format!("{asset} {edge}");
        let refused = |what: &String| self.refused.borrow().get(what).cloned();
        if let Some(refusal) = refused(&of_kind).or_else(|| refused(&of_one)) {
            return Err(refusal);
        }
        let answer = question();
        let what = match &answer {
            Err(HostError::Denied(_) | HostError::Limit(_)) => of_kind,
            Err(HostError::Unavailable(_)) => of_one,
            _ => return answer,
        };
        if let Err(error) = &answer {
            self.refused.borrow_mut().insert(what, error.clone());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn an_id_is_taken_apart_from_its_end() {
        let id = Id::parse("k8s:a/b/core/Pod/shop/debug").unwrap();
        assert_eq!((id.cluster, id.kind, id.namespace, id.name), ("k8s:a/b", "Pod", "shop", "debug"));
        assert_eq!(id.of_namespace("x"), "k8s:a/b/core/Namespace/-/x");
        assert!(Id::parse("image:a/b/c/d/e").is_err());
        assert!(Id::parse("k8s:a/core/Pod").is_err());
    }
}
