//! The body of a resource, as `plugins/cloud-aws/RESOURCES.md` describes it: what is there, what is not configured, what nobody told.
//!
//! AWS has hundreds of types of which a check reads two members, so the checks read JSON by its names and no types of their own.

use std::cell::RefCell;
use std::collections::BTreeSet;

use palisade_sdk::pointer_part;
use serde_json::Value;

use crate::time::{DAY, seconds};

/// Why a check ends without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A member is not there. Where its name is among the unknown ones the check could not be done; else it does not apply.
    Absent,
    /// A member is not what AWS makes it.
    Wrong { at: String, wanted: &'static str },
}

/// A value of the body and the JSON Pointer to it.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) at: String,
}

impl<'a> Node<'a> {
    fn wrong<T>(&self, wanted: &'static str) -> Result<T, Stop> {
        Err(Stop::Wrong { at: self.at.clone(), wanted })
    }

    fn child(&self, key: &str, value: &'a Value) -> Self {
        Self { value, at: format!("{}/{}", self.at, pointer_part(key)) }
    }

    /// A member, unless it is missing or null.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Self>, Stop> {
        let Some(members) = self.value.as_object() else { return self.wrong("an object") };
        Ok(members.get(key).filter(|value| !value.is_null()).map(|value| self.child(key, value)))
    }

    /// A member that has to be told; nothing where it is null, which means that it is not configured.
    pub(crate) fn told(&self, key: &str) -> Result<Option<Self>, Stop> {
        match self.value.as_object() {
            Some(members) if members.contains_key(key) => self.get(key),
            Some(_) => Err(Stop::Absent),
            None => self.wrong("an object"),
        }
    }

    /// A member that has to be told and configured.
    pub(crate) fn need(&self, key: &str) -> Result<Self, Stop> {
        self.get(key)?.ok_or(Stop::Absent)
    }

    /// Where a failure about a member stands: at the member, or here where it is missing.
    pub(crate) fn place(&self, key: &str) -> String {
        match self.value.get(key) {
            Some(_) => format!("{}/{}", self.at, pointer_part(key)),
            None => self.at.clone(),
        }
    }

    pub(crate) fn text(&self) -> Result<&'a str, Stop> {
        self.value.as_str().map_or_else(|| self.wrong("a text"), Ok)
    }

    pub(crate) fn flag(&self) -> Result<bool, Stop> {
        self.value.as_bool().map_or_else(|| self.wrong("true or false"), Ok)
    }

    pub(crate) fn number(&self) -> Result<i64, Stop> {
        self.value.as_i64().map_or_else(|| self.wrong("a whole number"), Ok)
    }

    /// Items of a list.
    pub(crate) fn items(&self) -> Result<Vec<Self>, Stop> {
        let Some(items) = self.value.as_array() else { return self.wrong("a list") };
        let item = |(index, value)| Self { value, at: format!("{}/{index}", self.at) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// One value, or each of a list.
    pub(crate) fn one_or_more(&self) -> Result<Vec<Self>, Stop> {
        if self.value.is_array() { self.items() } else { Ok(vec![self.clone()]) }
    }

    /// Members of an object.
    pub(crate) fn members(&self) -> Result<Vec<(&'a str, Self)>, Stop> {
        let Some(members) = self.value.as_object() else { return self.wrong("an object") };
        Ok(members.iter().map(|(key, value)| (key.as_str(), self.child(key, value))).collect())
    }

    /// A text, if there is one.
    pub(crate) fn text_of(&self, key: &str) -> Result<Option<&'a str>, Stop> {
        self.get(key)?.map(|node| node.text()).transpose()
    }

    /// A flag, which is false where it is missing.
    pub(crate) fn flag_of(&self, key: &str) -> Result<bool, Stop> {
        Ok(self.get(key)?.map(|node| node.flag()).transpose()?.unwrap_or(false))
    }

    /// Items of a list, none where it is missing.
    pub(crate) fn items_of(&self, key: &str) -> Result<Vec<Self>, Stop> {
        self.get(key)?.map_or(Ok(Vec::new()), |node| node.items())
    }

    /// What is deeper inside, if all of the way is there.
    pub(crate) fn inside(&self, path: &[&str]) -> Result<Option<Self>, Stop> {
        let mut node = self.clone();
        for key in path {
            match node.get(key)? {
                Some(next) => node = next,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }
}

/// A resource under examination.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) asset: &'a str,
    /// The whole body. Members of it are asked for through [`Body`], which remembers them.
    root: Node<'a>,
    /// Time of the call, in seconds since 1970 in UTC.
    now: i64,
    /// Accounts of the same owner, from the configuration.
    trusted: &'a BTreeSet<String>,
    unknown: Vec<&'a str>,
    touched: RefCell<BTreeSet<String>>,
}

impl<'a> Body<'a> {
    /// # Errors
    /// The body is not an object, or does not say in texts what is unknown.
    pub(crate) fn new(
        asset: &'a str,
        value: &'a Value,
        now: i64,
        trusted: &'a BTreeSet<String>,
    ) -> Result<Self, Stop> {
        let root = Node { value, at: String::new() };
        let unknown = root.items_of("Unknown")?.iter().map(Node::text).collect::<Result<_, _>>()?;
        Ok(Self { asset, root, now, trusted, unknown, touched: RefCell::default() })
    }

    fn touch(&self, key: &str) -> &Node<'a> {
        self.touched.borrow_mut().insert(key.to_owned());
        &self.root
    }

    /// Forgets what the check before has asked for.
    pub(crate) fn begin(&self) {
        self.touched.borrow_mut().clear();
    }

    /// What the check asked for and nobody could tell, if anything.
    pub(crate) fn not_known(&self) -> Option<&'a str> {
        let touched = self.touched.borrow();
        self.unknown.iter().copied().find(|name| first_part(name).is_some_and(|part| touched.contains(part)))
    }

    /// A member that may be missing. One that nobody could tell ends the check.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Node<'a>>, Stop> {
        match self.touch(key).get(key)? {
            None if self.lists_as_unknown(key) => Err(Stop::Absent),
            other => Ok(other),
        }
    }

    /// A member that only says how bad a failure is; where nobody could tell it, as bad as usual.
    pub(crate) fn hint(&self, key: &str) -> Result<Option<Node<'a>>, Stop> {
        self.root.get(key)
    }

    pub(crate) fn told(&self, key: &str) -> Result<Option<Node<'a>>, Stop> {
        self.touch(key).told(key)
    }

    pub(crate) fn need(&self, key: &str) -> Result<Node<'a>, Stop> {
        self.touch(key).need(key)
    }

    pub(crate) fn place(&self, key: &str) -> String {
        self.root.place(key)
    }

    pub(crate) fn text_of(&self, key: &str) -> Result<Option<&'a str>, Stop> {
        self.get(key)?.map(|node| node.text()).transpose()
    }

    pub(crate) fn items_of(&self, key: &str) -> Result<Vec<Node<'a>>, Stop> {
        self.get(key)?.map_or(Ok(Vec::new()), |node| node.items())
    }

    /// A flag that has to be told.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, Stop> {
        self.need(key)?.flag()
    }

    /// A member that AWS leaves out where it is not configured. A body that has none of `signs` does not come from AWS's answer but
    /// from a plan, where a missing member says nothing.
    pub(crate) fn left_out(&self, key: &str, signs: &[&str]) -> Result<Option<Node<'a>>, Stop> {
        match self.told(key) {
            Err(Stop::Absent) if self.lists_as_unknown(key) => Err(Stop::Absent),
            Err(Stop::Absent) if signs.iter().any(|sign| self.touch(sign).value.get(sign).is_some()) => {
                Ok(None)
            }
            other => other,
        }
    }

    fn lists_as_unknown(&self, key: &str) -> bool {
        self.unknown.iter().any(|name| first_part(name) == Some(key))
    }

    /// The account that the resource is of.
    pub(crate) fn account(&self) -> Option<&'a str> {
        let told = self.root.value.get("Account").and_then(Value::as_str);
        told.or_else(|| self.asset.split(':').nth(4)).filter(|account| !account.is_empty())
    }

    /// Whether an account is neither that of the resource, as far as that is known, nor one of the same owner.
    pub(crate) fn foreign(&self, account: &str) -> bool {
        self.account().is_some_and(|own| own != account) && !self.trusted.contains(account)
    }

    /// Whole days from a time of AWS to now; negative for times to come.
    pub(crate) fn days_since(&self, time: &Node<'_>) -> Result<i64, Stop> {
        match seconds(time.text()?) {
            Some(then) => Ok((self.now - then).div_euclid(DAY)),
            None => time.wrong("a time"),
        }
    }

    /// Whether a time has passed.
    pub(crate) fn passed(&self, time: i64) -> bool {
        self.now >= time
    }
}

/// The member of the body that an entry of the unknown ones is about: it may name a part of the member.
fn first_part(name: &str) -> Option<&str> {
    name.split(['.', '/', '[']).find(|part| !part.is_empty())
}
