//! A profile: items by class, whose merge is a union.
//!
//! A class with more items than its bound is told apart less finely, level by level, until it fits; at the last level it is
//! `too varied` and holds nothing. The level is the least at which the whole set fits, so the merge of any parts in any order, with
//! repetitions, is the same profile (a property test).

use std::collections::BTreeMap;

use crate::class::{Class, TOO_VARIED};
use crate::codec::{Input, Output};
use crate::seen::{Look, Seen};
use crate::text::cut;

/// Longest item, in bytes.
pub(crate) const ITEM_MAX: usize = 256;
/// What an item costs beside its text: more than its summary ever has when it is written.
const ITEM_COST: usize = 80;

/// Items of a class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Items {
    pub(crate) level: u8,
    pub(crate) items: BTreeMap<String, Seen>,
}

impl Items {
    /// Makes it as coarse as it has to be.
    fn fit(&mut self, class: Class) {
        let (count, bytes) = class.most();
        while self.level < TOO_VARIED
            && (self.items.len() > count
                || self.items.keys().map(|item| item.len() + ITEM_COST).sum::<usize>() > bytes)
        {
            self.raise(class, self.level + 1);
        }
    }

    fn raise(&mut self, class: Class, level: u8) {
        if level <= self.level {
            return;
        }
        self.level = level.min(TOO_VARIED);
        for (item, seen) in std::mem::take(&mut self.items) {
            if let Some(item) = class.coarser(&item, self.level) {
                self.items.entry(item).or_default().merge(&seen);
            }
        }
    }

    fn merge(&mut self, other: &Self, class: Class) {
        self.raise(class, other.level);
        for (item, seen) in &other.items {
            if let Some(item) = class.coarser(item, self.level) {
                self.items.entry(item).or_default().merge(seen);
            }
        }
        self.fit(class);
    }
}

/// What is known of a behaviour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    classes: [Items; 4],
    /// Since when it has been good enough to judge by, in seconds since 1970; 0 while it is not.
    pub(crate) ready: u64,
}

/// How complete a profile is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    /// Items.
    pub(crate) items: usize,
    /// Time of the first look, and of the last new item, in seconds since 1970.
    pub(crate) since: u64,
    pub(crate) last_new: u64,
    /// Occasions (minutes of containers, but for their starts), summed over items.
    pub(crate) occasions: u64,
    /// Items seen on one occasion only.
    pub(crate) once: u64,
    /// The most replicas that one item was seen in.
    pub(crate) replicas: u64,
}

impl Summary {
    /// An empty one that is usable since a time.
    pub(crate) fn ready(ready: u64) -> Self {
        Self { ready, ..Self::default() }
    }

    pub(crate) fn items(&self, class: Class) -> &Items {
        let [process, destination, file, alert] = &self.classes;
        match class {
            Class::Process => process,
            Class::Destination => destination,
            Class::File => file,
            Class::Alert => alert,
        }
    }

    fn items_mut(&mut self, class: Class) -> &mut Items {
        let [process, destination, file, alert] = &mut self.classes;
        match class {
            Class::Process => process,
            Class::Destination => destination,
            Class::File => file,
            Class::Alert => alert,
        }
    }

    /// What is known of an item, told apart as finely as this profile does; nothing where it is new.
    pub(crate) fn get(&self, class: Class, item: &str) -> Option<&Seen> {
        let items = self.items(class);
        match items.level {
            0 => items.items.get(item),
            level => items.items.get(&class.coarser(item, level)?),
        }
    }

    /// Whether the class has too many items to say that one is new.
    pub(crate) fn too_varied(&self, class: Class) -> bool {
        self.items(class).level >= TOO_VARIED
    }

    /// Learns a look at an item; false where it changes nothing.
    pub(crate) fn look(&mut self, class: Class, item: &str, look: Look) -> bool {
        let items = self.items_mut(class);
        if items.level == 0
            && let Some(seen) = items.items.get_mut(item)
        {
            return seen.look(look);
        }
        let Some(item) = class.coarser(cut(item, ITEM_MAX), items.level) else { return false };
        if let Some(seen) = items.items.get_mut(&item) {
            return seen.look(look);
        }
        items.items.entry(item).or_default().look(look);
        items.fit(class);
        true
    }

    /// Takes what another says of an item.
    pub(crate) fn learn(&mut self, class: Class, item: &str, seen: &Seen) {
        let items = self.items_mut(class);
        let Some(item) = class.coarser(cut(item, ITEM_MAX), items.level) else { return };
        items.items.entry(item).or_default().merge(seen);
        items.fit(class);
    }

    /// Tells a class apart no finer than this.
    pub(crate) fn at_level(&mut self, class: Class, level: u8) {
        self.items_mut(class).raise(class, level);
    }

    /// The union of both.
    pub(crate) fn merge(&mut self, other: &Self) {
        for class in Class::ALL {
            self.items_mut(class).merge(other.items(class), class);
        }
        self.ready = match (self.ready, other.ready) {
            (0, ready) | (ready, 0) => ready,
            (a, b) => a.min(b),
        };
    }

    /// How much of the behaviour has been seen. Alerts do not count: a sensor chooses what it tells.
    pub(crate) fn estimate(&self) -> Estimate {
        let mut estimate =
            Estimate { items: 0, since: u64::MAX, last_new: 0, occasions: 0, once: 0, replicas: 0 };
        for class in [Class::Process, Class::Destination, Class::File] {
            for seen in self.items(class).items.values() {
                let occasions = seen.occasions.count();
                estimate.items += 1;
                estimate.since = estimate.since.min(seen.first);
                estimate.last_new = estimate.last_new.max(seen.first);
                estimate.occasions = estimate.occasions.saturating_add(occasions);
                estimate.once += u64::from(occasions == 1);
                estimate.replicas = estimate.replicas.max(seen.replicas.count());
            }
        }
        if estimate.items == 0 {
            estimate.since = 0;
        }
        estimate
    }

