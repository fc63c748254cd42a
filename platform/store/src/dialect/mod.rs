//! Where the two databases differ, side by side: how to open one, how a value is written and read, how many rows go in
//! at once, and the few words of SQL that are not shared.

pub(crate) mod postgres;
pub(crate) mod sqlite;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// What stands before and after a list parameter in the condition "is one of".
    pub(crate) fn any(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => sqlite::ANY,
            Self::Postgres => postgres::ANY,
        }
    }

    /// Locks the selected rows until the transaction ends. SQLite has one writer at a time, so it needs no word.
    pub(crate) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => postgres::FOR_UPDATE,
        }
    }

    /// Draws the next number of the sequence `$1` as `value`.
    pub(crate) fn next(self) -> &'static str {
        match self {
            Self::Sqlite => sqlite::NEXT,
            Self::Postgres => postgres::NEXT,
        }
    }

    /// What asks for the plan of the statement after it, and the column that the answer stands in.
    pub(crate) fn explain(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => ("EXPLAIN QUERY PLAN ", "detail"),
            Self::Postgres => ("EXPLAIN ", "QUERY PLAN"),
        }
    }
}
