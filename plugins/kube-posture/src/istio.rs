//! Istio: mutual TLS, authorization, what leaves the mesh. Source: istio.io, "Reference", "Configuration".

use palisade_sdk::Severity::{High, Low, Medium};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::{List, Map, Specified};
use crate::secrets::ConfigMap;
use crate::workload::Workload;

type Pods<'a> = Object<'a, Workload>;

pub(crate) const WORKLOAD_CHECKS: &Table<Workload> =
    &[("istio-injection-disabled", Medium, injection), ("istio-traffic-excluded", Medium, excluded)];

const INJECT: &str = "sidecar.istio.io/inject";

fn injection(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let workload = pods.body;
    let mut applies = false;
    for (list, map) in [("labels", &workload.labels), ("annotations", &workload.annotations)] {
        let Some(value) = map.text(INJECT) else { continue };
        applies = true;
        if value == "false" {
            let at = workload.meta_at(list, INJECT);
            let message = "The pods stay out of the mesh: no mutual TLS, no authorization, no telemetry.";
            found
                .add(Finding::at(&at, message).compared(quoted(value), json!("true")).set(at, json!("true")));
        }
    }
    Ok(applies)
}

/// Annotations that lead traffic past the sidecar.
const EXCLUDES: [&str; 4] = [
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "traffic.sidecar.istio.io/excludeOutboundPorts",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges",
    "traffic.sidecar.istio.io/excludeInterfaces",
];

fn excluded(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let workload = pods.body;
    let mut applies = workload.annotations.keys().any(|key| key.contains("istio.io/"));
    applies |= workload.labels.keys().any(|key| key.contains("istio.io/"));
    for key in EXCLUDES {
        if let Some(value) = workload.annotations.text(key).filter(|value| !value.is_empty()) {
            let at = workload.meta_at("annotations", key);
            let message = format!(
                "Traffic of {} passes the sidecar by, without mutual TLS and policies.",
                shown(value)
            );
            found.add(Finding::at(&at, message).compared(quoted(value), Value::Null).remove(at));
        }
    }
    Ok(applies)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mode {
    mode: Option<String>,
}

/// A PeerAuthentication.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PeerAuthentication {
    mtls: Option<Mode>,
    port_level_mtls: Map<Mode>,
}

pub(crate) const PEER_CHECKS: &Table<Specified<PeerAuthentication>> = &[
    ("istio-mtls-mode", High, |object, found| {
        let Some(mode) = object.body.spec.mtls.as_ref().and_then(|mtls| mtls.mode.as_deref()) else {
            return Ok(false);
        };
        if matches!(mode, "PERMISSIVE" | "DISABLE") {
            let at = "/spec/mtls/mode";
            let message = format!("Peers may talk to the pods in plain text: the mode is {mode}.");
            let finding = Finding::at(at, message).lesser(mode == "PERMISSIVE");
            found.add(finding.compared(json!(mode), json!("STRICT")).set(at, json!("STRICT")));
        }
        Ok(true)
    }),
    ("istio-port-mtls-disabled", Medium, |object, found| {
        for (port, mtls) in object.body.spec.port_level_mtls.iter() {
            if let Some(mode) = mtls.mode.as_deref().filter(|mode| matches!(*mode, "PERMISSIVE" | "DISABLE"))
            {
                let at = format!("/spec/portLevelMtls/{}/mode", palisade_sdk::pointer_part(port));
                let message = format!("Port {} takes plain text: its mode is {mode}.", shown(port));
                found.add(
                    Finding::at(&at, message).compared(json!(mode), json!("STRICT")).set(at, json!("STRICT")),
                );
            }
        }
        Ok(true)
    }),
];

