//! Where secrets lie in the open, and how widely they are handed round. A secret itself is never repeated in a result.

use palisade_sdk::Severity::{High, Low, Medium};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::detect::{secret_in, secret_name, secret_value};
use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::{Envelope, Map};
use crate::workload::Workload;

type Pods<'a> = Object<'a, Workload>;

/// Workloads that may share a Secret before it is told of.
const SHARED_MAX: usize = 5;

pub(crate) const CHECKS: &Table<Workload> = &[
    ("secret-in-env", High, in_env),
    ("secret-in-args", High, in_args),
    ("secret-env-from", Low, env_from),
    ("secret-key-in-env", Low, key_in_env),
    ("image-pull-secret-missing", Low, pull_secret),
];

/// What a secret looks like in evidence.
fn hidden(value: &str) -> Value {
    json!(format!("a text of {} characters", value.chars().count()))
}

fn in_env(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for place in pods.body.containers() {
        for (index, variable) in place.container.env.iter().enumerate() {
            let Some(value) = variable.value.as_deref() else { continue };
            let named = secret_name(&variable.name) && secret_value(value);
            let Some(what) = secret_in(value).or(named.then_some("a secret")) else { continue };
            let at = format!("{}/env/{index}", place.at);
            let message = format!("{} sets {} to {what} in plain text.", place.name(), shown(&variable.name));
            let reference = json!({ "secretKeyRef": { "name": "example", "key": "example" } });
            found.add(
                Finding::at(format!("{at}/value"), message)
                    .compared(hidden(value), json!({ "valueFrom": reference }))
                    .remove(format!("{at}/value"))
                    .set(format!("{at}/valueFrom"), reference),
            );
        }
    }
    Ok(true)
}

fn in_args(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for place in pods.body.containers() {
        for (list, words) in [("command", &place.container.command), ("args", &place.container.args)] {
            let mut option = false;
            for (index, word) in words.iter().enumerate() {
                let named = word.split_once('=').filter(|(name, _)| !name.contains(char::is_whitespace));
                let assigned = named.is_some_and(|(name, value)| secret_name(name) && secret_value(value));
                let follows = option && !word.starts_with('-') && secret_value(word);
                if let Some(what) = secret_in(word).or((assigned || follows).then_some("a secret")) {
                    let at = format!("{}/{list}/{index}", place.at);
                    let message = format!("{} has {what} on its command line.", place.name());
                    found.add(
                        Finding::at(at, message).compared(hidden(word), json!("a file of a mounted Secret")),
                    );
                }
                option = word.starts_with("--") && named.is_none() && secret_name(word);
            }
        }
    }
    Ok(true)
}

fn env_from(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for place in pods.body.containers() {
        for (index, source) in place.container.env_from.iter().enumerate() {
            if let Some(secret) = &source.secret_ref {
                let name = shown(secret.name.as_deref().unwrap_or_default());
                let at = format!("{}/envFrom/{index}", place.at);
                let message =
                    format!("{} takes every key of the Secret {name} into its environment.", place.name());
                found.add(
                    Finding::at(&at, message)
                        .compared(json!(name), json!("a mounted volume with the keys it needs"))
                        .remove(at),
                );
            }
        }
    }
    Ok(true)
}

fn key_in_env(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for place in pods.body.containers() {
        for (index, variable) in place.container.env.iter().enumerate() {
            let reference = variable.value_from.as_ref().and_then(|from| from.secret_key_ref.as_ref());
            if let Some(secret) = reference {
                let name = shown(secret.name.as_deref().unwrap_or_default());
                let at = format!("{}/env/{index}", place.at);
                let message = format!(
                    "{} takes {} from the Secret {name} into its environment.",
                    place.name(),
                    shown(&variable.name)
                );
                found.add(
                    Finding::at(&at, message).compared(json!(name), json!("a mounted volume")).remove(at),
                );
            }
        }
    }
    Ok(true)
}

fn pull_secret(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    // Where no Secret is known the platform may not list them.
    if pods.body.pod.image_pull_secrets.is_empty() || !pods.beside("Secret")? {
        return Ok(false);
    }
    for (index, secret) in pods.body.pod.image_pull_secrets.iter().enumerate() {
        let name = secret.name.as_deref().unwrap_or_default();
        if !pods.graph.exists(&pods.id()?.of("core", "Secret", pods.meta.namespace(), name))? {
            let at = format!("{}/imagePullSecrets/{index}", pods.body.at);
            let message = format!("The image pull secret {} does not exist.", shown(name));
            found.add(
                Finding::at(&at, message)
                    .compared(quoted(name), json!("a Secret of the namespace"))
                    .remove(at),
            );
        }
    }
    Ok(true)
}

/// A Secret. Its values do not come here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Secret {
    #[serde(rename = "type")]
    kind: String,
    data: Map<IgnoredAny>,
    string_data: Map<IgnoredAny>,
}

pub(crate) const SECRET_CHECKS: &Table<Secret> = &[
    ("service-account-token-secret", High, token),
    ("secret-shared-widely", Low, shared),
    ("legacy-docker-config", Low, docker_config),
    ("bootstrap-token-expiry", Medium, bootstrap),
];

