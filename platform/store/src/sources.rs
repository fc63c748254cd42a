//! Where run-time events come from: who may send them, and how that goes.

use jiff::Timestamp;
use model::TenantId;

use crate::row::Row;
use crate::sql::sql;
use crate::{Result, Store, StoreError, TokenHash, clean};

/// Most sources of a tenant that are listed.
const SOURCES_MAX: i64 = 1_000;

/// A source to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSource {
    /// Its name: it is part of addresses.
    pub name: String,
    /// The format of its events, in the words of `ingest::runtime::Format`.
    pub format: String,
    /// The cluster that its events are about, by the uid of its namespace `kube-system`.
    pub cluster: Option<String>,
    /// Hash of the token that opens its door.
    pub token: TokenHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
}

/// A source, and what came from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    /// Its name.
    pub name: String,
    /// The format of its events.
    pub format: String,
    /// The cluster that its events are about.
    pub cluster: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When its token was last replaced.
    pub rotated_at: Option<Timestamp>,
    /// Whether its door is closed.
    pub disabled: bool,
    /// When something of it was last judged.
    pub last_at: Option<Timestamp>,
    /// Events that were judged.
    pub events: u64,
    /// Events that came again.
    pub repeated: u64,
    /// Elements that could not be read.
    pub problems: u64,
    /// Events that came too late to be put in order.
    pub late: u64,
    /// Events that its sensors lost.
    pub drops: u64,
    /// What could not be read last.
    pub last_problem: Option<String>,
}

const COLUMNS: &str =
    "SELECT tenant, name, format, cluster, created_at, created_by, rotated_at, disabled, last_at, events,
    repeated, problems, late, drops, last_problem FROM event_source ";

impl Store {
    /// Keeps a new source.
    ///
    /// # Errors
    /// [`StoreError::SourceNameTaken`], [`StoreError::TooLong`], [`StoreError::Query`].
    pub async fn put_source(&self, tenant: &TenantId, source: &NewSource) -> Result<()> {
        let name = clean::identity("the name of a source", &source.name)?;
        let cluster = source.cluster.as_deref();
        let statement = sql(
            "INSERT INTO event_source (tenant, name, format, cluster, token, created_at, created_by, disabled, events, repeated,
                problems, late, drops)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, 0) ON CONFLICT (tenant, name) DO NOTHING",
            [
                tenant.into(),
                name.as_str().into(),
                clean::key(&source.format).into(),
                cluster.map(|cluster| clean::identity("the uid of a cluster", cluster)).transpose()?.into(),
                source.token.bytes().into(),
                source.created_at.into(),
                clean::key(&source.created_by).into(),
                false.into(),
            ],
        );
        let mut tx = self.backend.begin("keep a source of events").await?;
        if tx.execute(statement).await? == 0 {
            return Err(StoreError::SourceNameTaken { name });
        }
        tx.commit().await
    }

    /// Every source, by name; at most 1,000.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn sources(&self, tenant: &TenantId) -> Result<Vec<EventSource>> {
        let mut statement = sql(COLUMNS, []);
        statement.push("WHERE tenant = ").bind(tenant).push(" ORDER BY name LIMIT ").bind(SOURCES_MAX);
        self.backend.rows("list the sources of events", statement).await?.iter().map(read).collect()
    }

    /// A source by its name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source(&self, tenant: &TenantId, name: &str) -> Result<Option<EventSource>> {
        let mut statement = sql(COLUMNS, []);
        statement.push("WHERE tenant = ").bind(tenant).push(" AND name = ").bind(clean::key(name));
        self.backend.row("read a source of events", statement).await?.as_ref().map(read).transpose()
    }

    /// The source that this token belongs to, and whose it is, closed ones too.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_of_token(&self, token: &TokenHash) -> Result<Option<(TenantId, EventSource)>> {
        let mut statement = sql(COLUMNS, []);
        statement.push("WHERE token = ").bind(token.bytes());
        let row = self.backend.row("find the source of a token", statement).await?;
        let tenant = |row: &Row| row.word("tenant", |text| TenantId::parse(text).ok());
        row.map(|row| Ok((tenant(&row)?, read(&row)?))).transpose()
    }

    /// Replaces the token of a source; false if there is none of this name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn rotate_source(
        &self,
        tenant: &TenantId,
        name: &str,
        token: &TokenHash,
        at: Timestamp,
    ) -> Result<bool> {
        let statement = sql(
            "UPDATE event_source SET token = $3, rotated_at = $4 WHERE tenant = $1 AND name = $2",
            [tenant.into(), clean::key(name).into(), token.bytes().into(), at.into()],
        );
        self.one_source("replace the token of a source", statement).await
    }

    /// Closes or opens the door of a source; false if there is none of this name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn disable_source(&self, tenant: &TenantId, name: &str, disabled: bool) -> Result<bool> {
        let statement = sql(
            "UPDATE event_source SET disabled = $3 WHERE tenant = $1 AND name = $2",
            [tenant.into(), clean::key(name).into(), disabled.into()],
        );
        self.one_source("close the door of a source", statement).await
    }

    /// Removes a source; what came from it stays. False if there is none of this name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn remove_source(&self, tenant: &TenantId, name: &str) -> Result<bool> {
        let statement = sql(
            "DELETE FROM event_source WHERE tenant = $1 AND name = $2",
            [tenant.into(), clean::key(name).into()],
        );
        self.one_source("remove a source", statement).await
    }

    async fn one_source(&self, operation: &'static str, statement: crate::sql::Sql) -> Result<bool> {
        let mut tx = self.backend.begin(operation).await?;
        let done = tx.execute(statement).await? == 1;
        tx.commit().await?;
        Ok(done)
    }
}

fn read(row: &Row) -> Result<EventSource> {
    Ok(EventSource {
        name: row.text("name")?,
        format: row.text("format")?,
        cluster: row.text_or_null("cluster")?,
        created_at: row.time("created_at")?,
        created_by: row.text("created_by")?,
        rotated_at: row.time_or_null("rotated_at")?,
        disabled: row.bool("disabled")?,
        last_at: row.time_or_null("last_at")?,
        events: row.count("events")?,
        repeated: row.count("repeated")?,
        problems: row.count("problems")?,
        late: row.count("late")?,
        drops: row.count("drops")?,
        last_problem: row.text_or_null("last_problem")?,
    })
}
