//! What is known of a request when statements are judged: who asks, for what, of which resource.

use crate::aws::account::{Identity, IdentityKind};
use crate::aws::condition::Known;
use crate::aws::policy::{Effect, Named, Pattern, Statement};
use crate::aws::truth::Truth;

/// An account that is nobody's: of somebody of whom only this is known, that he is not one of these accounts.
const NOBODY: &str = "000000000000";

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// A user or role of these accounts.
    Identity(&'a Identity),
    /// Anybody of the internet, with or without an account of his own.
    Anyone,
    /// Somebody of another account.
    Account(&'a str),
    /// A service of AWS.
    Service(&'a str),
    /// Somebody whom a provider of identities vouches for.
    Federated(&'a str),
}

impl Caller<'_> {
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::Identity(identity) => Some(&identity.account),
            Self::Account(account) => Some(account),
            Self::Anyone => Some(NOBODY),
            Self::Service(_) | Self::Federated(_) => None,
        }
    }
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) caller: Caller<'a>,
    /// In small letters.
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) resource_account: Option<&'a str>,
    pub(crate) resource_tags: Option<&'a [(String, String)]>,
    /// Keys whose value the asker chooses, or that follow from the action: in small letters, and nothing for absent ones.
    pub(crate) chosen: &'a [(&'a str, Option<&'a str>)],
}