    pub(crate) fn write(&self, output: &mut Output) {
        output.number(self.ready);
        for class in Class::ALL {
            let items = self.items(class);
            output.number(u64::from(items.level));
            output.number(items.items.len() as u64);
            for (item, seen) in &items.items {
                output.text(item);
                seen.write(output);
            }
        }
    }

    pub(crate) fn read(input: &mut Input<'_>) -> Option<Self> {
        let mut summary = Self { ready: input.number()?, ..Self::default() };
        for class in Class::ALL {
            let items = summary.items_mut(class);
            items.level = u8::try_from(input.number()?).ok().filter(|level| *level <= TOO_VARIED)?;
            for _ in 0..input.count()? {
                let item = input.text()?;
                items.items.insert(item, Seen::read(input)?);
            }
            items.fit(class);
        }
        Some(summary)
    }
}

impl Estimate {
    /// The probability that the next look shows something new.
    ///
    /// Good and Turing: the share of singletons f₁/n estimates the probability mass of what was not seen (I. J. Good, "The population
    /// frequencies of species and the estimation of population parameters", Biometrika 40, 1953). A minute in which nothing new was
    /// seen since the last new item is a draw that showed none, so that a workload that does nothing is known too; one is added
    /// to the singletons and two to the draws, as Laplace did, so that it is never nothing.
    pub(crate) fn unseen(&self, now: u64) -> f64 {
        let quiet = now.saturating_sub(self.last_new) / 60;
        let draws = self.occasions.saturating_add(quiet);
        (self.once as f64 + 1.0) / (draws as f64 + 2.0).max(self.once as f64 + 1.0)
    }

    /// f₁/n, as it stands.
    pub(crate) fn singletons(&self) -> f64 {
        if self.occasions == 0 { 1.0 } else { self.once as f64 / self.occasions as f64 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Summary;
    use crate::class::{Class, TOO_VARIED};
    use crate::codec::{Input, Output};
    use crate::seen::Look;

    /// Looks at items of all classes; few or very many.
    fn looks() -> impl Strategy<Value = Vec<(Class, String, Look)>> {
        let class = prop::sample::select(Class::ALL.to_vec());
        let item = prop_oneof![
            4 => (0u32..12).prop_map(|n| format!("/usr/bin/a{n} < /init")),
            2 => (0u32..100_000).prop_map(|n| format!("/data/x{n}/y")),
            1 => (0u32..100_000).prop_map(|n| format!("tcp h{n}.d{}.example:443", n % 200)),
        ];
        let look = (0u64..9_000_000, 0u32..9, any::<bool>()).prop_map(|(time, replica, start)| Look {
            time,
            replica,
            start,
        });
        prop::collection::vec((class, item, look), 0..600)
    }

    fn of<'a>(looks: impl IntoIterator<Item = &'a (Class, String, Look)>) -> Summary {
        let mut summary = Summary::default();
        for (class, item, look) in looks {
            summary.look(*class, item, *look);
        }
        summary
    }

    fn merged(parts: &[&Summary]) -> Summary {
        let mut all = Summary::default();
        for part in parts {
            all.merge(part);
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_order_any_split_and_any_repetition_is_the_same(
            looks in looks(), cut in any::<prop::sample::Index>(), second in any::<prop::sample::Index>(),
        ) {
            let (a, b) = (cut.index(looks.len() + 1), second.index(looks.len() + 1));
            let (a, b) = (a.min(b), a.max(b));
            let whole = of(&looks);
            let parts = [of(&looks[..a]), of(&looks[a..b]), of(&looks[b..])];
            let [x, y, z] = &parts;
            prop_assert_eq!(&merged(&[x, y, z]), &whole);
            prop_assert_eq!(&merged(&[z, x, y]), &whole);
            prop_assert_eq!(&merged(&[x, &merged(&[y, z])]), &whole);
            prop_assert_eq!(&merged(&[&merged(&[z, x]), y, x, &whole]), &whole);
            prop_assert_eq!(&of(looks.iter().rev()), &whole);
            prop_assert_eq!(&merged(&[&whole, &whole]), &whole);
        }

        #[test]
        fn what_is_written_is_read_and_small(looks in looks()) {
            let whole = of(&looks);
            let mut output = Output::default();
            whole.write(&mut output);
            prop_assert!(output.0.len() < 52_000, "{}", output.0.len());
            prop_assert_eq!(Summary::read(&mut Input(&output.0)), Some(whole));
        }

        #[test]
        fn bytes_of_nobody_are_no_profile(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Summary::read(&mut Input(&bytes));
        }
    }

    #[test]
    fn too_many_names_end_in_templates_or_in_a_mark() {
        let mut summary = Summary::default();
        for n in 0..100_000u64 {
            let look = Look { time: n, replica: n as u32, start: false };
            summary.look(Class::File, &format!("/data/f{n}x"), look);
            summary.look(Class::Process, &format!("/d{n}x/bin < /init"), look);
        }
        assert_eq!(summary.items(Class::File).level, 1);
        assert_eq!(summary.items(Class::File).items.keys().collect::<Vec<_>>(), ["/data/*"]);
        assert_eq!(summary.items(Class::Process).level, TOO_VARIED);
        assert!(summary.too_varied(Class::Process) && summary.items(Class::Process).items.is_empty());
    }
}
