//! Policy documents, read once. What AWS would refuse is no document: it is told of, and what it says counts as unknown.

use serde_json::{Map, Value};

use crate::aws::arn::{Arn, is_account, name};
use crate::aws::condition::Condition;
use crate::aws::glob::{PATTERN_BYTES_MAX, is_wild, lower, matches};

/// Most statements of a document. The longest policy that AWS takes has 20,480 characters.
const STATEMENTS_MAX: usize = 2_000;
/// Most actions, resources, principals and values of a document together.
const WORDS_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// An action or resource with wildcards.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    pub(crate) wild: bool,
    /// It has variables such as `${aws:username}`.
    pub(crate) variables: bool,
}

impl Pattern {
    fn of(text: &str) -> Self {
        Self { wild: is_wild(text), variables: text.contains("${"), text: text.to_owned() }
    }

    pub(crate) fn is_everything(&self) -> bool {
        !self.text.is_empty() && self.text.bytes().all(|byte| byte == b'*')
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        if self.wild { matches(&self.text, text) } else { self.text == text }
    }
}

/// Whom a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    Anyone,
    Account(String),
    /// A user or role by its ARN.
    Arn(String),
    /// Sessions of a role, by account and name of the role.
    Session(String, String),
    Service(String),
    Federated(String),
    /// A form that leads to nobody here: a deleted principal, a canonical user.
    Other,
}

impl Named {
    fn of(kind: &str, text: &str) -> Self {
        match kind {
            "Service" => Self::Service(text.to_owned()),
            "Federated" => Self::Federated(text.to_owned()),
            "AWS" if text == "*" => Self::Anyone,
            "AWS" if is_account(text) => Self::Account(text.to_owned()),
            "AWS" => match Arn::of(text) {
                Some(arn) if arn.service == "iam" && arn.resource == "root" => {
                    Self::Account(arn.account.to_owned())
                }
                Some(arn) if arn.service == "iam" => Self::Arn(text.to_owned()),
                Some(arn) if arn.service == "sts" && arn.resource.starts_with("assumed-role/") => {
                    let role = arn.resource.split('/').nth(1).unwrap_or_default();
                    Self::Session(arn.account.to_owned(), role.to_owned())
                }
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    /// Whether this is the role, by a session of it.
    pub(crate) fn is_session_of(&self, account: &str, role: &str) -> bool {
        matches!(self, Self::Session(own, session) if own == account && session == name(role))
    }
}

/// One statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    /// In small letters.
    pub(crate) actions: Vec<Pattern>,
    pub(crate) not_action: bool,
    pub(crate) resources: Vec<Pattern>,
    pub(crate) not_resource: bool,
    /// Only policies of resources have them.
    pub(crate) principals: Vec<Named>,
    pub(crate) not_principal: bool,
    pub(crate) conditions: Vec<Condition>,
}

impl Statement {
    /// Whether it is about this action, which is in small letters.
    pub(crate) fn has_action(&self, action: &str) -> bool {
        self.actions.iter().any(|pattern| pattern.matches(action)) != self.not_action
    }

    /// Whether it is about every resource.
    pub(crate) fn is_about_everything(&self) -> bool {
        !self.not_resource && self.resources.iter().any(Pattern::is_everything)
    }

    /// How many words it takes to compare it with a request.
    pub(crate) fn words(&self) -> usize {
        let values: usize = self.conditions.iter().map(|condition| condition.values.len() + 1).sum();
        self.resources.len() + values + 1
    }

    /// Whether its answer depends on who asks.
    pub(crate) fn is_personal(&self) -> bool {
        !self.conditions.is_empty() || self.resources.iter().any(|resource| resource.variables)
    }
}

/// The statements of a policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    pub(crate) statements: Vec<Statement>,
}

impl Document {
    /// Reads a document. The error is a sentence of what is odd.
    pub(crate) fn of(value: &Value) -> Result<Self, String> {
        let body = value.as_object().ok_or("a policy document is no object")?;
        let statements = match body.get("Statement") {
            Some(Value::Array(statements)) => statements.as_slice(),
            Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
            _ => return Err("a policy document has no statements".to_owned()),
        };
        if statements.len() > STATEMENTS_MAX {
            return Err(format!("a policy document has more than {STATEMENTS_MAX} statements"));
        }
        let mut words = 0;
        let statements: Result<Vec<Statement>, String> = statements
            .iter()
            .enumerate()
            .map(|(number, statement)| {
                let statement = statement.as_object().ok_or_else(|| "it is no object".to_owned());
                let read = statement.and_then(|statement| read_statement(statement, &mut words));
                read.map_err(|error| format!("statement {number} cannot be read: {error}"))
            })
            .collect();
        Ok(Self { statements: statements? })
    }

