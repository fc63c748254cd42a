//! Records of Azure's activity log (Microsoft, "Azure activity log event schema", the schema of storage accounts and event hubs).

use model::event::{Actor, ActorKind, Api, Cloud, Event, EventKind, EventSource, Outcome, Provider, Text};

use super::build::is_address;
use super::reader::{Reader, Step};
use super::{Draft, Made};

const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const MAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";

#[derive(Default)]
struct Told<'a> {
    id: Option<Text<'a>>,
    time: Option<u64>,
    resource: Option<Text<'a>>,
    operation: Option<Text<'a>>,
    result: Option<Text<'a>>,
    signature: Option<Text<'a>>,
    names: [Option<Text<'a>>; 4],
    app: bool,
    actor: Actor<'a>,
    cloud: Cloud<'a>,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut told = Told::default();
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "eventDataId" => told.id = reader.text()?,
            "time" | "eventTimestamp" => told.time = reader.time()?.or(told.time),
            "resourceId" => told.resource = reader.text()?,
            "operationName" => told.operation = value(reader)?,
            "resultType" => told.result = value(reader)?,
            "resultSignature" => told.signature = value(reader)?,
            "callerIpAddress" => {
                told.actor
                    .source_ips
                    .extend(reader.text()?.map(bare_address).filter(|text| is_address(text)));
            }
            "location" => told.cloud.region = reader.text()?,
            "identity" => told.identity(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(told.made())
}

/// A text, or the `value` of an object with a translation beside it.
fn value<'a>(reader: &mut Reader<'a>) -> Step<Option<Text<'a>>> {
    if reader.look() != Some(b'{') {
        return reader.word();
    }
    let mut found = None;
    if reader.object()? {
        while let Some(key) = reader.key()? {
            if key == "value" { found = reader.text()? } else { reader.skip()? }
        }
    }
    Ok(found)
}

/// The address without a port behind it.
fn bare_address(text: Text<'_>) -> Text<'_> {
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') && is_address(address) => {
            Text::Owned(address.to_owned())
        }
        _ => text,
    }
}

impl<'a> Told<'a> {
    fn identity(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            if key == "claims" { self.claims(reader)? } else { reader.skip()? }
        }
        Ok(())
    }

    fn claims(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                UPN => self.names[0] = reader.text()?,
                NAME | MAIL => self.names[1] = reader.text()?.or(self.names[1].take()),
                "appid" => self.names[2] = reader.text()?,
                "name" => self.names[3] = reader.text()?,
                "idtyp" => self.app = reader.text()?.is_some_and(|kind| kind == "app"),
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn made(self) -> Made<'a> {
        let Self {
            id,
            time,
            resource,
            operation: Some(operation),
            result,
            signature,
            names,
            app,
            mut actor,
            mut cloud,
        } = self
        else {
            return Made::missing("`operationName` is missing: not a record of the activity log");
        };
        let [principal, mail, application, display] = names;
        actor.kind = match (app, principal.is_some() || mail.is_some(), application.is_some()) {
            (false, true, _) => ActorKind::User,
            (true, ..) | (false, false, true) => ActorKind::Service,
            _ => ActorKind::Unknown,
        };
        actor.name =
            if app { application.or(principal) } else { principal.or(mail).or(application) }.or(display);
        let mut api = Api {
            service: operation.split_once('/').map(|(service, _)| Text::Owned(service.to_owned())),
            verb: operation.rsplit_once('/').map(|(_, verb)| Text::Owned(verb.to_ascii_lowercase())),
            outcome: outcome(result.as_deref(), signature.as_deref()),
            ..Api::default()
        };
        api.operation = Some(operation);
        cloud.provider = Some(Provider::Azure);
        cloud.account = resource.as_deref().and_then(subscription).map(|id| Text::Owned(id.to_owned()));
        cloud.resources.extend(resource);
        let mut event = Event::new(EventSource::AzureActivity, EventKind::ApiCall);
        event.actor = (actor != Actor::default()).then(|| Box::new(actor));
        event.api = Some(Box::new(api));
        event.cloud = Some(Box::new(cloud));
        let mut draft = Draft::new(event);
        draft.id = id;
        draft.time = time;
        Made::Event(draft)
    }
}

/// `Start` and `Accept` are no ends; a call has another record when it is done.
fn outcome(result: Option<&str>, signature: Option<&str>) -> Option<Outcome> {
    let has = |text: Option<&str>, words: &[&str]| {
        text.is_some_and(|text| words.iter().any(|word| text.to_ascii_lowercase().contains(word)))
    };
    if has(signature, &["forbidden", "unauthorized"]) {
        Some(Outcome::Denied)
    } else if result == Some("0") || has(result, &["succe"]) {
        Some(Outcome::Success)
    } else if has(result, &["fail", "error"]) {
        Some(Outcome::Error)
    } else {
        None
    }
}

/// The subscription in `/SUBSCRIPTIONS/<id>/…`.
fn subscription(resource: &str) -> Option<&str> {
    let mut parts = resource.split('/').filter(|part| !part.is_empty());
    parts.next().filter(|part| part.eq_ignore_ascii_case("subscriptions"))?;
    parts.next()
}
