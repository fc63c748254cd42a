//! Going on with a run, one move at a time.
//!
//! Every move begins at what the journal says, and what it does is safe to be cut off anywhere: an intention stands in the journal before its
//! request is sent, requests are bound to the version of the object that was read, and after a crash the object is read again before
//! anything is sent. Nothing here waits: whoever drives is told until when there is nothing to do.

use jiff::{SignedDuration, Timestamp};

use crate::change::{Back, Change, How, Stance, content};
use crate::collect::collect;
use crate::entry::{Begin, Decision, Entry, Outcome, RunId};
use crate::error::{BookError, RespondError};
use crate::ledger::Fact;
use crate::nowhere::Nowhere;
use crate::object::shown;
use crate::plan::{Act, Plan};
use crate::playbook::Playbook;
use crate::run::{INTENTS_MAX, Phase, Run, WAITS_MAX};
use crate::seams::{Action, Book, CallCause, CallError, Cluster, Commit, Deliver};
use crate::settings::Settings;
use crate::survey::{NoPlan, quotas, survey};

/// Seconds after which something that did not work for passing reasons is tried again, unless the server says more.
const PAUSE: i64 = 5;
/// Longest time that a server may ask for, in seconds.
const PAUSE_MAX: i64 = 300;
/// Seconds after which a request that was sent has arrived or never will: as long as clients wait for an answer.
const ARRIVES: i64 = 60;

/// How long a run waits for its cluster before it has a plan.
const PLAN_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// What a move came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do now.
    Moved,
    /// There is nothing to do before this moment.
    Waiting(Timestamp),
    /// The kill switch is on: nothing is done until it is off.
    Halted(String),
    /// It is over.
    Over(Outcome),
}

/// Drives runs against one cluster.
#[derive(Debug)]
pub struct Driver<'a, C, B, D = Nowhere> {
    cluster: &'a C,
    book: &'a B,
    pub(crate) deliver: &'a D,
    settings: &'a Settings,
}

impl<'a, C: Cluster, B: Book> Driver<'a, C, B> {
    /// A driver. Messages have nowhere to go.
    pub fn new(cluster: &'a C, book: &'a B, settings: &'a Settings) -> Self {
        Self { cluster, book, deliver: &Nowhere, settings }
    }

    /// The same with destinations for messages.
    #[must_use]
    pub fn with_post<D: Deliver>(self, deliver: &'a D) -> Driver<'a, C, B, D> {
        Driver { cluster: self.cluster, book: self.book, deliver, settings: self.settings }
    }
}

impl<C: Cluster, B: Book, D: Deliver> Driver<'_, C, B, D> {
    /// Begins a run, or goes on with the one that began with the same.
    ///
    /// # Errors
    /// [`RespondError`].
    pub async fn begin(&self, begin: Begin, now: Timestamp) -> Result<Run, RespondError> {
        let run = Run::new(begin)?;
        // What is nested too deeply could be written and never read again.
        let first = Entry::Begun(Box::new(run.begin.clone()));
        let text = serde_json::to_string(&first);
        if let Err(error) = text.and_then(|text| serde_json::from_str::<Entry>(&text)) {
            return Err(RespondError::Journal {
                run: run.id.to_string(),
                sequence: 0,
                what: error.to_string(),
            });
        }
        if let Some(journal) = self.book.journal(&run.begin.tenant, &run.id).await? {
            return Run::read(&run.id, journal);
        }
        let commit = Commit { entries: vec![first], ..empty(&run, now, 0) };
        match self.book.commit(commit).await {
            Ok(()) => Ok(Run { begun_at: Some(now), ..run }),
            Err(BookError::Fenced) => self.resume(&run.begin.tenant, &run.id).await,
            Err(error) => Err(error.into()),
        }
    }

    /// What the plan of a run would be. Nothing is written down, and nothing is changed.
    ///
    /// # Errors
    /// [`RespondError`]; one of the cluster is a refusal of the plan.
    pub async fn preview(&self, begin: &Begin, now: Timestamp) -> Result<Plan, RespondError> {
        let run = Run::new(begin.clone())?;
        match self.survey(&run.playbook, begin, now).await {
            Ok(plan) => Ok(plan),
            Err(NoPlan::Book(error)) => Err(error.into()),
            Err(NoPlan::Call(error)) => Ok(unasked(&error)),
        }
    }

