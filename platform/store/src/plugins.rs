//! Installed plugins: the component, the life of each version, and what was granted to it.
//!
//! A version is addressed by the digest of its component, and a grant belongs to one digest, so that nothing that was
//! allowed to one component is ever allowed to another. Every change is one transaction with its line in the audit log
//! and a new generation, which tells running processes to look again.

use jiff::Timestamp;
use model::{Digest, TenantId};
use serde_json::Value;

use crate::audit::{AuditEvent, note};
use crate::connection::Tx;
use crate::dialect::Dialect;
use crate::row::Row;
use crate::sql::{Param, sql};
use crate::{Result, Store, StoreError, clean};

/// Number that grows with every change of a plugin.
const GENERATION: &str = "plugin_seq";

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionState {
    /// Its bytes are here.
    Installed,
    /// Its signatures satisfy the trust policy.
    Verified,
    /// It compiles and its imports are offered.
    Compiled,
    /// It is the version in force.
    Ready,
    /// It asks for rights that nobody has granted; the version in force runs on.
    Waiting,
    /// It runs beside the version in force, and its answers are only compared.
    Canary,
    /// It was in force and failed too often.
    Quarantined,
    /// It is out of use and can be activated again.
    Retired,
    /// It may not be used.
    Refused,
}

impl VersionState {
    /// Every state, in the order of a version's life.
    pub const ALL: [Self; 9] = [
        Self::Installed,
        Self::Verified,
        Self::Compiled,
        Self::Ready,
        Self::Waiting,
        Self::Canary,
        Self::Quarantined,
        Self::Retired,
        Self::Refused,
    ];

    /// The word in the database, the API and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Verified => "verified",
            Self::Compiled => "compiled",
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Canary => "canary",
            Self::Quarantined => "quarantined",
            Self::Retired => "retired",
            Self::Refused => "refused",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether the version is the one in force.
    #[must_use]
    pub fn is_in_force(self) -> bool {
        matches!(self, Self::Ready | Self::Quarantined)
    }
}

/// A component to be kept.
#[derive(Debug, Clone)]
pub struct NewPluginVersion<'a> {
    /// Id of the plugin.
    pub plugin: &'a str,
    /// Digest of the component.
    pub digest: &'a Digest,
    /// Version, as its manifest says.
    pub version: &'a str,
    /// The component.
    pub bytes: &'a [u8],
    /// Where it came from, for people.
    pub source: &'a str,
    /// Who signed it, as far as the trust policy recognised them.
    pub signers: &'a [String],
    /// The signatures themselves, in the form that their reader knows; nothing where none were asked for.
    pub proof: Option<&'a [u8]>,
    /// Who installs it.
    pub actor: &'a str,
    /// When.
    pub at: Timestamp,
}

/// A version as it is kept, without its component.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginVersion {
    /// Id of the plugin.
    pub plugin: String,
    /// Digest of the component.
    pub digest: Digest,
    /// Version.
    pub version: String,
    /// Where it stands.
    pub state: VersionState,
    /// Where it came from.
    pub source: String,
    /// Who signed it.
    pub signers: Vec<String>,
    /// Why it stands there, where that needs words.
    pub note: String,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
    /// What was granted to it, as JSON of the host's rights; nothing if nobody ever did.
    pub rights: Option<Value>,
}