fn token(object: &Object<'_, Secret>, found: &mut Found<'_>) -> Verdict {
    if object.body.kind == "kubernetes.io/service-account-token" {
        let account = object.meta.annotations.text("kubernetes.io/service-account.name").unwrap_or_default();
        let message =
            format!("The Secret holds a token of the service account {} that never expires.", shown(account));
        found.add(
            Finding::at("/type", message)
                .compared(quoted(&object.body.kind), json!("a token of the TokenRequest API")),
        );
    }
    Ok(true)
}

fn shared(object: &Object<'_, Secret>, found: &mut Found<'_>) -> Verdict {
    if object.body.kind.starts_with("kubernetes.io/docker") {
        return Ok(false);
    }
    let mut users = 0;
    for kind in ["Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "CronJob.batch"] {
        users += object.related(&format!("used-by:{kind}"), 100)?.len();
    }
    if users > SHARED_MAX {
        let message = format!("{users} workloads use this Secret: each of them can lose it for all.");
        found.add(Finding::at("", message).compared(json!(users), json!(format!("at most {SHARED_MAX}"))));
    }
    Ok(true)
}

fn docker_config(object: &Object<'_, Secret>, found: &mut Found<'_>) -> Verdict {
    match object.body.kind.as_str() {
        "kubernetes.io/dockercfg" => {
            let wanted = "kubernetes.io/dockerconfigjson";
            let message = "The Secret holds registry credentials in the format of an old Docker.";
            found.add(Finding::at("/type", message).compared(quoted(&object.body.kind), json!(wanted)));
            Ok(true)
        }
        "kubernetes.io/dockerconfigjson" => Ok(true),
        _ => Ok(false),
    }
}

fn bootstrap(object: &Object<'_, Secret>, found: &mut Found<'_>) -> Verdict {
    let body = object.body;
    if body.kind != "bootstrap.kubernetes.io/token" {
        return Ok(false);
    }
    if !body.data.contains_key("expiration") && !body.string_data.contains_key("expiration") {
        let message = "The bootstrap token has no expiration: whoever knows it can join a node for ever.";
        found.add(Finding::at("/data", message).compared(Value::Null, json!("the key expiration")));
    }
    Ok(true)
}

/// A ConfigMap.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigMap {
    pub(crate) data: Map<String>,
}

pub(crate) const CONFIG_MAP_CHECKS: &Table<ConfigMap> = &[
    ("secret-in-config-map", High, in_config_map),
    ("aws-auth-system-masters", High, aws_auth),
    ("istio-egress-any", Medium, crate::istio::mesh_config),
];

fn in_config_map(object: &Object<'_, ConfigMap>, found: &mut Found<'_>) -> Verdict {
    for (key, value) in object.body.data.iter() {
        let named = !value.contains('\n') && secret_name(key) && secret_value(value);
        let Some(what) = secret_in(value).or(named.then_some("a secret")) else { continue };
        let at = format!("/data/{}", palisade_sdk::pointer_part(key));
        let message =
            format!("The key {} holds {what}, readable for everybody who may read ConfigMaps.", shown(key));
        found.add(Finding::at(&at, message).compared(hidden(value), json!("a key of a Secret")).remove(at));
    }
    Ok(true)
}

fn aws_auth(object: &Object<'_, ConfigMap>, found: &mut Found<'_>) -> Verdict {
    if (object.meta.namespace(), object.meta.name()) != ("kube-system", "aws-auth") {
        return Ok(false);
    }
    for key in ["mapRoles", "mapUsers"] {
        if object.body.data.text(key).is_some_and(|text| text.contains("system:masters")) {
            let message =
                format!("{key} maps AWS identities to system:masters, past every role and its revocation.");
            found.add(
                Finding::at(format!("/data/{key}"), message)
                    .compared(json!("system:masters"), json!("a group with a role binding")),
            );
        }
    }
    Ok(true)
}

pub(crate) const ANNOTATION_CHECKS: &Table<Envelope> = &[("secret-in-annotation", Medium, in_annotation)];

fn in_annotation(object: &Object<'_, Envelope>, found: &mut Found<'_>) -> Verdict {
    if object.meta.annotations.is_empty() {
        return Ok(false);
    }
    for (key, value) in object.meta.annotations.iter() {
        let name = key.rsplit('/').next().unwrap_or_default();
        let named = secret_name(name) && secret_value(value) && !secret_in_words(value);
        let Some(what) = secret_in(value).or(named.then_some("a secret")) else { continue };
        let at = format!("/metadata/annotations/{}", palisade_sdk::pointer_part(key));
        let message = format!(
            "The annotation {} holds {what}, readable for everybody who may read the object.",
            shown(key)
        );
        found.add(Finding::at(&at, message).compared(hidden(value), json!("a Secret")).remove(at));
    }
    Ok(true)
}

/// Annotations name Secrets more often than they hold them: `namespace/name` or a plain name of an object.
fn secret_in_words(value: &str) -> bool {
    let letters = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-./,".contains(&b));
    letters && value.len() < 254
}
