//! Log records of OpenTelemetry in the JSON form of `ExportLogsServiceRequest`; attributes by the semantic conventions.
//!
//! A record says little without its resource, so `raw` is an object of three parts, each unchanged:
//! `{"resource":…,"scope":…,"logRecord":…}`.

use std::borrow::Cow;

use model::Severity;
use model::event::{
    Actor, ActorKind, Cloud, Container, Event, EventKind, EventSource, Network, Pod, Process, Provider, Text,
};

use super::build::{self, container_id, image, workload};
use super::reader::{Reader, Step};
use super::{Draft, Flow, Made, ProblemCode, time};
use crate::limits;

/// Kinds of owners with the attribute that names one, the outermost first: a job of a cron job belongs to that.
const OWNERS: [(&str, &str); 6] = [
    ("k8s.deployment.name", "Deployment"),
    ("k8s.statefulset.name", "StatefulSet"),
    ("k8s.daemonset.name", "DaemonSet"),
    ("k8s.cronjob.name", "CronJob"),
    ("k8s.job.name", "Job"),
    ("k8s.replicaset.name", "ReplicaSet"),
];

/// What attributes say, of a resource or of a record.
#[derive(Clone, Default)]
struct Attributes<'a> {
    service: Option<Text<'a>>,
    node: Option<Text<'a>>,
    host: Option<Text<'a>>,
    container: Container<'a>,
    tag: Option<Text<'a>>,
    pod: Pod<'a>,
    owners: [Option<Text<'a>>; OWNERS.len()],
    process: Process<'a>,
    network: Network<'a>,
    user: Option<Text<'a>>,
    cloud: Cloud<'a>,
}

#[derive(Default)]
struct Resource<'a> {
    attributes: Attributes<'a>,
    raw: &'a str,
}

#[derive(Default)]
struct Scope<'a> {
    name: Option<Text<'a>>,
    raw: &'a str,
}

type Sink<'s, 'a> = &'s mut dyn FnMut(Made<'a>) -> Flow;

/// Hands out the records of one element of `resourceLogs`. `spare` is how many bytes of repeated resources the body may still
/// cost.
pub(super) fn records<'a>(reader: &mut Reader<'a>, spare: &mut usize, sink: Sink<'_, 'a>) -> Step<()> {
    if !reader.object()? {
        return Ok(());
    }
    let mut resource = None;
    let mut waiting = None;
    while let Some(key) = reader.key()? {
        match (key.as_ref(), &resource) {
            ("resource", _) => resource = Some(Resource::read(reader)?),
            ("scopeLogs", Some(known)) => scopes(reader, known, spare, sink)?,
            ("scopeLogs", None) => {
                let _ = reader.look();
                waiting = Some(reader.at());
                reader.skip()?;
            }
            _ => reader.skip()?,
        }
    }
    // The records came before what they are records of, or there was none of that.
    if let Some(from) = waiting {
        let (at, depth) = (reader.at(), reader.depth());
        reader.resume(from, depth);
        scopes(reader, &resource.unwrap_or_default(), spare, sink)?;
        reader.resume(at, depth);
    }
    Ok(())
}

fn scopes<'a>(
    reader: &mut Reader<'a>,
    resource: &Resource<'a>,
    spare: &mut usize,
    sink: Sink<'_, 'a>,
) -> Step<()> {
    if !reader.list()? {
        return Ok(());
    }
    while reader.item()? {
        if !reader.object()? {
            continue;
        }
        let mut scope = Scope::default();
        let mut waiting = None;
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "scope" => scope = Scope::read(reader)?,
                "logRecords" => {
                    let _ = reader.look();
                    waiting = Some((reader.at(), reader.depth()));
                    // The scope nearly always stands in front.
                    if scope.raw.is_empty() {
                        reader.skip()?;
                    } else {
                        list(reader, resource, &scope, spare, sink)?;
                        waiting = None;
                    }
                }
                _ => reader.skip()?,
            }
        }
        if let Some((from, depth)) = waiting {
            let (at, outer) = (reader.at(), reader.depth());
            reader.resume(from, depth);
            list(reader, resource, &scope, spare, sink)?;
            reader.resume(at, outer);
        }
    }
    Ok(())
}

