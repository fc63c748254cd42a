//! Okta's system log (`/api/v1/logs`), its files, and the batches of its event hooks.

use model::event::{Actor, ActorKind, Api, Event, EventKind, EventSource, Outcome, Text};

use super::build::is_address;
use super::reader::{Reader, Step};
use super::{Draft, Made};

#[derive(Default)]
struct Told<'a> {
    uuid: Option<Text<'a>>,
    published: Option<u64>,
    title: Option<Text<'a>>,
    result: Option<Text<'a>>,
    actor: Actor<'a>,
    actor_type: Option<Text<'a>>,
    api: Api<'a>,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let mut told = Told::default();
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "uuid" => told.uuid = reader.text()?,
            "published" => told.published = reader.time()?,
            "eventType" => told.api.operation = reader.text()?,
            "displayMessage" => told.title = reader.text()?,
            "actor" => (told.actor_type, told.actor.name) = party(reader)?,
            "client" => told.client(reader)?,
            "outcome" => told.outcome(reader)?,
            "target" => told.target(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(told.made())
}

/// Type and name of an actor or a target.
fn party<'a>(reader: &mut Reader<'a>) -> Step<(Option<Text<'a>>, Option<Text<'a>>)> {
    let (mut kind, mut name, mut id, mut display) = (None, None, None, None);
    if reader.object()? {
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "type" => kind = reader.text()?,
                "alternateId" => name = reader.text()?.filter(|name| name != "unknown"),
                "id" => id = reader.text()?,
                "displayName" => display = reader.text()?,
                _ => reader.skip()?,
            }
        }
    }
    Ok((kind, name.or(display).or(id)))
}

impl<'a> Told<'a> {
    fn client(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            match key.as_ref() {
                "ipAddress" => self.actor.source_ips.extend(reader.text()?.filter(|text| is_address(text))),
                "userAgent" if reader.object()? => {
                    while let Some(key) = reader.key()? {
                        if key == "rawUserAgent" {
                            self.actor.user_agent = reader.text()?
                        } else {
                            reader.skip()?
                        }
                    }
                }
                "userAgent" => {}
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn outcome(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.object()? {
            return Ok(());
        }
        while let Some(key) = reader.key()? {
            if key == "result" { self.result = reader.text()? } else { reader.skip()? }
        }
        Ok(())
    }

    /// The first target is the one that the operation is named after.
    fn target(&mut self, reader: &mut Reader<'a>) -> Step<()> {
        if !reader.list()? {
            return Ok(());
        }
        let mut first = true;
        while reader.item()? {
            let (kind, name) = party(reader)?;
            if std::mem::take(&mut first) {
                (self.api.resource, self.api.name) = (kind, name);
            }
        }
        Ok(())
    }

    fn made(self) -> Made<'a> {
        let Self { uuid: Some(uuid), published, title, result, mut actor, actor_type, mut api } = self else {
            return Made::missing("`uuid` is missing: not an event of Okta's system log");
        };
        actor.kind = match actor_type.as_deref() {
            Some("User") => ActorKind::User,
            Some("SystemPrincipal" | "PublicClientApp" | "Client") => ActorKind::Service,
            _ => ActorKind::Unknown,
        };
        // A login that failed was denied, whatever the reason; other failures are errors.
        let login = api.operation.as_deref().is_some_and(|operation| {
            operation.starts_with("user.session") || operation.starts_with("user.authentication")
        });
        api.outcome = match result.as_deref() {
            Some("SUCCESS" | "ALLOW") => Some(Outcome::Success),
            Some("DENY") => Some(Outcome::Denied),
            Some("FAILURE") => Some(if login { Outcome::Denied } else { Outcome::Error }),
            _ => None,
        };
        api.service = Some(Text::Borrowed("okta"));
        let mut event = Event::new(EventSource::Okta, EventKind::ApiCall);
        event.title = title;
        event.actor = Some(Box::new(actor));
        event.api = Some(Box::new(api));
        let mut draft = Draft::new(event);
        draft.id = Some(uuid);
        draft.time = published;
        Made::Event(draft)
    }
}
