//! How the cluster is reached from outside: Services, Ingresses, Gateways.

use std::net::IpAddr;

use palisade_sdk::HostError;
use palisade_sdk::Severity::{High, Low, Medium};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::graph::Listed;
use crate::object::{List, Map, Metadata, Selector, Specified};

/// A Service, and where its load balancer is.
#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    spec: ServiceSpec,
    status: Option<ServiceStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceStatus {
    load_balancer: Option<Balancer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Balancer {
    ingress: List<BalancerAddress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BalancerAddress {
    ip: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceSpec {
    #[serde(rename = "type")]
    kind: String,
    external_name: Option<String>,
    #[serde(rename = "externalIPs")]
    external_ips: List<String>,
    load_balancer_source_ranges: List<String>,
    load_balancer_class: Option<String>,
    ports: List<ServicePort>,
    selector: Map<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServicePort {
    port: i64,
}

type Services<'a> = Object<'a, Service>;

pub(crate) const SERVICE_CHECKS: &Table<Service> = &[
    ("service-node-port", Medium, node_port),
    ("service-public-load-balancer", High, load_balancer),
    ("service-external-ips", High, external_ips),
    ("service-sensitive-port", High, sensitive_port),
    ("service-external-name", Medium, external_name),
    ("service-selects-nothing", Low, selects_nothing),
];

fn node_port(object: &Services<'_>, found: &mut Found<'_>) -> Verdict {
    if object.body.spec.kind == "NodePort" {
        let message =
            "The service is published on a port of every node, past load balancers and their filters.";
        found.add(
            Finding::at("/spec/type", message)
                .compared(json!("NodePort"), json!("ClusterIP"))
                .set("/spec/type", json!("ClusterIP")),
        );
    }
    Ok(true)
}

/// Annotations by which a cloud makes a load balancer internal: documented by AWS, Azure, Google Cloud, Alibaba, OpenStack.
const INTERNAL: [(&str, &[&str]); 9] = [
    ("service.beta.kubernetes.io/aws-load-balancer-internal", &["true", "0.0.0.0/0"]),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", &["internal"]),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", &["true"]),
    ("networking.gke.io/load-balancer-type", &["Internal", "internal"]),
    ("cloud.google.com/load-balancer-type", &["Internal", "internal"]),
    ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", &["intranet"]),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", &["true"]),
    ("service.beta.kubernetes.io/oci-load-balancer-internal", &["true"]),
    ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", &["private"]),
];

fn internal(meta: &Metadata) -> bool {
    INTERNAL
        .iter()
        .any(|(key, values)| meta.annotations.text(key).is_some_and(|value| values.contains(&value)))
}

/// Classes of load balancers that are internal unless an annotation says otherwise (AWS Load Balancer Controller, "NLB").
const INTERNAL_CLASSES: [&str; 2] = ["service.k8s.aws/nlb", "eks.amazonaws.com/nlb"];

/// Whether an address is one of a private network (RFC 1918, RFC 6598, RFC 4193) or of the machine itself.
fn private(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            let carrier = first == 100 && second & 0xc0 == 64;
            address.is_private() || carrier || address.is_loopback() || address.is_link_local()
        }
        Ok(IpAddr::V6(address)) => {
            address.is_unique_local() || address.is_unicast_link_local() || address.is_loopback()
        }
        Err(_) => false,
    }
}

/// Whether a load balancer can be reached from the internet, as far as the object shows.
fn public(object: &Services<'_>) -> bool {
    let Service { spec, status } = object.body;
    let class = spec.load_balancer_class.as_deref().unwrap_or_default();
    let scheme = object.meta.annotations.text("service.beta.kubernetes.io/aws-load-balancer-scheme");
    let inside = INTERNAL_CLASSES.contains(&class) && scheme != Some("internet-facing");
    let balancer = status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let addresses = balancer.map(|balancer| &*balancer.ingress).unwrap_or_default();
    let own = |address: &BalancerAddress| address.ip.as_deref().is_some_and(private);
    let all_private = !addresses.is_empty() && addresses.iter().all(own);
    spec.kind == "LoadBalancer" && !internal(object.meta) && !inside && !all_private
}

