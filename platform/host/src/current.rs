//! What is in force now, and can be another thing in the next moment, while work with the old one goes on.

use std::sync::{Arc, PoisonError, RwLock};

/// A value that is replaced whole. Whoever has taken it keeps it to the end of his work; the old value goes when the last of
/// them has ended, so a swap interrupts nothing and waits for nobody.
#[derive(Debug)]
pub struct Current<T>(RwLock<Arc<T>>);

impl<T> Current<T> {
    /// Begins with a value.
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// The value that is in force.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another value in force.
    pub fn swap(&self, value: T) {
        let new = Arc::new(value);
        let old = std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), new);
        // Outside the lock: dropping the last handle of a plugin unmaps its code.
        drop(old);
    }
}

impl<T: Default> Default for Current<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::Current;

    #[test]
    fn what_was_taken_stays_until_it_is_let_go() {
        let current = Current::new(1);
        let taken = current.get();
        current.swap(2);
        assert_eq!((*taken, *current.get()), (1, 2));
    }
}
