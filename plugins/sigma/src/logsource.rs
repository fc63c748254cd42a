//! Which events a rule's log source means, and where they have the fields that such rules name.

use serde::Deserialize;

use crate::json::Json;
use crate::text::shown;

/// Sources of events, as the platform names them.
pub(crate) const SOURCES: [&str; 12] = [
    "falco",
    "tetragon",
    "kubearmor",
    "kubernetes-audit",
    "cloudtrail",
    "guardduty",
    "gcp-audit",
    "azure-activity",
    "okta",
    "github",
    "otlp",
    "ocsf",
];

/// Kinds of events. Those of `sensor.health` are for no rule.
pub(crate) const KINDS: [&str; 7] =
    ["process.exec", "process.exit", "file.access", "network.connect", "api.call", "alert", "log"];

const EXEC: &str = "process.exec";
const ALERT: &str = "alert";

/// Where a rule's fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum View {
    /// In what the source itself said.
    Raw,
    /// In the normalised members.
    Normalised,
    /// In the normalised process, under the names of Sysmon and auditd.
    Process,
    /// In the normalised file and process.
    File,
    /// In the normalised connection and process.
    Network,
}

/// What an event must have beside its source and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Has {
    Anything,
    /// A process, in an alert; what is started is one anyway.
    Process,
    /// The same, in a container or pod.
    ContainerProcess,
    Container,
    /// A category of Azure's records that begins or ends so.
    Category(&'static str),
    /// None of the categories of Entra ID.
    Activity,
}

/// The events that a rule is evaluated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Route {
    sources: u16,
    kinds: u16,
    has: Has,
    pub(crate) view: View,
}

/// What of an event its route is told by.
pub(crate) struct Head<'h> {
    source: u16,
    kind: u16,
    container: bool,
    process: bool,
    category: Option<&'h str>,
    alert: bool,
}

/// A log source of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Custom {
    #[serde(default)]
    product: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
}

/// The bit of a name; nothing where it is none of the names.
fn bit(names: &[&str], name: &str) -> u16 {
    names.iter().position(|known| *known == name).map_or(0, |place| 1 << place)
}

/// Whether rules may be evaluated for events of this source at all.
pub(crate) fn source_bit(source: &str) -> u16 {
    bit(&SOURCES, source)
}

impl<'h> Head<'h> {
    pub(crate) fn of(source: &str, body: &'h Json<'_>) -> Self {
        let kind = body.get("kind").and_then(Json::text).unwrap_or_default();
        Self {
            source: source_bit(source),
            kind: bit(&KINDS, kind),
            container: body.get("container").is_some() || body.get("pod").is_some(),
            process: body.get("process").is_some_and(|process| process.get("binary").is_some()),
            category: body.get("raw").and_then(|raw| raw.get("category")).and_then(Json::text),
            alert: kind == ALERT,
        }
    }
}

impl Route {
    pub(crate) fn leads(&self, head: &Head<'_>) -> bool {
        let process = !head.alert || head.process;
        self.sources & head.source != 0
            && self.kinds & head.kind != 0
            && match self.has {
                Has::Anything => true,
                Has::Process => process,
                Has::ContainerProcess => process && head.container,
                Has::Container => head.container,
                Has::Category(end) => head.category.is_some_and(|category| {
                    category.len() >= end.len()
                        && category
                            .as_bytes()
                            .get(category.len() - end.len()..)
                            .is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
                }),
                Has::Activity => head.category.is_none_or(|category| {
                    let category = category.to_ascii_lowercase();
                    !category.ends_with("signinlogs") && category != "auditlogs" && !category.contains("risk")
                }),
            }
    }

    pub(crate) fn sources(&self) -> u16 {
        self.sources
    }

