//! A profile as JSON, which goes from one installation to another.

use serde_json::{Map, Value, json};

use crate::class::{Class, TOO_VARIED};
use crate::seen::{Few, Seen};
use crate::summary::{ITEM_MAX, Summary};

/// What such a profile says of itself.
pub(crate) const KIND: &str = "palisade/v1/Profile";
/// Most items of a class that are read.
const ITEMS_MAX: usize = 5_000;

/// A profile that the operator gave.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) summary: Summary,
    /// Nothing is added to it.
    pub(crate) frozen: bool,
}

/// Reads a profile and its key.
pub(crate) fn read(value: &Value) -> Result<(String, Given), String> {
    if let Some(kind) = value.get("kind").filter(|kind| kind.as_str() != Some(KIND)) {
        return Err(format!("kind: {kind} is not {KIND}"));
    }
    let key =
        value.get("key").and_then(Value::as_str).filter(|key| !key.is_empty()).ok_or("key is missing")?;
    let frozen = match value.get("frozen") {
        None => false,
        Some(frozen) => frozen.as_bool().ok_or("frozen is neither true nor false")?,
    };
    // Who hands over a profile says that it is good enough.
    let ready = value.get("ready").map_or(Some(1), Value::as_u64).ok_or("ready is not a number")?.max(1);
    let mut summary = Summary::ready(ready);
    let classes = value.get("classes").and_then(Value::as_object).ok_or("classes are missing")?;
    for (word, content) in classes {
        let class = Class::of(word).ok_or_else(|| format!("classes: {word:?} is none"))?;
        class_of(class, content, &mut summary).map_err(|why| format!("classes.{word}: {why}"))?;
    }
    Ok((key.to_owned(), Given { summary, frozen }))
}

fn class_of(class: Class, content: &Value, summary: &mut Summary) -> Result<(), String> {
    let level =
        content.get("level").map_or(Some(0), Value::as_u64).filter(|level| *level <= u64::from(TOO_VARIED));
    let level = level.and_then(|level| u8::try_from(level).ok()).ok_or("level is not 0 to 3")?;
    let mut learn = |item: &str, seen: &Seen| {
        if item.is_empty() || item.len() > ITEM_MAX {
            return Err(format!("an item has {} bytes; 1 to {ITEM_MAX} are allowed", item.len()));
        }
        summary.learn(class, item, seen);
        Ok(())
    };
    match content.get("items") {
        None => {}
        Some(Value::Array(items)) if items.len() <= ITEMS_MAX => {
            for item in items {
                learn(item.as_str().ok_or("an item is no text")?, &Seen::default())?;
            }
        }
        Some(Value::Object(items)) if items.len() <= ITEMS_MAX => {
            for (item, seen) in items {
                learn(item, &seen_of(seen).ok_or_else(|| format!("{item:?} is not as expected"))?)?;
            }
        }
        Some(_) => return Err(format!("items are neither a list nor a map of at most {ITEMS_MAX}")),
    }
    summary.at_level(class, level);
    Ok(())
}

fn seen_of(value: &Value) -> Option<Seen> {
    let number = |name: &str| value.get(name).map_or(Some(0), Value::as_u64);
    let few = |name: &str| -> Option<Few> {
        let hashes = match value.get(name) {
            None => return Some(Few::default()),
            Some(hashes) => hashes.as_array()?,
        };
        let hashes: Option<Vec<u32>> = hashes.iter().map(|hash| u32::try_from(hash.as_u64()?).ok()).collect();
        Some(Few::of(hashes?))
    };
    value.as_object()?;
    Some(Seen {
        first: number("first")?,
        last: number("last")?,
        day: u32::try_from(number("day")?).ok()?,
        days: number("days")?,
        occasions: few("occasions")?,
        replicas: few("replicas")?,
    })
}

/// One class of a profile, as [`read`] reads it. Classes of one key in a list are one profile again.
pub(crate) fn write(key: &str, summary: &Summary, class: Class) -> Value {
    let items = summary.items(class);
    let seen = |seen: &Seen| {
        json!({ "first": seen.first, "last": seen.last, "day": seen.day, "days": seen.days,
            "occasions": seen.occasions.hashes(), "replicas": seen.replicas.hashes() })
    };
    let map: Map<String, Value> = items.items.iter().map(|(item, of)| (item.clone(), seen(of))).collect();
    let mut profile = json!({ "kind": KIND, "key": key,
        "classes": { class.word(): { "level": items.level, "items": map } } });
    if let (true, Some(members)) = (summary.ready > 0, profile.as_object_mut()) {
        members.insert("ready".to_owned(), json!(summary.ready));
    }
    profile
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{read, write};
    use crate::class::Class;
    use crate::seen::Look;
    use crate::summary::Summary;

    #[test]
    fn what_is_written_is_read_class_by_class() {
        let mut summary = Summary::ready(77);
        for n in 0..100u64 {
            let look = Look { time: n * 50_000, replica: n as u32 * 7_919, start: n % 3 == 0 };
            summary.look(Class::Process, &format!("/bin/a{} < /init", n % 9), look);
            summary.look(Class::Destination, &format!("tcp a{n}x.example:443"), look);
        }
        let mut again = Summary::default();
        for class in Class::ALL {
            let (key, given) = read(&write("image:sha256:a", &summary, class)).unwrap();
            assert_eq!(key, "image:sha256:a");
            again.merge(&given.summary);
        }
        assert_eq!(again, summary);
    }

    #[test]
    fn a_profile_by_hand_is_short_and_mistakes_are_named() {
        let (key, given) =
            read(&json!({ "key": "image:a", "frozen": true, "classes": { "file": { "items": ["/a"] } } }))
                .unwrap();
        assert_eq!((key.as_str(), given.frozen, given.summary.ready), ("image:a", true, 1));
        assert!(given.summary.get(Class::File, "/a").is_some());
        for (value, wanted) in [
            (json!(1), "key is missing"),
            (json!({ "key": "a" }), "classes are missing"),
            (json!({ "key": "a", "kind": "Pod", "classes": {} }), "is not palisade/v1/Profile"),
            (json!({ "key": "a", "classes": { "mood": {} } }), "\"mood\" is none"),
            (json!({ "key": "a", "classes": { "file": { "level": 4 } } }), "classes.file: level"),
            (json!({ "key": "a", "classes": { "file": { "items": 4 } } }), "neither a list"),
            (json!({ "key": "a", "classes": { "file": { "items": [""] } } }), "0 bytes"),
            (
                json!({ "key": "a", "classes": { "file": { "items": { "/a": { "days": -1 } } } } }),
                "\"/a\" is not",
            ),
        ] {
            let error = read(&value).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
