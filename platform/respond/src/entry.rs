//! The journal of a run: what is written down before, between and after everything that it does.
//!
//! A run is nothing but its journal. An act is written down as intended before it is asked for, and with its outcome afterwards; who
//! finds an intention without an outcome reads the object to learn whether the act happened.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use model::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::{How, Precondition};
use crate::key::hex;
use crate::plan::Plan;
use crate::playbook::Approval;

/// A run of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a run begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// Whose.
    pub tenant: TenantId,
    /// The playbook's own bytes.
    pub playbook: String,
    /// Id of the incident.
    pub incident: String,
    /// The normalised event or incident.
    pub event: Value,
    /// Parameters that were given.
    pub parameters: BTreeMap<String, Value>,
    /// Who started it; nothing: its trigger.
    pub by: Option<String>,
    /// Which time this playbook is run for this incident, from 1: the same one is started once.
    pub round: u32,
    /// The cluster that it is done to, by the operator's name for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Who has to agree where the playbook names nobody: the operator lets nothing be done unasked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

impl Begin {
    /// The id of the run: the same for the same playbook, incident and round.
    #[must_use]
    pub fn run(&self) -> RunId {
        let digest = crate::key::sha256(self.playbook.as_bytes());
        let round = self.round.to_string();
        RunId(hex(&["run", self.tenant.as_str(), &digest, &self.incident, &round], 32))
    }
}

/// An entry of the journal. Acts are named by their place in the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// It began.
    Begun(Box<Begin>),
    /// This is what it would do.
    Planned(Box<Plan>),
    /// Somebody decided.
    Decided(Decision),
    /// Enough people agreed.
    Approved,
    /// It is over before anything was done.
    Ended(Outcome),
    /// An act is about to be asked for.
    Intended {
        /// Which.
        act: usize,
        /// What the request is bound to.
        on: Precondition,
    },
    /// An act has to wait.
    PutOff {
        /// Which.
        act: usize,
        /// Until when.
        until: Timestamp,
        /// Why.
        why: String,
    },
    /// An act is done.
    Done {
        /// Which.
        act: usize,
        /// How it came to be.
        how: How,
        /// Hash of what was made.
        made: Option<String>,
    },
    /// An act was not done.
    Failed {
        /// Which.
        act: usize,
        /// Why.
        why: String,
    },
    /// The effect of an act was looked for.
    Verified {
        /// Which.
        act: usize,
        /// Whether it is there.
        there: bool,
        /// In words.
        detail: String,
    },
    /// Nothing more is done, but for what is taken back.
    Stopped(String),
    /// Somebody wants everything taken back now.
    BackAsked(String),
    /// An act is about to be taken back.
    BackIntended(usize),
    /// An act was taken back, but for what is named.
    Back {
        /// Which.
        act: usize,
        /// What was left, because somebody changed it since.
        left: Vec<String>,
    },
    /// An act was not taken back.
    Left {
        /// Which.
        act: usize,
        /// Why.
        why: String,
    },
}

impl fmt::Display for Entry {
    /// In words, in one line; text of strangers is not escaped here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun(begin) => match &begin.by {
                Some(by) => write!(f, "begun by {by}"),
                None => f.write_str("begun by its trigger"),
            },
            Self::Planned(plan) => {
                write!(f, "planned: {} acts, {} refusals", plan.acts.len(), plan.refusals.len())
            }
            Self::Decided(decision) => {
                write!(f, "{} by {}", if decision.agree { "approved" } else { "refused" }, decision.by)
            }
            Self::Approved => f.write_str("enough people agreed"),
            Self::Ended(outcome) => write!(f, "ended: {}", outcome.as_str()),
            Self::Intended { act, .. } => write!(f, "act {act}: asked for"),
            Self::PutOff { act, until, why } => write!(f, "act {act}: put off until {until}: {why}"),
            Self::Done { act, how, .. } => write!(f, "act {act}: {}", how.as_str()),
            Self::Failed { act, why } => write!(f, "act {act}: failed: {why}"),
            Self::Verified { act, there, detail } => {
                write!(f, "act {act}: {}: {detail}", if *there { "verified" } else { "not there" })
            }
            Self::Stopped(why) => write!(f, "stopped: {why}"),
            Self::BackAsked(by) => write!(f, "{by} wants everything taken back"),
            Self::BackIntended(act) => write!(f, "act {act}: taking it back"),
            Self::Back { act, left } if left.is_empty() => write!(f, "act {act}: taken back"),
            Self::Back { act, left } => write!(f, "act {act}: taken back, but for {}", left.join(", ")),
            Self::Left { act, why } => write!(f, "act {act}: left as it is: {why}"),
        }
    }
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub by: String,
    /// The roles that they have.
    pub roles: Vec<String>,
    /// Whether they agree.
    pub agree: bool,
    /// Digest of the plan that they saw.
    pub plan: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything was done and is there.
    Succeeded,
    /// Some of it was.
    Partial,
    /// The plan was refused: nothing was done.
    Refused,
    /// Somebody disagreed: nothing was done.
    Denied,
    /// Nobody decided in time: nothing was done.
    Expired,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Expired => "expired",
        }
    }
}
