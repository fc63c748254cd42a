//! What a plugin may do beyond computing: asked for in its manifest, granted by the operator. Effective right = asked and
//! granted, for one tenant and one digest.
//!
//! Both sides have the same type, so that they can be compared, shown side by side and put into a difference that people
//! read. A host of `*` in a manifest says that only the operator knows the host; in a grant it is refused.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::{Digest, TenantId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::pattern;

/// An ability beyond computing on the batch. Every one needs a request in the manifest and a grant of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Requests to named hosts.
    Http,
    /// Credentials that the host puts into such requests, by name.
    Secret,
    /// Keyed state of the plugin.
    State,
    /// Questions to the advisory index.
    Advisories,
    /// Questions about the tenant's assets.
    Assets,
    /// Artifacts of registries.
    Blob,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 6] =
        [Self::Http, Self::Secret, Self::State, Self::Advisories, Self::Assets, Self::Blob];

    /// The word used in manifests, errors and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Secret => "secret",
            Self::State => "state",
            Self::Advisories => "advisories",
            Self::Assets => "assets",
            Self::Blob => "blob",
        }
    }

    /// The capability with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == name)
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Methods that a rule may name.
pub const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// Requests that a plugin may send.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRule {
    /// Host name in lower case, without scheme; with `:port` where it is not 443. In a manifest `*`: the operator names it.
    pub host: String,
    /// Methods.
    pub methods: Vec<String>,
    /// Paths: `*` stands for one segment, `**` at the end for the rest. A query is always allowed.
    pub paths: Vec<String>,
}

impl HttpRule {
    /// The same methods and paths at another host.
    fn at(&self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self.clone() }
    }
}

/// A credential, and where it may go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRule {
    /// Name, as the plugin asks for it.
    pub name: String,
    /// Hosts that it may be sent to, as in [`HttpRule::host`]. Empty in a manifest: the operator names them.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// Rights, asked or granted. The default is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Rights {
    /// Requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpRule>,
    /// Credentials for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretRule>,
    /// Most bytes of keys and values of its state together; 0 for no state.
    #[serde(skip_serializing_if = "is_zero")]
    pub state_bytes: u64,
    /// Questions to the advisory index.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub advisories: bool,
    /// Kinds of assets that it may ask about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<String>,
    /// Repositories that it may read blobs of, with their registry; a `*` stands for one segment, `**` at the end for the rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blob: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(figure: &u64) -> bool {
    *figure == 0
}

/// A grant that cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} {problem}")]
pub struct GrantError {
    /// The right.
    pub what: String,
    /// What is wrong with it and what is allowed.
    pub problem: String,
}

impl GrantError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "plugin-grant-invalid"
    }
}

