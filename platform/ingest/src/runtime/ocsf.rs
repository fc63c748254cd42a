//! Findings in the Open Cybersecurity Schema (schema.ocsf.io): Detection Finding (class 2004), and Security Finding (class 2001),
//! which newer versions have no more and some tools still write.

use std::borrow::Cow;

use model::Severity;
use model::event::{
    Actor, ActorKind, Api, Cloud, Container, Event, EventKind, EventRule, EventSource, File, Network, Pod,
    Process, Provider, Text,
};

use super::build::{self, behind_program, container_id, image};
use super::reader::{Reader, Step};
use super::{Draft, Made, ProblemCode, time};
use crate::limits;

const DETECTION_FINDING: i64 = 2004;
const SECURITY_FINDING: i64 = 2001;

const MILLISECOND: u64 = 1_000_000;

#[derive(Default)]
struct Told<'a> {
    class: Option<i64>,
    severity: Option<i64>,
    time: Option<u64>,
    message: Option<Text<'a>>,
    uid: Option<Text<'a>>,
    product: Option<Text<'a>>,
    title: Option<Text<'a>>,
    rule: EventRule<'a>,
    count: Option<u64>,
    device: Option<Text<'a>>,
    process: Process<'a>,
    file: Option<Text<'a>>,
    network: Network<'a>,
    actor: Actor<'a>,
    api: Api<'a>,
    container: Container<'a>,
    pod: Pod<'a>,
    cloud: Cloud<'a>,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut told = Told::default();
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "class_uid" => told.class = reader.integer()?,
            "severity_id" => told.severity = reader.integer()?,
            "time" => told.time = reader.integer()?.and_then(|count| time::since(count, MILLISECOND)),
            "message" => told.message = reader.text()?,
            "count" => told.count = reader.integer()?.and_then(|count| u64::try_from(count).ok()),
            "metadata" => told.metadata(reader)?,
            "finding_info" | "finding" => told.finding(reader)?,
            "attacks" => told.attacks(reader)?,
            "resources" => told.resources(reader)?,
            "evidences" => told.evidences(reader)?,
            "process" => told.process = process(reader, 0)?,
            "device" => told.device = member(reader, &["hostname", "name", "uid"])?,
            "actor" => told.actor(reader)?,
            "cloud" => told.cloud(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(told.made())
}

/// The member of an object that stands first in a list of names.
fn member<'a>(reader: &mut Reader<'a>, names: &[&str]) -> Step<Option<Text<'a>>> {
    let mut best: Option<(usize, Text<'a>)> = None;
    if reader.object()? {
        while let Some(key) = reader.key()? {
            let Some(place) = names.iter().position(|name| *name == key) else {
                reader.skip()?;
                continue;
            };
            if let Some(text) = reader.word()?
                && best.as_ref().is_none_or(|(known, _)| place < *known)
            {
                best = Some((place, text));
            }
        }
    }
    Ok(best.map(|(_, text)| text))
}

fn process<'a>(reader: &mut Reader<'a>, parents: usize) -> Step<Process<'a>> {
    let mut process = Process::default();
    if !reader.object()? {
        return Ok(process);
    }
    let (mut name, mut line) = (None, None);
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "pid" => process.pid = reader.small()?,
            "name" => name = reader.text()?,
            "cmd_line" => line = reader.text()?,
            "working_directory" => process.cwd = reader.text()?,
            "file" => process.binary = member(reader, &["path", "name"])?,
            "user" => process.user = member(reader, &["name", "uid"])?,
            "created_time" => {
                process.started_at = reader.integer()?.and_then(|count| time::since(count, MILLISECOND))
            }
            "parent_process" if parents == 0 => process.parent = Some(Box::new(self::process(reader, 1)?)),
            _ => reader.skip()?,
        }
    }
    process.binary = process.binary.or(name);
    process.arguments = line.and_then(behind_program);
    Ok(process)
}

