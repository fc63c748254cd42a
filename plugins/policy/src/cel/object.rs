//! Objects that an expression of a MutatingAdmissionPolicy makes: `Object{…}`, `Object.spec{…}`, `JSONPatch{…}`.

use std::collections::BTreeMap;
use std::rc::Rc;

use cel::common::ast::{EntryExpr, StructExpr};
use serde_json::{Map, Value, json};

use super::eval::{Outer, Run};
use super::value::{Key, Val};
use super::{Fault, failed};

/// The type of what an operation of a JSON Patch is made of.
pub(crate) const PATCH: &str = "JSONPatch";
/// The type of the whole object; parts of it are named by their paths below it.
pub(crate) const OBJECT: &str = "Object";

/// What may stand in an operation.
const OPERATION: [&str; 4] = ["op", "path", "from", "value"];

/// An object that was made.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    pub(crate) type_name: &'a str,
    pub(crate) fields: BTreeMap<&'a str, Val<'a>>,
}

/// Refuses types that are not there and members that an operation does not have.
pub(super) fn known(made: &StructExpr) -> Result<(), String> {
    let name = made.type_name.strip_prefix('.').unwrap_or(&made.type_name);
    if name == OBJECT || name.strip_prefix(OBJECT).is_some_and(|rest| rest.starts_with('.')) {
        return Ok(());
    }
    if name != PATCH {
        return Err(format!(
            "there is no type {name:?}: there are {OBJECT}, its parts such as {OBJECT}.spec, and {PATCH}"
        ));
    }
    for entry in &made.entries {
        match &entry.expr {
            EntryExpr::StructField(field) if OPERATION.contains(&field.field.as_str()) => {}
            EntryExpr::StructField(field) => {
                return Err(format!("a {PATCH} has no member {:?}", field.field));
            }
            EntryExpr::MapEntry(_) => return Err(format!("a {PATCH} is not a map")),
        }
    }
    Ok(())
}

impl<'a> Run<'_, 'a> {
    pub(super) fn object(&self, made: &'a StructExpr, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        let mut fields = BTreeMap::new();
        for entry in &made.entries {
            let EntryExpr::StructField(field) = &entry.expr else { return failed("it is not an object") };
            let value = match (field.optional, self.eval(&field.value, scope)?) {
                (false, value) => value,
                (true, Val::Optional(Some(inner))) => (*inner).clone(),
                (true, Val::Optional(None)) => continue,
                (true, other) => {
                    return failed(format!("a {} stands where an optional is wanted", other.type_name()));
                }
            };
            if fields.insert(field.field.as_str(), value).is_some() {
                return failed(format!("an object has the member {:?} twice", field.field));
            }
        }
        let type_name = made.type_name.strip_prefix('.').unwrap_or(&made.type_name);
        Ok(Val::Object(Rc::new(Object { type_name, fields })))
    }

    /// A value as JSON. `place` is the path that types of objects within it must name; without one they may be of any type, as
    /// in the value of an operation.
    pub(crate) fn json(&self, value: &Val<'a>, place: Option<&str>) -> Result<Value, Fault> {
        self.meter.charge(1)?;
        if let Val::Json(value) = value {
            self.meter.charge(weight(value))?;
            return Ok((*value).clone());
        }
        if let Some(items) = value.items() {
            return items.iter().map(|item| self.json(&item, place)).collect();
        }
        Ok(match value {
            Val::Null => Value::Null,
            Val::Bool(value) => json!(value),
            Val::Int(value) => json!(value),
            Val::Uint(value) => json!(value),
            Val::Double(value) => json!(value),
            Val::Text(text) => {
                self.meter.charge_bytes(text.as_str().len())?;
                json!(text.as_str())
            }
            Val::Map(entries) => {
                let mut members = Map::new();
                for (key, value) in entries.iter() {
                    let Key::Text(key) = key else { return failed("a key of an object is not a text") };
                    members.insert(key.to_string(), self.json(value, place)?);
                }
                Value::Object(members)
            }
            Val::Object(object) => self.members(object, place)?,
            other => return failed(format!("a {} cannot be part of an object", other.type_name())),
        })
    }

    fn members(&self, object: &Object<'a>, place: Option<&str>) -> Result<Value, Fault> {
        let place = place.unwrap_or(object.type_name);
        if place != object.type_name {
            return failed(format!("a {} stands where a {place} is wanted", object.type_name));
        }
        let mut members = Map::new();
        for (name, value) in &object.fields {
            members.insert((*name).to_owned(), self.json(value, Some(&format!("{place}.{name}")))?);
        }
        Ok(Value::Object(members))
    }

    /// The operations of a list of `JSONPatch`.
    pub(crate) fn operations(&self, value: &Val<'a>) -> Result<Vec<Value>, Fault> {
        let Some(items) = value.items() else {
            return failed(format!("the expression is a {} and not a list of {PATCH}", value.type_name()));
        };
        let mut all = Vec::with_capacity(items.len());
        for item in items.iter() {
            let Val::Object(object) = &item else {
                return failed(format!("a {} stands where a {PATCH} is wanted", item.type_name()));
            };
            if object.type_name != PATCH {
                return failed(format!("a {} stands where a {PATCH} is wanted", object.type_name));
            }
            let mut members = Map::new();
            for (name, value) in &object.fields {
                members.insert((*name).to_owned(), self.json(value, None)?);
            }
            all.push(Value::Object(members));
        }
        Ok(all)
    }
}

/// How much there is to copy.
fn weight(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Object(members) => members.values().map(weight).sum::<usize>() + members.len() + 1,
        Value::String(text) => text.len() / 16 + 1,
        _ => 1,
    }
}
