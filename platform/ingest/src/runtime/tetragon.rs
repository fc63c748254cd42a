//! Tetragon's export: one object a line, whose one key beside `node_name` and `time` names the event
//! (tetragon.io, "Events"; `api/v1/tetragon/events.proto` and `tetragon.proto`).

use model::event::{Container, Event, EventKind, EventRule, EventSource, File, Network, Pod, Process, Text};

use super::build::{self, container_id, image, techniques, workload};
use super::reader::{Reader, Step};
use super::{Draft, Health, HealthState, Made, ProblemCode};
use crate::limits;

#[derive(Default)]
struct Line<'a> {
    name: Option<&'static str>,
    other: bool,
    node: Option<Text<'a>>,
    /// As it is written: part of the id.
    time_text: Option<Text<'a>>,
    body: Body<'a>,
}

/// What the events have in common, whatever their names.
#[derive(Default)]
struct Body<'a> {
    process: Process<'a>,
    parent: Process<'a>,
    container: Container<'a>,
    pod: Pod<'a>,
    function: Option<Text<'a>>,
    policy: Option<Text<'a>>,
    message: Option<Text<'a>>,
    tags: Vec<Text<'a>>,
    file: Option<Text<'a>>,
    network: Network<'a>,
    throttle: Option<Text<'a>>,
    dropped: Option<i64>,
}

/// The names of events, of `oneof event` in the protocol.
const NAMES: [&str; 11] = [
    "process_exec",
    "process_exit",
    "process_kprobe",
    "process_tracepoint",
    "process_uprobe",
    "process_usdt",
    "process_lsm",
    "process_loader",
    "process_throttle",
    "rate_limit_info",
    "test",
];

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut line = Line::default();
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "node_name" => line.node = reader.text()?,
            "time" => line.time_text = reader.text()?,
            key => match NAMES.iter().find(|name| **name == key) {
                Some(name) if line.name.is_none() => {
                    line.name = Some(name);
                    line.body = Body::read(reader)?;
                }
                _ => {
                    line.other |= key.starts_with("process_");
                    reader.skip()?;
                }
            },
        }
    }
    Ok(line.made())
}

impl<'a> Line<'a> {
    fn made(self) -> Made<'a> {
        let Self { name: Some(name), node, time_text, body, .. } = self else {
            return if self.other {
                Made::Refused(ProblemCode::Unsupported, "an event of Tetragon that is not known here".into())
            } else {
                Made::missing("no key names an event of Tetragon")
            };
        };
        let mut event = Event::new(EventSource::Tetragon, EventKind::SensorHealth);
        event.sensor.clone_from(&node);
        event.node = node;
        let time = time_text.as_deref().and_then(super::time::parse);
        if matches!(name, "process_throttle" | "rate_limit_info" | "test") {
            let health = body.health(name);
            event.title = Some(Text::Borrowed(match health.state {
                HealthState::Throttled => "Tetragon holds back events of a cgroup",
                HealthState::Recovered => "Tetragon holds back events no longer",
                HealthState::Drops => "Tetragon dropped events at its rate limit",
                HealthState::Truncated | HealthState::Report => "Tetragon is alive",
            }));
            let mut draft = Draft::new(event);
            draft.time = time;
            return Made::Health(draft, health);
        }
        event.kind = body.kind(name);
        let mut draft = Draft::new(event);
        draft.time = time;
        draft.id =
            body.process.exec_id.as_deref().filter(|id| id.len() < limits::EVENT_KEY_BYTES).map(|exec_id| {
                let once = matches!(name, "process_exec" | "process_exit");
                let when = if once { None } else { time_text.as_deref() };
                let parts = [exec_id, "/", name, when.map_or("", |_| "/"), when.unwrap_or_default()];
                parts.concat().into()
            });
        body.fill(name, &mut draft.event);
        Made::Event(draft)
    }
}

