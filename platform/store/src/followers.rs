//! Who follows which cluster: one process at a time, by a lease, and how that goes.

use jiff::Timestamp;
use model::{AssetId, TenantId};
use uuid::Uuid;

use crate::row::Row;
use crate::sql::{Param, sql};
use crate::{Result, Store, clean};

/// Where following a cluster stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FollowState {
    /// The cluster is read for the first time.
    #[default]
    Starting,
    /// Its changes are judged as they come.
    Following,
    /// It cannot be followed now; it is tried again.
    Failed,
}

impl FollowState {
    const ALL: [Self; 3] = [Self::Starting, Self::Following, Self::Failed];

    /// The word used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Following => "following",
            Self::Failed => "failed",
        }
    }

    /// Reads [`FollowState::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// How following a cluster goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FollowReport {
    /// Where it stands.
    pub state: FollowState,
    /// What the cluster turned out to be.
    pub asset: Option<AssetId>,
    /// Since when it is followed without a break.
    pub since: Option<Timestamp>,
    /// When it was last heard of a change.
    pub changed_at: Option<Timestamp>,
    /// When what changes mean was last stored.
    pub stored_at: Option<Timestamp>,
    /// Milliseconds from the first of the changes that were stored last until they were.
    pub lag_ms: Option<u64>,
    /// Stable word for why it is not followed, or not as a whole.
    pub code: Option<String>,
    /// The same in a sentence.
    pub reason: Option<String>,
}

/// A cluster that is followed, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// Name of the cluster in the configuration.
    pub cluster: String,
    /// Until when its process has promised to report again.
    pub until: Timestamp,
    /// What it reported last.
    pub report: FollowReport,
}

impl Store {
    /// Takes the lease of a cluster, or renews it; false if somebody else has it. The clocks of processes have to agree within the time that
    /// a lease has left when it is renewed.
    ///
    /// # Errors
    /// [`StoreError::TooLong`](crate::StoreError::TooLong) for the name, and database errors.
    pub async fn claim_follower(
        &self,
        tenant: &TenantId,
        cluster: &str,
        holder: Uuid,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.backend.begin("take the lease of a cluster").await?;
        let statement = sql(
            "INSERT INTO follower (tenant, cluster, holder, until, state) VALUES ($1, $2, $3, $5, 'starting')
             ON CONFLICT (tenant, cluster) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE follower.holder = excluded.holder OR follower.until <= $4",
            [
                tenant.into(),
                clean::identity("a cluster's name", cluster)?.into(),
                holder.into(),
                at.into(),
                until.into(),
            ],
        );
        let taken = tx.execute(statement).await? == 1;
        tx.commit().await?;
        Ok(taken)
    }

    /// Says how it goes, if this process still has the lease; false if not.
    ///
    /// # Errors
    /// Database errors.
    pub async fn report_follower(
        &self,
        tenant: &TenantId,
        cluster: &str,
        holder: Uuid,
        report: &FollowReport,
    ) -> Result<bool> {
        let mut tx = self.backend.begin("report on a cluster").await?;
        let lag = report.lag_ms.map(|lag| i64::try_from(lag).unwrap_or(i64::MAX));
        let statement = sql(
            "UPDATE follower SET state = $4, asset = $5, since = $6, changed_at = $7, stored_at = $8, lag_ms = $9,
                code = $10, reason = $11
             WHERE tenant = $1 AND cluster = $2 AND holder = $3",
            [
                tenant.into(),
                clean::key(cluster).into(),
                holder.into(),
                report.state.as_str().into(),
                report.asset.as_ref().map(|asset| clean::text(&asset.0).into_owned()).into(),
                report.since.into(),
                report.changed_at.into(),
                report.stored_at.into(),
                lag.into(),
                report.code.as_deref().map(clean::key).into(),
                report.reason.as_deref().map(|reason| clean::text(reason).into_owned()).into(),
            ],
        );
        let held = tx.execute(statement).await? == 1;
        tx.commit().await?;
        Ok(held)
    }

    /// Gives the lease back, so that another process need not wait for its end.
    ///
    /// # Errors
    /// Database errors.
    pub async fn release_follower(
        &self,
        tenant: &TenantId,
        cluster: &str,
        holder: Uuid,
        at: Timestamp,
    ) -> Result<()> {
        let mut tx = self.backend.begin("give the lease of a cluster back").await?;
        let key: [Param; 4] = [tenant.into(), clean::key(cluster).into(), holder.into(), at.into()];
        let statement = "UPDATE follower SET until = $4 WHERE tenant = $1 AND cluster = $2 AND holder = $3 AND until > $4";
        tx.execute(sql(statement, key)).await?;
        tx.commit().await
    }

    /// Every cluster that is followed or was, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn followers(&self, tenant: &TenantId) -> Result<Vec<Follower>> {
        let statement = sql(
            "SELECT cluster, until, state, asset, since, changed_at, stored_at, lag_ms, code, reason
             FROM follower WHERE tenant = $1 ORDER BY cluster LIMIT 1000",
            [tenant.into()],
        );
        self.backend.rows("list who follows clusters", statement).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Follower> {
    let lag = row.int_or_null("lag_ms")?;
    Ok(Follower {
        cluster: row.text("cluster")?,
        until: row.time("until")?,
        report: FollowReport {
            state: row.word("state", FollowState::from_name)?,
            asset: row.text_or_null("asset")?.map(AssetId),
            since: row.time_or_null("since")?,
            changed_at: row.time_or_null("changed_at")?,
            stored_at: row.time_or_null("stored_at")?,
            lag_ms: lag.and_then(|lag| u64::try_from(lag).ok()),
            code: row.text_or_null("code")?,
            reason: row.text_or_null("reason")?,
        },
    })
}
