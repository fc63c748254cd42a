//! One seam over the two databases: open, read, begin, write, commit.

use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use crate::dialect::{Dialect, postgres, sqlite};
use crate::row::{Row, Values};
use crate::sql::{Sql, sql};
use crate::{Result, StoreError};

/// The open database.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Sqlite(sqlite::Pools),
    Postgres(PgPool),
}

impl Backend {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return open_sqlite(path.strip_prefix("//").unwrap_or(path)).await;
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return open_postgres(url).await;
        }
        let scheme = url.split(':').next().unwrap_or_default().chars().take(20).collect::<String>();
        Err(StoreError::Url { reason: format!("its scheme is {scheme:?}") })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Starts a transaction that writes. SQLite takes its one write lock here, so that what the transaction reads cannot
    /// change under it; in Postgres the statements lock the rows they depend on.
    pub(crate) async fn begin(&self, operation: &'static str) -> Result<Tx> {
        let inner = match self {
            Self::Sqlite(pools) => pools.writer.begin_with("BEGIN IMMEDIATE").await.map(Inner::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(Inner::Postgres),
        };
        let inner = inner.map_err(|source| StoreError::Query { operation, source })?;
        Ok(Tx { operation, inner })
    }

    /// Runs one reading statement outside any transaction.
    pub(crate) async fn rows(&self, operation: &'static str, statement: Sql) -> Result<Vec<Row>> {
        let rows = match self {
            Self::Sqlite(pools) => sqlite_rows(operation, &pools.readers, statement).await,
            Self::Postgres(pool) => postgres_rows(operation, pool, statement).await,
        };
        rows.map_err(|source| StoreError::Query { operation, source })
    }

    /// Like [`Backend::rows`] for a statement that gives at most one row.
    pub(crate) async fn row(&self, operation: &'static str, statement: Sql) -> Result<Option<Row>> {
        Ok(self.rows(operation, statement).await?.into_iter().next())
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction. Dropped without [`Tx::commit`], it never happened.
pub(crate) struct Tx {
    operation: &'static str,
    pub(crate) inner: Inner,
}

pub(crate) enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn rows(&mut self, statement: Sql) -> Result<Vec<Row>> {
        let operation = self.operation;
        let rows = match &mut self.inner {
            Inner::Sqlite(tx) => sqlite_rows(operation, &mut **tx, statement).await,
            Inner::Postgres(tx) => postgres_rows(operation, &mut **tx, statement).await,
        };
        rows.map_err(|source| self.failed(source))
    }

    pub(crate) async fn row(&mut self, statement: Sql) -> Result<Option<Row>> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    /// Runs one writing statement and tells how many rows it touched.
    pub(crate) async fn execute(&mut self, statement: Sql) -> Result<u64> {
        let Sql { text, params } = statement;
        let done = match &mut self.inner {
            Inner::Sqlite(tx) => match sqlite::arguments(params) {
                Ok(arguments) => {
                    let query = sqlx::query_with(AssertSqlSafe(text), arguments);
                    query.execute(&mut **tx).await.map(|done| done.rows_affected())
                }
                Err(error) => Err(error),
            },
            Inner::Postgres(tx) => match postgres::arguments(params) {
                Ok(arguments) => {
                    let query = sqlx::query_with(AssertSqlSafe(text), arguments);
                    query.execute(&mut **tx).await.map(|done| done.rows_affected())
                }
                Err(error) => Err(error),
            },
        };
        done.map_err(|source| self.failed(source))
    }

    /// Draws a number that was never drawn before; later transactions draw higher ones.
    pub(crate) async fn next(&mut self, sequence: &'static str) -> Result<i64> {
        let statement = sql(self.dialect().next(), [sequence.into()]);
        let row = self.row(statement).await?;
        row.ok_or_else(|| self.failed(sqlx::Error::RowNotFound))?.int("value")
    }

    /// Runs a script of several statements without parameters: a migration.
    pub(crate) async fn script(&mut self, text: &'static str) -> std::result::Result<(), sqlx::Error> {
        match &mut self.inner {
            Inner::Sqlite(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
            Inner::Postgres(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        let done = match self.inner {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Postgres(tx) => tx.commit().await,
        };
        done.map_err(|source| StoreError::Query { operation: self.operation, source })
    }

    pub(crate) fn failed(&self, source: sqlx::Error) -> StoreError {
        StoreError::Query { operation: self.operation, source }
    }
}

async fn sqlite_rows<'c>(
    operation: &'static str,
    executor: impl sqlx::Executor<'c, Database = Sqlite>,
    statement: Sql,
) -> std::result::Result<Vec<Row>, sqlx::Error> {
    let arguments = sqlite::arguments(statement.params)?;
    // The text was put together from static text alone; see `sql`.
    let rows = sqlx::query_with(AssertSqlSafe(statement.text), arguments).fetch_all(executor).await?;
    Ok(rows.into_iter().map(|row| Row { operation, values: Values::Sqlite(row) }).collect())
}

async fn postgres_rows<'c>(
    operation: &'static str,
    executor: impl sqlx::Executor<'c, Database = Postgres>,
    statement: Sql,
) -> std::result::Result<Vec<Row>, sqlx::Error> {
    let arguments = postgres::arguments(statement.params)?;
    let rows = sqlx::query_with(AssertSqlSafe(statement.text), arguments).fetch_all(executor).await?;
    Ok(rows.into_iter().map(|row| Row { operation, values: Values::Postgres(row) }).collect())
}

async fn open_sqlite(path: &str) -> Result<Backend> {
    // Every connection to `:memory:` is a database of its own, so the writer's rows would be invisible to the readers.
    if path.is_empty() || path.starts_with(':') || path.contains('?') {
        return Err(StoreError::Url { reason: format!("{path:?} is not the path of a file") });
    }
    let opened = sqlite::open(Path::new(path)).await;
    opened.map(Backend::Sqlite).map_err(|source| StoreError::Connect { place: path.to_owned(), source })
}

async fn open_postgres(url: &str) -> Result<Backend> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Url { reason: "it is not a Postgres URL".to_owned() })?;
    let place = format!(
        "{}:{}/{}",
        options.get_socket().map_or(options.get_host().into(), |path| path.to_string_lossy()),
        options.get_port(),
        options.get_database().unwrap_or_else(|| options.get_username()),
    );
    let pool = postgres::open(options)
        .await
        .map_err(|source| StoreError::Connect { place: place.clone(), source })?;
    let backend = Backend::Postgres(pool);
    match unsuitable(&backend).await? {
        None => Ok(backend),
        Some(reason) => Err(StoreError::Unsuitable { place, reason }),
    }
}

/// Why this server cannot be used, if it cannot.
async fn unsuitable(backend: &Backend) -> Result<Option<String>> {
    let statement = sql(
        "SELECT CAST(current_setting('server_version_num') AS BIGINT) AS version,
                current_setting('server_encoding') AS encoding",
        [],
    );
    let Some(row) = backend.row("read the version of the server", statement).await? else {
        return Ok(Some("it does not tell its version".to_owned()));
    };
    let (version, encoding) = (row.int("version")?, row.text("encoding")?);
    if version < postgres::VERSION_MIN {
        return Ok(Some(format!("its version is {}; Postgres 15 or later is needed", version / 10_000)));
    }
    if encoding != "UTF8" {
        return Ok(Some(format!("its encoding is {encoding}; create the database with ENCODING 'UTF8'")));
    }
    Ok(None)
}
