//! What an event must have for a rule to fit at all: texts of which at least one must be in a field.

use crate::condition::Expr;
use crate::literals;
use crate::rule::{Detection, Item};
use crate::subject::FieldId;
use crate::text::lower;
use crate::value::{Matcher, Place};

/// Shortest text that is worth looking for inside of others, in bytes.
const SHORTEST: usize = 2;
/// Most texts of which one must be there.
const ATOMS_MAX: usize = 4_096;
/// Most choices that are weighed for one rule.
const CHOICES_MAX: usize = 16;

/// A text in a field, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Atom {
    pub(crate) field: FieldId,
    /// The whole of a value, or a part of one.
    pub(crate) whole: bool,
    pub(crate) text: String,
}

/// Of each choice one atom must be there; any of the choices will do to look for. None where nothing can be told.
pub(crate) fn choices(detection: &Detection) -> Vec<Vec<Atom>> {
    of(&detection.condition, &detection.items)
}

fn of(expr: &Expr<usize>, items: &[Item]) -> Vec<Vec<Atom>> {
    match expr {
        Expr::Not(_) => Vec::new(),
        Expr::Is(item) => items.get(*item).map(of_item).unwrap_or_default(),
        Expr::All(parts) => {
            let mut all: Vec<Vec<Atom>> = parts.iter().flat_map(|part| of(part, items)).collect();
            all.sort_by_key(|choice| std::cmp::Reverse(worth(choice)));
            all.truncate(CHOICES_MAX);
            all
        }
        Expr::Any(parts) if parts.len() == 1 => parts.iter().flat_map(|part| of(part, items)).collect(),
        Expr::Any(parts) => {
            let mut union = Vec::new();
            for part in parts {
                match of(part, items).into_iter().max_by_key(|choice| worth(choice)) {
                    Some(best) if union.len() + best.len() <= ATOMS_MAX => union.extend(best),
                    _ => return Vec::new(),
                }
            }
            union.sort();
            union.dedup();
            vec![union]
        }
    }
}

/// How well a choice tells events apart before it is known how many rules speak of it.
fn worth(choice: &[Atom]) -> usize {
    let one = |atom: &Atom| atom.text.len() + if atom.whole { 8 } else { 0 };
    let least = choice.iter().map(one).min().unwrap_or_default();
    (least * 64).saturating_sub(choice.len())
}

fn of_item(item: &Item) -> Vec<Vec<Atom>> {
    if item.negated || item.exists.is_some() {
        return Vec::new();
    }
    let each = item.matchers.iter().map(|matcher| of_matcher(item.field, matcher));
    if item.all {
        return each.flatten().take(CHOICES_MAX).collect();
    }
    let mut union = Vec::new();
    for atoms in each {
        match atoms {
            Some(atoms) if union.len() + atoms.len() <= ATOMS_MAX => union.extend(atoms),
            _ => return Vec::new(),
        }
    }
    union.sort();
    union.dedup();
    if union.is_empty() { Vec::new() } else { vec![union] }
}

fn of_matcher(field: FieldId, matcher: &Matcher) -> Option<Vec<Atom>> {
    let part = |text: &str| {
        let text = lower(text).into_owned();
        (text.len() >= SHORTEST).then(|| vec![Atom { field, whole: false, text }])
    };
    match matcher {
        Matcher::Text { place: Place::Whole, text, .. } => {
            Some(vec![Atom { field, whole: true, text: lower(text).into_owned() }])
        }
        Matcher::Text { text, .. } => part(text),
        Matcher::Glob { glob, .. } => glob.texts().max_by_key(|text| text.len()).and_then(part),
        Matcher::Regex { regex, folded } => {
            let pattern = if *folded { format!("(?i){}", regex.as_str()) } else { regex.as_str().to_owned() };
            let texts = literals::of_regex(&pattern, SHORTEST)?;
            Some(texts.into_iter().map(|text| Atom { field, whole: false, text }).collect())
        }
        Matcher::Present
        | Matcher::Absent
        | Matcher::Compare(..)
        | Matcher::Network { .. }
        | Matcher::Reference { .. } => None,
    }
}
