//! CloudTrail records (AWS, "CloudTrail record contents"), from files and by way of EventBridge.

use model::event::{Actor, ActorKind, Api, Cloud, Event, EventKind, EventSource, Outcome, Provider, Text};

use super::build::is_address;
use super::reader::{Reader, Step};
use super::{Draft, Made};
use crate::limits;

#[derive(Default)]
struct Told<'a> {
    id: Option<Text<'a>>,
    time: Option<u64>,
    actor: Actor<'a>,
    identity: Identity<'a>,
    api: Api<'a>,
    cloud: Cloud<'a>,
    error: Option<Text<'a>>,
    login: Option<Text<'a>>,
}

/// `userIdentity`.
#[derive(Default)]
struct Identity<'a> {
    kind: Option<Text<'a>>,
    arn: Option<Text<'a>>,
    user: Option<Text<'a>>,
    principal: Option<Text<'a>>,
    service: Option<Text<'a>>,
    account: Option<Text<'a>>,
    issuer: Option<Text<'a>>,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut told = Told::default();
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "eventID" => told.id = reader.text()?,
            "eventTime" => told.time = reader.time()?,
            "eventSource" => told.api.service = reader.text()?,
            "eventName" => told.api.operation = reader.text()?,
            "awsRegion" => told.cloud.region = reader.text()?,
            "sourceIPAddress" => told.actor.source_ips.extend(reader.text()?.filter(|text| is_address(text))),
            "userAgent" => told.actor.user_agent = reader.text()?,
            "errorCode" => told.error = reader.text()?,
            "recipientAccountId" => told.cloud.account = reader.text()?,
            "resources" => told.resources(reader)?,
            "responseElements" => told.response(reader)?,
            "userIdentity" => told.identity = Identity::read(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(told.made())
}

impl<'a> Identity<'a> {
    fn read(reader: &mut Reader<'a>) -> Step<Self> {
        let mut identity = Self::default();
        if !reader.object()? {
            return Ok(identity);
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "type" => identity.kind = reader.text()?,
                "arn" => identity.arn = reader.text()?,
                "userName" => identity.user = reader.text()?,
                "principalId" => identity.principal = reader.text()?,
                "invokedBy" => identity.service = reader.text()?,
                "accountId" => identity.account = reader.text()?,
                "sessionContext" => identity.session(reader)?,
                _ => reader.skip()?,
            }
        }
        Ok(identity)
    }

    fn session(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            if key != "sessionIssuer" || !reader.object()? {
                if key != "sessionIssuer" {
                    reader.skip()?;
                }
                continue;
            }
            while let Some(key) = reader.key()? {
                if key == "arn" { self.issuer = reader.text()? } else { reader.skip()? }
            }
        }
        Ok(())
    }

    fn kind(&self) -> ActorKind {
        match self.kind.as_deref() {
            Some(
                "Root" | "IAMUser" | "FederatedUser" | "SAMLUser" | "WebIdentityUser" | "IdentityCenterUser"
                | "Directory",
            ) => ActorKind::User,
            Some("AssumedRole" | "Role") => ActorKind::Role,
            Some("AWSService") => ActorKind::Service,
            Some(_) => ActorKind::Unknown,
            None => self.arn.as_deref().map(kind_of_arn).unwrap_or_default(),
        }
    }
}

/// What sort of principal an ARN names.
pub(super) fn kind_of_arn(arn: &str) -> ActorKind {
    match arn.rsplit_once(':').map(|(_, name)| name.split('/').next().unwrap_or_default()) {
        Some("user" | "root" | "federated-user") => ActorKind::User,
        Some("assumed-role" | "role") => ActorKind::Role,
        _ => ActorKind::Unknown,
    }
}

/// How a call ended, by its error code.
pub(super) fn outcome(error: Option<&str>) -> Outcome {
    let denied = |code: &str| {
        ["AccessDenied", "Unauthorized", "NotAuthorized", "Forbidden", "AuthFailure", "Failed authentication"]
            .iter()
            .any(|word| code.contains(word))
    };
    match error {
        None => Outcome::Success,
        Some(code) if denied(code) => Outcome::Denied,
        Some(_) => Outcome::Error,
    }
}

impl<'a> Told<'a> {
    fn resources(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.list()? {
            return Ok(());
        }
        while reader.item()? {
            if !reader.object()? {
                continue;
            }
            while let Some(key) = reader.key()? {
                match key.as_ref() {
                    "ARN" | "arn" => {
                        let name = reader.text()?;
                        if self.cloud.resources.len() < limits::EVENT_LIST {
                            self.cloud.resources.extend(name);
                        }
                    }
                    _ => reader.skip()?,
                }
            }
        }
        Ok(())
    }

    /// A login to the console says only here that it failed.
    fn response(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            if key == "ConsoleLogin" { self.login = reader.text()? } else { reader.skip()? }
        }
        Ok(())
    }

    fn made(self) -> Made<'a> {
        let Self { id: Some(id), time, mut actor, identity, mut api, mut cloud, error, login } = self else {
            return Made::missing("`eventID` is missing: not a record of CloudTrail");
        };
        api.outcome = Some(match login.as_deref() {
            Some("Failure") => Outcome::Denied,
            _ => outcome(error.as_deref()),
        });
        cloud.provider = Some(Provider::Aws);
        actor.kind = identity.kind();
        let name = identity.arn.or(identity.service).or(identity.user).or(identity.principal);
        actor.name = name;
        cloud.account = cloud.account.or(identity.account);
        let mut event = Event::new(EventSource::CloudTrail, EventKind::ApiCall);
        event.actor = Some(Box::new(actor));
        event.api = Some(Box::new(api));
        event.cloud = Some(Box::new(cloud));
        let mut draft = Draft::new(event);
        draft.id = Some(id);
        draft.time = time;
        draft.other_principal = identity.issuer;
        Made::Event(draft)
    }
}
