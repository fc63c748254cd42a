//! What a detection says: seen, expected, nearest known good, and what would make it normal.

use serde_json::{Map, Value, json};

use crate::class::{Class, binary_and_parent};
use crate::judge::nearest;
use crate::kept::Kept;
use crate::seen::Seen;
use crate::settings::Settings;
use crate::summary::Summary;
use crate::text::{moment, plain};

/// Items that are shown as expected.
const EXPECTED: usize = 5;

/// The support of an item.
pub(crate) fn support(seen: &Seen) -> Value {
    json!({
        "days": seen.day_count(),
        "replicas": seen.replicas.count(),
        "occasions": seen.occasions.count(),
        "atStart": seen.occasions.count() == 0,
        "first": moment(seen.first),
        "last": moment(seen.last),
    })
}

/// What was compared with.
pub(crate) fn profile(kept: &Kept, elsewhere: Option<&Kept>, now: u64) -> Value {
    let estimate = kept.summary.estimate();
    let mut profile = json!({
        "key": plain(&kept.key, 400),
        "since": moment(estimate.since),
        "items": estimate.items,
        "events": estimate.occasions,
        "replicas": estimate.replicas,
        "singletons": rounded(estimate.singletons()),
        "unseen": rounded(estimate.unseen(now)),
    });
    let coarse: Map<String, Value> = Class::ALL
        .into_iter()
        .map(|class| (class.word().to_owned(), json!(kept.summary.items(class).level)))
        .filter(|(_, level)| *level != 0)
        .collect();
    if let Some(members) = profile.as_object_mut() {
        if kept.summary.ready > 1 {
            members.insert("ready".to_owned(), json!(moment(kept.summary.ready)));
        }
        if !coarse.is_empty() {
            members.insert("levels".to_owned(), Value::Object(coarse));
        }
        if let Some(elsewhere) = elsewhere {
            members.insert("predecessor".to_owned(), json!(plain(&elsewhere.key, 400)));
        }
    }
    profile
}

pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// What is known of the same class, the best known first; for a process those of the same parent.
pub(crate) fn expected(class: Class, item: &str, known: &[&Summary]) -> Vec<Value> {
    let parent = binary_and_parent(item).1;
    let mut items: Vec<(&String, &Seen)> =
        known.iter().flat_map(|summary| &summary.items(class).items).collect();
    let rank = |(other, seen): &(&String, &Seen)| {
        let akin = class == Class::Process && binary_and_parent(other).1 == parent;
        (akin, seen.day_count(), seen.replicas.count(), seen.occasions.count())
    };
    items.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.0.cmp(b.0)));
    items.dedup_by(|a, b| a.0 == b.0);
    let told = |(item, seen): &(&String, &Seen)| {
        json!({ "item": plain(item, 256), "days": seen.day_count(), "replicas": seen.replicas.count(),
            "occasions": seen.occasions.count() })
    };
    items.iter().take(EXPECTED).map(told).collect()
}

/// The nearest item that is known, and how far it is.
pub(crate) fn nearest_known(class: Class, item: &str, known: &[&Summary]) -> Value {
    let items = known.iter().flat_map(|summary| summary.items(class).items.keys());
    match nearest(item, items) {
        Some((item, distance)) => json!({ "item": plain(item, 256), "distance": rounded(distance) }),
        None => Value::Null,
    }
}

/// What would have to happen for an item to be normal.
pub(crate) fn make_normal(
    key: &str,
    class: Class,
    item: &str,
    settings: &Settings,
    sensitive: bool,
) -> Value {
    let mut ways = json!({ "accept": { "profile": key, "class": class.word(), "item": item } });
    if let Some(members) = ways.as_object_mut() {
        let text = if sensitive || settings.adopt_days == 0 {
            "put `accept` into the plugin's list `accept`".to_owned()
        } else {
            format!(
                "put `accept` into the plugin's list `accept`, or let it be seen on {} days in 2 containers without an alert of severity high",
                settings.adopt_days
            )
        };
        members.insert("text".to_owned(), json!(text));
    }
    ways
}
