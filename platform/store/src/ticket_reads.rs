//! The way back of tickets: where they stand in the other system, and what follows for the findings.

use jiff::Timestamp;
use model::{TenantId, Triage};

use crate::sql::sql;
use crate::triage::{By, Changing, TriageChange, held, lock_assets};
use crate::{Result, Store, clean};

/// Findings of one ticket that follow it at once.
const FOLLOWING_MAX: i64 = 1_000;

/// Where a ticket stands, in words that all systems have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has begun.
    Open,
    /// Somebody is at it.
    InProgress,
    /// People have closed it as mended.
    Done,
    /// People have closed it and will not mend it.
    Rejected,
}

impl Standing {
    const ALL: [Self; 4] = [Self::Open, Self::InProgress, Self::Done, Self::Rejected];

    /// The word used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in-progress",
            Self::Done => "done",
            Self::Rejected => "rejected",
        }
    }

    /// Reads [`Standing::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == name)
    }
}

/// A ticket as it was read in the other system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRead {
    /// That system's name for it.
    pub external_id: String,
    /// Where it stands, in that system's words.
    pub status: String,
    /// The same in ours.
    pub standing: Standing,
}

impl Store {
    /// How far a destination was read: the plugin's own word for the place, and when that was.
    ///
    /// # Errors
    /// Database errors.
    pub async fn read_until(
        &self,
        tenant: &TenantId,
        destination: &str,
    ) -> Result<(Option<String>, Option<Timestamp>)> {
        let statement = sql(
            "SELECT cursor, read_at FROM destination WHERE tenant = $1 AND name = $2",
            [tenant.into(), clean::key(destination).into()],
        );
        let row = self.backend.row("find how far a destination was read", statement).await?;
        row.map_or(Ok((None, None)), |row| Ok((row.text_or_null("cursor")?, row.time_or_null("read_at")?)))
    }

    /// Takes over where tickets stand, and that the destination was read up to `cursor`; nothing leaves the one where it was. How many tickets
    /// stand otherwise than before.
    ///
    /// Findings of a ticket that somebody is at are in progress, if nobody has said more of them. A ticket that people have closed is marked, so
    /// that it is looked at whether the findings are gone. What is read twice changes nothing.
    ///
    /// # Errors
    /// Database errors.
    pub async fn tickets_read(
        &self,
        tenant: &TenantId,
        destination: &str,
        read: &[TicketRead],
        cursor: Option<&str>,
        at: Timestamp,
    ) -> Result<u64> {
        let name = clean::key(destination);
        let mut moved = 0;
        for ticket in read {
            moved += u64::from(self.ticket_read(tenant, &name, ticket, at).await?);
        }
        let mut tx = self.backend.begin("note how far a destination was read").await?;
        let statement = sql(
            "UPDATE destination SET cursor = COALESCE($3, cursor), read_at = $4 WHERE tenant = $1 AND name = $2",
            [
                tenant.into(),
                name.into(),
                cursor.map(|cursor| clean::text(cursor).into_owned()).into(),
                at.into(),
            ],
        );
        tx.execute(statement).await?;
        tx.commit().await?;
        Ok(moved)
    }

    async fn ticket_read(
        &self,
        tenant: &TenantId,
        name: &str,
        read: &TicketRead,
        at: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.backend.begin("read a ticket").await?;
        let known = sql(
            "SELECT key, category, status, open FROM ticket WHERE tenant = $1 AND destination = $2 AND external_id = $3",
            [tenant.into(), name.into(), clean::text(&read.external_id).as_ref().into()],
        );
        let Some(row) = tx.row(known).await? else { return Ok(false) };
        let (key, open) = (row.text("key")?, row.bool("open")?);
        let before = row.text_or_null("category")?;
        let status = clean::text(&read.status);
        if before.as_deref() == Some(read.standing.as_str())
            && row.text_or_null("status")?.as_deref() == Some(&*status)
        {
            return Ok(false);
        }
        let moved = before.as_deref() != Some(read.standing.as_str());
        if moved && read.standing == Standing::InProgress {
            begin_work(&mut tx, tenant, name, &key, read, at).await?;
        }
        let look = moved && open && read.standing == Standing::Done;
        let statement = sql(
            "UPDATE ticket SET status = $4, category = $5, read_at = $6, mark = mark + $7,
                 next_at = CASE WHEN $7 = 1 THEN $6 ELSE next_at END
             WHERE tenant = $1 AND destination = $2 AND key = $3",
            [
                tenant.into(),
                name.into(),
                key.into(),
                status.as_ref().into(),
                read.standing.as_str().into(),
                at.into(),
                i64::from(look).into(),
            ],
        );
        tx.execute(statement).await?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Puts off telling a ticket that is still to be told.
    ///
    /// # Errors
    /// Database errors.
    pub async fn put_off_ticket(
        &self,
        tenant: &TenantId,
        destination: &str,
        key: &str,
        until: Timestamp,
    ) -> Result<()> {
        let statement = sql(
            "UPDATE ticket SET next_at = $4 WHERE tenant = $1 AND destination = $2 AND key = $3 AND mark > 0",
            [tenant.into(), clean::key(destination).into(), key.into(), until.into()],
        );
        let mut tx = self.backend.begin("put a ticket off").await?;
        tx.execute(statement).await?;
        tx.commit().await
    }
}

/// Findings of a ticket that nobody has said more of than that they know are in progress from now on.
async fn begin_work(
    tx: &mut crate::connection::Tx,
    tenant: &TenantId,
    name: &str,
    key: &str,
    read: &TicketRead,
    at: Timestamp,
) -> Result<()> {
    let members = sql(
        "SELECT fingerprint FROM destination_member WHERE tenant = $1 AND destination = $2 AND key = $3
         ORDER BY fingerprint LIMIT $4",
        [tenant.into(), name.into(), key.into(), FOLLOWING_MAX.into()],
    );
    let rows = tx.rows(members).await?;
    let fingerprints = rows.iter().map(|row| row.text("fingerprint")).collect::<Result<Vec<_>>>()?;
    lock_assets(tx, tenant, &fingerprints).await?;
    let by = By { actor: format!("{name} {}", read.external_id), at };
    let change = TriageChange {
        status: Some(Triage::InProgress),
        comment: Some(format!("The ticket {} in {name} is {:?} there.", read.external_id, read.status)),
        ..TriageChange::default()
    };
    let change = change.cleaned()?;
    let mut changing = Changing::new(tenant, &by);
    for found in held(tx, tenant, fingerprints).await? {
        if matches!(found.before.status(), Triage::Open | Triage::Reopened | Triage::Acknowledged) {
            changing.change(tx, &found, &change).await?;
        }
    }
    changing.finish(tx).await
}
