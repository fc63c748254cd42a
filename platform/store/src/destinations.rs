//! Destinations: other systems that changes of findings are told to, each by a plugin, and which findings they hear of.

use jiff::Timestamp;
use model::TenantId;
use uuid::Uuid;

use crate::dialect::Dialect;
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::{Result, Store, clean};

/// What one ticket is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Per {
    /// One finding.
    Finding,
    /// All findings that the same step mends: an update of a package to a version, else whatever one rule has found.
    Fix,
    /// All findings of the same assignee.
    Owner,
}

impl Per {
    const ALL: [Self; 3] = [Self::Finding, Self::Fix, Self::Owner];

    /// The word used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Fix => "fix",
            Self::Owner => "owner",
        }
    }

    /// Reads [`Per::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|per| per.as_str() == name)
    }
}

/// What somebody says of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDestination {
    /// Its name, part of addresses.
    pub name: String,
    /// Id of the plugin that tells it.
    pub plugin: String,
    /// The plugin's configuration, a JSON object.
    pub settings: serde_json::Value,
    /// Which findings, in the language of filters; empty: all.
    pub filter: String,
    /// What one ticket is about.
    pub per: Per,
    /// Whether anything is told.
    pub enabled: bool,
    /// Seconds that lie between two notices about the same ticket at least.
    pub interval_seconds: u32,
}

/// A destination as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What was said of it.
    pub said: NewDestination,
    /// Grows with every change.
    pub version: u64,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: String,
}

/// Why a destination is not changed: it is at another version than whoever changes it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutRefusal {
    /// The version it is at; nothing where there is no such destination.
    pub version: Option<u64>,
}

const COLUMNS: &str =
    "SELECT name, plugin, settings, filter, per, enabled, interval_seconds, version, changed_at, changed_by
    FROM destination WHERE tenant = ";

impl Store {
    /// All destinations, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn destinations(&self, tenant: &TenantId) -> Result<Vec<Destination>> {
        let mut statement = sql(COLUMNS, []);
        statement.bind(tenant).push(" ORDER BY name");
        self.backend.rows("list destinations", statement).await?.iter().map(read).collect()
    }

    /// One destination.
    ///
    /// # Errors
    /// Database errors.
    pub async fn destination(&self, tenant: &TenantId, name: &str) -> Result<Option<Destination>> {
        let mut statement = sql(COLUMNS, []);
        statement.bind(tenant).push(" AND name = ").bind(clean::key(name));
        self.backend.row("read a destination", statement).await?.as_ref().map(read).transpose()
    }

    /// Makes a destination or replaces what is said of it. `expected` is the version that the caller has seen, 0 for none; without it,
    /// whatever there is is replaced. Every finding is looked at anew afterwards.
    ///
    /// # Errors
    /// Database errors. That it is at another version is an answer of its own.
    pub async fn put_destination(
        &self,
        tenant: &TenantId,
        new: &NewDestination,
        expected: Option<u64>,
        by: &str,
        at: Timestamp,
    ) -> Result<std::result::Result<u64, PutRefusal>> {
        let mut tx = self.backend.begin("change a destination").await?;
        if tx.dialect() == Dialect::Postgres {
            // Whoever changes findings at this moment has not seen the destination: their changes are waited for, and then looked at.
            tx.execute(sql("LOCK TABLE finding IN SHARE MODE", [])).await?;
        }
        let known = sql(
            "SELECT version FROM destination WHERE tenant = $1 AND name = $2",
            [tenant.into(), clean::key(&new.name).into()],
        );
        let version = tx.row(known).await?.map(|row| row.count("version")).transpose()?;
        if expected.is_some_and(|expected| expected != version.unwrap_or(0)) {
            return Ok(Err(PutRefusal { version }));
        }
        let next = version.unwrap_or(0).saturating_add(1);
        tx.execute(upsert(tenant, new, next, by, at)?).await?;
        tx.execute(sql(SEED, [tenant.into()])).await?;
        // What was told by other words, or of other findings, may have to be told again.
        let again = sql(
            "UPDATE ticket SET mark = mark + 1, next_at = $3 WHERE tenant = $1 AND destination = $2 AND dead_at IS NULL",
            [tenant.into(), clean::key(&new.name).into(), at.into()],
        );
        tx.execute(again).await?;
        tx.commit().await?;
        Ok(Ok(next))
    }

    /// Removes a destination and forgets its tickets, which stay in the other system. False if there is none of this name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn remove_destination(&self, tenant: &TenantId, name: &str) -> Result<bool> {
        let mut tx = self.backend.begin("remove a destination").await?;
        let statement = sql(
            "DELETE FROM destination WHERE tenant = $1 AND name = $2",
            [tenant.into(), clean::key(name).into()],
        );
        let removed = tx.execute(statement).await? == 1;
        let idle = sql(
            "DELETE FROM finding_dirty WHERE tenant = $1 AND NOT EXISTS (SELECT 1 FROM destination WHERE tenant = $1)",
            [tenant.into()],
        );
        tx.execute(idle).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// Has every finding looked at again: filters speak of time, too.
    ///
    /// # Errors
    /// Database errors.
    pub async fn look_at_all_findings(&self, tenant: &TenantId) -> Result<()> {
        let mut tx = self.backend.begin("look at all findings again").await?;
        tx.execute(sql(SEED, [tenant.into()])).await?;
        tx.commit().await
    }

    /// Takes or renews the right to tell a destination, which one process has at a time; false if another one has it.
    ///
    /// # Errors
    /// Database errors.
    pub async fn claim_destination(
        &self,
        tenant: &TenantId,
        name: &str,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.backend.begin("take a destination").await?;
        let statement = sql(
            "UPDATE destination SET holder = $3, held_until = $5 WHERE tenant = $1 AND name = $2
             AND (holder IS NULL OR holder = $3 OR held_until < $4)",
            [tenant.into(), clean::key(name).into(), holder.into(), now.into(), until.into()],
        );
        let taken = tx.execute(statement).await? == 1;
        tx.commit().await?;
        Ok(taken)
    }

    /// Gives back every destination that a process has.
    ///
    /// # Errors
    /// Database errors.
    pub async fn release_destinations(&self, tenant: &TenantId, holder: Uuid) -> Result<()> {
        let mut tx = self.backend.begin("give destinations back").await?;
        let statement = sql(
            "UPDATE destination SET holder = NULL, held_until = NULL WHERE tenant = $1 AND holder = $2",
            [tenant.into(), holder.into()],
        );
        tx.execute(statement).await?;
        tx.commit().await
    }
}

