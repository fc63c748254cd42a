//! Findings as a file, a page of the store at a time, so that a list of any length needs no memory.

use exchange::{Bom, Heading};
use ingest::export::{Exported, Said, csv, ocsf, openvex};
use jiff::Timestamp;
use model::{FindingState, TargetKind, TenantId, Triage};
use serde::Deserialize;
use store::{FindingFilter, FindingSort, PageRequest, Store, StoreError};
use uuid::Uuid;

use crate::app::Sla;
use crate::dto::FindingRow;

/// Findings of a page.
const PAGE: u32 = store::PAGE_LIMIT_MAX;

/// The form of a file of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// A table with a line of names. What a spreadsheet would take for a formula begins with an apostrophe.
    #[default]
    Csv,
    /// The rows of the list, one JSON object a line.
    Ndjson,
    /// Findings of OCSF 1.3 (2002, 2003, 2004), one JSON object a line.
    Ocsf,
    /// One document of OpenVEX 0.2.0 with a statement for each vulnerability of a package.
    Openvex,
    /// One document of CycloneDX 1.6 with each vulnerability, what it affects, and where people stand with it (VEX).
    Cyclonedx,
}

impl ExportFormat {
    /// Every form, with its word.
    pub const ALL: [(&'static str, Self); 5] = [
        ("csv", Self::Csv),
        ("ndjson", Self::Ndjson),
        ("ocsf", Self::Ocsf),
        ("openvex", Self::Openvex),
        ("cyclonedx", Self::Cyclonedx),
    ];

    /// What the file is, for HTTP.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson | Self::Ocsf => "application/x-ndjson",
            Self::Openvex | Self::Cyclonedx => "application/json",
        }
    }

    /// What the file is called, for HTTP.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"findings.csv\"",
            Self::Ndjson => "attachment; filename=\"findings.ndjson\"",
            Self::Ocsf => "attachment; filename=\"findings.ocsf.ndjson\"",
            Self::Openvex => "attachment; filename=\"findings.openvex.json\"",
            Self::Cyclonedx => "attachment; filename=\"findings.cdx.json\"",
        }
    }
}

/// What is written.
#[derive(Debug, Clone)]
pub struct NewExport {
    /// Where from.
    pub store: Store,
    /// Whose.
    pub tenant: TenantId,
    /// Which findings.
    pub filter: FindingFilter,
    /// In which form.
    pub format: ExportFormat,
    /// When findings are due.
    pub sla: Sla,
    /// Who writes it.
    pub author: String,
    /// Version of the product.
    pub version: String,
}

/// A file under way.
#[derive(Debug)]
pub struct Export {
    what: NewExport,
    request: PageRequest,
    /// What is written and not taken.
    text: String,
    /// Statements so far.
    written: u64,
    /// The document of CycloneDX.
    bom: Option<Bom>,
}

impl Export {
    /// Begins a file.
    #[must_use]
    pub fn new(what: NewExport, at: Timestamp) -> Self {
        let mut bom = None;
        let text = match what.format {
            ExportFormat::Csv => csv::head(),
            ExportFormat::Openvex => {
                let id = format!("urn:uuid:{}", Uuid::now_v7());
                openvex::head(&id, &what.author, at, &format!("palisade {}", what.version))
            }
            ExportFormat::Cyclonedx => {
                let id = Uuid::now_v7().to_string();
                let (begun, text) = Bom::begin(&Heading { id, made_at: at, author: what.author.clone() });
                bom = Some(begun);
                text
            }
            ExportFormat::Ndjson | ExportFormat::Ocsf => String::new(),
        };
        Self { what, request: PageRequest { cursor: None, limit: PAGE }, text, written: 0, bom }
    }

