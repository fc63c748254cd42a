//! Turning a report into rows. Pure work done before the transaction begins, so that no lock is held meanwhile.

use std::collections::HashSet;

use model::{Finding, FindingClass, Fingerprint, FixState, Package, Severity, TenantId, risk};

use crate::bulk::Kind;
use crate::counts::rank;
use crate::finish::ScanOutcome;
use crate::risk_places::Percents;
use crate::sql::Param;
use crate::{Result, clean};

/// A finding of the report with what its row needs.
pub(crate) struct Prepared<'a> {
    pub(crate) fingerprint: String,
    pub(crate) finding: &'a Finding,
    pub(crate) flags: Flags,
    pub(crate) digest: Vec<u8>,
    body: String,
}

/// What of a finding is counted and filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) severity: Severity,
    pub(crate) kev: bool,
    pub(crate) fixable: bool,
    pub(crate) suppressed: bool,
}

/// A whole report, ready to be written.
pub(crate) struct PreparedReport<'a> {
    pub(crate) findings: Vec<Prepared<'a>>,
    pub(crate) packages: Vec<Vec<Param>>,
    pub(crate) packages_digest: Vec<u8>,
}

/// Findings or packages that are encoded before other tasks get their turn: about half a millisecond.
const BATCH: usize = 64;

/// Encodes everything. A finding that the report has twice is taken once: the first, which is the worse.
pub(crate) async fn report<'a>(tenant: &TenantId, outcome: &'a ScanOutcome) -> Result<PreparedReport<'a>> {
    let mut seen = HashSet::with_capacity(outcome.report.findings.len());
    let mut findings = Vec::with_capacity(outcome.report.findings.len());
    for batch in outcome.report.findings.chunks(BATCH) {
        for finding in batch {
            if seen.insert(finding.key.as_str()) {
                findings.push(prepare(tenant, outcome, finding)?);
            }
        }
        tokio::task::yield_now().await;
    }
    let mut packages = Vec::with_capacity(outcome.report.packages.len());
    let mut hasher = blake3::Hasher::new();
    for batch in outcome.report.packages.chunks(BATCH) {
        for package in batch {
            let body = clean::json("a package", package)?;
            hasher.update(&(body.len() as u64).to_le_bytes()).update(body.as_bytes());
            packages.push(package_row(packages.len(), package, body));
        }
        tokio::task::yield_now().await;
    }
    let packages_digest = hasher.finalize().as_bytes().to_vec();
    Ok(PreparedReport { findings, packages, packages_digest })
}

fn prepare<'a>(tenant: &TenantId, outcome: &ScanOutcome, finding: &'a Finding) -> Result<Prepared<'a>> {
    let body = clean::json("a finding", finding)?;
    Ok(Prepared {
        fingerprint: Fingerprint::new(tenant, &outcome.asset, &finding.key).0,
        flags: Flags {
            severity: finding.severity,
            kev: finding.kev.is_some(),
            fixable: finding.fix.state == FixState::Fixed,
            suppressed: finding.suppressed.is_some(),
        },
        digest: blake3::hash(body.as_bytes()).as_bytes().to_vec(),
        body,
        finding,
    })
}

/// Columns of a finding that come from the report, in the order of [`finding_row`].
pub(crate) const FINDING_COLUMNS: &[(&str, Kind)] = &[
    ("fingerprint", Kind::Text),
    ("class", Kind::Text),
    ("rule", Kind::Text),
    ("package_name", Kind::Text),
    ("severity", Kind::Int),
    ("attention", Kind::Int),
    ("risk_base", Kind::Int),
    ("risk", Kind::Int),
    ("fix_version", Kind::Text),
    ("fixable", Kind::Bool),
    ("kev", Kind::Bool),
    ("suppressed", Kind::Bool),
    ("subject", Kind::Text),
    ("search", Kind::Text),
    ("digest", Kind::Bytes),
    ("found_by", Kind::Json),
    ("body", Kind::Json),
];