/// A change of a version's state.
#[derive(Debug, Clone)]
pub struct VersionChange<'a> {
    /// Id of the plugin.
    pub plugin: &'a str,
    /// Digest of the component.
    pub digest: &'a Digest,
    /// Where it stands from now on. [`VersionState::Ready`] retires the version that was in force, and ends its being a canary;
    /// [`VersionState::Canary`] retires another canary.
    pub state: VersionState,
    /// What is granted to it from now on, as JSON; nothing leaves the grant as it is.
    pub rights: Option<&'a Value>,
    /// Why, for people.
    pub note: &'a str,
    /// Who.
    pub actor: &'a str,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Keeps a version in the state [`VersionState::Installed`]. False when it was there already; then its signatures alone are
    /// replaced, as somebody else may have signed it since.
    ///
    /// # Errors
    /// [`StoreError::TooLong`], [`StoreError::Query`].
    pub async fn put_plugin(&self, tenant: &TenantId, new: &NewPluginVersion<'_>) -> Result<bool> {
        let plugin = clean::identity("a plugin's id", new.plugin)?;
        let mut tx = self.backend.begin("keep a plugin").await?;
        let statement = sql(
            "INSERT INTO plugin_component (tenant, digest, bytes) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, digest) DO NOTHING",
            [tenant.into(), new.digest.as_str().into(), new.bytes.to_vec().into()],
        );
        tx.execute(statement).await?;
        let seq = tx.next(GENERATION).await?;
        let statement = sql(
            "INSERT INTO plugin_version (tenant, plugin, digest, version, state, source, signers, note,
                 installed_at, changed_at, seq, proof)
             VALUES ($1, $2, $3, $4, 'installed', $5, $6, '', $7, $7, $8, $9)
             ON CONFLICT (tenant, plugin, digest) DO NOTHING",
            [
                tenant.into(),
                plugin.as_str().into(),
                new.digest.as_str().into(),
                clean::identity("a plugin's version", new.version)?.into(),
                clean::text(new.source).as_ref().into(),
                Param::Json(Some(clean::json("signers", &new.signers)?)),
                new.at.into(),
                seq.into(),
                Param::Bytes(new.proof.map(<[u8]>::to_vec)),
            ],
        );
        if tx.execute(statement).await? == 0 {
            let statement = sql(
                "UPDATE plugin_version SET signers = $4, proof = $5 WHERE tenant = $1 AND plugin = $2 AND digest = $3",
                [
                    tenant.into(),
                    plugin.as_str().into(),
                    new.digest.as_str().into(),
                    Param::Json(Some(clean::json("signers", &new.signers)?)),
                    Param::Bytes(new.proof.map(<[u8]>::to_vec)),
                ],
            );
            tx.execute(statement).await?;
            tx.commit().await?;
            return Ok(false);
        }
        let detail = format!("{} {} from {}", new.version, new.digest, new.source);
        note(&mut tx, tenant, &event(new.at, new.actor, "plugin-installed", &plugin, &detail)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Moves a version to another state, and grants rights to it.
    ///
    /// # Errors
    /// [`StoreError::PluginUnknown`] when there is no such version, [`StoreError::Query`].
    pub async fn change_plugin(&self, tenant: &TenantId, change: &VersionChange<'_>) -> Result<()> {
        let mut tx = self.backend.begin("change a plugin").await?;
        if self.backend.dialect() == Dialect::Postgres {
            // Whoever decides about another version of this plugin waits, and then sees what was decided here.
            let lock = "SELECT digest FROM plugin_version WHERE tenant = $1 AND plugin = $2 ORDER BY digest FOR UPDATE";
            tx.rows(sql(lock, [tenant.into(), change.plugin.into()])).await?;
        }
        let seq = tx.next(GENERATION).await?;
        let make_room = match change.state {
            VersionState::Ready => {
                "UPDATE plugin_version SET state = 'retired', changed_at = $4, note = '', seq = $5
                 WHERE tenant = $1 AND plugin = $2 AND digest <> $3 AND state IN ('ready', 'quarantined')"
            }
            VersionState::Canary => {
                "UPDATE plugin_version SET state = 'retired', changed_at = $4, note = '', seq = $5
                 WHERE tenant = $1 AND plugin = $2 AND digest <> $3 AND state = 'canary'"
            }
            _ => "",
        };
        if !make_room.is_empty() {
            let params = [
                tenant.into(),
                change.plugin.into(),
                change.digest.as_str().into(),
                change.at.into(),
                seq.into(),
            ];
            tx.execute(sql(make_room, params)).await?;
        }
        let statement = sql(
            "UPDATE plugin_version SET state = $4, note = $5, changed_at = $6, seq = $7
             WHERE tenant = $1 AND plugin = $2 AND digest = $3",
            [
                tenant.into(),
                change.plugin.into(),
                change.digest.as_str().into(),
                change.state.as_str().into(),
                clean::text(change.note).as_ref().into(),
                change.at.into(),
                seq.into(),
            ],
        );
        if tx.execute(statement).await? == 0 {
            return Err(StoreError::PluginUnknown {
                plugin: change.plugin.to_owned(),
                digest: change.digest.to_string(),
            });
        }
        if let Some(rights) = change.rights {
            grant(&mut tx, tenant, change, rights).await?;
        }
        let action = format!("plugin-{}", change.state.as_str());
        let detail = format!("{} {}", change.digest, change.note);
        note(&mut tx, tenant, &event(change.at, change.actor, &action, change.plugin, detail.trim())).await?;
        tx.commit().await
    }

    /// Every version of every plugin, by id, newest first; at most 10,000.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn plugin_versions(&self, tenant: &TenantId) -> Result<Vec<PluginVersion>> {
        let statement = sql(
            "SELECT v.plugin, v.digest, v.version, v.state, v.source, v.signers, v.note, v.installed_at,
                 v.changed_at, g.rights
             FROM plugin_version v LEFT JOIN plugin_grant g
                 ON g.tenant = v.tenant AND g.plugin = v.plugin AND g.digest = v.digest
             WHERE v.tenant = $1 ORDER BY v.plugin, v.installed_at DESC, v.digest LIMIT 10000",
            [tenant.into()],
        );
        self.backend.rows("list plugins", statement).await?.iter().map(read).collect()
    }

    /// The component of this digest.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn plugin_component(&self, tenant: &TenantId, digest: &Digest) -> Result<Option<Vec<u8>>> {
        let statement = sql(
            "SELECT bytes FROM plugin_component WHERE tenant = $1 AND digest = $2",
            [tenant.into(), digest.as_str().into()],
        );
        let row = self.backend.row("read a plugin", statement).await?;
        row.map(|row| row.bytes("bytes")).transpose()
    }

    /// The signatures that a version was installed with; nothing where none were asked for.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn plugin_proof(
        &self,
        tenant: &TenantId,
        plugin: &str,
        digest: &Digest,
    ) -> Result<Option<Vec<u8>>> {
        let statement = sql(
            "SELECT proof FROM plugin_version WHERE tenant = $1 AND plugin = $2 AND digest = $3",
            [tenant.into(), plugin.into(), digest.as_str().into()],
        );
        let row = self.backend.row("read a plugin's signatures", statement).await?;
        row.map(|row| row.bytes_or_null("proof")).transpose().map(Option::flatten)
    }

    /// A number that is another one after every change of a plugin.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn plugin_generation(&self, tenant: &TenantId) -> Result<i64> {
        let statement = sql(
            "SELECT coalesce(max(seq), 0) AS generation FROM plugin_version WHERE tenant = $1",
            [tenant.into()],
        );
        let row = self.backend.row("look for changed plugins", statement).await?;
        row.map_or(Ok(0), |row| row.int("generation"))
    }
}

