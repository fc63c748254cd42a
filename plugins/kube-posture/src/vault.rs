//! Vault: the agent injector's annotations, and the resources of the Vault Secrets Operator.
//! Source: developer.hashicorp.com/vault, "Agent Injector annotations", "Vault Secrets Operator API reference".

use palisade_sdk::Severity::{High, Low, Medium};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::{List, Specified};
use crate::workload::Workload;

type Pods<'a> = Object<'a, Workload>;

pub(crate) const WORKLOAD_CHECKS: &Table<Workload> = &[
    ("vault-tls-skip-verify", High, |pods, found| {
        told(
            pods,
            found,
            "tls-skip-verify",
            |value| value == "true",
            "The agent does not verify Vault's certificate.",
        )
    }),
    ("vault-plaintext", High, |pods, found| {
        told(pods, found, "service", plain, "The agent talks to Vault in plain text.")
    }),
    ("vault-agent-token-shared", Medium, |pods, found| {
        told(
            pods,
            found,
            "agent-inject-token",
            |value| value == "true",
            "The agent writes its Vault token where the application reads it.",
        )
    }),
    ("vault-agent-root", Low, |pods, found| {
        told(pods, found, "agent-run-as-user", |value| value == "0", "The agent runs as root.")
    }),
    ("vault-default-service-account", Medium, default_account),
];

fn plain(address: &str) -> bool {
    address.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}

fn injected(pods: &Pods<'_>) -> bool {
    pods.body.annotations.is("vault.hashicorp.com/agent-inject", "true")
}

/// An annotation of the injector that should not have a value.
fn told(pods: &Pods<'_>, found: &mut Found<'_>, key: &str, bad: fn(&str) -> bool, message: &str) -> Verdict {
    if !injected(pods) {
        return Ok(false);
    }
    let key = format!("vault.hashicorp.com/{key}");
    if let Some(value) = pods.body.annotations.text(&key).filter(|value| bad(value)) {
        let at = pods.body.meta_at("annotations", &key);
        let finding = Finding::at(&at, message);
        found.add(match value.get(7..).filter(|_| plain(value)) {
            Some(rest) => {
                let secure = format!("https://{rest}");
                finding.compared(quoted(value), quoted(&secure)).set(at, json!(secure))
            }
            None => finding.compared(quoted(value), Value::Null).remove(at),
        });
    }
    Ok(true)
}

fn default_account(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if !injected(pods) {
        return Ok(false);
    }
    if pods.body.service_account() == "default" {
        let role = pods.body.annotations.text("vault.hashicorp.com/role").unwrap_or_default();
        let message = format!(
            "The pods log in to Vault's role {} as the service account default: so can every pod of the namespace.",
            shown(role)
        );
        let named = pods.body.pod.service_account_name.is_some();
        let at = if named { format!("{}/serviceAccountName", pods.body.at) } else { pods.body.at.clone() };
        found.add(Finding::at(at, message).compared(json!("default"), json!("an account of its own")));
    }
    Ok(true)
}

/// A VaultConnection.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Connection {
    address: String,
    #[serde(rename = "skipTLSVerify")]
    skip_tls_verify: Option<bool>,
}

pub(crate) const CONNECTION_CHECKS: &Table<Specified<Connection>> = &[
    ("vault-tls-skip-verify", High, |object, found| {
        if object.body.spec.skip_tls_verify == Some(true) {
            let at = "/spec/skipTLSVerify";
            let message = "Vault's certificate is not verified.";
            found.add(Finding::at(at, message).compared(json!(true), json!(false)).set(at, json!(false)));
        }
        Ok(true)
    }),
    ("vault-plaintext", High, |object, found| {
        plain_address(&object.body.spec.address, "/spec/address", found);
        Ok(true)
    }),
];

/// Tells of an address of Vault without TLS.
pub(crate) fn plain_address(address: &str, at: &str, found: &mut Found<'_>) {
    if let Some(rest) = address.get(7..).filter(|_| plain(address)) {
        let secure = format!("https://{rest}");
        let message = format!("Vault is reached in plain text at {}.", shown(address));
        found.add(Finding::at(at, message).compared(quoted(address), quoted(&secure)).set(at, json!(secure)));
    }
}

/// A VaultAuth.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Auth {
    allowed_namespaces: List<String>,
    kubernetes: Option<KubernetesAuth>,
    app_role: Option<IgnoredAny>,
    jwt: Option<TokenAuth>,
    aws: Option<TokenAuth>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KubernetesAuth {
    role: String,
    service_account: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TokenAuth {
    secret_ref: Option<String>,
}

type Auths<'a> = Object<'a, Specified<Auth>>;

pub(crate) const AUTH_CHECKS: &Table<Specified<Auth>> = &[
    ("vault-default-service-account", Medium, auth_account),
    ("vault-auth-all-namespaces", Medium, auth_namespaces),
    ("vault-auth-static-credentials", Medium, auth_static),
];

fn auth_account(object: &Auths<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(kubernetes) = &object.body.spec.kubernetes else { return Ok(false) };
    if kubernetes.service_account == "default" {
        let message = format!(
            "Vault's role {} is used as the service account default: so can every pod of the namespace.",
            shown(&kubernetes.role)
        );
        found.add(
            Finding::at("/spec/kubernetes/serviceAccount", message)
                .compared(json!("default"), json!("an account of its own")),
        );
    }
    Ok(true)
}

fn auth_namespaces(object: &Auths<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, _) in object.body.spec.allowed_namespaces.iter().enumerate().filter(|(_, name)| *name == "*")
    {
        let at = format!("/spec/allowedNamespaces/{index}");
        let message = "Every namespace may read from Vault with this authentication.";
        found.add(Finding::at(&at, message).compared(json!("*"), json!("names of namespaces")).remove(at));
    }
    Ok(true)
}

fn auth_static(object: &Auths<'_>, found: &mut Found<'_>) -> Verdict {
    let spec = &object.body.spec;
    let by_secret =
        |auth: &Option<TokenAuth>| auth.as_ref().and_then(|auth| auth.secret_ref.as_ref()).is_some();
    let methods = [
        ("/spec/appRole", spec.app_role.is_some()),
        ("/spec/jwt/secretRef", by_secret(&spec.jwt)),
        ("/spec/aws/secretRef", by_secret(&spec.aws)),
    ];
    for (at, _) in methods.into_iter().filter(|(_, used)| *used) {
        let message =
            "Vault is logged in to with a credential that lies in a Secret and does not expire by itself.";
        found.add(Finding::at(at, message).compared(json!(at), json!("the token of a service account")));
    }
    Ok(true)
}
