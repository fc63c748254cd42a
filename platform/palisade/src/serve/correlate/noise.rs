//! What people have said need not be told: suppressions, each with an end.

use engine::correlate::Judged;
use respond::filter::Filter;
use serde_json::Value;
use store::Suppression;

/// The suppressions in force.
#[derive(Default)]
pub(super) struct Noise {
    all: Vec<One>,
}

struct One {
    id: String,
    rule: String,
    asset: String,
    filter: Option<Filter>,
}

impl Noise {
    /// Reads them. One that cannot be read suppresses nothing.
    pub(super) fn new(suppressions: &[Suppression]) -> Self {
        Self { all: suppressions.iter().filter_map(One::read).collect() }
    }

    /// What suppresses a detection.
    pub(super) fn of(&self, judged: &Judged) -> Option<String> {
        let mut event = None;
        let found = self.all.iter().find(|one| {
            covers(&one.rule, &judged.rule)
                && covers(&one.asset, &judged.asset)
                && one.filter.as_ref().is_none_or(|filter| {
                    let read = || serde_json::from_slice(&judged.event().body).unwrap_or(Value::Null);
                    filter.matches(event.get_or_insert_with(read)).unwrap_or(false)
                })
        });
        found.map(|one| format!("suppression:{}", one.id))
    }
}

/// Whether a pattern, in which `*` stands for any characters, is one of this text.
fn covers(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = text.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    text.ends_with(last)
}

impl One {
    fn read(told: &Suppression) -> Option<Self> {
        match told.said.filter.as_deref().map(Filter::parse).transpose() {
            Ok(filter) => {
                let (rule, asset) = (told.said.rule.clone(), told.said.asset.clone());
                Some(Self { id: told.id.to_string(), rule, asset, filter })
            }
            Err(error) => {
                tracing::error!(suppression = %told.id, error = %error, "a suppression cannot be read and suppresses nothing");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_pattern_covers_what_it_says() {
        for (pattern, text, is) in [
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXc", false),
            ("sensor/falco/*shell*", "sensor/falco/Terminal shell in container", true),
            ("ab*ba", "aba", false),
            ("abc", "abcd", false),
        ] {
            assert_eq!(covers(pattern, text), is, "{pattern} {text}");
        }
    }
}
