//! Events in the order of their time.
//!
//! The watermark of a source is the latest time that it has told of, less the lateness that is borne. The watermark of all is the
//! lowest of the sources that are not idle, and never goes back. An event at or below it can no longer be put in order: it is late.
//! A source whose clock is ahead cannot push the watermark further than the receiver's own clock does.

use std::collections::{BTreeMap, BTreeSet};

/// What is borne. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How much later than its successors an event may come and still be put in order.
    pub lateness: u64,
    /// How long a source that says nothing holds the others back, by the receiver's clock.
    pub idle: u64,
    /// Most events that wait. One more is refused, and has to be brought again after a release.
    pub waiting: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        const SECOND: u64 = 1_000_000_000;
        Self { lateness: 10 * SECOND, idle: 30 * SECOND, waiting: 1_000_000 }
    }
}

/// An event that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting<E> {
    /// When it happened, in nanoseconds since 1970 in UTC.
    pub time: u64,
    /// Message id; decides between events of the same time.
    pub id: String,
    /// Where it came from.
    pub source: String,
    /// The event.
    pub event: E,
}

/// What became of an event that was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It waits for its turn.
    Waits,
    /// It is there already, or was there and has been released not long ago.
    Twice,
    /// Its place has gone by; it is not put in order.
    Late,
    /// Too many wait; it was not taken.
    Full,
}

#[derive(Debug, Clone, Copy)]
struct Source {
    /// The latest time that it told of, no later than the receiver's clock then.
    time: u64,
    /// When it last said anything, by the receiver's clock.
    heard: u64,
}

/// Events that wait for their turn.
#[derive(Debug)]
pub struct Order<E> {
    bounds: Bounds,
    waiting: BTreeMap<(u64, String), Waiting<E>>,
    /// Events that were released within the lateness that is borne: one of them that comes again is no late one.
    released: BTreeSet<(u64, String)>,
    sources: BTreeMap<String, Source>,
    watermark: u64,
    late: u64,
}

impl<E> Order<E> {
    /// Nothing waits. `watermark` is where an earlier order ended; 0 for the first.
    #[must_use]
    pub fn new(bounds: Bounds, watermark: u64) -> Self {
        Self {
            bounds,
            waiting: BTreeMap::new(),
            released: BTreeSet::new(),
            sources: BTreeMap::new(),
            watermark,
            late: 0,
        }
    }

    /// Brings an event that was received at `now` by the receiver's clock.
    pub fn push(&mut self, waiting: Waiting<E>, now: u64) -> Placed {
        let place = (waiting.time, waiting.id.clone());
        if self.waiting.contains_key(&place) || self.released.contains(&place) {
            self.heard(&waiting.source, waiting.time, now);
            return Placed::Twice;
        }
        if waiting.time <= self.watermark {
            self.heard(&waiting.source, waiting.time, now);
            self.late = self.late.saturating_add(1);
            return Placed::Late;
        }
        if self.waiting.len() >= self.bounds.waiting {
            return Placed::Full;
        }
        self.heard(&waiting.source, waiting.time, now);
        self.waiting.insert(place, waiting);
        Placed::Waits
    }

    fn heard(&mut self, source: &str, time: u64, now: u64) {
        let time = time.min(now);
        match self.sources.get_mut(source) {
            Some(known) => {
                known.time = known.time.max(time);
                known.heard = known.heard.max(now);
            }
            None => {
                self.sources.insert(source.to_owned(), Source { time, heard: now });
            }
        }
    }

    /// The events whose turn has come, in order, and the watermark that let them go. `now` is the receiver's clock.
    pub fn release(&mut self, now: u64) -> (Vec<Waiting<E>>, u64) {
        self.advance(now);
        (self.take(), self.watermark)
    }

    /// Everything that waits, in order: nothing will follow.
    pub fn finish(&mut self) -> (Vec<Waiting<E>>, u64) {
        self.watermark = u64::MAX;
        (self.take(), self.watermark)
    }

