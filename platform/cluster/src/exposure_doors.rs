//! Doors of a cluster: services, ingresses and gateways that traffic from outside comes in by, and those that are for inside only.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::address::{has_public, is_everybody};
use crate::exposure::DoorKind;
use crate::exposure_policies::Source;
use crate::id::{GroupKind, path};
use crate::object::{Object, each, labels, text};
use crate::problem::{Problems, nullable};
use crate::scope::Scope;
use crate::selector::Selector;

pub(crate) const GATEWAY: &str = "gateway.networking.k8s.io";

/// A Service with a selector.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) namespace: String,
    pub(crate) selector: Selector,
    pub(crate) ports: Vec<ServicePort>,
    spec: ServiceSpec,
    internal: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServicePort {
    pub(crate) port: u16,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, rename = "targetPort")]
    pub(crate) target: Option<Value>,
    #[serde(default)]
    pub(crate) node_port: Option<u16>,
    #[serde(default)]
    protocol: Option<String>,
}

impl ServicePort {
    pub(crate) fn protocol(&self) -> &str {
        self.protocol.as_deref().unwrap_or("TCP")
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceSpec {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    selector: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "nullable")]
    ports: Vec<ServicePort>,
    #[serde(rename = "externalIPs", default, deserialize_with = "nullable")]
    external_ips: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    load_balancer_source_ranges: Vec<String>,
    #[serde(default)]
    load_balancer_class: Option<String>,
    #[serde(default)]
    external_traffic_policy: Option<String>,
}

#[derive(Deserialize)]
struct ServiceBody {
    spec: ServiceSpec,
}

/// A way to a port of a service.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) kind: DoorKind,
    /// Port outside; nothing: that of the service.
    pub(crate) port: Option<u16>,
    pub(crate) source: Source,
    /// Path of the service.
    pub(crate) service: String,
    pub(crate) backend: Backend,
    /// Paths of the objects up to the service.
    pub(crate) path: Vec<String>,
    /// Why the door is not of the internet.
    pub(crate) internal: Option<String>,
    /// Why it may not work.
    pub(crate) doubt: Option<String>,
}

/// Which ports of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Backend {
    All,
    Number(u64),
    Name(String),
}

impl Backend {
    pub(crate) fn is(&self, port: &ServicePort) -> bool {
        match self {
            Self::All => true,
            Self::Number(number) => u64::from(port.port) == *number,
            Self::Name(name) => port.name.as_ref() == Some(name),
        }
    }
}

/// Services that select pods, by path.
pub(crate) fn services(scope: &Scope<'_>, problems: &mut Problems) -> HashMap<String, Arc<Service>> {
    let mut all = HashMap::new();
    for object in scope.objects().filter(|object| is(object, "", "Service")) {
        let Some(service) = scope.view(object, || service(object, problems)) else { continue };
        if !service.spec.selector.is_empty() && service.spec.kind.as_deref() != Some("ExternalName") {
            all.insert(object.path(), service);
        }
    }
    all
}

fn service(object: &Object, problems: &mut Problems) -> Option<Service> {
    let ServiceBody { mut spec } = problems.view::<ServiceBody>(object)?;
    Some(Service {
        namespace: object.namespace.clone().unwrap_or_default(),
        selector: Selector::of_labels(&spec.selector),
        ports: std::mem::take(&mut spec.ports),
        internal: internal_service(&annotations(object), &spec),
        spec,
    })
}

/// Every door, in the order of their objects.
pub(crate) fn doors(
    scope: &Scope<'_>,
    services: &HashMap<String, Arc<Service>>,
    problems: &mut Problems,
) -> Vec<Door> {
    let mut doors = Vec::new();
    let gateways = gateways(scope, problems);
    for object in scope.objects() {
        match (object.kind.group.as_str(), object.kind.kind.as_str()) {
            ("", "Service") => {
                let path = object.path();
                doors.extend(services.get(&path).into_iter().flat_map(|service| service.doors(&path)));
            }
            ("networking.k8s.io", "Ingress") => {
                let value = scope.view(object, || problems.view::<Value>(object));
                doors.extend(value.into_iter().flat_map(|value| ingress(object, &value)));
            }
            (GATEWAY, kind) if kind.ends_with("Route") => {
                let value = scope.view(object, || problems.view::<Value>(object));
                doors.extend(value.into_iter().flat_map(|value| route(object, &value, &gateways)));
            }
            _ => {}
        }
    }
    doors
}

