//! The one thread that writes. It takes what has queued up, writes it in one go, makes it durable with one fsync, and
//! only then tells the state and the callers. So the state never shows what could still be lost, and any number of
//! concurrent publishers share the price of one fsync.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use super::EmbeddedOptions;
use super::journal::{self, Journal, Place};
use super::parked::{Entry, ParkedFile};
use super::record::{self, Record};
use super::state::State;
use crate::envelope::Filter;
use crate::{BusError, Envelope, Parked};

/// Most operations that share one fsync; above this, waiting for the disk is no longer what costs.
const BATCH_MAX: usize = 1024;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, BusError>>;

/// What the handles ask of the writer.
#[derive(Debug)]
pub(crate) enum Operation {
    Publish {
        envelope: Envelope,
        reply: Reply<()>,
    },
    Create {
        name: String,
        filter: Filter,
        reply: Reply<()>,
    },
    Forget {
        name: String,
        reply: Reply<()>,
    },
    Done {
        consumer: String,
        sequence: u64,
        reply: Reply<()>,
    },
    /// Not waited for: a lost count costs one delivery more.
    Delivered {
        consumer: String,
        sequence: u64,
        attempt: u32,
    },
    Park {
        consumer: String,
        sequence: u64,
        attempts: u32,
        reason: String,
        reply: Reply<()>,
    },
    List {
        limit: usize,
        reply: Reply<Vec<Parked>>,
    },
    Discard {
        number: u64,
        reply: Reply<()>,
    },
}

/// What happens to the state once a batch is durable.
enum Effect {
    Published { sequence: u64, at_ms: u64, key: String, subject: String, place: Place },
    Created { name: String, filter: Filter, from: u64 },
    Forgotten { name: String },
    Done { consumer: String, sequence: u64 },
}

pub(crate) struct Writer {
    pub(crate) dir: PathBuf,
    pub(crate) options: EmbeddedOptions,
    pub(crate) journal: Journal,
    pub(crate) parked: ParkedFile,
    pub(crate) next: u64,
    pub(crate) state: Arc<Mutex<State>>,
    /// Held as long as the thread lives.
    pub(crate) _lock: std::fs::File,
}

/// A batch under construction.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    effects: Vec<Effect>,
    replies: Vec<Reply<()>>,
    newest_ms: u64,
    durable: bool,
    /// Keys published in this batch, for duplicates within it.
    keys: Vec<String>,
}

