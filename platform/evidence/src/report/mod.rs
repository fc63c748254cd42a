//! Reports for people: one content ([`Report`]), as HTML and as PDF.
//!
//! The HTML page is complete in itself: no script, and nothing is fetched. The PDF is tagged (PDF/UA-1, ISO 14289-1), so that it can be read aloud.
//! Both show the same and are the same bytes whenever they are made of the same.

mod block;
mod content;
mod font;
mod html;
mod layout;
mod pdf;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use html::html;
pub use pdf::pdf;

use crate::judged::Judged;
use crate::trend::Trend;

/// What a report is about.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The assessment.
    pub judged: &'a Judged<'a>,
    /// How its frameworks went, by their ids.
    pub trend: &'a BTreeMap<String, Trend>,
    /// Head of the chain of evidence.
    pub head: &'a str,
}
