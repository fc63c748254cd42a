//! The embedded backend: a durable log in a directory, for one process.
//!
//! `lock` is held with an operating-system lock while the log is open, so that it is free the moment the process dies.
//! [`journal`] and [`parked`] are the files, [`record`] their bytes, [`state`] what they mean, [`writer`] the thread
//! that changes both. What was in flight when a process died is deliverable at once when the log is opened again.

pub(crate) mod bytes;
mod journal;
mod parked;
mod record;
mod state;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::envelope::Filter;
use crate::{BusError, ConsumerOptions, Envelope, Parked, out_of_attempts};
use journal::Journal;
use parked::ParkedFile;
use record::Record;
use state::{Claim, State};
use writer::{Operation, Reply, Writer, lock};

/// Limits of the embedded log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// Size of the log, parked messages included, at which publishing is refused; acknowledging never is.
    pub bytes_max: u64,
    /// Size at which a new segment file is begun; files are deleted whole.
    pub segment_bytes: u64,
    /// How long the id of a message is remembered. Files are kept at least as long.
    pub dedupe_window: Duration,
}

impl Default for EmbeddedOptions {
    /// One gibibyte in segments of eight mebibytes, two minutes: the window that JetStream has by default.
    fn default() -> Self {
        Self { bytes_max: 1 << 30, segment_bytes: 8 << 20, dedupe_window: Duration::from_secs(120) }
    }
}

#[derive(Debug)]
pub(crate) struct Embedded {
    dir: PathBuf,
    state: Arc<Mutex<State>>,
    /// `None` only while dropping.
    operations: Option<Sender<Operation>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    pub(crate) async fn open(dir: &Path, options: EmbeddedOptions) -> Result<Self, BusError> {
        if options.segment_bytes < 1024 || options.bytes_max < options.segment_bytes.saturating_mul(2) {
            return Err(BusError::Options {
                reason: "segments need 1024 bytes, and the log room for two segments",
            });
        }
        let owned = dir.to_owned();
        let opened = tokio::task::spawn_blocking(move || open(&owned, options)).await;
        opened.map_err(|error| BusError::storage("open", dir)(std::io::Error::other(error)))?
    }

    /// Hands an operation to the writer and waits until it is durable.
    async fn ask<T>(&self, operation: impl FnOnce(Reply<T>) -> Operation) -> Result<T, BusError> {
        let stopped = || BusError::Stopped { path: self.dir.clone() };
        let (reply, answer) = oneshot::channel();
        self.send(operation(reply))?;
        answer.await.map_err(|_| stopped())?
    }

    fn send(&self, operation: Operation) -> Result<(), BusError> {
        let sent = self.operations.as_ref().and_then(|operations| operations.send(operation).ok());
        sent.ok_or_else(|| BusError::Stopped { path: self.dir.clone() })
    }

    pub(crate) async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        let envelope = envelope.clone();
        self.ask(|reply| Operation::Publish { envelope, reply }).await
    }

    pub(crate) async fn forget_consumer(&self, name: &str) -> Result<(), BusError> {
        if !lock(&self.state).consumers.contains_key(name) {
            return Ok(());
        }
        self.ask(|reply| Operation::Forget { name: name.to_owned(), reply }).await
    }

    pub(crate) async fn parked(&self, limit: usize) -> Result<Vec<Parked>, BusError> {
        // What ran out of deliveries while nobody asked for the next message belongs in the list too.
        let exhausted = lock(&self.state).exhausted(Instant::now());
        for (consumer, sequence, attempts) in exhausted {
            self.park(consumer, sequence, attempts, out_of_attempts(attempts)).await?;
        }
        self.ask(|reply| Operation::List { limit, reply }).await
    }

    pub(crate) async fn discard_parked(&self, number: u64) -> Result<(), BusError> {
        self.ask(|reply| Operation::Discard { number, reply }).await
    }

    async fn park(
        &self,
        consumer: String,
        sequence: u64,
        attempts: u32,
        reason: String,
    ) -> Result<(), BusError> {
        self.ask(|reply| Operation::Park { consumer, sequence, attempts, reason, reply }).await
    }
}