impl<'a> Body<'a> {
    fn read(reader: &mut Reader<'a>) -> Step<Self> {
        let mut body = Self::default();
        if !reader.object()? {
            return Ok(body);
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "process" => body.process = body.process(reader, true)?,
                "parent" => body.parent = body.process(reader, false)?,
                "function_name" | "symbol" => body.function = reader.text()?,
                "event" if body.function.is_none() => body.function = reader.text()?,
                "policy_name" => body.policy = reader.text()?,
                "message" => body.message = reader.text()?,
                "tags" => body.tags = reader.texts()?,
                "args" => body.arguments(reader)?,
                // Of a loader, and of a uprobe, which is in a file but does not touch it.
                "path" => {
                    let path = reader.text()?;
                    body.file = body.file.take().or(path);
                }
                "type" => body.throttle = reader.text()?,
                "number_of_dropped_process_events" => body.dropped = reader.integer()?,
                _ => reader.skip()?,
            }
        }
        Ok(body)
    }

    /// A process; `own` for the one whose pod and container are those of the event.
    fn process(&mut self, reader: &mut Reader<'a>, own: bool) -> Step<Process<'a>> {
        let mut process = Process::default();
        let mut parent = None;
        if !reader.object()? {
            return Ok(process);
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "exec_id" => process.exec_id = reader.text()?,
                "pid" => process.pid = reader.small()?,
                "uid" => process.uid = reader.small()?,
                "cwd" => process.cwd = reader.text()?,
                "binary" => process.binary = reader.text()?,
                "arguments" => process.arguments = reader.text()?,
                "start_time" => process.started_at = reader.time()?,
                "parent_exec_id" => parent = reader.text()?,
                "pod" if own => self.pod(reader)?,
                "docker" if own => {
                    let id = reader.text()?;
                    self.container.id = self.container.id.take().or(id);
                }
                "user" => process.user = account(reader)?,
                _ => reader.skip()?,
            }
        }
        if let Some(exec_id) = parent {
            process.parent = Some(Box::new(Process { exec_id: Some(exec_id), ..Process::default() }));
        }
        Ok(process)
    }

    fn pod(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        let (mut kind, mut name) = (None, None);
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "namespace" => self.pod.namespace = reader.text()?,
                "name" => self.pod.name = reader.text()?,
                "uid" => self.pod.uid = reader.text()?,
                "workload" => name = reader.text()?,
                "workload_kind" => kind = reader.text()?,
                "container" => self.container(reader)?,
                _ => reader.skip()?,
            }
        }
        self.pod.workload = workload(kind, name);
        Ok(())
    }

    fn container(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "id" => {
                    let id = reader.text()?.and_then(container_id);
                    self.container.id = id.or(self.container.id.take());
                }
                "name" => self.container.name = reader.text()?,
                "image" => self.image(reader)?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn image(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "id" => {
                    let (name, digest) = reader.text()?.map(image).unwrap_or_default();
                    self.container.digest = digest;
                    self.container.image = self.container.image.take().or(name);
                }
                "name" => self.container.image = reader.text()?.or(self.container.image.take()),
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    /// Arguments of a hook: each an object of one key that names its type.
    fn arguments(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.list()? {
            return Ok(());
        }
        while reader.item()? {
            if !reader.object()? {
                continue;
            }
            while let Some(key) = reader.key()? {
                match key.as_ref() {
                    "file_arg" | "path_arg" | "linux_binprm_arg" => self.path(reader)?,
                    "sock_arg" | "skb_arg" | "sockaddr_arg" => self.socket(reader)?,
                    _ => reader.skip()?,
                }
            }
        }
        Ok(())
    }

    fn path(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            if key == "path" {
                let path = reader.text()?;
                self.file = self.file.take().or(path);
            } else {
                reader.skip()?;
            }
        }
        Ok(())
    }

    fn socket(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        let network = &mut self.network;
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "protocol" => network.protocol = reader.text()?.map(protocol),
                "saddr" => network.source_ip = reader.text()?,
                "sport" => network.source_port = reader.port()?,
                "daddr" | "addr" => network.destination_ip = reader.text()?,
                "dport" | "port" => network.destination_port = reader.port()?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn kind(&self, name: &str) -> EventKind {
        match name {
            "process_exec" => EventKind::ProcessExec,
            "process_exit" => EventKind::ProcessExit,
            "process_loader" => EventKind::FileAccess,
            // The file of a uprobe is where the hook is.
            "process_uprobe" | "process_usdt" => EventKind::Alert,
            _ if self.network.destination_ip.is_some() || self.network.source_ip.is_some() => {
                EventKind::NetworkConnect
            }
            _ if self.file.is_some() => EventKind::FileAccess,
            _ => EventKind::Alert,
        }
    }

    fn health(&self, name: &str) -> Health {
        let drops = self.dropped.and_then(|dropped| u64::try_from(dropped).ok());
        let state = match (name, self.throttle.as_deref()) {
            ("process_throttle", Some("THROTTLE_STOP")) => HealthState::Recovered,
            ("process_throttle", _) => HealthState::Throttled,
            ("rate_limit_info", _) => HealthState::Drops,
            _ => HealthState::Report,
        };
        Health { state, drops, seen: None, period_ns: None }
    }

    fn fill(mut self, name: &str, event: &mut Event<'a>) {
        let mut process = self.process;
        if self.parent != Process::default() {
            process.parent = Some(Box::new(self.parent));
        }
        event.process = (process != Process::default()).then(|| Box::new(process));
        event.container = build::container(self.container);
        event.pod = build::pod(self.pod);
        if !matches!(name, "process_uprobe" | "process_usdt") {
            event.file = self.file.map(|path| File { path });
        }
        if self.network != Network::default() {
            event.network = Some(Box::new(self.network));
        }
        event.title = self.message.take();
        if let Some(policy) = self.policy {
            if event.title.is_none() && event.kind == EventKind::Alert {
                let function = self.function.as_deref().unwrap_or(name);
                event.title = Some(Text::Owned([&*policy, ": ", function].concat()));
            }
            let techniques = techniques(&self.tags);
            event.rule = Some(Box::new(EventRule {
                id: Some(policy.clone()),
                name: Some(policy),
                tags: self.tags,
                techniques,
            }));
        }
    }
}

fn account<'a>(reader: &mut Reader<'a>) -> Step<Option<Text<'a>>> {
    let mut name = None;
    if reader.object()? {
        while let Some(key) = reader.key()? {
            if key == "name" { name = reader.text()? } else { reader.skip()? }
        }
    }
    Ok(name)
}

fn protocol(protocol: Text<'_>) -> Text<'_> {
    match protocol.as_ref() {
        "IPPROTO_TCP" => Text::Borrowed("tcp"),
        "IPPROTO_UDP" => Text::Borrowed("udp"),
        other => Text::Owned(other.strip_prefix("IPPROTO_").unwrap_or(other).to_ascii_lowercase()),
    }
}
