//! The correlator: takes what the doors received from the bus, judges it, and stores events, detections, incidents, the state of plugins
//! and the ids of the messages in one transaction. Then it acknowledges. While one batch is stored the next one is judged.
//!
//! One process does this for a tenant, by a lease that the transaction checks: a process that has lost it without knowing cannot commit.
//! Whatever fails, everything in memory is dropped and made again from the store; messages that were not acknowledged come again, and
//! events are known by their ids.

mod expected;
mod intake;
mod lanes;
mod noise;
mod pipeline;
mod restore;
mod underway;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use store::SensorReport;
use tokio::sync::watch;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::Instant;
use uuid::Uuid;

use self::intake::{Intake, Taken};
use self::pipeline::{Arrived, Beside, Outcome, Pipeline};
use self::underway::Underway;
use super::Service;
use super::message::Message;
use super::unanswered::{self, Unanswered};
use crate::plugins::PluginSet;

/// How long a lease lasts that is not renewed. The clocks of processes have to agree better than this.
const LEASE_LASTS: SignedDuration = SignedDuration::from_secs(30);
/// How often it is renewed, or asked for again by who has not got it.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// Events that are judged and committed together.
const BATCH_EVENTS: usize = 4_096;
/// How long a batch should take: whoever comes while one is made waits for it, and then for the next. What it costs whatever it holds makes larger ones
/// cheaper.
const STEP_TAKES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(200));
/// Events of the smallest batch that is aimed at.
const STEP_EVENTS_MIN: usize = 256;
/// How often time alone is looked at: watermarks that silence moves, timers.
const TICK: Duration = Duration::from_millis(250);
/// How often sources, suppressions and plugins are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How old the stored watermark may become while nothing happens.
const NOTE_EVERY: Duration = Duration::from_secs(10);
/// How often old events are deleted, and how many at once.
const FORGET_EVERY: Duration = Duration::from_secs(600);
const FORGET_AT_ONCE: u32 = 5_000;
/// How long what joins incidents is kept at least: longer than incidents are made again from the store.
const LEFTOVERS_KEPT: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Pauses after failures, doubled from one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Why judging has ended without a failure.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Stopped,
    /// Another process has the lease, or there is nothing to judge.
    Idle,
    /// The plugins are not the same any more.
    Outdated,
}

/// Judges until stopped, whatever fails.
pub(crate) async fn run(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    let mut pause = PAUSES.0;
    while !*stopped.borrow() {
        // In a task of its own, so that a defect ends this attempt and not the service.
        let mut attempt = tokio::task::JoinSet::new();
        attempt.spawn(hold(Arc::clone(&service), stopped.clone()));
        let ended = match attempt.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(panic)) => Err(anyhow::anyhow!("it ended in a defect of the program: {panic}")),
            None => Ok(End::Idle),
        };
        let wait = match ended {
            Ok(End::Stopped) => continue,
            Ok(End::Outdated) => Duration::ZERO,
            Ok(End::Idle) => {
                pause = PAUSES.0;
                LOOK_EVERY
            }
            Err(error) => {
                let error = crate::exit::one_line(&error);
                tracing::error!(error, "events cannot be judged; trying again");
                let wait = pause;
                pause = (pause * 2).min(PAUSES.1);
                wait
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = service.sources_bell.notified(), if wait > Duration::ZERO => {}
            _ = stopped.changed() => {}
        }
    }
    Ok(())
}

