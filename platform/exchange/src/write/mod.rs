//! Findings for other tools. Every format is written as the findings come, so that none has to be in memory whole.

mod csv;
mod cyclonedx;
mod ndjson;
mod ocsf;
mod openvex;

use std::io::Write;

use jiff::Timestamp;
use model::{Finding, Fingerprint};
use serde::Serialize;
use serde_json::Value;

use crate::text::title;
use crate::{ExchangeError, TargetKind};

/// A format that findings are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutFormat {
    /// RFC 4180 with a heading, safe to be opened by a spreadsheet.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// OCSF 1.3: a list of vulnerability (2002), compliance (2003) and detection findings (2004).
    Ocsf,
    /// OpenVEX 0.2.0: false positives and accepted risks among vulnerabilities.
    OpenVex,
    /// CycloneDX 1.6 JSON with vulnerabilities and what they affect (VEX).
    CycloneDx,
}

impl OutFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Csv, Self::Ndjson, Self::Ocsf, Self::OpenVex, Self::CycloneDx];

    /// The word for it in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Ocsf => "ocsf",
            Self::OpenVex => "openvex",
            Self::CycloneDx => "cyclonedx",
        }
    }

    /// Reads [`OutFormat::as_str`].
    ///
    /// # Errors
    /// [`ExchangeError::FormatName`].
    pub fn parse(name: &str) -> Result<Self, ExchangeError> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == name);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            ExchangeError::FormatName { name: title(name), known }
        })
    }
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Asset {
    /// Sort of thing.
    pub kind: TargetKind,
    /// What people call it.
    pub name: String,
    /// `sha256:…` of an image's manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Where a finding stands, with what somebody decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Seen by the latest look at its asset.
    Open,
    /// Not seen by the latest complete look.
    Fixed,
    /// Somebody says that it is none.
    FalsePositive {
        /// Why.
        reason: String,
    },
    /// Somebody takes the risk.
    AcceptedRisk {
        /// Why.
        reason: String,
        /// Until when.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
}

impl State {
    /// The word for it in every wire form.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Fixed => "fixed",
            Self::FalsePositive { .. } => "false-positive",
            Self::AcceptedRisk { .. } => "accepted-risk",
        }
    }
}

/// A finding with what an installation knows about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exported {
    /// Its identity in this installation.
    pub fingerprint: Fingerprint,
    /// Where it was found.
    pub asset: Asset,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The finding itself.
    pub finding: Finding,
}

impl Exported {
    /// Why it does not count: what somebody decided, else what the finding itself says.
    fn suppression(&self) -> Option<model::Suppression> {
        match &self.state {
            State::FalsePositive { reason } | State::AcceptedRisk { reason, .. } => {
                Some(model::Suppression { code: self.state.as_str().to_owned(), reason: reason.clone() })
            }
            State::Open | State::Fixed => self.finding.suppressed.clone(),
        }
    }
}

/// What a document says about itself, where its format asks for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// A UUID that is given to no other document, such as `3e671687-395b-41f5-a30f-a58921a69b79`.
    pub id: String,
    /// When it is made.
    pub made_at: Timestamp,
    /// Who makes it: the organisation that runs the installation.
    pub author: String,
}

/// What became of the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Findings in the document.
    pub written: u64,
    /// Findings that the format has no place for.
    pub left_out: u64,
}

/// Writes findings as a whole document of the format. The same findings and heading give the same bytes.
///
/// # Errors
/// [`ExchangeError::Write`]; what was written until then is not whole.
pub fn write(
    format: OutFormat,
    heading: &Heading,
    findings: impl Iterator<Item = Exported>,
    out: &mut dyn Write,
) -> Result<Written, ExchangeError> {
    let mut findings = findings;
    let findings: &mut dyn Iterator<Item = Exported> = &mut findings;
    let written = match format {
        OutFormat::Csv => csv::write(findings, out),
        OutFormat::Ndjson => ndjson::write(findings, out),
        OutFormat::Ocsf => ocsf::write(findings, out),
        OutFormat::OpenVex => openvex::write(heading, findings, out),
        OutFormat::CycloneDx => cyclonedx::write(heading, findings, out),
    }?;
    out.flush()?;
    Ok(written)
}

/// A JSON list that is written element by element.
struct List<'a> {
    out: &'a mut dyn Write,
    empty: bool,
}

impl<'a> List<'a> {
    fn begin(out: &'a mut dyn Write) -> std::io::Result<Self> {
        out.write_all(b"[")?;
        Ok(Self { out, empty: true })
    }

    fn push(&mut self, value: &Value) -> std::io::Result<()> {
        self.out.write_all(if self.empty { b"\n" } else { b",\n" })?;
        self.empty = false;
        serde_json::to_writer(&mut *self.out, value)?;
        Ok(())
    }

    fn end(self) -> std::io::Result<()> {
        self.out.write_all(b"\n]")
    }
}

/// Adds a member that is there.
fn put(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(members), Some(value)) = (object.as_object_mut(), value) {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
pub(crate) mod tests;
