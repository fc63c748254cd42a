//! The end of a scan: everything it means for the store, in one transaction.
//!
//! Three things may go wrong with an at-least-once bus and several workers, and none may show in the result:
//! - the message comes again: the inbox row and the final state of the scan stop it;
//! - two scans of one asset end at the same time: the asset's row is locked, one waits for the other;
//! - an older scan ends after a newer one: the newer saw the asset later, so the older must not undo it. Which is older is
//!   decided by the order in which they were accepted. The older one still finishes, with its own figures, as superseded.

use std::collections::HashMap;

use jiff::Timestamp;
use model::{AssetId, Finding, FindingState, ScanReport, Target, TenantId, Transition};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::merge::{self, Covers, Existing, FoundBy, Look, Plan, Stored, Totals};
use crate::prepare::{self, FINDING_COLUMNS, Flags, PreparedReport};
use crate::scans::{self, NewScan, Scan};
use crate::scopes::{self, ScopeState};
use crate::sql::{Param, sql};
use crate::{Result, SeverityCounts, Store, assets, clean, counts, inbox, outbox, risk_places};

/// Name under which the effects of scan messages are recorded.
pub const SCAN_CONSUMER: &str = "scan";

/// What a worker found out.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanOutcome {
    /// What was looked at.
    pub target: Target,
    /// Which thing that turned out to be.
    pub asset: AssetId,
    /// Names under which it was reached, such as `registry.example/app:1.2`.
    pub aliases: Vec<String>,
    /// What was found.
    pub report: ScanReport,
    /// What a scan of a scope of resources learnt beside.
    pub scope: Option<ScopeState>,
}

/// The figures of a finished scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Packages found.
    pub packages: u64,
    /// Gaps in its coverage.
    pub gaps: u64,
    /// Findings seen for the first time.
    pub opened: u64,
    /// Findings gone.
    pub fixed: u64,
    /// Findings back.
    pub reopened: u64,
    /// Findings whose severity, fix, exploitation or suppression changed.
    pub changed: u64,
    /// Findings not seen but still open, because a gap could hide them.
    pub hidden: u64,
    /// Findings seen as they were before.
    #[serde(default)]
    pub unchanged: u64,
    /// Findings not seen here any more that are still open, because somebody else sees them.
    #[serde(default)]
    pub elsewhere: u64,
    /// A newer scan of the same asset had finished before: nothing was merged.
    pub superseded: bool,
    /// Findings of its report that are not suppressed, by severity.
    pub findings: SeverityCounts,
}

impl Summary {
    pub(crate) fn count(&mut self, plan: &Plan) {
        self.opened = plan.count(Transition::Opened);
        self.fixed = plan.count(Transition::Fixed);
        self.reopened = plan.count(Transition::Reopened);
        self.changed = plan.count(Transition::Changed);
        self.hidden = plan.hidden;
        self.unchanged = plan.unchanged();
        self.elsewhere = plan.elsewhere;
    }
}

/// The answer to a report of the end of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is stored now.
    Applied(Summary),
    /// It was stored before, or the scan had ended otherwise; nothing changed.
    AlreadyApplied,
}

impl Store {
    /// Stores the result of a scan. All or nothing; safe to repeat with the same message.
    ///
    /// A finding not seen is fixed only if no gap of this scan could hide it; see [`could_hide`](crate::could_hide).
    ///
    /// # Errors
    /// [`StoreError::ScanUnknown`](crate::StoreError::ScanUnknown),
    /// [`StoreError::TooLong`](crate::StoreError::TooLong) for the asset's id, and database errors, of which those with
    /// [`is_transient`](crate::StoreError::is_transient) are worth another try.
    pub async fn finish_scan(
        &self,
        tenant: &TenantId,
        id: Uuid,
        message_id: &str,
        outcome: &ScanOutcome,
        at: Timestamp,
    ) -> Result<Applied> {
        let asset = clean::identity("an asset's id", &outcome.asset.0)?;
        let report = prepare::report(tenant, outcome).await?;
        let mut tx = self.backend.begin("finish a scan").await?;
        let Some(scan) = take(&mut tx, tenant, id, message_id, at).await? else {
            return Ok(Applied::AlreadyApplied);
        };
        let end = End {
            tenant,
            asset: &asset,
            scan: &scan,
            outcome,
            at,
            look: Look::own(&outcome.report.coverage),
        };
        let summary = commit(tx, &end, report).await?;
        Ok(Applied::Applied(summary))
    }