    /// What `AdministratorAccess` says, where its document was not collected.
    pub(crate) fn everything() -> Self {
        let everything = || vec![Pattern::of("*")];
        let statement = Statement {
            sid: None,
            effect: Effect::Allow,
            actions: everything(),
            not_action: false,
            resources: everything(),
            not_resource: false,
            principals: Vec::new(),
            not_principal: false,
            conditions: Vec::new(),
        };
        Self { statements: vec![statement] }
    }
}

fn read_statement(body: &Map<String, Value>, words: &mut usize) -> Result<Statement, String> {
    let effect = match body.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err("its effect is neither Allow nor Deny".to_owned()),
    };
    let (actions, not_action) = either(body, "Action", "NotAction", words)?;
    // Policies of trust and of some other resources have none: they are about the resource that has them.
    let (resources, not_resource) = either(body, "Resource", "NotResource", words)?;
    let actions = actions.ok_or("it has no actions")?;
    let (principals, not_principal) = match (body.get("Principal"), body.get("NotPrincipal")) {
        (Some(_), Some(_)) => return Err("it has Principal and NotPrincipal".to_owned()),
        (Some(named), None) => (read_principals(named, words)?, false),
        (None, Some(named)) => (read_principals(named, words)?, true),
        (None, None) => (Vec::new(), false),
    };
    Ok(Statement {
        sid: body.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()).map(str::to_owned),
        effect,
        actions: actions.iter().map(|action| Pattern::of(&lower(action))).collect(),
        not_action,
        resources: resources.map_or_else(
            || vec![Pattern::of("*")],
            |resources| resources.iter().map(|resource| Pattern::of(resource)).collect(),
        ),
        not_resource,
        principals,
        not_principal,
        conditions: read_conditions(body.get("Condition"), words)?,
    })
}

type Words<'a> = Option<Vec<&'a str>>;

fn either<'a>(
    body: &'a Map<String, Value>,
    key: &str,
    not: &str,
    words: &mut usize,
) -> Result<(Words<'a>, bool), String> {
    match (body.get(key), body.get(not)) {
        (Some(_), Some(_)) => Err(format!("it has {key} and {not}")),
        (Some(value), None) => Ok((Some(texts(value, words)?), false)),
        (None, Some(value)) => Ok((Some(texts(value, words)?), true)),
        (None, None) => Ok((None, false)),
    }
}

/// A text or a list of texts.
fn texts<'a>(value: &'a Value, words: &mut usize) -> Result<Vec<&'a str>, String> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    *words = words.saturating_add(list.len());
    if *words > WORDS_MAX {
        return Err(format!("the document has more than {WORDS_MAX} words"));
    }
    let text = |value: &'a Value| match value.as_str() {
        Some(text) if text.len() <= PATTERN_BYTES_MAX => Ok(text),
        Some(_) => Err(format!("a word has more than {PATTERN_BYTES_MAX} bytes")),
        None => Err("a word is no text".to_owned()),
    };
    list.iter().map(text).collect()
}

fn read_principals(value: &Value, words: &mut usize) -> Result<Vec<Named>, String> {
    match value {
        Value::String(text) if text == "*" => Ok(vec![Named::Anyone]),
        Value::Object(kinds) => {
            let mut named = Vec::new();
            for (kind, value) in kinds {
                named.extend(texts(value, words)?.into_iter().map(|text| Named::of(kind, text)));
            }
            Ok(named)
        }
        _ => Err("its principal is neither `*` nor an object".to_owned()),
    }
}

fn read_conditions(value: Option<&Value>, words: &mut usize) -> Result<Vec<Condition>, String> {
    let operators = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(operators)) => operators,
        Some(_) => return Err("its conditions are no object".to_owned()),
    };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let keys = keys.as_object().ok_or("a condition is no object")?;
        for (key, value) in keys {
            *words = words.saturating_add(1);
            let list = match value {
                Value::Array(list) => list.as_slice(),
                one => std::slice::from_ref(one),
            };
            *words = words.saturating_add(list.len());
            if *words > WORDS_MAX {
                return Err(format!("the document has more than {WORDS_MAX} words"));
            }
            let word = |value: &Value| match value {
                Value::String(text) if text.len() <= PATTERN_BYTES_MAX => Some(text.clone()),
                Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
                _ => None,
            };
            let values: Option<Vec<String>> = list.iter().map(word).collect();
            let values = values.ok_or("a value of a condition is no text, or too long")?;
            conditions.push(Condition::of(operator, key, values));
        }
    }
    Ok(conditions)
}
