//! SQLite: one file, one writer, many readers.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Arguments as _, ConnectOptions as _, Connection as _};

use crate::sql::Param;

pub(crate) const ANY: (&str, &str) = (" IN (SELECT value FROM json_each(", "))");

/// The next number of the sequence `$1`.
pub(crate) const NEXT: &str = "INSERT INTO sequence (name, value) VALUES ($1, 1)
    ON CONFLICT (name) DO UPDATE SET value = sequence.value + 1 RETURNING value";

/// Rows in one `INSERT`. Each statement is a way to the thread of the connection and back; statements of each number of rows up to this one are
/// prepared and kept, so that more would push each other out.
pub(crate) const ROWS_PER_INSERT: usize = 50;

/// Page cache of the writer, in KiB (SQLite's sign for that is a minus). With the default of 2 MB a merge of 10,000 findings
/// writes its pages to the journal and reads them back several times.
const WRITER_CACHE: &str = "-32768";

/// Pages of the write-ahead log after which they are written into the file, and synced there: 16 MiB. With the default of 4 a flood of events does that with
/// nearly every commit, and writes the same pages of indexes again and again.
const CHECKPOINT_PAGES: &str = "4096";

/// How long a writer waits for another process's transaction. The longest of ours is a merge of a large scan: seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Readers run beside the writer; more than the cores of a small machine only queue in another place.
const READERS_MAX: u32 = 4;

/// The one connection that writes and the few that read.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
}

/// Opens the file, creating it if it is missing.
pub(crate) async fn open(path: &Path) -> Result<Pools, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit must survive the loss of power, not only of the process: it acknowledges a message.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut tries = 0;
    let writer = loop {
        let writing = options.clone().pragma("cache_size", WRITER_CACHE);
        match pool(1).connect_with(writing.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)).await {
            // Switching a new file to WAL does not wait for the busy timeout; several processes may be doing just that.
            Err(error) if is_busy(&error) && tries < OPEN_TRIES_MAX => tries += 1,
            opened => break opened?,
        }
        tokio::time::sleep(OPEN_PAUSE).await;
    };
    let readers = pool(READERS_MAX).connect_with(options.pragma("query_only", "ON")).await?;
    Ok(Pools { writer, readers })
}

/// Together ten seconds: longer than any process needs to switch a file to WAL.
const OPEN_TRIES_MAX: u32 = 200;
const OPEN_PAUSE: Duration = Duration::from_millis(50);

/// Longest wait for a connection: that of the writer is held for as long as a large merge takes.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(60);

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.parse::<i32>().is_ok_and(|code| code & 0xff == 5))
}

/// Connections to a file do not go stale, so none is tested, aged or closed for idleness.
fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|connection, _| Box::pin(is_done(connection)))
}

/// Whether a connection can be used again. Where the disk was full SQLite has taken a transaction back by itself; the driver's own attempt
/// fails then, and it would count the transaction as open for ever.
async fn is_done(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Behind whatever the end of a transaction has left to do.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Writes the parameters in SQLite's types.
pub(crate) fn arguments(params: Vec<Param>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for param in params {
        let added = match param {
            Param::Text(value) | Param::Json(value) => arguments.add(value),
            Param::Int(value) => arguments.add(value),
            Param::Bool(value) => arguments.add(value),
            Param::Time(value) => arguments.add(value.map(|time| time.as_microsecond())),
            Param::Uuid(value) => arguments.add(value.map(|uuid| uuid.to_string())),
            Param::Bytes(value) => arguments.add(value),
            Param::Texts(values) => arguments.add(json_array(&values)?),
            Param::Ints(values) => arguments.add(json_array(&values)?),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn json_array<T: serde::Serialize>(values: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(values).map_err(|error| sqlx::Error::Encode(error.into()))
}

#[cfg(test)]
mod tests {
    use super::open;

    /// The disk is full while a transaction writes: the next one can begin, whoever took that one back.
    #[test]
    fn a_full_disk_ends_a_transaction_and_not_the_connection() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let pools = open(&folder.path().join("full.db")).await.unwrap();
            sqlx::raw_sql("CREATE TABLE t (bytes BLOB); PRAGMA max_page_count = 200")
                .execute(&pools.writer)
                .await
                .unwrap();
            for _ in 0..3 {
                let Ok(mut tx) = pools.writer.begin_with("BEGIN IMMEDIATE").await else {
                    panic!("a transaction cannot begin after one that failed");
                };
                let large = "INSERT INTO t VALUES (zeroblob(2000000))";
                if sqlx::raw_sql(large).execute(&mut *tx).await.is_ok() {
                    tx.commit().await.unwrap();
                    return;
                }
                drop(tx);
            }
            panic!("a new connection has no such limit, and still nothing can be written");
        });
    }
}
