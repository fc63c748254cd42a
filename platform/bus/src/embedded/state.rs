//! What the log says, in memory: which messages wait for whom. Pure: no file, no clock; times are handed in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::journal::Place;
use crate::ConsumerOptions;
use crate::envelope::Filter;

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Every message not yet behind all consumers, by sequence.
    pub(crate) messages: BTreeMap<u64, Message>,
    pub(crate) consumers: BTreeMap<String, ConsumerState>,
    ids: Ids,
    /// Set when nothing that is written can be trusted any more.
    pub(crate) stopped: bool,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) place: Place,
    subject: Box<str>,
}

/// Ids of recent messages.
#[derive(Debug, Default)]
struct Ids {
    known: HashSet<String>,
    by_age: VecDeque<(u64, String)>,
}

/// One durable consumer.
#[derive(Debug)]
pub(crate) struct ConsumerState {
    pub(crate) filter: Filter,
    /// The first sequence it wants.
    pub(crate) from: u64,
    /// Latest options; `None` until somebody joins it in this process.
    options: Option<ConsumerOptions>,
    /// Messages it is not done with.
    pending: BTreeSet<u64>,
    /// Of those, the ones that may be delivered now.
    ready: BTreeSet<u64>,
    /// And the ones that come back by themselves.
    waiting: HashMap<u64, Waiting>,
    timers: BTreeSet<(Instant, u64)>,
    attempts: HashMap<u64, u32>,
    in_flight: u32,
    pub(crate) changed: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    until: Instant,
    /// Delivered and unanswered, in contrast to set aside until later.
    in_flight: bool,
}

/// What a consumer can do now.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Deliver this message, as its n-th delivery.
    Deliver { sequence: u64, place: Place, attempt: u32 },
    /// Give this message up first: it had all its deliveries.
    Park { sequence: u64, attempts: u32 },
    /// Wait for a change, or until this time.
    Wait(Option<Instant>),
}

impl State {
    /// A message is in the log.
    pub(crate) fn published(&mut self, sequence: u64, at_ms: u64, key: String, subject: &str, place: Place) {
        self.messages.insert(sequence, Message { place, subject: subject.into() });
        self.ids.by_age.push_back((at_ms, key.clone()));
        self.ids.known.insert(key);
        for consumer in self.consumers.values_mut() {
            if sequence >= consumer.from && consumer.filter.selects(subject) {
                consumer.pending.insert(sequence);
                consumer.ready.insert(sequence);
                consumer.changed.notify_waiters();
            }
        }
    }

    pub(crate) fn knows_id(&self, key: &str) -> bool {
        self.ids.known.contains(key)
    }

    /// Forgets ids of messages older than that.
    pub(crate) fn forget_ids(&mut self, before_ms: u64) {
        while let Some((at_ms, _)) = self.ids.by_age.front()
            && *at_ms < before_ms
            && let Some((_, key)) = self.ids.by_age.pop_front()
        {
            self.ids.known.remove(&key);
        }
    }

    /// A consumer is in the log; it gets what is kept from `from` on.
    pub(crate) fn consumer_created(&mut self, name: &str, filter: Filter, from: u64) {
        if self.consumers.contains_key(name) {
            return;
        }
        let wanted = self.messages.range(from..).filter(|(_, message)| filter.selects(&message.subject));
        let pending: BTreeSet<u64> = wanted.map(|(sequence, _)| *sequence).collect();
        let consumer = ConsumerState {
            filter,
            from,
            options: None,
            ready: pending.clone(),
            pending,
            waiting: HashMap::new(),
            timers: BTreeSet::new(),
            attempts: HashMap::new(),
            in_flight: 0,
            changed: Arc::new(Notify::new()),
        };
        self.consumers.insert(name.to_owned(), consumer);
    }

    /// Where a consumer that is created now starts: at the oldest message kept.
    pub(crate) fn oldest(&self, next: u64) -> u64 {
        self.messages.keys().next().copied().unwrap_or(next)
    }

    pub(crate) fn set_options(&mut self, options: &ConsumerOptions) {
        if let Some(consumer) = self.consumers.get_mut(&options.name) {
            consumer.options = Some(options.clone());
            consumer.changed.notify_waiters();
        }
    }

    pub(crate) fn consumer_forgotten(&mut self, name: &str) {
        if let Some(consumer) = self.consumers.remove(name) {
            consumer.changed.notify_waiters();
        }
        self.prune();
    }

    /// A delivery stands in the log.
    pub(crate) fn delivered(&mut self, consumer: &str, sequence: u64, attempt: u32) {
        if let Some(consumer) = self.consumers.get_mut(consumer)
            && consumer.pending.contains(&sequence)
        {
            let known = consumer.attempts.entry(sequence).or_default();
            *known = attempt.max(*known);
        }
    }

    /// A consumer is done with a message, or has given it up.
    pub(crate) fn done(&mut self, name: &str, sequence: u64) {
        let Some(consumer) = self.consumers.get_mut(name) else { return };
        consumer.stop_waiting(sequence);
        consumer.pending.remove(&sequence);
        consumer.ready.remove(&sequence);
        consumer.attempts.remove(&sequence);
        consumer.changed.notify_waiters();
        self.prune();
    }

