//! One page of a list: every item becomes an object, or a gap, before the next is read.

use std::fmt;

use model::{Gap, GapCode};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::api::discover::Resource;
use crate::api::failure::{Cause, Failure, shown};
use crate::object::{NoObject, Object};

/// What was on a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Object>,
    pub(crate) gaps: Vec<Gap>,
    /// Where the next page begins; empty on the last one.
    pub(crate) next: String,
    /// Of which time the list is.
    pub(crate) version: String,
    kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
    resource_version: Option<String>,
}

impl Page {
    /// Reads a page of a list of this kind.
    pub(crate) fn of(bytes: &[u8], resource: &Resource) -> Result<Self, Failure> {
        let mut page = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let read = List { page: &mut page, resource }.deserialize(&mut deserializer);
        let read = read.and_then(|()| deserializer.end());
        // A proxy on the way may end an answer early and say that it was all.
        let odd = |what: String| Failure::new(Cause::Cut, what);
        read.map_err(|error| odd(format!("the list cannot be read: {}", shown(&error.to_string()))))?;
        if !page.kind.ends_with("List") {
            return Err(odd(format!("what was sent is no list, but {:?}", shown(&page.kind))));
        }
        Ok(page)
    }
}

/// Makes an object of what was sent for one of a kind. Items of lists do not say of what kind they are.
pub(crate) fn object(mut value: Value, resource: &Resource) -> Result<Object, Gap> {
    if let Some(fields) = value.as_object_mut() {
        fields.entry("apiVersion").or_insert_with(|| resource.api_version.as_str().into());
        fields.entry("kind").or_insert_with(|| resource.kind.kind.as_str().into());
    }
    let subject = resource.kind.to_string();
    let gap = |reason: String| Gap { code: GapCode::ParseError, subject: subject.clone(), reason };
    let object =
        Object::of(value).map_err(|NoObject(problem)| gap(format!("an object cannot be used: {problem}")))?;
    if object.kind != resource.kind {
        return Err(gap(format!("among these was a {}", shown(&object.kind.to_string()))));
    }
    Ok(object)
}

struct List<'a> {
    page: &'a mut Page,
    resource: &'a Resource,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "kind" => self.page.kind = map.next_value()?,
                "metadata" => {
                    let metadata: ListMeta = map.next_value()?;
                    self.page.next = metadata.next.unwrap_or_default();
                    self.page.version = metadata.resource_version.unwrap_or_default();
                }
                "items" => map.next_value_seed(Items { page: self.page, resource: self.resource })?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Items<'a> {
    page: &'a mut Page,
    resource: &'a Resource,
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects, or null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element::<Value>()? {
            match object(item, self.resource) {
                Ok(object) => self.page.objects.push(object),
                Err(gap) => self.page.gaps.push(gap),
            }
        }
        Ok(())
    }
}
