//! Stored findings: pages of them, one of them, what happened to it.

use std::collections::HashMap;

use jiff::Timestamp;
use model::{AssetId, Finding, FindingState, Fingerprint, HistoryEvent, TargetKind, TenantId, Transition};
use uuid::Uuid;

use crate::filter::{FindingFilter, FindingSort, RISK_KEY_OPEN};
use crate::page::Position;
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::triage::{self, TriageState};
use crate::{Page, PageRequest, Result, Store, clean};

/// The asset of a finding, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetRef {
    /// Its canonical id.
    pub id: AssetId,
    /// Its name, for people.
    pub name: String,
    /// What kind of thing it is.
    pub kind: TargetKind,
}

/// A finding as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFinding {
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// The asset.
    pub asset: AssetId,
    /// Where it stands.
    pub state: FindingState,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// When it was found to be gone; only while it is fixed.
    pub fixed_at: Option<Timestamp>,
    /// The scan that first saw it.
    pub first_scan: Uuid,
    /// The scan that last saw it.
    pub last_scan: Uuid,
    /// What was found, as last seen.
    pub finding: Finding,
    /// How much it matters where it is, 0–100; see [`model::risk`].
    pub risk: u8,
    /// What people made of it.
    pub triage: TriageState,
    /// Who finds it, or found it last: [`OWN`](crate::OWN) or names of imports, sorted.
    pub found_by: Vec<String>,
}

/// A row of a list of findings.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingRow {
    /// The finding.
    pub stored: StoredFinding,
    /// Its asset.
    pub asset: AssetRef,
}

/// Events told of one finding: the latest. One that comes and goes with a daily scan takes over a year to get there.
pub const HISTORY_EVENTS_MAX: u32 = 500;

pub(crate) const COLUMNS: &str =
    "fingerprint, asset, state, attention, risk, package_name, first_seen_at, last_seen_at, fixed_at,
    first_scan, last_scan, body, status, decision, assignee, tags, acknowledged_at, version, found_by";

impl Store {
    /// Findings, a page at a time.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`](crate::StoreError::CursorInvalid) and database errors.
    pub async fn findings(
        &self,
        tenant: &TenantId,
        filter: &FindingFilter,
        sort: FindingSort,
        page: &PageRequest,
    ) -> Result<Page<FindingRow>> {
        let statement = self.page_statement(sql("", []), tenant, filter, sort, page)?;
        let rows = self.backend.rows("list findings", statement).await?;
        let findings = rows.iter().map(|row| place(row, sort)).collect::<Result<Vec<_>>>()?;
        let page = Page::new(findings, page, sort.list(), |(position, _)| position.clone());
        let wanted = page.items.iter().map(|(_, stored)| stored.asset.0.clone()).collect();
        let assets = self.asset_refs(tenant, wanted).await?;
        Ok(page.map(|(_, stored)| FindingRow { asset: asset_ref(&assets, &stored.asset), stored }))
    }

    /// How the database goes about a page of [`Store::findings`], a line per step in its own words: for whoever has a slow
    /// list, and for the check that an index serves every order.
    ///
    /// # Errors
    /// As [`Store::findings`].
    pub async fn explain_findings(
        &self,
        tenant: &TenantId,
        filter: &FindingFilter,
        sort: FindingSort,
        page: &PageRequest,
    ) -> Result<Vec<String>> {
        let (explain, column) = self.backend.dialect().explain();
        let statement = self.page_statement(sql(explain, []), tenant, filter, sort, page)?;
        let rows = self.backend.rows("explain a list of findings", statement).await?;
        rows.iter().map(|row| row.text(column)).collect()
    }

    fn page_statement(
        &self,
        mut statement: Sql,
        tenant: &TenantId,
        filter: &FindingFilter,
        sort: FindingSort,
        page: &PageRequest,
    ) -> Result<Sql> {
        statement.push("SELECT ").push(COLUMNS).push(" FROM finding");
        filter.push_where_of(&mut statement, self.backend.dialect(), tenant, sort)?;
        if let Some(after) = page.after(sort.list())? {
            sort.after(&mut statement, &after)?;
        }
        statement.push(sort.order_by()).push(" LIMIT ").bind(page.rows_to_read());
        Ok(statement)
    }

    /// One finding, with its asset.
    ///
    /// # Errors
    /// Database errors.
    pub async fn finding(&self, tenant: &TenantId, fingerprint: &Fingerprint) -> Result<Option<FindingRow>> {
        let mut statement = sql("SELECT ", []);
        statement.push(COLUMNS).push(" FROM finding WHERE tenant = ").bind(tenant);
        statement.push(" AND fingerprint = ").bind(clean::text(&fingerprint.0).as_ref());
        let Some(row) = self.backend.row("read a finding", statement).await? else { return Ok(None) };
        let stored = read(&row)?;
        let assets = self.asset_refs(tenant, vec![stored.asset.0.clone()]).await?;
        Ok(Some(FindingRow { asset: asset_ref(&assets, &stored.asset), stored }))
    }

