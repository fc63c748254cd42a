//! Sensors: when each was last heard of, and whether it saw everything.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use model::TenantId;

use crate::connection::Tx;
use crate::events::{EventCommit, line};
use crate::row::Row;
use crate::sql::sql;
use crate::{Result, Store, clean};

/// How long after a loss a sensor counts as blind: as long as people look back for what it may have missed.
const BLIND_FOR: SignedDuration = SignedDuration::from_mins(10);
/// Most sensors of a tenant that are listed.
pub(crate) const SENSORS_MAX: i64 = 10_000;

/// How a sensor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SensorState {
    /// It lost events within the last ten minutes.
    Blind,
    /// Nothing has come from it for longer than the caller bears.
    Silent,
    /// Events come from it, and it says of none that it lost them.
    Seeing,
}

impl SensorState {
    /// The word for people and for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Silent => "silent",
            Self::Seeing => "seeing",
        }
    }
}

/// A sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensor {
    /// The configured source.
    pub source: String,
    /// Its name.
    pub sensor: String,
    /// How it does.
    pub state: SensorState,
    /// When it was first heard of.
    pub first_at: Timestamp,
    /// When it was last heard of.
    pub last_at: Timestamp,
    /// When it last lost events.
    pub blind_at: Option<Timestamp>,
    /// Events that it lost.
    pub drops: u64,
    /// How often it said something of itself.
    pub reports: u64,
    /// What it said last, in a word.
    pub reason: String,
}

/// What the reports of a batch come to for one sensor.
#[derive(Default)]
struct Said<'a> {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    blind: Option<Timestamp>,
    drops: i64,
    reports: i64,
    reason: Option<&'a str>,
}

pub(crate) async fn put(tx: &mut Tx, commit: &EventCommit) -> Result<()> {
    let mut all: BTreeMap<(&str, &str), Said<'_>> = BTreeMap::new();
    for report in &commit.sensors {
        let said = all.entry((&report.source, &report.sensor)).or_default();
        said.first = Some(said.first.map_or(report.at, |at| at.min(report.at)));
        said.last = Some(said.last.map_or(report.at, |at| at.max(report.at)));
        if report.blind {
            said.blind = Some(said.blind.map_or(report.at, |at| at.max(report.at)));
        }
        said.drops = said.drops.saturating_add(i64::try_from(report.drops).unwrap_or(i64::MAX));
        if !report.reason.is_empty() {
            said.reports = said.reports.saturating_add(1);
            said.reason = Some(&report.reason);
        }
    }
    for ((source, sensor), said) in all {
        let statement = sql(
            "INSERT INTO sensor (tenant, source, sensor, first_at, last_at, blind_at, drops, reports, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, ''))
             ON CONFLICT (tenant, source, sensor) DO UPDATE SET
                 last_at = CASE WHEN sensor.last_at < excluded.last_at THEN excluded.last_at ELSE sensor.last_at END,
                 blind_at = coalesce(excluded.blind_at, sensor.blind_at),
                 drops = sensor.drops + excluded.drops,
                 reports = sensor.reports + excluded.reports,
                 reason = coalesce($9, sensor.reason)",
            [
                (&commit.tenant).into(),
                clean::key(source).into(),
                clean::key(sensor).into(),
                said.first.unwrap_or(commit.now).into(),
                said.last.unwrap_or(commit.now).into(),
                said.blind.into(),
                said.drops.into(),
                said.reports.into(),
                said.reason.map(line).into(),
            ],
        );
        tx.execute(statement).await?;
    }
    Ok(())
}

impl Store {
    /// Every sensor, by source and name; at most 10,000. One that was not heard of for longer than `silent_after` before `now` is silent.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn sensors(
        &self,
        tenant: &TenantId,
        now: Timestamp,
        silent_after: SignedDuration,
    ) -> Result<Vec<Sensor>> {
        let statement = sql(
            "SELECT source, sensor, first_at, last_at, blind_at, drops, reports, reason FROM sensor
             WHERE tenant = $1 ORDER BY source, sensor LIMIT $2",
            [tenant.into(), SENSORS_MAX.into()],
        );
        let rows = self.backend.rows("list sensors", statement).await?;
        rows.iter().map(|row| read(row, now, silent_after)).collect()
    }
}

fn read(row: &Row, now: Timestamp, silent_after: SignedDuration) -> Result<Sensor> {
    let (last_at, blind_at) = (row.time("last_at")?, row.time_or_null("blind_at")?);
    let state = if now.duration_since(last_at) > silent_after {
        SensorState::Silent
    } else if blind_at.is_some_and(|at| now.duration_since(at) <= BLIND_FOR) {
        SensorState::Blind
    } else {
        SensorState::Seeing
    };
    Ok(Sensor {
        source: row.text("source")?,
        sensor: row.text("sensor")?,
        state,
        first_at: row.time("first_at")?,
        last_at,
        blind_at,
        drops: row.count("drops")?,
        reports: row.count("reports")?,
        reason: row.text("reason")?,
    })
}
