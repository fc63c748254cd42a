//! Incidents that the playbooks have yet to be asked about.
//!
//! What is noted here is lost when the process ends, and found again: whoever begins to judge events goes through the incidents that changed
//! last. A playbook begins once for an incident, however often it is asked; one that is new is not asked about the incidents of yesterday.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use tokio::sync::Notify;

use super::Service;

/// How long ago an incident may have changed that a process which begins looks at: no service should be away for longer.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);
/// How long before the newest of them: what a process that died had judged and not answered yet.
const BEFORE_NEWEST: SignedDuration = SignedDuration::from_mins(10);
/// Most of them, the newest.
const LOOK_BACK_MAX: u32 = 10_000;
/// Pauses after the store did not answer, doubled from one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Ids of incidents. What has just happened does not wait for what is looked at again.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    waiting: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    fresh: VecDeque<String>,
    again: VecDeque<String>,
}

impl Unanswered {
    /// Notes an incident that is new or other than before.
    pub(super) fn note(&self, incident: &str) {
        let mut waiting = self.waiting();
        if !waiting.fresh.iter().any(|known| known == incident) {
            waiting.fresh.push_back(incident.to_owned());
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// Notes incidents that are to be looked at when there is nothing new.
    fn note_again(&self, incidents: impl IntoIterator<Item = String>) {
        self.waiting().again.extend(incidents);
        self.bell.notify_one();
    }

    fn take(&self) -> Option<String> {
        let mut waiting = self.waiting();
        waiting.fresh.pop_front().or_else(|| waiting.again.pop_front())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes the incidents that changed of late: the process that judged before may have ended between storing one and answering it.
///
/// # Errors
/// The store did not answer.
pub(super) async fn look_back(service: &Service, tenant: &TenantId, unanswered: &Unanswered) -> Result<()> {
    if !service.desk.respond.is_wanted() {
        return Ok(());
    }
    let since = Timestamp::now().checked_sub(LOOK_BACK).unwrap_or(Timestamp::UNIX_EPOCH);
    let changed = service.store.incidents_to_answer(tenant, since, LOOK_BACK_MAX).await;
    let changed = changed.context("cannot list the incidents that changed of late")?;
    if changed.len() >= LOOK_BACK_MAX as usize {
        tracing::warn!(
            looked_at = changed.len(),
            "more incidents changed of late than are looked at again; start responses to older ones by hand"
        );
    }
    let newest = changed.first().map(|(_, at)| *at);
    let is_near = |at: Timestamp| newest.is_some_and(|newest| newest.duration_since(at) <= BEFORE_NEWEST);
    unanswered.note_again(changed.into_iter().filter(|(_, at)| is_near(*at)).map(|(id, _)| id));
    Ok(())
}

/// Asks the playbooks about one incident after the other, until this is dropped. Where the store does not answer, the same is asked again.
pub(super) async fn answer(service: Arc<Service>, tenant: TenantId, unanswered: Arc<Unanswered>) {
    let mut pause = PAUSES.0;
    loop {
        let Some(incident) = unanswered.take() else {
            unanswered.bell.notified().await;
            continue;
        };
        match super::respond::consider(&service, &tenant, &incident).await {
            Ok(()) => pause = PAUSES.0,
            Err(error) => {
                let error = crate::exit::one_line(&error);
                tracing::warn!(
                    incident,
                    error,
                    "no response to an incident could be considered; trying again"
                );
                // Behind the others: it may be this one alone that cannot be read.
                unanswered.note_again([incident]);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Unanswered;

    #[test]
    fn every_incident_waits_once_and_new_ones_come_first() {
        let unanswered = Unanswered::default();
        unanswered.note_again(["old".to_owned()]);
        ["a", "b", "a"].iter().for_each(|incident| unanswered.note(incident));
        assert_eq!(unanswered.take().as_deref(), Some("a"));
        unanswered.note("a");
        let rest: Vec<String> = std::iter::from_fn(|| unanswered.take()).collect();
        assert_eq!(rest, ["b", "a", "old"]);
    }
}
