//! Bringing the tables up to date. Forward only: a migration that was released is never edited, and going back means
//! restoring a backup.
//!
//! All missing migrations are applied in one transaction, under the lock that every starting process takes: SQLite's write
//! lock, an advisory lock in Postgres. So several processes may start at once and a failure leaves the tables as they were.
//! Our own few lines instead of the driver's migrator: that one neither locks SQLite nor refuses a database that is newer
//! than the program.

use crate::connection::{Backend, Tx};
use crate::dialect::Dialect;
use crate::row::Row;
use crate::sql::sql;
use crate::{Result, StoreError};

/// One step. Its text begins with a line that says why.
struct Migration {
    version: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Every step, oldest first, numbered without holes.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sqlite: include_str!("../migrations/sqlite/0001_first_tables.sql"),
        postgres: include_str!("../migrations/postgres/0001_first_tables.sql"),
    },
    Migration {
        version: 2,
        sqlite: include_str!("../migrations/sqlite/0002_plugins.sql"),
        postgres: include_str!("../migrations/postgres/0002_plugins.sql"),
    },
    Migration {
        version: 3,
        sqlite: include_str!("../migrations/sqlite/0003_plugin_proof.sql"),
        postgres: include_str!("../migrations/postgres/0003_plugin_proof.sql"),
    },
    Migration {
        version: 4,
        sqlite: include_str!("../migrations/sqlite/0004_scopes.sql"),
        postgres: include_str!("../migrations/postgres/0004_scopes.sql"),
    },
    Migration {
        version: 5,
        sqlite: include_str!("../migrations/sqlite/0005_followers.sql"),
        postgres: include_str!("../migrations/postgres/0005_followers.sql"),
    },
    Migration {
        version: 6,
        sqlite: include_str!("../migrations/sqlite/0006_response.sql"),
        postgres: include_str!("../migrations/postgres/0006_response.sql"),
    },
    Migration {
        version: 7,
        sqlite: include_str!("../migrations/sqlite/0007_events.sql"),
        postgres: include_str!("../migrations/postgres/0007_events.sql"),
    },
    Migration {
        version: 8,
        sqlite: include_str!("../migrations/sqlite/0008_backtests.sql"),
        postgres: include_str!("../migrations/postgres/0008_backtests.sql"),
    },
    Migration {
        version: 9,
        sqlite: include_str!("../migrations/sqlite/0009_triage.sql"),
        postgres: include_str!("../migrations/postgres/0009_triage.sql"),
    },
    Migration {
        version: 10,
        sqlite: include_str!("../migrations/sqlite/0010_imports.sql"),
        postgres: include_str!("../migrations/postgres/0010_imports.sql"),
    },
    Migration {
        version: 11,
        sqlite: include_str!("../migrations/sqlite/0011_tickets.sql"),
        postgres: include_str!("../migrations/postgres/0011_tickets.sql"),
    },
    Migration {
        version: 12,
        sqlite: include_str!("../migrations/sqlite/0012_identity.sql"),
        postgres: include_str!("../migrations/postgres/0012_identity.sql"),
    },
    Migration {
        version: 13,
        sqlite: include_str!("../migrations/sqlite/0013_audit_chain.sql"),
        postgres: include_str!("../migrations/postgres/0013_audit_chain.sql"),
    },
    Migration {
        version: 14,
        sqlite: include_str!("../migrations/sqlite/0014_risk.sql"),
        postgres: include_str!("../migrations/postgres/0014_risk.sql"),
    },
];

impl Migration {
    fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }

    /// Line ends do not count: a checkout may have changed them.
    fn checksum(&self, dialect: Dialect) -> Vec<u8> {
        blake3::hash(self.text(dialect).replace('\r', "").as_bytes()).as_bytes().to_vec()
    }

    fn reason(&self, dialect: Dialect) -> &'static str {
        self.text(dialect).lines().next().unwrap_or_default().trim_start_matches("-- ")
    }
}

const OPERATION: &str = "read the version of the store";

/// Applies what is missing.
pub(crate) async fn run(backend: &Backend) -> Result<()> {
    let dialect = backend.dialect();
    let mut tx = backend.begin("migrate the store").await?;
    if dialect == Dialect::Postgres {
        // A number of our own, from the letters "palisade"; it is released with the transaction.
        tx.execute(sql("SELECT pg_advisory_xact_lock($1)", [0x7061_6c69_7361_6465_i64.into()])).await?;
    }
    create_table(&mut tx).await.map_err(|source| StoreError::Query { operation: OPERATION, source })?;
    let applied = tx.rows(sql("SELECT version, checksum FROM schema_migration ORDER BY version", [])).await?;
    check(&applied, dialect)?;
    for migration in MIGRATIONS.iter().skip(applied.len()) {
        let failed = |source| StoreError::Migrate { version: migration.version, source };
        tx.script(migration.text(dialect)).await.map_err(failed)?;
        let statement = "INSERT INTO schema_migration (version, reason, checksum) VALUES ($1, $2, $3)";
        let checksum = migration.checksum(dialect).into();
        tx.execute(sql(statement, [migration.version.into(), migration.reason(dialect).into(), checksum]))
            .await?;
        tracing::info!(migration.version, migration.reason = migration.reason(dialect), "migrated the store");
    }
    tx.commit().await
}

async fn create_table(tx: &mut Tx) -> std::result::Result<(), sqlx::Error> {
    tx.script(match tx.dialect() {
        Dialect::Sqlite => {
            "CREATE TABLE IF NOT EXISTS schema_migration (
                version INTEGER NOT NULL PRIMARY KEY, reason TEXT NOT NULL, checksum BLOB NOT NULL) STRICT"
        }
        // Asked first, because the server would tell the client of every table that is already there.
        Dialect::Postgres => {
            "DO $$ BEGIN
                IF to_regclass('schema_migration') IS NULL THEN
                    CREATE TABLE schema_migration (
                        version BIGINT NOT NULL PRIMARY KEY, reason TEXT NOT NULL, checksum BYTEA NOT NULL);
                END IF;
            END $$"
        }
    })
    .await
}

/// What was applied must be a beginning of what this program knows.
fn check(applied: &[Row], dialect: Dialect) -> Result<()> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if let Some(last) = applied.last() {
        let found = last.int("version")?;
        if found > known {
            return Err(StoreError::TooNew { found, known });
        }
    }
    for (row, migration) in applied.iter().zip(MIGRATIONS) {
        if row.int("version")? != migration.version || row.bytes("checksum")? != migration.checksum(dialect) {
            return Err(StoreError::MigrationChanged { version: migration.version });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;
    use crate::dialect::Dialect;

    #[test]
    fn migrations_are_numbered_without_holes_and_say_why() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version, index as i64 + 1);
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                assert!(migration.text(dialect).starts_with("-- "), "{}", migration.version);
                assert!(migration.reason(dialect).ends_with('.'), "{}", migration.version);
            }
        }
    }
}
