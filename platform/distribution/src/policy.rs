//! Whom to believe: which registries may be asked, and who must have signed which plugin. Everything that is not
//! granted is refused.

use std::collections::BTreeMap;

use image::Reference;
use model::Digest;

use crate::error::{DistributionError, shown};
use crate::identity::{Authority, Identity};
use crate::key::PublicKey;

/// A registry, or a part of one, that plugins may come from: `host[:port]` or `host[:port]/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryPattern {
    host: String,
    /// Empty for all of the registry.
    path: String,
}

impl RegistryPattern {
    /// Reads `host` or `host/path`. A path covers the repository of that name and all below it.
    ///
    /// # Errors
    /// [`DistributionError::Policy`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, DistributionError> {
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        // A name that a reference cannot have would never match, and nobody would know why.
        let probe = Reference::parse(&format!("{host}/{}", if path.is_empty() { "x" } else { path }));
        let usable = probe.is_ok_and(|probe| probe.digest.is_none() && !path.contains(':'));
        if !usable || text.ends_with('/') {
            return Err(DistributionError::Policy {
                why: format!("{:?} is not a registry: write host or host/path", shown(text)),
            });
        }
        Ok(Self { host: host.to_ascii_lowercase(), path: path.to_owned() })
    }

    fn covers(&self, reference: &Reference) -> bool {
        let below = || {
            let rest = reference.repository.strip_prefix(self.path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        reference.host.eq_ignore_ascii_case(&self.host) && (self.path.is_empty() || below())
    }
}

/// What is asked of some plugins. The first rule of a policy whose pattern fits the plugin's id is the one that counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// An id, `prefix.*` for every id below a prefix, or `*`.
    pub plugins: String,
    /// Names of signers, one of which must have signed. Empty: not asked.
    pub any_of: Vec<String>,
    /// Names of signers, each of which must have signed.
    pub all_of: Vec<String>,
    /// Digests of manifests or components. When there are any, nothing else is accepted.
    pub digests: Vec<Digest>,
    /// Accept without a signature. Excludes `any_of` and `all_of`.
    pub unsigned: bool,
    /// Names that signers may have signed for besides the plugin's id and the repository it comes from: where it was
    /// before it was mirrored.
    pub signed_as: Vec<String>,
}

impl Rule {
    fn covers(&self, id: &str) -> bool {
        match self.plugins.strip_suffix('*') {
            Some(prefix) => id.len() > prefix.len() && id.starts_with(prefix),
            None => self.plugins == id,
        }
    }

    fn check(&self, known: &Signers) -> Result<(), String> {
        let name = shown(&self.plugins);
        let prefix = self.plugins.strip_suffix('*').map(|prefix| prefix.strip_suffix('.').unwrap_or(prefix));
        let plain = prefix.unwrap_or(&self.plugins);
        let whole = self.plugins == "*" || prefix.is_none() || self.plugins.ends_with(".*");
        let letters =
            plain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
        if !whole || !letters || (plain.is_empty() && self.plugins != "*") {
            return Err(format!("{name:?} is no plugin id, and not of the form prefix.* or *"));
        }
        let signers = self.any_of.iter().chain(&self.all_of);
        if let Some(unknown) = signers.clone().find(|name| !known.knows(name)) {
            return Err(format!(
                "the rule for {name:?} names {:?}, which is neither a key nor an identity",
                shown(unknown)
            ));
        }
        match (signers.count(), self.unsigned) {
            (0, false) => Err(format!(
                "the rule for {name:?} asks for no signer; name some in any-of or all-of, or say unsigned = true"
            )),
            (1.., true) => {
                Err(format!("the rule for {name:?} names signers and says unsigned = true at once"))
            }
            _ => Ok(()),
        }
    }
}

/// Those who sign, by the names that rules call them by.
#[derive(Debug, Clone, Default)]
pub struct Signers {
    /// Who signs with a key.
    pub keys: BTreeMap<String, PublicKey>,
    /// Who signs by a certificate.
    pub identities: BTreeMap<String, Identity>,
    /// Whom to believe about certificates; needed as soon as there are identities.
    pub authority: Option<Authority>,
}

impl Signers {
    fn knows(&self, name: &str) -> bool {
        self.keys.contains_key(name) || self.identities.contains_key(name)
    }

    /// Each name leads to one signer, and each key has one name: else one signer could count as two.
    fn check(&self) -> Result<(), String> {
        let mut ids = BTreeMap::new();
        for (name, key) in &self.keys {
            if let Some(other) = ids.insert(key.id(), name) {
                return Err(format!("{:?} and {:?} are one and the same key", shown(other), shown(name)));
            }
        }
        for (name, identity) in &self.identities {
            if self.keys.contains_key(name) {
                return Err(format!("{:?} is the name of a key and of an identity", shown(name)));
            }
            if let Some(problem) = identity.problem() {
                return Err(format!("the identity {:?} cannot be used: {problem}", shown(name)));
            }
        }
        if !self.identities.is_empty() && self.authority.is_none() {
            return Err("there are identities, and neither root certificates nor a log key".to_owned());
        }
        Ok(())
    }
}