    /// A run by its journal.
    ///
    /// # Errors
    /// [`RespondError`].
    pub async fn resume(&self, tenant: &model::TenantId, id: &RunId) -> Result<Run, RespondError> {
        match self.book.journal(tenant, id).await? {
            Some(journal) => Run::read(id, journal),
            None => Err(RespondError::Unknown(id.to_string())),
        }
    }

    /// Writes down what somebody decided.
    ///
    /// # Errors
    /// [`RespondError::Decision`] if it does not count.
    pub async fn decide(
        &self,
        run: &mut Run,
        decision: Decision,
        now: Timestamp,
    ) -> Result<(), RespondError> {
        run.may_decide(&decision, now)?;
        let what = if decision.agree { "approved" } else { "denied" };
        let fact = Fact { by: vec![shown(&decision.by)], ..whole(run, what, &decision.plan) };
        self.commit(run, now, Entry::Decided(decision), vec![fact]).await
    }

    /// Takes back what can be taken back, now.
    ///
    /// # Errors
    /// [`RespondError::Phase`] unless something was done.
    pub async fn undo(&self, run: &mut Run, by: &str, now: Timestamp) -> Result<(), RespondError> {
        if !matches!(
            run.phase,
            Phase::Acting | Phase::Leased | Phase::Over(Outcome::Succeeded | Outcome::Partial)
        ) {
            let (run, phase) = (run.id.to_string(), run.phase.as_str());
            return Err(RespondError::Phase { run, phase, what: "there is nothing to take back" });
        }
        let fact = Fact { by: vec![shown(by)], ..whole(run, "stopped", "everything is to be taken back") };
        self.commit(run, now, Entry::BackAsked(by.to_owned()), vec![fact]).await
    }

    /// Ends a run: at once while nothing was done, otherwise by taking back what can be taken back, now.
    ///
    /// # Errors
    /// [`RespondError::Phase`] if it is over and nothing was done.
    pub async fn cancel(&self, run: &mut Run, by: &str, now: Timestamp) -> Result<(), RespondError> {
        if !matches!(run.phase, Phase::Planning | Phase::Asking) {
            return self.undo(run, by, now).await;
        }
        let fact = Fact { by: vec![shown(by)], ..whole(run, "denied", "it was called off") };
        self.commit(run, now, Entry::Ended(Outcome::Denied), vec![fact]).await
    }

    /// Makes the next move.
    ///
    /// # Errors
    /// [`RespondError::Book`]: nothing is known of the run then but what its journal says.
    pub async fn advance(&self, run: &mut Run, now: Timestamp) -> Result<Progress, RespondError> {
        if let Phase::Over(outcome) = run.phase {
            return Ok(Progress::Over(outcome));
        }
        if let Some(why) = self.book.stopped(&run.begin.tenant, &run.playbook.name).await? {
            return self.halt(run, &why, now).await;
        }
        match run.phase {
            Phase::Planning => self.plan(run, now).await,
            Phase::Asking => self.ask(run, now).await,
            Phase::Acting => match run.next_act() {
                Some(place) => self.act(run, place, now).await,
                None => self.end(run, now).await,
            },
            Phase::Leased => match (run.unsettled(), run.next_back()) {
                (Some(place), _) => self.settle(run, place, now).await,
                (None, Some((_, due))) if due > now => Ok(Progress::Waiting(due)),
                (None, Some((place, _))) => self.back(run, place, now).await,
                (None, None) => self.end(run, now).await,
            },
            Phase::Over(outcome) => Ok(Progress::Over(outcome)),
        }
    }

    /// The kill switch ends what is being done; what was done waits, and is taken back when it is off.
    async fn halt(&self, run: &mut Run, why: &str, now: Timestamp) -> Result<Progress, RespondError> {
        let stopped = format!("the kill switch is on: {}", shown(why));
        if run.phase == Phase::Acting {
            let fact = whole(run, "stopped", &stopped);
            self.commit(run, now, Entry::Stopped(stopped.clone()), vec![fact]).await?;
        }
        Ok(Progress::Halted(stopped))
    }