fn open_range(range: &str) -> bool {
    range.trim().ends_with("/0")
}

fn load_balancer(object: &Services<'_>, found: &mut Found<'_>) -> Verdict {
    if !public(object) {
        return Ok(object.body.spec.kind == "LoadBalancer");
    }
    let ranges = &object.body.spec.load_balancer_source_ranges;
    let wanted = json!(["192.0.2.0/24"]);
    let at = "/spec/loadBalancerSourceRanges";
    if ranges.is_empty() {
        let message = "The load balancer is public and says nothing of who may connect.";
        found.add(Finding::at("/spec", message).compared(Value::Null, wanted.clone()).set(at, wanted));
    } else if let Some(range) = ranges.iter().find(|range| open_range(range)) {
        let message =
            format!("The load balancer is public and lets {} connect: every address.", shown(range));
        found.add(Finding::at(at, message).compared(quoted(range), wanted.clone()).set(at, wanted));
    }
    Ok(true)
}

fn external_ips(object: &Services<'_>, found: &mut Found<'_>) -> Verdict {
    if !object.body.spec.external_ips.is_empty() {
        let at = "/spec/externalIPs";
        let first: Vec<String> =
            object.body.spec.external_ips.iter().take(5).map(|address| shown(address)).collect();
        let message = format!(
            "The service claims traffic to {}: nodes send it there, whosever address it is.",
            first.join(", ")
        );
        found.add(Finding::at(at, message).compared(json!(first), Value::Null).remove(at));
    }
    Ok(true)
}

