//! Changes of a cluster, as they happen: a watch for every kind, from where its list or an earlier watch ended.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::api::collect::{Collected, lost};
use crate::api::connect::{Connection, Question};
use crate::api::discover::Resource;
use crate::api::events::{Event, Events};
use crate::api::failure::{Cause, Failure};
use crate::api::list::{Room, encoded, list};
use crate::api::patience::Pauses;
use crate::change::Change;
use crate::id::GroupKind;

/// How changes are watched.
#[derive(Debug, Clone, Copy)]
pub struct WatchOptions {
    /// Changes that wait for whoever takes them. When there are so many, nothing more is read of the server.
    pub waiting_max: usize,
    /// How long one watch goes on before the server ends it and it is begun anew.
    pub length: Duration,
}

impl Default for WatchOptions {
    /// 256 changes, and as long as `kubectl` watches.
    fn default() -> Self {
        Self { waiting_max: 256, length: Duration::from_secs(300) }
    }
}

/// Changes of the kinds of a cluster. Watching ends when this is dropped.
#[derive(Debug)]
pub struct Watch {
    receiver: mpsc::Receiver<Message>,
    positions: BTreeMap<GroupKind, String>,
    connection: Connection,
    resources: BTreeMap<GroupKind, Resource>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Message {
    kind: GroupKind,
    change: Option<Change>,
    /// Where the watch is after it; nothing if there is no such place.
    position: Option<String>,
}

impl Watch {
    /// Watches the kinds of a cluster that was read. A kind that could not be listed is tried again until it can. Has to be called
    /// inside of a runtime.
    #[must_use]
    pub fn start(connection: &Connection, collected: &Collected, options: WatchOptions) -> Self {
        Self::resume(connection, &collected.resources, collected.positions.clone(), options)
    }

    /// Goes on from positions that an earlier watch has told, for objects that were kept since.
    #[must_use]
    pub fn resume(
        connection: &Connection,
        resources: &[Resource],
        positions: BTreeMap<GroupKind, String>,
        options: WatchOptions,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(options.waiting_max.max(1));
        let mut tasks = JoinSet::new();
        for resource in resources.iter().filter(|resource| resource.watchable) {
            let position = positions.get(&resource.kind).filter(|position| !position.is_empty());
            let watching = Watching {
                connection: connection.clone(),
                resource: resource.clone(),
                length: options.length,
                sender: sender.clone(),
                position: position.cloned(),
                pauses: Pauses::new(connection.patience(), &resource.kind),
                is_lost: false,
            };
            tasks.spawn(watching.run());
        }
        let resources = resources.iter().map(|resource| (resource.kind.clone(), resource.clone())).collect();
        Self { receiver, positions, connection: connection.clone(), resources, _tasks: tasks }
    }

    /// The next change; nothing if there is no kind to watch. Nothing is lost when this is dropped before it is done.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            let message = self.receiver.recv().await?;
            match message.position {
                Some(position) if !position.is_empty() => self.positions.insert(message.kind, position),
                Some(_) => None,
                None => self.positions.remove(&message.kind),
            };
            if let Some(change) = message.change {
                return Some(change);
            }
        }
    }

    /// By kind the `resourceVersion` up to which [`Watch::next`] has told of every change. A kind that has none has to be listed.
    #[must_use]
    pub fn positions(&self) -> &BTreeMap<GroupKind, String> {
        &self.positions
    }

    /// Whether a kind is among those that are watched.
    #[must_use]
    pub fn has(&self, kind: &GroupKind) -> bool {
        self.resources.get(kind).is_some_and(|resource| resource.watchable)
    }

    /// Reads one object again.
    pub(crate) async fn read(&self, kind: &GroupKind, namespace: Option<&str>, name: &str) -> Option<Change> {
        let resource = self.resources.get(kind)?;
        let uri = format!("{}/{}", resource.path(namespace), encoded(name));
        match super::list::one(&self.connection, &uri, resource).await {
            Ok(Ok(object)) => Some(Change::Applied(Box::new(object))),
            Ok(Err(gap)) => Some(Change::Unused(gap)),
            // That it is gone, its own watch will say.
            Err(failure) if failure.cause == Cause::NotFound => None,
            Err(failure) => {
                let mut gap = lost(kind, &failure);
                gap.subject = crate::path(kind, namespace, name);
                Some(Change::Unused(gap))
            }
        }
    }
}