    /// What happened to a finding, oldest first; at most the latest [`HISTORY_EVENTS_MAX`] events.
    ///
    /// # Errors
    /// Database errors.
    pub async fn history(&self, tenant: &TenantId, fingerprint: &Fingerprint) -> Result<Vec<HistoryEvent>> {
        let key = clean::text(&fingerprint.0);
        let of = |text| sql(text, [tenant.into(), key.as_ref().into(), i64::from(HISTORY_EVENTS_MAX).into()]);
        let seen =
            of("SELECT at, transition, scan, note FROM finding_event WHERE tenant = $1 AND fingerprint = $2
             ORDER BY seq DESC LIMIT $3");
        let said = of(
            "SELECT at, transition, actor, note FROM finding_change WHERE tenant = $1 AND fingerprint = $2
             ORDER BY id DESC LIMIT $3",
        );
        let event = |row: &Row, scan: Option<String>, actor: Option<String>| {
            let at = row.time("at")?;
            let transition = row.word("transition", Transition::from_name)?;
            Ok((at, HistoryEvent { at: at.to_string(), transition, scan, actor, note: row.text("note")? }))
        };
        let mut history = Vec::new();
        for row in self.backend.rows("read the history of a finding", seen).await?.iter().rev() {
            history.push(event(row, Some(row.uuid("scan")?.to_string()), None)?);
        }
        for row in self.backend.rows("read what was said of a finding", said).await?.iter().rev() {
            history.push(event(row, None, Some(row.text("actor")?))?);
        }
        // Each half is in its own order; of the same moment, what a scan saw comes first.
        history.sort_by_key(|(at, _)| *at);
        let surplus = history.len().saturating_sub(HISTORY_EVENTS_MAX as usize);
        Ok(history.into_iter().skip(surplus).map(|(_, event)| event).collect())
    }

    /// Names of assets. Asked apart from the rows: a join would give a planner the choice to sort instead of to walk.
    pub(crate) async fn asset_refs(
        &self,
        tenant: &TenantId,
        mut ids: Vec<String>,
    ) -> Result<HashMap<String, AssetRef>> {
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut statement = sql("SELECT id, name, kind FROM asset WHERE tenant = ", []);
        statement.bind(tenant).push(" AND ").any(self.backend.dialect(), "id", Param::Texts(ids));
        let rows = self.backend.rows("read the names of assets", statement).await?;
        rows.iter()
            .map(|row| {
                let id = row.text("id")?;
                let name = row.text("name")?;
                Ok((
                    id.clone(),
                    AssetRef { id: AssetId(id), name, kind: row.word("kind", TargetKind::from_name)? },
                ))
            })
            .collect()
    }
}

/// A finding's asset is there as long as the finding is (a foreign key sees to it); one deleted between two statements is
/// shown by its id.
fn asset_ref(assets: &HashMap<String, AssetRef>, id: &AssetId) -> AssetRef {
    assets.get(&id.0).cloned().unwrap_or_else(|| AssetRef {
        id: id.clone(),
        name: id.0.clone(),
        kind: TargetKind::Image,
    })
}

fn place(row: &Row, sort: FindingSort) -> Result<(Position, StoredFinding)> {
    let stored = read(row)?;
    let fingerprint = stored.fingerprint.0.as_str();
    let position = match sort {
        FindingSort::Severity => Position::int(row.int("attention")?, fingerprint),
        FindingSort::Risk => Position::int(risk_key(&stored), fingerprint),
        FindingSort::LastSeen => Position::int(stored.last_seen_at.as_microsecond(), fingerprint),
        FindingSort::Package => Position::text(row.text("package_name")?, fingerprint),
    };
    Ok((position, stored))
}

/// State and risk as one number: what is open stands above what is gone.
fn risk_key(stored: &StoredFinding) -> i64 {
    let open = if stored.state == FindingState::Open { RISK_KEY_OPEN } else { 0 };
    open + i64::from(stored.risk)
}

pub(crate) fn read(row: &Row) -> Result<StoredFinding> {
    Ok(StoredFinding {
        fingerprint: Fingerprint(row.text("fingerprint")?),
        asset: AssetId(row.text("asset")?),
        state: row.word("state", FindingState::from_name)?,
        first_seen_at: row.time("first_seen_at")?,
        last_seen_at: row.time("last_seen_at")?,
        fixed_at: row.time_or_null("fixed_at")?,
        first_scan: row.uuid("first_scan")?,
        last_scan: row.uuid("last_scan")?,
        finding: row.json("body")?,
        risk: u8::try_from(row.int("risk")?).map_err(|error| row.unreadable("risk", error.to_string()))?,
        triage: triage::state(row)?,
        found_by: row.json("found_by")?,
    })
}
