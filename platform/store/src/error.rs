//! What can go wrong with the store, in words that name the operation, what it was about and what to do.

use thiserror::Error;
use uuid::Uuid;

/// An operation of the store that did not happen. Nothing is half done: every write is one transaction.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL is not one of the two forms.
    #[error("cannot read the store URL: {reason}; use sqlite:PATH or postgres://USER@HOST/DATABASE")]
    Url {
        /// What is wrong with it, without the URL itself, which may hold a password.
        reason: String,
    },
    /// The database did not answer.
    #[error(
        "could not connect to the store at {place}; check that it runs and that the credentials are right"
    )]
    Connect {
        /// Host, port and database, or the file; never a password.
        place: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The database answers but cannot be used.
    #[error("the store at {place} cannot be used: {reason}")]
    Unsuitable {
        /// Host, port and database, or the file.
        place: String,
        /// What it lacks and what is needed.
        reason: String,
    },
    /// A migration failed; it was rolled back.
    #[error("could not apply migration {version} to the store; it was rolled back")]
    Migrate {
        /// Number of the migration.
        version: i64,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The tables were made by a later release.
    #[error(
        "the store is at version {found} and this program knows only {known}; start the newer program or restore a backup"
    )]
    TooNew {
        /// Version of the tables.
        found: i64,
        /// Latest version this program knows.
        known: i64,
    },
    /// A migration that was applied is not the one this program holds under that number.
    #[error(
        "migration {version} in the store differs from this program's; the store belongs to another build"
    )]
    MigrationChanged {
        /// Number of the migration.
        version: i64,
    },
    /// There is no such version of a plugin.
    #[error("the plugin {plugin} has no version {digest}; `palisade plugin list` shows what there is")]
    PluginUnknown {
        /// Id of the plugin.
        plugin: String,
        /// Digest that was asked for.
        digest: String,
    },
    /// A statement failed.
    #[error("could not {operation}")]
    Query {
        /// Verb and object, such as `list findings`.
        operation: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A stored value is not what this program writes.
    #[error(
        "could not {operation}: column {column} holds a value this program does not understand: {reason}"
    )]
    Unreadable {
        /// Verb and object.
        operation: &'static str,
        /// Column.
        column: &'static str,
        /// What was wrong with the value.
        reason: String,
    },
    /// A value could not be written as JSON.
    #[error("could not write {what} as JSON")]
    Encode {
        /// What was to be written.
        what: &'static str,
        /// What serde said.
        #[source]
        source: serde_json::Error,
    },
    /// A page cursor that this store did not hand out for this list and order.
    #[error("the page cursor is not valid for this list and order; start again without a cursor")]
    CursorInvalid,
    /// The key was used before for something else.
    #[error("the idempotency key was used before for another request (scan {scan}); use a new key")]
    IdempotencyConflict {
        /// The scan that the key belongs to.
        scan: Uuid,
    },
    /// The id was used before for something else.
    #[error("scan {scan} exists already with another request; use a new id")]
    ScanIdConflict {
        /// The id.
        scan: Uuid,
    },
    /// There is no such scan in this tenant.
    #[error("there is no scan {scan}")]
    ScanUnknown {
        /// The id.
        scan: Uuid,
    },
    /// A value is longer than its column may be.
    #[error("{what} is {length} bytes long; at most {max} are kept")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The bound in bytes.
        max: usize,
    },
    /// A token of that name exists.
    #[error("there is already a token named {name:?}; choose another name or revoke that one")]
    TokenNameTaken {
        /// The name.
        name: String,
    },
    /// A source of events of that name exists.
    #[error("there is already a source of events named {name:?}; choose another name or remove that one")]
    SourceNameTaken {
        /// The name.
        name: String,
    },
    /// Another process has the right to judge events, or that of this one has ended.
    #[error("another process judges the events of this tenant now; nothing was written")]
    Fenced,
    /// A finding cannot have more tags than it would have then.
    #[error("a finding has at most {max} tags; take others away first")]
    TagsFull {
        /// Most tags of a finding.
        max: usize,
    },
    /// What was to be changed is not as it was when the caller looked.
    #[error("{what} was changed meanwhile: it is version {found} and not {expected}; look again")]
    Stale {
        /// What it is.
        what: &'static str,
        /// The version that it has.
        found: u64,
        /// The version that the caller has seen.
        expected: u64,
    },
}

impl StoreError {
    /// The stable word for this error in logs, wire forms and documentation.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "store-url-invalid",
            Self::Connect { .. } => "store-unreachable",
            Self::Unsuitable { .. } => "store-unsuitable",
            Self::Migrate { .. } => "store-migration-failed",
            Self::TooNew { .. } => "store-too-new",
            Self::MigrationChanged { .. } => "store-migration-changed",
            Self::Query { .. } => "store-query-failed",
            Self::Unreadable { .. } => "store-value-unreadable",
            Self::Encode { .. } => "store-encode-failed",
            Self::CursorInvalid => "cursor-invalid",
            Self::IdempotencyConflict { .. } => "idempotency-conflict",
            Self::ScanIdConflict { .. } => "scan-id-conflict",
            Self::ScanUnknown { .. } => "scan-unknown",
            Self::TooLong { .. } => "value-too-long",
            Self::TokenNameTaken { .. } => "token-name-taken",
            Self::SourceNameTaken { .. } => "source-name-taken",
            Self::Fenced => "correlator-fenced",
            Self::TagsFull { .. } => "finding-tags-full",
            Self::Stale { .. } => "version-stale",
            Self::PluginUnknown { .. } => "plugin-version-unknown",
        }
    }

    /// Whether the same call may succeed later without anybody mending anything: the database was away, busy, or chose
    /// this transaction to break a deadlock.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { source, .. } | Self::Query { source, .. } => transient(source),
            _ => false,
        }
    }
}

fn transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| is_transient_code(&code)),
        _ => false,
    }
}

/// SQLite answers with a decimal result code (5 busy, 6 locked, in the low byte of extended codes); Postgres with five
/// characters: class 08 connection, 40 rollback, 53 resources, 57P administrator action, 55P03 lock not available.
fn is_transient_code(code: &str) -> bool {
    let postgres = code.len() == 5
        && (["08", "40", "53", "57P"].iter().any(|class| code.starts_with(class)) || code == "55P03");
    let sqlite = code.len() < 5 && code.parse::<i32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6));
    postgres || sqlite
}

#[cfg(test)]
mod tests {
    use super::is_transient_code;

    #[test]
    fn only_passing_trouble_is_transient() {
        for code in ["5", "6", "261", "517", "40001", "40P01", "08006", "53300", "57P01", "55P03"] {
            assert!(is_transient_code(code), "{code}");
        }
        for code in ["1", "11", "19", "787", "2067", "23505", "42601", "22021"] {
            assert!(!is_transient_code(code), "{code}");
        }
    }
}
