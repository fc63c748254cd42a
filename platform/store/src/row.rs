//! Reading one row, by column name, whichever database it came from.
//!
//! A value that this program would not have written is an error that names the column, never a panic and never a guess.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::dialect::postgres::{AnyInt, Jsonb, TimestampTz};
use crate::{Result, StoreError};

/// A row of a result, with the operation it belongs to for its errors.
pub(crate) struct Row {
    pub(crate) operation: &'static str,
    pub(crate) values: Values,
}

pub(crate) enum Values {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn text(&self, column: &'static str) -> Result<String> {
        self.required(column, self.text_or_null(column)?)
    }

    pub(crate) fn text_or_null(&self, column: &'static str) -> Result<Option<String>> {
        self.read(match &self.values {
            Values::Sqlite(row) => row.try_get(column),
            Values::Postgres(row) => row.try_get(column),
        })
    }

    pub(crate) fn int(&self, column: &'static str) -> Result<i64> {
        self.required(column, self.int_or_null(column)?)
    }

    pub(crate) fn int_or_null(&self, column: &'static str) -> Result<Option<i64>> {
        self.read(match &self.values {
            Values::Sqlite(row) => row.try_get(column),
            Values::Postgres(row) => {
                row.try_get::<Option<AnyInt>, _>(column).map(|value| value.map(|number| number.0))
            }
        })
    }

    /// A count: never negative.
    pub(crate) fn count(&self, column: &'static str) -> Result<u64> {
        let value = self.int(column)?;
        u64::try_from(value).map_err(|_| self.unreadable(column, format!("{value} is not a count")))
    }

    pub(crate) fn bool(&self, column: &'static str) -> Result<bool> {
        self.read(match &self.values {
            Values::Sqlite(row) => row.try_get(column),
            Values::Postgres(row) => row.try_get(column),
        })
    }

    pub(crate) fn bytes(&self, column: &'static str) -> Result<Vec<u8>> {
        self.required(column, self.bytes_or_null(column)?)
    }

    pub(crate) fn bytes_or_null(&self, column: &'static str) -> Result<Option<Vec<u8>>> {
        self.read(match &self.values {
            Values::Sqlite(row) => row.try_get(column),
            Values::Postgres(row) => row.try_get(column),
        })
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp> {
        self.required(column, self.time_or_null(column)?)
    }

    pub(crate) fn time_or_null(&self, column: &'static str) -> Result<Option<Timestamp>> {
        match &self.values {
            Values::Sqlite(row) => {
                let micros: Option<i64> = self.read(row.try_get(column))?;
                let time = micros.map(Timestamp::from_microsecond).transpose();
                time.map_err(|error| self.unreadable(column, error.to_string()))
            }
            Values::Postgres(row) => {
                let time: Option<TimestampTz> = self.read(row.try_get(column))?;
                Ok(time.map(|time| time.0))
            }
        }
    }

    pub(crate) fn uuid(&self, column: &'static str) -> Result<Uuid> {
        self.required(column, self.uuid_or_null(column)?)
    }

    pub(crate) fn uuid_or_null(&self, column: &'static str) -> Result<Option<Uuid>> {
        match &self.values {
            Values::Sqlite(row) => {
                let text: Option<String> = self.read(row.try_get(column))?;
                let uuid = text.as_deref().map(Uuid::try_parse).transpose();
                uuid.map_err(|error| self.unreadable(column, error.to_string()))
            }
            Values::Postgres(row) => self.read(row.try_get(column)),
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        self.required(column, self.json_or_null(column)?)
    }

    pub(crate) fn json_or_null<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        let text = match &self.values {
            Values::Sqlite(row) => self.read(row.try_get::<Option<String>, _>(column))?,
            Values::Postgres(row) => self.read(row.try_get::<Option<Jsonb>, _>(column))?.map(|json| json.0),
        };
        let value = text.map(|text| serde_json::from_str(&text)).transpose();
        value.map_err(|error| self.unreadable(column, error.to_string()))
    }

    /// A word of a fixed vocabulary.
    pub(crate) fn word<T>(&self, column: &'static str, from_name: impl Fn(&str) -> Option<T>) -> Result<T> {
        let text = self.text(column)?;
        from_name(&text).ok_or_else(|| self.unreadable(column, format!("{text:?} is not a word of it")))
    }

    pub(crate) fn unreadable(&self, column: &'static str, reason: String) -> StoreError {
        StoreError::Unreadable { operation: self.operation, column, reason }
    }

    fn read<T>(&self, value: std::result::Result<T, sqlx::Error>) -> Result<T> {
        value.map_err(|source| StoreError::Query { operation: self.operation, source })
    }

    fn required<T>(&self, column: &'static str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.unreadable(column, "it is null".to_owned()))
    }
}
