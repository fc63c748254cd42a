//! GitHub's audit log, as streamed or exported as JSON.

use model::event::{Actor, ActorKind, Api, Event, EventKind, EventSource, Text};

use super::build::is_address;
use super::reader::{Reader, Step};
use super::{Draft, Made, time};

const MILLISECOND: u64 = 1_000_000;

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Step<Made<'a>> {
    if !reader.object()? {
        return Ok(Made::missing("it is not an object"));
    }
    let (mut actor, mut api) = (Actor::default(), Api::default());
    let (mut id, mut at, mut created, mut bot) = (None, None, None, false);
    let [mut organisation, mut repository, mut user] = [const { None }; 3];
    while let Some(key) = reader.key()? {
        match key.as_ref() {
            "_document_id" => id = reader.text()?,
            "@timestamp" => at = reader.integer()?.and_then(|count| time::since(count, MILLISECOND)),
            "created_at" => created = reader.integer()?.and_then(|count| time::since(count, MILLISECOND)),
            "action" => api.operation = reader.text()?,
            "operation_type" => api.verb = reader.text()?,
            "actor" => actor.name = reader.text()?,
            "actor_ip" => actor.source_ips.extend(reader.text()?.filter(|text| is_address(text))),
            "user_agent" => actor.user_agent = reader.text()?,
            "actor_is_bot" => bot = reader.flag()? == Some(true),
            "org" => organisation = first(reader)?,
            "repo" | "repository" => repository = reader.text()?.or(repository),
            "user" => user = reader.text()?,
            _ => reader.skip()?,
        }
    }
    if api.operation.is_none() {
        return Ok(Made::missing("`action` is missing: not an entry of GitHub's audit log"));
    }
    actor.kind = match &actor.name {
        None => ActorKind::Unknown,
        Some(_) if bot => ActorKind::Service,
        Some(_) => ActorKind::User,
    };
    let object = repository.map(|name| ("repository", name));
    let object =
        object.or(user.map(|name| ("user", name))).or(organisation.map(|name| ("organization", name)));
    if let Some((kind, name)) = object {
        (api.resource, api.name) = (Some(Text::Borrowed(kind)), Some(name));
    }
    api.service = Some(Text::Borrowed("github"));
    let mut event = Event::new(EventSource::GitHub, EventKind::ApiCall);
    event.actor = Some(Box::new(actor));
    event.api = Some(Box::new(api));
    let mut draft = Draft::new(event);
    draft.id = id;
    draft.time = at.or(created);
    Ok(Made::Event(draft))
}

/// Events of an enterprise name several organisations.
fn first<'a>(reader: &mut Reader<'a>) -> Step<Option<Text<'a>>> {
    Ok(reader.texts()?.into_iter().next())
}
