//! JSON as values, with a bound on the memory that they take: `[{"":0},{"":0}]` takes a hundred times its own length.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Memory that one document may take. Real ones take some five times their length, and the largest have a few MB.
const MEMORY_MAX: usize = 256 << 20;

/// About what a map costs before anything is in it.
const MAP_COST: usize = 640;

/// Reads one document.
///
/// # Errors
/// It is no JSON, or would take too much memory.
pub(crate) fn read<'de, R: serde_json::de::Read<'de>>(
    mut document: serde_json::Deserializer<R>,
) -> Result<Value, serde_json::Error> {
    let left = Cell::new(MEMORY_MAX);
    let value = Bounded { left: &left }.deserialize(&mut document)?;
    document.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Bounded<'a> {
    left: &'a Cell<usize>,
}

impl Bounded<'_> {
    fn spend<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or_else(|| E::custom("it takes too much memory"))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.spend(size_of::<Value>())?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.spend(value.len())?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            self.spend(key.len() + size_of::<String>() + if values.is_empty() { MAP_COST } else { 0 })?;
            values.insert(key, map.next_value_seed(self)?);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Deserializer, Value};

    use super::read;

    fn bounded(text: &str) -> Result<Value, serde_json::Error> {
        read(Deserializer::from_str(text))
    }

    #[test]
    fn values_are_those_of_the_ordinary_reader() {
        for text in [
            r#"{"a":[1,-1,1.5,1e300,true,false,null,"\u00e9 x"],"b":{"":{}},"a":[]}"#,
            "[]",
            "7",
            "[1e999]",
            "{} {}",
            "",
        ] {
            let plain = serde_json::from_str::<Value>(text);
            assert_eq!(bounded(text).ok(), plain.ok(), "{text}");
        }
    }

    #[test]
    fn a_document_that_swells_is_refused() {
        let swelling = format!("[{}0]", r#"{"":0},"#.repeat(1 << 19));
        assert!(bounded(&swelling).unwrap_err().to_string().contains("too much memory"));
        let plain = format!("[{}0]", "\"abcdef\",".repeat(1 << 20));
        assert!(bounded(&plain).is_ok());
    }
}