impl Rights {
    /// Allows nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether there is anything of this capability.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Http => !self.http.is_empty(),
            Capability::Secret => !self.secrets.is_empty(),
            Capability::State => self.state_bytes > 0,
            Capability::Advisories => self.advisories,
            Capability::Assets => !self.assets.is_empty(),
            Capability::Blob => !self.blob.is_empty(),
        }
    }

    /// The capabilities that there is anything of, in order.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        Capability::ALL.into_iter().filter(|capability| self.has(*capability)).collect()
    }

    /// Every single right as one line for people, sorted: `http GET api.example.com/v1/**`.
    #[must_use]
    pub fn lines(&self) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        for rule in &self.http {
            for path in &rule.paths {
                for method in &rule.methods {
                    lines.insert(format!("http {method} {}{path}", rule.host));
                }
            }
        }
        for secret in &self.secrets {
            if secret.hosts.is_empty() {
                lines.insert(format!("secret {}", secret.name));
            }
            lines.extend(secret.hosts.iter().map(|host| format!("secret {} to {host}", secret.name)));
        }
        if self.state_bytes > 0 {
            lines.insert(format!("state {} bytes", self.state_bytes));
        }
        if self.advisories {
            lines.insert("advisories".to_owned());
        }
        lines.extend(self.assets.iter().map(|kind| format!("assets {kind}")));
        lines.extend(self.blob.iter().map(|repository| format!("blob {repository}")));
        lines
    }

    /// Reads rights from lines as [`Rights::lines`] writes them.
    ///
    /// # Errors
    /// [`GrantError`] with the line that is no right.
    pub fn from_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, GrantError> {
        let mut rights = Self::none();
        for line in lines {
            rights.add(line).ok_or_else(|| GrantError {
                what: format!("{:?}", crate::error::shown(line)),
                problem: "is not a right; rights look like `http GET api.example.com/v1/**`, \
                          `secret token to api.example.com`, `state 65536 bytes`, `advisories`, `assets pod` and \
                          `blob registry.example/team/*`"
                    .to_owned(),
            })?;
        }
        Ok(rights)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["http", method, target] => {
                let (host, path) = target.split_at_checked(target.find('/')?)?;
                self.http.push(HttpRule {
                    host: host.to_owned(),
                    methods: vec![(*method).to_owned()],
                    paths: vec![path.to_owned()],
                });
            }
            ["secret", name] => {
                self.secrets.push(SecretRule { name: (*name).to_owned(), hosts: Vec::new() });
            }
            ["secret", name, "to", host] => {
                let hosts = vec![(*host).to_owned()];
                self.secrets.push(SecretRule { name: (*name).to_owned(), hosts });
            }
            ["state", bytes, "bytes"] => self.state_bytes = self.state_bytes.max(bytes.parse().ok()?),
            ["advisories"] => self.advisories = true,
            ["assets", kind] => self.assets.push((*kind).to_owned()),
            ["blob", repository] => self.blob.push((*repository).to_owned()),
            _ => return None,
        }
        Some(())
    }

    /// Lines of these rights that have no effect beside what is asked for.
    #[must_use]
    pub fn beyond(&self, asked: &Self) -> Vec<String> {
        let one =
            |line: &String| Self::from_lines([line.as_str()]).is_ok_and(|right| !right.is_within(asked));
        self.lines().into_iter().filter(one).collect()
    }

    /// Whether a single right is part of what is asked for. A pattern is taken for a path: `/v1/*` is within `/v1/**`.
    fn is_within(&self, asked: &Self) -> bool {
        let http = self.http.iter().all(|rule| {
            let all =
                |method: &String| rule.paths.iter().all(|path| asked.allows_http(&rule.host, method, path));
            rule.methods.iter().all(all)
        });
        let secrets = self
            .secrets
            .iter()
            .all(|secret| secret.hosts.iter().all(|host| asked.allows_secret(&secret.name, host, true)));
        http && secrets
            && (self.state_bytes == 0 || asked.state_bytes > 0)
            && (!self.advisories || asked.advisories)
            && self.assets.iter().all(|kind| asked.allows_asset(kind))
            && self.blob.iter().all(|repository| asked.allows_blob(repository))
    }

    /// What is asked, as a grant: where a manifest leaves the hosts to the operator, they are those that he named for the secrets.
    /// `hosts_of` gives them by the secret's name. A secret without hosts is not granted, and neither is `*` where no secret has any.
    #[must_use]
    pub fn settled<'a>(&self, hosts_of: impl Fn(&str) -> &'a [String]) -> Self {
        let mut settled = Self { http: Vec::new(), secrets: Vec::new(), ..self.clone() };
        let mut named = BTreeSet::new();
        for asked in &self.secrets {
            let hosts = match asked.hosts.as_slice() {
                [] => hosts_of(&asked.name),
                fixed => fixed,
            };
            if asked.hosts.is_empty() {
                named.extend(hosts);
            }
            if !hosts.is_empty() {
                settled.secrets.push(SecretRule { name: asked.name.clone(), hosts: hosts.to_vec() });
            }
        }
        for rule in &self.http {
            match rule.host.as_str() {
                "*" => settled.http.extend(named.iter().map(|host| rule.at(host))),
                _ => settled.http.push(rule.clone()),
            }
        }
        settled
    }

    /// The same rights where everything goes to one host instead of where it is granted to go: written as in [`HttpRule::host`], and
    /// never `*`. Methods, paths and the names of secrets stay as they are, so that nothing is added but the place. Repositories are
    /// places too, and are left out.
    #[must_use]
    pub fn only_at(&self, host: &str) -> Self {
        let secret =
            |secret: &SecretRule| SecretRule { hosts: vec![host.to_owned()], name: secret.name.clone() };
        let http: BTreeSet<HttpRule> = self.http.iter().map(|rule| rule.at(host)).collect();
        Self {
            http: http.into_iter().collect(),
            secrets: self.secrets.iter().map(secret).collect(),
            blob: Vec::new(),
            ..self.clone()
        }
    }

    /// What these rights have more and less than others.
    #[must_use]
    pub fn difference(&self, before: &Self) -> RightsDifference {
        let (now, then) = (self.lines(), before.lines());
        let state = |line: &String| line.starts_with("state ");
        let less_state = self.state_bytes <= before.state_bytes;
        RightsDifference {
            // Less state is no new right, although its line is a new one.
            added: now.difference(&then).filter(|line| !(state(line) && less_state)).cloned().collect(),
            removed: then.difference(&now).filter(|line| !state(line) || less_state).cloned().collect(),
        }
    }

    /// Checks that these rights can be granted: hosts are names and not `*`, methods and patterns are known.
    ///
    /// # Errors
    /// [`GrantError`] with the right and what is allowed.
    pub fn check_grant(&self) -> Result<(), GrantError> {
        self.check(false)
    }

    pub(crate) fn check(&self, asked: bool) -> Result<(), GrantError> {
        for rule in &self.http {
            check_host("http", &rule.host, asked)?;
            let of = |problem: String| GrantError { what: format!("http to {:?}", rule.host), problem };
            if rule.methods.is_empty() || rule.paths.is_empty() {
                return Err(of("needs methods and paths".to_owned()));
            }
            if let Some(odd) = rule.methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
                return Err(of(format!("has the method {odd:?}; allowed are {}", METHODS.join(", "))));
            }
            for path in &rule.paths {
                pattern::check(path, true)
                    .map_err(|problem| of(format!("has the path {path:?}, which {problem}")))?;
            }
        }
        for secret in &self.secrets {
            let of = |problem: &str| GrantError {
                what: format!("secret {:?}", secret.name),
                problem: problem.to_owned(),
            };
            let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if secret.name.is_empty() || secret.name.len() > 64 || !secret.name.bytes().all(letters) {
                return Err(of("needs a name of 1 to 64 letters a-z, digits and dashes"));
            }
            if secret.hosts.is_empty() && !asked {
                return Err(of("needs the hosts that it may be sent to"));
            }
            secret.hosts.iter().try_for_each(|host| check_host("secret", host, asked))?;
        }
        for repository in &self.blob {
            pattern::check(repository, false).map_err(|problem| GrantError {
                what: format!("blob {repository:?}"),
                problem: problem.to_owned(),
            })?;
        }
        for kind in &self.assets {
            let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'/' | b'_');
            if kind.is_empty() || kind.len() > 128 || !kind.bytes().all(letters) {
                let problem = "is not the name of a kind of asset".to_owned();
                return Err(GrantError { what: format!("assets {kind:?}"), problem });
            }
        }
        Ok(())
    }

    /// Whether a request is within these rights.
    #[must_use]
    pub(crate) fn allows_http(&self, host: &str, method: &str, path: &str) -> bool {
        self.http.iter().any(|rule| {
            same_host(&rule.host, host)
                && rule.methods.iter().any(|allowed| allowed == method)
                && rule.paths.iter().any(|allowed| pattern::matches(allowed, path))
        })
    }

    /// Whether a secret may be sent to a host.
    #[must_use]
    pub(crate) fn allows_secret(&self, name: &str, host: &str, asked: bool) -> bool {
        self.secrets.iter().any(|secret| {
            secret.name == name
                && ((asked && secret.hosts.is_empty())
                    || secret.hosts.iter().any(|allowed| same_host(allowed, host)))
        })
    }

    /// Whether the assets of a kind may be asked about.
    #[must_use]
    pub(crate) fn allows_asset(&self, kind: &str) -> bool {
        self.assets.iter().any(|allowed| allowed == kind)
    }

    /// Whether blobs of a repository may be read.
    #[must_use]
    pub(crate) fn allows_blob(&self, repository: &str) -> bool {
        self.blob.iter().any(|allowed| pattern::matches(allowed, repository))
    }
}

