//! Messages: what they say, and how they are handed over.
//!
//! A message goes out at least once, and always with the same key. The journal says before each request that it is about to be sent, and
//! afterwards what became of it; a process that dies in between sends the same once more, and the destination knows it by its key.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::change::{How, Precondition};
use crate::drive::{Driver, Progress, empty, later, of_act};
use crate::entry::{Begin, Entry};
use crate::error::RespondError;
use crate::object::{shown, word};
use crate::plan::Act;
use crate::run::Run;
use crate::seams::{Book, CallError, Cluster, Commit, Deliver, Message};

/// Most requests for one message. The steps after it wait so long, and what is leased is not taken back before: a destination that is away
/// must not keep a cluster from being put right.
const REQUESTS_MAX: u32 = 12;
/// Longest time that a destination may ask for between two of them, in seconds.
const PAUSE_MAX: u32 = 60;

/// The message of an act.
pub(crate) fn message(act: &Act, said: &Value, playbook: &str, begin: &Begin) -> Message {
    let destination = match act.action.as_str() {
        "ticket" => "/queue",
        "notify" => "/channel",
        _ => "/endpoint",
    };
    Message {
        key: act.key.to_string(),
        how: act.action.clone(),
        destination: Some(word(said, destination).to_owned()).filter(|name| !name.is_empty()),
        run: begin.run().to_string(),
        incident: begin.incident.clone(),
        playbook: playbook.to_owned(),
        step: act.step.clone(),
        severity: shown(word(&begin.event, "/severity")),
        title: shown(word(&begin.event, "/title")),
        said: said.clone(),
    }
}

impl<C: Cluster, B: Book, D: Deliver> Driver<'_, C, B, D> {
    /// Writes the intention down, hands the message over, and writes down what became of it.
    pub(crate) async fn send(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        said: &Value,
        requests: u32,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        if requests >= REQUESTS_MAX {
            let why = format!("no destination took the message in {REQUESTS_MAX} requests");
            return self.fail(run, place, act, &why, now).await;
        }
        let nothing = Precondition { uid: String::new(), version: String::new() };
        let facts = if requests == 0 { vec![of_act(run, act, "intended", "")] } else { Vec::new() };
        let entries = vec![Entry::Intended { act: place, on: nothing }];
        self.commit_all(run, Commit { entries, facts, ..empty(run, now, run.entries) }).await?;
        match self.deliver.deliver(&message(act, said, &run.playbook.name, &run.begin)).await {
            Ok(receipt) => {
                let how = if receipt.known { How::Found } else { How::Applied };
                let fact = of_act(run, act, how.as_str(), &shown(&receipt.said));
                self.commit(run, now, Entry::Done { act: place, how, made: None }, vec![fact]).await?;
                Ok(Progress::Moved)
            }
            Err(error) if error.is_passing() && requests + 1 < REQUESTS_MAX => {
                self.send_later(run, place, &error, now).await
            }
            Err(error) => self.fail(run, place, act, &error.message, now).await,
        }
    }

    async fn send_later(
        &self,
        run: &mut Run,
        place: usize,
        error: &CallError,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let latest =
            now.checked_add(SignedDuration::from_secs(i64::from(PAUSE_MAX))).unwrap_or(Timestamp::MAX);
        let until = later(now, error).min(latest);
        let entry = Entry::PutOff { act: place, until, why: error.message.clone() };
        self.commit(run, now, entry, Vec::new()).await?;
        Ok(Progress::Waiting(until))
    }
}
