//! Suppressions: what need not be told, until when, and who said so.

use jiff::Timestamp;
use model::TenantId;
use uuid::Uuid;

use crate::events::line;
use crate::row::Row;
use crate::sql::sql;
use crate::{Result, Store, clean};

/// Most suppressions that are read at once.
const SUPPRESSIONS_MAX: i64 = 10_000;

/// A suppression to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSuppression {
    /// Rules, as `PLUGIN/RULE` or `sensor/KIND/RULE`; `*` stands for any characters.
    pub rule: String,
    /// Assets, by canonical id; `*` stands for any characters.
    pub asset: String,
    /// What else has to hold of the detection, in the language of filters.
    pub filter: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A suppression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Its id.
    pub id: Uuid,
    /// What it says.
    pub said: NewSuppression,
    /// When somebody ended it.
    pub ended_at: Option<Timestamp>,
    /// Detections that it has kept quiet.
    pub hits: u64,
    /// When it last did.
    pub last_hit: Option<Timestamp>,
}

impl Store {
    /// Keeps a suppression.
    ///
    /// # Errors
    /// [`crate::StoreError::TooLong`], [`crate::StoreError::Query`].
    pub async fn add_suppression(&self, tenant: &TenantId, new: &NewSuppression) -> Result<Suppression> {
        let id = Uuid::now_v7();
        let filter = new.filter.as_deref().map(|filter| clean::text(filter).into_owned());
        let said = NewSuppression {
            rule: clean::identity("the rules of a suppression", &new.rule)?,
            asset: clean::identity("the assets of a suppression", &new.asset)?,
            filter,
            reason: line(&new.reason),
            owner: clean::identity("the owner of a suppression", &new.owner)?,
            ..new.clone()
        };
        let statement = sql(
            "INSERT INTO suppression (tenant, id, rule, asset, filter, reason, owner, created_at, expires_at, hits)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)",
            [
                tenant.into(),
                id.to_string().into(),
                said.rule.as_str().into(),
                said.asset.as_str().into(),
                said.filter.clone().into(),
                said.reason.as_str().into(),
                said.owner.as_str().into(),
                said.created_at.into(),
                said.expires_at.into(),
            ],
        );
        let mut tx = self.backend.begin("keep a suppression").await?;
        tx.execute(statement).await?;
        tx.commit().await?;
        Ok(Suppression { id, said, ended_at: None, hits: 0, last_hit: None })
    }

    /// Ends a suppression; false if there is none of this id that has not ended.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`].
    pub async fn end_suppression(&self, tenant: &TenantId, id: Uuid, at: Timestamp) -> Result<bool> {
        let statement = sql(
            "UPDATE suppression SET ended_at = $3 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL",
            [tenant.into(), id.to_string().into(), at.into()],
        );
        let mut tx = self.backend.begin("end a suppression").await?;
        let ended = tx.execute(statement).await? == 1;
        tx.commit().await?;
        Ok(ended)
    }

    /// Suppressions, the newest first; those alone that are in force at a moment, where one is named. At most 10,000.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn suppressions(
        &self,
        tenant: &TenantId,
        active_at: Option<Timestamp>,
    ) -> Result<Vec<Suppression>> {
        let mut statement = sql(
            "SELECT id, rule, asset, filter, reason, owner, created_at, expires_at, ended_at, hits, last_hit FROM suppression
             WHERE tenant = $1",
            [tenant.into()],
        );
        if let Some(at) = active_at {
            statement.push(" AND ended_at IS NULL AND expires_at > ").bind(at);
        }
        statement.push(" ORDER BY id DESC LIMIT ").bind(SUPPRESSIONS_MAX);
        self.backend.rows("list suppressions", statement).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Suppression> {
    let id = row.text("id")?;
    Ok(Suppression {
        id: Uuid::try_parse(&id).map_err(|error| row.unreadable("id", error.to_string()))?,
        said: NewSuppression {
            rule: row.text("rule")?,
            asset: row.text("asset")?,
            filter: row.text_or_null("filter")?,
            reason: row.text("reason")?,
            owner: row.text("owner")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        },
        ended_at: row.time_or_null("ended_at")?,
        hits: row.count("hits")?,
        last_hit: row.time_or_null("last_hit")?,
    })
}