fn same_host(allowed: &str, host: &str) -> bool {
    allowed == "*" || allowed == host
}

fn check_host(what: &str, host: &str, asked: bool) -> Result<(), GrantError> {
    if asked && host == "*" {
        return Ok(());
    }
    let refuse =
        |problem: &str| Err(GrantError { what: format!("{what} to {host:?}"), problem: problem.to_owned() });
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    if name.is_empty() || name.len() > 253 || !name.bytes().all(letters) || name.split('.').any(str::is_empty)
    {
        return refuse("needs the name of one host in lower case, with a port where it is not 443");
    }
    match port.parse::<u16>() {
        Ok(number) if number > 0 && port == number.to_string() => Ok(()),
        _ => refuse("has a port that is none"),
    }
}

/// How rights differ, as lines for people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RightsDifference {
    /// New ones. An upgrade with any waits for approval.
    pub added: Vec<String>,
    /// Ones that are gone.
    pub removed: Vec<String>,
}

impl RightsDifference {
    /// The difference as text, a line for each right: `+ http GET api.example.com/v1/**`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (mark, lines) in [('-', &self.removed), ('+', &self.added)] {
            for line in lines {
                let _ = writeln!(text, "{mark} {line}");
            }
        }
        text
    }
}

/// What the operator allows one plugin: for one tenant, and for exactly the component that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// For whose data.
    pub tenant: TenantId,
    /// For which component.
    pub digest: Digest,
    /// What.
    pub rights: Rights,
}

#[cfg(test)]
#[path = "rights_tests.rs"]
mod tests;
