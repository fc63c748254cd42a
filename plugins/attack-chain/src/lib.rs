//! Joins detections of one attack, and says what makes them dangerous where they happened.
//!
//! It sees detections, each with the members of the event that proves it, in whatever order they are made. What it says of a single one
//! follows from that one and from the asset graph. What needs several waits until the time that they are of has passed (see `journal`), so
//! that any order and split of the same detections within the lateness that is borne leads to the same links and detections.

mod ask;
mod classes;
mod journal;
mod keys;
mod risk;
mod seen;
mod settings;
mod settle;
mod tactics;

use std::collections::BTreeSet;

use palisade_sdk::{Batch, Config, Correlator, Error, Event, Item, Story, metrics, state};

use crate::ask::Assets;
use crate::journal::{DAY, Journal, SLOT};
use crate::keys::Joined;
use crate::seen::Seen;
use crate::settings::Settings;

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// Source of the events that detections become.
const DETECTIONS: &str = "palisade";
/// What rules of this plugin begin with: its own detections are no news to it.
const OWN: &str = "palisade.attack-chain/";
/// Slot at which forgotten keys are next looked for.
const TIDY: &str = "tidy";
/// Links of one call; the platform takes as many records as the manifest asks for.
const LINKS_MAX: usize = 20_000;

/// The plugin.
#[derive(Debug)]
pub struct AttackChain {
    settings: Settings,
}

#[palisade_sdk::correlator]
impl Correlator for AttackChain {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::of(config)? })
    }

    fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
        let mut call = Call {
            settings: &self.settings,
            assets: Assets::default(),
            journal: Journal::default(),
            links: BTreeSet::new(),
        };
        for event in batch.events().filter(|event| event.source == DETECTIONS) {
            call.event(event, story);
        }
        for (kept, merged) in call.links {
            story.link(kept, merged);
        }
        call.journal.keep(story)?;
        self.due(batch, story)
    }
}

impl AttackChain {
    fn due(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
        let mut due: Vec<(u64, Option<u64>)> = batch
            .due()
            .iter()
            .filter_map(|timer| match timer.key.strip_prefix("slot/") {
                Some(number) => Some((timer.time, Some(u64::from_str_radix(number, 16).ok()?))),
                None => (timer.key == TIDY).then_some((timer.time, None)),
            })
            .collect();
        due.sort_unstable();
        for (time, slot) in due {
            match slot {
                Some(slot) => {
                    settle::settle(slot, &self.settings, story)?;
                    if state::get(TIDY)?.is_none() {
                        let next = slot.saturating_add(2 * DAY);
                        state::set(TIDY, b"1")?;
                        story.timer(TIDY, next.saturating_mul(SLOT));
                    }
                }
                None => {
                    settle::tidy(settle::slot_of(time))?;
                    state::delete(TIDY)?;
                }
            }
        }
        Ok(())
    }
}

/// One call.
struct Call<'c> {
    settings: &'c Settings,
    assets: Assets,
    journal: Journal,
    links: BTreeSet<(String, String)>,
}

impl Call<'_> {
    fn event(&mut self, event: Item<'_, Event>, story: &mut Story) {
        metrics::add("detections-read", 1);
        let seen = match Seen::of(&event) {
            Ok(seen) => seen,
            Err(problem) => return story.problem(event, problem),
        };
        if seen.rule.starts_with(OWN) {
            return;
        }
        let joined = Joined::of(&seen, &self.assets, self.settings);
        for link in &joined.same {
            if self.links.len() == LINKS_MAX && !self.links.contains(link) {
                story.problem(event, format!("a call has more than {LINKS_MAX} links; one is left out"));
                continue;
            }
            self.links.insert(link.clone());
        }
        risk::explain(event, &seen, &joined, &self.assets, self.settings, story);
        self.journal.add(&seen, &joined, event.time);
    }
}