    /// Stores a scan that nobody asked for, with its result: of a scope that is followed, as it is now. It counts as accepted at its end, so
    /// that no scan which read the scope earlier undoes it.
    ///
    /// # Errors
    /// [`StoreError::TooLong`](crate::StoreError::TooLong) for the asset's id or the reference, and database errors.
    pub async fn store_scan(
        &self,
        tenant: &TenantId,
        new: &NewScan,
        outcome: &ScanOutcome,
        at: Timestamp,
    ) -> Result<Summary> {
        let asset = clean::identity("an asset's id", &outcome.asset.0)?;
        let report = prepare::report(tenant, outcome).await?;
        let mut tx = self.backend.begin("store a scan").await?;
        let scan = scans::begun(&mut tx, tenant, new, None).await?;
        let end = End {
            tenant,
            asset: &asset,
            scan: &scan,
            outcome,
            at,
            look: Look::own(&outcome.report.coverage),
        };
        commit(tx, &end, report).await
    }

    /// Ends a scan that could not be done; false if it had ended before. Safe to repeat with the same message.
    ///
    /// # Errors
    /// [`StoreError::ScanUnknown`](crate::StoreError::ScanUnknown) and database errors.
    pub async fn fail_scan(
        &self,
        tenant: &TenantId,
        id: Uuid,
        message_id: &str,
        code: &str,
        message: &str,
        at: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.backend.begin("fail a scan").await?;
        if take(&mut tx, tenant, id, message_id, at).await?.is_none() {
            return Ok(false);
        }
        let statement = sql(
            "UPDATE scan SET state = 'failed', finished_at = $3, error_code = $4, error_message = $5
             WHERE tenant = $1 AND id = $2",
            [
                tenant.into(),
                id.into(),
                at.into(),
                clean::key(code).into(),
                clean::text(message).as_ref().into(),
            ],
        );
        tx.execute(statement).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// What every step of the end of a scan needs to know.
pub(crate) struct End<'a> {
    pub(crate) tenant: &'a TenantId,
    /// Its id as it is stored.
    pub(crate) asset: &'a str,
    pub(crate) scan: &'a Scan,
    pub(crate) outcome: &'a ScanOutcome,
    pub(crate) at: Timestamp,
    /// Who looked, and whether everything was seen.
    pub(crate) look: Look<'a>,
}

/// The scan, if this message is the one to end it.
async fn take(
    tx: &mut Tx,
    tenant: &TenantId,
    id: Uuid,
    message_id: &str,
    at: Timestamp,
) -> Result<Option<Scan>> {
    if !inbox::first_delivery(tx, tenant, SCAN_CONSUMER, message_id, at).await? {
        return Ok(None);
    }
    let scan = scans::locked(tx, tenant, id).await?;
    Ok(if scan.state.is_final() { None } else { Some(scan) })
}

/// Everything that the end of a scan means, and the end of its transaction.
async fn commit(mut tx: Tx, end: &End<'_>, report: PreparedReport<'_>) -> Result<Summary> {
    let superseded = !assets::claim(&mut tx, end).await?;
    assets::put_aliases(&mut tx, end).await?;
    let summary = merge_all(&mut tx, end, report, superseded).await?;
    tx.commit().await?;
    Ok(summary)
}

/// What a scan or an import means for its asset, unless a newer one was before it; and the end of its row.
pub(crate) async fn merge_all(
    tx: &mut Tx,
    end: &End<'_>,
    report: PreparedReport<'_>,
    superseded: bool,
) -> Result<Summary> {
    let mut summary = Summary {
        packages: end.outcome.report.packages.len() as u64,
        gaps: end.outcome.report.coverage.gaps.len() as u64,
        superseded,
        findings: unsuppressed(&report),
        ..Summary::default()
    };
    if !superseded {
        merge_report(tx, end, report, &mut summary).await?;
        if let Some(state) = &end.outcome.scope {
            scopes::put(tx, end, state).await?;
        }
    }
    finish_row(tx, end, &summary).await?;
    announce(tx, end, end.scan.id, &summary).await?;
    Ok(summary)
}

fn unsuppressed(report: &PreparedReport<'_>) -> SeverityCounts {
    let counted = report.findings.iter().filter(|finding| !finding.flags.suppressed);
    counted.map(|finding| finding.flags.severity).collect()
}

async fn merge_report(
    tx: &mut Tx,
    end: &End<'_>,
    mut report: PreparedReport<'_>,
    summary: &mut Summary,
) -> Result<()> {
    let stored = stored_findings(tx, end, None).await?;
    let needed = merge::bodies_needed(&stored, &report.findings, &end.look);
    let bodies = stored_bodies(tx, end, needed).await?;
    let plan = merge::plan(&stored, &bodies, &report.findings, &end.look);
    summary.count(&plan);
    let totals = plan.totals;
    write(tx, end, plan, &mut report).await?;
    if let Covers::Report { .. } = end.look.covers {
        // Packages and gaps of the asset are what our own scans say.
        return assets::shift_totals(tx, end, &Totals::of(&stored), &totals).await;
    }
    assets::replace_packages(tx, end, std::mem::take(&mut report.packages), &report.packages_digest).await?;
    assets::put_totals(tx, end, &totals, summary).await
}

/// Findings of the asset, or of some of its resources by their paths.
pub(crate) async fn stored_findings(
    tx: &mut Tx,
    end: &End<'_>,
    subjects: Option<Vec<String>>,
) -> Result<Stored> {
    let mut statement = sql(
        "SELECT fingerprint, state, severity, kev, fixable, suppressed, digest, fixed_at, aside, found_by
         FROM finding WHERE tenant = $1 AND asset = $2",
        [end.tenant.into(), end.asset.into()],
    );
    if let Some(subjects) = subjects {
        statement.push(" AND subject <> '' AND ").any(tx.dialect(), "subject", Param::Texts(subjects));
    }
    let rows = tx.rows(statement).await?;
    let mut stored = Stored::with_capacity(rows.len());
    for row in rows {
        let existing = Existing {
            state: row.word("state", FindingState::from_name)?,
            flags: Flags {
                severity: counts::from_rank(row.int("severity")?)
                    .ok_or_else(|| row.unreadable("severity", "it is not a severity".to_owned()))?,
                kev: row.bool("kev")?,
                fixable: row.bool("fixable")?,
                suppressed: row.bool("suppressed")?,
            },
            digest: row.bytes("digest")?,
            fixed_at: row.time_or_null("fixed_at")?,
            aside: row.bool("aside")?,
            found_by: row.json("found_by")?,
        };
        stored.insert(row.text("fingerprint")?, existing);
    }
    Ok(stored)
}

/// Bodies read with one statement, before other tasks get their turn: a few milliseconds of parsing.
const BODIES_PER_READ: usize = 500;

pub(crate) async fn stored_bodies(
    tx: &mut Tx,
    end: &End<'_>,
    fingerprints: Vec<String>,
) -> Result<HashMap<String, Finding>> {
    let mut bodies = HashMap::with_capacity(fingerprints.len());
    for some in fingerprints.chunks(BODIES_PER_READ) {
        let mut statement =
            sql("SELECT fingerprint, body FROM finding WHERE tenant = $1 AND ", [end.tenant.into()]);
        statement.any(tx.dialect(), "fingerprint", Param::Texts(some.to_vec()));
        for row in tx.rows(statement).await? {
            bodies.insert(row.text("fingerprint")?, row.json("body")?);
        }
        tokio::task::yield_now().await;
    }
    Ok(bodies)
}

const FINDINGS: Insert = Insert {
    into: "finding",
    shared: &[
        ("tenant", "::text"),
        ("asset", "::text"),
        ("state", "::text"),
        ("first_seen_at", "::timestamptz"),
        ("last_seen_at", "::timestamptz"),
        ("first_scan", "::uuid"),
        ("last_scan", "::uuid"),
    ],
    columns: FINDING_COLUMNS,
    // What people said stays, but what comes back asks to be looked at again: a change for whoever has read it before.
    on_conflict: "ON CONFLICT (tenant, fingerprint) DO UPDATE SET
        status = CASE WHEN finding.state = 'fixed' AND NOT finding.aside THEN 'reopened' ELSE finding.status END,
        version = finding.version + CASE WHEN finding.state = 'fixed' AND NOT finding.aside THEN 1 ELSE 0 END,
        state = excluded.state, found_by = excluded.found_by, last_seen_at = excluded.last_seen_at, last_scan = excluded.last_scan, fixed_at = NULL,
        class = excluded.class, rule = excluded.rule, package_name = excluded.package_name,
        severity = excluded.severity, attention = excluded.attention,
        risk_base = excluded.risk_base, risk = excluded.risk, fix_version = excluded.fix_version, fixable = excluded.fixable, kev = excluded.kev,
        suppressed = (excluded.suppressed OR finding.aside), subject = excluded.subject, search = excluded.search, digest = excluded.digest, body = excluded.body",
};

const EVENTS: Insert = Insert {
    into: "finding_event",
    shared: &[("tenant", "::text"), ("seq", "::bigint"), ("at", "::timestamptz"), ("scan", "::uuid")],
    columns: &[("fingerprint", Kind::Text), ("transition", Kind::Text), ("note", Kind::Text)],
    on_conflict: "",
};

pub(crate) async fn write(
    tx: &mut Tx,
    end: &End<'_>,
    plan: Plan,
    report: &mut PreparedReport<'_>,
) -> Result<()> {
    let (at, scan) = (Param::from(end.at), Param::from(end.scan.id));
    let shared = [
        end.tenant.into(),
        end.asset.into(),
        FindingState::Open.as_str().into(),
        at.clone(),
        at.clone(),
        scan.clone(),
        scan.clone(),
    ];
    let subjects =
        plan.written.iter().filter_map(|(index, _)| report.findings.get(*index)).map(|one| one.finding);
    let percents = risk_places::percents(tx, end.tenant, end.asset, subjects.map(prepare::subject)).await?;
    let mut written = plan.written.into_iter().peekable();
    let mut rows = Vec::with_capacity(written.len());
    for (index, finding) in report.findings.iter_mut().enumerate() {
        if let Some((_, found_by)) = written.next_if(|(place, _)| *place == index) {
            let found_by = clean::json("who found it", &found_by)?;
            rows.push(prepare::finding_row(finding, found_by, &percents));
        }
    }
    tx.insert(&FINDINGS, &shared, rows).await?;
    touch(tx, end, plan.touched).await?;
    for (found_by, fingerprints) in plan.joined {
        touch(tx, end, fingerprints.clone()).await?;
        name_finders(tx, end, &found_by, fingerprints).await?;
    }
    for (found_by, fingerprints) in plan.left {
        name_finders(tx, end, &found_by, fingerprints).await?;
    }
    fix(tx, end, plan.fixed).await?;
    let events = plan.events.into_iter().map(|event| {
        vec![
            event.fingerprint.into(),
            event.transition.as_str().into(),
            clean::text(&event.note).as_ref().into(),
        ]
    });
    let shared = [end.tenant.into(), end.scan.seq.into(), at, scan];
    tx.insert(&EVENTS, &shared, events.collect()).await
}

async fn touch(tx: &mut Tx, end: &End<'_>, fingerprints: Vec<String>) -> Result<()> {
    if fingerprints.is_empty() {
        return Ok(());
    }
    let mut statement = sql(
        "UPDATE finding SET last_seen_at = $2, last_scan = $3 WHERE tenant = $1 AND ",
        [end.tenant.into(), end.at.into(), end.scan.id.into()],
    );
    statement.any(tx.dialect(), "fingerprint", Param::Texts(fingerprints));
    tx.execute(statement).await.map(drop)
}

/// Writes who finds some findings now.
async fn name_finders(
    tx: &mut Tx,
    end: &End<'_>,
    found_by: &FoundBy,
    fingerprints: Vec<String>,
) -> Result<()> {
    let found_by = Param::Json(Some(clean::json("who found it", found_by)?));
    let mut statement =
        sql("UPDATE finding SET found_by = $2 WHERE tenant = $1 AND ", [end.tenant.into(), found_by]);
    statement.any(tx.dialect(), "fingerprint", Param::Texts(fingerprints));
    tx.execute(statement).await.map(drop)
}

async fn fix(tx: &mut Tx, end: &End<'_>, fingerprints: Vec<String>) -> Result<()> {
    if fingerprints.is_empty() {
        return Ok(());
    }
    let mut statement = sql(
        "UPDATE finding SET state = 'fixed', fixed_at = $2 WHERE tenant = $1 AND ",
        [end.tenant.into(), end.at.into()],
    );
    statement.any(tx.dialect(), "fingerprint", Param::Texts(fingerprints));
    tx.execute(statement).await.map(drop)
}

async fn finish_row(tx: &mut Tx, end: &End<'_>, summary: &Summary) -> Result<()> {
    let statement = sql(
        "UPDATE scan SET state = 'finished', finished_at = $3, asset = $4, target = $5, summary = $6, coverage = $7
         WHERE tenant = $1 AND id = $2",
        [
            end.tenant.into(),
            end.scan.id.into(),
            end.at.into(),
            end.asset.into(),
            Param::Json(Some(clean::json("a target", &end.outcome.target)?)),
            Param::Json(Some(clean::json("a summary", summary)?)),
            Param::Json(Some(clean::json("a coverage statement", &end.outcome.report.coverage)?)),
        ],
    );
    tx.execute(statement).await.map(drop)
}

/// Tells the rest of the house that findings changed, if any did.
pub(crate) async fn announce(tx: &mut Tx, end: &End<'_>, message: Uuid, summary: &Summary) -> Result<()> {
    if summary.opened + summary.fixed + summary.reopened + summary.changed == 0 {
        return Ok(());
    }
    let id = format!("{}.changed.findings.{message}", end.tenant);
    let body = json!({
        "scan": end.scan.id,
        "asset": end.asset,
        "opened": summary.opened,
        "fixed": summary.fixed,
        "reopened": summary.reopened,
        "changed": summary.changed,
    });
    outbox::add(tx, end.tenant, "changed.findings", id, &body, end.at).await
}