fn list<'a>(
    reader: &mut Reader<'a>,
    resource: &Resource<'a>,
    scope: &Scope<'a>,
    spare: &mut usize,
    sink: Sink<'_, 'a>,
) -> Step<()> {
    if !reader.list()? {
        return Ok(());
    }
    while reader.item()? {
        if sink(record(reader, resource, scope, spare)?) == Flow::Stop {
            // Whoever stops asks for nothing more, so that the reader may stay where it is.
            return Ok(());
        }
    }
    Ok(())
}

fn record<'a>(
    reader: &mut Reader<'a>,
    resource: &Resource<'a>,
    scope: &Scope<'a>,
    spare: &mut usize,
) -> Step<Made<'a>> {
    let _ = reader.look();
    let from = reader.at();
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut attributes = resource.attributes.clone();
    let (mut at, mut observed, mut severity, mut body, mut name) = (None, None, None, None, None);
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "timeUnixNano" => at = reader.integer()?.and_then(|count| time::since(count, 1)),
            "observedTimeUnixNano" => observed = reader.integer()?.and_then(|count| time::since(count, 1)),
            "severityNumber" => severity = reader.integer()?,
            "body" => body = value(reader)?,
            "eventName" => name = reader.text()?,
            "attributes" => attributes.read(reader)?,
            _ => reader.skip()?,
        }
    }
    let raw = reader.slice(from, reader.at());
    let repeated = resource.raw.len() + scope.raw.len();
    if repeated + raw.len() > limits::EVENT_BYTES || *spare < repeated {
        return Ok(Made::Refused(
            ProblemCode::TooLarge,
            "its resource and scope are too large for a record".into(),
        ));
    }
    *spare -= repeated;
    let or_null = |raw: &'a str| if raw.is_empty() { "null" } else { raw };
    let parts = [
        "{\"resource\":",
        or_null(resource.raw),
        ",\"scope\":",
        or_null(scope.raw),
        ",\"logRecord\":",
        raw,
        "}",
    ];
    let mut event = Event::new(EventSource::Otlp, EventKind::Log);
    event.title = body.or(name);
    event.severity = severity.map(level);
    attributes.fill(&mut event);
    event.sensor = event.sensor.take().or_else(|| scope.name.clone());
    let mut draft = Draft::new(event);
    draft.time = at.or(observed);
    draft.raw = Some(Cow::Owned(parts.concat()));
    Ok(Made::Event(draft))
}

/// The numbers of the log data model. An error of a program is no danger by itself.
fn level(number: i64) -> Severity {
    match number {
        21.. => Severity::High,
        17..=20 => Severity::Medium,
        13..=16 => Severity::Low,
        1..=12 => Severity::Negligible,
        _ => Severity::Unknown,
    }
}

/// A value that is a text, a number or a truth.
fn value<'a>(reader: &mut Reader<'a>) -> Step<Option<Text<'a>>> {
    let mut found = None;
    if reader.object()? {
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "stringValue" | "intValue" | "doubleValue" => found = reader.word()?,
                // Lists are of names of one thing; the first will do.
                "arrayValue" => found = first(reader)?,
                _ => reader.skip()?,
            }
        }
    }
    Ok(found)
}

fn first<'a>(reader: &mut Reader<'a>) -> Step<Option<Text<'a>>> {
    let mut found = None;
    if reader.object()? {
        while let Some(key) = reader.key()? {
            if key != "values" {
                reader.skip()?;
                continue;
            }
            if reader.list()? {
                while reader.item()? {
                    let next = if found.is_none() && reader.depth() < limits::EVENT_DEPTH / 2 {
                        value(reader)?
                    } else {
                        reader.skip()?;
                        None
                    };
                    found = found.or(next);
                }
            }
        }
    }
    Ok(found)
}

impl<'a> Resource<'a> {
    fn read(reader: &mut Reader<'a>) -> Step<Self> {
        let _ = reader.look();
        let from = reader.at();
        let mut attributes = Attributes::default();
        if reader.object()? {
            while let Some(key) = reader.key()? {
                if key == "attributes" { attributes.read(reader)? } else { reader.skip()? }
            }
        }
        Ok(Self { attributes, raw: reader.slice(from, reader.at()) })
    }
}

