//! OSCAL, the Open Security Controls Assessment Language of NIST: component definition, assessment results, and plan of action and
//! milestones (POA&M), as JSON.
//!
//! Files say [`VERSION`] of the models, which is what consumers such as ServiceNow read, and use nothing that later versions changed: tests
//! validate them against the JSON schemas that NIST publishes with 1.2.3, the newest release. Every UUID is one of version 5 from what it stands for, so the same
//! assessment gives the same file, and the same control the same risk in every file.
//!
//! Ids of controls have to be tokens in OSCAL. Those of NIST SP 800-53 are written as NIST's own catalogue writes them (`AC-2(1)` is `ac-2.1`); of others,
//! brackets and what a token must not have are replaced, and the id itself stands beside it as the property `label`.

mod common;
mod component;
mod plan;
mod results;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Severity;
use serde::{Deserialize, Serialize};

pub use component::component_definition;
pub use plan::plan_of_action;
pub use results::assessment_results;

use crate::judged::JudgedControl;
use crate::trend::Trend;

/// The version of the models that files say they are of.
pub const VERSION: &str = "1.1.2";

/// How many days a control may stay open, by its worst failure, from the first assessment that showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sla {
    /// Critical failures.
    pub critical: u16,
    /// High ones.
    pub high: u16,
    /// Medium ones.
    pub medium: u16,
    /// All others.
    pub low: u16,
}

impl Default for Sla {
    fn default() -> Self {
        Self { critical: 7, high: 30, medium: 90, low: 180 }
    }
}

impl Sla {
    fn days(self, severity: Severity) -> u16 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            _ => self.low,
        }
    }

    /// When something has to be done about an open control. One that is accepted is due when the first of its exceptions ends. Nothing for
    /// other controls.
    #[must_use]
    pub fn due(
        self,
        control: &JudgedControl<'_>,
        framework: &str,
        trends: &BTreeMap<String, Trend>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if !control.control.status.open() {
            return None;
        }
        if control.accepted {
            return control.exceptions.iter().filter_map(|exception| exception.expires_at).min();
        }
        let since = trends.get(framework).and_then(|trend| trend.since.get(&control.control.control));
        let since = since.and_then(|since| since.open_since).unwrap_or(now);
        let hours = i64::from(self.days(control.severity)) * 24;
        since.checked_add(jiff::Span::new().hours(hours)).ok()
    }
}
