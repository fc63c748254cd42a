//! Findings: as a row of a list, in full, and counted.

use jiff::Timestamp;
use model::{
    AdvisoryData, AnalyzerCoverage, AssetId, Cvss, Epss, Evidence, FeedRecord, FindingClass, FindingState,
    Fingerprint, Fix, HistoryEvent, Kev, PackageRef, Risk, RiskPlace, RiskTerm, Severity, Suppression,
    TargetKind, Triage,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FindingDecision, SeverityCounts};
use crate::app::Sla;

/// A finding as a row of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingRow {
    /// Its id: the same rule at the same place of the same asset has the same one for ever.
    pub fingerprint: Fingerprint,
    /// The rule: a CVE where there is one.
    pub rule: String,
    /// One line.
    pub title: String,
    /// What sort of risk.
    pub class: FindingClass,
    /// How bad.
    pub severity: Severity,
    /// Who says so.
    pub severity_source: String,
    /// How much it matters where it is, 0–100.
    #[schema(maximum = 100)]
    pub risk: u8,
    /// Whether it is still there.
    pub state: FindingState,
    /// What it is on.
    pub asset: Asset,
    /// The package it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageRef>,
    /// The way out.
    pub fix: Fix,
    /// Whether it is known to be exploited.
    pub kev: bool,
    /// How likely it is to be exploited soon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss: Option<Epss>,
    /// Set when it is kept but does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// Where people stand with it.
    pub status: Triage,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// What people call it.
    pub tags: Vec<String>,
    /// Until when it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_until: Option<Timestamp>,
    /// When it has to be gone; nothing where no end is set, it is gone already or does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Grows with every change by people.
    pub version: u64,
    /// Who finds it, or found it last: `palisade` for scans of our own, names of sources of imports; sorted.
    pub found_by: Vec<String>,
}

/// The thing a finding is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Asset {
    /// Canonical id.
    pub id: AssetId,
    /// Name for people.
    pub name: String,
    /// Kind of thing.
    pub kind: TargetKind,
}

/// A finding with everything that is known about it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingDetail {
    /// The row of the list.
    #[serde(flatten)]
    pub row: FindingRow,
    /// What the risk is made of, in the order of its formula:
    /// `impact x exploitation/100 x remedy/100 x (70 + exposure + in-use + privilege)/100`.
    pub risk_terms: Vec<RiskTerm>,
    /// Where it is, if a scan of a cluster or account has told; of several places the one that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_origin: Option<RiskOrigin>,
    /// All ids of the same thing, the rule first.
    pub ids: Vec<String>,
    /// The feed's or the plugin's text; hostile until escaped.
    pub description: String,
    /// Every rating known.
    pub cvss: Vec<Cvss>,
    /// The entry in the catalogue of known exploited vulnerabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kev_detail: Option<Kev>,
    /// Where it was seen.
    pub evidence: Vec<Evidence>,
    /// The feed records behind it, each with the comparison that decided.
    pub records: Vec<FeedRecord>,
    /// What was compared with what, for findings that a plugin made itself: `found`, `wanted` and `patch` (RFC 6902) where it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<serde_json::Value>,
    /// Links.
    pub references: Vec<String>,
    /// When it was fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_at: Option<Timestamp>,
    /// Why it is set aside, and who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<FindingDecision>,
    /// When somebody first said anything of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// Its tickets in other systems.
    pub tickets: Vec<super::FindingTicket>,
    /// What happened to it, oldest first.
    pub history: Vec<HistoryEvent>,
    /// Why it is shown.
    pub why: Why,
}

/// The resource that a finding is on, or that runs the image it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RiskOrigin {
    /// Canonical id of the cluster or account.
    pub scope: AssetId,
    /// Path in it.
    pub path: String,
    /// What is known of it.
    pub place: RiskPlace,
}

/// Findings that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FindingGroup {
    /// What they have in common, as the parameter of the same name of a list takes it.
    pub value: String,
    /// The same for people.
    pub label: String,
    /// How many, by severity.
    pub findings: SeverityCounts,
    /// How many altogether.
    pub count: u64,
    /// How many assets they are on.
    pub assets: u64,
    /// How many are known to be exploited.
    pub kev: u64,
    /// The highest risk of one of them, 0–100.
    #[schema(maximum = 100)]
    pub risk: u8,
    /// The sum of their risks: what is gained by mending all.
    pub risk_total: u64,
    /// Versions that mend the package, the most frequent first, at most five; only of groups by package.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixed_in: Vec<String>,
}

/// Groups of findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FindingGroups {
    /// Those with the largest sum of risk first; at most a hundred.
    pub items: Vec<FindingGroup>,
    /// There were too many findings to look at: figures are lower bounds, over those with the highest risk.
    pub capped: bool,
}

/// Why a finding is shown: who looked, what judged, and how one led to the other.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Why {
    /// Kind of the asset.
    pub asset_kind: TargetKind,
    /// The scan that saw it last.
    pub scan: String,
    /// The plugins that looked.
    pub plugins: Vec<AnalyzerCoverage>,
    /// The advisories that judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisories: Option<AdvisoryData>,
    /// The way from the file to the finding, one sentence each.
    pub steps: Vec<String>,
}