/// Judges as long as this process has the lease and nothing fails.
async fn hold(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<End> {
    let tenant = TenantId::default_tenant();
    let sources = service.store.sources(&tenant).await.context("cannot list the sources of events")?;
    if sources.is_empty() {
        return Ok(End::Idle);
    }
    let Some(lease) = Lease::take(&service).await? else {
        service.backlog.forget();
        return Ok(End::Idle);
    };
    let set = super::live::with_correlators(&service).await?;
    let pipeline = restore::pipeline(&service, &tenant, &set).await?;
    let intake = Intake::new(&service);
    let unanswered = Arc::new(Unanswered::default());
    unanswered::look_back(&service, &tenant, &unanswered).await?;
    // Ends with this function. What waits then is found by who judges next.
    let mut answering = tokio::task::JoinSet::new();
    answering.spawn(unanswered::answer(Arc::clone(&service), tenant.clone(), Arc::clone(&unanswered)));
    let mut work = Work {
        service: Arc::clone(&service),
        tenant,
        set,
        pipeline,
        intake,
        unanswered,
        lease,
        aim: STEP_EVENTS_MIN,
        underway: None,
        looked_at: None,
        noted_at: Instant::now(),
        forgot_at: Instant::now(),
    };
    tracing::info!(sources = sources.len(), "events are judged by this process");
    let ended = work.go_on(&mut stopped).await;
    // Where judging has failed, this is stored all the same, or fenced by who judges next.
    let stored = work.settle().await;
    work.intake.give_back().await;
    work.lease.release().await;
    ended.and_then(|ended| stored.map(|()| ended))
}

/// What judging goes on with.
struct Work {
    service: Arc<Service>,
    tenant: TenantId,
    set: Arc<PluginSet>,
    pipeline: Pipeline,
    intake: Intake,
    unanswered: Arc<Unanswered>,
    lease: Lease,
    /// Events that the next batch is to have.
    aim: usize,
    /// The batch that is being stored.
    underway: Option<Underway>,
    looked_at: Option<Instant>,
    noted_at: Instant,
    forgot_at: Instant,
}

impl Work {
    async fn go_on(&mut self, stopped: &mut watch::Receiver<bool>) -> Result<End> {
        loop {
            if *stopped.borrow() {
                return Ok(End::Stopped);
            }
            if self.lease.is_lost() {
                return Ok(End::Idle);
            }
            if self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                self.looked_at = Some(Instant::now());
                if !self.look().await? {
                    return Ok(End::Outdated);
                }
            }
            if self.underway.as_ref().is_some_and(Underway::is_over) {
                self.settle().await?;
            }
            // Where too much waits for its turn, time has to pass first.
            let has_room = self.pipeline.room() >= BATCH_EVENTS;
            let aim = if has_room { self.aim } else { 0 };
            let mut taken = self.intake.take(aim);
            if taken.is_empty() {
                tokio::select! {
                    () = self.intake.ready(), if has_room => {}
                    () = tokio::time::sleep(TICK) => {}
                    () = self.service.sources_bell.notified() => self.looked_at = None,
                    _ = stopped.changed() => continue,
                }
                taken = self.intake.take(aim);
            }
            let (began, messages) = (Instant::now(), taken.len());
            if let Err(error) = self.step(&mut taken).await {
                Intake::later(taken).await;
                return Err(error);
            }
            self.aim = aim_after(self.aim, messages, began.elapsed());
        }
    }

    /// One batch: judged, and given to be stored once the one before is.
    async fn step(&mut self, taken: &mut Vec<Taken>) -> Result<()> {
        let (arrived, beside, received) = self.read(taken).await?;
        let now = Timestamp::now();
        let (pipeline, holder) = (&mut self.pipeline, self.lease.holder.as_str());
        let began = Instant::now();
        let outcome = block_in_place(|| pipeline.judge(arrived, beside, holder, now));
        let judge_ms = ms(began.elapsed());
        self.settle().await?;
        if !self.is_worth_it(&outcome) {
            return Ok(());
        }
        self.noted_at = Instant::now();
        let ids = outcome.commit.events.iter().map(|event| event.id.clone()).collect();
        let batch = underway::Batch { outcome, taken: std::mem::take(taken), judge_ms, received };
        self.underway = Some(Underway::begin(&self.service, &self.unanswered, ids, batch));
        Ok(())
    }

    /// Waits until the batch before is stored.
    async fn settle(&mut self) -> Result<()> {
        match self.underway.take() {
            Some(underway) => underway.over().await,
            None => Ok(()),
        }
    }

    /// Whether there is anything to store: the place reached alone is stored now and then.
    fn is_worth_it(&self, outcome: &Outcome) -> bool {
        let commit = &outcome.commit;
        let says = !(commit.messages.is_empty()
            && commit.detections.is_empty()
            && commit.links.is_empty()
            && commit.state.is_empty()
            && commit.gaps.is_empty());
        says || self.noted_at.elapsed() >= NOTE_EVERY
    }

    /// The events of messages that are not known yet, each once.
    async fn read(&self, taken: &mut Vec<Taken>) -> Result<(Vec<Arrived>, Beside, Option<u64>)> {
        let (mut arrived, mut beside, mut received) = (Vec::new(), Beside::default(), None::<u64>);
        let mut good = Vec::with_capacity(taken.len());
        let mut seen = HashSet::new();
        for one in std::mem::take(taken) {
            let (message, events) = match Message::read(&one.delivery.envelope().body) {
                Ok(read) => read,
                Err(error) => {
                    tracing::error!(source = %one.source, error = %crate::exit::one_line(&error), "a message of events cannot be read");
                    self.service.backlog.done(&one.source, one.bytes());
                    one.delivery.park("it is no message of events").await?;
                    continue;
                }
            };
            received = Some(received.map_or(message.received_at, |at| at.min(message.received_at)));
            beside.messages.push(one.delivery.envelope().id.clone());
            note(&mut beside, &one.source, message);
            arrived.extend(
                events
                    .into_iter()
                    .filter(|event| seen.insert(event.id.clone()))
                    .map(|event| Arrived { from: Arc::clone(&one.source), event }),
            );
            good.push(one);
        }
        *taken = good;
        let ids: Vec<String> = arrived.iter().map(|one| one.event.id.clone()).collect();
        if !ids.is_empty() {
            let known = self.service.store.known_events(&self.tenant, &ids).await;
            let mut known = known.context("cannot ask which events are known")?;
            if let Some(underway) = &self.underway {
                known.extend(ids.into_iter().filter(|id| underway.has(id)));
            }
            for one in arrived.iter().filter(|one| known.contains(&one.event.id)) {
                *beside.repeated.entry(one.from.to_string()).or_default() += 1;
            }
            arrived.retain(|one| !known.contains(&one.event.id));
        }
        Ok((arrived, beside, received))
    }

    /// Looks at what people have changed; false if there are other plugins now.
    async fn look(&mut self) -> Result<bool> {
        if !Arc::ptr_eq(&self.set, &self.service.live.set()) {
            return Ok(false);
        }
        self.intake.refresh(&self.tenant).await?;
        let suppressions = self.service.store.suppressions(&self.tenant, Some(Timestamp::now())).await?;
        self.pipeline.set_noise(noise::Noise::new(&suppressions));
        if self.forgot_at.elapsed() >= FORGET_EVERY {
            self.forgot_at = Instant::now();
            self.forget().await?;
        }
        Ok(true)
    }

    /// Deletes events that are too old to be kept.
    async fn forget(&self) -> Result<()> {
        let kept = self.service.config.events.kept();
        let before = Timestamp::now().checked_sub(kept).unwrap_or(Timestamp::UNIX_EPOCH);
        let long_ago = Timestamp::now().saturating_sub(LEFTOVERS_KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
        self.service.store.forget_leftovers(&self.tenant, before.min(long_ago)).await?;
        let before = u64::try_from(before.as_nanosecond()).unwrap_or(0);
        while self.service.store.forget_events(&self.tenant, before, FORGET_AT_ONCE).await? > 0 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// How many events the next batch is to have, after one of so many messages took so long. One message alone may be less than was aimed at and says nothing
/// of larger batches.
fn aim_after(aim: usize, messages: usize, took: Duration) -> usize {
    let (short, long) = STEP_TAKES;
    if took > long {
        (aim / 2).max(STEP_EVENTS_MIN)
    } else if took < short && messages > 1 {
        (aim * 2).min(BATCH_EVENTS)
    } else {
        aim
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What stands beside the events of a message.
fn note(beside: &mut Beside, source: &str, message: Message) {
    if message.problems > 0 {
        let known = beside.problems.entry(source.to_owned()).or_default();
        known.0 = known.0.saturating_add(message.problems);
        known.1 = message.problem.unwrap_or_default();
    }
    let at = |nanoseconds: u64| Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default();
    let heard = message.heard.into_iter().map(|(sensor, time)| SensorReport {
        source: source.to_owned(),
        sensor,
        at: at(time),
        blind: false,
        drops: 0,
        reason: String::new(),
    });
    beside.sensors.extend(heard);
    beside.sensors.extend(message.sensors.into_iter().map(|said| SensorReport {
        source: source.to_owned(),
        sensor: said.name,
        at: at(said.at),
        blind: said.blind,
        drops: said.drops,
        reason: said.reason,
    }));
}

/// The right to judge, renewed until this is dropped.
struct Lease {
    service: Arc<Service>,
    holder: String,
    lost: watch::Receiver<bool>,
    renewing: JoinHandle<()>,
}

impl Lease {
    async fn take(service: &Arc<Service>) -> Result<Option<Self>> {
        // A process that was killed is followed by another of the same instance, which need not wait for the end of its lease.
        let holder = format!("{}/{}", service.instance.name, Uuid::now_v7());
        if !claim(service, &holder).await.context("cannot ask for the lease of the correlator")? {
            return Ok(None);
        }
        let (losing, lost) = watch::channel(false);
        let renewing = tokio::spawn(renew(Arc::clone(service), holder.clone(), losing));
        Ok(Some(Self { service: Arc::clone(service), holder, lost, renewing }))
    }

    fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Gives it back at once.
    async fn release(&self) {
        self.renewing.abort();
        let tenant = TenantId::default_tenant();
        if let Err(error) = self.service.store.correlator_release(&tenant, &self.holder).await {
            tracing::warn!(error = %error, "cannot give the lease of the correlator back; it ends by itself");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn claim(service: &Service, holder: &str) -> store::Result<bool> {
    let now = Timestamp::now();
    let until = now.saturating_add(LEASE_LASTS).unwrap_or(now);
    service.store.correlator_lease(&TenantId::default_tenant(), holder, now, until).await
}

async fn renew(service: Arc<Service>, holder: String, losing: watch::Sender<bool>) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match claim(&service, &holder).await {
            Ok(true) => renewed = Instant::now(),
            Ok(false) => break,
            // While nobody can write, nobody can take it; but it may have ended meanwhile.
            Err(error) => {
                tracing::warn!(error = %error, "cannot renew the lease of the correlator; trying again");
                if renewed.elapsed() >= LEASE_LASTS.unsigned_abs() {
                    break;
                }
            }
        }
    }
    let _ = losing.send(true);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BATCH_EVENTS, STEP_EVENTS_MIN, aim_after};

    #[test]
    fn batches_grow_while_they_are_quick_and_shrink_when_they_keep_others_waiting() {
        let after = |aim, messages, ms| aim_after(aim, messages, Duration::from_millis(ms));
        assert_eq!(
            (after(512, 3, 10), after(512, 1, 10), after(512, 3, 200), after(512, 3, 500)),
            (1024, 512, 512, 256)
        );
        assert_eq!(
            (after(BATCH_EVENTS, 9, 1), after(STEP_EVENTS_MIN, 9, 900)),
            (BATCH_EVENTS, STEP_EVENTS_MIN)
        );
    }
}