    async fn plan(&self, run: &mut Run, now: Timestamp) -> Result<Progress, RespondError> {
        let made = self.survey(&run.playbook, &run.begin, now).await;
        let plan = match made {
            Ok(plan) => plan,
            Err(NoPlan::Book(error)) => return Err(error.into()),
            Err(NoPlan::Call(error)) if error.is_passing() && !is_stale(run, now) => {
                return Ok(Progress::Waiting(later(now, &error)));
            }
            Err(NoPlan::Call(error)) => unasked(&error),
        };
        self.planned(run, plan, now).await?;
        Ok(Progress::Moved)
    }

    /// Ends a run that has no plan, because nobody can make one: its cluster is none that may be changed, or cannot be reached for so long that
    /// a response would come when nobody expects it any more.
    ///
    /// # Errors
    /// [`RespondError::Phase`] once there is a plan.
    pub async fn refuse(&self, run: &mut Run, why: &str, now: Timestamp) -> Result<(), RespondError> {
        if run.phase != Phase::Planning {
            let (run, phase) = (run.id.to_string(), run.phase.as_str());
            return Err(RespondError::Phase { run, phase, what: "it has a plan" });
        }
        let plan = Plan { refusals: vec![shown(why)], ..Plan::default() };
        self.planned(run, plan, now).await
    }

    async fn planned(&self, run: &mut Run, plan: Plan, now: Timestamp) -> Result<(), RespondError> {
        let mut facts = vec![whole(run, "planned", &plan.digest())];
        let mut entries = Vec::new();
        if !plan.refusals.is_empty() {
            facts.push(whole(run, "refused", &plan.refusals.join("; ")));
            entries.push(Entry::Ended(Outcome::Refused));
        }
        entries.insert(0, Entry::Planned(Box::new(plan)));
        self.commit_all(run, Commit { entries, facts, ..empty(run, now, run.entries) }).await
    }

    async fn ask(&self, run: &mut Run, now: Timestamp) -> Result<Progress, RespondError> {
        let until = run.asked_until().unwrap_or(now);
        let (entry, what) = match run.verdict() {
            Some(true) => (Entry::Approved, "approved"),
            Some(false) => (Entry::Ended(Outcome::Denied), "denied"),
            None if now >= until => (Entry::Ended(Outcome::Expired), "expired"),
            None => return Ok(Progress::Waiting(until)),
        };
        let fact = Fact { by: run.approvers(), ..whole(run, what, "") };
        self.commit(run, now, entry, vec![fact]).await?;
        Ok(Progress::Moved)
    }

    async fn end(&self, run: &mut Run, now: Timestamp) -> Result<Progress, RespondError> {
        let outcome = run.outcome();
        let fact = whole(run, "finished", outcome.as_str());
        self.commit(run, now, Entry::Ended(outcome), vec![fact]).await?;
        Ok(Progress::Over(outcome))
    }

    async fn act(&self, run: &mut Run, place: usize, now: Timestamp) -> Result<Progress, RespondError> {
        let (Some(act), Some(state)) = (run.act(place).cloned(), run.acts.get(place).cloned()) else {
            return self.end(run, now).await;
        };
        if let Some(until) = state.until.filter(|until| *until > now) {
            return Ok(Progress::Waiting(until));
        }
        if state.done.is_some() {
            return self.verify(run, place, &act, now).await;
        }
        match &act.change {
            Change::Send(said) => self.send(run, place, &act, said, state.intents, now).await,
            Change::Collect { lines } => self.keep(run, place, &act, *lines, now).await,
            _ => self.change(run, place, &act, state.intents, now).await,
        }
    }

