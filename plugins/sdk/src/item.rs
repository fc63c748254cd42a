//! Parts of a batch that know their place in it, so that no answer can name a wrong one.

use std::ops::Deref;

/// One part of the input. It is used like a reference to it; what is reported of it names it by its place.
#[derive(Debug)]
pub struct Item<'a, T> {
    place: u32,
    value: &'a T,
}

impl<T> Clone for Item<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Item<'_, T> {}

impl<T> Deref for Item<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> Item<'_, T> {
    pub(crate) fn place(&self) -> u32 {
        self.place
    }
}

/// The parts of a batch, in order.
pub(crate) fn items<T>(batch: &[T]) -> impl Iterator<Item = Item<'_, T>> {
    (0..).zip(batch).map(|(place, value)| Item { place, value })
}