    /// The events of a log source; nothing where no source here has them.
    pub(crate) fn of(product: &str, category: &str, service: &str, custom: &[Custom]) -> Option<Self> {
        let own = custom
            .iter()
            .find(|own| own.product == product && own.category == category && own.service == service);
        if let Some(own) = own {
            return Some(own.route());
        }
        let route = |sources: &[&str], kinds: &[&str], has: Has, view: View| {
            Some(Self { sources: bits(&SOURCES, sources), kinds: bits(&KINDS, kinds), has, view })
        };
        let raw = |source: &str| route(&[source], &[], Has::Anything, View::Raw);
        match (product, category, service) {
            ("palisade", "", _) => route(&[], &[], Has::Anything, View::Normalised),
            ("palisade", kind, _) if KINDS.contains(&kind) => {
                route(&[], &[kind], Has::Anything, View::Normalised)
            }
            ("linux" | "", "process_creation", _) => route(
                &["tetragon", "falco", "kubearmor", "otlp", "ocsf"],
                &[EXEC, ALERT],
                Has::Process,
                View::Process,
            ),
            ("container" | "kubernetes", "process_creation", _) => route(
                &["tetragon", "falco", "kubearmor", "otlp", "ocsf"],
                &[EXEC, ALERT],
                Has::ContainerProcess,
                View::Process,
            ),
            (
                "linux" | "",
                "file_event" | "file_access" | "file_change" | "file_delete" | "file_rename",
                _,
            ) => route(&[], &["file.access"], Has::Anything, View::File),
            (
                "container",
                "file_event" | "file_access" | "file_change" | "file_delete" | "file_rename",
                _,
            ) => route(&[], &["file.access"], Has::Container, View::File),
            ("linux" | "", "network_connection", _) => {
                route(&[], &["network.connect"], Has::Anything, View::Network)
            }
            ("container", "network_connection", _) => {
                route(&[], &["network.connect"], Has::Container, View::Network)
            }
            ("kubernetes", "" | "application", "" | "audit") => raw("kubernetes-audit"),
            ("aws", _, "" | "cloudtrail") => raw("cloudtrail"),
            ("aws", _, "guardduty") => raw("guardduty"),
            ("gcp", _, "" | "gcp.audit") => raw("gcp-audit"),
            ("azure", _, "signinlogs") => {
                route(&["azure-activity"], &[], Has::Category("signinlogs"), View::Raw)
            }
            ("azure", _, "auditlogs" | "pim") => {
                route(&["azure-activity"], &[], Has::Category("auditlogs"), View::Raw)
            }
            ("azure", _, "riskdetection") => {
                route(&["azure-activity"], &[], Has::Category("riskevents"), View::Raw)
            }
            ("azure", _, "" | "activitylogs") => route(&["azure-activity"], &[], Has::Activity, View::Raw),
            ("okta", _, "" | "okta") => raw("okta"),
            ("github", _, "" | "audit") => raw("github"),
            ("falco" | "tetragon" | "kubearmor" | "guardduty" | "ocsf" | "otlp", _, _) => raw(product),
            ("opentelemetry", _, _) => raw("otlp"),
            _ => None,
        }
    }
}

/// The bits of some names; of all where none is named.
fn bits(names: &[&str], chosen: &[&str]) -> u16 {
    if chosen.is_empty() {
        return u16::MAX;
    }
    chosen.iter().fold(0, |all, name| all | bit(names, name))
}

impl Custom {
    /// Refuses names that no event ever has: such a log source would silently mean nothing.
    pub(crate) fn check(&self) -> Result<(), String> {
        let odd = |names: &[&str], chosen: &[String]| {
            chosen.iter().find(|name| !names.contains(&name.as_str())).map(|name| shown(name))
        };
        if let Some(source) = odd(&SOURCES, &self.sources) {
            return Err(format!("log-sources: {source:?} is no source of events"));
        }
        match odd(&KINDS, &self.kinds) {
            Some(kind) => Err(format!("log-sources: {kind:?} is no kind of events")),
            None => Ok(()),
        }
    }

