//! Fields: pure functions of one event.
//!
//! A field is named as Falco's plugins name it. Most are a path of members of the source's object; the others are computed. What the
//! source does not say, or says with `null`, has no value, and every comparison with it is false.

mod audit;
mod cloudtrail;
mod event;
mod gcp;
mod github;
mod okta;

use std::borrow::Cow;

use crate::json::Json;
use crate::source::Source;

/// What a field is of an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Value<'e> {
    /// It has none.
    #[default]
    Missing,
    One(Cow<'e, [u8]>),
    /// Of a field that may have several.
    Many(Vec<Cow<'e, [u8]>>),
}

/// An event as fields see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'e> {
    pub(crate) source: Source,
    /// The source's own object.
    pub(crate) raw: Json<'e>,
    /// When it happened, in nanoseconds since 1970 in UTC.
    pub(crate) time: u64,
    /// `okta-organization` of the configuration.
    pub(crate) organization: &'e str,
}

/// How many values a field has, and of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Number,
    /// Any number of texts.
    List,
}

/// Whether a field has an argument in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument {
    No,
    /// A name, which has to be there.
    Key,
    /// The place of one of the elements; all of them where it is left out.
    Place,
    /// A JSON Pointer, which has to be there.
    Pointer,
    /// A whole number, which has to be there.
    Number,
}

/// How a field is read.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// Members of the source's object.
    Path(&'static [&'static str]),
    /// A function of the event and the argument.
    Made(for<'e> fn(&Event<'e>, &str) -> Value<'e>),
    /// It needs what came before this event, and so never has a value here.
    Memory,
}

/// A field.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) argument: Argument,
    pub(crate) read: Read,
}

impl Field {
    const fn path(name: &'static str, path: &'static [&'static str]) -> Self {
        Self { name, shape: Shape::Text, argument: Argument::No, read: Read::Path(path) }
    }

    const fn made(name: &'static str, made: for<'e> fn(&Event<'e>, &str) -> Value<'e>) -> Self {
        Self { name, shape: Shape::Text, argument: Argument::No, read: Read::Made(made) }
    }

    const fn with(mut self, argument: Argument) -> Self {
        self.argument = argument;
        self
    }

    const fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// Which sources have it.
    pub(crate) fn sources(&self) -> &'static [Source] {
        class(self.name).map_or(&[], |(_, sources, _)| sources)
    }

    /// Its value.
    pub(crate) fn of<'e>(&self, event: &Event<'e>, argument: &str) -> Value<'e> {
        match self.read {
            Read::Path(path) => match event.raw.at(path) {
                Some(found) if self.shape == Shape::List => {
                    if found.items().next().is_none() {
                        return Value::Missing;
                    }
                    many(found.items())
                }
                found => text(found),
            },
            Read::Made(made) => made(event, argument),
            Read::Memory => Value::Missing,
        }
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

type Class = (&'static str, &'static [Source], &'static [Field]);

const CLASSES: [Class; 11] = [
    ("ka", &[Source::K8sAudit], audit::FIELDS),
    ("ct", &[Source::AwsCloudtrail], cloudtrail::FIELDS),
    ("s3", &[Source::AwsCloudtrail], cloudtrail::FIELDS),
    ("ec2", &[Source::AwsCloudtrail], cloudtrail::FIELDS),
    ("ecr", &[Source::AwsCloudtrail], cloudtrail::FIELDS),
    ("gcp", &[Source::GcpAuditlog], gcp::FIELDS),
    ("okta", &[Source::Okta], okta::FIELDS),
    ("github", &[Source::Github], github::FIELDS),
    ("json", &Source::ALL, event::FIELDS),
    ("jevt", &Source::ALL, event::FIELDS),
    ("evt", &Source::ALL, event::FIELDS),
];

fn class(name: &str) -> Option<&'static Class> {
    let prefix = name.split('.').next().unwrap_or_default();
    CLASSES.iter().find(|(known, ..)| *known == prefix)
}

/// The field of a name.
pub(crate) fn find(name: &str) -> Option<&'static Field> {
    class(name)?.2.iter().find(|field| field.name == name)
}

/// Every field, each once.
pub(crate) fn all() -> impl Iterator<Item = &'static Field> {
    CLASSES.iter().flat_map(|(prefix, _, fields)| {
        fields.iter().filter(move |field| field.name.split('.').next() == Some(prefix))
    })
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The text of a member; what stands in the source of one that is no text.
fn text(found: Option<Json<'_>>) -> Value<'_> {
    found.map_or(Value::Missing, |found| Value::One(bytes(found.text())))
}

fn one<'e>(text: impl Into<Cow<'e, str>>) -> Value<'e> {
    Value::One(bytes(text.into()))
}

fn perhaps<'e>(text: Option<impl Into<Cow<'e, str>>>) -> Value<'e> {
    text.map_or(Value::Missing, one)
}

fn flag<'e>(is: bool) -> Value<'e> {
    one(if is { "true" } else { "false" })
}

/// Several members; those that are `null` are left out, and none at all is no value.
fn many<'e>(found: impl Iterator<Item = Json<'e>>) -> Value<'e> {
    list(found.filter(|value| !value.is_null()).map(|value| value.text()))
}

fn list<'e>(found: impl Iterator<Item = Cow<'e, str>>) -> Value<'e> {
    let values: Vec<Cow<'e, [u8]>> = found.map(bytes).collect();
    if values.is_empty() { Value::Missing } else { Value::Many(values) }
}

#[cfg(test)]
mod tests;
