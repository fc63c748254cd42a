//! The shared memory budget: what all readers together may hold of file contents.
//!
//! Deadlock is ruled out by three rules. A reader asks once for the whole file, whose size the header told it, and
//! holds nothing else while it waits. Before it waits it tells its sink to let go of what it gathered
//! ([`Sink::release`](crate::Sink::release)). And waiting is first come, first served, so that a large file is not
//! starved by a stream of small ones. So whoever holds a permit is either reading or being consumed, and ends.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Enough for the largest file that a first-party interest asks for beside a handful of ordinary ones, and small
/// enough for a scan under 200 MB.
pub const BUDGET_BYTES_DEFAULT: u64 = 96 << 20;

/// A number of bytes shared by all readers that hold a clone.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    capacity: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    used: u64,
    peak: u64,
    /// Number the next waiting reader draws.
    drawn: u64,
    /// Number whose turn it is.
    turn: u64,
}

/// Bytes taken from a budget; dropping it gives them back.
#[derive(Debug)]
pub struct Permit {
    bytes: u64,
    shared: Arc<Shared>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(BUDGET_BYTES_DEFAULT)
    }
}

impl Budget {
    /// A budget of that many bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        Self(Arc::new(Shared { capacity, state: Mutex::default(), changed: Condvar::new() }))
    }

    /// The largest file that can ever be held.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.0.capacity
    }

    /// The most that was ever taken at once.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.0.lock().peak
    }

    /// Takes at once, if it is free and nobody waits.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<Permit> {
        let mut state = self.0.lock();
        let free = self.0.capacity.saturating_sub(state.used);
        if state.drawn != state.turn || bytes > free {
            return None;
        }
        Some(self.grant(&mut state, bytes))
    }

    /// Waits until it is free. `None` when it never can be.
    pub(crate) fn take(&self, bytes: u64) -> Option<Permit> {
        if bytes > self.0.capacity {
            return None;
        }
        let mut state = self.0.lock();
        let number = state.drawn;
        state.drawn += 1;
        while state.turn != number || bytes > self.0.capacity.saturating_sub(state.used) {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.turn += 1;
        let permit = self.grant(&mut state, bytes);
        drop(state);
        self.0.changed.notify_all();
        Some(permit)
    }

    fn grant(&self, state: &mut State, bytes: u64) -> Permit {
        state.used += bytes;
        state.peak = state.peak.max(state.used);
        Permit { bytes, shared: self.0.clone() }
    }
}

impl Shared {
    /// A reader that panicked leaves the counters whole: they change in one step under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.lock().used -= self.bytes;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = Budget::new(10);
        let first = budget.try_take(6).unwrap();
        assert!(budget.try_take(5).is_none());
        let second = budget.try_take(4).unwrap();
        drop(first);
        assert!(budget.try_take(6).is_some());
        drop(second);
        assert!(budget.take(11).is_none());
        assert_eq!(budget.peak(), 10);
    }

    #[test]
    fn many_readers_of_any_size_all_get_through() {
        let budget = Budget::new(100);
        std::thread::scope(|scope| {
            for reader in 0..8_u64 {
                let budget = budget.clone();
                scope.spawn(move || {
                    for step in 0..500 {
                        let permit = budget.take((reader * 37 + step * 13) % 101).unwrap();
                        std::thread::yield_now();
                        drop(permit);
                    }
                });
            }
        });
        assert!(budget.peak() <= 100);
        assert!(budget.try_take(100).is_some());
    }

    #[test]
    fn a_large_request_is_not_overtaken() {
        let budget = Budget::new(10);
        let held = budget.try_take(1).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| budget.take(10).unwrap());
            while budget.0.lock().drawn == 0 {
                std::thread::yield_now();
            }
            assert!(budget.try_take(1).is_none(), "someone waits");
            drop(held);
            drop(waiting.join().unwrap());
        });
    }
}
