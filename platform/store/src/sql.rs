//! Statements and their parameters, the same for both databases.
//!
//! The text of a statement can only be put together from `&'static str`, so nothing that came from outside can ever
//! become part of it: values travel as parameters, written `$1`, `$2`, … in both dialects.

use jiff::Timestamp;
use uuid::Uuid;

use crate::dialect::Dialect;

/// A bound value. Each dialect writes it in its own type: a time is `TIMESTAMPTZ` in Postgres and microseconds in
/// SQLite, a list of texts is an array there and a JSON array here.
#[derive(Debug, Clone)]
pub(crate) enum Param {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(bool),
    Time(Option<Timestamp>),
    Uuid(Option<Uuid>),
    Bytes(Option<Vec<u8>>),
    /// JSON text that this crate wrote.
    Json(Option<String>),
    Texts(Vec<String>),
    Ints(Vec<i64>),
}

macro_rules! param_from {
    ($($variant:ident($from:ty)),* $(,)?) => {$(
        impl From<$from> for Param {
            fn from(value: $from) -> Self {
                Self::$variant(Some(value))
            }
        }
        impl From<Option<$from>> for Param {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

param_from!(Text(String), Int(i64), Time(Timestamp), Uuid(Uuid), Bytes(Vec<u8>));

impl From<&str> for Param {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<&model::TenantId> for Param {
    fn from(value: &model::TenantId) -> Self {
        value.as_str().into()
    }
}

impl From<bool> for Param {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// A statement with its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) params: Vec<Param>,
}

/// A statement whose whole text is known; its parameters are `$1`, `$2`, … in order.
pub(crate) fn sql<const N: usize>(text: &'static str, params: [Param; N]) -> Sql {
    Sql { text: text.to_owned(), params: params.into() }
}

impl Sql {
    /// Appends text.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends the placeholder of a new parameter.
    pub(crate) fn bind(&mut self, param: impl Into<Param>) -> &mut Self {
        self.params.push(param.into());
        self.placeholder(self.params.len())
    }

    /// Appends the placeholder of the parameter with this number, counted from 1.
    pub(crate) fn placeholder(&mut self, number: usize) -> &mut Self {
        use std::fmt::Write as _;
        let _ = write!(self.text, "${number}");
        self
    }

    /// Appends the condition that `column` is one of `values`; one parameter whatever their number.
    pub(crate) fn any(&mut self, dialect: Dialect, column: &'static str, values: Param) -> &mut Self {
        let (open, close) = dialect.any();
        self.push(column).push(open).bind(values).push(close)
    }
}