    async fn keep(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        lines: u32,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let Some(target) = &act.target else {
            return self.fail(run, place, act, "it has no target", now).await;
        };
        let evidence = match collect(self.cluster, act, target, lines).await {
            Ok(evidence) => evidence,
            Err(error) if error.is_passing() => return self.put_off(run, place, act, &error, now).await,
            Err(error) => return self.fail(run, place, act, &error.message, now).await,
        };
        let digests: Vec<String> =
            evidence.iter().map(|kept| format!("{} {}", kept.name, kept.digest)).collect();
        let entries = vec![Entry::Done { act: place, how: How::Applied, made: None }];
        let facts = vec![of_act(run, act, "applied", &digests.join(", "))];
        self.commit_all(run, Commit { entries, facts, evidence, ..empty(run, now, run.entries) }).await?;
        Ok(Progress::Moved)
    }

    /// Reads, writes the intention down, asks, and writes the outcome down.
    async fn change(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        intents: u32,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let Some(target) = &act.target else {
            return self.fail(run, place, act, "it has no target", now).await;
        };
        let object = match self.cluster.read(target).await {
            Ok(object) => object,
            Err(error) if error.is_passing() => return self.put_off(run, place, act, &error, now).await,
            Err(error) => return self.fail(run, place, act, &error.message, now).await,
        };
        let on = match act.change.stance(target, &act.key, object.as_ref(), intents > 0) {
            Stance::Ready(on) => on,
            Stance::Done(how) => {
                let made = object.as_ref().filter(|_| matches!(act.change, Change::Create(_))).map(content);
                return self.done(run, place, act, how, made, now).await;
            }
            Stance::Changed(why) => return self.fail(run, place, act, &why, now).await,
            Stance::Gone => return self.fail(run, place, act, &format!("{target} is gone"), now).await,
        };
        if intents >= INTENTS_MAX {
            return self
                .fail(run, place, act, "it was changed again and again while this was tried", now)
                .await;
        }
        let first = intents == 0;
        let commit = Commit {
            entries: vec![Entry::Intended { act: place, on }],
            facts: if first { vec![of_act(run, act, "intended", "")] } else { Vec::new() },
            quotas: if first { quotas(self.settings, &run.playbook, act.class, now) } else { Vec::new() },
            action: first.then(|| Action { playbook: run.playbook.name.clone(), class: act.class }),
            ..empty(run, now, run.entries)
        };
        match self.commit_all(run, commit).await {
            Err(RespondError::Book(error @ BookError::OverBudget { .. })) => {
                return self.fail(run, place, act, &error.to_string(), now).await;
            }
            other => other?,
        }
        let Some(write) = act.change.write(target, &act.key, object.as_ref()) else {
            return Ok(Progress::Moved);
        };
        match self.cluster.write(&write, false).await {
            Ok(answer) => {
                let made = matches!(act.change, Change::Create(_)).then(|| content(&answer));
                self.done(run, place, act, How::Applied, made, now).await
            }
            Err(error) => match error.cause {
                // Whatever happened, the object shows it.
                CallCause::Conflict | CallCause::NotFound => Ok(Progress::Moved),
                CallCause::Uncertain | CallCause::Busy | CallCause::Blocked => {
                    self.put_off(run, place, act, &error, now).await
                }
                CallCause::Denied | CallCause::Invalid => {
                    self.fail(run, place, act, &error.message, now).await
                }
            },
        }
    }

    async fn survey(&self, playbook: &Playbook, begin: &Begin, now: Timestamp) -> Result<Plan, NoPlan> {
        survey(self.cluster, self.book, self.deliver, self.settings, playbook, begin, now).await
    }

