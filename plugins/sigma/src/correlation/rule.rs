//! Correlations as they are written
//! (<https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html>).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value};

use crate::condition::{self, Expr};
use crate::rule::About;
use crate::text::shown;

/// Most rules that one correlation is about.
const RULES_MAX: usize = 32;
/// Most fields by which one correlation tells groups apart.
const GROUP_BY_MAX: usize = 8;
/// Longest time that a correlation looks back, in nanoseconds: 30 days.
const TIMESPAN_MAX: u64 = 30 * 86_400 * SECOND;
const SECOND: u64 = 1_000_000_000;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    EventCount,
    ValueCount,
    Temporal,
    TemporalOrdered,
}

/// When it is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Bounds {
    pub(crate) least: u64,
    /// A correlation that has one is judged when its window is over.
    pub(crate) most: Option<u64>,
    /// A count that is not meant.
    pub(crate) not: Option<u64>,
}

impl Bounds {
    pub(crate) fn hold(&self, count: u64) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most) && self.not != Some(count)
    }
}

/// A correlation.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub(crate) about: About,
    pub(crate) kind: Kind,
    /// Names or ids of what it is about.
    pub(crate) rules: Vec<String>,
    pub(crate) group_by: Vec<String>,
    /// By alias: by rule, the field.
    aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// Nanoseconds.
    pub(crate) timespan: u64,
    pub(crate) bounds: Bounds,
    /// Which of the rules, by place, for a temporal correlation that says more than "all of them".
    pub(crate) which: Option<Expr<usize>>,
    /// Whose values are counted.
    pub(crate) counted: Option<String>,
    /// The rules are told of by themselves too.
    pub(crate) generate: bool,
    /// Names its state: another definition has another.
    pub(crate) tag: String,
}

impl Correlation {
    /// Whether it is judged when its window is over, and not when there is enough.
    pub(crate) fn closes(&self) -> bool {
        matches!(self.kind, Kind::EventCount | Kind::ValueCount)
            && (self.bounds.most.is_some() || self.bounds.not.is_some())
    }

    /// The field that a rule has under a name of `group-by` or of the condition.
    pub(crate) fn field<'c>(&'c self, name: &'c str, rule: &About) -> &'c str {
        let alias = self.aliases.get(name);
        let own = alias.and_then(|by_rule| by_rule.iter().find(|(word, _)| rule.is(word)));
        own.map_or(name, |(_, field)| field)
    }

    pub(crate) fn read(document: &Map<String, Value>, about: About) -> Result<Self, String> {
        let Some(said) = document.get("correlation").and_then(Value::as_object) else {
            return Err("correlation is not a map".to_owned());
        };
        let kind = match said.get("type").and_then(Value::as_str).unwrap_or_default() {
            "event_count" => Kind::EventCount,
            "value_count" => Kind::ValueCount,
            "temporal" => Kind::Temporal,
            "temporal_ordered" => Kind::TemporalOrdered,
            other => {
                return Err(format!(
                    "the type {:?} is not known; event_count, value_count, temporal and temporal_ordered are",
                    shown(other)
                ));
            }
        };
        let rules = words(said.get("rules"), "rules", RULES_MAX)?;
        if rules.is_empty() {
            return Err("it names no rules".to_owned());
        }
        let group_by = words(said.get("group-by"), "group-by", GROUP_BY_MAX)?;
        let timespan = timespan(said.get("timespan").or_else(|| said.get("timeframe")))?;
        let aliases = aliases(said.get("aliases"))?;
        let of_rules = rules.len() as u64;
        let mut which = None;
        let mut counted = None;
        let bounds = match (kind, said.get("condition")) {
            (Kind::Temporal, Some(Value::String(text))) => {
                which = Some(expression(text, &rules)?);
                Bounds { least: 1, most: None, not: None }
            }
            (Kind::Temporal | Kind::TemporalOrdered, None) => {
                Bounds { least: of_rules, most: None, not: None }
            }
            (Kind::EventCount | Kind::ValueCount, None) => return Err("it has no condition".to_owned()),
            (_, Some(Value::Object(condition))) => {
                counted = condition.get("field").and_then(Value::as_str).map(str::to_owned);
                bounds(condition)?
            }
            _ => return Err("the condition is not a map".to_owned()),
        };
        if kind == Kind::ValueCount && counted.is_none() {
            return Err("a value_count needs condition.field".to_owned());
        }
        if matches!(kind, Kind::Temporal | Kind::TemporalOrdered)
            && (bounds.most.is_some() || bounds.not.is_some())
        {
            return Err("a temporal correlation knows gte and gt alone".to_owned());
        }
        if kind == Kind::TemporalOrdered && bounds.least != of_rules {
            return Err("a temporal_ordered correlation needs all of its rules".to_owned());
        }
        let generate = said.get("generate").or_else(|| document.get("generate"));
        let generate = generate.and_then(Value::as_bool).unwrap_or(false);
        let mut hasher = DefaultHasher::new();
        (kind, &rules, &group_by, &aliases, timespan, bounds, &counted).hash(&mut hasher);
        said.get("condition").map(Value::to_string).hash(&mut hasher);
        let word: String =
            about.name.chars().take(40).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let tag = format!("{word}-{:08x}", hasher.finish() as u32);
        Ok(Self { about, kind, rules, group_by, aliases, timespan, bounds, which, counted, generate, tag })
    }
}

