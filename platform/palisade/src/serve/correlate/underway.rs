//! A batch that was judged, on its way into the store. The next one is judged meanwhile, and stored after it.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::Service;
use super::super::unanswered::Unanswered;
use super::intake::{Intake, Taken};
use super::ms;
use super::pipeline::Outcome;

/// What is stored.
pub(super) struct Batch {
    pub(super) outcome: Outcome,
    /// The messages that it came in.
    pub(super) taken: Vec<Taken>,
    pub(super) judge_ms: u64,
    /// When the first of its events was received, in nanoseconds since 1970 in UTC.
    pub(super) received: Option<u64>,
}

/// A batch that is being stored.
pub(super) struct Underway {
    /// The events, which the store may not know yet.
    ids: HashSet<String>,
    storing: JoinHandle<Result<()>>,
}

impl Underway {
    /// Begins to store a batch; nobody has to wait for it until the next one is to be stored.
    pub(super) fn begin(
        service: &Arc<Service>,
        unanswered: &Arc<Unanswered>,
        ids: HashSet<String>,
        batch: Batch,
    ) -> Self {
        let storing = tokio::spawn(batch.store(Arc::clone(service), Arc::clone(unanswered)));
        Self { ids, storing }
    }

    /// Whether it brings an event.
    pub(super) fn has(&self, event: &str) -> bool {
        self.ids.contains(event)
    }

    /// Whether nothing of it is left to be done.
    pub(super) fn is_over(&self) -> bool {
        self.storing.is_finished()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it could not be stored. Nothing of it was then, and its messages come again.
    pub(super) async fn over(self) -> Result<()> {
        self.storing.await.context("storing events ended in a defect of the program")?
    }
}

impl Batch {
    async fn store(self, service: Arc<Service>, unanswered: Arc<Unanswered>) -> Result<()> {
        let began = Instant::now();
        let done = match service.store.commit_events(&self.outcome.commit).await {
            Ok(done) => done,
            Err(error) => {
                Intake::later(self.taken).await;
                return Err(error).context("cannot store what was received");
            }
        };
        let commit_ms = ms(began.elapsed());
        for incident in &self.outcome.changed {
            unanswered.note(&incident.id);
        }
        let stored = Instant::now();
        acknowledge(&service, self.taken).await;
        if done.events > 0 {
            let lag_ms = self.received.map(|at| {
                u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(at).saturating_sub(at) / 1_000_000
            });
            tracing::debug!(
                events = done.events,
                repeated = done.repeated,
                detections = done.detections,
                suppressed = self.outcome.suppressed,
                incidents = self.outcome.changed.len(),
                lag_ms,
                judge_ms = self.judge_ms,
                commit_ms,
                acknowledge_ms = ms(stored.elapsed()),
                "events were judged"
            );
        }
        Ok(())
    }
}

/// Acknowledges messages side by side, so that the bus makes all of it durable at once.
async fn acknowledge(service: &Service, taken: Vec<Taken>) {
    let acknowledged = taken.into_iter().map(|one| async {
        service.backlog.done(&one.source, one.bytes());
        // What is not acknowledged comes again, and is known.
        if let Err(error) = one.delivery.ack().await {
            tracing::warn!(error = %error, "a message of events could not be acknowledged");
        }
    });
    futures_util::future::join_all(acknowledged).await;
}
