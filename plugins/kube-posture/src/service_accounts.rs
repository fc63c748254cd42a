//! Service accounts, their tokens, and what workloads may do with them.

use palisade_sdk::HostError;
use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::graph::{Graph, Id};
use crate::object::{List, system_namespace};
use crate::pod::Named;
use crate::workload::Workload;

type Pods<'a> = Object<'a, Workload>;

pub(crate) const CHECKS: &Table<Workload> = &[
    ("default-service-account-token", Medium, default_token),
    ("unneeded-service-account-token", Low, unneeded_token),
    ("projected-token-lifetime", Low, projected),
    ("workload-cluster-admin", Critical, cluster_admin),
];

/// Bindings of a service account that are looked at.
const BINDINGS_MAX: u32 = 50;

/// Whether the pods get the token of their service account: the pod decides, then the account, and unsaid means yes.
fn mounts_token(pods: &Pods<'_>) -> Result<bool, HostError> {
    if let Some(own) = pods.body.pod.automount_service_account_token {
        return Ok(own);
    }
    let account = pods.id()?.of_service_account(pods.meta.namespace(), pods.body.service_account());
    let described = pods.graph.describe(&account)?;
    Ok(described.and_then(|account| account.facts.automount).unwrap_or(true))
}

/// A finding that not mounting the token mends.
fn without_token(pods: &Pods<'_>, message: String) -> Finding {
    let at = format!("{}/automountServiceAccountToken", pods.body.at);
    let own = pods.body.pod.automount_service_account_token;
    Finding::at(if own.is_some() { &at } else { &pods.body.at }, message)
        .compared(json!(own), json!(false))
        .set(&at, json!(false))
}

fn default_token(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.service_account() == "default" && mounts_token(pods)? {
        let message = "The pods mount the token of the service account default, which every pod of the namespace shares.";
        found.add(without_token(pods, message.to_owned()));
    }
    Ok(true)
}

fn unneeded_token(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let account = pods.body.service_account();
    if account == "default" || !mounts_token(pods)? {
        return Ok(account != "default");
    }
    let id = pods.id()?.of_service_account(pods.meta.namespace(), account);
    // An account that is not there is granted nothing that could be known.
    if pods.graph.exists(&id)? && pods.graph.related(&id, "granted-by", BINDINGS_MAX)?.is_empty() {
        let message = format!(
            "The pods mount the token of the service account {}, which no binding grants anything.",
            shown(account)
        );
        found.add(without_token(pods, message));
    }
    Ok(true)
}

/// A day, in seconds.
const LIFETIME_MAX: i64 = 86_400;

fn projected(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, volume) in pods.body.pod.volumes.iter().enumerate() {
        let sources = volume.projected.as_ref().map(|projected| &*projected.sources).unwrap_or_default();
        for (source, token) in sources.iter().enumerate() {
            let Some(token) = &token.service_account_token else { continue };
            if let Some(seconds) = token.expiration_seconds.filter(|seconds| *seconds > LIFETIME_MAX) {
                let at = format!(
                    "{}/volumes/{index}/projected/sources/{source}/serviceAccountToken/expirationSeconds",
                    pods.body.at
                );
                let message =
                    format!("Volume {} holds a token that lives {seconds} seconds.", shown(&volume.name));
                found.add(
                    Finding::at(&at, message).compared(json!(seconds), json!(3_600)).set(at, json!(3_600)),
                );
            }
        }
    }
    Ok(true)
}

/// A binding that makes its subject administrator, and of what.
pub(crate) fn administrator(graph: &Graph, account: &str) -> Result<Option<(String, bool)>, HostError> {
    for binding in graph.related(account, "granted-by", BINDINGS_MAX)? {
        let wide = Id::parse(&binding).is_ok_and(|id| id.kind == "ClusterRoleBinding");
        for role in graph.related(&binding, "binds", 1)? {
            let named =
                Id::parse(&role).is_ok_and(|id| id.kind == "ClusterRole" && id.name == "cluster-admin");
            if named || grants_everything(graph, &role)? {
                let name = Id::parse(&binding).map(|id| id.name.to_owned()).unwrap_or_default();
                return Ok(Some((name, wide)));
            }
        }
    }
    Ok(None)
}

/// Whether a role grants every verb on every resource.
pub(crate) fn grants_everything(graph: &Graph, role: &str) -> Result<bool, HostError> {
    let described = graph.describe(role)?;
    Ok(described.is_some_and(|role| role.facts.rules.iter().any(|rule| rule.everything())))
}

fn cluster_admin(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let account = pods.body.service_account();
    let id = pods.id()?.of_service_account(pods.meta.namespace(), account);
    if let Some((binding, wide)) = administrator(pods.graph, &id)? {
        let named = pods.body.pod.service_account_name.is_some();
        let at = if named { format!("{}/serviceAccountName", pods.body.at) } else { pods.body.at.clone() };
        let of = if wide { "the whole cluster" } else { "its namespace" };
        let message = format!(
            "The pods run as {}, which the binding {} makes administrator of {of}.",
            shown(account),
            shown(&binding)
        );
        let finding =
            Finding::at(at, message).compared(quoted(account), json!("an account with the rights it needs"));
        found.add(finding.lesser(!wide));
    }
    Ok(true)
}

/// A service account.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ServiceAccount {
    secrets: List<Named>,
}

pub(crate) const ACCOUNT_CHECKS: &Table<ServiceAccount> = &[
    ("service-account-listed-tokens", Low, listed_tokens),
    ("default-service-account-cloud-role", High, cloud_role),
];

fn listed_tokens(object: &Object<'_, ServiceAccount>, found: &mut Found<'_>) -> Verdict {
    if system_namespace(object.meta.namespace()) {
        return Ok(false);
    }
    // Names that the controller of older versions gave: <account>-token-<suffix>.
    let start = format!("{}-token-", object.meta.name());
    for (index, secret) in object.body.secrets.iter().enumerate() {
        let name = secret.name.as_deref().unwrap_or_default();
        if name.starts_with(&start) {
            let at = format!("/secrets/{index}");
            let message =
                format!("The service account lists the token Secret {}, which never expires.", shown(name));
            found.add(Finding::at(&at, message).compared(quoted(name), Value::Null).remove(at));
        }
    }
    Ok(true)
}

/// Annotations that tie a service account to a role of a cloud.
const CLOUD_ROLES: [&str; 3] =
    ["eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id"];

fn cloud_role(object: &Object<'_, ServiceAccount>, found: &mut Found<'_>) -> Verdict {
    if object.meta.name() != "default" {
        return Ok(false);
    }
    for key in CLOUD_ROLES {
        if let Some(role) = object.meta.annotations.text(key) {
            let at = format!("/metadata/annotations/{}", palisade_sdk::pointer_part(key));
            let message = format!(
                "Every pod of the namespace that names no account gets the cloud role {}.",
                shown(role)
            );
            found.add(Finding::at(&at, message).compared(quoted(role), Value::Null).remove(at));
        }
    }
    Ok(true)
}
