//! Kind `correlator`: events in, detections out.

use model::Severity;
use serde::{Deserialize, Serialize};

use crate::analysis::Problem;

/// A normalised event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Message id; the same event always has the same one.
    pub id: String,
    /// When it happened, in nanoseconds since 1970 in UTC.
    pub time: u64,
    /// Where it came from.
    pub source: String,
    /// Canonical asset id; empty where none could be told.
    pub asset: String,
    /// The event as JSON.
    #[serde(with = "crate::bytes_text")]
    pub body: Vec<u8>,
}

/// A wish to be called again, or its fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// Name.
    pub key: String,
    /// When, in nanoseconds since 1970 in UTC, by the watermark.
    pub time: u64,
}

/// A judged event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Detection {
    /// Indices of the events that prove it; always within the batch.
    pub items: Vec<usize>,
    /// A rule of the manifest.
    pub rule: String,
    /// One line for people.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Canonical id of the asset at risk.
    pub asset: String,
    /// Detections with the same key belong to one incident; empty for one that stands alone.
    pub incident_key: String,
    /// What was compared with what, as JSON; empty for none.
    #[serde(with = "crate::bytes_text")]
    pub evidence: Vec<u8>,
}

/// Two incident keys that are of one story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentLink {
    /// The key that stays.
    pub kept: String,
    /// The key that becomes another name of it.
    pub merged: String,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Correlation {
    /// Judged events.
    pub detections: Vec<Detection>,
    /// Incident keys that are one.
    pub links: Vec<IncidentLink>,
    /// Timers to set.
    pub timers: Vec<Timer>,
    /// Events that could not be understood.
    pub problems: Vec<Problem>,
}
