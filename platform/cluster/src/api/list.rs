//! Every object of a kind, page by page.

use std::sync::atomic::{AtomicUsize, Ordering};

use model::Gap;

use crate::api::connect::{Connection, Question};
use crate::api::discover::Resource;
use crate::api::failure::{Cause, Failure};
use crate::api::page::{self, Page};
use crate::api::patience::Pauses;
use crate::object::Object;
use crate::read::OBJECTS_MAX;

/// Objects of one page. Where they are too large for one, few at a time are asked for.
const PAGE_SIZES: [usize; 3] = [500, 50, 5];
/// Largest page, in bytes, after it was decompressed.
const PAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How often a list is begun anew because the server has forgotten where it was.
const RESTARTS_MAX: usize = 3;
/// Most pages of a list.
const PAGES_MAX: usize = OBJECTS_MAX / 5;

/// All objects of a kind.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) objects: Vec<Object>,
    pub(crate) gaps: Vec<Gap>,
    /// Of which time they are: changes can be watched from then on.
    pub(crate) version: String,
}

/// Counts objects of all kinds that are held in memory.
#[derive(Debug, Default)]
pub(crate) struct Room(AtomicUsize);

impl Room {
    fn take(&self, objects: usize) -> Result<(), Failure> {
        if self.0.fetch_add(objects, Ordering::Relaxed) + objects > OBJECTS_MAX {
            let reason = format!("there are more than {OBJECTS_MAX} objects");
            return Err(Failure::new(Cause::TooMany, reason));
        }
        Ok(())
    }

    fn give_back(&self, objects: usize) {
        self.0.fetch_sub(objects, Ordering::Relaxed);
    }
}

/// Lists a kind, in one namespace or in all.
pub(crate) async fn list(
    connection: &Connection,
    resource: &Resource,
    namespace: Option<&str>,
    room: &Room,
) -> Result<Listed, Failure> {
    let mut failure = None;
    for size in PAGE_SIZES {
        for _ in 0..=RESTARTS_MAX {
            let mut listed = Listed::default();
            let done = pages(connection, &resource.path(namespace), resource, size, room, &mut listed).await;
            let Err(error) = done else { return Ok(listed) };
            room.give_back(listed.objects.len());
            let cause = error.cause;
            failure = Some(error);
            match cause {
                Cause::Gone => {}
                Cause::TooLarge => break,
                _ => return failure.map_or_else(|| Ok(listed), Err),
            }
        }
        if failure.as_ref().is_some_and(|failure| failure.cause == Cause::Gone) {
            break;
        }
    }
    Err(failure.unwrap_or_else(|| Failure::new(Cause::Odd, "nothing was asked")))
}

async fn pages(
    connection: &Connection,
    path: &str,
    resource: &Resource,
    size: usize,
    room: &Room,
    listed: &mut Listed,
) -> Result<(), Failure> {
    let mut next = String::new();
    for _ in 0..PAGES_MAX {
        let uri = match next.as_str() {
            "" => format!("{path}?limit={size}"),
            next => format!("{path}?limit={size}&continue={}", encoded(next)),
        };
        let mut pauses = Pauses::new(connection.patience(), &resource.kind);
        let page = loop {
            let answer = connection.answer(&Question::json(&uri), PAGE_BYTES_MAX).await;
            match answer.and_then(|body| Page::of(&body, resource)) {
                Ok(page) => break page,
                Err(failure) => pauses.wait(failure).await?,
            }
        };
        room.take(page.objects.len())?;
        listed.objects.extend(page.objects);
        listed.gaps.extend(page.gaps);
        if !page.version.is_empty() {
            listed.version = page.version;
        }
        if page.next.is_empty() {
            return Ok(());
        }
        if page.next == next {
            return Err(Failure::new(Cause::Odd, "the server sends the same page again and again"));
        }
        next = page.next;
    }
    Err(Failure::new(Cause::Odd, format!("the list has no end after {PAGES_MAX} pages")))
}

/// A value in a query (RFC 3986, section 2.3: unreserved characters stay).
pub(crate) fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Reads one object.
pub(crate) async fn one(
    connection: &Connection,
    uri: &str,
    resource: &Resource,
) -> Result<Result<Object, Gap>, Failure> {
    let mut pauses = Pauses::new(connection.patience(), &uri);
    loop {
        let answer = connection.answer(&Question::json(uri), PAGE_BYTES_MAX).await;
        let value = answer.and_then(|body| {
            let cut = |error| Failure::new(Cause::Cut, format!("it cannot be read: {error}"));
            serde_json::from_slice(&body).map_err(cut)
        });
        match value {
            Ok(value) => return Ok(page::object(value, resource)),
            Err(failure) => pauses.wait(failure).await?,
        }
    }
}
