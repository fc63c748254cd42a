//! KubeArmor's alerts and logs, as its relay writes them.

use model::Severity;
use model::event::{Container, Event, EventKind, EventRule, EventSource, File, Network, Pod, Process, Text};

use super::build::{self, behind_program, container_id, image, is_address, program, techniques, workload};
use super::reader::{Reader, Step};
use super::{Draft, Made, time};
use crate::limits;

#[derive(Default)]
struct Told<'a> {
    host: Option<Text<'a>>,
    owner: (Option<Text<'a>>, Option<Text<'a>>),
    container: Container<'a>,
    pod: Pod<'a>,
    policy: Option<Text<'a>>,
    severity: Option<i64>,
    tags: Vec<Text<'a>>,
    message: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    source: Option<Text<'a>>,
    operation: Option<Text<'a>>,
    resource: Option<Text<'a>>,
    process: Process<'a>,
    parent: Process<'a>,
    pids: [Option<u32>; 4],
    updated: Option<u64>,
    timestamp: Option<u64>,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut told = Told::default();
    let mut attack_tags = Vec::new();
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "HostName" => told.host = reader.text()?,
            "NamespaceName" => told.pod.namespace = reader.text()?,
            "PodName" => told.pod.name = reader.text()?,
            "Owner" => told.owner(reader)?,
            "ContainerID" => told.container.id = reader.text()?.and_then(container_id),
            "ContainerName" => told.container.name = reader.text()?,
            "ContainerImage" => {
                (told.container.image, told.container.digest) = reader.text()?.map(image).unwrap_or_default();
            }
            "PolicyName" => told.policy = reader.text()?,
            "Severity" => told.severity = reader.integer()?,
            "Tags" => told.tags = reader.text()?.map(split).unwrap_or_default(),
            "ATags" => attack_tags = reader.texts()?,
            "Message" => told.message = reader.text()?,
            "Type" => told.kind = reader.text()?,
            "Source" => told.source = reader.text()?,
            "Operation" => told.operation = reader.text()?,
            "Resource" => told.resource = reader.text()?,
            "HostPID" => told.pids[0] = reader.small()?,
            "PID" => told.pids[1] = reader.small()?,
            "HostPPID" => told.pids[2] = reader.small()?,
            "PPID" => told.pids[3] = reader.small()?,
            "UID" => told.process.uid = reader.small()?,
            "Cwd" | "CWD" => told.process.cwd = reader.text()?,
            "ProcessName" => told.process.binary = reader.text()?,
            "ParentProcessName" => told.parent.binary = reader.text()?,
            "UpdatedTime" => told.updated = reader.time()?,
            "Timestamp" => {
                told.timestamp = reader.integer()?.and_then(|count| time::since(count, time::SECOND))
            }
            _ => reader.skip()?,
        }
    }
    for tag in attack_tags {
        if !told.tags.contains(&tag) {
            told.tags.push(tag);
        }
    }
    Ok(told.made())
}

fn split(tags: Text<'_>) -> Vec<Text<'_>> {
    fn parts(tags: &str) -> impl Iterator<Item = &str> {
        tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).take(limits::EVENT_LIST)
    }
    match tags {
        Text::Borrowed(tags) => parts(tags).map(Text::Borrowed).collect(),
        Text::Owned(tags) => parts(&tags).map(|tag| Text::Owned(tag.to_owned())).collect(),
    }
}

/// KubeArmor counts from 1 to 10.
fn severity(number: i64) -> Severity {
    match number {
        9.. => Severity::Critical,
        7..=8 => Severity::High,
        4..=6 => Severity::Medium,
        1..=3 => Severity::Low,
        _ => Severity::Unknown,
    }
}

impl<'a> Told<'a> {
    fn owner(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "Ref" => self.owner.0 = reader.text()?,
                "Name" => self.owner.1 = reader.text()?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn made(mut self) -> Made<'a> {
        if self.operation.is_none() && self.kind.is_none() {
            return Made::missing("`Operation` and `Type` are missing: not an alert or log of KubeArmor");
        }
        let mut event = Event::new(EventSource::KubeArmor, EventKind::Log);
        let operation = self.operation.take();
        event.kind = match operation.as_deref() {
            _ if self.policy.is_some()
                || self.kind.as_deref().is_some_and(|kind| kind.starts_with("Matched")) =>
            {
                EventKind::Alert
            }
            Some("Process") => EventKind::ProcessExec,
            Some("File") => EventKind::FileAccess,
            Some("Network") => EventKind::NetworkConnect,
            _ => EventKind::Log,
        };
        event.severity = self.severity.map(severity);
        event.title = self.message.take().or_else(|| self.policy.clone());
        if let Some(policy) = self.policy.take() {
            let techniques = techniques(&self.tags);
            let tags = std::mem::take(&mut self.tags);
            event.rule =
                Some(Box::new(EventRule { id: Some(policy.clone()), name: Some(policy), tags, techniques }));
        }
        event.sensor.clone_from(&self.host);
        event.node = self.host.take();
        let (kind, name) = std::mem::take(&mut self.owner);
        // A pod without an owner is told as its own.
        self.pod.workload = workload(kind.filter(|kind| kind != "Pod"), name);
        event.pod = build::pod(std::mem::take(&mut self.pod));
        event.container = build::container(std::mem::take(&mut self.container));
        let time = self.updated.or(self.timestamp);
        self.fill(operation.as_deref(), &mut event);
        let mut draft = Draft::new(event);
        draft.time = time;
        Made::Event(draft)
    }

    fn fill(self, operation: Option<&str>, event: &mut Event<'a>) {
        let (mut process, mut parent) = (self.process, self.parent);
        let [host_pid, pid, host_parent, parent_pid] = self.pids;
        process.pid = host_pid.filter(|pid| *pid != 0).or(pid);
        parent.pid = host_parent.filter(|pid| *pid != 0).or(parent_pid);
        match operation {
            // What was started is the resource; who started it is the source.
            Some("Process") => {
                if let Some(line) = &self.resource {
                    process.binary = Some(program(line.clone()));
                    process.arguments = behind_program(line.clone());
                }
                parent.binary = parent.binary.or(self.source.map(program));
            }
            _ => {
                if let Some(line) = self.source {
                    process.arguments = behind_program(line.clone());
                    process.binary = process.binary.or_else(|| Some(program(line)));
                }
            }
        }
        if parent != Process::default() {
            process.parent = Some(Box::new(parent));
        }
        event.process = (process != Process::default()).then(|| Box::new(process));
        match (operation, self.resource) {
            (Some("File"), Some(path)) => event.file = Some(File { path: program(path) }),
            (Some("Network"), Some(text)) => event.network = network(&text),
            _ => {}
        }
    }
}

/// Reads `remoteip=10.0.0.1 port=53 protocol=UDP` and `domain=AF_INET type=SOCK_STREAM protocol=TCP`.
fn network(resource: &str) -> Option<Box<Network<'static>>> {
    let mut network = Network::default();
    for (key, value) in resource.split(' ').filter_map(|part| part.split_once('=')) {
        match key {
            "remoteip" | "daddr" if is_address(value) => {
                network.destination_ip = Some(Text::Owned(value.to_owned()))
            }
            "port" | "dport" => network.destination_port = value.parse().ok().filter(|port| *port != 0),
            "protocol" if value.bytes().any(|byte| byte.is_ascii_alphabetic()) => {
                network.protocol = Some(Text::Owned(value.to_ascii_lowercase()));
            }
            _ => {}
        }
    }
    (network != Network::default()).then(|| Box::new(network))
}
