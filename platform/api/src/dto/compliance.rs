//! Frameworks, and where their controls stand.

use jiff::Timestamp;
use model::AssetId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How many controls stand where.
///
/// The score is `100 * (met + partly / 2) / (met + partly + not met)`, rounded down; controls that nobody could tell anything of are
/// not in it, which is why their numbers stand beside it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct ControlCounts {
    /// All as it should be.
    pub met: u32,
    /// Some of it.
    pub partly: u32,
    /// None of it.
    pub not_met: u32,
    /// Only people can tell.
    pub manual: u32,
    /// Nothing was seen that could tell.
    pub not_assessed: u32,
    /// 0 to 100; null where nothing could be told.
    #[schema(required)]
    pub score: Option<u32>,
}

impl ControlCounts {
    /// The score over controls of these statuses.
    pub(crate) fn score(statuses: impl Iterator<Item = ControlStatus>) -> Option<u32> {
        let (mut points, mut told) = (0, 0);
        for status in statuses {
            let (point, one) = match status {
                ControlStatus::Met => (100, 1),
                ControlStatus::Partly => (50, 1),
                ControlStatus::NotMet => (0, 1),
                ControlStatus::Manual | ControlStatus::NotAssessed => (0, 0),
            };
            points += point;
            told += one;
        }
        (told > 0).then(|| points / told)
    }
}

/// An assessment as a row of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssessmentRow {
    /// Framework, such as `nist-800-53-r5`.
    pub framework: String,
    /// Cluster or account that was judged.
    pub scope: AssetId,
    /// Its name for people.
    pub scope_name: String,
    /// When.
    pub at: Timestamp,
    /// Scan that it stands on.
    pub scan: Uuid,
    /// Figures.
    pub summary: ControlCounts,
}

/// The newest assessments.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Assessments {
    /// By framework, then name of the scope.
    pub items: Vec<AssessmentRow>,
}

/// Where a control stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlStatus {
    /// Every part of it that can be checked is as it should be.
    Met,
    /// None of it is.
    NotMet,
    /// Some of it is.
    Partly,
    /// Only people can tell.
    Manual,
    /// Nothing was seen that could tell.
    NotAssessed,
}

/// What one rule said that counts for a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ControlProof {
    /// Plugin and rule.
    pub rule: String,
    /// Resources where it failed.
    pub failed: u64,
    /// Resources where it passed.
    pub passed: u64,
    /// Resources where it could not be told.
    pub unknown: u64,
}

/// A control.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Control {
    /// The framework's id of it.
    pub control: String,
    /// What it is about, in our own words.
    pub title: String,
    /// Where it stands.
    pub status: ControlStatus,
    /// Why, in one sentence.
    pub rationale: String,
    /// What proves it.
    pub proof: Vec<ControlProof>,
    /// It is not met, or partly, and every failure that speaks against it is accepted by an exception.
    #[serde(default)]
    pub accepted: bool,
    /// Exceptions that count here.
    #[serde(default)]
    pub exceptions: Vec<String>,
}

/// A point of a trend.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrendPoint {
    /// When.
    pub at: Timestamp,
    /// Scan that it stands on.
    pub scan: Uuid,
    /// Figures.
    pub summary: ControlCounts,
}

/// An assessment in full.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssessmentDetail {
    /// The row of the list.
    #[serde(flatten)]
    pub row: AssessmentRow,
    /// Controls that are accepted by exceptions; they are among those not met and partly met, and in the score as such.
    pub accepted: u32,
    /// What the score would be without them; null where nothing else could be told.
    #[schema(required)]
    pub score_without_accepted: Option<u32>,
    /// Every control, in the framework's order.
    pub controls: Vec<Control>,
    /// How it was before, newest first, at most 500.
    pub trend: Vec<TrendPoint>,
}