/// Ports of databases, of administration and of the cluster itself (IANA's registry, and the defaults of the programs).
const SENSITIVE: [(i64, &str); 22] = [
    (22, "SSH"),
    (23, "Telnet"),
    (445, "SMB"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (2049, "NFS"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2379, "etcd"),
    (2380, "etcd"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (5432, "PostgreSQL"),
    (5900, "VNC"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (6443, "the Kubernetes API"),
    (9042, "Cassandra"),
    (9200, "Elasticsearch"),
    (10250, "the kubelet"),
    (11211, "memcached"),
    (27017, "MongoDB"),
];

fn sensitive_port(object: &Services<'_>, found: &mut Found<'_>) -> Verdict {
    let spec = &object.body.spec;
    let guarded = !spec.load_balancer_source_ranges.is_empty()
        && !spec.load_balancer_source_ranges.iter().any(|range| open_range(range));
    let published = spec.kind == "NodePort" || public(object) && !guarded || !spec.external_ips.is_empty();
    if !published {
        return Ok(spec.kind != "ExternalName");
    }
    for (index, port) in spec.ports.iter().enumerate() {
        if let Some((number, name)) = SENSITIVE.iter().find(|(number, _)| *number == port.port) {
            let at = format!("/spec/ports/{index}/port");
            let message = format!("Port {number} ({name}) is published outside of the cluster.");
            found.add(Finding::at(at, message).compared(json!(number), json!("a port inside the cluster")));
        }
    }
    Ok(true)
}

fn external_name(object: &Services<'_>, found: &mut Found<'_>) -> Verdict {
    if object.body.spec.kind != "ExternalName" {
        return Ok(false);
    }
    let name = object
        .body
        .spec
        .external_name
        .as_deref()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let address = name.parse::<IpAddr>().is_ok();
    let inside = name.ends_with(".cluster.local") || name.ends_with(".svc");
    let metadata =
        matches!(name.as_str(), "metadata.google.internal" | "instance-data" | "instance-data.ec2.internal");
    if name == "localhost" || address || inside || metadata {
        let message = format!(
            "The name leads to {}: past the network policies and host rules that hold for what it seems to be.",
            shown(&name)
        );
        found.add(
            Finding::at("/spec/externalName", message)
                .compared(quoted(&name), json!("a host outside of the cluster")),
        );
    }
    Ok(true)
}

fn selects_nothing(object: &Services<'_>, found: &mut Found<'_>) -> Verdict {
    if object.body.spec.selector.is_empty() {
        return Ok(false);
    }
    if !object.joined("exposes")? {
        let message = "The selector finds no workload: whoever labels a pod that way gets the traffic.";
        found
            .add(Finding::at("/spec/selector", message).compared(Value::Null, json!("labels of a workload")));
    }
    Ok(true)
}

/// An Ingress.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Ingress {
    default_backend: Option<Backend>,
    rules: List<IngressRule>,
    tls: List<Tls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IngressRule {
    host: Option<String>,
    http: Option<Http>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Http {
    paths: List<PathRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PathRule {
    backend: Backend,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Backend {
    service: Option<ServiceRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServiceRef {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tls {
    hosts: List<String>,
}

type Ingresses<'a> = Object<'a, Specified<Ingress>>;

pub(crate) const INGRESS_CHECKS: &Table<Specified<Ingress>> = &[
    ("ingress-tls", Medium, ingress_tls),
    ("ingress-wildcard-host", Low, ingress_host),
    ("ingress-default-backend", Low, default_backend),
    ("ingress-snippet", High, snippet),
    ("ingress-redirect-disabled", Low, redirect),
    ("ingress-dangling-backend", Low, dangling),
];

/// Whether a name of a certificate covers a host; a wildcard covers one label.
fn covers(name: &str, host: &str) -> bool {
    let wild = name
        .strip_prefix("*.")
        .is_some_and(|domain| host.split_once('.').is_some_and(|(_, rest)| rest == domain));
    name == host || wild
}

fn ingress_tls(object: &Ingresses<'_>, found: &mut Found<'_>) -> Verdict {
    let spec = &object.body.spec;
    if spec.tls.is_empty() {
        let hosts: Vec<&str> = spec.rules.iter().filter_map(|rule| rule.host.as_deref()).take(100).collect();
        let first: Vec<String> = hosts.iter().take(5).map(|host| shown(host)).collect();
        let message = "The ingress has no TLS: its hosts are served in plain text.";
        let wanted = json!([{ "hosts": hosts, "secretName": "example-tls" }]);
        let finding = Finding::at("/spec", message).compared(json!(first), json!("tls"));
        found.add(finding.set("/spec/tls", wanted));
        return Ok(true);
    }
    // An entry without hosts is for all of them.
    if spec.tls.iter().any(|tls| tls.hosts.is_empty()) {
        return Ok(true);
    }
    for (index, rule) in spec.rules.iter().enumerate() {
        let Some(host) = rule.host.as_deref().filter(|host| !host.is_empty()) else { continue };
        let covered = spec.tls.iter().flat_map(|tls| tls.hosts.iter()).any(|name| covers(name, host));
        if !covered {
            let at = format!("/spec/rules/{index}/host");
            let message = format!("The host {} is in no tls entry: it is served in plain text.", shown(host));
            let wanted = json!({ "hosts": [host], "secretName": "example-tls" });
            found.add(
                Finding::at(at, message)
                    .compared(quoted(host), json!("a tls entry"))
                    .set("/spec/tls/-", wanted),
            );
        }
    }
    Ok(true)
}

fn ingress_host(object: &Ingresses<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, rule) in object.body.spec.rules.iter().enumerate() {
        let host = rule.host.as_deref().unwrap_or_default();
        if host.is_empty() || host.starts_with('*') {
            let at = format!("/spec/rules/{index}");
            let at = if host.is_empty() { at } else { format!("{at}/host") };
            let which = if host.is_empty() { "every host".to_owned() } else { shown(host) };
            let message = format!("The rule holds for {which}, names that nobody meant to serve too.");
            found.add(Finding::at(at, message).compared(quoted(host), json!("a host")));
        }
    }
    Ok(true)
}

fn default_backend(object: &Ingresses<'_>, found: &mut Found<'_>) -> Verdict {
    if object.body.spec.default_backend.is_some() && !object.body.spec.rules.is_empty() {
        let at = "/spec/defaultBackend";
        let message = "Requests for hosts and paths that no rule names go to the default backend.";
        found.add(Finding::at(at, message).compared(json!("defaultBackend"), Value::Null).remove(at));
    }
    Ok(true)
}

/// Annotations that put text into the configuration of the ingress controller
/// (kubernetes.github.io/ingress-nginx, "Annotations", "Annotations risks").
const SNIPPETS: [&str; 8] = [
    "nginx.ingress.kubernetes.io/configuration-snippet",
    "nginx.ingress.kubernetes.io/server-snippet",
    "nginx.ingress.kubernetes.io/auth-snippet",
    "nginx.ingress.kubernetes.io/modsecurity-snippet",
    "nginx.ingress.kubernetes.io/stream-snippet",
    "nginx.org/location-snippets",
    "nginx.org/server-snippets",
    "haproxy-ingress.github.io/config-backend",
];

fn snippet(object: &Ingresses<'_>, found: &mut Found<'_>) -> Verdict {
    for key in SNIPPETS {
        if object.meta.annotations.text(key).is_some() {
            let at = format!("/metadata/annotations/{}", palisade_sdk::pointer_part(key));
            let message = format!(
                "The annotation {key} writes into the configuration of the controller, which serves all namespaces."
            );
            found.add(Finding::at(&at, message).compared(json!(key), Value::Null).remove(at));
        }
    }
    Ok(true)
}

const REDIRECTS: [(&str, &str); 3] = [
    ("nginx.ingress.kubernetes.io/ssl-redirect", "false"),
    ("haproxy.org/ssl-redirect", "false"),
    ("ingress.kubernetes.io/ssl-redirect", "false"),
];

fn redirect(object: &Ingresses<'_>, found: &mut Found<'_>) -> Verdict {
    if object.body.spec.tls.is_empty() {
        return Ok(false);
    }
    for (key, value) in REDIRECTS {
        if object.meta.annotations.is(key, value) {
            let at = format!("/metadata/annotations/{}", palisade_sdk::pointer_part(key));
            let message = "The hosts are served in plain text too: redirection to HTTPS is switched off.";
            found.add(Finding::at(&at, message).compared(json!(value), json!("true")).set(at, json!("true")));
        }
    }
    Ok(true)
}

fn dangling(object: &Ingresses<'_>, found: &mut Found<'_>) -> Verdict {
    if !object.graph.lists(object.id()?, Listed::Services)? {
        return Ok(false);
    }
    let exists = |name: &str| -> Result<bool, HostError> {
        object.graph.exists(&object.id()?.of("core", "Service", object.meta.namespace(), name))
    };
    let spec = &object.body.spec;
    let default = spec.default_backend.iter().map(|backend| ("/spec/defaultBackend".to_owned(), backend));
    let paths = spec.rules.iter().enumerate().flat_map(|(rule, of)| {
        let paths = of.http.as_ref().map(|http| &*http.paths).unwrap_or_default();
        paths
            .iter()
            .enumerate()
            .map(move |(path, of)| (format!("/spec/rules/{rule}/http/paths/{path}/backend"), &of.backend))
    });
    for (at, backend) in default.chain(paths) {
        let Some(service) = &backend.service else { continue };
        if !exists(&service.name)? {
            let message = format!(
                "The service {} does not exist: whoever makes it gets the traffic.",
                shown(&service.name)
            );
            found.add(
                Finding::at(format!("{at}/service"), message)
                    .compared(quoted(&service.name), json!("a service of the namespace")),
            );
        }
    }
    Ok(true)
}

/// A Gateway of the Gateway API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gateway {
    listeners: List<Listener>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Listener {
    name: String,
    hostname: Option<String>,
    protocol: String,
    allowed_routes: Option<AllowedRoutes>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AllowedRoutes {
    namespaces: Option<RouteNamespaces>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteNamespaces {
    from: Option<String>,
    selector: Option<Selector>,
}

type Gateways<'a> = Object<'a, Specified<Gateway>>;

pub(crate) const GATEWAY_CHECKS: &Table<Specified<Gateway>> = &[
    ("gateway-tls", Medium, gateway_tls),
    ("gateway-wildcard-host", Low, gateway_host),
    ("gateway-routes-from-all", Medium, gateway_routes),
];

fn gateway_tls(object: &Gateways<'_>, found: &mut Found<'_>) -> Verdict {
    let listeners = &object.body.spec.listeners;
    // A listener for HTTP beside one for HTTPS is there to redirect.
    if listeners.iter().any(|listener| matches!(listener.protocol.as_str(), "HTTPS" | "TLS")) {
        return Ok(true);
    }
    for (index, listener) in listeners.iter().enumerate().filter(|(_, listener)| listener.protocol == "HTTP")
    {
        let at = format!("/spec/listeners/{index}");
        let message = format!(
            "The listener {} serves plain HTTP, and the gateway has none with TLS.",
            shown(&listener.name)
        );
        found.add(
            Finding::at(format!("{at}/protocol"), message)
                .compared(quoted(&listener.protocol), json!("HTTPS"))
                .set(format!("{at}/protocol"), json!("HTTPS"))
                .set(format!("{at}/port"), json!(443))
                .set(format!("{at}/tls"), json!({ "certificateRefs": [{ "name": "example-tls" }] })),
        );
    }
    Ok(true)
}

fn gateway_host(object: &Gateways<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, listener) in object.body.spec.listeners.iter().enumerate() {
        let named = matches!(listener.protocol.as_str(), "HTTP" | "HTTPS" | "TLS");
        let host = listener.hostname.as_deref().unwrap_or_default();
        if named && (host.is_empty() || host == "*") {
            let at = format!("/spec/listeners/{index}");
            let message =
                format!("The listener {} serves every host name that routes claim.", shown(&listener.name));
            found.add(
                Finding::at(&at, message)
                    .compared(quoted(host), json!("*.example.org"))
                    .set(format!("{at}/hostname"), json!("*.example.org")),
            );
        }
    }
    Ok(true)
}

fn gateway_routes(object: &Gateways<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, listener) in object.body.spec.listeners.iter().enumerate() {
        let Some(namespaces) = listener.allowed_routes.as_ref().and_then(|routes| routes.namespaces.as_ref())
        else {
            continue;
        };
        let all = namespaces.from.as_deref() == Some("All");
        let any = namespaces.from.as_deref() == Some("Selector")
            && namespaces.selector.as_ref().is_some_and(Selector::is_empty);
        if all || any {
            let at = format!("/spec/listeners/{index}/allowedRoutes/namespaces");
            let message = format!(
                "The listener {} takes routes of every namespace: each may claim its hosts.",
                shown(&listener.name)
            );
            let finding =
                Finding::at(format!("{at}/from"), message).compared(json!(namespaces.from), json!("Same"));
            found.add(finding.set(format!("{at}/from"), json!("Same")));
        }
    }
    Ok(true)
}

/// A ReferenceGrant of the Gateway API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Grant {
    to: List<GrantTo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GrantTo {
    kind: String,
    name: Option<String>,
}

pub(crate) const GRANT_CHECKS: &Table<Specified<Grant>> =
    &[("reference-grant-secrets", Medium, |object, found| {
        if !object.body.spec.to.iter().any(|to| to.kind == "Secret") {
            return Ok(false);
        }
        for (index, to) in object.body.spec.to.iter().enumerate().filter(|(_, to)| to.kind == "Secret") {
            if to.name.as_deref().is_none_or(str::is_empty) {
                let at = format!("/spec/to/{index}");
                let message = "Every Secret of the namespace may be referred to from another.";
                found.add(
                    Finding::at(&at, message)
                        .compared(Value::Null, json!({ "name": "example-tls" }))
                        .set(format!("{at}/name"), json!("example-tls")),
                );
            }
        }
        Ok(true)
    })];
