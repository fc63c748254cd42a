//! What is kept of a profile from call to call: its summary, and the notes of whoever works with it.

use std::collections::BTreeMap;

use crate::class::Class;
use crate::codec::{Input, Output};
use crate::seen::Seen;
use crate::shelf::Record;
use crate::summary::Summary;
use crate::text::cut;

/// Most items that were not expected and are waited for.
const SUSPECTS_MAX: usize = 24;
/// Most examples of what was not told by itself, and starts of containers that are remembered.
pub(crate) const EXAMPLES_MAX: usize = 5;
const STARTS_MAX: usize = 8;
/// Longest key, in bytes.
const KEY_MAX: usize = 400;

/// An item that was not expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) seen: Seen,
    /// When it was last told of, in seconds since 1970, and the hashes of the containers that it was told of since it was first.
    pub(crate) told: u64,
    pub(crate) containers: Vec<u32>,
}

/// What one hour was told of a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hour {
    /// Hours since 1970.
    pub(crate) hour: u64,
    /// Anomalies below `high`, and the others.
    pub(crate) told: u64,
    pub(crate) told_high: u64,
    /// Not told by themselves, of which high ones; some of them; and of whom.
    pub(crate) left_out: u64,
    pub(crate) left_out_high: u64,
    pub(crate) examples: Vec<String>,
    pub(crate) asset: String,
    pub(crate) incident: String,
}

/// A profile and its notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) key: String,
    /// The profile of the image that this workload had before, by its hash on the shelf.
    pub(crate) predecessor: String,
    pub(crate) summary: Summary,
    pub(crate) suspects: BTreeMap<(Class, String), Suspect>,
    pub(crate) hour: Hour,
    /// When containers of it started: hash and seconds since 1970, the newest last.
    pub(crate) starts: Vec<(u32, u64)>,
    /// The minute since 1970 in which it was last asked whether it is ready.
    pub(crate) asked: u64,
}

impl Kept {
    pub(crate) fn new(key: &str, predecessor: String) -> Self {
        Self { key: cut(key, KEY_MAX).to_owned(), predecessor, ..Self::default() }
    }

    /// An item that was not expected; the one that was longest not seen makes room.
    pub(crate) fn suspect(&mut self, class: Class, item: &str) -> &mut Suspect {
        let key = (class, cut(item, crate::summary::ITEM_MAX).to_owned());
        if !self.suspects.contains_key(&key) && self.suspects.len() >= SUSPECTS_MAX {
            let oldest =
                self.suspects.iter().min_by_key(|(key, suspect)| (suspect.seen.last, (*key).clone()));
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.suspects.remove(&oldest);
            }
        }
        self.suspects.entry(key).or_default()
    }

    /// A container of it started.
    pub(crate) fn started(&mut self, replica: u32, time: u64) {
        self.starts.push((replica, time));
        if self.starts.len() > STARTS_MAX {
            self.starts.remove(0);
        }
    }
}

impl Record for Kept {
    fn write(&self, output: &mut Output) {
        output.text(&self.key);
        output.text(&self.predecessor);
        self.summary.write(output);
        output.number(self.suspects.len() as u64);
        for ((class, item), suspect) in &self.suspects {
            output.text(class.word());
            output.text(item);
            suspect.seen.write(output);
            output.number(suspect.told);
            output.number(suspect.containers.len() as u64);
            suspect.containers.iter().for_each(|container| output.number(u64::from(*container)));
        }
        let Hour { hour, told, told_high, left_out, left_out_high, examples, asset, incident } = &self.hour;
        [hour, told, told_high, left_out, left_out_high]
            .into_iter()
            .for_each(|number| output.number(*number));
        output.texts(examples.iter());
        output.text(asset);
        output.text(incident);
        output.number(self.starts.len() as u64);
        for (replica, time) in &self.starts {
            output.number(u64::from(*replica));
            output.number(*time);
        }
        output.number(self.asked);
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let mut kept = Self { key: input.text()?, predecessor: input.text()?, ..Self::default() };
        kept.summary = Summary::read(input)?;
        for _ in 0..input.count()? {
            let class = Class::of(&input.text()?)?;
            let item = input.text()?;
            let mut suspect =
                Suspect { seen: Seen::read(input)?, told: input.number()?, containers: Vec::new() };
            for _ in 0..input.count()? {
                suspect.containers.push(u32::try_from(input.number()?).ok()?);
            }
            kept.suspects.insert((class, item), suspect);
        }
        kept.hour = Hour {
            hour: input.number()?,
            told: input.number()?,
            told_high: input.number()?,
            left_out: input.number()?,
            left_out_high: input.number()?,
            examples: input.texts()?,
            asset: input.text()?,
            incident: input.text()?,
        };
        for _ in 0..input.count()? {
            kept.starts.push((u32::try_from(input.number()?).ok()?, input.number()?));
        }
        kept.asked = input.number()?;
        Some(kept)
    }
}

/// A container, so that sensors that know less than others of it tell of the same profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ContainerNote {
    /// Key of its profile.
    pub(crate) profile: String,
    /// First event, in seconds since 1970.
    pub(crate) first: u64,
    /// The last alert of severity high or critical that was not expected, 0 for none, and its rule.
    pub(crate) alert: u64,
    pub(crate) rule: String,
}

impl Record for ContainerNote {
    fn write(&self, output: &mut Output) {
        output.text(&self.profile);
        output.number(self.first);
        output.number(self.alert);
        output.text(&self.rule);
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            profile: input.text()?,
            first: input.number()?,
            alert: input.number()?,
            rule: input.text()?,
        })
    }
}

/// A workload: which profile it has, so that the next image's profile knows what came before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WorkloadNote {
    /// Hash of the profile on its shelf.
    pub(crate) profile: String,
}

impl Record for WorkloadNote {
    fn write(&self, output: &mut Output) {
        output.text(&self.profile);
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        Some(Self { profile: input.text()? })
    }
}

#[cfg(test)]
mod tests {
    use super::{Hour, Kept};
    use crate::class::Class;
    use crate::codec::{Input, Output};
    use crate::seen::Look;
    use crate::shelf::Record as _;

    #[test]
    fn a_profile_that_is_full_to_the_brim_is_read_again_and_small() {
        let mut kept = Kept::new(&"k".repeat(1_000), "0".repeat(32));
        for n in 0..5_000u64 {
            for replica in 0..9 {
                let look = Look { time: u64::from(replica) * 86_400 * 7 + n * 60, replica, start: false };
                for class in Class::ALL {
                    let long = "x".repeat(n as usize % 300);
                    if n % 50 == 0 {
                        kept.summary.look(class, &format!("{long}{n}"), look);
                    }
                    let suspect = kept.suspect(class, &format!("{long}{n}"));
                    suspect.seen.look(look);
                    suspect.containers = vec![1, 2, 3];
                }
            }
            kept.started(n as u32, n);
        }
        kept.hour = Hour {
            hour: 1,
            told: 2,
            told_high: 3,
            left_out: 4,
            left_out_high: 5,
            examples: vec!["e".repeat(270); 5],
            asset: "a".repeat(500),
            incident: "i".repeat(500),
        };
        let mut output = Output::default();
        kept.write(&mut output);
        assert!(output.0.len() <= 64 << 10, "{}", output.0.len());
        assert_eq!(Kept::read(&mut Input(&output.0)), Some(kept));
        for end in (0..output.0.len()).step_by(97) {
            assert_eq!(Kept::read(&mut Input(&output.0[..end])), None);
        }
    }
}
