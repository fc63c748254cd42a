//! A runtime event in the words of the product: what a sensor, an audit log or a cloud said, in one shape.
//!
//! This is the JSON that stands in `body` of the record `event` of `palisade:types/events`; `plugins/EVENTS.md` describes it
//! for authors of correlators. Keys are camelCase, and every member but `source`, `kind` and `raw` may be absent: absent
//! means not known. Texts are borrowed from the bytes that were received wherever those need no unescaping.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Severity;

mod raw;
mod words;

pub use raw::{Raw, RawError};
pub use words::{ActorKind, EventKind, EventSource, Outcome, Provider};

/// A text, borrowed where it can be.
pub type Text<'a> = Cow<'a, str>;

/// One normalised event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// What kind of log or sensor said it.
    pub source: EventSource,
    /// What sort of event it is.
    pub kind: EventKind,
    /// Which sensor said it: a host, or the product where the source is many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensor: Option<Text<'a>>,
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text<'a>>,
    /// How bad, where the sensor judged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The rule or policy of the sensor that matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Box<EventRule<'a>>>,
    /// The cluster, by the uid of its namespace `kube-system`; from the configuration of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Text<'a>>,
    /// The machine it happened on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Text<'a>>,
    /// The container it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Box<Container<'a>>>,
    /// The pod it happened in, or that was acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Box<Pod<'a>>>,
    /// The process that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Box<Process<'a>>>,
    /// The file that was touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File<'a>>,
    /// The connection that was made or tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Box<Network<'a>>>,
    /// Who called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Box<Actor<'a>>>,
    /// What was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Box<Api<'a>>>,
    /// Where in a cloud it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Box<Cloud<'a>>>,
    /// How many occurrences the sensor folded into this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The event's own time is so far from the receiver's clock that one of them is wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skewed: bool,
    /// When it was received, in nanoseconds since 1970 in UTC. Only told of skewed events, so that others have the same
    /// bytes whenever they are received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<u64>,
    /// Keys by which events of different sources are joined, the most trusted first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<String>,
    /// The source's own object.
    pub raw: Raw<'a>,
}

/// A rule or policy of a sensor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRule<'a> {
    /// Its id, or its name where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Its tags, as the source has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Text<'a>>,
    /// ATT&CK techniques that it names, such as `T1059` or `T1552.007`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<Text<'a>>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container<'a> {
    /// As told, without the runtime's scheme in front. Sensors cut it at 12 or 31 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// Its name in the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// The image by name and tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Text<'a>>,
    /// The digest of the image, `sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Text<'a>>,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod<'a> {
    /// Its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text<'a>>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Its uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
    /// What owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload<'a>>,
    /// The name of its service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<Text<'a>>,
}

/// What owns a pod, as far as the source knows: a Deployment, a Job, …
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Workload<'a> {
    /// Kind, such as `Deployment`.
    pub kind: Text<'a>,
    /// Name.
    pub name: Text<'a>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process<'a> {
    /// A key of the process that is unique in the cluster (Tetragon).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec_id: Option<Text<'a>>,
    /// Process id, of the host where the source tells both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Path of the program; its bare name where no more is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<Text<'a>>,
    /// Arguments without the program, with spaces between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Text<'a>>,
    /// Working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<Text<'a>>,
    /// User id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Text<'a>>,
    /// When it began, in nanoseconds since 1970 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<u64>,
    /// The process that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<Process<'a>>>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct File<'a> {
    /// Its path, as the process sees it.
    pub path: Text<'a>,
}

/// A connection. The source is who opened it, where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network<'a> {
    /// In lower case: `tcp`, `udp`, `icmp`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Text<'a>>,
    /// Address of the side that opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<Text<'a>>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// Address of the other side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_ip: Option<Text<'a>>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_port: Option<u16>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_name: Option<Text<'a>>,
}

/// Who called an API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor<'a> {
    /// What sort of principal.
    #[serde(default)]
    pub kind: ActorKind,
    /// User name, ARN or e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Groups that the source names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Text<'a>>,
    /// Addresses it came from, the nearest to the caller first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_ips: Vec<Text<'a>>,
    /// What the client calls itself; anybody can write anything here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Text<'a>>,
    /// As whom it acted, where it asked to be another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonated: Option<Text<'a>>,
}

/// A call of an API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Api<'a> {
    /// `kubernetes`, or the service as the cloud names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Text<'a>>,
    /// What is done, in lower case. `exec`, `attach` and `portforward` of Kubernetes are `create`, by whatever HTTP verb they
    /// came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<Text<'a>>,
    /// The operation as the service names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Text<'a>>,
    /// Type of what is acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Text<'a>>,
    /// Part of it, such as `exec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<Text<'a>>,
    /// API group; absent for the core group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Text<'a>>,
    /// API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Text<'a>>,
    /// Namespace of what is acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text<'a>>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Status of the answer, in the numbers of the source: HTTP, or gRPC for GCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// A place in a cloud.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cloud<'a> {
    /// Whose cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// Account, project or subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Text<'a>>,
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Text<'a>>,
    /// Canonical names of what was touched: ARNs, full resource names, resource ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Text<'a>>,
}

impl<'a> Event<'a> {
    /// An event of which nothing more is known.
    #[must_use]
    pub fn new(source: EventSource, kind: EventKind) -> Self {
        Self {
            source,
            kind,
            sensor: None,
            title: None,
            severity: None,
            rule: None,
            cluster: None,
            node: None,
            container: None,
            pod: None,
            process: None,
            file: None,
            network: None,
            actor: None,
            api: None,
            cloud: None,
            count: None,
            skewed: false,
            observed_at: None,
            joins: Vec::new(),
            raw: Raw::default(),
        }
    }

    /// The event as JSON, behind what `out` holds already. The same as serialising it, but `raw` is copied and not read
    /// again.
    ///
    /// # Errors
    /// None in practice: every part of an event can be written as JSON.
    pub fn write_body(mut self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let raw = std::mem::take(&mut self.raw);
        // Written with `"raw":null` at its end, which then is replaced.
        serde_json::to_writer(&mut *out, &self)?;
        out.truncate(out.len().saturating_sub("null}".len()));
        out.extend_from_slice(raw.as_str().as_bytes());
        out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, EventKind, EventSource, Raw};

    #[test]
    fn a_body_is_what_serialising_gives_and_is_read_again() {
        let mut event = Event::new(EventSource::KubernetesAudit, EventKind::ApiCall);
        event.title = Some("a \"b\" \u{1}".into());
        event.joins = vec!["principal:x".into()];
        event.raw = Raw::parse(r#"{"b" : [1, 2.50],"a":null}"#).unwrap();
        let mut body = b"x".to_vec();
        event.clone().write_body(&mut body).unwrap();
        assert_eq!(String::from_utf8(body[1..].to_vec()).unwrap(), serde_json::to_string(&event).unwrap());
        assert!(String::from_utf8_lossy(&body).ends_with(r#""raw":{"b" : [1, 2.50],"a":null}}"#));
        assert_eq!(serde_json::from_slice::<Event<'static>>(&body[1..]).unwrap(), event);
    }
}
