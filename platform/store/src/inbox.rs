//! What was already acted upon. A message's record and its effect commit together, which is what makes effects happen
//! exactly once over a bus that delivers at least once.

use jiff::Timestamp;
use model::TenantId;

use crate::connection::Tx;
use crate::sql::sql;
use crate::{Result, Store, clean};

/// Records the message for the consumer; false if it was recorded before. In Postgres a second delivery waits here until
/// the first has committed or given up.
pub(crate) async fn first_delivery(
    tx: &mut Tx,
    tenant: &TenantId,
    consumer: &str,
    message_id: &str,
    at: Timestamp,
) -> Result<bool> {
    let statement = sql(
        "INSERT INTO inbox (tenant, consumer, message_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        [tenant.into(), consumer.into(), clean::key(message_id).into(), at.into()],
    );
    Ok(tx.execute(statement).await? == 1)
}

impl Store {
    /// Forgets messages recorded before `before`, of all tenants, and tells how many. Must lie further back than the bus
    /// can deliver again.
    ///
    /// # Errors
    /// [`StoreError::Query`](crate::StoreError::Query).
    pub async fn forget_messages(&self, before: Timestamp) -> Result<u64> {
        let mut tx = self.backend.begin("forget old messages").await?;
        let forgotten = tx.execute(sql("DELETE FROM inbox WHERE at < $1", [before.into()])).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}