/// The state; a panic while it was held leaves it usable, because every change is complete in itself.
pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Writer {
    /// Runs until every handle is gone.
    pub(crate) fn run(mut self, operations: &Receiver<Operation>) {
        while let Ok(first) = operations.recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH_MAX {
                match operations.try_recv() {
                    Ok(next) => batch.push(next),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            self.commit(batch);
        }
    }

    fn commit(&mut self, operations: Vec<Operation>) {
        let mut batch = Batch::default();
        self.tidy();
        for operation in operations {
            self.plan(operation, &mut batch);
        }
        let result = self.write(&batch);
        let mut state = lock(&self.state);
        match &result {
            Ok(()) => batch.effects.into_iter().for_each(|effect| apply(effect, &mut state)),
            Err(error) => {
                tracing::error!(error = %error, "the bus could not write");
                for effect in batch.effects {
                    if let Effect::Done { consumer, sequence } = effect {
                        state.make_ready(&consumer, sequence);
                    }
                }
            }
        }
        drop(state);
        for reply in batch.replies {
            // Nobody waits if the caller was cancelled; what it asked for has happened.
            let _ = reply.send(result.clone());
        }
    }

    /// Writes a batch. A failed append leaves the log as it was; after a failed sync nobody knows what is on disk.
    fn write(&mut self, batch: &Batch) -> Result<(), BusError> {
        if lock(&self.state).stopped {
            return Err(BusError::Stopped { path: self.dir.clone() });
        }
        if !batch.bytes.is_empty() {
            self.journal.append(&batch.bytes, batch.newest_ms)?;
        }
        if batch.durable
            && let Err(error) = self.journal.sync()
        {
            lock(&self.state).stop();
            return Err(error);
        }
        let published = batch.effects.iter().filter(|effect| matches!(effect, Effect::Published { .. }));
        self.next += u64::try_from(published.count()).unwrap_or_default();
        Ok(())
    }

    fn plan(&mut self, operation: Operation, batch: &mut Batch) {
        match operation {
            Operation::Publish { envelope, reply } => match self.plan_publish(envelope, batch) {
                Ok(()) => batch.replies.push(reply),
                Err(error) => drop(reply.send(Err(error))),
            },
            Operation::Create { name, filter, reply } => {
                let from = lock(&self.state).oldest(self.next);
                let record =
                    Record::Consumer { name: name.clone(), filter: filter.as_str().to_owned(), from };
                self.record(&record, batch);
                batch.effects.push(Effect::Created { name, filter, from });
                batch.replies.push(reply);
            }
            Operation::Forget { name, reply } => {
                self.record(&Record::Forgotten { name: name.clone() }, batch);
                batch.effects.push(Effect::Forgotten { name });
                batch.replies.push(reply);
            }
            Operation::Done { consumer, sequence, reply } => {
                self.plan_done(consumer, sequence, batch);
                batch.replies.push(reply);
            }
            Operation::Delivered { consumer, sequence, attempt } => {
                let durable = batch.durable;
                self.record(&Record::Delivered { consumer, sequence, attempt }, batch);
                batch.durable = durable;
            }
            Operation::Park { consumer, sequence, attempts, reason, reply } => {
                match self.plan_park(consumer, sequence, attempts, reason, batch) {
                    Ok(()) => batch.replies.push(reply),
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
            Operation::List { limit, reply } => drop(reply.send(Ok(self.parked.list(limit)))),
            Operation::Discard { number, reply } => drop(reply.send(self.parked.discard(number))),
        }
    }

    fn plan_publish(&mut self, envelope: Envelope, batch: &mut Batch) -> Result<(), BusError> {
        let key = envelope.key();
        if batch.keys.contains(&key) || lock(&self.state).knows_id(&key) {
            return Ok(());
        }
        let published =
            batch.effects.iter().filter(|effect| matches!(effect, Effect::Published { .. })).count();
        let sequence = self.next + u64::try_from(published).unwrap_or_default();
        let at_ms = now_ms();
        let start = batch.bytes.len();
        let (subject, record) = (envelope.subject.clone(), Record::Message { sequence, at_ms, envelope });
        record::encode(&record, self.journal.synced(), &mut batch.bytes);
        let batched = u64::try_from(batch.bytes.len()).unwrap_or(u64::MAX);
        if self.journal.length() + self.parked.length() + batched > self.options.bytes_max {
            batch.bytes.truncate(start);
            return Err(BusError::Full { limit: self.options.bytes_max });
        }
        let (segment, offset) = self.journal.position();
        let start = u64::try_from(start).unwrap_or(u64::MAX);
        let place = Place { segment, offset: offset + start, size: batched - start };
        batch.effects.push(Effect::Published { sequence, at_ms, key: key.clone(), subject, place });
        batch.keys.push(key);
        batch.newest_ms = batch.newest_ms.max(at_ms);
        batch.durable = true;
        Ok(())
    }

    fn plan_done(&self, consumer: String, sequence: u64, batch: &mut Batch) {
        if lock(&self.state).is_pending(&consumer, sequence) {
            self.record(&Record::Done { consumer: consumer.clone(), sequence }, batch);
            batch.effects.push(Effect::Done { consumer, sequence });
        }
    }

    /// First into the file of parked messages, then out of the log: a crash between leaves it in both, which opening
    /// mends, and never in neither.
    fn plan_park(
        &mut self,
        consumer: String,
        sequence: u64,
        attempts: u32,
        reason: String,
        batch: &mut Batch,
    ) -> Result<(), BusError> {
        let place = {
            let state = lock(&self.state);
            let place = state.messages.get(&sequence).map(|message| message.place);
            place.filter(|_| state.is_pending(&consumer, sequence))
        };
        let Some(place) = place else { return Ok(()) };
        if !self.parked.holds(&consumer, sequence) {
            let stored = journal::read(&self.dir, place).and_then(|record| match record {
                Record::Message { envelope, .. } => {
                    let consumer = consumer.clone();
                    self.parked.add(Entry { consumer, sequence, attempts, reason, envelope })
                }
                _ => Ok(()),
            });
            if let Err(error) = stored {
                lock(&self.state).make_ready(&consumer, sequence);
                return Err(error);
            }
        }
        self.plan_done(consumer, sequence, batch);
        Ok(())
    }

    fn record(&self, record: &Record, batch: &mut Batch) {
        record::encode(record, self.journal.synced(), &mut batch.bytes);
        batch.durable = true;
    }

    /// Between batches: forgets old ids, starts a new segment when it is time, deletes what nobody wants.
    fn tidy(&mut self) {
        let before_ms = now_ms().saturating_sub(millis(self.options.dedupe_window));
        let (floor, opening) = {
            let mut state = lock(&self.state);
            if state.stopped {
                return;
            }
            state.forget_ids(before_ms);
            let opening = state.consumers.iter().map(|(name, consumer)| Record::Consumer {
                name: name.clone(),
                filter: consumer.filter.as_str().to_owned(),
                from: consumer.from,
            });
            (state.floor(), opening.collect::<Vec<_>>())
        };
        let full = self.journal.length() + self.parked.length() + self.options.segment_bytes
            > self.options.bytes_max;
        let idle = floor >= self.next;
        let roll = self.journal.active_length() >= self.options.segment_bytes || (full && idle);
        let tidied = if roll { self.journal.roll(self.next, &opening) } else { Ok(()) };
        if let Err(error) = tidied.and_then(|()| self.journal.trim(floor.min(self.next), before_ms)) {
            // The log is as sound as before, only longer; publishing will say when it is full.
            tracing::error!(error = %error, "the bus could not tidy its log");
        }
    }
}

fn apply(effect: Effect, state: &mut State) {
    match effect {
        Effect::Published { sequence, at_ms, key, subject, place } => {
            state.published(sequence, at_ms, key, &subject, place);
        }
        Effect::Created { name, filter, from } => state.consumer_created(&name, filter, from),
        Effect::Forgotten { name } => state.consumer_forgotten(&name),
        Effect::Done { consumer, sequence } => state.done(&consumer, sequence),
    }
}