impl<'a> Told<'a> {
    fn metadata(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "uid" => self.uid = reader.text()?,
                "product" => self.product = member(reader, &["name", "vendor_name"])?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn finding(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "title" => self.title = reader.text()?,
                "types" => self.rule.tags = reader.texts()?,
                "attacks" => self.attacks(reader)?,
                "analytic" if reader.object()? => {
                    while let Some(key) = reader.key()? {
                        match key.as_ref() {
                            "uid" => self.rule.id = reader.text()?,
                            "name" => self.rule.name = reader.text()?,
                            _ => reader.skip()?,
                        }
                    }
                }
                "analytic" => {}
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn attacks(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.list()? {
            return Ok(());
        }
        while reader.item()? {
            if !reader.object()? {
                continue;
            }
            let (mut technique, mut part) = (None, None);
            while let Some(key) = reader.key()? {
                match key.as_ref() {
                    "technique" => technique = member(reader, &["uid"])?,
                    "sub_technique" => part = member(reader, &["uid"])?,
                    _ => reader.skip()?,
                }
            }
            let techniques = &mut self.rule.techniques;
            if let Some(uid) = part.or(technique)
                && techniques.len() < limits::EVENT_LIST
                && !techniques.contains(&uid)
            {
                techniques.push(uid);
            }
        }
        Ok(())
    }

    fn resources(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.list()? {
            return Ok(());
        }
        while reader.item()? {
            let name = member(reader, &["uid", "name"])?;
            if self.cloud.resources.len() < limits::EVENT_LIST {
                self.cloud.resources.extend(name);
            }
        }
        Ok(())
    }

    /// Of several pieces of evidence the first that has a part tells it.
    fn evidences(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.list()? {
            return Ok(());
        }
        while reader.item()? {
            if !reader.object()? {
                continue;
            }
            while let Some(key) = reader.key()? {
                match key.as_ref() {
                    "process" if self.process == Process::default() => self.process = process(reader, 0)?,
                    "file" if self.file.is_none() => self.file = member(reader, &["path", "name"])?,
                    "actor" => self.actor(reader)?,
                    "container" => self.container(reader)?,
                    "src_endpoint" if self.network.source_ip.is_none() => {
                        let (ip, port, _) = endpoint(reader)?;
                        (self.network.source_ip, self.network.source_port) = (ip, port);
                    }
                    "dst_endpoint" if self.network.destination_ip.is_none() => {
                        let (ip, port, name) = endpoint(reader)?;
                        (self.network.destination_ip, self.network.destination_port) = (ip, port);
                        self.network.destination_name = name;
                    }
                    "api" if self.api == Api::default() => self.api(reader)?,
                    _ => reader.skip()?,
                }
            }
        }
        Ok(())
    }

    fn api(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "operation" => self.api.operation = reader.text()?,
                "service" => self.api.service = member(reader, &["name", "uid"])?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn container(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "uid" => self.container.id = reader.text()?.and_then(container_id),
                "name" => self.container.name = reader.text()?,
                "image" => {
                    let told = member(reader, &["name", "path", "uid"])?;
                    (self.container.image, self.container.digest) = told.map(image).unwrap_or_default();
                }
                "pod_uuid" => self.pod.uid = reader.text()?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn actor(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "user" => {
                    let name = member(reader, &["name", "email_addr", "uid"])?;
                    if name.is_some() && self.actor.name.is_none() {
                        (self.actor.kind, self.actor.name) = (ActorKind::User, name);
                    }
                }
                "process" if self.process == Process::default() => self.process = process(reader, 0)?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn cloud(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "provider" => self.cloud.provider = reader.text()?.and_then(|word| provider(&word)),
                "region" => self.cloud.region = reader.text()?,
                "account" => self.cloud.account = member(reader, &["uid", "name"])?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn made(mut self) -> Made<'a> {
        match self.class {
            Some(DETECTION_FINDING | SECURITY_FINDING) => {}
            Some(_) => {
                let what = "a class of OCSF that is not read here; Detection Finding (2004) and Security Finding (2001) are";
                return Made::Refused(ProblemCode::Unsupported, what.into());
            }
            None => return Made::missing("`class_uid` is missing: not an event of OCSF"),
        }
        let mut event = Event::new(EventSource::Ocsf, EventKind::Alert);
        event.sensor = self.product.or(self.device.clone());
        event.node = self.device;
        event.severity = Some(self.severity.map_or(Severity::Unknown, severity));
        event.title = self.title.or(self.message);
        event.count = self.count;
        self.rule.id = self.rule.id.take().or_else(|| self.rule.name.clone());
        event.rule = (self.rule != EventRule::default()).then(|| Box::new(self.rule));
        event.process = (self.process != Process::default()).then(|| Box::new(self.process));
        event.file = self.file.map(|path| File { path });
        event.network = (self.network != Network::default()).then(|| Box::new(self.network));
        event.actor = (self.actor != Actor::default()).then(|| Box::new(self.actor));
        event.api = (self.api != Api::default()).then(|| Box::new(self.api));
        event.container = build::container(self.container);
        event.pod = build::pod(self.pod);
        event.cloud = (self.cloud != Cloud::default()).then(|| Box::new(self.cloud));
        let mut draft = Draft::new(event);
        draft.id = self.uid;
        draft.time = self.time;
        Made::Event(draft)
    }
}

/// Address, port and name of an endpoint.
fn endpoint<'a>(reader: &mut Reader<'a>) -> Step<(Option<Text<'a>>, Option<u16>, Option<Text<'a>>)> {
    let (mut ip, mut port, mut name) = (None, None, None);
    if reader.object()? {
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "ip" => ip = reader.text()?,
                "port" => port = reader.port()?,
                "hostname" | "domain" => name = reader.text()?,
                _ => reader.skip()?,
            }
        }
    }
    Ok((ip, port, name))
}

fn severity(number: i64) -> Severity {
    match number {
        1 => Severity::Negligible,
        2 => Severity::Low,
        3 => Severity::Medium,
        4 => Severity::High,
        5 | 6 => Severity::Critical,
        _ => Severity::Unknown,
    }
}

fn provider(word: &str) -> Option<Provider> {
    let word: Cow<'_, str> = word.to_ascii_lowercase().into();
    match word.as_ref() {
        "aws" | "amazon" => Some(Provider::Aws),
        "gcp" | "google" => Some(Provider::Gcp),
        "azure" | "microsoft" => Some(Provider::Azure),
        _ => None,
    }
}
