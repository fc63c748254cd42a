//! Access tokens. Only a hash is kept: whoever reads the database cannot act with what is in it.

use jiff::{SignedDuration, Timestamp};
use model::TenantId;

use crate::row::Row;
use crate::sql::sql;
use crate::{Result, Store, StoreError, clean};

/// BLAKE3 of a token. Tokens are long random texts, so a fast hash without salt is right: there is nothing to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token as its bearer sends it.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(*blake3::hash(token.as_bytes()).as_bytes())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

/// A token to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Hash of the secret.
    pub hash: TokenHash,
    /// What people call it; one of each name per tenant.
    pub name: String,
    /// What it allows, in the words of the API.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it, for people.
    pub created_by: String,
    /// From when it opens nothing; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose data it opens.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it; `None` for tokens that are older than this was kept.
    pub created_by: Option<String>,
    /// From when it opens nothing; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute; see [`Store::token_used`].
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Whether it has expired.
    #[must_use]
    pub fn is_over(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= at)
    }
}

/// A busy token would otherwise write on every request.
const USE_RESOLUTION: SignedDuration = SignedDuration::from_mins(1);

impl Store {
    /// Keeps a new token.
    ///
    /// # Errors
    /// [`StoreError::TokenNameTaken`], [`StoreError::TooLong`], [`StoreError::Query`].
    pub async fn put_token(&self, tenant: &TenantId, token: &NewToken) -> Result<()> {
        let name = clean::identity("a token's name", &token.name)?;
        let mut tx = self.backend.begin("keep a token").await?;
        let statement = sql(
            "INSERT INTO token (tenant, hash, name, scopes, created_at, created_by, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (tenant, name) DO NOTHING",
            [
                tenant.into(),
                token.hash.0.to_vec().into(),
                name.as_str().into(),
                crate::sql::Param::Json(Some(clean::json("scopes", &token.scopes)?)),
                token.created_at.into(),
                clean::text(&token.created_by).as_ref().into(),
                token.expires_at.into(),
            ],
        );
        if tx.execute(statement).await? == 0 {
            return Err(StoreError::TokenNameTaken { name });
        }
        tx.commit().await
    }

    /// The token with this hash. The only question that is asked without a tenant: its answer says which one it is.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn token(&self, hash: &TokenHash) -> Result<Option<Token>> {
        let statement = sql(
            "SELECT tenant, name, scopes, created_at, created_by, expires_at, last_used_at FROM token WHERE hash = $1",
            [hash.0.to_vec().into()],
        );
        let row = self.backend.row("look up a token", statement).await?;
        row.as_ref().map(read).transpose()
    }

    /// The tokens of a tenant, by name; at most 1,000.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn tokens(&self, tenant: &TenantId) -> Result<Vec<Token>> {
        let statement = sql(
            "SELECT tenant, name, scopes, created_at, created_by, expires_at, last_used_at FROM token WHERE tenant = $1
             ORDER BY name LIMIT 1000",
            [tenant.into()],
        );
        self.backend.rows("list tokens", statement).await?.iter().map(read).collect()
    }

    /// Notes that the token was used. Writes at most once a minute per token.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn token_used(
        &self,
        tenant: &TenantId,
        hash: &TokenHash,
        token: &Token,
        at: Timestamp,
    ) -> Result<()> {
        let fresh = token.last_used_at.is_some_and(|last| at.duration_since(last) < USE_RESOLUTION);
        if fresh {
            return Ok(());
        }
        let mut tx = self.backend.begin("note the use of a token").await?;
        let statement = sql(
            "UPDATE token SET last_used_at = $3 WHERE tenant = $1 AND hash = $2",
            [tenant.into(), hash.0.to_vec().into(), at.into()],
        );
        tx.execute(statement).await?;
        tx.commit().await
    }

    /// Forgets the token of this name; false if there is none.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn revoke_token(&self, tenant: &TenantId, name: &str) -> Result<bool> {
        let mut tx = self.backend.begin("revoke a token").await?;
        let statement = sql(
            "DELETE FROM token WHERE tenant = $1 AND name = $2",
            [tenant.into(), clean::text(name).as_ref().into()],
        );
        let gone = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// How many tokens a tenant has; none means that nobody can come in yet.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn token_count(&self, tenant: &TenantId) -> Result<u64> {
        let statement = sql("SELECT count(*) AS tokens FROM token WHERE tenant = $1", [tenant.into()]);
        let row = self.backend.row("count tokens", statement).await?;
        row.map_or(Ok(0), |row| row.count("tokens"))
    }
}

fn read(row: &Row) -> Result<Token> {
    Ok(Token {
        tenant: row.word("tenant", |text| TenantId::parse(text).ok())?,
        name: row.text("name")?,
        scopes: row.json("scopes")?,
        created_at: row.time("created_at")?,
        created_by: row.text_or_null("created_by")?,
        expires_at: row.time_or_null("expires_at")?,
        last_used_at: row.time_or_null("last_used_at")?,
    })
}
