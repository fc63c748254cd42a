//! Fields of every source: the JSON itself, as Falco's plugin `json` names it, and the event's time.

use super::Argument::Pointer;
use super::Shape::Number;
use super::{Event, Field, Value, one, text};
use crate::time;

pub(super) const FIELDS: &[Field] = &[
    Field::made("json.value", value).with(Pointer),
    Field::made("json.obj", |e, _| text(Some(e.raw))),
    Field::made("json.rawtime", |e, _| one(e.time.to_string())).shape(Number),
    Field::made("jevt.value", value).with(Pointer),
    Field::made("jevt.obj", |e, _| text(Some(e.raw))),
    Field::made("jevt.time", |e, _| one(time::clock(e.time, true))),
    Field::made("jevt.time.iso8601", |e, _| one(time::iso8601(e.time))),
    Field::made("jevt.rawtime", |e, _| one(e.time.to_string())).shape(Number),
    // Events have no number here; Falco counts from 1, and conditions ask whether it is over 0.
    Field::made("evt.num", |_, _| one("1")).shape(Number),
    Field::made("evt.type", |_, _| one("pluginevent")),
    Field::made("evt.source", |e, _| one(e.source.word())),
    Field::made("evt.pluginname", |e, _| one(e.source.plugin())),
    Field::made("evt.plugininfo", |e, _| text(Some(e.raw))),
    Field::made("evt.time", |e, _| one(time::clock(e.time, true))),
    Field::made("evt.time.s", |e, _| one(time::clock(e.time, false))),
    Field::made("evt.time.iso8601", |e, _| one(time::iso8601(e.time))),
    Field::made("evt.datetime", |e, _| one(format!("{} {}", time::date(e.time), time::clock(e.time, true)))),
    Field::made("evt.datetime.s", |e, _| {
        one(format!("{} {}", time::date(e.time), time::clock(e.time, false)))
    }),
    Field::made("evt.rawtime", |e, _| one(e.time.to_string())).shape(Number),
    Field::made("evt.rawtime.s", |e, _| one((e.time / 1_000_000_000).to_string())).shape(Number),
    Field::made("evt.rawtime.ns", |e, _| one((e.time % 1_000_000_000).to_string())).shape(Number),
];

/// What a JSON Pointer (RFC 6901) leads to. The slash at its beginning may be left out, as in Falco.
fn value<'e>(event: &Event<'e>, pointer: &str) -> Value<'e> {
    let pointer = pointer.strip_prefix('/').unwrap_or(pointer);
    let step = |value: crate::json::Json<'e>, part: &str| {
        if part.contains('~') {
            value.step(&part.replace("~1", "/").replace("~0", "~"))
        } else {
            value.step(part)
        }
    };
    text(pointer.split('/').try_fold(event.raw, step))
}
