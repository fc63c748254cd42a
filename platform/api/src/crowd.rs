//! How much of run-time events is held at a time, of each source and of all: bodies are weighed in bytes, so that many tiny ones find as much
//! room as a few large ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What bodies are weighed in, in bytes. The tiniest weighs one: its connection and its task weigh something too.
pub(crate) const UNIT: usize = 64 << 10;
/// Most that bodies of one source weigh at a time: 64 MiB. One that floods keeps no room from the others.
const SOURCE_UNITS: usize = (64 << 20) / UNIT;
/// Most that bodies of all sources weigh at a time: 192 MiB.
const ALL_UNITS: usize = (192 << 20) / UNIT;
/// From so many sources on, those without a body here are forgotten.
const SOURCES_KEPT: usize = 256;

/// Whose bodies are full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// Those of this source.
    Source,
    /// Those of all sources together.
    All,
}

/// The room for bodies.
#[derive(Debug)]
pub(crate) struct Crowd {
    all: Arc<Semaphore>,
    sources: Mutex<HashMap<(TenantId, String), Arc<Semaphore>>>,
}

impl Default for Crowd {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL_UNITS)), sources: Mutex::default() }
    }
}

impl Crowd {
    /// Room for one body of a source that is known to have so many bytes; it grows with [`Room::hold`].
    pub(crate) fn enter(&self, tenant: &TenantId, source: &str, bytes: usize) -> Result<Room, Full> {
        let units = units(bytes);
        let own = self.of_source(tenant, source).try_acquire_many_owned(units).map_err(|_| Full::Source)?;
        let all = Arc::clone(&self.all).try_acquire_many_owned(units).map_err(|_| Full::All)?;
        Ok(Room { own, all })
    }

    fn of_source(&self, tenant: &TenantId, source: &str) -> Arc<Semaphore> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() >= SOURCES_KEPT {
            // A permit that is held is a reference of its own: what only the map refers to has all its room.
            sources.retain(|_, room| Arc::strong_count(room) > 1);
        }
        let own = sources.entry((tenant.clone(), source.to_owned()));
        Arc::clone(own.or_insert_with(|| Arc::new(Semaphore::new(SOURCE_UNITS))))
    }
}

/// What one body takes of the room; it is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl Room {
    /// Makes this room for so many bytes in all, before they are kept. One that is refused stays as it was.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Full> {
        let wanted = units(bytes);
        let more = wanted.saturating_sub(count(&self.own));
        if more == 0 {
            return Ok(());
        }
        let take =
            |permit: &OwnedSemaphorePermit| Arc::clone(permit.semaphore()).try_acquire_many_owned(more);
        let own = take(&self.own).map_err(|_| Full::Source)?;
        let all = take(&self.all).map_err(|_| Full::All)?;
        self.own.merge(own);
        self.all.merge(all);
        Ok(())
    }

    /// Gives back what is more than so many bytes need.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        let less = count(&self.own).saturating_sub(units(bytes));
        for permit in [&mut self.own, &mut self.all] {
            drop(permit.split(usize::try_from(less).unwrap_or(0)));
        }
    }
}

