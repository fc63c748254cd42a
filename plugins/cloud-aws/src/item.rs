//! What the steps are written with: asking, reading answers, and merging the answers of sub-calls into bodies.

use std::cell::{Cell, RefCell};

use serde_json::{Map, Value, json};

use crate::client::Ask;
use crate::cursor::{Listing, Task, Work};
use crate::failure::{Failure, unless};
use crate::run::Run;
use crate::steps::{STEPS, Step};

/// A body in the making.
pub(crate) type Body = Map<String, Value>;

/// A resource that is complete.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) kind: &'static str,
    pub(crate) asset: String,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) items: Vec<Value>,
    pub(crate) next: Option<String>,
    /// What later pages need to know, where this page has learnt it.
    pub(crate) context: Option<Value>,
}

/// Where a step works.
pub(crate) struct Spot<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) step: &'static Step,
    pub(crate) region: &'a str,
    pub(crate) context: &'a Value,
    asked: Cell<&'static str>,
    children: RefCell<Vec<Task>>,
}

impl<'a> Spot<'a> {
    pub(crate) fn new(run: &'a Run<'a>, step: &'static Step, region: &'a str, context: &'a Value) -> Self {
        Self { run, step, region, context, asked: Cell::new(""), children: RefCell::default() }
    }

    /// Asks and reads the answer.
    pub(crate) fn call(&self, ask: &Ask<'_>) -> Result<Value, Failure> {
        self.asked.set(ask.operation);
        self.run.client.call(ask)
    }

