//! Policy documents of IAM: who may do what, and under which conditions. The grammar is that of
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::collections::BTreeSet;

use crate::body::{Body, Node, Stop};
use crate::condition::{Condition, conditions};

/// A statement, taken apart.
#[derive(Debug)]
pub(crate) struct Statement<'a> {
    pub(crate) at: String,
    pub(crate) allow: bool,
    pub(crate) actions: Vec<&'a str>,
    pub(crate) not_actions: Option<Vec<&'a str>>,
    resources: Vec<&'a str>,
    not_resources: bool,
    pub(crate) principals: Principals<'a>,
    pub(crate) conditions: Vec<Condition<'a>>,
}

/// Whom a statement is about.
#[derive(Debug, Default)]
pub(crate) struct Principals<'a> {
    /// `*`, or everybody but a list.
    pub(crate) everybody: bool,
    /// Accounts, users, roles: ARNs, account numbers, unique ids.
    pub(crate) aws: Vec<&'a str>,
    pub(crate) services: Vec<&'a str>,
    pub(crate) federated: Vec<&'a str>,
}

/// The statements of a policy document.
///
/// # Errors
/// The document is not what the grammar allows.
pub(crate) fn statements<'a>(document: &Node<'a>) -> Result<Vec<Statement<'a>>, Stop> {
    match document.get("Statement")? {
        Some(list) => list.one_or_more()?.iter().map(Statement::read).collect(),
        None => Ok(Vec::new()),
    }
}

fn texts<'a>(statement: &Node<'a>, key: &str) -> Result<Option<Vec<&'a str>>, Stop> {
    let Some(node) = statement.get(key)? else { return Ok(None) };
    Ok(Some(node.one_or_more()?.iter().map(Node::text).collect::<Result<_, _>>()?))
}

impl<'a> Statement<'a> {
    fn read(node: &Node<'a>) -> Result<Self, Stop> {
        Ok(Self {
            at: node.at.clone(),
            allow: node.text_of("Effect")? == Some("Allow"),
            actions: texts(node, "Action")?.unwrap_or_default(),
            not_actions: texts(node, "NotAction")?,
            resources: texts(node, "Resource")?.unwrap_or_default(),
            not_resources: node.get("NotResource")?.is_some(),
            principals: Principals::read(node)?,
            conditions: conditions(node)?,
        })
    }

    /// Whether an action is named, or is not among those that are left out.
    pub(crate) fn names(&self, action: &str) -> bool {
        let fits = |pattern: &&str| like(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase());
        match &self.not_actions {
            Some(others) => !others.iter().any(fits),
            None => self.actions.iter().any(fits),
        }
    }

    /// Whether the statement is about all resources, or all of a type. A resource policy that names none is about its own.
    pub(crate) fn about_everything(&self) -> bool {
        self.not_resources || self.resources.iter().any(|resource| wide(resource))
    }

    /// Whether it is about all resources whatsoever.
    pub(crate) fn about_all(&self) -> bool {
        self.not_resources || self.resources.iter().any(|resource| everything(resource))
    }

    /// Whether it allows every action there is.
    pub(crate) fn every_action(&self) -> bool {
        self.actions.iter().any(|action| matches!(*action, "*" | "*:*"))
    }

    /// Whether anyone at all is allowed, and no condition says who it must be.
    pub(crate) fn open(&self) -> bool {
        self.allow && self.principals.everybody && !self.conditions.iter().any(Condition::limits_caller)
    }

