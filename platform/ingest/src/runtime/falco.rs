//! Falco's alerts, as Falco and Falcosidekick send them.
//!
//! Fields are those of the rule's output (falco.org, "Supported Fields"): any of them can be missing, `null`, `<NA>`, or a mark
//! for "not known" after events were dropped.

use model::Severity;
use model::event::{
    Actor, Api, Cloud, Container, Event, EventKind, EventRule, EventSource, File, Network, Outcome,
};
use model::event::{Pod, Process, Provider, Text};

use super::build::{self, behind_program, container_id, image, is_address, techniques, workload};
use super::reader::{Reader, Step};
use super::{Draft, Health, HealthState, Made, account, time};

/// What Falco says of itself comes as alerts of rules of this name.
const INTERNAL: &str = "Falco internal: ";

#[derive(Default)]
struct Fields<'a> {
    time: Option<u64>,
    container: Container<'a>,
    repository: Option<Text<'a>>,
    tag: Option<Text<'a>>,
    pod: Pod<'a>,
    deployment: Option<Text<'a>>,
    replica_set: Option<Text<'a>>,
    process: Process<'a>,
    name: Option<Text<'a>>,
    command_line: Option<Text<'a>>,
    parent: Process<'a>,
    parent_name: Option<Text<'a>>,
    parent_command_line: Option<Text<'a>>,
    file: Option<Text<'a>>,
    fd_name: Option<Text<'a>>,
    fd_type: Option<Text<'a>>,
    network: Network<'a>,
    local: (Option<Text<'a>>, Option<u16>),
    remote: (Option<Text<'a>>, Option<u16>),
    node: Option<Text<'a>>,
    actor: Actor<'a>,
    api: Api<'a>,
    cloud: Cloud<'a>,
    drops: Option<u64>,
    seen: Option<u64>,
    period: Option<u64>,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut event = Event::new(EventSource::Falco, EventKind::Alert);
    let (mut rule, mut host, mut uuid, mut stream, mut told, mut at) = (None, None, None, None, None, None);
    let (mut fields, mut tags) = (Fields::default(), Vec::new());
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "rule" => rule = reader.text()?,
            "time" => at = reader.time()?,
            "priority" => told = reader.text()?,
            "hostname" => host = reader.text()?,
            "uuid" => uuid = reader.text()?,
            "source" => stream = reader.text()?,
            "tags" => tags = reader.texts()?,
            "output_fields" => fields.read(reader)?,
            _ => reader.skip()?,
        }
    }
    let Some(rule) = rule else { return Ok(Made::missing("`rule` is missing: not an alert of Falco")) };
    event.sensor.clone_from(&host);
    event.severity = told.map(|priority| severity(&priority));
    let internal = rule.strip_prefix(INTERNAL).map(str::to_owned);
    let on_host = stream.is_none_or(|stream| stream == "syscall") || internal.is_some();
    event.node = fields.node.take().or(if on_host { host } else { None });
    event.title = Some(rule.clone());
    let mut draft = Draft::new(event);
    draft.id = uuid;
    draft.time = at.or(fields.time);
    if let Some(what) = internal {
        draft.event.kind = EventKind::SensorHealth;
        return Ok(Made::Health(draft, fields.health(&what)));
    }
    let techniques = techniques(&tags);
    draft.event.rule =
        Some(Box::new(EventRule { id: Some(rule.clone()), name: Some(rule), tags, techniques }));
    fields.fill(&mut draft.event);
    Ok(Made::Event(draft))
}

fn severity(priority: &str) -> Severity {
    match priority.to_ascii_lowercase().as_str() {
        "emergency" | "alert" | "critical" => Severity::Critical,
        "error" => Severity::High,
        "warning" => Severity::Medium,
        "notice" => Severity::Low,
        "informational" | "info" | "debug" => Severity::Negligible,
        _ => Severity::Unknown,
    }
}

/// A text that says something.
fn told<'a>(reader: &mut Reader<'a>) -> Step<Option<Text<'a>>> {
    Ok(reader.text()?.filter(|text| text != "<NA>"))
}

fn ns(reader: &mut Reader<'_>) -> Step<Option<u64>> {
    Ok(reader.integer()?.and_then(|number| time::since(number, 1)))
}

fn count(reader: &mut Reader<'_>) -> Step<Option<u64>> {
    Ok(reader.integer()?.and_then(|number| u64::try_from(number).ok()))
}

