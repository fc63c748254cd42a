//! Postgres 15 and later, in its own types: `TIMESTAMPTZ`, `UUID`, `JSONB`, `BYTEA`, arrays.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgConnectOptions, PgHasArrayType, PgPool, PgPoolOptions, PgTypeInfo,
    PgValueFormat, PgValueRef,
};
use sqlx::{Arguments as _, ConnectOptions as _, Decode, Encode, Postgres, Type};

use crate::bulk::Kind;
use crate::sql::Param;

pub(crate) const ANY: (&str, &str) = (" = ANY(", ")");

/// Weaker than `FOR UPDATE`: rows that refer to the locked one may still be inserted by others.
pub(crate) const FOR_UPDATE: &str = " FOR NO KEY UPDATE";

/// The next number of the sequence `$1`; a number of a transaction that fails is skipped.
pub(crate) const NEXT: &str = "SELECT nextval($1::text::regclass) AS value";

/// Rows in one `INSERT`; each column is one array, so that the bound is memory on both sides, not parameters.
pub(crate) const ROWS_PER_INSERT: usize = 2_000;

/// Oldest server that the contract suite is run on, as `server_version_num` tells it.
pub(crate) const VERSION_MIN: i64 = 150_000;

/// Connections of one process. A server allows 100 by default, for all processes together.
const CONNECTIONS_MAX: u32 = 12;

/// Opens a pool, with one connection made so that a wrong address or password shows now.
pub(crate) async fn open(options: PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(Duration::from_secs(15))
        .connect_with(options.application_name("palisade").disable_statement_logging())
        .await
}

/// Writes the parameters in Postgres's types.
pub(crate) fn arguments(params: Vec<Param>) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for param in params {
        let added = match param {
            Param::Text(value) => arguments.add(value),
            Param::Json(value) => arguments.add(value.map(Jsonb)),
            Param::Int(value) => arguments.add(value),
            Param::Bool(value) => arguments.add(value),
            Param::Time(value) => arguments.add(value.map(TimestampTz)),
            Param::Uuid(value) => arguments.add(value),
            Param::Bytes(value) => arguments.add(value),
            Param::Texts(values) => arguments.add(values),
            Param::Ints(values) => arguments.add(values),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Adds one column of many rows as an array.
pub(crate) fn add_column(
    arguments: &mut PgArguments,
    kind: Kind,
    column: Vec<Param>,
) -> Result<(), sqlx::Error> {
    let added = match kind {
        Kind::Text => arguments.add(collect(column, |param| match param {
            Param::Text(value) => Some(value),
            _ => None,
        })?),
        Kind::Json => arguments.add(collect(column, |param| match param {
            Param::Json(value) => Some(value.map(Jsonb)),
            _ => None,
        })?),
        Kind::Int => arguments.add(collect(column, |param| match param {
            Param::Int(value) => Some(value),
            _ => None,
        })?),
        Kind::Bool => arguments.add(collect(column, |param| match param {
            Param::Bool(value) => Some(value),
            _ => None,
        })?),
        Kind::Bytes => arguments.add(collect(column, |param| match param {
            Param::Bytes(value) => Some(value),
            _ => None,
        })?),
        Kind::Uuid => arguments.add(collect(column, |param| match param {
            Param::Uuid(value) => Some(value),
            _ => None,
        })?),
    };
    added.map_err(sqlx::Error::Encode)
}

fn collect<T>(column: Vec<Param>, take: impl Fn(Param) -> Option<T>) -> Result<Vec<T>, sqlx::Error> {
    let values: Option<Vec<T>> = column.into_iter().map(take).collect();
    values.ok_or_else(|| sqlx::Error::Encode("a row has a value of another kind than its column".into()))
}

// Object ids of built-in types never change (src/include/catalog/pg_type.dat).
const JSONB: Oid = Oid(3802);
const JSONB_ARRAY: Oid = Oid(3807);
const TIMESTAMPTZ: Oid = Oid(1184);

/// JSON text. Read and written as it stands: whoever holds it knows its shape.
#[derive(Debug, Clone)]
pub(crate) struct Jsonb(pub(crate) String);

/// The first byte of a binary `jsonb` is the version of the form; there has only ever been 1.
const JSONB_VERSION: u8 = 1;

impl Type<Postgres> for Jsonb {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSONB)
    }

    fn compatible(other: &PgTypeInfo) -> bool {
        other.oid() == Some(JSONB)
    }
}

impl PgHasArrayType for Jsonb {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSONB_ARRAY)
    }
}

impl Encode<'_, Postgres> for Jsonb {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.push(JSONB_VERSION);
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Jsonb {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let bytes = value.as_bytes()?;
        let text = match value.format() {
            PgValueFormat::Text => bytes,
            PgValueFormat::Binary => {
                bytes.strip_prefix(&[JSONB_VERSION]).ok_or("unknown version of jsonb")?
            }
        };
        Ok(Self(std::str::from_utf8(text)?.to_owned()))
    }
}

/// A moment. On the wire: microseconds since 2000-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimestampTz(pub(crate) Timestamp);

/// 2000-01-01 in microseconds since 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

impl Type<Postgres> for TimestampTz {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }

    fn compatible(other: &PgTypeInfo) -> bool {
        other.oid() == Some(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for TimestampTz {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = self.0.as_microsecond().saturating_sub(EPOCH_MICROS);
        buffer.extend_from_slice(&micros.to_be_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for TimestampTz {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.format() == PgValueFormat::Text {
            return Err("times are read in the binary form only".into());
        }
        let micros = i64::from_be_bytes(value.as_bytes()?.try_into()?);
        Ok(Self(Timestamp::from_microsecond(micros.saturating_add(EPOCH_MICROS))?))
    }
}

/// A whole number of any width: counts are `BIGINT`, small scales are not.
pub(crate) struct AnyInt(pub(crate) i64);

impl Type<Postgres> for AnyInt {
    fn type_info() -> PgTypeInfo {
        <i64 as Type<Postgres>>::type_info()
    }

    fn compatible(other: &PgTypeInfo) -> bool {
        <i64 as Type<Postgres>>::compatible(other)
            || <i32 as Type<Postgres>>::compatible(other)
            || <i16 as Type<Postgres>>::compatible(other)
    }
}

impl Decode<'_, Postgres> for AnyInt {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let bytes = value.as_bytes()?;
        let number = match bytes.len() {
            2 => i64::from(i16::from_be_bytes(bytes.try_into()?)),
            4 => i64::from(i32::from_be_bytes(bytes.try_into()?)),
            _ => i64::from_be_bytes(bytes.try_into()?),
        };
        Ok(Self(number))
    }
}
