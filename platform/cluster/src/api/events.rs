//! Events of a watch: one line of JSON each.

use serde::Deserialize;
use serde_json::Value;

use kube::client::Body;

use crate::api::connect::frame;
use crate::api::discover::Resource;
use crate::api::failure::{Cause, Failure, Status, shown};
use crate::api::page;
use crate::change::Change;
use crate::object::text;
use std::time::Duration;

/// Longest line, in bytes. The API server takes no object of more than 3 MiB, and other servers may.
const LINE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What was sent.
#[derive(Debug)]
pub(crate) enum Event {
    /// A change, and the position after it.
    Change(Change, String),
    /// Nothing but the position.
    Position(String),
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    object: Value,
}

/// The events of one answer.
pub(crate) struct Events {
    body: Body,
    idle: Duration,
    /// What came after the last end of a line.
    rest: Vec<u8>,
    /// How much of it is known to have no end of a line.
    searched: usize,
}

impl Events {
    pub(crate) fn new(body: Body, idle: Duration) -> Self {
        Self { body, idle, rest: Vec::new(), searched: 0 }
    }

    /// The next event; nothing at the end. What comes after the last end of a line was cut off, and will be sent again.
    pub(crate) async fn next(&mut self, resource: &Resource) -> Result<Option<Event>, Failure> {
        loop {
            let found = self.rest.iter().skip(self.searched).position(|byte| *byte == b'\n');
            if let Some(found) = found {
                let tail = self.rest.split_off(self.searched + found + 1);
                let line = std::mem::replace(&mut self.rest, tail);
                self.searched = 0;
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return event(&line, resource).map(Some);
            }
            self.searched = self.rest.len();
            if self.rest.len() > LINE_BYTES_MAX {
                let reason = format!("an event has more than {LINE_BYTES_MAX} bytes");
                return Err(Failure::new(Cause::TooLarge, reason));
            }
            match frame(&mut self.body, self.idle).await? {
                Some(data) => self.rest.extend_from_slice(&data),
                None => return Ok(None),
            }
        }
    }
}

fn event(line: &[u8], resource: &Resource) -> Result<Event, Failure> {
    let odd = |what: String| Failure::new(Cause::Odd, what);
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| odd(format!("an event cannot be read: {}", shown(&error.to_string()))))?;
    if line.kind == "ERROR" {
        let status: Status = serde_json::from_value(line.object).unwrap_or_default();
        return Err(Failure::of_status(status.code, &status, None));
    }
    let position = text(&line.object, "/metadata/resourceVersion").unwrap_or_default().to_owned();
    match line.kind.as_str() {
        "BOOKMARK" => Ok(Event::Position(position)),
        "ADDED" | "MODIFIED" => {
            let change = match page::object(line.object, resource) {
                Ok(object) => Change::Applied(Box::new(object)),
                Err(gap) => Change::Unused(gap),
            };
            Ok(Event::Change(change, position))
        }
        // What cannot be named cannot be taken away: only a new list tells.
        "DELETED" => match page::object(line.object, resource) {
            Ok(object) => Ok(Event::Change(Change::Deleted(object.path()), position)),
            Err(gap) => Err(odd(gap.reason)),
        },
        other => Err(odd(format!("an event is of the type {:?}", shown(other)))),
    }
}
