//! As many calls at a time as the pool has room for; the rest wait here, where waiting is free, and never fail.

use std::sync::{Condvar, Mutex, PoisonError};

pub(crate) struct Admission {
    free: Mutex<u32>,
    returned: Condvar,
}

/// Room for one call.
pub(crate) struct Permit<'a>(&'a Admission);

impl Admission {
    pub(crate) fn new(calls: u32) -> Self {
        Self { free: Mutex::new(calls), returned: Condvar::new() }
    }

    /// Waits until there is room.
    pub(crate) fn enter(&self) -> Permit<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = free.saturating_add(1);
        drop(free);
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::Admission;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn never_more_than_there_is_room_for() {
        let admission = Admission::new(2);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let permit = admission.enter();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(*admission.free.lock().unwrap(), 2);
    }
}
