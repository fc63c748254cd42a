//! Books that must balance: what was accepted is finished, failed or still on its way.

use jiff::Timestamp;
use model::TenantId;

use crate::scans::ScanState;
use crate::sql::sql;
use crate::{Result, Store};

/// The scans of a tenant, counted by where they stand. Whatever the bus does, a lost message shows here: a scan that stays
/// on its way while [`Ledger::oldest_in_flight`] grows old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Everything that [`Store::submit_scan`] ever acknowledged.
    pub accepted: u64,
    /// Waiting for a worker.
    pub queued: u64,
    /// In a worker's hands.
    pub running: u64,
    /// Done, with a report.
    pub finished: u64,
    /// Done, with an error.
    pub failed: u64,
    /// When the oldest scan that is neither finished nor failed was submitted.
    pub oldest_in_flight: Option<Timestamp>,
    /// Messages that the bus has not confirmed yet.
    pub outbox: u64,
}

impl Ledger {
    /// Accepted and not done yet.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.queued.saturating_add(self.running)
    }

    /// Whether every accepted scan is in exactly one of the other places.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.accepted == self.in_flight().saturating_add(self.finished).saturating_add(self.failed)
    }
}

impl Store {
    /// The books of one tenant.
    ///
    /// # Errors
    /// [`StoreError::Query`](crate::StoreError::Query), [`StoreError::Unreadable`](crate::StoreError::Unreadable).
    pub async fn ledger(&self, tenant: &TenantId) -> Result<Ledger> {
        // The total is counted over all rows, not summed over the states, so that a row in no known state is missed.
        let statement = sql(
            "SELECT state, count(*) AS scans, min(submitted_at) AS oldest FROM scan WHERE tenant = $1 GROUP BY state
             UNION ALL SELECT 'accepted', count(*), NULL FROM scan WHERE tenant = $1
             UNION ALL SELECT 'outbox', count(*), NULL FROM outbox WHERE tenant = $1",
            [tenant.into()],
        );
        let mut ledger = Ledger::default();
        for row in self.backend.rows("read the ledger", statement).await? {
            let scans = row.count("scans")?;
            let name = row.text("state")?;
            match name.as_str() {
                "accepted" => ledger.accepted = scans,
                "outbox" => ledger.outbox = scans,
                _ => match row.word("state", ScanState::from_name)? {
                    ScanState::Queued => ledger.queued = scans,
                    ScanState::Running => ledger.running = scans,
                    ScanState::Finished => ledger.finished = scans,
                    ScanState::Failed => ledger.failed = scans,
                },
            }
            if matches!(name.as_str(), "queued" | "running") {
                let oldest = row.time_or_null("oldest")?;
                ledger.oldest_in_flight = ledger.oldest_in_flight.into_iter().chain(oldest).min();
            }
        }
        Ok(ledger)
    }
}