/// Every finding that is there, to be looked at.
const SEED: &str = "INSERT INTO finding_dirty (tenant, fingerprint, mark)
    SELECT tenant, fingerprint, 1 FROM finding WHERE tenant = $1 AND state = 'open'
    UNION SELECT tenant, fingerprint, 1 FROM destination_member WHERE tenant = $1
    ON CONFLICT (tenant, fingerprint) DO UPDATE SET mark = finding_dirty.mark + 1";

fn upsert(tenant: &TenantId, new: &NewDestination, version: u64, by: &str, at: Timestamp) -> Result<Sql> {
    Ok(sql(
        "INSERT INTO destination (tenant, name, plugin, settings, filter, per, enabled, interval_seconds, version, changed_at, changed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (tenant, name) DO UPDATE SET plugin = $3, settings = $4, filter = $5, per = $6, enabled = $7,
             interval_seconds = $8, version = $9, changed_at = $10, changed_by = $11",
        [
            tenant.into(),
            clean::key(&new.name).into(),
            clean::key(&new.plugin).into(),
            Param::Json(Some(clean::json("the settings of a destination", &new.settings)?)),
            clean::text(&new.filter).as_ref().into(),
            new.per.as_str().into(),
            new.enabled.into(),
            i64::from(new.interval_seconds).into(),
            i64::try_from(version).unwrap_or(i64::MAX).into(),
            at.into(),
            clean::key(by).into(),
        ],
    ))
}

fn read(row: &Row) -> Result<Destination> {
    Ok(Destination {
        said: NewDestination {
            name: row.text("name")?,
            plugin: row.text("plugin")?,
            settings: row.json("settings")?,
            filter: row.text("filter")?,
            per: row.word("per", Per::from_name)?,
            enabled: row.bool("enabled")?,
            interval_seconds: u32::try_from(row.count("interval_seconds")?).unwrap_or(u32::MAX),
        },
        version: row.count("version")?,
        changed_at: row.time("changed_at")?,
        changed_by: row.text("changed_by")?,
    })
}
