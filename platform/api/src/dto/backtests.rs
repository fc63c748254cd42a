//! Backtests: rules and versions of plugins, tried on stored events.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Severity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{JobState, ScanFailure};

/// What to try. At least one of `rules`, `instead` and `candidate` has to say something.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBacktest {
    /// Files of rules that judge beside those in force.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub rules: Vec<BacktestRules>,
    /// Whether they stand in the place of the operator's own rules, which then do not judge.
    #[serde(default)]
    pub instead: bool,
    /// An installed version of a plugin that judges in the place of the one in force, with the rights of that one.
    pub candidate: Option<BacktestCandidate>,
    /// Events from then on.
    pub from: Timestamp,
    /// Events before then; now by default.
    pub to: Option<Timestamp>,
}

/// A file of rules, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BacktestRules {
    /// What errors call it.
    #[schema(min_length = 1, max_length = 256, example = "curl-in-pod.yml")]
    pub name: String,
    /// YAML: a list of items is in Falco's language, anything else in Sigma's.
    #[schema(min_length = 1)]
    pub text: String,
}

/// An installed version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BacktestCandidate {
    /// Id of the plugin.
    #[schema(min_length = 1, max_length = 256, example = "palisade.sigma")]
    pub plugin: String,
    /// Digest of the version.
    #[schema(min_length = 1, max_length = 128)]
    pub digest: String,
}

/// A backtest and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Backtest {
    /// Its id.
    pub id: Uuid,
    /// Names of the files of rules that it tries.
    pub files: Vec<String>,
    /// Whether they stand in the place of the operator's own.
    pub instead: bool,
    /// The version of a plugin that it tries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<BacktestCandidate>,
    /// Events from then on.
    pub from: Timestamp,
    /// Events before then.
    pub to: Timestamp,
    /// Who asked: the name of the token.
    pub asked_by: String,
    /// How far it is.
    pub state: JobState,
    /// Events that both sides have judged so far.
    pub events: u64,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When judging began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ScanFailure>,
}

/// A backtest with the rules that it tries and what they change.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BacktestDetail {
    /// The backtest.
    #[serde(flatten)]
    pub backtest: Backtest,
    /// The rules.
    pub rules: Vec<BacktestRules>,
    /// What would have been different; there when it is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<BacktestDifference>,
}

/// What two sides said of the same events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestDifference {
    /// Events that both judged.
    pub events: u64,
    /// Whether there were more, which nobody judged.
    pub cut: bool,
    /// What is in force now.
    pub before: BacktestSide,
    /// What is tried.
    pub after: BacktestSide,
    /// Rules that say something else, by name.
    pub rules: BTreeMap<String, BacktestRule>,
    /// Detections that are new, at most the first hundred.
    pub added: Vec<BacktestDetection>,
    /// Detections that are gone, at most the first hundred.
    pub removed: Vec<BacktestDetection>,
}

/// What one side came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestSide {
    /// Detections.
    pub detections: u64,
    /// Incidents that they make.
    pub incidents: u64,
    /// Events that a plugin failed on, and rules that cannot be used.
    pub gaps: u64,
    /// How long judging took, in seconds.
    pub seconds: f64,
}

/// What a rule said on both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestRule {
    /// Detections of what is in force.
    pub before: u64,
    /// Detections of what is tried.
    pub after: u64,
    /// Those that only the second has.
    pub added: u64,
    /// Those that only the first has.
    pub removed: u64,
}

/// A detection that only one side has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestDetection {
    /// Its rule.
    pub rule: String,
    /// One line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Where: canonical id of an asset; empty where no event named one.
    pub asset: String,
    /// When its last event happened.
    pub at: Timestamp,
    /// Ids of its events, for `/api/v1/runtime/events/{id}`.
    pub events: Vec<String>,
}

impl From<store::Candidate> for BacktestCandidate {
    fn from(candidate: store::Candidate) -> Self {
        Self { plugin: candidate.plugin, digest: candidate.digest }
    }
}

impl From<store::Backtest> for Backtest {
    fn from(one: store::Backtest) -> Self {
        Self {
            id: one.id,
            files: one.files,
            instead: one.instead,
            candidate: one.candidate.map(BacktestCandidate::from),
            from: one.from,
            to: one.to,
            asked_by: one.by,
            state: one.state.into(),
            events: one.events,
            submitted_at: one.submitted_at,
            started_at: one.started_at,
            finished_at: one.finished_at,
            error: one.error.map(|(code, message)| ScanFailure { code, message }),
        }
    }
}