impl<'a> Scope<'a> {
    fn read(reader: &mut Reader<'a>) -> Step<Self> {
        let _ = reader.look();
        let from = reader.at();
        let mut name = None;
        if reader.object()? {
            while let Some(key) = reader.key()? {
                if key == "name" { name = reader.text()? } else { reader.skip()? }
            }
        }
        Ok(Self { name, raw: reader.slice(from, reader.at()) })
    }
}

impl<'a> Attributes<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.list()? {
            return Ok(());
        }
        while reader.item()? {
            if !reader.object()? {
                continue;
            }
            let (mut name, mut told, mut early) = (None, None, None);
            while let Some(key) = reader.key()? {
                match key.as_ref() {
                    "key" => name = reader.text()?,
                    "value" => {
                        let found = value(reader)?;
                        if name.is_some() { told = found } else { early = found }
                    }
                    _ => reader.skip()?,
                }
            }
            if let (Some(name), Some(value)) = (name, told.or(early)) {
                self.set(&name, value);
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Text<'a>) {
        let value_of = |value: &str| value.parse::<u32>().ok().filter(|number| *number != u32::MAX);
        let port = |value: &str| value.parse::<u16>().ok().filter(|port| *port != 0);
        match name {
            "service.name" => self.service = Some(value),
            "host.name" => self.host = Some(value),
            "k8s.node.name" => self.node = Some(value),
            "k8s.namespace.name" => self.pod.namespace = Some(value),
            "k8s.pod.name" => self.pod.name = Some(value),
            "k8s.pod.uid" => self.pod.uid = Some(value),
            "container.id" => self.container.id = container_id(value),
            "container.name" | "k8s.container.name" => self.container.name = Some(value),
            "container.image.name" => self.container.image = Some(value),
            "container.image.tag" | "container.image.tags" => self.tag = Some(value),
            "container.image.repo_digests" => self.container.digest = image(value).1,
            "process.pid" => self.process.pid = value_of(&value),
            "process.executable.path" => self.process.binary = Some(value),
            "process.command_line" => self.process.arguments = build::behind_program(value),
            "process.owner" => self.process.user = Some(value),
            "user.id" | "enduser.id" | "user.name" => self.user = Some(value),
            "client.address" | "source.address" => self.network.source_ip = Some(value),
            "client.port" | "source.port" => self.network.source_port = port(&value),
            "server.address" | "destination.address" => self.network.destination_ip = Some(value),
            "server.port" | "destination.port" => self.network.destination_port = port(&value),
            "network.transport" => self.network.protocol = Some(value),
            "cloud.provider" => self.cloud.provider = Provider::from_word(&value),
            "cloud.account.id" => self.cloud.account = Some(value),
            "cloud.region" => self.cloud.region = Some(value),
            "cloud.resource_id" => self.cloud.resources = vec![value],
            _ => {
                if let Some(at) = OWNERS.iter().position(|(key, _)| *key == name)
                    && let Some(owner) = self.owners.get_mut(at)
                {
                    *owner = Some(value);
                }
            }
        }
    }

    fn fill(mut self, event: &mut Event<'a>) {
        event.sensor = self.service;
        event.node = self.node.or(self.host);
        if let (Some(name), Some(tag)) = (&self.container.image, &self.tag) {
            self.container.image = Some(Text::Owned([&**name, ":", tag].concat()));
        }
        event.container = build::container(self.container);
        let mut owners = OWNERS.iter().zip(self.owners);
        self.pod.workload = owners.find_map(|((_, kind), name)| {
            name.and_then(|name| workload(Some(Text::Borrowed(kind)), Some(name)))
        });
        event.pod = build::pod(self.pod);
        event.process = (self.process != Process::default()).then(|| Box::new(self.process));
        // A name in the place of an address is a name.
        let network = &mut self.network;
        if network.destination_ip.as_deref().is_some_and(|address| !build::is_address(address)) {
            network.destination_name = network.destination_ip.take();
        }
        if network.source_ip.is_some()
            || network.destination_ip.is_some()
            || network.destination_name.is_some()
        {
            event.network = Some(Box::new(self.network));
        }
        if let Some(name) = self.user {
            event.actor =
                Some(Box::new(Actor { kind: ActorKind::User, name: Some(name), ..Actor::default() }));
        }
        if self.cloud != Cloud::default() {
            event.cloud = Some(Box::new(self.cloud));
        }
    }
}
