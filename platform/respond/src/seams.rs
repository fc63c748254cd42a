//! What responses need of the world: an API server, a book that is written for good, and somebody who hands messages over.
//!
//! These are the only traits here. None of them needs a runtime: whoever implements them brings one.

use std::future::Future;

use jiff::Timestamp;
use model::TenantId;
use serde_json::Value;

use crate::change::Write;
use crate::entry::{Entry, RunId};
use crate::error::BookError;
use crate::ledger::Fact;
use crate::object::{Kind, ObjectRef};
use crate::step::Class;

/// The API server of a cluster.
pub trait Cluster: Send + Sync {
    /// An object; nothing if there is none.
    fn read(&self, target: &ObjectRef) -> impl Future<Output = Result<Option<Value>, CallError>> + Send;

    /// Objects of a kind. Of Secrets only the metadata may be asked for.
    fn list(&self, query: &Query) -> impl Future<Output = Result<Vec<Value>, CallError>> + Send;

    /// How many pods there are.
    fn pods(&self) -> impl Future<Output = Result<u64, CallError>> + Send;

    /// The end of a container's log, at most so many lines and [`LOG_BYTES_MAX`] bytes.
    fn log(
        &self,
        pod: &ObjectRef,
        container: &str,
        lines: u32,
    ) -> impl Future<Output = Result<Vec<u8>, CallError>> + Send;

    /// Changes something, or asks what would become of it. Not repeated by itself: whether an answer that was lost had an effect
    /// is found out by reading.
    fn write(&self, write: &Write, dry_run: bool) -> impl Future<Output = Result<Value, CallError>> + Send;
}

/// Most bytes of one container's log.
pub const LOG_BYTES_MAX: usize = 256 * 1024;

/// Which objects are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Their kind.
    pub kind: Kind,
    /// Their namespace; nothing: all.
    pub namespace: Option<String>,
    /// A label selector.
    pub labels: Option<String>,
    /// A field selector.
    pub fields: Option<String>,
    /// Without anything but metadata.
    pub metadata_only: bool,
}

impl Query {
    /// Every object of a kind in a namespace.
    #[must_use]
    pub fn of(kind: Kind, namespace: &str) -> Self {
        let namespace = Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty());
        Self { kind, namespace, labels: None, fields: None, metadata_only: false }
    }
}

/// How a request to the API server failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallCause {
    /// 403, or 401 after credentials were read anew.
    Denied,
    /// 404.
    NotFound,
    /// 409: it is not what the request was decided on, or it exists.
    Conflict,
    /// 422 and other answers that will be the same the next time.
    Invalid,
    /// 429 of an eviction: a disruption budget does not allow it now.
    Blocked,
    /// Any other 429, and what says that it was not done and may be done later.
    Busy,
    /// Nobody knows whether it was done: no answer, half of one, 5xx.
    Uncertain,
}

/// A request to the API server, or to the destination of a message, that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// How.
    pub cause: CallCause,
    /// What the server said, safe to show.
    pub message: String,
    /// Seconds that it wants to be left alone.
    pub retry_after: Option<u32>,
}

impl CallError {
    /// Whether the same may go well later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.cause, CallCause::Busy | CallCause::Uncertain | CallCause::Blocked)
    }
}

/// What is written down at once: all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// Whose.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Place of the first entry in the journal of its run. If there is one at that place: [`BookError::Fenced`], and nothing is written.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// New entries of the journal.
    pub entries: Vec<Entry>,
    /// New entries of the ledger.
    pub facts: Vec<Fact>,
    /// If one of these is used up: [`BookError::OverBudget`], and nothing is written.
    pub quotas: Vec<Quota>,
    /// The action that counts against quotas from now on.
    pub action: Option<Action>,
    /// What is kept as evidence.
    pub evidence: Vec<Kept>,
}

/// An action that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Name of its playbook.
    pub playbook: String,
    /// What it does to the world.
    pub class: Class,
}

/// How many actions there may be since a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Those of this playbook; nothing: of all playbooks of the tenant.
    pub playbook: Option<String>,
    /// Those of this class; nothing: of all classes.
    pub class: Option<Class>,
    /// Since when they count.
    pub since: Timestamp,
    /// How long that is, in seconds.
    pub seconds: i64,
    /// How many there may be.
    pub max: u64,
}

impl Quota {
    /// The error of one that is used up.
    #[must_use]
    pub fn error(&self) -> BookError {
        let of =
            self.playbook.as_ref().map_or_else(|| "of all playbooks".to_owned(), |name| format!("of {name}"));
        let class = self.class.map_or("", Class::as_str);
        let what = [class, "actions", &of].join(" ").trim().to_owned();
        BookError::OverBudget { max: self.max, what, seconds: self.seconds }
    }
}

/// A message for people or machines beside the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The key of the act: the same message has the same one, however often it is sent.
    pub key: String,
    /// `ticket`, `notify` or `webhook`.
    pub how: String,
    /// Name of the destination, as the step says it; nothing: the only one that there is.
    pub destination: Option<String>,
    /// The run.
    pub run: String,
    /// The incident.
    pub incident: String,
    /// Name of the playbook.
    pub playbook: String,
    /// The step.
    pub step: String,
    /// How bad it is, as the event says it; empty where it does not.
    pub severity: String,
    /// What happened, in the words of the event, cut.
    pub title: String,
    /// What the step says.
    pub said: Value,
}

/// What a destination said of a message that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Whether it had the message before: the answer to an earlier request was lost.
    pub known: bool,
    /// In words, for the ledger: which destination, what it answered, and the id or address of the ticket that it made.
    pub said: String,
}

/// Where messages go. A message may arrive more than once, always with the same key: the other side tells them apart by it.
pub trait Deliver: Send + Sync {
    /// Whether there is a destination for this message that may be reached; nothing is sent to it.
    fn check(&self, message: &Message) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Hands a message over, once and without repeating by itself.
    fn deliver(&self, message: &Message) -> impl Future<Output = Result<Receipt, CallError>> + Send;
}

/// Bytes that are kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The key of the act.
    pub key: String,
    /// What they are, as the name of a file.
    pub name: String,
    /// SHA-256, as `sha256:` and 64 digits.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What is written down for good: journals of runs, the ledger, evidence, and the kill switch.
pub trait Book: Send + Sync {
    /// The journal of a run, from its first entry; nothing if there is no such run.
    fn journal(
        &self,
        tenant: &TenantId,
        run: &RunId,
    ) -> impl Future<Output = Result<Option<Vec<(Timestamp, Entry)>>, BookError>> + Send;

    /// Writes something down; when it returns, it is there after any crash.
    fn commit(&self, commit: Commit) -> impl Future<Output = Result<(), BookError>> + Send;

    /// Why nothing may be done now: the kill switch of the tenant or of this playbook.
    fn stopped(
        &self,
        tenant: &TenantId,
        playbook: &str,
    ) -> impl Future<Output = Result<Option<String>, BookError>> + Send;

    /// How many actions a quota has counted.
    fn used(&self, tenant: &TenantId, quota: &Quota) -> impl Future<Output = Result<u64, BookError>> + Send;
}
