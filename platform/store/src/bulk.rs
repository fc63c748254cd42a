//! Writing many rows with few statements.
//!
//! Postgres gets one array per column (`UNNEST`) and the values that all rows share once, SQLite one `VALUES` list. Rows go in chunks, so that the size of a statement does not grow with the size of a scan.

use sqlx::{Arguments as _, AssertSqlSafe};

use crate::connection::{Inner, Tx};
use crate::dialect::{postgres, sqlite};
use crate::sql::{Param, Sql};
use crate::{Result, StoreError};

/// Type of a column that differs from row to row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Json,
    Int,
    Bool,
    Bytes,
    Uuid,
}

impl Kind {
    fn postgres_array(self) -> &'static str {
        match self {
            Self::Text => "::text[]",
            Self::Json => "::jsonb[]",
            Self::Int => "::bigint[]",
            Self::Bool => "::boolean[]",
            Self::Bytes => "::bytea[]",
            Self::Uuid => "::uuid[]",
        }
    }
}

/// Where rows go.
pub(crate) struct Insert {
    /// The table.
    pub(crate) into: &'static str,
    /// Columns with one value for all rows, with the Postgres type of that value.
    pub(crate) shared: &'static [(&'static str, &'static str)],
    /// Columns with a value per row.
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// What follows the rows: the `ON CONFLICT` clause, or nothing.
    pub(crate) on_conflict: &'static str,
}

impl Tx {
    /// Inserts `rows`, each with one value per entry of `insert.columns`.
    pub(crate) async fn insert(
        &mut self,
        insert: &Insert,
        shared: &[Param],
        rows: Vec<Vec<Param>>,
    ) -> Result<()> {
        let per_statement = match self.inner {
            Inner::Sqlite(_) => sqlite::ROWS_PER_INSERT,
            Inner::Postgres(_) => postgres::ROWS_PER_INSERT,
        };
        let mut rows = rows.into_iter();
        loop {
            let chunk: Vec<Vec<Param>> = rows.by_ref().take(per_statement).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            match &self.inner {
                Inner::Sqlite(_) => self.execute(values(insert, shared, chunk)).await.map(drop)?,
                Inner::Postgres(_) => self.insert_arrays(insert, shared, chunk).await?,
            }
        }
    }

    async fn insert_arrays(
        &mut self,
        insert: &Insert,
        shared: &[Param],
        rows: Vec<Vec<Param>>,
    ) -> Result<()> {
        let mut arguments = postgres::arguments(shared.to_vec()).map_err(|error| self.failed(error))?;
        let mut columns: Vec<Vec<Param>> =
            insert.columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        for ((_, kind), column) in insert.columns.iter().zip(columns) {
            postgres::add_column(&mut arguments, *kind, column).map_err(|error| self.failed(error))?;
        }
        debug_assert_eq!(arguments.len(), insert.shared.len() + insert.columns.len());
        let Inner::Postgres(tx) = &mut self.inner else { return Ok(()) };
        let query = sqlx::query_with(AssertSqlSafe(arrays(insert).text), arguments);
        let done = query.execute(&mut **tx).await;
        done.map(drop).map_err(|source| StoreError::Query { operation: "insert rows", source })
    }
}

fn head(insert: &Insert) -> Sql {
    let mut statement = Sql { text: String::with_capacity(512), params: Vec::new() };
    statement.push("INSERT INTO ").push(insert.into).push(" (");
    let names =
        insert.shared.iter().map(|(name, _)| *name).chain(insert.columns.iter().map(|(name, _)| *name));
    for (index, name) in names.enumerate() {
        statement.push(if index == 0 { "" } else { ", " }).push(name);
    }
    statement.push(") ");
    statement
}

/// `INSERT … VALUES (?, ?, ?, ?), (?, ?, ?, ?)`, the shared values first in each row. The driver finds a parameter with a name by walking over the names of
/// those before it, which costs more than sending a shared value again; those without a name have their place.
fn values(insert: &Insert, shared: &[Param], rows: Vec<Vec<Param>>) -> Sql {
    let mut statement = head(insert);
    statement.push("VALUES ");
    for (index, row) in rows.into_iter().enumerate() {
        statement.push(if index == 0 { "(" } else { ", (" });
        for (number, value) in shared.iter().cloned().chain(row).enumerate() {
            statement.push(if number == 0 { "?" } else { ", ?" }).params.push(value);
        }
        statement.push(")");
    }
    statement.push(" ").push(insert.on_conflict);
    statement
}

/// `INSERT … SELECT $1::text, u.* FROM UNNEST($2::text[], $3::bigint[]) AS u`.
fn arrays(insert: &Insert) -> Sql {
    let mut statement = head(insert);
    statement.push("SELECT ");
    for (number, (_, kind)) in insert.shared.iter().enumerate() {
        statement.placeholder(number + 1).push(kind).push(", ");
    }
    statement.push("u.* FROM UNNEST(");
    for (number, (_, kind)) in insert.columns.iter().enumerate() {
        statement.push(if number == 0 { "" } else { ", " });
        statement.placeholder(insert.shared.len() + number + 1).push(kind.postgres_array());
    }
    statement.push(") AS u ").push(insert.on_conflict);
    statement
}
