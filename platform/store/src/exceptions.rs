//! Exceptions: risks that somebody has accepted for a time. What they mean is for others to say; here they are kept and never lost.

use jiff::Timestamp;
use model::TenantId;
use serde_json::Value;
use uuid::Uuid;

use crate::row::Row;
use crate::sql::{Param, sql};
use crate::{Result, Store, clean};

/// Most exceptions that are read. More are no longer exceptions.
const EXCEPTIONS_MAX: i64 = 10_000;

/// An exception as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredException {
    /// Its id.
    pub id: Uuid,
    /// What it says, in the form that its reader knows.
    pub body: Value,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When somebody took it back.
    pub revoked_at: Option<Timestamp>,
}

impl Store {
    /// Keeps an exception.
    ///
    /// # Errors
    /// Database errors.
    pub async fn put_exception(&self, tenant: &TenantId, exception: &StoredException) -> Result<()> {
        let statement = sql(
            "INSERT INTO exception (tenant, id, body, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
            [
                tenant.into(),
                exception.id.into(),
                Param::Json(Some(clean::json("an exception", &exception.body)?)),
                exception.created_at.into(),
                exception.expires_at.into(),
            ],
        );
        let mut tx = self.backend.begin("keep an exception").await?;
        tx.execute(statement).await?;
        tx.commit().await
    }

    /// Takes an exception back; one that was taken back before stays as it is. Nothing if there is none.
    ///
    /// # Errors
    /// Database errors.
    pub async fn revoke_exception(
        &self,
        tenant: &TenantId,
        id: Uuid,
        at: Timestamp,
    ) -> Result<Option<StoredException>> {
        let mut tx = self.backend.begin("take an exception back").await?;
        let statement = sql(
            "UPDATE exception SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL",
            [tenant.into(), id.into(), at.into()],
        );
        tx.execute(statement).await?;
        tx.commit().await?;
        Ok(self.exceptions(tenant).await?.into_iter().find(|exception| exception.id == id))
    }

    /// Every exception, those that ended too, the newest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn exceptions(&self, tenant: &TenantId) -> Result<Vec<StoredException>> {
        let statement = sql(
            "SELECT id, body, created_at, expires_at, revoked_at FROM exception
             WHERE tenant = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
            [tenant.into(), EXCEPTIONS_MAX.into()],
        );
        self.backend.rows("list exceptions", statement).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<StoredException> {
    Ok(StoredException {
        id: row.uuid("id")?,
        body: row.json("body")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        revoked_at: row.time_or_null("revoked_at")?,
    })
}
