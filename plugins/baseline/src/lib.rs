//! Behaviour profiles of workloads, as a plugin of kind `correlator`: it learns what each image does, and explains what it has not done
//! before.
//!
//! README.md says what a profile is, when it is good enough to judge by, what is told, and what is bounded how.

mod body;
mod case;
mod class;
mod codec;
mod explain;
mod fold;
mod judge;
mod kept;
mod portable;
mod run;
mod seen;
mod settings;
mod shelf;
mod summary;
mod text;

use std::rc::Rc;

use palisade_sdk::{Batch, Config, Correlator, Error, Story};

use crate::run::Run;
use crate::settings::Settings;

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// An event of source `palisade` with this `kind` and a `key` is answered with the profile of that key, one detection for each class.
pub const PROFILE: &str = portable::KIND;

/// The plugin.
#[derive(Debug)]
pub struct Baseline {
    settings: Rc<Settings>,
}

#[palisade_sdk::correlator]
impl Correlator for Baseline {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::of(config)? })
    }

    fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
        let mut run = Run::new(&self.settings);
        let mut due: Vec<_> = batch.due().iter().collect();
        due.sort_by(|a, b| (a.time, &a.key).cmp(&(b.time, &b.key)));
        let mut due = due.into_iter().peekable();
        let mut last = None;
        for event in batch.events() {
            // What an hour left out is told when the hour is over, and not before the rest of its events.
            while let Some(timer) = due.next_if(|timer| timer.time <= event.time) {
                run.due(&timer.key, timer.time, story)?;
            }
            run.event(event, story)?;
            last = Some(event);
        }
        for timer in due {
            run.due(&timer.key, timer.time, story)?;
        }
        Ok(run.finish(batch.watermark(), last, story)?)
    }
}