    /// The next piece, and whoever writes the one after it.
    ///
    /// # Errors
    /// [`StoreError`]: what was written until then is no whole file.
    pub async fn next(mut self) -> Result<(String, Option<Self>), StoreError> {
        let NewExport { store, tenant, filter, .. } = &self.what;
        let page = store.findings(tenant, filter, FindingSort::Severity, &self.request).await?;
        for row in page.items {
            self.write(row);
        }
        let mut text = std::mem::take(&mut self.text);
        self.request.cursor = page.next;
        if self.request.cursor.is_some() {
            return Ok((text, Some(self)));
        }
        if self.what.format == ExportFormat::Openvex {
            text.push_str(openvex::TAIL);
        }
        if let Some(bom) = self.bom.take() {
            text.push_str(&bom.end());
        }
        Ok((text, None))
    }

    fn write(&mut self, row: store::FindingRow) {
        let due_at = self.what.sla.due(&row.stored);
        let store::FindingRow { stored, asset } = &row;
        let triage = &stored.triage;
        let exported = Exported {
            fingerprint: &stored.fingerprint,
            asset: &asset.id.0,
            asset_name: &asset.name,
            asset_kind: asset.kind,
            state: stored.state,
            status: triage.status,
            decision: triage.decision.as_ref().map(said),
            assignee: triage.assignee.as_deref(),
            tags: &triage.tags,
            due_at,
            first_seen_at: stored.first_seen_at,
            last_seen_at: stored.last_seen_at,
            fixed_at: stored.fixed_at,
            risk: stored.risk,
            finding: &stored.finding,
        };
        match self.what.format {
            ExportFormat::Csv => self.text.push_str(&csv::row(&exported)),
            ExportFormat::Ocsf => {
                self.text.push_str(&ocsf::object(&exported, &self.what.version).to_string());
                self.text.push('\n');
            }
            ExportFormat::Openvex => {
                if let Some(statement) = openvex::statement(&exported) {
                    self.text.push_str(if self.written == 0 { "" } else { ",\n" });
                    self.text.push_str(&statement);
                    self.written += 1;
                }
            }
            ExportFormat::Cyclonedx => {
                if let Some(text) = self.bom.as_mut().and_then(|bom| bom.push(&vex(&exported))) {
                    self.text.push_str(&text);
                }
            }
            ExportFormat::Ndjson => {
                // Nothing of a row can fail to be written: its names are texts.
                let line = serde_json::to_string(&FindingRow::of(row, &self.what.sla)).unwrap_or_default();
                self.text.push_str(&line);
                self.text.push('\n');
            }
        }
    }
}

fn said(decision: &store::Decision) -> Said<'_> {
    Said {
        reason: &decision.reason,
        justification: decision.justification,
        owner: decision.owner.as_deref(),
        approver: decision.approver.as_deref(),
        until: decision.until,
        at: decision.at,
    }
}

/// The same for the document of CycloneDX.
fn vex(one: &Exported<'_>) -> exchange::Exported {
    let kind = match one.asset_kind {
        TargetKind::Image => exchange::TargetKind::Image,
        TargetKind::Cluster => exchange::TargetKind::Cluster,
        TargetKind::Account => exchange::TargetKind::Account,
        TargetKind::Repository => exchange::TargetKind::Repository,
        TargetKind::Host => exchange::TargetKind::Host,
        TargetKind::Directory | TargetKind::Sbom => exchange::TargetKind::Other,
    };
    let reason = || one.decision.map(|said| said.reason.to_owned()).unwrap_or_default();
    let state = match (one.state, one.status) {
        (_, Triage::FalsePositive) => exchange::State::FalsePositive { reason: reason() },
        (FindingState::Fixed, _) => exchange::State::Fixed,
        (FindingState::Open, Triage::Accepted) => exchange::State::AcceptedRisk {
            reason: reason(),
            until: one.decision.and_then(|said| said.until),
        },
        (FindingState::Open, _) => exchange::State::Open,
    };
    let is_digest = one.asset.starts_with("sha256:");
    exchange::Exported {
        fingerprint: one.fingerprint.clone(),
        asset: exchange::Asset {
            kind,
            name: one.asset_name.to_owned(),
            digest: is_digest.then(|| one.asset.to_owned()),
        },
        state,
        first_seen: one.first_seen_at,
        last_seen: one.last_seen_at,
        owner: one.assignee.map(str::to_owned),
        finding: one.finding.clone(),
    }
}