    /// The operation that was called last.
    pub(crate) fn asked(&self) -> &'static str {
        self.asked.get()
    }

    /// An ARN of this account and region.
    pub(crate) fn arn(&self, service: &str, rest: &str) -> String {
        let partition = self.run.client.partition.name();
        let region = if self.region == "global" { "" } else { self.region };
        format!("arn:{partition}:{service}:{region}:{}:{rest}", self.run.client.account)
    }

    /// An ARN of this region and no account.
    pub(crate) fn arn_without_account(&self, service: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{}::{rest}", self.run.client.partition.name(), self.region)
    }

    /// A resource of the step's kind.
    pub(crate) fn found(&self, asset: impl Into<String>) -> Result<Option<Found>, Failure> {
        Ok(Some(Found { kind: self.step.kind, asset: asset.into() }))
    }

    /// A step that this one causes, about what `context` says.
    pub(crate) fn cause(&self, kind: &str, context: Value) {
        if let Some(step) = STEPS.iter().position(|step| step.kind == kind) {
            let work = Work::Page(Listing::default());
            let region = self.region.to_owned();
            self.children.borrow_mut().push(Task { step, region, context, work });
        }
    }

    /// The steps that were caused since the last time.
    pub(crate) fn children(&self) -> Vec<Task> {
        self.children.take()
    }

    /// Merges the answer of a sub-call under a key: `null` for one of the codes that mean "not configured", a name in `Unknown`
    /// and a gap for other failures. Does nothing when it was done by an earlier call of the plugin.
    pub(crate) fn part(
        &self,
        body: &mut Body,
        key: &str,
        ask: &Ask<'_>,
        codes: &[&str],
        pick: impl FnOnce(Value) -> Result<Value, Failure>,
    ) -> Result<(), Failure> {
        self.merged(body, key, || unless(self.call(ask), codes)?.map(pick).transpose())
    }

    /// The same, with several requests.
    pub(crate) fn merged(
        &self,
        body: &mut Body,
        key: &str,
        work: impl FnOnce() -> Result<Option<Value>, Failure>,
    ) -> Result<(), Failure> {
        let is_unknown = body
            .get("Unknown")
            .and_then(Value::as_array)
            .is_some_and(|unknown| unknown.iter().any(|name| name == key));
        if is_unknown || body.contains_key(key) {
            return Ok(());
        }
        match work() {
            Ok(value) => {
                body.insert(key.to_owned(), value.unwrap_or(Value::Null));
                self.run.progress();
                Ok(())
            }
            Err(failure) if self.run.gives_up(&failure) => {
                self.unknown(body, key, &failure.message());
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// Merges all fields of an answer, or of one member of it, into the body. `mark` is a field that is always among them: it
    /// tells that this was done, and is what is unknown when it fails.
    pub(crate) fn absorb(
        &self,
        body: &mut Body,
        mark: &str,
        ask: &Ask<'_>,
        member: &str,
    ) -> Result<(), Failure> {
        let mut fields = Value::Null;
        self.merged(body, mark, || {
            let answer = self.call(ask)?;
            fields = if member.is_empty() { answer } else { taken(answer, member) };
            Ok(Some(fields.get(mark).cloned().unwrap_or_default()))
        })?;
        if let Value::Object(fields) = fields {
            body.extend(fields);
        }
        Ok(())
    }

    /// Says that a key is not known.
    pub(crate) fn unknown(&self, body: &mut Body, key: &str, message: &str) {
        if let Value::Array(unknown) = body.entry("Unknown").or_insert_with(|| json!([])) {
            unknown.push(Value::String(key.to_owned()));
        }
        let subject = format!("{} {} {}", self.step.kind, self.region, self.asked());
        self.run.missing(subject, format!("{key}: {message}"));
    }

    /// Puts a policy document, which AWS hands over as text, into its parsed form. One that cannot be read is unknown.
    pub(crate) fn parse(&self, body: &mut Body, key: &str) {
        let Some(Value::String(text)) = body.get(key) else { return };
        match document(text) {
            Some(document) => {
                body.insert(key.to_owned(), document);
            }
            None => {
                body.remove(key);
                self.unknown(body, key, "the document is not JSON");
            }
        }
    }
}

/// Begins the body of an item with the fields of its listing, unless an earlier call of the plugin has.
pub(crate) fn begin(body: &mut Body, item: &Value) {
    if body.is_empty()
        && let Value::Object(fields) = item
    {
        body.clone_from(fields);
    }
}

/// A text of an object; empty where there is none.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A list of an object; empty where there is none.
pub(crate) fn items(value: &Value, key: &str) -> Vec<Value> {
    value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Takes a member out of an answer; `null` where there is none.
pub(crate) fn taken(mut value: Value, key: &str) -> Value {
    value.get_mut(key).map(Value::take).unwrap_or_default()
}

/// A page whose items and next token stand under these keys.
pub(crate) fn page(mut answer: Value, list: &str, token: &str) -> Listed {
    let next = Some(text(&answer, token).to_owned()).filter(|token| !token.is_empty());
    let items = match answer.get_mut(list).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    Listed { items, next, context: None }
}

/// Everything in one page.
pub(crate) fn whole(items: Vec<Value>) -> Listed {
    Listed { items, next: None, context: None }
}

/// Makes `Tags` the list of `Key` and `Value` that every resource has, out of what the service calls it and how it writes it.
pub(crate) fn tags(body: &mut Body, key: &str) {
    let pair = |tag: &Value| {
        let part =
            |name: &str, lower: &str| tag.get(name).or_else(|| tag.get(lower)).cloned().unwrap_or_default();
        json!({ "Key": part("Key", "key"), "Value": part("Value", "value") })
    };
    let list = match body.remove(key) {
        Some(Value::Object(map)) => {
            map.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
        }
        Some(Value::Array(list)) => list.iter().map(pair).collect(),
        _ => Vec::new(),
    };
    body.insert("Tags".to_owned(), Value::Array(list));
}

/// A policy document, as text or percent-encoded text.
pub(crate) fn document(text: &str) -> Option<Value> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    read(text).or_else(|| read(&decoded(text)?))
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit()?, digit()?);
        out.push(high << 4 | low);
    }
    String::from_utf8(out).ok()
}

/// A document of an answer, parsed.
pub(crate) fn parsed(answer: &Value, key: &str) -> Result<Value, Failure> {
    match answer.get(key).and_then(Value::as_str) {
        None | Some("") => Ok(Value::Null),
        Some(text) => document(text).ok_or_else(|| Failure::Lasting("the document is not JSON".to_owned())),
    }
}
