//! What a change of a followed scope means for the store: a merge of what was judged again, and of nothing else.
//!
//! It goes on from a whole scan. If another scan of the scope has ended since, which may have read the scope before the change or after it,
//! nothing is merged: whoever follows then stores a whole scan of its own.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{AssetId, ScanReport, Target, TargetKind, TenantId};
use uuid::Uuid;

use crate::connection::Tx;
use crate::finish::{self, End, ScanOutcome};
use crate::merge::{self, Look, Totals};
use crate::scans::{self, Scan};
use crate::sql::sql;
use crate::{NewResource, Result, Store, Summary, assets, clean, prepare, scopes};

/// What has changed of a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopeChange {
    /// The scope.
    pub asset: AssetId,
    /// The whole scan that this goes on from.
    pub scan: Uuid,
    /// Paths of what was judged again or is gone.
    pub subjects: BTreeSet<String>,
    /// What was found on these, and what could not be looked at in the scope.
    pub report: ScanReport,
    /// Resources that are new, or of which something is new.
    pub resources: Vec<NewResource>,
    /// Ids of resources that are gone.
    pub gone: Vec<String>,
    /// The scope as it is now, with its hash, where it is to be kept; see [`crate::ScopeState`].
    pub snapshot: Option<(String, Vec<u8>)>,
}

impl Store {
    /// Merges what has changed of a scope; nothing if another scan of it has ended since the one that this goes on from, or if that one
    /// is unknown. All or nothing. A finding of the subjects that is not in the report is fixed unless a gap could hide it; see
    /// [`could_hide`](crate::could_hide).
    ///
    /// # Errors
    /// [`StoreError::TooLong`](crate::StoreError::TooLong) for the asset's id, and database errors.
    pub async fn merge_change(
        &self,
        tenant: &TenantId,
        change: &ScopeChange,
        at: Timestamp,
    ) -> Result<Option<Summary>> {
        let asset = clean::identity("an asset's id", &change.asset.0)?;
        let target = Target {
            kind: TargetKind::Cluster,
            reference: String::new(),
            digest: None,
            platform: None,
            layers: Vec::new(),
        };
        let outcome = ScanOutcome {
            target,
            asset: change.asset.clone(),
            aliases: Vec::new(),
            report: change.report.clone(),
            scope: None,
        };
        let mut report = prepare::report(tenant, &outcome).await?;
        let snapshot = match &change.snapshot {
            Some((input, bytes)) => Some((input, scopes::compress("a snapshot", bytes)?)),
            None => None,
        };
        let mut tx = self.backend.begin("merge a change of a scope").await?;
        let Some(scan) = go_on(&mut tx, tenant, &asset, change.scan).await? else { return Ok(None) };
        let look = Look::own(&outcome.report.coverage);
        let end = End { tenant, asset: &asset, scan: &scan, outcome: &outcome, at, look };
        let subjects = change.subjects.iter().map(|path| clean::key(path)).collect();
        let stored = finish::stored_findings(&mut tx, &end, Some(subjects)).await?;
        let needed = merge::bodies_needed(&stored, &report.findings, &end.look);
        let bodies = finish::stored_bodies(&mut tx, &end, needed).await?;
        let plan = merge::plan(&stored, &bodies, &report.findings, &end.look);
        let mut summary = Summary { gaps: outcome.report.coverage.gaps.len() as u64, ..Summary::default() };
        summary.count(&plan);
        let (before, after) = (Totals::of(&stored), plan.totals);
        finish::write(&mut tx, &end, plan, &mut report).await?;
        assets::shift_totals(&mut tx, &end, &before, &after).await?;
        scopes::change_resources(&mut tx, &end, &change.resources, &change.gone).await?;
        if let Some((input, bytes)) = snapshot {
            scopes::put_snapshot(&mut tx, &end, input, bytes).await?;
        }
        finish::announce(&mut tx, &end, Uuid::now_v7(), &summary).await?;
        tx.commit().await?;
        Ok(Some(summary))
    }
}

/// The scan, if it is still the one that the scope is known by. The scope then counts as seen now: a scan that was accepted before and ends
/// later does not undo this.
async fn go_on(tx: &mut Tx, tenant: &TenantId, asset: &str, scan: Uuid) -> Result<Option<Scan>> {
    let seq = tx.next("scan_seq").await?;
    let statement = sql(
        "UPDATE asset SET last_seq = $4 WHERE tenant = $1 AND id = $2 AND last_scan = $3",
        [tenant.into(), asset.into(), scan.into(), seq.into()],
    );
    if tx.execute(statement).await? != 1 {
        return Ok(None);
    }
    let scan = scans::locked(tx, tenant, scan).await?;
    Ok(Some(Scan { seq, ..scan }))
}