async fn grant(tx: &mut Tx, tenant: &TenantId, change: &VersionChange<'_>, rights: &Value) -> Result<()> {
    let statement = sql(
        "INSERT INTO plugin_grant (tenant, plugin, digest, rights, granted_by, granted_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, plugin, digest) DO UPDATE SET rights = excluded.rights,
             granted_by = excluded.granted_by, granted_at = excluded.granted_at",
        [
            tenant.into(),
            change.plugin.into(),
            change.digest.as_str().into(),
            Param::Json(Some(clean::json("rights", rights)?)),
            clean::text(change.actor).as_ref().into(),
            change.at.into(),
        ],
    );
    tx.execute(statement).await?;
    let detail = format!("{} {rights}", change.digest);
    note(tx, tenant, &event(change.at, change.actor, "plugin-granted", change.plugin, &detail)).await
}

fn event(at: Timestamp, actor: &str, action: &str, plugin: &str, detail: &str) -> AuditEvent {
    AuditEvent {
        at,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: plugin.to_owned(),
        detail: detail.to_owned(),
    }
}

fn read(row: &Row) -> Result<PluginVersion> {
    Ok(PluginVersion {
        plugin: row.text("plugin")?,
        digest: row.word("digest", |text| Digest::parse(text).ok())?,
        version: row.text("version")?,
        state: row.word("state", VersionState::from_word)?,
        source: row.text("source")?,
        signers: row.json("signers")?,
        note: row.text("note")?,
        installed_at: row.time("installed_at")?,
        changed_at: row.time("changed_at")?,
        rights: row.json_or_null("rights")?,
    })
}