    fn route(&self) -> Route {
        let names = |chosen: &[String], known: &[&str]| {
            bits(known, &chosen.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let sources = names(&self.sources, &SOURCES);
        let view = match self.category.as_str() {
            "process_creation" => View::Process,
            "network_connection" => View::Network,
            category if category.starts_with("file_") => View::File,
            _ => View::Raw,
        };
        Route { sources, kinds: names(&self.kinds, &KINDS), has: Has::Anything, view }
    }
}

/// Names that rules for Google Cloud use, and what the records themselves have
/// (<https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog>).
pub(crate) fn raw_name(name: &str) -> &str {
    match name {
        "gcp.audit.method_name" => "protoPayload.methodName",
        "gcp.audit.service_name" => "protoPayload.serviceName",
        "gcp.audit.resource_name" => "protoPayload.resourceName",
        "gcp.audit.authentication_info.principal_email" => "protoPayload.authenticationInfo.principalEmail",
        "gcp.audit.request_metadata.caller_ip" => "protoPayload.requestMetadata.callerIp",
        other => other,
    }
}

/// Names of Sysmon and auditd, and of what containers add, with their place in the normalised event.
const PROCESS: [(&str, &str); 22] = [
    ("Image", "process.binary"),
    ("CommandLineArguments", "process.arguments"),
    ("CurrentDirectory", "process.cwd"),
    ("ProcessId", "process.pid"),
    ("ProcessGuid", "process.execId"),
    ("UserId", "process.uid"),
    ("ParentImage", "process.parent.binary"),
    ("ParentProcessId", "process.parent.pid"),
    ("ParentProcessGuid", "process.parent.execId"),
    ("ParentUser", "process.parent.user"),
    ("ContainerId", "container.id"),
    ("ContainerName", "container.name"),
    ("ContainerImage", "container.image"),
    ("ContainerImageDigest", "container.digest"),
    ("PodName", "pod.name"),
    ("Namespace", "pod.namespace"),
    ("ServiceAccount", "pod.serviceAccount"),
    ("Workload", "pod.workload.name"),
    ("WorkloadKind", "pod.workload.kind"),
    ("Node", "node"),
    ("Computer", "node"),
    ("Cluster", "cluster"),
];

const FILE: [(&str, &str); 1] = [("TargetFilename", "file.path")];

const NETWORK: [(&str, &str); 7] = [
    ("Protocol", "network.protocol"),
    ("SourceIp", "network.sourceIp"),
    ("SourcePort", "network.sourcePort"),
    ("DestinationIp", "network.destinationIp"),
    ("DestinationPort", "network.destinationPort"),
    ("DestinationHostname", "network.destinationName"),
    ("dst_ip", "network.destinationIp"),
];

impl View {
    /// Where a mapped field is.
    pub(crate) fn path(self, name: &str) -> Option<&'static str> {
        let of = |table: &[(&str, &'static str)]| {
            table.iter().find(|(known, _)| *known == name).map(|(_, path)| *path)
        };
        match self {
            Self::Raw | Self::Normalised => None,
            Self::Process => of(&PROCESS),
            Self::File => of(&FILE).or_else(|| of(&PROCESS)),
            Self::Network => of(&NETWORK).or_else(|| of(&PROCESS)),
        }
    }

    /// A mapped field that is made of several members.
    pub(crate) fn made(self, name: &str, body: &Json<'_>) -> Option<String> {
        if matches!(self, Self::Raw | Self::Normalised) {
            return None;
        }
        let process = body.get("process")?;
        match name {
            "CommandLine" => command_line(process),
            "ParentCommandLine" => command_line(process.get("parent")?),
            "User" => {
                let user = process.get("user").or_else(|| process.get("uid"))?;
                user.scalar().map(|user| user.into_owned())
            }
            _ => None,
        }
    }
}

fn command_line(process: &Json<'_>) -> Option<String> {
    let binary = process.get("binary").and_then(Json::text)?;
    let arguments = process.get("arguments").and_then(Json::text).unwrap_or_default();
    Some(if arguments.is_empty() { binary.to_owned() } else { format!("{binary} {arguments}") })
}
