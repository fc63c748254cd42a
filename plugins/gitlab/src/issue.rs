//! An issue as it is there.

use serde::Deserialize;
use serde_json::{Map, Value};
use ticketing::Wanted;

use crate::settings::Settings;
use crate::text;

#[derive(Debug, Deserialize)]
pub(crate) struct Issue {
    /// Its number within the project, which its address has.
    pub(crate) iid: u64,
    pub(crate) web_url: Option<String>,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) assignees: Vec<Value>,
    pub(crate) updated_at: String,
    /// The issue that it became in another project.
    pub(crate) moved_to_id: Option<u64>,
}

impl Issue {
    /// Whether it is the one of a marker: people change titles, and people change texts.
    pub(crate) fn is_of(&self, marker: &str) -> bool {
        self.title.contains(&format!("({marker})"))
            || self.description.as_deref().is_some_and(|text| text::has_marker(text, marker))
    }

    /// Whether it is one of ours at all.
    pub(crate) fn is_ours(&self) -> bool {
        self.title.contains("(palisade:")
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == "closed"
    }

    pub(crate) fn is_moved(&self) -> bool {
        self.moved_to_id.is_some()
    }

    pub(crate) fn has_any(&self, labels: &[String]) -> bool {
        self.labels.iter().any(|label| labels.contains(label))
    }

    /// What of it is not as it ought to be.
    pub(crate) fn differing(&self, settings: &Settings, wanted: &Wanted) -> Map<String, Value> {
        let mut fields = Map::new();
        if wanted.is_open() {
            let (title, description) = (text::title(wanted), text::description(wanted));
            if self.title != title {
                fields.insert("title".to_owned(), title.into());
            }
            if !text::same(self.description.as_deref().unwrap_or_default(), &description) {
                fields.insert("description".to_owned(), description.into());
            }
            self.differing_labels(settings, wanted, &mut fields);
        }
        if wanted.is_open() == self.is_closed() {
            let event = if wanted.is_open() { "reopen" } else { "close" };
            fields.insert("state_event".to_owned(), event.into());
        }
        fields
    }

    /// The label of the severity, where it is missing, and those of other severities. Those that people set and took
    /// away stay as they want.
    fn differing_labels(&self, settings: &Settings, wanted: &Wanted, fields: &mut Map<String, Value>) {
        let right = settings.severity_labels.get(&wanted.severity);
        if let Some(label) = right.filter(|label| !self.labels.contains(label)) {
            fields.insert("add_labels".to_owned(), label.as_str().into());
        }
        let mut wrong: Vec<&str> = settings.severity_labels.values().map(String::as_str).collect();
        wrong.retain(|label| {
            let there = self.labels.iter().any(|own| own == label);
            there
                && right.is_none_or(|right| right != label)
                && settings.labels.iter().all(|own| own != label)
        });
        wrong.sort_unstable();
        wrong.dedup();
        if !wrong.is_empty() {
            fields.insert("remove_labels".to_owned(), wrong.join(",").into());
        }
    }
}
