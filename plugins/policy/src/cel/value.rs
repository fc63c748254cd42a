//! Values of an expression: borrowed from the request where they can be, shared where they cannot.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::libraries::Special;
use super::object::Object;
use super::quantity::Quantity;

/// A text, of the request or made by the expression.
#[derive(Debug, Clone)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Owned(Rc<str>),
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

/// A value. Objects and arrays of the request stay as they are.
#[derive(Debug, Clone)]
pub(crate) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Text<'a>),
    Bytes(Rc<[u8]>),
    /// An array or an object, never a scalar.
    Json(&'a Value),
    List(Rc<Vec<Val<'a>>>),
    Map(Rc<BTreeMap<Key, Val<'a>>>),
    Optional(Option<Rc<Val<'a>>>),
    Quantity(Quantity),
    Special(Rc<Special>),
    Object(Rc<Object<'a>>),
    Type(&'static str),
}

/// A key of a map. Numbers of all types that are the same number are the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Bool(bool),
    Int(i128),
    Text(Rc<str>),
}

impl<'a> Val<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => Self::Int(int),
                (None, Some(uint)) => Self::Uint(uint),
                _ => Self::Double(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Self::Text(Text::Borrowed(text)),
            Value::Array(_) | Value::Object(_) => Self::Json(value),
        }
    }

    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Owned(text.into()))
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(items))
    }

    pub(crate) fn some(value: Self) -> Self {
        Self::Optional(Some(Rc::new(value)))
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text.as_str()) } else { None }
    }

    /// The name of its type, as `type()` gives it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Json(Value::Array(_)) | Self::List(_) => "list",
            Self::Json(_) | Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Special(special) => special.type_name(),
            Self::Object(_) => "object",
            Self::Type(_) => "type",
        }
    }

    /// The items of a list; nothing for anything else.
    pub(crate) fn items(&self) -> Option<Items<'_, 'a>> {
        match self {
            Self::Json(Value::Array(items)) => Some(Items::Json(items)),
            Self::List(items) => Some(Items::Made(items)),
            _ => None,
        }
    }

    /// The keys of a map; nothing for anything else.
    pub(crate) fn keys(&self) -> Option<Vec<Val<'a>>> {
        match self {
            Self::Json(Value::Object(map)) => {
                Some(map.keys().map(|key| Self::Text(Text::Borrowed(key))).collect())
            }
            Self::Map(map) => Some(map.keys().map(Key::value).collect()),
            _ => None,
        }
    }

    /// How many items or entries there are, or characters.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.as_str().chars().count()),
            Self::Bytes(bytes) => Some(bytes.len()),
            Self::Json(Value::Array(items)) => Some(items.len()),
            Self::Json(Value::Object(map)) => Some(map.len()),
            Self::List(items) => Some(items.len()),
            Self::Map(map) => Some(map.len()),
            _ => None,
        }
    }

    /// The member of a map.
    pub(crate) fn member(&self, name: &str) -> Option<Self> {
        match self {
            Self::Json(Value::Object(map)) => map.get(name).map(Self::of),
            Self::Map(map) => map.get(&Key::Text(name.into())).cloned(),
            Self::Object(object) => object.fields.get(name).cloned(),
            _ => None,
        }
    }

    /// The entry of a map or the item of a list; `Err` says that this value has no entries of such a key.
    pub(crate) fn index(&self, key: &Self) -> Result<Option<Self>, String> {
        match (self, key) {
            (Self::Json(Value::Object(map)), Self::Text(key)) => Ok(map.get(key.as_str()).map(Self::of)),
            (Self::Json(Value::Object(_)), _) => Ok(None),
            (Self::Map(map), key) => {
                let key = key.key().ok_or_else(|| format!("a {} is not a key", key.type_name()))?;
                Ok(map.get(&key).cloned())
            }
            _ => {
                let Some(items) = self.items() else {
                    return Err(format!("a {} has no entries", self.type_name()));
                };
                let place = match key {
                    Self::Int(place) => usize::try_from(*place).ok(),
                    Self::Uint(place) => usize::try_from(*place).ok(),
                    _ => return Err(format!("a {} is not a place in a list", key.type_name())),
                };
                Ok(place.and_then(|place| items.get(place)))
            }
        }
    }

    pub(crate) fn key(&self) -> Option<Key> {
        match self {
            Self::Bool(value) => Some(Key::Bool(*value)),
            Self::Int(value) => Some(Key::Int(i128::from(*value))),
            Self::Uint(value) => Some(Key::Int(i128::from(*value))),
            Self::Text(text) => Some(Key::Text(text.as_str().into())),
            _ => None,
        }
    }

    /// How two values stand, where there is an order: numbers among each other, texts, bytes, booleans, quantities, times.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.as_str().cmp(b.as_str())),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            (Self::Quantity(a), Self::Quantity(b)) => Some(a.cmp(b)),
            (Self::Special(a), Self::Special(b)) => a.compare(b),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Double(a), b) => b.whole().and_then(|b| against(*a, b)),
            (a, Self::Double(b)) => a.whole().and_then(|a| against(*b, a)).map(Ordering::reverse),
            (a, b) => Some(a.whole()?.cmp(&b.whole()?)),
        }
    }

    fn whole(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(i128::from(*value)),
            Self::Uint(value) => Some(i128::from(*value)),
            _ => None,
        }
    }
}

/// Whole numbers of 64 bits are compared with doubles as doubles: what is lost then is lost in every implementation.
#[expect(clippy::cast_precision_loss, reason = "the comparison is one of doubles")]
fn against(double: f64, whole: i128) -> Option<Ordering> {
    double.partial_cmp(&(whole as f64))
}

impl Key {
    pub(crate) fn value<'a>(&self) -> Val<'a> {
        match self {
            Self::Bool(value) => Val::Bool(*value),
            Self::Int(value) => match i64::try_from(*value) {
                Ok(int) => Val::Int(int),
                Err(_) => Val::Uint(u64::try_from(*value).unwrap_or_default()),
            },
            Self::Text(text) => Val::Text(Text::Owned(Rc::clone(text))),
        }
    }
}

/// The items of a list, wherever they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Items<'i, 'a> {
    Json(&'a [Value]),
    Made(&'i [Val<'a>]),
}

impl<'a> Items<'_, 'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Json(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(crate) fn get(&self, place: usize) -> Option<Val<'a>> {
        match self {
            Self::Json(items) => items.get(place).map(Val::of),
            Self::Made(items) => items.get(place).cloned(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Val<'a>> + '_ {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}