/// An AuthorizationPolicy. An absent list of rules allows nothing, a rule without conditions matches everything.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Authorization {
    action: Option<String>,
    rules: List<AuthorizationRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AuthorizationRule {
    from: List<From>,
    to: List<IgnoredAny>,
    when: List<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct From {
    source: Option<SourceOf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SourceOf {
    principals: List<String>,
    request_principals: List<String>,
    #[serde(flatten)]
    other: std::collections::BTreeMap<String, IgnoredAny>,
}

impl SourceOf {
    /// Whether it matches every identity, or none is asked for.
    fn anybody(&self) -> bool {
        let any = |list: &[String]| list.is_empty() || list.iter().any(|entry| entry == "*");
        self.other.is_empty() && any(&self.principals) && self.request_principals.is_empty()
    }
}

type Authorizations<'a> = Object<'a, Specified<Authorization>>;

pub(crate) const AUTHORIZATION_CHECKS: &Table<Specified<Authorization>> = &[
    ("istio-authorization-allow-all", High, allow_all),
    ("istio-authorization-any-source", Medium, any_source),
];

fn allows(object: &Authorizations<'_>) -> bool {
    matches!(object.body.spec.action.as_deref(), None | Some("ALLOW"))
}

fn matches_all(rule: &AuthorizationRule) -> bool {
    rule.from.is_empty() && rule.to.is_empty() && rule.when.is_empty()
}

fn allow_all(object: &Authorizations<'_>, found: &mut Found<'_>) -> Verdict {
    if !allows(object) {
        return Ok(false);
    }
    for (index, _) in object.body.spec.rules.iter().enumerate().filter(|(_, rule)| matches_all(rule)) {
        let at = format!("/spec/rules/{index}");
        let message = "The rule has no condition: every request is allowed.";
        let wanted =
            json!({ "from": [{ "source": { "principals": ["cluster.local/ns/example/sa/example"] } }] });
        found.add(Finding::at(&at, message).compared(json!({}), wanted).remove(at));
    }
    Ok(true)
}

fn any_source(object: &Authorizations<'_>, found: &mut Found<'_>) -> Verdict {
    if !allows(object) {
        return Ok(false);
    }
    let wanted = json!([{ "source": { "principals": ["cluster.local/ns/example/sa/example"] } }]);
    for (index, rule) in object.body.spec.rules.iter().enumerate() {
        let sources = rule.from.iter().any(|from| from.source.as_ref().is_none_or(SourceOf::anybody));
        let open = rule.from.is_empty() && rule.when.is_empty() || sources;
        if open && !matches_all(rule) {
            let at = format!("/spec/rules/{index}");
            let place = if rule.from.is_empty() { at.clone() } else { format!("{at}/from") };
            let message = "The rule allows its requests whoever sends them.";
            found.add(
                Finding::at(place, message)
                    .compared(Value::Null, wanted.clone())
                    .set(format!("{at}/from"), wanted.clone()),
            );
        }
    }
    found.unless(object.body.spec.rules.iter().any(matches_all))
}

/// A Sidecar resource.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Sidecar {
    outbound_traffic_policy: Option<Mode>,
}

pub(crate) const SIDECAR_CHECKS: &Table<Specified<Sidecar>> =
    &[("istio-egress-any", Medium, |object, found| {
        let mode =
            object.body.spec.outbound_traffic_policy.as_ref().and_then(|policy| policy.mode.as_deref());
        let Some(mode) = mode else { return Ok(false) };
        if mode == "ALLOW_ANY" {
            let at = "/spec/outboundTrafficPolicy/mode";
            let message = "The sidecars let the pods connect to every host outside of the mesh.";
            found.add(
                Finding::at(at, message)
                    .compared(json!(mode), json!("REGISTRY_ONLY"))
                    .set(at, json!("REGISTRY_ONLY")),
            );
        }
        Ok(true)
    })];

/// The configuration of the mesh: YAML under the key `mesh` of the ConfigMap `istio`. Unsaid means that any host may be called.
pub(crate) fn mesh_config(object: &Object<'_, ConfigMap>, found: &mut Found<'_>) -> Verdict {
    let named = object.meta.namespace() == "istio-system" && object.meta.name().starts_with("istio");
    let Some(mesh) = object.body.data.text("mesh").filter(|_| named) else { return Ok(false) };
    let mut lines = mesh.lines().skip_while(|line| !line.starts_with("outboundTrafficPolicy:"));
    let flow = lines.next().is_some_and(|line| line.contains("REGISTRY_ONLY"));
    let nested =
        lines.take_while(|line| line.starts_with(' ')).any(|line| line.trim() == "mode: REGISTRY_ONLY");
    if !flow && !nested {
        let message = "The mesh lets pods connect to every host outside of it: outboundTrafficPolicy is not REGISTRY_ONLY.";
        let wanted = "outboundTrafficPolicy:\n  mode: REGISTRY_ONLY";
        found.add(Finding::at("/data/mesh", message).compared(json!("ALLOW_ANY"), json!(wanted)));
    }
    Ok(true)
}

/// A ServiceEntry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ServiceEntry {
    hosts: List<String>,
    addresses: List<String>,
    location: Option<String>,
}