    /// Finds out what became of a request that nobody heard of when the run was stopped. Nothing is sent any more; a request that is still
    /// on its way is waited for.
    async fn settle(&self, run: &mut Run, place: usize, now: Timestamp) -> Result<Progress, RespondError> {
        let (Some(act), Some(state)) = (run.act(place).cloned(), run.acts.get(place).cloned()) else {
            return self.end(run, now).await;
        };
        if matches!(act.change, Change::Send(_)) {
            let why = "the run was stopped before its destination said that it took the message";
            return self.fail(run, place, &act, why, now).await;
        }
        let arrived =
            state.intended_at.and_then(|at| at.checked_add(SignedDuration::from_secs(ARRIVES)).ok());
        let free = [arrived, state.until].into_iter().flatten().max().unwrap_or(now);
        if free > now {
            return Ok(Progress::Waiting(free));
        }
        let Some(target) = &act.target else {
            return self.fail(run, place, &act, "it has no target", now).await;
        };
        let object = match self.cluster.read(target).await {
            Ok(object) => object,
            Err(error) if error.is_passing() => return self.put_off(run, place, &act, &error, now).await,
            Err(error) => return self.fail(run, place, &act, &error.message, now).await,
        };
        match act.change.stance(target, &act.key, object.as_ref(), true) {
            Stance::Done(how) => {
                let made = object.as_ref().filter(|_| matches!(act.change, Change::Create(_))).map(content);
                self.done(run, place, &act, how, made, now).await
            }
            _ => self.fail(run, place, &act, "the run was stopped before it was done", now).await,
        }
    }

    async fn verify(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let object = match &act.target {
            Some(target) if act.change.is_write() => match self.cluster.read(target).await {
                Ok(object) => object,
                Err(error) if error.is_passing() => return self.put_off(run, place, act, &error, now).await,
                Err(error) => return self.verified(run, place, act, Err(error.message), now).await,
            },
            _ => None,
        };
        let seen = match &act.target {
            Some(target) => act.change.verify(target, &act.key, object.as_ref()),
            None => Ok("its destination took it".to_owned()),
        };
        self.verified(run, place, act, seen, now).await
    }