fn words(value: Option<&Value>, what: &str, most: usize) -> Result<Vec<String>, String> {
    let one = value.and_then(Value::as_str).map(|word| vec![word.to_owned()]);
    let words = match (one, value) {
        (Some(one), _) => one,
        (None, None | Some(Value::Null)) => Vec::new(),
        (None, Some(Value::Array(items))) if items.len() <= most => items
            .iter()
            .map(|item| {
                item.as_str().map(str::to_owned).ok_or_else(|| format!("{what} is not a list of names"))
            })
            .collect::<Result<_, _>>()?,
        (None, Some(Value::Array(items))) => {
            return Err(format!("{what} has {} names; at most {most} are allowed", items.len()));
        }
        _ => return Err(format!("{what} is not a list of names")),
    };
    Ok(words)
}

fn aliases(value: Option<&Value>) -> Result<BTreeMap<String, BTreeMap<String, String>>, String> {
    let Some(value) = value else { return Ok(BTreeMap::new()) };
    let read: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_value(value.clone()).map_err(|_| "aliases is not a map of maps".to_owned())?;
    if read.len() > GROUP_BY_MAX { Err("aliases has too many names".to_owned()) } else { Ok(read) }
}

/// `30s`, `5m`, `2h`, `1d`.
fn timespan(value: Option<&Value>) -> Result<u64, String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let wrong = || format!("the timespan {:?} is none such as 30s, 5m, 2h or 1d", shown(text));
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let nanoseconds = number.checked_mul(unit * SECOND).ok_or_else(wrong)?;
    if nanoseconds == 0 || nanoseconds > TIMESPAN_MAX {
        return Err(format!("the timespan {:?} is not between a second and 30 days", shown(text)));
    }
    Ok(nanoseconds)
}

fn bounds(condition: &Map<String, Value>) -> Result<Bounds, String> {
    let mut bounds = Bounds { least: 0, most: None, not: None };
    for (key, value) in condition {
        if key == "field" {
            continue;
        }
        let number =
            value.as_u64().ok_or_else(|| format!("the condition's {:?} is no whole number", shown(key)))?;
        let most = |number: u64| Some(bounds.most.map_or(number, |most| most.min(number)));
        match key.as_str() {
            "gte" => bounds.least = bounds.least.max(number),
            "gt" => bounds.least = bounds.least.max(number.saturating_add(1)),
            "lte" => bounds.most = most(number),
            "lt" => bounds.most = most(number.checked_sub(1).ok_or("nothing is less than 0")?),
            "eq" => {
                bounds.least = bounds.least.max(number);
                bounds.most = most(number);
            }
            "neq" => bounds.not = Some(number),
            other => return Err(format!("the condition's {:?} is not known", shown(other))),
        }
    }
    if bounds == (Bounds { least: 0, most: None, not: None }) {
        return Err("the condition says nothing".to_owned());
    }
    if bounds.most.is_some_and(|most| most < bounds.least) {
        return Err("the condition can never hold".to_owned());
    }
    // Groups are known by what happened in them; nothing happened in a group that nobody knows of.
    bounds.least = bounds.least.max(1);
    Ok(bounds)
}

fn expression(text: &str, rules: &[String]) -> Result<Expr<usize>, String> {
    let names: Vec<&str> = rules.iter().map(String::as_str).collect();
    condition::parse(text, &names, &mut |word| {
        let place = rules.iter().position(|rule| rule == word);
        place
            .map(Expr::Is)
            .ok_or_else(|| format!("the condition speaks of {:?}, which is not among the rules", shown(word)))
    })
}