fn is(object: &Object, group: &str, kind: &str) -> bool {
    object.kind.group == group && object.kind.kind == kind
}

/// Annotations, which are kept with the names of the object.
fn annotations(object: &Object) -> BTreeMap<String, String> {
    let about: Value = serde_json::from_str(&format!("{{{}}}", object.about)).unwrap_or_default();
    labels(&about, "/annotations")
}

/// Annotations of clouds that make a load balancer one of the private network: documented by Amazon's and Google's controllers and by
/// the cloud provider of Azure.
fn internal_service(annotations: &BTreeMap<String, String>, spec: &ServiceSpec) -> Option<String> {
    let ranges = &spec.load_balancer_source_ranges;
    if !ranges.is_empty() && !ranges.iter().any(|range| is_everybody(range.trim())) {
        return Some("loadBalancerSourceRanges admits named addresses only".to_owned());
    }
    let words: [(&str, &[&str]); 6] = [
        ("networking.gke.io/load-balancer-type", &["internal"]),
        ("cloud.google.com/load-balancer-type", &["internal"]),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", &["internal"]),
        ("service.beta.kubernetes.io/aws-load-balancer-internal", &["true", "0.0.0.0/0"]),
        ("service.beta.kubernetes.io/azure-load-balancer-internal", &["true"]),
        ("service.beta.kubernetes.io/openstack-internal-load-balancer", &["true"]),
    ];
    if let Some(why) = annotated(annotations, &words) {
        return Some(why);
    }
    let scheme = annotations.get("service.beta.kubernetes.io/aws-load-balancer-scheme").map(String::as_str);
    let of_amazon = spec.load_balancer_class.as_deref() == Some("service.k8s.aws/nlb");
    let named = scheme == Some("internet-facing");
    (of_amazon && !named)
        .then(|| "load balancers of this class are internal unless their scheme says otherwise".to_owned())
}

fn annotated(annotations: &BTreeMap<String, String>, words: &[(&str, &[&str])]) -> Option<String> {
    words.iter().find_map(|(key, values)| {
        let value = annotations.get(*key)?;
        let said = values.iter().any(|word| word.eq_ignore_ascii_case(value));
        said.then(|| format!("the annotation {key} makes it internal"))
    })
}

impl Service {
    fn doors(&self, path: &str) -> Vec<Door> {
        let local = self.spec.external_traffic_policy.as_deref() == Some("Local");
        let source = if local { Source::Client } else { Source::ClientOrNode };
        let door = |kind, internal| Door {
            kind,
            port: None,
            source,
            service: path.to_owned(),
            backend: Backend::All,
            path: vec![path.to_owned()],
            internal,
            doubt: None,
        };
        let mut doors = match self.spec.kind.as_deref() {
            Some("LoadBalancer") => vec![door(DoorKind::LoadBalancer, self.internal.clone())],
            Some("NodePort") => vec![door(DoorKind::NodePort, None)],
            _ => Vec::new(),
        };
        if self.spec.external_ips.iter().any(|ip| has_public(ip, &[])) {
            doors.push(door(DoorKind::ExternalIp, None));
        }
        doors
    }
}

fn service_path(namespace: Option<&str>, name: &str) -> String {
    path(&GroupKind::new("", "Service"), namespace, name)
}

fn backend(port: Option<&Value>) -> Option<Backend> {
    match port? {
        Value::Number(number) => number.as_u64().map(Backend::Number),
        Value::String(name) => Some(Backend::Name(name.clone())),
        _ => None,
    }
}

fn ingress(object: &Object, value: &Value) -> Vec<Door> {
    let annotations = annotations(object);
    let internal = annotated(
        &annotations,
        &[
            ("alb.ingress.kubernetes.io/scheme", &["internal"]),
            ("kubernetes.io/ingress.class", &["gce-internal"]),
            ("appgw.ingress.kubernetes.io/use-private-ip", &["true"]),
        ],
    );
    let rules = each(value, "/spec/rules").flat_map(|rule| each(rule, "/http/paths"));
    let backends = rules.filter_map(|path| path.get("backend")).chain(value.pointer("/spec/defaultBackend"));
    let secured = each(value, "/spec/tls").next().is_some();
    let mut doors = Vec::new();
    for given in backends {
        let Some(name) = text(given, "/service/name") else { continue };
        let port = given.pointer("/service/port");
        let port = port.and_then(|port| backend(port.get("number").or_else(|| port.get("name"))));
        let service = service_path(object.namespace.as_deref(), name);
        for outside in [Some(80), secured.then_some(443)].into_iter().flatten() {
            doors.push(Door {
                kind: DoorKind::Ingress,
                port: Some(outside),
                source: Source::Proxy,
                backend: port.clone().unwrap_or(Backend::All),
                path: vec![object.path(), service.clone()],
                service: service.clone(),
                internal: internal.clone(),
                doubt: None,
            });
        }
    }
    doors
}

