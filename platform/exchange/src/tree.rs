//! JSON that knows where it stands, so that every complaint has a pointer (RFC 6901).

use serde_json::Value;

use crate::limits;

/// A value of the file and its JSON pointer. `null` is read as absent everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    at: String,
    value: &'a Value,
}

impl<'a> Item<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { at: String::new(), value }
    }

    /// The element of a list that stands at this place.
    pub(crate) fn element(&self, index: usize, value: &'a Value) -> Self {
        Self { at: format!("{}/{index}", self.at), value }
    }

    /// The pointer; `/` for the whole file, which people would not see otherwise.
    pub(crate) fn pointer(&self) -> String {
        if self.at.is_empty() { "/".to_owned() } else { self.at.clone() }
    }

    /// The pointer of a member, whether it is there or not.
    pub(crate) fn pointer_of(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// A member.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { at: self.pointer_of(name), value })
    }

    /// A member of members.
    pub(crate) fn find(&self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self.clone(), |item, name| item.get(name))
    }

    /// Text that is not only spaces.
    pub(crate) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str().filter(|text| !text.trim().is_empty())
    }

    /// The text of a member.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str().filter(|text| !text.trim().is_empty())
    }

    /// The text of a member of members.
    pub(crate) fn text_at(&self, names: &[&str]) -> Option<&'a str> {
        self.find(names)?.as_text()
    }

    /// A number of a member, which some tools write as text.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        let value = self.value.get(name)?;
        value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
    }

    /// A whole number of a member.
    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        self.value.get(name)?.as_u64()
    }

    /// The first [`limits::LIST`] elements of a member that is a list; nothing where it is none.
    pub(crate) fn elements(&self, name: &str) -> Vec<Self> {
        self.get(name).map(|list| list.first(limits::LIST)).unwrap_or_default()
    }

    /// One element of a member that is a list.
    pub(crate) fn nth(&self, name: &str, index: u64) -> Option<Self> {
        let index = usize::try_from(index).ok()?;
        let list = self.get(name)?;
        Some(list.element(index, list.value.as_array()?.get(index)?))
    }

    /// Elements of this list; nothing where it is none.
    pub(crate) fn all(&self) -> Vec<Self> {
        self.first(usize::MAX)
    }

    fn first(&self, most: usize) -> Vec<Self> {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().take(most).enumerate().map(|(index, value)| self.element(index, value)).collect()
    }

    /// The first [`limits::LIST`] texts of a member that is a list of texts, or one text.
    pub(crate) fn texts(&self, name: &str) -> Vec<&'a str> {
        match self.value.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().take(limits::LIST).filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}
