//! Responses in the configuration: which playbooks there are, what they may do, and who agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use respond::{Approval, Settings};
use serde::Deserialize;

/// Seconds after which a question that the operator asks is void.
const ASKED_FOR: i64 = 3_600;

/// Responses to incidents.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Respond {
    /// Playbooks of the operator's own: files, and folders of files that end in .yaml or .yml. Their triggers are in force.
    pub(crate) playbooks: Vec<PathBuf>,
    /// Names of built-in playbooks whose triggers are in force; none by default. By hand any can be started.
    pub(crate) enable: Vec<String>,
    /// What is done by itself.
    pub(crate) mode: Mode,
    /// Who has which role: names of tokens, by role. A role that is not named here nobody has.
    pub(crate) roles: BTreeMap<String, BTreeSet<String>>,
    /// Namespaces in which nothing is done unless a playbook names them, besides those of Kubernetes and `palisade`.
    pub(crate) protected_namespaces: Vec<String>,
    /// Of all pods of a cluster at most this part in one run, in percent; 10 by default.
    pub(crate) max_pods_percent: Option<u64>,
    /// Where the steps `notify`, `webhook` and `ticket` may send to, by the names that playbooks use.
    pub(crate) destinations: BTreeMap<String, Destination>,
    /// Where people reach the web page (`https://palisade.example`), for links in messages; none without it.
    pub(crate) page_url: Option<String>,
}

/// Where messages go.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Destination {
    /// What is asked, by POST. `egress.allow` has to name it unless it is public and speaks https.
    pub(crate) url: String,
    /// File with the secret that messages are signed with; they are not signed without one.
    #[serde(default)]
    pub(crate) secret_file: Option<PathBuf>,
    /// What it understands.
    pub(crate) kind: DestinationKind,
}

/// The URL may hold a secret, and stays out of logs.
impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What a destination understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DestinationKind {
    /// Messages of `notify` and `webhook`.
    Webhook,
    /// Tickets.
    Ticket,
}

impl DestinationKind {
    /// The kind that a step wants.
    pub(crate) fn of(action: &str) -> Self {
        if action == "ticket" { Self::Ticket } else { Self::Webhook }
    }

    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Ticket => "ticket",
        }
    }
}

/// What is done by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Nothing: no run is begun and none goes on.
    Off,
    /// Runs are planned and tried without doing anything; each waits for people, whatever its playbook says.
    #[default]
    Propose,
    /// Runs do what their playbooks say, and ask where those want it.
    Act,
}

impl Mode {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Propose => "propose",
            Self::Act => "act",
        }
    }
}

impl Respond {
    /// Whether anything says that there are to be responses.
    pub(crate) fn is_wanted(&self) -> bool {
        self.mode != Mode::Off && !(self.playbooks.is_empty() && self.enable.is_empty())
    }

    /// What runs are bound by, whatever playbooks say.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.protected.extend(self.protected_namespaces.iter().cloned());
        settings.max_pods_percent = self.max_pods_percent.unwrap_or(settings.max_pods_percent);
        settings
    }

    /// Who is asked where a playbook names nobody; nothing where none needs to be.
    pub(crate) fn approval(&self) -> Option<Approval> {
        let of = self.roles.keys().cloned().collect();
        (self.mode != Mode::Act).then_some(Approval { of, need: 1, expires: ASKED_FOR })
    }

    /// The roles of somebody.
    pub(crate) fn roles_of(&self, person: &str) -> Vec<String> {
        let has =
            |(role, people): (&String, &BTreeSet<String>)| people.contains(person).then(|| role.clone());
        self.roles.iter().filter_map(has).collect()
    }

    /// Whether as many people as are asked could agree: otherwise a run would wait for nobody.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(crate) fn can_agree(&self, playbook: &str, approval: &Approval) -> Result<()> {
        let people: BTreeSet<&String> =
            approval.of.iter().filter_map(|role| self.roles.get(role)).flatten().collect();
        ensure!(
            people.len() >= approval.need as usize,
            "the playbook {playbook:?} asks for the approval of {} with one of the roles [{}], and [respond.roles] of the configuration names {}",
            approval.need,
            approval.of.join(", "),
            people.len()
        );
        Ok(())
    }

    /// Figures that nobody means.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.max_pods_percent.is_none_or(|percent| (1..=100).contains(&percent)),
            "respond.max-pods-percent of the configuration must be from 1 to 100"
        );
        let web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        for (name, destination) in &self.destinations {
            ensure!(
                web(&destination.url),
                "respond.destinations.{name}.url of the configuration must begin with https:// or http://"
            );
        }
        ensure!(
            self.page_url.as_deref().is_none_or(web),
            "respond.page-url of the configuration must begin with https:// or http://"
        );
        for (role, people) in &self.roles {
            ensure!(!people.is_empty(), "respond.roles.{role} of the configuration names nobody");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Respond};

    fn read(text: &str) -> Respond {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn nothing_is_done_that_nobody_asked_for() {
        let usual = read("");
        assert!(!usual.is_wanted() && usual.mode == Mode::Propose);
        assert_eq!(usual.approval().unwrap().need, 1);
        assert!(read("mode = \"act\"").approval().is_none());
        assert!(!read("mode = \"off\"\nenable = [\"isolate-shell\"]").is_wanted());
        assert!(toml::from_str::<Respond>("mode = \"on\"").is_err());
        assert!(read("max-pods-percent = 0").check().is_err());
        assert!(read("roles = { a = [] }").check().is_err());
        assert!(read("page-url = \"palisade.example\"").check().is_err());
        let named = |url: &str| read(&format!("destinations.a = {{ url = {url:?}, kind = \"ticket\" }}"));
        named("https://a.example/x").check().unwrap();
        let wrong = named("ftp://a.example/").check().unwrap_err().to_string();
        assert!(wrong.contains("respond.destinations.a.url"), "{wrong}");
        assert!(!format!("{:?}", named("https://a.example/token")).contains("token"));
    }

    #[test]
    fn nobody_has_a_role_that_is_not_given_to_them() {
        let respond = read("[roles]\nresponder = [\"ann\", \"bob\"]\nowner = [\"ann\"]");
        assert_eq!(respond.roles_of("ann"), ["owner", "responder"]);
        assert!(respond.roles_of("eve").is_empty());
        let asks = |of: &str, need| respond::Approval { of: vec![of.to_owned()], need, expires: 60 };
        respond.can_agree("p", &asks("responder", 2)).unwrap();
        let error = respond.can_agree("p", &asks("owner", 2)).unwrap_err().to_string();
        assert!(error.contains("[owner]") && error.contains("names 1"), "{error}");
        assert!(respond.can_agree("p", &asks("admin", 1)).is_err());
    }
}