    /// Accounts of other owners that are allowed.
    pub(crate) fn foreign(&self, body: &Body<'_>) -> BTreeSet<&'a str> {
        let accounts = self.principals.aws.iter().filter_map(|principal| account(principal));
        accounts.filter(|account| self.allow && body.foreign(account)).collect()
    }
}

impl<'a> Principals<'a> {
    fn read(statement: &Node<'a>) -> Result<Self, Stop> {
        let mut all = Self { everybody: statement.get("NotPrincipal")?.is_some(), ..Self::default() };
        let Some(principal) = statement.get("Principal")? else { return Ok(all) };
        if principal.value.is_string() {
            all.everybody |= principal.text()? == "*";
            return Ok(all);
        }
        for (kind, values) in principal.members()? {
            for value in values.one_or_more()? {
                let text = value.text()?;
                match kind {
                    _ if text == "*" => all.everybody = true,
                    "AWS" => all.aws.push(text),
                    "Service" => all.services.push(text),
                    "Federated" => all.federated.push(text),
                    _ => {}
                }
            }
        }
        Ok(all)
    }
}

/// The account of a principal, where it has one: `111122223333` or an ARN.
pub(crate) fn account(principal: &str) -> Option<&str> {
    let number = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    Some(principal).filter(number).or_else(|| principal.split(':').nth(4).filter(number))
}

fn everything(resource: &str) -> bool {
    !resource.is_empty() && resource.bytes().all(|letter| letter == b'*')
}

/// `*`, or an ARN whose resource is all of a type in any or this account.
fn wide(resource: &str) -> bool {
    if everything(resource) {
        return true;
    }
    let mut parts = resource.splitn(6, ':');
    let (service, last) = (parts.nth(2).unwrap_or_default(), parts.nth(2).unwrap_or_default());
    // Behind the name of a bucket are the objects of that one, and not all of a type.
    let names_type = service != "s3" && last.matches(['/', ':']).count() == 1;
    last == "*" || names_type && last.rsplit(['/', ':']).next() == Some("*")
}

/// Whether a text fits a pattern with `*` and `?`, in time of their product at most.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star, mut mark) = (0, 0, None, 0);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some(p);
                mark = t;
                p += 1;
            }
            Some(letter) if *letter == b'?' || Some(letter) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some(last) = star else { return false };
                p = last + 1;
                mark += 1;
                t = mark;
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|letter| *letter == b'*')
}

/// Allowed actions of an identity's policy, where no statement of the same policy denies them for everything without condition.
pub(crate) fn granted<'s, 'a>(
    statements: &'s [Statement<'a>],
    action: &str,
) -> impl Iterator<Item = &'s Statement<'a>> {
    let denied = statements
        .iter()
        .any(|one| !one.allow && one.conditions.is_empty() && one.about_all() && one.names(action));
    let action = action.to_owned();
    statements.iter().filter(move |one| !denied && one.allow && one.names(&action))
}

#[cfg(test)]
mod tests {
    use super::{account, like, wide};

    #[test]
    fn patterns() {
        for (pattern, text) in [
            ("*", ""),
            ("iam:*", "iam:passrole"),
            ("iam:p*role", "iam:passrole"),
            ("a?c", "abc"),
            ("**", "x"),
        ] {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "x"), ("iam:*", "s3:x"), ("a?c", "ac"), ("iam:pass", "iam:passrole")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
        assert!(!like(&"*a".repeat(2_000), &"a".repeat(1_999)));
    }

    #[test]
    fn resources_that_are_everything() {
        for all in [
            "*",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::111122223333:user/*",
            "arn:aws:s3:::*",
            "arn:aws:kms:*:*:key/*",
        ] {
            assert!(wide(all), "{all}");
        }
        for some in [
            "arn:aws:s3:::bucket/*",
            "arn:aws:s3:::bucket/*/x",
            "arn:aws:iam::111122223333:role/team/*",
            "arn:aws:iam::111122223333:role/app-*",
            "",
        ] {
            assert!(!wide(some), "{some}");
        }
    }

    #[test]
    fn accounts_of_principals() {
        assert_eq!(account("111122223333"), Some("111122223333"));
        assert_eq!(account("arn:aws:iam::111122223333:root"), Some("111122223333"));
        assert_eq!(account("arn:aws:iam::cloudfront:user/x"), None);
        assert_eq!(account("AIDAEXAMPLE"), None);
    }
}
