//! Cloud Logging entries that hold an audit log (Google, `LogEntry` and `google.cloud.audit.AuditLog`).

use model::event::{
    Actor, ActorKind, Api, Cloud, Event, EventKind, EventSource, Outcome, Pod, Provider, Text,
};

use super::build::is_address;
use super::reader::{Reader, Step};
use super::{Draft, Made, account};

#[derive(Default)]
struct Told<'a> {
    insert_id: Option<Text<'a>>,
    timestamp: Option<Text<'a>>,
    payload: bool,
    refused: bool,
    resource: Option<Text<'a>>,
    actor: Actor<'a>,
    api: Api<'a>,
    cloud: Cloud<'a>,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut told = Told::default();
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "insertId" => told.insert_id = reader.text()?,
            "timestamp" => told.timestamp = reader.text()?,
            "resource" => told.place(reader)?,
            "protoPayload" => told.payload(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(told.made())
}

impl<'a> Told<'a> {
    fn place(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            if key != "labels" {
                reader.skip()?;
                continue;
            }
            if !reader.object()? {
                continue;
            }
            while let Some(key) = reader.key()? {
                match key.as_ref() {
                    "project_id" => self.cloud.account = reader.text()?,
                    "location" | "region" => self.cloud.region = reader.text()?.or(self.cloud.region.take()),
                    "zone" if self.cloud.region.is_none() => self.cloud.region = reader.text()?,
                    _ => reader.skip()?,
                }
            }
        }
        Ok(())
    }

    fn payload(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        self.payload = true;
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "serviceName" => self.api.service = reader.text()?,
                "methodName" => self.api.operation = reader.text()?,
                "resourceName" => self.resource = reader.text()?,
                "authenticationInfo" => self.authentication(reader)?,
                "requestMetadata" => self.request(reader)?,
                "authorizationInfo" => self.authorization(reader)?,
                "status" => self.status(reader)?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn authentication(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        let mut subject = None;
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "principalEmail" => self.actor.name = reader.text()?,
                "principalSubject" => subject = reader.text()?,
                _ => reader.skip()?,
            }
        }
        self.actor.name = self.actor.name.take().or(subject);
        Ok(())
    }

    fn request(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "callerIp" => self.actor.source_ips.extend(reader.text()?.filter(|text| is_address(text))),
                "callerSuppliedUserAgent" => self.actor.user_agent = reader.text()?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn authorization(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.list()? {
            return Ok(());
        }
        while reader.item()? {
            if !reader.object()? {
                continue;
            }
            while let Some(key) = reader.key()? {
                if key == "granted" {
                    self.refused |= reader.flag()? == Some(false)
                } else {
                    reader.skip()?
                }
            }
        }
        Ok(())
    }

    fn status(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            if key == "code" {
                self.api.code = reader.small()?.and_then(|code| i32::try_from(code).ok());
            } else {
                reader.skip()?;
            }
        }
        Ok(())
    }

    fn made(self) -> Made<'a> {
        let Self {
            insert_id: Some(insert_id),
            timestamp,
            payload: true,
            refused,
            resource,
            mut actor,
            mut api,
            mut cloud,
        } = self
        else {
            return Made::missing("`insertId` or `protoPayload` is missing: not an audit log entry");
        };
        // Numbers of gRPC: PERMISSION_DENIED and UNAUTHENTICATED.
        api.outcome = Some(match api.code {
            Some(7 | 16) => Outcome::Denied,
            Some(0) | None if refused => Outcome::Denied,
            Some(0) | None => Outcome::Success,
            Some(_) => Outcome::Error,
        });
        let name = actor.name.as_deref().unwrap_or_default();
        let kubernetes = api.service.as_deref() == Some("k8s.io");
        actor.kind = match name {
            "" => ActorKind::Unknown,
            _ if name.starts_with("system:") => account::kind(name),
            _ if name.ends_with(".gserviceaccount.com") => ActorKind::ServiceAccount,
            _ => ActorKind::User,
        };
        cloud.provider = Some(Provider::Gcp);
        let mut event = Event::new(EventSource::GcpAudit, EventKind::ApiCall);
        if let Some(resource) = resource {
            if kubernetes {
                event.pod = object(&resource, &mut api);
            } else {
                let service = api.service.as_deref().unwrap_or_default();
                cloud.resources.push(Text::Owned(["//", service, "/", &resource].concat()));
                api.name = Some(resource);
            }
        }
        event.actor = Some(Box::new(actor));
        event.api = Some(Box::new(api));
        event.cloud = Some(Box::new(cloud));
        let mut draft = Draft::new(event);
        draft.time = timestamp.as_deref().and_then(super::time::parse);
        draft.id = Some([&*insert_id, "/", timestamp.as_deref().unwrap_or_default()].concat().into());
        Made::Event(draft)
    }
}

/// Reads `core/v1/namespaces/shop/pods/web/exec`, as GKE names the objects of a cluster.
fn object<'a>(resource: &str, api: &mut Api<'a>) -> Option<Box<Pod<'a>>> {
    let own = |part: &str| Some(Text::Owned(part.to_owned()));
    let mut parts = resource.split('/');
    let group = parts.next()?;
    api.group = own(group).filter(|group| group != "core");
    api.version = own(parts.next()?);
    let mut next = parts.next()?;
    if next == "namespaces"
        && let Some(namespace) = parts.next()
    {
        api.namespace = own(namespace);
        api.name = own(namespace);
        next = parts.next().unwrap_or("namespaces");
    }
    api.resource = own(next);
    if next != "namespaces" {
        api.name = parts.next().and_then(own);
        api.subresource = parts.next().and_then(own);
    }
    api.verb = api.operation.as_deref().and_then(|method| method.rsplit('.').next()).and_then(own);
    if api.subresource.as_deref().is_some_and(account::is_connection) {
        api.verb = Some(Text::Borrowed("create"));
    }
    let is_pod = group == "core" && next == "pods" && api.name.is_some();
    is_pod
        .then(|| Box::new(Pod { namespace: api.namespace.clone(), name: api.name.clone(), ..Pod::default() }))
}