impl Drop for Embedded {
    /// Lets the writer finish what is queued and close the files, so that the log can be opened again at once.
    fn drop(&mut self) {
        self.operations = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(dir: &Path, options: EmbeddedOptions) -> Result<Embedded, BusError> {
    std::fs::create_dir_all(dir).map_err(BusError::storage("create", dir))?;
    let lock_path = dir.join("lock");
    let held = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
    let held = held.map_err(BusError::storage("open", &lock_path))?;
    match held.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(BusError::InUse { path: dir.to_owned() }),
        Err(std::fs::TryLockError::Error(error)) => return Err(BusError::storage("lock", &lock_path)(error)),
    }
    let parked = ParkedFile::open(dir)?;
    let mut state = State::default();
    let (journal, next) = Journal::open(dir, &mut |place, record| replay(&mut state, place, record))?;
    for (consumer, sequence) in parked.places() {
        state.done(consumer, sequence);
    }
    let state = Arc::new(Mutex::new(state));
    let (operations, inbox) = channel();
    let writer =
        Writer { dir: dir.to_owned(), options, journal, parked, next, state: state.clone(), _lock: held };
    let thread = std::thread::Builder::new().name("bus-writer".into()).spawn(move || writer.run(&inbox));
    let thread = thread.map_err(BusError::storage("start the writer of", dir))?;
    Ok(Embedded { dir: dir.to_owned(), state, operations: Some(operations), thread: Some(thread) })
}

fn replay(state: &mut State, place: journal::Place, record: Record) {
    match record {
        Record::Message { sequence, at_ms, envelope } => {
            state.published(sequence, at_ms, envelope.key(), &envelope.subject, place);
        }
        Record::Consumer { name, filter, from } => {
            if let Ok(filter) = Filter::parse(&filter) {
                state.consumer_created(&name, filter, from);
            }
        }
        Record::Forgotten { name } => state.consumer_forgotten(&name),
        Record::Done { consumer, sequence } => state.done(&consumer, sequence),
        Record::Delivered { consumer, sequence, attempt } => state.delivered(&consumer, sequence, attempt),
        Record::Parked { .. } | Record::Discarded { .. } => {}
    }
}

/// A handle on a durable consumer of this process.
#[derive(Debug)]
pub(crate) struct Consumer {
    bus: Arc<Embedded>,
    options: ConsumerOptions,
}

impl Consumer {
    pub(crate) async fn join(
        bus: Arc<Embedded>,
        options: ConsumerOptions,
        filter: Filter,
    ) -> Result<Self, BusError> {
        let existing =
            || lock(&bus.state).consumers.get(&options.name).map(|consumer| consumer.filter.clone());
        if existing().is_none() {
            let (name, filter) = (options.name.clone(), filter.clone());
            bus.ask(|reply| Operation::Create { name, filter, reply }).await?;
        }
        // Asked again, because of two that create at once the first one decides.
        if let Some(existing) = existing().filter(|existing| *existing != filter) {
            return Err(BusError::Conflict {
                name: options.name,
                existing: existing.as_str().to_owned(),
                asked: filter.as_str().to_owned(),
            });
        }
        lock(&bus.state).set_options(&options);
        Ok(Self { bus, options })
    }

    pub(crate) async fn next(&self) -> Result<Delivery, BusError> {
        loop {
            let changed = {
                let state = lock(&self.bus.state);
                let consumer = state.consumers.get(&self.options.name);
                consumer.map(|consumer| consumer.changed.clone()).unwrap_or_default()
            };
            let notified = changed.notified();
            tokio::pin!(notified);
            // Before looking: a change between looking and waiting must not be missed.
            notified.as_mut().enable();
            let claim = {
                let mut state = lock(&self.bus.state);
                if state.stopped {
                    return Err(BusError::Stopped { path: self.bus.dir.clone() });
                }
                state.claim(&self.options.name, Instant::now())
            };
            match claim.ok_or_else(|| BusError::Forgotten { name: self.options.name.clone() })? {
                Claim::Deliver { sequence, place, attempt } => return self.deliver(sequence, place, attempt),
                Claim::Park { sequence, attempts } => {
                    let name = self.options.name.clone();
                    self.bus.park(name, sequence, attempts, out_of_attempts(attempts)).await?;
                }
                Claim::Wait(None) => notified.await,
                Claim::Wait(Some(until)) => {
                    let _ = tokio::time::timeout_at(until, notified).await;
                }
            }
        }
    }

    /// No await between claim and delivery: that is what makes `next` cancel-safe.
    fn deliver(&self, sequence: u64, place: journal::Place, attempt: u32) -> Result<Delivery, BusError> {
        let consumer = self.options.name.clone();
        self.bus.send(Operation::Delivered { consumer: consumer.clone(), sequence, attempt })?;
        match journal::read(&self.bus.dir, place)? {
            Record::Message { envelope, .. } => {
                let max = self.options.max_deliver;
                Ok(Delivery { bus: self.bus.clone(), consumer, sequence, envelope, attempt, max })
            }
            _ => Err(BusError::Corrupt { path: self.bus.dir.clone(), offset: place.offset }),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Delivery {
    bus: Arc<Embedded>,
    consumer: String,
    sequence: u64,
    pub(crate) envelope: Envelope,
    pub(crate) attempt: u32,
    max: u32,
}

impl Delivery {
    pub(crate) async fn ack(self) -> Result<(), BusError> {
        let Self { bus, consumer, sequence, .. } = self;
        bus.ask(|reply| Operation::Done { consumer, sequence, reply }).await
    }

    pub(crate) async fn retry(self, after: Duration) -> Result<(), BusError> {
        if self.attempt >= self.max {
            let reason = out_of_attempts(self.attempt);
            return self.park(reason).await;
        }
        lock(&self.bus.state).set_back(&self.consumer, self.sequence, self.attempt, Instant::now() + after);
        Ok(())
    }

    pub(crate) async fn park(self, reason: String) -> Result<(), BusError> {
        self.bus.park(self.consumer, self.sequence, self.attempt, reason).await
    }

    pub(crate) fn keep(&self) {
        lock(&self.bus.state).extend(&self.consumer, self.sequence, self.attempt, Instant::now());
    }
}
