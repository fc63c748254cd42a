//! What plugins keep from call to call. Changes are written together with what the call brought, or not at all.

use std::collections::BTreeMap;

use model::TenantId;

use crate::connection::Tx;
use crate::sql::sql;
use crate::{Result, Store, clean};

/// Most keys of one answer.
const KEYS_MAX: usize = 2_000;

impl Store {
    /// The value of a key of a plugin's state.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn plugin_state(&self, tenant: &TenantId, plugin: &str, key: &str) -> Result<Option<Vec<u8>>> {
        let statement = sql(
            "SELECT value FROM plugin_state WHERE tenant = $1 AND plugin = $2 AND key = $3",
            [tenant.into(), plugin.into(), clean::text(key).into_owned().into()],
        );
        let row = self.backend.row("read a plugin's state", statement).await?;
        row.map(|row| row.bytes("value")).transpose()
    }

    /// Keys of a plugin's state that start with `prefix` and come after `after`, sorted by bytes; at most `limit`, and never
    /// more than 2,000.
    ///
    /// # Errors
    /// As [`Store::plugin_state`].
    pub async fn plugin_state_keys(
        &self,
        tenant: &TenantId,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let limit = i64::try_from(limit.min(KEYS_MAX)).unwrap_or(0);
        // A range by bytes, and not LIKE, in which characters of the prefix could have a meaning.
        let statement = sql(
            "SELECT key FROM plugin_state
             WHERE tenant = $1 AND plugin = $2 AND key > $3 AND key >= $4
                 AND ($5 = '' OR substr(key, 1, length($5)) = $5)
             ORDER BY key LIMIT $6",
            [
                tenant.into(),
                plugin.into(),
                after.unwrap_or_default().into(),
                prefix.into(),
                prefix.into(),
                limit.into(),
            ],
        );
        let rows = self.backend.rows("list a plugin's state", statement).await?;
        rows.iter().map(|row| row.text("key")).collect()
    }

    /// Bytes of all keys and values of a plugin's state together.
    ///
    /// # Errors
    /// As [`Store::plugin_state`].
    pub async fn plugin_state_bytes(&self, tenant: &TenantId, plugin: &str) -> Result<u64> {
        let octets = match self.backend.dialect() {
            crate::dialect::Dialect::Sqlite => {
                "SELECT coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0) AS bytes FROM plugin_state
                 WHERE tenant = $1 AND plugin = $2"
            }
            crate::dialect::Dialect::Postgres => {
                "SELECT coalesce(sum(octet_length(key) + octet_length(value)), 0)::bigint AS bytes
                 FROM plugin_state WHERE tenant = $1 AND plugin = $2"
            }
        };
        let row =
            self.backend.row("weigh a plugin's state", sql(octets, [tenant.into(), plugin.into()])).await?;
        row.map_or(Ok(0), |row| row.count("bytes"))
    }

    /// Keeps what a call changed: a value for a key, or nothing for a key that is gone.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`].
    pub async fn keep_plugin_state(
        &self,
        tenant: &TenantId,
        plugin: &str,
        changes: &BTreeMap<String, Option<Vec<u8>>>,
    ) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut tx = self.backend.begin("keep a plugin's state").await?;
        write(&mut tx, tenant, plugin, changes).await?;
        tx.commit().await
    }
}

pub(crate) async fn write(
    tx: &mut Tx,
    tenant: &TenantId,
    plugin: &str,
    changes: &BTreeMap<String, Option<Vec<u8>>>,
) -> Result<()> {
    for (key, value) in changes {
        let statement = match value {
            Some(value) => sql(
                "INSERT INTO plugin_state (tenant, plugin, key, value) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant, plugin, key) DO UPDATE SET value = excluded.value",
                [tenant.into(), plugin.into(), clean::text(key).into_owned().into(), value.clone().into()],
            ),
            None => sql(
                "DELETE FROM plugin_state WHERE tenant = $1 AND plugin = $2 AND key = $3",
                [tenant.into(), plugin.into(), clean::text(key).into_owned().into()],
            ),
        };
        tx.execute(statement).await?;
    }
    Ok(())
}
