//! Audit events of Kubernetes (`audit.k8s.io/v1`).

use model::event::{Actor, Api, Event, EventKind, EventSource, Outcome, Pod, Text, Workload};

use super::build;
use super::falco::http_outcome;
use super::reader::{Reader, Step};
use super::{Draft, Made, account};

/// Keys of `user.extra` by which a service account's token says whose it is.
const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";

#[derive(Default)]
struct Told<'a> {
    audit_id: Option<Text<'a>>,
    stage: Option<Text<'a>>,
    received: Option<u64>,
    staged: Option<u64>,
    uid: Option<Text<'a>>,
    caller_pod: Option<Text<'a>>,
    caller_uid: Option<Text<'a>>,
    caller_node: Option<Text<'a>>,
    forbidden: bool,
    actor: Actor<'a>,
    api: Api<'a>,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut told = Told::default();
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "auditID" => told.audit_id = reader.text()?,
            "stage" => told.stage = reader.text()?,
            "verb" => told.api.verb = reader.text()?,
            "user" => told.user(reader)?,
            "impersonatedUser" => told.actor.impersonated = username(reader)?,
            "sourceIPs" => told.actor.source_ips = reader.texts()?,
            "userAgent" => told.actor.user_agent = reader.text()?,
            "objectRef" => told.object(reader)?,
            "responseStatus" => told.api.code = code(reader)?,
            "requestReceivedTimestamp" => told.received = reader.time()?,
            "stageTimestamp" => told.staged = reader.time()?,
            "annotations" => told.annotations(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(told.made())
}

fn username<'a>(reader: &mut Reader<'a>) -> Step<Option<Text<'a>>> {
    let mut name = None;
    if reader.object()? {
        while let Some(key) = reader.key()? {
            if key == "username" { name = reader.text()? } else { reader.skip()? }
        }
    }
    Ok(name)
}

fn code(reader: &mut Reader<'_>) -> Step<Option<i32>> {
    let mut code = None;
    if reader.object()? {
        while let Some(key) = reader.key()? {
            if key == "code" { code = reader.small()? } else { reader.skip()? }
        }
    }
    Ok(code.and_then(|code| i32::try_from(code).ok()))
}

impl<'a> Told<'a> {
    fn user(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "username" => self.actor.name = reader.text()?,
                "groups" => self.actor.groups = reader.texts()?,
                "extra" => self.extra(reader)?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn extra(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            let to = match key.as_ref() {
                POD_NAME => &mut self.caller_pod,
                POD_UID => &mut self.caller_uid,
                NODE_NAME => &mut self.caller_node,
                _ => {
                    reader.skip()?;
                    continue;
                }
            };
            *to = reader.texts()?.into_iter().next();
        }
        Ok(())
    }

    fn object(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "resource" => self.api.resource = reader.text()?,
                "subresource" => self.api.subresource = reader.text()?,
                "namespace" => self.api.namespace = reader.text()?,
                "name" => self.api.name = reader.text()?,
                "apiGroup" => self.api.group = reader.text()?,
                "apiVersion" => self.api.version = reader.text()?,
                "uid" => self.uid = reader.text()?,
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn annotations(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "authorization.k8s.io/decision" => {
                    self.forbidden = reader.text()?.is_some_and(|decision| decision == "forbid");
                }
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn made(mut self) -> Made<'a> {
        let (Some(audit_id), Some(stage)) = (&self.audit_id, &self.stage) else {
            return Made::missing("`auditID` or `stage` is missing: not an event of audit.k8s.io");
        };
        let mut event = Event::new(EventSource::KubernetesAudit, EventKind::ApiCall);
        let id = [audit_id, "/", stage].concat();
        let panicked = stage == "Panic";
        event.pod = self.pod();
        event.node = self.caller_node.take();
        let other_pod = self.caller_uid.take();
        let name = self.actor.name.as_deref().unwrap_or_default();
        self.actor.kind = account::kind(name);
        self.api.service = Some(Text::Borrowed("kubernetes"));
        if self.api.subresource.as_deref().is_some_and(account::is_connection) {
            self.api.verb = Some(Text::Borrowed("create"));
        }
        self.api.outcome = match self.api.code {
            _ if self.forbidden => Some(Outcome::Denied),
            _ if panicked => Some(Outcome::Error),
            Some(code) => http_outcome(code),
            None => None,
        };
        event.actor = Some(Box::new(self.actor));
        event.api = Some(Box::new(self.api));
        let mut draft = Draft::new(event);
        draft.id = Some(id.into());
        draft.time = self.staged.or(self.received);
        draft.other_pod = other_pod;
        Made::Event(draft)
    }

    /// The pod or workload that is acted upon; else the pod that the caller's token was made for.
    fn pod(&mut self) -> Option<Box<Pod<'a>>> {
        let api = &self.api;
        let named = api.namespace.is_some() && api.name.is_some();
        let resource = api.resource.as_deref().unwrap_or_default();
        if named && resource == "pods" && api.group.is_none() {
            let (namespace, name, uid) = (api.namespace.clone(), api.name.clone(), self.uid.take());
            return Some(Box::new(Pod { namespace, name, uid, ..Pod::default() }));
        }
        if named
            && let Some(kind) = workload_kind(api.group.as_deref(), resource)
            && let Some(name) = api.name.clone()
        {
            let workload = Some(Workload { kind: Text::Borrowed(kind), name });
            return Some(Box::new(Pod { namespace: api.namespace.clone(), workload, ..Pod::default() }));
        }
        let (namespace, account) = account::service_account(self.actor.name.as_deref()?)?;
        let (namespace, account) = (namespace.to_owned(), account.to_owned());
        Some(Box::new(Pod {
            namespace: Some(namespace.into()),
            name: self.caller_pod.take(),
            uid: self.caller_uid.clone(),
            workload: None,
            service_account: Some(account.into()),
        }))
    }
}

fn workload_kind(group: Option<&str>, resource: &str) -> Option<&'static str> {
    let kind = match resource {
        "deployments" => "Deployment",
        "statefulsets" => "StatefulSet",
        "daemonsets" => "DaemonSet",
        "replicasets" => "ReplicaSet",
        "jobs" => "Job",
        "cronjobs" => "CronJob",
        "replicationcontrollers" => "ReplicationController",
        _ => return None,
    };
    (build::group_of(kind) == Some(group.unwrap_or("core"))).then_some(kind)
}
