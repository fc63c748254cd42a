//! Linkerd: who is in the mesh and who may call. Source: linkerd.io, "Authorization Policy" and "Proxy Configuration".

use palisade_sdk::Severity::{High, Low, Medium};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::namespaces::{LINKERD_POLICY, open_policy};
use crate::object::{List, Specified};
use crate::workload::Workload;

type Pods<'a> = Object<'a, Workload>;

pub(crate) const WORKLOAD_CHECKS: &Table<Workload> = &[
    ("linkerd-injection-disabled", Medium, injection),
    ("linkerd-default-policy", Medium, default_policy),
    ("linkerd-skip-ports", Medium, skip_ports),
    ("linkerd-debug-sidecar", Medium, debug),
];

/// An annotation that should have another value; the check does not apply where it is absent.
fn annotation(
    pods: &Pods<'_>,
    found: &mut Found<'_>,
    key: &str,
    bad: impl Fn(&str) -> bool,
    (message, wanted): (&str, &str),
) -> Verdict {
    let Some(value) = pods.body.annotations.text(key) else { return Ok(false) };
    if bad(value) {
        let at = pods.body.meta_at("annotations", key);
        found.add(Finding::at(&at, message).compared(quoted(value), json!(wanted)).set(at, json!(wanted)));
    }
    Ok(true)
}

fn injection(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let told = ("The pods stay out of the mesh: no mutual TLS and no authorization.", "enabled");
    annotation(pods, found, "linkerd.io/inject", |value| value == "disabled", told)
}

fn default_policy(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let told = ("The pods admit unauthenticated traffic by default.", "all-authenticated");
    annotation(pods, found, LINKERD_POLICY, open_policy, told)
}

fn debug(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let told = ("A debug container with tools to record traffic runs beside the application.", "false");
    annotation(pods, found, "config.linkerd.io/enable-debug-sidecar", |value| value == "true", told)
}

fn skip_ports(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let annotations = &pods.body.annotations;
    for key in ["config.linkerd.io/skip-inbound-ports", "config.linkerd.io/skip-outbound-ports"] {
        if let Some(value) = annotations.text(key).filter(|value| !value.is_empty()) {
            let at = pods.body.meta_at("annotations", key);
            let message = format!(
                "Traffic of the ports {} passes the proxy by, without mutual TLS and policies.",
                shown(value)
            );
            found.add(Finding::at(&at, message).compared(quoted(value), Value::Null).remove(at));
        }
    }
    Ok(annotations.keys().any(|key| key.contains("linkerd.io/")))
}

/// A Server.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Server {
    access_policy: Option<String>,
}

pub(crate) const SERVER_CHECKS: &Table<Specified<Server>> =
    &[("linkerd-server-unauthenticated", Medium, |object, found| {
        if let Some(policy) = object.body.spec.access_policy.as_deref().filter(|policy| open_policy(policy)) {
            let at = "/spec/accessPolicy";
            let message = format!(
                "The server admits what did not authenticate: its access policy is {}.",
                shown(policy)
            );
            found
                .add(Finding::at(at, message).compared(quoted(policy), json!("deny")).set(at, json!("deny")));
        }
        Ok(true)
    })];

/// A ServerAuthorization.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ServerAuthorization {
    client: Client,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Client {
    unauthenticated: Option<bool>,
    #[serde(rename = "meshTLS")]
    mesh_tls: Option<MeshTls>,
    networks: List<Network>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MeshTls {
    #[serde(rename = "unauthenticatedTLS")]
    unauthenticated: Option<bool>,
    identities: List<String>,
}

/// A network: an address block, written `cidr`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Network {
    cidr: String,
    except: List<IgnoredAny>,
}

type ServerAuthorizations<'a> = Object<'a, Specified<ServerAuthorization>>;

pub(crate) const SERVER_AUTHORIZATION_CHECKS: &Table<Specified<ServerAuthorization>> = &[
    ("linkerd-authorization-unauthenticated", High, unauthenticated),
    ("linkerd-network-open", Medium, |object, found| {
        networks(&object.body.spec.client.networks, "/spec/client/networks", found)
    }),
    ("linkerd-any-identity", Low, |object, found| {
        let Some(tls) = &object.body.spec.client.mesh_tls else { return Ok(false) };
        identities(&tls.identities, "/spec/client/meshTLS/identities", found)
    }),
];

fn unauthenticated(object: &ServerAuthorizations<'_>, found: &mut Found<'_>) -> Verdict {
    let client = &object.body.spec.client;
    let tls = client.mesh_tls.as_ref().and_then(|tls| tls.unauthenticated);
    let flags = [
        ("/spec/client/unauthenticated", client.unauthenticated),
        ("/spec/client/meshTLS/unauthenticatedTLS", tls),
    ];
    for (at, _) in flags.into_iter().filter(|(_, flag)| *flag == Some(true)) {
        let message = "Clients are authorized without having authenticated.";
        found.add(Finding::at(at, message).compared(json!(true), json!(false)).set(at, json!(false)));
    }
    Ok(true)
}

fn networks(networks: &[Network], list: &str, found: &mut Found<'_>) -> Verdict {
    for (index, network) in networks.iter().enumerate() {
        if network.cidr.ends_with("/0") && network.except.is_empty() {
            let at = format!("{list}/{index}/cidr");
            let message =
                format!("The network {} holds every address: it authenticates nobody.", shown(&network.cidr));
            found.add(
                Finding::at(at, message)
                    .compared(quoted(&network.cidr), json!("the networks of the clients")),
            );
        }
    }
    Ok(!networks.is_empty())
}

fn identities(identities: &[String], list: &str, found: &mut Found<'_>) -> Verdict {
    for (index, identity) in identities.iter().enumerate().filter(|(_, identity)| *identity == "*") {
        let at = format!("{list}/{index}");
        let message = "Every identity of the mesh is accepted.";
        found.add(
            Finding::at(at, message).compared(
                quoted(identity),
                json!("example.shop.serviceaccount.identity.linkerd.cluster.local"),
            ),
        );
    }
    Ok(!identities.is_empty())
}

/// An AuthorizationPolicy of Linkerd.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Authorization {
    required_authentication_refs: List<IgnoredAny>,
}

pub(crate) const AUTHORIZATION_CHECKS: &Table<Specified<Authorization>> =
    &[("linkerd-authorization-unauthenticated", High, |object, found| {
        if object.body.spec.required_authentication_refs.is_empty() {
            let message = "The policy requires no authentication: every client is authorized.";
            let wanted =
                json!([{ "group": "policy.linkerd.io", "kind": "MeshTLSAuthentication", "name": "example" }]);
            let at = "/spec/requiredAuthenticationRefs";
            found.add(Finding::at("/spec", message).compared(json!([]), wanted.clone()).set(at, wanted));
        }
        Ok(true)
    })];

/// A MeshTLSAuthentication.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MeshAuthentication {
    identities: List<String>,
}

pub(crate) const MESH_AUTHENTICATION_CHECKS: &Table<Specified<MeshAuthentication>> =
    &[("linkerd-any-identity", Low, |object, found| {
        identities(&object.body.spec.identities, "/spec/identities", found)
    })];

/// A NetworkAuthentication.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NetworkAuthentication {
    networks: List<Network>,
}

pub(crate) const NETWORK_AUTHENTICATION_CHECKS: &Table<Specified<NetworkAuthentication>> =
    &[("linkerd-network-open", Medium, |object, found| {
        networks(&object.body.spec.networks, "/spec/networks", found)
    })];
