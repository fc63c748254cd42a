//! The External Secrets Operator: where its stores take credentials from and who may use them.
//! Source: external-secrets.io, "API", and the pages of its providers.

use palisade_sdk::Severity::{High, Low, Medium};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::detect::{secret_in, secret_name, secret_value};
use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::{List, Map, Selector, Specified};
use crate::vault::plain_address;

/// A SecretStore or ClusterSecretStore. Providers are many; what is known of one is read, the rest is walked for references.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Store {
    provider: Map<Value>,
    conditions: List<IgnoredAny>,
}

type Stores<'a> = Object<'a, Specified<Store>>;

pub(crate) const STORE_CHECKS: &Table<Specified<Store>> = &[
    ("external-secrets-inline-value", High, inline),
    ("external-secrets-static-credentials", Medium, credentials),
    ("vault-plaintext", High, vault_server),
];

pub(crate) const CLUSTER_STORE_CHECKS: &Table<Specified<Store>> =
    &[("external-secrets-cluster-store-conditions", Medium, |object, found| {
        if object.body.spec.conditions.is_empty() {
            let message = "Every namespace may read through this store whatever the store may read.";
            let wanted = json!([{ "namespaces": ["example"] }]);
            found.add(
                Finding::at("/spec", message)
                    .compared(Value::Null, wanted.clone())
                    .set("/spec/conditions", wanted),
            );
        }
        Ok(true)
    })];

/// Depth to which a provider's settings are walked.
const DEPTH_MAX: usize = 12;

/// Visits every text of a value with its key and its place.
fn walk(value: &Value, at: &str, depth: usize, visit: &mut dyn FnMut(&str, &str, &str)) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let at = format!("{at}/{}", palisade_sdk::pointer_part(key));
                match member.as_str() {
                    Some(text) => visit(&at, key, text),
                    None => walk(member, &at, depth - 1, visit),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let at = format!("{at}/{index}");
                match item.as_str() {
                    Some(text) => visit(&at, "", text),
                    None => walk(item, &at, depth - 1, visit),
                }
            }
        }
        _ => {}
    }
}

fn inline(object: &Stores<'_>, found: &mut Found<'_>) -> Verdict {
    let told = |found: &mut Found<'_>, at: &str, what: &str, value: &str| {
        let hidden = json!(format!("a text of {} characters", value.chars().count()));
        let message = format!("The store holds {what} in plain text.");
        found.add(Finding::at(at, message).compared(hidden, json!("a reference to a Secret")));
    };
    for (name, provider) in object.body.spec.provider.iter() {
        let at = format!("/spec/provider/{}", palisade_sdk::pointer_part(name));
        walk(provider, &at, DEPTH_MAX, &mut |at, key, text| {
            let authorization = key.eq_ignore_ascii_case("authorization") && secret_value(text);
            // The provider `fake` is its values. Elsewhere names tell, but those of references.
            let fake = name == "fake" && key == "value";
            let named =
                secret_name(key) && secret_value(text) && !at.contains("Ref/") && !at.contains("SecretRef");
            if let Some(what) = secret_in(text).or((authorization || fake || named).then_some("a secret")) {
                told(found, at, what, text);
            }
        });
    }
    Ok(true)
}

/// References to credentials that do not expire by themselves, by provider: what is under them names a Secret.
const STATIC: [(&str, &str); 14] = [
    ("aws", "/auth/secretRef"),
    ("azurekv", "/authSecretRef"),
    ("gcpsm", "/auth/secretRef"),
    ("vault", "/auth/tokenSecretRef"),
    ("vault", "/auth/appRole"),
    ("vault", "/auth/userPass"),
    ("vault", "/auth/ldap"),
    ("alibaba", "/auth/secretRef"),
    ("ibm", "/auth/secretRef"),
    ("oracle", "/auth/secretRef"),
    ("kubernetes", "/auth/token"),
    ("kubernetes", "/auth/cert"),
    ("yandexlockbox", "/auth/authorizedKeySecretRef"),
    ("akeyless", "/authSecretRef/secretRef"),
];

/// Providers that also know short-lived credentials, so that there is a choice.
fn credentials(object: &Stores<'_>, found: &mut Found<'_>) -> Verdict {
    let mut applies = false;
    for (name, provider) in object.body.spec.provider.iter() {
        applies |= STATIC.iter().any(|(own, _)| own == name);
        for (_, path) in STATIC.iter().filter(|(own, _)| own == name) {
            if provider.pointer(path).is_some_and(|value| !value.is_null()) {
                let at = format!("/spec/provider/{name}{path}");
                let message = format!(
                    "The store logs in to {} with a credential that does not expire by itself.",
                    shown(name)
                );
                found.add(
                    Finding::at(at, message)
                        .compared(json!(path), json!("the identity of a service account")),
                );
            }
        }
    }
    Ok(applies)
}

fn vault_server(object: &Stores<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(server) = object.body.spec.provider.get("vault").and_then(|vault| vault.get("server")) else {
        return Ok(false);
    };
    plain_address(server.as_str().unwrap_or_default(), "/spec/provider/vault/server", found);
    Ok(true)
}

/// An ExternalSecret.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct External {
    refresh_interval: Option<String>,
    refresh_policy: Option<String>,
}

pub(crate) const EXTERNAL_CHECKS: &Table<Specified<External>> =
    &[("external-secrets-refresh", Low, |object, found| {
        let spec = &object.body.spec;
        let message =
            "The secret is fetched once: it stays as it is when it is changed or revoked at its source.";
        if let Some(policy) = spec.refresh_policy.as_deref().filter(|policy| *policy == "CreatedOnce") {
            let at = "/spec/refreshPolicy";
            found.add(
                Finding::at(at, message)
                    .compared(json!(policy), json!("Periodic"))
                    .set(at, json!("Periodic")),
            );
        }
        let zero = |text: &&str| {
            let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
            !text.is_empty() && digits.bytes().all(|byte| byte == b'0') && !digits.is_empty()
        };
        if let Some(interval) = spec.refresh_interval.as_deref().filter(zero) {
            let at = "/spec/refreshInterval";
            found.add(Finding::at(at, message).compared(quoted(interval), json!("1h")).set(at, json!("1h")));
        }
        Ok(true)
    })];

/// A ClusterExternalSecret.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ClusterExternal {
    namespace_selector: Option<Selector>,
    namespace_selectors: List<Selector>,
}

pub(crate) const CLUSTER_EXTERNAL_CHECKS: &Table<Specified<ClusterExternal>> =
    &[("external-secrets-cluster-secret-everywhere", Medium, |object, found| {
        let message = "The secret is written into every namespace.";
        let wanted = json!({ "matchLabels": { "kubernetes.io/metadata.name": "example" } });
        if object.body.spec.namespace_selector.as_ref().is_some_and(Selector::is_empty) {
            let at = "/spec/namespaceSelector";
            found.add(Finding::at(at, message).compared(json!({}), wanted.clone()).set(at, wanted.clone()));
        }
        for (index, _) in
            object.body.spec.namespace_selectors.iter().enumerate().filter(|(_, all)| all.is_empty())
        {
            let at = format!("/spec/namespaceSelectors/{index}");
            found.add(
                Finding::at(&at, message).compared(json!({}), wanted.clone()).replace(at, wanted.clone()),
            );
        }
        Ok(true)
    })];