    fn advance(&mut self, now: u64) {
        let Bounds { lateness, idle, .. } = self.bounds;
        self.sources.retain(|_, source| now.saturating_sub(source.heard) <= idle);
        // While nobody says anything, time passes by the receiver's own clock.
        let lowest = self.sources.values().map(|source| source.time).min();
        let reached = lowest.unwrap_or_else(|| now.saturating_sub(idle));
        self.watermark = self.watermark.max(reached.saturating_sub(lateness));
    }

    fn take(&mut self) -> Vec<Waiting<E>> {
        let later = match self.watermark.checked_add(1) {
            Some(after) => self.waiting.split_off(&(after, String::new())),
            None => BTreeMap::new(),
        };
        let due = std::mem::replace(&mut self.waiting, later);
        let kept_from = self.watermark.saturating_sub(self.bounds.lateness);
        self.released = self.released.split_off(&(kept_from, String::new()));
        self.released.extend(due.keys().filter(|(time, _)| *time >= kept_from).cloned());
        due.into_values().collect()
    }

    /// No event at or before this time will be released any more.
    #[must_use]
    pub fn watermark(&self) -> u64 {
        self.watermark
    }

    /// Events that came too late so far.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Events that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Order, Placed, Waiting};

    const BOUNDS: Bounds = Bounds { lateness: 10, idle: 100, waiting: 3 };

    fn event(time: u64, source: &str) -> Waiting<u64> {
        Waiting { time, id: format!("{source}-{time}"), source: source.into(), event: time }
    }

    fn times(released: (Vec<Waiting<u64>>, u64)) -> Vec<u64> {
        released.0.into_iter().map(|waiting| waiting.event).collect()
    }

    #[test]
    fn events_come_out_in_order_once_nothing_earlier_can_follow() {
        let mut order = Order::new(BOUNDS, 0);
        for time in [20, 15, 26] {
            assert_eq!(order.push(event(time, "a"), 30), Placed::Waits);
        }
        assert_eq!(times(order.release(30)), [15]);
        assert_eq!(order.watermark(), 16);
        assert_eq!(times(order.finish()), [20, 26]);
        assert!(order.is_empty());
    }

    #[test]
    fn the_slowest_source_holds_the_others_back_until_it_is_idle() {
        let mut order = Order::new(BOUNDS, 0);
        order.push(event(20, "slow"), 50);
        order.push(event(90, "fast"), 100);
        assert_eq!(times(order.release(100)), Vec::<u64>::new());
        assert_eq!(order.watermark(), 10);
        assert_eq!(times(order.release(160)), [20], "the slow one said nothing for 110");
        assert_eq!(order.watermark(), 80);
        assert_eq!(times(order.release(300)), [90], "nobody says anything");
    }

    #[test]
    fn a_clock_that_is_ahead_makes_nobody_else_late() {
        let mut order = Order::new(BOUNDS, 0);
        assert_eq!(order.push(event(1_000_000, "ahead"), 50), Placed::Waits);
        order.release(50);
        assert_eq!(order.watermark(), 40);
        assert_eq!(order.push(event(45, "right"), 50), Placed::Waits);
    }

    #[test]
    fn what_is_late_is_counted_and_what_comes_twice_is_not() {
        let mut order = Order::new(BOUNDS, 0);
        order.push(event(30, "a"), 50);
        order.push(event(42, "a"), 50);
        assert_eq!(times(order.release(50)), [30]);
        assert_eq!(order.push(event(30, "a"), 50), Placed::Twice);
        assert_eq!(order.push(event(42, "a"), 50), Placed::Twice);
        assert_eq!(order.push(event(31, "a"), 50), Placed::Late);
        assert_eq!(order.late(), 1);
    }

    #[test]
    fn more_than_may_wait_is_refused_and_not_lost() {
        let mut order = Order::new(BOUNDS, 0);
        for time in [20, 21, 22] {
            order.push(event(time, "a"), 30);
        }
        assert_eq!(order.push(event(40, "a"), 40), Placed::Full);
        assert_eq!(order.len(), 3);
        assert_eq!(times(order.release(200)), [20, 21, 22]);
        assert_eq!(order.push(event(240, "a"), 240), Placed::Waits);
    }
}
