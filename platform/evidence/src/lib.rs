//! From assessments to evidence that an auditor can check: records in a hash chain, exceptions with an end, trends, reports, OSCAL, and the
//! signed pack that holds all of it.
//!
//! Everything here is a pure function of its arguments: no clock, no files, no network, no randomness but that of ECDSA signatures. The
//! same arguments give the same bytes.
//!
//! - [`Assessment`] is what comes in: plain data. [`Exceptions`] are accepted risks, [`judge`] puts both together.
//! - [`facts`] and [`Chain`] make records of it; [`verify_chain`] names the first record that is wrong.
//! - [`pack`] writes and verifies the file.
//! - [`trend()`](trend()) compares assessments, [`oscal`] and [`report`] say the same to machines and to people.
//!
//! Nothing here says that anybody is compliant. A control is met as far as checks could tell; what they could not tell is counted and said beside
//! every score.

mod assessment;
pub mod canonical;
mod chain;
mod error;
mod exception;
mod judged;
pub mod oscal;
pub mod pack;
mod record;
pub mod report;
mod trend;

#[cfg(test)]
mod fixture;

pub use assessment::{
    Assessment, Collector, Control, Framework, FrameworkResult, Gap, Input, Observation, Rule, Seen, Status,
};
pub use chain::{Chain, Start, genesis, verify as verify_chain};
pub use error::EvidenceError;
pub use exception::{Applied, Exception, Exceptions, Scope, Standing, apply};
pub use judged::{Judged, JudgedControl, JudgedFramework, JudgedRule, Proof, Summary, judge};
pub use record::{
    AcceptedAsset, Check, ControlFact, ExceptionFact, Fact, InputSet, Outcome, RECORD_BYTES_MAX, Record,
    SummaryFact, facts,
};
pub use trend::{Bucket, Change, Point, Since, Span, Trend, periods, trend};
