//! Where a run stands: its journal, folded. Pure, so that a run that was read again after a crash stands where it stood.

use jiff::{SignedDuration, Timestamp};

use crate::change::How;
use crate::entry::{Begin, Decision, Entry, Outcome, RunId};
use crate::error::{PlaybookError, RespondError};
use crate::plan::{Act, Plan};
use crate::playbook::{Approval, OnError, Playbook};
use crate::step::Class;

/// Most requests for one act: the status of a pod changes often, and with it the version that a request is bound to.
pub(crate) const INTENTS_MAX: u32 = 64;
/// How often an act may have to wait: a disruption budget may take its time.
pub(crate) const WAITS_MAX: u32 = 60;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// There is no plan yet.
    Planning,
    /// People are asked.
    Asking,
    /// Acts are done.
    Acting,
    /// What is leased waits to be taken back.
    Leased,
    /// Nothing more is done.
    Over(Outcome),
}

impl Phase {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Asking => "asking for approval",
            Self::Acting => "acting",
            Self::Leased => "leased",
            Self::Over(_) => "over",
        }
    }
}

/// How an act stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ActState {
    /// Requests that were intended.
    pub intents: u32,
    /// When the last of them was.
    pub intended_at: Option<Timestamp>,
    /// How often it had to wait.
    pub waits: u32,
    /// Until when it waits.
    pub until: Option<Timestamp>,
    /// Whether it is done, how, and when.
    pub done: Option<(How, Timestamp)>,
    /// Hash of what was made.
    pub made: Option<String>,
    /// Why it was not done.
    pub failed: Option<String>,
    /// Whether its effect was found.
    pub verified: Option<bool>,
    /// Whether taking it back was intended.
    pub back_intended: bool,
    /// What became of taking it back: what was left of it.
    pub back: Option<Vec<String>>,
}

impl ActState {
    /// Whether there is something of ours to take back.
    fn is_ours(&self) -> bool {
        self.back.is_none() && matches!(self.done, Some((How::Applied | How::Found, _)))
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What it began with.
    pub begin: Begin,
    /// Its playbook.
    pub playbook: Playbook,
    /// Its plan.
    pub plan: Option<Plan>,
    /// When it was planned.
    pub planned_at: Option<Timestamp>,
    /// Decisions that count, one of each person.
    pub decisions: Vec<Decision>,
    /// Where it stands.
    pub phase: Phase,
    /// How each act of the plan stands.
    pub acts: Vec<ActState>,
    /// Why nothing more is done.
    pub stopped: Option<String>,
    /// Who wants everything taken back now.
    pub back_asked: Option<String>,
    /// How many entries its journal has.
    pub entries: u64,
    /// When it began, where that was read from its journal.
    pub begun_at: Option<Timestamp>,
}

impl Run {
    /// A run that has only begun.
    ///
    /// # Errors
    /// [`PlaybookError`] where its playbook cannot be read.
    pub fn new(begin: Begin) -> Result<Self, PlaybookError> {
        let playbook = Playbook::read(begin.playbook.as_bytes())?;
        Ok(Self {
            id: begin.run(),
            begin,
            playbook,
            plan: None,
            planned_at: None,
            decisions: Vec::new(),
            phase: Phase::Planning,
            acts: Vec::new(),
            stopped: None,
            back_asked: None,
            entries: 1,
            begun_at: None,
        })
    }

    /// A run by its journal.
    ///
    /// # Errors
    /// [`RespondError::Journal`] where an entry cannot follow those before it.
    pub fn read(id: &RunId, journal: Vec<(Timestamp, Entry)>) -> Result<Self, RespondError> {
        let wrong = |sequence: u64, what: &str| RespondError::Journal {
            run: id.to_string(),
            sequence,
            what: what.to_owned(),
        };
        let mut entries = journal.into_iter();
        let Some((begun_at, Entry::Begun(begin))) = entries.next() else {
            return Err(wrong(0, "it does not begin"));
        };
        let mut run = Self { begun_at: Some(begun_at), ..Self::new(*begin)? };
        for (at, entry) in entries {
            let sequence = run.entries;
            run.take(at, entry).map_err(|what| wrong(sequence, what))?;
        }
        Ok(run)
    }

    /// What comes after the next entry.
    pub(crate) fn take(&mut self, at: Timestamp, entry: Entry) -> Result<(), &'static str> {
        self.entries += 1;
        match entry {
            Entry::Begun(_) => return Err("it begins twice"),
            Entry::Planned(plan) => {
                self.acts = vec![ActState::default(); plan.acts.len()];
                self.planned_at = Some(at);
                self.phase = if self.approval().is_some() { Phase::Asking } else { Phase::Acting };
                self.plan = Some(*plan);
            }
            Entry::Decided(decision) => self.decisions.push(decision),
            Entry::Approved => self.phase = Phase::Acting,
            Entry::Ended(outcome) => self.phase = Phase::Over(outcome),
            Entry::Stopped(why) => {
                self.stopped = Some(why);
                self.phase = Phase::Leased;
            }
            Entry::BackAsked(by) => {
                self.back_asked = Some(by);
                if self.phase == Phase::Acting {
                    self.stopped.get_or_insert_with(|| "somebody wants everything taken back".to_owned());
                }
                self.phase = Phase::Leased;
            }
            Entry::Intended { act, .. } => {
                let act = self.act_mut(act)?;
                (act.intents, act.intended_at, act.until) = (act.intents + 1, Some(at), None);
            }
            Entry::PutOff { act, until, .. } => {
                let act = self.act_mut(act)?;
                (act.waits, act.until) = (act.waits + 1, Some(until));
            }
            Entry::Done { act, how, made } => {
                let act = self.act_mut(act)?;
                (act.done, act.made, act.until) = (Some((how, at)), made, None);
            }
            Entry::Failed { act, why } => {
                self.act_mut(act)?.failed = Some(why.clone());
                self.after_failure(act, &why);
            }
            Entry::Verified { act, there, detail } => {
                self.act_mut(act)?.verified = Some(there);
                if !there {
                    self.after_failure(act, &detail);
                }
            }
            Entry::BackIntended(act) => self.act_mut(act)?.back_intended = true,
            Entry::Back { act, left } => self.act_mut(act)?.back = Some(left),
            Entry::Left { act, why } => self.act_mut(act)?.back = Some(vec![why]),
        }
        if self.phase == Phase::Acting && self.next_act().is_none() {
            self.phase = Phase::Leased;
        }
        Ok(())
    }