fn count(permit: &OwnedSemaphorePermit) -> u32 {
    u32::try_from(permit.num_permits()).unwrap_or(u32::MAX)
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use model::TenantId;
    use proptest::prelude::{Just, any, prop_oneof, proptest};
    use proptest::strategy::Strategy as _;

    use super::{ALL_UNITS, Crowd, Full, Room, SOURCE_UNITS, SOURCES_KEPT, UNIT};

    fn enter(crowd: &Crowd, source: &str, bytes: usize) -> Result<Room, Full> {
        crowd.enter(&TenantId::default_tenant(), source, bytes)
    }

    #[test]
    fn a_flood_of_one_source_leaves_the_others_room() {
        let crowd = Crowd::default();
        let tiny: Vec<Room> = std::iter::from_fn(|| enter(&crowd, "flood", 1).ok()).collect();
        assert_eq!(tiny.len(), SOURCE_UNITS);
        assert_eq!(enter(&crowd, "flood", 0).unwrap_err(), Full::Source);
        let mut other = enter(&crowd, "other", 16 << 20).unwrap();
        other.hold(64 << 20).unwrap();
        assert_eq!(other.hold((64 << 20) + 1).unwrap_err(), Full::Source);
        let third = enter(&crowd, "third", 64 << 20).unwrap();
        assert_eq!(enter(&crowd, "fourth", 1).unwrap_err(), Full::All);
        drop(third);
        drop(enter(&crowd, "fourth", 1).unwrap());
        drop((tiny, other));
        assert_eq!(crowd.all.available_permits(), ALL_UNITS);
        enter(&crowd, "flood", 64 << 20).unwrap();
    }

    #[test]
    fn the_same_name_of_another_tenant_is_another_source() {
        let crowd = Crowd::default();
        let _own = enter(&crowd, "a", 64 << 20).unwrap();
        crowd.enter(&TenantId::parse("other").unwrap(), "a", 64 << 20).unwrap();
    }

    #[test]
    fn sources_without_a_body_are_forgotten_and_the_others_are_not() {
        let crowd = Crowd::default();
        let _kept = enter(&crowd, "kept", 64 << 20).unwrap();
        for source in 0..4 * SOURCES_KEPT {
            drop(enter(&crowd, &source.to_string(), 1).unwrap());
        }
        assert!(crowd.sources.lock().unwrap().len() <= SOURCES_KEPT);
        assert_eq!(enter(&crowd, "kept", 1).unwrap_err(), Full::Source);
    }

    /// What may happen to bodies.
    #[derive(Debug, Clone)]
    enum Step {
        Enter { source: usize, bytes: usize },
        Hold { body: usize, bytes: usize },
        Shrink { body: usize, bytes: usize },
        Leave { body: usize },
    }

    fn step() -> impl proptest::strategy::Strategy<Value = Step> {
        let bytes = || prop_oneof![Just(0), Just(1), Just(UNIT), Just(UNIT + 1), 0..(40_usize << 20)];
        prop_oneof![
            (0..5_usize, bytes()).prop_map(|(source, bytes)| Step::Enter { source, bytes }),
            (any::<usize>(), bytes()).prop_map(|(body, bytes)| Step::Hold { body, bytes }),
            (any::<usize>(), bytes()).prop_map(|(body, bytes)| Step::Shrink { body, bytes }),
            any::<usize>().prop_map(|body| Step::Leave { body }),
        ]
    }

    /// The room as sums: what each body of a source weighs.
    #[derive(Default)]
    struct Sums(Vec<(usize, usize, Room)>);

    impl Sums {
        fn weighs(&self, source: Option<usize>) -> usize {
            self.0.iter().filter(|one| source.is_none_or(|source| one.0 == source)).map(|one| one.1).sum()
        }

        /// Whether so many units more of a source must be refused.
        fn full(&self, source: usize, more: usize) -> Option<Full> {
            if self.weighs(Some(source)) + more > SOURCE_UNITS {
                return Some(Full::Source);
            }
            (self.weighs(None) + more > ALL_UNITS).then_some(Full::All)
        }

        fn apply(&mut self, crowd: &Crowd, step: &Step) {
            let units = |bytes: usize| bytes.div_ceil(UNIT).max(1);
            let at = |body: usize| body.checked_rem(self.0.len());
            match *step {
                Step::Enter { source, bytes } => {
                    let expected = self.full(source, units(bytes));
                    let entered = enter(crowd, &source.to_string(), bytes);
                    assert_eq!(entered.as_ref().err().copied(), expected);
                    self.0.extend(entered.map(|room| (source, units(bytes), room)));
                }
                Step::Hold { body, bytes } => {
                    let Some(at) = at(body) else { return };
                    let more = units(bytes).saturating_sub(self.0[at].1);
                    let expected = if more == 0 { None } else { self.full(self.0[at].0, more) };
                    assert_eq!(self.0[at].2.hold(bytes).err(), expected);
                    self.0[at].1 += if expected.is_none() { more } else { 0 };
                }
                Step::Shrink { body, bytes } => {
                    let Some(at) = at(body) else { return };
                    self.0[at].2.shrink(bytes);
                    self.0[at].1 = self.0[at].1.min(units(bytes));
                }
                Step::Leave { body } => drop(at(body).map(|at| self.0.swap_remove(at))),
            }
            assert_eq!(crowd.all.available_permits(), ALL_UNITS - self.weighs(None));
        }
    }

    proptest! {
        #[test]
        fn what_is_held_is_what_bodies_weigh_whatever_happens_to_them(steps in proptest::collection::vec(step(), 0..60)) {
            let crowd = Crowd::default();
            let mut sums = Sums::default();
            for step in &steps {
                sums.apply(&crowd, step);
            }
            drop(sums);
            assert_eq!(crowd.all.available_permits(), ALL_UNITS);
            for source in 0..5 {
                drop(enter(&crowd, &source.to_string(), SOURCE_UNITS * UNIT).unwrap());
            }
        }
    }
}