impl<'a> Fields<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            let key = key.as_ref();
            // One question for each of the groups that most rules print, before the long lists.
            match key.split_once('.').map_or(key, |(group, _)| group) {
                "proc" | "user" => self.process_field(key, reader)?,
                "container" | "k8s" => self.container_field(key, reader)?,
                "fd" | "fs" => self.file_field(key, reader)?,
                "ka" | "ct" => self.api_field(key, reader)?,
                _ => self.own_field(key, reader)?,
            }
        }
        Ok(())
    }

    fn process_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Step<()> {
        match key {
            "proc.exepath" => self.process.binary = told(reader)?,
            "proc.name" => self.name = told(reader)?,
            "proc.args" => self.process.arguments = told(reader)?,
            "proc.cmdline" => self.command_line = told(reader)?,
            "proc.cwd" => self.process.cwd = told(reader)?,
            "proc.pid" => self.process.pid = reader.small()?,
            "proc.pid.ts" => self.process.started_at = ns(reader)?,
            "proc.ppid" => self.parent.pid = reader.small()?,
            "proc.ppid.ts" => self.parent.started_at = ns(reader)?,
            "proc.pname" => self.parent_name = told(reader)?,
            "proc.pexepath" => self.parent.binary = told(reader)?,
            "proc.pcmdline" => self.parent_command_line = told(reader)?,
            "user.uid" => self.process.uid = reader.small()?,
            "user.name" => self.process.user = told(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn container_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Step<()> {
        match key {
            "container.id" => self.container.id = told(reader)?.and_then(container_id),
            "container.full_id" => {
                if let Some(id) = told(reader)?.and_then(container_id) {
                    self.container.id = Some(id);
                }
            }
            "container.name" => self.container.name = told(reader)?.filter(|name| name != "host"),
            "container.image" => self.container.image = told(reader)?,
            "container.image.repository" => self.repository = told(reader)?,
            "container.image.tag" => self.tag = told(reader)?,
            "container.image.digest" => {
                self.container.digest = told(reader)?.and_then(|digest| image(digest).1)
            }
            "k8s.ns.name" => self.pod.namespace = told(reader)?,
            "k8s.pod.name" => self.pod.name = told(reader)?,
            "k8s.pod.uid" => self.pod.uid = told(reader)?,
            "k8s.deployment.name" => self.deployment = told(reader)?,
            "k8s.rs.name" => self.replica_set = told(reader)?,
            "k8s.node.name" => self.node = told(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn file_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Step<()> {
        let network = &mut self.network;
        match key {
            "fs.path.name" => self.file = told(reader)?,
            "fd.name" => self.fd_name = told(reader)?,
            "fd.type" => self.fd_type = told(reader)?,
            "fd.l4proto" => network.protocol = told(reader)?,
            "fd.cip" => network.source_ip = told(reader)?,
            "fd.cport" => network.source_port = reader.port()?,
            "fd.sip" => network.destination_ip = told(reader)?,
            "fd.sport" => network.destination_port = reader.port()?,
            "fd.sip.name" => network.destination_name = told(reader)?,
            "fd.lip" => self.local.0 = told(reader)?,
            "fd.lport" => self.local.1 = reader.port()?,
            "fd.rip" => self.remote.0 = told(reader)?,
            "fd.rport" => self.remote.1 = reader.port()?,
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn api_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Step<()> {
        match key {
            "ka.user.name" | "ct.user.arn" => self.actor.name = told(reader)?,
            "ka.verb" => self.api.verb = told(reader)?,
            "ka.target.resource" => self.api.resource = told(reader)?,
            "ka.target.subresource" => self.api.subresource = told(reader)?,
            "ka.target.namespace" => self.api.namespace = told(reader)?,
            "ka.target.name" => self.api.name = told(reader)?,
            "ka.response.code" => self.api.code = reader.small()?.and_then(|code| i32::try_from(code).ok()),
            "ka.useragent" | "ct.useragent" => self.actor.user_agent = told(reader)?,
            "ct.name" => self.api.operation = told(reader)?,
            "ct.src" => self.api.service = told(reader)?,
            "ct.srcip" => self.actor.source_ips.extend(told(reader)?.filter(|text| is_address(text))),
            "ct.region" => self.cloud.region = told(reader)?,
            "ct.user.accountid" => self.cloud.account = told(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// Of the event itself, and of Falco's reports about itself.
    fn own_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Step<()> {
        match key {
            "evt.time" | "evt.rawtime" => self.time = ns(reader)?.filter(|time| *time > time::SECOND),
            "n_drops" | "scap.n_drops" => self.drops = count(reader)?,
            "n_evts" | "scap.n_evts" | "falco.num_evts" => self.seen = count(reader)?.or(self.seen),
            "falco.outputs_queue_num_drops" => {
                let drops = count(reader)?.filter(|drops| *drops > 0);
                self.drops = self.drops.or(drops);
            }
            "falco.duration_sec" => {
                self.period = count(reader)?.and_then(|seconds| seconds.checked_mul(time::SECOND));
            }
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// Figures of a snapshot count from the start of the sensor, and so does its period.
    fn health(&self, what: &str) -> Health {
        let state = if what.contains("drop") { HealthState::Drops } else { HealthState::Report };
        Health { state, drops: self.drops, seen: self.seen, period_ns: self.period }
    }

    fn fill(&mut self, event: &mut Event<'a>) {
        self.fill_process(event);
        self.fill_place(event);
        self.fill_network(event);
        let cloud = self.api.operation.is_some();
        if let Some(name) = self.actor.name.as_deref() {
            self.actor.kind = if cloud { super::cloudtrail::kind_of_arn(name) } else { account::kind(name) };
        }
        if self.actor != Actor::default() {
            event.actor = Some(Box::new(std::mem::take(&mut self.actor)));
        }
        if self.api != Api::default() {
            let mut api = std::mem::take(&mut self.api);
            if !cloud {
                api.service = Some(Text::Borrowed("kubernetes"));
                if api.subresource.as_deref().is_some_and(account::is_connection) {
                    api.verb = Some(Text::Borrowed("create"));
                }
                api.outcome = api.code.and_then(http_outcome);
            }
            event.api = Some(Box::new(api));
        }
        if self.cloud != Cloud::default() {
            self.cloud.provider = Some(Provider::Aws);
            event.cloud = Some(Box::new(std::mem::take(&mut self.cloud)));
        }
    }

    fn fill_process(&mut self, event: &mut Event<'a>) {
        let mut process = std::mem::take(&mut self.process);
        let mut parent = std::mem::take(&mut self.parent);
        process.binary = process.binary.or(self.name.take());
        process.arguments = process.arguments.or_else(|| self.command_line.take().and_then(behind_program));
        parent.binary = parent.binary.or(self.parent_name.take());
        parent.arguments = self.parent_command_line.take().and_then(behind_program);
        if parent != Process::default() {
            process.parent = Some(Box::new(parent));
        }
        // A user alone is no process: alerts of other streams print one too.
        let known = process.pid.is_some() || process.binary.is_some() || process.parent.is_some();
        event.process = known.then(|| Box::new(process));
    }

    fn fill_place(&mut self, event: &mut Event<'a>) {
        let mut container = std::mem::take(&mut self.container);
        if let Some(repository) = self.repository.take() {
            container.image = Some(match self.tag.take() {
                Some(tag) => Text::Owned([&*repository, ":", &tag].concat()),
                None => repository,
            });
        } else if let Some(told) = container.image.take() {
            let (name, digest) = image(told);
            (container.image, container.digest) = (name, container.digest.take().or(digest));
        }
        event.container = build::container(container);
        let mut pod = std::mem::take(&mut self.pod);
        let owner = self.deployment.take().map(|name| ("Deployment", name));
        let owner = owner.or(self.replica_set.take().map(|name| ("ReplicaSet", name)));
        pod.workload = owner.and_then(|(kind, name)| workload(Some(Text::Borrowed(kind)), Some(name)));
        event.pod = build::pod(pod);
    }

    fn fill_network(&mut self, event: &mut Event<'a>) {
        let mut network = std::mem::take(&mut self.network);
        let kind = self.fd_type.take();
        let mut file = self.file.take();
        if let Some(name) = self.fd_name.take() {
            if kind.as_deref().is_some_and(|kind| kind == "ipv4" || kind == "ipv6") || name.contains("->") {
                if network.source_ip.is_none() && network.destination_ip.is_none() {
                    ends(&name, &mut network);
                }
            } else if kind.is_none_or(|kind| kind == "file" || kind == "directory") && name.starts_with('/') {
                file = file.or(Some(name));
            }
        }
        if network.source_ip.is_none() && network.destination_ip.is_none() {
            (network.source_ip, network.source_port) = std::mem::take(&mut self.local);
            (network.destination_ip, network.destination_port) = std::mem::take(&mut self.remote);
        }
        if network.source_ip.is_some()
            || network.destination_ip.is_some()
            || network.destination_name.is_some()
        {
            event.network = Some(Box::new(network));
        }
        event.file = file.map(|path| File { path });
    }
}

/// Reads `10.0.0.1:1234->10.0.0.2:443`.
fn ends(name: &str, network: &mut Network<'_>) {
    let Some((source, destination)) = name.split_once("->") else { return };
    let end = |text: &str| {
        let (address, port) = text.rsplit_once(':')?;
        let address = address.trim_start_matches('[').trim_end_matches(']');
        is_address(address).then(|| (Text::Owned(address.to_owned()), port.parse::<u16>().ok()))
    };
    if let Some((address, port)) = end(source) {
        (network.source_ip, network.source_port) = (Some(address), port);
    }
    if let Some((address, port)) = end(destination) {
        (network.destination_ip, network.destination_port) = (Some(address), port);
    }
}

/// How a call of HTTP ended. A switch of protocols (101) is how `exec` succeeds.
pub(super) fn http_outcome(code: i32) -> Option<Outcome> {
    Some(match code {
        101 | 200..=399 => Outcome::Success,
        401 | 403 => Outcome::Denied,
        400.. => Outcome::Error,
        _ => return None,
    })
}
