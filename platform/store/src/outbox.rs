//! What must still be told to the bus. Written in the transaction whose effect it announces, read by a relay that
//! publishes and then marks it sent. A relay that dies in between publishes again; the message id makes that harmless.

use jiff::Timestamp;
use model::TenantId;

use crate::connection::Tx;
use crate::sql::{Param, Sql, sql};
use crate::{Result, Store};

/// A message that waits to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Its number; publish in this order.
    pub seq: i64,
    /// Id of the envelope: the same however often it is published.
    pub id: String,
    /// Whom it belongs to.
    pub tenant: TenantId,
    /// Subject, such as `scan.requested`.
    pub subject: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// Adds a message to the transaction.
pub(crate) async fn add(
    tx: &mut Tx,
    tenant: &TenantId,
    subject: &'static str,
    id: String,
    body: &serde_json::Value,
    at: Timestamp,
) -> Result<()> {
    let seq = tx.next("outbox_seq").await?;
    let statement = sql(
        "INSERT INTO outbox (tenant, seq, id, subject, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            tenant.into(),
            seq.into(),
            id.into(),
            subject.into(),
            body.to_string().into_bytes().into(),
            at.into(),
        ],
    );
    tx.execute(statement).await.map(drop)
}

impl Store {
    /// The oldest messages that wait, of all tenants: the relay serves the whole installation.
    ///
    /// # Errors
    /// [`StoreError::Query`](crate::StoreError::Query), [`StoreError::Unreadable`](crate::StoreError::Unreadable).
    pub async fn outbox(&self, limit: u32) -> Result<Vec<OutboxMessage>> {
        let statement = sql(
            "SELECT seq, id, tenant, subject, body FROM outbox ORDER BY seq LIMIT $1",
            [i64::from(limit).into()],
        );
        let rows = self.backend.rows("read the outbox", statement).await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxMessage {
                    seq: row.int("seq")?,
                    id: row.text("id")?,
                    tenant: row.word("tenant", |text| TenantId::parse(text).ok())?,
                    subject: row.text("subject")?,
                    body: row.bytes("body")?,
                })
            })
            .collect()
    }

    /// Removes messages that the bus has confirmed. Numbers that are gone already are ignored, and none is ever given to
    /// another message.
    ///
    /// # Errors
    /// [`StoreError::Query`](crate::StoreError::Query).
    pub async fn outbox_sent(&self, seqs: &[i64]) -> Result<()> {
        if seqs.is_empty() {
            return Ok(());
        }
        let mut tx = self.backend.begin("mark messages as sent").await?;
        let mut statement = Sql { text: "DELETE FROM outbox WHERE ".to_owned(), params: Vec::new() };
        statement.any(tx.dialect(), "seq", Param::Ints(seqs.to_vec()));
        tx.execute(statement).await?;
        tx.commit().await
    }
}