    fn after_failure(&mut self, act: usize, why: &str) {
        let stops = self.act(act).is_some_and(|act| act.on_error == OnError::Stop);
        if stops && self.stopped.is_none() {
            self.stopped = Some(why.to_owned());
            self.phase = Phase::Leased;
        }
    }

    fn act_mut(&mut self, place: usize) -> Result<&mut ActState, &'static str> {
        self.acts.get_mut(place).ok_or("it names an act that the plan does not have")
    }

    /// An act of the plan.
    #[must_use]
    pub fn act(&self, place: usize) -> Option<&Act> {
        self.plan.as_ref().and_then(|plan| plan.acts.get(place))
    }

    /// The act that is to be done or verified next.
    #[must_use]
    pub fn next_act(&self) -> Option<usize> {
        self.acts.iter().position(|act| match (&act.done, &act.failed) {
            (None, None) => true,
            (Some(_), None) => act.verified.is_none(),
            (_, Some(_)) => false,
        })
    }

    /// An act that was intended, and of which nobody wrote down what became of it.
    #[must_use]
    pub fn unsettled(&self) -> Option<usize> {
        self.acts.iter().position(|act| act.intents > 0 && act.done.is_none() && act.failed.is_none())
    }

    /// The act that is to be taken back next, the last one first, and when.
    #[must_use]
    pub fn next_back(&self) -> Option<(usize, Timestamp)> {
        let mut next: Option<(usize, Timestamp)> = None;
        for (place, state) in self.acts.iter().enumerate() {
            let (Some(act), Some((_, done)), true) = (self.act(place), state.done, state.is_ours()) else {
                continue;
            };
            let lease = match self.back_asked {
                Some(_) if act.change.is_reversible() && act.class == Class::Reversible => 0,
                Some(_) => continue,
                None => match act.lease {
                    Some(lease) => lease,
                    None => continue,
                },
            };
            let due = done.checked_add(SignedDuration::from_secs(lease)).unwrap_or(Timestamp::MAX);
            let due = state.until.map_or(due, |until| due.max(until));
            // What was done later has to go before what it was built on.
            if next.is_none_or(|(_, first)| due <= first) {
                next = Some((place, due));
            }
        }
        next
    }

    /// Who has to agree: as the playbook says, else as the operator did when the run began.
    #[must_use]
    pub fn approval(&self) -> Option<&Approval> {
        self.playbook.approval.as_ref().or(self.begin.approval.as_ref())
    }

    /// The people who agreed.
    #[must_use]
    pub fn approvers(&self) -> Vec<String> {
        self.decisions.iter().filter(|decision| decision.agree).map(|decision| decision.by.clone()).collect()
    }

    /// Whether a decision counts, at this moment.
    ///
    /// # Errors
    /// [`RespondError::Decision`] with the reason why not.
    pub fn may_decide(&self, decision: &Decision, now: Timestamp) -> Result<(), RespondError> {
        let no = |why: String| Err(RespondError::Decision(why));
        let (Phase::Asking, Some(approval), Some(plan)) = (self.phase, self.approval(), &self.plan) else {
            return no(format!("nobody is asked: the run is {}", self.phase.as_str()));
        };
        if self.asked_until().is_some_and(|until| now >= until) {
            return no("it comes too late".to_owned());
        }
        if decision.plan != plan.digest() {
            return no("it is about another plan than this one".to_owned());
        }
        if self.begin.by.as_deref() == Some(decision.by.as_str()) {
            return no("whoever started a run does not decide about it".to_owned());
        }
        if decision.by.is_empty() || !decision.roles.iter().any(|role| approval.of.contains(role)) {
            return no(format!("it takes one of the roles {}", approval.of.join(", ")));
        }
        if self.decisions.iter().any(|other| other.by == decision.by) {
            return no(format!("{} has decided before", crate::object::shown(&decision.by)));
        }
        Ok(())
    }

    /// When the question is void.
    #[must_use]
    pub fn asked_until(&self) -> Option<Timestamp> {
        let (approval, planned) = (self.approval()?, self.planned_at?);
        planned.checked_add(SignedDuration::from_secs(approval.expires)).ok()
    }

    /// Whether enough people agreed, or somebody did not.
    pub(crate) fn verdict(&self) -> Option<bool> {
        let approval = self.approval()?;
        if self.decisions.iter().any(|decision| !decision.agree) {
            return Some(false);
        }
        (self.decisions.len() >= approval.need as usize).then_some(true)
    }

    /// How it ended, when nothing more is to be done.
    pub(crate) fn outcome(&self) -> Outcome {
        let whole = self.stopped.is_none()
            && self.acts.iter().all(|act| act.failed.is_none() && act.verified != Some(false));
        if whole { Outcome::Succeeded } else { Outcome::Partial }
    }
}