#[derive(Debug)]
struct Gateway {
    namespace: Option<String>,
    listeners: Vec<Value>,
    internal: Option<String>,
}

/// Gateways by path.
fn gateways(scope: &Scope<'_>, problems: &mut Problems) -> HashMap<String, Arc<Gateway>> {
    let of_kind = scope.objects().filter(|object| is(object, GATEWAY, "Gateway"));
    let read =
        of_kind.filter_map(|object| Some((object.path(), scope.view(object, || gateway(object, problems))?)));
    read.collect()
}

fn gateway(object: &Object, problems: &mut Problems) -> Option<Gateway> {
    let value = problems.view::<Value>(object)?;
    let class = text(&value, "/spec/gatewayClassName").unwrap_or_default();
    // The classes of Google whose load balancers are of the private network.
    let internal = class.starts_with("gke-l7") && (class.contains("-rilb") || class.contains("internal"));
    Some(Gateway {
        namespace: object.namespace.clone(),
        listeners: each(&value, "/spec/listeners").cloned().collect(),
        internal: internal.then(|| format!("gateways of class {class} are internal")),
    })
}

/// Which protocols of listeners a route of this kind attaches to.
fn attaches(kind: &str, protocol: &str) -> bool {
    match kind {
        "HTTPRoute" | "GRPCRoute" => matches!(protocol, "HTTP" | "HTTPS"),
        "TLSRoute" => protocol == "TLS",
        "TCPRoute" => matches!(protocol, "TCP" | "TLS"),
        "UDPRoute" => protocol == "UDP",
        _ => true,
    }
}

fn route(object: &Object, value: &Value, gateways: &HashMap<String, Arc<Gateway>>) -> Vec<Door> {
    let own = object.namespace.as_deref();
    let backends: Vec<&Value> =
        each(value, "/spec/rules").flat_map(|rule| each(rule, "/backendRefs")).collect();
    let mut doors = Vec::new();
    for parent in each(value, "/spec/parentRefs") {
        let Some(name) = text(parent, "/name") else { continue };
        let kind = GroupKind::new(
            text(parent, "/group").unwrap_or(GATEWAY),
            text(parent, "/kind").unwrap_or("Gateway"),
        );
        let at = path(&kind, text(parent, "/namespace").or(own), name);
        let Some(gateway) = gateways.get(&at) else { continue };
        let section = text(parent, "/sectionName");
        let wanted = parent.get("port").and_then(Value::as_u64);
        for listener in &gateway.listeners {
            let port = listener.get("port").and_then(Value::as_u64);
            let chosen = section.is_none_or(|section| text(listener, "/name") == Some(section))
                && (wanted.is_none() || wanted == port)
                && attaches(&object.kind.kind, text(listener, "/protocol").unwrap_or("HTTP"));
            let Some(port) = port.filter(|_| chosen).and_then(|port| u16::try_from(port).ok()) else {
                continue;
            };
            for given in &backends {
                doors.extend(routed(object, given, gateway, &at, port));
            }
        }
    }
    doors
}

fn routed(object: &Object, given: &Value, gateway: &Gateway, at: &str, port: u16) -> Option<Door> {
    if text(given, "/kind").is_some_and(|kind| kind != "Service") {
        return None;
    }
    let own = object.namespace.as_deref();
    let namespace = text(given, "/namespace").or(own);
    let service = service_path(namespace, text(given, "/name")?);
    let crosses = gateway.namespace.as_deref() != own || namespace != own;
    let doubt = "gateway, route and service are of several namespaces, which their owners have to allow; that is not judged";
    Some(Door {
        kind: DoorKind::Gateway,
        port: Some(port),
        source: Source::Proxy,
        backend: backend(given.get("port")).unwrap_or(Backend::All),
        path: vec![at.to_owned(), object.path(), service.clone()],
        service,
        internal: gateway.internal.clone(),
        doubt: crosses.then(|| doubt.to_owned()),
    })
}
