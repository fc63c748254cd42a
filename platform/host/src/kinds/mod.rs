//! What plugins are called with and what they answer, kind by kind, in words that no version of the contract changes.
//!
//! A version of the contract (see [`crate::contract`]) turns these into its own records and back. What comes back is a
//! stranger's word: [`Bounds`] checks every index, rule, text and piece of JSON before it becomes one of these types.

mod admission;
mod collector;
mod compliance;
mod correlator;
mod notifier;
mod posture;

use serde::{Deserialize, Serialize};

pub use admission::{Decision, Violation};
pub use collector::{Missing, Page};
pub use compliance::{ControlResult, ControlStatus, Observation};
pub use correlator::{Correlation, Detection, Event, IncidentLink, Timer};
pub use notifier::{Notice, Receipt};
pub use posture::{Assessment, CheckResult, CheckStatus, Resource};

use crate::Kind;
use crate::analysis::{Analysis, InputFile, TEXT_BYTES_MAX};
use crate::error::shown;
use crate::fault::{Fault, FaultKind};
use crate::manifest::Rule;

/// Largest piece of JSON in an answer, but for resources: evidence, patches.
pub(crate) const EVIDENCE_BYTES_MAX: usize = 64 * 1024;
/// Largest JSON Patch.
pub(crate) const PATCH_BYTES_MAX: usize = 1024 * 1024;
/// Largest resource that a collector hands over.
pub(crate) const RESOURCE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest id: of an asset, an event, a timer, an incident, a receipt.
pub(crate) const ID_BYTES_MAX: usize = 2 * 1024;

/// What a plugin is called with.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the parameters in wit/plugin, documented there")]
pub enum Input {
    /// Files of one layer.
    ImageAnalyzer { files: Vec<InputFile> },
    /// Resources to judge.
    Posture { resources: Vec<Resource> },
    /// Events in order of time, timers that are due, and the watermark in nanoseconds since 1970.
    Correlator { events: Vec<Event>, due: Vec<Timer>, watermark: u64 },
    /// All that was observed of a scope.
    Compliance { observations: Vec<Observation> },
    /// The request of an AdmissionReview, as JSON.
    Admission {
        #[serde(with = "crate::bytes_text")]
        request: Vec<u8>,
    },
    /// Where to go on.
    Collector { cursor: Option<String> },
    /// A change to tell of.
    Notifier { notice: Notice },
}

impl Input {
    /// Which kind this is the input of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::ImageAnalyzer { .. } => Kind::ImageAnalyzer,
            Self::Posture { .. } => Kind::Posture,
            Self::Correlator { .. } => Kind::Correlator,
            Self::Compliance { .. } => Kind::Compliance,
            Self::Admission { .. } => Kind::Admission,
            Self::Collector { .. } => Kind::Collector,
            Self::Notifier { .. } => Kind::Notifier,
        }
    }

    /// How many items indices of the answer may name.
    #[must_use]
    pub fn items(&self) -> usize {
        match self {
            Self::ImageAnalyzer { files } => files.len(),
            Self::Posture { resources } => resources.len(),
            Self::Correlator { events, .. } => events.len(),
            Self::Compliance { observations } => observations.len(),
            Self::Admission { .. } | Self::Collector { .. } | Self::Notifier { .. } => 1,
        }
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("kind", &self.kind()).field("items", &self.items()).finish()
    }
}

/// What a plugin answered, checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a variant for each kind")]
pub enum Answer {
    ImageAnalyzer(Box<Analysis>),
    Posture(Assessment),
    Correlator(Correlation),
    Compliance(Vec<ControlResult>),
    Admission(Decision),
    Collector(Page),
    Notifier(Receipt),
}

impl Answer {
    /// The fault of an answer of another kind than the input's, which only a defect of the host can cause.
    #[must_use]
    pub fn unexpected(&self) -> Fault {
        crate::contract::misdirected()
    }
}