/// The row, with a JSON list of who finds it now; takes the body, which is most of the memory of a large report.
pub(crate) fn finding_row(prepared: &mut Prepared<'_>, found_by: String, percents: &Percents) -> Vec<Param> {
    let Prepared { fingerprint, finding, flags, digest, body } = prepared;
    let (subject, base) = (subject(finding), risk::base(finding));
    vec![
        fingerprint.as_str().into(),
        class_name(finding.class).into(),
        clean::key(&finding.rule).into(),
        package_name(finding).into(),
        rank(flags.severity).into(),
        attention(finding).into(),
        base.into(),
        i64::from(risk::score(base, percents.at(&subject))).into(),
        fix_version(finding).into(),
        flags.fixable.into(),
        flags.kev.into(),
        flags.suppressed.into(),
        subject.into(),
        search_text(finding).into(),
        digest.clone().into(),
        Param::Json(Some(found_by)),
        Param::Json(Some(std::mem::take(body))),
    ]
}

/// Columns of a package that come from the report, in the order of [`package_row`].
pub(crate) const PACKAGE_COLUMNS: &[(&str, Kind)] =
    &[("position", Kind::Int), ("search", Kind::Text), ("body", Kind::Json)];

fn package_row(position: usize, package: &Package, body: String) -> Vec<Param> {
    let search = format!("{} {}", package.name, package.version).to_lowercase();
    vec![
        i64::try_from(position).unwrap_or(i64::MAX).into(),
        clean::text(&search).as_ref().into(),
        Param::Json(Some(body)),
    ]
}

/// The name that findings are sorted and filtered by; empty for a finding about no package, so that it sorts first.
fn package_name(finding: &Finding) -> String {
    finding.package.as_ref().map(|package| clean::key(&package.name)).unwrap_or_default()
}

/// The resource of its asset that a finding is about; empty where it is about a package or a file.
pub(crate) fn subject(finding: &Finding) -> String {
    let path = || finding.evidence.first().map(|evidence| clean::key(&evidence.path));
    if finding.class == FindingClass::Misconfiguration { path().unwrap_or_default() } else { String::new() }
}

/// The nearest version without it; empty where there is none.
pub(crate) fn fix_version(finding: &Finding) -> String {
    let fixed = finding.fix.state == FixState::Fixed;
    finding.fix.versions.first().filter(|_| fixed).map(|version| clean::key(version)).unwrap_or_default()
}

/// Everything that a text filter looks in.
fn search_text(finding: &Finding) -> String {
    let package = finding.package.as_ref().map(|package| package.name.as_str());
    let parts = finding.ids.iter().map(String::as_str).chain(package).chain([finding.title.as_str()]);
    let joined = std::iter::once(finding.rule.as_str()).chain(parts).collect::<Vec<_>>().join(" ");
    clean::text(&joined.to_lowercase()).into_owned()
}

/// Steps of [`attention`] between one severity and the next.
pub(crate) const ATTENTION_PER_SEVERITY: i64 = 4_000_000;

/// The order in which findings deserve to be read, as one number that an index can hold: severity first, then known
/// exploitation, then the predicted probability of it in millionths.
pub(crate) fn attention(finding: &Finding) -> i64 {
    let exploited = if finding.kev.is_some() { 2_000_000 } else { 0 };
    // A cast from f64 saturates and turns NaN into 0, so that no score can leave its band.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 0..=1,000,000 first")]
    let predicted = finding.epss.map_or(0, |epss| (epss.score.clamp(0.0, 1.0) * 1_000_000.0) as i64);
    rank(finding.severity) * ATTENTION_PER_SEVERITY + exploited + predicted
}

/// The word for a class of finding.
pub(crate) fn class_name(class: FindingClass) -> &'static str {
    match class {
        FindingClass::Vulnerability => "vulnerability",
        FindingClass::Misconfiguration => "misconfiguration",
        FindingClass::Secret => "secret",
        FindingClass::Malware => "malware",
        FindingClass::License => "license",
    }
}