    pub(crate) fn is_pending(&self, name: &str, sequence: u64) -> bool {
        self.consumers.get(name).is_some_and(|consumer| consumer.pending.contains(&sequence))
    }

    /// The first sequence that somebody may still want: all below are behind every consumer.
    pub(crate) fn floor(&self) -> u64 {
        let wanted = self.consumers.values().filter_map(|consumer| consumer.pending.first().copied());
        match wanted.min() {
            Some(sequence) => sequence,
            None if self.consumers.is_empty() => 0,
            None => u64::MAX,
        }
    }

    fn prune(&mut self) {
        let floor = self.floor();
        while let Some(entry) = self.messages.first_entry()
            && *entry.key() < floor
        {
            entry.remove();
        }
    }

    /// Nothing that is written can be trusted any more; everybody who waits is told.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
        self.consumers.values().for_each(|consumer| consumer.changed.notify_waiters());
    }

    /// Takes the next message for a consumer, or says what to do instead; `None` when the consumer is gone.
    pub(crate) fn claim(&mut self, name: &str, now: Instant) -> Option<Claim> {
        let consumer = self.consumers.get_mut(name)?;
        let options = consumer.options.clone()?;
        consumer.wake(now);
        let next_timer = consumer.timers.first().map(|(until, _)| *until);
        let Some(sequence) = consumer.ready.first().copied() else { return Some(Claim::Wait(next_timer)) };
        let attempts = consumer.attempts.get(&sequence).copied().unwrap_or_default();
        if attempts >= options.max_deliver {
            consumer.ready.remove(&sequence);
            return Some(Claim::Park { sequence, attempts });
        }
        if consumer.in_flight >= options.in_flight_max {
            return Some(Claim::Wait(next_timer));
        }
        let attempt = attempts + 1;
        // Pending messages are above the floor and therefore kept.
        let place = self.messages.get(&sequence)?.place;
        consumer.ready.remove(&sequence);
        consumer.attempts.insert(sequence, attempt);
        consumer.set_aside(sequence, now + options.wait_after(attempt), true);
        Some(Claim::Deliver { sequence, place, attempt })
    }

    /// Messages of all consumers that had all their deliveries, taken out to be parked.
    pub(crate) fn exhausted(&mut self, now: Instant) -> Vec<(String, u64, u32)> {
        let mut found = Vec::new();
        for (name, consumer) in &mut self.consumers {
            consumer.wake(now);
            let Some(max) = consumer.options.as_ref().map(|options| options.max_deliver) else { continue };
            let ready = consumer.ready.iter().copied();
            let over = ready.filter_map(|sequence| {
                let attempts =
                    consumer.attempts.get(&sequence).copied().filter(|attempts| *attempts >= max)?;
                Some((sequence, attempts))
            });
            for (sequence, attempts) in over.collect::<Vec<_>>() {
                consumer.ready.remove(&sequence);
                found.push((name.clone(), sequence, attempts));
            }
        }
        found
    }

    /// Makes a message deliverable again: it could not be parked.
    pub(crate) fn make_ready(&mut self, name: &str, sequence: u64) {
        if let Some(consumer) = self.consumers.get_mut(name)
            && consumer.pending.contains(&sequence)
        {
            consumer.stop_waiting(sequence);
            consumer.ready.insert(sequence);
            consumer.changed.notify_waiters();
        }
    }

    /// The answer "later" to a delivery; one that is not the latest says nothing.
    pub(crate) fn set_back(&mut self, name: &str, sequence: u64, attempt: u32, until: Instant) {
        if let Some(consumer) = self.consumers.get_mut(name)
            && consumer.attempts.get(&sequence) == Some(&attempt)
            && consumer.waiting.get(&sequence).is_some_and(|waiting| waiting.in_flight)
        {
            consumer.set_aside(sequence, until, false);
            consumer.changed.notify_waiters();
        }
    }

    /// The answer "still at work"; one to a delivery that is not the latest says nothing.
    pub(crate) fn extend(&mut self, name: &str, sequence: u64, attempt: u32, now: Instant) {
        if let Some(consumer) = self.consumers.get_mut(name)
            && consumer.attempts.get(&sequence) == Some(&attempt)
            && consumer.waiting.get(&sequence).is_some_and(|waiting| waiting.in_flight)
            && let Some(wait) = consumer.options.as_ref().map(|options| options.wait_after(attempt))
        {
            consumer.set_aside(sequence, now + wait, true);
        }
    }
}

impl ConsumerState {
    /// Moves what has waited long enough to the ready ones.
    fn wake(&mut self, now: Instant) {
        while let Some((until, sequence)) = self.timers.first().copied()
            && until <= now
        {
            self.stop_waiting(sequence);
            self.ready.insert(sequence);
        }
    }

    fn set_aside(&mut self, sequence: u64, until: Instant, in_flight: bool) {
        self.stop_waiting(sequence);
        self.in_flight += u32::from(in_flight);
        self.timers.insert((until, sequence));
        self.waiting.insert(sequence, Waiting { until, in_flight });
    }

    fn stop_waiting(&mut self, sequence: u64) {
        if let Some(waiting) = self.waiting.remove(&sequence) {
            self.timers.remove(&(waiting.until, sequence));
            self.in_flight -= u32::from(waiting.in_flight);
        }
    }
}