/// What an answer is checked against.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) items: usize,
    pub(crate) results_max: usize,
    pub(crate) rules: &'a [Rule],
}

/// Place of a record in an answer, for messages.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub(crate) list: &'static str,
    pub(crate) index: usize,
}

/// Checks every record of a list.
pub(crate) fn each<T, U>(
    list: &'static str,
    records: Vec<T>,
    mut one: impl FnMut(At, T) -> Result<U, Fault>,
) -> Result<Vec<U>, Fault> {
    records.into_iter().enumerate().map(|(index, record)| one(At { list, index }, record)).collect()
}

impl Bounds<'_> {
    /// Refuses an answer of too many records.
    pub(crate) fn count(&self, counts: &[usize]) -> Result<(), Fault> {
        let count = counts.iter().copied().fold(0, usize::saturating_add);
        if count <= self.results_max {
            return Ok(());
        }
        let message = format!("it answered with {count} records; at most {} are allowed", self.results_max);
        Err(Fault::new(FaultKind::Results, message))
    }

    /// An index within the batch.
    pub(crate) fn item(&self, at: At, index: u32) -> Result<usize, Fault> {
        usize::try_from(index)
            .ok()
            .filter(|index| *index < self.items)
            .ok_or_else(|| at.broken(&format!("names item {index} of a batch of {}", self.items)))
    }

    /// Indices within the batch.
    pub(crate) fn items(&self, at: At, indices: Vec<u32>) -> Result<Vec<usize>, Fault> {
        if indices.len() > self.items {
            return Err(at.broken(&format!("names {} items of a batch of {}", indices.len(), self.items)));
        }
        indices.into_iter().map(|index| self.item(at, index)).collect()
    }

    /// A rule of the manifest.
    pub(crate) fn rule(&self, at: At, rule: String) -> Result<String, Fault> {
        if self.rules.iter().any(|known| known.id == rule) {
            return Ok(rule);
        }
        Err(at.broken(&format!("has the rule {:?}, which its manifest lacks", shown(&rule))))
    }
}

impl At {
    pub(crate) fn broken(self, problem: &str) -> Fault {
        Fault::new(FaultKind::Protocol, format!("{}[{}] {problem}", self.list, self.index))
    }

    /// A bounded string. NUL, which no store and no C reader keeps, is replaced and stays visible as U+FFFD: an item that
    /// holds one must not cost the whole batch.
    pub(crate) fn text(self, field: &str, value: String) -> Result<String, Fault> {
        self.text_of(field, value, TEXT_BYTES_MAX)
    }

    /// An id: short, and not empty.
    pub(crate) fn id(self, field: &str, value: String) -> Result<String, Fault> {
        if value.is_empty() {
            return Err(self.broken(&format!("has an empty {field}")));
        }
        self.text_of(field, value, ID_BYTES_MAX)
    }

    fn text_of(self, field: &str, value: String, bytes_max: usize) -> Result<String, Fault> {
        if value.len() > bytes_max {
            let problem = format!("has a {field} of {} bytes; at most {bytes_max} are allowed", value.len());
            return Err(self.broken(&problem));
        }
        Ok(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value })
    }

    /// JSON of a bounded size; empty where that is allowed to mean none.
    pub(crate) fn json(
        self,
        field: &str,
        value: Vec<u8>,
        bytes_max: usize,
        empty: bool,
    ) -> Result<Vec<u8>, Fault> {
        if value.is_empty() && empty {
            return Ok(value);
        }
        if value.len() > bytes_max {
            let problem = format!("has {field} of {} bytes; at most {bytes_max} are allowed", value.len());
            return Err(self.broken(&problem));
        }
        match serde_json::from_slice::<serde::de::IgnoredAny>(&value) {
            Ok(_) => Ok(value),
            Err(error) => Err(self.broken(&format!("has {field} that is not JSON: {error}"))),
        }
    }
}
