//! GuardDuty findings (AWS, "GuardDuty finding format"): exported and in EventBridge with small first letters, from the API
//! with capitals.

use std::borrow::Cow;

use model::Severity;
use model::event::{
    Actor, ActorKind, Api, Cloud, Container, Event, EventKind, EventRule, EventSource, Network, Pod, Process,
    Provider, Text,
};

use super::build::{self, container_id, image, is_address};
use super::falco::http_outcome;
use super::reader::{Reader, Step};
use super::{Draft, Made, account, cloudtrail};
use crate::limits;

#[derive(Default)]
struct Told<'a> {
    id: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    title: Option<Text<'a>>,
    severity: Option<f64>,
    updated: Option<Text<'a>>,
    last_seen: Option<u64>,
    count: Option<u64>,
    cloud: Cloud<'a>,
    actor: Actor<'a>,
    api: Api<'a>,
    error: Option<Text<'a>>,
    network: Network<'a>,
    local: (Option<Text<'a>>, Option<u16>),
    remote: (Option<Text<'a>>, Option<u16>),
    inbound: bool,
    container: Container<'a>,
    pod: Pod<'a>,
    process: Process<'a>,
}

/// A key with a small first letter. Keys of the API differ from the others in nothing else.
fn small<'k>(key: &'k str, buffer: &'k mut String) -> &'k str {
    if !key.starts_with(|first: char| first.is_ascii_uppercase()) {
        return key;
    }
    buffer.clear();
    buffer.push_str(key);
    if let Some(first) = buffer.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    buffer
}

/// Reads the members of an object, each by its key with a small first letter.
fn members<'a>(
    reader: &mut Reader<'a>,
    mut member: impl FnMut(&str, &mut Reader<'a>) -> Step<()>,
) -> Step<()> {
    if !reader.object()? {
        return Ok(());
    }
    let mut buffer = String::new();
    while let Some(key) = reader.key()? {
        member(small(&key, &mut buffer), reader)?;
    }
    Ok(())
}

/// The same for every object of a list.
fn each<'a>(reader: &mut Reader<'a>, mut member: impl FnMut(&str, &mut Reader<'a>) -> Step<()>) -> Step<()> {
    if reader.list()? {
        while reader.item()? {
            members(reader, &mut member)?;
        }
    }
    Ok(())
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if reader.look() != Some(b'{') {
        reader.skip()?;
        return Ok(Made::missing("it is not an object"));
    }
    let mut told = Told::default();
    members(reader, |key, reader| {
        match key {
            "id" => told.id = reader.text()?,
            "type" => told.kind = reader.text()?,
            "title" => told.title = reader.text()?,
            "severity" => told.severity = reader.decimal()?,
            "updatedAt" => told.updated = reader.text()?,
            "accountId" => told.cloud.account = reader.text()?,
            "region" => told.cloud.region = reader.text()?,
            "resource" => told.resource(reader)?,
            "service" => told.service(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(told.made())
}

impl<'a> Told<'a> {
    fn resource(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        members(reader, |key, reader| match key {
            "accessKeyDetails" => self.access_key(reader),
            "kubernetesDetails" => self.kubernetes(reader),
            "containerDetails" => self.container(reader),
            "s3BucketDetails" => each(reader, |key, reader| self.arn(key, reader)),
            "eksClusterDetails" | "ecsClusterDetails" | "lambdaDetails" | "rdsDbInstanceDetails" => {
                members(reader, |key, reader| self.arn(key, reader))
            }
            _ => reader.skip(),
        })
    }

    fn arn(&mut self, key: &str, reader: &mut Reader<'a>) -> Step<()> {
        match key {
            "arn" | "functionArn" | "dbInstanceArn" => {
                let arn = reader.text()?;
                if self.cloud.resources.len() < limits::EVENT_LIST {
                    self.cloud.resources.extend(arn);
                }
                Ok(())
            }
            _ => reader.skip(),
        }
    }

    fn access_key(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        members(reader, |key, reader| {
            match key {
                "userName" => self.actor.name = reader.text()?,
                "userType" => {
                    self.actor.kind = match reader.text()?.as_deref() {
                        Some("Root" | "IAMUser" | "FederatedUser") => ActorKind::User,
                        Some("AssumedRole" | "Role") => ActorKind::Role,
                        Some("AWSService") => ActorKind::Service,
                        _ => ActorKind::Unknown,
                    };
                }
                _ => reader.skip()?,
            }
            Ok(())
        })
    }

    fn kubernetes(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        members(reader, |key, reader| match key {
            "kubernetesUserDetails" => members(reader, |key, reader| {
                match key {
                    "username" => {
                        self.actor.name = reader.text()?;
                        self.actor.kind = self.actor.name.as_deref().map(account::kind).unwrap_or_default();
                    }
                    "groups" => self.actor.groups = reader.texts()?,
                    _ => reader.skip()?,
                }
                Ok(())
            }),
            "kubernetesWorkloadDetails" => self.workload(reader),
            _ => reader.skip(),
        })
    }

    fn workload(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        let (mut kind, mut name, mut uid) = (None, None, None);
        members(reader, |key, reader| {
            match key {
                "namespace" => self.pod.namespace = reader.text()?,
                "name" => name = reader.text()?,
                "type" => kind = reader.text()?.map(known_kind),
                "uid" => uid = reader.text()?,
                "serviceAccountName" => self.pod.service_account = reader.text()?,
                "containers" => each(reader, |key, reader| self.container_field(key, reader))?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        if kind.as_deref() == Some("Pod") {
            (self.pod.name, self.pod.uid) = (name, uid);
        } else {
            self.pod.workload = build::workload(kind, name);
        }
        Ok(())
    }

    fn container(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        members(reader, |key, reader| self.container_field(key, reader))
    }

    fn container_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Step<()> {
        match key {
            "id" => self.container.id = reader.text()?.and_then(container_id),
            "name" => self.container.name = reader.text()?,
            "image" => {
                (self.container.image, self.container.digest) = reader.text()?.map(image).unwrap_or_default();
            }
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn service(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        members(reader, |key, reader| {
            match key {
                "count" => self.count = reader.integer()?.and_then(|count| u64::try_from(count).ok()),
                "eventLastSeen" => self.last_seen = reader.time()?,
                "action" => self.action(reader)?,
                "runtimeDetails" => members(reader, |key, reader| match key {
                    "process" => self.process(reader),
                    _ => reader.skip(),
                })?,
                _ => reader.skip()?,
            }
            Ok(())
        })
    }

    fn action(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        members(reader, |key, reader| match key {
            "networkConnectionAction" | "portProbeAction" => self.connection(reader),
            "dnsRequestAction" => members(reader, |key, reader| match key {
                "domain" => {
                    self.network.destination_name = reader.text()?;
                    Ok(())
                }
                _ => reader.skip(),
            }),
            "awsApiCallAction" | "kubernetesApiCallAction" => {
                self.call(key == "kubernetesApiCallAction", reader)
            }
            _ => reader.skip(),
        })
    }

    fn connection(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        members(reader, |key, reader| {
            match key {
                "connectionDirection" => self.inbound = reader.text()?.is_some_and(|word| word == "INBOUND"),
                "protocol" => {
                    self.network.protocol = reader.text()?.map(|word| Cow::Owned(word.to_ascii_lowercase()));
                }
                "remoteIpDetails" => self.remote.0 = address(reader)?,
                "localIpDetails" => self.local.0 = address(reader)?,
                "remotePortDetails" => self.remote.1 = port(reader)?,
                "localPortDetails" => self.local.1 = port(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })
    }

    fn call(&mut self, kubernetes: bool, reader: &mut Reader<'a>) -> Step<()> {
        if kubernetes {
            self.api.service = Some(Text::Borrowed("kubernetes"));
        }
        members(reader, |key, reader| {
            match key {
                "api" => self.api.operation = reader.text()?,
                "serviceName" => self.api.service = reader.text()?,
                "errorCode" => self.error = reader.text()?,
                "remoteIpDetails" => self.actor.source_ips.extend(address(reader)?),
                "sourceIps" | "sourceIPs" => self.actor.source_ips = reader.texts()?,
                "userAgent" => self.actor.user_agent = reader.text()?,
                "verb" => self.api.verb = reader.text()?,
                "resource" => self.api.resource = reader.text()?,
                "resourceName" => self.api.name = reader.text()?,
                "subresource" => self.api.subresource = reader.text()?,
                "namespace" => self.api.namespace = reader.text()?,
                "statusCode" => self.api.code = reader.small()?.and_then(|code| i32::try_from(code).ok()),
                _ => reader.skip()?,
            }
            Ok(())
        })
    }

    fn process(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        let process = &mut self.process;
        let mut name = None;
        members(reader, |key, reader| {
            match key {
                "name" => name = reader.text()?,
                "executablePath" => process.binary = reader.text()?,
                "pid" => process.pid = reader.small()?,
                "userId" => process.uid = reader.small()?,
                "user" => process.user = reader.text()?,
                "pwd" => process.cwd = reader.text()?,
                "startTime" => process.started_at = reader.time()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        process.binary = process.binary.take().or(name);
        Ok(())
    }

    fn made(mut self) -> Made<'a> {
        let (Some(id), Some(kind), Some(updated)) = (self.id.take(), self.kind.take(), self.updated.take())
        else {
            return Made::missing("`id`, `type` or `updatedAt` is missing: not a finding of GuardDuty");
        };
        let mut event = Event::new(EventSource::GuardDuty, EventKind::Alert);
        event.title = self.title.take();
        event.severity = Some(self.severity.map_or(Severity::Unknown, Severity::from_cvss_score));
        event.rule =
            Some(Box::new(EventRule { id: Some(kind.clone()), name: Some(kind), ..EventRule::default() }));
        event.count = self.count;
        self.cloud.provider = Some(Provider::Aws);
        let time = self.last_seen.or_else(|| super::time::parse(&updated));
        self.fill(&mut event);
        event.cloud = Some(Box::new(self.cloud));
        let mut draft = Draft::new(event);
        // A finding that goes on has the same id and another time: both are one event each.
        draft.id = Some([&*id, "/", &updated].concat().into());
        draft.time = time;
        Made::Event(draft)
    }

    fn fill(&mut self, event: &mut Event<'a>) {
        let (near, far) = (std::mem::take(&mut self.local), std::mem::take(&mut self.remote));
        let (from, to) = if self.inbound { (far, near) } else { (near, far) };
        let network = &mut self.network;
        (network.source_ip, network.source_port) = from;
        (network.destination_ip, network.destination_port) = to;
        if *network != Network::default() {
            event.network = Some(Box::new(std::mem::take(network)));
        }
        if self.api != Api::default() {
            let api = &mut self.api;
            if api.subresource.as_deref().is_some_and(account::is_connection) {
                api.verb = Some(Text::Borrowed("create"));
            }
            api.outcome = match api.code {
                Some(code) => http_outcome(code),
                None if api.operation.is_some() => Some(cloudtrail::outcome(self.error.as_deref())),
                None => None,
            };
            event.api = Some(Box::new(std::mem::take(api)));
        }
        if self.actor != Actor::default() {
            event.actor = Some(Box::new(std::mem::take(&mut self.actor)));
        }
        event.container = build::container(std::mem::take(&mut self.container));
        event.pod = build::pod(std::mem::take(&mut self.pod));
        let process = std::mem::take(&mut self.process);
        event.process = (process != Process::default()).then(|| Box::new(process));
    }
}

fn address<'a>(reader: &mut Reader<'a>) -> Step<Option<Text<'a>>> {
    let mut found = None;
    members(reader, |key, reader| {
        match key {
            "ipAddressV4" | "ipAddressV6" => {
                found = reader.text()?.filter(|text| is_address(text)).or(found.take())
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(found)
}

fn port(reader: &mut Reader<'_>) -> Step<Option<u16>> {
    let mut found = None;
    members(reader, |key, reader| {
        match key {
            "port" => found = reader.port()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(found)
}

/// GuardDuty writes kinds in plural and small letters.
fn known_kind(kind: Text<'_>) -> Text<'_> {
    Cow::Borrowed(match kind.to_ascii_lowercase().trim_end_matches('s') {
        "pod" => "Pod",
        "deployment" => "Deployment",
        "daemonset" => "DaemonSet",
        "statefulset" => "StatefulSet",
        "replicaset" => "ReplicaSet",
        "job" => "Job",
        "cronjob" => "CronJob",
        "replicationcontroller" => "ReplicationController",
        _ => return kind,
    })
}