pub(crate) const SERVICE_ENTRY_CHECKS: &Table<Specified<ServiceEntry>> =
    &[("istio-service-entry-wildcard", Medium, |object, found| {
        let spec = &object.body.spec;
        if spec.location.as_deref() == Some("MESH_INTERNAL") {
            return Ok(false);
        }
        for (index, host) in spec.hosts.iter().enumerate() {
            // A wildcard of a whole top-level domain, or of everything.
            let wild = host == "*" || host.strip_prefix("*.").is_some_and(|domain| !domain.contains('.'));
            if wild {
                let at = format!("/spec/hosts/{index}");
                let message = format!("The entry opens the mesh to {}.", shown(host));
                found
                    .add(Finding::at(at, message).compared(quoted(host), json!("the hosts that are called")));
            }
        }
        for (index, address) in spec.addresses.iter().enumerate() {
            if address.ends_with("/0") {
                let at = format!("/spec/addresses/{index}");
                let message = format!("The entry opens the mesh to {}: to every address.", shown(address));
                found.add(
                    Finding::at(at, message)
                        .compared(quoted(address), json!("the addresses that are called")),
                );
            }
        }
        Ok(true)
    })];

/// A DestinationRule.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DestinationRule {
    host: String,
    traffic_policy: Option<TrafficPolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TrafficPolicy {
    tls: Option<ClientTls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClientTls {
    mode: Option<String>,
    insecure_skip_verify: Option<bool>,
}

pub(crate) const DESTINATION_CHECKS: &Table<Specified<DestinationRule>> = &[
    ("istio-destination-tls-disabled", Medium, |object, found| {
        let Some(tls) = object.body.spec.traffic_policy.as_ref().and_then(|policy| policy.tls.as_ref())
        else {
            return Ok(false);
        };
        if tls.mode.as_deref() == Some("DISABLE") {
            let at = "/spec/trafficPolicy/tls/mode";
            let message = format!("Sidecars call {} in plain text.", shown(&object.body.spec.host));
            found.add(
                Finding::at(at, message)
                    .compared(json!("DISABLE"), json!("ISTIO_MUTUAL"))
                    .set(at, json!("ISTIO_MUTUAL")),
            );
        }
        Ok(true)
    }),
    ("istio-destination-skip-verify", High, |object, found| {
        let Some(tls) = object.body.spec.traffic_policy.as_ref().and_then(|policy| policy.tls.as_ref())
        else {
            return Ok(false);
        };
        if tls.insecure_skip_verify == Some(true) {
            let at = "/spec/trafficPolicy/tls/insecureSkipVerify";
            let message =
                format!("Sidecars do not verify the certificate of {}.", shown(&object.body.spec.host));
            found.add(Finding::at(at, message).compared(json!(true), json!(false)).set(at, json!(false)));
        }
        Ok(true)
    }),
];

/// A Gateway of Istio's own API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gateway {
    servers: List<Server>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Server {
    port: ServerPort,
    hosts: List<String>,
    tls: Option<ServerTls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServerPort {
    protocol: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServerTls {
    https_redirect: Option<bool>,
}

pub(crate) const GATEWAY_CHECKS: &Table<Specified<Gateway>> = &[
    ("istio-gateway-plaintext", Medium, |object, found| {
        for (index, server) in object.body.spec.servers.iter().enumerate() {
            let plain =
                matches!(server.port.protocol.to_ascii_uppercase().as_str(), "HTTP" | "HTTP2" | "GRPC");
            let redirects = server.tls.as_ref().and_then(|tls| tls.https_redirect) == Some(true);
            if plain && !redirects {
                let at = format!("/spec/servers/{index}");
                let message = format!(
                    "The server takes {} in plain text and does not redirect.",
                    shown(&server.port.protocol)
                );
                let finding = Finding::at(format!("{at}/port/protocol"), message)
                    .compared(quoted(&server.port.protocol), json!("HTTPS"));
                found.add(finding.set_in(
                    &format!("{at}/tls"),
                    server.tls.is_some(),
                    "httpsRedirect",
                    json!(true),
                ));
            }
        }
        Ok(true)
    }),
    ("istio-gateway-wildcard-host", Low, |object, found| {
        for (index, server) in object.body.spec.servers.iter().enumerate() {
            for (place, host) in server.hosts.iter().enumerate() {
                if host.rsplit('/').next() == Some("*") {
                    let at = format!("/spec/servers/{index}/hosts/{place}");
                    let message = "The server serves every host name that routes claim.";
                    found.add(
                        Finding::at(&at, message)
                            .compared(quoted(host), json!("*.example.org"))
                            .replace(at, json!("*.example.org")),
                    );
                }
            }
        }
        Ok(true)
    }),
];
