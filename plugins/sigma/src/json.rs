//! JSON of an event, read once and borrowed from its bytes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// A value. Members keep their order, and a key that stands twice stays twice: what either says can be matched.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Map(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads a text. Nesting is bounded by the reader at 128.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("the event's body is not JSON: {error}"))
    }

    /// The last member of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        match self {
            Json::Map(members) => members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Calls `found` with every value at a dotted path. Keys may contain dots themselves, and a list stands for each of its elements.
    pub(crate) fn at<'s>(&'s self, path: &str, exact: bool, found: &mut dyn FnMut(&'s Json<'a>)) {
        match self {
            Json::List(items) => items.iter().for_each(|item| item.at(path, exact, found)),
            Json::Map(members) => {
                for (key, value) in members {
                    match rest(path, key, exact) {
                        Some("") => found(value),
                        Some(rest) => value.at(rest, exact, found),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// The text of anything but a map, a list or nothing.
    pub(crate) fn scalar(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Json::Bool(true) => Cow::Borrowed("true"),
            Json::Bool(false) => Cow::Borrowed("false"),
            Json::Int(number) => Cow::Owned(number.to_string()),
            Json::Unsigned(number) => Cow::Owned(number.to_string()),
            Json::Float(number) => Cow::Owned(number.to_string()),
            Json::Text(text) => Cow::Borrowed(text),
            Json::Null | Json::List(_) | Json::Map(_) => return None,
        })
    }

    /// The value as compact JSON, as far as `left` bytes go.
    pub(crate) fn write(&self, out: &mut String, left: usize) {
        if out.len() >= left {
            return;
        }
        match self {
            Json::Null => out.push_str("null"),
            Json::Text(text) => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
            Json::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    item.write(out, left);
                }
                out.push(']');
            }
            Json::Map(members) => {
                out.push('{');
                for (place, (key, value)) in members.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    out.push('"');
                    out.push_str(key);
                    out.push_str("\":");
                    value.write(out, left);
                }
                out.push('}');
            }
            other => out.push_str(&other.scalar().unwrap_or_default()),
        }
    }

    /// Calls `found` with every scalar inside.
    pub(crate) fn leaves<'s>(&'s self, found: &mut dyn FnMut(&'s Json<'a>)) {
        match self {
            Json::Null => {}
            Json::List(items) => items.iter().for_each(|item| item.leaves(found)),
            Json::Map(members) => members.iter().for_each(|(_, value)| value.leaves(found)),
            scalar => found(scalar),
        }
    }
}

/// What is left of a path behind a key; nothing where the path does not begin with it.
fn rest<'p>(path: &'p str, key: &str, exact: bool) -> Option<&'p str> {
    let head = path.as_bytes().get(..key.len())?;
    let same = if exact { head == key.as_bytes() } else { head.eq_ignore_ascii_case(key.as_bytes()) };
    if !same || key.is_empty() {
        return None;
    }
    match path.as_bytes().get(key.len()) {
        None => Some(""),
        Some(b'.') => path.get(key.len() + 1..).filter(|rest| !rest.is_empty()),
        Some(_) => None,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Unsigned(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut map = Vec::with_capacity(8);
        while let Some(Key(key)) = members.next_key()? {
            map.push((key, members.next_value()?));
        }
        Ok(Json::Map(map))
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    fn at(text: &str, path: &str, exact: bool) -> Vec<String> {
        let json = Json::read(text.as_bytes()).unwrap();
        let mut found = Vec::new();
        json.at(path, exact, &mut |value| {
            let mut text = String::new();
            value.write(&mut text, 1_000);
            found.push(text);
        });
        found
    }

    #[test]
    fn a_path_goes_through_keys_with_dots_and_lists() {
        let text = r#"{"a":{"b":1},"a.b":2,"a.b.c":{"d":3},"l":[{"x":4},{"x":[5,6]},7],"A":{"B":8}}"#;
        assert_eq!(at(text, "a.b", true), ["1", "2"]);
        assert_eq!(at(text, "a.b.c.d", true), ["3"]);
        assert_eq!(at(text, "l.x", true), ["4", "[5,6]"]);
        assert_eq!(at(text, "a.b", false), ["1", "2", "8"]);
        for nothing in ["", ".", "a.", "a.b.", "b", "l.x.y"] {
            assert!(at(text, nothing, true).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for text in ["", "{", "[1,", "\"\\ud800\"", "nul"] {
            assert!(Json::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Json::read("[".repeat(100_000).as_bytes()).is_err());
        assert_eq!(Json::read(br#"{"a\n":"b\t"}"#).unwrap().get("a\n").and_then(Json::text), Some("b\t"));
    }
}
