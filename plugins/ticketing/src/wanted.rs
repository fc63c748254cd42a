use palisade_sdk::{Error, Notice, Receipt};
use serde::Deserialize;

/// How a ticket ought to be.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// `ticket`, or `self-test` for a look at whether all would go well, which writes nothing.
    #[serde(rename = "type")]
    kind: String,
    /// `open`, or `resolved` where nothing is left of it.
    state: String,
    /// What finds it again.
    pub marker: String,
    /// What it is about, for people.
    pub title: String,
    /// The worst severity of its findings.
    pub severity: String,
    /// Findings in all; `members` are the worst of them.
    pub total: u64,
    /// The worst findings.
    pub members: Vec<Member>,
    /// Whose all of them are.
    pub owner: Option<String>,
    /// The ticket, where one was made: the receipt's id.
    pub ticket: Option<String>,
    /// People have closed it, and a later scan still finds what it is about.
    #[serde(default)]
    pub closed: bool,
}

/// A finding.
#[derive(Debug, Deserialize)]
pub struct Member {
    /// Its rule, such as `CVE-2026-1`.
    pub rule: String,
    /// What is wrong, in a line.
    pub title: String,
    /// How bad that is.
    pub severity: String,
    /// Where it was found.
    pub asset: String,
    /// The package that it is about.
    #[serde(default)]
    pub package: Option<String>,
    /// That package's version.
    #[serde(default)]
    pub version: Option<String>,
    /// Versions that mend it.
    #[serde(default)]
    pub fixed: Vec<String>,
}

impl Wanted {
    /// Reads a notice.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if it is none about a ticket.
    pub fn read(notice: &Notice) -> Result<Self, Error> {
        Ok(notice.json()?)
    }

    /// Whether only a look is asked for, which writes nothing.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.kind == "self-test"
    }

    /// Whether something is left to do.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }

    /// The receipt where there is nothing to do: nothing is left of what nobody made a ticket of, or whose ticket people have deleted.
    #[must_use]
    pub fn nothing(&self) -> Receipt {
        Receipt::new(self.ticket.clone().unwrap_or_else(|| "none".to_owned()))
    }

    /// What is said to people when a ticket changes between open and closed.
    #[must_use]
    pub fn note(&self) -> &'static str {
        match (self.is_open(), self.closed) {
            (true, true) => "It was closed here, and a later scan still finds it.",
            (true, false) => "It is back.",
            (false, _) => "Nothing of it was found by the latest scans.",
        }
    }
}
