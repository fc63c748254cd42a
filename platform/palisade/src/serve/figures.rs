//! What responses came to since this process started, counted for monitoring.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use api::ResponseFigures;
use respond::{ActState, Phase, Run};

/// Most playbooks and outcomes that are told apart: a figure of every one is kept until the process ends.
const KINDS_MAX: usize = 10_000;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Figures(Mutex<ResponseFigures>);

impl Figures {
    /// Counts what a move made of a run.
    pub(super) fn note(&self, before: &Mark, run: &Run) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, state) in run.acts.iter().enumerate() {
            let (Some(act), old) = (run.act(place), before.acts.get(place)) else { continue };
            for outcome in outcomes(state) {
                if !old.is_some_and(|old| old.contains(&outcome)) {
                    count(&mut figures.steps, &act.action, outcome);
                }
            }
        }
        if let Phase::Over(outcome) = run.phase
            && before.phase != run.phase
        {
            count(&mut figures.runs, &run.playbook.name, outcome.as_str());
        }
    }

    /// As they are.
    pub(super) fn all(&self) -> ResponseFigures {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where a run stood before a move.
#[derive(Debug)]
pub(super) struct Mark {
    phase: Phase,
    acts: Vec<Vec<&'static str>>,
}

impl Mark {
    pub(super) fn of(run: &Run) -> Self {
        Self { phase: run.phase, acts: run.acts.iter().map(outcomes).collect() }
    }
}

/// What became of an act so far.
fn outcomes(state: &ActState) -> Vec<&'static str> {
    let done = state.done.map(|(how, _)| how.as_str());
    let failed = state.failed.as_ref().map(|_| "failed");
    let unseen = (state.verified == Some(false)).then_some("not-verified");
    let back = state.back.as_ref().map(|left| if left.is_empty() { "undone" } else { "left" });
    [done, failed, unseen, back].into_iter().flatten().collect()
}

fn count(counts: &mut BTreeMap<(String, String), u64>, of: &str, outcome: &str) {
    let key = (of.to_owned(), outcome.to_owned());
    if counts.len() < KINDS_MAX || counts.contains_key(&key) {
        let count = counts.entry(key).or_default();
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use model::TenantId;
    use respond::{Begin, Driver, MemoryBook, MemoryPost, Nowhere, Phase, Settings};
    use serde_json::json;

    use super::{Figures, Mark};

    #[tokio::test]
    async fn every_move_is_counted_once() {
        let text = "name: p\ntrigger: \"severity>=low\"\nsteps:\n  - notify: { channel: c, text: t }\n";
        let begin = Begin {
            tenant: TenantId::default_tenant(),
            playbook: text.to_owned(),
            incident: "i".to_owned(),
            event: json!({}),
            parameters: [].into(),
            by: None,
            round: 1,
            cluster: String::new(),
            approval: None,
        };
        let (book, post, settings) = (MemoryBook::default(), MemoryPost::default(), Settings::default());
        let driver = Driver::new(&Nowhere, &book, &settings).with_post(&post);
        let figures = Figures::default();
        let mut run = driver.begin(begin, Timestamp::UNIX_EPOCH).await.unwrap();
        while !matches!(run.phase, Phase::Over(_)) {
            let mark = Mark::of(&run);
            driver.advance(&mut run, Timestamp::UNIX_EPOCH).await.unwrap();
            figures.note(&mark, &run);
        }
        figures.note(&Mark::of(&run), &run);
        let all = figures.all();
        let key = |of: &str, outcome: &str| (of.to_owned(), outcome.to_owned());
        assert_eq!(all.runs, BTreeMap::from([(key("p", "succeeded"), 1)]));
        assert_eq!(all.steps, BTreeMap::from([(key("notify", "applied"), 1)]));
    }
}