/// A policy whose parts fit together. The default trusts nobody.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    registries: Vec<RegistryPattern>,
    signers: Signers,
    rules: Vec<Rule>,
}

impl Policy {
    /// Checks that every name leads somewhere and no rule is empty.
    ///
    /// # Errors
    /// [`DistributionError::Policy`] with the rule that is wrong. One key under two names is wrong too: it would be two
    /// signers out of one.
    pub fn new(
        registries: Vec<RegistryPattern>,
        signers: Signers,
        rules: Vec<Rule>,
    ) -> Result<Self, DistributionError> {
        let wrong = |why| DistributionError::Policy { why };
        signers.check().map_err(wrong)?;
        rules.iter().try_for_each(|rule| rule.check(&signers)).map_err(wrong)?;
        Ok(Self { registries, signers, rules })
    }

    /// Whether plugins may be fetched from this repository.
    #[must_use]
    pub fn admits(&self, reference: &Reference) -> bool {
        self.registries.iter().any(|pattern| pattern.covers(reference))
    }

    /// The rule for a plugin.
    pub(crate) fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.covers(id))
    }

    /// Those who sign.
    pub(crate) fn signers(&self) -> &Signers {
        &self.signers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;

    fn rule(plugins: &str) -> Rule {
        Rule { plugins: plugins.to_owned(), unsigned: true, ..Rule::default() }
    }

    fn code(keys: &[(&str, PublicKey)], rule: Rule) -> Option<&'static str> {
        let keys = keys.iter().map(|(name, key)| ((*name).to_owned(), key.clone())).collect();
        let signers = Signers { keys, ..Signers::default() };
        Policy::new(Vec::new(), signers, vec![rule]).err().map(|error| error.code())
    }

    #[test]
    fn a_registry_covers_whole_names_only() {
        let admits = |pattern: &str, text: &str| {
            RegistryPattern::parse(pattern).unwrap().covers(&Reference::parse(text).unwrap())
        };
        for (pattern, text) in [
            ("registry.example", "registry.example/a/b:1"),
            ("Registry.example", "REGISTRY.example/a"),
            ("registry.example/team", "registry.example/team"),
            ("registry.example/team", "registry.example/team/plugin"),
            ("localhost:5000", "localhost:5000/a"),
        ] {
            assert!(admits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("registry.example", "registry.example.evil.example/a"),
            ("registry.example", "registry.example:5000/a"),
            ("registry.example/team", "registry.example/teams"),
            ("registry.example/team", "registry.example/other/team"),
            ("localhost:5000", "localhost:5001/a"),
        ] {
            assert!(!admits(pattern, text), "{pattern} {text}");
        }
        for bad in
            ["", "/", "host", "registry.example/", "registry.example/a:1", "*", "https://registry.example"]
        {
            assert_eq!(RegistryPattern::parse(bad).unwrap_err().code(), "plugin-policy-invalid", "{bad}");
        }
    }

    #[test]
    fn patterns_stop_at_the_dots() {
        assert!(rule("*").covers("a.b"));
        assert!(rule("a.*").covers("a.b.c"));
        assert!(rule("a.b").covers("a.b"));
        for (pattern, id) in [("a.*", "ab.c"), ("a.*", "a."), ("a.b", "a.b.c"), ("a.b.*", "a.b")] {
            assert!(!rule(pattern).covers(id), "{pattern} {id}");
        }
        for bad in ["", "a*", "*.a", "a.*.b", "A.b", "**", "a b", ".*"] {
            assert_eq!(code(&[], rule(bad)), Some("plugin-policy-invalid"), "{bad}");
        }
        for good in ["*", "a.*", "a.b-c"] {
            assert_eq!(code(&[], rule(good)), None, "{good}");
        }
    }

    #[test]
    fn rules_that_ask_for_nothing_or_for_nobody_are_refused() {
        let one = key().public();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let signed = |any: &[&str]| Rule { any_of: names(any), unsigned: false, ..rule("*") };
        assert_eq!(code(&[("one", one.clone())], signed(&["one"])), None);
        assert_eq!(code(&[("one", one.clone())], signed(&["two"])), Some("plugin-policy-invalid"));
        assert_eq!(code(&[], signed(&[])), Some("plugin-policy-invalid"));
        let both = Rule { unsigned: true, ..signed(&["one"]) };
        assert_eq!(code(&[("one", one.clone())], both), Some("plugin-policy-invalid"));
        let twice = [("one", one.clone()), ("two", one)];
        assert_eq!(code(&twice, signed(&["one"])), Some("plugin-policy-invalid"));
    }
}