impl Request<'_> {
    fn known(&self, key: &str) -> Known {
        if let Some((_, value)) = self.chosen.iter().find(|(own, _)| *own == key) {
            return value.map_or(Known::Absent, Known::one);
        }
        if let Some(tag) = key.strip_prefix("aws:principaltag/") {
            return self.principal_tag(tag);
        }
        let tag = key.split_once("resourcetag/").filter(|(service, _)| service.ends_with(':'));
        if let Some((_, tag)) = tag {
            return self.resource_tags.map_or(Known::Unknown, |tags| of_tags(tags, tag));
        }
        match key {
            "aws:securetransport" => Known::one("true"),
            "aws:viaawsservice" | "aws:principalisawsservice" => {
                Known::one(if matches!(self.caller, Caller::Service(_)) { "true" } else { "false" })
            }
            "aws:resourceaccount" => self.resource_account.map_or(Known::Unknown, Known::one),
            "aws:sourceaccount" | "aws:sourcearn" | "aws:calledvia" | "aws:calledviafirst" => {
                match self.caller {
                    Caller::Service(_) | Caller::Federated(_) => Known::Unknown,
                    _ => Known::Absent,
                }
            }
            _ => self.of_caller(key),
        }
    }

    fn principal_tag(&self, tag: &str) -> Known {
        match self.caller {
            // A session may have tags that its role has not, and others in their place.
            Caller::Identity(identity) => match of_tags(&identity.tags, tag) {
                Known::Absent if identity.kind == IdentityKind::Role => Known::Unknown,
                known => known,
            },
            Caller::Anyone => Known::Absent,
            _ => Known::Unknown,
        }
    }

    fn of_caller(&self, key: &str) -> Known {
        match (self.caller, key) {
            (Caller::Identity(identity), _) => of_identity(identity, key),
            (Caller::Anyone, "aws:sourceip") => Known::Internet,
            // Whoever is of no account of an organization has an id of another one: none that a policy names.
            (Caller::Anyone, "aws:principalaccount" | "aws:principalorgid" | "aws:principalarn") => {
                Known::one(NOBODY)
            }
            (
                Caller::Anyone,
                "aws:sourcevpc"
                | "aws:sourcevpce"
                | "aws:multifactorauthpresent"
                | "aws:principalorgpaths"
                | "aws:username"
                | "aws:principaltype",
            ) => Known::Absent,
            (Caller::Account(account), "aws:principalaccount") => Known::one(account),
            _ => Known::Unknown,
        }
    }

    /// Whether a statement is about this request, leaving aside whom it names.
    pub(crate) fn holds(&self, statement: &Statement) -> Truth {
        if !statement.has_action(self.action) {
            return Truth::No;
        }
        let resources = statement.resources.iter().map(|pattern| self.matches(pattern));
        let matched = resources.fold(Truth::No, Truth::or);
        let matched = if statement.not_resource { matched.not() } else { matched };
        if matched == Truth::No {
            return Truth::No;
        }
        matched.and(self.conditions(statement))
    }

    /// Whether the conditions of a statement hold, leaving aside everything else.
    pub(crate) fn conditions(&self, statement: &Statement) -> Truth {
        let conditions =
            statement.conditions.iter().map(|condition| condition.holds(&self.known(&condition.key)));
        conditions.fold(Truth::Yes, Truth::and)
    }

    fn matches(&self, pattern: &Pattern) -> Truth {
        if !pattern.variables {
            return Truth::from(pattern.matches(self.resource));
        }
        let (text, certain) = self.filled(&pattern.text);
        let matched = Truth::from(crate::aws::glob::matches(&text, self.resource));
        matched.at_most(if certain { Truth::Yes } else { Truth::Maybe })
    }

    /// A pattern with its variables filled in, and whether all of them are known.
    fn filled(&self, pattern: &str) -> (String, bool) {
        let (mut out, mut rest, mut certain) = (String::new(), pattern, true);
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, more)) = after.split_once('}') else {
                rest = after;
                certain = false;
                break;
            };
            match name {
                // Characters that stand for themselves: closest is one of any kind.
                "*" | "?" | "$" => out.push('?'),
                _ => match self.known(&name.to_ascii_lowercase()) {
                    Known::Values(values) if values.len() == 1 => out.extend(values),
                    _ => {
                        out.push('*');
                        certain = false;
                    }
                },
            }
            rest = more;
        }
        out.push_str(rest);
        (out, certain)
    }

    /// How a statement of a resource's policy is about this request: by naming the caller, and by naming only his account.
    pub(crate) fn holds_for_caller(&self, statement: &Statement) -> (Truth, Truth) {
        let holds = self.holds(statement);
        if holds == Truth::No {
            return (Truth::No, Truth::No);
        }
        let (direct, account) = self.named(statement);
        (holds.and(direct), holds.and(account))
    }

    fn named(&self, statement: &Statement) -> (Truth, Truth) {
        let direct = statement.principals.iter().map(|named| self.is(named)).fold(Truth::No, Truth::or);
        let own = self.caller.account();
        let account =
            |named: &Named| matches!(named, Named::Account(account) if Some(account.as_str()) == own);
        let account = Truth::from(statement.principals.iter().any(account));
        if !statement.not_principal {
            return (direct, account);
        }
        match statement.effect {
            // Who is not named, by himself or his account, is meant.
            Effect::Deny => (direct.or(account).not(), Truth::No),
            Effect::Allow => (direct.or(account).not().at_most(Truth::Maybe), Truth::No),
        }
    }

    fn is(&self, named: &Named) -> Truth {
        match (named, self.caller) {
            (Named::Anyone, Caller::Service(_) | Caller::Federated(_)) => Truth::Maybe,
            (Named::Anyone, _) => Truth::Yes,
            (Named::Arn(arn), Caller::Identity(identity)) => Truth::from(*arn == identity.arn),
            (Named::Session(..), Caller::Identity(identity)) if identity.kind == IdentityKind::Role => {
                Truth::from(named.is_session_of(&identity.account, &identity.arn))
            }
            (Named::Arn(arn), Caller::Account(account)) => {
                let own = crate::aws::arn::Arn::of(arn).is_some_and(|arn| arn.account == account);
                Truth::from(own)
            }
            (Named::Session(own, _), Caller::Account(account)) => Truth::from(own == account),
            (Named::Service(service), Caller::Service(own)) => Truth::from(same_service(service, own)),
            (Named::Federated(provider), Caller::Federated(own)) => Truth::from(provider == own),
            _ => Truth::No,
        }
    }
}

/// Whether two names mean one service: `ec2.amazonaws.com` and, in China, `ec2.amazonaws.com.cn`.
pub(crate) fn same_service(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.strip_suffix(".cn").unwrap_or(name).to_ascii_lowercase();
    plain(one) == plain(other)
}

fn of_identity(identity: &Identity, key: &str) -> Known {
    match key {
        "aws:principalarn" => Known::one(&*identity.arn),
        "aws:principalaccount" => Known::one(&*identity.account),
        "aws:principaltype" => match identity.kind {
            IdentityKind::Role => Known::one("AssumedRole"),
            IdentityKind::User => Known::one("User"),
            IdentityKind::Group => Known::Unknown,
        },
        "aws:username" => match identity.kind {
            IdentityKind::User => Known::one(&*identity.name),
            IdentityKind::Role => Known::Absent,
            IdentityKind::Group => Known::Unknown,
        },
        _ => Known::Unknown,
    }
}

fn of_tags(tags: &[(String, String)], wanted: &str) -> Known {
    let found = tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
    found.map_or(Known::Absent, |(_, value)| Known::one(&**value))
}