/// The watch of one kind.
struct Watching {
    connection: Connection,
    resource: Resource,
    length: Duration,
    sender: mpsc::Sender<Message>,
    position: Option<String>,
    pauses: Pauses,
    is_lost: bool,
}

/// Nobody takes changes any more.
struct Over;

impl Watching {
    async fn run(mut self) {
        // Ends when nobody takes changes any more.
        while self.round().await.is_ok() {}
    }

    /// Lists if there is no position, watches until something fails, and waits.
    async fn round(&mut self) -> Result<(), Over> {
        let failure = match &self.position {
            None => match self.relist().await? {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            },
            Some(position) => match self.watch(position.clone()).await? {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            },
        };
        // Another answer to the same question may never come; a new list is sure to help.
        let is_stale = match failure.cause {
            Cause::Gone | Cause::Odd | Cause::TooLarge | Cause::NotFound => true,
            Cause::Busy => self.pauses.failures > 1,
            _ => false,
        };
        if is_stale {
            self.position = None;
        }
        let pause = self.pauses.after(&failure);
        let is_sure = matches!(failure.cause, Cause::Unauthorized | Cause::Forbidden | Cause::TooMany);
        if !self.is_lost && (is_sure || self.pauses.is_over()) {
            self.is_lost = true;
            self.position = None;
            let kind = self.resource.kind.clone();
            let gap = lost(&kind, &failure);
            self.send(Some(Change::Lost { kind, gap })).await?;
        }
        tracing::debug!(kind = %self.resource.kind, reason = failure.reason, ?pause, "a watch waits");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    async fn relist(&mut self) -> Result<Result<(), Failure>, Over> {
        let listed = match list(&self.connection, &self.resource, None, &Room::default()).await {
            Ok(listed) => listed,
            Err(failure) => return Ok(Err(failure)),
        };
        self.position = Some(listed.version);
        self.is_lost = false;
        let kind = self.resource.kind.clone();
        self.send(Some(Change::Relisted { kind, objects: listed.objects })).await?;
        for gap in listed.gaps {
            self.send(Some(Change::Unused(gap))).await?;
        }
        Ok(Ok(()))
    }

    async fn watch(&mut self, position: String) -> Result<Result<(), Failure>, Over> {
        let uri = format!(
            "{}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
            self.resource.path(None),
            encoded(&position),
            self.length.as_secs()
        );
        let question = Question { stream: true, ..Question::json(&uri) };
        let answer = match self.connection.get(&question).await {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        // Servers end a watch in time; one that does not is gone without a word.
        let mut events = Events::new(answer.into_body(), self.length + self.connection.patience().idle);
        let mut any = false;
        loop {
            let (change, position) = match events.next(&self.resource).await {
                Ok(Some(Event::Change(change, position))) => (Some(change), position),
                Ok(Some(Event::Position(position))) => (None, position),
                // A server that ends every watch at once is waited for like one that fails.
                Ok(None) if any => return Ok(Ok(())),
                Ok(None) => return Ok(Err(Failure::new(Cause::Cut, "the watch ended without an event"))),
                Err(failure) => return Ok(Err(failure)),
            };
            any = true;
            self.pauses.failures = 0;
            if !position.is_empty() {
                self.position = Some(position);
            }
            self.send(change).await?;
        }
    }

    async fn send(&self, change: Option<Change>) -> Result<(), Over> {
        let message = Message { kind: self.resource.kind.clone(), change, position: self.position.clone() };
        self.sender.send(message).await.map_err(|_| Over)
    }
}
