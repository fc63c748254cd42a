//! An issue as it is there.

use serde::Deserialize;
use serde_json::{Map, Value};
use ticketing::Wanted;

use crate::settings::Settings;
use crate::text;

/// The label of all issues of ours; the way back reads by it.
pub(crate) const LABEL: &str = "palisade";

#[derive(Debug, Deserialize)]
pub(crate) struct Issue {
    pub(crate) number: u64,
    pub(crate) html_url: Option<String>,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) state: String,
    pub(crate) state_reason: Option<String>,
    #[serde(default)]
    pub(crate) labels: Vec<Label>,
    #[serde(default)]
    pub(crate) assignees: Vec<User>,
    pub(crate) updated_at: String,
    /// Only a pull request has it: GitHub lists those as issues, too.
    pub(crate) pull_request: Option<Value>,
}

/// A label, of which older servers give the name alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Label {
    Named { name: String },
    Name(String),
}

#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) login: String,
}

impl Label {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Named { name } | Self::Name(name) => name,
        }
    }
}

impl Issue {
    /// Whether it is the one of a marker.
    pub(crate) fn is_of(&self, marker: &str) -> bool {
        self.pull_request.is_none() && self.body.as_deref().is_some_and(|body| text::has_marker(body, marker))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == "closed"
    }

    /// What of it is not as it ought to be.
    pub(crate) fn differing(&self, settings: &Settings, wanted: &Wanted) -> Map<String, Value> {
        let mut fields = Map::new();
        if wanted.is_open() {
            let (title, body) = (text::title(wanted), text::body(wanted));
            if self.title != title {
                fields.insert("title".to_owned(), title.into());
            }
            if !text::same(self.body.as_deref().unwrap_or_default(), &body) {
                fields.insert("body".to_owned(), body.into());
            }
            if let Some(labels) = self.labels_to_be(settings, wanted) {
                fields.insert("labels".to_owned(), labels.into());
            }
        }
        if wanted.is_open() == self.is_closed() {
            let (state, reason) =
                if wanted.is_open() { ("open", "reopened") } else { ("closed", "completed") };
            fields.insert("state".to_owned(), state.into());
            fields.insert("state_reason".to_owned(), reason.into());
        }
        fields
    }

    /// All labels, where one of ours is missing or an older severity's is left. Those that people set and took away
    /// stay as they want.
    fn labels_to_be(&self, settings: &Settings, wanted: &Wanted) -> Option<Vec<String>> {
        let ours = own_labels(settings, wanted);
        let listed = |list: &[String], name: &str| list.iter().any(|one| one.eq_ignore_ascii_case(name));
        let severities: Vec<String> = settings.severity_labels.values().cloned().collect();
        let there: Vec<String> = self.labels.iter().map(|label| label.name().to_owned()).collect();
        let stays = |name: &String| {
            listed(&ours, name) || listed(&settings.labels, name) || !listed(&severities, name)
        };
        let mut labels: Vec<String> = there.iter().filter(|name| stays(name)).cloned().collect();
        labels.extend(ours.iter().filter(|name| !listed(&there, name)).cloned());
        (labels != there).then_some(labels)
    }
}

/// Labels that Palisade itself needs: that of all, that by which the issue is looked for, and that of its severity.
pub(crate) fn own_labels(settings: &Settings, wanted: &Wanted) -> Vec<String> {
    let mut labels = vec![LABEL.to_owned(), drawer(&wanted.marker)];
    labels.extend(settings.severity_labels.get(&wanted.severity).cloned());
    labels
}

/// The label by which an issue is looked for: one of sixteen by the last digit of its marker.
pub(crate) fn drawer(marker: &str) -> String {
    let digit = marker.chars().last().filter(char::is_ascii_hexdigit).unwrap_or('0');
    format!("{LABEL}-{}", digit.to_ascii_lowercase())
}
