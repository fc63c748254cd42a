//! Where to go on: what is left of the plan, and how long to wait.

use std::collections::VecDeque;

use palisade_sdk::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::endpoint::Partition;
use crate::settings::Settings;
use crate::steps::{STEPS, Scope};

/// Longest cursor, in bytes. The platform takes 64 KiB.
const BYTES_MAX: usize = 60 * 1024;
/// A clock that was set back must not stop a collection for ever.
const PAUSE_MS_MAX: u64 = 120_000;

/// Where a collection stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Number of steps of the plugin that wrote it, by which another version is noticed.
    steps: usize,
    pub(crate) account: String,
    pub(crate) partition: Partition,
    /// Regions; empty as long as they are not known.
    pub(crate) regions: Vec<String>,
    /// How many parts of the plan are begun.
    begun: usize,
    /// What was begun and is not done; the last one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tasks: Vec<Task>,
    /// How often the next request has failed in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) tries: u32,
    /// Not before this time, in milliseconds since 1970 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(figure: &u32) -> bool {
    *figure == 0
}

/// A part of the plan in the works.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    /// Index of the step.
    pub(crate) step: usize,
    pub(crate) region: String,
    /// What the task is about, for steps that other steps cause; what pages have in common, for the others.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) context: Value,
    pub(crate) work: Work,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Ask for a page.
    Page(Listing),
    /// Complete the items of a page.
    Items(Items),
}

/// A page to ask for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Listing {
    /// Its token; nothing for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// Fingerprints of the tokens before it, by which a listing that runs in circles is noticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) seen: Vec<u64>,
    /// How many of its items are done. Then it is asked for a second time, and does not lead to the next page again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) done: Option<usize>,
}

/// Items of a page that are to be completed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Items {
    /// The token of their page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// How many items of the page came before them.
    pub(crate) done: usize,
    pub(crate) items: VecDeque<Value>,
    /// What is known of the first one.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) body: Map<String, Value>,
}

impl Cursor {
    /// The beginning.
    pub(crate) fn first(settings: &Settings) -> Self {
        Self {
            steps: STEPS.len(),
            account: String::new(),
            partition: settings.partition,
            regions: Vec::new(),
            begun: 0,
            tasks: Vec::new(),
            tries: 0,
            until: None,
        }
    }

    /// Reads one of its own making.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let odd =
            || Error::InvalidInput("the cursor is not one of this plugin; start without one".to_owned());
        let cursor: Self = serde_json::from_str(text).map_err(|_| odd())?;
        let known = cursor.tasks.iter().all(|task| task.step < STEPS.len());
        if cursor.steps == STEPS.len() && known { Ok(cursor) } else { Err(odd()) }
    }

    /// How many milliseconds are left to wait.
    pub(crate) fn left(&self, now: u64) -> Option<u64> {
        let left = self.until?.checked_sub(now)?;
        (1..=PAUSE_MS_MAX).contains(&left).then_some(left)
    }

    /// Waits until a time, in milliseconds since 1970 in UTC.
    pub(crate) fn wait(&mut self, until: Option<u64>) {
        self.until = until;
    }

    /// What is to be done next; nothing at the end of the plan.
    pub(crate) fn take(&mut self, settings: &Settings) -> Option<Task> {
        if let Some(task) = self.tasks.pop() {
            return Some(task);
        }
        let of = |scope: Scope| {
            STEPS.iter().enumerate().filter(move |(_, step)| step.scope == scope).map(|(index, _)| index)
        };
        let (global, regional): (Vec<_>, Vec<_>) = (of(Scope::Global).collect(), of(Scope::Region).collect());
        loop {
            let place = self.begun;
            let (step, region) = match place.checked_sub(global.len()) {
                None => (*global.get(place)?, "global".to_owned()),
                Some(place) => {
                    let region = self.regions.get(place / regional.len().max(1))?;
                    (*regional.get(place % regional.len().max(1))?, region.clone())
                }
            };
            self.begun += 1;
            if STEPS.get(step).is_some_and(|step| settings.wants(step.service)) {
                let work = Work::Page(Listing::default());
                return Some(Task { step, region, context: Value::Null, work });
            }
        }
    }

    /// As text. Items that do not fit are asked for again: their page is, from the first one on that is not done.
    pub(crate) fn text(mut self) -> Result<String, Error> {
        let written = |cursor: &Self| {
            serde_json::to_string(cursor).map_err(|error| Error::Other(format!("the cursor: {error}")))
        };
        let mut text = written(&self)?;
        let mut sizes = Vec::new();
        for (index, task) in self.tasks.iter().enumerate() {
            if matches!(task.work, Work::Items(_)) {
                sizes.push((serde_json::to_string(task).map_or(0, |text| text.len()), index));
            }
        }
        sizes.sort_unstable();
        while text.len() > BYTES_MAX {
            // Where other steps caused it, the context says what it is about and has to stay; elsewhere it is asked for again.
            let Some((_, index)) = sizes.pop() else {
                return Err(Error::Other("what is left to do does not fit into a cursor".to_owned()));
            };
            if let Some(task) = self.tasks.get_mut(index)
                && let Work::Items(items) = &task.work
            {
                let again = Listing { token: items.token.clone(), seen: Vec::new(), done: Some(items.done) };
                task.work = Work::Page(again);
            }
            text = written(&self)?;
        }
        Ok(text)
    }
}

/// A fingerprint of a token (FNV-1a, 64 bits).
pub(crate) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