    async fn verified(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        seen: Result<String, String>,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let (there, detail) = match seen {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        let fact = of_act(run, act, if there { "verified" } else { "not-verified" }, &detail);
        self.commit(run, now, Entry::Verified { act: place, there, detail }, vec![fact]).await?;
        Ok(Progress::Moved)
    }

    async fn done(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        how: How,
        made: Option<String>,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let fact = of_act(run, act, how.as_str(), "");
        self.commit(run, now, Entry::Done { act: place, how, made }, vec![fact]).await?;
        Ok(Progress::Moved)
    }

    pub(crate) async fn fail(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        why: &str,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let fact = of_act(run, act, "failed", why);
        self.commit(run, now, Entry::Failed { act: place, why: why.to_owned() }, vec![fact]).await?;
        Ok(Progress::Moved)
    }

    /// Waits, unless that was done too often. An act that may have had an effect is not given up before its object was read again.
    async fn put_off(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        error: &CallError,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let (waits, tried) = run.acts.get(place).map_or((0, false), |state| (state.waits, state.intents > 0));
        let unknown = tried && error.cause == CallCause::Uncertain;
        if waits >= WAITS_MAX && run.phase == Phase::Acting && !unknown {
            let why = format!("it had to wait too often: {}", error.message);
            return self.fail(run, place, act, &why, now).await;
        }
        let until = later(now, error);
        let entry = Entry::PutOff { act: place, until, why: error.message.clone() };
        self.commit(run, now, entry, Vec::new()).await?;
        Ok(Progress::Waiting(until))
    }

    /// Takes one act back.
    async fn back(&self, run: &mut Run, place: usize, now: Timestamp) -> Result<Progress, RespondError> {
        let (Some(act), Some(state)) = (run.act(place).cloned(), run.acts.get(place).cloned()) else {
            return self.end(run, now).await;
        };
        let Some(target) = &act.target else {
            return self.left(run, place, &act, "it has no target", now).await;
        };
        let object = match self.cluster.read(target).await {
            Ok(object) => object,
            Err(error) if error.is_passing() => return self.put_off(run, place, &act, &error, now).await,
            Err(error) => return self.left(run, place, &act, &error.message, now).await,
        };
        let tried = state.back_intended;
        let stands = act.change.back(target, &act.key, object.as_ref(), state.made.as_deref(), tried);
        let (write, left) = match stands {
            Back::Ready(write, left) => (write, left),
            Back::Done => return self.taken_back(run, place, &act, Vec::new(), now).await,
            Back::Left(why) => return self.left(run, place, &act, &why, now).await,
        };
        if !tried {
            self.commit(run, now, Entry::BackIntended(place), Vec::new()).await?;
        }
        match self.cluster.write(&write, false).await {
            Ok(_) => self.taken_back(run, place, &act, left, now).await,
            Err(error) => match error.cause {
                CallCause::NotFound => Ok(Progress::Moved),
                CallCause::Conflict | CallCause::Uncertain | CallCause::Busy | CallCause::Blocked => {
                    self.put_off(run, place, &act, &error, now).await
                }
                CallCause::Denied | CallCause::Invalid => {
                    self.left(run, place, &act, &error.message, now).await
                }
            },
        }
    }

    async fn taken_back(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        left: Vec<String>,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let fact = of_act(run, act, "undone", &left.join("; "));
        self.commit(run, now, Entry::Back { act: place, left }, vec![fact]).await?;
        Ok(Progress::Moved)
    }

    async fn left(
        &self,
        run: &mut Run,
        place: usize,
        act: &Act,
        why: &str,
        now: Timestamp,
    ) -> Result<Progress, RespondError> {
        let fact = of_act(run, act, "left", why);
        self.commit(run, now, Entry::Left { act: place, why: why.to_owned() }, vec![fact]).await?;
        Ok(Progress::Moved)
    }

    pub(crate) async fn commit(
        &self,
        run: &mut Run,
        now: Timestamp,
        entry: Entry,
        facts: Vec<Fact>,
    ) -> Result<(), RespondError> {
        let commit = Commit { entries: vec![entry], facts, ..empty(run, now, run.entries) };
        self.commit_all(run, commit).await
    }

    pub(crate) async fn commit_all(&self, run: &mut Run, commit: Commit) -> Result<(), RespondError> {
        let (entries, at) = (commit.entries.clone(), commit.at);
        self.book.commit(commit).await?;
        for entry in entries {
            let sequence = run.entries;
            run.take(at, entry).map_err(|what| RespondError::Journal {
                run: run.id.to_string(),
                sequence,
                what: what.to_owned(),
            })?;
        }
        Ok(())
    }
}

pub(crate) fn empty(run: &Run, at: Timestamp, sequence: u64) -> Commit {
    Commit {
        tenant: run.begin.tenant.clone(),
        run: run.id.clone(),
        sequence,
        at,
        entries: Vec::new(),
        facts: Vec::new(),
        quotas: Vec::new(),
        action: None,
        evidence: Vec::new(),
    }
}

/// Whether a run has waited for its cluster for so long that nobody expects its response any more.
#[must_use]
pub fn is_stale(run: &Run, now: Timestamp) -> bool {
    run.begun_at.is_some_and(|begun| now.duration_since(begun) > PLAN_WITHIN)
}

/// The plan where the cluster could not be asked.
fn unasked(error: &CallError) -> Plan {
    let refusals = vec![format!("the cluster cannot be asked: {}", error.message)];
    Plan { refusals, ..Plan::default() }
}

/// When to try again.
pub(crate) fn later(now: Timestamp, error: &CallError) -> Timestamp {
    let seconds = error.retry_after.map_or(PAUSE, i64::from).clamp(1, PAUSE_MAX);
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// A fact about the whole run.
fn whole(run: &Run, what: &str, detail: &str) -> Fact {
    Fact {
        action: String::new(),
        by: run.begin.by.iter().map(|name| shown(name)).collect(),
        detail: detail.to_owned(),
        incident: shown(&run.begin.incident),
        key: String::new(),
        playbook: run.playbook.digest.clone(),
        run: run.id.to_string(),
        step: String::new(),
        target: String::new(),
        what: what.to_owned(),
    }
}

/// A fact about one act: whoever approved the plan stands behind it.
pub(crate) fn of_act(run: &Run, act: &Act, what: &str, detail: &str) -> Fact {
    let target = act.target.as_ref();
    Fact {
        action: act.action.clone(),
        by: run.approvers().iter().map(|name| shown(name)).collect(),
        key: act.key.to_string(),
        step: act.step.clone(),
        target: target.map_or_else(String::new, |target| match &target.uid {
            Some(uid) => format!("{target} {}", shown(uid)),
            None => target.to_string(),
        }),
        ..whole(run, what, detail)
    }
}