/// How many findings have which value, for each thing they can be filtered by. Each facet leaves its own filter out,
/// so that it shows what choosing another value would give.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Facets {
    /// Findings that the whole filter gives.
    pub matching: u64,
    /// Some count is a lower bound: there were too many findings to count them all.
    pub capped: bool,
    /// By severity.
    pub severity: Vec<Facet>,
    /// By state.
    pub state: Vec<Facet>,
    /// By where people stand.
    pub status: Vec<Facet>,
    /// By whether exploitation is known.
    pub kev: Vec<Facet>,
    /// By whether there is a fixed version.
    pub fixable: Vec<Facet>,
    /// The assets with most findings.
    pub asset: Vec<Facet>,
    /// The packages with most findings.
    pub package: Vec<Facet>,
}

/// One value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facet {
    /// The value, as the filter parameter takes it.
    pub value: String,
    /// The value for people, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How many findings have it.
    pub count: u64,
}

impl FindingRow {
    /// The wire form of a row, with the time by which it is due.
    pub(crate) fn of(row: store::FindingRow, sla: &Sla) -> Self {
        let store::FindingRow { stored, asset } = row;
        let due_at = sla.due(&stored);
        let (finding, triage) = (stored.finding, stored.triage);
        Self {
            fingerprint: stored.fingerprint,
            rule: finding.rule,
            title: finding.title,
            class: finding.class,
            severity: finding.severity,
            severity_source: finding.severity_source,
            risk: stored.risk,
            state: stored.state,
            asset: Asset { id: asset.id, name: asset.name, kind: asset.kind },
            package: finding.package,
            fix: finding.fix,
            kev: finding.kev.is_some(),
            epss: finding.epss,
            suppressed: finding.suppressed,
            first_seen_at: stored.first_seen_at,
            last_seen_at: stored.last_seen_at,
            status: triage.status,
            assignee: triage.assignee,
            tags: triage.tags,
            accepted_until: triage.decision.and_then(|decision| decision.until),
            due_at,
            version: triage.version,
            found_by: stored.found_by,
        }
    }
}

impl FindingDetail {
    /// The wire form of a finding with its history and its explanation.
    pub(crate) fn new(
        row: store::FindingRow,
        history: Vec<HistoryEvent>,
        why: Why,
        place: Option<store::KnownPlace>,
        sla: &Sla,
    ) -> Self {
        let (finding, triage) = (&row.stored.finding, &row.stored.triage);
        let known = place.as_ref().map(|known| known.place).unwrap_or_default();
        Self {
            risk_terms: Risk::of(finding, &known).terms,
            risk_origin: place.map(Into::into),
            ids: finding.ids.clone(),
            description: finding.description.clone(),
            cvss: finding.cvss.clone(),
            kev_detail: finding.kev.clone(),
            evidence: finding.evidence.clone(),
            records: finding.records.clone(),
            proof: finding.proof.clone(),
            references: finding.references.clone(),
            fixed_at: row.stored.fixed_at,
            decision: triage.decision.clone().map(Into::into),
            acknowledged_at: triage.acknowledged_at,
            tickets: Vec::new(),
            history,
            why,
            row: FindingRow::of(row, sla),
        }
    }
}

impl From<store::KnownPlace> for RiskOrigin {
    fn from(known: store::KnownPlace) -> Self {
        let store::KnownPlace { scope, path, place } = known;
        Self { scope, path, place }
    }
}

impl From<store::FindingGroups> for FindingGroups {
    fn from(groups: store::FindingGroups) -> Self {
        Self { items: groups.items.into_iter().map(Into::into).collect(), capped: groups.capped }
    }
}

impl From<store::FindingGroup> for FindingGroup {
    fn from(group: store::FindingGroup) -> Self {
        let store::FindingGroup { value, label, findings, assets, kev, risk, risk_total, fixed_in } = group;
        let count = findings.total();
        Self { value, label, count, findings: findings.into(), assets, kev, risk, risk_total, fixed_in }
    }
}

impl From<store::Facets> for Facets {
    fn from(facets: store::Facets) -> Self {
        let flags =
            |counts: Vec<(bool, u64)>| counts.into_iter().map(|(flag, count)| named(flag, count)).collect();
        Self {
            matching: facets.matching,
            capped: facets.capped,
            severity: facets.severity.into_iter().map(|(severity, count)| named(severity, count)).collect(),
            state: facets.state.into_iter().map(|(state, count)| named(state.as_str(), count)).collect(),
            status: facets.status.into_iter().map(|(status, count)| named(status.as_str(), count)).collect(),
            kev: flags(facets.kev),
            fixable: flags(facets.fixable),
            asset: facets.asset.into_iter().map(Facet::from).collect(),
            package: facets.package.into_iter().map(Facet::from).collect(),
        }
    }
}

fn named(value: impl ToString, count: u64) -> Facet {
    Facet { value: value.to_string(), label: None, count }
}

impl From<store::Facet> for Facet {
    fn from(facet: store::Facet) -> Self {
        let label = (facet.label != facet.value).then_some(facet.label);
        Self { value: facet.value, label, count: facet.count }
    }
}
